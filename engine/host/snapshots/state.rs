//! What the thread that writes snapshots tells, and what it is told.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::observer::{SnapshotBoard, SnapshotFigures};

/// Between the snapshots' thread and everyone who asks.
#[derive(Debug, Default)]
pub(crate) struct SnapshotState {
    is_ending: AtomicBool,
    /// The operating system's number of the latest failure; 0 where it has none.
    os_error: AtomicI32,
    board: SnapshotBoard,
}

impl SnapshotState {
    /// Whether the journal takes no more records.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// The journal takes no more records: what is there is followed, and that is all.
    pub(crate) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
    }

    /// How writing stands.
    pub(crate) fn figures(&self) -> SnapshotFigures {
        self.board.load()
    }

    /// Tells how writing stands; `os_error` belongs to the latest of its failures.
    pub(crate) fn publish(&self, figures: &SnapshotFigures, os_error: i32) {
        // Before the count of failures, which says that there is one to be told.
        self.os_error.store(os_error, Ordering::Release);
        self.board.store(figures);
    }

    pub(crate) fn os_error(&self) -> i32 {
        self.os_error.load(Ordering::Acquire)
    }
}
