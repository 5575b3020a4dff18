//! The states of an order: what each report of the venue makes of each state.
//!
//! | state ↓ report → | accepted | rejected | replaced | replace rejected | canceled | cancel rejected | fill |
//! |---|---|---|---|---|---|---|---|
//! | `PendingNew` | open | `Rejected` | – | – | `Canceled` | – | open or `Filled` |
//! | `New`, `PartiallyFilled` | repeat | – | open | repeat | `Canceled` | repeat | open or `Filled` |
//! | `PendingReplace` | repeat | – | open or `Filled` | open | `Canceled` | repeat | stays or `Filled` |
//! | `PendingCancel` | repeat | – | stays or `Filled` | repeat | `Canceled` | open | stays or `Filled` |
//! | `Filled`, `Canceled`, `Rejected` | repeat | repeat | repeat | repeat | repeat | repeat | late fill |
//!
//! *open* is `New` or `PartiallyFilled`, by what is filled. *repeat* leaves the order as it is: the
//! report says what was known, or comes too late to matter. *–* cannot come from a venue that keeps
//! its own protocol: it is refused, counted, and leaves the order as it is. *late fill* books the
//! trade, for the exchange has made it, but a terminal order stays terminal.

use tezi_model::{ExecutionKind, OrderStatus};

/// What a report does to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The order is open: `New`, or `PartiallyFilled` when something is filled.
    Open,
    /// The order keeps its state, though its numbers may change.
    Stay,
    /// The order takes this state.
    To(OrderStatus),
    /// Nothing changes: a repeat of what is known.
    Repeat,
    /// A trade on a closed order: booked, the state stays.
    LateFill,
    /// Cannot be: refused.
    Impossible,
}

/// The table above, without quantities: a fill or replacement that leaves nothing open ends in
/// `Filled`, which the caller sees by the numbers.
#[must_use]
pub const fn transition(status: OrderStatus, report: ExecutionKind) -> Transition {
    use ExecutionKind as K;
    use OrderStatus as S;
    match (status, report) {
        (S::Filled | S::Canceled | S::Rejected, K::Fill) => Transition::LateFill,
        (S::Filled | S::Canceled | S::Rejected, _) => Transition::Repeat,

        (_, K::Canceled) => Transition::To(S::Canceled),

        (S::PendingNew, K::Accepted | K::Fill) => Transition::Open,
        (S::PendingNew, K::Rejected) => Transition::To(S::Rejected),
        (S::PendingNew, K::Replaced | K::ReplaceRejected | K::CancelRejected) => {
            Transition::Impossible
        }

        (_, K::Rejected) => Transition::Impossible,
        (_, K::Accepted) => Transition::Repeat,

        (S::New | S::PartiallyFilled, K::Fill | K::Replaced) => Transition::Open,
        (S::New | S::PartiallyFilled, K::ReplaceRejected | K::CancelRejected) => Transition::Repeat,

        (S::PendingReplace, K::Replaced | K::ReplaceRejected) => Transition::Open,
        (S::PendingReplace, K::Fill) => Transition::Stay,
        (S::PendingReplace, K::CancelRejected) => Transition::Repeat,

        (S::PendingCancel, K::CancelRejected) => Transition::Open,
        (S::PendingCancel, K::Fill | K::Replaced) => Transition::Stay,
        (S::PendingCancel, K::ReplaceRejected) => Transition::Repeat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderStatus as S;

    const STATES: [S; 8] = [
        S::PendingNew,
        S::New,
        S::PartiallyFilled,
        S::PendingReplace,
        S::PendingCancel,
        S::Filled,
        S::Canceled,
        S::Rejected,
    ];

    #[test]
    fn a_terminal_order_never_comes_back_to_life() {
        for status in STATES.into_iter().filter(|status| status.is_terminal()) {
            for kind in (1..=7).filter_map(ExecutionKind::from_code) {
                let result = transition(status, kind);
                assert!(matches!(result, Transition::Repeat | Transition::LateFill), "{status:?}");
            }
        }
    }

    #[test]
    fn an_unasked_cancel_ends_every_open_order() {
        for status in STATES.into_iter().filter(|status| !status.is_terminal()) {
            assert_eq!(transition(status, ExecutionKind::Canceled), Transition::To(S::Canceled));
        }
    }

    #[test]
    fn only_an_unconfirmed_order_can_be_rejected() {
        for status in STATES {
            let result = transition(status, ExecutionKind::Rejected);
            let rejected = result == Transition::To(S::Rejected);
            assert_eq!(rejected, status == S::PendingNew, "{status:?}");
        }
    }
}
