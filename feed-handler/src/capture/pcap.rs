//! Classic pcap, from a byte slice: microseconds or nanoseconds, either byte order.
//!
//! Source: draft-ietf-opsawg-pcap, "PCAP Capture File Format". Header and records are parsed by
//! `pcap-parser`; this file finds the byte order, names and locates what is wrong, and counts.

use core::fmt;

use pcap_parser::nom;
use pcap_parser::pcap::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};
use tezi_model::Nanos;

use super::frame::{FrameError, LinkType, UdpPacket, parse_udp};

const MAGIC_PCAPNG: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];
const FILE_HEADER_SIZE: usize = 24;
const RECORD_HEADER_SIZE: usize = 16;

/// The most bytes a record may hold. libpcap writes no longer ones (MAXIMUM_SNAPLEN), so a longer
/// one means that the file is damaged here.
pub(super) const RECORD_SIZE_MAX: usize = 262_144;

/// Why a capture cannot be read, or not beyond a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureError {
    /// The first bytes are not those of a pcap file.
    NotPcap {
        /// They, as found; short files have zeros.
        magic: [u8; 4],
    },
    /// A pcapng file: not read yet.
    PcapNg,
    /// The file ends inside its header.
    TruncatedHeader {
        /// Bytes in the file.
        size: usize,
    },
    /// A link layer that is not read.
    UnsupportedLinkType {
        /// Its number.
        code: u32,
    },
    /// The file ends inside a packet. The packets before it were given out.
    Truncated {
        /// The packet's index, from 0.
        index: u64,
        /// Where its record begins in the file.
        offset: usize,
        /// Bytes the record needs, as far as known.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A record longer than any can be: the file is damaged from here on.
    ImpossibleRecordLength {
        /// The packet's index, from 0.
        index: u64,
        /// Where its record begins in the file.
        offset: usize,
        /// The length it claims.
        length: usize,
    },
}

impl CaptureError {
    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotPcap { .. } => "not_pcap",
            Self::PcapNg => "pcapng",
            Self::TruncatedHeader { .. } => "truncated_header",
            Self::UnsupportedLinkType { .. } => "unsupported_link_type",
            Self::Truncated { .. } => "truncated",
            Self::ImpossibleRecordLength { .. } => "impossible_record_length",
        }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotPcap { magic: [a, b, c, d] } => {
                write!(f, "not a pcap file: it begins with {a:02x} {b:02x} {c:02x} {d:02x}")
            }
            Self::PcapNg => f.write_str("a pcapng file; only classic pcap is read so far"),
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
        }
    }
}

impl core::error::Error for CaptureError {}

/// One record of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedPacket<'a> {
    /// When it was captured, UTC.
    pub time: Nanos,
    /// The frame, from its link header on.
    pub data: &'a [u8],
    /// How long the frame was on the wire; more than `data` when the capture cut it.
    pub original_length: usize,
    /// Counts from 0.
    pub index: u64,
    /// Where the record begins in the file.
    pub offset: usize,
}

impl<'a> CapturedPacket<'a> {
    /// The UDP datagram in it.
    ///
    /// # Errors
    ///
    /// A [`FrameError`]; of a frame that the capture cut, always [`FrameError::CutBySnaplen`].
    #[inline]
    pub fn udp(&self, link_type: LinkType) -> Result<UdpPacket<'a>, FrameError> {
        if self.data.len() < self.original_length {
            return Err(FrameError::CutBySnaplen);
        }
        parse_udp(link_type, self.data)
    }
}

/// A UDP datagram of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedUdp<'a> {
    /// When it was captured, UTC.
    pub time: Nanos,
    /// The index of its record, from 0.
    pub index: u64,
    /// Addresses and payload.
    pub packet: UdpPacket<'a>,
}

/// What [`PcapReader::next_udp`] met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureCounters {
    /// Records read.
    pub packets: u64,
    /// UDP datagrams given out.
    pub datagrams: u64,
    /// Records skipped, indexed by the code of the [`FrameError`].
    pub skipped: [u64; FrameError::COUNT],
}

/// Reads a classic pcap.
///
/// As an iterator it gives every record; [`PcapReader::next_udp`] gives the UDP datagrams, counts
/// the rest by reason, and is what a replay wants. Both end after the first [`CaptureError`].
#[derive(Clone, Debug)]
pub struct PcapReader<'a> {
    bytes: &'a [u8],
    /// Where the next record begins; the file's size after the end or an error.
    position: usize,
    index: u64,
    link_type: LinkType,
    is_big_endian: bool,
    /// Nanoseconds in one unit of a record's sub-second field.
    fraction_ns: i64,
    counters: CaptureCounters,
}

impl<'a> PcapReader<'a> {
    /// Begins to read a capture.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NotPcap`], [`CaptureError::PcapNg`], [`CaptureError::TruncatedHeader`],
    /// [`CaptureError::UnsupportedLinkType`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, CaptureError> {
        let mut magic = [0; 4];
        for (to, from) in magic.iter_mut().zip(bytes) {
            *to = *from;
        }
        let fraction_ns = match (magic, u32::from_le_bytes(magic)) {
            (_, 0xA1B2_C3D4 | 0xD4C3_B2A1) => 1_000,
            (_, 0xA1B2_3C4D | 0x4D3C_B2A1) => 1,
            (MAGIC_PCAPNG, _) => return Err(CaptureError::PcapNg),
            _ => return Err(CaptureError::NotPcap { magic }),
        };
        let Ok((_, header)) = parse_pcap_header(bytes) else {
            return Err(CaptureError::TruncatedHeader { size: bytes.len() });
        };
        let code = header.network.0.cast_unsigned();
        Ok(Self {
            bytes,
            position: FILE_HEADER_SIZE,
            index: 0,
            link_type: LinkType::from_code(code)
                .ok_or(CaptureError::UnsupportedLinkType { code })?,
            is_big_endian: header.is_bigendian(),
            fraction_ns,
            counters: CaptureCounters::default(),
        })
    }

    /// The link layer of every record.
    #[must_use]
    pub const fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// What [`PcapReader::next_udp`] met so far.
    #[must_use]
    pub const fn counters(&self) -> &CaptureCounters {
        &self.counters
    }

    /// The next UDP datagram; what is none is counted and skipped.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Truncated`] or [`CaptureError::ImpossibleRecordLength`], once; then `None`.
    #[inline]
    pub fn next_udp(&mut self) -> Option<Result<CapturedUdp<'a>, CaptureError>> {
        loop {
            let record = match self.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            };
            self.counters.packets += 1;
            match record.udp(self.link_type) {
                Ok(packet) => {
                    self.counters.datagrams += 1;
                    let CapturedPacket { time, index, .. } = record;
                    return Some(Ok(CapturedUdp { time, index, packet }));
                }
                Err(reason) => self.counters.skipped[reason as usize] += 1,
            }
        }
    }

    /// Why the record at `position` cannot be read. The parser only says that bytes are missing;
    /// a damaged length looks the same to it as a file cut short.
    #[cold]
    fn record_error(&self) -> CaptureError {
        let (index, offset) = (self.index, self.position);
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let length = rest.get(8..12).and_then(<[u8]>::first_chunk).map_or(0, |&length| {
            if self.is_big_endian { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) }
        }) as usize;
        if rest.len() >= RECORD_HEADER_SIZE && length > RECORD_SIZE_MAX {
            return CaptureError::ImpossibleRecordLength { index, offset, length };
        }
        let needed = RECORD_HEADER_SIZE + if rest.len() >= RECORD_HEADER_SIZE { length } else { 0 };
        CaptureError::Truncated { index, offset, needed, available: rest.len() }
    }
}

impl<'a> Iterator for PcapReader<'a> {
    type Item = Result<CapturedPacket<'a>, CaptureError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.position..).filter(|rest| !rest.is_empty())?;
        let parse = if self.is_big_endian { parse_pcap_frame_be } else { parse_pcap_frame };
        let record: Result<_, nom::Err<_>> = parse(rest);
        let (after, record) = match record {
            Ok((after, record)) if record.data.len() <= RECORD_SIZE_MAX => (after, record),
            _ => {
                let error = self.record_error();
                self.position = self.bytes.len();
                return Some(Err(error));
            }
        };
        let seconds = i64::from(record.ts_sec) * 1_000_000_000;
        let packet = CapturedPacket {
            time: Nanos(seconds + i64::from(record.ts_usec) * self.fraction_ns),
            data: record.data,
            original_length: record.origlen as usize,
            index: self.index,
            offset: self.position,
        };
        self.index += 1;
        self.position = self.bytes.len() - after.len();
        Some(Ok(packet))
    }
}
