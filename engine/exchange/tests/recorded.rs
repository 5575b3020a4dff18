//! A recorded market behind the exchange: alone it gives the recording's own books, with an order of
//! ours in it that order trades when the recording reaches its place.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytemuck::Zeroable;
use common::{FO, Random, at, config, order, paise, queue};
use tezi_core::book::{Books, BooksConfig};
use tezi_core::matching::{Matcher, Order, OrderState, Report, Trade};
use tezi_exchange::{
    Action, Background, Exchange, ExchangeConfig, RecordedCounters, RecordedMarket,
    recorded_listings,
};
use tezi_feed_handler::capture::CaptureReader;
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi_model::{
    Event, EventKind, InstrumentId, MarketFlags, Nanos, OrderId, Qty, Segment, Side, StreamId,
    Token,
};

const FUTURE: InstrumentId = InstrumentId(0);
const SECOND: i64 = 1_000_000_000;
/// When the recording was made: another year.
const THEN: Nanos = Nanos::from_ist(2016, 5, 20, 9, 37, 36);

/// A recording beside orders of ours, which are the test's.
struct Beside {
    market: RecordedMarket,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    own: Vec<(Nanos, Action)>,
    reports: Vec<Report>,
    counters: RecordedCounters,
}

impl Background for Beside {
    fn next_due(&self) -> Option<Nanos> {
        let own = self.shared.lock().unwrap().own.first().map(|(due, _)| *due);
        [own, self.market.next_due()].into_iter().flatten().min()
    }

    fn poll(&mut self, now: Nanos, matcher: &Matcher) -> Option<Action> {
        let mut shared = self.shared.lock().unwrap();
        if shared.own.first().is_some_and(|(due, _)| *due <= now) {
            return Some(shared.own.remove(0).1);
        }
        let action = self.market.poll(now, matcher);
        shared.counters = *self.market.counters();
        action
    }

    fn on_report(&mut self, report: &Report) {
        self.shared.lock().unwrap().reports.push(*report);
        self.market.on_report(report);
    }

    fn is_protected(&self) -> bool {
        self.market.is_protected()
    }
}

fn event(kind: EventKind, seconds: i64, id: u64, side: Side, price: i64, quantity: u32) -> Event {
    Event {
        kind_code: kind as u8,
        flags: if side == Side::Sell { MarketFlags::SELL } else { 0 },
        stream: StreamId::new(Segment::NseFo, 1),
        token: Token(35_001),
        exchange_time: THEN.plus(seconds * SECOND),
        order_id: OrderId(id),
        price: paise(price),
        quantity: Qty(quantity),
        ..Event::zeroed()
    }
}

fn trade(seconds: i64, buy: u64, sell: u64, price: i64, quantity: u32) -> Event {
    let trade = event(EventKind::Trade, seconds, buy, Side::Buy, price, quantity);
    Event { sell_order_id: OrderId(sell), ..trade }
}

struct Ran {
    exchange: Exchange,
    counters: RecordedCounters,
    reports: Vec<Report>,
}

/// Plays a recording from half past nine, with orders of ours so many seconds after that.
fn play(config: &ExchangeConfig, events: &[Event], own: &[(i64, Order)], seconds: i64) -> Ran {
    let start = at(9, 30, 0);
    let market = RecordedMarket::new(events, &config.listings, start);
    let own = own.iter().map(|(at, order)| (start.plus(at * SECOND + 1), Action::Submit(*order)));
    let shared = Arc::new(Mutex::new(Shared { own: own.collect(), ..Shared::default() }));
    let beside = Beside { market, shared: Arc::clone(&shared) };
    let mut exchange = Exchange::new(config, Box::new(beside)).unwrap();
    let mut now = start;
    exchange.on_time(now);
    while now < start.plus(seconds * SECOND) {
        now = now.plus(SECOND / 10);
        exchange.on_time(now);
        while exchange.poll_datagram(&mut [0; 64]).is_some() {}
    }
    let shared = shared.lock().unwrap();
    assert!(exchange.matcher().is_consistent());
    Ran { exchange, counters: shared.counters, reports: shared.reports.clone() }
}

/// Trades of member 7, which is ours: side, price in paise, quantity.
fn ours(ran: &Ran) -> Vec<(Side, i64, u32)> {
    let mut found = Vec::new();
    for report in &ran.reports {
        let Report::Traded(Trade { members, price, quantity, .. }) = report else { continue };
        for side in Side::BOTH {
            if members[side as usize] == 7 {
                found.push((side, price.to_paise().unwrap(), quantity.0));
            }
        }
    }
    found
}

fn bids(ran: &Ran) -> Vec<(i64, u32)> {
    let all = queue(ran.exchange.books(), FUTURE, Side::Buy);
    all.into_iter().map(|(_, price, quantity)| (price, quantity)).collect()
}

use EventKind::{OrderCancel, OrderExecute, OrderModify, OrderNew, OrderReduce, OrderReplace};
use Side::{Buy, Sell};

const P: i64 = 2_245_000;

#[test]
fn an_own_order_waits_behind_what_the_recording_has_before_it() {
    let mut events = vec![
        event(OrderNew, 0, 1, Buy, P, 130),
        // Ours comes at second 1, behind these; at second 2 another recorded one behind ours.
        event(OrderNew, 2, 2, Buy, P, 65),
        event(OrderNew, 3, 3, Sell, P, 195),
        trade(3, 1, 3, P, 130),
        trade(3, 2, 3, P, 65),
        event(OrderNew, 5, 4, Buy, P - 5, 65),
    ];
    let own = [(1, order(0, Buy, P, 1))];
    let ran = play(&config(), &events, &own, 4);
    // The seller of 195 meets 130 before ours, ours, and of the recorded one behind ours nothing: but in
    // the recording that one has traded, so it leaves.
    assert_eq!(ours(&ran), [(Buy, P, 65)]);
    assert_eq!(bids(&ran), []);
    // Too small a seller does not reach ours.
    events[2].quantity = Qty(130);
    events.remove(4);
    let ran = play(&config(), &events, &own, 6);
    assert_eq!(ours(&ran), []);
    assert_eq!(bids(&ran), [(P, 65), (P, 65), (P - 5, 65)]);
    assert_eq!(ran.counters.refused + ran.counters.gone, 0);
}

#[test]
fn an_aggressor_that_was_never_shown_takes_what_stands_first() {
    let events = [
        event(OrderNew, 0, 1, Sell, P + 10, 65),
        event(OrderNew, 0, 2, Sell, P + 15, 130),
        trade(2, 0, 2, P + 15, 130),
    ];
    // The recording shows nothing of order 1 trading; but a market order that went to the second level
    // would have met what stands before: ours, which is better than both.
    let own = [(1, order(0, Sell, P, 1))];
    let ran = play(&config(), &events, &own, 4);
    assert_eq!(ours(&ran), [(Sell, P, 65)]);
    let asks = queue(ran.exchange.books(), FUTURE, Sell);
    assert_eq!(asks.len(), 0, "what the recording has sold is gone: {asks:?}");
}

#[test]
fn what_we_take_from_the_recording_stays_taken() {
    let events = [
        event(OrderNew, 0, 1, Sell, P, 130),
        event(OrderModify, 2, 1, Sell, P, 65),
        event(OrderModify, 3, 1, Sell, P + 5, 65),
        event(OrderCancel, 4, 1, Sell, P + 5, 65),
    ];
    let ran = play(&config(), &events, &[(1, order(0, Buy, P, 2))], 5);
    assert_eq!(ours(&ran), [(Buy, P, 130)]);
    assert_eq!(ran.exchange.books().orders_count(), 0);
    assert_eq!(ran.counters.gone, 2, "two changes of an order that is gone");
    // Of one that is partly taken the rest goes on.
    let ran = play(&config(), &events[..2], &[(1, order(0, Buy, P, 1))], 5);
    assert_eq!(queue(ran.exchange.books(), FUTURE, Sell).len(), 1);
    assert_eq!(ran.counters.gone, 0);
}

#[test]
fn research_events_execute_reduce_and_replace() {
    let replace = |seconds, old, new, price, quantity| Event {
        sell_order_id: OrderId(new),
        ..event(OrderReplace, seconds, old, Buy, price, quantity)
    };
    let events = [
        event(OrderNew, 0, 1, Buy, P, 195),
        event(OrderReduce, 0, 1, Buy, P, 65),
        replace(2, 1, 2, P + 5, 130),
        event(OrderExecute, 3, 2, Buy, P + 5, 65),
        event(EventKind::TradingStatus, 3, 0, Buy, 0, 2),
    ];
    let ran = play(&config(), &events, &[], 4);
    assert_eq!(bids(&ran), [(P + 5, 65)]);
    assert_eq!(ran.counters.passed_over, 1);
    // Ours at the price before the replaced one came is reached first.
    let ran = play(&config(), &events, &[(1, order(0, Buy, P + 5, 1))], 4);
    assert_eq!(ours(&ran), [(Buy, P + 5, 65)]);
    assert_eq!(bids(&ran), [(P + 5, 65)]);
    let mut cleared = events.to_vec();
    cleared.push(event(EventKind::BookClear, 4, 0, Buy, 0, 0));
    assert_eq!(bids(&play(&config(), &cleared, &[], 5)), []);
    let mut reset = events.to_vec();
    let token = Token(0);
    reset.push(Event { token, ..event(EventKind::StreamReset, 4, 0, Buy, 0, 0) });
    assert_eq!(bids(&play(&config(), &reset, &[], 5)), []);
}

/// What events do to books of their own: the recording's.
fn apply(books: &mut Books, id: InstrumentId, event: &Event) {
    let Event { order_id, price, quantity, .. } = *event;
    let side = event.side();
    match event.kind().unwrap() {
        OrderNew => _ = books.on_new(id, FO, order_id, side, price, quantity).unwrap(),
        OrderModify => _ = books.on_modify(id, FO, order_id, side, price, quantity).unwrap(),
        OrderCancel => _ = books.on_cancel(FO, order_id),
        EventKind::Trade => _ = books.on_trade(FO, order_id, event.sell_order_id, quantity),
        _ => {}
    }
}

/// Price and quantity by place, best first.
fn rows(books: &Books, id: InstrumentId, side: Side) -> Vec<(i64, u32)> {
    queue(books, id, side).into_iter().map(|(_, price, quantity)| (price, quantity)).collect()
}

/// A day of another exchange as its feed says it: the recording.
fn record(seed: u64) -> Vec<Event> {
    use tezi_core::matching::{InstrumentTerms, MatcherConfig, Target};
    use tezi_core::venue::session::Phase;
    let mut rng = Random(seed);
    let mut matcher = Matcher::new(&MatcherConfig::small(Segment::NseFo));
    let terms = InstrumentTerms::new(paise(5), Qty(65));
    let id = matcher.add_instrument(&terms).unwrap();
    matcher.set_phase(THEN, id, Phase::Continuous, &mut Vec::new()).unwrap();
    let (mut events, mut live) = (Vec::new(), Vec::new());
    for step in 0..2_000 {
        let mut reports: Vec<Report> = Vec::new();
        let now = THEN.plus(step * 5_000_000);
        let side = Side::BOTH[rng.below(2) as usize];
        let price = P + 5 * (rng.below(13) as i64 - 6);
        let fresh = order(0, side, price, 1 + rng.below(5) as u32);
        match rng.below(8) {
            0..=3 => _ = matcher.submit(now, &fresh, &mut reports),
            4 => {
                let market = Order::market(id, side, fresh.quantity);
                let ioc = Order { time_in_force: tezi_model::TimeInForce::Ioc, ..market };
                _ = matcher.submit(now, &ioc, &mut reports);
            }
            5 | 6 if !live.is_empty() => {
                let (id, side) = live[rng.below(live.len() as u64) as usize];
                _ = matcher.modify(now, Target::new(id, 7), &Order { side, ..fresh }, &mut reports);
            }
            _ if !live.is_empty() => {
                let (id, _) = live.swap_remove(rng.below(live.len() as u64) as usize);
                _ = matcher.cancel(now, Target::new(id, 7), &mut reports);
            }
            _ => {}
        }
        let said = |kind, state: &OrderState| Event {
            exchange_time: state.time,
            price: state.price,
            ..event(kind, 0, state.order_id.0, state.side, 0, state.open().0)
        };
        for report in &reports {
            match report {
                Report::Accepted(state) if state.member == 7 => {
                    events.push(said(OrderNew, state));
                    live.push((state.order_id, state.side));
                }
                Report::Modified(state) => events.push(said(OrderModify, state)),
                Report::Canceled(state, _) if state.member == 7 => {
                    events.push(said(OrderCancel, state));
                }
                Report::Traded(it) => {
                    let shown = |side: Side| {
                        if it.members[side as usize] == 7 {
                            it.order_ids[side as usize].0
                        } else {
                            0
                        }
                    };
                    let event = trade(0, shown(Buy), shown(Sell), 0, it.quantity.0);
                    events.push(Event { exchange_time: it.time, price: it.price, ..event });
                }
                _ => {}
            }
        }
    }
    events
}

#[test]
fn alone_the_books_are_the_recordings_at_every_tenth_of_a_second() {
    for seed in 1..=5 {
        let events = record(seed);
        assert!(events.iter().filter(|it| it.kind() == Some(EventKind::Trade)).count() > 200);
        let first = events[0].exchange_time;
        let bounds = BooksConfig { instruments_max: 1, orders_max: 4_096, levels_max: 1_024 };
        for tenth in [1, 7, 30, 60, 99] {
            let seconds = tenth / 10 + 1;
            let until = first.plus(seconds * SECOND);
            let said: Vec<Event> =
                events.iter().filter(|it| it.exchange_time <= until).copied().collect();
            let mut books = Books::new(&bounds);
            books.add_instrument().unwrap();
            said.iter().for_each(|event| apply(&mut books, FUTURE, event));
            let ran = play(&config(), &events, &[], seconds);
            for side in Side::BOTH {
                let ours = rows(ran.exchange.books(), FUTURE, side);
                assert_eq!(ours, rows(&books, FUTURE, side), "seed {seed}, {seconds} s, {side:?}");
            }
            assert_eq!((ran.counters.refused, ran.counters.gone), (0, 0), "seed {seed}");
        }
    }
}

#[test]
fn with_orders_of_ours_nothing_is_refused_and_ours_trade() {
    for seed in 1..=5 {
        let events = record(seed);
        let mut rng = Random(seed + 100);
        let own: Vec<(i64, Order)> = (0..9)
            .flat_map(|second| [(second, Buy), (second, Sell)])
            .map(|(second, side)| {
                let away = 5 * (1 + rng.below(5) as i64);
                let price = if side == Buy { P - away } else { P + away };
                (second, order(0, side, price, 1 + rng.below(3) as u32))
            })
            .collect();
        let ran = play(&config(), &events, &own, 11);
        assert!(ours(&ran).len() > 5, "seed {seed}: {:?}", ours(&ran));
        assert_eq!(ran.counters.refused, 0, "seed {seed}");
        let again = play(&config(), &events, &own, 11);
        assert_eq!(ran.reports, again.reports, "the same day again");
    }
}

#[test]
fn a_recording_lists_itself() {
    let mut events = record(3);
    events.push(Event { token: Token(9), ..event(OrderNew, 30, 1, Buy, 12_345, 10) });
    events.push(Event { token: Token(8), ..event(OrderNew, 30, 1, Buy, -5, 10) });
    let found = recorded_listings(&events, config().date, 1);
    assert_eq!((found.listings.len(), found.left_out), (1, 2));
    let instrument = found.listings[0].instrument;
    assert_eq!(
        (instrument.token, instrument.tick, instrument.lot),
        (Token(35_001), paise(5), Qty(65))
    );
    let day = ExchangeConfig { listings: found.listings, ..config() };
    let ran = play(&day, &events, &[], 11);
    assert_eq!((ran.counters.refused, ran.counters.unlisted), (0, 2));
}

#[test]
fn a_real_session_gives_its_own_books() {
    let Some(root) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set");
        return;
    };
    let bytes = std::fs::read(PathBuf::from(root).join("nse_mtbt/first3000.pcap")).unwrap();
    let mut reader = CaptureReader::new(&bytes).unwrap();
    let mut arbiter = Arbiter::new(ArbiterConfig::new(Segment::NseFo)).unwrap();
    let mut events: Vec<Event> = Vec::new();
    loop {
        reader.advance().unwrap();
        let Some(packet) = reader.current() else { break };
        let time = packet.time;
        arbiter.on_packet(Line::A, packet.packet.payload, time, &mut |event| events.push(*event));
    }
    let found = recorded_listings(&events, config().date, 1_000);
    let mut day = ExchangeConfig { listings: found.listings, ..config() };
    day.limits.datagrams = 1 << 16;
    let bounds = BooksConfig { instruments_max: 1_000, orders_max: 1 << 14, levels_max: 1 << 14 };
    let mut books = Books::new(&bounds);
    let tokens: Vec<Token> = day.listings.iter().map(|it| it.instrument.token).collect();
    for _ in &tokens {
        books.add_instrument().unwrap();
    }
    for event in &events {
        let Some(at) = tokens.iter().position(|token| *token == event.token) else { continue };
        let id = InstrumentId(at as u32);
        apply(&mut books, id, event);
    }
    let ran = play(&day, &events, &[], 10);
    println!("{} contracts, {} left out, {:?}", tokens.len(), found.left_out, ran.counters);
    let mut orders = 0;
    for id in (0..tokens.len() as u32).map(InstrumentId) {
        for side in Side::BOTH {
            let theirs = rows(&books, id, side);
            orders += theirs.len();
            assert_eq!(rows(ran.exchange.books(), id, side), theirs, "{}", tokens[id.index()]);
        }
    }
    assert!(orders > 500, "{orders}");
    assert_eq!((ran.counters.refused, ran.counters.gaps), (0, 0));
}
