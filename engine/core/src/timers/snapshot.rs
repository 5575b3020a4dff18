//! Timers in a snapshot.

use tezi_model::StrategyId;

use super::{TimerId, Timers};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Timers {
    /// Writes every pending timer.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { pending, capacity: _, next_id } = self;
        out.part(part::TIMERS, |out| {
            out.u64(*next_id);
            out.count(pending.len());
            for &(at, TimerId(id), strategy) in pending {
                out.time(at);
                out.u64(id);
                out.u8(strategy.0);
            }
        });
    }

    /// Reads them into an empty one.
    pub(crate) fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        input.part(part::TIMERS, |input| {
            self.next_id = input.u64()?;
            for _ in 0..input.count(self.capacity, "timers_max")? {
                let (at, id) = (input.time()?, TimerId(input.u64()?));
                let before = self.pending.last();
                let falls = before.is_none_or(|&(time, other, _)| (at, id) < (time, other));
                input.ensure(falls && id.0 < self.next_id, "timer")?;
                self.pending.push((at, id, StrategyId(input.u8()?)));
            }
            Ok(())
        })
    }
}
