//! From a scenario that was read to what the exchange is told.

use core::net::Ipv4Addr;

use tezi_core::venue::Date;
use tezi_gateway::nnf::{DynamicIvOrder, Encryption, Underlying};
use tezi_model::{Instrument, InstrumentKind, Nanos, OptionType, Px, Qty, Segment, Symbol, Token};

use super::{
    BoxTable, ContractsTable, EncryptionName, EventKind, EventTable, InstrumentTable, Kind,
    LinesName, On, Scenario, ScenarioError, SegmentName, SpreadTable,
};
use crate::broadcast::BroadcastConfig;
use crate::config::{
    BoxConfig, ExchangeConfig, FreezePolicy, GatewayFaults, Listing, TimedEvent, VenueEvent,
};
use crate::datagrams::Lines;
use crate::spreads::SpreadListing;

/// Where the router sends members when the scenario does not say.
const GATEWAY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 9_602);

/// The protocol's version that members must have: any.
const VERSION_ANY: i32 = 0;

impl Scenario {
    /// When the day begins for whoever hosts the exchange.
    #[must_use]
    pub fn start(&self) -> Nanos {
        self.exchange.date.0.at(self.exchange.start.0)
    }

    /// What the exchange is told. `contracts` are those of the master file that the scenario names,
    /// loaded by the caller; none where it names none.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] for the first thing that cannot be.
    pub fn config(&self, contracts: &[Instrument]) -> Result<ExchangeConfig, ScenarioError> {
        let day = &self.exchange;
        let close = |close: Option<super::Rupees>| close.map_or(Px::ZERO, |close| close.0);
        let mut listings = self.own_listings()?;
        if let Some(wanted) = &self.contracts {
            if self.segment() == Segment::NseCm {
                return Err(ScenarioError {
                    line: 0,
                    key: "contracts".into(),
                    message: "shares are listed by [[instrument]] only".into(),
                });
            }
            listings.extend(draw(wanted, contracts, day.date.0, day.streams));
        }
        Ok(ExchangeConfig {
            segment: self.segment(),
            seed: day.seed,
            spreads: self.spread_listings(&listings)?,
            listings,
            boxes: self.box_configs()?,
            streams: day.streams,
            broadcast: self.broadcast.map(|it| BroadcastConfig {
                interval_ns: it.interval.0,
                refresh_every: it.refresh,
                form: None,
            }),
            heartbeat_ns: day.heartbeat.0,
            order_prefix: day.order_prefix,
            index_closes: [close(day.nifty_close), close(day.sensex_close)],
            freeze: FreezePolicy { approves: self.freeze.approves, after_ns: self.freeze.after.0 },
            events: self.timed_events()?,
            ..ExchangeConfig::new(day.date.0)?
        })
    }

    fn segment(&self) -> Segment {
        match self.exchange.segment {
            SegmentName::Fo => Segment::NseFo,
            SegmentName::Cm => Segment::NseCm,
        }
    }

    fn own_listings(&self) -> Result<Vec<Listing>, ScenarioError> {
        let listing = |spanned: &toml::Spanned<InstrumentTable>| {
            let (at, table) = (spanned.span().start, spanned.get_ref());
            self.check_instrument(at, table)?;
            let underlying = match table.kind {
                Kind::Share => Underlying::Series(self.series(at, table)?),
                _ => underlying(table.underlying),
            };
            Ok(Listing {
                instrument: instrument(table, self.segment()),
                underlying,
                stream: table.stream,
                reference: table.reference.0,
            })
        };
        self.instruments.iter().map(listing).collect()
    }

    fn check_instrument(&self, at: usize, table: &InstrumentTable) -> Result<(), ScenarioError> {
        let is_share = table.kind == Kind::Share;
        if is_share != (self.exchange.segment == SegmentName::Cm) {
            let message = "shares are of segment \"cm\", all else of \"fo\"";
            return Err(self.error(at, "kind", message));
        }
        let is_option = matches!(table.kind, Kind::Call | Kind::Put);
        if is_option != table.strike.is_some() {
            let message = if is_option { "an option needs one" } else { "only an option has one" };
            return Err(self.error(at, "strike", message));
        }
        if is_share == table.expiry.is_some() {
            let message = if is_share { "a share has none" } else { "a contract needs one" };
            return Err(self.error(at, "expiry", message));
        }
        if table.symbol.is_empty() || table.symbol.len() > 10 {
            return Err(self.error(at, "symbol", "it must have 1 to 10 characters"));
        }
        match &table.series {
            Some(_) if !is_share => Err(self.error(at, "series", "only a share has one")),
            _ => Ok(()),
        }
    }

    /// The series of a share, padded as the wire has it.
    fn series(&self, at: usize, table: &InstrumentTable) -> Result<[u8; 2], ScenarioError> {
        match table.series.as_deref().unwrap_or("EQ").as_bytes() {
            [first] => Ok([*first, b' ']),
            &[first, second] => Ok([first, second]),
            _ => Err(self.error(at, "series", "it must have 1 or 2 characters")),
        }
    }

    fn spread_listings(&self, listings: &[Listing]) -> Result<Vec<SpreadListing>, ScenarioError> {
        let own = |table: &toml::Spanned<SpreadTable>| {
            let (at, table) = (table.span().start, table.get_ref());
            let find = |token, key| {
                let found = listings.iter().find(|leg| leg.instrument.token == Token(token));
                found.ok_or_else(|| self.error(at, key, "no contract of that token is listed"))
            };
            let near = find(table.near, "near")?;
            find(table.far, "far")?;
            Ok(SpreadListing {
                legs: [Token(table.near), Token(table.far)],
                stream: table.stream.unwrap_or(near.stream),
                range: table.range.map(|range| range.0),
            })
        };
        self.spreads.iter().map(own).collect()
    }

    fn box_configs(&self) -> Result<Vec<BoxConfig>, ScenarioError> {
        let own = |table: &toml::Spanned<BoxTable>| {
            let (at, table) = (table.span().start, table.get_ref());
            let drops = table.faults.drop_answers;
            if !(0.0..=1.0).contains(&drops) {
                return Err(self.error(at, "faults.drop_answers", "it must be from 0 to 1"));
            }
            Ok(BoxConfig {
                box_id: table.id,
                broker_id: table.broker.clone(),
                user_id: table.user,
                password: table.password.clone(),
                version: VERSION_ANY,
                encryption: encryption(table.encryption),
                gateway: table.gateway.map_or(GATEWAY, |gateway| (gateway.address, gateway.port)),
                messages_per_second: table.messages_per_second,
                faults: GatewayFaults {
                    drop_answers_per_million: (drops * 1e6).round() as u32,
                    disconnect_after: table.faults.disconnect_after,
                    delay_ns: table.faults.delay.map_or(0, |delay| delay.0),
                },
            })
        };
        self.boxes.iter().map(own).collect()
    }

    fn timed_events(&self) -> Result<Vec<TimedEvent>, ScenarioError> {
        let mut events = Vec::new();
        for spanned in &self.events {
            let (at, table) = (spanned.span().start, spanned.get_ref());
            self.check_keys(at, table)?;
            let time = self.exchange.date.0.at(table.at.0);
            let event = venue_event(table).ok_or_else(|| {
                let needed = needed_keys(table.kind).join(", ");
                self.error(at, "kind", format!("this kind needs {needed}"))
            })?;
            events.push(TimedEvent { at: time, event });
            if let (VenueEvent::LossBegins { stream, lines }, Some(until)) = (event, table.until) {
                if until.0 <= table.at.0 {
                    return Err(self.error(at, "until", "the loss must end after it begins"));
                }
                let ends = VenueEvent::LossEnds { stream, lines };
                events.push(TimedEvent { at: self.exchange.date.0.at(until.0), event: ends });
            }
        }
        Ok(events)
    }

    /// Whether an event has keys that its kind does not take, or values that cannot be.
    fn check_keys(&self, at: usize, table: &EventTable) -> Result<(), ScenarioError> {
        let given = [
            ("level", table.level.is_some()),
            ("token", table.token.is_some()),
            ("low", table.low.is_some()),
            ("high", table.high.is_some()),
            ("until", table.until.is_some()),
            ("lines", table.lines.is_some()),
            ("stream", table.stream.is_some()),
            ("trade", table.trade.is_some()),
        ];
        let optional: &[&str] = match table.kind {
            EventKind::Halt => &["level"],
            EventKind::FeedLoss => &["stream"],
            _ => &[],
        };
        let taken = |key: &str| needed_keys(table.kind).contains(&key) || optional.contains(&key);
        if let Some((key, _)) = given.iter().find(|(key, is_given)| *is_given && !taken(key)) {
            return Err(self.error(at, key, "this kind of event does not take it"));
        }
        if table.level.is_some_and(|level| !(1..=3).contains(&level)) {
            return Err(self.error(at, "level", "the circuit breaker has levels 1 to 3"));
        }
        let streams = 1..=self.exchange.streams;
        if table.stream.is_some_and(|stream| !streams.contains(&stream)) {
            return Err(self.error(at, "stream", "there is no such stream"));
        }
        match (table.low, table.high) {
            (Some(low), Some(high)) if high.0 < low.0 => {
                Err(self.error(at, "high", "it must not be below the low"))
            }
            _ => Ok(()),
        }
    }
}

const fn needed_keys(kind: EventKind) -> &'static [&'static str] {
    match kind {
        EventKind::Halt | EventKind::Resume | EventKind::Expiry => &[],
        EventKind::BandFlex => &["token", "low", "high"],
        EventKind::FeedLoss => &["until", "lines"],
        EventKind::StreamRestart => &["stream"],
        EventKind::TradeCancel => &["trade"],
    }
}

/// The event of a table; `None` when a key is missing that its kind needs.
fn venue_event(table: &EventTable) -> Option<VenueEvent> {
    Some(match table.kind {
        EventKind::Halt => table.level.map_or(VenueEvent::Halt, VenueEvent::Breaker),
        EventKind::Resume => VenueEvent::Resume,
        EventKind::BandFlex => {
            VenueEvent::Band { token: Token(table.token?), low: table.low?.0, high: table.high?.0 }
        }
        EventKind::FeedLoss => {
            table.until?;
            VenueEvent::LossBegins { stream: table.stream, lines: lines(table.lines?) }
        }
        EventKind::Expiry => VenueEvent::Expiry,
        EventKind::StreamRestart => VenueEvent::StreamRestart(table.stream?),
        EventKind::TradeCancel => VenueEvent::TradeCancel(table.trade?),
    })
}

const fn lines(name: LinesName) -> Lines {
    match name {
        LinesName::A => Lines::A,
        LinesName::B => Lines::B,
        LinesName::Both => Lines::BOTH,
    }
}

const fn underlying(on: On) -> Underlying {
    match on {
        On::Index => Underlying::Index,
        On::Stock => Underlying::Stock,
    }
}

const fn encryption(name: EncryptionName) -> Encryption {
    match name {
        EncryptionName::Plain => Encryption::Plain,
        EncryptionName::Existing => Encryption::Existing,
        EncryptionName::New => Encryption::New(DynamicIvOrder::LittleEndian),
    }
}

fn instrument(table: &InstrumentTable, segment: Segment) -> Instrument {
    let price = |price: Option<super::Rupees>| price.map_or(Px::ZERO, |price| price.0);
    let mut instrument = Instrument::unknown(segment, Token(table.token));
    instrument.symbol = Symbol::new(&table.symbol);
    instrument.expiry = table.expiry.map_or(Nanos::ZERO, |expiry| expiry.0);
    instrument.strike = price(table.strike);
    (instrument.tick, instrument.lot) = (price(table.tick), Qty(table.lot.unwrap_or(0)));
    (instrument.price_low, instrument.price_high) = (price(table.low), price(table.high));
    instrument.freeze_quantity = Qty(table.freeze.unwrap_or(0));
    let (kind, option) = match table.kind {
        Kind::Future => (InstrumentKind::Future, 0),
        Kind::Call => (InstrumentKind::Option, OptionType::Call as u8),
        Kind::Put => (InstrumentKind::Option, OptionType::Put as u8),
        Kind::Share => (InstrumentKind::Equity, 0),
    };
    (instrument.kind_code, instrument.option_code) = (kind as u8, option);
    instrument
}

/// The contracts of a master file that a scenario wants: the next expiries of each underlying, of
/// options the strikes nearest to its level. They are spread over the streams.
fn draw(
    wanted: &ContractsTable,
    contracts: &[Instrument],
    date: Date,
    streams: u8,
) -> Vec<Listing> {
    let mut listings = Vec::new();
    for (symbol, level) in &wanted.underlyings {
        for kind in [InstrumentKind::Future, InstrumentKind::Option] {
            let mut all: Vec<&Instrument> = contracts
                .iter()
                .filter(|contract| contract.kind() == kind && contract.symbol.as_str() == symbol)
                .filter(|contract| date <= Date::of(contract.expiry))
                .collect();
            let mut expiries: Vec<Nanos> = all.iter().map(|contract| contract.expiry).collect();
            expiries.sort_unstable();
            expiries.dedup();
            expiries.truncate(wanted.expiries as usize);
            all.retain(|contract| expiries.contains(&contract.expiry));
            for expiry in expiries {
                let mut chain: Vec<&Instrument> =
                    all.iter().copied().filter(|contract| contract.expiry == expiry).collect();
                let distance = |contract: &&Instrument| contract.strike.0.abs_diff(level.0.0);
                chain.sort_by_key(|contract| (distance(contract), contract.token));
                if kind == InstrumentKind::Option {
                    // A call and a put a strike, on both sides and at the level.
                    chain.truncate(2 * (2 * wanted.strikes as usize + 1));
                }
                let is_future = kind == InstrumentKind::Future;
                listings.extend(chain.into_iter().map(|contract| Listing {
                    instrument: *contract,
                    underlying: underlying(wanted.underlying),
                    stream: 1,
                    reference: if is_future { level.0 } else { Px::ZERO },
                }));
            }
        }
    }
    for (at, listing) in listings.iter_mut().enumerate() {
        listing.stream = (at % usize::from(streams.max(1))) as u8 + 1;
    }
    listings
}

#[cfg(test)]
mod tests;
