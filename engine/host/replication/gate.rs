//! What an order waits for before it leaves: a watermark that its record must be at or before.

use std::sync::Arc;

use tezi_journal::DurableWatermark;

use super::state::ReplicaState;
use crate::orders::LocalRefusal;

/// A promise that orders wait for, as the orders' thread asks for it.
pub(crate) enum Gate {
    /// The record is on the disk.
    Durable(DurableWatermark),
    /// The record is in the follower's journal; or on the disk, while the follower is given up.
    Replicated {
        state: Arc<ReplicaState>,
        /// Of a journal that says so.
        durable: Option<DurableWatermark>,
    },
}

impl Gate {
    /// The last sequence for which the promise is kept.
    #[inline]
    pub(crate) fn sequence(&self) -> u64 {
        match self {
            Self::Durable(durable) => durable.sequence(),
            Self::Replicated { state, durable } => {
                let replicated = state.replicated();
                match durable {
                    Some(durable) if state.is_degraded() => replicated.max(durable.sequence()),
                    _ => replicated,
                }
            }
        }
    }

    /// Why the promise will be kept for nothing more, once that is so.
    #[inline]
    pub(crate) fn failed(&self) -> Option<LocalRefusal> {
        match self {
            Self::Durable(durable) => durable.has_failed().then_some(LocalRefusal::Journal),
            Self::Replicated { state, .. } => state.is_over().then_some(LocalRefusal::Replica),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_opens_with_the_follower_and_fails_when_nothing_more_comes() {
        let state = Arc::new(ReplicaState::default());
        let gate = Gate::Replicated { state: Arc::clone(&state), durable: None };
        assert_eq!((gate.sequence(), gate.failed()), (0, None));
        state.set_replicated(7);
        // A follower that begins again has less to say; what was promised stays so.
        state.set_replicated(3);
        assert_eq!(gate.sequence(), 7);
        // Without a journal that says what is on the disk, there is nothing to go on with.
        state.set_degraded(true);
        assert_eq!(gate.sequence(), 7);
        state.set_over();
        assert_eq!(gate.failed(), Some(LocalRefusal::Replica));
    }
}
