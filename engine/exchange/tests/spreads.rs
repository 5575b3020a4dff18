//! Spreads on the exchange: their orders and trades as the feed has them, read by a whole core, give
//! the matcher's books, the spread's and the legs' own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::*;
use tezi_core::matching::{Order, Report, Target, TradeKind};
use tezi_core::pricing::Reference;
use tezi_core::strategy::Watch;
use tezi_core::venue::session::Phase;
use tezi_core::{Capacity, Core, CoreConfig};
use tezi_exchange::population::SpreadTraders;
use tezi_exchange::{
    Action, ConfigError, Exchange, ExchangeConfig, NoBackground, SpreadListing, TimedEvent,
    VenueEvent,
};
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi_model::{
    Event, EventKind, InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce, Token,
};

/// The spread's number: behind the three listings.
const SPREAD: u32 = 3;
const NEAR: Token = Token(35_001);
const FAR: Token = Token(35_003);

fn day() -> ExchangeConfig {
    let spread = SpreadListing { legs: [NEAR, FAR], stream: 2, range: Some(paise(50_000)) };
    ExchangeConfig { spreads: vec![spread], ..config() }
}

/// An exchange with a script, and a member's side of it: arbiter and core.
struct Table {
    exchange: Exchange,
    script: Script,
    arbiter: Arbiter,
    core: Core<Watch, Reference>,
    events: Vec<Event>,
    now: Nanos,
}

impl Table {
    fn open(config: &ExchangeConfig) -> Self {
        let (exchange, script) = common::open(config);
        let capacity = Capacity {
            instruments_max: 16,
            market_orders_max: 8_192,
            levels_max: 4_096,
            ..Capacity::default()
        };
        let settings = CoreConfig { capacity, ..CoreConfig::default() };
        let mut core = Core::new(&settings, Watch, Reference).unwrap();
        for listing in &config.listings {
            core.define(&listing.instrument).unwrap();
        }
        let arbiter = Arbiter::new(ArbiterConfig::new(Segment::NseFo)).unwrap();
        let mut table =
            Self { exchange, script, arbiter, core, events: Vec::new(), now: at(9, 30, 0) };
        table.read();
        table.events.clear();
        table
    }

    fn wait(&mut self, until: Nanos) {
        // In steps, as a host would: heartbeats wait to be taken.
        while self.now < until {
            self.now = until.min(self.now.plus(600_000_000_000));
            self.read();
        }
    }

    fn read(&mut self) {
        self.exchange.on_time(self.now);
        let mut buffer = [0; 64];
        while let Some(datagram) = self.exchange.poll_datagram(&mut buffer) {
            let (events, bytes) = (&mut self.events, &buffer[..datagram.size]);
            let first = events.len();
            self.arbiter.on_packet(Line::A, bytes, self.now, &mut |event| events.push(*event));
            for event in &events[first..] {
                self.core.on_event(self.now, event);
            }
        }
    }

    fn act(&mut self, action: Action) -> Vec<Report> {
        self.now = self.now.plus(1_000);
        self.script.push(self.now, action);
        self.read();
        self.script.take_reports()
    }

    fn submit(&mut self, order: Order) -> OrderId {
        let reports = self.act(Action::Submit(order));
        match reports.first() {
            Some(Report::Accepted(state)) => state.order_id,
            other => panic!("{other:?}"),
        }
    }

    /// Kind, token, side, price in paise and quantity of every event since the last call.
    fn said(&mut self) -> Vec<(EventKind, u32, Side, i64, u32)> {
        let row = |event: Event| {
            let Event { token, price, quantity, .. } = event;
            let paise = price.to_paise().unwrap();
            (event.kind().unwrap(), token.0, event.side(), paise, quantity.0)
        };
        self.events.drain(..).map(row).collect()
    }

    fn same(&self, context: &str) {
        let known = self.core.instruments();
        let find = |token| known.find(Segment::NseFo, Token(token));
        let spread = known.find_spread(Segment::NseFo, NEAR, FAR);
        let pairs = [(0, find(35_001)), (1, find(35_002)), (2, find(35_003)), (SPREAD, spread)];
        for (ours, theirs) in pairs {
            for side in Side::BOTH {
                let ours = queue(self.exchange.books(), InstrumentId(ours), side);
                let theirs = theirs.map_or(Vec::new(), |id| queue(self.core.books(), id, side));
                assert_eq!(ours, theirs, "{context}, {side:?}");
            }
        }
        assert!(self.exchange.matcher().is_consistent(), "{context}");
    }
}

#[test]
fn an_order_is_two_messages_and_a_trade_is_two_with_the_prices_of_the_legs() {
    let mut table = Table::open(&day());
    let seller = table.submit(order(SPREAD, Side::Sell, 11_010, 2));
    assert_eq!(
        table.said(),
        [
            (EventKind::SpreadOrderNew, 35_001, Side::Buy, 11_010, 130),
            (EventKind::SpreadOrderNew, 35_003, Side::Sell, 11_010, 130),
        ]
    );
    let buyer = table.submit(order(SPREAD, Side::Buy, 11_015, 3));
    let events = table.events.clone();
    let numbers: Vec<_> =
        events.iter().map(|event| (event.stream.number(), event.sequence)).collect();
    assert_eq!(numbers, [(2, 3), (2, 4), (2, 5), (2, 6)], "all on the spread's stream");
    // Who buys the spread sells the near leg, at its reference while nothing traded there.
    let ids = |event: &Event| (event.order_id, event.sell_order_id);
    assert_eq!([ids(&events[2]), ids(&events[3])], [(seller, buyer), (buyer, seller)]);
    let rows = table.said();
    assert_eq!(rows[2], (EventKind::SpreadTrade, 35_001, Side::Buy, 2_245_000, 130));
    assert_eq!(rows[3], (EventKind::SpreadTrade, 35_003, Side::Buy, 2_256_010, 130));
    table.same("after a trade");
    let counters = table.exchange.counters();
    assert_eq!((counters.trades, counters.quantity_traded), (2, 260), "a trade of each leg");
    let shown: Vec<_> = table.exchange.trades().map(|it| (it.kind, it.price)).collect();
    assert_eq!(shown, [(TradeKind::Spread, paise(11_010))]);
}

#[test]
fn a_change_a_cancel_and_a_trade_taken_back_are_told_of_both_legs() {
    let mut day = day();
    day.events = vec![TimedEvent { at: at(10, 0, 0), event: VenueEvent::TradeCancel(2) }];
    let mut table = Table::open(&day);
    let id = table.submit(order(SPREAD, Side::Buy, -5, 2));
    table.said();
    let target = Target::new(id, 7);
    let letters =
        |table: &mut Table| table.said().iter().map(|row| (row.0, row.3)).collect::<Vec<_>>();
    for (price, lots) in [(0, 2), (0, 1), (0, 4)] {
        let order = order(SPREAD, Side::Buy, price, lots);
        table.act(Action::Modify { target, order });
        assert_eq!(letters(&mut table), [(EventKind::SpreadOrderModify, price); 2]);
        table.same("after a change");
    }
    table.submit(order(SPREAD, Side::Sell, 0, 1));
    table.same("after a trade at zero");
    table.said();
    table.act(Action::Cancel(target));
    assert_eq!(letters(&mut table), [(EventKind::SpreadOrderCancel, 0); 2]);
    table.same("after the cancel");
    table.wait(at(10, 0, 0));
    let rows = table.said();
    assert_eq!(
        rows.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>(),
        [(EventKind::TradeCancel, 35_001), (EventKind::TradeCancel, 35_003)]
    );
}

#[test]
fn spread_orders_are_plain_within_their_range_and_end_with_their_near_leg() {
    let mut day = day();
    day.listings[0].instrument.expiry = at(15, 30, 0);
    day.listings[0].instrument.freeze_quantity = Qty(65 * 5);
    day.events = vec![TimedEvent { at: at(15, 0, 0), event: VenueEvent::Expiry }];
    let mut table = Table::open(&day);
    let plain = order(SPREAD, Side::Buy, 11_000, 1);
    for wrong in [
        Order { time_in_force: TimeInForce::Ioc, ..plain },
        Order { price: paise(11_000 + 50_005), ..plain },
        Order { price: paise(11_000 - 50_005), ..plain },
        Order { price: paise(11_003), ..plain },
        Order { quantity: Qty(65 * 5), ..plain },
    ] {
        let reports = table.act(Action::Submit(wrong));
        assert!(matches!(reports[..], [Report::Refused { .. }]), "{reports:?}");
    }
    table.submit(Order { price: paise(11_000 + 50_000), ..order(SPREAD, Side::Sell, 0, 4) });
    table.submit(plain);
    table.said();
    table.wait(at(15, 0, 1));
    assert_eq!(table.exchange.phase(InstrumentId(SPREAD)), Phase::Closed);
    assert_eq!(table.exchange.phase(InstrumentId(2)), Phase::Continuous);
    let kinds = table.said();
    assert_eq!(kinds.iter().filter(|row| row.0 == EventKind::SpreadOrderCancel).count(), 4);
    table.same("after the expiry");
}

#[test]
fn a_stream_that_begins_anew_says_spread_orders_too() {
    let mut day = day();
    day.events = vec![TimedEvent { at: at(10, 0, 0), event: VenueEvent::StreamRestart(2) }];
    let mut table = Table::open(&day);
    for price in [-10, 5, 5] {
        table.submit(order(SPREAD, Side::Sell, price, 1));
    }
    table.wait(at(10, 0, 0));
    table.same("after the restart");
    let said = table.said();
    assert_eq!(said.iter().filter(|row| row.0 == EventKind::StreamReset).count(), 1);
}

#[test]
fn two_contracts_that_are_no_spread_are_named() {
    for (legs, stream, words) in [
        ([NEAR, Token(1)], 1, "not listed"),
        ([FAR, NEAR], 1, "expire before"),
        ([NEAR, NEAR], 1, "expire before"),
        ([Token(35_002), FAR], 1, "one underlying"),
        ([NEAR, FAR], 3, "stream"),
    ] {
        let spreads = vec![SpreadListing { legs, stream, range: None }];
        let error = ExchangeConfig { spreads, ..config() }.spreads_of_the_day().unwrap_err();
        assert!(matches!(error, ConfigError::Spread { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let twice = ExchangeConfig { spreads: [day().spreads, day().spreads].concat(), ..config() };
    assert!(Exchange::new(&twice, Box::new(NoBackground)).is_err());
}

#[test]
fn random_days_read_by_a_core_are_the_matchers() {
    for seed in 1..=4 {
        let mut rng = Random(seed);
        let mut table = Table::open(&day());
        let mut live: Vec<(OrderId, Order)> = Vec::new();
        let mut spread_trades = 0;
        for step in 0..3_000 {
            let instrument = [0, 2, SPREAD, SPREAD, SPREAD][rng.below(5) as usize];
            let side = Side::BOTH[rng.below(2) as usize];
            let middle = if instrument == SPREAD { 0 } else { 2_250_000 };
            let price = middle + 5 * (rng.below(15) as i64 - 7);
            let fresh = order(instrument, side, price, 1 + rng.below(4) as u32);
            let action = match rng.below(10) {
                5..=7 if !live.is_empty() => {
                    let (id, was) = live[rng.below(live.len() as u64) as usize];
                    let mut order = Order { instrument: was.instrument, side: was.side, ..fresh };
                    order.price = if rng.one_in(2) {
                        was.price
                    } else {
                        was.price + Px(2 * was.side.sign() * 500_000_000)
                    };
                    Action::Modify { target: Target::new(id, 7), order }
                }
                8 | 9 if !live.is_empty() => {
                    let at = rng.below(live.len() as u64) as usize;
                    Action::Cancel(Target::new(live.swap_remove(at).0, 7))
                }
                _ => Action::Submit(fresh),
            };
            for report in table.act(action) {
                match (report, action) {
                    (Report::Accepted(state), Action::Submit(order)) => {
                        live.push((state.order_id, order));
                    }
                    (Report::Traded(trade), _) if trade.kind == TradeKind::Spread => {
                        spread_trades += 1;
                    }
                    _ => {}
                }
            }
            if live.len() > 150 {
                live.remove(0);
            }
            table.same(&format!("seed {seed}, step {step}, {action:?}"));
        }
        assert!(spread_trades > 200, "seed {seed}: {spread_trades}");
        assert_eq!(table.core.instruments().legs_given_up(), 0, "seed {seed}");
    }
}

#[test]
fn the_makers_quote_stands_around_the_difference_and_is_taken_now_and_then() {
    let day = day();
    let (script, start) = (Script::default(), at(9, 30, 0));
    let traders = SpreadTraders::new(script.clone(), &day, 7, start).unwrap();
    let mut exchange = Exchange::new(&day, Box::new(traders)).unwrap();
    for (instrument, middle) in [(0, 2_245_000), (2, 2_256_000)] {
        for (side, price) in [(Side::Buy, middle - 5), (Side::Sell, middle + 5)] {
            script.push(start, Action::Submit(order(instrument, side, price, 10)));
        }
    }
    let seconds = |seconds: i64| start.plus(seconds * 1_000_000_000);
    exchange.on_time(seconds(1));
    let best = |exchange: &Exchange, side| {
        exchange.books().touch(InstrumentId(SPREAD), side).unwrap().price.to_paise().unwrap()
    };
    assert_eq!([best(&exchange, Side::Buy), best(&exchange, Side::Sell)], [10_985, 11_015]);
    // The far leg rises by 20 paise: the quote follows.
    script.push(seconds(2), Action::Submit(order(2, Side::Buy, 2_256_005, 20)));
    script.push(seconds(2), Action::Submit(order(2, Side::Sell, 2_256_045, 1)));
    exchange.on_time(seconds(3));
    assert_eq!([best(&exchange, Side::Buy), best(&exchange, Side::Sell)], [11_010, 11_040]);
    exchange.on_time(seconds(120));
    let spread_trades = exchange.trades().filter(|it| it.kind == TradeKind::Spread).count();
    assert!((5..=64).contains(&spread_trades), "{spread_trades}");
    assert_eq!(exchange.counters().background_refused, 0);
    assert!(exchange.matcher().is_consistent());
}
