//! Fractions and price widths as integers, and the decimals that rule files write them in.

use core::fmt;

use tezi_model::Px;

/// A fraction: of a price, of a value. Units: 10⁻¹², fine enough for a levy of one paisa in a crore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub i64);

impl Rate {
    /// Units in the fraction 1 (100 %).
    pub const ONE: i64 = 1_000_000_000_000;

    /// The rate of a number of basis points.
    #[must_use]
    pub const fn from_bps(bps: i64) -> Self {
        Self(bps * (Self::ONE / 10_000))
    }

    /// This fraction of `price`, cut towards zero at 10⁻⁸ rupee; out of range it saturates.
    #[inline]
    #[must_use]
    pub const fn of(self, price: Px) -> Px {
        let part = price.0 as i128 * self.0 as i128 / Self::ONE as i128;
        if part > i64::MAX as i128 {
            Px(i64::MAX)
        } else if part < i64::MIN as i128 {
            Px(i64::MIN)
        } else {
            Px(part as i64)
        }
    }

    /// Reads a fraction (`0.0005`) or a percentage (`0.05%`); `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => parse_decimal(percent, 10).map(Self),
            None => parse_decimal(text, 12).map(Self),
        }
    }
}

impl fmt::Display for Rate {
    /// A percentage with as many decimals as it needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let percent = Self::ONE.unsigned_abs() / 100;
        let (whole, rest) = (self.0.unsigned_abs() / percent, self.0.unsigned_abs() % percent);
        let text = format!("{sign}{whole}.{rest:010}");
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A distance from a price: a fraction of it, but never less than a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// The fraction of the price.
    pub rate: Rate,
    /// The least width.
    pub min: Px,
}

impl Width {
    /// The width around `price`.
    #[inline]
    #[must_use]
    pub fn of(self, price: Px) -> Px {
        self.rate.of(price).max(self.min)
    }

    /// Reads `40%` or `40%;min=20` (rupees); `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (rate, min) = match text.split_once(";min=") {
            Some((rate, min)) => (rate, parse_px(min)?),
            None => (text, Px::ZERO),
        };
        let rate = Rate::parse(rate).filter(|rate| rate.0 >= 0)?;
        (min >= Px::ZERO).then_some(Self { rate, min })
    }
}

/// Reads rupees with up to eight decimals.
pub(crate) fn parse_px(text: &str) -> Option<Px> {
    parse_decimal(text, 8).map(Px)
}

/// Reads a decimal number as an integer of 10^-`places`; `None` when it is malformed, finer than
/// that, or does not fit.
pub(crate) fn parse_decimal(text: &str, places: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let places_given = u32::try_from(rest.len()).ok()?;
    if !plain(whole) || !plain(rest) || (digits.contains('.') && places_given > places) {
        return None;
    }
    let whole = whole.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(places)?)?;
    let rest = match places.checked_sub(places_given) {
        Some(missing) => rest.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(missing)?)?,
        None => 0,
    };
    let value = whole.checked_add(rest)?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        let cases = [("0", 0, Some(0)), ("12", 0, Some(12)), ("1.5", 8, Some(150_000_000))];
        for (text, places, value) in cases {
            assert_eq!(parse_decimal(text, places), value, "{text}");
        }
        assert_eq!(parse_decimal("-0.00000001", 8), Some(-1));
        for text in ["", ".5", "5.", "1.000000001", "1,000", "1e3", "--1", "+1", "92233720369"] {
            assert_eq!(parse_decimal(text, 8), None, "{text}");
        }
        assert_eq!(parse_decimal("1.0", 0), None);
    }

    #[test]
    fn rates_read_and_print_as_percentages() {
        for (text, units, printed) in [
            ("10%", 100_000_000_000, "10%"),
            ("0.0005", 500_000_000, "0.05%"),
            ("0.0000001%", 1_000, "0.0000001%"),
            ("-2.5%", -25_000_000_000, "-2.5%"),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.0, rate.to_string().as_str()), (units, printed));
        }
        assert_eq!(Rate::parse("10 %"), None);
        assert_eq!(Rate::parse("%"), None);
        assert_eq!(Rate::from_bps(250), Rate::parse("2.5%").unwrap());
        assert_eq!(Rate::parse("10%").unwrap().of(Px(i64::MAX)), Px(i64::MAX / 10));
        assert_eq!(Rate(i64::MAX).of(Px(i64::MAX)), Px(i64::MAX));
    }

    #[test]
    fn a_width_is_a_fraction_with_a_floor() {
        let width = Width::parse("40%;min=20").unwrap();
        for (price, expected) in [(10, 20), (50, 20), (51, 0), (1_000, 400)] {
            let rupees = |rupees: i64| Px(rupees * Px::SCALE);
            let expected = if expected == 0 { Px::from_paise(2_040) } else { rupees(expected) };
            assert_eq!(width.of(rupees(price)), expected);
        }
        for text in ["-1%", "40%;min=-1", "40%;min=", "40%;max=20", ""] {
            assert_eq!(Width::parse(text), None, "{text}");
        }
    }
}
