//! What a strategy implements, what it sees, and the strategies that ship.

mod access;
mod algo;
mod algo_config;
mod algo_words;
mod context;
mod option_quoter;
mod recorded;

pub use algo::AlgoTrader;
pub use algo_config::{AlgoConfig, AlgoKind, Weights};
pub use algo_words::{InstrumentName, Limit, When};
pub use context::Context;
pub use option_quoter::{OptionQuoter, OptionQuoterConfig};
pub use recorded::{Recorded, RecordedAction};

use tezi_model::{
    ClientOrderId, FeedFault, InstrumentId, Nanos, OrderId, OrderStatus, Px, Qty, Segment, Side,
    StrategyId, StreamId, TradingStatus,
};

use crate::control::Control;
pub use crate::control::ParameterError;
use crate::execution::Parent;
use crate::oms::{Order, OrderSessionState};
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
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

/// A trade of the market that the exchange took back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeCancel {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The price it was at.
    pub price: Px,
    /// The quantity.
    pub quantity: Qty,
    /// The buy order, 0 when it was never shown.
    pub buy_order_id: OrderId,
    /// The sell order, 0 when it was never shown.
    pub sell_order_id: OrderId,
    /// The exchange's time of the cancel.
    pub exchange_time: Nanos,
}

/// Trading in an instrument, or in a whole segment, goes on in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The segment.
    pub segment: Segment,
    /// The instrument; `None` for the whole segment.
    pub instrument: Option<InstrumentId>,
    /// What was said. What counts for an instrument is `Context::status`.
    pub status: TradingStatus,
    /// The exchange's time.
    pub exchange_time: Nanos,
}

/// An index has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexUpdate {
    /// The index: an instrument of its own kind.
    pub instrument: InstrumentId,
    /// Its value, in the unit of prices.
    pub value: Px,
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
/// One market event causes at most one call, after the book has changed. While an aggressive order
/// has arrived and its trades have not, the book is crossed (`Book::is_crossed`): wait for the trades.
///
/// A spread of two legs is an instrument with a book of its own (`Instrument::legs` names its legs).
/// Its price is the far leg's less the near leg's and may be negative; its bids buy that difference.
/// The exchange says orders and trades of it once for each leg, the strategy hears of them once,
/// with the second message. A leg's part of a spread trade adds to the leg's volume and is no trade
/// of the leg. Orders in spreads are refused (`RejectReason::NotTradable`).
pub trait Strategy {
    /// The name that reports and journals carry.
    fn name(&self) -> &str;

    /// What the journal notes of the strategy's parameters, as `key=value` words; shown to people,
    /// and read back by those strategies that can be rebuilt from their journal.
    fn parameters(&self) -> String {
        String::new()
    }

    /// The parent orders it works, for whoever shows or adds them up.
    fn parents(&self) -> &[Parent] {
        &[]
    }

    /// Every parent order, and which of several strategies works it.
    fn each_parent(&self, see: &mut dyn FnMut(StrategyId, &Parent)) {
        self.parents().iter().for_each(|parent| see(StrategyId::NONE, parent));
    }

    /// How many strategies it is made of, whose orders and positions are told apart; 0 for one alone.
    fn strategies(&self) -> u8 {
        0
    }

    /// Name and kind of one of those it is made of.
    fn member(&self, _id: StrategyId) -> Option<(&str, &str)> {
        None
    }

    /// The one of several that used more time than it may since this was last asked. Whoever asks
    /// stops it by an input ([`Control::StopStrategy`]), for time is nothing that a replay repeats.
    fn take_over_budget(&mut self) -> Option<StrategyId> {
        None
    }

    /// What a report should say beside that; empty for nothing.
    fn remarks(&self) -> String {
        String::new()
    }

    /// Writes down everything that it keeps from one call to the next, so that a session can be taken up
    /// again without its whole journal. What follows from the parameters need not be in it.
    ///
    /// # Errors
    ///
    /// [`NoSnapshot`] from a strategy that does not, which is the default: its journals are replayed
    /// from the start.
    fn save(&self, _out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        Err(NoSnapshot)
    }

    /// Takes over what a strategy of the same name and parameters has written, before its first call;
    /// from then on it does what that one would have done.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] when it is not something that was saved; the strategy is then as it was.
    fn load(&mut self, _input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        Err(SnapshotError::NotReadable)
    }

    /// The session begins. Instruments from master files are known; books are empty.
    fn on_start(&mut self, _ctx: &mut Context<'_>) {}

    /// A book changed.
    fn on_book(&mut self, _ctx: &mut Context<'_>, _update: BookUpdate) {}

    /// The market traded; the book has changed with it.
    fn on_trade(&mut self, _ctx: &mut Context<'_>, _trade: &Trade) {}

    /// The exchange took a trade back: its quantity is off the volume. `Context::last_trade` stays
    /// as it is, and so do own fills.
    fn on_trade_cancel(&mut self, _ctx: &mut Context<'_>, _cancel: &TradeCancel) {}

    /// The exchange said another trading status than before.
    fn on_status(&mut self, _ctx: &mut Context<'_>, _update: &StatusUpdate) {}

    /// An index has a value, which `Context::last_trade` gives from now on.
    fn on_index(&mut self, _ctx: &mut Context<'_>, _update: &IndexUpdate) {}

    /// An own order changed its state. Comes before `on_fill` when it traded.
    fn on_order(&mut self, _ctx: &mut Context<'_>, _update: &OrderUpdate) {}

    /// An own order traded; position and profit include it.
    fn on_fill(&mut self, _ctx: &mut Context<'_>, _fill: &Fill) {}

    /// The exchange took back an own trade; position and profit no longer include it. The order does
    /// not get its quantity back.
    fn on_fill_canceled(&mut self, _ctx: &mut Context<'_>, _fill: &Fill) {}

    /// A timer of `Context::set_timer` is due.
    fn on_timer(&mut self, _ctx: &mut Context<'_>, _timer: TimerId) {}

    /// A stream lost messages, or began again.
    fn on_feed(&mut self, _ctx: &mut Context<'_>, _update: &FeedUpdate) {}

    /// The way to the exchange opened or closed. While it is closed new orders and changes are
    /// refused; what is in flight is told when it is open again, before this is.
    fn on_session(&mut self, _ctx: &mut Context<'_>, _state: OrderSessionState) {}

    /// An operator did something that changed what may be traded or how much, and it is in force: a
    /// pause, say, during which every new order would be refused.
    fn on_control(&mut self, _ctx: &mut Context<'_>, _control: &Control) {}

    /// One of several strategies may trade from now on, or may not any more: its hours, an operator, a
    /// limit. While it may not, its orders are cancelled, its requests refused, and it gets no books,
    /// trades and index values.
    fn on_active(&mut self, _ctx: &mut Context<'_>, _is_active: bool) {}

    /// An operator changes a parameter. It is journaled, so that a replay does it again.
    ///
    /// # Errors
    ///
    /// [`ParameterError`]: nothing is changed.
    fn set_parameter(
        &mut self,
        _ctx: &mut Context<'_>,
        _key: &str,
        _value: &str,
    ) -> Result<(), ParameterError> {
        Err(ParameterError::Unknown)
    }

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

    fn save(&self, _out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        Ok(())
    }

    fn load(&mut self, _input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        Ok(())
    }
}
