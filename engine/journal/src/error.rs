//! The one error type of the crate.

use core::fmt;
use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{Damage, HeaderFault, Promise, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, TornTail};

/// Why a journal operation was refused or failed. Nothing that was written before is lost by any.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalError {
    /// The operating system refused.
    Io {
        /// What was being done, as in "cannot …".
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Bytes the operation needed, where that says something.
        bytes_needed: Option<u64>,
        /// The operating system's answer.
        source: io::Error,
    },
    /// [`crate::JournalWriter::create`] never writes over a journal.
    Exists {
        /// Its first segment.
        path: PathBuf,
    },
    /// There is no segment file.
    NotAJournal {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// A segment header cannot be used, and no other segment helps.
    Header {
        /// The segment file.
        path: PathBuf,
        /// What is wrong with it.
        fault: HeaderFault,
    },
    /// Another writer has the journal open.
    Locked {
        /// The journal.
        path: PathBuf,
    },
    /// A segment size out of bounds.
    SegmentBytes {
        /// The size asked for.
        requested: u64,
    },
    /// A record that fits in no segment.
    PayloadTooLarge {
        /// Size of the payload.
        bytes: usize,
        /// The largest payload that fits.
        bytes_max: usize,
    },
    /// An earlier roll to the next segment failed; the writer takes no more records.
    Stopped {
        /// The journal.
        path: PathBuf,
        /// The last record written.
        sequence_last: u64,
    },
    /// The place for live segments is on no memory file system, or the platform has none.
    NotInMemory {
        /// The place.
        path: PathBuf,
    },
    /// The memory file system has too little left for the live segments.
    MemoryShort {
        /// The place.
        path: PathBuf,
        /// Bytes that the segments take.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The journal gives no such promise, or has no such record.
    NotPromised {
        /// What was waited for.
        promise: Promise,
        /// The record.
        sequence: u64,
    },
    /// The journal has as many segments as file names allow.
    SegmentsExhausted {
        /// The journal.
        path: PathBuf,
    },
    /// Appending behind a torn tail would bury it: [`crate::recover`] first.
    NeedsRecovery(Box<TornTail>),
    /// The last segment is damaged before its end; no program should mend that unasked.
    Damaged(Box<Damage>),
}

impl JournalError {
    #[cold]
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_path_buf(), bytes_needed: None, source }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, bytes_needed, source } => {
                write!(f, "cannot {doing} {}: {source}", path.display())?;
                match bytes_needed {
                    Some(bytes) => write!(f, " (needed {bytes} bytes)"),
                    None => Ok(()),
                }
            }
            Self::Exists { path } => {
                write!(f, "a journal is already there: {}; it is not overwritten", path.display())
            }
            Self::NotAJournal { path } => {
                write!(f, "no journal segment (00000000.tzj) in {}", path.display())
            }
            Self::Header { path, fault } => write!(f, "{}: {fault}", path.display()),
            Self::Locked { path } => {
                write!(f, "journal {} is open in another writer", path.display())
            }
            Self::SegmentBytes { requested } => write!(
                f,
                "segments of {requested} bytes: the size must be a multiple of 4096 from \
                 {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}"
            ),
            Self::PayloadTooLarge { bytes, bytes_max } => {
                write!(f, "payload of {bytes} bytes, a segment has room for {bytes_max}")
            }
            Self::Stopped { path, sequence_last } => write!(
                f,
                "journal {} takes no more records since it could not get its next segment; its \
                 last record is {sequence_last}",
                path.display()
            ),
            Self::NotInMemory { path } => {
                write!(f, "{} is not on a memory file system (tmpfs)", path.display())
            }
            Self::MemoryShort { path, needed, free } => write!(
                f,
                "{} has {free} bytes free, the segments in memory need {needed}",
                path.display()
            ),
            Self::NotPromised { promise, sequence } => write!(
                f,
                "record {sequence} is never {}: the journal makes no such promise or has no such \
                 record",
                promise.name()
            ),
            Self::SegmentsExhausted { path } => {
                write!(f, "journal {} has no segment numbers left", path.display())
            }
            Self::NeedsRecovery(tail) => write!(f, "{tail}; recover the journal before appending"),
            Self::Damaged(damage) => write!(f, "{damage}; the journal cannot be appended to"),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
