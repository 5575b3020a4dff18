//! What the two file formats have in common: byte order, and one step of reading.
//!
//! A format looks at the bytes not yet read and says what stands there. It owns no bytes and keeps
//! no slice of them, so the same code walks a mapped file and a sliding window.

use tezi_model::Nanos;

use super::frame::LinkType;

/// The most bytes a packet of a capture may hold. libpcap writes no longer ones (MAXIMUM_SNAPLEN),
/// so a longer one means that the file is damaged there.
pub(super) const RECORD_SIZE_MAX: usize = 262_144;

/// How the numbers of a file are written: in the order of the machine that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    #[inline]
    pub(super) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) const fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }

    /// The first `N` numbers of 32 bits; `None` when there are fewer.
    #[inline]
    pub(super) fn words<const N: usize>(self, bytes: &[u8]) -> Option<[u32; N]> {
        let (words, _) = bytes.as_chunks::<4>();
        let words: &[[u8; 4]; N] = words.first_chunk()?;
        Some(words.map(|word| self.u32(word)))
    }

    /// The first `N` numbers of 16 bits; `None` when there are fewer.
    pub(super) fn halves<const N: usize>(self, bytes: &[u8]) -> Option<[u16; N]> {
        let (halves, _) = bytes.as_chunks::<2>();
        let halves: &[[u8; 2]; N] = halves.first_chunk()?;
        Some(halves.map(|half| self.u16(half)))
    }
}

/// A packet, by where it lies in the bytes that were looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) time: Nanos,
    /// `None`: one that is not read.
    pub(super) link_type: Option<LinkType>,
    pub(super) data_offset: usize,
    pub(super) data_size: usize,
    pub(super) original_length: usize,
    /// Of the whole record, header and padding included.
    pub(super) size: usize,
}

/// What stands at the beginning of the bytes not yet read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Packet(Record),
    /// Something else, of this many bytes.
    Other(usize),
    /// Not to be said before this many bytes are there; always more than there were.
    Need(usize),
}
