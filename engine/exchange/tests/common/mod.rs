//! What the tests of the whole exchange share: contracts, a background that does what a test says,
//! and a reader of the market data that keeps books of its own.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

pub mod world;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tezi_core::book::{Books, BooksConfig, RestingOrder};
use tezi_core::matching::{Matcher, Order, Report};
use tezi_core::venue::Date;
use tezi_core::venue::rules::Rules;
use tezi_exchange::{Action, Background, Exchange, ExchangeConfig, Limits, Lines, Listing};
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi_gateway::nnf::Underlying;
use tezi_model::{
    Event, EventKind, Instrument, InstrumentId, InstrumentKind, Nanos, OptionType, Px, Qty,
    Segment, Side, Symbol, Token,
};
pub use tezi_testing::Random;

pub const FO: u8 = Segment::NseFo as u8;

pub fn at(hour: i64, minute: i64, second: i64) -> Nanos {
    Nanos::from_ist(2026, 11, 20, hour, minute, second)
}

pub fn paise(paise: i64) -> Px {
    Px::from_paise(paise)
}

/// A future on stream 1, a call on stream 2, a later future on stream 1.
pub fn listings() -> Vec<Listing> {
    let mut future = Instrument::unknown(Segment::NseFo, Token(35_001));
    future.symbol = Symbol::new("NIFTY");
    future.expiry = Nanos::from_ist(2026, 11, 24, 15, 30, 0);
    future.kind_code = InstrumentKind::Future as u8;
    future.tick = paise(5);
    future.lot = Qty(65);
    let call = Instrument {
        token: Token(35_002),
        kind_code: InstrumentKind::Option as u8,
        option_code: OptionType::Call as u8,
        strike: paise(2_240_000),
        ..future
    };
    let expiry = Nanos::from_ist(2026, 12, 29, 15, 30, 0);
    let later = Instrument { token: Token(35_003), expiry, ..future };
    let listing = |instrument, stream, reference| Listing {
        instrument,
        underlying: Underlying::Index,
        stream,
        reference: paise(reference),
    };
    vec![listing(future, 1, 2_245_000), listing(call, 2, 20_000), listing(later, 1, 2_256_000)]
}

/// F&O has no disclosed quantity; with this row it has, so that its ways can be seen.
pub const DISCLOSED: &str = "key,scope,value,effective_from,effective_to,source,confidence,note\n\
                             disclosed.min,NSE/fo,10%,,,a test,L,\n";

pub fn config() -> ExchangeConfig {
    let date = Date::parse("2026-11-20").unwrap();
    ExchangeConfig {
        listings: listings(),
        streams: 2,
        limits: Limits::small(),
        rules: Rules::with_overlays(&[("test", DISCLOSED)]).unwrap(),
        index_closes: [Px::from_paise(2_250_000), Px::ZERO],
        ..ExchangeConfig::new(date).unwrap()
    }
}

/// What a scripted background is to do and has heard.
#[derive(Default)]
pub struct Said {
    pub actions: VecDeque<(Nanos, Action)>,
    pub reports: Vec<Report>,
}

/// A background that does what it is told.
#[derive(Clone, Default)]
pub struct Script(pub Arc<Mutex<Said>>);

impl Script {
    pub fn push(&self, at: Nanos, action: Action) {
        self.0.lock().unwrap().actions.push_back((at, action));
    }

    pub fn take_reports(&self) -> Vec<Report> {
        core::mem::take(&mut self.0.lock().unwrap().reports)
    }
}

impl Background for Script {
    fn next_due(&self) -> Option<Nanos> {
        self.0.lock().unwrap().actions.front().map(|(due, _)| *due)
    }

    fn poll(&mut self, now: Nanos, _matcher: &Matcher) -> Option<Action> {
        let mut said = self.0.lock().unwrap();
        let (due, action) = said.actions.pop_front()?;
        assert!(due <= now, "the exchange asks when something is due");
        Some(action)
    }

    fn on_report(&mut self, report: &Report) {
        self.0.lock().unwrap().reports.push(*report);
    }
}

/// An exchange with a scripted background.
pub fn open(config: &ExchangeConfig) -> (Exchange, Script) {
    let script = Script::default();
    (Exchange::new(config, Box::new(script.clone())).unwrap(), script)
}

/// An order of the background.
pub fn order(instrument: u32, side: Side, price: i64, lots: u32) -> Order {
    let mut order = Order::limit(InstrumentId(instrument), side, paise(price), Qty(65 * lots));
    order.member = 7;
    order
}

/// Reads the market data as a member would: decoder, arbiter, books.
pub struct Reader {
    arbiter: Arbiter,
    pub books: Books,
    ids: BTreeMap<u32, (InstrumentId, u8)>,
    pub events: Vec<Event>,
    pub datagrams: u64,
}

impl Reader {
    pub fn new(config: &ExchangeConfig) -> Self {
        let bounds = BooksConfig { instruments_max: 8, orders_max: 8_192, levels_max: 8_192 };
        let mut books = Books::new(&bounds);
        let mut ids = BTreeMap::new();
        for listing in &config.listings {
            let id = books.add_instrument().unwrap();
            ids.insert(listing.instrument.token.0, (id, listing.stream));
        }
        let arbiter = Arbiter::new(ArbiterConfig::new(Segment::NseFo)).unwrap();
        Self { arbiter, books, ids, events: Vec::new(), datagrams: 0 }
    }

    /// Takes everything that waits, from the lines on which it goes out.
    pub fn read(&mut self, exchange: &mut Exchange, now: Nanos) {
        let mut buffer = [0; 64];
        let mut events = Vec::new();
        while let Some(datagram) = exchange.poll_datagram(&mut buffer) {
            self.datagrams += 1;
            let Lines { a, b } = datagram.lines;
            for (line, is_there) in [(Line::A, a), (Line::B, b)] {
                if is_there {
                    let bytes = &buffer[..datagram.size];
                    self.arbiter.on_packet(line, bytes, now, &mut |event| events.push(*event));
                }
            }
        }
        for event in events {
            self.apply(&event);
            self.events.push(event);
        }
    }

    /// Gives up on what both lines lost.
    pub fn give_up(&mut self, now: Nanos) {
        let mut events = Vec::new();
        self.arbiter.on_timeout(now, &mut |event| events.push(*event));
        for event in events {
            self.apply(&event);
            self.events.push(event);
        }
    }

    fn apply(&mut self, event: &Event) {
        let Event { order_id, price, quantity, .. } = *event;
        if event.kind() == Some(EventKind::StreamReset) {
            for (id, stream) in self.ids.values() {
                if u16::from(*stream) == event.stream.number() {
                    self.books.clear(*id);
                }
            }
            return;
        }
        // A spread's messages name a leg and are about neither leg's book; a trade taken back, which may
        // be a spread's, is about none.
        let is_no_book = matches!(
            event.kind(),
            Some(
                EventKind::SpreadOrderNew
                    | EventKind::SpreadOrderModify
                    | EventKind::SpreadOrderCancel
                    | EventKind::SpreadTrade
                    | EventKind::TradeCancel
            )
        );
        if is_no_book {
            return;
        }
        let Some(&(id, stream)) = self.ids.get(&event.token.0) else { return };
        assert_eq!(
            event.stream.number(),
            u16::from(stream),
            "a contract stays on its stream: {event:?}"
        );
        match event.kind().unwrap() {
            EventKind::OrderNew => {
                self.books.on_new(id, FO, order_id, event.side(), price, quantity).unwrap();
            }
            EventKind::OrderModify => {
                self.books.on_modify(id, FO, order_id, event.side(), price, quantity).unwrap();
            }
            EventKind::OrderCancel => {
                self.books.on_cancel(FO, order_id);
            }
            EventKind::Trade => {
                self.books.on_trade(FO, order_id, event.sell_order_id, quantity);
            }
            kind => panic!("unexpected {kind:?}"),
        }
    }

    /// The kinds of everything read since the last call, as letters of MTBT.
    pub fn letters(&mut self) -> String {
        let letter = |event: &Event| match event.kind().unwrap() {
            EventKind::OrderNew => 'N',
            EventKind::OrderModify => 'M',
            EventKind::OrderCancel => 'X',
            EventKind::Trade => 'T',
            EventKind::TradeCancel => 'C',
            EventKind::StreamReset => 'R',
            _ => '?',
        };
        self.events.drain(..).map(|event| letter(&event)).collect()
    }
}

/// What a queue shows: number, price, quantity of each order as it trades.
pub fn queue(books: &Books, instrument: InstrumentId, side: Side) -> Vec<(u64, i64, u32)> {
    let row =
        |order: RestingOrder| (order.order_id.0, order.price.to_paise().unwrap(), order.quantity.0);
    books.orders(instrument, side).map(row).collect()
}

/// Whether the reader's books are the matcher's, order by order and place by place.
pub fn assert_same_books(exchange: &Exchange, reader: &Reader, context: &str) {
    for (id, _) in reader.ids.values() {
        for side in Side::BOTH {
            let (ours, theirs) =
                (queue(exchange.books(), *id, side), queue(&reader.books, *id, side));
            assert_eq!(ours, theirs, "{context}: instrument {}, {side:?}", id.0);
        }
    }
}
