//! How a journal ends, and what is wrong with it, in words for people and fields for programs.

use core::fmt;
use std::{io, path::PathBuf};

use crate::HeaderFault;

/// How reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// After the last record there are only zeros, or nothing.
    Clean,
    /// A write was cut short behind the last record; every record before it was read.
    TornTail(TornTail),
    /// Something is wrong before the end; [`crate::JournalReader::skip_damage`] reads on.
    Damage(Box<Damage>),
}

/// What lies behind the last good record of a journal and is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The last segment.
    pub segment: PathBuf,
    /// Where the last good record ends; 0 when the segment header itself is unfinished.
    pub offset: u64,
    /// Bytes from `offset` to the last one that is not zero.
    pub bytes: u64,
    /// The sequence the cut record would have had.
    pub sequence_expected: u64,
    /// Why it is no record.
    pub fault: RecordFault,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordFault {
    /// Bytes are there, the length that commits them is not. A killed writer leaves this.
    Uncommitted,
    /// A length no record has.
    Length {
        /// The length.
        length: u32,
    },
    /// The file ends inside the record.
    Cut {
        /// Length of the whole record, by its header.
        length: u32,
        /// Bytes of it that are there.
        available: u64,
    },
    /// The checksum does not fit.
    Checksum {
        /// As the record says.
        stored: u32,
        /// As its bytes give.
        computed: u32,
    },
    /// A whole record, but not the next one.
    Sequence {
        /// Its sequence.
        found: u64,
    },
    /// The segment was made and its header never written.
    HeaderUnfinished,
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Uncommitted => f.write_str("bytes that no length commits"),
            Self::Length { length } => write!(f, "impossible length {length}"),
            Self::Cut { length, available } => {
                write!(f, "record of {length} bytes cut after {available}")
            }
            Self::Checksum { stored, computed } => {
                write!(f, "checksum mismatch (stored {stored:#010x}, computed {computed:#010x})")
            }
            Self::Sequence { found } => write!(f, "record {found} out of order"),
            Self::HeaderUnfinished => f.write_str("segment header unfinished"),
        }
    }
}

/// One place where a journal is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment file it is in, or would be in.
    pub segment: PathBuf,
    /// Where in the file.
    pub offset: u64,
    /// The sequence of the record that should be there.
    pub sequence_expected: u64,
    /// What is wrong.
    pub what: DamageKind,
    /// Bytes that could not be read as records.
    pub bytes_lost: u64,
    /// Records known to be missing; `None` when nothing behind the damage tells.
    pub records_lost: Option<u64>,
}

/// What is wrong in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// Bytes that should be a record are none, and good ones follow.
    Record(RecordFault),
    /// The segment header cannot be used. Records behind it are read where that is possible.
    Header(HeaderFault),
    /// One bit of the segment header flipped; the header was read as it was before.
    HeaderBit {
        /// The byte of the file.
        byte: u16,
        /// The bit in it, 0 the lowest.
        bit: u8,
    },
    /// Segment files are missing.
    MissingSegments {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// The segment begins with a later, or an earlier, record than the one before it ended with.
    Base {
        /// The sequence it begins with.
        found: u64,
    },
    /// The file could not be read.
    Unreadable {
        /// The operating system's error code, where there is one.
        os_error: Option<i32>,
    },
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("clean end"),
            Self::TornTail(tail) => tail.fmt(f),
            Self::Damage(damage) => damage.fmt(f),
        }
    }
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, offset, bytes, sequence_expected, fault } = self;
        let name = segment.file_name().unwrap_or_default().display();
        write!(
            f,
            "segment {name}, byte {offset}: torn tail of {bytes} bytes where record \
             {sequence_expected} would be: {fault}"
        )
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.segment.file_name().unwrap_or_default().display();
        write!(f, "segment {name}, byte {}: ", self.offset)?;
        self.fmt_what(f)?;
        if 0 < self.bytes_lost {
            write!(f, "; {} bytes unreadable", self.bytes_lost)?;
        }
        match self.records_lost {
            Some(0) => f.write_str("; no record lost"),
            Some(1) => f.write_str("; 1 record lost"),
            Some(records) => write!(f, "; {records} records lost"),
            None => f.write_str("; how many records are lost cannot be told"),
        }
    }
}

impl Damage {
    fn fmt_what(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = self.sequence_expected;
        match self.what {
            DamageKind::Record(RecordFault::Checksum { stored, computed }) => write!(
                f,
                "checksum mismatch in record {expected} (stored {stored:#010x}, computed \
                 {computed:#010x})"
            ),
            DamageKind::Record(fault) => write!(f, "{fault} where record {expected} should be"),
            DamageKind::Header(fault) => write!(f, "{fault}"),
            DamageKind::HeaderBit { byte, bit } => {
                write!(f, "bit {bit} of byte {byte} in the segment header flipped, read mended")
            }
            DamageKind::MissingSegments { first, last } if first == last => {
                write!(f, "segment {first} is missing (record {expected} should come next)")
            }
            DamageKind::MissingSegments { first, last } => write!(
                f,
                "segments {first} to {last} are missing (record {expected} should come next)"
            ),
            DamageKind::Base { found } => {
                write!(f, "begins with record {found} where record {expected} should come next")
            }
            DamageKind::Unreadable { os_error: Some(code) } => {
                write!(f, "cannot be read: {}", io::Error::from_raw_os_error(code))
            }
            DamageKind::Unreadable { os_error: None } => f.write_str("cannot be read"),
        }
    }
}
