//! NSE multicast tick-by-tick data: every order and trade of a segment, order by order.
//!
//! Source: "Multicast Tick by Tick Broadcast API" 6.7 (June 2025), in short MTBT 6.7. All four
//! segments share one layout. Little-endian, packed to 1. A datagram holds messages one after the
//! other, each with its own header:
//!
//! ```text
//! 0      2        4        8      9
//! msg_len stream_id seq_no  type   body …      msg_len counts the header
//! ```
//!
//! [`decode`] finds one message and its length, [`messages`] walks a datagram, and
//! [`Message::to_event`] checks every field and makes the model's event. The layouts, and what is
//! done where the document is silent, are in `docs/wire/nse_mtbt.md`.

mod decode;
mod encode;
mod error;
mod event;
mod layout;
mod snapshot;
#[cfg(test)]
mod tests;

pub use decode::{Message, Messages, decode, messages};
pub use encode::{
    Order, Trade, encode_heartbeat, encode_order, encode_recovery_reply, encode_recovery_request,
    encode_snapshot_header, encode_snapshot_order, encode_snapshot_reply, encode_snapshot_request,
    encode_trade,
};
pub use error::DecodeError;
pub use event::PacketContext;
pub use layout::{
    HeartbeatMessage, OldContractMessage, OldCountMessage, OrderMessage, RecoveryRequest,
    ReplyMessage, SnapshotHeader, SnapshotOrder, StreamHeader, TradeMessage, message_type,
};
pub use snapshot::{SNAPSHOT_TRANSACTION_CODE, snapshot_bytes};

/// The most messages one tick-recovery request may name (MTBT 6.7, chapter 13).
pub const RECOVERY_MESSAGES_MAX: u32 = 300_000;
