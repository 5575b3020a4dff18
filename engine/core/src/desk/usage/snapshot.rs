//! Levels in a snapshot: those that are not nought.

use super::levels::Usage;
use crate::output::UseLevel;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Usage {
    /// Writes them with their places; the marks are among the limits of the guards.
    pub(in crate::desk) fn save(&self, out: &mut SnapshotWriter) {
        out.part(part::USAGE, |out| {
            let told = || (0_u64..).zip(self.levels()).filter(|(_, level)| *level != 0);
            out.count(told().count());
            for (place, level) in told() {
                out.u64(place);
                out.u8(level);
            }
        });
    }

    /// Reads them into one that told nothing.
    pub(in crate::desk) fn load(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::USAGE, |input| {
            let places = self.levels().count();
            for _ in 0..input.count(places, "limits")? {
                let place = usize::try_from(input.u64()?).unwrap_or(usize::MAX);
                let level = UseLevel::from_code(input.u8()?);
                let level = input.known(level, "level")?;
                input.ensure(self.restore(place, level), "place of a limit")?;
            }
            Ok(())
        })
    }
}
