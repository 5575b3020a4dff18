//! The threads that follow a session's journal while it is written: the one that brings it to a second
//! host, and the one that writes snapshots. They read; the core does not know that they are there.

use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use tezi_core::strategy::Strategy;

use crate::assembly::{Assembly, join, spawn};
use crate::clock::Clock;
use crate::error::Error;
use crate::progress::Progress;
use crate::replication::{ReplicaState, ReplicaThread, ReplicationReport};
use crate::snapshots::{SessionSnapshots, SnapshotState, SnapshotThread};

/// What the threads tell and are told, of those that there are.
#[derive(Debug, Default)]
pub(crate) struct FollowerStates {
    pub(crate) replica: Option<Arc<ReplicaState>>,
    pub(crate) snapshots: Option<Arc<SnapshotState>>,
}

impl FollowerStates {
    /// Those of threads that are to be started.
    pub(crate) fn of<S: Strategy>(
        replica: Option<&ReplicaThread>,
        snapshots: Option<&SnapshotThread<S>>,
    ) -> Self {
        let (replica, snapshots) =
            (replica.map(ReplicaThread::state), snapshots.map(SnapshotThread::state));
        Self { replica, snapshots }
    }
}

/// The threads that run.
pub(crate) struct Followers<'scope> {
    replica: Option<ScopedJoinHandle<'scope, ReplicationReport>>,
    snapshots: Option<ScopedJoinHandle<'scope, SessionSnapshots>>,
    states: FollowerStates,
}

/// What they came to.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    pub(crate) replica: Option<ReplicationReport>,
    pub(crate) snapshots: Option<SessionSnapshots>,
}

impl Assembly<'_> {
    /// Starts them.
    pub(crate) fn follow<'scope, S: Strategy + Send + 'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        (replica, snapshots): (Option<ReplicaThread>, Option<SnapshotThread<S>>),
        clock: &'scope Clock,
        progress: &'scope Progress,
    ) -> Result<Followers<'scope>, Error> {
        let states = FollowerStates::of(replica.as_ref(), snapshots.as_ref());
        let core = self.host.replication.and_then(|config| config.core);
        let carry = move |thread: ReplicaThread| {
            let run = move || {
                let note = crate::pin::pin(core, "replica");
                let mut report = thread.run(clock, progress);
                report.notes.extend(note);
                report
            };
            spawn(scope, "tezi-replica", run)
        };
        let replica = replica.map(carry).transpose()?;
        let write = |thread: SnapshotThread<S>| {
            let run = move || {
                let note = crate::pin::pin(thread.core(), "snapshot");
                let mut snapshots = thread.run();
                snapshots.notes.extend(note);
                snapshots
            };
            spawn(scope, "tezi-snapshot", run)
        };
        let snapshots = match snapshots.map(write).transpose() {
            Ok(snapshots) => snapshots,
            Err(error) => {
                // The scope waits for the one that has begun.
                states.replica.iter().for_each(|state| state.end());
                return Err(error);
            }
        };
        Ok(Followers { replica, snapshots, states })
    }
}

impl Followers<'_> {
    /// The journal takes no more records.
    pub(crate) fn end(&self) {
        self.states.replica.iter().for_each(|state| state.end());
        self.states.snapshots.iter().for_each(|state| state.end());
    }

    /// Waits for both. A thread of snapshots that broke off is told, and is no reason to end anything.
    ///
    /// # Errors
    ///
    /// [`Error::Thread`] when the one that replicates ended by a panic.
    pub(crate) fn join(self) -> Result<Followed, Error> {
        let broken_off = |error: Error| SessionSnapshots {
            ended_early: Some(error.to_string()),
            ..SessionSnapshots::default()
        };
        let snapshots = self.snapshots.map(|thread| join(thread, "snapshot"));
        let replica = self.replica.map(|thread| join(thread, "replica"));
        Ok(Followed {
            replica: replica.transpose()?,
            snapshots: snapshots.map(|ended| ended.unwrap_or_else(broken_off)),
        })
    }
}
