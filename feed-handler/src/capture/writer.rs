//! Makes pcap files of UDP datagrams: Ethernet II, IPv4, UDP, with right lengths and checksums.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4};

use tezi_model::Nanos;

use super::pcap::RECORD_SIZE_MAX;

const ETHERNET_SIZE: usize = 14;
const IP_SIZE: usize = 20;
const UDP_SIZE: usize = 8;
const RECORD_SIZE: usize = 16;
const HEADERS_SIZE: usize = RECORD_SIZE + ETHERNET_SIZE + IP_SIZE + UDP_SIZE;
/// The most a UDP datagram can carry over IPv4.
const PAYLOAD_SIZE_MAX: usize = 65_535 - IP_SIZE - UDP_SIZE;
/// A locally administered address, for the sender and for receivers that are no group.
const MAC_LOCAL: [u8; 6] = [0x02, b't', b'e', b'z', b'i', 0];

/// Which of the four kinds of classic pcap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcapFormat {
    /// Times in nanoseconds; microseconds otherwise, the rest cut off.
    pub nanoseconds: bool,
    /// File and record headers in big-endian order.
    pub big_endian: bool,
}

impl Default for PcapFormat {
    /// Nanoseconds, little-endian.
    fn default() -> Self {
        Self { nanoseconds: true, big_endian: false }
    }
}

/// Writes a pcap file.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddrV4};
/// use tezi_feed_handler::capture::{PcapReader, PcapWriter};
/// use tezi_model::Nanos;
///
/// let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
/// let group = SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, 1), 17_741);
/// let mut writer = PcapWriter::new(Vec::new())?;
/// writer.write_udp(Nanos::from_ist(2026, 9, 21, 9, 15, 0), source, group, b"payload")?;
/// let bytes = writer.into_inner();
/// let mut reader = PcapReader::new(&bytes)?;
/// assert_eq!(reader.next_udp().unwrap()?.packet.payload, b"payload");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
    format: PcapFormat,
    /// The identification field of the next IPv4 packet.
    ip_id: u16,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a file in nanoseconds, little-endian.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn new(out: W) -> io::Result<Self> {
        Self::with_format(out, PcapFormat::default())
    }

    /// Begins a file of the given format.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn with_format(out: W, format: PcapFormat) -> io::Result<Self> {
        let mut writer = Self { out, format, ip_id: 0 };
        let magic = if format.nanoseconds { 0xA1B2_3C4D } else { 0xA1B2_C3D4 };
        let mut header = [0; 24];
        header[0..4].copy_from_slice(&writer.u32(magic));
        header[4..6].copy_from_slice(&writer.u16(2)); // version 2.4
        header[6..8].copy_from_slice(&writer.u16(4));
        header[16..20].copy_from_slice(&writer.u32(RECORD_SIZE_MAX as u32));
        header[20..24].copy_from_slice(&writer.u32(1)); // Ethernet
        writer.out.write_all(&header)?;
        Ok(writer)
    }

    /// Writes one datagram, captured at `time`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the payload is longer than a UDP datagram can be or the
    /// time is not within 1970 to 2106; what writing to the file gives.
    pub fn write_udp(
        &mut self,
        time: Nanos,
        source: SocketAddrV4,
        destination: SocketAddrV4,
        payload: &[u8],
    ) -> io::Result<()> {
        if payload.len() > PAYLOAD_SIZE_MAX {
            return Err(invalid("the payload is longer than a UDP datagram can be"));
        }
        let seconds = u32::try_from(time.second())
            .map_err(|_| invalid("the time is not within 1970 to 2106"))?;
        let nanos = time.0.rem_euclid(1_000_000_000) as u32;
        let fraction = if self.format.nanoseconds { nanos } else { nanos / 1_000 };
        let frame_size = (HEADERS_SIZE - RECORD_SIZE + payload.len()) as u32;

        let mut headers = [0; HEADERS_SIZE];
        let (record, frame) = headers.split_at_mut(RECORD_SIZE);
        for (to, value) in record.chunks_mut(4).zip([seconds, fraction, frame_size, frame_size]) {
            to.copy_from_slice(&self.u32(value));
        }
        let (ethernet, packet) = frame.split_at_mut(ETHERNET_SIZE);
        fill_ethernet(ethernet, *destination.ip());
        let (ip, udp) = packet.split_at_mut(IP_SIZE);
        fill_ip(ip, self.ip_id, *source.ip(), *destination.ip(), payload.len());
        fill_udp(udp, source, destination, payload);
        self.ip_id = self.ip_id.wrapping_add(1);
        self.out.write_all(&headers)?;
        self.out.write_all(payload)
    }

    /// Hands the file back. Buffered writers are the caller's to flush.
    pub fn into_inner(self) -> W {
        self.out
    }

    const fn u32(&self, value: u32) -> [u8; 4] {
        if self.format.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    const fn u16(&self, value: u16) -> [u8; 2] {
        if self.format.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A group's address holds its low 23 bits (RFC 1112, section 6.4).
fn fill_ethernet(to: &mut [u8], destination: Ipv4Addr) {
    let [_, b, c, d] = destination.octets();
    let receiver =
        if destination.is_multicast() { [0x01, 0x00, 0x5E, b & 0x7F, c, d] } else { MAC_LOCAL };
    to[0..6].copy_from_slice(&receiver);
    to[6..12].copy_from_slice(&MAC_LOCAL);
    to[12..14].copy_from_slice(&[0x08, 0x00]);
}

fn fill_ip(to: &mut [u8], id: u16, source: Ipv4Addr, destination: Ipv4Addr, payload_size: usize) {
    let total = (IP_SIZE + UDP_SIZE + payload_size) as u16;
    to[0] = 0x45; // version 4, five words
    to[2..4].copy_from_slice(&total.to_be_bytes());
    to[4..6].copy_from_slice(&id.to_be_bytes());
    to[6] = 0x40; // don't fragment
    to[8] = 64; // hops
    to[9] = 17; // UDP
    to[12..16].copy_from_slice(&source.octets());
    to[16..20].copy_from_slice(&destination.octets());
    let checksum = !fold(sum_words(to));
    to[10..12].copy_from_slice(&checksum.to_be_bytes());
}

fn fill_udp(to: &mut [u8], source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) {
    let length = (UDP_SIZE + payload.len()) as u16;
    to[0..2].copy_from_slice(&source.port().to_be_bytes());
    to[2..4].copy_from_slice(&destination.port().to_be_bytes());
    to[4..6].copy_from_slice(&length.to_be_bytes());
    let pseudo_header = sum_words(&source.ip().octets())
        + sum_words(&destination.ip().octets())
        + 17
        + u32::from(length);
    let checksum = !fold(pseudo_header + sum_words(to) + sum_words(payload));
    // On the wire 0 means "no checksum" (RFC 768).
    let checksum = if checksum == 0 { 0xFFFF } else { checksum };
    to[6..8].copy_from_slice(&checksum.to_be_bytes());
}

/// The sum of big-endian words, the last one padded with a zero (RFC 1071). 64 KiB cannot overflow.
pub(super) fn sum_words(bytes: &[u8]) -> u32 {
    bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low)))
        .sum()
}

/// A sum in ones' complement arithmetic of 16 bits.
pub(super) const fn fold(sum: u32) -> u16 {
    let once = (sum & 0xFFFF) + (sum >> 16);
    ((once & 0xFFFF) + (once >> 16)) as u16
}
