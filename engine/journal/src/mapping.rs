//! Preallocated, pre-populated mappings of segment files, shared by one writer and its readers.
//!
//! Everything unsafe about the files of a journal is here. A mapping is as long as the blocks that
//! were allocated for it, so a full disk is an error when the segment is made and never a SIGBUS
//! while it is written. It is split into two halves: what the writer has committed is never written
//! again, what it has not is never read, so both work on the same memory without a lock.
//!
//! Readers in other processes do not map: a file that shrinks or a disk that fails is then an error
//! they can name.
#![allow(unsafe_code, reason = "memory-maps files and stores atomically into the mapping")]

use core::{
    slice,
    sync::atomic::{AtomicU64, Ordering},
};
use std::{fs::File, io, path::Path, sync::Arc};

use memmap2::MmapRaw;

use crate::{
    RECORD_ALIGN, SEGMENT_HEADER_BYTES,
    format::{Commit, padded, record_bytes},
};

/// How far the writer goes between two looks at what goes on around it, in a segment of at least
/// four times that.
const LOOK_EVERY_BYTES: usize = 64 << 10;

/// A writable shared mapping of the first bytes of a file, of one owner.
pub(crate) struct Mapping(MmapRaw);

impl Mapping {
    /// Maps `bytes` bytes of a file, which [`allocate`] has provided, and touches every page.
    pub(crate) fn new(file: &File, bytes: u64) -> io::Result<Self> {
        let bytes = usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let map = memmap2::MmapOptions::new().len(bytes).map_raw(file)?;
        // MAP_POPULATE would only read-fault a shared file mapping. Kernels before 5.14 refuse
        // this advice; then the first write to each page takes the fault, and nothing else changes.
        #[cfg(target_os = "linux")]
        drop(map.advise(memmap2::Advice::PopulateWrite));
        Ok(Self(map))
    }

    /// Asks that its pages stay in memory. Limits often forbid it; they then stay as long as the
    /// machine does not swap.
    pub(crate) fn pin_in_memory(&self) {
        #[cfg(unix)]
        drop(self.0.lock());
    }

    /// Copies `bytes` to the start.
    pub(crate) fn fill(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(self.0.len());
        // SAFETY: the mapping has at least `count` bytes, and `&mut self` is its only owner.
        let start = unsafe { slice::from_raw_parts_mut(self.0.as_mut_ptr(), count) };
        start.copy_from_slice(&bytes[..count]);
    }

    /// Makes the first `bytes` bytes zero, the header before everything else: who reads along sees
    /// that the segment is being taken back before any record of it disappears.
    pub(crate) fn clear(&mut self, bytes: usize) {
        let count = bytes.min(self.0.len());
        word_at(&self.0, 0).store(0, Ordering::SeqCst);
        // SAFETY: the mapping has at least `count` bytes, and `&mut self` is its only owner.
        let start = unsafe { slice::from_raw_parts_mut(self.0.as_mut_ptr(), count) };
        start.fill(0);
    }

    /// The two ends of the mapping, the first `position` bytes taken as committed.
    pub(crate) fn split(self, position: usize) -> (WriteHalf, ReadHalf) {
        assert!(position <= self.0.len(), "what is committed lies inside the mapping");
        assert!(position.is_multiple_of(RECORD_ALIGN), "a record starts at a multiple of 8");
        let map = Arc::new(self);
        let mut writer = WriteHalf { map: Arc::clone(&map), position, limit: 0 };
        writer.look_beyond(SEGMENT_HEADER_BYTES);
        (writer, ReadHalf { map, committed: position })
    }
}

/// The end of a mapping that appends.
///
/// # Invariants
///
/// - `position <= limit <= len`, and `position` is a multiple of 8.
/// - No bytes before `position` are written again while a [`ReadHalf`] may read them.
/// - Every byte from `position` on is zero, but those of the record being written.
pub(crate) struct WriteHalf {
    map: Arc<Mapping>,
    position: usize,
    /// Where [`WriteHalf::reserve`] ends its fast path; no room is left when the writer has stopped.
    limit: usize,
}

/// Room for one record, behind the word that commits it.
pub(crate) struct Reserved<'a> {
    word: &'a AtomicU64,
    /// What the record takes beside that word; all zero.
    pub(crate) body: &'a mut [[u8; RECORD_ALIGN]],
    position: &'a mut usize,
    length: usize,
}

impl Reserved<'_> {
    /// Commits the record with one store with release ordering: whoever sees it, in this process or
    /// another, sees everything that was stored before it.
    #[inline]
    pub(crate) fn commit(self, crc: u32) {
        let commit = Commit(self.length as u64 | u64::from(crc) << 32);
        self.store(commit.0);
    }

    #[inline]
    fn store(self, word: u64) {
        self.word.store(word.to_le(), Ordering::Release);
        *self.position += RECORD_ALIGN + self.body.len() * RECORD_ALIGN;
    }
}

impl WriteHalf {
    /// Size of the mapping.
    pub(crate) fn len(&self) -> usize {
        self.map.0.len()
    }

    /// Bytes committed.
    #[inline]
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Room for the next record of `length` bytes, which is rounded up; `None` when the limit is
    /// reached.
    #[inline]
    pub(crate) fn reserve(&mut self, length: usize) -> Option<Reserved<'_>> {
        let size = padded(length);
        if size < RECORD_ALIGN || self.limit - self.position < size {
            return None;
        }
        // SAFETY: `position + size` is at most `limit`, which is at most the mapping's length.
        let start = unsafe { self.map.0.as_mut_ptr().add(self.position) };
        // SAFETY: a mapping starts on a page and `position` is a multiple of 8, so the word is
        // aligned; while halves share the mapping, words where records start are used as atomics only.
        let word = unsafe { AtomicU64::from_ptr(start.cast()) };
        // SAFETY: the record is more than its word, as asked above, and inside the mapping.
        let body = unsafe { start.add(RECORD_ALIGN) }.cast::<[u8; RECORD_ALIGN]>();
        let count = size / RECORD_ALIGN - 1;
        // SAFETY: the bytes are inside the mapping (above), nothing reads or writes behind the
        // committed part but this half, and it is borrowed for as long as the slice lives.
        let body = unsafe { slice::from_raw_parts_mut(body, count) };
        Some(Reserved { word, body, position: &mut self.position, length })
    }

    /// Writes the header of an empty segment, the magic word last.
    pub(crate) fn begin(&mut self, header: &[u8; SEGMENT_HEADER_BYTES]) {
        assert!(self.position == 0, "a segment begins once");
        let Some(reserved) = self.reserve(SEGMENT_HEADER_BYTES) else { return };
        let (magic, rest) = header.split_at(RECORD_ALIGN);
        reserved.body.as_flattened_mut().copy_from_slice(rest);
        reserved.store(u64::from_le_bytes(core::array::from_fn(|index| magic[index])));
    }

    /// Takes the lines that are written first into the cache, for writing.
    pub(crate) fn touch(&self) {
        for offset in [self.position, self.position + SEGMENT_HEADER_BYTES] {
            // Nothing is changed; only an instruction that could do so fetches a line for that.
            word_at(&self.map.0, offset).fetch_or(0, Ordering::Relaxed);
        }
    }

    /// Lets the fast path go on for `size` bytes at least, when the segment has them.
    pub(crate) fn look_beyond(&mut self, size: usize) -> bool {
        let every = LOOK_EVERY_BYTES.min(self.len() / 4).max(size);
        self.limit = self.len().min(self.position + every);
        size <= self.limit - self.position
    }

    /// Ends the fast path for good.
    pub(crate) const fn stop(&mut self) {
        self.limit = self.position;
    }

    /// Writes what is committed out to the disk and waits for it.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.map.0.flush_range(0, self.position)
    }
}

/// The end of a mapping that reads what the writer has committed.
///
/// # Invariants
///
/// - The first `committed` bytes were committed by the writer, which does not write them again.
pub(crate) struct ReadHalf {
    map: Arc<Mapping>,
    committed: usize,
}

impl ReadHalf {
    /// What was committed when this half last looked.
    pub(crate) fn committed(&self) -> &[u8] {
        // SAFETY: the mapping has these bytes, and no one writes them while a half is there.
        unsafe { slice::from_raw_parts(self.map.0.as_mut_ptr(), self.committed) }
    }

    /// Takes in the header, when the segment has begun.
    pub(crate) fn look_for_header(&mut self) -> bool {
        let has_begun = word_at(&self.map.0, 0).load(Ordering::Acquire) != 0;
        if has_begun {
            self.committed = self.committed.max(SEGMENT_HEADER_BYTES);
        }
        has_begun
    }

    /// Takes in records that were committed since, up to `bytes_max`; returns how many.
    pub(crate) fn look(&mut self, bytes_max: usize) -> u64 {
        let (mut records, len) = (0, self.map.0.len());
        let end = len.min(self.committed + bytes_max);
        while self.committed + record_bytes(0) <= end {
            let word = word_at(&self.map.0, self.committed).load(Ordering::Acquire);
            let size = Commit(u64::from_le(word)).size();
            if size == 0 || len - self.committed < size {
                break;
            }
            self.committed += size;
            records += 1;
        }
        records
    }

    /// The mapping again, when the writer has let go of it.
    pub(crate) fn reclaim(self) -> Result<Mapping, Self> {
        let committed = self.committed;
        Arc::try_unwrap(self.map).map_err(|map| Self { map, committed })
    }
}

/// The eight bytes at `offset`, as a word that several threads use.
///
/// # Panics
///
/// When the word is not inside the mapping or not aligned: a bug of this module.
#[inline]
fn word_at(map: &MmapRaw, offset: usize) -> &AtomicU64 {
    assert!(offset.is_multiple_of(RECORD_ALIGN), "a record starts at a multiple of 8");
    assert!(offset + RECORD_ALIGN <= map.len(), "a word lies inside the mapping");
    // SAFETY: the word is inside the mapping, as asserted.
    let place = unsafe { map.as_mut_ptr().add(offset) }.cast::<u64>();
    // SAFETY: a mapping starts on a page and the offset is a multiple of 8, so the word is aligned;
    // while halves share the mapping, words where records start are only used as atomics.
    unsafe { AtomicU64::from_ptr(place) }
}

/// The bytes free where a directory keeps its files in memory, where no write-back ever touches them;
/// `None` where it keeps them elsewhere.
pub(crate) fn memory_bytes_free(dir: &Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let file = File::open(dir).ok()?;
        let mut found = core::mem::MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the descriptor is open, and the pointer is to room for the answer.
        if unsafe { libc::fstatfs(file.as_raw_fd(), found.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: a call that succeeds has filled the answer in.
        let found = unsafe { found.assume_init() };
        let block_bytes = u64::try_from(found.f_bsize).unwrap_or(0);
        let is_in_memory = found.f_type == libc::TMPFS_MAGIC;
        is_in_memory.then(|| found.f_bavail.saturating_mul(block_bytes))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = dir;
        None
    }
}

/// Asks for huge pages behind memory that was reserved and is not filled yet: to fill it then takes
/// one fault for 2 MiB instead of 512. Where the system has none to give, nothing else changes.
pub(crate) fn advise_huge_pages(memory: &mut Vec<u8>) {
    #[cfg(target_os = "linux")]
    {
        const HUGE_PAGE: usize = 2 << 20;
        let spare = memory.spare_capacity_mut();
        let start = spare.as_ptr().align_offset(HUGE_PAGE);
        let size = spare.len().saturating_sub(start) / HUGE_PAGE * HUGE_PAGE;
        if 0 < size {
            let pages = spare[start..start + size].as_mut_ptr();
            // SAFETY: the pages are inside the reserved memory, and the advice changes neither what
            // they hold nor where they are.
            unsafe { libc::madvise(pages.cast(), size, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

/// Gives a file `bytes` bytes with real blocks behind them; what was not there reads as zeros.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let length = i64::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        loop {
            // SAFETY: the descriptor is open for as long as `file` is borrowed; no memory is passed.
            match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
                0 => return Ok(()),
                libc::EINTR => {}
                libc::EOPNOTSUPP | libc::EINVAL => break,
                code => return Err(io::Error::from_raw_os_error(code)),
            }
        }
    }
    write_zeros(file, bytes)
}

/// Allocates by writing, for file systems that know no other way.
fn write_zeros(mut file: &File, bytes: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let present = file.seek(SeekFrom::End(0))?;
    io::copy(&mut io::repeat(0).take(bytes.saturating_sub(present)), &mut file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TempDir;

    #[test]
    fn allocated_bytes_are_zero_and_keep_what_was_there() {
        let dir = TempDir::new("allocate");
        type Allocate = fn(&File, u64) -> io::Result<()>;
        for (name, function) in [("a", allocate as Allocate), ("b", write_zeros as Allocate)] {
            let path = dir.0.join(name);
            std::fs::write(&path, b"abc").unwrap();
            let file = File::options().read(true).write(true).open(&path).unwrap();
            function(&file, 100_000).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!((bytes.len(), &bytes[..3]), (100_000, &b"abc"[..]));
            assert!(bytes[3..].iter().all(|&byte| byte == 0));
        }
    }

    fn mapped(dir: &TempDir, bytes: u64) -> (std::path::PathBuf, Mapping) {
        let path = dir.0.join("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        allocate(&file, bytes).unwrap();
        (path, Mapping::new(&file, bytes).unwrap())
    }

    #[test]
    fn a_commit_reaches_the_file_and_the_other_half() {
        let dir = TempDir::new("commit");
        let (path, map) = mapped(&dir, 4096);
        let (mut writer, mut reader) = map.split(0);
        assert!(!reader.look_for_header());
        writer.begin(&[7; SEGMENT_HEADER_BYTES]);
        assert!(reader.look_for_header());
        assert_eq!((reader.look(4096), reader.committed()), (0, &[7; 64][..]));
        writer.reserve(37).unwrap().body.as_flattened_mut().fill(9);
        assert_eq!(reader.look(4096), 0, "what is not committed is not there");
        // What was written stays until it is committed.
        writer.reserve(37).unwrap().commit(0xABCD);
        assert_eq!(reader.look(8), 0, "beyond what was asked for");
        assert_eq!((reader.look(4096), reader.committed().len()), (1, 104));
        assert_eq!(std::fs::read(&path).unwrap()[..104], *reader.committed());
        assert_eq!(&reader.committed()[64..76], [37, 0, 0, 0, 0xCD, 0xAB, 0, 0, 9, 9, 9, 9]);

        let reader = reader.reclaim().err().expect("the writer still has it");
        drop(writer);
        let mut map = reader.reclaim().ok().unwrap();
        map.clear(104);
        assert_eq!(std::fs::read(&path).unwrap(), [0; 4096]);
    }

    #[test]
    fn no_room_is_reserved_beyond_the_limit() {
        let dir = TempDir::new("limit");
        let (_, map) = mapped(&dir, 4096);
        let (mut writer, _reader) = map.split(4096 - 48);
        assert!(writer.reserve(56).is_none() && writer.reserve(0).is_none());
        let reserved = writer.reserve(48).unwrap();
        assert_eq!(reserved.body.len(), 5);
        reserved.commit(0);
        assert!(writer.look_beyond(0) && !writer.look_beyond(8));
        writer.stop();
        assert!(writer.reserve(8).is_none());
    }
}
