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
//! to its own requests. The other side: [`Publisher`] makes the packets, a [`MessageStore`] keeps the
//! messages, and [`RequestServer`] answers requests from it. None knows what the messages say; in
//! [`crate::wire::itch`] they are ITCH. The rules are in `docs/wire/itch.md`.

mod config;
mod error;
mod hold;
mod layout;
mod packet;
mod publisher;
mod sequencer;
mod server;
#[cfg(test)]
mod server_tests;
mod store;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, GapCounters, SequencerConfig, Source, SourceCounters, Start};
pub use error::{PacketError, PublishError, RequestError, StoreError};
pub use layout::{COUNT_END_OF_SESSION, COUNT_HEARTBEAT, DownstreamHeader, RequestPacket, Session};
pub use packet::{Messages, Packet, PacketKind, decode};
pub use publisher::Publisher;
pub use sequencer::{Delivery, Sequencer};
pub use server::{RequestServer, ServerConfig, ServerCounters};
pub use store::MessageStore;

/// The most bytes a UDP datagram carries over IPv4.
const DATAGRAM_MAX: usize = 65_507;
