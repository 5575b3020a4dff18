//! The thread that makes the next segment while the current one fills, and unmaps the last.
//!
//! Allocating and touching 64 MiB takes tens of milliseconds; a roll that finds it done takes a
//! header and a rename. The thread sleeps except for that. It inherits the CPU affinity of the
//! thread that makes the writer, so make the writer before pinning.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
};

use crate::{JournalError, segment::Segment};

enum Work {
    Prepare(u32),
    Retire(Segment),
}

/// Prepares one segment ahead.
///
/// # Invariants
///
/// - At most one prepared segment exists, and it has no name of a segment yet.
/// - `requested` is set exactly when one is prepared or on its way.
pub(crate) struct SegmentAhead {
    work: Option<SyncSender<Work>>,
    ready: Receiver<Result<Segment, JournalError>>,
    thread: Option<JoinHandle<()>>,
    requested: bool,
    /// Segments that were not ready when they were taken.
    waits: u64,
    dir: PathBuf,
}

impl SegmentAhead {
    /// Starts the thread. Segments will be made in `dir`, of `bytes` each.
    pub(crate) fn start(dir: PathBuf, bytes: u64) -> Result<Self, JournalError> {
        let (work, work_received) = sync_channel(2);
        let (ready_sent, ready) = sync_channel(1);
        let in_dir = dir.clone();
        let run = move || {
            for work in work_received {
                match work {
                    Work::Retire(segment) => drop(segment),
                    Work::Prepare(number) => {
                        if ready_sent.send(Segment::prepare(&in_dir, number, bytes)).is_err() {
                            return;
                        }
                    }
                }
            }
        };
        let thread = Builder::new()
            .name("tezi-journal".into())
            .spawn(run)
            .map_err(|source| JournalError::io("start a thread for journal", &dir, source))?;
        Ok(Self { work: Some(work), ready, thread: Some(thread), requested: false, waits: 0, dir })
    }

    /// Has segment `number` made, unless it is on its way.
    pub(crate) fn request(&mut self, number: u32) {
        if !self.requested {
            self.send(Work::Prepare(number));
            self.requested = true;
        }
    }

    /// The prepared segment `number`, waiting for it if need be.
    pub(crate) fn take(&mut self, number: u32) -> Result<Segment, JournalError> {
        self.request(number);
        self.requested = false;
        if let Ok(ready) = self.ready.try_recv() {
            return ready;
        }
        self.waits += 1;
        self.ready.recv().unwrap_or_else(|_| Err(self.thread_ended()))
    }

    /// Segments that were waited for.
    pub(crate) const fn waits(&self) -> u64 {
        self.waits
    }

    /// Unmaps a full segment.
    pub(crate) fn retire(&self, segment: Segment) {
        self.send(Work::Retire(segment));
    }

    fn send(&self, work: Work) {
        if let Some(sender) = &self.work {
            // Work a dead thread does not take is dropped here; `take` is what reports the death.
            drop(sender.send(work));
        }
    }

    #[cold]
    fn thread_ended(&self) -> JournalError {
        let source = std::io::Error::other("the thread that makes segments has ended");
        JournalError::io("make the next segment of journal", &self.dir, source)
    }
}

impl Drop for SegmentAhead {
    /// Ends the thread, and removes a segment that was prepared and never used.
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        while let Ok(prepared) = self.ready.try_recv() {
            if let Ok(segment) = prepared {
                segment.discard();
            }
        }
    }
}
