//! The trades an exchange took back, so that each is taken back once.
//!
//! An exchange annuls trades a few times a year, so a bounded list that is searched whole will do.

use tezi_model::{ClientOrderId, StateHasher};

/// A trade: the order, and the venue's number of the fill.
type Trade = (ClientOrderId, u32);

/// A bounded list of trades.
pub(super) struct AnnulledTrades {
    pub(super) trades: Vec<Trade>,
    pub(super) trades_max: usize,
}

impl AnnulledTrades {
    /// None yet, and room for `trades_max`.
    pub(super) fn new(trades_max: usize) -> Self {
        Self { trades: Vec::with_capacity(trades_max), trades_max }
    }

    /// Whether a trade was taken back before. O(trades taken back).
    pub(super) fn holds(&self, trade: Trade) -> bool {
        self.trades.contains(&trade)
    }

    /// Whether there is no room for another.
    pub(super) const fn is_full(&self) -> bool {
        self.trades.len() == self.trades_max
    }

    /// Forgets the trades of orders that are not `known` any more: no report of them is taken.
    pub(super) fn forget(&mut self, known: impl Fn(ClientOrderId) -> bool) {
        self.trades.retain(|&(order, _)| known(order));
    }

    /// Remembers a trade; `false` when there is no room.
    pub(super) fn push(&mut self, trade: Trade) -> bool {
        let has_room = !self.is_full();
        if has_room {
            self.trades.push(trade);
        }
        has_room
    }

    /// Folds the list into the state hash.
    pub(super) fn hash_into(&self, hasher: &mut StateHasher) {
        for &(order, fill_id) in &self.trades {
            hasher.write(order.0);
            hasher.write(u64::from(fill_id));
        }
    }
}
