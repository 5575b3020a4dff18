//! The host's clock: nanoseconds since the UNIX epoch, at the price of a time-stamp counter.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tezi_model::Nanos;

/// A clock anchored to the wall clock once and read through the processor's counter from then on
/// (through the system's monotonic clock where the counter is not invariant).
///
/// It never steps back, and does not follow adjustments of the wall clock after its making.
#[derive(Clone, Debug)]
pub struct Clock {
    clock: quanta::Clock,
    anchor_raw: u64,
    anchor: Nanos,
}

impl Clock {
    /// A clock anchored now. The first one in a process calibrates, for up to 200 ms.
    #[must_use]
    pub fn start() -> Self {
        let clock = quanta::Clock::new();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let anchor = Nanos(i64::try_from(wall.as_nanos()).unwrap_or(0));
        Self { anchor_raw: clock.raw(), anchor, clock }
    }

    /// A clock that shows `anchor` at the raw stamp which `driver` has now, and goes on as the driver
    /// does: for what runs in a time of its own.
    pub(crate) fn driven(driver: &ClockDriver, anchor: Nanos) -> Self {
        Self { clock: driver.clock.clone(), anchor_raw: driver.clock.raw(), anchor }
    }

    /// A raw stamp, in the counter's own units.
    #[inline]
    #[must_use]
    pub fn raw(&self) -> u64 {
        self.clock.raw()
    }

    /// The time of a raw stamp.
    #[inline]
    #[must_use]
    pub fn time(&self, raw: u64) -> Nanos {
        self.anchor.plus(self.between(self.anchor_raw, raw) as i64)
    }

    /// The time now.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.time(self.raw())
    }

    /// A length of time in the counter's own units, to a millionth.
    #[must_use]
    pub fn raw_length(&self, time: Duration) -> u64 {
        let measure = 1_u64 << 36;
        let ns = self.between(0, measure).max(1);
        (time.as_nanos() as f64 * measure as f64 / ns as f64) as u64
    }

    /// How far the wall clock is ahead of this one now, ns: what the system's adjustments of it came
    /// to since this clock was made. Two system calls: not for hot paths.
    #[must_use]
    pub fn wall_ahead_ns(&self) -> i64 {
        let read = || {
            let before = self.raw();
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let after = self.raw();
            let wall = i64::try_from(wall.as_nanos()).unwrap_or(0);
            let middle = before + after.saturating_sub(before) / 2;
            (self.between(before, after), wall - self.time(middle).0)
        };
        // Of several the quickest: a thread put aside between its readings knows least.
        let tries = [read(), read(), read()];
        tries.into_iter().min().map_or(0, |(_, ahead)| ahead)
    }

    /// Nanoseconds between two raw stamps, 0 when the second is not the later.
    #[inline]
    #[must_use]
    pub fn between(&self, start: u64, end: u64) -> u64 {
        self.clock.delta_as_nanos(start, end.max(start))
    }
}

/// What moves driven clocks on: a counter of nanoseconds that stands still until it is told.
pub(crate) struct ClockDriver {
    clock: quanta::Clock,
    counter: Arc<quanta::Mock>,
}

impl ClockDriver {
    /// A counter at one second: a raw stamp of 0 says "none".
    pub(crate) fn new() -> Self {
        let (clock, counter) = quanta::Clock::mock();
        counter.increment(1_000_000_000_u64);
        Self { clock, counter }
    }

    /// Moves on.
    pub(crate) fn advance(&self, ns: u64) {
        self.counter.increment(ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_wall_clock_and_never_steps_back() {
        let clock = Clock::start();
        let mut last = clock.now();
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
        assert!((wall - clock.now().0).abs() < 1_000_000_000);
        assert!(clock.wall_ahead_ns().abs() < 1_000_000_000);
    }

    #[test]
    fn lengths_of_time_lead_back() {
        let clock = Clock::start();
        for ns in [1_000_000, 1_000_000_000, 3_600_000_000_000] {
            let raw = clock.raw_length(Duration::from_nanos(ns));
            assert!(clock.between(0, raw).abs_diff(ns) <= 1 + ns / 1_000_000, "{ns}");
        }
    }
}
