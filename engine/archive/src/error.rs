//! Why a journal was not archived, or an archive is not what it was.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tezi_journal::JournalError;

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A file could not be read or written.
    Io {
        /// What was being done, as in "cannot …".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The journal could not be read, or is in use.
    Journal(JournalError),
    /// The journal is damaged: an archive would keep the damage for years.
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The first place, for people.
        what: String,
    },
    /// The place for an archive or a restored journal holds something already.
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The archive is not what its manifest says, or the manifest is not what it was.
    Fault {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There is no manifest: no archive, or one that was never finished.
    NoManifest,
    /// A line of the manifest, from 1, is not as the format has it.
    Line {
        /// The line.
        line: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// The chain breaks: this line, or one before it, was changed, left out or added.
    Chain {
        /// The line.
        line: usize,
    },
    /// The manifest ends before its last line.
    Unfinished,
    /// A file that the manifest names is not there.
    Missing,
    /// A file is longer or shorter than the manifest says.
    Size {
        /// Bytes that the manifest says.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A file's SHA-256 is not the manifest's.
    Digest,
    /// A file cannot be decompressed.
    Zstd(String),
    /// A file that the manifest does not name.
    Stray,
    /// The seal is not the one it was compared with.
    Seal,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoManifest => f.write_str("no archive, or one that was never finished"),
            Self::Line { line, expected } => write!(f, "line {line} is not {expected}"),
            Self::Chain { line } => {
                write!(f, "the chain breaks at line {line}: it was changed, left out or added")
            }
            Self::Unfinished => f.write_str("it ends before its last line"),
            Self::Missing => f.write_str("the manifest names it, and it is not there"),
            Self::Size { expected, found } => {
                write!(f, "{found} bytes, and the manifest says {expected}")
            }
            Self::Digest => f.write_str("its SHA-256 is not the manifest's: it was changed"),
            Self::Zstd(what) => write!(f, "it cannot be decompressed: {what}"),
            Self::Stray => f.write_str("the manifest does not name it"),
            Self::Seal => f.write_str("another seal than the one given: it is another archive"),
        }
    }
}

impl ArchiveError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_path_buf(), source }
    }

    pub(crate) fn fault(path: &Path, fault: Fault) -> Self {
        Self::Fault { path: path.to_path_buf(), fault }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}", path.display())
            }
            Self::Journal(source) => source.fmt(f),
            Self::Damaged { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Occupied { path } => {
                write!(f, "{} is there already and not empty", path.display())
            }
            Self::Fault { path, fault } => write!(f, "{}: {fault}", path.display()),
        }
    }
}

impl std::error::Error for ArchiveError {}

impl From<JournalError> for ArchiveError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}
