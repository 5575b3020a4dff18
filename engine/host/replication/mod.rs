//! The journal in a second host: the leader's thread, the follower, and the gate of orders that wait.
//!
//! The protocol and the follower's journal are `tezi_journal::replication`; here are sockets, threads
//! and clocks. The leader's thread follows the live journal as any reader does: the core does not know
//! that it is there. `docs/operating/replication.md` says how to run a pair.

mod follower;
mod gate;
mod leader;
mod report;
mod socket;
mod state;

use std::net::SocketAddr;
use std::time::Duration;

use tezi_journal::replication::Timing;

pub use follower::{FollowConfig, FollowReport, FollowUpdate, Follower};
pub use report::ReplicationReport;
pub use state::ReplicaLink;

pub(crate) use gate::Gate;
pub(crate) use leader::ReplicaThread;
pub(crate) use state::ReplicaState;

/// What orders that wait for `replicated` do while the follower does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReplicaLoss {
    /// They wait until it does.
    #[default]
    Wait,
    /// When a record has waited for so long they go on with `durable`, until the follower has caught
    /// up. Not when the follower refused the journal: then two journals of the day differ, and a person
    /// decides.
    Durable {
        /// How long a record may wait.
        after: Duration,
    },
}

/// Where a journal is replicated to, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationConfig {
    /// Where the follower listens.
    pub follower: SocketAddr,
    /// What orders do when it does not answer.
    pub on_loss: OnReplicaLoss,
    /// Heartbeats, and how long a connection may be silent.
    pub timing: Timing,
    /// At the end, how long the follower is awaited to have everything.
    pub stop_timeout: Duration,
    /// The core that the thread is pinned to; the scheduler decides, when `None`.
    pub core: Option<usize>,
}

impl ReplicationConfig {
    /// To a follower, orders waiting for it however long that takes.
    #[must_use]
    pub fn new(follower: SocketAddr) -> Self {
        Self {
            follower,
            on_loss: OnReplicaLoss::Wait,
            timing: Timing::default(),
            stop_timeout: Duration::from_secs(5),
            core: None,
        }
    }
}
