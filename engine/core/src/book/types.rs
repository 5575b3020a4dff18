//! What a book is told and what it answers: bounds, refusals, changes, levels, orders.

use core::fmt;

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side};

/// The bounds of [`Books`](super::Books). All of it is allocated at start.
///
/// **Memory**: 75 to 95 bytes an order, 102 to 106 a level, 1,224 an instrument. **Range**: a bound above
/// [`BooksConfig::BOUND_MAX`] counts as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BooksConfig {
    /// Instruments that can be added.
    pub instruments_max: u32,
    /// Orders that can rest at one time, over all instruments.
    pub orders_max: u32,
    /// Price levels that can be occupied at one time, over all instruments and both sides.
    pub levels_max: u32,
}

impl BooksConfig {
    /// The largest bound that a 32-bit slot number serves.
    pub const BOUND_MAX: u32 = 1 << 30;
}

impl Default for BooksConfig {
    /// Room for a desk's share of the F&O segment: some 114 MB.
    fn default() -> Self {
        Self { instruments_max: 10_000, orders_max: 1 << 20, levels_max: 1 << 18 }
    }
}

/// Why an event was refused. The books are as they were before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BookError {
    /// The instrument was never added.
    UnknownInstrument = 1,
    /// The order has no number (0).
    NoOrderId = 2,
    /// `instruments_max` instruments are there already.
    InstrumentsFull = 3,
    /// `orders_max` orders rest already.
    OrdersFull = 4,
    /// `levels_max` levels are occupied already.
    LevelsFull = 5,
}

impl BookError {
    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownInstrument => "unknown_instrument",
            Self::NoOrderId => "no_order_id",
            Self::InstrumentsFull => "instruments_full",
            Self::OrdersFull => "orders_full",
            Self::LevelsFull => "levels_full",
        }
    }
}

impl fmt::Display for BookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::UnknownInstrument => "the instrument has no book",
            Self::NoOrderId => "the order has no number",
            Self::InstrumentsFull => "the bound on instruments with a book is reached",
            Self::OrdersFull => "the bound on resting orders is reached",
            Self::LevelsFull => "the bound on occupied price levels is reached",
        })
    }
}

impl core::error::Error for BookError {}

/// What an event did to the order or orders it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// Nothing: the event names no resting order, or no quantity.
    Ignored,
    /// Nothing: the order already was as the event says.
    Unchanged,
    /// The order took its place at the end of a queue.
    Added,
    /// The order has less quantity and the same place.
    Reduced,
    /// The order lost its place: another price, or more quantity.
    Requeued,
    /// The order left the book.
    Removed,
    /// The order rested on another side or in another instrument; it left there and joined here.
    Moved,
    /// A trade took quantity from one or two orders.
    Traded,
}

/// One side of one book that is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The side.
    pub side: Side,
    /// Whether the best level (price, quantity or order count) changed.
    pub touch: bool,
}

/// What one event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What happened.
    pub action: Action,
    /// A trade took more than an order held; the order was removed.
    pub overfilled: bool,
    /// The sides that changed. Of a move, the side left comes first; of a trade, the bid.
    pub changes: [Option<Change>; 2],
}

impl Applied {
    /// Nothing happened.
    pub const IGNORED: Self = Self::unchanged(Action::Ignored);

    /// An action without a change.
    pub(super) const fn unchanged(action: Action) -> Self {
        Self { action, overfilled: false, changes: [None, None] }
    }

    /// An action that changed one side.
    pub(super) const fn one(action: Action, change: Change) -> Self {
        Self { action, overfilled: false, changes: [Some(change), None] }
    }

    /// Whether the best level of any side changed.
    #[inline]
    #[must_use]
    pub fn is_touch_changed(&self) -> bool {
        self.changes.iter().flatten().any(|change| change.touch)
    }

    /// Whether any book is not as it was.
    #[inline]
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.changes[0].is_some() || self.changes[1].is_some()
    }
}

/// What a feed said that it should not have said, or that a late join explains. Counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookCounters {
    /// New orders whose number already rested: taken as a change.
    pub new_live: u64,
    /// Changes of a number that did not rest: taken as a new order.
    pub modify_unknown: u64,
    /// Cancels of a number that did not rest: ignored.
    pub cancel_unknown: u64,
    /// Trades of a number that did not rest: that side ignored.
    pub trade_unknown: u64,
    /// Changes of the side or the instrument of an order.
    pub moved: u64,
    /// Trades of more than the order held: the order removed.
    pub overfilled: u64,
    /// Trades whose buy order rested as a sell, or the reverse: that side ignored.
    pub side_mismatched: u64,
    /// Events refused with a [`BookError`].
    pub refused: u64,
}

/// One price level of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Px,
    /// Quantity of all orders there, in units of the instrument.
    pub quantity: u64,
    /// How many orders.
    pub orders: u32,
}

/// One order in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its number.
    pub order_id: OrderId,
    /// The segment its number belongs to.
    pub segment_code: u8,
    /// Its side.
    pub side: Side,
    /// The instrument.
    pub instrument: InstrumentId,
    /// What is left of it.
    pub quantity: Qty,
    /// Its price.
    pub price: Px,
    /// When it took its place, as a count over all books of one `Books`: lower is earlier.
    pub priority: u64,
}
