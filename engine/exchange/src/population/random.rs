//! Random numbers that are the same on every machine.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood 2014). Distributions use IEEE-754 additions,
//! products, quotients and nothing else: a library's `ln` or `exp` differs in its last bit between
//! machines, and one bit makes another day.

/// A seeded generator.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A stream of its own for each pair of a seed and a number.
    pub(super) const fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream.wrapping_add(0x9E37_79B9_7F4A_7C15))))
    }

    #[inline]
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number from 0 to `bound` − 1; 0 when `bound` is 0.
    #[inline]
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// A fraction, 0 included and 1 not.
    #[inline]
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// True with this probability.
    #[inline]
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An exponential number of mean 1.
    ///
    /// A uniform u is 2⁻ᵏ⁻¹ m with k geometric and m uniform in [1, 2), and −ln u is (k + 1) ln 2 − ln m.
    #[inline]
    pub(super) fn exponential(&mut self) -> f64 {
        let bits = self.next();
        let k = f64::from((bits | 0xFF_FFFF_FFFF).leading_zeros());
        let m = 1.0 + (bits & 0xFF_FFFF_FFFF) as f64 / (1_u64 << 40) as f64;
        // ln m = 2 atanh((m − 1)/(m + 1)); the argument is at most a third, so five terms leave 2·10⁻⁶.
        let s = (m - 1.0) / (m + 1.0);
        let square = s * s;
        let sum = 1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square / 9.0)));
        (k + 1.0) * core::f64::consts::LN_2 - 2.0 * s * sum
    }

    /// A number of mean 0 and deviation 1: four uniforms added, so never beyond 3.47.
    #[inline]
    pub(super) fn normal(&mut self) -> f64 {
        let bits = self.next();
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
        (sum as f64 - 131_070.0) * (1.732_050_807_568_877_2 / 65_536.0)
    }

    /// A waiting time with this mean, in nanoseconds; at least one.
    #[inline]
    pub(super) fn gap(&mut self, mean_ns: f64) -> i64 {
        ((mean_ns * self.exponential()) as i64).max(1)
    }

    /// 1, 2, 3, … with geometric weights; the mean is near `mean` from 2 on.
    #[inline]
    pub(super) fn count(&mut self, mean: f64) -> u32 {
        1 + ((mean - 0.5).max(0.1) * self.exponential()) as u32
    }
}

const fn mix(state: u64) -> u64 {
    let mut x = state;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// e⁻ˣ for x ≥ 0, to half a percent up to 5: (1 − y + y²/2) raised to 64, with y = x/64.
#[inline]
pub(super) fn decay(x: f64) -> f64 {
    if x > 30.0 {
        return 0.0;
    }
    let y = x * (1.0 / 64.0);
    let mut power = 1.0 - y + 0.5 * y * y;
    for _ in 0..6 {
        power *= power;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 200_000;

    /// Mean and deviation of draws.
    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let draws: Vec<f64> = (0..DRAWS).map(|_| draw()).collect();
        let mean = draws.iter().sum::<f64>() / DRAWS as f64;
        let square = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / DRAWS as f64;
        (mean, square.sqrt())
    }

    #[test]
    fn distributions_have_their_mean_and_deviation() {
        let mut random = Random::new(1, 2);
        // Six standard errors of a mean of 200,000 draws are 0.0134 deviations.
        let (mean, deviation) = moments(|| random.exponential());
        assert!((mean - 1.0).abs() < 0.0134 && (deviation - 1.0).abs() < 0.03, "{mean}");
        let (mean, deviation) = moments(|| random.normal());
        assert!(mean.abs() < 0.0134 && (deviation - 1.0).abs() < 0.02, "{mean} {deviation}");
        let (mean, _) = moments(|| random.unit());
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        let (mean, _) = moments(|| f64::from(random.count(4.0)));
        assert!((mean - 4.0).abs() < 0.1, "{mean}");
        assert!((0..10_000).all(|_| random.below(7) < 7) && random.below(0) == 0);
    }

    #[test]
    fn exponential_tails_fall_as_they_should() {
        let mut random = Random::new(3, 0);
        let above = |limit: f64, random: &mut Random| {
            (0..DRAWS).filter(|_| random.exponential() > limit).count() as f64 / DRAWS as f64
        };
        for (limit, share) in [(0.1, 0.9048), (1.0, 0.3679), (3.0, 0.0498), (6.0, 0.00248)] {
            let got = above(limit, &mut random);
            let error = (share * (1.0 - share) / DRAWS as f64).sqrt();
            assert!((got - share).abs() < 6.0 * error, "{limit}: {got}");
        }
    }

    #[test]
    fn decay_is_near_the_exponential() {
        for (x, value) in [(0.0, 1.0), (0.5, 0.606_531), (2.0, 0.135_335), (5.0, 0.006_738)] {
            assert!((decay(x) / value - 1.0).abs() < 6e-3, "{x}: {}", decay(x));
        }
        assert_eq!(decay(31.0), 0.0);
    }

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut random = Random::new(7, 1);
        let first = [random.next(), random.exponential().to_bits(), random.normal().to_bits()];
        // What every machine must give.
        assert_eq!(first, [0xCC48_A0E2_D1C7_7BE6, 0x3FB1_564A_90E2_54F0, 0xBFD8_9870_0CFD_7DEA]);
        let mut again = Random::new(7, 1);
        assert_eq!(first, [again.next(), again.exponential().to_bits(), again.normal().to_bits()]);
        assert_ne!(Random::new(7, 2).next(), first[0]);
    }
}
