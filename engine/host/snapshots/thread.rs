//! The thread that writes snapshots beside a live session.
//!
//! It follows the journal as any reader of files does, so the core pays nothing for it but the
//! processor and the memory of a second core: one built from the recorded inputs, whose outputs must be
//! the recorded ones. It never acts on the session; whatever befalls it is told, and trading goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tezi_core::Emitted;
use tezi_core::snapshot::SnapshotWriter;
use tezi_core::strategy::{Recorded, Strategy};
use tezi_model::Nanos;

use super::session::SessionSnapshots;
use super::state::SnapshotState;
use super::{ReplayFrom, SnapshotInfo, SnapshotSink};
use crate::error::Error;
use crate::observer::SnapshotFigures;
use crate::replay::{Replay, recorded};

/// Between two looks at a journal that has nothing new: snapshots are minutes apart.
const REST: Duration = Duration::from_millis(5);
/// Inputs between two looks at the clock of the end, and at the figures.
const TURN: usize = 4_096;
/// At the end, how long the rest of the journal may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Snapshots that are kept, unless another number is asked for.
const KEPT: usize = 3;

/// When snapshots of a session are written while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotConfig {
    /// One as soon as the session's time has gone on by so much since the last.
    pub every: Duration,
    /// How many are kept, the newest ones; one at least.
    pub kept: usize,
    /// The core that the thread is pinned to; the scheduler decides, when `None`.
    pub core: Option<usize>,
}

impl SnapshotConfig {
    /// One every so often, the newest three kept.
    #[must_use]
    pub const fn new(every: Duration) -> Self {
        Self { every, kept: KEPT, core: None }
    }
}

/// Everything the thread owns.
pub(crate) struct SnapshotThread<S> {
    config: SnapshotConfig,
    journal: PathBuf,
    from: ReplayFrom,
    /// A strategy that has heard nothing yet, of the same parameters as the one that trades.
    twin: Option<S>,
    state: Arc<SnapshotState>,
}

impl<S: Strategy> SnapshotThread<S> {
    /// A thread's worth of everything, for a journal that has begun. Without a strategy's twin, or where
    /// it does not write down its state, decisions are taken from the journal.
    pub(crate) fn new(
        config: SnapshotConfig,
        journal: &Path,
        from: ReplayFrom,
        twin: Option<S>,
    ) -> Self {
        Self { config, journal: journal.to_path_buf(), from, twin, state: Arc::default() }
    }

    /// What it tells and is told.
    pub(crate) fn state(&self) -> Arc<SnapshotState> {
        Arc::clone(&self.state)
    }

    /// The core that it is pinned to.
    pub(crate) const fn core(&self) -> Option<usize> {
        self.config.core
    }

    /// Follows the journal to its end, and writes a last snapshot there.
    pub(crate) fn run(self) -> SessionSnapshots {
        let Self { config, journal, from, twin, state } = self;
        let twin = twin.filter(|twin| twin.save(&mut SnapshotWriter::new()).is_ok());
        let has_strategy = twin.is_some();
        let ran = match twin {
            Some(twin) => {
                let load = |_: &mut S, _: &Emitted| {};
                let replay = Replay::open_live(&journal, twin, load, |_: &S| 0, from, false);
                replay.map(|replay| Following::new(config, &journal, &state, replay).run())
            }
            None => recorded(&journal).and_then(|strategy| {
                let load = |strategy: &mut Recorded, emitted: &Emitted| strategy.load(emitted);
                let replay =
                    Replay::open_live(&journal, strategy, load, Recorded::left, from, true)?;
                Ok(Following::new(config, &journal, &state, replay).run())
            }),
        };
        let snapshots = ran.unwrap_or_else(|error| {
            let failed = SnapshotFigures { failures: 1, ..SnapshotFigures::default() };
            state.publish(&failed, 0);
            let ended_early = Some(format!("the journal cannot be followed: {error}"));
            SessionSnapshots { ended_early, ..SessionSnapshots::default() }
        });
        SessionSnapshots { has_strategy, ..snapshots }
    }
}

/// A journal being followed.
struct Following<'a, S, L, F> {
    state: &'a SnapshotState,
    every_ns: i64,
    replay: Replay<S, L, F>,
    sink: SnapshotSink,
    /// The session's time from which the next one is due; `None` before any input with a time.
    due: Option<Nanos>,
    /// The record before which the latest was written, failed or begun from.
    sequence_last: u64,
    os_error: i32,
    bytes: u64,
    took: Duration,
    out: SessionSnapshots,
}

impl<'a, S, L, F> Following<'a, S, L, F>
where
    S: Strategy,
    L: Fn(&mut S, &Emitted),
    F: Fn(&S) -> usize,
{
    fn new(
        config: SnapshotConfig,
        journal: &Path,
        state: &'a SnapshotState,
        replay: Replay<S, L, F>,
    ) -> Self {
        let (from, unfit) = replay.begun_from();
        let sink = SnapshotSink::new(journal, replay.session_id(), unfit, config.kept.max(1));
        Self {
            state,
            every_ns: i64::try_from(config.every.as_nanos()).unwrap_or(i64::MAX),
            replay,
            sink,
            due: None,
            // The first input follows the two records of the head and has no mark of the one before.
            sequence_last: from.unwrap_or(3),
            os_error: 0,
            bytes: 0,
            took: Duration::ZERO,
            out: SessionSnapshots { from, ..SessionSnapshots::default() },
        }
    }

    fn run(mut self) -> SessionSnapshots {
        let mut ending: Option<Instant> = None;
        loop {
            // Asked before reading: what the journal still gets was appended by then.
            if ending.is_none() && self.state.is_ending() {
                ending = Some(Instant::now());
            }
            let acted = self.turn();
            self.publish();
            if self.has_failed() {
                break;
            }
            match ending {
                Some(_) if acted < TURN => {
                    self.finish();
                    break;
                }
                Some(since) if since.elapsed() > STOP_TIMEOUT => {
                    self.out.notes.push(format!(
                        "the snapshots' core was behind at the end, at record {}",
                        self.replay.sequence_last()
                    ));
                    break;
                }
                None if acted == 0 => std::thread::sleep(REST),
                _ => {}
            }
        }
        self.out.followed = self.replay.sequence_last();
        self.publish();
        self.out
    }

    /// Acts on what the journal has, up to some inputs; how many there were.
    fn turn(&mut self) -> usize {
        for acted in 0..TURN {
            let Some((step, _)) = self.replay.next_step() else { return acted };
            if self.is_due(step.time) {
                self.write(step.sequence, step.mark_before);
            }
            self.replay.apply(&step);
            if self.replay.has_gone_wrong() {
                return acted;
            }
        }
        TURN
    }

    fn is_due(&mut self, time: Nanos) -> bool {
        if time <= Nanos::ZERO {
            return false;
        }
        let due = *self.due.get_or_insert(time.plus(self.every_ns));
        if time < due {
            return false;
        }
        self.due = Some(time.plus(self.every_ns));
        true
    }

    /// The journal has ended: the state before its last input, and whether all came to the same.
    fn finish(&mut self) {
        let Some(step) = self.replay.take_last() else { return };
        self.write(step.sequence, step.mark_before);
        self.replay.apply_last(&step);
        self.has_failed();
    }

    /// Writes the state before an input, or says why that could not be done.
    fn write(&mut self, sequence: u64, mark: u32) {
        if sequence <= self.sequence_last {
            return;
        }
        self.sequence_last = sequence;
        let begun = Instant::now();
        match self.replay.write_snapshot(&mut self.sink, sequence, mark) {
            Ok(info) => self.on_written(info, begun.elapsed()),
            Err(error) => {
                self.os_error = os_error(&error);
                self.out.failures += 1;
                self.out.failure = Some(error.to_string());
            }
        }
        self.publish();
    }

    fn on_written(&mut self, info: SnapshotInfo, took: Duration) {
        self.out.written += 1;
        self.bytes = info.bytes;
        self.took = took;
        self.out.took_max = self.out.took_max.max(took);
        self.out.latest = Some(info);
    }

    /// Whether there is no going on; why is noted then.
    fn has_failed(&mut self) -> bool {
        let why = self.replay.what_is_wrong();
        if let Some(why) = why.filter(|_| self.out.ended_early.is_none()) {
            self.os_error = 0;
            self.out.ended_early = Some(why);
        }
        self.out.ended_early.is_some()
    }

    fn publish(&self) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let Self { out, bytes, took, .. } = self;
        let latest = out.latest.as_ref();
        let figures = SnapshotFigures {
            written: number(out.written),
            failures: number(out.failures) + i64::from(out.ended_early.is_some()),
            sequence: number(latest.map_or(0, |it| it.sequence)),
            bytes: number(*bytes),
            took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            followed: number(self.replay.sequence_last()),
        };
        self.state.publish(&figures, self.os_error);
    }
}

/// The operating system's number of an error, 0 for one that is not its own.
fn os_error(error: &Error) -> i32 {
    match error {
        Error::File { source, .. } => source.raw_os_error().unwrap_or(0),
        _ => 0,
    }
}
