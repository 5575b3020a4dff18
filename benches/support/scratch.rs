//! A journal to throw away: in `TEZI_BENCH_DIR`, else on tmpfs where there is one, else in the
//! system's temporary folder.

use std::path::{Path, PathBuf};

use tezi::journal::{JournalWriter, StageConfig, WriterConfig};
use tezi::model::Nanos;

/// A journal that is made anew before its first segment is half full, so that no helper thread
/// prepares the next one while something is measured.
pub(crate) struct ScratchJournal {
    writer: Option<JournalWriter>,
    dir: PathBuf,
    config: WriterConfig,
    serial: u32,
    stays_in_one_segment: bool,
    /// In memory while it is written, with a thread that writes it out.
    stage: Option<StageConfig>,
}

impl ScratchJournal {
    /// The journal of a bench, in segments of this size.
    pub(crate) fn new(name: &str, segment_bytes: u64) -> Self {
        let shared = Path::new("/dev/shm");
        let base = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
        Self::make(name, segment_bytes, base, None)
    }

    /// As [`ScratchJournal::new`], staged in memory, its files where a disk is.
    pub(crate) fn staged(name: &str, segment_bytes: u64, stage: StageConfig) -> Self {
        Self::make(name, segment_bytes, std::env::temp_dir(), Some(stage))
    }

    fn make(name: &str, segment_bytes: u64, base: PathBuf, stage: Option<StageConfig>) -> Self {
        let base = std::env::var_os("TEZI_BENCH_DIR").map_or(base, PathBuf::from);
        let dir = base.join(format!("tezi-bench-{name}-{}", std::process::id()));
        let config = WriterConfig { segment_bytes, session_id: 7, created: Nanos(0) };
        let mut journal =
            Self { writer: None, dir, config, serial: 0, stays_in_one_segment: true, stage };
        journal.renew();
        journal
    }

    /// Lets it roll from segment to segment.
    pub(crate) const fn rolling(mut self) -> Self {
        self.stays_in_one_segment = false;
        self
    }

    /// The writer.
    #[inline]
    pub(crate) const fn writer(&mut self) -> &mut JournalWriter {
        self.writer.as_mut().expect("a journal is open until it is dropped")
    }

    /// Records of this size that still go into the journal before it has to be renewed.
    pub(crate) fn room(&mut self, record_bytes: usize) -> u64 {
        let segment = self.config.segment_bytes;
        let most = if self.stays_in_one_segment { segment / 2 - 4_096 } else { segment * 8 };
        most.saturating_sub(self.writer().stats().bytes) / record_bytes as u64
    }

    /// Begins anew.
    pub(crate) fn renew(&mut self) {
        self.writer = None;
        self.remove();
        self.serial += 1;
        let writer = match &self.stage {
            Some(stage) => JournalWriter::create_staged(&self.path(), &self.config, stage),
            None => JournalWriter::create(&self.path(), &self.config),
        };
        self.writer = Some(writer.expect("the scratch folder takes a journal"));
    }

    /// Ends the journal and says where it lies; it stays there until this is dropped.
    pub(crate) fn close(&mut self) -> PathBuf {
        if let Some(writer) = self.writer.take() {
            writer.close().expect("the scratch folder takes a journal");
        }
        self.path()
    }

    fn path(&self) -> PathBuf {
        self.dir.join(self.serial.to_string())
    }

    fn remove(&self) {
        // What is left over lies in a temporary folder and is no error.
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

impl Drop for ScratchJournal {
    fn drop(&mut self) {
        self.writer = None;
        self.remove();
    }
}
