//! The first 64 bytes of a segment file.
//!
//! Layout (little-endian; `docs/wire/journal.md`, "Segment header"):
//!
//! ```text
//!  0 magic[8]  8 byte_order u32  12 version u16  14 header_bytes u16
//! 16 number u32  20 reserved u32  24 base_sequence u64
//! 32 session_id u64  40 created i64  48 segment_bytes u64
//! 56 reserved u32  60 crc32c u32, over bytes 0..60
//! ```
//!
//! A header is 60 protected bytes, far below the length up to which CRC32C tells all errors of up
//! to five bits apart, so one flipped bit is not only found: it is named and mended.

use core::fmt;

use tezi_model::Nanos;

use crate::Crc32c;

/// Version of the format this crate writes.
pub const FORMAT_VERSION: u16 = 1;
/// Size of a segment header.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// The smallest segment a writer makes.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// The largest segment a writer makes and a reader reads.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

const MAGIC: [u8; 8] = *b"TEZIJRNL";
const BYTE_ORDER: u32 = 0x0A0B_0C0D;
const CRC_OFFSET: usize = 60;
/// Far above any count of records, and far from wrapping.
const BASE_SEQUENCE_MAX: u64 = u64::MAX / 2;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Position of the segment in the journal, from 0; also its file name.
    pub number: u32,
    /// Sequence of the first record that is, or would be, in the segment.
    pub base_sequence: u64,
    /// Names the journal: the same in all its segments, different in every other journal.
    pub session_id: u64,
    /// The caller's time when the segment was made.
    pub created: Nanos,
    /// Size of the file when it was made; a closed last segment is shorter.
    pub segment_bytes: u64,
}

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadHeader {
    pub(crate) header: SegmentHeader,
    /// The bit (0 = lowest bit of byte 0) that had to be flipped back to make the checksum fit.
    pub(crate) bit_mended: Option<u16>,
}

/// Why a segment header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderFault {
    /// The file is shorter than a header.
    Short {
        /// Its size.
        bytes: u64,
    },
    /// The header is all zeros: preallocated, never written.
    Unwritten,
    /// Not a journal segment.
    Magic {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// Written in the other byte order.
    ByteOrder,
    /// A version this reader does not know.
    Version {
        /// The version.
        found: u16,
    },
    /// The checksum does not fit, nor does it with any one bit flipped.
    Checksum {
        /// As the header says.
        stored: u32,
        /// As its bytes give.
        computed: u32,
    },
    /// A sequence no journal reaches, or zero.
    BaseSequence {
        /// The sequence.
        found: u64,
    },
    /// The header names another segment than the file name does: the file was renamed.
    Number {
        /// The number in the header.
        found: u32,
    },
    /// The segment belongs to another journal.
    Session {
        /// The session in the header.
        found: u64,
        /// The session of the journal.
        expected: u64,
    },
    /// The file is larger than any segment may be.
    TooLarge {
        /// Its size.
        bytes: u64,
    },
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Short { bytes } => {
                write!(f, "file of {bytes} bytes, a segment header has {SEGMENT_HEADER_BYTES}")
            }
            Self::Unwritten => f.write_str("the segment header was never written"),
            Self::Magic { found } => {
                write!(f, "not a journal segment (begins \"{}\")", found.escape_ascii())
            }
            Self::ByteOrder => f.write_str("written in the other byte order"),
            Self::Version { found } => {
                write!(f, "format version {found}, this program reads {FORMAT_VERSION}")
            }
            Self::Checksum { stored, computed } => write!(
                f,
                "checksum mismatch in the segment header (stored {stored:#010x}, computed \
                 {computed:#010x})"
            ),
            Self::BaseSequence { found } => write!(f, "impossible base sequence {found}"),
            Self::Number { found } => {
                write!(f, "the header says segment {found}: the file was renamed")
            }
            Self::Session { found, expected } => write!(
                f,
                "belongs to another journal (session {found:#018x}, this one is {expected:#018x})"
            ),
            Self::TooLarge { bytes } => {
                write!(f, "file of {bytes} bytes, the largest segment has {SEGMENT_BYTES_MAX}")
            }
        }
    }
}

impl HeaderFault {
    /// Whether creation of the segment was cut short, so that it never held a record.
    #[must_use]
    pub const fn is_unfinished(self) -> bool {
        matches!(self, Self::Short { .. } | Self::Unwritten)
    }

    /// Whether the records behind the header may still be readable by the rules of this version.
    pub(crate) const fn is_salvageable(self) -> bool {
        matches!(
            self,
            Self::Unwritten
                | Self::Magic { .. }
                | Self::Checksum { .. }
                | Self::BaseSequence { .. }
        )
    }
}

impl SegmentHeader {
    /// The register the checksums of the segment's records start from. It differs between any two
    /// segments of a journal, so a recycled file cannot show its old records.
    pub(crate) fn seed(session_id: u64, number: u32, crc: Crc32c) -> u32 {
        crc.update(crc.update(!0, &session_id.to_le_bytes()), &number.to_le_bytes())
    }

    /// The header as bytes.
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let mut put = |offset: usize, field: &[u8]| {
            bytes[offset..offset + field.len()].copy_from_slice(field);
        };
        put(0, &MAGIC);
        put(8, &BYTE_ORDER.to_le_bytes());
        put(12, &FORMAT_VERSION.to_le_bytes());
        put(14, &(SEGMENT_HEADER_BYTES as u16).to_le_bytes());
        put(16, &self.number.to_le_bytes());
        put(24, &self.base_sequence.to_le_bytes());
        put(32, &self.session_id.to_le_bytes());
        put(40, &self.created.0.to_le_bytes());
        put(48, &self.segment_bytes.to_le_bytes());
        let crc = Crc32c::detect().checksum(&bytes[..CRC_OFFSET]);
        bytes[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header, mending one flipped bit.
    pub(crate) fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Result<ReadHeader, HeaderFault> {
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(HeaderFault::Unwritten);
        }
        let (stored, computed) = checksums(bytes);
        if stored == computed {
            return Self::fields(bytes).map(|header| ReadHeader { header, bit_mended: None });
        }
        // A header in which one bit flipped is ours when mending it gives a header in all respects.
        for bit in 0..SEGMENT_HEADER_BYTES as u16 * 8 {
            let mut mended = *bytes;
            mended[usize::from(bit / 8)] ^= 1 << (bit % 8);
            let (stored, computed) = checksums(&mended);
            if stored == computed
                && let Ok(header) = Self::fields(&mended)
            {
                return Ok(ReadHeader { header, bit_mended: Some(bit) });
            }
        }
        // The more telling fault first: what is no segment at all has no checksum to speak of.
        match Self::fields(bytes) {
            Err(fault @ (HeaderFault::Magic { .. } | HeaderFault::ByteOrder)) => Err(fault),
            _ => Err(HeaderFault::Checksum { stored, computed }),
        }
    }

    fn fields(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Result<Self, HeaderFault> {
        let magic = u64_at(bytes, 0).to_le_bytes();
        let order = u32_at(bytes, 8);
        let version = u32_at(bytes, 12) as u16;
        let base_sequence = u64_at(bytes, 24);
        if magic != MAGIC {
            return Err(HeaderFault::Magic { found: magic });
        }
        if order == BYTE_ORDER.swap_bytes() {
            return Err(HeaderFault::ByteOrder);
        }
        if order != BYTE_ORDER {
            return Err(HeaderFault::Magic { found: magic });
        }
        if version != FORMAT_VERSION {
            return Err(HeaderFault::Version { found: version });
        }
        if base_sequence == 0 || BASE_SEQUENCE_MAX < base_sequence {
            return Err(HeaderFault::BaseSequence { found: base_sequence });
        }
        Ok(Self {
            number: u32_at(bytes, 16),
            base_sequence,
            session_id: u64_at(bytes, 32),
            created: Nanos(u64_at(bytes, 40).cast_signed()),
            segment_bytes: u64_at(bytes, 48),
        })
    }
}

fn checksums(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> (u32, u32) {
    (u32_at(bytes, CRC_OFFSET), Crc32c::detect().checksum(&bytes[..CRC_OFFSET]))
}

fn u32_at(bytes: &[u8; SEGMENT_HEADER_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes(core::array::from_fn(|index| bytes[offset + index]))
}

fn u64_at(bytes: &[u8; SEGMENT_HEADER_BYTES], offset: usize) -> u64 {
    u64::from_le_bytes(core::array::from_fn(|index| bytes[offset + index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        number: 7,
        base_sequence: 812,
        session_id: 0x0123_4567_89AB_CDEF,
        created: Nanos(1_790_000_000_000_000_000),
        segment_bytes: 64 << 20,
    };

    #[test]
    fn golden_header() {
        // Made by hand from docs/wire/journal.md; the checksum by an independent program.
        let hex: String = HEADER.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            concat!(
                "54455a494a524e4c0d0c0b0a01004000",
                "07000000000000002c03000000000000",
                "efcdab89674523010000f323845bd718",
                "00000004000000000000000069785ff8"
            )
        );
    }

    #[test]
    fn every_single_bit_flip_is_mended_and_named() {
        let bytes = HEADER.encode();
        assert_eq!(
            SegmentHeader::decode(&bytes),
            Ok(ReadHeader { header: HEADER, bit_mended: None })
        );
        for bit in 0..512 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = SegmentHeader::decode(&flipped);
            assert_eq!(read, Ok(ReadHeader { header: HEADER, bit_mended: Some(bit as u16) }));
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        let edit = |edits: &[(usize, u8)], fix_crc: bool| {
            let mut bytes = HEADER.encode();
            edits.iter().for_each(|&(offset, byte)| bytes[offset] = byte);
            if fix_crc {
                let crc = Crc32c::TABLE.checksum(&bytes[..CRC_OFFSET]);
                bytes[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
            }
            SegmentHeader::decode(&bytes).map_err(|fault| fault.to_string())
        };
        type Edits<'a> = &'a [(usize, u8)];
        let cases: [(Edits<'_>, bool, &str); 5] = [
            (&[(0, b'X')], true, "not a journal segment (begins \"XEZIJRNL\")"),
            (&[(8, 10), (9, 11), (10, 12), (11, 13)], true, "written in the other byte order"),
            (&[(12, 2)], true, "format version 2, this program reads 1"),
            (&[(24, 0), (25, 0)], true, "impossible base sequence 0"),
            (&[(24, 0), (40, 0xFF)], false, "checksum mismatch in the segment header"),
        ];
        for (edits, fix_crc, expected) in cases {
            let fault = edit(edits, fix_crc).unwrap_err();
            assert!(fault.starts_with(expected), "{fault}");
        }
        assert_eq!(SegmentHeader::decode(&[0; 64]), Err(HeaderFault::Unwritten));
    }

    #[test]
    fn seeds_of_neighbouring_segments_differ() {
        let seed = |session, number| SegmentHeader::seed(session, number, Crc32c::detect());
        assert_ne!(seed(1, 0), seed(1, 1));
        assert_ne!(seed(1, 0), seed(2, 0));
        assert_eq!(seed(1, 5), SegmentHeader::seed(1, 5, Crc32c::TABLE));
    }
}
