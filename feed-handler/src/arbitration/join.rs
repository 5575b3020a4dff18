//! Where a stream begins. Days begin at 1, so a first number seen that is not 1 means that what
//! came before it is late, lost, or hours old.

use tezi_model::{Event, Nanos};

use super::batch::Batch;
use super::hold::Phase;
use super::stream::Stream;
use crate::Line;
use crate::recovery::RecoveryPolicy;

/// What to do about a stream whose first number seen is not 1.
///
/// A first number up to [`ArbiterConfig::join_near`](super::ArbiterConfig::join_near) is *near*: the
/// ones before it were probably lost on the line that is faster, and the other may still bring them.
/// A *far* one means that we came in the middle of the day. Where a stream can recover, asking for
/// a few messages is cheaper than a snapshot, so all within the reorder window is near. A heartbeat
/// counts as the number after the one it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JoinPolicy {
    /// Begin there, near or far, and say nothing: orders from before show in a book only once they
    /// change. [`Stream::joined_at`](super::Stream::joined_at) tells.
    Late,
    /// Near: the ones before are missing like any others, so they are waited for, recovered where
    /// that is configured, and else reported lost. Far: begin there, as `Late`.
    Wait,
    /// Near as `Wait`. Far: hold the stream and recover everything from 1, up to
    /// [`RecoveryPolicy::join_max`] messages; more than that is reported lost.
    Recover,
    /// Near as `Wait`. Far: hold the stream, take a snapshot, recover what lies between (MTBT 6.7,
    /// chapter 8).
    Snapshot,
    /// The last of these that the configuration has the means for: `Snapshot` with a snapshot
    /// service, `Recover` with tick recovery only, `Wait` with neither.
    #[default]
    Best,
}

impl JoinPolicy {
    /// `Best` made one of the others.
    pub(super) fn resolved(self, recovery: Option<&RecoveryPolicy>) -> Self {
        match (self, recovery) {
            (Self::Best, None) => Self::Wait,
            (Self::Best, Some(recovery)) if recovery.snapshots => Self::Snapshot,
            (Self::Best, Some(_)) => Self::Recover,
            _ => self,
        }
    }

    /// Whether the means for it are configured.
    pub(super) fn is_possible(self, recovery: Option<&RecoveryPolicy>) -> bool {
        match self {
            Self::Late | Self::Wait | Self::Best => true,
            Self::Recover => recovery.is_some(),
            Self::Snapshot => recovery.is_some_and(|recovery| recovery.snapshots),
        }
    }
}

impl Stream {
    /// Begins at `first`, the first number seen, or at 1 with the ones before missing.
    #[cold]
    pub(super) fn begin<F: FnMut(&Event)>(
        &mut self,
        first: u64,
        line: Line,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        let is_near = first <= if self.recovery.is_some() { self.window() } else { self.join_near };
        match self.join_policy {
            _ if first == 1 => self.join(1),
            JoinPolicy::Late => self.join(first),
            JoinPolicy::Wait if !is_near => self.join(first),
            // The number itself, or the heartbeat, opens the gap below it as any other would.
            _ if is_near => self.join(1),
            _ => self.begin_far(first, line, now, out),
        }
    }

    /// Begins at 1 in the middle of the day: all before `first` is missing, and no line brings it.
    fn begin_far<F: FnMut(&Event)>(
        &mut self,
        first: u64,
        line: Line,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        self.join(1);
        self.open_gap(first - 1, line, now);
        self.highest = first - 1;
        self.start_lines_at(first);
        let phase = match &self.recovery {
            Some(_) if self.join_policy == JoinPolicy::Snapshot => Phase::Joining,
            Some(recovery) if first - 1 <= u64::from(recovery.policy.join_max) => Phase::Recovering,
            Some(_) => return self.surrender(first, now, out),
            // No room to hold it: the books of the stream are without what came before.
            None => {
                self.advance(first, now, out);
                return self.close_gaps();
            }
        };
        self.go_stale(phase, now, out);
        if let Some(recovery) = &mut self.recovery {
            recovery.hold_from = first;
        }
    }
}
