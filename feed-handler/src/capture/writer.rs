//! Makes classic pcap files of UDP datagrams.

use std::io::{self, Write};
use std::net::SocketAddrV4;

use tezi_model::Nanos;

use super::datagram::{HEADERS_SIZE, frame_headers, invalid};
use super::record::RECORD_SIZE_MAX;

const RECORD_SIZE: usize = 16;

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
/// use tezi_feed_handler::capture::{CaptureReader, PcapWriter};
/// use tezi_model::Nanos;
///
/// let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
/// let group = SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, 1), 17_741);
/// let mut writer = PcapWriter::new(Vec::new())?;
/// writer.write_udp(Nanos::from_ist(2026, 9, 21, 9, 15, 0), source, group, b"payload")?;
/// let bytes = writer.into_inner();
/// let mut reader = CaptureReader::new(&bytes)?;
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
        let headers = frame_headers(self.ip_id, source, destination, payload)?;
        let seconds = u32::try_from(time.second())
            .map_err(|_| invalid("the time is not within 1970 to 2106"))?;
        let nanos = time.0.rem_euclid(1_000_000_000) as u32;
        let fraction = if self.format.nanoseconds { nanos } else { nanos / 1_000 };
        let frame_size = (HEADERS_SIZE + payload.len()) as u32;
        let mut record = [0; RECORD_SIZE];
        for (to, value) in record.chunks_mut(4).zip([seconds, fraction, frame_size, frame_size]) {
            to.copy_from_slice(&self.u32(value));
        }
        self.ip_id = self.ip_id.wrapping_add(1);
        self.out.write_all(&record)?;
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
