//! Histograms of one thread, handed over interval by interval without disturbing it.
//!
//! The thread records into a set of its own. When an interval is over it swaps that set for an empty
//! one that lies ready and sends the full one on: two operations on bounded channels which were
//! allocated at the start and on which nobody ever sleeps, so no allocation, no lock that is held, no
//! system call. The observer reads, empties and returns the set. When it is late the interval grows:
//! nothing is lost and nothing waits.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use super::{Latencies, PathStage};
use crate::clock::Clock;

/// Sets of a thread: the one it records into, one ready, one being read.
const SETS: usize = 3;
/// How often a thread that is looked at publishes its figures.
const TICK: Duration = Duration::from_millis(100);

/// What a thread recorded from one raw stamp to another.
#[derive(Debug)]
pub(crate) struct Interval {
    pub(crate) latencies: Box<Latencies>,
    pub(crate) start_raw: u64,
    pub(crate) end_raw: u64,
}

/// Where a thread counts its latencies.
#[derive(Debug)]
pub(crate) struct StageRecorder {
    latencies: Box<Latencies>,
    /// The next raw stamp at which there is something to do; never, when nobody looks on.
    due_raw: u64,
    link: Option<Link>,
}

/// The recording thread's end of a link to the observer.
#[derive(Debug)]
struct Link {
    empty: Receiver<Box<Latencies>>,
    full: SyncSender<Interval>,
    start_raw: u64,
    swap_raw: u64,
    interval_raw: u64,
    tick_raw: u64,
    late_count: u64,
}

/// The observer's end.
#[derive(Debug)]
pub(crate) struct IntervalSource {
    empty: SyncSender<Box<Latencies>>,
    full: Receiver<Interval>,
}

/// Why there is no interval to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntervalEnd {
    /// None is over yet.
    Pending,
    /// The thread has ended and everything is read.
    Ended,
}

/// A recorder that hands over what it has every `interval`, and who reads that. Memory is taken and
/// touched here.
pub(crate) fn interval_link(clock: &Clock, interval: Duration) -> (StageRecorder, IntervalSource) {
    let (empty_in, empty) = sync_channel(SETS);
    let (full, full_out) = sync_channel(SETS);
    for _ in 1..SETS {
        // There is room for every set.
        let _ = empty_in.try_send(Box::default());
    }
    let start_raw = clock.raw();
    let interval_raw = clock.raw_length(interval).max(1);
    let tick_raw = clock.raw_length(TICK.min(interval)).max(1);
    let swap_raw = start_raw + interval_raw;
    let link = Link { empty, full, start_raw, swap_raw, interval_raw, tick_raw, late_count: 0 };
    let due_raw = start_raw + tick_raw;
    let recorder = StageRecorder { latencies: Box::default(), due_raw, link: Some(link) };
    (recorder, IntervalSource { empty: empty_in, full: full_out })
}

impl Default for StageRecorder {
    /// A recorder that nobody looks at before its end.
    fn default() -> Self {
        Self { latencies: Box::default(), due_raw: u64::MAX, link: None }
    }
}

impl StageRecorder {
    /// Counts a latency of a stage.
    #[inline]
    pub(crate) fn record(&mut self, stage: PathStage, ns: u64) {
        self.latencies.record(stage, ns);
    }

    /// Whether figures are to be published now; hands the interval over when it is over. Called often
    /// with the time that is read anyway: one comparison.
    #[inline]
    pub(crate) fn is_due(&mut self, raw: u64) -> bool {
        raw >= self.due_raw && self.on_due(raw)
    }

    #[cold]
    fn on_due(&mut self, raw: u64) -> bool {
        let Some(link) = &mut self.link else { return false };
        self.due_raw = raw + link.tick_raw;
        if raw < link.swap_raw {
            self.due_raw = self.due_raw.min(link.swap_raw);
            return true;
        }
        // To the next multiple, however late it is.
        let behind = (raw - link.swap_raw) / link.interval_raw;
        link.swap_raw += (behind + 1) * link.interval_raw;
        if let Ok(fresh) = link.empty.try_recv() {
            let latencies = std::mem::replace(&mut self.latencies, fresh);
            let interval = Interval { latencies, start_raw: link.start_raw, end_raw: raw };
            link.start_raw = raw;
            // There is room for every set; an observer that is gone wants none.
            let _ = link.full.try_send(interval);
        } else {
            link.late_count += 1;
        }
        true
    }

    /// Intervals that went on for want of an empty set.
    pub(crate) fn late_count(&self) -> u64 {
        self.link.as_ref().map_or(0, |link| link.late_count)
    }

    /// Ends recording: hands the rest over where somebody looks on, and gives it back otherwise.
    pub(crate) fn finish(self, clock: &Clock) -> Latencies {
        let Some(link) = self.link else { return *self.latencies };
        let interval =
            Interval { latencies: self.latencies, start_raw: link.start_raw, end_raw: clock.raw() };
        match link.full.try_send(interval) {
            Ok(()) => Latencies::default(),
            // An observer that ended before its time: what is left is told at the end.
            Err(refused) => *match refused {
                std::sync::mpsc::TrySendError::Full(interval)
                | std::sync::mpsc::TrySendError::Disconnected(interval) => interval.latencies,
            },
        }
    }

    /// What is counted in this interval.
    #[cfg(test)]
    pub(crate) fn count(&self, stage: PathStage) -> u64 {
        self.latencies.stage(stage).count()
    }
}

impl IntervalSource {
    /// The next interval that is over.
    pub(crate) fn next(&self) -> Result<Interval, IntervalEnd> {
        self.full.try_recv().map_err(|error| match error {
            TryRecvError::Empty => IntervalEnd::Pending,
            TryRecvError::Disconnected => IntervalEnd::Ended,
        })
    }

    /// Gives a set back, emptied, for another interval.
    pub(crate) fn give_back(&self, mut set: Box<Latencies>) {
        set.reset();
        // The thread may have ended.
        let _ = self.empty.try_send(set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_one_interval_however_late_the_observer_is() {
        let clock = Clock::start();
        let interval = Duration::from_secs(1);
        let (mut recorder, source) = interval_link(&clock, interval);
        let (start, length) = (clock.raw(), clock.raw_length(interval));
        let (mut read, mut seen, mut last_end) = (0, 0, 0);
        for turn in 0..400_u64 {
            recorder.record(PathStage::Book, 1 + turn);
            recorder.is_due(start + turn * length / 7);
            // Late at first, then in time.
            while turn > 60
                && let Ok(interval) = source.next()
            {
                assert!(interval.start_raw < interval.end_raw && last_end <= interval.start_raw);
                last_end = interval.end_raw;
                read += interval.latencies.stage(PathStage::Book).count();
                seen += 1;
                source.give_back(interval.latencies);
            }
        }
        assert!(seen > 40, "{seen} intervals");
        assert_eq!(read + recorder.count(PathStage::Book), 400);
        let rest = recorder.count(PathStage::Book);
        assert_eq!(recorder.finish(&clock).stage(PathStage::Book).count(), 0);
        assert_eq!(source.next().unwrap().latencies.stage(PathStage::Book).count(), rest);
        assert_eq!(source.next().unwrap_err(), IntervalEnd::Ended);
    }

    #[test]
    fn a_recorder_alone_keeps_everything_and_is_never_due() {
        let mut recorder = StageRecorder::default();
        recorder.record(PathStage::Ring, 5);
        assert!(!recorder.is_due(u64::MAX - 1));
        assert_eq!(recorder.finish(&Clock::start()).stage(PathStage::Ring).count(), 1);
        // One whose observer is gone keeps on, and gives the rest back.
        let clock = Clock::start();
        let (mut recorder, source) = interval_link(&clock, Duration::from_millis(1));
        drop(source);
        recorder.record(PathStage::Ring, 5);
        assert_eq!(recorder.finish(&clock).stage(PathStage::Ring).count(), 1);
    }
}
