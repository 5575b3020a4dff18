//! The words every part of Tezi shares: prices, quantities, instruments, times, events, commands
//! and reject reasons.
//!
//! Everything here is plain data. Records that cross a ring or lie in a journal are `Pod` with
//! sizes proven at compile time; their numeric codes never change meaning. This crate imports
//! nothing of the engine and does no I/O.

mod account;
mod event;
mod hash;
mod instrument;
mod number;
mod order;
mod reject;
mod time;

pub use account::{AccountDefinition, AccountError, AccountId};
pub use event::{Event, EventKind, FeedFault, MarketFlags, TradingStatus};
pub use hash::StateHasher;
pub use instrument::{
    Instrument, InstrumentId, InstrumentKind, OptionType, Segment, StreamId, Symbol, Token,
};
pub use number::{Money, Px, Qty, Side};
pub use order::{
    ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, OrderCommand, OrderId, OrderStatus,
    StrategyId, TimeInForce,
};
pub use reject::RejectReason;
pub use time::{IST_OFFSET_NS, NSE_EPOCH_UNIX_SECONDS, Nanos, NseTime};
