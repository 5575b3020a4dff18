//! A snapshot file: `docs/wire/snapshot.md` has its bytes.
//!
//! It is made under another name, brought to the disk, and only then renamed: a file with a snapshot's
//! name is whole, or was damaged later, which its checksum shows.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tezi_journal::Crc32c;
use tezi_model::Nanos;

use crate::error::Error;

/// What a file begins with.
const MAGIC: [u8; 8] = *b"TEZISNAP";
/// The version of everything around the core's own bytes.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const CRC_BYTES: usize = 4;
const EXTENSION: &str = "tzs";
const UNFINISHED: &str = "tzs-new";
const PREFIX: &str = "snapshot-";

/// Which state of which session a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotHeader {
    /// That of the journal's segments.
    pub(crate) session_id: u64,
    /// The first record that is not in the state: an input.
    pub(crate) sequence: u64,
    /// The core's time.
    pub(crate) time: Nanos,
    pub(crate) state_hash: u64,
    /// The checksum of the record before `sequence`: a journal that lost its end and went on another way
    /// has the same session and other records.
    pub(crate) mark: u32,
}

/// A file that was read whole.
pub(crate) struct SnapshotFile {
    pub(crate) header: SnapshotHeader,
    bytes: Vec<u8>,
    host_bytes: usize,
}

impl SnapshotFile {
    /// Reads a file and checks all of it but what the core will.
    ///
    /// # Errors
    ///
    /// What is wrong, as a sentence.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        Self::of_bytes(bytes)
    }

    fn of_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
            return Err(format!("{} bytes are no snapshot", bytes.len()));
        };
        let word =
            |at: usize| u64::from_le_bytes(header[at..].first_chunk().copied().unwrap_or_default());
        let half =
            |at: usize| u32::from_le_bytes(header[at..].first_chunk().copied().unwrap_or_default());
        if header[..8] != MAGIC {
            return Err("it is no snapshot".into());
        }
        if half(8) != VERSION {
            return Err(format!("its version is {}, this reads {VERSION}", half(8)));
        }
        let length = word(48).checked_add(word(56)).and_then(|it| it.checked_add(CRC_BYTES as u64));
        if length != Some(body.len() as u64) {
            return Err("it is cut short or has grown".into());
        }
        let host_bytes = word(48) as usize;
        let end = bytes.len() - CRC_BYTES;
        let crc = u32::from_le_bytes(bytes[end..].first_chunk().copied().unwrap_or_default());
        if Crc32c::detect().checksum(&bytes[..end]) != crc {
            return Err("its checksum is wrong".into());
        }
        let header = SnapshotHeader {
            mark: half(12),
            session_id: word(16),
            sequence: word(24),
            time: Nanos(word(32).cast_signed()),
            state_hash: word(40),
        };
        Ok(Self { header, bytes, host_bytes })
    }

    /// What the host knows of the session.
    pub(crate) fn host(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..HEADER_BYTES + self.host_bytes]
    }

    /// The state of the core.
    pub(crate) fn core(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES + self.host_bytes..self.bytes.len() - CRC_BYTES]
    }
}

/// Writes a snapshot beside the journal's segments; where it is, and its size.
///
/// # Errors
///
/// [`Error::File`].
pub(crate) fn write(
    dir: &Path,
    header: &SnapshotHeader,
    host: &[u8],
    core: &[u8],
) -> Result<(PathBuf, u64), Error> {
    let path = dir.join(format!("{PREFIX}{:012}.{EXTENSION}", header.sequence));
    let unfinished = path.with_extension(UNFINISHED);
    let head = encode(header, host.len(), core.len());
    let crc = Crc32c::detect();
    let register = [&head[..], host, core].iter().fold(u32::MAX, |it, bytes| crc.update(it, bytes));
    let write = || -> io::Result<()> {
        let mut file = File::create(&unfinished)?;
        for bytes in [&head[..], host, core, &(!register).to_le_bytes()] {
            file.write_all(bytes)?;
        }
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| {
        // A part of a snapshot is of no use, and on a full disk in the way.
        drop(fs::remove_file(&unfinished));
        Error::file("write snapshot", &path, source)
    })?;
    let size = HEADER_BYTES + host.len() + core.len() + CRC_BYTES;
    Ok((path, size as u64))
}

fn encode(header: &SnapshotHeader, host_bytes: usize, core_bytes: usize) -> [u8; HEADER_BYTES] {
    let SnapshotHeader { session_id, sequence, time, state_hash, mark } = *header;
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&mark.to_le_bytes());
    let words = [session_id, sequence, time.0.cast_unsigned(), state_hash];
    let lengths = [host_bytes as u64, core_bytes as u64];
    for (place, word) in bytes[16..].chunks_exact_mut(8).zip(words.into_iter().chain(lengths)) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// The snapshots in a directory by their names, the newest first. What cannot be listed has none.
pub(crate) fn list(dir: &Path) -> Vec<(u64, PathBuf)> {
    let mut found: Vec<_> = named(dir, EXTENSION).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// Removes all but the newest `kept` snapshots, that of `written` in any case not; what was found not to
/// fit the journal neither counts nor goes. What a killed writer left unfinished goes.
pub(crate) fn prune(dir: &Path, written: u64, unfit: &[PathBuf], kept: usize) {
    let fit = list(dir).into_iter().filter(|(_, path)| !unfit.contains(path));
    let old = fit.skip(kept).filter(|&(sequence, _)| sequence != written);
    let unfinished = named(dir, UNFINISHED).filter(|&(sequence, _)| sequence < written);
    for (_, path) in old.chain(unfinished) {
        // What cannot be removed costs room and nothing else; the next one tries again.
        drop(fs::remove_file(path));
    }
}

fn named(dir: &Path, extension: &'static str) -> impl Iterator<Item = (u64, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let path = entry.path();
        let is_one = path.extension().is_some_and(|it| it == extension);
        let digits = path.file_stem()?.to_str()?.strip_prefix(PREFIX)?;
        let sequence = digits.parse().ok()?;
        is_one.then_some((sequence, path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SnapshotHeader = SnapshotHeader {
        session_id: 0x0123_4567_89AB_CDEF,
        sequence: 812,
        time: Nanos(1_790_000_000_000_000_000),
        state_hash: 7,
        mark: 9,
    };

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("tezi-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&dir));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn a_file_is_read_as_written_and_any_change_is_seen() {
        let dir = scratch("snapshot-file");
        let (path, size) = write(&dir, &HEADER, b"host", b"the core").unwrap();
        assert!(path.ends_with("snapshot-000000000812.tzs"));
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len() as u64, size);
        let file = SnapshotFile::read(&path).unwrap();
        assert_eq!(
            (file.header, file.host(), file.core()),
            (HEADER, &b"host"[..], &b"the core"[..])
        );
        for place in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[place] ^= 1;
            assert!(SnapshotFile::of_bytes(bad).is_err(), "byte {place}");
            assert!(SnapshotFile::of_bytes(bytes[..place].to_vec()).is_err(), "cut to {place}");
        }
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_newest_two_stay_and_what_does_not_fit_is_left_alone() {
        let dir = scratch("snapshot-prune");
        let write =
            |sequence| write(&dir, &SnapshotHeader { sequence, ..HEADER }, b"", b"").unwrap().0;
        let sequences = || list(&dir).iter().map(|it| it.0).collect::<Vec<_>>();
        let foreign = write(900);
        for sequence in [10, 20, 30] {
            write(sequence);
            prune(&dir, sequence, std::slice::from_ref(&foreign), 2);
        }
        assert_eq!(sequences(), [900, 30, 20]);
        write(5);
        File::create(dir.join("snapshot-000000000004.tzs-new")).unwrap();
        File::create(dir.join("snapshot-x.tzs")).unwrap();
        prune(&dir, 5, &[foreign], 2);
        assert_eq!(sequences(), [900, 30, 20, 5], "the one just written stays");
        assert_eq!(named(&dir, UNFINISHED).count(), 0);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_cannot_be_finished_is_told_and_leaves_nothing() {
        let dir = scratch("snapshot-fails");
        // A file cannot take the place of a directory that is not empty.
        let in_the_way = dir.join("snapshot-000000000812.tzs");
        fs::create_dir_all(in_the_way.join("x")).unwrap();
        let error = write(&dir, &HEADER, b"host", b"core").unwrap_err().to_string();
        assert!(error.contains("cannot write snapshot"), "{error}");
        assert_eq!(named(&dir, UNFINISHED).count(), 0);
        fs::remove_dir_all(&dir).unwrap();
    }
}
