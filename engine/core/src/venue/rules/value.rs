//! What a rule's value may be: one shape for each kind of number that circulars change.

use tezi_model::{Money, Px, Qty};

use super::steps::{BreakerLevel, FlexSteps, Steps};
use super::times::{ClosingTimes, DayKind, PreOpenTimes, Window};
use crate::venue::rate::{parse_decimal, parse_px};
use crate::venue::{Rate, TimeOfDay, Weekday, Width};

/// A shape that the value column can have.
pub trait RuleValue: Sized {
    /// How to write it, for the message that refuses something else.
    const EXPECTED: &'static str;

    /// Reads the value column, `None` when it is not of this shape.
    fn parse(text: &str) -> Option<Self>;
    /// The value as any shape.
    fn wrap(self) -> Value;
    /// The value when it has this shape.
    fn of(value: &Value) -> Option<&Self>;
}

macro_rules! values {
    ($($(#[$doc:meta])* $name:ident($shape:ty), $expected:literal, $parse:expr;)+) => {
        /// A value of any shape.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Value {
            $($(#[$doc])* $name($shape),)+
        }

        $(impl RuleValue for $shape {
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Option<Self> {
                $parse(text)
            }

            fn wrap(self) -> Value {
                Value::$name(self)
            }

            fn of(value: &Value) -> Option<&Self> {
                match value {
                    Value::$name(value) => Some(value),
                    _ => None,
                }
            }
        })+
    };
}

values! {
    /// A switch.
    Flag(bool), "on or off", parse_flag;
    /// A plain number.
    Count(u64), "a whole number", parse_count;
    /// A quantity, in units of the instrument.
    Quantity(Qty), "a quantity in units, positive", parse_quantity;
    /// A price.
    Price(Px), "a price in rupees, positive", parse_price;
    /// An amount.
    Amount(Money), "rupees, or crores as 25cr", parse_money;
    /// A fraction.
    Fraction(Rate), "a percentage (2.5%) or a fraction (0.025)", Rate::parse;
    /// Several fractions.
    Fractions(Vec<Rate>), "percentages with ; between, rising", parse_rates;
    /// A distance from a price.
    Distance(Width), "a percentage, or with a floor in rupees: 40%;min=20", Width::parse;
    /// A stretch of the day.
    Hours(Window), "two rising times: 09:15-15:30", Window::parse;
    /// The timetable of a call auction at the open.
    PreOpen(PreOpenTimes),
        "start=09:00;limit_only=09:05;random=09:08;end=09:10;match=09:12;open=09:15, in order",
        PreOpenTimes::parse;
    /// The timetable of the closing auction.
    Closing(ClosingTimes),
        "start=15:15;entry=15:20;limit_only=15:25;random=15:28;end=15:30;match=15:35, in order",
        ClosingTimes::parse;
    /// What kind of day it is.
    Day(DayKind), "open, closed or special", DayKind::parse;
    /// A day of the week.
    DayOfWeek(Weekday), "MON, TUE, WED, THU, FRI, SAT or SUN", parse_weekday;
    /// A number that depends on a price or a ratio.
    Tiers(Steps), "<250:0.01;<=1000:0.05;else:5 with rising bounds", Steps::parse;
    /// How far a band moves, by how often it has moved.
    Flexing(FlexSteps), "<=2:5%:15m:5m;else:2%:60m:60m (step, cooling, cooling when late)",
        FlexSteps::parse;
    /// One level of the circuit breaker.
    Breaker(BreakerLevel), "10%;<13:00:45m;<14:30:15m;else:none (or day)", BreakerLevel::parse;
    /// What must have happened beyond a price before a band moves.
    Evidence(FlexEvidence), "trades=50;clients=10;members=3", FlexEvidence::parse;
    /// What makes limit price protection widen by itself.
    AutoFlex(AutoFlex), "rejections=10;within=120s;members=3;clients=5", AutoFlex::parse;
    /// Market-wide position limit of a stock.
    PositionLimit(MarketWideLimit), "floor=10%;cap=15%;addv=65", MarketWideLimit::parse;
    /// Who trades first in a call auction.
    Allocation(AllocationOrder), "limit_first or market_first", AllocationOrder::parse;
}

/// Trading beyond the trigger price, on each side of the market, that flexes a dynamic band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlexEvidence {
    /// Trades at or beyond the trigger price.
    pub trades: u32,
    /// Distinct clients (UCC) among the buyers, and among the sellers.
    pub clients: u32,
    /// Distinct trading members among the buyers, and among the sellers.
    pub members: u32,
}

impl FlexEvidence {
    fn parse(text: &str) -> Option<Self> {
        let [trades, clients, members] = fields(text, ["trades", "clients", "members"])?;
        Some(Self {
            trades: trades.parse().ok()?,
            clients: clients.parse().ok()?,
            members: members.parse().ok()?,
        })
    }
}

/// Refused orders that make BSE widen the limit price protection of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoFlex {
    /// Refusals.
    pub rejections: u32,
    /// Within this time, in seconds.
    pub within_seconds: u32,
    /// From this many distinct trading members.
    pub members: u32,
    /// And this many distinct clients.
    pub clients: u32,
}

impl AutoFlex {
    fn parse(text: &str) -> Option<Self> {
        let [rejections, within, members, clients] =
            fields(text, ["rejections", "within", "members", "clients"])?;
        Some(Self {
            rejections: rejections.parse().ok()?,
            within_seconds: parse_seconds(within)?,
            members: members.parse().ok()?,
            clients: clients.parse().ok()?,
        })
    }
}

/// MWPL = max(`floor` of the free float, min(`cap` of it, `addv_days` average daily deliveries)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketWideLimit {
    /// The least, of the free float.
    pub floor: Rate,
    /// The most, of the free float.
    pub cap: Rate,
    /// Days of average delivered volume.
    pub addv_days: u32,
}

impl MarketWideLimit {
    fn parse(text: &str) -> Option<Self> {
        let [floor, cap, addv] = fields(text, ["floor", "cap", "addv"])?;
        let (floor, cap) = (Rate::parse(floor)?, Rate::parse(cap)?);
        (floor <= cap).then_some(Self { floor, cap, addv_days: addv.parse().ok()? })
    }
}

/// Which orders a call auction matches first, all at the one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationOrder {
    /// Limit with limit, then what is left of them with market, then market with market. In force
    /// to 6 September 2026 (SEBI CIR/MRD/DP/21/2010).
    LimitFirst,
    /// Market orders before limit orders. The closing auction from its start, the pre-open from 7
    /// September 2026.
    MarketFirst,
}

impl AllocationOrder {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "limit_first" => Some(Self::LimitFirst),
            "market_first" => Some(Self::MarketFirst),
            _ => None,
        }
    }
}

/// The values of `name=value;name=value` in the order of `names`; `None` unless each is there once
/// and nothing else is.
pub(super) fn fields<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<[&'a str; N]> {
    let mut values = [None; N];
    for part in text.split(';') {
        let (name, value) = part.split_once('=')?;
        let place = &mut values[names.iter().position(|known| *known == name)?];
        if place.replace(value).is_some() {
            return None;
        }
    }
    values.iter().all(Option::is_some).then(|| values.map(Option::unwrap_or_default))
}

/// Reads `45m` or `120s` as seconds, at most a day.
pub(super) fn parse_seconds(text: &str) -> Option<u32> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = parse_count(number)?.try_into().ok()?;
    let seconds = match unit {
        "m" => number.checked_mul(60)?,
        "s" => number,
        _ => return None,
    };
    (seconds <= 86_400).then_some(seconds)
}

/// The times of `names`, each there once.
pub(super) fn named_times<const N: usize>(text: &str, names: [&str; N]) -> Option<[TimeOfDay; N]> {
    let mut times = [TimeOfDay::default(); N];
    for (time, text) in times.iter_mut().zip(fields(text, names)?) {
        *time = TimeOfDay::parse(text)?;
    }
    Some(times)
}

fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn parse_count(text: &str) -> Option<u64> {
    parse_decimal(text, 0)?.try_into().ok()
}

fn parse_quantity(text: &str) -> Option<Qty> {
    let quantity: u32 = parse_count(text)?.try_into().ok()?;
    (quantity > 0).then_some(Qty(quantity))
}

fn parse_price(text: &str) -> Option<Px> {
    parse_px(text).filter(|price| *price > Px::ZERO)
}

fn parse_money(text: &str) -> Option<Money> {
    let (number, factor) = match text.strip_suffix("cr") {
        Some(crores) => (crores, 10_000_000),
        None => (text, 1),
    };
    let amount = Money(i128::from(parse_decimal(number, 8)?) * factor);
    (amount >= Money::ZERO).then_some(amount)
}

fn parse_rates(text: &str) -> Option<Vec<Rate>> {
    let rates = text.split(';').map(Rate::parse).collect::<Option<Vec<_>>>()?;
    rates.is_sorted_by(|a, b| a < b).then_some(rates)
}

fn parse_weekday(text: &str) -> Option<Weekday> {
    Weekday::ALL.into_iter().find(|day| day.name() == text)
}
