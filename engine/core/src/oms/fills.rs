//! The fills of late, to tell a repeat from a fill that comes out of order.
//!
//! A fill whose number is above all before it is new without a look. Any other is looked for here,
//! which is rare: a session that was lost repeats what it said, and a second session (drop copy) may
//! say it in another order.

use tezi_model::{ClientOrderId, Px, Qty};

/// A fill, as the venue told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trade {
    /// The order.
    pub(super) order: ClientOrderId,
    /// The venue's number.
    pub(super) fill_id: u32,
    /// What it was for.
    pub(super) quantity: Qty,
    /// And at what price.
    pub(super) price: Px,
}

/// What is known of a fill by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recall {
    /// It was told.
    Told(Trade),
    /// It was never told.
    New,
    /// Fills of this order are forgotten, perhaps this one.
    Forgotten,
}

/// The last fills of all orders.
///
/// # Invariants
///
/// - `ring` holds the last `min(count, capacity)` fills; the fill counted `n` lies at `n % capacity`.
pub(super) struct FillMemory {
    pub(super) ring: Vec<Trade>,
    pub(super) capacity: usize,
    pub(super) count: u64,
}

impl FillMemory {
    /// None yet; `capacity` is a power of two.
    pub(super) fn new(capacity: usize) -> Self {
        assert!(capacity.is_power_of_two(), "a place is found by a mask");
        Self { ring: Vec::with_capacity(capacity), capacity, count: 0 }
    }

    /// How many fills were ever told, modulo 2³².
    #[inline]
    pub(super) const fn count(&self) -> u32 {
        self.count as u32
    }

    /// Remembers a fill; the oldest gives way.
    #[inline]
    pub(super) fn push(&mut self, trade: Trade) {
        let index = self.count as usize & (self.capacity - 1);
        match self.ring.get_mut(index) {
            Some(place) => *place = trade,
            None => self.ring.push(trade),
        }
        self.count += 1;
    }

    /// What is known of a fill of an order that was entered when `since` fills were told. O(fills
    /// remembered).
    #[cold]
    pub(super) fn recall(&self, order: ClientOrderId, since: u32, fill_id: u32) -> Recall {
        let is_it = |trade: &&Trade| trade.order == order && trade.fill_id == fill_id;
        match self.ring.iter().find(is_it) {
            Some(&trade) => Recall::Told(trade),
            None if self.count().wrapping_sub(since) as usize <= self.capacity => Recall::New,
            None => Recall::Forgotten,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(order: u64, fill_id: u32) -> Trade {
        Trade { order: ClientOrderId(order), fill_id, quantity: Qty(1), price: Px(2) }
    }

    #[test]
    fn what_is_forgotten_is_not_called_new() {
        let mut fills = FillMemory::new(4);
        fills.push(trade(1, 10));
        let old = ClientOrderId(1);
        assert_eq!(fills.recall(old, 0, 10), Recall::Told(trade(1, 10)));
        assert_eq!(fills.recall(old, 0, 9), Recall::New);
        (1..=3).for_each(|id| fills.push(trade(2, id)));
        assert_eq!(fills.recall(old, 0, 9), Recall::New);
        fills.push(trade(2, 4));
        assert_eq!(fills.recall(old, 0, 10), Recall::Forgotten);
        assert_eq!(fills.recall(ClientOrderId(2), 1, 5), Recall::New);
        assert_eq!(fills.count(), 5);
    }
}
