//! A segment file that is written past the page cache, in whole blocks.
//!
//! The file is made of real zeros before it is used: a write into it then changes no metadata, which
//! would cost a commit of the file system's own journal each time. The last block of a write is
//! padded with zeros, and written again with what follows.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    JournalError, SegmentHeader,
    mapping::allocate,
    segment::{segment_path, unfinished_path},
};

/// Direct writes start, end and lie in memory at multiples of this.
pub(super) const BLOCK_BYTES: usize = 4096;
/// The most that is written at once.
const BATCH_BYTES: usize = 1 << 20;

/// A segment file and how much of it is on the disk.
pub(super) struct DiskSegment {
    file: File,
    path: PathBuf,
    /// Bytes of it on the disk.
    written: usize,
    is_direct: bool,
}

/// Memory for one write, aligned as direct writes want it.
pub(super) struct BlockBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl BlockBuffer {
    pub(super) fn new() -> Self {
        let bytes = vec![0; BATCH_BYTES + BLOCK_BYTES];
        let start = bytes.as_ptr().align_offset(BLOCK_BYTES);
        Self { bytes, start }
    }

    /// `bytes` and zeros up to a whole block.
    fn blocks_of(&mut self, bytes: &[u8]) -> &[u8] {
        let blocks = &mut self.bytes[self.start..self.start + BATCH_BYTES];
        let size = bytes.len().next_multiple_of(BLOCK_BYTES);
        blocks[..bytes.len()].copy_from_slice(bytes);
        blocks[bytes.len()..size].fill(0);
        &blocks[..size]
    }
}

impl DiskSegment {
    /// Makes what will be segment `number`, all zeros, under a name that is no segment's. Ends early
    /// when `is_closing` is set.
    pub(super) fn prepare(
        dir: &Path,
        number: u32,
        bytes: u64,
        is_closing: &AtomicBool,
    ) -> Result<Self, JournalError> {
        let path = unfinished_path(dir, number);
        // What a killed writer left under this name was never a segment.
        drop(fs::remove_file(&path));
        let made = Self::make(path.clone(), bytes, 0, is_closing);
        made.map_err(|source| {
            // Gives the blocks back; the error that counts is the one being reported.
            drop(fs::remove_file(&path));
            let doing = "create journal segment";
            JournalError::Io { doing, path, bytes_needed: Some(bytes), source }
        })
    }

    /// Opens the first segment of a writer, and writes what is `present` of it: the header alone
    /// when it is new. It has its name and is on the disk when this returns; its name is not.
    pub(super) fn begin(
        dir: &Path,
        header: &SegmentHeader,
        present: &[u8],
    ) -> Result<Self, JournalError> {
        let mut buffer = BlockBuffer::new();
        let path = segment_path(dir, header.number);
        let never = AtomicBool::new(false);
        if !path.exists() {
            let mut new = Self::prepare(dir, header.number, header.segment_bytes, &never)?;
            new.write(present, &mut buffer)?;
            return new.put_in_place();
        }
        let opened = Self::make(path.clone(), header.segment_bytes, present.len(), &never);
        opened.map_err(|source| JournalError::Io {
            doing: "open for appending journal segment",
            path,
            bytes_needed: Some(header.segment_bytes),
            source,
        })
    }

    /// Gives the file blocks and zeros behind the first `present` bytes, and opens it for writing.
    fn make(
        path: PathBuf,
        bytes: u64,
        present: usize,
        is_closing: &AtomicBool,
    ) -> io::Result<Self> {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        allocate(&file, bytes.max(file.metadata()?.len()))?;
        let (zeros_from, bytes) = (present.next_multiple_of(BLOCK_BYTES) as u64, bytes);
        let direct = open_direct(&path, 0);
        let filled = match &direct {
            Ok(direct) => write_zeros(direct, zeros_from, bytes, is_closing),
            Err(error) => Err(io::Error::from(error.kind())),
        };
        let is_direct = filled.is_ok();
        match filled {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                write_zeros(&file, zeros_from, bytes, is_closing)?;
            }
            Err(error) => return Err(error),
        }
        file.sync_all()?;
        let file = if is_direct { open_direct(&path, DSYNC)? } else { open_with(&path, DSYNC)? };
        Ok(Self { file, path, written: present, is_direct })
    }

    /// Whether writes go past the page cache.
    pub(super) const fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// Writes what of the segment is not on the disk yet, and returns when it is. `committed` is the
    /// segment from its start.
    pub(super) fn write(
        &mut self,
        committed: &[u8],
        buffer: &mut BlockBuffer,
    ) -> Result<(), JournalError> {
        while self.written < committed.len() {
            let start = self.written / BLOCK_BYTES * BLOCK_BYTES;
            let end = committed.len().min(start + BATCH_BYTES);
            let blocks = buffer.blocks_of(&committed[start..end]);
            write_all_at(&self.file, blocks, start as u64).map_err(|source| {
                JournalError::io("write out journal segment", &self.path, source)
            })?;
            self.written = end;
        }
        Ok(())
    }

    /// Gives a prepared segment its name. The directory is the caller's to sync.
    pub(super) fn put_in_place(mut self) -> Result<Self, JournalError> {
        let path = self.path.with_extension("tzj");
        fs::rename(&self.path, &path)
            .map_err(|source| JournalError::io("put in place journal segment", &path, source))?;
        self.path = path;
        Ok(self)
    }

    /// Cuts the file to the bytes used.
    pub(super) fn cut(&self, bytes_used: usize) -> Result<(), JournalError> {
        let cut = self.file.set_len(bytes_used as u64).and_then(|()| self.file.sync_all());
        cut.map_err(|source| {
            JournalError::io("cut to its used size journal segment", &self.path, source)
        })
    }
}

#[cfg(unix)]
const DSYNC: i32 = libc::O_DSYNC;
#[cfg(not(unix))]
const DSYNC: i32 = 0;

#[cfg(target_os = "linux")]
fn open_direct(path: &Path, flags: i32) -> io::Result<File> {
    open_with(path, flags | libc::O_DIRECT)
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path, _: i32) -> io::Result<File> {
    Err(io::ErrorKind::InvalidInput.into())
}

fn open_with(path: &Path, flags: i32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    options.open(path)
}

fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(not(unix))]
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = file;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}

/// Writes zeros from `from` on, up to `bytes`, as long as no one wants to close.
fn write_zeros(file: &File, from: u64, bytes: u64, is_closing: &AtomicBool) -> io::Result<()> {
    let mut buffer = BlockBuffer::new();
    let zeros = buffer.blocks_of(&[0; BATCH_BYTES]);
    let mut offset = from;
    while offset < bytes && !is_closing.load(Ordering::Relaxed) {
        let size = (bytes - offset).min(BATCH_BYTES as u64);
        write_all_at(file, &zeros[..size as usize], offset)?;
        offset += size;
    }
    Ok(())
}
