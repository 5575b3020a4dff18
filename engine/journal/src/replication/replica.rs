//! The journal of a follower: the leader's segments, record by record, in a directory of its own.
//!
//! It is written by the same writer as any journal, so it is one: it is verified, replayed, recovered
//! and taken up again by a host like the leader's own. Each record's checksum is checked before it is
//! appended, and the writer computes it anew: the bytes are the leader's or the record is refused.

use std::path::{Path, PathBuf};

use crate::{
    Crc32c, JournalError, JournalReader, JournalWriter, RECORD_ALIGN, RECORD_HEADER_BYTES,
    RecordFault, SEGMENT_BYTES_MAX, SegmentHeader, StageConfig, WriterConfig,
    format::{Frame, padded, parse, stored_checksum},
    recover,
    segment::{list, segment_path},
    stage::staged_segments,
};

use super::{
    follower::{Held, ReplicaStore},
    wire::{BatchFrame, RefusalReason},
};

/// What a replica took in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaStats {
    /// Records appended by this process.
    pub records: u64,
    /// Their bytes, headers and padding included.
    pub bytes: u64,
    /// Segments begun by this process.
    pub segments: u32,
}

/// A follower's journal.
///
/// # Invariants
///
/// - `held` is what the writer has appended; where there is a writer, `segment` is its segment.
pub struct Replica {
    dir: PathBuf,
    /// How the journal is staged, where it is.
    stage: Option<StageConfig>,
    crc: Crc32c,
    writer: Option<JournalWriter>,
    segment: Option<SegmentHeader>,
    held: Option<Held>,
    /// What was on the disk when the writer let go of the journal.
    durable_closed: u64,
    stats: ReplicaStats,
    fault: Option<JournalError>,
}

impl Replica {
    /// Takes up what is in `dir`, or is ready to begin a journal there. What a killed process left is
    /// recovered first: a torn tail goes, and comes again from the leader.
    ///
    /// The journal is staged where `stage` says how and its memory has room; it is mapped otherwise,
    /// and then says of no record that it is on the disk.
    ///
    /// # Errors
    ///
    /// Those of [`recover`] and [`JournalWriter::open_append`].
    pub fn open(dir: &Path, stage: Option<StageConfig>) -> Result<Self, JournalError> {
        let mut replica = Self {
            dir: dir.to_path_buf(),
            stage,
            crc: Crc32c::detect(),
            writer: None,
            segment: None,
            held: None,
            durable_closed: 0,
            stats: ReplicaStats::default(),
            fault: None,
        };
        let holds = dir.is_dir() && (!list(dir)?.is_empty() || !staged_segments(dir).is_empty());
        if holds {
            recover(dir)?;
            let (segment, held) = last_of(dir)?;
            (replica.segment, replica.held) = (Some(segment), Some(held));
            replica.durable_closed = held.sequence_last;
            replica.open_writer(segment.segment_bytes)?;
        }
        Ok(replica)
    }

    /// Where the journal lies.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was taken in.
    #[must_use]
    pub const fn stats(&self) -> ReplicaStats {
        self.stats
    }

    /// Whether the journal says what of it is on the disk.
    #[must_use]
    pub const fn is_staged(&self) -> bool {
        self.stage.is_some()
    }

    /// The fault that keeps the journal from taking records, if one does.
    #[must_use]
    pub const fn fault(&self) -> Option<&JournalError> {
        self.fault.as_ref()
    }

    /// Writes the journal out and leaves it as a host does.
    ///
    /// # Errors
    ///
    /// The fault that kept records from it before, or [`JournalError::Io`].
    pub fn close(mut self) -> Result<ReplicaStats, JournalError> {
        let closed = self.close_writer();
        match self.fault {
            Some(fault) => Err(fault),
            None => closed.map(|()| self.stats),
        }
    }

    fn close_writer(&mut self) -> Result<(), JournalError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let stats = writer.close()?;
        self.durable_closed = stats.sequence_last;
        Ok(())
    }

    /// Opens the journal that is there for appending, its next segments of that size.
    fn open_writer(&mut self, segment_bytes: u64) -> Result<(), JournalError> {
        let stage = self.stage_for(segment_bytes);
        self.writer = Some(match stage {
            Some(stage) => JournalWriter::open_append_staged(&self.dir, segment_bytes, &stage)?,
            None => JournalWriter::open_append(&self.dir, segment_bytes)?,
        });
        Ok(())
    }

    /// How segments of that size are staged; from the first that have no room on none are.
    fn stage_for(&mut self, segment_bytes: u64) -> Option<StageConfig> {
        self.stage = self.stage.take().filter(|it| it.check_room(segment_bytes).is_ok());
        self.stage.clone()
    }

    /// Lets go of the journal and takes it up with segments of another size.
    fn reopen(&mut self, segment_bytes: u64) -> Result<(), JournalError> {
        self.close_writer()?;
        self.open_writer(segment_bytes)
    }

    fn create(&mut self, header: &SegmentHeader) -> Result<(), JournalError> {
        let SegmentHeader { session_id, created, segment_bytes, .. } = *header;
        let config = WriterConfig { segment_bytes, session_id, created };
        self.writer = Some(match self.stage_for(segment_bytes) {
            Some(stage) => JournalWriter::create_staged(&self.dir, &config, &stage)?,
            None => JournalWriter::create(&self.dir, &config)?,
        });
        self.held = Some(Held { session_id, sequence_last: 0, crc_last: 0 });
        Ok(())
    }

    fn roll(&mut self, header: &SegmentHeader) -> Result<(), JournalError> {
        if self.writer.as_ref().is_none_or(|it| it.segment_bytes() != header.segment_bytes) {
            self.reopen(header.segment_bytes)?;
        }
        match &mut self.writer {
            Some(writer) => writer.begin_segment(header.created),
            None => Ok(()),
        }
    }

    fn append_frame(&mut self, frame: Frame, record: &[u8]) -> Result<(), JournalError> {
        let has_room = self.writer.as_ref().is_some_and(|it| frame.size() <= it.room());
        if !has_room {
            // A leader that was taken up with larger segments makes its last one longer, too.
            let size = self.writer.as_ref().map_or(0, JournalWriter::position) + frame.size();
            let bytes = (size as u64).next_power_of_two().min(SEGMENT_BYTES_MAX);
            let present = self.segment.map_or(0, |it| it.segment_bytes);
            self.reopen(bytes.max(present))?;
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let header = frame.header;
        let payload = &record[RECORD_HEADER_BYTES..frame.length];
        writer.append(header.record_type, header.flags, header.time, payload)?;
        if let Some(held) = &mut self.held {
            (held.sequence_last, held.crc_last) = (header.sequence, stored_checksum(record));
        }
        self.stats.records += 1;
        self.stats.bytes += frame.size() as u64;
        Ok(())
    }

    fn failed(&mut self, error: JournalError) -> RefusalReason {
        self.fault.get_or_insert(error);
        RefusalReason::Storage
    }
}

impl ReplicaStore for Replica {
    fn held(&self) -> Option<Held> {
        self.held
    }

    fn durable(&self) -> u64 {
        match &self.writer {
            Some(writer) => writer.durable_watermark(),
            None => self.durable_closed,
        }
    }

    fn begin(&mut self, header: &SegmentHeader) -> Result<(), RefusalReason> {
        if self.fault.is_some() {
            return Err(RefusalReason::Storage);
        }
        let next = self.held.map_or(1, |held| held.sequence_last + 1);
        let begun = match self.segment {
            None if header.number == 0 && header.base_sequence == 1 => self.create(header),
            Some(present) if present.session_id != header.session_id => {
                return Err(RefusalReason::OtherJournal);
            }
            Some(present) if present == *header => {
                let is_closed = self.writer.is_none();
                return if is_closed {
                    self.open_writer(header.segment_bytes).map_err(|error| self.failed(error))
                } else {
                    Ok(())
                };
            }
            Some(present) if header.number == present.number => {
                return Err(RefusalReason::Diverged);
            }
            Some(present)
                if header.number == present.number + 1 && header.base_sequence == next =>
            {
                self.roll(header)
            }
            _ => return Err(RefusalReason::Gap),
        };
        begun.map_err(|error| self.failed(error))?;
        self.segment = Some(*header);
        self.stats.segments += 1;
        Ok(())
    }

    fn append(&mut self, batch: &BatchFrame<'_>) -> Result<(), RefusalReason> {
        if self.fault.is_some() {
            return Err(RefusalReason::Storage);
        }
        let (Some(segment), Some(held)) = (self.segment, self.held) else {
            return Err(RefusalReason::Gap);
        };
        if batch.segment != segment.number || batch.first != held.sequence_last + 1 {
            return Err(RefusalReason::Gap);
        }
        let seed = SegmentHeader::seed(segment.session_id, segment.number, self.crc);
        let (mut rest, mut sequence) = (batch.records, batch.first);
        while !rest.is_empty() {
            let frame = parse(rest, seed, self.crc).map_err(reason_of)?;
            let record = &rest[..frame.size()];
            if frame.header.sequence != sequence {
                return Err(RefusalReason::Gap);
            }
            if !is_as_written(record, frame.length) {
                return Err(RefusalReason::Malformed);
            }
            self.append_frame(frame, record).map_err(|error| self.failed(error))?;
            rest = &rest[frame.size()..];
            sequence += 1;
        }
        let is_counted = sequence - batch.first == u64::from(batch.count);
        if is_counted { Ok(()) } else { Err(RefusalReason::Malformed) }
    }

    fn complete(&mut self) -> Result<(), RefusalReason> {
        self.close_writer().map_err(|error| self.failed(error))
    }
}

/// Whether what a writer leaves zero is zero, so that the same record comes out of another writer.
fn is_as_written(record: &[u8], length: usize) -> bool {
    debug_assert!(record.len() == padded(length) && record.len().is_multiple_of(RECORD_ALIGN));
    let zeros = record[28..RECORD_HEADER_BYTES].iter().chain(&record[length..]);
    zeros.copied().all(|byte| byte == 0)
}

fn reason_of(fault: RecordFault) -> RefusalReason {
    match fault {
        RecordFault::Checksum { .. } => RefusalReason::Checksum,
        _ => RefusalReason::Malformed,
    }
}

/// The last segment of a recovered journal, and its last record, which may be in the one before.
fn last_of(dir: &Path) -> Result<(SegmentHeader, Held), JournalError> {
    let mut last = JournalReader::open_last_segment(dir)?;
    let not_there = || JournalError::NotAJournal { path: dir.to_path_buf() };
    let header = last.header().ok_or_else(not_there)?;
    let mut crc_last = last_checksum(&mut last);
    if crc_last.is_none() && 0 < header.number {
        let before = segment_path(dir, header.number - 1);
        crc_last = last_checksum(&mut JournalReader::open(&before)?);
    }
    let held = Held {
        session_id: header.session_id,
        sequence_last: last.sequence_expected() - 1,
        crc_last: crc_last.unwrap_or(0),
    };
    Ok((header, held))
}

/// Reads to the end; the checksum of the last record, if there is one.
fn last_checksum(reader: &mut JournalReader) -> Option<u32> {
    let mut last = None;
    while let Some(record) = reader.next_record() {
        last = Some(record.offset as usize);
    }
    last.map(|offset| stored_checksum(&reader.current_bytes()[offset..]))
}
