//! The exchange's clock: ours, at a speed, in steps that are never long.

use tezi_model::Nanos;

/// The longest step of the exchange's time at speed 1, in nanoseconds: between two steps members are
/// heard and the market is sent.
const STEP_NS: i64 = 1_000_000;
/// Of our time: who is further behind goes on from where it is.
const STALL_NS: i64 = 500_000_000;

/// Time of the exchange from nanoseconds of our own since the start.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    start: Nanos,
    speed: f64,
    reached: Nanos,
    /// Where the time would be but for the steps.
    due: Nanos,
    slipped_ns: i64,
    stalls: u64,
}

impl Pace {
    pub(super) const fn new(start: Nanos, speed: f64) -> Self {
        Self { start, speed, reached: start, due: start, slipped_ns: 0, stalls: 0 }
    }

    /// The exchange's time, `elapsed_ns` of ours after the start.
    pub(super) fn at(&mut self, elapsed_ns: u64) -> Nanos {
        let passed = (elapsed_ns as f64 * self.speed) as i64;
        self.due = self.start.plus(passed - self.slipped_ns);
        let behind = self.due.since(self.reached);
        if behind > self.scaled(STALL_NS) {
            self.stalls += 1;
            self.slipped_ns += behind;
            self.due = self.reached;
        }
        let step = self.scaled(STEP_NS);
        self.reached = self.reached.max(self.due.min(self.reached.plus(step)));
        self.reached
    }

    /// Whether there is time to make up for.
    pub(super) fn is_behind(&self) -> bool {
        self.reached < self.due
    }

    /// Of our time, until the exchange's clock shows `due`.
    pub(super) fn until(&self, due: Nanos) -> u64 {
        (due.since(self.reached).max(0) as f64 / self.speed) as u64
    }

    /// Times that the clock went on late, and by how much of the exchange's time in all.
    pub(super) const fn stalls(&self) -> (u64, i64) {
        (self.stalls, self.slipped_ns)
    }

    fn scaled(&self, ns: i64) -> i64 {
        ((ns as f64 * self.speed) as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Nanos = Nanos::from_ist(2026, 11, 20, 9, 15, 0);

    #[test]
    fn time_goes_in_steps_and_catches_up() {
        let mut pace = Pace::new(START, 1.0);
        assert_eq!(pace.at(400_000).since(START), 400_000);
        assert!(!pace.is_behind());
        assert_eq!(pace.at(3_000_000).since(START), 1_400_000);
        assert!(pace.is_behind());
        assert_eq!(pace.at(3_000_000).since(START), 2_400_000);
        assert_eq!(pace.at(3_000_000).since(START), 3_000_000);
        assert_eq!((pace.is_behind(), pace.stalls()), (false, (0, 0)));
        assert_eq!(pace.until(START.plus(5_000_000)), 2_000_000);
    }

    #[test]
    fn a_stall_is_not_made_up_for() {
        let mut pace = Pace::new(START, 10.0);
        assert_eq!(pace.at(1_000_000).since(START), 10_000_000);
        assert_eq!(pace.at(2_001_000_000).since(START), 10_000_000);
        assert_eq!(pace.stalls(), (1, 20_000_000_000));
        assert_eq!(pace.at(2_001_100_000).since(START), 11_000_000);
    }
}
