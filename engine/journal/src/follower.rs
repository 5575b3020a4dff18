//! Follows a journal while it is written, without the writer knowing.
//!
//! A follower reads with plain file reads, from memory where the journal is staged there and from the
//! disk otherwise: it maps nothing, locks nothing and asks nothing of the writer. It returns each
//! committed record once, in order. A record it sees half is one it has come too early for.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use crate::{
    Crc32c, Damage, DamageKind, HeaderFault, JournalError, RECORD_HEADER_BYTES, Record,
    RecordFault, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES, SegmentHeader,
    format::{Frame, parse, stored_checksum},
    segment::segment_path,
    stage::memory_segment_path,
};

/// The most that is read at once; a larger record is read as a whole.
const WINDOW_BYTES: usize = 256 << 10;
/// What is read at once by a follower that has caught up: all that a look for news costs.
const WINDOW_BYTES_MIN: usize = 4 << 10;
/// A read may pass a record that is being committed, and then sees the rest of it a moment later.
const READS_MAX: u32 = 4;

/// Returns the records of a live journal, one by one, as they are committed.
///
/// ```
/// use tezi_journal::{JournalFollower, JournalWriter, WriterConfig};
/// use tezi_model::Nanos;
/// # let dir = std::env::temp_dir().join(format!("tezi-journal-follow-{}", std::process::id()));
/// # drop(std::fs::remove_dir_all(&dir));
/// let mut writer = JournalWriter::create(&dir, &WriterConfig::default())?;
/// let mut follower = JournalFollower::open(&dir)?;
/// assert!(follower.poll()?.is_none());
/// writer.append(1, 0, Nanos(1_000), b"news")?;
/// assert_eq!(follower.poll()?.unwrap().payload, b"news");
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), tezi_journal::JournalError>(())
/// ```
///
/// # Invariants
///
/// - `window` is a copy of the segment from `window_offset` on; `position` is inside it or at its end.
pub struct JournalFollower {
    dir: PathBuf,
    crc: Crc32c,
    segment: OpenSegment,
    seed: u32,
    window: Vec<u8>,
    window_offset: u64,
    position: usize,
    /// What is read at once: more while it is behind.
    window_bytes: usize,
    sequence_expected: u64,
}

/// Whole records of one segment, as they lie there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The segment.
    pub segment: SegmentHeader,
    /// The sequence of the first record.
    pub first: u64,
    /// The sequence of the last record.
    pub last: u64,
    /// The records, headers and padding included, one directly after the other.
    pub records: &'a [u8],
}

/// Where a sequence that was looked for is.
pub enum Sought {
    /// The follower stands before it.
    Found {
        /// Its next record is the one that was looked for, or will be.
        follower: JournalFollower,
        /// The checksum of the record before that; 0 when there is none.
        crc_before: u32,
    },
    /// The journal does not go that far.
    Beyond {
        /// Its last sequence.
        sequence_last: u64,
    },
}

/// A segment file that is being read.
struct OpenSegment {
    file: File,
    path: PathBuf,
    header: SegmentHeader,
}

impl JournalFollower {
    /// Begins with the journal's first record.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotAJournal`] when there is no first segment yet, and those of
    /// [`JournalFollower::poll`].
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let not_there = || JournalError::NotAJournal { path: dir.to_path_buf() };
        let segment = OpenSegment::open(dir, 0, None)?.ok_or_else(not_there)?;
        let crc = Crc32c::detect();
        Ok(Self {
            dir: dir.to_path_buf(),
            crc,
            seed: SegmentHeader::seed(segment.header.session_id, 0, crc),
            sequence_expected: segment.header.base_sequence,
            segment,
            window: Vec::new(),
            window_offset: SEGMENT_HEADER_BYTES as u64,
            position: 0,
            window_bytes: WINDOW_BYTES_MIN,
        })
    }

    /// Begins with a sequence: the next that the journal will have, at most.
    ///
    /// Reads the headers of the segments before and the one that holds the record before it.
    ///
    /// # Errors
    ///
    /// As [`JournalFollower::open`] and [`JournalFollower::poll`].
    pub fn seek(dir: &Path, sequence: u64) -> Result<Sought, JournalError> {
        let mut follower = Self::open(dir)?;
        let before = sequence.saturating_sub(1);
        if before == 0 {
            return Ok(Sought::Found { follower, crc_before: 0 });
        }
        let session = follower.segment.header.session_id;
        loop {
            let number = follower.segment.header.number + 1;
            match OpenSegment::open(dir, number, Some(session))? {
                Some(next) if next.header.base_sequence <= before => {
                    follower.sequence_expected = next.header.base_sequence;
                    follower.enter(next)?;
                }
                _ => break,
            }
        }
        loop {
            let Some(batch) = follower.poll_batch(0)? else {
                return Ok(Sought::Beyond { sequence_last: follower.sequence_last() });
            };
            if batch.last == before {
                let crc_before = stored_checksum(batch.records);
                return Ok(Sought::Found { follower, crc_before });
            }
        }
    }

    /// The segment that it reads.
    #[must_use]
    pub const fn segment(&self) -> &SegmentHeader {
        &self.segment.header
    }

    /// The next records as they lie in their segment, as many as were read and `bytes_max` takes, one
    /// at least; `None` when there is none yet, or none any more.
    ///
    /// # Errors
    ///
    /// As [`JournalFollower::poll`].
    pub fn poll_batch(&mut self, bytes_max: usize) -> Result<Option<Batch<'_>>, JournalError> {
        let Some(frame) = self.next_frame()? else { return Ok(None) };
        let (start, first) = (self.position, self.sequence_expected);
        self.position += frame.size();
        self.sequence_expected += 1;
        while self.position - start < bytes_max
            && let Ok(frame) = self.parse()
            && self.position - start + frame.size() <= bytes_max
        {
            self.position += frame.size();
            self.sequence_expected += 1;
        }
        Ok(Some(Batch {
            segment: self.segment.header,
            first,
            last: self.sequence_expected - 1,
            records: &self.window[start..self.position],
        }))
    }

    /// The next record; `None` when there is none yet, or none any more.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] where the journal is not what was written, [`JournalError::Header`]
    /// when a segment is of another journal, and [`JournalError::Io`]. The follower stays where it is.
    pub fn poll(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        let Some(Frame { header, length }) = self.next_frame()? else { return Ok(None) };
        let start = self.position;
        self.position += Frame { header, length }.size();
        self.sequence_expected += 1;
        Ok(Some(Record {
            sequence: header.sequence,
            time: header.time,
            record_type: header.record_type,
            flags: header.flags,
            payload: &self.window[start + RECORD_HEADER_BYTES..start + length],
            segment: self.segment.header.number,
            offset: self.window_offset + start as u64,
        }))
    }

    /// The sequence of the last record returned; 0 when there was none.
    #[must_use]
    pub const fn sequence_last(&self) -> u64 {
        self.sequence_expected - 1
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, JournalError> {
        if let Ok(frame) = self.parse() {
            return Ok(Some(frame));
        }
        let is_behind = self.window.len() / 2 < self.position;
        let more = if is_behind { self.window_bytes * 2 } else { WINDOW_BYTES_MIN };
        self.window_bytes = more.min(WINDOW_BYTES);
        let mut bytes_wanted = self.window_bytes;
        let mut reads = 0;
        loop {
            // Asked for before reading: what this segment still gets was committed by then.
            let number_next = self.segment.header.number + 1;
            let session = self.segment.header.session_id;
            let next = OpenSegment::open(&self.dir, number_next, Some(session))?;
            self.read_window(bytes_wanted)?;
            reads += 1;
            match (self.parse(), next) {
                (Ok(frame), _) => return Ok(Some(frame)),
                (Err(RecordFault::Uncommitted), None) => return Ok(None),
                (Err(RecordFault::Uncommitted), Some(next)) => self.enter(next)?,
                (Err(RecordFault::Cut { length, .. }), _)
                    if bytes_wanted < length as usize + 8
                        && u64::from(length) < SEGMENT_BYTES_MAX =>
                {
                    bytes_wanted = length as usize + 8;
                }
                (Err(fault), _) if READS_MAX <= reads => {
                    return Err(self.damaged(DamageKind::Record(fault)));
                }
                (Err(_), _) => {}
            }
        }
    }

    fn parse(&self) -> Result<Frame, RecordFault> {
        let frame = parse(&self.window[self.position..], self.seed, self.crc)?;
        let found = frame.header.sequence;
        if found == self.sequence_expected {
            Ok(frame)
        } else {
            Err(RecordFault::Sequence { found })
        }
    }

    /// Reads from the current position on.
    fn read_window(&mut self, bytes_wanted: usize) -> Result<(), JournalError> {
        self.window_offset += self.position as u64;
        self.position = 0;
        self.window.clear();
        loop {
            self.window.resize(bytes_wanted, 0);
            let read = read_at(&self.segment.file, &mut self.window, self.window_offset);
            let count = read.map_err(|source| {
                JournalError::io("read journal segment", &self.segment.path, source)
            })?;
            self.window.truncate(count);
            if self.segment.is_still_there() {
                return Ok(());
            }
            // The memory was taken back: all of the segment is on the disk, under its own name.
            let OpenSegment { header, .. } = self.segment;
            let again = OpenSegment::open(&self.dir, header.number, Some(header.session_id))?;
            let missing = DamageKind::MissingSegments { first: header.number, last: header.number };
            self.segment = again.ok_or_else(|| self.damaged(missing))?;
        }
    }

    fn enter(&mut self, next: OpenSegment) -> Result<(), JournalError> {
        let found = next.header.base_sequence;
        if found != self.sequence_expected {
            return Err(self.damaged(DamageKind::Base { found }));
        }
        self.seed = SegmentHeader::seed(next.header.session_id, next.header.number, self.crc);
        self.segment = next;
        self.window.clear();
        self.window_offset = SEGMENT_HEADER_BYTES as u64;
        self.position = 0;
        Ok(())
    }

    #[cold]
    fn damaged(&self, what: DamageKind) -> JournalError {
        JournalError::Damaged(Box::new(Damage {
            segment: self.segment.path.clone(),
            offset: self.window_offset + self.position as u64,
            sequence_expected: self.sequence_expected,
            what,
            bytes_lost: 0,
            records_lost: None,
        }))
    }
}

impl OpenSegment {
    /// Opens segment `number` in memory, or else on the disk; `None` when it has not begun.
    fn open(dir: &Path, number: u32, session: Option<u64>) -> Result<Option<Self>, JournalError> {
        for path in [memory_segment_path(dir, number), segment_path(dir, number)] {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(JournalError::io("open journal segment", &path, source)),
            };
            let Ok(header) = header_of(&file) else { continue };
            if header.number != number {
                continue; // memory on its way to another number
            }
            if let Some(expected) = session.filter(|&expected| expected != header.session_id) {
                let fault = HeaderFault::Session { found: header.session_id, expected };
                return Err(JournalError::Header { path, fault });
            }
            return Ok(Some(Self { file, path, header }));
        }
        Ok(None)
    }

    fn is_still_there(&self) -> bool {
        header_of(&self.file) == Ok(self.header)
    }
}

fn header_of(file: &File) -> Result<SegmentHeader, HeaderFault> {
    let mut start = [0; SEGMENT_HEADER_BYTES];
    match read_at(file, &mut start, 0) {
        Ok(SEGMENT_HEADER_BYTES) => SegmentHeader::decode(&start).map(|read| read.header),
        read => Err(HeaderFault::Short { bytes: read.unwrap_or(0) as u64 }),
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < bytes.len() {
        let at = offset + count as u64;
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, &mut bytes[count..], at);
        #[cfg(not(unix))]
        let read = {
            use std::io::{Read, Seek, SeekFrom};
            let mut file = file;
            file.seek(SeekFrom::Start(at)).and_then(|_| file.read(&mut bytes[count..]))
        };
        match read {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        JournalWriter, SEGMENT_BYTES_MIN, StageConfig, WriterConfig,
        tests::{Random, TempDir},
    };
    use tezi_model::Nanos;

    const CONFIG: WriterConfig = WriterConfig {
        segment_bytes: SEGMENT_BYTES_MIN * 8,
        session_id: 0xF0_110,
        created: Nanos(1),
    };

    /// Mostly small, now and then larger than the window.
    fn payload(sequence: u64) -> Vec<u8> {
        let mut random = Random(sequence);
        let most = if random.below(12) == 0 { 300_000 } else { 300 };
        vec![sequence as u8; random.below(most) as usize]
    }

    fn take_all(follower: &mut JournalFollower) -> u64 {
        while let Some(record) = follower.poll().unwrap() {
            let (sequence, found) = (record.sequence, record.payload);
            assert!(found == payload(sequence), "record {sequence}");
        }
        follower.sequence_last()
    }

    fn append(writer: &mut JournalWriter, count: u64) {
        for _ in 0..count {
            let next = writer.sequence_last() + 1;
            writer.append(1, 0, Nanos(0), &payload(next)).unwrap();
        }
    }

    #[test]
    fn every_record_is_followed_in_the_page_cache_and_in_memory() {
        for is_staged in [false, true] {
            let dir = TempDir::new(if is_staged { "follow-staged" } else { "follow" });
            assert!(matches!(JournalFollower::open(&dir.0), Err(JournalError::NotAJournal { .. })));
            let made = if is_staged {
                JournalWriter::create_staged(&dir.0, &CONFIG, &StageConfig::default())
            } else {
                JournalWriter::create(&dir.0, &CONFIG)
            };
            if matches!(made, Err(JournalError::NotInMemory { .. })) {
                println!("skipped: no memory file system");
                continue;
            }
            let mut writer = made.unwrap();
            let mut random = Random(5);
            let mut follower = JournalFollower::open(&dir.0).unwrap();
            // One that falls behind, so that memory is taken back before it comes there.
            let mut late = JournalFollower::open(&dir.0).unwrap();
            for round in 0..40 {
                append(&mut writer, random.below(20));
                assert_eq!(take_all(&mut follower), writer.sequence_last(), "round {round}");
            }
            late.poll().unwrap();
            append(&mut writer, 100);
            assert_eq!(take_all(&mut late), writer.sequence_last());
            let last = writer.sequence_last();
            assert!(4 < writer.close().unwrap().segments);
            assert_eq!(take_all(&mut follower), last);
        }
    }

    #[test]
    fn a_follower_on_another_thread_sees_every_record_once() {
        let dir = TempDir::new("follow-thread");
        let mut writer = JournalWriter::create(&dir.0, &CONFIG).unwrap();
        let mut follower = JournalFollower::open(&dir.0).unwrap();
        let reading = std::thread::spawn(move || {
            while take_all(&mut follower) < 600 {
                std::thread::yield_now();
            }
        });
        append(&mut writer, 600);
        reading.join().unwrap();
    }

    #[test]
    fn a_flipped_byte_is_named_and_not_passed_over() {
        let dir = TempDir::new("follow-flip");
        let mut writer = JournalWriter::create(&dir.0, &CONFIG).unwrap();
        append(&mut writer, 5);
        drop(writer);
        let path = segment_path(&dir.0, 0);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[64 + 16] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let mut follower = JournalFollower::open(&dir.0).unwrap();
        for _ in 0..2 {
            let error = follower.poll().err().unwrap().to_string();
            assert!(error.contains("checksum mismatch in record 1"), "{error}");
        }
    }
}
