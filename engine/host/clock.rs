//! The host's clock: nanoseconds since the UNIX epoch, at the price of a time-stamp counter.

use std::time::{SystemTime, UNIX_EPOCH};

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

    /// Nanoseconds between two raw stamps, 0 when the second is not the later.
    #[inline]
    #[must_use]
    pub fn between(&self, start: u64, end: u64) -> u64 {
        self.clock.delta_as_nanos(start, end.max(start))
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
    }
}
