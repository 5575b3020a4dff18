//! The table of instruments in a snapshot. The ways to an instrument's number follow from the
//! definitions.

use tezi_model::{Instrument, StreamId};

use super::{InstrumentState, InstrumentTable, is_derived};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl InstrumentTable {
    /// Writes every instrument, in order of number, and the legs that wait.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { entries, slots: _, derived: _, capacity: _, legs } = self;
        out.part(part::INSTRUMENTS, |out| {
            out.count(entries.len());
            for InstrumentState { definition, stream } in entries {
                out.record(definition);
                out.option(*stream, |out, StreamId(stream)| out.u16(stream));
            }
        });
        legs.save(out);
    }

    /// Reads them into an empty table.
    pub(crate) fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        input.part(part::INSTRUMENTS, |input| {
            for _ in 0..input.count(self.capacity, "instruments_max")? {
                let definition: Instrument = input.record()?;
                let stream = input.option(|input| input.u16().map(StreamId))?;
                let id = self.insert_once(&definition);
                let id = input.known(id, "definition")?;
                self.entries[id.index()].stream = stream;
            }
            Ok(())
        })?;
        self.legs.load(input)
    }

    /// Adds an instrument that is not known yet; `None` for one that is, or has no segment.
    fn insert_once(&mut self, definition: &Instrument) -> Option<tezi_model::InstrumentId> {
        let segment = definition.segment()?;
        let known = match definition.legs() {
            Some([near, far]) => self.find_spread(segment, near, far),
            None if is_derived(definition) => self.find_index(segment, definition.token),
            None => self.find(segment, definition.token),
        };
        if known.is_some() { None } else { self.insert(definition) }
    }
}
