//! A roster's state in a snapshot: its members', each on its own.

use super::{Member, Roster};
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Roster {
    /// Time used over the budget is not in it: it counts from the start of a process.
    pub(super) fn save_state(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        let Self { members, budget: _, over_budget: _, is_day_known, lacks_timer, rules: _ } = self;
        out.flag(*is_day_known);
        out.flag(*lacks_timer);
        for member in members {
            out.part(part::MEMBER, |out| member.save(out))?;
        }
        Ok(())
    }

    pub(super) fn load_state(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        self.is_day_known = input.flag()?;
        self.lacks_timer = input.flag()?;
        for member in &mut self.members {
            input.part(part::MEMBER, |input| member.load(input))?;
        }
        input.finish()
    }
}

impl Member {
    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        let Self { strategy, lacks_session, is_told_active, last_words, .. } = self;
        out.flag(*lacks_session);
        out.flag(*is_told_active);
        out.option(last_words.as_deref(), SnapshotWriter::text);
        // What one that panicked keeps is not known, and it is never called again.
        if last_words.is_some() { Ok(()) } else { strategy.save(out) }
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.lacks_session = input.flag()?;
        self.is_told_active = input.flag()?;
        self.last_words = input.option(|input| input.text().map(String::from))?;
        if self.last_words.is_some() { Ok(()) } else { self.strategy.load(input) }
    }
}
