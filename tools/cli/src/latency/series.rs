//! A log in memory: every stage's distribution, whole and over time, in bounded space.
//!
//! A day of intervals is not kept one by one. Each stage has at most [`BLOCKS_MAX`] blocks; when they
//! are full, neighbours are put together two by two and each block from then on is twice as long.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use tezi::PathStage;
use tezi::latency::Distribution;
use tezi::latency::log::{BadLine, LogInterval, read};
use tezi::model::Nanos;

use crate::outcome::Failure;

/// Blocks of a stage; an even number.
pub(super) const BLOCKS_MAX: usize = 256;
/// Stages of one log; tags beyond are counted as bad lines are.
const STAGES_MAX: usize = 64;
/// Damaged lines named.
const BAD_LINES_SAID: usize = 5;

/// The part of a log that is looked at, in seconds from its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) from: Option<f64>,
    pub(super) to: Option<f64>,
}

impl Window {
    fn contains(self, seconds: f64) -> bool {
        self.from.is_none_or(|from| seconds >= from) && self.to.is_none_or(|to| seconds < to)
    }
}

/// Some intervals, one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// When it began, seconds from the beginning of the log.
    pub(super) start: f64,
    pub(super) distribution: Distribution,
    intervals: u32,
}

/// One stage of a log.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) tag: String,
    pub(super) total: Distribution,
    pub(super) blocks: Vec<Block>,
    /// Intervals that make a block.
    intervals_per_block: u32,
}

impl Series {
    fn new(tag: &str) -> Self {
        let total = Distribution::default();
        Self { tag: tag.to_owned(), total, blocks: Vec::new(), intervals_per_block: 1 }
    }

    /// What people read.
    pub(super) fn title(&self) -> &str {
        match PathStage::of_name(&self.tag) {
            Some(stage) => stage.title(),
            None if self.tag.is_empty() => "(no tag)",
            None => &self.tag,
        }
    }

    fn add(&mut self, start: f64, distribution: Distribution) {
        self.total.add(&distribution);
        match self.blocks.last_mut() {
            Some(block) if block.intervals < self.intervals_per_block => {
                block.distribution.add(&distribution);
                block.intervals += 1;
            }
            _ => {
                if self.blocks.len() == BLOCKS_MAX {
                    self.halve();
                }
                self.blocks.push(Block { start, distribution, intervals: 1 });
            }
        }
    }

    fn halve(&mut self) {
        self.intervals_per_block *= 2;
        let halves = std::mem::take(&mut self.blocks);
        let mut halves = halves.into_iter();
        while let Some(mut block) = halves.next() {
            if let Some(next) = halves.next() {
                block.distribution.add(&next.distribution);
                block.intervals += next.intervals;
            }
            self.blocks.push(block);
        }
    }

    /// The intervals put together in one block.
    pub(super) const fn intervals_per_block(&self) -> u32 {
        self.intervals_per_block
    }
}

/// A log that was read.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) path: PathBuf,
    /// Along the path, and behind it those of no known stage by name.
    pub(super) stages: Vec<Series>,
    /// When the first interval began.
    pub(super) start: Nanos,
    /// When the last interval that is looked at ended, seconds from the beginning.
    pub(super) seconds: f64,
    pub(super) bad_count: u64,
    bad: Vec<BadLine>,
}

impl Log {
    /// Reads what lies in the window, of the stages named, or of all.
    pub(super) fn read(path: &Path, window: Window, only: &[String]) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::Failed(format!("cannot read {}: {error}", path.display()))
        };
        let file = File::open(path).map_err(failed)?;
        let mut log = Self {
            path: path.to_path_buf(),
            stages: Vec::new(),
            start: Nanos::ZERO,
            seconds: 0.0,
            bad_count: 0,
            bad: Vec::new(),
        };
        let (mut is_first, mut untold) = (true, 0);
        let (bad_count, bad) = read(BufReader::new(file), BAD_LINES_SAID, |interval| {
            if std::mem::take(&mut is_first) {
                log.start = interval.start;
            }
            untold += u64::from(!log.add(interval, window, only));
        })
        .map_err(failed)?;
        (log.bad_count, log.bad) = (bad_count + untold, bad);
        if is_first {
            let name = path.display();
            let why = log
                .bad
                .first()
                .map_or(String::new(), |(line, why)| format!("; line {line}: {why}"));
            return Err(Failure::Failed(format!("{name}: no interval of a histogram log{why}")));
        }
        let place = |series: &Series| {
            let known = PathStage::ALL.iter().position(|stage| stage.name() == series.tag);
            known.unwrap_or(PathStage::ALL.len())
        };
        log.stages.sort_by(|a, b| (place(a), &a.tag).cmp(&(place(b), &b.tag)));
        Ok(log)
    }

    /// Takes an interval in; false when there are too many tags.
    fn add(&mut self, interval: LogInterval, window: Window, only: &[String]) -> bool {
        let seconds = (interval.start.0 - self.start.0) as f64 / 1e9;
        let is_wanted = only.is_empty() || only.contains(&interval.tag);
        if !is_wanted || !window.contains(seconds) || interval.distribution.count() == 0 {
            return true;
        }
        self.seconds = self.seconds.max(seconds + interval.length_ns as f64 / 1e9);
        let known = self.stages.iter().position(|series| series.tag == interval.tag);
        let place = known.unwrap_or(self.stages.len());
        if place == STAGES_MAX {
            return false;
        }
        if known.is_none() {
            self.stages.push(Series::new(&interval.tag));
        }
        self.stages[place].add(seconds, interval.distribution);
        true
    }

    /// The file's name without its folder.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    pub(super) fn stage(&self, tag: &str) -> Option<&Series> {
        self.stages.iter().find(|series| series.tag == tag)
    }

    /// Says on standard error what could not be read.
    pub(super) fn complain(&self) {
        let name = self.path.display();
        let mut err = std::io::stderr();
        // Nobody may be reading; the exit code says it too.
        for (line, why) in &self.bad {
            let _ = writeln!(err, "{name}: line {line}: {why}");
        }
        if self.bad_count > self.bad.len() as u64 {
            let _ = writeln!(err, "{name}: {} lines passed over in all", self.bad_count);
        }
    }
}
