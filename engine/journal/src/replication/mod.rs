//! A journal in a second host: the protocol by which a leader's records come to a follower's disk.
//!
//! Both halves are state machines without sockets, threads or clocks: bytes and the time go in, bytes
//! to send and events come out. The leader sends whole records as they lie in its segments, the
//! follower checks each one's checksum and writes the same segments ([`Replica`]), and says how far it
//! has them in its journal and on its disk. Nothing is ever sent twice over one connection, and a new
//! connection goes on where the follower ends.
//!
//! The protocol is in `docs/wire/replication.md`, byte by byte.

mod follower;
mod leader;
mod outbox;
mod replica;
mod wire;

#[cfg(test)]
mod tests;

pub use follower::{FollowerSession, Held, ReplicaStore};
pub use leader::{LeaderEvent, LeaderSession};
pub use replica::{Replica, ReplicaStats};
pub use wire::{
    Ack, BatchFrame, Decoder, Hello, Message, PROTOCOL_VERSION, Refusal, RefusalReason, Welcome,
    WireFault,
};

use tezi_model::Nanos;

/// How long a connection may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A leader with nothing to send says so this often, ns.
    pub heartbeat_ns: i64,
    /// A side that has heard nothing for so long gives the connection up, ns.
    pub timeout_ns: i64,
}

impl Default for Timing {
    /// A heartbeat every 250 ms, and an end after five seconds: a follower may stand still for as long
    /// as its disk takes for a segment.
    fn default() -> Self {
        Self { heartbeat_ns: 250_000_000, timeout_ns: 5_000_000_000 }
    }
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The leader's journal has ended, and the follower has all of it.
    Complete,
    /// The other side stopped in order.
    Stopped,
    /// This side refused the other.
    Refused(Refusal),
    /// The other side refused this one.
    RefusedByPeer(Refusal),
    /// The other side said nothing for too long.
    Silent,
}

impl core::fmt::Display for Ending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Complete => f.write_str("the journal ended and is whole on both sides"),
            Self::Stopped => f.write_str("the other side stopped in order"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::RefusedByPeer(refusal) => write!(f, "refused by the other side: {refusal}"),
            Self::Silent => f.write_str("the other side said nothing for too long"),
        }
    }
}

/// Whether `now` is at or behind `since` and a length of time.
const fn is_past(now: Nanos, since: Nanos, length_ns: i64) -> bool {
    since.0.saturating_add(length_ns) <= now.0
}
