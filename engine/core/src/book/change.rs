//! How the orders and queues of the books change: the private half of [`Books`].
//!
//! Every function leaves the books whole, or refuses before it has touched anything.

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side};

use super::books::Books;
use super::index;
use super::ladder::rank;
use super::pool::NONE;
use super::record::{Order, Queue, side_of};
use super::types::{Action, Applied, BookError, Change};

impl Books {
    /// Adds an order that does not rest.
    pub(super) fn add(
        &mut self,
        ladder: u32,
        segment_code: u8,
        order_id: OrderId,
        price: Px,
        quantity: Qty,
    ) -> Result<Applied, BookError> {
        if quantity.is_zero() {
            return Ok(Applied::IGNORED);
        }
        if self.orders.available() == 0 {
            return Err(self.refuse(BookError::OrdersFull));
        }
        let found = self.ladders.find(ladder, rank(side_of(ladder), price));
        let queue = match found {
            Some(queue) => queue,
            None => self.open_queue(ladder, price)?,
        };
        let Some(slot) = self.orders.take() else {
            return Err(self.refuse(BookError::OrdersFull));
        };
        self.index.insert(index::hash(segment_code, order_id), slot);
        let ticket = u64::from(segment_code);
        let order = Order { order_id, ticket, quantity: quantity.0, ..Order::EMPTY };
        self.join(slot, queue, order);
        Ok(Applied::one(Action::Added, self.change(ladder, queue == self.ladders.best(ladder))))
    }

    /// Changes an order that rests.
    #[inline]
    pub(super) fn amend(
        &mut self,
        slot: u32,
        ladder: u32,
        price: Px,
        quantity: Qty,
    ) -> Result<Applied, BookError> {
        if quantity.is_zero() {
            return Ok(Applied::one(Action::Removed, self.remove(slot)));
        }
        let order = self.orders[slot];
        let queue = &mut self.queues[order.level];
        if queue.ladder != ladder {
            return self.relocate(slot, &order, ladder, price, quantity);
        }
        if queue.price != price {
            let touch_before = order.level == self.ladders.best(ladder);
            let level = self.transfer(slot, &order, ladder, price, quantity)?;
            let touch = touch_before || level == self.ladders.best(ladder);
            return Ok(Applied::one(Action::Requeued, self.change(ladder, touch)));
        }
        if quantity.0 == order.quantity {
            return Ok(Applied::unchanged(Action::Unchanged));
        }
        let is_last = queue.last == slot;
        let change = self.change(ladder, order.level == self.ladders.best(ladder));
        if quantity.0 > order.quantity && !is_last {
            self.leave(&order);
            self.join(slot, order.level, Order { quantity: quantity.0, ..order });
            return Ok(Applied::one(Action::Requeued, change));
        }
        let queue = &mut self.queues[order.level];
        queue.quantity = queue.quantity - u64::from(order.quantity) + u64::from(quantity.0);
        self.orders[slot].quantity = quantity.0;
        if quantity.0 < order.quantity {
            return Ok(Applied::one(Action::Reduced, change));
        }
        self.orders[slot].ticket = self.ticket_next(order.segment_code());
        Ok(Applied::one(Action::Requeued, change))
    }

    /// Gives an order a new number, price and quantity, at the end of the queue.
    pub(super) fn replace(
        &mut self,
        slot: u32,
        order_id: OrderId,
        price: Px,
        quantity: Qty,
    ) -> Result<Applied, BookError> {
        if quantity.is_zero() {
            return Ok(Applied::one(Action::Removed, self.remove(slot)));
        }
        let order = self.orders[slot];
        let Queue { ladder, price: price_old, last, .. } = self.queues[order.level];
        let touch_old = order.level == self.ladders.best(ladder);
        let level = if price_old != price {
            self.transfer(slot, &order, ladder, price, quantity)?
        } else if last == slot {
            let queue = &mut self.queues[order.level];
            queue.quantity = queue.quantity - u64::from(order.quantity) + u64::from(quantity.0);
            let ticket = self.ticket_next(order.segment_code());
            self.orders[slot] = Order { ticket, quantity: quantity.0, ..order };
            order.level
        } else {
            self.leave(&order);
            self.join(slot, order.level, Order { quantity: quantity.0, ..order });
            order.level
        };
        let touch = touch_old || level == self.ladders.best(ladder);
        let displaced = self.renumber(slot, order_id);
        let changes = [Some(self.change(ladder, touch)), displaced];
        Ok(Applied { action: Action::Requeued, overfilled: false, changes })
    }

    /// Files an order under another number. An order that had it already leaves the book.
    fn renumber(&mut self, slot: u32, order_id: OrderId) -> Option<Change> {
        let order = self.orders[slot];
        if order.order_id == order_id {
            return None;
        }
        let displaced = self.find(order.segment_code(), order_id).map(|other| {
            self.counters.new_live += 1;
            self.remove(other)
        });
        self.index.remove(order.hash(), slot);
        self.orders[slot].order_id = order_id;
        self.index.insert(index::hash(order.segment_code(), order_id), slot);
        displaced
    }

    /// Takes an order to another side or instrument. No exchange sends this; a feed with holes,
    /// over which a number came back, does.
    #[cold]
    fn relocate(
        &mut self,
        slot: u32,
        order: &Order,
        ladder: u32,
        price: Px,
        quantity: Qty,
    ) -> Result<Applied, BookError> {
        let ladder_old = self.queues[order.level].ladder;
        let touch_old = order.level == self.ladders.best(ladder_old);
        let level = self.transfer(slot, order, ladder, price, quantity)?;
        self.counters.moved += 1;
        let touch = level == self.ladders.best(ladder);
        let changes = [Some(self.change(ladder_old, touch_old)), Some(self.change(ladder, touch))];
        Ok(Applied { action: Action::Moved, overfilled: false, changes })
    }

    /// Takes an order from its queue to the end of the queue at another price or ladder, and says
    /// which queue that is.
    #[inline]
    fn transfer(
        &mut self,
        slot: u32,
        order: &Order,
        ladder: u32,
        price: Px,
        quantity: Qty,
    ) -> Result<u32, BookError> {
        let level = order.level;
        let rank_new = rank(side_of(ladder), price);
        let target = match self.ladders.find(ladder, rank_new) {
            Some(target) => target,
            None if self.queues[level].orders > 1 => self.open_queue(ladder, price)?,
            None => {
                // Alone at its price: the queue moves with it, so this works at the bound too.
                let queue = self.queues[level];
                if !self.ladders.has_room() {
                    return Err(self.refuse(BookError::LevelsFull));
                }
                if queue.ladder == ladder {
                    self.ladders.rekey(ladder, queue.rank(), rank_new);
                } else {
                    self.ladders.remove(queue.ladder, queue.rank());
                    self.ladders.insert(ladder, rank_new, level);
                }
                self.queues[level] =
                    Queue { price, ladder, quantity: u64::from(quantity.0), ..queue };
                let ticket = self.ticket_next(order.segment_code());
                self.orders[slot] = Order { ticket, quantity: quantity.0, ..*order };
                return Ok(level);
            }
        };
        self.leave(order);
        self.join(slot, target, Order { quantity: quantity.0, ..*order });
        Ok(target)
    }

    /// Takes a traded quantity from a resting order.
    #[inline]
    pub(super) fn fill(
        &mut self,
        side: Side,
        segment: u8,
        order_id: OrderId,
        traded: Qty,
    ) -> Option<Change> {
        if order_id.is_none() || traded.is_zero() {
            return None;
        }
        let Some(slot) = self.find(segment, order_id) else {
            self.counters.trade_unknown += 1;
            return None;
        };
        let ladder = self.queues[self.orders[slot].level].ladder;
        if side_of(ladder) != side {
            self.counters.side_mismatched += 1;
            return None;
        }
        Some(self.reduce(slot, traded))
    }

    /// Takes a quantity from an order, which keeps its place, or leaves when nothing is left.
    #[inline]
    pub(super) fn reduce(&mut self, slot: u32, taken: Qty) -> Change {
        let Order { quantity, level, .. } = self.orders[slot];
        if taken.0 >= quantity {
            self.counters.overfilled += u64::from(taken.0 > quantity);
            return self.remove(slot);
        }
        let ladder = self.queues[level].ladder;
        self.orders[slot].quantity = quantity - taken.0;
        self.queues[level].quantity -= u64::from(taken.0);
        self.change(ladder, level == self.ladders.best(ladder))
    }

    /// Removes a resting order.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) -> Change {
        let order = self.orders[slot];
        let ladder = self.queues[order.level].ladder;
        let touch = order.level == self.ladders.best(ladder);
        self.leave(&order);
        self.index.remove(order.hash(), slot);
        self.orders.give_back(slot);
        self.change(ladder, touch)
    }

    /// An empty queue at a price that has none. Something must join it.
    #[inline]
    fn open_queue(&mut self, ladder: u32, price: Px) -> Result<u32, BookError> {
        if !self.ladders.has_room() {
            return Err(self.refuse(BookError::LevelsFull));
        }
        let Some(queue) = self.queues.take() else {
            return Err(self.refuse(BookError::LevelsFull));
        };
        self.queues[queue] = Queue { price, ladder, ..Queue::EMPTY };
        self.ladders.insert(ladder, rank(side_of(ladder), price), queue);
        Ok(queue)
    }

    /// Writes an order into a slot, at the end of a queue.
    #[inline]
    fn join(&mut self, slot: u32, level: u32, order: Order) {
        let queue = &mut self.queues[level];
        let last = queue.last;
        queue.last = slot;
        queue.orders += 1;
        queue.quantity += u64::from(order.quantity);
        if last == NONE {
            queue.first = slot;
        } else {
            self.orders[last].later = slot;
        }
        let ticket = self.ticket_next(order.segment_code());
        self.orders[slot] = Order { level, ticket, earlier: last, later: NONE, ..order };
    }

    /// Takes an order out of its queue, and the queue out of its ladder when it was the last.
    #[inline]
    fn leave(&mut self, order: &Order) {
        self.unlink(order);
        let queue = &mut self.queues[order.level];
        queue.orders -= 1;
        queue.quantity -= u64::from(order.quantity);
        if queue.orders == 0 {
            let (ladder, rank) = (queue.ladder, queue.rank());
            self.ladders.remove(ladder, rank);
            self.queues.give_back(order.level);
        }
    }

    /// Closes the queue over an order.
    #[inline]
    fn unlink(&mut self, order: &Order) {
        if order.earlier == NONE {
            self.queues[order.level].first = order.later;
        } else {
            self.orders[order.earlier].later = order.later;
        }
        if order.later == NONE {
            self.queues[order.level].last = order.earlier;
        } else {
            self.orders[order.later].earlier = order.earlier;
        }
    }

    /// A ticket with the latest priority.
    #[inline]
    const fn ticket_next(&mut self, segment_code: u8) -> u64 {
        self.priority_next() << 8 | segment_code as u64
    }

    #[inline]
    const fn change(&self, ladder: u32, touch: bool) -> Change {
        Change { instrument: InstrumentId(ladder >> 1), side: side_of(ladder), touch }
    }
}
