//! What a matcher says: one report for everything that happens to an order or a trade.

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};

use super::order::OrderForm;
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
    /// By which message it came. An order of several legs has a state for each of them.
    pub form: OrderForm,
    /// The side.
    pub side: Side,
    /// What it is now: a triggered stop-loss is a limit or market order.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Limit price, zero of market orders; of a spread the difference, which may be zero or less.
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

/// What a trade is a trade of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TradeKind {
    /// Two orders in an instrument's book.
    #[default]
    Regular = 0,
    /// Two spread orders, at a price difference. Its two legs follow, and are what members and the
    /// market are told (MTBT `K`).
    Spread = 1,
    /// The near leg of the spread trade before it, whose buyer sells here.
    NearLeg = 2,
    /// The far leg of the spread trade before it, at a price that is higher by the difference.
    FarLeg = 3,
    /// Two block orders.
    Block = 4,
}

impl TradeKind {
    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Spread => "spread",
            Self::NearLeg => "near_leg",
            Self::FarLeg => "far_leg",
            Self::Block => "block",
        }
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
    /// What it is a trade of. Only [`TradeKind::Regular`] makes prices of the instrument.
    pub kind: TradeKind,
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
        kind: TradeKind::Regular,
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
    /// The block window ended before its counterpart came.
    BlockWindow = 8,
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
            Self::BlockWindow => "block_window",
        }
    }

    /// The exchange's code for it, `None` where there is none: 16388 is "cancelled by the system".
    #[must_use]
    pub const fn code(self, segment: Segment) -> Option<u16> {
        match (self, segment) {
            (Self::Requested, _) => None,
            (Self::SelfTrade, Segment::NseFo) => Some(17071),
            (Self::SelfTrade, Segment::NseCm) => Some(17080),
            (Self::BlockWindow, Segment::NseCm) => Some(16738),
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
        /// The form of the order.
        form: OrderForm,
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
    /// The NNF transaction code that carries it (NNF capital market 6.1; NNF F&O, chapters 4 to 6);
    /// `None` for what a member is not told. Of a spread trade members hear by its legs. What is left
    /// of an order of several legs leaves as any order does (2075) when some of it has traded.
    #[must_use]
    pub const fn transaction_code(&self) -> Option<u16> {
        Some(match self {
            Self::Accepted(state) => state.form.codes().accepted,
            Self::Modified(state) => state.form.codes().modified,
            Self::Canceled(OrderState { form, traded, .. }, _) => match form {
                OrderForm::TwoLegs | OrderForm::ThreeLegs if traded.0 > 0 => 2075,
                _ => form.codes().canceled,
            },
            Self::Priced(_) => 2012,
            Self::Triggered(_) => 2212,
            Self::Frozen(_) => 2170,
            Self::Replenished(_) => return None,
            Self::Traded(Trade { kind: TradeKind::Spread, .. })
            | Self::TradeCanceled(Trade { kind: TradeKind::Spread, .. }) => return None,
            Self::Traded(_) => 2222,
            Self::TradeCanceled(_) => 2282,
            Self::Refused { request, form, .. } => {
                let codes = form.codes();
                match request {
                    RequestKind::New => codes.new_refused,
                    RequestKind::Modify => codes.modify_refused,
                    RequestKind::Cancel => codes.cancel_refused,
                }
            }
        })
    }
}

/// The confirmations and refusals of a form.
struct Codes {
    accepted: u16,
    modified: u16,
    canceled: u16,
    new_refused: u16,
    modify_refused: u16,
    cancel_refused: u16,
}

impl OrderForm {
    const fn codes(self) -> Codes {
        let regular = Codes {
            accepted: 2073,
            modified: 2074,
            canceled: 2075,
            new_refused: 2231,
            modify_refused: 2042,
            cancel_refused: 2072,
        };
        match self {
            Self::Regular | Self::Block => regular,
            Self::Spread => Codes {
                accepted: 2124,
                modified: 2136,
                canceled: 2130,
                new_refused: 2154,
                modify_refused: 2133,
                cancel_refused: 2127,
            },
            Self::TwoLegs => Codes { accepted: 2125, canceled: 2131, new_refused: 2155, ..regular },
            Self::ThreeLegs => {
                Codes { accepted: 2126, canceled: 2132, new_refused: 2156, ..regular }
            }
        }
    }
}
