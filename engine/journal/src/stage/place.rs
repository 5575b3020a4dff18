//! Where the live segments of a journal are in memory, and how a reader finds them.
//!
//! The journal's directory has a link named `memory` to a directory on a memory file system. The
//! link is made before the directory and removed after it, so a directory is never left without one.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{
    JournalError, SEGMENT_HEADER_BYTES,
    mapping::{Mapping, memory_bytes_free},
    segment::{list, map, segment_path},
};

/// Name of the link in the journal's directory.
const LINK: &str = "memory";
/// Directories of that name that may be left over of other journals.
const NAMES_MAX: u32 = 1_000;

/// The memory of a journal that is being written.
#[derive(Clone)]
pub(super) struct Place {
    memory: PathBuf,
    link: PathBuf,
}

impl Place {
    /// Makes the directory and the link to it.
    pub(super) fn make(dir: &Path, base: &Path, session_id: u64) -> Result<Self, JournalError> {
        if memory_bytes_free(base).is_none() {
            return Err(JournalError::NotInMemory { path: base.to_path_buf() });
        }
        let link = dir.join(LINK);
        let process = std::process::id();
        for serial in 0..NAMES_MAX {
            let memory = base.join(format!("tezi-journal-{session_id:016x}-{process}-{serial}"));
            let error = |source| JournalError::io("make memory for journal", &memory, source);
            make_link(&memory, &link).map_err(error)?;
            match make_private_dir(&memory) {
                Ok(()) => return Ok(Self { memory, link }),
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                    fs::remove_file(&link).map_err(error)?;
                }
                Err(source) => {
                    drop(fs::remove_file(&link));
                    return Err(error(source));
                }
            }
        }
        let source = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(JournalError::io("make memory for journal", base, source))
    }

    /// The memory that a link names, whether or not it is still there.
    pub(super) fn find(dir: &Path) -> Option<Self> {
        let link = dir.join(LINK);
        fs::read_link(&link).ok().map(|memory| Self { memory, link })
    }

    /// The segments there are in memory.
    pub(super) fn segments(&self) -> Vec<(u32, PathBuf)> {
        // Memory that is gone holds nothing: that is what a power cut leaves.
        list(&self.memory).unwrap_or_default()
    }

    /// Allocates and maps segment `number`, every page of it there.
    pub(super) fn make_segment(&self, number: u32, bytes: u64) -> Result<Mapping, JournalError> {
        let doing = "make in memory journal segment";
        let path = segment_path(&self.memory, number);
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| JournalError::io(doing, &path, source))?;
        let mapping = map(&file, &path, doing, bytes)?;
        mapping.pin_in_memory();
        Ok(mapping)
    }

    /// Gives the memory of a segment that is on the disk to a later one.
    pub(super) fn rename_segment(&self, from: u32, to: u32) -> Result<(), JournalError> {
        let path = segment_path(&self.memory, to);
        fs::rename(segment_path(&self.memory, from), &path).map_err(|source| {
            JournalError::io("use again in memory journal segment", &path, source)
        })
    }

    /// Gives all memory back. What cannot be removed holds nothing that is not on the disk.
    pub(super) fn remove(&self) {
        for (_, path) in self.segments() {
            drop(fs::remove_file(path));
        }
        drop(fs::remove_dir(&self.memory));
        drop(fs::remove_file(&self.link));
    }
}

/// The segments of a journal that are in memory, by number; those that were made ready and never
/// begun are left out.
pub(crate) fn staged_segments(dir: &Path) -> Vec<(u32, PathBuf)> {
    let segments = Place::find(dir).map_or_else(Vec::new, |place| place.segments());
    segments.into_iter().filter(|(_, path)| !is_prepared(path)).collect()
}

/// Where segment `number` of a journal is in memory, if it is.
pub(crate) fn memory_segment_path(dir: &Path, number: u32) -> PathBuf {
    segment_path(&dir.join(LINK), number)
}

/// Whether a segment in memory was never begun: neither its magic word nor a first record is there.
pub(super) fn is_prepared(path: &Path) -> bool {
    let mut start = [0; SEGMENT_HEADER_BYTES + 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    let (magic, record) = (&start[..8], &start[SEGMENT_HEADER_BYTES..]);
    read.is_err() || magic.iter().chain(record).all(|&byte| byte == 0)
}

#[cfg(unix)]
fn make_link(to: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, link)
}

#[cfg(not(unix))]
fn make_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes a directory that only this user can look into.
fn make_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
