//! The layouts: each struct is the bytes of one message, proven by the assertions beside it.
//!
//! Times are unsigned on the wire and read as signed: null, all ones, becomes −1, and what a
//! [`tezi_model::Nanos`] cannot hold becomes negative too.

use bytemuck::{Pod, Zeroable};

use crate::wire::little_endian::{LeI32, LeI64, LeU16, LeU32};

/// The price that means "none": a market order's.
pub const PRICE_NULL: i64 = i64::MIN;

/// The `MsgSeqNum` of what takes no number: packet headers and heartbeats.
pub const SEQUENCE_NULL: u32 = u32::MAX;

/// Template numbers (EOBI 1.4).
pub mod template {
    /// Heartbeat.
    pub const HEARTBEAT: u16 = 13001;
    /// Packet header.
    pub const PACKET_HEADER: u16 = 13002;
    /// New order.
    pub const ORDER_ADD: u16 = 13100;
    /// Order with a new price or quantity; it may have lost its place.
    pub const ORDER_MODIFY: u16 = 13101;
    /// Order deleted.
    pub const ORDER_DELETE: u16 = 13102;
    /// All orders of an instrument deleted.
    pub const ORDER_MASS_DELETE: u16 = 13103;
    /// A resting order traded and is gone.
    pub const FULL_EXECUTION: u16 = 13104;
    /// A resting order traded in part.
    pub const PARTIAL_EXECUTION: u16 = 13105;
    /// Order with a new quantity that keeps its place.
    pub const ORDER_MODIFY_SAME_PRIORITY: u16 = 13106;
    /// A trade taken back.
    pub const TRADE_REVERSAL: u16 = 13200;
    /// The sum of one aggressor's executions.
    pub const EXECUTION_SUMMARY: u16 = 13202;
    /// Close prices and circuit limits; BSE only.
    pub const INSTRUMENT_INFO: u16 = 13203;
    /// Limit price protection range; BSE only.
    pub const LPP_RANGE: u16 = 13204;
    /// Trading phase of a product.
    pub const PRODUCT_STATE: u16 = 13300;
    /// Trading phase of an instrument.
    pub const INSTRUMENT_STATE: u16 = 13301;
    /// A strategy instrument was made.
    pub const ADD_COMPLEX_INSTRUMENT: u16 = 13400;
    /// Best bid and offer in an auction.
    pub const AUCTION_BBO: u16 = 13500;
    /// Clearing price of an auction.
    pub const AUCTION_CLEARING_PRICE: u16 = 13501;
    /// Best bid and offer.
    pub const TOP_OF_BOOK: u16 = 13504;
    /// A product's snapshot begins.
    pub const PRODUCT_SUMMARY: u16 = 13600;
    /// An instrument's snapshot begins.
    pub const INSTRUMENT_SUMMARY: u16 = 13601;
    /// One live order of a snapshot.
    pub const SNAPSHOT_ORDER: u16 = 13602;
}

/// Declares layouts and proves size and offsets at compile time: `field: type @ offset`.
macro_rules! layouts {
    ($($(#[$outer:meta])* $name:ident, $size:literal {
        $($(#[$doc:meta])* $field:ident: $type:ty, @ $offset:literal;)+
    })+) => {$(
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
        }

        const _: () = {
            assert!(size_of::<$name>() == $size && align_of::<$name>() == 1);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)+
        };
    )+};
}

layouts! {
    /// Template 13002: leads every datagram. 32 bytes.
    PacketHeader, 32 {
        /// 32.
        body_len: LeU16, @ 0;
        /// 13002.
        template_id: LeU16, @ 2;
        /// Null.
        msg_seq_num: LeU32, @ 4;
        /// Counts the datagrams of a multicast address and port, without holes.
        appl_seq_num: LeU32, @ 8;
        /// The product of every message in the datagram.
        market_segment_id: LeI32, @ 12;
        /// The part of the exchange's system that runs the product.
        partition_id: u8, @ 16;
        /// 1 when the datagram ends a unit of work.
        completion_indicator: u8, @ 17;
        /// 1 in the first datagram after a failover.
        appl_seq_reset_indicator: u8, @ 18;
        /// Not used.
        pad: [u8; 5], @ 19;
        /// Nanoseconds since the UNIX epoch.
        transact_time: LeI64, @ 24;
    }
    /// Leads every message. 8 bytes.
    MessageHeader, 8 {
        /// Bytes of the message, this header included.
        body_len: LeU16, @ 0;
        /// One of [`template`].
        template_id: LeU16, @ 2;
        /// Counts the messages of a product on its channel; null in heartbeats.
        msg_seq_num: LeU32, @ 4;
    }
    /// What identifies an order, and its quantity. 32 bytes, part of messages.
    OrderDetails, 32 {
        /// Decides the place among orders of one price, and is part of the key.
        trd_reg_ts_time_priority: LeI64, @ 0;
        /// Visible quantity, in units.
        display_qty: LeI64, @ 8;
        /// 1 buy, 2 sell.
        side: u8, @ 16;
        /// Not used.
        pad: [u8; 7], @ 17;
        /// In 10⁻⁸; null for a market order.
        price: LeI64, @ 24;
    }
    /// One price of a repeating group. 24 bytes.
    MdEntry, 24 {
        /// In 10⁻⁸.
        md_entry_px: LeI64, @ 0;
        /// In units.
        md_entry_size: LeI64, @ 8;
        /// What the price is: 2 trade, 4 open, 5 close, 7 high, 8 low, 101 previous close, 200-203
        /// auction prices, 204 and 205 circuit limits, 206 gross amount, 208 and 209 LPP limits.
        md_entry_type: u8, @ 16;
        /// Not used.
        pad: [u8; 7], @ 17;
    }
    /// One leg of a strategy instrument. 16 bytes.
    Leg, 16 {
        /// The leg's instrument.
        leg_security_id: LeI64, @ 0;
        /// Units of the leg in one of the strategy.
        leg_ratio_qty: LeI32, @ 8;
        /// 1 buy, 2 sell.
        leg_side: u8, @ 12;
        /// Not used.
        pad: [u8; 3], @ 13;
    }
    /// Template 13001: sent on a silent product. 16 bytes.
    Heartbeat, 16 {
        /// Leads every message; its number is null.
        header: MessageHeader, @ 0;
        /// The product's last number.
        last_msg_seq_num_processed: LeU32, @ 8;
        /// Not used.
        pad: [u8; 4], @ 12;
    }
    /// Template 13100: a new order. 56 bytes.
    OrderAdd, 56 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// When the request reached the gateway.
        trd_reg_ts_time_in: LeI64, @ 8;
        /// The instrument.
        security_id: LeI64, @ 16;
        /// The order.
        order: OrderDetails, @ 24;
    }
    /// Template 13101: an order changed, and may have lost its place. 80 bytes.
    OrderModify, 80 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// When the request reached the gateway.
        trd_reg_ts_time_in: LeI64, @ 8;
        /// Part of the key the order had.
        trd_reg_ts_prev_time_priority: LeI64, @ 16;
        /// Part of the key the order had; null when it was a market order.
        prev_price: LeI64, @ 24;
        /// The quantity it had.
        prev_display_qty: LeI64, @ 32;
        /// The instrument.
        security_id: LeI64, @ 40;
        /// The order as it is now.
        order: OrderDetails, @ 48;
    }
    /// Template 13106: an order has a new quantity and keeps its place. 72 bytes.
    OrderModifySamePriority, 72 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// When the request reached the gateway.
        trd_reg_ts_time_in: LeI64, @ 8;
        /// When it took effect.
        transact_time: LeI64, @ 16;
        /// The quantity it had.
        prev_display_qty: LeI64, @ 24;
        /// The instrument.
        security_id: LeI64, @ 32;
        /// The order as it is now.
        order: OrderDetails, @ 40;
    }
    /// Template 13102: an order left the book unexecuted. 64 bytes.
    OrderDelete, 64 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// When the request reached the gateway.
        trd_reg_ts_time_in: LeI64, @ 8;
        /// When it took effect.
        transact_time: LeI64, @ 16;
        /// The instrument.
        security_id: LeI64, @ 24;
        /// The order.
        order: OrderDetails, @ 32;
    }
    /// Template 13103: all orders of an instrument left the book. 24 bytes.
    OrderMassDelete, 24 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The instrument.
        security_id: LeI64, @ 8;
        /// When it took effect.
        transact_time: LeI64, @ 16;
    }
    /// Templates 13104 and 13105: a resting order traded, in full or in part. 64 bytes.
    Execution, 64 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The resting order's side: 1 buy, 2 sell.
        side: u8, @ 8;
        /// Not used.
        pad: [u8; 7], @ 9;
        /// The resting order's price; null for a market order.
        price: LeI64, @ 16;
        /// Part of the resting order's key.
        trd_reg_ts_time_priority: LeI64, @ 24;
        /// The instrument.
        security_id: LeI64, @ 32;
        /// The match.
        trd_match_id: LeU32, @ 40;
        /// Not used.
        pad_after_match: [u8; 4], @ 44;
        /// Traded quantity.
        last_qty: LeI64, @ 48;
        /// Trade price.
        last_px: LeI64, @ 56;
    }
    /// Template 13200: a trade taken back. 64 bytes and a group of [`MdEntry`].
    TradeReversal, 64 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The instrument.
        security_id: LeI64, @ 8;
        /// When it was taken back.
        transact_time: LeI64, @ 16;
        /// The match.
        trd_match_id: LeU32, @ 24;
        /// Not used.
        pad: [u8; 4], @ 28;
        /// Quantity of the trade.
        last_qty: LeI64, @ 32;
        /// Price of the trade.
        last_px: LeI64, @ 40;
        /// When the trade was.
        trd_reg_ts_execution_time: LeI64, @ 48;
        /// Entries that follow.
        no_md_entries: u8, @ 56;
        /// Not used.
        pad_after_count: [u8; 7], @ 57;
    }
    /// Template 13202: what one aggressor traded. 64 bytes.
    ExecutionSummary, 64 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The instrument.
        security_id: LeI64, @ 8;
        /// The aggressor's time.
        aggressor_timestamp: LeI64, @ 16;
        /// The match event, a time.
        exec_id: LeI64, @ 24;
        /// Quantity of all its executions.
        last_qty: LeI64, @ 32;
        /// 1 buy, 2 sell.
        aggressor_side: u8, @ 40;
        /// 1 implied; null otherwise.
        trade_condition: u8, @ 41;
        /// Not used.
        pad: [u8; 6], @ 42;
        /// Price of the last execution.
        last_px: LeI64, @ 48;
        /// What the resting orders still hide.
        resting_hidden_qty: LeI64, @ 56;
    }
    /// Template 13203, BSE only: closes and circuit limits. 48 bytes.
    InstrumentInfo, 48 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The instrument.
        security_id: LeI64, @ 8;
        /// Close price.
        close_price: LeI64, @ 16;
        /// Previous close price.
        prev_close_price: LeI64, @ 24;
        /// Upper circuit limit.
        upper_circuit: LeI64, @ 32;
        /// Lower circuit limit.
        lower_circuit: LeI64, @ 40;
    }
    /// Template 13204, BSE only: the limit price protection range. 32 bytes.
    LppRange, 32 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The instrument.
        security_id: LeI64, @ 8;
        /// Highest price an order may have.
        upper: LeI64, @ 16;
        /// Lowest price an order may have.
        lower: LeI64, @ 24;
    }
    /// Template 13300: a product's trading phase. 24 bytes.
    ProductState, 24 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// 1 day, 3 morning, 5 evening, 7 holiday.
        trading_session_id: u8, @ 8;
        /// 1 pre-trading, 3 trading, 4 closing, 5 post-trading, 6 post-closing, 7 quiescent.
        trading_session_sub_id: u8, @ 9;
        /// 1 halted, 2 open, 3 closed.
        trad_ses_status: u8, @ 10;
        /// 1 in a fast market.
        fast_market_indicator: u8, @ 11;
        /// Not used.
        pad: [u8; 4], @ 12;
        /// When it took effect.
        transact_time: LeI64, @ 16;
    }
    /// Template 13301: an instrument's trading phase. 32 bytes.
    InstrumentState, 32 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The instrument.
        security_id: LeI64, @ 8;
        /// 1 active, 2 inactive, 4 expired, 9 suspended.
        security_status: u8, @ 16;
        /// 200 closed, 201 restricted, 202 book, 203 continuous, 204-205 opening auction, 206-207
        /// intraday auction, 208-209 circuit breaker, 210-211 closing auction.
        security_trading_status: u8, @ 17;
        /// 1 in a fast market.
        fast_market_indicator: u8, @ 18;
        /// Not used.
        pad: [u8; 5], @ 19;
        /// When it took effect.
        transact_time: LeI64, @ 24;
    }
    /// Template 13400: a strategy instrument was made. 32 bytes and a group of [`Leg`].
    AddComplexInstrument, 32 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The new instrument.
        security_id: LeI64, @ 8;
        /// When it was made.
        transact_time: LeI64, @ 16;
        /// Kind of strategy.
        security_sub_type: LeI32, @ 24;
        /// 2 standard option strategy, 5 futures spread.
        product_complex: u8, @ 28;
        /// Whether orders of it are implied into the legs.
        implied_market_indicator: u8, @ 29;
        /// Legs that follow.
        no_legs: u8, @ 30;
        /// Not used.
        pad: [u8; 1], @ 31;
    }
    /// Templates 13500 (in an auction) and 13504: best bid and offer. 40 bytes.
    BestBidOffer, 40 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// When it was so.
        transact_time: LeI64, @ 8;
        /// The instrument.
        security_id: LeI64, @ 16;
        /// Best bid; null when there is none.
        bid_px: LeI64, @ 24;
        /// Best offer; null when there is none.
        offer_px: LeI64, @ 32;
    }
    /// Template 13501: clearing price of an auction. 40 bytes.
    AuctionClearingPrice, 40 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// When it was so.
        transact_time: LeI64, @ 8;
        /// The instrument.
        security_id: LeI64, @ 16;
        /// The price; null when there is none.
        last_px: LeI64, @ 24;
        /// The quantity.
        last_qty: LeI64, @ 32;
    }
    /// Template 13600, snapshot channel: a product's snapshot begins. 16 bytes.
    ProductSummary, 16 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The last number of the incremental channel that the snapshot contains.
        last_msg_seq_num_processed: LeU32, @ 8;
        /// As in [`ProductState`].
        trading_session_id: u8, @ 12;
        /// As in [`ProductState`].
        trading_session_sub_id: u8, @ 13;
        /// As in [`ProductState`].
        trad_ses_status: u8, @ 14;
        /// 1 in a fast market.
        fast_market_indicator: u8, @ 15;
    }
    /// Template 13601, snapshot channel: an instrument's snapshot begins. 56 bytes and a group of
    /// [`MdEntry`].
    InstrumentSummary, 56 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The instrument.
        security_id: LeI64, @ 8;
        /// When its book last changed.
        last_update_time: LeI64, @ 16;
        /// When it last traded.
        trd_reg_ts_execution_time: LeI64, @ 24;
        /// Messages of template 13602 that follow.
        tot_no_orders: LeU32, @ 32;
        /// As in [`InstrumentState`].
        security_status: u8, @ 36;
        /// As in [`InstrumentState`].
        security_trading_status: u8, @ 37;
        /// 1 in a fast market.
        fast_market_indicator: u8, @ 38;
        /// Entries that follow.
        no_md_entries: u8, @ 39;
        /// Quantity traded today.
        trade_volume: LeI64, @ 40;
        /// Trades today.
        no_of_trades: LeU32, @ 48;
        /// Not used.
        pad: [u8; 4], @ 52;
    }
    /// Template 13602, snapshot channel: a live order of the instrument summary before it. 40
    /// bytes.
    SnapshotOrder, 40 {
        /// Leads every message.
        header: MessageHeader, @ 0;
        /// The order.
        order: OrderDetails, @ 8;
    }
}
