//! The two lines of the market, each of which loses, delays, repeats and reorders on its own.

use std::collections::BTreeMap;

use tezi_feed_handler::Line;

use crate::random::Random;

/// How bad a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LineFaults {
    /// Part that is lost.
    pub(super) loss: f64,
    /// Part that comes twice.
    pub(super) twice: f64,
    /// Part that is late enough to come behind others, and by how much at most, in nanoseconds.
    pub(super) late: f64,
    pub(super) late_ns: u64,
}

/// What a switch takes, and its jitter, in nanoseconds.
const WAY_NS: u64 = 8_000;
const JITTER_NS: u64 = 4_000;

/// Datagrams on their way.
pub(super) struct Lines {
    faults: [LineFaults; 2],
    random: Random,
    /// By arrival and a number that tells those of one time apart.
    waiting: BTreeMap<(u64, u64), (Line, Vec<u8>)>,
    count: u64,
    pub(super) lost: u64,
}

impl Lines {
    pub(super) fn new(faults: [LineFaults; 2], seed: u64) -> Self {
        let waiting = BTreeMap::new();
        Self { faults, random: Random::new(seed), waiting, count: 0, lost: 0 }
    }

    /// Nothing goes wrong from now on.
    pub(super) fn calm(&mut self) {
        self.faults = Default::default();
    }

    /// Sends a datagram on the lines named.
    pub(super) fn send(&mut self, now: u64, payload: &[u8], on: [bool; 2]) {
        for (at, line) in Line::BOTH.into_iter().enumerate().filter(|&(at, _)| on[at]) {
            let faults = self.faults[at];
            if self.random.chance(faults.loss) {
                self.lost += 1;
                continue;
            }
            let copies = 1 + u64::from(self.random.chance(faults.twice));
            for _ in 0..copies {
                let mut way = WAY_NS + self.random.below(JITTER_NS);
                if self.random.chance(faults.late) {
                    way += self.random.below(faults.late_ns.max(1));
                }
                self.count += 1;
                self.waiting.insert((now + way, self.count), (line, payload.to_vec()));
            }
        }
    }

    /// The next datagram that has arrived.
    pub(super) fn next(&mut self, now: u64) -> Option<(Line, Vec<u8>)> {
        let entry = self.waiting.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    /// When the next one arrives.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }
}
