//! What is left of a journal when its writer dies, and when it takes the machine with it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use tezi_journal::JournalReader;

use crate::error::Error;
use crate::random::Random;
use crate::replication::{Gate, ReplicaState};

/// How far a second place has the journal: behind the first by a while that is drawn.
pub(super) struct SecondPlace {
    state: Arc<ReplicaState>,
    /// Nanoseconds that a record takes at least.
    lag_ns: u64,
    /// When it will have what.
    on_its_way: VecDeque<(u64, u64)>,
    last: u64,
}

impl SecondPlace {
    /// A second place that has everything up to `last`.
    pub(super) fn new(lag_ns: u64, last: u64) -> Self {
        let state = Arc::new(ReplicaState::default());
        state.set_replicated(last);
        Self { state, lag_ns, on_its_way: VecDeque::new(), last }
    }

    /// What orders wait for.
    pub(super) fn gate(&self) -> Gate {
        Gate::Replicated { state: Arc::clone(&self.state), durable: None }
    }

    /// Takes what was written by now, and has what was under way long enough.
    pub(super) fn step(&mut self, now: u64, written: u64, random: &mut Random) {
        if written > self.last {
            self.last = written;
            // One in fifty waits for something else first.
            let stall = if random.below(50) == 0 { 20 * self.lag_ns } else { 0 };
            let due = now + self.lag_ns + random.below(self.lag_ns) + stall;
            let before = self.on_its_way.back().map_or(0, |(due, _)| *due);
            self.on_its_way.push_back((due.max(before), written));
        }
        while let Some(&(due, sequence)) = self.on_its_way.front()
            && due <= now
        {
            self.on_its_way.pop_front();
            self.state.set_replicated(sequence);
        }
    }

    /// The last record that is there, or may be: at least what was promised.
    pub(super) fn left(&self, random: &mut Random) -> u64 {
        let promised = self.state.replicated();
        promised + random.below(self.last.saturating_sub(promised) + 1)
    }
}

/// Copies a directory of files.
///
/// # Errors
///
/// [`Error::File`].
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |source| Error::file("copy", from, source);
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        std::fs::copy(entry.path(), to.join(entry.file_name())).map_err(failed)?;
    }
    Ok(())
}

/// Takes everything behind a record out of a journal, but for some bytes of the next one.
///
/// # Errors
///
/// [`Error::Journal`], [`Error::File`].
pub(super) fn cut_behind(journal: &Path, last: u64, random: &mut Random) -> Result<(), Error> {
    let mut reader = JournalReader::open(journal)?;
    let mut cut = None;
    while let Some(record) = reader.next_record() {
        if record.sequence > last {
            cut = Some((record.segment, record.offset));
            break;
        }
    }
    let Some((segment, offset)) = cut else { return Ok(()) };
    let failed = |source| Error::file("cut", journal, source);
    let mut files: Vec<_> = std::fs::read_dir(journal)
        .map_err(failed)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "tzj"))
        .collect();
    files.sort_unstable();
    let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u32>().ok();
    for path in files {
        match number(&path) {
            Some(number) if number > segment => std::fs::remove_file(&path).map_err(failed)?,
            Some(number) if number == segment => {
                let mut bytes = std::fs::read(&path).map_err(failed)?;
                let torn = random.below(24);
                if let Some(rest) = bytes.get_mut((offset + torn) as usize..) {
                    rest.fill(0);
                }
                std::fs::write(&path, bytes).map_err(failed)?;
            }
            _ => {}
        }
    }
    Ok(())
}
