//! Pending timers of an algorithm in a snapshot.

use super::Wake;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};
use crate::timers::TimerId;

impl Wake {
    pub(in crate::execution) fn save(&self, out: &mut SnapshotWriter) {
        let Self { pending } = self;
        for timer in pending {
            out.option(*timer, |out, (at, TimerId(id))| {
                out.time(at);
                out.u64(id);
            });
        }
    }

    pub(in crate::execution) fn load(
        input: &mut SnapshotReader<'_>,
    ) -> Result<Self, SnapshotError> {
        let mut this = Self::default();
        for timer in &mut this.pending {
            *timer = input.option(|input| Ok((input.time()?, TimerId(input.u64()?))))?;
        }
        Ok(this)
    }
}
