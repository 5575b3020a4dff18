//! How the orders and queues of the books change: the private half of [`Books`].
//!
//! Every function leaves the books whole, or refuses before it has touched anything.

use core::hint::select_unpredictable;

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side};

use super::books::Books;
use super::ladder::rank;
use super::marks::{LONG_BUILD, LONG_MIN};
use super::pool::NONE;
use super::record::{Order, Queue, side_of};
use super::types::{Action, Applied, BookError, Change};

impl Books {
    /// Adds an order that does not rest.
    #[inline]
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
        let (_, queue) = self.place(ladder, segment_code, order_id, price, quantity)?;
        Ok(Applied::one(Action::Added, self.change(ladder, queue == self.ladders.best(ladder))))
    }

    /// Gives an order that does not rest a slot, at the end of the queue at its price; says which
    /// slot and which queue.
    #[inline]
    pub(super) fn place(
        &mut self,
        ladder: u32,
        segment_code: u8,
        order_id: OrderId,
        price: Px,
        quantity: Qty,
    ) -> Result<(u32, u32), BookError> {
        if self.orders.available() == 0 {
            return Err(self.refuse(BookError::OrdersFull));
        }
        let queue = match self.level_at(ladder, price) {
            Some(queue) => queue,
            None => self.open_queue(ladder, price)?,
        };
        let Some(slot) = self.orders.take() else {
            return Err(self.refuse(BookError::OrdersFull));
        };
        self.index.insert(segment_code, order_id, slot);
        let ticket = u64::from(segment_code);
        let order = Order { order_id, ticket, quantity: quantity.0, ..Order::EMPTY };
        self.join(slot, queue, order);
        Ok((slot, queue))
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
            self.leave(slot, &order);
            self.join(slot, order.level, Order { quantity: quantity.0, ..order });
            return Ok(Applied::one(Action::Requeued, change));
        }
        self.requantify(slot, order.level, order.quantity, quantity.0);
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
            self.requantify(slot, order.level, order.quantity, quantity.0);
            self.orders[slot].ticket = self.ticket_next(order.segment_code());
            order.level
        } else {
            self.leave(slot, &order);
            self.join(slot, order.level, Order { quantity: quantity.0, ..order });
            order.level
        };
        let touch = touch_old || level == self.ladders.best(ladder);
        let displaced = self.renumber(slot, order_id);
        let changes = [Some(self.change(ladder, touch)), displaced];
        Ok(Applied { action: Action::Requeued, overfilled: false, changes })
    }

    /// Files an order under another number. An order that had it already leaves the book.
    #[inline]
    fn renumber(&mut self, slot: u32, order_id: OrderId) -> Option<Change> {
        let order = self.orders[slot];
        if order.order_id == order_id {
            return None;
        }
        let displaced = self.find(order.segment_code(), order_id).map(|other| {
            self.counters.new_live += 1;
            self.remove(other)
        });
        self.index.remove(order.segment_code(), order.order_id, slot);
        self.orders[slot].order_id = order_id;
        self.index.insert(order.segment_code(), order_id, slot);
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
    pub(super) fn transfer(
        &mut self,
        slot: u32,
        order: &Order,
        ladder: u32,
        price: Px,
        quantity: Qty,
    ) -> Result<u32, BookError> {
        let level = order.level;
        let rank_new = rank(side_of(ladder), price);
        let target = match self.level_at(ladder, price) {
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
                self.level_cache.note(ladder, price, level);
                self.queues[level] =
                    Queue { price, ladder, quantity: u64::from(quantity.0), ..queue };
                let ticket = self.ticket_next(order.segment_code());
                self.orders[slot] = Order { ticket, quantity: quantity.0, ..*order };
                return Ok(level);
            }
        };
        self.leave(slot, order);
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
        self.requantify(slot, level, quantity, quantity - taken.0);
        let ladder = self.queues[level].ladder;
        self.change(ladder, level == self.ladders.best(ladder))
    }

    /// Removes a resting order.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) -> Change {
        let order = self.orders[slot];
        let ladder = self.queues[order.level].ladder;
        let touch = order.level == self.ladders.best(ladder);
        self.leave(slot, &order);
        self.index.remove(order.segment_code(), order.order_id, slot);
        self.orders.give_back(slot);
        self.change(ladder, touch)
    }

    /// The slot of the level at a price.
    #[inline(always)]
    fn level_at(&mut self, ladder: u32, price: Px) -> Option<u32> {
        let guess = self.level_cache.guess(ladder, price);
        let queue = self.queues.or_spare(guess);
        if (queue.price == price) & (queue.ladder == ladder) {
            return Some(guess);
        }
        self.search_level(ladder, price)
    }

    /// The same, by the tree.
    #[inline(never)]
    fn search_level(&mut self, ladder: u32, price: Px) -> Option<u32> {
        let found = self.ladders.find(ladder, rank(side_of(ladder), price));
        if let Some(slot) = found {
            self.level_cache.note(ladder, price, slot);
        }
        found
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
        self.level_cache.note(ladder, price, queue);
        Ok(queue)
    }

    /// Writes an order into a slot, at the end of a queue.
    #[inline(always)]
    pub(super) fn join(&mut self, slot: u32, level: u32, order: Order) {
        let ticket = self.ticket_next(order.segment_code());
        let queue = &mut self.queues[level];
        let last = queue.last;
        queue.first = select_unpredictable(last == NONE, slot, queue.first);
        queue.last = slot;
        queue.orders += 1;
        queue.quantity += u64::from(order.quantity);
        let is_long = queue.orders >= LONG_MIN;
        self.orders.or_spare_mut(last).later = slot;
        self.orders[slot] = Order { level, ticket, earlier: last, later: NONE, ..order };
        if is_long {
            self.mark_arrival(level, slot);
        }
    }

    /// Takes an order out of its queue, and the queue out of its ladder when it was the last.
    #[inline(always)]
    pub(super) fn leave(&mut self, slot: u32, order: &Order) {
        let Order { level, earlier, later, .. } = *order;
        let queue = &mut self.queues[level];
        // Where in its queue an order is, is close to random: no jump on it.
        queue.first = select_unpredictable(earlier == NONE, later, queue.first);
        queue.last = select_unpredictable(later == NONE, earlier, queue.last);
        queue.orders -= 1;
        queue.quantity -= u64::from(order.quantity);
        let orders_left = queue.orders;
        self.orders.or_spare_mut(earlier).later = later;
        self.orders.or_spare_mut(later).earlier = earlier;
        if orders_left == 0 {
            self.close_queue(level);
        } else if orders_left >= LONG_MIN - 1 {
            self.mark_departure(slot);
        }
    }

    /// Gives an order of a level another quantity where it is.
    #[inline]
    pub(super) fn requantify(&mut self, slot: u32, level: u32, before: u32, after: u32) {
        let queue = &mut self.queues[level];
        queue.quantity = queue.quantity - u64::from(before) + u64::from(after);
        let is_long = queue.orders >= LONG_MIN;
        self.orders[slot].quantity = after;
        if is_long {
            self.mark_quantity(slot, before);
        }
    }

    /// Marks an order that joined a long queue; a queue that became long gets its marks.
    #[inline(never)]
    fn mark_arrival(&mut self, level: u32, slot: u32) {
        if self.marks.has(level) {
            let order = &self.orders[slot];
            self.marks.push(level, order.priority(), slot, order.quantity);
        } else if self.queues[level].orders >= LONG_BUILD && self.marks.open(level) {
            let mut next = self.queues[level].first;
            while next != NONE {
                let order = &self.orders[next];
                self.marks.push(level, order.priority(), next, order.quantity);
                next = order.later;
            }
        }
    }

    /// Takes the mark of an order that left a long queue; its record is as it was.
    #[inline(never)]
    fn mark_departure(&mut self, slot: u32) {
        let order = &self.orders[slot];
        let level = order.level;
        if self.queues[level].orders < LONG_MIN {
            self.marks.clear(level);
        } else if self.marks.has(level) {
            self.marks.remove(level, order.priority(), slot, order.later, order.quantity);
        }
    }

    #[inline(never)]
    fn mark_quantity(&mut self, slot: u32, before: u32) {
        let order = &self.orders[slot];
        if self.marks.has(order.level) {
            self.marks.change(order.level, order.priority(), before, order.quantity);
        }
    }

    /// Takes an empty queue out of its ladder.
    #[inline(never)]
    fn close_queue(&mut self, level: u32) {
        let queue = &mut self.queues[level];
        let (ladder, rank) = (queue.ladder, queue.rank());
        queue.ladder = NONE;
        self.ladders.remove(ladder, rank);
        self.queues.give_back(level);
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
