//! The states of a parent order, and why it ended.

use core::fmt;

use tezi_model::RejectReason;

/// Where a parent order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentState {
    /// Its start has not come.
    Waiting,
    /// It may send children.
    Working,
    /// Its children are pulled back, and it sends none until it is resumed.
    Paused,
    /// It sends no more; it ends so when its last child is closed.
    Cancelling(Ending),
    /// It is over, with no child open. It never comes back to life.
    Ended(Ending),
}

impl ParentState {
    /// Whether it is over.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// A name for people and programs: `waiting`, `working`, `paused`, `cancelling`, `done` or
    /// `failed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Paused => "paused",
            Self::Cancelling(_) => "cancelling",
            Self::Ended(Ending::Done(_)) => "done",
            Self::Ended(Ending::Failed(_)) => "failed",
        }
    }
}

impl fmt::Display for ParentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelling(ending) | Self::Ended(ending) => {
                write!(f, "{} ({ending})", self.name())
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// How a parent order ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it may.
    Done(DoneReason),
    /// As it should not.
    Failed(FailReason),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(reason) => f.write_str(reason.message()),
            Self::Failed(FailReason::Refused(reason)) => write!(f, "refused: {reason}"),
            Self::Failed(FailReason::Rejected) => f.write_str("the exchange refused its orders"),
            Self::Failed(FailReason::LegRisk) => f.write_str("a leg could not be hedged in time"),
        }
    }
}

/// Why a parent order is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoneReason {
    /// Everything is executed.
    Filled,
    /// Less than a lot is left, which cannot be ordered.
    Residual,
    /// Its end time came.
    Expired,
    /// It was cancelled.
    Canceled,
}

impl DoneReason {
    /// What a dealer should read.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::Residual => "less than a lot is left",
            Self::Expired => "its end time came",
            Self::Canceled => "cancelled",
        }
    }
}

/// Why a parent order failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailReason {
    /// The pre-trade checks refused a child for good, or too often in a row; the last reason.
    Refused(RejectReason),
    /// The exchange refused or cancelled children unasked too often in a row.
    Rejected,
    /// Of a spread: a leg was unhedged for too long, or its hedge failed, and was unwound.
    LegRisk,
}

/// What a refusal by the pre-trade checks means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing that is asked will ever leave.
    Fatal,
    /// The market, the session or a bound is not ready: tried again, however often.
    Wait,
    /// A limit stands in the way: tried again, but not without end.
    Strike,
}

/// How a refusal counts.
pub(super) const fn verdict(reason: RejectReason) -> Verdict {
    use RejectReason as R;
    match reason {
        R::Killed
        | R::LossLimit
        | R::Drawdown
        | R::MinuteLoss
        | R::UnknownInstrument
        | R::NotTradable
        | R::InvalidQuantity
        | R::LotSize
        | R::FreezeQuantity
        | R::InvalidPrice
        | R::TickSize => Verdict::Fatal,
        R::Paused
        | R::StaleMarketData
        | R::NotTrading
        | R::UnknownOrder
        | R::OrderClosed
        | R::RequestPending
        | R::MessageRate
        | R::Capacity
        | R::SessionDown
        | R::InFlight
        | R::OrderRate => Verdict::Wait,
        _ => Verdict::Strike,
    }
}

/// Why a parent order cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentError {
    /// The quantity is zero.
    NoQuantity,
    /// The quantity is not a multiple of the lot.
    LotSize {
        /// The lot.
        lot: u32,
    },
    /// The largest child would be less than a lot.
    ChildSize {
        /// The lot.
        lot: u32,
    },
    /// The limit price is zero or negative.
    NoLimit,
    /// No price within the limit lies within the day's price band.
    PriceBand,
    /// It ends before it begins.
    NoTime,
    /// The instrument is an index or a spread, in which no order may leave.
    NotTradable,
    /// A parameter of the algorithm is out of its range; what it must be.
    Parameter(&'static str),
}

impl fmt::Display for ParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoQuantity => f.write_str("the quantity must be positive"),
            Self::LotSize { lot } => write!(f, "the quantity is not a multiple of the lot, {lot}"),
            Self::ChildSize { lot } => write!(f, "a child must have at least one lot, {lot}"),
            Self::NoLimit => f.write_str("the limit price must be positive"),
            Self::PriceBand => f.write_str("the limit lies outside the day's price band"),
            Self::NoTime => f.write_str("the end must be later than the start"),
            Self::NotTradable => f.write_str("an index or a spread cannot be ordered"),
            Self::Parameter(rule) => f.write_str(rule),
        }
    }
}

impl core::error::Error for ParentError {}
