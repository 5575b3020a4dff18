//! Why a journal was not exported.

use std::fmt;
use std::io;
use std::path::PathBuf;

use parquet::errors::ParquetError;
use tezi::journal::JournalError;

/// What went wrong. No file of the export is there then, and none that was there before is changed,
/// unless renaming itself was what failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExportError {
    /// A file could not be written.
    Io {
        /// What was being done, as in "cannot …".
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The journal could not be opened.
    Journal(JournalError),
    /// A file of this name is there already.
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Rows could not be written as Parquet.
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the writer of Parquet says.
        source: ParquetError,
    },
    /// The thread that writes a file could not be started, or ended by a panic.
    Thread {
        /// The file.
        path: PathBuf,
    },
    /// Whoever follows the progress asked for an end.
    Interrupted,
}

impl ExportError {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { doing, path: path.into(), source }
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}", path.display())
            }
            Self::Journal(error) => error.fmt(f),
            Self::Exists { path } => {
                write!(f, "{} is there already, and is not written over", path.display())
            }
            Self::Parquet { path, source } => {
                write!(f, "cannot write {}: {source}", path.display())
            }
            Self::Thread { path } => {
                write!(f, "the thread that writes {} failed", path.display())
            }
            Self::Interrupted => f.write_str("interrupted: nothing was written"),
        }
    }
}

impl std::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Journal(error) => Some(error),
            Self::Parquet { source, .. } => Some(source),
            Self::Exists { .. } | Self::Thread { .. } | Self::Interrupted => None,
        }
    }
}

impl From<JournalError> for ExportError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}
