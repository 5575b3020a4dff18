//! The day a session is of, and the midnight its times count from.
//!
//! Messages carry nanoseconds since midnight in New York and no date: the caller gives it. Source
//! of the rule: Energy Policy Act of 2005, section 110 (15 U.S.C. 260a): from 2007 on, daylight
//! time holds from the second Sunday of March to the first Sunday of November, changing at 2:00.

use tezi_model::{IST_OFFSET_NS, Nanos};

const NANOS_PER_HOUR: i64 = 3_600_000_000_000;
const NANOS_PER_DAY: i64 = 24 * NANOS_PER_HOUR;

/// A date in New York, 2007 to 2199.
///
/// ```
/// use tezi_feed_handler::wire::itch::SessionDate;
/// let date = SessionDate::new(2019, 12, 30).unwrap();
/// assert_eq!(date.midnight().0, 1_577_682_000_000_000_000); // 05:00 UTC
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionDate {
    year: i64,
    month: i64,
    day: i64,
}

impl SessionDate {
    /// A date of the Gregorian calendar; `None` when there is no such day, or before the rule
    /// above.
    #[must_use]
    pub const fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        let is_known = 2007 <= year && year <= 2199 && 1 <= month && month <= 12;
        if is_known && 1 <= day && day <= days_in_month(year, month) {
            Some(Self { year, month, day })
        } else {
            None
        }
    }

    /// The date of `YYYY-MM-DD` or `YYYYMMDD`, `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<i64> =
            text.bytes().filter(u8::is_ascii_digit).map(|digit| i64::from(digit - b'0')).collect();
        let bytes = text.as_bytes();
        let is_dashed = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        if digits.len() != 8 || !(is_dashed || bytes.len() == 8) {
            return None;
        }
        let number = |digits: &[i64]| digits.iter().fold(0, |number, digit| number * 10 + digit);
        Self::new(number(&digits[..4]), number(&digits[4..6]), number(&digits[6..]))
    }

    /// The midnight the day begins with in New York, UTC.
    ///
    /// On the two Sundays a year when clocks change, times after 2:00 are an hour off if the
    /// exchange counts by the wall clock. There is no session on a Sunday.
    #[must_use]
    pub const fn midnight(self) -> Nanos {
        let hours = if self.is_daylight_at_midnight() { 4 } else { 5 };
        utc_midnight(self.year, self.month, self.day).plus(hours * NANOS_PER_HOUR)
    }

    /// The date in New York at a time; `None` outside the years of the rule.
    #[must_use]
    pub const fn at(time: Nanos) -> Option<Self> {
        // The wall clock is four hours behind UTC or five: the later date counts once its midnight
        // has come.
        let Some(date) = Self::of_utc(time.plus(-4 * NANOS_PER_HOUR)) else { return None };
        if date.midnight().0 <= time.0 {
            return Some(date);
        }
        Self::of_utc(time.plus(-5 * NANOS_PER_HOUR))
    }

    /// The midnight the same date begins with in India, UTC.
    #[must_use]
    pub const fn midnight_in_india(self) -> Nanos {
        Nanos::from_ist(self.year, self.month, self.day, 0, 0, 0)
    }

    const fn of_utc(time: Nanos) -> Option<Self> {
        let (year, month, day) = time.plus(-IST_OFFSET_NS).ist_date();
        Self::new(year, month, day)
    }

    const fn is_daylight_at_midnight(self) -> bool {
        match self.month {
            // On the day of the change itself, midnight is before it.
            3 => self.day > first_sunday(self.year, 3) + 7,
            4..=10 => true,
            11 => self.day <= first_sunday(self.year, 11),
            _ => false,
        }
    }
}

/// Midnight UTC of a date.
const fn utc_midnight(year: i64, month: i64, day: i64) -> Nanos {
    Nanos::from_ist(year, month, day, 0, 0, 0).plus(IST_OFFSET_NS)
}

/// The day of the month's first Sunday.
const fn first_sunday(year: i64, month: i64) -> i64 {
    let days = utc_midnight(year, month, 1).0.div_euclid(NANOS_PER_DAY);
    let weekday = (days + 4).rem_euclid(7); // 1970-01-01 was a Thursday; Sunday is 0
    1 + (7 - weekday) % 7
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours that New York is behind UTC at the midnight a date begins with.
    fn hours_behind(year: i64, month: i64, day: i64) -> i64 {
        let midnight = SessionDate::new(year, month, day).unwrap().midnight();
        midnight.since(utc_midnight(year, month, day)) / NANOS_PER_HOUR
    }

    #[test]
    fn daylight_time_holds_between_the_second_sunday_of_march_and_the_first_of_november() {
        // The Sundays of the change: (year, March, November).
        let changes = [
            (2007, 11, 4),
            (2015, 8, 1),
            (2019, 10, 3),
            (2020, 8, 1),
            (2023, 12, 5),
            (2024, 10, 3),
            (2026, 8, 1),
            (2027, 14, 7),
        ];
        for (year, march, november) in changes {
            assert_eq!(hours_behind(year, 3, march), 5, "{year}: the change is after midnight");
            assert_eq!(hours_behind(year, 3, march + 1), 4, "{year}");
            assert_eq!(hours_behind(year, 11, november), 4, "{year}: the change is after midnight");
            assert_eq!(hours_behind(year, 11, november + 1), 5, "{year}");
            assert_eq!((hours_behind(year, 1, 2), hours_behind(year, 7, 1)), (5, 4));
            assert_eq!((hours_behind(year, 2, 28), hours_behind(year, 12, 31)), (5, 5));
        }
    }

    #[test]
    fn midnights_are_those_of_the_calendar() {
        let midnight = |y, m, d| SessionDate::new(y, m, d).unwrap().midnight().0 / 1_000_000_000;
        assert_eq!(midnight(2023, 8, 22), 1_692_676_800); // 04:00 UTC
        assert_eq!(midnight(2019, 12, 30), 1_577_682_000); // 05:00 UTC
    }

    #[test]
    fn a_time_is_of_the_date_whose_midnight_came_last() {
        for (y, m, d) in [(2019, 12, 30), (2023, 8, 22), (2026, 3, 8), (2026, 11, 1), (2027, 1, 1)]
        {
            let date = SessionDate::new(y, m, d).unwrap();
            let midnight = date.midnight();
            assert_eq!(SessionDate::at(midnight), Some(date));
            assert_eq!(SessionDate::at(midnight.plus(23 * NANOS_PER_HOUR - 1)), Some(date));
            assert!(SessionDate::at(midnight.plus(-1)).unwrap() < date);
        }
        assert_eq!(SessionDate::at(Nanos::ZERO), None);
        let date = SessionDate::new(2026, 9, 21).unwrap();
        assert_eq!(date.midnight_in_india(), Nanos::from_ist(2026, 9, 21, 0, 0, 0));
    }

    #[test]
    fn only_days_that_exist_are_dates() {
        for (y, m, d) in [(2006, 12, 31), (2200, 1, 1), (2023, 2, 29), (2100, 2, 29), (2023, 4, 31)]
        {
            assert_eq!(SessionDate::new(y, m, d), None);
        }
        for (y, m, d) in [(2023, 0, 1), (2023, 13, 1), (2023, 1, 0), (2023, 1, 32)] {
            assert_eq!(SessionDate::new(y, m, d), None);
        }
        assert!(SessionDate::new(2024, 2, 29).is_some());
        assert_eq!(SessionDate::parse("2019-12-30"), SessionDate::new(2019, 12, 30));
        assert_eq!(SessionDate::parse("20191230"), SessionDate::new(2019, 12, 30));
        for text in
            ["", "2019-12-3", "2019/12/30", "2019-1230", "20191x30", "2019-13-01", "é0191230"]
        {
            assert_eq!(SessionDate::parse(text), None, "{text}");
        }
    }
}
