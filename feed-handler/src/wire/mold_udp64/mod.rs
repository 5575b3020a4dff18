//! MoldUDP64: numbered messages over UDP multicast, with a server that repeats what was missed.
//!
//! Source: "MoldUDP64 Protocol Specification" 1.00 (2009). Big-endian. A packet is a header and
//! message blocks; the numbers of its messages follow from the first:
//!
//! ```text
//! 0        10               18             20      22
//! session  sequence_number  message_count  length  message …  length  message …
//! ```
//!
//! [`decode`] takes a packet apart, [`Sequencer`] makes one sequence of two lines and the answers
//! to its own requests. Both know nothing of what the messages say; in [`crate::wire::itch`] they
//! are ITCH. The rules are in `docs/wire/itch.md`.

mod config;
mod error;
mod hold;
mod layout;
mod packet;
mod sequencer;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, GapCounters, SequencerConfig, Source, SourceCounters, Start};
pub use error::PacketError;
pub use layout::{COUNT_END_OF_SESSION, COUNT_HEARTBEAT, DownstreamHeader, RequestPacket, Session};
pub use packet::{Messages, Packet, PacketKind, decode};
pub use sequencer::{Delivery, Sequencer};
