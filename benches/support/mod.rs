//! What the benches share: a seeded random number, a market's flow, a journal to throw away, and
//! the whole path from packet to order.
//!
//! Set-up may stop at the first thing that is wrong, so `expect` is allowed here and in the benches.

#![allow(dead_code, reason = "each bench uses its part")]
#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

pub(crate) mod dbn_tape;
pub(crate) mod flow;
pub(crate) mod itch_tape;
pub(crate) mod long_queue;
pub(crate) mod naive_book;
pub(crate) mod path;
pub(crate) mod scenario;
pub(crate) mod scratch;
pub(crate) mod tape;

/// SplitMix64 (Steele, Lea, Flood 2014): one seed, one bench.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// A number from 0 to `bound` − 1.
    pub(crate) const fn below(&mut self, bound: usize) -> usize {
        ((self.next() as u128 * bound as u128) >> 64) as usize
    }

    /// Whether something that happens `per_mille` times in a thousand happens.
    pub(crate) const fn happens(&mut self, per_mille: usize) -> bool {
        self.below(1_000) < per_mille
    }
}

/// Whether figures are wanted: `cargo bench` says so, `cargo test --benches` does not.
pub(crate) fn is_measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The middle one of some values (the upper of two).
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
