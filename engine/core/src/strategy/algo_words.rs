//! The words that parameters of execution strategies are written in: instruments, times, limits.

use core::fmt;

use tezi_model::{
    IST_OFFSET_NS, Instrument, InstrumentId, InstrumentKind, Nanos, Px, Segment, Side, Symbol,
    Token,
};

use super::Context;

const NANOS_PER_MS: i64 = 1_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// How an instrument is named: `NIFTY`, its nearest future or else the share, or `fo:35001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentName {
    /// A symbol.
    Symbol(Symbol),
    /// A segment and its token.
    Token(Segment, Token),
}

impl InstrumentName {
    /// Reads `SYMBOL` or `SEGMENT:TOKEN`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some((segment, token)) = text.split_once(':') else {
            let is_symbol =
                (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
            return is_symbol.then(|| Self::Symbol(Symbol::new(text)));
        };
        let segment = Segment::ALL.into_iter().find(|it| it.name() == segment)?;
        token.parse().ok().map(|token| Self::Token(segment, Token(token)))
    }

    /// The instrument of this name, `None` before it is known.
    pub(super) fn find(self, ctx: &Context<'_>) -> Option<(InstrumentId, Instrument)> {
        let all = || ctx.instruments().map(|(id, state)| (id, state.definition));
        match self {
            Self::Token(segment, token) => all().find(|(_, it)| {
                let is_derived = it.kind() == InstrumentKind::Index || it.legs().is_some();
                it.segment() == Some(segment) && it.token == token && !is_derived
            }),
            Self::Symbol(symbol) => {
                let of =
                    |kind| all().filter(move |(_, it)| it.symbol == symbol && it.kind() == kind);
                let live = |it: &(InstrumentId, Instrument)| it.1.expiry > ctx.now();
                let future = of(InstrumentKind::Future).filter(live).min_by_key(|it| it.1.expiry);
                future.or_else(|| of(InstrumentKind::Equity).next())
            }
        }
    }
}

impl fmt::Display for InstrumentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol(symbol) => symbol.fmt(f),
            Self::Token(segment, token) => write!(f, "{}:{token}", segment.name()),
        }
    }
}

/// When something is: `+30s`, `+500ms`, `+5m` after the first input with a time, or `09:20:00` on the
/// clock in India that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nanoseconds after the strategy began.
    After(i64),
    /// Seconds of the day.
    Clock(i64),
}

impl When {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(after) = text.strip_prefix('+') {
            let (number, unit) = if let Some(number) = after.strip_suffix("ms") {
                (number, NANOS_PER_MS)
            } else if let Some(number) = after.strip_suffix('s') {
                (number, NANOS_PER_SECOND)
            } else {
                (after.strip_suffix('m')?, 60 * NANOS_PER_SECOND)
            };
            let nanos = number.parse::<u32>().ok().map(|it| i64::from(it).saturating_mul(unit))?;
            return (nanos <= NANOS_PER_DAY).then_some(Self::After(nanos));
        }
        let mut parts = text.split(':').map(|part| {
            let is_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<i64>().ok().filter(|_| is_digits)
        });
        let (hour, minute) = (parts.next()??, parts.next()??);
        let second = parts.next().unwrap_or(Some(0))?;
        let is_able = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
        is_able.then_some(Self::Clock(hour * 3_600 + minute * 60 + second))
    }

    /// The time it is, for a strategy that began at `began`.
    #[must_use]
    pub const fn of(self, began: Nanos) -> Nanos {
        match self {
            Self::After(nanos) => began.plus(nanos),
            Self::Clock(seconds) => {
                let local = began.plus(IST_OFFSET_NS).0;
                let midnight = local - local.rem_euclid(NANOS_PER_DAY) - IST_OFFSET_NS;
                Nanos(midnight.saturating_add(seconds * NANOS_PER_SECOND))
            }
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::After(nanos) if nanos % NANOS_PER_SECOND == 0 => {
                write!(f, "+{}s", nanos / NANOS_PER_SECOND)
            }
            Self::After(nanos) => write!(f, "+{}ms", nanos / NANOS_PER_MS),
            Self::Clock(at) => {
                write!(f, "{:02}:{:02}:{:02}", at / 3_600, at / 60 % 60, at % 60)
            }
        }
    }
}

/// The worst price: `24100.50`, or `50bps` from the middle of the touch when work begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A price.
    At(Px),
    /// So many basis points worse than the arrival price.
    Bps(u32),
}

impl Limit {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix("bps") {
            Some(bps) => bps.parse().ok().filter(|bps| *bps <= 10_000).map(Self::Bps),
            None => rupees(text).filter(|price| price.0 > 0).map(Self::At),
        }
    }

    /// The price for an order of a side; `None` while the arrival price it needs is not known.
    pub(super) fn of(self, side: Side, arrival: Option<Px>, tick: Px) -> Option<Px> {
        let Self::Bps(bps) = self else {
            let Self::At(price) = self else { return None };
            return Some(price);
        };
        let arrival = arrival?;
        let away = i128::from(arrival.0) * i128::from(bps) / 10_000 * i128::from(side.sign());
        let price = arrival + Px(i64::try_from(away).unwrap_or(i64::MAX));
        Some(match side {
            Side::Buy => price.floor_to(tick),
            Side::Sell => price.ceil_to(tick).max(tick),
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(price) => price.fmt(f),
            Self::Bps(bps) => write!(f, "{bps}bps"),
        }
    }
}

/// A price in rupees with up to eight decimals, exactly; `None` for anything else.
pub(super) fn rupees(text: &str) -> Option<Px> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 8 || whole.len() > 10 {
        return None;
    }
    let scale = 10_i64.pow(8 - part.len() as u32);
    let units = whole.parse::<i64>().ok()?.checked_mul(Px::SCALE)?;
    units.checked_add(part.parse::<i64>().ok()? * scale).map(|units| Px(sign * units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        let began = Nanos::from_ist(2026, 11, 20, 9, 15, 0);
        for (text, at) in [
            ("+0s", began),
            ("+30s", began.plus(30_000_000_000)),
            ("+1500ms", began.plus(1_500_000_000)),
            ("09:20:05", Nanos::from_ist(2026, 11, 20, 9, 20, 5)),
            ("00:00:00", Nanos::from_ist(2026, 11, 20, 0, 0, 0)),
        ] {
            let when = When::parse(text).unwrap();
            assert_eq!((when.of(began), when.to_string().as_str()), (at, text));
        }
        assert_eq!(When::parse("+2m"), Some(When::After(120_000_000_000)));
        assert_eq!(When::parse("15:20"), When::parse("15:20:00"));
        for bad in ["", "+", "+s", "+-1s", "30s", "9:20", "24:00", "09:60", "09:20:00:00", "+2000m"]
        {
            assert_eq!(When::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn prices_are_exact_and_limits_lie_on_the_worse_side() {
        for (text, units) in
            [("24100.5", 2_410_050_000_000), ("-0.05", -5_000_000), ("7", 700_000_000)]
        {
            assert_eq!(rupees(text), Some(Px(units)), "{text}");
        }
        for bad in ["", "-", ".", "1.", ".5", "1e5", "nan", "1.123456789", "99999999999", "--1"] {
            assert_eq!(rupees(bad), None, "{bad}");
        }
        let (arrival, tick) = (Some(Px::from_paise(1_000_005)), Px::from_paise(10));
        let limit = Limit::parse("50bps").unwrap();
        assert_eq!(limit.of(Side::Buy, arrival, tick), Some(Px::from_paise(1_005_000)));
        assert_eq!(limit.of(Side::Sell, arrival, tick), Some(Px::from_paise(995_010)));
        assert_eq!(limit.of(Side::Sell, None, tick), None);
        assert_eq!(Limit::parse("5.00").unwrap().of(Side::Buy, None, tick), Some(Px(500_000_000)));
        assert!(Limit::parse("0").is_none() && Limit::parse("10001bps").is_none());
    }

    #[test]
    fn instruments_are_named_by_symbol_or_token() {
        for text in ["NIFTY", "fo:35001", "bse-fo:7", "M&M"] {
            assert_eq!(InstrumentName::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "fo:", "fo:x", "xx:1", "A LONG SYMBOL OF MANY"] {
            assert_eq!(InstrumentName::parse(bad), None, "{bad}");
        }
    }
}
