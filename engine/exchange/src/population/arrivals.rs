//! Arrivals that excite more arrivals: the clusters in which orders and news come.
//!
//! A Hawkes process (A. G. Hawkes 1971, Biometrika 58) with an exponential kernel: the intensity is
//! a base, and after each arrival more, which decays. Sampled by thinning (Y. Ogata 1981, IEEE
//! Transactions on Information Theory 27): between arrivals the intensity only falls, so its value
//! now bounds it.

use tezi_model::Nanos;

use super::random::{Random, decay};

const NANOS_PER_SECOND: f64 = 1e9;

/// A self-exciting stream of times.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    /// Arrivals a nanosecond that nothing excites.
    base: f64,
    /// What one arrival adds, a nanosecond.
    jump: f64,
    /// The inverse of the time in which excitement decays.
    decay_per_ns: f64,
    /// Excitement at `last`.
    excited: f64,
    last: Nanos,
}

impl Arrivals {
    /// Arrivals at `rate` a second on average. Each has `children` of its own on average (below 1),
    /// within a time of `memory_ns`.
    pub(super) fn new(rate: f64, children: f64, memory_ns: f64, start: Nanos) -> Self {
        Self {
            base: rate * (1.0 - children) / NANOS_PER_SECOND,
            jump: children / memory_ns,
            decay_per_ns: 1.0 / memory_ns,
            excited: 0.0,
            last: start,
        }
    }

    /// The arrival after the one at `now`, which counts as an arrival; later than every time if the
    /// rate is zero.
    pub(super) fn after(&mut self, now: Nanos, random: &mut Random) -> Nanos {
        self.excited = self.excited_at(now) + self.jump;
        self.last = now;
        if self.base <= 0.0 {
            return Nanos::MAX;
        }
        let mut time = now;
        let mut bound = self.base + self.excited;
        // The bound falls with each refusal; 64 of them in a row do not happen at any base that counts.
        for _ in 0..64 {
            time = time.plus(random.gap(1.0 / bound));
            let intensity = self.base + self.excited_at(time);
            if random.unit() * bound <= intensity {
                break;
            }
            bound = intensity;
        }
        time
    }

    #[inline]
    fn excited_at(&self, time: Nanos) -> f64 {
        self.excited * decay(time.since(self.last) as f64 * self.decay_per_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_as_asked_and_arrivals_cluster() {
        let mut random = Random::new(5, 0);
        let mut arrivals = Arrivals::new(20.0, 0.6, 5e6, Nanos(0));
        let mut times = vec![Nanos(0)];
        for _ in 0..200_000 {
            let next = arrivals.after(times[times.len() - 1], &mut random);
            times.push(next);
        }
        let seconds = times[times.len() - 1].0 as f64 / 1e9;
        let rate = 200_000.0 / seconds;
        assert!((rate / 20.0 - 1.0).abs() < 0.03, "{rate}");
        let close = times.windows(2).filter(|pair| pair[1].since(pair[0]) < 5_000_000).count();
        // Without clusters a gap below 5 ms has the probability 1 − e^−0.1, a tenth.
        let share = close as f64 / 200_000.0;
        assert!((0.4..0.65).contains(&share), "{share}");
        let mut silent = Arrivals::new(0.0, 0.5, 1e6, Nanos(0));
        assert_eq!(silent.after(Nanos(9), &mut random), Nanos::MAX);
    }
}
