//! The journal of one session: every input before the core acts on it, every output after.

use std::path::{Path, PathBuf};

use tezi_core::oms::OrderSessionState;
use tezi_core::{CoreConfig, Emitted};
use tezi_journal::{JournalError, JournalStats, JournalWriter, WriterConfig};
use tezi_model::{Event, ExecutionReport, Instrument, Nanos};

use crate::records::{RecordType, output_bytes};

/// Writes a session's journal, or nothing when the session has none.
pub(crate) struct Recorder {
    writer: Option<JournalWriter>,
    path: Option<PathBuf>,
}

impl Recorder {
    /// A recorder that keeps nothing.
    pub(crate) const fn off() -> Self {
        Self { writer: None, path: None }
    }

    /// Begins the journal in a directory that has none yet.
    pub(crate) fn create(dir: &Path, segment_bytes: u64, now: Nanos) -> Result<Self, JournalError> {
        // The time and the process make it differ from every other journal of this machine.
        let session_id = now.0.cast_unsigned() ^ (u64::from(std::process::id()) << 40);
        let config = WriterConfig { segment_bytes, session_id, created: now };
        let writer = JournalWriter::create(dir, &config)?;
        Ok(Self { writer: Some(writer), path: Some(dir.to_path_buf()) })
    }

    /// Where the journal lies.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn session(&mut self, now: Nanos, text: &str) -> Result<(), JournalError> {
        self.append(RecordType::SESSION, now, text.as_bytes())
    }

    pub(crate) fn config(&mut self, now: Nanos, config: &CoreConfig) -> Result<(), JournalError> {
        self.append(RecordType::CONFIG, now, bytemuck::bytes_of(config))
    }

    pub(crate) fn instrument(&mut self, now: Nanos, it: &Instrument) -> Result<(), JournalError> {
        self.append(RecordType::INSTRUMENT, now, bytemuck::bytes_of(it))
    }

    pub(crate) fn start(&mut self, now: Nanos) -> Result<(), JournalError> {
        self.append(RecordType::START, now, &[])
    }

    #[inline]
    pub(crate) fn event(&mut self, now: Nanos, event: &Event) -> Result<(), JournalError> {
        self.append(RecordType::EVENT, now, bytemuck::bytes_of(event))
    }

    #[inline]
    pub(crate) fn report(&mut self, now: Nanos, it: &ExecutionReport) -> Result<(), JournalError> {
        self.append(RecordType::REPORT, now, bytemuck::bytes_of(it))
    }

    pub(crate) fn order_session(
        &mut self,
        now: Nanos,
        state: OrderSessionState,
    ) -> Result<(), JournalError> {
        self.append(RecordType::ORDER_SESSION, now, &[state as u8, 0, 0, 0, 0, 0, 0, 0])
    }

    pub(crate) fn stop(&mut self, now: Nanos) -> Result<(), JournalError> {
        self.append(RecordType::STOP, now, &[])
    }

    #[inline]
    pub(crate) fn output(&mut self, now: Nanos, emitted: &Emitted) -> Result<(), JournalError> {
        let (record_type, bytes) = output_bytes(&emitted.output);
        match &mut self.writer {
            Some(writer) => writer.append(record_type, emitted.origin.0, now, bytes).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Ends the journal with the state hash.
    pub(crate) fn end(
        mut self,
        now: Nanos,
        hash: u64,
    ) -> Result<Option<JournalStats>, JournalError> {
        self.append(RecordType::END, now, &hash.to_le_bytes())?;
        self.writer.map(JournalWriter::close).transpose()
    }

    #[inline]
    fn append(&mut self, record_type: u16, now: Nanos, bytes: &[u8]) -> Result<(), JournalError> {
        match &mut self.writer {
            Some(writer) => writer.append(record_type, 0, now, bytes).map(|_| ()),
            None => Ok(()),
        }
    }
}
