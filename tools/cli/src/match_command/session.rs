//! Applies rows to a matcher and keeps what it reports.

use std::collections::{BTreeMap, BTreeSet};

use tezi::book::BooksConfig;
use tezi::matching::{
    InstrumentTerms, Matcher, MatcherConfig, Order, Owner, Pan, ParticipantCode, Refusal, Report,
    SelfTrade, Target,
};
use tezi::model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};
use tezi::venue::bands::PriceBand;
use tezi::venue::rules::Rules;
use tezi::venue::session::{OrderType, Phase};
use tezi::venue::{Date, segment_scope};

use super::forms::spread_terms;
use super::input::{Row, Wrong, rupees};

/// What holds where the file says nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) segment: Segment,
    pub(super) date: Date,
    pub(super) tick: Px,
    pub(super) lot: Qty,
}

/// A report, and the line that caused it.
pub(super) struct Line {
    pub(super) line: usize,
    pub(super) time: Nanos,
    pub(super) report: Report,
}

/// An order as its member last sent it.
#[derive(Clone, Copy)]
pub(super) struct Known {
    order_id: OrderId,
    order: Order,
}

/// What a row asks.
#[derive(Clone, Copy)]
enum Action {
    New,
    Modify,
    Cancel,
    Instrument,
    Phase,
    Band,
    Reference,
    Close,
    Release,
    Refuse,
    CancelTrade,
    Legs,
    Block,
    OpenBlocks,
    CloseBlocks,
    Kill,
}

const ACTIONS: [(&str, Action); 16] = [
    ("new", Action::New),
    ("modify", Action::Modify),
    ("cancel", Action::Cancel),
    ("instrument", Action::Instrument),
    ("phase", Action::Phase),
    ("band", Action::Band),
    ("reference", Action::Reference),
    ("close", Action::Close),
    ("release", Action::Release),
    ("refuse", Action::Refuse),
    ("cancel-trade", Action::CancelTrade),
    ("legs", Action::Legs),
    ("block", Action::Block),
    ("open-blocks", Action::OpenBlocks),
    ("close-blocks", Action::CloseBlocks),
    ("kill", Action::Kill),
];

const TYPES: [(&str, OrderType); 4] = [
    ("limit", OrderType::Limit),
    ("market", OrderType::Market),
    ("sl", OrderType::StopLimit),
    ("sl-m", OrderType::StopMarket),
];

pub(super) const SIDES: [(&str, Side); 4] =
    [("buy", Side::Buy), ("sell", Side::Sell), ("b", Side::Buy), ("s", Side::Sell)];

pub(super) struct MatchSession {
    pub(super) matcher: Matcher,
    pub(super) segment: Segment,
    /// Names of the instruments, by their numbers.
    pub(super) instruments: Vec<String>,
    /// Names of the orders, by what they are called in reports.
    pub(super) names: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) orders: BTreeMap<String, Known>,
    rules: Rules,
    defaults: Defaults,
    pub(super) now: Nanos,
}

impl MatchSession {
    /// A session with room for everything that the rows could bring.
    pub(super) fn new(defaults: &Defaults, rows: &[Row]) -> Result<Self, String> {
        let rules = Rules::builtin().map_err(|error| error.to_string())?;
        let names: BTreeSet<&str> = rows.iter().map(|row| row.get("instrument")).collect();
        let bound = u32::try_from(rows.len() + 16).unwrap_or(u32::MAX);
        let instruments_max = u32::try_from(names.len() + 1).unwrap_or(u32::MAX);
        let matcher = Matcher::new(&MatcherConfig {
            books: BooksConfig { instruments_max, orders_max: bound, levels_max: bound },
            stops_max: bound,
            frozen_max: bound,
            // A row may set off many trades; of each order it ends at most one. A row may bring three
            // legs, and a spread's trade is three.
            trades_max: bound.saturating_mul(8),
            blocks_max: bound,
            ..MatcherConfig::small(defaults.segment)
        });
        Ok(Self {
            matcher,
            segment: defaults.segment,
            instruments: Vec::new(),
            names: Vec::new(),
            lines: Vec::new(),
            orders: BTreeMap::new(),
            rules,
            defaults: *defaults,
            now: defaults.date.midnight().plus(1),
        })
    }

    /// Does what a row says. What the exchange refuses is a report, not an error.
    pub(super) fn apply(&mut self, row: &Row) -> Result<(), Wrong> {
        self.now = self.time(row)?;
        let action = row.word("action", &ACTIONS)?.unwrap_or(Action::New);
        match action {
            Action::New => self.submit(row, false),
            Action::Block => self.submit(row, true),
            Action::Legs => self.submit_legs(row),
            Action::OpenBlocks => self.open_blocks(row),
            Action::CloseBlocks => self.close_blocks(row),
            Action::Kill => self.kill(row),
            Action::Modify => self.modify(row),
            Action::Cancel => self.cancel(row),
            Action::Instrument => self.describe(row),
            Action::Phase => self.set_phase(row),
            Action::Band => {
                let instrument = self.instrument(row)?;
                let (now, mut reports) = (self.now, Vec::new());
                let band = band(row, flag(row, "band").unwrap_or_default())?;
                let done = self.matcher.set_band(now, instrument, band, &mut reports);
                self.keep(row, reports, done)
            }
            Action::Reference | Action::Close => {
                let instrument = self.instrument(row)?;
                let price = row.price("price")?.ok_or_else(|| row.wrong("price", "needed here"))?;
                let done = match action {
                    Action::Close => self.matcher.set_close(instrument, price),
                    _ => self.matcher.set_reference(instrument, price),
                };
                self.keep(row, Vec::new(), done)
            }
            Action::Release => self.decide(row, true),
            Action::Refuse => self.decide(row, false),
            Action::CancelTrade => {
                let number = flag(row, "trade").and_then(|text| text.parse().ok());
                let number = number.ok_or_else(|| row.wrong("flags", "trade=NUMBER is needed"))?;
                let (now, mut reports) = (self.now, Vec::new());
                let done = self.matcher.cancel_trade(now, number, &mut reports);
                self.keep(row, reports, done)
            }
        }
    }

    fn submit(&mut self, row: &Row, is_block: bool) -> Result<(), Wrong> {
        let instrument = self.instrument(row)?;
        let side =
            row.word("side", &SIDES)?.ok_or_else(|| row.wrong("side", "buy or sell is needed"))?;
        let quantity = row.quantity("quantity")?;
        let quantity = quantity.ok_or_else(|| row.wrong("quantity", "needed here"))?;
        let name = row.get("order").to_string();
        self.names.push(name.clone());
        let blank = Order {
            member: 1,
            reference: self.names.len() as u64,
            ..Order::limit(instrument, side, Px::ZERO, quantity)
        };
        let order = fill(row, blank)?;
        let needs_price = matches!(order.order_type, OrderType::Limit | OrderType::StopLimit);
        if needs_price && row.get("price").is_empty() {
            return Err(row.wrong("price", "a limit order needs one"));
        }
        let (now, mut reports) = (self.now, Vec::new());
        let done = if is_block {
            self.matcher.submit_block(now, &order, &mut reports)
        } else {
            self.matcher.submit(now, &order, &mut reports)
        };
        if let Ok(order_id) = done
            && !name.is_empty()
        {
            self.orders.insert(name, Known { order_id, order });
        }
        self.keep(row, reports, Ok(()))
    }

    fn modify(&mut self, row: &Row) -> Result<(), Wrong> {
        let known = self.known(row)?;
        // A stop-loss that was triggered is an ordinary order now, and is changed as one.
        let mut base = known.order;
        let triggered = self.matcher.books().order(self.segment as u8, known.order_id).is_some();
        if triggered && row.get("type").is_empty() {
            base.order_type = match base.order_type {
                OrderType::StopLimit | OrderType::StopMarket => OrderType::Limit,
                other => other,
            };
        }
        let mut order = fill(row, base)?;
        if !row.get("instrument").is_empty() {
            order.instrument = self.instrument(row)?;
        }
        order.side = row.word("side", &SIDES)?.unwrap_or(order.side);
        let member = order.member;
        let (now, mut reports) = (self.now, Vec::new());
        let target = Target::new(known.order_id, member);
        if self.matcher.modify(now, target, &order, &mut reports).is_ok()
            && let Some(kept) = self.orders.get_mut(row.get("order"))
        {
            kept.order = order;
        }
        self.keep(row, reports, Ok(()))
    }

    fn cancel(&mut self, row: &Row) -> Result<(), Wrong> {
        let known = self.known(row)?;
        let member = row.number("member")?.unwrap_or(known.order.member);
        let (now, mut reports) = (self.now, Vec::new());
        // A refusal is in the reports.
        let _ = self.matcher.cancel(now, Target::new(known.order_id, member), &mut reports);
        self.keep(row, reports, Ok(()))
    }

    fn decide(&mut self, row: &Row, is_released: bool) -> Result<(), Wrong> {
        let known = self.known(row)?;
        let (now, mut reports) = (self.now, Vec::new());
        let done = self.matcher.decide_freeze(now, known.order_id, is_released, &mut reports);
        let done = if reports.is_empty() { done } else { Ok(()) };
        self.keep(row, reports, done)
    }

    fn describe(&mut self, row: &Row) -> Result<(), Wrong> {
        let name = row.get("instrument");
        if self.instruments.iter().any(|known| known == name) {
            return Err(row.wrong("instrument", format!("'{name}' is there already")));
        }
        self.open(row, true).map(|_| ())
    }

    fn set_phase(&mut self, row: &Row) -> Result<(), Wrong> {
        let phase = phase(row, row.get("flags"))?;
        let chosen = match row.get("instrument") {
            "" => (0..self.instruments.len() as u32).map(InstrumentId).collect(),
            _ => vec![self.instrument(row)?],
        };
        for instrument in chosen {
            let (now, mut reports) = (self.now, Vec::new());
            let done = self.matcher.set_phase(now, instrument, phase, &mut reports);
            self.keep(row, reports, done)?;
        }
        Ok(())
    }

    /// The instrument of a row, opened when it is new.
    pub(super) fn instrument(&mut self, row: &Row) -> Result<InstrumentId, Wrong> {
        let name = row.get("instrument");
        match self.instruments.iter().position(|known| known == name) {
            Some(at) => Ok(InstrumentId(at as u32)),
            None => self.open(row, false),
        }
    }

    fn open(&mut self, row: &Row, is_described: bool) -> Result<InstrumentId, Wrong> {
        let Defaults { segment, date, tick, lot } = self.defaults;
        let text = |name: &'static str| if is_described { flag(row, name) } else { None };
        let price = |name: &'static str, default: Px| match text(name) {
            Some(text) => rupees(text)
                .filter(|price| price.0 > 0)
                .ok_or_else(|| row.wrong("flags", format!("{name}={text} is no price"))),
            None => Ok(default),
        };
        let units = |name: &'static str| match text(name) {
            Some(text) => match text.parse().ok().filter(|&number| number > 0) {
                Some(number) => Ok(Some(Qty(number))),
                None => Err(row.wrong("flags", format!("{name}={text} is no quantity"))),
            },
            None => Ok(None),
        };
        let legs = if is_described { self.legs_of(row)? } else { None };
        let product = match text("product") {
            Some("option") => "/option",
            None | Some("future" | "equity") => "",
            Some(other) => return Err(row.wrong("flags", format!("no product {other}"))),
        };
        let scope = format!("{}{product}", segment_scope(segment).unwrap_or("NSE/fo"));
        let tick = price("tick", tick)?;
        let base = InstrumentTerms {
            freeze: units("freeze")?,
            ..InstrumentTerms::new(tick, units("lot")?.unwrap_or(lot))
        };
        let base = InstrumentTerms {
            reference: price("reference", tick)?,
            band: text("band").map_or(Ok(base.band), |text| band(row, text))?,
            ..base
        };
        let terms = base.with_rules(&self.rules, &scope, date);
        let terms = terms.map_err(|missing| row.wrong("instrument", missing.to_string()))?;
        let phase = text("phase").map_or(Ok(Phase::Continuous), |text| phase(row, text))?;
        let wrong = |refusal: Refusal| row.wrong("instrument", refusal.message());
        let instrument = match legs {
            Some(spread) => {
                let terms = spread_terms(&terms, text("band").is_some());
                self.matcher.add_spread(&terms, spread).map_err(wrong)?
            }
            None => self.matcher.add_instrument(&terms).map_err(wrong)?,
        };
        self.instruments.push(row.get("instrument").to_string());
        let mut reports = Vec::new();
        let done = self.matcher.set_phase(self.now, instrument, phase, &mut reports);
        self.keep(row, reports, done)?;
        Ok(instrument)
    }

    fn known(&self, row: &Row) -> Result<Known, Wrong> {
        let name = row.get("order");
        let known = self.orders.get(name).copied();
        known.ok_or_else(|| {
            row.wrong("order", format!("no accepted order '{name}' before this line"))
        })
    }

    pub(super) fn keep(
        &mut self,
        row: &Row,
        reports: Vec<Report>,
        done: Result<(), Refusal>,
    ) -> Result<(), Wrong> {
        let (line, time) = (row.line, self.now);
        self.lines.extend(reports.into_iter().map(|report| Line { line, time, report }));
        done.map_err(|refusal| row.wrong("action", refusal.message()))
    }

    fn time(&self, row: &Row) -> Result<Nanos, Wrong> {
        let text = row.get("time");
        if text.is_empty() {
            return Ok(self.now);
        }
        let time = clock(text).map(|nanos| self.defaults.date.midnight().plus(nanos));
        let time = time
            .ok_or_else(|| row.wrong("time", format!("'{text}' is no time, as in 09:15:00.25")))?;
        if time < self.now && self.now > self.defaults.date.midnight().plus(1) {
            return Err(row.wrong("time", format!("{text} is before the line above")));
        }
        Ok(time.max(self.now))
    }
}

/// Nanoseconds of the day of `HH:MM:SS` with or without a fraction.
fn clock(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<i64> = clock
        .split(':')
        .map(|part| {
            let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { part.parse().ok() } else { None }
        })
        .collect::<Option<_>>()?;
    let &[hour, minute, second] = parts.as_slice() else { return None };
    let is_fraction =
        (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if hour > 23 || minute > 59 || second > 59 || !is_fraction {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000_000 + nanos)
}

/// The order that a row makes of another: what it leaves empty stays.
pub(super) fn fill(row: &Row, base: Order) -> Result<Order, Wrong> {
    let pan = match row.get("pan") {
        "" => base.owner.pan,
        text => Pan::parse(text)
            .ok_or_else(|| row.wrong("pan", format!("'{text}' is no PAN, as in AAAAA1111A")))?,
    };
    let participant = match row.get("participant") {
        "" => base.owner.participant,
        text => ParticipantCode::parse(text)
            .ok_or_else(|| row.wrong("participant", "up to twelve capitals and digits"))?,
    };
    let mut order = Order {
        order_type: row.word("type", &TYPES)?.unwrap_or(base.order_type),
        price: row.price("price")?.unwrap_or(base.price),
        trigger: row.price("trigger")?.unwrap_or(base.trigger),
        quantity: row.quantity("quantity")?.unwrap_or(base.quantity),
        disclosed: row.quantity("disclosed")?.unwrap_or(base.disclosed),
        owner: Owner { pan, participant },
        member: row.number("member")?.unwrap_or(base.member),
        ..base
    };
    for word in row.get("flags").split_whitespace() {
        match word {
            "day" => order.time_in_force = TimeInForce::Day,
            "ioc" => order.time_in_force = TimeInForce::Ioc,
            "cancel-active" => order.self_trade = SelfTrade::CancelActive,
            "cancel-passive" => order.self_trade = SelfTrade::CancelPassive,
            _ => {
                let what = format!("'{word}' is none of day, ioc, cancel-active, cancel-passive");
                return Err(row.wrong("flags", what));
            }
        }
    }
    Ok(order)
}

/// The value of `name=value` among the flags.
pub(super) fn flag<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    let words = row.get("flags").split_whitespace();
    words
        .filter_map(|word| word.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

pub(super) fn band(row: &Row, text: &str) -> Result<PriceBand, Wrong> {
    let ends = text.split_once("..").and_then(|(low, high)| Some((rupees(low)?, rupees(high)?)));
    match ends {
        Some((low, high)) if low <= high => Ok(PriceBand { low, high }),
        _ => {
            Err(row
                .wrong("flags", format!("band={text}: two prices are needed, as in band=90..110")))
        }
    }
}

fn phase(row: &Row, text: &str) -> Result<Phase, Wrong> {
    let found = Phase::ALL.into_iter().find(|phase| phase.name() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.name()).collect();
        row.wrong("flags", format!("'{text}' is none of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond_or_refused() {
        assert_eq!(clock("09:15:00.25"), Some(33_300_250_000_000));
        assert_eq!(clock("00:00:01"), Some(1_000_000_000));
        for bad in
            ["9:15:00", "24:00:00", "09:15", "09:15:60", "09:15:00.", "09:15:00.1234567891", "x"]
        {
            assert_eq!(clock(bad), None, "{bad}");
        }
    }
}
