//! Nasdaq TotalView-ITCH 5.0: every displayed order of the exchange, order by order.
//!
//! Source: "Nasdaq TotalView-ITCH 5.0", 2014 with changes to 2023. Big-endian, packed to 1. Each
//! message has the length of its type and is carried whole, in a MoldUDP64 block
//! ([`crate::wire::mold_udp64`]) or in a file behind its length ([`FileReader`]):
//!
//! ```text
//! 0     1             3                5           11
//! type  stock_locate  tracking_number  timestamp   body …
//! ```
//!
//! [`decode`] finds the layout, [`Message::to_event`] checks every field and makes the model's
//! event, [`decode_event`] does both at once, and [`Decoder`] counts. Times need the day ([`SessionDate`]). What becomes of
//! each message, and what is done where the document is silent, is in `docs/wire/itch.md`.

mod decode;
mod decoder;
mod error;
mod event;
pub mod field;
mod file;
mod layout;
mod session_date;
#[cfg(test)]
mod tests;

pub use decode::{Message, decode};
pub use decoder::{Decoder, DecoderCounters};
pub use error::DecodeError;
pub use event::{MessageContext, decode_event, decode_event_with};
pub use file::{FileError, FileMessage, FileReader};
pub use layout::{
    AddOrder, AddOrderWithMpid, BrokenTrade, CrossTrade, DirectListing, Header, LuldAuctionCollar,
    MarketParticipantPosition, MwcbDeclineLevel, MwcbStatus, NetOrderImbalance, OperationalHalt,
    OrderCancel, OrderDelete, OrderExecuted, OrderExecutedWithPrice, OrderReplace,
    QuotingPeriodUpdate, RegShoRestriction, RetailInterest, StockDirectory, StockTradingAction,
    SystemEvent, Trade,
};
pub use session_date::SessionDate;
