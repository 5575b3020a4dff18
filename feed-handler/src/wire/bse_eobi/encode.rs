//! The layouts the other way: what a simulated BSE and the tests send.
//!
//! A [`PacketBuilder`] appends messages to one datagram; prices and quantities are the model's,
//! written as given.

use bytemuck::{Pod, Zeroable, bytes_of};
use tezi_model::{Nanos, Px, Qty, Side, Token};

use super::layout::{
    Execution, ExecutionSummary, Heartbeat, InstrumentSummary, MessageHeader, OrderAdd,
    OrderDelete, OrderDetails, OrderMassDelete, OrderModify, OrderModifySamePriority, PRICE_NULL,
    PacketHeader, ProductSummary, SEQUENCE_NULL, SnapshotOrder, TradeReversal, template,
};
use crate::wire::little_endian::{LeI32, LeI64, LeU16, LeU32};

/// An order as EOBI shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its side.
    pub side: Side,
    /// Its price; `None` for a market order.
    pub price: Option<Px>,
    /// Decides its place, and is part of its key.
    pub priority_time: Nanos,
    /// Visible quantity.
    pub quantity: Qty,
}

impl Order {
    fn details(&self) -> OrderDetails {
        OrderDetails {
            trd_reg_ts_time_priority: LeI64::new(self.priority_time.0),
            display_qty: quantity(self.quantity),
            side: side(self.side),
            price: price(self.price),
            ..OrderDetails::zeroed()
        }
    }
}

/// One datagram being written.
///
/// ```
/// use tezi_feed_handler::wire::bse_eobi::{PacketBuilder, packet};
/// use tezi_model::Nanos;
/// let mut builder = PacketBuilder::new(7, 1, Nanos(1_000));
/// builder.heartbeat(41);
/// let packet = packet(builder.bytes())?;
/// assert_eq!(packet.header.market_segment_id.get(), 7);
/// assert_eq!(packet.messages().count(), 1);
/// # Ok::<(), tezi_feed_handler::wire::bse_eobi::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PacketBuilder {
    bytes: Vec<u8>,
    time: LeI64,
}

impl PacketBuilder {
    /// A datagram without messages: its product, its number on the channel, and its time.
    #[must_use]
    pub fn new(market_segment_id: i32, appl_seq_num: u32, time: Nanos) -> Self {
        let mut builder = Self { bytes: Vec::with_capacity(1500), time: LeI64::new(time.0) };
        builder.start(market_segment_id, appl_seq_num, time);
        builder
    }

    /// Begins the next datagram in the same memory.
    pub fn start(&mut self, market_segment_id: i32, appl_seq_num: u32, time: Nanos) {
        self.time = LeI64::new(time.0);
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes_of(&PacketHeader {
            body_len: LeU16::new(size_of::<PacketHeader>() as u16),
            template_id: LeU16::new(template::PACKET_HEADER),
            msg_seq_num: LeU32::new(SEQUENCE_NULL),
            appl_seq_num: LeU32::new(appl_seq_num),
            market_segment_id: LeI32::new(market_segment_id),
            transact_time: self.time,
            ..PacketHeader::zeroed()
        }));
    }

    /// The datagram.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Marks the end of a unit of work.
    pub fn complete(&mut self) -> &mut Self {
        self.bytes[17] = 1;
        self
    }

    /// Marks the first datagram after a failover.
    pub fn reset(&mut self) -> &mut Self {
        self.bytes[18] = 1;
        self
    }

    /// Appends any layout, its header filled in. `BodyLen` is the layout's size.
    pub fn message<T: Pod>(&mut self, template_id: u16, sequence: u32, body: &T) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes_of(body));
        let header = MessageHeader {
            body_len: LeU16::new(size_of::<T>() as u16),
            template_id: LeU16::new(template_id),
            msg_seq_num: LeU32::new(sequence),
        };
        self.bytes[start..start + size_of::<MessageHeader>()].copy_from_slice(bytes_of(&header));
        self
    }

    /// The product's last number is `last`.
    pub fn heartbeat(&mut self, last: u32) -> &mut Self {
        let body =
            Heartbeat { last_msg_seq_num_processed: LeU32::new(last), ..Heartbeat::zeroed() };
        self.message(template::HEARTBEAT, SEQUENCE_NULL, &body)
    }

    /// A new order.
    pub fn order_add(&mut self, sequence: u32, token: Token, order: &Order) -> &mut Self {
        let body = OrderAdd {
            trd_reg_ts_time_in: self.time,
            security_id: security_id(token),
            order: order.details(),
            ..OrderAdd::zeroed()
        };
        self.message(template::ORDER_ADD, sequence, &body)
    }

    /// `previous` becomes `order`.
    pub fn order_modify(
        &mut self,
        sequence: u32,
        token: Token,
        previous: &Order,
        order: &Order,
    ) -> &mut Self {
        let body = OrderModify {
            trd_reg_ts_time_in: self.time,
            trd_reg_ts_prev_time_priority: LeI64::new(previous.priority_time.0),
            prev_price: price(previous.price),
            prev_display_qty: quantity(previous.quantity),
            security_id: security_id(token),
            order: order.details(),
            ..OrderModify::zeroed()
        };
        self.message(template::ORDER_MODIFY, sequence, &body)
    }

    /// The order, which had another quantity, keeps its place.
    pub fn order_modify_same_priority(
        &mut self,
        sequence: u32,
        token: Token,
        previous_quantity: Qty,
        order: &Order,
    ) -> &mut Self {
        let body = OrderModifySamePriority {
            trd_reg_ts_time_in: self.time,
            transact_time: self.time,
            prev_display_qty: quantity(previous_quantity),
            security_id: security_id(token),
            order: order.details(),
            ..OrderModifySamePriority::zeroed()
        };
        self.message(template::ORDER_MODIFY_SAME_PRIORITY, sequence, &body)
    }

    /// The order is gone.
    pub fn order_delete(&mut self, sequence: u32, token: Token, order: &Order) -> &mut Self {
        let body = OrderDelete {
            trd_reg_ts_time_in: self.time,
            transact_time: self.time,
            security_id: security_id(token),
            order: order.details(),
            ..OrderDelete::zeroed()
        };
        self.message(template::ORDER_DELETE, sequence, &body)
    }

    /// All orders of the instrument are gone.
    pub fn order_mass_delete(&mut self, sequence: u32, token: Token) -> &mut Self {
        let body = OrderMassDelete {
            security_id: security_id(token),
            transact_time: self.time,
            ..OrderMassDelete::zeroed()
        };
        self.message(template::ORDER_MASS_DELETE, sequence, &body)
    }

    /// `quantity` of the resting `order` traded at `last`: in full when it is all of it.
    pub fn execution(
        &mut self,
        sequence: u32,
        token: Token,
        order: &Order,
        last_quantity: Qty,
        last: Px,
    ) -> &mut Self {
        let body = Execution {
            side: side(order.side),
            price: price(order.price),
            trd_reg_ts_time_priority: LeI64::new(order.priority_time.0),
            security_id: security_id(token),
            trd_match_id: LeU32::new(sequence),
            last_qty: quantity(last_quantity),
            last_px: LeI64::new(last.0),
            ..Execution::zeroed()
        };
        let is_full = order.quantity <= last_quantity;
        let template_id =
            if is_full { template::FULL_EXECUTION } else { template::PARTIAL_EXECUTION };
        self.message(template_id, sequence, &body)
    }

    /// What an aggressor of `aggressor_side` traded, last at `last`.
    pub fn execution_summary(
        &mut self,
        sequence: u32,
        token: Token,
        aggressor_side: Side,
        last_quantity: Qty,
        last: Px,
    ) -> &mut Self {
        let body = ExecutionSummary {
            security_id: security_id(token),
            aggressor_timestamp: self.time,
            exec_id: self.time,
            last_qty: quantity(last_quantity),
            aggressor_side: side(aggressor_side),
            trade_condition: u8::MAX,
            last_px: LeI64::new(last.0),
            ..ExecutionSummary::zeroed()
        };
        self.message(template::EXECUTION_SUMMARY, sequence, &body)
    }

    /// A trade is taken back. The group is empty.
    pub fn trade_reversal(
        &mut self,
        sequence: u32,
        token: Token,
        last_quantity: Qty,
        last: Px,
    ) -> &mut Self {
        let body = TradeReversal {
            security_id: security_id(token),
            transact_time: self.time,
            last_qty: quantity(last_quantity),
            last_px: LeI64::new(last.0),
            ..TradeReversal::zeroed()
        };
        self.message(template::TRADE_REVERSAL, sequence, &body)
    }

    /// A snapshot of the product begins; it contains the messages up to `last`.
    pub fn product_summary(&mut self, sequence: u32, last: u32) -> &mut Self {
        let body = ProductSummary {
            last_msg_seq_num_processed: LeU32::new(last),
            trading_session_id: 1,
            trading_session_sub_id: 3,
            trad_ses_status: 2,
            ..ProductSummary::zeroed()
        };
        self.message(template::PRODUCT_SUMMARY, sequence, &body)
    }

    /// An instrument of the snapshot begins. The group is empty.
    pub fn instrument_summary(&mut self, sequence: u32, token: Token, orders: u32) -> &mut Self {
        let body = InstrumentSummary {
            security_id: security_id(token),
            last_update_time: self.time,
            tot_no_orders: LeU32::new(orders),
            security_status: 1,
            security_trading_status: 203,
            ..InstrumentSummary::zeroed()
        };
        self.message(template::INSTRUMENT_SUMMARY, sequence, &body)
    }

    /// A live order of the instrument.
    pub fn snapshot_order(&mut self, sequence: u32, order: &Order) -> &mut Self {
        let body = SnapshotOrder { order: order.details(), ..SnapshotOrder::zeroed() };
        self.message(template::SNAPSHOT_ORDER, sequence, &body)
    }
}

fn security_id(token: Token) -> LeI64 {
    LeI64::new(i64::from(token.0))
}

fn quantity(quantity: Qty) -> LeI64 {
    LeI64::new(i64::from(quantity.0))
}

fn price(price: Option<Px>) -> LeI64 {
    LeI64::new(price.map_or(PRICE_NULL, |price| price.0))
}

const fn side(side: Side) -> u8 {
    match side {
        Side::Buy => 1,
        Side::Sell => 2,
    }
}
