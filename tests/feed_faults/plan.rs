//! What goes wrong in a run, drawn from its seed.

use tezi::feed_handler::arbitration::JoinPolicy;
use tezi::feed_handler::recovery::{Fault, RecoveryPolicy};
use tezi::feed_handler::{ArbiterConfig, Line};
use tezi::model::{Nanos, Segment};

use crate::market::{Random, Run};

pub const START: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
pub const MS: i64 = 1_000_000;

/// How long only heartbeats come at the end, so that all can become whole.
pub const QUIET: i64 = 6_000 * MS;

/// What the segment offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    None,
    Ticks,
    All,
}

/// How the recovery server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Honest,
    Refuses,
    Stalls,
    Truncates,
    Lies,
}

/// What happens to some datagrams on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mangle {
    Nothing,
    /// The last one of each stream ends in the middle of its last message.
    TruncateLast,
    /// `msg_len` of this percent of the datagrams is another number.
    Lengths(u64),
}

/// Everything that is wrong with one run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub services: Services,
    pub streams: u8,
    pub messages: u32,
    pub spacing_ns: u64,
    /// Percent of each line's datagrams.
    pub loss: [u64; 2],
    /// Numbers of every stream's first run that both lines lose.
    pub outage: std::ops::Range<u32>,
    /// Percent of the datagrams that come up to 64 numbers late.
    pub reorder: u64,
    pub duplicates: u64,
    pub lag_b_ns: i64,
    pub dead: Option<Line>,
    pub restarts: bool,
    pub mangle: Mangle,
    /// Percent of the datagrams that another protocol's follows.
    pub foreign: u64,
    pub mood: Mood,
    /// The server is honest from then on.
    pub mood_ends_ms: i64,
    /// How far the server is behind the lines, and how often its images are made anew.
    pub server_lag_ms: i64,
    pub refresh_ms: i64,
    /// Percent of the chunks of an answer after which the connection breaks.
    pub breaks: u64,
    /// The most bytes in a chunk.
    pub chunk: u64,
    pub window: usize,
    pub wait_ms: i64,
}

impl Plan {
    /// Nothing is wrong.
    pub fn healthy(random: &mut Random) -> Self {
        Self {
            services: random.pick(&[Services::None, Services::Ticks, Services::All]),
            streams: 1 + random.below(3) as u8,
            messages: 100 + random.below(200) as u32,
            spacing_ns: random.pick(&[50_000, 200_000, 1_000_000]),
            loss: [0, 0],
            outage: 0..0,
            reorder: 0,
            duplicates: 0,
            lag_b_ns: random.pick(&[20_000, MS]),
            dead: None,
            restarts: false,
            mangle: Mangle::Nothing,
            foreign: 0,
            mood: Mood::Honest,
            mood_ends_ms: i64::MAX,
            server_lag_ms: random.pick(&[0, 5]),
            refresh_ms: random.pick(&[20, 300]),
            breaks: 0,
            chunk: random.pick(&[40, 400]),
            window: 1024,
            wait_ms: 200,
        }
    }

    pub fn config(&self, random: &mut Random) -> ArbiterConfig {
        let policy = RecoveryPolicy {
            hold_max: random.pick(&[self.window, 4_096]).max(1_024),
            hold_streams: 4,
            join_max: 300_000,
            snapshots: self.services == Services::All,
            range_max: random.pick(&[7, 300_000]),
            coalesce_max: random.pick(&[0, 20, 1_000]),
            refusals_max: 4,
            failures_max: 4,
            retry_ns: 5 * MS,
            retry_ns_max: 40 * MS,
            answer_ns: 1_000 * MS,
            snapshots_max: 5,
            refresh_ns: 100 * MS,
            pace_ns: 200 * MS,
        };
        ArbiterConfig {
            reorder_window: self.window,
            wait_ns: self.wait_ms * MS,
            jump_max: 10_000,
            streams_max: 4,
            lead_window: random.pick(&[64, 1_024]),
            join: JoinPolicy::Best,
            join_near: self.window as u32,
            recovery: (self.services != Services::None).then_some(policy),
            ..ArbiterConfig::new(Segment::NseFo)
        }
    }

    /// The runs of a stream.
    pub fn runs(&self, random: &mut Random, stream: u8) -> Vec<Run> {
        let first = Run::new(random, stream, self.messages, START, self.spacing_ns);
        let mut runs = vec![first];
        if self.restarts {
            let pause = random.pick(&[1_500 * MS, QUIET]);
            let start = START.plus(pause + i64::from(self.messages) * 2_500_000);
            runs.push(Run::new(random, stream, self.messages, start, self.spacing_ns));
        }
        runs
    }

    /// What goes wrong with a connection made at `now`.
    pub fn fault(&self, random: &mut Random, now: Nanos) -> Fault {
        if now.since(START) >= self.mood_ends_ms.saturating_mul(MS) {
            return Fault::None;
        }
        let later = 1 + random.below(5) as u32;
        match self.mood {
            Mood::Honest => Fault::None,
            Mood::Refuses => Fault::Refuse,
            Mood::Stalls => Fault::Stall,
            Mood::Truncates => Fault::Truncate(random.below(400)),
            Mood::Lies => random.pick(&[
                Fault::Corrupt(later - 1),
                Fault::WrongSequence(later),
                Fault::WrongStream(1 + later as u8 % 3),
            ]),
        }
    }
}
