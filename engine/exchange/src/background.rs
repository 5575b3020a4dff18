//! The rest of the market: whatever trades beside the members who are connected.

use tezi_core::matching::{Matcher, Order, Report, Sink, Target};
use tezi_core::venue::bands::PriceBand;
use tezi_model::{InstrumentId, Nanos};

/// One request of the background.
///
/// Its orders carry member numbers below [`BACKGROUND_MEMBERS`]; the others are those of boxes. An
/// order with another number is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new order.
    Submit(Order),
    /// A change of an order.
    Modify {
        /// Which.
        target: Target,
        /// What it is to be.
        order: Order,
    },
    /// The end of an order.
    Cancel(Target),
}

impl Action {
    /// Does it in a matcher, and returns whether it was taken. What comes of it, a refusal too, is in
    /// the reports.
    pub fn apply<S: Sink>(&self, now: Nanos, matcher: &mut Matcher, sink: &mut S) -> bool {
        match self {
            Self::Submit(order) => matcher.submit(now, order, sink).is_ok(),
            Self::Modify { target, order } => matcher.modify(now, *target, order, sink).is_ok(),
            Self::Cancel(target) => matcher.cancel(now, *target, sink).is_ok(),
        }
    }
}

/// Member numbers below this are the background's, those from it on belong to boxes.
pub const BACKGROUND_MEMBERS: u32 = 1 << 31;

/// What trades beside the boxes: simulated participants, a recorded market, or nothing.
///
/// It reads no clock: the exchange asks at the times the background itself names. The same answers
/// to the same questions make the same day.
pub trait Background {
    /// When it next wants to act; `None` for never, as things stand.
    fn next_due(&self) -> Option<Nanos>;

    /// What it does now, one request at a time; `None` when nothing is due any more. The books are
    /// there to be read.
    fn poll(&mut self, now: Nanos, matcher: &Matcher) -> Option<Action>;

    /// Something happened on the exchange, to whomever it happened.
    fn on_report(&mut self, report: &Report);

    /// Whether limit price protection looks at its orders.
    fn is_protected(&self) -> bool {
        true
    }

    /// An instrument's price band is another from now.
    fn on_band(&mut self, _instrument: InstrumentId, _band: PriceBand) {}
}

/// An exchange on which only the boxes trade.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBackground;

impl Background for NoBackground {
    fn next_due(&self) -> Option<Nanos> {
        None
    }

    fn poll(&mut self, _now: Nanos, _matcher: &Matcher) -> Option<Action> {
        None
    }

    fn on_report(&mut self, _report: &Report) {}
}
