//! Reads any capture: pcap or pcapng, plain or compressed, told by the first bytes.

use core::fmt;
use std::net::SocketAddrV4;

use tezi_model::Nanos;

use super::error::{CaptureError, Compression};
use super::fragments::FragmentTable;
use super::frame::{FrameError, Ipv4Packet, UDP_HEADER_SIZE, UdpPacket, parse_udp_header};
use super::packet::{CaptureCounters, CapturedPacket, CapturedUdp};
use super::pcap::{FILE_HEADER_SIZE, PcapFile};
use super::pcapng::{PcapNgFile, SECTION_HEADER};
use super::record::{Record, Step};
use super::window::Window;

/// What reading a capture may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureConfig {
    /// The most bytes that may come out of a compressed capture. They are never held at once: the
    /// limit ends a file made to expand without end.
    pub decompressed_size_max: u64,
    /// The largest window a zstd frame may ask for, in bytes; the decoder holds up to twice that.
    pub zstd_window_size_max: u64,
    /// How many datagrams may wait for fragments at once, 64 KiB each; at least 1, at most 65,536.
    pub fragmented_datagrams_max: usize,
    /// How long a datagram waits for its fragments, in nanoseconds of capture time.
    pub fragment_timeout_ns: i64,
}

impl Default for CaptureConfig {
    /// 1 TiB; 128 MiB, what the `zstd` command takes without being asked; 64 datagrams; 30 seconds,
    /// as in Linux.
    fn default() -> Self {
        Self {
            decompressed_size_max: 1 << 40,
            zstd_window_size_max: 128 << 20,
            fragmented_datagrams_max: 64,
            fragment_timeout_ns: 30_000_000_000,
        }
    }
}

enum Format {
    Pcap(PcapFile),
    PcapNg(PcapNgFile),
}

/// A packet, by where it lies in the window.
#[derive(Clone, Copy)]
struct Placed {
    record: Record,
    /// Where the frame begins in the window.
    start: usize,
    index: u64,
    offset: u64,
}

/// Where a payload lies.
#[derive(Clone, Copy)]
enum Place {
    /// In the window, at this index.
    Window(usize),
    /// In the table of fragments, at this index.
    Fragments(usize),
}

/// The datagram last advanced to.
#[derive(Clone, Copy)]
struct Current {
    time: Nanos,
    index: u64,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    place: Place,
    size: usize,
}

/// Reads a capture held in memory: classic pcap or pcapng, plain, in gzip or in zstd.
///
/// [`next_udp`](Self::next_udp) gives the UDP datagrams, puts fragments together and counts the
/// rest by reason: what a replay wants. [`next_packet`](Self::next_packet) gives every packet as it
/// was captured. Both end after the first [`CaptureError`], and everything before it was given out.
///
/// What is given borrows from the reader until the next call: a plain file's packets are slices of
/// the file, a compressed one's of a window that moves on. Nothing is allocated after construction,
/// but for a window grown to a large block of pcapng (16 MiB at most), its interfaces, and a zstd
/// frame's window.
pub struct CaptureReader<'a> {
    window: Window<'a>,
    format: Format,
    /// The next packet's, from 0.
    index: u64,
    /// After the end or an error.
    is_ended: bool,
    current: Option<Current>,
    fragments: FragmentTable,
    counters: CaptureCounters,
}

impl<'a> CaptureReader<'a> {
    /// Begins to read a capture, with the bounds of [`CaptureConfig::default`].
    ///
    /// # Errors
    ///
    /// As [`CaptureReader::with_config`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, CaptureError> {
        Self::with_config(bytes, &CaptureConfig::default())
    }

    /// Begins to read a capture.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NotPcap`]; of pcap, [`CaptureError::TruncatedHeader`] and
    /// [`CaptureError::UnsupportedLinkType`]; of pcapng, what is wrong with the first section
    /// header; [`CaptureError::Compressed`] when decompression ends before that.
    pub fn with_config(bytes: &'a [u8], config: &CaptureConfig) -> Result<Self, CaptureError> {
        let mut window = Window::new(bytes, config);
        let format = recognise(&mut window)?;
        let datagrams_max = config.fragmented_datagrams_max.min(1 << 16);
        let mut reader = Self {
            window,
            format,
            index: 0,
            is_ended: false,
            current: None,
            fragments: FragmentTable::new(datagrams_max, config.fragment_timeout_ns),
            counters: CaptureCounters::default(),
        };
        // The first block of pcapng is a section header: so said its magic.
        if matches!(reader.format, Format::PcapNg(_))
            && let Some(Step::Other(size)) = reader.step()?
        {
            reader.window.consume(size);
        }
        Ok(reader)
    }

    /// How the file is compressed; `None` when it is plain.
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        self.window.compression()
    }

    /// What the walk over the datagrams met so far.
    #[must_use]
    pub const fn counters(&self) -> &CaptureCounters {
        &self.counters
    }

    /// The next packet, whatever it is. It is not counted, and its fragments are not looked at.
    ///
    /// # Errors
    ///
    /// What ends the capture early, once; then `None`.
    #[inline]
    pub fn next_packet(&mut self) -> Option<Result<CapturedPacket<'_>, CaptureError>> {
        self.current = None;
        match self.next_record() {
            Ok(placed) => placed.map(|placed| Ok(packet(&self.window, &placed))),
            Err(error) => Some(Err(error)),
        }
    }

    /// The next UDP datagram; what is none is counted and skipped.
    ///
    /// # Errors
    ///
    /// What ends the capture early, once; then `None`.
    #[inline]
    pub fn next_udp(&mut self) -> Option<Result<CapturedUdp<'_>, CaptureError>> {
        match self.advance() {
            Ok(_) => self.current().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    /// Goes on to the next UDP datagram, which is then [`current`](Self::current); false at the
    /// end. For walks over several captures at once.
    ///
    /// # Errors
    ///
    /// What ends the capture early, once; then false.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, CaptureError> {
        self.current = None;
        while let Some(placed) = self.next_record()? {
            self.counters.packets += 1;
            match self.datagram(&placed) {
                Ok(Some(current)) => {
                    self.counters.datagrams += 1;
                    self.current = Some(current);
                    return Ok(true);
                }
                // A fragment, kept until the others come.
                Ok(None) => {}
                Err(reason) => self.counters.skipped[reason as usize] += 1,
            }
        }
        Ok(false)
    }

    /// The datagram last advanced to; `None` before the first and after the last.
    #[inline]
    #[must_use]
    pub fn current(&self) -> Option<CapturedUdp<'_>> {
        let current = self.current?;
        let (bytes, start) = match current.place {
            Place::Window(start) => (self.window.bytes(), start),
            Place::Fragments(start) => (self.fragments.bytes(), start),
        };
        let Current { time, index, source, destination, size, .. } = current;
        let payload = &bytes[start..start + size];
        Some(CapturedUdp { time, index, packet: UdpPacket { source, destination, payload } })
    }

    /// The datagram in a packet, or completed by it.
    #[inline]
    fn datagram(&mut self, placed: &Placed) -> Result<Option<Current>, FrameError> {
        let packet = packet(&self.window, placed);
        let ip = Ipv4Packet::parse(packet.whole()?, packet.data)?;
        let (udp, place) = if ip.is_fragment() {
            let counters = &mut self.counters.fragments;
            let whole = self.fragments.on_fragment(&ip, packet.time, counters);
            let Some(whole) = whole.map_err(|_| FrameError::IpFragment)? else { return Ok(None) };
            let body = &self.fragments.bytes()[whole.offset..whole.offset + whole.size];
            let udp = parse_udp_header(body, ip.source, ip.destination)?;
            (udp, Place::Fragments(whole.offset + UDP_HEADER_SIZE))
        } else {
            (ip.udp()?, Place::Window(placed.start + ip.body_offset + UDP_HEADER_SIZE))
        };
        Ok(Some(Current {
            time: packet.time,
            index: packet.index,
            source: udp.source,
            destination: udp.destination,
            place,
            size: udp.payload.len(),
        }))
    }

    #[inline]
    fn next_record(&mut self) -> Result<Option<Placed>, CaptureError> {
        loop {
            match self.step()? {
                Some(Step::Packet(record)) => {
                    let start = self.window.position() + record.data_offset;
                    let (index, offset) = (self.index, self.window.offset());
                    self.window.consume(record.size);
                    self.index += 1;
                    return Ok(Some(Placed { record, start, index, offset }));
                }
                Some(Step::Other(size)) => self.window.consume(size),
                Some(Step::Need(_)) | None => return Ok(None),
            }
        }
    }

    /// What stands next, all of it in the window, for the caller to consume; `None` at the end.
    #[inline]
    fn step(&mut self) -> Result<Option<Step>, CaptureError> {
        while !self.is_ended {
            let (rest, offset) = (self.window.rest(), self.window.offset());
            let step = match &mut self.format {
                Format::Pcap(file) => file.step(rest, self.index, offset),
                Format::PcapNg(file) => file.step(rest, offset),
            };
            match step {
                Ok(Step::Need(needed)) if self.window.fill(needed) => {}
                Ok(Step::Need(needed)) => return self.end_short(needed),
                Ok(step) => return Ok(Some(step)),
                Err(error) => {
                    self.end();
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    fn end(&mut self) {
        self.is_ended = true;
        self.fragments.finish(&mut self.counters.fragments);
    }

    /// The end of the bytes: that of the capture when none are left, otherwise a fault.
    #[cold]
    fn end_short(&mut self, needed: usize) -> Result<Option<Step>, CaptureError> {
        self.end();
        if let Some(fault) = self.window.fault() {
            return Err(fault);
        }
        let (offset, available) = (self.window.offset(), self.window.rest().len());
        match &self.format {
            _ if available == 0 => Ok(None),
            Format::Pcap(_) => {
                Err(CaptureError::Truncated { index: self.index, offset, needed, available })
            }
            Format::PcapNg(file) => {
                let index = file.block_index();
                Err(CaptureError::TruncatedBlock { index, offset, needed, available })
            }
        }
    }
}

impl fmt::Debug for CaptureReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CaptureReader");
        debug.field("offset", &self.window.offset()).field("index", &self.index);
        debug.field("counters", &self.counters).finish_non_exhaustive()
    }
}

#[inline]
fn packet<'w>(window: &'w Window<'_>, placed: &Placed) -> CapturedPacket<'w> {
    let Placed { record, start, index, offset } = *placed;
    CapturedPacket {
        time: record.time,
        link_type: record.link_type,
        data: &window.bytes()[start..start + record.data_size],
        original_length: record.original_length,
        index,
        offset,
    }
}

/// Tells the format by its magic number and reads the header of a classic pcap.
fn recognise(window: &mut Window<'_>) -> Result<Format, CaptureError> {
    // A shorter file is refused below, with what there is.
    window.fill(FILE_HEADER_SIZE);
    if let Some(fault) = window.fault()
        && window.rest().len() < FILE_HEADER_SIZE
    {
        return Err(fault);
    }
    let mut magic = [0; 4];
    for (to, from) in magic.iter_mut().zip(window.rest()) {
        *to = *from;
    }
    if magic == SECTION_HEADER.to_be_bytes() {
        return Ok(Format::PcapNg(PcapNgFile::new()));
    }
    let kind = PcapFile::recognise(magic).ok_or(CaptureError::NotPcap { magic })?;
    let file = PcapFile::begin(kind, window.rest())?;
    window.consume(FILE_HEADER_SIZE);
    Ok(Format::Pcap(file))
}
