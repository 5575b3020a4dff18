//! Reads a journal: every committed record, in order, and how it ends.
//!
//! A reader never returns a record that was not written and never passes over one in silence. It
//! stops at damage and names it; [`JournalReader::skip_damage`] goes on behind it. Files are read,
//! not mapped, one segment at a time, so a file that shrinks or a disk that fails is a named fault.
//! Of a journal that is being written it sees what was committed when it read the segment.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use tezi_model::Nanos;

use crate::{
    Crc32c, Damage, DamageKind, End, HeaderFault, JournalError, RECORD_ALIGN, RECORD_HEADER_BYTES,
    RecordFault, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES, SegmentHeader, TornTail,
    format::{Frame, good_prefix, may_start, parse},
    header::ReadHeader,
    mapping::advise_huge_pages,
    segment::{list, segment_path},
    stage::staged_segments,
};

/// One committed record, borrowed from the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the journal, from 1.
    pub sequence: u64,
    /// The writer's time.
    pub time: Nanos,
    /// The host's type number.
    pub record_type: u16,
    /// The host's flags.
    pub flags: u16,
    /// What was appended.
    pub payload: &'a [u8],
    /// Number of the segment it lies in.
    pub segment: u32,
    /// Where it starts in the segment file.
    pub offset: u64,
}

/// A segment file before its records are read.
struct SegmentFile {
    number: u32,
    path: PathBuf,
    /// Its copy in memory, while a writer has it there or after one was killed.
    staged: Option<PathBuf>,
    /// Size, of the larger copy.
    bytes: u64,
    header: Result<ReadHeader, DamageKind>,
}

/// Reads the records of a journal, or of one segment file.
pub struct JournalReader {
    segments: Vec<SegmentFile>,
    session_id: u64,
    crc: Crc32c,
    /// Index of the segment in `bytes`; those before it are done with.
    index: usize,
    /// The current segment, whole.
    bytes: Vec<u8>,
    position: usize,
    seed: u32,
    sequence_expected: u64,
    /// What was found and not yet reported, the end of the journal last.
    pending: VecDeque<End>,
    end: Option<End>,
}

impl JournalReader {
    /// Opens a journal directory, or a single segment file.
    ///
    /// Reads every segment header. Segment files must not be renamed, except a single one that is
    /// opened by itself.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotAJournal`] when there is no segment, [`JournalError::Header`] when no
    /// segment has a usable header, [`JournalError::Io`] when the path cannot be read. Everything
    /// else is found by reading.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_from(path, false)
    }

    /// Opens a journal at the last segment with a usable header, taking the earlier ones on their
    /// headers' word.
    pub(crate) fn open_last_segment(dir: &Path) -> Result<Self, JournalError> {
        Self::open_from(dir, true)
    }

    fn open_from(path: &Path, at_last: bool) -> Result<Self, JournalError> {
        let error = |source| JournalError::io("open journal", path, source);
        let is_dir = std::fs::metadata(path).map_err(error)?.is_dir();
        let mut segments: Vec<_> = if is_dir {
            segment_files(path)?
        } else {
            vec![SegmentFile::open(0, path.to_path_buf(), None, false)]
        };
        let session_id = session_of(path, &segments)?;
        for file in &mut segments {
            file.check_session(session_id);
        }
        let last_usable = segments.iter().rposition(|file| file.header.is_ok()).unwrap_or(0);
        let index = if at_last { last_usable } else { 0 };
        let mut reader = Self {
            segments,
            session_id,
            crc: Crc32c::detect(),
            index,
            bytes: Vec::new(),
            position: 0,
            seed: 0,
            sequence_expected: 1,
            pending: VecDeque::new(),
            end: None,
        };
        if at_last || !is_dir {
            // Reading starts in the middle: what the first header says is what comes first.
            if let Ok(read) = reader.segments[index].header {
                reader.sequence_expected = read.header.base_sequence;
            }
        } else if 0 < reader.segments[0].number {
            reader.report_missing(0);
        }
        reader.enter(index);
        Ok(reader)
    }

    /// The next record; `None` at the end and at damage, as [`JournalReader::end`] tells.
    #[inline]
    pub fn next_record(&mut self) -> Option<Record<'_>> {
        let frame = loop {
            if self.end.is_some() || self.found_end() {
                return None;
            }
            match parse(&self.bytes[self.position..], self.seed, self.crc) {
                Ok(frame) if frame.header.sequence == self.sequence_expected => break frame,
                Ok(Frame { header, .. }) => {
                    self.on_fault(RecordFault::Sequence { found: header.sequence });
                }
                Err(fault) => self.on_fault(fault),
            }
        };
        let Frame { header, length } = frame;
        let offset = self.position;
        self.position += frame.size();
        self.sequence_expected = self.sequence_expected.saturating_add(1);
        Some(Record {
            sequence: header.sequence,
            time: header.time,
            record_type: header.record_type,
            flags: header.flags,
            payload: &self.bytes[offset + RECORD_HEADER_BYTES..offset + length],
            segment: self.segments[self.index].number,
            offset: offset as u64,
        })
    }

    /// How reading stopped; `None` while there may be more records.
    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Goes on behind damage. Returns whether there was any to go behind.
    pub fn skip_damage(&mut self) -> bool {
        let at_damage = matches!(self.end, Some(End::Damage(_)));
        if at_damage {
            self.end = None;
        }
        at_damage
    }

    /// The header of the segment being read; `None` when it has no usable one.
    #[must_use]
    pub fn header(&self) -> Option<SegmentHeader> {
        self.segments[self.index].header.ok().map(|read| read.header)
    }

    /// The session all segments share.
    #[must_use]
    pub const fn session_id(&self) -> u64 {
        self.session_id
    }

    /// Number of segment files.
    #[must_use]
    pub const fn segments(&self) -> usize {
        self.segments.len()
    }

    /// The sequence the next record should have.
    pub(crate) const fn sequence_expected(&self) -> u64 {
        self.sequence_expected
    }

    /// The segment file being read, and how far.
    pub(crate) fn place(&self) -> (&Path, usize) {
        (&self.segments[self.index].path, self.position)
    }

    /// The bytes of the segment being read, up to where reading came.
    pub(crate) fn current_bytes(&self) -> &[u8] {
        &self.bytes[..self.position]
    }

    /// Loads segment `index` and reports what its header, its name and its first sequence show.
    #[cold]
    fn enter(&mut self, index: usize) {
        self.index = index;
        self.position = 0;
        if let Err(error) = self.segments[index].read(&mut self.bytes, self.crc) {
            return self.give_up(DamageKind::Unreadable { os_error: error.raw_os_error() });
        }
        let start = SEGMENT_HEADER_BYTES.min(self.bytes.len());
        match self.segments[index].header {
            Ok(ReadHeader { header, bit_mended }) => {
                if let Some(bit) = bit_mended {
                    let what = DamageKind::HeaderBit { byte: bit / 8, bit: (bit % 8) as u8 };
                    self.report(what, 0, Some(0));
                }
                self.enter_at_base(header);
                self.position = start;
            }
            Err(what @ DamageKind::Header(fault)) if fault.is_salvageable() => {
                // The session is known from other segments, the number from the file name.
                let number = self.segments[index].number;
                self.seed = SegmentHeader::seed(self.session_id, number, self.crc);
                self.position = start;
                let is_last = index + 1 == self.segments.len();
                if is_last && fault.is_unfinished() && self.find_record().is_none() {
                    self.position = 0;
                    return self.end_torn(RecordFault::HeaderUnfinished);
                }
                self.position = 0;
                self.report(what, SEGMENT_HEADER_BYTES as u64, Some(0));
                self.position = start;
            }
            Err(DamageKind::Header(fault))
                if index + 1 == self.segments.len() && fault.is_unfinished() =>
            {
                self.end_torn(RecordFault::HeaderUnfinished);
            }
            Err(what) => self.give_up(what),
        }
    }

    /// Reports the current segment as a whole, and has none of it read.
    fn give_up(&mut self, what: DamageKind) {
        self.bytes.clear();
        let base = self.base_after(self.index).map(|base| base.max(self.sequence_expected));
        let records_lost = base.map(|base| base - self.sequence_expected);
        self.report(what, self.segments[self.index].bytes, records_lost);
        self.sequence_expected = base.unwrap_or(self.sequence_expected);
    }

    fn enter_at_base(&mut self, header: SegmentHeader) {
        self.seed = SegmentHeader::seed(header.session_id, header.number, self.crc);
        let base = header.base_sequence;
        if base != self.sequence_expected {
            let lost = base.saturating_sub(self.sequence_expected);
            self.report(DamageKind::Base { found: base }, 0, Some(lost));
            // A base that goes back would have records read twice; those behind it are judged
            // one by one instead.
            self.sequence_expected = self.sequence_expected.max(base);
        }
    }

    /// Decides what it means that no expected record is at `position`.
    #[cold]
    fn on_fault(&mut self, fault: RecordFault) {
        let rest = &self.bytes[self.position..];
        let Some(garbage) = rest.iter().rposition(|&byte| byte != 0).map(|last| last + 1) else {
            return self.end_segment();
        };
        let what = DamageKind::Record(fault);
        if let Some((skipped, sequence)) = self.find_record() {
            let lost = sequence - self.sequence_expected;
            self.report(what, skipped as u64, Some(lost));
            self.position += skipped;
            self.sequence_expected = sequence;
        } else if self.index + 1 == self.segments.len() {
            self.end_torn(fault);
        } else {
            let base = self.base_after(self.index).map(|base| base.max(self.sequence_expected));
            self.report(what, garbage as u64, base.map(|base| base - self.sequence_expected));
            self.sequence_expected = base.unwrap_or(self.sequence_expected);
            self.end_segment();
        }
    }

    /// The nearest good record from `position` on: how far away, and its sequence.
    fn find_record(&self) -> Option<(usize, u64)> {
        let rest = &self.bytes[self.position..];
        (0..rest.len()).step_by(RECORD_ALIGN).find_map(|skipped| {
            let bytes = &rest[skipped..];
            if !may_start(bytes, self.sequence_expected) {
                return None;
            }
            let frame = parse(bytes, self.seed, self.crc).ok()?;
            Some((skipped, frame.header.sequence))
        })
    }

    /// Goes to the next segment, or ends the journal.
    fn end_segment(&mut self) {
        let next = self.index + 1;
        if next == self.segments.len() {
            return self.pending.push_back(End::Clean);
        }
        let number_expected = self.segments[self.index].number + 1;
        if number_expected < self.segments[next].number {
            self.index = next;
            self.report_missing(number_expected);
        }
        self.enter(next);
    }

    /// Reports that the segments from `first` up to the current one are missing.
    fn report_missing(&mut self, first: u32) {
        let last = self.segments[self.index].number - 1;
        let base = self.segments[self.index].header.map(|read| read.header.base_sequence);
        let base = base.ok().map(|base| base.max(self.sequence_expected));
        let lost = base.map(|base| base - self.sequence_expected);
        self.position = 0;
        self.report(DamageKind::MissingSegments { first, last }, 0, lost);
        self.sequence_expected = base.unwrap_or(self.sequence_expected);
    }

    fn report(&mut self, what: DamageKind, bytes_lost: u64, records_lost: Option<u64>) {
        self.pending.push_back(End::Damage(Box::new(Damage {
            segment: self.segments[self.index].path.clone(),
            offset: self.position as u64,
            sequence_expected: self.sequence_expected,
            what,
            bytes_lost,
            records_lost,
        })));
    }

    /// Takes what is to be reported next as the end.
    fn found_end(&mut self) -> bool {
        self.end = self.pending.pop_front();
        self.end.is_some()
    }

    fn end_torn(&mut self, fault: RecordFault) {
        let rest = &self.bytes[self.position..];
        let garbage = rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        self.pending.push_back(End::TornTail(TornTail {
            segment: self.segments[self.index].path.clone(),
            offset: self.position as u64,
            bytes: garbage as u64,
            sequence_expected: self.sequence_expected,
            fault,
        }));
    }

    /// The base sequence of the nearest segment behind `index` whose header tells.
    fn base_after(&self, index: usize) -> Option<u64> {
        let later = self.segments.iter().skip(index + 1);
        later.filter_map(|file| file.header.ok()).map(|read| read.header.base_sequence).next()
    }
}

/// The segments of a journal, on the disk and in memory, by number.
fn segment_files(dir: &Path) -> Result<Vec<SegmentFile>, JournalError> {
    // Memory first: a segment that leaves it in between is on the disk by then.
    let mut staged: BTreeMap<_, _> = staged_segments(dir).into_iter().collect();
    let mut files: BTreeMap<_, _> = list(dir)?
        .into_iter()
        .map(|(number, path)| (number, (path, staged.remove(&number))))
        .collect();
    let only_staged = staged.into_iter();
    files.extend(
        only_staged.map(|(number, path)| (number, (segment_path(dir, number), Some(path)))),
    );
    let open = |(number, (path, staged))| SegmentFile::open(number, path, staged, true);
    Ok(files.into_iter().map(open).collect())
}

/// The session of a journal: that of the first segment with a usable header.
fn session_of(path: &Path, segments: &[SegmentFile]) -> Result<u64, JournalError> {
    let Some(first) = segments.first() else {
        return Err(JournalError::NotAJournal { path: path.to_path_buf() });
    };
    if let Some(read) = segments.iter().find_map(|file| file.header.ok()) {
        return Ok(read.header.session_id);
    }
    match first.header {
        // A journal whose creation was cut short has no records, and says so when read.
        Err(DamageKind::Header(fault)) if fault.is_unfinished() => Ok(0),
        Err(DamageKind::Header(fault)) => {
            Err(JournalError::Header { path: first.path.clone(), fault })
        }
        Err(DamageKind::Unreadable { os_error: Some(code) }) => {
            let source = io::Error::from_raw_os_error(code);
            Err(JournalError::io("read journal segment", &first.path, source))
        }
        _ => Err(JournalError::NotAJournal { path: path.to_path_buf() }),
    }
}

impl SegmentFile {
    fn open(number: u32, path: PathBuf, staged: Option<PathBuf>, check_number: bool) -> Self {
        let header = Err(DamageKind::Unreadable { os_error: None });
        let mut file = Self { number, path, staged, bytes: 0, header };
        file.header = file.checked_header(&file.path.clone(), check_number);
        if let Some(staged) = file.staged.clone() {
            // The file may be still being made; the memory has what is appended to for longer.
            let header = file.checked_header(&staged, check_number);
            file.header = file.header.or(header);
        }
        if let Ok(read) = file.header {
            file.number = read.header.number;
        }
        file
    }

    fn checked_header(
        &mut self,
        path: &Path,
        check_number: bool,
    ) -> Result<ReadHeader, DamageKind> {
        match self.read_header(path) {
            Ok(Ok(read)) if check_number && read.header.number != self.number => {
                Err(DamageKind::Header(HeaderFault::Number { found: read.header.number }))
            }
            Ok(header) => header.map_err(DamageKind::Header),
            Err(error) => Err(DamageKind::Unreadable { os_error: error.raw_os_error() }),
        }
    }

    fn read_header(&mut self, path: &Path) -> io::Result<Result<ReadHeader, HeaderFault>> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        self.bytes = self.bytes.max(bytes);
        if bytes < SEGMENT_HEADER_BYTES as u64 {
            return Ok(Err(HeaderFault::Short { bytes }));
        }
        if SEGMENT_BYTES_MAX < bytes {
            return Ok(Err(HeaderFault::TooLarge { bytes }));
        }
        let mut start = [0; SEGMENT_HEADER_BYTES];
        file.read_exact(&mut start)?;
        Ok(SegmentHeader::decode(&start))
    }

    fn check_session(&mut self, expected: u64) {
        if let Ok(ReadHeader { header, .. }) = self.header
            && header.session_id != expected
        {
            let fault = HeaderFault::Session { found: header.session_id, expected };
            self.header = Err(DamageKind::Header(fault));
        }
    }

    /// Reads the whole segment into a buffer that is kept from segment to segment: of two copies
    /// the one with more good records, and the disk's of two that are equal.
    fn read(&self, bytes: &mut Vec<u8>, crc: Crc32c) -> io::Result<()> {
        let Some(staged) = &self.staged else { return self.read_file(&self.path, bytes) };
        let mut in_memory = Vec::new();
        let has_memory = self.read_file(staged, &mut in_memory).is_ok() && self.is_still_at(staged);
        if !has_memory {
            // Written out since it was listed, and its memory used again.
            return self.read_file(&self.path, bytes);
        }
        let on_disk = self.read_file(&self.path, bytes);
        let Ok(ReadHeader { header, .. }) = self.header else { return on_disk };
        let seed = SegmentHeader::seed(header.session_id, header.number, crc);
        let good = |bytes: &[u8]| good_prefix(bytes, header.base_sequence, seed, crc).0;
        if on_disk.is_err() || good(bytes) < good(&in_memory) {
            *bytes = in_memory;
        }
        Ok(())
    }

    /// Whether memory that was read is still this segment's, so that nothing else was read.
    fn is_still_at(&self, staged: &Path) -> bool {
        let mut start = [0; SEGMENT_HEADER_BYTES];
        let read = File::open(staged).and_then(|mut file| file.read_exact(&mut start));
        match (SegmentHeader::decode(&start), self.header) {
            (Ok(found), Ok(expected)) => read.is_ok() && found.header == expected.header,
            _ => false,
        }
    }

    fn read_file(&self, path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.clear();
        if SEGMENT_BYTES_MAX < self.bytes {
            return Ok(()); // refused by its header, and not worth the memory
        }
        let room = usize::try_from(self.bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if bytes.capacity() < room {
            bytes.try_reserve_exact(room).map_err(|_| io::ErrorKind::OutOfMemory)?;
            advise_huge_pages(bytes);
        }
        File::open(path)?.take(self.bytes).read_to_end(bytes)?;
        Ok(())
    }
}
