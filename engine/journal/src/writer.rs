//! The single writer of a journal.
//!
//! `append` costs a copy, a checksum and one release store. It makes no system call and allocates
//! nothing, except twice a segment: half way it asks a helper thread to make the next one, and at the
//! end it renames that into place. After a failed roll the writer refuses every record: a journal
//! has no holes.

use std::{
    fs::{self, File},
    mem,
    path::{Path, PathBuf},
};

use tezi_model::Nanos;

use crate::{
    Crc32c, End, JournalError, JournalReader, RECORD_HEADER_BYTES, SEGMENT_BYTES_MAX,
    SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, SegmentHeader,
    ahead::SegmentAhead,
    format::{RecordHeader, record_bytes},
    segment::{SEGMENT_NUMBER_MAX, Segment, list, lock, remove_unfinished, sync_dir, sync_segment},
};

/// How a journal is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterConfig {
    /// Size of a segment file: a multiple of 4096 from [`SEGMENT_BYTES_MIN`] to
    /// [`SEGMENT_BYTES_MAX`].
    pub segment_bytes: u64,
    /// Names the journal. Draw it at random: two journals that share it can read each other's
    /// bytes.
    pub session_id: u64,
    /// The time of creation, kept in the first segment's header.
    pub created: Nanos,
}

impl Default for WriterConfig {
    /// Segments of 64 MiB. The caller sets session and time: nothing here draws or reads them.
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, session_id: 0, created: Nanos::ZERO }
    }
}

/// What a writer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalStats {
    /// Segment files of the journal.
    pub segments: u32,
    /// Records this writer appended.
    pub records: u64,
    /// Bytes of those records, headers and padding included.
    pub bytes: u64,
    /// Sequence of the journal's last record; 0 when it has none.
    pub sequence_last: u64,
}

/// Appends records to a journal. One writer has a journal at a time.
///
/// Dropping it without [`JournalWriter::close`] leaves a readable journal with every appended
/// record; only the unused part of its last segment still takes space.
///
/// ```
/// use tezi_journal::{End, JournalReader, JournalWriter, WriterConfig};
/// use tezi_model::Nanos;
/// # let dir = std::env::temp_dir().join(format!("tezi-journal-doc-{}", std::process::id()));
/// # drop(std::fs::remove_dir_all(&dir));
/// let config = WriterConfig { session_id: 7, ..WriterConfig::default() };
/// let mut writer = JournalWriter::create(&dir, &config)?;
/// assert_eq!(writer.append(1, 0, Nanos(1_000), b"first")?, 1);
/// writer.close()?;
///
/// let mut reader = JournalReader::open(&dir)?;
/// while let Some(record) = reader.next_record() {
///     assert_eq!((record.sequence, record.payload), (1, &b"first"[..]));
/// }
/// assert_eq!(reader.end(), Some(&End::Clean));
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), tezi_journal::JournalError>(())
/// ```
///
/// # Invariants
///
/// - `position` is a multiple of 8 and every byte from it to the end of the mapping is zero.
/// - `limit` is where the fast path ends: half of the mapping until the next segment was asked for,
///   then all of it, and 0 when the writer has stopped.
/// - `sequence_next` is one more than the last committed sequence.
pub struct JournalWriter {
    segment: Segment,
    position: usize,
    limit: usize,
    sequence_next: u64,
    seed: u32,
    crc: Crc32c,
    number: u32,
    /// The segment it began in; those before it are other writers'.
    number_first: u32,
    segment_bytes: u64,
    session_id: u64,
    /// Bytes of records in the segments this writer has filled.
    bytes_rolled: u64,
    /// Bytes of records that were in its first segment before it.
    bytes_found: u64,
    sequence_first: u64,
    dir: PathBuf,
    ahead: SegmentAhead,
    /// Held, not used: the journal is this writer's while the file is open. Dropped last.
    lock: File,
}

impl JournalWriter {
    /// Makes a journal in `dir`, which is created when it is not there.
    ///
    /// # Errors
    ///
    /// [`JournalError::Exists`] when the directory has a segment, [`JournalError::Locked`] when
    /// another writer is making one, [`JournalError::SegmentBytes`] for a size out of bounds, and
    /// [`JournalError::Io`], a full disk above all. The directory is then as it was.
    pub fn create(dir: &Path, config: &WriterConfig) -> Result<Self, JournalError> {
        check_segment_bytes(config.segment_bytes)?;
        fs::create_dir_all(dir)
            .map_err(|source| JournalError::io("create journal directory", dir, source))?;
        let lock = lock(dir)?;
        if let Some((_, path)) = list(dir)?.into_iter().next() {
            return Err(JournalError::Exists { path });
        }
        let header = SegmentHeader {
            number: 0,
            base_sequence: 1,
            session_id: config.session_id,
            created: config.created,
            segment_bytes: config.segment_bytes,
        };
        remove_unfinished(dir)?;
        let ahead = SegmentAhead::start(dir.to_path_buf(), config.segment_bytes)?;
        let segment = Segment::prepare(dir, 0, config.segment_bytes)?.publish(&header)?;
        Ok(Self::start(dir, lock, ahead, segment, &header, SEGMENT_HEADER_BYTES, 1))
    }

    /// Continues a journal that ends cleanly. Segments made from now on have `segment_bytes`.
    ///
    /// Reads all segment headers and the whole of the last segment; the earlier ones are left to
    /// [`crate::verify`].
    ///
    /// # Errors
    ///
    /// [`JournalError::NeedsRecovery`] when there is a torn tail, [`JournalError::Damaged`] when
    /// the last segment is damaged, [`JournalError::NotAJournal`], [`JournalError::Locked`],
    /// [`JournalError::SegmentBytes`] and [`JournalError::Io`]. Nothing is changed by any.
    pub fn open_append(dir: &Path, segment_bytes: u64) -> Result<Self, JournalError> {
        check_segment_bytes(segment_bytes)?;
        let lock = lock(dir)?;
        let mut reader = JournalReader::open_last_segment(dir)?;
        while reader.next_record().is_some() {}
        match reader.end() {
            Some(End::TornTail(tail)) => {
                return Err(JournalError::NeedsRecovery(Box::new(tail.clone())));
            }
            Some(End::Damage(damage)) => return Err(JournalError::Damaged(damage.clone())),
            Some(End::Clean) | None => {}
        }
        let (path, position) = reader.place();
        let Some(mut header) = reader.header() else {
            return Err(JournalError::NotAJournal { path: dir.to_path_buf() });
        };
        remove_unfinished(dir)?;
        let ahead = SegmentAhead::start(dir.to_path_buf(), segment_bytes)?;
        let segment = Segment::reopen(path, segment_bytes)?;
        let sequence_next = reader.sequence_expected();
        header.segment_bytes = segment_bytes;
        Ok(Self::start(dir, lock, ahead, segment, &header, position, sequence_next))
    }

    fn start(
        dir: &Path,
        lock: File,
        ahead: SegmentAhead,
        segment: Segment,
        header: &SegmentHeader,
        position: usize,
        sequence_next: u64,
    ) -> Self {
        let crc = Crc32c::detect();
        Self {
            position,
            limit: segment.mapping.len() / 2,
            segment,
            sequence_next,
            seed: SegmentHeader::seed(header.session_id, header.number, crc),
            crc,
            number: header.number,
            number_first: header.number,
            segment_bytes: header.segment_bytes,
            session_id: header.session_id,
            bytes_rolled: 0,
            bytes_found: (position - SEGMENT_HEADER_BYTES) as u64,
            sequence_first: sequence_next,
            dir: dir.to_path_buf(),
            ahead,
            lock,
        }
    }

    /// Appends one record and returns its sequence: 1 for a journal's first, then one more each.
    ///
    /// When it returns, the record survives the end of this process, however it ends. It is in the
    /// page cache, not on the disk: a power cut may take it.
    ///
    /// # Errors
    ///
    /// [`JournalError::PayloadTooLarge`]: the record is refused, the next may fit.
    /// [`JournalError::Io`] when the next segment cannot be made, and [`JournalError::Stopped`]
    /// ever after. The records before are untouched, and [`JournalWriter::close`] closes them.
    #[inline]
    pub fn append(
        &mut self,
        record_type: u16,
        flags: u16,
        time: Nanos,
        payload: &[u8],
    ) -> Result<u64, JournalError> {
        self.append_parts(record_type, flags, time, payload, &[])
    }

    /// As [`JournalWriter::append`], for a payload that lies in two places: `head`, then `tail`.
    ///
    /// # Errors
    ///
    /// As [`JournalWriter::append`].
    #[inline]
    pub fn append_parts(
        &mut self,
        record_type: u16,
        flags: u16,
        time: Nanos,
        head: &[u8],
        tail: &[u8],
    ) -> Result<u64, JournalError> {
        let payload_bytes = head.len().saturating_add(tail.len());
        let size = record_bytes(payload_bytes);
        if self.limit.saturating_sub(self.position) < size {
            self.make_room(size, payload_bytes, time)?;
        }
        let sequence = self.sequence_next;
        let length = (RECORD_HEADER_BYTES + payload_bytes) as u32; // at most SEGMENT_BYTES_MAX
        let words = RecordHeader { sequence, time, record_type, flags }.words(length);
        let crc = self.crc.record(self.seed, words, head, tail);

        let record = &mut self.segment.mapping.bytes()[self.position..self.position + size];
        for (place, word) in record[8..RECORD_HEADER_BYTES].chunks_exact_mut(8).zip(&words[1..]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let payload = &mut record[RECORD_HEADER_BYTES..];
        payload[..head.len()].copy_from_slice(head);
        payload[head.len()..payload_bytes].copy_from_slice(tail);
        self.segment.mapping.commit(self.position, words[0] | u64::from(crc) << 32);
        self.position += size;
        self.sequence_next += 1;
        Ok(sequence)
    }

    /// The sequence of the last record in the journal; 0 when it has none.
    #[must_use]
    pub const fn sequence_last(&self) -> u64 {
        self.sequence_next - 1
    }

    /// What was written so far.
    #[must_use]
    pub const fn stats(&self) -> JournalStats {
        let bytes_here = (self.position - SEGMENT_HEADER_BYTES) as u64;
        JournalStats {
            segments: self.number + 1,
            records: self.sequence_next - self.sequence_first,
            bytes: self.bytes_rolled + bytes_here - self.bytes_found,
            sequence_last: self.sequence_last(),
        }
    }

    /// Writes the journal out to the disk, waits for it, and cuts its last segment to the bytes used.
    ///
    /// # Errors
    ///
    /// [`JournalError::Io`]. The records are still in the file, as after a drop.
    pub fn close(self) -> Result<JournalStats, JournalError> {
        let stats = self.stats();
        drop(self.ahead); // a segment prepared and not needed goes first
        for number in self.number_first..self.number {
            sync_segment(&self.dir, number)?;
        }
        self.segment.close(self.position)?;
        sync_dir(&self.lock, &self.dir)?;
        Ok(stats)
    }

    /// Makes room for a record of `size` bytes, or says why there is none.
    #[cold]
    fn make_room(&mut self, size: usize, payload: usize, time: Nanos) -> Result<(), JournalError> {
        if self.limit == 0 {
            let path = self.dir.clone();
            return Err(JournalError::Stopped { path, sequence_last: self.sequence_last() });
        }
        let room = self.segment_bytes as usize - SEGMENT_HEADER_BYTES;
        if room < size {
            let bytes_max = room - RECORD_HEADER_BYTES;
            return Err(JournalError::PayloadTooLarge { bytes: payload, bytes_max });
        }
        self.limit = self.segment.mapping.len();
        if size <= self.limit - self.position {
            if self.number < SEGMENT_NUMBER_MAX {
                self.ahead.request(self.number + 1);
            }
            return Ok(());
        }
        let rolled = self.roll(time);
        if rolled.is_err() {
            self.limit = 0;
        }
        rolled
    }

    fn roll(&mut self, time: Nanos) -> Result<(), JournalError> {
        if SEGMENT_NUMBER_MAX <= self.number {
            return Err(JournalError::SegmentsExhausted { path: self.dir.clone() });
        }
        let header = SegmentHeader {
            number: self.number + 1,
            base_sequence: self.sequence_next,
            session_id: self.session_id,
            created: time,
            segment_bytes: self.segment_bytes,
        };
        let next = self.ahead.take(header.number)?.publish(&header)?;
        self.ahead.retire(mem::replace(&mut self.segment, next));
        self.bytes_rolled += (self.position - SEGMENT_HEADER_BYTES) as u64;
        self.number = header.number;
        self.seed = SegmentHeader::seed(self.session_id, self.number, self.crc);
        self.position = SEGMENT_HEADER_BYTES;
        self.limit = self.segment.mapping.len() / 2;
        Ok(())
    }
}

fn check_segment_bytes(requested: u64) -> Result<(), JournalError> {
    let in_bounds = (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&requested);
    if in_bounds && requested.is_multiple_of(4096) {
        Ok(())
    } else {
        Err(JournalError::SegmentBytes { requested })
    }
}
