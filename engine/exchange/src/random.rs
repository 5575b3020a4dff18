//! The seeded draws of the exchange: which acknowledgement a faulty gateway loses.

/// SplitMix64 (Steele, Lea, Flood 2014): one seed, one day.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// Whether something happens that does so `per_million` times in a million. Draws nothing for
    /// what never happens.
    #[inline]
    pub(crate) const fn happens(&mut self, per_million: u32) -> bool {
        per_million > 0 && (self.next() >> 32) * 1_000_000 < (per_million as u64) << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_as_often_as_they_should() {
        let mut random = Random::new(7);
        for (per_million, low, high) in
            [(0, 0, 0), (1_000_000, 10_000, 10_000), (250_000, 2_300, 2_700)]
        {
            let count = (0..10_000).filter(|_| random.happens(per_million)).count();
            assert!(low <= count && count <= high, "{per_million}: {count}");
        }
    }
}
