//! Timers: bounded, in order of their time, then of their making.

mod snapshot;

use tezi_model::{Nanos, StateHasher, StrategyId};

/// The number of a timer, given when it is set. Counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId(pub u64);

/// Pending timers, the next one last, so that taking it costs nothing.
///
/// # Invariants
///
/// - `pending` falls strictly in (time, number).
/// - Never more than the capacity given at the start.
pub(crate) struct Timers {
    pending: Vec<(Nanos, TimerId, StrategyId)>,
    capacity: usize,
    next_id: u64,
}

impl Timers {
    pub(crate) fn new(capacity: u32) -> Self {
        let capacity = capacity as usize;
        Self { pending: Vec::with_capacity(capacity), capacity, next_id: 1 }
    }

    /// Sets a timer, `None` when as many as allowed are pending. O(pending) in the worst case.
    pub(crate) fn set(&mut self, at: Nanos, strategy: StrategyId) -> Option<TimerId> {
        if self.pending.len() == self.capacity {
            return None;
        }
        let id = TimerId(self.next_id);
        self.next_id += 1;
        let place = self.pending.partition_point(|&(time, other, _)| (time, other) > (at, id));
        self.pending.insert(place, (at, id, strategy));
        Some(id)
    }

    /// When the next timer is due, `None` when none is pending.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        self.pending.last().map(|&(at, ..)| at)
    }

    /// Takes the next timer if it is due, and whose it is.
    pub(crate) fn take_due(&mut self, now: Nanos) -> Option<(TimerId, StrategyId)> {
        if self.next_due()? > now {
            return None;
        }
        self.pending.pop().map(|(_, id, strategy)| (id, strategy))
    }

    /// Folds every pending timer into the state hash. Whose they are is the strategies' own state.
    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(self.next_id);
        for (at, id, _) in &self.pending {
            hasher.write_i64(at.0);
            hasher.write(id.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_order_of_time_then_of_making() {
        let mut timers = Timers::new(4);
        let ids: Vec<_> = [30, 10, 20, 10]
            .map(|at| timers.set(Nanos(at), StrategyId(at as u8)).unwrap())
            .to_vec();
        assert_eq!(timers.set(Nanos(5), StrategyId::NONE), None);
        assert_eq!(timers.take_due(Nanos(9)), None);
        let order: Vec<_> = core::iter::from_fn(|| timers.take_due(Nanos(25))).collect();
        let (ten, twenty) = (StrategyId(10), StrategyId(20));
        assert_eq!(order, [(ids[1], ten), (ids[3], ten), (ids[2], twenty)]);
        assert_eq!(timers.next_due(), Some(Nanos(30)));
    }
}
