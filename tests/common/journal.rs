//! A journal read by hand: its records, and the state after each of its inputs.

use std::path::{Path, PathBuf};

use tezi::journal::JournalReader;
use tezi::kernels::CppKernels;
use tezi::strategy::Strategy;
use tezi::{Core, CoreConfig, Entry};

/// Where a record lies and whether it is an input of the core.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The end of the record in the file of its segment.
    pub end: u64,
    pub is_input: bool,
}

/// A journal as it was read.
pub struct Contents {
    pub places: Vec<Place>,
    /// The state before any input, and after each.
    pub hashes: Vec<u64>,
}

impl Contents {
    /// Reads a journal and acts on its inputs with the strategy's own code.
    pub fn read<S: Strategy>(journal: &Path, config: &CoreConfig, strategy: S) -> Self {
        let mut reader = JournalReader::open(journal).unwrap();
        let mut core = Core::new(config, strategy, CppKernels).unwrap();
        let mut contents = Self { places: Vec::new(), hashes: vec![core.state_hash()] };
        while let Some(record) = reader.next_record() {
            let entry = Entry::read(&record).unwrap();
            let size = tezi::journal::record_bytes(record.payload.len()) as u64;
            let (time, end, is_input) = (record.time, record.offset + size, entry.is_input());
            contents.places.push(Place { end, is_input });
            match entry {
                Entry::Instrument(instrument) => drop(core.define(&instrument)),
                Entry::Start => core.on_start(time),
                Entry::Event(event) => core.on_event(time, &event),
                Entry::Report(report) => drop(core.on_report(time, &report)),
                Entry::OrderSession(state) => core.on_session(time, state),
                Entry::Opening(opening) => drop(core.on_opening(time, &opening)),
                Entry::Stop => core.on_stop(time),
                _ => continue,
            }
            contents.hashes.push(core.state_hash());
        }
        contents
    }

    /// The state after the inputs among the first `records` records.
    pub fn hash_after(&self, records: usize) -> u64 {
        let inputs = self.places[..records].iter().filter(|place| place.is_input).count();
        self.hashes[inputs]
    }
}

/// The file of a journal's first segment.
pub fn first_segment(journal: &Path) -> PathBuf {
    journal.join("00000000.tzj")
}
