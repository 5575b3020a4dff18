//! Why a capture cannot be read, or not beyond a point: what is wrong, and where.

use core::fmt;

use crate::named::named_reasons;

named_reasons! {
    /// What is wrong with a block of a pcapng file. Of several faults, the first in this order.
    BlockFault {
        /// A section header whose byte-order magic is none.
        ByteOrderMagic = 0, "byte_order_magic", "the byte-order magic is neither order's";
        /// Shorter than a block of its type can be.
        LengthTooSmall = 1, "length_too_small", "the length is too small for a block of its type";
        /// Every block's length is a multiple of four.
        LengthUnaligned = 2, "length_unaligned", "the length is no multiple of four";
        /// Over 16 MiB, as in libpcap.
        LengthTooLarge = 3, "length_too_large", "the length is over 16 MiB";
        /// Each block begins and ends with its length.
        LengthsDiffer = 4, "lengths_differ", "the lengths at both ends differ";
        /// A section of another major version than 1.
        Version = 5, "version", "the major version is not 1";
        /// An option that reaches beyond its block.
        OptionLength = 6, "option_length", "an option does not fit the block, or its own type";
        /// An option that may stand once stands twice.
        OptionRepeated = 7, "option_repeated", "an option that may stand once stands twice";
        /// Units below 10^-19 or 2^-63 seconds: 64 bits of them do not span two seconds.
        TimeResolution = 8, "time_resolution", "the resolution of the times is impossible";
        /// Too far from 1970 to be told in nanoseconds.
        TimeOffset = 9, "time_offset", "the offset of the times is out of range";
        /// More than [`INTERFACES_MAX`](super::INTERFACES_MAX) in one section.
        TooManyInterfaces = 10, "too_many_interfaces", "too many interfaces";
        /// A packet of an interface that was not described.
        UnknownInterface = 11, "unknown_interface", "the interface was not described";
        /// The captured length does not fit the block, or is more than any packet can have.
        CapturedLength = 12, "captured_length", "the captured length is impossible";
        /// The packet's time is beyond the year 2262.
        TimeRange = 13, "time_range", "the time is out of range";
    }
}

named_reasons! {
    /// What is wrong with a compressed stream.
    StreamFault {
        /// It ends before it is complete.
        Truncated = 0, "truncated", "it ends early";
        /// What should be the header of a gzip member or zstd frame is none.
        Header = 1, "header", "a header is not valid";
        /// A zstd frame that needs more memory than allowed.
        WindowTooLarge = 2, "window_too_large", "it needs a larger window than allowed";
        /// A zstd frame that needs a dictionary.
        Dictionary = 3, "dictionary", "it needs a dictionary";
        /// The compressed data contradicts itself. What came before may be damaged.
        Corrupt = 4, "corrupt", "the compressed data is damaged";
        /// The checksum does not match. What came before may be damaged.
        Checksum = 5, "checksum", "the checksum does not match";
        /// The size does not match. What came before may be damaged.
        Size = 6, "size", "the size does not match";
        /// More than allowed comes out of it.
        TooLarge = 7, "too_large", "it is larger than allowed";
    }
}

/// How a capture is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, one frame or several, skippable ones passed over.
    Zstd,
}

impl Compression {
    /// A name for programs and for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Why a capture cannot be read, or not beyond a point. Everything before it was given out.
///
/// Offsets of packets and blocks count the bytes of the capture itself, so in a compressed file
/// the decompressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureError {
    /// The first bytes are not those of a capture.
    NotPcap {
        /// They, as found; short files have zeros.
        magic: [u8; 4],
    },
    /// The file ends inside the header of a classic pcap.
    TruncatedHeader {
        /// Bytes in the file.
        size: usize,
    },
    /// A classic pcap of a link layer that is not read.
    UnsupportedLinkType {
        /// Its number.
        code: u32,
    },
    /// A classic pcap ends inside a packet.
    Truncated {
        /// The packet's index, from 0.
        index: u64,
        /// Where its record begins.
        offset: u64,
        /// Bytes the record needs, as far as known.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A record of a classic pcap longer than any can be: the file is damaged from here on.
    ImpossibleRecordLength {
        /// The packet's index, from 0.
        index: u64,
        /// Where its record begins.
        offset: u64,
        /// The length it claims.
        length: usize,
    },
    /// A pcapng file ends inside a block.
    TruncatedBlock {
        /// The block's index, from 0.
        index: u64,
        /// Where it begins.
        offset: u64,
        /// Bytes the block needs, as far as known.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A block of a pcapng file is damaged.
    Block {
        /// The block's index, from 0.
        index: u64,
        /// Where it begins.
        offset: u64,
        /// What is wrong with it.
        fault: BlockFault,
    },
    /// A compressed capture cannot be decompressed further.
    Compressed {
        /// How it is compressed.
        compression: Compression,
        /// How many compressed bytes were taken before the fault.
        offset: u64,
        /// How many bytes came out of them.
        decompressed: u64,
        /// What is wrong.
        fault: StreamFault,
    },
}

impl CaptureError {
    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotPcap { .. } => "not_pcap",
            Self::TruncatedHeader { .. } => "truncated_header",
            Self::UnsupportedLinkType { .. } => "unsupported_link_type",
            Self::Truncated { .. } => "truncated",
            Self::ImpossibleRecordLength { .. } => "impossible_record_length",
            Self::TruncatedBlock { .. } => "truncated_block",
            Self::Block { .. } => "block",
            Self::Compressed { .. } => "compressed",
        }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotPcap { magic: [a, b, c, d] } => write!(
                f,
                "not a pcap file: it begins with {a:02x} {b:02x} {c:02x} {d:02x} (pcap and pcapng \
                 are read, plain or in gzip or zstd)"
            ),
            Self::TruncatedHeader { size } => {
                write!(f, "the file ends inside the pcap header, after {size} bytes")
            }
            Self::UnsupportedLinkType { code } => {
                write!(f, "link type {code} is not read (Ethernet, raw IP and Linux cooked are)")
            }
            Self::Truncated { index, offset, needed, available } => write!(
                f,
                "the capture ends inside packet {index} at byte {offset}: {needed} bytes are \
                 needed, {available} are there"
            ),
            Self::ImpossibleRecordLength { index, offset, length } => write!(
                f,
                "packet {index} at byte {offset} claims {length} bytes, more than a record can have"
            ),
            Self::TruncatedBlock { index, offset, needed, available } => write!(
                f,
                "a pcapng file that ends inside block {index} at byte {offset}: {needed} bytes \
                 are needed, {available} are there"
            ),
            Self::Block { index, offset, fault } => {
                write!(f, "block {index} at byte {offset} is damaged: {fault}")
            }
            Self::Compressed { compression, offset, decompressed, fault } => write!(
                f,
                "the {} stream cannot be read beyond byte {offset} ({decompressed} bytes \
                 decompressed): {fault}",
                compression.name()
            ),
        }
    }
}

impl core::error::Error for CaptureError {}
