//! Segment files: names, listing, creation, growth, and the lock that keeps writers apart.
//!
//! A segment is made under a name of its own, allocated, mapped and given its header, and only then
//! renamed into place: a file with a segment's name has a segment's header, whenever the process is
//! killed.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    JournalError, SegmentHeader,
    mapping::{Mapping, WriteHalf, allocate},
};

/// The last number that has a file name of eight digits.
pub(crate) const SEGMENT_NUMBER_MAX: u32 = 99_999_999;

/// How long a journal in use is asked for before it is reported as locked.
const LOCK_WAIT: Duration = Duration::from_secs(1);
/// Time between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Extension of a segment file.
const SEGMENT: &str = "tzj";
/// Extension of a segment file that is being made.
const UNFINISHED: &str = "tzj-new";

/// A segment file that is being written in the page cache, or prepared for it.
pub(crate) struct Segment {
    pub(crate) half: WriteHalf,
    pub(crate) file: SegmentFile,
}

/// Where a segment that is being written lies.
pub(crate) struct SegmentFile {
    path: PathBuf,
    file: File,
}

impl Segment {
    /// Allocates and maps what will be segment `number`, under a name that is no segment's.
    pub(crate) fn prepare(dir: &Path, number: u32, bytes: u64) -> Result<Self, JournalError> {
        let doing = "create journal segment";
        let path = unfinished_path(dir, number);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true) // what a killed writer left under this name was never a segment
            .open(&path)
            .map_err(|source| JournalError::io(doing, &path, source))?;
        let mapping = map(&file, &path, doing, bytes);
        if mapping.is_err() {
            // Gives the blocks back; the error that counts is the one being reported.
            drop(fs::remove_file(&path));
        }
        let (half, _) = mapping?.split(0);
        Ok(Self { half, file: SegmentFile { path, file } })
    }

    /// Makes a prepared segment the one its header describes.
    pub(crate) fn publish(mut self, header: &SegmentHeader) -> Result<Self, JournalError> {
        self.half.begin(&header.encode());
        let path = self.file.path.with_extension(SEGMENT);
        match fs::rename(&self.file.path, &path) {
            Ok(()) => {
                self.file.path = path;
                Ok(self)
            }
            Err(source) => {
                self.discard();
                Err(JournalError::io("put in place journal segment", &path, source))
            }
        }
    }

    /// Removes a prepared segment that is not wanted.
    pub(crate) fn discard(self) {
        // What cannot be removed is overwritten by the next writer that needs the name.
        drop(fs::remove_file(&self.file.path));
    }

    /// Opens a closed or abandoned segment for appending at `position`, grown to `bytes` if it is
    /// shorter.
    pub(crate) fn reopen(path: &Path, bytes: u64, position: usize) -> Result<Self, JournalError> {
        let doing = "open for appending journal segment";
        let error = |source| JournalError::io(doing, path, source);
        let file = File::options().read(true).write(true).open(path).map_err(error)?;
        let present = file.metadata().map_err(error)?.len();
        let (half, _) = map(&file, path, doing, bytes.max(present))?.split(position);
        Ok(Self { half, file: SegmentFile { path: path.to_path_buf(), file } })
    }
}

impl SegmentFile {
    /// Syncs the segment and cuts the file to the bytes used.
    pub(crate) fn close(self, half: WriteHalf) -> Result<(), JournalError> {
        let Self { path, file } = self;
        let sync = |source| JournalError::io("write out journal segment", &path, source);
        half.sync().map_err(sync)?;
        let bytes_used = half.position() as u64;
        drop(half); // nothing may map bytes the file no longer has
        file.set_len(bytes_used).map_err(|source| {
            JournalError::io("cut to its used size journal segment", &path, source)
        })?;
        file.sync_all().map_err(sync)
    }
}

/// Gives a file its blocks and maps them.
pub(crate) fn map(
    file: &File,
    path: &Path,
    doing: &'static str,
    bytes: u64,
) -> Result<Mapping, JournalError> {
    allocate(file, bytes).and_then(|()| Mapping::new(file, bytes)).map_err(|source| {
        JournalError::Io { doing, path: path.to_path_buf(), bytes_needed: Some(bytes), source }
    })
}

/// The name of segment `number` while it is made.
pub(crate) fn unfinished_path(dir: &Path, number: u32) -> PathBuf {
    segment_path(dir, number).with_extension(UNFINISHED)
}

/// The file of segment `number`.
pub(crate) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.{SEGMENT}"))
}

/// The number in a segment's file name: eight digits and `.tzj`.
pub(crate) fn segment_number(path: &Path) -> Option<u32> {
    let digits = path.file_name()?.to_str()?.strip_suffix(".tzj")?;
    let eight_digits = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if eight_digits { digits.parse().ok() } else { None }
}

/// The segment files of a directory, by number. Other files are none of ours.
pub(crate) fn list(dir: &Path) -> Result<Vec<(u32, PathBuf)>, JournalError> {
    let error = |source| JournalError::io("list journal", dir, source);
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if let Some(number) = segment_number(&path) {
            segments.push((number, path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// Removes prepared segments that a killed writer left. For who holds the lock.
pub(crate) fn remove_unfinished(dir: &Path) -> Result<(), JournalError> {
    let error = |source| JournalError::io("list journal", dir, source);
    for entry in fs::read_dir(dir).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let is_unfinished = path.extension().is_some_and(|extension| extension == UNFINISHED);
        if is_unfinished && segment_number(&path.with_extension(SEGMENT)).is_some() {
            fs::remove_file(&path).map_err(|source| {
                JournalError::io("remove unfinished journal segment", &path, source)
            })?;
        }
    }
    Ok(())
}

/// Takes the journal for one writer, until the file is dropped or the process ends.
///
/// A journal in use is asked for again for [`LOCK_WAIT`]: a lock outlives its writer while a killed
/// process is torn down, and while a child that some other thread has forked has not yet begun
/// its program (the child holds every open file until then).
pub(crate) fn lock(dir: &Path) -> Result<File, JournalError> {
    let file = File::open(dir).map_err(|source| JournalError::io("open journal", dir, source))?;
    let give_up = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Locked { path: dir.to_path_buf() });
            }
            Err(TryLockError::Error(source)) => {
                return Err(JournalError::io("lock journal", dir, source));
            }
        }
    }
}

/// Waits until a full segment is on the disk.
pub(crate) fn sync_segment(dir: &Path, number: u32) -> Result<(), JournalError> {
    let path = segment_path(dir, number);
    // Pages written through a mapping belong to the file: no mapping is needed to sync them.
    File::open(&path)
        .and_then(|file| file.sync_all())
        .map_err(|source| JournalError::io("write out journal segment", &path, source))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &File, path: &Path) -> Result<(), JournalError> {
    match dir.sync_all() {
        // Some file systems have nothing to sync for a directory, and say so with this error.
        Err(source) if source.kind() != io::ErrorKind::InvalidInput => {
            Err(JournalError::io("write out journal", path, source))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_eight_digits_and_the_suffix_name_a_segment() {
        let number = |name: &str| segment_number(Path::new(name));
        assert_eq!(number("/j/00000012.tzj"), Some(12));
        assert_eq!(number("99999999.tzj"), Some(SEGMENT_NUMBER_MAX));
        for other in ["0000012.tzj", "000000012.tzj", "+0000001.tzj", "00000001.tzj-new", "a", ""] {
            assert_eq!(number(other), None, "{other}");
        }
        assert_eq!(segment_path(Path::new("/j"), 3), Path::new("/j/00000003.tzj"));
    }
}
