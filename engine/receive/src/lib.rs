//! Where datagrams come from.
//!
//! [`PacketSource`] is the boundary: a feed thread polls it and gets each datagram, still in the
//! memory it was received into, with its group, its time, and what the time is worth. Behind it stand
//! [`UdpSource`] (ordinary sockets, one or many datagrams a system call), [`PacketRing`] (a ring
//! shared with the kernel), with the feature `af-xdp` `XdpSource` (the kernel's network stack left
//! aside), and [`MemorySource`] (for tests). Dispatch is static.
//!
//! Every source is opened once and allocates then; after that it never blocks except in
//! [`PacketSource::wait`] and never allocates. What was asked for and not granted is said in
//! [`PacketSource::notes`]; what was lost or refused is counted in [`PacketSource::counters`].
//! `docs/operating/receiving.md` says which source to take when. Linux only.
#![cfg(target_os = "linux")]

mod config;
mod demux;
mod error;
mod frame;
mod interface;
mod mapped;
mod membership;
mod memory;
mod packet_ring;
mod source;
mod sys;
mod table;
mod udp;
mod waiter;
#[cfg(feature = "af-xdp")]
mod xdp;

pub use config::{GroupConfig, Interface, UdpConfig, UdpMethod};
pub use error::ReceiveError;
pub use memory::{MemoryDatagram, MemorySource};
pub use packet_ring::{PacketRing, PacketRingConfig};
pub use source::{GROUP_NONE, PacketSource, Received, SourceCounters, Stamp};
pub use udp::UdpSource;
#[cfg(feature = "af-xdp")]
pub use xdp::{XdpConfig, XdpMode, XdpSource};
