//! Reading the books: touch, levels, queues, places.

use core::ops::Range;

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side, StateHasher};

use super::books::Books;
use super::ladder::rank;
use super::mark_node::Place;
use super::pool::NONE;
use super::record::{Queue, ladder_of};
use super::types::{BookCounters, Level, RestingOrder};

impl Queue {
    #[inline]
    const fn level(&self) -> Level {
        Level { price: self.price, quantity: self.quantity, orders: self.orders }
    }
}

impl Books {
    /// The best level of a side, `None` when the side is empty. O(1).
    #[inline]
    #[must_use]
    pub fn touch(&self, instrument: InstrumentId, side: Side) -> Option<Level> {
        let best = self.ladders.best(self.ladder(instrument, side));
        (best != NONE).then(|| self.queues[best].level())
    }

    /// The levels of a side, best first.
    #[inline]
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> {
        self.ladders.iter(self.ladder(instrument, side)).map(|queue| self.queues[queue].level())
    }

    /// The orders at one price, in the order in which they trade.
    #[inline]
    pub fn orders_at(
        &self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
    ) -> impl Iterator<Item = RestingOrder> {
        let queue = self.queue_at(instrument, side, price);
        self.queue_orders(queue.map_or(NONE, |queue| self.queues[queue].first))
    }

    /// The orders of a side, in the order in which they trade.
    #[inline]
    pub fn orders(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = RestingOrder> {
        self.ladders
            .iter(self.ladder(instrument, side))
            .flat_map(|queue| self.queue_orders(self.queues[queue].first))
    }

    /// A resting order, by its number. O(1).
    #[inline]
    #[must_use]
    pub fn order(&self, segment_code: u8, order_id: OrderId) -> Option<RestingOrder> {
        self.find(segment_code, order_id).map(|slot| self.resting(slot))
    }

    /// What is ahead of a resting order at its own price: its place in the queue. `None` when no order
    /// of this number rests. O(log orders at the price).
    ///
    /// A queue of up to two hundred orders or so is walked from the nearer end; a longer one has sums.
    #[must_use]
    pub fn queue_position(&self, segment_code: u8, order_id: OrderId) -> Option<Place> {
        let slot = self.find(segment_code, order_id)?;
        let order = &self.orders[slot];
        Some(self.place_in(order.level, order.priority()))
    }

    /// The quantity that trades before an order of this price and priority: all at better prices
    /// and, at its own, what came earlier. O(better levels + log levels + log orders at the price).
    #[must_use]
    pub fn quantity_ahead(
        &self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        priority: u64,
    ) -> u64 {
        let better = self
            .levels(instrument, side)
            .take_while(|level| side.is_better(level.price, price))
            .map(|level| level.quantity)
            .sum::<u64>();
        let queue = self.queue_at(instrument, side, price);
        better + queue.map_or(0, |queue| self.place_in(queue, priority).quantity)
    }

    /// What of a queue came before a priority.
    pub(super) fn place_in(&self, queue: u32, priority: u64) -> Place {
        if !self.marks.has(queue) {
            return self.place_from_nearer_end(queue, priority);
        }
        let (mut place, mut slot) = self.marks.before(queue, priority);
        while slot != NONE && self.orders[slot].priority() < priority {
            place.orders += 1;
            place.quantity += u64::from(self.orders[slot].quantity);
            slot = self.orders[slot].later;
        }
        place
    }

    /// Walks a queue from both ends at once: own orders are mostly near the end, where they joined, or
    /// near the front, where they trade.
    fn place_from_nearer_end(&self, queue: u32, priority: u64) -> Place {
        let Queue { quantity, orders, mut first, mut last, .. } = self.queues[queue];
        let mut upto_tail = Place { orders, quantity };
        let mut before_head = Place::default();
        while first != NONE && last != NONE {
            let (head, tail) = (&self.orders[first], &self.orders[last]);
            if head.priority() >= priority {
                break;
            }
            if tail.priority() < priority {
                return upto_tail;
            }
            before_head.orders += 1;
            before_head.quantity += u64::from(head.quantity);
            upto_tail.orders -= 1;
            upto_tail.quantity -= u64::from(tail.quantity);
            (first, last) = (head.later, tail.earlier);
        }
        before_head
    }

    /// Whether the best bid is at or above the best ask: an aggressor arrived and its trades are
    /// still to come, or a message was lost. O(1).
    #[inline]
    #[must_use]
    pub fn is_crossed(&self, instrument: InstrumentId) -> bool {
        match (self.touch(instrument, Side::Buy), self.touch(instrument, Side::Sell)) {
            (Some(bid), Some(ask)) => bid.price >= ask.price,
            _ => false,
        }
    }

    /// Instruments added.
    #[inline]
    #[must_use]
    pub const fn instruments_count(&self) -> u32 {
        self.instruments
    }

    /// The addresses of the large tables: a host may ask the system for large pages there. They stay
    /// as long as the books do, and nothing else is in them.
    #[must_use]
    pub fn memory(&self) -> [Range<*const u8>; 6] {
        let (orders, queues) = (self.orders.memory(), self.queues.memory());
        let ([index, crowded], levels) = (self.index.memory(), self.level_cache.memory());
        [orders, queues, index, crowded, levels, self.ladders.memory()]
    }

    /// Orders resting now, over all instruments.
    #[inline]
    #[must_use]
    pub fn orders_count(&self) -> usize {
        self.orders.used()
    }

    /// Levels occupied now, over all instruments.
    #[inline]
    #[must_use]
    pub fn levels_count(&self) -> usize {
        self.queues.used()
    }

    /// What was odd so far.
    #[inline]
    #[must_use]
    pub const fn counters(&self) -> &BookCounters {
        &self.counters
    }

    /// Folds in what the books hold: instruments by id, bids then asks, levels best first, orders
    /// by priority. Books with equal content give equal hashes, whatever way they got there.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(u64::from(self.instruments));
        for instrument in (0..self.instruments).map(InstrumentId) {
            for side in Side::BOTH {
                for queue in self.ladders.iter(ladder_of(instrument, side)) {
                    let queue = &self.queues[queue];
                    hasher.write_i64(queue.price.0);
                    hasher.write(u64::from(queue.orders));
                    for order in self.queue_orders(queue.first) {
                        hasher.write(order.order_id.0);
                        hasher.write(
                            u64::from(order.quantity.0) << 8 | u64::from(order.segment_code),
                        );
                    }
                }
                hasher.write(u64::MAX);
            }
        }
    }

    /// The ladder of a side; of an instrument never added, one that is not there.
    #[inline]
    const fn ladder(&self, instrument: InstrumentId, side: Side) -> u32 {
        if instrument.0 < self.instruments { ladder_of(instrument, side) } else { NONE }
    }

    #[inline]
    fn queue_at(&self, instrument: InstrumentId, side: Side, price: Px) -> Option<u32> {
        let ladder = self.ladder(instrument, side);
        if ladder == NONE { None } else { self.ladders.find(ladder, rank(side, price)) }
    }

    /// The orders of a queue from `first` on.
    #[inline]
    fn queue_orders(&self, first: u32) -> impl Iterator<Item = RestingOrder> {
        let slots = core::iter::successors((first != NONE).then_some(first), |&slot| {
            Some(self.orders[slot].later).filter(|&later| later != NONE)
        });
        slots.map(|slot| self.resting(slot))
    }

    #[inline]
    pub(super) fn resting(&self, slot: u32) -> RestingOrder {
        let order = &self.orders[slot];
        let queue = &self.queues[order.level];
        RestingOrder {
            order_id: order.order_id,
            segment_code: order.segment_code(),
            side: queue.side(),
            instrument: queue.instrument(),
            quantity: Qty(order.quantity),
            price: queue.price,
            priority: order.priority(),
        }
    }
}
