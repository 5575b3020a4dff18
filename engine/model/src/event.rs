//! The market event: what decoders put into the ring, the core acts on, and the journal keeps.

use bytemuck::{Pod, Zeroable};

use crate::{Nanos, OrderId, Px, Qty, Side, StreamId, Token};

/// What a market event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// A new order rests, or a hidden one became visible.
    OrderNew = 1,
    /// An order has a new price or quantity.
    OrderModify = 2,
    /// An order left the book unexecuted.
    OrderCancel = 3,
    /// Two orders traded; the ids name them, 0 for one that was never shown.
    Trade = 4,
    /// As `OrderNew`, in the spread book; the price is a difference and may be negative.
    SpreadOrderNew = 5,
    /// As `OrderModify`, in the spread book.
    SpreadOrderModify = 6,
    /// As `OrderCancel`, in the spread book.
    SpreadOrderCancel = 7,
    /// One leg of a spread trade, at the leg's own price.
    SpreadTrade = 8,
    /// The exchange took a trade back.
    TradeCancel = 9,
    /// Messages of the stream are lost: `sequence` is the first, `order_id` the last of them.
    StreamGap = 10,
    /// The stream began again at 1 (the exchange moved to its recovery site).
    StreamReset = 11,
    /// Nothing but time: the host's clock moved on and a timer may be due.
    Clock = 12,
    /// Messages of the stream are missing and being recovered: until they are here its books may be
    /// behind. `sequence` is the first missing.
    StreamStale = 13,
    /// The stream is whole again: nothing is missing any more.
    StreamWhole = 14,
    /// The exchange's own image of the stream's books follows, as new orders; the books start empty.
    SnapshotStart = 15,
    /// `quantity` of the order was taken away unexecuted; what is left keeps its place. The event
    /// names the order, not its side.
    OrderReduce = 16,
    /// `quantity` of the resting order traded at `price`. The event names that order, not its side.
    OrderExecute = 17,
    /// The order goes on as `sell_order_id`, with a new price and quantity, on the side it had.
    OrderReplace = 18,
    /// The trading status of the instrument changed, or of its whole segment when `token` is zero;
    /// `quantity` is a [`TradingStatus`] code.
    TradingStatus = 19,
    /// An index has a new value, in `price`; `token` is the number the feed gives that index.
    IndexValue = 20,
    /// Every order left the instrument's book at once.
    BookClear = 21,
}

/// Whether and how an instrument trades, as far as every exchange's own codes agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TradingStatus {
    /// Never said.
    #[default]
    Unknown = 0,
    /// Orders are collected before the open; none trades.
    PreOpen = 1,
    /// Continuous trading.
    Open = 2,
    /// Stopped for now: suspended, halted, paused.
    Halted = 3,
    /// A call auction: orders are collected and trade at one price.
    Auction = 4,
    /// Over for the day.
    Closed = 5,
}

impl TradingStatus {
    /// The status a record's number stands for.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::Unknown,
            1 => Self::PreOpen,
            2 => Self::Open,
            3 => Self::Halted,
            4 => Self::Auction,
            5 => Self::Closed,
            _ => return None,
        })
    }

    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::PreOpen => "pre_open",
            Self::Open => "open",
            Self::Halted => "halted",
            Self::Auction => "auction",
            Self::Closed => "closed",
        }
    }
}

impl EventKind {
    /// The kind a record's byte stands for.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::OrderNew,
            2 => Self::OrderModify,
            3 => Self::OrderCancel,
            4 => Self::Trade,
            5 => Self::SpreadOrderNew,
            6 => Self::SpreadOrderModify,
            7 => Self::SpreadOrderCancel,
            8 => Self::SpreadTrade,
            9 => Self::TradeCancel,
            10 => Self::StreamGap,
            11 => Self::StreamReset,
            12 => Self::Clock,
            13 => Self::StreamStale,
            14 => Self::StreamWhole,
            15 => Self::SnapshotStart,
            16 => Self::OrderReduce,
            17 => Self::OrderExecute,
            18 => Self::OrderReplace,
            19 => Self::TradingStatus,
            20 => Self::IndexValue,
            21 => Self::BookClear,
            _ => return None,
        })
    }

    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderNew => "order_new",
            Self::OrderModify => "order_modify",
            Self::OrderCancel => "order_cancel",
            Self::Trade => "trade",
            Self::SpreadOrderNew => "spread_order_new",
            Self::SpreadOrderModify => "spread_order_modify",
            Self::SpreadOrderCancel => "spread_order_cancel",
            Self::SpreadTrade => "spread_trade",
            Self::TradeCancel => "trade_cancel",
            Self::StreamGap => "stream_gap",
            Self::StreamReset => "stream_reset",
            Self::Clock => "clock",
            Self::StreamStale => "stream_stale",
            Self::StreamWhole => "stream_whole",
            Self::SnapshotStart => "snapshot_start",
            Self::OrderReduce => "order_reduce",
            Self::OrderExecute => "order_execute",
            Self::OrderReplace => "order_replace",
            Self::TradingStatus => "trading_status",
            Self::IndexValue => "index_value",
            Self::BookClear => "book_clear",
        }
    }
}

/// The flag byte of an [`Event`].
pub struct MarketFlags;

impl MarketFlags {
    /// The order is a sell; clear for a buy and for events without a side.
    pub const SELL: u8 = 1;
    /// The packet came on line B; clear for line A.
    pub const LINE_B: u8 = 1 << 1;
    /// More events of the same packet follow; clear on the last.
    pub const MORE_IN_PACKET: u8 = 1 << 2;
    /// The message came by tick recovery, not on a line.
    pub const RECOVERED: u8 = 1 << 3;
    /// The order is of a snapshot: the exchange had it, it is not new now.
    pub const SNAPSHOT: u8 = 1 << 4;
    /// The order stands for a whole price level, or the trade for all trades since the last: the
    /// feed shows no single orders.
    pub const LEVEL: u8 = 1 << 5;
}

/// What happened to the feed of a stream, and so to the trust its books deserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedFault {
    /// Messages are missing and being recovered: books may be behind.
    Stale {
        /// The first missing sequence number.
        first: u32,
    },
    /// Everything missing is here: books are right again.
    Whole,
    /// An image of the exchange replaces the books; they are right at the next `Whole`.
    Snapshot,
    /// Messages were lost for good: books may be wrong.
    Gap {
        /// The first lost sequence number.
        first: u32,
        /// The last lost sequence number.
        last: u32,
    },
    /// The stream began again; books of it start empty.
    Reset,
}

/// One market event. 56 bytes, so that with an 8-byte stamp it fills one cache line in a ring.
///
/// **Shape**: fields that an event kind does not use are zero. **Times**: UTC nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Event {
    /// An [`EventKind`] code.
    pub kind_code: u8,
    /// [`MarketFlags`].
    pub flags: u8,
    /// The stream it came on.
    pub stream: StreamId,
    /// The instrument.
    pub token: Token,
    /// The exchange's own time of the event.
    pub exchange_time: Nanos,
    /// When the packet reached this machine (or the capture).
    pub receive_time: Nanos,
    /// The stream's sequence number.
    pub sequence: u32,
    /// Quantity of the order, or traded.
    pub quantity: Qty,
    /// Price of the order, or of the trade.
    pub price: Px,
    /// The order, or the buy order of a trade (0 when it was never shown).
    pub order_id: OrderId,
    /// The sell order of a trade (0 when it was never shown), or the new number of a replaced order.
    pub sell_order_id: OrderId,
}

const _: () = assert!(size_of::<Event>() == 56 && align_of::<Event>() == 8);

impl Event {
    /// What the event says; `None` when the record holds no known kind.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> Option<EventKind> {
        EventKind::from_code(self.kind_code)
    }

    /// The side of an order event.
    #[inline]
    #[must_use]
    pub const fn side(&self) -> Side {
        if self.flags & MarketFlags::SELL == 0 { Side::Buy } else { Side::Sell }
    }

    /// An event that only says how late it is.
    #[must_use]
    pub fn clock(now: Nanos) -> Self {
        Self { kind_code: EventKind::Clock as u8, receive_time: now, ..Self::zeroed() }
    }

    /// A stream that begins again: its books are empty from here on.
    #[must_use]
    pub fn stream_reset(stream: StreamId, now: Nanos) -> Self {
        let kind_code = EventKind::StreamReset as u8;
        Self { kind_code, stream, receive_time: now, sequence: 1, ..Self::zeroed() }
    }

    /// What an event about the feed itself reports, `None` for every other kind.
    #[must_use]
    pub const fn fault(&self) -> Option<FeedFault> {
        match self.kind() {
            Some(EventKind::StreamGap) => {
                Some(FeedFault::Gap { first: self.sequence, last: self.order_id.0 as u32 })
            }
            Some(EventKind::StreamReset) => Some(FeedFault::Reset),
            Some(EventKind::StreamStale) => Some(FeedFault::Stale { first: self.sequence }),
            Some(EventKind::StreamWhole) => Some(FeedFault::Whole),
            Some(EventKind::SnapshotStart) => Some(FeedFault::Snapshot),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_kinds_are_one_to_one() {
        let known: Vec<_> = (0..=255).filter_map(EventKind::from_code).collect();
        assert_eq!(known.len(), 21);
        for kind in known {
            assert_eq!(EventKind::from_code(kind as u8), Some(kind));
        }
    }
}
