//! Packets from and to capture files.
//!
//! [`PcapReader`] walks a classic pcap held in memory, [`parse_udp`] takes a frame apart down to
//! the UDP payload, and [`PcapWriter`] makes such files. The payload then takes the same path as
//! one from a socket.
//!
//! Damage is named and located: a bad frame is counted and skipped, a bad file ends with an error
//! that says at which packet and byte, and everything before it is kept.

mod frame;
mod pcap;
#[cfg(test)]
mod tests;
mod writer;

pub use frame::{FrameError, LinkType, UdpPacket, parse_udp};
pub use pcap::{CaptureCounters, CaptureError, CapturedPacket, CapturedUdp, PcapReader};
pub use writer::{PcapFormat, PcapWriter};
