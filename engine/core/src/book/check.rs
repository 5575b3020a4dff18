//! Checks all books by brute force. For tests and replays; it never changes anything.

use tezi_model::{InstrumentId, Side};

use super::books::Books;
use super::mark_node::Place;
use super::marks::LONG_MIN;
use super::pool::NONE;
use super::record::ladder_of;

impl Books {
    /// Whether every invariant of the books holds. O(everything).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let (mut orders, mut levels, mut marked, mut mark_nodes) = (0, 0, 0, 0);
        for instrument in (0..self.instruments).map(InstrumentId) {
            for side in Side::BOTH {
                let ladder = ladder_of(instrument, side);
                let mut rank_before = None;
                for slot in self.ladders.iter(ladder) {
                    let queue = &self.queues[slot];
                    let rank = queue.rank();
                    let in_order = rank_before.is_none_or(|before| rank < before);
                    let is_home =
                        queue.ladder == ladder && self.ladders.find(ladder, rank) == Some(slot);
                    if !in_order || !is_home || !self.is_queue_consistent(slot) {
                        return false;
                    }
                    if self.marks.has(slot) {
                        let Some(nodes) = self.marks.count_nodes(slot) else { return false };
                        marked += 1;
                        mark_nodes += nodes;
                    }
                    rank_before = Some(rank);
                    orders += queue.orders as usize;
                    levels += 1;
                }
            }
        }
        orders == self.orders.used()
            && orders == self.index.used()
            && levels == self.queues.used()
            && (marked, mark_nodes) == (self.marks.trees(), self.marks.used())
            && self.ladders.is_consistent()
    }

    /// Whether the orders of a queue are linked both ways, found by their numbers, in the order
    /// of their priorities, none empty, and sum up to what the queue says.
    fn is_queue_consistent(&self, queue_slot: u32) -> bool {
        let queue = &self.queues[queue_slot];
        let (mut count, mut quantity, mut priority) = (0, 0, 0);
        let is_marked = self.marks.has(queue_slot);
        let is_long_enough = queue.orders >= if is_marked { LONG_MIN } else { 1 };
        let (mut earlier, mut slot) = (NONE, queue.first);
        while slot != NONE {
            let order = &self.orders[slot];
            if order.level != queue_slot
                || order.earlier != earlier
                || order.quantity == 0
                || order.priority() <= priority
                || self.find(order.segment_code(), order.order_id) != Some(slot)
                || is_marked
                    && self.place_in(queue_slot, order.priority())
                        != (Place { orders: count, quantity })
            {
                return false;
            }
            count += 1;
            quantity += u64::from(order.quantity);
            priority = order.priority();
            (earlier, slot) = (slot, order.later);
        }
        is_long_enough
            && count == queue.orders
            && quantity == queue.quantity
            && queue.last == earlier
    }
}
