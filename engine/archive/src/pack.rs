//! A journal into an archive.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::manifest::{MANIFEST_NAME, Manifest, Segment, Span};
use crate::unpack::decompress;
use crate::{ArchiveError, Digest, Progress};

/// How an archive is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveConfig {
    /// How many years it is to be kept. It is noted; nothing here deletes anything.
    pub retain_years: u16,
}

impl Default for ArchiveConfig {
    /// Eight years.
    fn default() -> Self {
        Self { retain_years: 8 }
    }
}

/// Archives the journal in `journal` into the directory `to`, which is made or is empty.
///
/// What a killed writer left is settled first, as [`tezi_journal::recover`] does. Each segment is
/// decompressed again and compared before the next is begun; the manifest comes last, under its name
/// only when everything is on the disk. The journal stays.
///
/// # Errors
///
/// [`ArchiveError::Journal`] when the journal is in use or cannot be read, [`ArchiveError::Damaged`]
/// when it is damaged, [`ArchiveError::Occupied`] when there is something in `to`, and
/// [`ArchiveError::Io`].
pub fn archive(
    journal: &Path,
    to: &Path,
    config: &ArchiveConfig,
    progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, ArchiveError> {
    tezi_journal::recover(journal)?;
    let report = tezi_journal::verify(journal)?;
    if let Some(finding) = report.findings.first() {
        return Err(ArchiveError::Damaged { path: journal.into(), what: finding.to_string() });
    }
    let names = segment_names(journal)?;
    make_empty(to)?;
    let mut done =
        Progress { segments: 0, segments_all: names.len() as u32, bytes: 0, packed_bytes: 0 };
    let mut segments = Vec::with_capacity(names.len());
    for name in names {
        let segment = pack_segment(journal, to, name)?;
        done.segments += 1;
        done.bytes += segment.bytes;
        done.packed_bytes += segment.packed_bytes;
        progress(done);
        segments.push(segment);
    }
    let time =
        |at: Option<(u64, tezi_model::Nanos)>| at.map_or_else(Default::default, |(_, it)| it);
    let span = Span { records: report.records, first: time(report.first), last: time(report.last) };
    let manifest = Manifest::seal(report.session_id, config.retain_years, segments, span);
    let path = to.join(MANIFEST_NAME);
    let unfinished = path.with_extension("txt-new");
    write_synced(&unfinished, manifest.write().0.as_bytes())?;
    fs::rename(&unfinished, &path)
        .map_err(|source| ArchiveError::io("name the manifest", &path, source))?;
    sync_dir(to)?;
    Ok(manifest)
}

fn pack_segment(journal: &Path, to: &Path, name: String) -> Result<Segment, ArchiveError> {
    let path = journal.join(&name);
    let bytes =
        fs::read(&path).map_err(|source| ArchiveError::io("read segment", &path, source))?;
    let packed = compress_to_vec(&bytes[..], CompressionLevel::Fastest);
    let segment = Segment {
        name,
        bytes: bytes.len() as u64,
        digest: Digest::of(&bytes),
        packed_bytes: packed.len() as u64,
        packed_digest: Digest::of(&packed),
    };
    let packed_path = to.join(segment.packed_name());
    write_synced(&packed_path, &packed)?;
    // What is to be read in years is read once now, from the file.
    let again = fs::read(&packed_path)
        .map_err(|source| ArchiveError::io("read back", &packed_path, source))?;
    decompress(&packed_path, &segment, &again)?;
    Ok(segment)
}

/// The journal's segment files, in order.
fn segment_names(journal: &Path) -> Result<Vec<String>, ArchiveError> {
    let error = |source| ArchiveError::io("list journal", journal, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(journal).map_err(error)? {
        let name = PathBuf::from(entry.map_err(error)?.file_name());
        let is_segment = name.extension().is_some_and(|extension| extension == "tzj");
        if let (true, Some(name)) = (is_segment, name.to_str()) {
            names.push(name.to_string());
        }
    }
    names.sort();
    Ok(names)
}

/// Makes a directory, or finds it empty.
pub(crate) fn make_empty(path: &Path) -> Result<(), ArchiveError> {
    let doing = "create directory";
    fs::create_dir_all(path).map_err(|source| ArchiveError::io(doing, path, source))?;
    let mut entries = fs::read_dir(path).map_err(|source| ArchiveError::io(doing, path, source))?;
    if entries.next().is_some() {
        return Err(ArchiveError::Occupied { path: path.into() });
    }
    Ok(())
}

/// Writes a new file, all of it on the disk.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    let write = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| ArchiveError::io("write", path, source))
}

/// Brings a directory's names to the disk.
pub(crate) fn sync_dir(path: &Path) -> Result<(), ArchiveError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(|source| ArchiveError::io("sync directory", path, source))
}
