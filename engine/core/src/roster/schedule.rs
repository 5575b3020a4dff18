//! The hours a strategy trades in.

use tezi_model::{IST_OFFSET_NS, Nanos};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// From when to when a strategy trades each day: times of day in India, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: i64,
    to: i64,
}

/// Why hours cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoursError {
    /// Not `HH:MM..HH:MM`, seconds optional.
    Form,
    /// They end before they begin.
    Order,
}

impl core::fmt::Display for HoursError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "hours are HH:MM..HH:MM in Indian time, seconds optional (09:20..15:15:30)"
            }
            Self::Order => "hours end after they begin, on the same day",
        })
    }
}

impl core::error::Error for HoursError {}

impl Hours {
    /// Reads `HH:MM..HH:MM`, seconds optional.
    ///
    /// # Errors
    ///
    /// [`HoursError`].
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let (from, to) = text.split_once("..").ok_or(HoursError::Form)?;
        let time = |text| time_of_day(text).ok_or(HoursError::Form);
        let (from, to) = (time(from)?, time(to)?);
        if from < to { Ok(Self { from, to }) } else { Err(HoursError::Order) }
    }

    /// Beginning and end on the day of `now`.
    pub(super) const fn on_day_of(&self, now: Nanos) -> (Nanos, Nanos) {
        let local = now.0 + IST_OFFSET_NS;
        let midnight = local - local.rem_euclid(NANOS_PER_DAY) - IST_OFFSET_NS;
        (Nanos(midnight + self.from), Nanos(midnight + self.to))
    }
}

impl core::fmt::Display for Hours {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let word = |at: i64| {
            let seconds = at / NANOS_PER_SECOND;
            (seconds / 3600, seconds / 60 % 60, seconds % 60)
        };
        let ((h, m, s), (to_h, to_m, to_s)) = (word(self.from), word(self.to));
        write!(f, "{h:02}:{m:02}:{s:02}..{to_h:02}:{to_m:02}:{to_s:02}")
    }
}

/// Nanoseconds since midnight; 24:00 is an end of a day.
fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut next = |most: i64| {
        let part = parts.next()?;
        let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>().ok().filter(|value| is_plain && *value <= most)
    };
    let (hours, minutes) = (next(24)?, next(59)?);
    let seconds = if text.len() > 5 { next(59)? } else { 0 };
    let at = (hours * 3600 + minutes * 60 + seconds) * NANOS_PER_SECOND;
    (parts.next().is_none() && at <= NANOS_PER_DAY).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_written_and_placed_on_a_day() {
        let hours = Hours::parse("09:20..15:15:30").unwrap();
        assert_eq!(hours.to_string(), "09:20:00..15:15:30");
        assert_eq!(Hours::parse(&hours.to_string()), Ok(hours));
        // 2026-11-23 10:00 in India is 04:30 UTC.
        let ten = Nanos(1_795_408_200_000_000_000);
        let (from, to) = hours.on_day_of(ten);
        assert_eq!((ten.0 - from.0) / NANOS_PER_SECOND, 40 * 60);
        assert_eq!((to.0 - ten.0) / NANOS_PER_SECOND, 5 * 3600 + 15 * 60 + 30);
        // Just after midnight in India it is another day there, not yet in UTC.
        let night = Nanos(ten.0 + 14 * 3600 * NANOS_PER_SECOND);
        assert_eq!(hours.on_day_of(night).0, Nanos(from.0 + NANOS_PER_DAY));
        assert!(Hours::parse("00:00..24:00").is_ok());
    }

    #[test]
    fn what_are_no_hours_is_refused() {
        for text in ["", "09:20", "9:20..15:15", "09:20..15:60", "09:20..24:01", "09:20:..15:15"] {
            assert_eq!(Hours::parse(text), Err(HoursError::Form), "{text}");
        }
        for text in ["09:20..15:15:30:10", "+9:20..15:15", "09:20...15:15"] {
            assert_eq!(Hours::parse(text), Err(HoursError::Form), "{text}");
        }
        assert_eq!(Hours::parse("15:15..15:15"), Err(HoursError::Order));
    }
}
