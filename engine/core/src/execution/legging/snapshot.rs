//! A spread of two legs in a snapshot.

use super::Legging;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};

impl Legging {
    /// Writes everything but what it was made of.
    pub(crate) fn save_state(&self, out: &mut SnapshotWriter) {
        let Self { spec: _, parents, unhedged_since, is_unwinding } = self;
        parents.iter().for_each(|parent| parent.save_state(out));
        out.option(*unhedged_since, SnapshotWriter::time);
        out.flag(*is_unwinding);
    }

    /// Reads it into a spread that was made of the same.
    pub(crate) fn load_state(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        for parent in &mut self.parents {
            parent.load_state(input)?;
        }
        self.unhedged_since = input.option(SnapshotReader::time)?;
        self.is_unwinding = input.flag()?;
        Ok(())
    }

    /// The terms of both legs.
    pub(crate) const fn terms(&self) -> [&tezi_model::Instrument; 2] {
        let [work, hedge, _] = &self.parents;
        [&work.terms, &hedge.terms]
    }
}
