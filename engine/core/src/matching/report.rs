//! What a matcher says: one report for everything that happens to an order or a trade.

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};

use super::refusal::Refusal;
use crate::venue::session::OrderType;

/// Receives reports, in the order in which things happened.
pub trait Sink {
    /// Something happened.
    fn on_report(&mut self, report: &Report);
}

impl Sink for Vec<Report> {
    #[inline]
    fn on_report(&mut self, report: &Report) {
        self.push(*report);
    }
}

impl<F: FnMut(&Report)> Sink for F {
    #[inline]
    fn on_report(&mut self, report: &Report) {
        self(report);
    }
}

/// An order as it is after what is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Its number. The acknowledgement is where it first appears.
    pub order_id: OrderId,
    /// When this happened: the `LastActivityReference` of the order.
    pub time: Nanos,
    /// The sender's own number.
    pub reference: u64,
    /// The member who entered it.
    pub member: u32,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The side.
    pub side: Side,
    /// What it is now: a triggered stop-loss is a limit or market order.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Limit price, zero of market orders.
    pub price: Px,
    /// Trigger price, zero of what waits for none.
    pub trigger: Px,
    /// Total quantity.
    pub quantity: Qty,
    /// Of it, traded.
    pub traded: Qty,
    /// Of the rest, what the book shows (of an order that arrives: the rest).
    pub shown: Qty,
}

impl OrderState {
    /// What has not traded.
    #[must_use]
    pub const fn open(&self) -> Qty {
        self.quantity.saturating_sub(self.traded)
    }
}

/// A trade. Continuous trading is at the resting order's price, an auction at its one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Its number: 1, 2, 3, … over all instruments.
    pub trade_id: u64,
    /// When.
    pub time: Nanos,
    /// The price.
    pub price: Px,
    /// The quantity.
    pub quantity: Qty,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Numbers of the buy and the sell order.
    pub order_ids: [OrderId; 2],
    /// Their senders' own numbers.
    pub references: [u64; 2],
    /// Their members.
    pub members: [u32; 2],
    /// What is open of them afterwards.
    pub open: [Qty; 2],
    /// The side that came to a resting order; `None` in an auction.
    pub aggressor: Option<Side>,
}

impl Trade {
    pub(super) const EMPTY: Self = Self {
        trade_id: 0,
        time: Nanos::ZERO,
        price: Px::ZERO,
        quantity: Qty::ZERO,
        instrument: InstrumentId(0),
        order_ids: [OrderId(0); 2],
        references: [0; 2],
        members: [0; 2],
        open: [Qty::ZERO; 2],
        aggressor: None,
    };
}

/// Why what is open of an order left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CancelReason {
    /// Its member asked.
    Requested = 1,
    /// Immediate or cancel, and not traded at once.
    ImmediateOrCancel = 2,
    /// It would have traded with an order of the same owner.
    SelfTrade = 3,
    /// A phase began in which it cannot rest.
    Session = 4,
    /// It lies outside a new price band.
    PriceBand = 5,
    /// The exchange did not release it from the quantity freeze.
    FreezeRefused = 6,
    /// A bound of the configuration left it no place.
    Capacity = 7,
}

impl CancelReason {
    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::ImmediateOrCancel => "ioc",
            Self::SelfTrade => "self_trade",
            Self::Session => "session",
            Self::PriceBand => "price_band",
            Self::FreezeRefused => "freeze_refused",
            Self::Capacity => "capacity",
        }
    }

    /// The exchange's code for it, `None` where there is none: 16388 is "cancelled by the system".
    #[must_use]
    pub const fn code(self, segment: Segment) -> Option<u16> {
        match (self, segment) {
            (Self::Requested, _) => None,
            (Self::SelfTrade, Segment::NseFo) => Some(17071),
            (Self::SelfTrade, Segment::NseCm) => Some(17080),
            (Self::FreezeRefused, Segment::NseFo | Segment::NseCm) => Some(16307),
            (
                Self::ImmediateOrCancel | Self::Session | Self::PriceBand,
                Segment::NseFo | Segment::NseCm,
            ) => Some(16388),
            _ => None,
        }
    }
}

/// What was asked when it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RequestKind {
    /// A new order.
    New = 1,
    /// A change.
    Modify = 2,
    /// A cancel.
    Cancel = 3,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A new order is confirmed. Its trades come after it.
    Accepted(OrderState),
    /// A change is confirmed, or the exchange itself cut the order.
    Modified(OrderState),
    /// What is open of an order left.
    Canceled(OrderState, CancelReason),
    /// What a market order left over rests from now at this limit.
    Priced(OrderState),
    /// A stop-loss was triggered, and is an order like any other from now.
    Triggered(OrderState),
    /// A new order or a change waits for the exchange: its quantity is above the freeze quantity.
    Frozen(OrderState),
    /// The next part of a disclosed order shows, at the end of its queue, under the same number.
    Replenished(OrderState),
    /// A trade.
    Traded(Trade),
    /// The exchange took a trade back.
    TradeCanceled(Trade),
    /// A request is refused.
    Refused {
        /// What was asked.
        request: RequestKind,
        /// When.
        time: Nanos,
        /// The order it was about; none of a new one.
        order_id: OrderId,
        /// The member who asked.
        member: u32,
        /// The sender's own number; 0 of a cancel.
        reference: u64,
        /// Why.
        refusal: Refusal,
    },
}

impl Report {
    /// The NNF transaction code that carries it (NNF capital market 6.1; F&O uses the same numbers);
    /// `None` for what a member is not told.
    #[must_use]
    pub const fn transaction_code(&self) -> Option<u16> {
        Some(match self {
            Self::Accepted(_) => 2073,
            Self::Modified(_) => 2074,
            Self::Canceled(..) => 2075,
            Self::Priced(_) => 2012,
            Self::Triggered(_) => 2212,
            Self::Frozen(_) => 2170,
            Self::Replenished(_) => return None,
            Self::Traded(_) => 2222,
            Self::TradeCanceled(_) => 2282,
            Self::Refused { request: RequestKind::New, .. } => 2231,
            Self::Refused { request: RequestKind::Modify, .. } => 2042,
            Self::Refused { request: RequestKind::Cancel, .. } => 2072,
        })
    }
}
