//! What became of the snapshots of a session.

use std::fmt;
use std::time::Duration;

use super::SnapshotInfo;

/// Snapshots written beside the journal of a session while it ran.
#[derive(Clone, Debug, Default)]
pub struct SessionSnapshots {
    /// How many were written.
    pub written: u64,
    /// The latest of them.
    pub latest: Option<SnapshotInfo>,
    /// The snapshot that the second core began from, by its sequence; `None` when it followed the journal
    /// from the first record.
    pub from: Option<u64>,
    /// Whether the strategy's own state is in them, so that a session is resumed from one.
    pub has_strategy: bool,
    /// The last record that the second core had acted on, or had read at the end.
    pub followed: u64,
    /// The longest that one took to be made and brought to the disk.
    pub took_max: Duration,
    /// How many could not be written.
    pub failures: u64,
    /// Why, of the latest.
    pub failure: Option<String>,
    /// Why there are none from some record on: the journal could not be followed, or did not give the
    /// same outputs again.
    pub ended_early: Option<String>,
    /// What could not be had and was done without.
    pub notes: Vec<String>,
}

impl SessionSnapshots {
    /// What is not fine, a sentence each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let (true, Some(why)) = (self.failures > 0, &self.failure) {
            let count = self.failures;
            problems.push(format!("{count} snapshots could not be written, the latest: {why}"));
        }
        if let Some(why) = &self.ended_early {
            let after = self.followed;
            problems.push(format!("no snapshots were written after record {after}: {why}"));
        }
        problems
    }
}

impl fmt::Display for SessionSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { written, latest, took_max, has_strategy, .. } = self;
        write!(f, "  {written} snapshots")?;
        if let Some(latest) = latest {
            let ms = took_max.as_secs_f64() * 1e3;
            write!(
                f,
                " (at most {ms:.1} ms each); the latest before record {}, {} bytes",
                latest.sequence, latest.bytes
            )?;
        }
        if !has_strategy {
            write!(f, "; without the strategy's own state, for replays alone")?;
        }
        Ok(())
    }
}
