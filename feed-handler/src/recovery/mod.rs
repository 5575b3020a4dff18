//! What both lines lost: asked for by number over TCP, or replaced by the exchange's own image.
//!
//! - [`RecoveryPolicy`] tells an [`Arbiter`](crate::Arbiter) to ask instead of giving up; it says
//!   what it wants as [`RecoveryRequest`]s and takes the answers as [`RecoveryReply`]s.
//! - [`client`]: the connections that carry the requests, within the exchange's limits.
//! - [`audit`]: the exchange's image of a stream that is whole, against the live books.
//! - [`server`]: the other end, for the simulated exchange and the tests, with faults on demand.
//!
//! Source: MTBT 6.7, chapters 7 to 9 and 13; what we chose is in `docs/wire/nse_mtbt.md` and
//! `docs/decisions/0008-gap-policy.md`. All of it is sans-I/O: bytes and times in, bytes out. No
//! answer is trusted: each message is checked for its place before it reaches a book.

pub mod audit;
#[cfg(test)]
mod audit_tests;
pub mod client;
mod rebuilt;
pub mod server;
mod session;
#[cfg(test)]
mod tests;

use tezi_model::StreamId;

use crate::named::named_reasons;
use crate::wire::nse_mtbt::{RECOVERY_MESSAGES_MAX, SnapshotHeader, SnapshotOrder};

pub use crate::arbitration::JoinPolicy;
pub use audit::{Audit, AuditConfig, NotAudited};
pub use client::{ClientAction, ClientConfig, RecoveryClient, Service};
pub use rebuilt::{AuditOrder, AuditReport, Difference, DifferenceKind};
pub use server::{Fault, MessageStore, RecoveryServer, ServerConfig};

/// What is asked of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// Tells the request from every other of the same arbiter.
    pub id: u64,
    /// The stream.
    pub stream: StreamId,
    /// What of it.
    pub wanted: Wanted,
}

/// What of a stream is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The messages of a range of numbers, both ends included.
    Messages {
        /// The first number.
        first: u32,
        /// The last number.
        last: u32,
    },
    /// The orders of its books.
    Snapshot,
}

/// A piece of the answer to a [`RecoveryRequest`], in the order in which they came.
#[derive(Clone, Copy, Debug)]
pub enum RecoveryReply<'a> {
    /// One message, as on the lines.
    Message(&'a [u8]),
    /// What leads a snapshot.
    SnapshotHeader(&'a SnapshotHeader),
    /// One order of a snapshot.
    SnapshotOrder(&'a SnapshotOrder),
    /// Everything asked for was sent.
    Done,
    /// No more comes.
    Failed(RecoveryFailure),
}

named_reasons! {
    /// Why a request brought less than was asked.
    RecoveryFailure {
        /// The exchange answered `E`: it does not have the messages yet.
        Refused = 0, "refused", "the server refuses the request";
        /// No connection could be made.
        ConnectFailed = 1, "connect_failed", "no connection to the server";
        /// Nothing came for too long.
        TimedOut = 2, "timed_out", "the server did not answer in time";
        /// The connection ended early.
        Truncated = 3, "truncated", "the connection ended before the last message";
        /// Bytes that are no message, or a message with an impossible field.
        Garbage = 4, "garbage", "the server sent what is not a message";
        /// Another stream than the one asked for.
        WrongStream = 5, "wrong_stream", "the server sent another stream";
        /// Another number than the one due.
        WrongSequence = 6, "wrong_sequence", "the server sent another number than the one due";
        /// A reply or an item of another service.
        Unexpected = 7, "unexpected", "the server sent what was not asked for";
        /// A message of the run before the stream's last restart, or of a later one.
        OtherRun = 8, "other_run", "the server sent messages of another run of the stream";
        /// The header of a snapshot contradicts itself.
        SnapshotMismatch = 9, "snapshot_mismatch", "the snapshot's header contradicts itself";
        /// More orders than the configured bound.
        SnapshotTooLarge = 10, "snapshot_too_large", "the snapshot has too many orders";
        /// It ends before the first missing number: the books know more.
        SnapshotTooOld = 11, "snapshot_too_old", "the snapshot is older than the books";
        /// It claims numbers above all that the lines have shown to be sent.
        SnapshotImplausible = 12, "snapshot_implausible", "the snapshot is ahead of the stream";
        /// No answer of any kind reached the arbiter in time.
        Unanswered = 13, "unanswered", "the request was never answered";
    }
}

/// How an arbiter recovers. Every bound of it.
#[derive(Clone, Copy, Debug)]
pub struct RecoveryPolicy {
    /// What a stream holds back while it waits, in messages; a power of two, at least the window.
    /// Taken at construction, about 80 bytes each.
    pub hold_max: usize,
    /// Streams that can hold: the first ones seen. The rest only report their gaps, and one of them
    /// joined in the middle of the day reports all before as lost.
    pub hold_streams: usize,
    /// The most messages from before the first one seen that [`JoinPolicy::Recover`] asks for.
    pub join_max: u32,
    /// Whether the segment has a snapshot service.
    pub snapshots: bool,
    /// The most messages a request names, 1 to [`RECOVERY_MESSAGES_MAX`].
    pub range_max: u32,
    /// Gaps whose ends are no farther apart are asked for together, with what lies between.
    pub coalesce_max: u32,
    /// Refusals in a row after which a snapshot is tried. The server lags, so some are normal.
    pub refusals_max: u32,
    /// Other failures in a row after which a snapshot is tried.
    pub failures_max: u32,
    /// The pause before a request is repeated, in nanoseconds; doubled each time.
    pub retry_ns: i64,
    /// Where the doubling ends, in nanoseconds.
    pub retry_ns_max: i64,
    /// How long the whole answer to a request may take, in nanoseconds.
    pub answer_ns: i64,
    /// Snapshots tried in a row before the gap is given up.
    pub snapshots_max: u32,
    /// The pause before the next one when a snapshot was too old, in nanoseconds. They are made
    /// anew every 30 s.
    pub refresh_ns: i64,
    /// The pause between snapshots tried for a stream that was given up, in nanoseconds.
    pub pace_ns: i64,
}

impl Default for RecoveryPolicy {
    /// 131,072 held messages for each of 16 streams; requests of 300,000, joins of as many; 20
    /// refusals or 3 failures from 50 ms to 2 s apart; 8 snapshots 5 s apart; then one a minute.
    fn default() -> Self {
        Self {
            hold_max: 1 << 17,
            hold_streams: 16,
            join_max: RECOVERY_MESSAGES_MAX,
            snapshots: true,
            range_max: RECOVERY_MESSAGES_MAX,
            coalesce_max: 1_000,
            refusals_max: 20,
            failures_max: 3,
            retry_ns: 50_000_000,
            retry_ns_max: 2_000_000_000,
            answer_ns: 60_000_000_000,
            snapshots_max: 8,
            refresh_ns: 5_000_000_000,
            pace_ns: 60_000_000_000,
        }
    }
}

/// What recovery did for a stream. Each request ends in `completed`, `canceled` or `failures`, or
/// is still waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryCounters {
    /// Times the stream was held and marked stale.
    pub stale: u64,
    /// Times it was whole again.
    pub whole: u64,
    /// Times its gap was given up.
    pub given_up: u64,
    /// Requests for messages.
    pub ranges_asked: u64,
    /// Requests for a snapshot.
    pub snapshots_asked: u64,
    /// Requests that followed a failed one.
    pub retries: u64,
    /// Requests answered in full.
    pub completed: u64,
    /// Requests that the lines, or a restart, made needless.
    pub canceled: u64,
    /// Requests that failed, indexed by the code of the [`RecoveryFailure`].
    pub failures: [u64; RecoveryFailure::COUNT],
    /// Recovered messages; each filled its number
    /// ([`GapCounters::recovered`](crate::arbitration::GapCounters)) or is in `redundant`.
    pub messages: u64,
    /// Recovered messages that a line had brought.
    pub redundant: u64,
    /// Snapshots that replaced the books.
    pub snapshots: u64,
    /// Orders of snapshots given out.
    pub snapshot_orders: u64,
    /// Held messages dropped because a snapshot contains them.
    pub superseded: u64,
    /// Numbers dealt with before that an older snapshot made due again.
    pub rewound: u64,
}

impl RecoveryCounters {
    /// Requests of both kinds.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.ranges_asked + self.snapshots_asked
    }

    /// Requests that failed, for whatever reason.
    #[must_use]
    pub fn failures_total(&self) -> u64 {
        self.failures.iter().sum()
    }
}
