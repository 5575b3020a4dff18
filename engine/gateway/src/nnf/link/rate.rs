//! Messages within any one second.

use tezi_model::Nanos;

const SECOND_NS: i64 = 1_000_000_000;

/// A sliding second: at most so many messages in any window of that length, exactly.
///
/// Keeps the time of each of the last `limit` messages; one may pass when the oldest of them is a
/// second old.
pub(in super::super) struct RateMeter {
    times: Box<[Nanos]>,
    next: usize,
}

impl RateMeter {
    /// A meter of `limit` messages a second; 0 means without limit.
    pub(in super::super) fn new(limit: u32) -> Self {
        Self { times: vec![Nanos(i64::MIN); limit as usize].into_boxed_slice(), next: 0 }
    }

    /// Counts a message, unless it would be one too many.
    #[inline]
    pub(in super::super) fn admit(&mut self, now: Nanos) -> bool {
        let Some(oldest) = self.times.get_mut(self.next) else { return true };
        if now.since(*oldest) < SECOND_NS {
            return false;
        }
        *oldest = now;
        self.next += 1;
        if self.next == self.times.len() {
            self.next = 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Rng;
    use super::*;

    #[test]
    fn no_window_of_a_second_holds_more_than_the_limit() {
        const SEED: u64 = 0x7a7e;
        let (mut rng, mut meter, mut now) = (Rng(SEED), RateMeter::new(7), 0);
        let mut passed: Vec<i64> = Vec::new();
        for step in 0..20_000 {
            now += rng.below(300_000_000) as i64;
            let within = passed.iter().filter(|&&time| now - time < SECOND_NS).count();
            let admitted = meter.admit(Nanos(now));
            assert_eq!(admitted, within < 7, "seed {SEED:#x}, step {step}");
            if admitted {
                passed.push(now);
            }
        }
        assert!(RateMeter::new(0).admit(Nanos(0)));
    }
}
