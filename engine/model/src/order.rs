//! Orders as the engine speaks of them: commands out, execution reports in.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::{AccountId, InstrumentId, Px, Qty, Side};

/// The exchange's number of an order. Zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct OrderId(pub u64);

impl OrderId {
    /// Whether this names no order.
    #[inline]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The engine's own number of an order, given when a strategy asks for it. Counts from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct ClientOrderId(pub u64);

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A strategy among those of one core, from 1; [`StrategyId::NONE`] is the core itself, or the only
/// strategy of a core that has just one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct StrategyId(pub u8);

impl StrategyId {
    /// No strategy of several.
    pub const NONE: Self = Self(0);

    /// Whether this names no strategy of several.
    #[inline]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Its place among the strategies, from 0; `None` for [`StrategyId::NONE`].
    #[inline]
    #[must_use]
    pub const fn index(self) -> Option<usize> {
        match self.0 {
            0 => None,
            number => Some(number as usize - 1),
        }
    }
}

impl fmt::Display for StrategyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimeInForce {
    /// Until the end of the day.
    Day = 0,
    /// What does not trade at once is cancelled.
    Ioc = 1,
}

/// The state of an order, by the FIX name (OrdStatus, tag 39, with the pending states of tag 150).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderStatus {
    /// Sent, not yet confirmed.
    PendingNew = 1,
    /// Confirmed, nothing executed.
    New = 2,
    /// Partly executed, the rest is open.
    PartiallyFilled = 3,
    /// Open, a change of price or quantity is on its way.
    PendingReplace = 4,
    /// Open, a cancel is on its way.
    PendingCancel = 5,
    /// Wholly executed. Terminal.
    Filled = 6,
    /// Cancelled, perhaps after partial execution. Terminal.
    Canceled = 7,
    /// Never accepted by the venue. Terminal.
    Rejected = 8,
}

impl OrderStatus {
    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PendingNew => "pending_new",
            Self::New => "new",
            Self::PartiallyFilled => "partially_filled",
            Self::PendingReplace => "pending_replace",
            Self::PendingCancel => "pending_cancel",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
        }
    }

    /// Whether the order can never change again.
    #[inline]
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Filled | Self::Canceled | Self::Rejected)
    }

    /// Whether an answer of the venue is awaited.
    #[inline]
    #[must_use]
    pub const fn is_in_flight(self) -> bool {
        matches!(self, Self::PendingNew | Self::PendingReplace | Self::PendingCancel)
    }
}

/// What a command asks of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CommandKind {
    /// Enter an order.
    New = 1,
    /// Change price or total quantity.
    Replace = 2,
    /// Cancel what is left.
    Cancel = 3,
}

/// A command as it leaves the core. 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OrderCommand {
    /// The engine's number of the order.
    pub client_order_id: ClientOrderId,
    /// The venue's number; zero for a new order.
    pub order_id: OrderId,
    /// Limit price.
    pub price: Px,
    /// Total quantity of the order, what is filled included.
    pub quantity: Qty,
    /// Of it, already filled (for a replace or cancel).
    pub filled: Qty,
    /// The instrument.
    pub instrument: InstrumentId,
    /// A [`CommandKind`] code.
    pub kind_code: u8,
    /// A [`Side`] code.
    pub side_code: u8,
    /// A [`TimeInForce`] code.
    pub time_in_force_code: u8,
    /// Whose order it is.
    pub strategy: StrategyId,
    /// For which account it is.
    pub account: AccountId,
    /// Zero.
    pub reserved_tail: [u8; 7],
}

const _: () = assert!(size_of::<OrderCommand>() == 48);

impl OrderCommand {
    /// What it asks; `None` when the record holds no known code.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> Option<CommandKind> {
        match self.kind_code {
            1 => Some(CommandKind::New),
            2 => Some(CommandKind::Replace),
            3 => Some(CommandKind::Cancel),
            _ => None,
        }
    }

    /// The side of the order.
    #[inline]
    #[must_use]
    pub const fn side(&self) -> Side {
        if self.side_code == Side::Sell as u8 { Side::Sell } else { Side::Buy }
    }

    /// How long the order lives.
    #[inline]
    #[must_use]
    pub const fn time_in_force(&self) -> TimeInForce {
        if self.time_in_force_code == TimeInForce::Ioc as u8 {
            TimeInForce::Ioc
        } else {
            TimeInForce::Day
        }
    }
}

/// What a venue says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExecutionKind {
    /// The new order is accepted.
    Accepted = 1,
    /// The new order is refused.
    Rejected = 2,
    /// The change is accepted.
    Replaced = 3,
    /// The change is refused; the order stands as it was.
    ReplaceRejected = 4,
    /// The order is cancelled, on request or unasked.
    Canceled = 5,
    /// The cancel is refused; the order stands as it was.
    CancelRejected = 6,
    /// Part or all of it traded.
    Fill = 7,
}

impl ExecutionKind {
    /// The kind a record's byte stands for.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Accepted,
            2 => Self::Rejected,
            3 => Self::Replaced,
            4 => Self::ReplaceRejected,
            5 => Self::Canceled,
            6 => Self::CancelRejected,
            7 => Self::Fill,
            _ => return None,
        })
    }

    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Replaced => "replaced",
            Self::ReplaceRejected => "replace_rejected",
            Self::Canceled => "canceled",
            Self::CancelRejected => "cancel_rejected",
            Self::Fill => "fill",
        }
    }
}

/// A report of the venue on one order. 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ExecutionReport {
    /// The engine's number of the order.
    pub client_order_id: ClientOrderId,
    /// The venue's number.
    pub order_id: OrderId,
    /// Price of the fill, or the order's price now.
    pub price: Px,
    /// Quantity of the fill, or the order's total quantity now.
    pub quantity: Qty,
    /// The venue's number of the fill; zero for other reports.
    pub fill_id: u32,
    /// An [`ExecutionKind`] code.
    pub kind_code: u8,
    /// 1 when the fill was passive (the order rested), 0 when it took.
    pub passive: u8,
    /// The venue's reason, 0 when there is none.
    pub reason: u16,
    /// Zero.
    pub reserved: u32,
    /// The venue's time of the report, UTC nanoseconds.
    pub venue_time: crate::Nanos,
}

const _: () = assert!(size_of::<ExecutionReport>() == 48);

impl ExecutionReport {
    /// What it says; `None` when the record holds no known code.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> Option<ExecutionKind> {
        ExecutionKind::from_code(self.kind_code)
    }
}
