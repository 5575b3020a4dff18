//! A book written to be read, which knows what the fast one must end in.
//!
//! Ordered maps of queues, one order a record, nothing remembered that could be looked up. Its
//! checksum is over what any follower of the feed can see: every level with its sums, and every
//! order with its number and its place.

use std::collections::{BTreeMap, VecDeque};

use tezi::book::Books;
use tezi::model::{InstrumentId, Side, StateHasher};

/// ITCH `Price(4)` in the model's units.
const PRICE_UNITS: i64 = 10_000;

/// One order, also after it left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NaiveOrder {
    pub(crate) symbol: u16,
    pub(crate) side: Side,
    /// `Price(4)`.
    pub(crate) price: u32,
    /// 0 when it is not there any more.
    pub(crate) quantity: u32,
}

/// The books of all symbols. Orders are numbered from 1, in the order in which they came.
#[derive(Default)]
pub(crate) struct NaiveBook {
    /// Bids, then asks, of each symbol: prices to queues.
    sides: Vec<[BTreeMap<u32, VecDeque<u32>>; 2]>,
    orders: Vec<NaiveOrder>,
}

/// What a book holds, in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) orders: usize,
    pub(crate) levels: usize,
    pub(crate) checksum: u64,
}

impl NaiveBook {
    pub(crate) fn new(symbols: usize) -> Self {
        let sides = (0..symbols).map(|_| Default::default()).collect();
        Self { sides, orders: Vec::new() }
    }

    pub(crate) fn order(&self, id: u32) -> NaiveOrder {
        self.orders[id as usize - 1]
    }

    /// The best price of a side, and the order that trades first there.
    pub(crate) fn first(&self, symbol: u16, side: Side) -> Option<(u32, u32)> {
        let levels = &self.sides[usize::from(symbol)][side as usize];
        let best = match side {
            Side::Buy => levels.last_key_value(),
            Side::Sell => levels.first_key_value(),
        };
        best.and_then(|(&price, queue)| Some((price, *queue.front()?)))
    }

    /// The number of the new order.
    pub(crate) fn add(&mut self, order: NaiveOrder) -> u32 {
        self.orders.push(order);
        let id = self.orders.len() as u32;
        self.levels(&order).entry(order.price).or_default().push_back(id);
        id
    }

    pub(crate) fn remove(&mut self, id: u32) {
        let order = self.order(id);
        self.orders[id as usize - 1].quantity = 0;
        let levels = self.levels(&order);
        let queue = levels.get_mut(&order.price).expect("an order is at its price");
        let place = queue.iter().position(|&other| other == id);
        queue.remove(place.expect("an order is in its queue"));
        if queue.is_empty() {
            levels.remove(&order.price);
        }
    }

    /// Takes a quantity that is below the order's own.
    pub(crate) fn reduce(&mut self, id: u32, taken: u32) {
        self.orders[id as usize - 1].quantity -= taken;
    }

    pub(crate) fn truth(&self) -> Truth {
        let mut sum = Sum::default();
        for symbol in &self.sides {
            for (side, levels) in Side::BOTH.iter().zip(symbol) {
                let mut level = |(&price, queue): (&u32, &VecDeque<u32>)| {
                    let quantities = queue.iter().map(|&id| u64::from(self.order(id).quantity));
                    let price = i64::from(price) * PRICE_UNITS;
                    sum.level(price, quantities.sum(), queue.len() as u32);
                    for &id in queue {
                        sum.order(u64::from(id), self.order(id).quantity);
                    }
                };
                match side {
                    Side::Buy => levels.iter().rev().for_each(&mut level),
                    Side::Sell => levels.iter().for_each(&mut level),
                }
            }
        }
        sum.truth()
    }

    fn levels(&mut self, order: &NaiveOrder) -> &mut BTreeMap<u32, VecDeque<u32>> {
        &mut self.sides[usize::from(order.symbol)][order.side as usize]
    }
}

/// The same numbers of the fast books.
pub(crate) fn truth_of(books: &Books) -> Truth {
    let mut sum = Sum::default();
    for instrument in (0..books.instruments_count()).map(InstrumentId) {
        for side in Side::BOTH {
            let mut orders = books.orders(instrument, side);
            for level in books.levels(instrument, side) {
                sum.level(level.price.0, level.quantity, level.orders);
                for order in orders.by_ref().take(level.orders as usize) {
                    sum.order(order.order_id.0, order.quantity.0);
                }
            }
        }
    }
    sum.truth()
}

#[derive(Default)]
struct Sum {
    hasher: StateHasher,
    orders: usize,
    levels: usize,
}

impl Sum {
    fn level(&mut self, price: i64, quantity: u64, orders: u32) {
        self.levels += 1;
        self.hasher.write_i64(price);
        self.hasher.write(quantity);
        self.hasher.write(u64::from(orders));
    }

    fn order(&mut self, id: u64, quantity: u32) {
        self.orders += 1;
        self.hasher.write(id);
        self.hasher.write(u64::from(quantity));
    }

    fn truth(&self) -> Truth {
        Truth { orders: self.orders, levels: self.levels, checksum: self.hasher.finish() }
    }
}
