//! What a strategy implements, what it sees, and the strategies that ship.

mod context;
mod option_quoter;
mod recorded;

pub use context::Context;
pub use option_quoter::{OptionQuoter, OptionQuoterConfig};
pub use recorded::{Recorded, RecordedAction};

use tezi_model::{
    ClientOrderId, FeedFault, InstrumentId, Nanos, OrderStatus, Px, Qty, Side, StreamId,
};

use crate::oms::Order;
pub use crate::timers::TimerId;

/// A book changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookUpdate {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Whether price, quantity or number of orders at the touch changed.
    pub touch_changed: bool,
}

/// A trade of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The price.
    pub price: Px,
    /// The quantity.
    pub quantity: Qty,
    /// The exchange's time.
    pub exchange_time: Nanos,
}

/// An own order changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderUpdate {
    /// The order as it is now.
    pub order: Order,
    /// Its state before.
    pub status_before: OrderStatus,
}

/// An own order traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The order's side.
    pub side: Side,
    /// The price traded at.
    pub price: Px,
    /// The quantity traded.
    pub quantity: Qty,
    /// Whether the order rested (rather than took).
    pub is_passive: bool,
}

/// The feed of a stream broke, or began again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedUpdate {
    /// The stream.
    pub stream: StreamId,
    /// What happened.
    pub fault: FeedFault,
}

/// A trading strategy: a function from what happens to what is asked for.
///
/// Every method has a default that does nothing; implement what you need. Calls come one at a time
/// on the core's thread. A strategy must not read a clock, draw randomness or block: time is
/// `Context::now`, and what it decides from its inputs alone replays exactly.
///
/// One market event causes at most one call of `on_book` or `on_trade`, after the book has changed.
/// While an aggressive order has arrived and its trades have not, the book is crossed
/// (`Book::is_crossed`): wait for the trades.
pub trait Strategy {
    /// The name that reports and journals carry.
    fn name(&self) -> &str;

    /// What the journal notes of the strategy's parameters, as `key=value` words; shown to people,
    /// and read back by those strategies that can be rebuilt from their journal.
    fn parameters(&self) -> String {
        String::new()
    }

    /// The session begins. Instruments from master files are known; books are empty.
    fn on_start(&mut self, _ctx: &mut Context<'_>) {}

    /// A book changed.
    fn on_book(&mut self, _ctx: &mut Context<'_>, _update: BookUpdate) {}

    /// The market traded; the book has changed with it.
    fn on_trade(&mut self, _ctx: &mut Context<'_>, _trade: &Trade) {}

    /// An own order changed its state. Comes before `on_fill` when it traded.
    fn on_order(&mut self, _ctx: &mut Context<'_>, _update: &OrderUpdate) {}

    /// An own order traded; position and profit include it.
    fn on_fill(&mut self, _ctx: &mut Context<'_>, _fill: &Fill) {}

    /// A timer of `Context::set_timer` is due.
    fn on_timer(&mut self, _ctx: &mut Context<'_>, _timer: TimerId) {}

    /// A stream lost messages, or began again.
    fn on_feed(&mut self, _ctx: &mut Context<'_>, _update: &FeedUpdate) {}

    /// The session ends. Open orders are cancelled after this returns.
    fn on_stop(&mut self, _ctx: &mut Context<'_>) {}
}

/// A strategy that only watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch;

impl Strategy for Watch {
    fn name(&self) -> &'static str {
        "watch"
    }
}
