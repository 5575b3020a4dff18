//! Numbers as people and programs read them.

use tezi::model::{Money, Nanos, Px};

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Money as a decimal number of rupees, exact, with at least two decimals.
pub(crate) fn rupees(money: Money) -> String {
    let scale = u128::from(Px::SCALE.unsigned_abs());
    let units = money.0.unsigned_abs();
    let sign = if money.0 < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:08}", units / scale, units % scale);
    let (kept, rest) = text.split_at(text.len() - 6);
    format!("{kept}{}", rest.trim_end_matches('0'))
}

/// A price in rupees, or nothing where it is not known.
pub(crate) fn price(price: Option<Px>) -> Option<String> {
    price.map(|price| price.to_string())
}

/// Date and wall clock in India, to the nanosecond; a dash for a time that is not known.
pub(crate) fn date_time(time: Nanos) -> String {
    if time == Nanos::ZERO { "-".into() } else { time.to_string() }
}

/// The wall clock in India without the date.
pub(crate) fn wall_clock(time: Nanos) -> String {
    let text = date_time(time);
    text.split_once(' ').map_or(text.clone(), |(_, clock)| clock.to_string())
}

/// A state hash as reports print it.
pub(crate) fn hash(hash: u64) -> String {
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_and_has_two_decimals_at_least() {
        let cases = [
            (0, "0.00"),
            (Px::SCALE.into(), "1.00"),
            (-1, "-0.00000001"),
            (123_456_789_012_345_600, "1234567890.123456"),
            (-150_000_000, "-1.50"),
        ];
        for (units, text) in cases {
            assert_eq!(rupees(Money(units)), text);
        }
    }

    #[test]
    fn times_are_those_of_india() {
        let open = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
        assert_eq!(date_time(open), "2026-09-21 09:15:00.000000000");
        assert_eq!(wall_clock(open), "09:15:00.000000000");
        assert_eq!([date_time(Nanos::ZERO), wall_clock(Nanos::ZERO)], ["-", "-"]);
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
