//! Several files made one set of instruments.

use tezi_model::{Instrument, Segment, Token};

use super::kind::FileKind;
use super::loader::LoadedFile;
use super::record::{InstrumentRecord, SpreadRecord};

/// Conflicts kept by name. All are counted.
const CONFLICTS_MAX: usize = 100;

/// All that is known of the instruments of some segments.
///
/// Of what several files say of one instrument, the file of the first [`FileKind`] in order counts,
/// among files of one kind the latest; what it leaves open is taken from the next. A file that
/// means another contract by the same token (expired, or adjusted since) adds nothing: it is a
/// [`Conflict`].
///
/// # Invariants
///
/// - Instruments ascend by segment code and token, no two alike; spreads by segment code and the
///   tokens of their legs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceData {
    instruments: Vec<InstrumentRecord>,
    spreads: Vec<SpreadRecord>,
    conflicts: Vec<Conflict>,
    conflict_count: usize,
}

/// Two files that mean different contracts by one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What the file of precedence means.
    pub kept: Instrument,
    /// Its kind.
    pub kept_from: FileKind,
    /// What the other one means.
    pub dropped: Instrument,
    /// Its kind.
    pub dropped_from: FileKind,
}

impl ReferenceData {
    /// Makes one set of `files`. Their order matters only between files of one kind and time, where
    /// the later in the list counts.
    #[must_use]
    pub fn merge(files: impl IntoIterator<Item = LoadedFile>) -> Self {
        let mut files: Vec<LoadedFile> = files.into_iter().collect();
        files.reverse();
        files.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.time.cmp(&a.time)));
        let mut data = Self::default();
        let (mut instruments, mut spreads) = (Vec::new(), Vec::new());
        for file in files {
            instruments.extend(file.instruments);
            spreads.extend(file.spreads);
        }
        // Stable: what one token has in several files stays in the order of precedence.
        instruments.sort_by_key(InstrumentRecord::key);
        spreads.sort_by_key(SpreadRecord::key);
        data.instruments.reserve(instruments.len());
        for record in instruments {
            data.add(record);
        }
        for spread in spreads {
            match data.spreads.last_mut().filter(|last| last.key() == spread.key()) {
                Some(last) => last.complete_from(&spread),
                None => data.spreads.push(spread),
            }
        }
        debug_assert!(data.is_consistent(), "instruments and spreads ascend by key");
        data
    }

    fn add(&mut self, record: InstrumentRecord) {
        match self.instruments.last_mut().filter(|last| last.key() == record.key()) {
            None => self.instruments.push(record),
            Some(last) if last.is_same_contract(&record) => last.complete_from(&record),
            Some(last) => {
                self.conflict_count += 1;
                if self.conflicts.len() < CONFLICTS_MAX {
                    self.conflicts.push(Conflict {
                        kept: last.instrument,
                        kept_from: last.details.source,
                        dropped: record.instrument,
                        dropped_from: record.details.source,
                    });
                }
            }
        }
    }

    /// The instruments, by segment code and token.
    #[must_use]
    pub fn instruments(&self) -> &[InstrumentRecord] {
        &self.instruments
    }

    /// The spreads, by segment code and tokens.
    #[must_use]
    pub fn spreads(&self) -> &[SpreadRecord] {
        &self.spreads
    }

    /// The first conflicts, at most a hundred.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// How many conflicts there were.
    #[must_use]
    pub const fn conflict_count(&self) -> usize {
        self.conflict_count
    }

    /// The instrument of a token, `None` when no file has it. Cost: a binary search.
    #[must_use]
    pub fn get(&self, segment: Segment, token: Token) -> Option<&InstrumentRecord> {
        let key = (segment as u8, token);
        let place = self.instruments.binary_search_by_key(&key, InstrumentRecord::key).ok()?;
        self.instruments.get(place)
    }

    /// The spread of two tokens, `None` when no file has it. Cost: a binary search.
    #[must_use]
    pub fn spread(&self, segment: Segment, near: Token, far: Token) -> Option<&SpreadRecord> {
        let key = (segment as u8, near, far);
        let place = self.spreads.binary_search_by_key(&key, SpreadRecord::key).ok()?;
        self.spreads.get(place)
    }

    /// Checks the invariants by brute force. For tests; O(n).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.instruments.is_sorted_by(|a, b| a.key() < b.key())
            && self.spreads.is_sorted_by(|a, b| a.key() < b.key())
            && self.conflicts.len() == self.conflict_count.min(CONFLICTS_MAX)
    }
}
