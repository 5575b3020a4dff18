//! The layouts the other way: what the simulated exchange, the generator and the tests send.
//!
//! Every encoder returns the message's bytes as an array: nothing is allocated, and the caller
//! appends them to a datagram. Values are written as given; nothing is checked.

use tezi_model::{Nanos, NseTime, OrderId, Side};

use super::layout::{
    HeartbeatMessage, OrderMessage, RecoveryRequest, ReplyMessage, SnapshotHeader, SnapshotOrder,
    StreamHeader, TradeMessage,
};
use super::{SNAPSHOT_TRANSACTION_CODE, message_type as kind, snapshot_bytes};
use crate::wire::little_endian::{LeF64, LeI16, LeI32, LeI64, LeU32};

/// An order to be sent. Prices are in the segment's wire units.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// One of `N M X G H J` ([`super::message_type`]).
    pub message_type: u8,
    /// The exchange's time of it, UTC.
    pub time: Nanos,
    /// The order. Exact up to 2^53.
    pub order_id: OrderId,
    /// The contract.
    pub token: i32,
    /// Its side.
    pub side: Side,
    /// Price, in wire units (paise; 10⁻⁷ rupee in CD).
    pub price: i32,
    /// Open quantity, in units.
    pub quantity: i32,
}

/// A trade to be sent. Prices are in the segment's wire units.
#[derive(Clone, Copy, Debug)]
pub struct Trade {
    /// One of `T K C` ([`super::message_type`]).
    pub message_type: u8,
    /// The exchange's time of it, UTC.
    pub time: Nanos,
    /// The buy order, 0 for one that is never shown.
    pub buy_order_id: OrderId,
    /// The sell order, 0 for one that is never shown.
    pub sell_order_id: OrderId,
    /// The contract.
    pub token: i32,
    /// Price, in wire units.
    pub price: i32,
    /// Quantity, in units.
    pub quantity: i32,
}

/// The bytes of an order message.
#[inline]
#[must_use]
pub fn encode_order(stream: u8, sequence: u32, order: &Order) -> [u8; 38] {
    bytemuck::cast(OrderMessage {
        header: header::<OrderMessage>(stream, sequence),
        message_type: order.message_type,
        timestamp: LeI64::new(NseTime::from_nanos(order.time).0),
        order_id: LeF64::new(order.order_id.0 as f64),
        token: LeI32::new(order.token),
        order_type: side_byte(order.side),
        price: LeI32::new(order.price),
        quantity: LeI32::new(order.quantity),
    })
}

/// The bytes of a trade message.
#[inline]
#[must_use]
pub fn encode_trade(stream: u8, sequence: u32, trade: &Trade) -> [u8; 45] {
    bytemuck::cast(TradeMessage {
        header: header::<TradeMessage>(stream, sequence),
        message_type: trade.message_type,
        timestamp: LeI64::new(NseTime::from_nanos(trade.time).0),
        buy_order_id: LeF64::new(trade.buy_order_id.0 as f64),
        sell_order_id: LeF64::new(trade.sell_order_id.0 as f64),
        token: LeI32::new(trade.token),
        trade_price: LeI32::new(trade.price),
        trade_quantity: LeI32::new(trade.quantity),
    })
}

/// The bytes of a heartbeat that says `last_sequence` was the last message sent.
#[inline]
#[must_use]
pub fn encode_heartbeat(stream: u8, last_sequence: u32) -> [u8; 13] {
    bytemuck::cast(HeartbeatMessage {
        header: header::<HeartbeatMessage>(stream, 0),
        message_type: kind::HEARTBEAT,
        last_seq_no: LeU32::new(last_sequence),
    })
}

/// The bytes of a tick-recovery request for `first..=last`.
#[must_use]
pub fn encode_recovery_request(stream: u8, first: u32, last: u32) -> [u8; 11] {
    bytemuck::cast(RecoveryRequest {
        message_type: kind::RECOVERY_REQUEST,
        stream_id: LeI16::new(i16::from(stream)),
        first_seq_no: LeU32::new(first),
        last_seq_no: LeU32::new(last),
    })
}

/// The bytes of a snapshot request.
#[must_use]
pub fn encode_snapshot_request(stream: u8) -> [u8; 11] {
    let request = encode_recovery_request(stream, 0, 0);
    bytemuck::cast(RecoveryRequest {
        message_type: kind::SNAPSHOT_REQUEST,
        ..bytemuck::cast(request)
    })
}

/// The bytes of the reply to a tick-recovery request.
#[must_use]
pub fn encode_recovery_reply(stream: u8, granted: bool) -> [u8; 10] {
    encode_reply(kind::RECOVERY_REPLY, stream, granted)
}

/// The bytes of the reply to a snapshot request.
#[must_use]
pub fn encode_snapshot_reply(stream: u8, granted: bool) -> [u8; 10] {
    encode_reply(kind::SNAPSHOT_REPLY, stream, granted)
}

/// The bytes that lead a snapshot of `order_count` orders, the stream's messages up to
/// `last_sequence` contained. Sizes above `i32::MAX` saturate, which no reader accepts.
#[must_use]
pub fn encode_snapshot_header(stream: u8, last_sequence: u32, order_count: u32) -> [u8; 16] {
    let size = i32::try_from(snapshot_bytes(order_count)).unwrap_or(i32::MAX);
    bytemuck::cast(SnapshotHeader {
        transaction_code: LeI16::new(SNAPSHOT_TRANSACTION_CODE),
        total_size: LeI32::new(size),
        order_count: LeI32::new(order_count.cast_signed()),
        last_seq_no: LeU32::new(last_sequence),
        stream_id: LeI16::new(i16::from(stream)),
    })
}

/// The bytes of one order of a snapshot.
#[must_use]
pub fn encode_snapshot_order(order: &Order) -> [u8; 30] {
    bytemuck::cast(SnapshotOrder {
        message_type: order.message_type,
        timestamp: LeI64::new(NseTime::from_nanos(order.time).0),
        order_id: LeF64::new(order.order_id.0 as f64),
        token: LeI32::new(order.token),
        order_type: side_byte(order.side),
        price: LeI32::new(order.price),
        quantity: LeI32::new(order.quantity),
    })
}

fn encode_reply(message_type: u8, stream: u8, granted: bool) -> [u8; 10] {
    bytemuck::cast(ReplyMessage {
        header: header::<ReplyMessage>(stream, 0),
        message_type,
        status: if granted { b'S' } else { b'E' },
    })
}

#[inline]
const fn header<T>(stream: u8, sequence: u32) -> StreamHeader {
    StreamHeader {
        msg_len: LeI16::new(size_of::<T>() as i16),
        stream_id: LeI16::new(stream as i16),
        seq_no: LeU32::new(sequence),
    }
}

#[inline]
const fn side_byte(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}
