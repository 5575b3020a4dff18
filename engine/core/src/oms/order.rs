//! An own order, and what reports make of it.

use tezi_model::{
    AccountId, ClientOrderId, InstrumentId, Money, OrderId, OrderStatus, Px, Qty, Side, StrategyId,
    TimeInForce,
};

/// An own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The engine's number.
    pub client_order_id: ClientOrderId,
    /// The venue's number, none before it is confirmed.
    pub order_id: OrderId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Where it stands.
    pub status: OrderStatus,
    /// Whose it is.
    pub strategy: StrategyId,
    /// For which account.
    pub account: AccountId,
    /// Limit price, as the venue has confirmed it (as sent, before that).
    pub price: Px,
    /// Total quantity, what is filled included.
    pub quantity: Qty,
    /// Executed so far.
    pub filled: Qty,
    /// Of it, in trades the exchange took back; they count in `filled`, for the order does not get
    /// their quantity back.
    pub annulled: Qty,
    /// What a change in flight asks for.
    pub pending: Option<(Px, Qty)>,
    /// The highest number of its fills: one above it is new.
    pub(super) last_fill_id: u32,
    /// Place in the list of open orders.
    pub(super) open_index: u32,
    /// How many fills were told before it was entered, modulo 2³².
    pub(super) fills_before: u32,
}

impl Order {
    /// What may still trade as the venue has it.
    #[must_use]
    pub const fn leaves(&self) -> Qty {
        self.quantity.saturating_sub(self.filled)
    }

    /// What may still trade at most, a change in flight included.
    #[must_use]
    pub fn leaves_worst(&self) -> Qty {
        let pending = self.pending.map_or(Qty::ZERO, |(_, quantity)| quantity);
        self.quantity.max(pending).saturating_sub(self.filled)
    }

    /// The most the open part can cost, a change in flight included.
    #[must_use]
    pub fn open_value(&self) -> Money {
        let value = |price: Px, quantity: Qty| {
            price.value(i64::from(quantity.saturating_sub(self.filled).0)).abs()
        };
        let now = value(self.price, self.quantity);
        self.pending.map_or(now, |(price, quantity)| now.max(value(price, quantity)))
    }

    /// The price most ready to trade, a change in flight included.
    #[inline]
    #[must_use]
    pub fn price_best(&self) -> Px {
        match self.pending {
            Some((price, _)) if self.side.is_better(price, self.price) => price,
            _ => self.price,
        }
    }

    /// Whether somebody beside the desk counts it: a strategy of several, or an account.
    #[inline]
    pub(super) const fn is_shared(&self) -> bool {
        self.strategy.0 | self.account.0 != 0
    }

    /// `New` or `PartiallyFilled`, by what is filled.
    pub(super) const fn open_status(&self) -> OrderStatus {
        if self.filled.is_zero() { OrderStatus::New } else { OrderStatus::PartiallyFilled }
    }
}

/// What a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The order as it is now.
    pub order: Order,
    /// The state before.
    pub status_before: OrderStatus,
    /// What traded by this report.
    pub filled: Option<(Px, Qty)>,
}

/// Why a report was refused. The state is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// No order of ours has this number (or it was closed and forgotten).
    UnknownOrder,
    /// The report's kind is no known code.
    UnknownKind,
    /// The venue may not say this in this state.
    Impossible,
    /// A fill for more than the order had left.
    Overfill,
    /// A fill of no quantity.
    EmptyFill,
    /// A fill whose number is below others of its order, and fills as old are forgotten: it may be a
    /// repeat or come out of order.
    ForgottenFill,
    /// A trade is taken back that was never told, or not like this.
    UnknownTrade,
    /// No more trades taken back can be remembered.
    Capacity,
}

/// Open orders of one instrument, per side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Units that may still be bought.
    pub buy: i64,
    /// Units that may still be sold.
    pub sell: i64,
    /// Open orders.
    pub orders: u32,
}

/// Counters of what happened to reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportCounters {
    /// Reports that changed an order.
    pub applied: u64,
    /// Reports that repeated what was known.
    pub repeats: u64,
    /// Fills whose number is below others of their order, told for the first time.
    pub reordered_fills: u64,
    /// Fills booked on orders already closed.
    pub late_fills: u64,
    /// Trades taken back by the exchange.
    pub annulled: u64,
    /// Reports refused.
    pub refused: u64,
}
