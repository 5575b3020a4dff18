//! Numbers that a failing case can be repeated from.

/// The finisher of SplitMix64: every bit of the result depends on every bit of `word`.
#[must_use]
pub const fn mix(word: u64) -> u64 {
    let x = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014), from its seed.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next word.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number from 0 to `bound` − 1. Of a small bound, as tests have, none is noticeably more likely.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A place among `count`.
    pub const fn index(&mut self, count: usize) -> usize {
        self.below(count as u64) as usize
    }

    /// True once in `count` times.
    pub const fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// True `percent` times in a hundred; without a percentage nothing is drawn.
    pub const fn chance(&mut self, percent: u64) -> bool {
        percent > 0 && self.below(100) < percent
    }

    /// True for this part of the draws, of 1.
    pub fn happens(&mut self, part: f64) -> bool {
        self.uniform(0.0, 1.0) < part
    }

    /// A number of `low..high`, evenly.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// So many bytes.
    pub fn bytes(&mut self, size: usize) -> Vec<u8> {
        (0..size).map(|_| self.next() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn it_is_splitmix64() {
        // The first words from seed 1234567, as its authors' C code gives them.
        let mut random = Random(1_234_567);
        let words = [random.next(), random.next(), random.next()];
        assert_eq!(
            words,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn draws_keep_their_bounds() {
        let mut random = Random(5);
        for bound in 1..200 {
            assert!(random.below(bound) < bound);
            let value = random.uniform(-1.5, bound as f64);
            assert!((-1.5..bound as f64).contains(&value), "{value}");
        }
        assert!(!random.chance(0) && random.chance(100) && random.one_in(1));
        assert_eq!(random.bytes(9).len(), 9);
    }
}
