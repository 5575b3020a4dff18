//! What is promised of a record, by name, and how far each promise is kept.

use std::sync::Arc;

use crate::stage::Shared;

/// What a record survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Promise {
    /// The end of the process at any instruction, `kill -9` included.
    Appended,
    /// A power cut: it is on the disk.
    Durable,
    /// The loss of this host: it is in the journal of a second one ([`crate::replication`]). That
    /// journal's own promise is [`Promise::Appended`].
    Replicated,
}

impl Promise {
    /// Its name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Appended => "appended",
            Self::Durable => "durable",
            Self::Replicated => "replicated",
        }
    }

    /// The promise of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Appended, Self::Durable, Self::Replicated]
            .into_iter()
            .find(|promise| promise.name() == name)
    }
}

/// Says, on any thread, how much of a journal is on the disk.
#[derive(Clone)]
pub struct DurableWatermark {
    shared: Arc<Shared>,
}

impl DurableWatermark {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The last sequence that is on the disk with everything before it. It never goes back.
    #[inline]
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.shared.durable()
    }

    /// Whether nothing more will reach the disk: a write failed.
    #[inline]
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.shared.has_failed()
    }
}
