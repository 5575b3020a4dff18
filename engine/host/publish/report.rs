//! What a publisher did.

use std::time::Duration;

use tezi_feed_handler::recovery::server::ServerCounters;
use tezi_model::Nanos;

/// What was put on one line. `sent == read − dropped + duplicated`, where `read` are the line's own
/// datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentCounts {
    /// Datagrams of the source that belong to the line.
    pub read: u64,
    /// Datagrams sent, heartbeats not counted.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Datagrams lost on purpose.
    pub dropped: u64,
    /// Datagrams sent twice.
    pub duplicated: u64,
    /// Datagrams held back, for later ones to overtake.
    pub reordered: u64,
    /// Heartbeats of our own.
    pub heartbeats: u64,
}

/// What a source left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReport {
    /// Datagrams that belong to neither line.
    pub foreign: u64,
    /// Records that hold no datagram, by reason.
    pub skipped: Vec<(&'static str, u64)>,
    /// What ended a file early, a sentence each.
    pub faults: Vec<String>,
    /// What the reader should know: which groups the lines are, and the like.
    pub notes: Vec<String>,
}

/// How far a publisher is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishUpdate {
    /// Datagrams sent on both lines.
    pub sent: u64,
    /// The recorded time that is reached.
    pub time: Nanos,
    /// Since the first datagram.
    pub elapsed: Duration,
}

/// What a publisher did.
#[derive(Clone, Debug, Default)]
pub struct PublishReport {
    /// Lines A and B.
    pub lines: [SentCounts; 2],
    /// Of the datagrams that are for both lines, those sent on neither.
    pub dropped_on_both: u64,
    /// Datagrams taken from the source.
    pub datagrams: u64,
    /// The recorded times of the first and the last datagram.
    pub span: Option<(Nanos, Nanos)>,
    /// What the source left out.
    pub source: SourceReport,
    /// How long it took.
    pub elapsed: Duration,
    /// How far the worst datagram was behind its time, in nanoseconds.
    pub behind_ns_max: u64,
    /// Whether it was stopped before the end.
    pub is_stopped: bool,
    /// Messages that the services know, of all streams.
    pub messages: u64,
    /// Datagrams, or ends of them, that are no MTBT and so not known to the services.
    pub unserved: u64,
    /// What the tick-recovery service did.
    pub recovery: Option<ServerCounters>,
    /// What the snapshot service did, when it has a port of its own.
    pub snapshot: Option<ServerCounters>,
}

impl PublishReport {
    /// Datagrams sent on both lines.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.lines.iter().map(|line| line.sent).sum()
    }

    /// What is not fine, a sentence each; empty when all was well.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.source.faults.clone();
        if self.datagrams == 0 && !self.is_stopped {
            problems.push("no UDP datagram to send was found".into());
        }
        problems
    }
}
