//! An archive checked, and back into a journal.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use ruzstd::decoding::StreamingDecoder;

use crate::manifest::{MANIFEST_NAME, Manifest, Segment};
use crate::pack::{make_empty, sync_dir, write_synced};
use crate::{ArchiveError, Digest, Fault, Progress};

/// Checks every byte of an archive: the chain, each file, and what it decompresses to. With `seal`, that
/// it is that very archive.
///
/// # Errors
///
/// [`ArchiveError::Fault`] names the first file at fault, and [`ArchiveError::Io`].
pub fn verify(
    archive: &Path,
    seal: Option<Digest>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, ArchiveError> {
    each_segment(archive, seal, progress, |_, _| Ok(()))
}

/// Brings back the journal of an archive, byte for byte, into the directory `to`, which is made or is
/// empty. Everything is checked on the way.
///
/// # Errors
///
/// As [`verify`], and [`ArchiveError::Occupied`]. Segments restored before a fault stay.
pub fn restore(
    archive: &Path,
    to: &Path,
    seal: Option<Digest>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, ArchiveError> {
    read_manifest(archive)?;
    make_empty(to)?;
    let manifest = each_segment(archive, seal, progress, |segment, bytes| {
        write_synced(&to.join(&segment.name), bytes)
    })?;
    sync_dir(to)?;
    Ok(manifest)
}

fn each_segment(
    archive: &Path,
    seal: Option<Digest>,
    progress: &mut dyn FnMut(Progress),
    mut take: impl FnMut(&Segment, &[u8]) -> Result<(), ArchiveError>,
) -> Result<Manifest, ArchiveError> {
    let manifest = read_manifest(archive)?;
    if seal.is_some_and(|seal| seal != manifest.seal) {
        return Err(ArchiveError::fault(&archive.join(MANIFEST_NAME), Fault::Seal));
    }
    find_strays(archive, &manifest)?;
    let segments_all = manifest.segments.len() as u32;
    let mut done = Progress { segments: 0, segments_all, bytes: 0, packed_bytes: 0 };
    for segment in &manifest.segments {
        let path = archive.join(segment.packed_name());
        let packed = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ArchiveError::fault(&path, Fault::Missing),
            _ => ArchiveError::io("read", &path, source),
        })?;
        take(segment, &decompress(&path, segment, &packed)?)?;
        done.segments += 1;
        done.bytes += segment.bytes;
        done.packed_bytes += segment.packed_bytes;
        progress(done);
    }
    Ok(manifest)
}

fn read_manifest(archive: &Path) -> Result<Manifest, ArchiveError> {
    let path = archive.join(MANIFEST_NAME);
    let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ArchiveError::fault(&path, Fault::NoManifest),
        io::ErrorKind::InvalidData => {
            ArchiveError::fault(&path, Fault::Line { line: 1, expected: "text" })
        }
        _ => ArchiveError::io("read", &path, source),
    })?;
    Manifest::read(&path, &text)
}

/// Files that nobody vouches for have no place in an archive.
fn find_strays(archive: &Path, manifest: &Manifest) -> Result<(), ArchiveError> {
    let mut named: HashSet<String> = manifest.segments.iter().map(Segment::packed_name).collect();
    named.insert(MANIFEST_NAME.into());
    let error = |source| ArchiveError::io("list", archive, source);
    for entry in fs::read_dir(archive).map_err(error)? {
        let name = entry.map_err(error)?.file_name();
        if !name.to_str().is_some_and(|name| named.contains(name)) {
            return Err(ArchiveError::fault(&archive.join(name), Fault::Stray));
        }
    }
    Ok(())
}

/// The segment that a file holds, checked before and after it is decompressed. `path` is what
/// errors name.
pub(crate) fn decompress(
    path: &Path,
    segment: &Segment,
    packed: &[u8],
) -> Result<Vec<u8>, ArchiveError> {
    let fault = |fault| Err(ArchiveError::fault(path, fault));
    if packed.len() as u64 != segment.packed_bytes {
        let (expected, found) = (segment.packed_bytes, packed.len() as u64);
        return fault(Fault::Size { expected, found });
    }
    if Digest::of(packed) != segment.packed_digest {
        return fault(Fault::Digest);
    }
    let zstd = |what: String| ArchiveError::fault(path, Fault::Zstd(what));
    let mut decoder = StreamingDecoder::new(packed).map_err(|error| zstd(error.to_string()))?;
    let mut bytes = Vec::new();
    // One byte more than it should be shows that it is too long, whatever a file claims.
    let most = segment.bytes.saturating_add(1);
    Read::take(&mut decoder, most)
        .read_to_end(&mut bytes)
        .map_err(|error| zstd(error.to_string()))?;
    if bytes.len() as u64 != segment.bytes {
        return fault(Fault::Size { expected: segment.bytes, found: bytes.len() as u64 });
    }
    if Digest::of(&bytes) != segment.digest {
        return fault(Fault::Digest);
    }
    Ok(bytes)
}
