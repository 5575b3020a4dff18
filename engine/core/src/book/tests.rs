//! Behaviours one by one, then a long random run against a book written to be read.

use std::collections::BTreeMap;

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side, StateHasher};

use super::{
    Action, Applied, BookCounters, BookError, Books, BooksConfig, Change, Level, ReadAhead,
    Upcoming,
};
use tezi_testing::Random;

const FO: u8 = 1;
const CM: u8 = 2;
const A: InstrumentId = InstrumentId(0);
const B: InstrumentId = InstrumentId(1);
const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;

fn books() -> Books {
    books_of(BooksConfig { instruments_max: 2, orders_max: 64, levels_max: 64 })
}

fn books_of(config: BooksConfig) -> Books {
    let mut books = Books::new(&config);
    for _ in 0..config.instruments_max {
        books.add_instrument().unwrap();
    }
    books
}

/// Enters orders of instrument A: number, side, price in paise, quantity.
fn with(orders: &[(u64, Side, i64, u32)]) -> Books {
    let mut books = books();
    for &(id, side, paise, quantity) in orders {
        let price = Px::from_paise(paise);
        books.on_new(A, FO, OrderId(id), side, price, Qty(quantity)).unwrap();
    }
    books
}

fn modify(books: &mut Books, id: u64, side: Side, paise: i64, quantity: u32) -> Applied {
    books.on_modify(A, FO, OrderId(id), side, Px::from_paise(paise), Qty(quantity)).unwrap()
}

/// The numbers of a side of A, in the order in which they trade.
fn ids(books: &Books, side: Side) -> Vec<u64> {
    assert!(books.is_consistent());
    books.orders(A, side).map(|order| order.order_id.0).collect()
}

fn hash(books: &Books) -> u64 {
    let mut hasher = StateHasher::default();
    books.hash_into(&mut hasher);
    hasher.finish()
}

fn level(paise: i64, quantity: u64, orders: u32) -> Option<Level> {
    Some(Level { price: Px::from_paise(paise), quantity, orders })
}

const fn change(side: Side, touch: bool) -> Option<Change> {
    Some(Change { instrument: A, side, touch })
}

#[test]
fn orders_trade_by_price_then_time() {
    let orders = [(1, 100, 5), (2, 102, 5), (3, 100, 5), (4, 101, 5)];
    let both = orders.map(|(id, paise, quantity)| (id, BUY, paise, quantity));
    assert_eq!(ids(&with(&both), BUY), [2, 4, 1, 3]);
    let both = orders.map(|(id, paise, quantity)| (id, SELL, paise, quantity));
    assert_eq!(ids(&with(&both), SELL), [1, 3, 4, 2]);
}

#[test]
fn negative_and_zero_prices_are_prices() {
    let books = with(&[(1, BUY, -200, 5), (2, BUY, 0, 5), (3, SELL, -5, 7), (4, SELL, 5, 7)]);
    assert_eq!(ids(&books, BUY), [2, 1]);
    assert_eq!(ids(&books, SELL), [3, 4]);
    assert_eq!(books.touch(A, BUY), level(0, 5, 1));
    assert!(books.is_crossed(A));
    let mut books = with(&[]);
    for (id, price) in [(1, i64::MIN), (2, i64::MAX), (3, 0)] {
        for (side, code) in [(BUY, FO), (SELL, CM)] {
            books.on_new(A, code, OrderId(id), side, Px(price), Qty(1)).unwrap();
        }
    }
    assert_eq!((ids(&books, BUY), ids(&books, SELL)), (vec![2, 3, 1], vec![1, 3, 2]));
}

#[test]
fn less_quantity_keeps_the_place_and_more_loses_it() {
    let mut books = with(&[(1, BUY, 100, 5), (2, BUY, 100, 5), (3, BUY, 100, 5)]);
    assert_eq!(modify(&mut books, 1, BUY, 100, 4).action, Action::Reduced);
    assert_eq!(ids(&books, BUY), [1, 2, 3]);
    assert_eq!(modify(&mut books, 1, BUY, 100, 4), Applied::unchanged(Action::Unchanged));
    let applied = modify(&mut books, 1, BUY, 100, 6);
    assert_eq!(applied, Applied::one(Action::Requeued, change(BUY, true).unwrap()));
    assert_eq!(ids(&books, BUY), [2, 3, 1]);
    assert_eq!(modify(&mut books, 3, BUY, 100, 9).action, Action::Requeued);
    assert_eq!(ids(&books, BUY), [2, 1, 3]);
    assert_eq!(modify(&mut books, 3, BUY, 100, 10).action, Action::Requeued);
    assert_eq!((ids(&books, BUY), books.touch(A, BUY)), (vec![2, 1, 3], level(100, 21, 3)));
}

#[test]
fn a_new_price_loses_the_place_even_when_it_comes_back() {
    let mut books = with(&[(1, SELL, 100, 5), (2, SELL, 100, 5)]);
    assert_eq!(modify(&mut books, 1, SELL, 101, 5).action, Action::Requeued);
    assert_eq!(ids(&books, SELL), [2, 1]);
    modify(&mut books, 1, SELL, 100, 5);
    assert_eq!(ids(&books, SELL), [2, 1]);
    assert_eq!(books.levels_count(), 1);
}

#[test]
fn an_order_alone_at_its_price_takes_its_level_along() {
    let config = BooksConfig { instruments_max: 2, orders_max: 2, levels_max: 2 };
    let mut books = books_of(config);
    books.on_new(A, FO, OrderId(1), BUY, Px(10), Qty(5)).unwrap();
    books.on_new(A, FO, OrderId(2), BUY, Px(20), Qty(6)).unwrap();
    let applied = books.on_modify(A, FO, OrderId(1), BUY, Px(30), Qty(7)).unwrap();
    assert_eq!(applied, Applied::one(Action::Requeued, change(BUY, true).unwrap()));
    let applied = books.on_modify(B, FO, OrderId(1), SELL, Px(40), Qty(8)).unwrap();
    assert_eq!((applied.action, books.counters().moved), (Action::Moved, 1));
    assert_eq!(applied.changes[0], change(BUY, true));
    assert_eq!(applied.changes[1], Some(Change { instrument: B, side: SELL, touch: true }));
    assert_eq!((ids(&books, BUY), books.counters().refused), (vec![2], 0));
}

#[test]
fn best_bid_falls_back_when_its_level_empties() {
    let mut books = with(&[(1, BUY, 100, 5), (2, BUY, 99, 7)]);
    let applied = books.on_cancel(FO, OrderId(1));
    assert_eq!(applied, Applied::one(Action::Removed, change(BUY, true).unwrap()));
    assert_eq!(books.touch(A, BUY), level(99, 7, 1));
    assert_eq!(modify(&mut books, 2, BUY, 99, 0).action, Action::Removed);
    assert_eq!((books.touch(A, BUY), books.levels_count(), books.orders_count()), (None, 0, 0));
}

#[test]
fn a_change_of_an_unknown_order_is_a_new_order_and_a_cancel_of_one_is_ignored() {
    let mut books = with(&[]);
    assert_eq!(modify(&mut books, 1, BUY, 100, 5).action, Action::Added);
    assert_eq!(modify(&mut books, 2, BUY, 100, 0), Applied::IGNORED);
    assert_eq!(books.on_cancel(FO, OrderId(3)), Applied::IGNORED);
    assert_eq!(books.on_cancel(CM, OrderId(1)), Applied::IGNORED);
    assert_eq!(ids(&books, BUY), [1]);
    let counters = books.counters();
    assert_eq!((counters.modify_unknown, counters.cancel_unknown), (2, 2));
}

#[test]
fn a_new_order_under_a_live_number_is_a_change() {
    let mut books = with(&[(1, BUY, 100, 5), (2, BUY, 100, 5), (1, BUY, 100, 8)]);
    assert_eq!((ids(&books, BUY), books.counters().new_live), (vec![2, 1], 1));
    assert_eq!(books.touch(A, BUY), level(100, 13, 2));
    books.on_new(A, CM, OrderId(1), BUY, Px::from_paise(100), Qty(1)).unwrap();
    assert_eq!(books.orders_count(), 3, "another segment is another order");
}

#[test]
fn a_trade_reduces_what_rested_and_ignores_what_was_never_shown() {
    let mut books = with(&[(1, BUY, 101, 5), (2, SELL, 101, 8), (3, SELL, 102, 8)]);
    assert!(books.is_crossed(A));
    let applied = books.on_trade(FO, OrderId(1), OrderId(2), Qty(5));
    assert_eq!(applied.changes, [change(BUY, true), change(SELL, true)]);
    assert_eq!((applied.action, applied.overfilled), (Action::Traded, false));
    assert!(!books.is_crossed(A));
    assert_eq!((books.touch(A, BUY), books.touch(A, SELL)), (None, level(101, 3, 1)));
    let applied = books.on_trade(FO, OrderId(0), OrderId(3), Qty(1));
    assert_eq!(applied.changes, [None, change(SELL, false)]);
    assert_eq!(books.on_trade(FO, OrderId(1), OrderId(0), Qty(1)), Applied::IGNORED);
    assert_eq!(books.on_trade(FO, OrderId(0), OrderId(2), Qty(0)), Applied::IGNORED);
    assert_eq!(books.counters(), &BookCounters { trade_unknown: 1, ..BookCounters::default() });
}

#[test]
fn a_trade_of_too_much_removes_the_order_and_is_counted() {
    let mut books = with(&[(1, BUY, 100, 5), (2, BUY, 100, 5)]);
    let applied = books.on_trade(FO, OrderId(1), OrderId(0), Qty(6));
    assert!(applied.overfilled && applied.is_touch_changed());
    let applied = books.on_trade(FO, OrderId(0), OrderId(2), Qty(1));
    assert_eq!((applied, ids(&books, BUY)), (Applied::IGNORED, vec![2]));
    let counters = books.counters();
    assert_eq!((counters.overfilled, counters.side_mismatched), (1, 1));
}

#[test]
fn every_bound_refuses_by_name_and_leaves_the_books_alone() {
    let mut books = books_of(BooksConfig { instruments_max: 1, orders_max: 3, levels_max: 2 });
    for (id, price) in [(1, 10), (2, 10), (3, 20)] {
        books.on_new(A, FO, OrderId(id), BUY, Px(price), Qty(5)).unwrap();
    }
    let (before, price) = (hash(&books), Px(30));
    assert_eq!(books.add_instrument(), Err(BookError::InstrumentsFull));
    let orders_full = books.on_new(A, FO, OrderId(4), BUY, Px(10), Qty(5));
    assert_eq!(orders_full, Err(BookError::OrdersFull));
    let levels_full = books.on_modify(A, FO, OrderId(1), BUY, price, Qty(5));
    assert_eq!(levels_full, Err(BookError::LevelsFull));
    let moved = books.on_modify(A, FO, OrderId(1), SELL, price, Qty(5));
    assert_eq!(moved, Err(BookError::LevelsFull));
    let no_id = books.on_new(A, FO, OrderId(0), BUY, price, Qty(5));
    assert_eq!(no_id, Err(BookError::NoOrderId));
    let unknown = books.on_new(B, FO, OrderId(9), BUY, price, Qty(5));
    assert_eq!(unknown, Err(BookError::UnknownInstrument));
    books.on_cancel(FO, OrderId(2));
    assert_eq!(books.on_new(A, FO, OrderId(4), BUY, price, Qty(5)), Err(BookError::LevelsFull));
    books.on_new(A, FO, OrderId(2), BUY, Px(10), Qty(5)).unwrap();
    assert_eq!((hash(&books), books.counters().refused), (before, 7));
    assert!(books.is_consistent());
}

#[test]
fn an_instrument_never_added_has_an_empty_book() {
    let books = Books::new(&BooksConfig { instruments_max: 2, orders_max: 0, levels_max: 0 });
    for instrument in [A, B, InstrumentId(7), InstrumentId(u32::MAX)] {
        assert_eq!(books.touch(instrument, SELL), None);
        assert_eq!(books.levels(instrument, BUY).count(), 0);
        assert_eq!(books.orders_at(instrument, BUY, Px(1)).count(), 0);
        assert_eq!(books.quantity_ahead(instrument, BUY, Px(1), 1), 0);
        assert!(!books.is_crossed(instrument));
    }
    assert!(books.is_consistent());
}

#[test]
fn a_reset_empties_one_instrument_and_frees_its_room() {
    let mut books = with(&[(1, BUY, 100, 5), (2, SELL, 101, 5)]);
    books.on_new(B, FO, OrderId(3), BUY, Px(5), Qty(5)).unwrap();
    books.clear(A);
    assert_eq!((books.orders_count(), books.levels_count()), (1, 1));
    assert_eq!(books.order(FO, OrderId(1)), None);
    assert_eq!(books.order(FO, OrderId(3)).map(|order| order.instrument), Some(B));
    assert!(ids(&books, BUY).is_empty());
    books.clear(InstrumentId(9));
}

#[test]
fn an_own_order_sees_what_is_ahead_of_it() {
    let mut books = with(&[(1, BUY, 100, 5), (2, BUY, 99, 7), (3, BUY, 98, 9)]);
    let own = books.priority_next();
    books.on_new(A, FO, OrderId(4), BUY, Px::from_paise(99), Qty(11)).unwrap();
    let ahead = |books: &Books| books.quantity_ahead(A, BUY, Px::from_paise(99), own);
    assert_eq!(ahead(&books), 12);
    modify(&mut books, 2, BUY, 99, 6); // keeps its place
    assert_eq!(ahead(&books), 11);
    modify(&mut books, 2, BUY, 99, 7); // goes behind
    assert_eq!(ahead(&books), 5);
    books.on_cancel(FO, OrderId(1));
    assert_eq!(ahead(&books), 0);
    assert_eq!(books.quantity_ahead(A, BUY, Px::from_paise(97), own), 27);
}

#[test]
fn the_quantity_ahead_of_every_place_in_a_queue_is_what_came_before_it() {
    for count in 1..=9_u64 {
        let mut books = with(&[(100, BUY, 101, 3)]);
        let mut places = vec![books.priority_next()];
        for id in 1..=count {
            let (price, quantity) = (Px::from_paise(100), Qty(1 << id));
            books.on_new(A, FO, OrderId(id), BUY, price, quantity).unwrap();
            places.push(books.priority_next());
        }
        for (before, &place) in (0_u64..).zip(&places) {
            let expected = 3 + (1..=before).map(|id| 1 << id).sum::<u64>();
            assert_eq!(books.quantity_ahead(A, BUY, Px::from_paise(100), place), expected);
        }
    }
}

#[test]
fn one_number_rests_on_both_legs_of_a_spread_under_two_codes() {
    let mut books = with(&[]);
    let (buys, sells) = (FO, FO | 0x80);
    for (id, near) in [(1, SELL), (2, BUY)] {
        for (leg, side) in [(A, near), (B, near.opposite())] {
            let code = if side == BUY { buys } else { sells };
            books.on_new(leg, code, OrderId(id), side, Px(-5), Qty(10)).unwrap();
        }
    }
    assert_eq!(books.orders_count(), 4);
    for (buy, sell) in [(2, 1), (1, 2)] {
        books.on_trade(buys, OrderId(buy), OrderId(0), Qty(10));
        books.on_trade(sells, OrderId(0), OrderId(sell), Qty(10));
    }
    assert_eq!((books.orders_count(), books.counters()), (0, &BookCounters::default()));
}

#[test]
fn equal_content_hashes_equally_however_it_came_about() {
    let straight = with(&[(1, BUY, 100, 5), (2, BUY, 99, 5), (3, SELL, 101, 4)]);
    let mut detour = with(&[(9, BUY, 7, 1), (2, BUY, 100, 5), (3, SELL, 101, 9), (1, BUY, 100, 5)]);
    modify(&mut detour, 2, BUY, 99, 5);
    detour.on_cancel(FO, OrderId(9));
    assert_ne!(hash(&straight), hash(&detour));
    detour.on_trade(FO, OrderId(0), OrderId(3), Qty(5));
    assert_eq!(hash(&straight), hash(&detour));
    modify(&mut detour, 1, BUY, 100, 6);
    modify(&mut detour, 1, BUY, 100, 5);
    assert_eq!(hash(&straight), hash(&detour), "alone in its queue, it is first again");
}

/// One random event.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Segment, number, side index, price, quantity; whether it is sent as new.
    Upsert(Key, usize, i64, u32, bool),
    Cancel(Key),
    /// Segment and buy order, sell order, quantity.
    Trade(Key, u64, u32),
    Reduce(Key, u32),
    /// Segment and old number, new number, price, quantity.
    Replace(Key, u64, i64, u32),
    Clear(u32),
}

/// Segment code and number.
type Key = (u8, u64);

/// A book written to be read: per instrument and side, prices to queues.
struct Naive {
    sides: Vec<BTreeMap<i64, Vec<(Key, u32)>>>,
    /// Where each order is.
    places: BTreeMap<Key, (usize, i64)>,
    config: BooksConfig,
}

impl Naive {
    fn new(config: BooksConfig) -> Self {
        let sides = vec![BTreeMap::new(); config.instruments_max as usize * 2];
        Self { sides, places: BTreeMap::new(), config }
    }

    fn levels(&self) -> usize {
        self.sides.iter().map(BTreeMap::len).sum()
    }

    /// The queue an order is in and its index there.
    fn queue(&mut self, key: Key) -> Option<(&mut Vec<(Key, u32)>, usize)> {
        let &(side, price) = self.places.get(&key)?;
        let queue = self.sides[side].get_mut(&price).unwrap();
        let index = queue.iter().position(|entry| entry.0 == key).unwrap();
        Some((queue, index))
    }

    fn remove(&mut self, key: Key) {
        if let Some((queue, index)) = self.queue(key) {
            queue.remove(index);
            let is_empty = queue.is_empty();
            let (side, price) = self.places.remove(&key).unwrap();
            if is_empty {
                self.sides[side].remove(&price);
            }
        }
    }

    /// Whether an order that goes to `side` and `price` stays within the bounds.
    fn is_within(&mut self, key: Key, side: usize, price: i64) -> bool {
        let is_new = !self.places.contains_key(&key);
        let frees_level = self.queue(key).is_some_and(|(queue, _)| queue.len() == 1);
        let opens_level = !self.sides[side].contains_key(&price);
        self.places.len() + usize::from(is_new) <= self.config.orders_max as usize
            && self.levels() + usize::from(opens_level)
                <= self.config.levels_max as usize + usize::from(frees_level)
    }

    /// Applies an event; false when a bound refuses it.
    fn on_event(&mut self, event: Event) -> bool {
        match event {
            Event::Upsert(key, _, _, 0, _) | Event::Cancel(key) => self.remove(key),
            Event::Upsert(key, side, price, quantity, _) => {
                if self.places.get(&key) == Some(&(side, price)) {
                    let (queue, index) = self.queue(key).unwrap();
                    if quantity <= queue[index].1 {
                        queue[index].1 = quantity;
                        return true;
                    }
                }
                if !self.is_within(key, side, price) {
                    return false;
                }
                self.remove(key);
                self.sides[side].entry(price).or_default().push((key, quantity));
                self.places.insert(key, (side, price));
            }
            Event::Trade((code, buy), sell, quantity) => {
                for (side, key) in [(0, (code, buy)), (1, (code, sell))] {
                    let is_there = self.places.get(&key).is_some_and(|place| place.0 % 2 == side);
                    if let Some((queue, index)) = self.queue(key).filter(|_| is_there) {
                        queue[index].1 = queue[index].1.saturating_sub(quantity);
                        if queue[index].1 == 0 {
                            self.remove(key);
                        }
                    }
                }
            }
            Event::Reduce(key, quantity) => {
                if let Some((queue, index)) = self.queue(key) {
                    queue[index].1 = queue[index].1.saturating_sub(quantity);
                    if queue[index].1 == 0 {
                        self.remove(key);
                    }
                }
            }
            Event::Replace(old, new, price, quantity) => {
                let Some(&(side, _)) = self.places.get(&old) else { return true };
                if quantity == 0 {
                    self.remove(old);
                    return true;
                }
                if !self.is_within(old, side, price) {
                    return false;
                }
                self.remove((old.0, new));
                self.remove(old);
                self.sides[side].entry(price).or_default().push(((old.0, new), quantity));
                self.places.insert((old.0, new), (side, price));
            }
            Event::Clear(instrument) => {
                self.places.retain(|_, place| place.0 as u32 / 2 != instrument);
                for side in [0, 1] {
                    self.sides[instrument as usize * 2 + side].clear();
                }
            }
        }
        true
    }

    /// The levels of a side with their queues, best first.
    fn best_first(&self, index: usize) -> Vec<(Level, &[(Key, u32)])> {
        let levels = self.sides[index].iter().map(|(&price, queue)| {
            let quantity = queue.iter().map(|entry| u64::from(entry.1)).sum();
            (Level { price: Px(price), quantity, orders: queue.len() as u32 }, &queue[..])
        });
        if index.is_multiple_of(2) { levels.rev().collect() } else { levels.collect() }
    }

    /// The first difference from the real books, in words.
    fn differs(&self, books: &Books) -> Option<String> {
        for index in 0..self.sides.len() {
            let (instrument, side) = side_at(index);
            let expected = self.best_first(index);
            if !books.levels(instrument, side).eq(expected.iter().map(|entry| entry.0)) {
                return Some(format!("levels of {instrument:?} {side}"));
            }
            let orders = books.orders(instrument, side);
            let orders =
                orders.map(|order| ((order.segment_code, order.order_id.0), order.quantity.0));
            if !orders.eq(expected.iter().flat_map(|entry| entry.1.iter().copied())) {
                return Some(format!("orders of {instrument:?} {side}"));
            }
        }
        let counts = (books.orders_count(), books.levels_count());
        (counts != (self.places.len(), self.levels())).then(|| format!("counts {counts:?}"))
    }
}

fn side_at(index: usize) -> (InstrumentId, Side) {
    (InstrumentId(index as u32 / 2), Side::BOTH[index % 2])
}

fn on_event(books: &mut Books, event: Event) -> Result<Applied, BookError> {
    match event {
        Event::Upsert((code, id), index, price, quantity, is_new) => {
            let (instrument, side) = side_at(index);
            let (id, price, quantity) = (OrderId(id), Px(price), Qty(quantity));
            if is_new {
                books.on_new(instrument, code, id, side, price, quantity)
            } else {
                books.on_modify(instrument, code, id, side, price, quantity)
            }
        }
        Event::Cancel((code, id)) => Ok(books.on_cancel(code, OrderId(id))),
        Event::Trade((code, buy), sell, quantity) => {
            Ok(books.on_trade(code, OrderId(buy), OrderId(sell), Qty(quantity)))
        }
        Event::Reduce((code, id), quantity) => {
            Ok(books.on_reduce(code, OrderId(id), Qty(quantity)))
        }
        Event::Replace((code, old), new, price, quantity) => {
            books.on_replace(code, OrderId(old), OrderId(new), Px(price), Qty(quantity))
        }
        Event::Clear(instrument) => {
            books.clear(InstrumentId(instrument));
            Ok(Applied::IGNORED)
        }
    }
}

/// What a random run is like.
struct Run {
    seed: u64,
    steps: u64,
    config: BooksConfig,
    /// Prices and numbers to draw from.
    prices: u64,
    ids: u64,
    /// Steps between full comparisons.
    every: u64,
}

impl Run {
    /// Draws an event. The books grow and shrink in turn, so that nodes split and join.
    fn draw(&self, random: &mut Random, step: u64, books: &Books) -> Event {
        let key = (1 + random.below(2) as u8, 1 + random.below(self.ids));
        let cancels = if (step / (self.steps / 8)).is_multiple_of(2) { 10 } else { 55 };
        let quantity = random.below(20) as u32;
        match random.below(1000) / 10 {
            0 if random.below(30) == 0 => {
                Event::Clear(random.below(u64::from(self.config.instruments_max)) as u32)
            }
            choice if choice < cancels => Event::Cancel(key),
            choice if choice >= 96 => {
                let price = random.below(self.prices) as i64 - self.prices as i64 / 3;
                Event::Replace(key, 1 + random.below(self.ids), price, quantity)
            }
            choice if choice >= 94 => Event::Reduce(key, quantity),
            choice if choice >= 88 => Event::Trade(key, random.below(self.ids), quantity),
            choice => {
                // A number mostly keeps its side, often its price.
                let home =
                    if random.below(50) == 0 { random.next() } else { key.1 + u64::from(key.0) };
                let resting = books.order(key.0, OrderId(key.1)).filter(|_| random.below(3) == 0);
                let drawn = random.below(self.prices) as i64 - self.prices as i64 / 3;
                let price = resting.map_or(drawn, |order| order.price.0);
                let index = home as usize % (self.config.instruments_max as usize * 2);
                Event::Upsert(key, index, price, quantity, choice.is_multiple_of(2))
            }
        }
    }

    /// Compares answer and touch after every event, and everything now and then.
    fn compare_with_naive(&self) -> Books {
        let mut random = Random(self.seed);
        let (mut books, mut naive) = (books_of(self.config), Naive::new(self.config));
        let touches = |books: &Books| -> Vec<_> {
            (0..naive_sides(self)).map(side_at).map(|at| books.touch(at.0, at.1)).collect()
        };
        for step in 0..self.steps {
            let event = self.draw(&mut random, step, &books);
            let at = format!("seed {} step {step}: {event:?}", self.seed);
            let before = touches(&books);
            let applied = on_event(&mut books, event);
            assert_eq!(applied.is_ok(), naive.on_event(event), "{at}: {applied:?}");
            for (index, (before, after)) in before.iter().zip(touches(&books)).enumerate() {
                let best = naive.best_first_touch(index);
                assert_eq!(after, best, "{at}: touch of {:?}", side_at(index));
                let said = applied.is_ok_and(|applied| {
                    applied.changes.iter().flatten().any(|change| {
                        change.touch && (change.instrument, change.side) == side_at(index)
                    })
                });
                let is_cleared = matches!(event, Event::Clear(_));
                assert!(said || is_cleared || *before == after, "{at}: unsaid touch change");
            }
            if step % self.every == 0 {
                let found = naive.differs(&books);
                assert!(found.is_none() && books.is_consistent(), "{at}: {found:?}");
            }
        }
        books
    }
}

fn naive_sides(run: &Run) -> usize {
    run.config.instruments_max as usize * 2
}

impl Naive {
    fn best_first_touch(&self, index: usize) -> Option<Level> {
        let side = &self.sides[index];
        let best =
            if index.is_multiple_of(2) { side.last_key_value() } else { side.first_key_value() };
        best.map(|(&price, queue)| Level {
            price: Px(price),
            quantity: queue.iter().map(|entry| u64::from(entry.1)).sum(),
            orders: queue.len() as u32,
        })
    }
}

#[test]
fn a_replaced_order_keeps_its_side_and_gives_up_its_place() {
    let mut books = books_of(BooksConfig { instruments_max: 1, orders_max: 8, levels_max: 8 });
    let at = InstrumentId(0);
    for id in 1..=2 {
        books.on_new(at, 1, OrderId(id), Side::Sell, Px(10), Qty(5)).unwrap();
    }
    books.on_replace(1, OrderId(1), OrderId(9), Px(10), Qty(3)).unwrap();
    let queue: Vec<_> =
        books.orders(at, Side::Sell).map(|o| (o.order_id.0, o.quantity.0)).collect();
    assert_eq!(queue, [(2, 5), (9, 3)]);
    assert_eq!(books.order(1, OrderId(1)), None);
    assert_eq!(books.on_replace(1, OrderId(1), OrderId(3), Px(10), Qty(1)), Ok(Applied::IGNORED));
    books.on_reduce(1, OrderId(9), Qty(1));
    assert_eq!(books.touch(at, Side::Sell).unwrap().quantity, 7);
}

#[test]
fn random_events_at_the_bounds_equal_the_naive_book() {
    for seed in 1..=4 {
        let config = BooksConfig { instruments_max: 3, orders_max: 40, levels_max: 22 };
        let run = Run { seed, steps: 40_000, config, prices: 12, ids: 40, every: 16 };
        let books = run.compare_with_naive();
        let counters = books.counters();
        assert!(counters.refused > 100 && counters.moved > 100 && counters.overfilled > 100);
        assert!(counters.side_mismatched > 100 && counters.new_live > 100);
    }
}

#[test]
fn random_events_in_a_deep_book_equal_the_naive_book() {
    for seed in 5..=6 {
        let config = BooksConfig { instruments_max: 2, orders_max: 9_000, levels_max: 6_000 };
        let run = Run { seed, steps: 60_000, config, prices: 4_000, ids: 4_000, every: 2_000 };
        run.compare_with_naive();
    }
}

#[test]
fn what_is_read_ahead_may_be_anything_and_changes_nothing() {
    let orders_max = Books::READ_AHEAD_ORDERS_MIN as u32 + 4_000;
    let config = BooksConfig { instruments_max: 300, orders_max, levels_max: orders_max };
    let (mut books, mut random) = (books_of(config), Random(9));
    let mut twin = books.clone();
    let mut ahead = ReadAhead::default();
    for round in 0..3_000_u64 {
        let events: Vec<_> = (0..1 + random.below(40))
            .map(|number| {
                let key = (1, 1 + random.below(u64::from(orders_max)));
                let price = random.below(300) as i64 - 100;
                match random.below(10) {
                    0 if books.orders_count() > Books::READ_AHEAD_ORDERS_MIN => Event::Cancel(key),
                    1 => Event::Replace(key, 1 + (round * 40 + number) % 70_000, price, 5),
                    2 => Event::Reduce(key, 1),
                    _ => Event::Upsert(
                        (1, 1 + round * 20 + number),
                        (key.1 % 600) as usize,
                        price,
                        9,
                        true,
                    ),
                }
            })
            .collect();
        let before = hash_at_times(&books, round);
        for &event in &events {
            ahead.push(&books, &upcoming(event, &mut random.clone()));
        }
        assert_eq!(hash_at_times(&books, round), before);
        for &event in &events {
            ahead.pass(&books);
            assert_eq!(on_event(&mut books, event), on_event(&mut twin, event), "round {round}");
        }
    }
    assert!(books.is_worth_reading_ahead());
    assert!(books.is_consistent());
    assert_eq!(hash(&books), hash(&twin));
}

/// The hash, now and then: it is of everything.
fn hash_at_times(books: &Books, round: u64) -> Option<u64> {
    round.is_multiple_of(500).then(|| hash(books))
}

/// What an event names; one in four names something else, which may not be there at all.
fn upcoming(event: Event, random: &mut Random) -> Upcoming {
    let nothing = Upcoming {
        segment_code: 1,
        order_id: OrderId(random.next()),
        order_id_new: OrderId(0),
        instrument: InstrumentId(random.next() as u32),
        side: BUY,
        price: Px(0),
    };
    match event {
        _ if random.below(4) == 0 => nothing,
        Event::Upsert((_, id), index, price, ..) => {
            let (instrument, side) = side_at(index);
            Upcoming { order_id: OrderId(id), instrument, side, price: Px(price), ..nothing }
        }
        Event::Replace((_, id), new, price, _) => {
            let (order_id, order_id_new) = (OrderId(id), OrderId(new));
            Upcoming { order_id, order_id_new, price: Px(price), ..nothing }
        }
        Event::Cancel((_, id)) | Event::Reduce((_, id), _) => {
            Upcoming { order_id: OrderId(id), ..nothing }
        }
        Event::Trade(..) | Event::Clear(_) => nothing,
    }
}
