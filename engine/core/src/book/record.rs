//! The two records of a book: an order, and the queue of orders at one price.

use tezi_model::{InstrumentId, OrderId, Px, Side};

use super::ladder::rank;
use super::pool::NONE;

/// A resting order. Half a cache line; price, side and instrument are those of its level.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Order {
    pub(super) order_id: OrderId,
    /// Priority in the upper 56 bits, segment code in the lower 8.
    pub(super) ticket: u64,
    pub(super) quantity: u32,
    pub(super) level: u32,
    /// The order before it in the queue.
    pub(super) earlier: u32,
    /// The order after it in the queue.
    pub(super) later: u32,
}

const _: () = assert!(size_of::<Order>() == 32);

impl Order {
    pub(super) const EMPTY: Self = Self {
        order_id: OrderId(0),
        ticket: 0,
        quantity: 0,
        level: NONE,
        earlier: NONE,
        later: NONE,
    };

    #[inline]
    pub(super) const fn priority(&self) -> u64 {
        self.ticket >> 8
    }

    #[inline]
    pub(super) const fn segment_code(&self) -> u8 {
        (self.ticket & 0xFF) as u8
    }
}

/// An occupied price level: a queue of orders. Half a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Queue {
    pub(super) price: Px,
    pub(super) quantity: u64,
    pub(super) orders: u32,
    /// The order with the highest priority.
    pub(super) first: u32,
    pub(super) last: u32,
    /// The ladder it is in, which says instrument and side; `NONE` when the slot is not in use.
    pub(super) ladder: u32,
}

const _: () = assert!(size_of::<Queue>() == 32);

impl Queue {
    pub(super) const EMPTY: Self =
        Self { price: Px(0), quantity: 0, orders: 0, first: NONE, last: NONE, ladder: NONE };

    #[inline]
    pub(super) const fn side(&self) -> Side {
        side_of(self.ladder)
    }

    #[inline]
    pub(super) const fn instrument(&self) -> InstrumentId {
        InstrumentId(self.ladder >> 1)
    }

    #[inline]
    pub(super) const fn rank(&self) -> i64 {
        rank(self.side(), self.price)
    }
}

/// The number of the ladder of one side of an instrument.
#[inline]
pub(super) const fn ladder_of(instrument: InstrumentId, side: Side) -> u32 {
    instrument.0.wrapping_mul(2) | side as u32
}

/// The side of a ladder.
#[inline]
pub(super) const fn side_of(ladder: u32) -> Side {
    if ladder & 1 == 0 { Side::Buy } else { Side::Sell }
}
