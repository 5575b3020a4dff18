//! When an algorithm next has to look: as few timers as do, for a timer cannot be taken back.

mod snapshot;

use tezi_model::Nanos;

use super::access::MarketAccess;
use crate::timers::TimerId;

/// Timers of one parent that are pending. One at or before the time wanted serves: whoever wakes early
/// looks, and asks again.
#[derive(Clone, Debug, Default)]
pub(super) struct Wake {
    pending: [Option<(Nanos, TimerId)>; 4],
}

impl Wake {
    /// Sees to it that a timer comes at `at` or before. A timer that finds no room is tried again
    /// with the next input.
    pub(super) fn by(&mut self, access: &mut impl MarketAccess, at: Nanos) {
        if self.pending.iter().flatten().any(|&(due, _)| due <= at) {
            return;
        }
        let Ok(timer) = access.set_timer(at) else { return };
        // The latest gives way, as its time is asked for again when it is the next.
        let latest = self.pending.iter_mut().max_by_key(|it| match it {
            None => Nanos::MAX,
            Some((due, _)) => *due,
        });
        if let Some(place) = latest {
            *place = Some((at, timer));
        }
    }

    /// Takes a timer that is due; whether it was one of these.
    pub(super) fn take(&mut self, timer: TimerId) -> bool {
        let mine = |it: &&mut Option<(Nanos, TimerId)>| it.is_some_and(|(_, id)| id == timer);
        self.pending.iter_mut().find(mine).and_then(Option::take).is_some()
    }
}
