//! Snapshots beside a journal: so that a restart is a snapshot and what came behind it.
//!
//! A snapshot follows from the journal and proves nothing: one that is damaged, of another session, or
//! of records that the journal does not have is named and passed over, and without any the journal is
//! replayed from its first record. `docs/decisions/0025-snapshots.md`.

mod begin;
mod file;
mod heard;
mod records;
mod session;
mod state;
mod thread;
mod write;

pub(crate) use begin::{Begun, Wanted, begin};
pub(crate) use heard::HeardOrders;
pub(crate) use records::{Records, mark};
pub use session::SessionSnapshots;
pub(crate) use state::SnapshotState;
pub use thread::SnapshotConfig;
pub(crate) use thread::SnapshotThread;
pub(crate) use write::SnapshotSink;
pub use write::{SnapshotInfo, SnapshotReport, SnapshotWhen};

use tezi_core::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_model::ClientOrderId;

/// Where a replay begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayFrom {
    /// At the first record: what proves a journal.
    #[default]
    Start,
    /// At the newest snapshot that fits, where there is one.
    Snapshot,
}

/// What a replay knows beside the core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) has_started: bool,
    pub(crate) heard: HeardOrders,
}

impl Facts {
    fn save(
        &self,
        kernel: &str,
        open: impl Iterator<Item = ClientOrderId>,
        out: &mut SnapshotWriter,
    ) {
        let Self { has_started, heard } = self;
        out.text(kernel);
        out.flag(*has_started);
        heard.save(open, out);
    }

    /// Reads what was saved. The kernel is for people: all give the same bits.
    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        input.text()?;
        let facts = Self { has_started: input.flag()?, heard: HeardOrders::load(input)? };
        input.finish()?;
        Ok(facts)
    }
}
