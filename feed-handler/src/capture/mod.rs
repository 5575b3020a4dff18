//! Packets from and to capture files.
//!
//! [`CaptureReader`] walks a capture held in memory: classic pcap or pcapng, plain, in gzip or in
//! zstd. [`parse_udp`] takes a frame apart down to the UDP payload; fragments are put together.
//! [`PcapWriter`] and [`PcapNgWriter`] make such files. The payload then takes the same path as one
//! from a socket.
//!
//! Damage is named and located: a bad frame is counted and skipped, a bad file ends with an error
//! that says at which packet or block and byte, and everything before it is kept.

mod datagram;
mod error;
mod fragments;
mod frame;
mod gzip;
mod interface;
mod ng_writer;
mod packet;
mod pcap;
mod pcapng;
mod reader;
mod record;
#[cfg(test)]
mod tests;
mod window;
mod writer;
mod zstd;

pub use error::{BlockFault, CaptureError, Compression, StreamFault};
pub use fragments::{FragmentCounters, FragmentFault};
pub use frame::{FrameError, LinkType, UdpPacket, parse_udp};
pub use ng_writer::PcapNgWriter;
pub use packet::{CaptureCounters, CapturedPacket, CapturedUdp};
pub use pcapng::INTERFACES_MAX;
pub use reader::{CaptureConfig, CaptureReader};
pub use writer::{PcapFormat, PcapWriter};
