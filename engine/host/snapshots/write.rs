//! Writes snapshots while a journal is replayed.

use std::fmt;
use std::path::{Path, PathBuf};

use tezi_core::Core;
use tezi_core::pricing::PricingKernel;
use tezi_core::snapshot::SnapshotWriter;
use tezi_core::strategy::Strategy;
use tezi_model::Nanos;

use super::Facts;
use super::file::{self, SnapshotHeader};
use crate::error::Error;
use crate::kernels::CppKernels;

/// When snapshots are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotWhen {
    /// One each time so many records are acted on; `None` writes one at the end only.
    pub every: Option<u64>,
    /// The end, by the time of day in India, in nanoseconds since midnight; `None` is the journal's.
    pub until: Option<i64>,
}

/// A snapshot that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The first record that is not in the state.
    pub sequence: u64,
    /// The core's time.
    pub time: Nanos,
    /// The hash of the state.
    pub state_hash: u64,
}

impl fmt::Display for SnapshotInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, bytes, sequence, state_hash, .. } = self;
        let path = path.display();
        write!(f, "{path}: the state before record {sequence}, {state_hash:016x}, {bytes} bytes")
    }
}

/// What came of writing snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotReport {
    /// Those written, in order. Of many only the newest are kept.
    pub written: Vec<SnapshotInfo>,
    /// The snapshot that the replay began from, by its sequence.
    pub from: Option<u64>,
    /// Snapshots that were passed over, and why.
    pub passed_over: Vec<String>,
    /// Records read.
    pub records: u64,
}

/// Where snapshots of a session go.
pub(crate) struct SnapshotSink {
    dir: PathBuf,
    session_id: u64,
    unfit: Vec<PathBuf>,
    /// Snapshots that are kept, the newest ones.
    kept: usize,
    core: SnapshotWriter,
    host: SnapshotWriter,
}

impl SnapshotSink {
    /// Those of the journal in `dir`, the newest `kept`. What is `unfit` is left alone.
    pub(crate) fn new(dir: &Path, session_id: u64, unfit: Vec<PathBuf>, kept: usize) -> Self {
        let (core, host) = (SnapshotWriter::new(), SnapshotWriter::new());
        Self { dir: dir.to_path_buf(), session_id, unfit, kept, core, host }
    }

    /// Where they go: the journal's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes the state before record `sequence`, an input; `mark` is that of the record before it.
    ///
    /// # Errors
    ///
    /// [`Error::File`], and [`Error::JournalContent`] for a strategy without snapshots.
    pub(crate) fn write<S: Strategy>(
        &mut self,
        core: &Core<S, CppKernels>,
        facts: &Facts,
        sequence: u64,
        mark: u32,
    ) -> Result<SnapshotInfo, Error> {
        self.core.clear();
        self.host.clear();
        core.save(&mut self.core).map_err(|_| Error::JournalContent {
            path: self.dir.clone(),
            what: format!("strategy {} has no snapshot of its state", core.strategy().name()),
        })?;
        let open = core.orders().open().map(|order| order.client_order_id);
        facts.save(CppKernels.name(), open, &mut self.host);
        let (session_id, state_hash) = (self.session_id, core.state_hash());
        let header = SnapshotHeader { session_id, sequence, time: core.now(), state_hash, mark };
        let (host, state) = (self.host.bytes(), self.core.bytes());
        let (path, bytes) = file::write(&self.dir, &header, host, state)?;
        file::prune(&self.dir, sequence, &self.unfit, self.kept);
        Ok(SnapshotInfo { path, bytes, sequence, time: header.time, state_hash })
    }
}
