//! How a session's journal reaches the disk: what is asked for, what the machine allows, and what came
//! of it.

use std::fmt;

use tezi_journal::{JournalError, JournalStats, Promise, StageConfig, WriteOut};

use crate::core_loop::TimeSource;
use crate::error::Error;

/// How a session's journal is written. `docs/operating/journal.md` says which one when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalMode {
    /// Staged for sessions that go with the clock, where the memory file system has room; mapped
    /// otherwise, and the report says why. Mapped for replays, which outrun any disk.
    #[default]
    Auto,
    /// The live segments are in memory, and a thread writes them to the disk. A session that cannot
    /// have that does not start.
    Staged,
    /// The segment files are mapped, and the operating system writes them.
    Mapped,
}

impl JournalMode {
    /// Its name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Staged => "staged",
            Self::Mapped => "mapped",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Auto, Self::Staged, Self::Mapped].into_iter().find(|mode| mode.name() == name)
    }

    /// Whether the journal is staged, and what to tell the user when it would have been and is not.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when it must be staged, since that was asked for or orders wait for the
    /// disk, and there is no room; [`Error::Parameter`] when it must be both staged and mapped.
    pub(crate) fn resolve(
        self,
        time_source: TimeSource,
        orders_wait: Promise,
        stage: &StageConfig,
        segment_bytes: u64,
    ) -> Result<(bool, Option<String>), Error> {
        let must_be_staged = orders_wait > Promise::Appended;
        match self {
            Self::Mapped if must_be_staged => {
                let wait = orders_wait.name();
                let what = format!("orders wait for {wait}, which a mapped journal never promises");
                Err(Error::Parameter(what))
            }
            Self::Mapped => Ok((false, None)),
            Self::Auto if time_source == TimeSource::Events => Ok((false, None)),
            Self::Auto | Self::Staged => match stage.check_room(segment_bytes) {
                Ok(()) => Ok((true, None)),
                Err(error) if self == Self::Staged || must_be_staged => Err(error.into()),
                Err(error) => Ok((false, Some(fallback(&error)))),
            },
        }
    }
}

fn fallback(error: &JournalError) -> String {
    format!(
        "the journal is mapped, not staged in memory, and nothing says what is on the disk: {error}"
    )
}

/// How a journal came to the disk while the session ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurabilityReport {
    /// How it was written.
    pub write_out: WriteOut,
    /// The last sequence on the disk when the last record was appended.
    pub watermark: u64,
    /// Records that were not on the disk then.
    pub lag_at_end: u64,
    /// The most records that were not on the disk at once, seen once in each turn of the core.
    pub lag_max: u64,
    /// Batches of records written.
    pub batches: u64,
    /// Bytes of records in them.
    pub bytes_written: u64,
    /// Rolls to the next segment that had to wait: the disk was behind.
    pub waits: u64,
}

impl DurabilityReport {
    /// `before` is what was written when the last record was appended, `closed` what was at the end.
    pub(crate) fn new(
        write_out: WriteOut,
        lag_max: u64,
        before: &JournalStats,
        closed: &JournalStats,
    ) -> Self {
        Self {
            write_out,
            watermark: before.durable,
            lag_at_end: before.sequence_last - before.durable,
            // Looked at now and then; the last look is this one.
            lag_max: lag_max.max(before.sequence_last - before.durable),
            batches: closed.batches,
            bytes_written: closed.bytes_written,
            waits: closed.waits,
        }
    }
}

impl fmt::Display for DurabilityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.write_out {
            WriteOut::Direct => "staged in memory, written past the page cache",
            WriteOut::Buffered => "staged in memory, written through the page cache",
            _ => return f.write_str("mapped, written out when the operating system likes"),
        };
        let Self { watermark, lag_at_end, lag_max, batches, bytes_written, waits, .. } = self;
        let batch_bytes = bytes_written / batches.max(&1);
        write!(
            f,
            "{how}: at the end record {watermark} was on the disk, {lag_at_end} behind it were not \
             (at most {lag_max}); {batches} batches of {batch_bytes} bytes, {waits} waits"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        mode: JournalMode,
        time_source: TimeSource,
        wait: Promise,
        dir: &str,
    ) -> Result<(bool, Option<String>), Error> {
        let stage = StageConfig { memory_dir: dir.into(), ..StageConfig::default() };
        mode.resolve(time_source, wait, &stage, 64 << 10)
    }

    #[test]
    fn a_journal_without_memory_is_mapped_and_says_so_unless_it_must_be_staged() {
        use Promise::{Appended, Durable};
        use TimeSource::{Clock, Events};
        // A memory file system that keeps no files.
        let nowhere = "/proc";
        let (is_staged, note) = resolve(JournalMode::Auto, Clock, Appended, nowhere).unwrap();
        assert!(!is_staged && note.unwrap().contains("/proc is not on a memory file system"));
        let quiet = (false, None);
        assert_eq!(resolve(JournalMode::Auto, Events, Appended, nowhere).unwrap(), quiet);
        assert_eq!(resolve(JournalMode::Mapped, Clock, Appended, nowhere).unwrap(), quiet);
        for (mode, wait) in [(JournalMode::Staged, Appended), (JournalMode::Auto, Durable)] {
            let error = resolve(mode, Clock, wait, nowhere).unwrap_err();
            assert!(matches!(error, Error::Journal(JournalError::NotInMemory { .. })), "{error}");
        }
        let error = resolve(JournalMode::Mapped, Clock, Durable, nowhere).unwrap_err().to_string();
        assert_eq!(error, "orders wait for durable, which a mapped journal never promises");
    }

    #[test]
    fn memory_without_room_is_named() {
        let stage = StageConfig { segments: usize::MAX, ..StageConfig::default() };
        let found = JournalMode::Auto.resolve(TimeSource::Clock, Promise::Appended, &stage, 4096);
        let (is_staged, note) = found.unwrap();
        assert!(!is_staged && note.unwrap().contains("/dev/shm"));
    }

    #[test]
    fn names_lead_back() {
        for mode in [JournalMode::Auto, JournalMode::Staged, JournalMode::Mapped] {
            assert_eq!(JournalMode::of_name(mode.name()), Some(mode));
        }
        assert_eq!(JournalMode::of_name("direct"), None);
    }
}
