//! Makes pcapng files of UDP datagrams: one section, one Ethernet interface, nanoseconds.

use std::io::{self, Write};
use std::net::SocketAddrV4;

use tezi_model::Nanos;

use super::datagram::{HEADERS_SIZE, frame_headers, invalid};
use super::record::RECORD_SIZE_MAX;

/// Section header and interface description, in front of the packets.
const START_SIZE: usize = 28 + 32;
/// Of an enhanced packet, in front of the data.
const BLOCK_HEADER_SIZE: usize = 28;

/// Writes a pcapng file, little-endian, times in nanoseconds.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddrV4};
/// use tezi_feed_handler::capture::{CaptureReader, PcapNgWriter};
/// use tezi_model::Nanos;
///
/// let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
/// let group = SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, 1), 17_741);
/// let mut writer = PcapNgWriter::new(Vec::new())?;
/// writer.write_udp(Nanos::from_ist(2026, 9, 21, 9, 15, 0), source, group, b"payload")?;
/// let bytes = writer.into_inner();
/// let mut reader = CaptureReader::new(&bytes)?;
/// assert_eq!(reader.next_udp().unwrap()?.packet.payload, b"payload");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PcapNgWriter<W> {
    out: W,
    /// The identification field of the next IPv4 packet.
    ip_id: u16,
}

impl<W: Write> PcapNgWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&start())?;
        Ok(Self { out, ip_id: 0 })
    }

    /// Writes one datagram, captured at `time`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the payload is longer than a UDP datagram can be or the
    /// time is before 1970; what writing to the file gives.
    pub fn write_udp(
        &mut self,
        time: Nanos,
        source: SocketAddrV4,
        destination: SocketAddrV4,
        payload: &[u8],
    ) -> io::Result<()> {
        let headers = frame_headers(self.ip_id, source, destination, payload)?;
        let time = u64::try_from(time.0).map_err(|_| invalid("the time is before 1970"))?;
        let frame_size = HEADERS_SIZE + payload.len();
        let padding = frame_size.next_multiple_of(4) - frame_size;
        let block_size = (BLOCK_HEADER_SIZE + frame_size + padding + 4) as u32;
        let (high, low) = ((time >> 32) as u32, time as u32);
        let words = [6, block_size, 0, high, low, frame_size as u32, frame_size as u32];
        let mut block = [0; BLOCK_HEADER_SIZE];
        for (to, word) in block.chunks_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        self.ip_id = self.ip_id.wrapping_add(1);
        self.out.write_all(&block)?;
        self.out.write_all(&headers)?;
        self.out.write_all(payload)?;
        self.out.write_all(&[0; 3][..padding])?;
        self.out.write_all(&block_size.to_le_bytes())
    }

    /// Hands the file back. Buffered writers are the caller's to flush.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// The two blocks in front of the packets. The section's length is left open, as -1.
fn start() -> [u8; START_SIZE] {
    let version = 1;
    let ethernet = 1;
    let resolution = 9 | 1 << 16; // option 9 (if_tsresol), one byte long
    let section = [0x0A0D_0D0A, 28, 0x1A2B_3C4D, version, u32::MAX, u32::MAX, 28];
    let interface = [1, 32, ethernet, RECORD_SIZE_MAX as u32, resolution, 9, 0, 32];
    let mut bytes = [0; START_SIZE];
    for (to, word) in bytes.chunks_mut(4).zip(section.into_iter().chain(interface)) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
