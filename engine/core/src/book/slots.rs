//! Orders by their slot, for a matcher that keeps more about an order than its book does.
//!
//! A slot is the order's place in the pool: the same number from [`Books::rest`] until the order
//! leaves, and below `orders_max`. So a table of that length, indexed by slot, holds whatever else is
//! known of an order without another lookup. A stale slot names some other order: whoever keeps one
//! drops it when the order leaves.

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side};

use super::books::Books;
use super::pool::NONE;
use super::record::{Order, Queue, ladder_of};
use super::types::BookError;

/// The first order of a level: the next to trade there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Front {
    pub(crate) slot: u32,
    pub(crate) order_id: OrderId,
    pub(crate) price: Px,
    pub(crate) quantity: Qty,
}

impl Books {
    /// The order that trades next on a side, `None` when the side is empty. O(1).
    #[inline]
    pub(crate) fn front(&self, instrument: InstrumentId, side: Side) -> Option<Front> {
        let best = self.ladders.best(ladder_of(instrument, side));
        (best != NONE).then(|| self.front_of(best))
    }

    /// The first order of each level of a side, best level first.
    pub(crate) fn fronts(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = Front> {
        self.ladders.iter(ladder_of(instrument, side)).map(|queue| self.front_of(queue))
    }

    /// The slots of a side's orders, in the order in which they trade.
    pub(crate) fn slots(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = u32> {
        self.ladders.iter(ladder_of(instrument, side)).flat_map(|queue| {
            let first = self.queues[queue].first;
            core::iter::successors((first != NONE).then_some(first), |&slot| {
                Some(self.orders[slot].later).filter(|&later| later != NONE)
            })
        })
    }

    /// The slot of a resting order.
    #[inline]
    pub(crate) fn slot_of(&self, segment_code: u8, order_id: OrderId) -> Option<u32> {
        self.find(segment_code, order_id)
    }

    /// Whether one more order can rest at any price.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.orders.available() > 0 && self.queues.available() > 0 && self.ladders.has_room()
    }

    /// Whether an order that rests can go to any price.
    pub(crate) fn has_level_room(&self) -> bool {
        self.queues.available() > 0 && self.ladders.has_room()
    }

    /// An order whose number does not rest takes its place at the end of a queue, and this slot.
    /// `quantity` is positive.
    #[inline]
    pub(crate) fn rest(
        &mut self,
        instrument: InstrumentId,
        segment_code: u8,
        order_id: OrderId,
        side: Side,
        price: Px,
        quantity: Qty,
    ) -> Result<u32, BookError> {
        debug_assert!(quantity > Qty::ZERO, "what rests has a quantity");
        let ladder = ladder_of(instrument, side);
        self.place(ladder, segment_code, order_id, price, quantity).map(|(slot, _)| slot)
    }

    /// Takes a quantity from an order, which keeps its place; at nothing left it leaves.
    #[inline]
    pub(crate) fn reduce_at(&mut self, slot: u32, taken: Qty) {
        let Order { quantity, level, .. } = self.orders[slot];
        if taken.0 < quantity {
            self.requantify(slot, level, quantity, quantity - taken.0);
        } else {
            self.remove_at(slot);
        }
    }

    /// Takes an order out of the book.
    #[inline]
    pub(crate) fn remove_at(&mut self, slot: u32) {
        self.remove(slot);
    }

    /// Sends an order to the end of the queue at its price, with this quantity.
    #[inline]
    pub(crate) fn requeue_at(&mut self, slot: u32, quantity: Qty) {
        let order = self.orders[slot];
        // Alone at its price it must not leave: the level would close under it.
        if self.queues[order.level].orders == 1 {
            self.queues[order.level] = Queue {
                orders: 0,
                quantity: 0,
                first: NONE,
                last: NONE,
                ..self.queues[order.level]
            };
        } else {
            self.leave(slot, &order);
        }
        self.join(slot, order.level, Order { quantity: quantity.0, ..order });
    }

    /// Sends an order to the end of the queue at another price of its side.
    pub(crate) fn reprice_at(&mut self, slot: u32, price: Px) -> Result<(), BookError> {
        let order = self.orders[slot];
        let ladder = self.queues[order.level].ladder;
        self.transfer(slot, &order, ladder, price, Qty(order.quantity)).map(|_| ())
    }

    /// The order in a slot.
    #[inline]
    pub(crate) fn at(&self, slot: u32) -> super::types::RestingOrder {
        self.resting(slot)
    }

    #[inline]
    fn front_of(&self, queue: u32) -> Front {
        let Queue { price, first, .. } = self.queues[queue];
        let Order { order_id, quantity, .. } = self.orders[first];
        Front { slot: first, order_id, price, quantity: Qty(quantity) }
    }
}
