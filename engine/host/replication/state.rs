//! How far the follower is, between the leader's thread and everyone who asks.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::observer::ReplicaBoard;

/// How the follower of a session's journal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ReplicaLink {
    /// There is no connection; orders that wait for the follower wait.
    #[default]
    Lost = 1,
    /// Records go there.
    Up = 2,
    /// The follower was given up for now: orders that would wait for it leave when they are durable.
    DurableOnly = 3,
}

impl ReplicaLink {
    /// What people and programs read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Up => "up",
            Self::DurableOnly => "durable-only",
        }
    }

    /// The link of a code; `None` for 0, which stands for no replication.
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => None,
            2 => Some(Self::Up),
            3 => Some(Self::DurableOnly),
            _ => Some(Self::Lost),
        }
    }
}

/// Alone in its cache lines: the orders' thread asks for it as long as an order waits.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Watermark(AtomicU64);

/// What the leader's thread tells, and what it is told.
#[derive(Debug, Default)]
pub(crate) struct ReplicaState {
    replicated: Watermark,
    is_degraded: AtomicBool,
    link: AtomicU8,
    is_ending: AtomicBool,
    is_over: AtomicBool,
    pub(crate) board: ReplicaBoard,
}

impl ReplicaState {
    /// The last sequence in the follower's journal with everything before it. It never goes back.
    #[inline]
    pub(crate) fn replicated(&self) -> u64 {
        self.replicated.0.load(Ordering::Acquire)
    }

    pub(crate) fn set_replicated(&self, sequence: u64) {
        self.replicated.0.fetch_max(sequence, Ordering::Release);
    }

    /// Whether orders go on with what is durable.
    #[inline]
    pub(crate) fn is_degraded(&self) -> bool {
        self.is_degraded.load(Ordering::Acquire)
    }

    pub(crate) fn set_degraded(&self, is_degraded: bool) {
        self.is_degraded.store(is_degraded, Ordering::Release);
    }

    /// How the follower stands.
    pub(crate) fn link(&self) -> ReplicaLink {
        ReplicaLink::from_code(self.link.load(Ordering::Relaxed)).unwrap_or_default()
    }

    pub(crate) fn set_link(&self, link: ReplicaLink) {
        self.link.store(link as u8, Ordering::Relaxed);
    }

    /// Whether the journal takes no more records.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// The journal takes no more records: what is there is brought to the follower, and that is all.
    pub(crate) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
    }

    /// Whether nothing more will be replicated.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub(crate) fn set_over(&self) {
        self.is_over.store(true, Ordering::Release);
    }
}
