//! Commands that did not leave, as reports: so that no order waits for an answer that cannot come.

use bytemuck::Zeroable;
use tezi_gateway::nnf::client::CommandError;
use tezi_model::{CommandKind, ExecutionKind, ExecutionReport, Nanos, OrderCommand};

/// Why a command did not leave, as the reason of its report. Above 60,100, so that none is a code of
/// the exchange or of the session (`LocalReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum LocalRefusal {
    /// The session is not live.
    NotLive = 60_101,
    /// NNF cannot say it: an instrument without a contract, above all.
    Encode = 60_102,
    /// The subscribed message rate is used up.
    Rate = 60_103,
    /// Too many bytes wait to be sent.
    Backlog = 60_104,
    /// Too many orders are open or in flight.
    Capacity = 60_105,
    /// Too many orders were sent today.
    DayCapacity = 60_106,
    /// An order with this number is open.
    DuplicateOrder = 60_107,
    /// No order with this number is open.
    UnknownOrder = 60_108,
    /// An earlier request on the order is not answered.
    InFlight = 60_109,
    /// The encryption of the connection can take no more.
    Cipher = 60_110,
    /// Too many commands wait for the orders' thread.
    Queue = 60_111,
    /// The journal no longer reaches the disk, and orders wait for that.
    Journal = 60_112,
    /// The process died before it left; the one that took the session up says so.
    Restart = 60_113,
    /// The session ended before the follower had its record, and orders wait for that.
    Replica = 60_114,
}

impl LocalRefusal {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::NotLive,
        Self::Encode,
        Self::Rate,
        Self::Backlog,
        Self::Capacity,
        Self::DayCapacity,
        Self::DuplicateOrder,
        Self::UnknownOrder,
        Self::InFlight,
        Self::Cipher,
        Self::Queue,
        Self::Journal,
        Self::Restart,
        Self::Replica,
    ];

    /// What people read.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotLive => "the order session was not live",
            Self::Encode => "NNF cannot say the order",
            Self::Rate => "the subscribed message rate was used up",
            Self::Backlog => "too many bytes waited to be sent",
            Self::Capacity => "too many orders were open or in flight",
            Self::DayCapacity => "too many orders were sent today",
            Self::DuplicateOrder => "an order with this number was open",
            Self::UnknownOrder => "no order with this number was open",
            Self::InFlight => "an earlier request on the order was not answered",
            Self::Cipher => "the encryption of the connection could take no more",
            Self::Queue => "too many commands waited for the orders' thread",
            Self::Journal => "the journal no longer reached the disk",
            Self::Restart => "the process ended before it left",
            Self::Replica => "its record never reached the follower's journal",
        }
    }
}

impl From<CommandError> for LocalRefusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotLive => Self::NotLive,
            CommandError::Encode(_) | CommandError::NotResumable => Self::Encode,
            CommandError::Rate => Self::Rate,
            CommandError::Backlog => Self::Backlog,
            CommandError::Capacity => Self::Capacity,
            CommandError::DayCapacity => Self::DayCapacity,
            CommandError::DuplicateOrder => Self::DuplicateOrder,
            CommandError::UnknownOrder => Self::UnknownOrder,
            CommandError::InFlight => Self::InFlight,
            CommandError::Cipher(_) => Self::Cipher,
        }
    }
}

/// The report that answers a command which did not leave: the order is rejected, or stands as it was.
#[cold]
pub(crate) fn refused(command: &OrderCommand, reason: LocalRefusal, now: Nanos) -> ExecutionReport {
    let kind = match command.kind() {
        Some(CommandKind::Replace) => ExecutionKind::ReplaceRejected,
        Some(CommandKind::Cancel) => ExecutionKind::CancelRejected,
        Some(CommandKind::New) | None => ExecutionKind::Rejected,
    };
    ExecutionReport {
        client_order_id: command.client_order_id,
        order_id: command.order_id,
        price: command.price,
        quantity: command.quantity,
        kind_code: kind as u8,
        reason: reason as u16,
        venue_time: now,
        ..ExecutionReport::zeroed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_gateway::nnf::client::LocalReason;

    #[test]
    fn each_kind_of_command_has_its_answer_and_no_code_is_another_ones() {
        let answers = [
            (CommandKind::New, ExecutionKind::Rejected),
            (CommandKind::Replace, ExecutionKind::ReplaceRejected),
            (CommandKind::Cancel, ExecutionKind::CancelRejected),
        ];
        for (asked, answer) in answers {
            let command = OrderCommand { kind_code: asked as u8, ..OrderCommand::zeroed() };
            let report = refused(&command, LocalRefusal::Rate, Nanos(5));
            assert_eq!((report.kind(), report.reason), (Some(answer), 60_103));
        }
        let codes = LocalRefusal::ALL.map(|reason| reason as u16);
        assert!(codes.is_sorted_by(|a, b| a < b) && codes[0] > LocalReason::STREAM_OUTAGE);
    }
}
