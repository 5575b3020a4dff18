//! The layouts: each struct is the bytes of one message, proven by the assertions at the end.

use bytemuck::{Pod, Zeroable};

use crate::wire::little_endian::{LeF64, LeI16, LeI32, LeI64, LeU32};

/// Message types: the byte after the header.
pub mod message_type {
    /// New order.
    pub const ORDER_NEW: u8 = b'N';
    /// Modified order.
    pub const ORDER_MODIFY: u8 = b'M';
    /// Cancelled order.
    pub const ORDER_CANCEL: u8 = b'X';
    /// New spread order.
    pub const SPREAD_ORDER_NEW: u8 = b'G';
    /// Modified spread order.
    pub const SPREAD_ORDER_MODIFY: u8 = b'H';
    /// Cancelled spread order.
    pub const SPREAD_ORDER_CANCEL: u8 = b'J';
    /// Trade.
    pub const TRADE: u8 = b'T';
    /// One leg of a spread trade.
    pub const SPREAD_TRADE: u8 = b'K';
    /// Cancelled trade; before 2018 also a contract of the in-band master.
    pub const TRADE_CANCEL: u8 = b'C';
    /// Heartbeat.
    pub const HEARTBEAT: u8 = b'Z';
    /// Reply to a tick-recovery request (TCP).
    pub const RECOVERY_REPLY: u8 = b'Y';
    /// Reply to a snapshot request (TCP); before 2018 also the start of the in-band master.
    pub const SNAPSHOT_REPLY: u8 = b'B';
    /// End of the in-band master of old feeds.
    pub const OLD_MASTER_END: u8 = b'E';
    /// Tick-recovery request (TCP, no header).
    pub const RECOVERY_REQUEST: u8 = b'R';
    /// Snapshot request (TCP, no header).
    pub const SNAPSHOT_REQUEST: u8 = b'O';
}

/// MTBT 6.7, chapter 4: leads every message. 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct StreamHeader {
    /// Bytes of the message, this header included.
    pub msg_len: LeI16,
    /// The stream, 1 and up.
    pub stream_id: LeI16,
    /// Counts from 1 in each stream each day; 0 in heartbeats and replies. Documented as signed
    /// outside F&O, which is the same for every number a day can reach.
    pub seq_no: LeU32,
}

/// MTBT 6.7, chapter 6: an order (`N`, `M`, `X`) or a spread order (`G`, `H`, `J`). 38 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OrderMessage {
    /// Leads every message.
    pub header: StreamHeader,
    /// One of `N M X G H J`.
    pub message_type: u8,
    /// Nanoseconds since 1980-01-01 00:00:00 in India; see [`tezi_model::NseTime`].
    pub timestamp: LeI64,
    /// Unique within the day. An integer, sent as a double.
    pub order_id: LeF64,
    /// The contract; of a spread order, the contract of this leg.
    pub token: LeI32,
    /// `B` or `S`.
    pub order_type: u8,
    /// In the segment's wire price units; of a spread order, the difference of the legs.
    pub price: LeI32,
    /// Open quantity, in units.
    pub quantity: LeI32,
}

/// MTBT 6.7, chapter 6: a trade (`T`), a spread trade's leg (`K`) or a cancelled trade (`C`).
/// 45 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TradeMessage {
    /// Leads every message.
    pub header: StreamHeader,
    /// One of `T K C`.
    pub message_type: u8,
    /// Nanoseconds since 1980-01-01 00:00:00 in India; see [`tezi_model::NseTime`].
    pub timestamp: LeI64,
    /// The buy order, 0 when it was never shown.
    pub buy_order_id: LeF64,
    /// The sell order, 0 when it was never shown.
    pub sell_order_id: LeF64,
    /// The contract.
    pub token: LeI32,
    /// In the segment's wire price units.
    pub trade_price: LeI32,
    /// In units.
    pub trade_quantity: LeI32,
}

/// MTBT 6.7, chapter 10: sent after a few seconds of silence. 13 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct HeartbeatMessage {
    /// Leads every message; its `seq_no` is 0.
    pub header: StreamHeader,
    /// `Z`.
    pub message_type: u8,
    /// The last number sent on the stream; 0 when none was.
    pub last_seq_no: LeU32,
}

/// MTBT 6.7, chapters 7 and 8: the answer to a recovery (`Y`) or snapshot (`B`) request, before the
/// data. 10 bytes, TCP only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ReplyMessage {
    /// Leads every message; its `seq_no` is 0.
    pub header: StreamHeader,
    /// `Y` or `B`.
    pub message_type: u8,
    /// `S` when the data follow, `E` when the request is refused.
    pub status: u8,
}

/// MTBT 6.7, chapters 7 and 8: asks for messages (`R`) or for a snapshot (`O`). 11 bytes, TCP only,
/// no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RecoveryRequest {
    /// `R` or `O`.
    pub message_type: u8,
    /// The stream.
    pub stream_id: LeI16,
    /// The first number wanted; 0 in a snapshot request.
    pub first_seq_no: LeU32,
    /// The last number wanted, included; 0 in a snapshot request.
    pub last_seq_no: LeU32,
}

/// MTBT 6.7, chapter 9: leads the orders of a snapshot. 16 bytes, TCP only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SnapshotHeader {
    /// 10501.
    pub transaction_code: LeI16,
    /// Bytes of the snapshot, this header included.
    pub total_size: LeI32,
    /// Number of orders that follow.
    pub order_count: LeI32,
    /// The last message the snapshot contains.
    pub last_seq_no: LeU32,
    /// The stream.
    pub stream_id: LeI16,
}

/// MTBT 6.7, chapter 9: one live order of a snapshot. 30 bytes, TCP only, no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SnapshotOrder {
    /// `N` for an order, `G` for a spread order.
    pub message_type: u8,
    /// Nanoseconds since 1980-01-01 00:00:00 in India.
    pub timestamp: LeI64,
    /// As in [`OrderMessage`].
    pub order_id: LeF64,
    /// The contract.
    pub token: LeI32,
    /// `B` or `S`.
    pub order_type: u8,
    /// As in [`OrderMessage`].
    pub price: LeI32,
    /// Open quantity, in units.
    pub quantity: LeI32,
}

/// A contract (`C`) of the master that feeds before 2018 sent in band. 41 bytes, which tells it from
/// a cancelled trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OldContractMessage {
    /// Leads every message.
    pub header: StreamHeader,
    /// `C`.
    pub message_type: u8,
    /// The stream that carries the contract.
    pub stream_id: LeI16,
    /// The contract.
    pub token: LeI32,
    /// `FUTIDX`, `OPTSTK`, …, padded with blanks.
    pub instrument: [u8; 6],
    /// The underlying, padded with blanks.
    pub symbol: [u8; 10],
    /// Seconds since 1980-01-01 00:00:00 in India.
    pub expiry: LeI32,
    /// In the segment's wire price units; 0 for a future.
    pub strike_price: LeI32,
    /// `CE`, `PE`, …
    pub option_type: [u8; 2],
}

/// The start (`B`) or end (`E`) of the master that feeds before 2018 sent in band. 13 bytes, which
/// tells the start from a snapshot reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OldCountMessage {
    /// Leads every message.
    pub header: StreamHeader,
    /// `B` or `E`.
    pub message_type: u8,
    /// Contracts in the master.
    pub token_count: LeI32,
}

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<StreamHeader>() == 8 && offset_of!(StreamHeader, seq_no) == 4);
    assert!(size_of::<OrderMessage>() == 38 && align_of::<OrderMessage>() == 1);
    assert!(offset_of!(OrderMessage, message_type) == 8);
    assert!(offset_of!(OrderMessage, timestamp) == 9);
    assert!(offset_of!(OrderMessage, order_id) == 17);
    assert!(offset_of!(OrderMessage, token) == 25);
    assert!(offset_of!(OrderMessage, order_type) == 29);
    assert!(offset_of!(OrderMessage, price) == 30);
    assert!(offset_of!(OrderMessage, quantity) == 34);
    assert!(size_of::<TradeMessage>() == 45 && align_of::<TradeMessage>() == 1);
    assert!(offset_of!(TradeMessage, timestamp) == 9);
    assert!(offset_of!(TradeMessage, buy_order_id) == 17);
    assert!(offset_of!(TradeMessage, sell_order_id) == 25);
    assert!(offset_of!(TradeMessage, token) == 33);
    assert!(offset_of!(TradeMessage, trade_price) == 37);
    assert!(offset_of!(TradeMessage, trade_quantity) == 41);
    assert!(size_of::<HeartbeatMessage>() == 13);
    assert!(offset_of!(HeartbeatMessage, last_seq_no) == 9);
    assert!(size_of::<ReplyMessage>() == 10 && offset_of!(ReplyMessage, status) == 9);
    assert!(size_of::<RecoveryRequest>() == 11);
    assert!(offset_of!(RecoveryRequest, stream_id) == 1);
    assert!(offset_of!(RecoveryRequest, first_seq_no) == 3);
    assert!(offset_of!(RecoveryRequest, last_seq_no) == 7);
    assert!(size_of::<SnapshotHeader>() == 16);
    assert!(offset_of!(SnapshotHeader, total_size) == 2);
    assert!(offset_of!(SnapshotHeader, order_count) == 6);
    assert!(offset_of!(SnapshotHeader, last_seq_no) == 10);
    assert!(offset_of!(SnapshotHeader, stream_id) == 14);
    assert!(size_of::<SnapshotOrder>() == 30);
    assert!(offset_of!(SnapshotOrder, timestamp) == 1);
    assert!(offset_of!(SnapshotOrder, order_id) == 9);
    assert!(offset_of!(SnapshotOrder, token) == 17);
    assert!(offset_of!(SnapshotOrder, order_type) == 21);
    assert!(offset_of!(SnapshotOrder, price) == 22);
    assert!(offset_of!(SnapshotOrder, quantity) == 26);
    assert!(size_of::<OldContractMessage>() == 41);
    assert!(offset_of!(OldContractMessage, symbol) == 21);
    assert!(size_of::<OldCountMessage>() == 13);
};
