//! Dates and times of day as the exchange's circulars write them: Indian, to the second.

use core::fmt;

use tezi_model::{IST_OFFSET_NS, Nanos};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Weekday {
    /// Monday.
    Monday = 0,
    /// Tuesday.
    Tuesday = 1,
    /// Wednesday.
    Wednesday = 2,
    /// Thursday.
    Thursday = 3,
    /// Friday.
    Friday = 4,
    /// Saturday.
    Saturday = 5,
    /// Sunday.
    Sunday = 6,
}

impl Weekday {
    /// All of them, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Three capital letters, `TUE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monday => "MON",
            Self::Tuesday => "TUE",
            Self::Wednesday => "WED",
            Self::Thursday => "THU",
            Self::Friday => "FRI",
            Self::Saturday => "SAT",
            Self::Sunday => "SUN",
        }
    }

    /// Whether no exchange opens on it without a special session.
    #[must_use]
    pub const fn is_weekend(self) -> bool {
        matches!(self, Self::Saturday | Self::Sunday)
    }
}

/// A date in India. Units: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// Before every other date: a row that has always been in force starts here.
    pub const MIN: Self = Self(i32::MIN);
    /// After every other date: a row still in force ends here.
    pub const MAX: Self = Self(i32::MAX);

    /// The date of a year from 1900 to 2199, a month and a day counted from 1; `None` when the
    /// calendar has no such day.
    #[must_use]
    pub const fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        if year < 1900 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 31 {
            return None;
        }
        let date = Self::of(Nanos::from_ist(year, month, day, 0, 0, 0));
        // A day past the end of its month comes back as one of the next.
        if date.civil().2 == day { Some(date) } else { None }
    }

    /// The date in India at a point in time.
    #[must_use]
    pub const fn of(time: Nanos) -> Self {
        // At most 107,000 days either way: nanoseconds in 64 bits hold 292 years.
        Self(time.0.saturating_add(IST_OFFSET_NS).div_euclid(NANOS_PER_DAY) as i32)
    }

    /// Reads `YYYY-MM-DD`, `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |part: Option<&str>| {
            part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?.parse::<i64>().ok()
        };
        Self::new(number(text.get(..4))?, number(text.get(5..7))?, number(text.get(8..))?)
    }

    /// Year, month and day.
    #[must_use]
    pub const fn civil(self) -> (i64, i64, i64) {
        self.midnight().ist_date()
    }

    /// The day of the week.
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        Weekday::ALL[(self.0 as i64 + 3).rem_euclid(7) as usize]
    }

    /// The date `days` later; earlier when negative.
    #[must_use]
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// A time of this day.
    #[must_use]
    pub const fn at(self, time: TimeOfDay) -> Nanos {
        self.midnight().plus(time.0 as i64 * NANOS_PER_SECOND)
    }

    /// The start of the day. Dates beyond the range of [`Nanos`] give its ends.
    #[must_use]
    pub const fn midnight(self) -> Nanos {
        Nanos((self.0 as i64).saturating_mul(NANOS_PER_DAY).saturating_sub(IST_OFFSET_NS))
    }

    /// The day of a number, counted from 1970-01-01.
    #[must_use]
    pub const fn of_number(number: i32) -> Self {
        Self(number)
    }

    /// The day's number, for seeds, hashes and records: days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Date {
    /// `YYYY-MM-DD`; `always` for the two ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MIN || *self == Self::MAX {
            return f.pad("always");
        }
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A time of the Indian day. Units: seconds since midnight, up to 24:00:00.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// The time of an hour and a minute; `None` past 24:00.
    #[must_use]
    pub const fn new(hour: u32, minute: u32, second: u32) -> Option<Self> {
        if minute > 59 || second > 59 || hour > 24 || (hour == 24 && minute + second > 0) {
            return None;
        }
        Some(Self(hour * 3600 + minute * 60 + second))
    }

    /// The wall clock in India at a point in time, fractions of a second dropped.
    #[must_use]
    pub const fn of(time: Nanos) -> Self {
        let local = time.0.saturating_add(IST_OFFSET_NS).rem_euclid(NANOS_PER_DAY);
        Self((local / NANOS_PER_SECOND) as u32)
    }

    /// Reads `HH:MM` or `HH:MM:SS`, `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(|part| {
            let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        });
        let (hour, minute) = (parts.next()??, parts.next()??);
        let second = parts.next().unwrap_or(Some(0))?;
        if parts.next().is_some() { None } else { Self::new(hour, minute, second) }
    }

    /// Seconds since midnight.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.0 / 3600, self.0 / 60 % 60, self.0 % 60)
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_strictly_and_written_back() {
        for text in ["2026-08-03", "2024-02-29", "1900-01-01"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        let bad =
            ["2026-02-29", "2026-13-01", "2026-8-3", "2026-08-32", "+026-08-03", "", "२०२६-०"];
        for text in bad {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        let date = Date::parse("2026-09-07").unwrap();
        assert_eq!(date.weekday(), Weekday::Monday);
        assert_eq!(date.plus_days(-1).weekday(), Weekday::Sunday);
    }

    #[test]
    fn times_of_day_are_read_strictly_and_stand_in_the_indian_day() {
        let time = TimeOfDay::parse("15:10").unwrap();
        assert_eq!((time.to_string(), time.seconds()), ("15:10:00".to_string(), 54_600));
        assert_eq!(TimeOfDay::parse("24:00:00").map(TimeOfDay::seconds), Some(86_400));
        for text in ["24:01", "9:15", "09:60", "09:15:00:00", "09", "", "-9:15", "09:15:"] {
            assert_eq!(TimeOfDay::parse(text), None, "{text}");
        }
        let at = Date::parse("2026-08-03").unwrap().at(time);
        assert_eq!(at, Nanos::from_ist(2026, 8, 3, 15, 10, 0));
        assert_eq!((Date::of(at).to_string(), TimeOfDay::of(at)), ("2026-08-03".into(), time));
        assert_eq!(Date::of(at.plus(-54_600_000_000_001)).to_string(), "2026-08-02");
    }
}
