//! Missing numbers: the gaps still waited for, and the ranges given up.

use tezi_model::Nanos;

use crate::Line;

/// How the gaps of a stream opened and ended. A number is missing once a later one, or a heartbeat,
/// shows that it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GapCounters {
    /// Gaps opened: ranges of missing numbers, each shown by one message or heartbeat.
    pub opened: u64,
    /// Numbers in them. Equal to the five below, and what is still waited for.
    pub numbers: u64,
    /// Numbers that came late on the line that had shown them missing: it had reordered.
    pub filled_same_line: u64,
    /// Numbers that the other line brought.
    pub filled_other_line: u64,
    /// Numbers that tick recovery brought.
    pub recovered: u64,
    /// Numbers that a snapshot made needless.
    pub covered: u64,
    /// Numbers given up: the wait was over or the window full, and recovery failed if there is any.
    pub lost: u64,
}

impl GapCounters {
    /// Numbers that are waited for no more.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.filled_same_line + self.filled_other_line + self.recovered + self.covered + self.lost
    }
}

/// Numbers that no line brought in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// The first of them.
    pub first: u32,
    /// The last of them, included.
    pub last: u32,
    /// How often the stream had restarted before: numbers repeat after a restart.
    pub restart_count: u32,
}

/// A gap that may still fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenGap {
    /// Its last number. It begins after the gap before it, or at the next number due.
    pub(super) last: u64,
    /// When it showed.
    pub(super) opened: Nanos,
    /// The line that showed it.
    pub(super) line: Line,
}

impl OpenGap {
    /// Whether the wait for it is over.
    pub(super) fn is_due(&self, wait_ns: i64, now: Nanos) -> bool {
        self.opened.plus(wait_ns) <= now
    }
}

/// The ranges given up, up to a bound, in order.
#[derive(Clone, Debug)]
pub(super) struct LostRanges {
    ranges: Vec<LostRange>,
    bound: usize,
    unlisted: u64,
    restart_count: u32,
    /// Where the ranges of the present run begin.
    run_start: usize,
    /// The highest lost number of the present run, 0 when there is none.
    highest: u64,
}

impl LostRanges {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            ranges: Vec::with_capacity(bound),
            bound,
            unlisted: 0,
            restart_count: 0,
            run_start: 0,
            highest: 0,
        }
    }

    pub(super) fn listed(&self) -> &[LostRange] {
        &self.ranges
    }

    pub(super) const fn unlisted(&self) -> u64 {
        self.unlisted
    }

    pub(super) const fn restart_count(&self) -> u32 {
        self.restart_count
    }

    /// Whether a number of the present run is lost.
    pub(super) const fn is_any(&self) -> bool {
        self.highest > 0
    }

    pub(super) fn restart(&mut self) {
        self.restart_count += 1;
        self.run_start = self.ranges.len();
        self.highest = 0;
    }

    /// Goes back within the run: ranges below the earlier ones may follow.
    pub(super) fn rewind(&mut self) {
        self.run_start = self.ranges.len();
        self.highest = 0;
    }

    /// Notes a range above every earlier one of the run. Adjacent ranges become one.
    pub(super) fn push(&mut self, first: u32, last: u32) {
        self.highest = u64::from(last);
        let adjoins = self.unlisted == 0
            && self.ranges[self.run_start..]
                .last()
                .is_some_and(|before| before.last.checked_add(1) == Some(first));
        if let Some(before) = self.ranges.last_mut().filter(|_| adjoins) {
            before.last = last;
        } else if self.ranges.len() < self.bound {
            self.ranges.push(LostRange { first, last, restart_count: self.restart_count });
        } else {
            self.unlisted += 1;
        }
    }

    /// Whether `sequence` is in a listed range of the present run. One comparison for most.
    #[inline]
    pub(super) fn contains(&self, sequence: u64) -> bool {
        sequence <= self.highest && self.search(sequence)
    }

    #[cold]
    fn search(&self, sequence: u64) -> bool {
        let run = &self.ranges[self.run_start..];
        let index = run.partition_point(|range| u64::from(range.last) < sequence);
        run.get(index).is_some_and(|range| u64::from(range.first) <= sequence)
    }
}
