//! A record in memory: sizes, the header words, and the one function that decides whether bytes
//! are a record.
//!
//! Layout (little-endian; `docs/wire/journal.md`, "Record"):
//!
//! ```text
//!  0 length u32  4 crc32c u32  8 sequence u64  16 time i64
//! 24 record_type u16  26 flags u16  28 reserved u32  32 payload, zeros to a multiple of 8
//! ```

use tezi_model::Nanos;

use crate::{Crc32c, RecordFault, SEGMENT_HEADER_BYTES};

/// Size of a record header.
pub const RECORD_HEADER_BYTES: usize = 32;
/// Records start and end at multiples of this.
pub const RECORD_ALIGN: usize = 8;

/// The bytes a record takes in a segment, header and padding included.
#[inline]
#[must_use]
pub const fn record_bytes(payload_bytes: usize) -> usize {
    // Saturating, because a slice may be as long as memory and the caller compares with a limit.
    payload_bytes.saturating_add(RECORD_HEADER_BYTES + RECORD_ALIGN - 1) & !(RECORD_ALIGN - 1)
}

/// A length rounded up to where the next record may start. For lengths that fit into memory.
#[inline]
pub(crate) const fn padded(length: usize) -> usize {
    (length + RECORD_ALIGN - 1) & !(RECORD_ALIGN - 1)
}

/// The word that commits a record: its length below, its checksum above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit(pub(crate) u64);

impl Commit {
    /// The bytes the record takes, padding included; 0 when there is no record.
    #[inline]
    pub(crate) const fn size(self) -> usize {
        padded(self.0 as u32 as usize)
    }
}

/// The header fields a writer chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) sequence: u64,
    pub(crate) time: Nanos,
    pub(crate) record_type: u16,
    pub(crate) flags: u16,
}

impl RecordHeader {
    /// The four header words of a record of `length` bytes, the checksum still zero.
    #[inline]
    pub(crate) const fn words(&self, length: u32) -> [u64; 4] {
        [
            length as u64,
            self.sequence,
            self.time.0.cast_unsigned(),
            self.record_type as u64 | (self.flags as u64) << 16,
        ]
    }
}

/// A record whose checksum fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) header: RecordHeader,
    /// Header and payload, without padding.
    pub(crate) length: usize,
}

impl Frame {
    /// The bytes it takes, padding included.
    #[inline]
    pub(crate) const fn size(&self) -> usize {
        padded(self.length)
    }
}

/// Decides whether `bytes` start with a record: a possible length, all of it there, and a checksum
/// that fits. The sequence is the caller's to judge.
#[inline]
pub(crate) fn parse(bytes: &[u8], seed: u32, crc: Crc32c) -> Result<Frame, RecordFault> {
    let Some((start, rest)) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>() else {
        return Err(parse_short(bytes));
    };
    let words: [u64; 4] = core::array::from_fn(|word| {
        u64::from_le_bytes(core::array::from_fn(|i| start[word * 8 + i]))
    });
    let length = words[0] as u32;
    if length < RECORD_HEADER_BYTES as u32 {
        return Err(fault_of_length(length));
    }
    let payload_size = padded(length as usize) - RECORD_HEADER_BYTES;
    let Some(payload) = rest.get(..payload_size) else {
        return Err(RecordFault::Cut { length, available: bytes.len() as u64 });
    };
    let stored = (words[0] >> 32) as u32;
    let covered = [u64::from(length), words[1], words[2], words[3]];
    let computed = crc.record(seed, covered, payload);
    if stored != computed {
        return Err(RecordFault::Checksum { stored, computed });
    }
    let header = RecordHeader {
        sequence: words[1],
        time: Nanos(words[2].cast_signed()),
        record_type: words[3] as u16,
        flags: (words[3] >> 16) as u16,
    };
    Ok(Frame { header, length: length as usize })
}

/// The checksum that a record has, by its own word.
pub(crate) fn stored_checksum(record: &[u8]) -> u32 {
    match record.first_chunk::<8>() {
        Some([_, _, _, _, crc @ ..]) => u32::from_le_bytes(*crc),
        None => 0,
    }
}

/// How far the records of a whole segment go without a fault: the end of the last, and the sequence
/// behind it.
pub(crate) fn good_prefix(bytes: &[u8], base: u64, seed: u32, crc: Crc32c) -> (usize, u64) {
    let (mut end, mut sequence) = (SEGMENT_HEADER_BYTES.min(bytes.len()), base);
    while let Ok(frame) = parse(&bytes[end..], seed, crc) {
        if frame.header.sequence != sequence {
            break;
        }
        end += frame.size();
        sequence += 1;
    }
    (end, sequence)
}

/// Whether a record may start here: what is cheap to see before its checksum is computed.
#[inline]
pub(crate) fn may_start(bytes: &[u8], sequence_min: u64) -> bool {
    /// More records than a segment holds; keeps chance out of the search for the next record.
    const SEQUENCES_AHEAD_MAX: u64 = 1 << 32;
    let Some(start) = bytes.first_chunk::<RECORD_HEADER_BYTES>() else { return false };
    let word = |at: usize| u64::from_le_bytes(core::array::from_fn(|index| start[at + index]));
    let length = word(0) & 0xFFFF_FFFF;
    let reserved = word(24) >> 32;
    RECORD_HEADER_BYTES as u64 <= length
        && length <= bytes.len() as u64
        && sequence_min <= word(8)
        && word(8) - sequence_min < SEQUENCES_AHEAD_MAX
        && reserved == 0
}

#[cold]
fn parse_short(bytes: &[u8]) -> RecordFault {
    match bytes.first_chunk::<4>().map(|length| u32::from_le_bytes(*length)) {
        Some(length) if length < RECORD_HEADER_BYTES as u32 => fault_of_length(length),
        Some(length) => RecordFault::Cut { length, available: bytes.len() as u64 },
        None => RecordFault::Uncommitted,
    }
}

#[cold]
const fn fault_of_length(length: u32) -> RecordFault {
    if length == 0 { RecordFault::Uncommitted } else { RecordFault::Length { length } }
}
