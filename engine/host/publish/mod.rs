//! A market put on the wire as an exchange would send it: two lines with the faults of real networks,
//! and the TCP services that bring back what both lose.
//!
//! [`Publisher`] takes datagrams from a [`DatagramSource`] (captures, ITCH files, memory) and sends
//! them at their recorded distances, or at a rate, or flat out. Each line has its own loss,
//! duplicates and reordering; line B may lag. What is sent on a line is a function of the datagrams
//! and the seed alone: only when it leaves depends on the clock. Payloads are never changed.

mod captures;
mod config;
mod faults;
mod history;
mod image;
mod itch;
mod memory;
mod publisher;
mod report;
mod schedule;
mod service;
#[cfg(test)]
mod tests;
mod wire;

pub use captures::{CaptureDatagrams, Captures};
pub use config::{Pace, PublishConfig, ServiceConfig};
pub use faults::LineFaults;
pub(crate) use history::History;
pub use itch::{ItchDatagrams, ItchFiles};
pub use memory::MemoryDatagrams;
pub use publisher::Publisher;
pub use report::{PublishReport, PublishUpdate, SentCounts, SourceReport};
pub(crate) use schedule::{Losses, Schedule, Wire};
pub(crate) use service::{Services, ServicesAtWork, locked};
pub(crate) use wire::{open_socket, transmit};

use tezi_feed_handler::Line;
use tezi_model::Nanos;

/// One datagram to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// When it was recorded, or is due: distances between these times are kept.
    pub time: Nanos,
    /// The line that carries it; `None` for both.
    pub line: Option<Line>,
    /// What is sent.
    pub payload: &'a [u8],
}

/// Where datagrams come from, in order of time.
pub trait DatagramSource {
    /// Goes on to the next datagram, which is then [`current`](Self::current); false at the end.
    fn advance(&mut self) -> bool;

    /// The datagram last advanced to; `None` before the first and after the last.
    fn current(&self) -> Option<Datagram<'_>>;

    /// Begins anew, before the first datagram.
    fn rewind(&mut self);

    /// What was left out on the way, and why.
    fn report(&self) -> SourceReport;
}
