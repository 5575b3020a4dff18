//! The values a scenario is written in: prices in rupees, dates, times of day, lengths of time.
//!
//! Each reads itself from its text, so that what is malformed is refused with its line.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use tezi_core::venue::{Date, TimeOfDay};
use tezi_model::{Nanos, Px};

/// A price, written `24500`, `24500.05` or in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rupees(pub Px);

/// Reads rupees with at most two decimals.
fn parse_rupees(text: &str) -> Option<Px> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 2 {
        return None;
    }
    let paise: i64 = format!("{part:0<2}").parse().ok()?;
    let rupees: i64 = whole.parse().ok()?;
    rupees.checked_mul(100)?.checked_add(paise).map(Px::from_paise)
}

struct RupeesVisitor;

impl Visitor<'_> for RupeesVisitor {
    type Value = Rupees;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rupees with at most two decimals, 24500.05")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Rupees, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Rupees, E> {
        // The shortest text of a double is the one that was written, for so few digits.
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rupees, E> {
        let price = parse_rupees(text);
        price.map(Rupees).ok_or_else(|| E::custom(format!("{text:?} is no price in rupees")))
    }
}

impl<'de> Deserialize<'de> for Rupees {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RupeesVisitor)
    }
}

macro_rules! from_text {
    ($(#[$doc:meta])* $name:ident($inner:ty), $expected:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(pub $inner);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let parse: fn(&str) -> Option<$inner> = $parse;
                parse(&text).map(Self).ok_or_else(|| format!("{text:?} is no {}", $expected))
            }
        }
    };
}

from_text! {
    /// A day, `2026-11-20`.
    Day(Date), "date as 2026-11-20", Date::parse
}

from_text! {
    /// A time of the day in India, `09:15` or `09:15:30`.
    Clock(TimeOfDay), "time as 09:15:30", TimeOfDay::parse
}

from_text! {
    /// A length of time in nanoseconds: `250us`, `3ms`, `2s`, `1m`.
    Length(i64), "length of time as 250us, 3ms, 2s or 1m", parse_length
}

from_text! {
    /// When a contract expires: a day, at 15:30, or a day and a time.
    Expiry(Nanos), "expiry as 2026-11-24 or 2026-11-24 14:30", parse_expiry
}

fn parse_length(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 5] =
        [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000)];
    UNITS.iter().find_map(|(unit, nanos)| {
        let number = text.strip_suffix(unit)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number.parse::<i64>().ok()?.checked_mul(*nanos)).flatten()
    })
}

fn parse_expiry(text: &str) -> Option<Nanos> {
    let (date, time) = text.split_once(' ').unwrap_or((text, "15:30"));
    Some(Date::parse(date)?.at(TimeOfDay::parse(time)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_strictly() {
        for (text, paise) in [("24500", 2_450_000), ("0.05", 5), ("24500.5", 2_450_050)] {
            assert_eq!(parse_rupees(text), Some(Px::from_paise(paise)), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "1.005", "1e5", "99999999999999999999"] {
            assert_eq!(parse_rupees(text), None, "{text}");
        }
        for (text, nanos) in [("3ms", 3_000_000), ("2s", 2_000_000_000), ("1m", 60_000_000_000)] {
            assert_eq!(parse_length(text), Some(nanos), "{text}");
        }
        for text in ["", "s", "3", "-3s", "1.5s", "3 s", "9999999999999m"] {
            assert_eq!(parse_length(text), None, "{text}");
        }
        assert_eq!(
            parse_expiry("2026-11-24 14:30"),
            Some(Nanos::from_ist(2026, 11, 24, 14, 30, 0))
        );
        assert_eq!(parse_expiry("2026-11-31"), None);
    }
}
