//! The states of an order: what each event makes of each state.
//!
//! One table holds every combination of event and state; `docs/orders.md` shows it for reading, and
//! a test keeps the two equal. A terminal state is left by no event. States are those of FIX
//! (OrdStatus, tag 39, with the pending states of tag 150); freeze, trigger and download follow
//! NNF trading (TP_FO_Trimmed_NNF, order and trade chapters).

use tezi_model::{ExecutionKind, OrderStatus};

/// What can happen to an order: our own requests, the venue's words, and the session's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderEvent {
    /// We send a change of price or quantity.
    ReplaceSent,
    /// We send a cancel.
    CancelSent,
    /// The new order is accepted, on time or late.
    Accepted,
    /// The new order is refused.
    Rejected,
    /// The change is accepted, or the venue changed the order by itself.
    Replaced,
    /// The change is refused, perhaps after fills.
    ReplaceRejected,
    /// The order is cancelled, on request or unasked.
    Canceled,
    /// The cancel is refused.
    CancelRejected,
    /// A trade that leaves something open, in the larger of both versions of a change.
    PartialFill,
    /// A trade that leaves nothing open.
    Fill,
    /// A trade that was told before.
    RepeatedFill,
    /// The exchange takes back a trade that was told.
    TradeCanceled,
    /// The request waits for the exchange's approval of its quantity or price.
    Frozen,
    /// The exchange lets a frozen request through; its confirmation brings the numbers.
    Unfrozen,
    /// A stop order's trigger price was reached.
    Triggered,
    /// The connection is lost: nobody knows what became of requests in flight.
    Disconnected,
    /// The connection is back; the download says what happened meanwhile.
    Reconnected,
    /// The download shows the order open, and no request for it waiting.
    DownloadedOpen,
    /// The download has ended and never spoke of the request in flight: it did not arrive.
    DownloadedSilent,
}

impl OrderEvent {
    /// Every event, in the order of the table.
    pub const ALL: [Self; 19] = [
        Self::ReplaceSent,
        Self::CancelSent,
        Self::Accepted,
        Self::Rejected,
        Self::Replaced,
        Self::ReplaceRejected,
        Self::Canceled,
        Self::CancelRejected,
        Self::PartialFill,
        Self::Fill,
        Self::RepeatedFill,
        Self::TradeCanceled,
        Self::Frozen,
        Self::Unfrozen,
        Self::Triggered,
        Self::Disconnected,
        Self::Reconnected,
        Self::DownloadedOpen,
        Self::DownloadedSilent,
    ];

    /// The event a report of the venue is; a fill leaves something open here.
    #[inline]
    #[must_use]
    pub const fn of_report(kind: ExecutionKind) -> Self {
        match kind {
            ExecutionKind::Accepted => Self::Accepted,
            ExecutionKind::Rejected => Self::Rejected,
            ExecutionKind::Replaced => Self::Replaced,
            ExecutionKind::ReplaceRejected => Self::ReplaceRejected,
            ExecutionKind::Canceled => Self::Canceled,
            ExecutionKind::CancelRejected => Self::CancelRejected,
            ExecutionKind::Fill => Self::PartialFill,
        }
    }

    /// Whether it carries no numbers: [`super::Orders::on_event`] takes it by itself.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        self as u8 >= Self::Frozen as u8
    }
}

/// What an event does to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The order is open: `New`, or `PartiallyFilled` when something is filled.
    Open,
    /// The order keeps its state, though its numbers may change.
    Stay,
    /// The order takes this state.
    To(OrderStatus),
    /// Nothing changes: a repeat of what is known, or too late to matter.
    Repeat,
    /// A trade on a closed order: booked, the state stays.
    LateFill,
    /// A trade is taken back from the books, the state stays: the exchange revives no order.
    Annul,
    /// Cannot be: refused.
    Impossible,
}

const STATES: usize = 8;

/// The row of an event: a cell for each state, in order of its code.
type Row = [Transition; STATES];

const TABLE: [Row; OrderEvent::ALL.len()] = {
    use OrderStatus as S;
    use Transition::{Annul, Impossible, LateFill, Open, Repeat, Stay, To};
    const NO: Transition = Impossible;
    const SAME: Transition = Repeat;
    const FULL: Transition = To(S::Filled);
    const CANC: Transition = To(S::Canceled);
    const REJ: Transition = To(S::Rejected);
    const PREP: Transition = To(S::PendingReplace);
    const PCAN: Transition = To(S::PendingCancel);
    // PendingNew, New, PartiallyFilled, PendingReplace, PendingCancel, Filled, Canceled, Rejected
    [
        /* ReplaceSent      */ [NO, PREP, PREP, NO, NO, NO, NO, NO],
        /* CancelSent       */ [NO, PCAN, PCAN, NO, NO, NO, NO, NO],
        /* Accepted         */ [Open, SAME, SAME, SAME, SAME, SAME, SAME, SAME],
        /* Rejected         */ [REJ, NO, NO, NO, NO, SAME, SAME, SAME],
        /* Replaced         */ [NO, Open, Open, Open, Stay, SAME, SAME, SAME],
        /* ReplaceRejected  */ [NO, SAME, SAME, Open, SAME, SAME, SAME, SAME],
        /* Canceled         */ [CANC, CANC, CANC, CANC, CANC, SAME, SAME, SAME],
        /* CancelRejected   */ [NO, SAME, SAME, SAME, Open, SAME, SAME, SAME],
        /* PartialFill      */ [Open, Open, Open, Stay, Stay, LateFill, LateFill, LateFill],
        /* Fill             */ [FULL, FULL, FULL, FULL, FULL, LateFill, LateFill, LateFill],
        /* RepeatedFill     */ [SAME, SAME, SAME, SAME, SAME, SAME, SAME, SAME],
        /* TradeCanceled    */ [NO, NO, Annul, Annul, Annul, Annul, Annul, Annul],
        /* Frozen           */ [Stay, SAME, SAME, Stay, SAME, SAME, SAME, SAME],
        /* Unfrozen         */ [Open, SAME, SAME, Stay, SAME, SAME, SAME, SAME],
        /* Triggered        */ [Open, Stay, Stay, Stay, Stay, SAME, SAME, SAME],
        /* Disconnected     */ [Stay, Stay, Stay, Stay, Stay, SAME, SAME, SAME],
        /* Reconnected      */ [Stay, Stay, Stay, Stay, Stay, SAME, SAME, SAME],
        /* DownloadedOpen   */ [Open, SAME, SAME, Open, Open, SAME, SAME, SAME],
        /* DownloadedSilent */ [REJ, SAME, SAME, Open, Open, SAME, SAME, SAME],
    ]
};

const _: () = {
    let mut index = 0;
    while index < OrderEvent::ALL.len() {
        assert!(OrderEvent::ALL[index] as usize == index, "a row lies at its event's number");
        index += 1;
    }
    assert!(OrderStatus::PendingNew as usize == 1 && OrderStatus::Rejected as usize == STATES);
};

/// What `event` makes of an order in `status`. A replacement or refusal that leaves nothing open
/// ends in `Filled`, which the caller sees by the numbers.
#[inline]
#[must_use]
pub const fn transition(status: OrderStatus, event: OrderEvent) -> Transition {
    TABLE[event as usize][status as usize - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderStatus as S;
    use std::fmt::Write;

    const ALL: [S; STATES] = [
        S::PendingNew,
        S::New,
        S::PartiallyFilled,
        S::PendingReplace,
        S::PendingCancel,
        S::Filled,
        S::Canceled,
        S::Rejected,
    ];

    fn rendered() -> String {
        let mut text = String::from("| event |");
        ALL.iter().for_each(|status| write!(text, " `{status:?}` |").unwrap());
        text.push_str("\n|---|---|---|---|---|---|---|---|---|\n");
        for event in OrderEvent::ALL {
            write!(text, "| `{event:?}` |").unwrap();
            for status in ALL {
                match transition(status, event) {
                    Transition::Open => text.push_str(" open |"),
                    Transition::Stay => text.push_str(" stays |"),
                    Transition::To(to) => write!(text, " `{to:?}` |").unwrap(),
                    Transition::Repeat => text.push_str(" repeat |"),
                    Transition::LateFill => text.push_str(" late fill |"),
                    Transition::Annul => text.push_str(" annul |"),
                    Transition::Impossible => text.push_str(" – |"),
                }
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_document_shows_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/orders.md");
        let document = std::fs::read_to_string(path).unwrap();
        let table = rendered();
        assert!(document.contains(&table), "docs/orders.md must hold this table:\n{table}");
    }

    #[test]
    fn a_terminal_order_never_comes_back_to_life() {
        use Transition as T;
        for status in ALL.into_iter().filter(|status| status.is_terminal()) {
            for event in OrderEvent::ALL {
                let is_kept = matches!(
                    transition(status, event),
                    T::Repeat | T::LateFill | T::Annul | T::Impossible
                );
                assert!(is_kept, "{status:?} {event:?}");
            }
        }
    }

    #[test]
    fn an_unasked_cancel_ends_every_open_order() {
        for status in ALL.into_iter().filter(|status| !status.is_terminal()) {
            assert_eq!(transition(status, OrderEvent::Canceled), Transition::To(S::Canceled));
        }
    }

    #[test]
    fn only_an_unconfirmed_order_can_be_rejected() {
        for status in ALL {
            let rejected = transition(status, OrderEvent::Rejected) == Transition::To(S::Rejected);
            assert_eq!(rejected, status == S::PendingNew, "{status:?}");
        }
    }

    #[test]
    fn a_lost_connection_changes_no_order() {
        for status in ALL {
            for event in [OrderEvent::Disconnected, OrderEvent::Reconnected] {
                let result = transition(status, event);
                assert!(matches!(result, Transition::Stay | Transition::Repeat), "{status:?}");
            }
        }
    }
}
