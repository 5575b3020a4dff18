//! Spread books through the core against a naive model: three futures, the three spreads between
//! them, and outright orders under the very numbers of the spread orders.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::{BTreeMap, VecDeque};

use bytemuck::Zeroable;
use common::market::open;
use tezi_core::pricing::Reference;
use tezi_core::strategy::{BookUpdate, Context, Strategy, Trade};
use tezi_core::{Capacity, Core, CoreConfig};
use tezi_model::{
    Event, EventKind, Instrument, InstrumentId, InstrumentKind, MarketFlags, Nanos, OrderId, Px,
    Qty, Segment, Side, StreamId, Token,
};
use tezi_testing::Random;

const FO: Segment = Segment::NseFo;
/// Tokens that ascend, and expiries that do not: 201 expires last.
const FUTURES: [(u32, i64); 3] = [(201, 300), (202, 100), (203, 200)];
/// Near and far leg of each spread.
const SPREADS: [[u32; 2]; 3] = [[202, 203], [203, 201], [202, 201]];

/// Notes what it is told.
#[derive(Default)]
struct Listener {
    books: Vec<BookUpdate>,
    trades: Vec<Trade>,
}

impl Strategy for Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    fn on_book(&mut self, _ctx: &mut Context<'_>, update: BookUpdate) {
        self.books.push(update);
    }

    fn on_trade(&mut self, _ctx: &mut Context<'_>, trade: &Trade) {
        self.trades.push(*trade);
    }
}

type TestCore = Core<Listener, Reference>;

/// A core that knows the futures from their master, or nothing.
fn new_core(is_defined: bool) -> TestCore {
    let capacity = Capacity {
        instruments_max: 16,
        market_orders_max: 256,
        levels_max: 256,
        ..Capacity::default()
    };
    let config = CoreConfig { capacity, ..CoreConfig::default() };
    let mut core = Core::new(&config, Listener::default(), Reference).unwrap();
    for (token, expiry) in FUTURES.into_iter().filter(|_| is_defined) {
        let mut future = Instrument::unknown(FO, Token(token));
        future.kind_code = InstrumentKind::Future as u8;
        future.expiry = Nanos(expiry);
        core.define(&future).unwrap();
    }
    core
}

fn give(core: &mut TestCore, event: &Event) {
    core.on_event(event.receive_time, event);
}

fn event(kind: EventKind, id: u64, token: u32, side: Side, paise: i64, quantity: u32) -> Event {
    Event {
        kind_code: kind as u8,
        flags: if side == Side::Sell { MarketFlags::SELL } else { 0 },
        stream: StreamId::new(FO, 2),
        token: Token(token),
        exchange_time: open(),
        receive_time: open(),
        quantity: Qty(quantity),
        price: Px::from_paise(paise),
        order_id: OrderId(id),
        ..Event::zeroed()
    }
}

/// The two messages of an order that buys or sells a spread, near leg first.
fn order(
    kind: EventKind,
    id: u64,
    [near, far]: [u32; 2],
    side: Side,
    paise: i64,
    qty: u32,
) -> [Event; 2] {
    let leg = |token, side| event(kind, id, token, side, paise, qty);
    [leg(near, side.opposite()), leg(far, side)]
}

/// The two messages of a trade in a spread, near leg first: `buy` buys the difference.
fn trade(
    [near, far]: [u32; 2],
    [buy, sell]: [u64; 2],
    [near_paise, far_paise]: [i64; 2],
    qty: u32,
) -> [Event; 2] {
    let leg = |token, buy, sell, paise| Event {
        sell_order_id: OrderId(sell),
        ..event(EventKind::SpreadTrade, buy, token, Side::Buy, paise, qty)
    };
    [leg(near, sell, buy, near_paise), leg(far, buy, sell, far_paise)]
}

/// Price in paise, quantity and orders of each level, best first.
fn levels(core: &TestCore, instrument: InstrumentId, side: Side) -> Vec<(i64, u64, u32)> {
    let levels = core.books().levels(instrument, side);
    levels.map(|level| (level.price.to_paise().unwrap(), level.quantity, level.orders)).collect()
}

fn spread_of(core: &TestCore, [near, far]: [u32; 2]) -> InstrumentId {
    core.instruments().find_spread(FO, Token(near), Token(far)).unwrap()
}

use EventKind::{SpreadOrderCancel, SpreadOrderModify, SpreadOrderNew};
use Side::{Buy, Sell};

#[test]
fn a_spread_order_is_one_order_with_a_signed_price() {
    let mut core = new_core(true);
    let [near, far] = order(SpreadOrderNew, 7, SPREADS[0], Buy, -200, 50);
    give(&mut core, &near);
    assert_eq!((core.books().orders_count(), core.strategy().books.len()), (0, 0));
    give(&mut core, &far);
    let spread = spread_of(&core, SPREADS[0]);
    let definition = core.instruments().get(spread).unwrap().definition;
    assert_eq!(definition.kind(), InstrumentKind::Spread);
    assert_eq!((definition.expiry, definition.to_string()), (Nanos(100), "fo:202/203".into()));
    assert_eq!(levels(&core, spread, Buy), [(-200, 50, 1)]);
    for leg in order(SpreadOrderNew, 8, SPREADS[0], Sell, 0, 30) {
        give(&mut core, &leg);
    }
    assert_eq!(levels(&core, spread, Sell), [(0, 30, 1)]);
    assert!(!core.books().is_crossed(spread), "bids below asks, also below nought");
    let updates =
        core.strategy().books.iter().map(|update| (update.instrument, update.touch_changed));
    assert!(updates.eq([(spread, true), (spread, true)]), "once an order, with its second leg");
    for leg in order(SpreadOrderCancel, 7, SPREADS[0], Buy, 0, 0) {
        give(&mut core, &leg);
    }
    assert!(levels(&core, spread, Buy).is_empty());
    assert_eq!(core.counters().orders_unknown, 0);
}

#[test]
fn a_spread_trade_takes_from_the_spread_and_counts_in_the_legs() {
    let mut core = new_core(true);
    // The same number rests outright in the near leg: it is another order.
    give(&mut core, &event(EventKind::OrderNew, 7, 202, Sell, 10_000, 40));
    for leg in order(SpreadOrderNew, 7, SPREADS[0], Sell, 55, 40) {
        give(&mut core, &leg);
    }
    let spread = spread_of(&core, SPREADS[0]);
    let [near, far] = [202, 203].map(|token| core.instruments().find(FO, Token(token)).unwrap());
    for leg in trade(SPREADS[0], [9, 7], [10_215, 10_270], 25) {
        give(&mut core, &leg);
    }
    assert_eq!(levels(&core, spread, Sell), [(55, 15, 1)]);
    assert_eq!(levels(&core, near, Sell), [(10_000, 40, 1)]);
    assert_eq!(core.last_trade(spread), Some(Px::from_paise(55)));
    assert_eq!([near, far].map(|leg| core.last_trade(leg)), [None; 2]);
    assert_eq!([spread, near, far].map(|id| core.volume(id)), [25; 3]);
    let heard: Vec<_> =
        core.strategy().trades.iter().map(|t| (t.instrument, t.price, t.quantity)).collect();
    assert_eq!(heard, [(spread, Px::from_paise(55), Qty(25))]);
    assert_eq!(core.counters().trades, 1);
    // Between orders never shown, the exchange may name none.
    for leg in trade(SPREADS[0], [0, 0], [10_215, 10_200], 5) {
        give(&mut core, &leg);
    }
    assert_eq!(core.last_trade(spread), Some(Px::from_paise(-15)));
    assert_eq!((core.counters().orders_unknown, core.counters().malformed), (0, 0));
}

#[test]
fn a_lost_message_leaves_no_half_behind() {
    let mut core = new_core(true);
    let stream = StreamId::new(FO, 2);
    let [near, _] = trade(SPREADS[0], [0, 0], [100, 110], 5);
    give(&mut core, &near);
    give(&mut core, &order(SpreadOrderNew, 7, SPREADS[0], Buy, 10, 50)[0]);
    for fault in [EventKind::StreamGap, EventKind::StreamReset, EventKind::SnapshotStart] {
        give(&mut core, &Event { stream, ..event(fault, 9, 0, Buy, 0, 0) });
    }
    assert_eq!(core.counters().spread_legs_given_up, 2);
    for leg in trade(SPREADS[0], [0, 0], [200, 230], 5) {
        give(&mut core, &leg);
    }
    let spread = spread_of(&core, SPREADS[0]);
    assert_eq!(core.last_trade(spread), Some(Px::from_paise(30)));
    // The order shows with its next change.
    for leg in order(SpreadOrderModify, 7, SPREADS[0], Buy, 15, 50) {
        give(&mut core, &leg);
    }
    assert_eq!(levels(&core, spread, Buy), [(15, 50, 1)]);
    assert!(core.is_stale(spread), "an image has begun and the stream is not whole");
    give(&mut core, &Event { stream, ..event(EventKind::StreamReset, 0, 0, Buy, 0, 0) });
    assert!(levels(&core, spread, Buy).is_empty() && !core.is_stale(spread));
}

/// A resting order of the model: the index of its spread or future, side, price in paise, quantity.
type Resting = (usize, Side, i64, u32);

/// What the market should look like.
#[derive(Default)]
struct Model {
    spreads: BTreeMap<u64, Resting>,
    outright: BTreeMap<u64, Resting>,
    volumes: BTreeMap<u32, u64>,
    last: BTreeMap<usize, i64>,
    trades: usize,
}

fn side_levels(orders: &BTreeMap<u64, Resting>, place: usize, side: Side) -> Vec<(i64, u64, u32)> {
    let mut levels: BTreeMap<i64, (u64, u32)> = BTreeMap::new();
    for &(_, _, paise, quantity) in
        orders.values().filter(|resting| (resting.0, resting.1) == (place, side))
    {
        let level = levels.entry(-paise * side.sign()).or_default();
        *level = (level.0 + u64::from(quantity), level.1 + 1);
    }
    levels
        .into_iter()
        .map(|(rank, (quantity, orders))| (-rank * side.sign(), quantity, orders))
        .collect()
}

fn reduce(orders: &mut BTreeMap<u64, Resting>, id: u64, side: Side, quantity: u32) {
    let Some(resting) = orders.get_mut(&id).filter(|resting| resting.1 == side) else { return };
    resting.3 = resting.3.saturating_sub(quantity);
    if resting.3 == 0 {
        orders.remove(&id);
    }
}

impl Model {
    /// What the next spread message pair says.
    fn spread(&mut self, random: &mut Random) -> [Event; 2] {
        let (id, quantity) = (1 + random.below(30), 25 * (1 + random.below(4) as u32));
        let known = self.spreads.get(&id).copied();
        let new = (random.below(3) as usize, Side::BOTH[random.below(2) as usize]);
        let (place, side) = known.map_or(new, |resting| (resting.0, resting.1));
        let (legs, paise) = (SPREADS[place], 5 * (random.below(30) as i64 - 15));
        match random.below(10) {
            0..=5 => {
                self.spreads.insert(id, (place, side, paise, quantity));
                let kind = if known.is_some() { SpreadOrderModify } else { SpreadOrderNew };
                order(kind, id, legs, side, paise, quantity)
            }
            6..=7 => {
                self.spreads.remove(&id);
                order(SpreadOrderCancel, id, legs, side, 5, 25)
            }
            _ => {
                // Against an order never shown, whose number some outright order may have.
                let ids = if side == Buy { [id, 0] } else { [random.below(2) * 31, id] };
                let near = 10_000 + 5 * random.below(9) as i64;
                self.trades += 1;
                for token in legs {
                    *self.volumes.entry(token).or_default() += u64::from(quantity);
                }
                self.last.insert(place, paise);
                reduce(&mut self.spreads, ids[0], Buy, quantity);
                reduce(&mut self.spreads, ids[1], Sell, quantity);
                trade(legs, ids, [near, near + paise], quantity)
            }
        }
    }

    fn outright(&mut self, random: &mut Random) -> Event {
        let (id, quantity) = (1 + random.below(31), 25 * (1 + random.below(4) as u32));
        let known = self.outright.get(&id).copied();
        let new = (random.below(3) as usize, Side::BOTH[random.below(2) as usize]);
        let (place, side) = known.map_or(new, |resting| (resting.0, resting.1));
        let (token, paise) = (FUTURES[place].0, 5 * (1_000 + random.below(30) as i64));
        match random.below(10) {
            0..=6 => {
                self.outright.insert(id, (place, side, paise, quantity));
                event(EventKind::OrderModify, id, token, side, paise, quantity)
            }
            7..=8 => {
                self.outright.remove(&id);
                event(EventKind::OrderCancel, id, token, side, paise, quantity)
            }
            _ => {
                let ids = if side == Buy { [id, 0] } else { [0, id] };
                reduce(&mut self.outright, id, side, quantity);
                *self.volumes.entry(token).or_default() += u64::from(quantity);
                let trade = event(EventKind::Trade, ids[0], token, Buy, paise, quantity);
                Event { sell_order_id: OrderId(ids[1]), ..trade }
            }
        }
    }

    fn check(&self, core: &TestCore, place: &str) {
        for (index, [near, far]) in SPREADS.into_iter().enumerate() {
            let Some(id) = core.instruments().find_spread(FO, Token(near), Token(far)) else {
                continue;
            };
            for side in Side::BOTH {
                let expected = side_levels(&self.spreads, index, side);
                assert_eq!(levels(core, id, side), expected, "{place}: {near}/{far} {side:?}");
            }
            let last = self.last.get(&index).map(|&paise| Px::from_paise(paise));
            assert_eq!(core.last_trade(id), last, "{place}: {near}/{far}");
        }
        for (index, (token, _)) in FUTURES.into_iter().enumerate() {
            let Some(id) = core.instruments().find(FO, Token(token)) else { continue };
            for side in Side::BOTH {
                let expected = side_levels(&self.outright, index, side);
                assert_eq!(levels(core, id, side), expected, "{place}: {token} {side:?}");
            }
            let volume = self.volumes.get(&token).copied().unwrap_or(0);
            assert_eq!(core.volume(id), volume, "{place}: {token}");
        }
    }
}

#[test]
fn spread_and_outright_books_are_those_of_the_model() {
    for seed in 1..=20 {
        let mut random = Random(seed);
        // Where the legs are known either may come first; else the first one is the near one.
        let is_defined = seed % 2 == 0;
        let mut core = new_core(is_defined);
        let mut model = Model::default();
        let mut second: VecDeque<Event> = VecDeque::new();
        for step in 0..3_000 {
            let place = format!("seed {seed}, step {step}");
            if random.one_in(2) {
                give(&mut core, &model.outright(&mut random));
            } else {
                let mut legs = model.spread(&mut random);
                if is_defined && random.one_in(2) {
                    legs.swap(0, 1);
                }
                give(&mut core, &legs[0]);
                // Other messages may stand between the legs.
                for _ in 0..random.below(3) {
                    give(&mut core, &model.outright(&mut random));
                }
                second.push_back(legs[1]);
            }
            if let Some(leg) = second.pop_front() {
                give(&mut core, &leg);
            }
            model.check(&core, &place);
            assert!(core.is_consistent(), "{place}");
        }
        let counters = core.counters();
        assert_eq!((counters.spread_legs_given_up, counters.malformed), (0, 0), "seed {seed}");
        assert_eq!(core.instruments().len(), 6, "seed {seed}: every spread is one instrument");
        let spread_trades = core.strategy().trades.iter().filter(|trade| trade.instrument.0 > 2);
        if is_defined {
            assert_eq!(spread_trades.count(), model.trades, "seed {seed}");
        }
        assert!(model.trades > 100, "seed {seed}");
    }
}
