//! Times of day as people name them: by the clock of India, as in `tezi journal dump`.

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Reads a time of day as nanoseconds since midnight.
pub(super) fn time_of_day(text: &str) -> Result<i64, String> {
    parse(text).ok_or_else(|| "a time of day is needed, as in 10:31:07 or 10:31:07.123".into())
}

fn parse(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let mut parts = whole.split(':');
    let mut seconds = 0;
    for bound in [24, 60, 60] {
        let part = parts.next().filter(|part| is_digits(part) && part.len() <= 2)?;
        let number: i64 = part.parse().ok().filter(|number| *number < bound)?;
        seconds = seconds * 60 + number;
    }
    if parts.next().is_some() || !is_digits(fraction) || 9 < fraction.len() {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some(seconds * NANOS_PER_SECOND + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read_to_the_nanosecond() {
        assert_eq!(time_of_day("00:00:00"), Ok(0));
        assert_eq!(time_of_day("9:15:00"), Ok(33_300 * NANOS_PER_SECOND));
        assert_eq!(time_of_day("10:31:07.123"), Ok(37_867_123_000_000));
        assert_eq!(time_of_day("23:59:59.999999999"), Ok(86_399_999_999_999));
        let bad = ["", "10:31", "24:00:00", "1:60:00", "1:2:60", "1:2:3:4", "1:2:3.", "a:b:c"];
        for bad in bad.into_iter().chain(["+1:2:3", "1:2:3.1234567890", "1:2:3.-1", "001:2:3"]) {
            assert!(time_of_day(bad).is_err(), "{bad}");
        }
    }
}
