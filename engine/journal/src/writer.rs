//! The single writer of a journal.
//!
//! `append` costs a copy, a checksum and one release store; it allocates nothing. The segments are
//! either the files themselves, mapped ([`JournalWriter::create`]), or in memory, with a thread that
//! writes them out and says how far it came ([`JournalWriter::create_staged`]). Staged, a roll takes
//! a segment that is ready and makes no system call either; mapped, it renames a file. After a failed
//! roll, or when the disk fails, the writer refuses every record: a journal has no holes.

use std::{
    fs::{self, File},
    mem,
    path::{Path, PathBuf},
    thread,
};

use tezi_model::Nanos;

use crate::{
    Crc32c, DurableWatermark, End, JournalError, JournalReader, Promise, RECORD_HEADER_BYTES,
    SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, SegmentHeader, StageConfig,
    WriteOut,
    ahead::SegmentAhead,
    format::{RecordHeader, record_bytes},
    mapping::WriteHalf,
    segment::{
        SEGMENT_NUMBER_MAX, Segment, SegmentFile, list, lock, remove_unfinished, sync_dir,
        sync_segment,
    },
    stage::{Beginning, Stage, settle},
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
    /// Rolls that had to wait for a segment: the disk was behind.
    pub waits: u64,
    /// The last sequence on the disk with everything before it; 0 of a journal in the page cache
    /// that is not closed.
    pub durable: u64,
    /// Writes to the disk; 0 of a journal in the page cache, which the operating system writes.
    pub batches: u64,
    /// Bytes of records in those writes.
    pub bytes_written: u64,
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
/// - `half` is the current segment's; when the writer has stopped it gives no more room.
/// - `sequence_next` is one more than the last committed sequence.
pub struct JournalWriter {
    half: WriteHalf,
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
    is_stopped: bool,
    dir: PathBuf,
    backing: Backing,
    /// Held, not used: the journal is this writer's while the file is open. Dropped last.
    lock: File,
}

/// Where segments come from and go to.
enum Backing {
    /// They are the files, in the page cache.
    PageCache { current: SegmentFile, ahead: SegmentAhead },
    /// They are in memory, and a thread writes them out.
    Memory(Box<Stage>),
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
        let header = new_journal(dir, &lock, config)?;
        let ahead = SegmentAhead::start(dir.to_path_buf(), config.segment_bytes)?;
        let Segment { half, file } =
            Segment::prepare(dir, 0, config.segment_bytes)?.publish(&header)?;
        let backing = Backing::PageCache { current: file, ahead };
        Ok(Self::start(dir, lock, backing, half, &header, 1))
    }

    /// As [`JournalWriter::create`], with the segments that are written in memory: appends take no
    /// page fault and no system call, and [`JournalWriter::durable_watermark`] follows them.
    ///
    /// # Errors
    ///
    /// As [`JournalWriter::create`], and [`JournalError::NotInMemory`] where there is no memory file
    /// system; a journal in the page cache can be made there.
    pub fn create_staged(
        dir: &Path,
        config: &WriterConfig,
        stage: &StageConfig,
    ) -> Result<Self, JournalError> {
        check_segment_bytes(config.segment_bytes)?;
        fs::create_dir_all(dir)
            .map_err(|source| JournalError::io("create journal directory", dir, source))?;
        let lock = lock(dir)?;
        let header = new_journal(dir, &lock, config)?;
        let beginning = Beginning { header: &header, present: &[], sequence_last: 0 };
        let (stage, half) = Stage::start(dir, &lock, stage, &beginning)?;
        Ok(Self::start(dir, lock, Backing::Memory(Box::new(stage)), half, &header, 1))
    }

    /// Continues a journal that ends cleanly. Segments made from now on have `segment_bytes`.
    ///
    /// Reads all segment headers and the whole of the last segment; the earlier ones are left to
    /// [`crate::verify`]. What a killed writer left in memory is brought to the disk first.
    ///
    /// # Errors
    ///
    /// [`JournalError::NeedsRecovery`] when there is a torn tail, [`JournalError::Damaged`] when
    /// the last segment is damaged, [`JournalError::NotAJournal`], [`JournalError::Locked`],
    /// [`JournalError::SegmentBytes`] and [`JournalError::Io`]. Nothing is changed by any.
    pub fn open_append(dir: &Path, segment_bytes: u64) -> Result<Self, JournalError> {
        let Found { lock, reader, mut header } = Found::open(dir, segment_bytes)?;
        let (path, position) = reader.place();
        let ahead = SegmentAhead::start(dir.to_path_buf(), segment_bytes)?;
        let Segment { half, file } = Segment::reopen(path, segment_bytes, position)?;
        header.segment_bytes = segment_bytes;
        let backing = Backing::PageCache { current: file, ahead };
        Ok(Self::start(dir, lock, backing, half, &header, reader.sequence_expected()))
    }

    /// As [`JournalWriter::open_append`], with the segments that are written in memory.
    ///
    /// # Errors
    ///
    /// As [`JournalWriter::open_append`] and [`JournalWriter::create_staged`].
    pub fn open_append_staged(
        dir: &Path,
        segment_bytes: u64,
        stage: &StageConfig,
    ) -> Result<Self, JournalError> {
        let Found { lock, reader, mut header } = Found::open(dir, segment_bytes)?;
        let (present, sequence_next) = (reader.current_bytes(), reader.sequence_expected());
        // The segment may have been continued before, and be larger than its header says.
        let bytes_present = (present.len() as u64).next_multiple_of(4096);
        header.segment_bytes = segment_bytes.max(header.segment_bytes).max(bytes_present);
        let beginning = Beginning { header: &header, present, sequence_last: sequence_next - 1 };
        let (stage, half) = Stage::start(dir, &lock, stage, &beginning)?;
        header.segment_bytes = segment_bytes;
        let backing = Backing::Memory(Box::new(stage));
        Ok(Self::start(dir, lock, backing, half, &header, sequence_next))
    }

    fn start(
        dir: &Path,
        lock: File,
        backing: Backing,
        half: WriteHalf,
        header: &SegmentHeader,
        sequence_next: u64,
    ) -> Self {
        let crc = Crc32c::detect();
        Self {
            bytes_found: (half.position() - SEGMENT_HEADER_BYTES) as u64,
            half,
            sequence_next,
            seed: SegmentHeader::seed(header.session_id, header.number, crc),
            crc,
            number: header.number,
            number_first: header.number,
            segment_bytes: header.segment_bytes,
            session_id: header.session_id,
            bytes_rolled: 0,
            sequence_first: sequence_next,
            is_stopped: false,
            dir: dir.to_path_buf(),
            backing,
            lock,
        }
    }

    /// Appends one record and returns its sequence: 1 for a journal's first, then one more each.
    ///
    /// When it returns, the record survives the end of this process, however it ends
    /// ([`Promise::Appended`]). It is in memory, not on the disk: a power cut may take it until
    /// [`JournalWriter::durable_watermark`] has reached the sequence.
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
        let sequence = self.sequence_next;
        let header = RecordHeader { sequence, time, record_type, flags };
        if !self.crc.append(&mut self.half, self.seed, header, head, tail) {
            self.append_in_new_room(header, head, tail)?;
        }
        self.sequence_next += 1;
        Ok(sequence)
    }

    /// Appends what found no room before the limit.
    #[cold]
    fn append_in_new_room(
        &mut self,
        header: RecordHeader,
        head: &[u8],
        tail: &[u8],
    ) -> Result<(), JournalError> {
        let payload_bytes = head.len().saturating_add(tail.len());
        self.make_room(record_bytes(payload_bytes), payload_bytes, header.time)?;
        let is_appended = self.crc.append(&mut self.half, self.seed, header, head, tail);
        if is_appended { Ok(()) } else { Err(self.stopped()) }
    }

    /// Bytes that the current segment still has.
    pub(crate) fn room(&self) -> usize {
        self.half.len() - self.half.position()
    }

    /// Bytes of the current segment that are taken, its header included.
    pub(crate) fn position(&self) -> usize {
        self.half.position()
    }

    /// Size of the segments that are made from now on.
    pub(crate) const fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// The sequence of the last record in the journal; 0 when it has none.
    #[must_use]
    pub const fn sequence_last(&self) -> u64 {
        self.sequence_next - 1
    }

    /// The last sequence that is on the disk with everything before it. Of a journal in the page
    /// cache that is 0, or the last one found when it was opened: nothing is promised before `close`.
    #[inline]
    #[must_use]
    pub fn durable_watermark(&self) -> u64 {
        match &self.backing {
            Backing::PageCache { .. } => 0,
            Backing::Memory(stage) => stage.durable(),
        }
    }

    /// The watermark for other threads; `None` when the journal is in the page cache.
    #[must_use]
    pub fn durable(&self) -> Option<DurableWatermark> {
        match &self.backing {
            Backing::PageCache { .. } => None,
            Backing::Memory(stage) => Some(stage.watermark()),
        }
    }

    /// How the journal reaches the disk.
    #[must_use]
    pub const fn write_out(&self) -> WriteOut {
        match &self.backing {
            Backing::PageCache { .. } => WriteOut::PageCache,
            Backing::Memory(stage) => stage.write_out(),
        }
    }

    /// The last sequence for which a promise is kept.
    #[inline]
    #[must_use]
    pub fn kept(&self, promise: Promise) -> u64 {
        match promise {
            Promise::Appended => self.sequence_last(),
            Promise::Durable => self.durable_watermark(),
            // What another host has is not the writer's to know.
            Promise::Replicated => 0,
        }
    }

    /// Whether the journal still reaches the disk, as far as that is known now.
    ///
    /// # Errors
    ///
    /// [`JournalError::Io`], the fault that keeps a staged journal from it: appends are about to be
    /// refused. A mapped one does not know.
    #[inline]
    pub fn check(&self) -> Result<(), JournalError> {
        match &self.backing {
            Backing::PageCache { .. } => Ok(()),
            Backing::Memory(stage) => stage.check(),
        }
    }

    /// Waits until a promise is kept for `sequence`, giving the core away between looks.
    ///
    /// # Errors
    ///
    /// [`JournalError::Io`] when the disk has failed, [`JournalError::NotPromised`] when the record
    /// is not there or the journal is in the page cache and gives no such promise.
    pub fn wait_for(&self, promise: Promise, sequence: u64) -> Result<(), JournalError> {
        while self.kept(promise) < sequence {
            match &self.backing {
                Backing::Memory(stage)
                    if promise != Promise::Replicated && sequence <= self.sequence_last() =>
                {
                    stage.check()?;
                }
                _ => return Err(JournalError::NotPromised { promise, sequence }),
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// What was written so far.
    #[must_use]
    pub fn stats(&self) -> JournalStats {
        let bytes_here = (self.half.position() - SEGMENT_HEADER_BYTES) as u64;
        let (batches, bytes_written) = match &self.backing {
            Backing::PageCache { .. } => (0, 0),
            Backing::Memory(stage) => stage.written(),
        };
        JournalStats {
            segments: self.number + 1,
            records: self.sequence_next - self.sequence_first,
            bytes: self.bytes_rolled + bytes_here - self.bytes_found,
            sequence_last: self.sequence_last(),
            waits: match &self.backing {
                Backing::PageCache { ahead, .. } => ahead.waits(),
                Backing::Memory(stage) => stage.waits(),
            },
            durable: self.durable_watermark(),
            batches,
            bytes_written,
        }
    }

    /// Writes the journal out to the disk, waits for it, and cuts its last segment to the bytes used.
    ///
    /// # Errors
    ///
    /// [`JournalError::Io`]. The records are still in the file or in memory, as after a drop.
    pub fn close(self) -> Result<JournalStats, JournalError> {
        let mut stats = self.stats();
        let Self { half, dir, lock, backing, .. } = self;
        match backing {
            Backing::PageCache { current, ahead } => {
                drop(ahead); // a segment prepared and not needed goes first
                for number in self.number_first..self.number {
                    sync_segment(&dir, number)?;
                }
                current.close(half)?;
            }
            Backing::Memory(stage) => {
                (stats.batches, stats.bytes_written) = stage.close(&lock)?;
            }
        }
        sync_dir(&lock, &dir)?;
        stats.durable = stats.sequence_last;
        Ok(stats)
    }

    /// Makes room for a record of `size` bytes, or says why there is none. Comes here every 64 KiB,
    /// to see whether the disk still takes the journal.
    fn make_room(&mut self, size: usize, payload: usize, time: Nanos) -> Result<(), JournalError> {
        if self.is_stopped {
            return Err(self.stopped());
        }
        let room = self.segment_bytes as usize - SEGMENT_HEADER_BYTES;
        if room < size {
            let bytes_max = room - RECORD_HEADER_BYTES;
            return Err(JournalError::PayloadTooLarge { bytes: payload, bytes_max });
        }
        let looked = self.look_around();
        if looked.is_ok() && self.half.look_beyond(size) {
            return Ok(());
        }
        let rolled = looked.and_then(|()| self.roll(time));
        if rolled.is_err() {
            self.is_stopped = true;
            self.half.stop();
        }
        rolled?;
        // A record larger than one look at what is around.
        if self.half.look_beyond(size) { Ok(()) } else { Err(self.stopped()) }
    }

    /// What is due between appends: the next segment asked for in time, the disk's fault seen.
    fn look_around(&mut self) -> Result<(), JournalError> {
        match &mut self.backing {
            Backing::PageCache { ahead, .. } => {
                if self.half.len() / 2 <= self.half.position() && self.number < SEGMENT_NUMBER_MAX {
                    ahead.request(self.number + 1);
                }
                Ok(())
            }
            Backing::Memory(stage) => {
                stage.look_ahead();
                stage.check()
            }
        }
    }

    /// Begins a new segment now, so that what was written so far can be copied away whole. A segment
    /// without a record stays.
    ///
    /// # Errors
    ///
    /// As [`JournalWriter::append`].
    pub fn rotate(&mut self, time: Nanos) -> Result<(), JournalError> {
        if self.is_stopped {
            return Err(self.stopped());
        }
        if self.half.position() == SEGMENT_HEADER_BYTES {
            return Ok(());
        }
        self.begin_segment(time)
    }

    /// Begins a new segment now, whatever is in the current one.
    ///
    /// # Errors
    ///
    /// As [`JournalWriter::append`].
    pub(crate) fn begin_segment(&mut self, time: Nanos) -> Result<(), JournalError> {
        if self.is_stopped {
            return Err(self.stopped());
        }
        let rolled = self.look_around().and_then(|()| self.roll(time));
        if rolled.is_err() {
            self.is_stopped = true;
            self.half.stop();
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
        let bytes = (self.half.position() - SEGMENT_HEADER_BYTES) as u64;
        match &mut self.backing {
            Backing::PageCache { current, ahead } => {
                let Segment { half, file } = ahead.take(header.number)?.publish(&header)?;
                let half = mem::replace(&mut self.half, half);
                ahead.retire(Segment { half, file: mem::replace(current, file) });
            }
            Backing::Memory(stage) => {
                let mut next = stage.take(header.number)?;
                next.begin(&header.encode());
                self.half = next;
            }
        }
        self.bytes_rolled += bytes;
        self.number = header.number;
        self.seed = SegmentHeader::seed(self.session_id, self.number, self.crc);
        Ok(())
    }

    #[cold]
    fn stopped(&self) -> JournalError {
        JournalError::Stopped { path: self.dir.clone(), sequence_last: self.sequence_last() }
    }
}

/// A journal that can be continued.
struct Found {
    lock: File,
    reader: JournalReader,
    header: SegmentHeader,
}

impl Found {
    fn open(dir: &Path, segment_bytes: u64) -> Result<Self, JournalError> {
        check_segment_bytes(segment_bytes)?;
        let lock = lock(dir)?;
        settle(dir, &lock)?;
        let mut reader = JournalReader::open_last_segment(dir)?;
        while reader.next_record().is_some() {}
        match reader.end() {
            Some(End::TornTail(tail)) => {
                return Err(JournalError::NeedsRecovery(Box::new(tail.clone())));
            }
            Some(End::Damage(damage)) => return Err(JournalError::Damaged(damage.clone())),
            Some(End::Clean) | None => {}
        }
        let Some(header) = reader.header() else {
            return Err(JournalError::NotAJournal { path: dir.to_path_buf() });
        };
        remove_unfinished(dir)?;
        Ok(Self { lock, reader, header })
    }
}

/// The first header of a journal, in a directory that has none yet. For who holds the lock.
fn new_journal(
    dir: &Path,
    lock: &File,
    config: &WriterConfig,
) -> Result<SegmentHeader, JournalError> {
    settle(dir, lock)?;
    if let Some((_, path)) = list(dir)?.into_iter().next() {
        return Err(JournalError::Exists { path });
    }
    remove_unfinished(dir)?;
    Ok(SegmentHeader {
        number: 0,
        base_sequence: 1,
        session_id: config.session_id,
        created: config.created,
        segment_bytes: config.segment_bytes,
    })
}

fn check_segment_bytes(requested: u64) -> Result<(), JournalError> {
    let in_bounds = (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&requested);
    if in_bounds && requested.is_multiple_of(4096) {
        Ok(())
    } else {
        Err(JournalError::SegmentBytes { requested })
    }
}
