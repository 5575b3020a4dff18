//! Preallocated, pre-populated, writable file mappings, and the store that commits a record.
//!
//! Everything unsafe about the files of a journal is here. A mapping is as long as the blocks that
//! were allocated for it, so a full disk is an error when the segment is made and never a SIGBUS
//! while it is written. Readers do not map: a file that shrinks or a disk that fails is then an
//! error they can name.
#![allow(unsafe_code, reason = "memory-maps files and stores atomically into the mapping")]

use core::sync::atomic::{AtomicU64, Ordering};
use std::{fs::File, io};

use memmap2::MmapMut;

use crate::RECORD_ALIGN;

/// A writable shared mapping of the first bytes of a file.
pub(crate) struct Mapping(MmapMut);

impl Mapping {
    /// Maps `bytes` bytes of a file, which [`allocate`] has provided, and touches every page.
    pub(crate) fn new(file: &File, bytes: u64) -> io::Result<Self> {
        let bytes = usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut options = memmap2::MmapOptions::new();
        // SAFETY: the blocks of the file are allocated, and the directory lock every writer holds
        // keeps other writers of this crate from truncating it while it is mapped.
        let map = unsafe { options.len(bytes).map_mut(file) }?;
        // MAP_POPULATE would only read-fault a shared file mapping. Kernels before 5.14 refuse
        // this advice; then the first write to each page takes the fault, and nothing else changes.
        #[cfg(target_os = "linux")]
        drop(map.advise(memmap2::Advice::PopulateWrite));
        Ok(Self(map))
    }

    /// Size of the mapping.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes, for everything but a commit.
    #[inline]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Stores a little-endian word at `offset` with release ordering: whoever sees it, in this
    /// process or another, sees everything that was stored before it.
    ///
    /// # Panics
    ///
    /// When the word is not inside the mapping or not aligned: the writer's own bug.
    #[inline]
    pub(crate) fn commit(&mut self, offset: usize, word: u64) {
        let place = &mut self.0[offset..offset + RECORD_ALIGN];
        assert!(offset.is_multiple_of(RECORD_ALIGN), "a record starts at a multiple of 8");
        let place = place.as_mut_ptr().cast::<u64>();
        // SAFETY: the slice proves eight writable bytes; a mapping starts on a page and the offset
        // is a multiple of 8, so they are aligned; `&mut self` excludes other access here, and
        // other processes only read.
        let place = unsafe { AtomicU64::from_ptr(place) };
        place.store(word.to_le(), Ordering::Release);
    }

    /// Writes the first `bytes` bytes out to the disk and waits for them.
    pub(crate) fn sync(&self, bytes: usize) -> io::Result<()> {
        self.0.flush_range(0, bytes)
    }
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

    #[test]
    fn a_commit_reaches_the_file() {
        let dir = TempDir::new("commit");
        let path = dir.0.join("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        allocate(&file, 4096).unwrap();
        let mut mapping = Mapping::new(&file, 4096).unwrap();
        mapping.commit(4088, 0x0807_0605_0403_0201);
        assert_eq!(std::fs::read(&path).unwrap()[4088..], [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
