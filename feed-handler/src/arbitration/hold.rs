//! Where a stream stands in its recovery, what it asked for, and the room for what it holds.

use std::collections::VecDeque;

use bytemuck::Zeroable;
use tezi_model::{Event, Nanos};

use super::gaps::OpenGap;
use crate::recovery::{RecoveryCounters, RecoveryPolicy, Wanted};

/// How a stream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// In order; nothing is asked for.
    Live,
    /// Held; the missing messages are asked for.
    Recovering,
    /// Held; the messages cannot be had. The books are right up to the number due, so only a
    /// snapshot beyond it helps.
    Seeking,
    /// Held, and nothing is given out: the books say nothing. Any snapshot helps.
    Joining,
    /// Held, and nothing is given out but the orders of the snapshot that is being read.
    Loading {
        /// The last number that the snapshot covers.
        last: u32,
        /// Orders still to come.
        orders_left: u32,
    },
    /// Not held: a gap was given up. A snapshot is tried now and then.
    GivenUp,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Nothing,
    /// To be asked from then on.
    Due(Nanos),
    Pending(Pending),
}

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) id: u64,
    pub(super) wanted: Wanted,
    /// The number that the next recovered message must have.
    pub(super) expected: u64,
    /// When it is taken for lost.
    pub(super) deadline: Nanos,
}

/// Room for messages and gaps, and which of the two the stream does not use now.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) ring: Box<[Event]>,
    pub(super) open_gaps: VecDeque<OpenGap>,
}

impl Room {
    pub(super) fn new(window: usize) -> Self {
        Self {
            ring: vec![Event::zeroed(); window].into(),
            // Each open gap holds a missing number within the window; one more while it is made.
            open_gaps: VecDeque::with_capacity(window + 1),
        }
    }
}

/// What a stream that can recover has beside its sequence.
#[derive(Clone, Debug)]
pub(super) struct Recovery {
    pub(super) policy: RecoveryPolicy,
    pub(super) phase: Phase,
    pub(super) ask: Ask,
    /// The large room while the stream flows, the small one while it is held.
    pub(super) spare: Room,
    /// The length of the small ring.
    pub(super) window: u64,
    /// Nothing below this number is held: it is left to recovery.
    pub(super) hold_from: u64,
    /// Whether the stream was reported stale, and not whole since.
    pub(super) is_stale: bool,
    /// Refusals and other failures since the last success.
    pub(super) refusals: u32,
    pub(super) failures: u32,
    /// The highest number brought in this run, and its exchange time.
    pub(super) newest: (u64, Nanos),
    /// The latest time of an order in a snapshot of this run.
    pub(super) image_time: Nanos,
    pub(super) counters: RecoveryCounters,
}

impl Recovery {
    pub(super) fn new(policy: &RecoveryPolicy, window: usize) -> Self {
        Self {
            policy: *policy,
            phase: Phase::Live,
            ask: Ask::Nothing,
            spare: Room::new(policy.hold_max),
            window: window as u64,
            hold_from: 0,
            is_stale: false,
            refusals: 0,
            failures: 0,
            newest: (0, Nanos::ZERO),
            image_time: Nanos::ZERO,
            counters: RecoveryCounters::default(),
        }
    }

    pub(super) const fn is_holding(&self) -> bool {
        !matches!(self.phase, Phase::Live | Phase::GivenUp)
    }

    /// Whether nothing may be given out.
    pub(super) const fn is_blocked(&self) -> bool {
        matches!(self.phase, Phase::Joining | Phase::Loading { .. })
    }

    pub(super) fn note_newest(&mut self, event: &Event) {
        let sequence = u64::from(event.sequence);
        if event.kind_code != 0 && sequence > self.newest.0 {
            self.newest = (sequence, event.exchange_time);
        }
    }

    /// The pause before try number `tries` is followed by another.
    pub(super) fn backoff(&self, tries: u32) -> i64 {
        let doubled = self.policy.retry_ns.saturating_mul(1 << tries.saturating_sub(1).min(32));
        doubled.min(self.policy.retry_ns_max)
    }

    /// Forgets what is asked for, whose answers are not taken any more.
    pub(super) fn cancel(&mut self) {
        if matches!(self.ask, Ask::Pending(_)) {
            self.counters.canceled += 1;
        }
        self.ask = Ask::Nothing;
    }

    /// The request is answered in full.
    pub(super) fn complete(&mut self, now: Nanos) {
        self.counters.completed += 1;
        (self.refusals, self.failures) = (0, 0);
        self.ask = Ask::Due(now);
    }
}
