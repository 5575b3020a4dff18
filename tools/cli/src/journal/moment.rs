//! Moments of a session, as people name them: by the clock of India, without the day.

use tezi::model::{IST_OFFSET_NS, Nanos};

/// Reads a time of day as nanoseconds since midnight.
pub(crate) fn time_of_day(text: &str) -> Result<i64, String> {
    let wrong = || "a time of day is needed, as in 10:31:07 or 10:31:07.123".to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = whole.split(':').map(|part| part.parse::<u32>().ok());
    let (Some(Some(hours)), Some(Some(minutes)), Some(Some(seconds)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if 24 <= hours || 60 <= minutes || 60 <= seconds || !is_fraction || 9 < fraction.len() {
        return Err(wrong());
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    let seconds = i64::from(hours * 3_600 + minutes * 60 + seconds);
    Ok(seconds * 1_000_000_000 + nanos)
}

/// The time of day of a record.
pub(super) fn of(time: Nanos) -> i64 {
    const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;
    time.plus(IST_OFFSET_NS).0.rem_euclid(NANOS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read_to_the_nanosecond() {
        assert_eq!(time_of_day("00:00:00"), Ok(0));
        assert_eq!(time_of_day("10:31:07.123"), Ok(37_867_123_000_000));
        assert_eq!(time_of_day("23:59:59.999999999"), Ok(86_399_999_999_999));
        for bad in ["", "10:31", "24:00:00", "1:60:00", "1:2:60", "1:2:3:4", "1:2:3.", "a:b:c"] {
            assert!(time_of_day(bad).is_err(), "{bad}");
        }
        assert!(time_of_day("1:2:3.1234567890").is_err() && time_of_day("1:2:3.-1").is_err());
    }
}
