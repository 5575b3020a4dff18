//! The records of a journal from one of them on, without a look at the segments before it.
//!
//! Of a journal in memory, or of one file, the records before are read, checked and passed over. A live
//! journal is followed: it has no end until whoever reads decides that it has.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tezi_journal::{
    Crc32c, End, JournalError, JournalFollower, JournalReader, Record, SEGMENT_HEADER_BYTES, Sought,
};

/// Where a segment's header has the sequence of its first record (`docs/wire/journal.md`).
const BASE_SEQUENCE: usize = 24;

/// Where records come from.
enum Source {
    /// What is there. Segments behind the one that is read are in `rest`, where they are read one by one.
    Files { reader: Box<JournalReader>, rest: VecDeque<PathBuf> },
    /// What is there and what comes.
    Live(Box<JournalFollower>),
}

/// Reads a journal, or the end of one.
pub(crate) struct Records {
    source: Source,
    /// The last record returned, 0 before the first.
    sequence_last: u64,
    /// What is wrong from one segment to the next.
    fault: Option<String>,
}

impl Records {
    /// All records behind those that `reader` has returned.
    pub(crate) fn of(reader: JournalReader) -> Self {
        Self::of_files(reader, VecDeque::new())
    }

    fn of_files(reader: JournalReader, rest: VecDeque<PathBuf>) -> Self {
        let source = Source::Files { reader: Box::new(reader), rest };
        Self { source, sequence_last: 0, fault: None }
    }

    /// All records that `follower` has yet to return, those that are still to be written included.
    fn of_live(follower: JournalFollower) -> Self {
        let source = Source::Live(Box::new(follower));
        Self { source, sequence_last: 0, fault: None }
    }

    /// All records of a journal that is being written, from the first.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when the journal cannot be read.
    pub(crate) fn live(path: &Path) -> Result<Self, JournalError> {
        JournalFollower::open(path).map(Self::of_live)
    }

    /// As [`Self::behind`], of a journal that is being written.
    ///
    /// # Errors
    ///
    /// As [`Self::behind`].
    pub(crate) fn behind_live(
        path: &Path,
        sequence: u64,
    ) -> Result<Option<(Self, u32)>, JournalError> {
        let Sought::Found { follower, .. } = JournalFollower::seek(path, sequence)? else {
            return Ok(None);
        };
        let mut records = Self::of_live(follower);
        let found = records.next_record().filter(|record| record.sequence == sequence);
        let mark = found.map(|record| mark(&record));
        Ok(mark.map(|mark| (records, mark)))
    }

    /// The records behind number `sequence`, and the mark of that one; `None` when the journal has no such
    /// record, or is damaged before it.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when the journal cannot be read.
    pub(crate) fn behind(path: &Path, sequence: u64) -> Result<Option<(Self, u32)>, JournalError> {
        let mut segments = if is_all_on_disk(path) { segments(path) } else { VecDeque::new() };
        while segments.get(1).and_then(|next| base(next)).is_some_and(|base| base <= sequence) {
            segments.pop_front();
        }
        let mut records = match segments.pop_front() {
            Some(first) => Self::of_files(JournalReader::open(&first)?, segments),
            None => Self::of(JournalReader::open(path)?),
        };
        loop {
            let Some(record) = records.next_record() else {
                if records.go_on() { continue } else { return Ok(None) }
            };
            if record.sequence >= sequence {
                let mark = (record.sequence == sequence).then(|| mark(&record));
                return Ok(mark.map(|mark| (records, mark)));
            }
        }
    }

    /// The next record; `None` at the end of a segment too, where [`Self::go_on`] may lead on, and of a live
    /// journal where there is none yet ([`Self::is_awaited`]).
    #[inline]
    pub(crate) fn next_record(&mut self) -> Option<Record<'_>> {
        let record = match &mut self.source {
            Source::Files { reader, .. } => reader.next_record()?,
            Source::Live(follower) => match follower.poll() {
                Ok(record) => record?,
                Err(error) => {
                    self.fault = Some(error.to_string());
                    return None;
                }
            },
        };
        self.sequence_last = record.sequence;
        Some(record)
    }

    /// Whether more may be written to the journal and be read then.
    pub(crate) const fn is_awaited(&self) -> bool {
        matches!(self.source, Source::Live(_)) && self.fault.is_none()
    }

    /// The last record returned, 0 before the first.
    pub(crate) const fn sequence_last(&self) -> u64 {
        self.sequence_last
    }

    /// Goes to the next segment; `false` at the end of the journal, and where it is not what it should be.
    pub(crate) fn go_on(&mut self) -> bool {
        let session_id = self.session_id();
        let Source::Files { reader, rest } = &mut self.source else { return false };
        if self.fault.is_some() || reader.end() != Some(&End::Clean) {
            return false;
        }
        let Some(path) = rest.pop_front() else { return false };
        let next = match JournalReader::open(&path) {
            Ok(next) => next,
            Err(error) => {
                self.fault = Some(error.to_string());
                return false;
            }
        };
        let base = next.header().map(|header| header.base_sequence);
        if next.session_id() != session_id || base != Some(self.sequence_last + 1) {
            let expected = self.sequence_last + 1;
            self.fault = Some(format!("{} does not begin with record {expected}", path.display()));
            return false;
        }
        **reader = next;
        true
    }

    /// The session all segments share.
    pub(crate) fn session_id(&self) -> u64 {
        match &self.source {
            Source::Files { reader, .. } => reader.session_id(),
            Source::Live(follower) => follower.segment().session_id,
        }
    }

    /// How the journal ends: whether in order, and a sentence. `None` while there may be more.
    pub(crate) fn end(&self) -> Option<(bool, String)> {
        if let Some(fault) = &self.fault {
            return Some((false, fault.clone()));
        }
        let Source::Files { reader, .. } = &self.source else { return None };
        match reader.end()? {
            End::Clean => Some((true, "clean end".into())),
            end => Some((false, end.to_string())),
        }
    }
}

/// A number for what a record says, to know it again.
pub(crate) fn mark(record: &Record<'_>) -> u32 {
    let Record { sequence, time, record_type, flags, payload, .. } = *record;
    let crc = Crc32c::detect();
    let register = crc.update(u32::MAX, &sequence.to_le_bytes());
    let register = crc.update(register, &time.0.to_le_bytes());
    let register = crc.update(register, &record_type.to_le_bytes());
    let register = crc.update(register, &flags.to_le_bytes());
    !crc.update(register, payload)
}

/// Whether nothing of a journal is in memory only.
fn is_all_on_disk(path: &Path) -> bool {
    path.is_dir() && path.join("memory").symlink_metadata().is_err()
}

/// The segment files of a journal, in order. Where one is missing, whoever reads finds out.
fn segments(dir: &Path) -> VecDeque<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut found: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "tzj")).collect();
    // Names of eight digits each.
    found.sort_unstable();
    found.into()
}

/// The sequence of a segment's first record, as its header says; the reader checks the header.
fn base(segment: &Path) -> Option<u64> {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    File::open(segment).ok()?.read_exact(&mut header).ok()?;
    header[BASE_SEQUENCE..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
