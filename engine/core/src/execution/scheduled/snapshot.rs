//! What a schedule has released, in a snapshot.

use super::Scheduled;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};

impl Scheduled {
    /// Writes everything but what it was made of.
    pub(crate) fn save_state(&self, out: &mut SnapshotWriter) {
        let Self { schedule: _, catch_up: _, cross_ns: _, slices, released, due } = self;
        out.u32(*slices);
        out.u64(*released);
        out.u64(*due);
    }

    /// Reads it into one that was made of the same.
    pub(crate) fn load_state(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        self.slices = input.u32()?;
        input.ensure(self.slices <= self.schedule.slices(), "number of slices")?;
        self.released = input.u64()?;
        self.due = input.u64()?;
        Ok(())
    }
}
