//! What an underlying is worth, which nobody is told but the informed trader, first.
//!
//! Its value takes steps at self-exciting times, so that quiet and busy stretches follow one
//! another; a step is normal, now and then a jump, and each leans back towards where the day began,
//! so that an hour does not run away. The steps have random numbers of their own: your orders
//! change what participants do, never what the underlying is worth.

use core::ops::Range;

use tezi_core::matching::Matcher;
use tezi_model::{Nanos, Side};

use super::arrivals::Arrivals;
use super::config::PopulationConfig;
use super::product::{Product, TRADING_SECONDS_PER_YEAR};
use super::random::Random;

/// Each move brings so many others on average, within this time.
const CHILDREN: f64 = 0.5;
const MEMORY_NS: f64 = 40e6;
/// A value never leaves this part of where it began: the index bands are ten percent.
const REACH_MAX: f64 = 0.09;
/// The middle of a future's spread counts only while the spread is below this part of it.
const SPREAD_MAX: f64 = 0.01;

/// One underlying.
#[derive(Clone, Debug)]
pub(super) struct Underlying {
    random: Random,
    moves: Arrivals,
    start: f64,
    /// What it is worth, in rupees.
    pub(super) value: f64,
    moved: Nanos,
    /// Deviation of one step, as a fraction.
    step: f64,
    /// Its products, the future first and then the busiest.
    pub(super) products: Range<u32>,
    /// The future that options are priced by.
    future: Option<u32>,
}

impl Underlying {
    pub(super) fn new(
        number: u32,
        start: f64,
        products: Range<u32>,
        future: Option<u32>,
        config: &PopulationConfig,
    ) -> Self {
        let rate = config.moves_per_second;
        let total = config.volatility * config.volatility / (TRADING_SECONDS_PER_YEAR * rate);
        let jumps = config.jump_share * config.jump_size * config.jump_size;
        Self {
            random: Random::new(config.seed, u64::from(number) << 1 | 1),
            moves: Arrivals::new(rate, CHILDREN, MEMORY_NS, config.start),
            start,
            value: start,
            moved: config.start,
            // Jumps are part of the volatility, unless they are more than all of it.
            step: (total - jumps).max(0.25 * total).sqrt(),
            products,
            future,
        }
    }

    /// Takes a step, and returns when the next is.
    pub(super) fn take_step(&mut self, now: Nanos, config: &PopulationConfig) -> Nanos {
        let is_jump = self.random.chance(config.jump_share);
        let deviation = if is_jump { config.jump_size } else { self.step };
        let seconds = now.since(self.moved) as f64 * 1e-9;
        let back = (seconds / config.reversion_seconds).min(1.0) * (self.start - self.value);
        let value = self.value * (1.0 + deviation * self.random.normal()) + back;
        let reach = self.start * REACH_MAX;
        self.value = value.clamp(self.start - reach, self.start + reach);
        self.moved = now;
        self.moves.after(now, &mut self.random)
    }

    /// The forward of a contract that lasts `years`: the value with interest.
    #[inline]
    pub(super) fn carried(&self, years: f64, config: &PopulationConfig) -> f64 {
        self.value * (1.0 + config.rate * years)
    }

    /// How the market sees the underlying: the middle of the near future, less interest; what it is
    /// worth while there is none.
    #[inline]
    pub(super) fn market_value(
        &self,
        matcher: &Matcher,
        products: &[Product],
        now: Nanos,
        config: &PopulationConfig,
    ) -> f64 {
        let middle = self.future.and_then(|index| {
            let future = &products[index as usize];
            let books = matcher.books();
            let bid = books.touch(future.instrument, Side::Buy)?.price.to_rupees();
            let ask = books.touch(future.instrument, Side::Sell)?.price.to_rupees();
            let middle = 0.5 * (bid + ask);
            let is_close = 0.0 <= ask - bid && ask - bid < SPREAD_MAX * middle;
            is_close.then(|| middle / (1.0 + config.rate * future.years(now)))
        });
        middle.unwrap_or(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_the_volatility_asked_for_and_does_not_run_away() {
        let config = PopulationConfig { reversion_seconds: 1e9, ..PopulationConfig::default() };
        // Per hour 13 % / sqrt(252 · 6.25 h): 0.33 % of 25,000 is 82 rupees. Over forty hours the
        // deviation of the estimate is a ninth.
        let mut squares = 0.0;
        for number in 0..40 {
            let mut one = Underlying::new(number, 25_000.0, 0..0, None, &config);
            let mut now = Nanos(0);
            while now.0 < 3_600_000_000_000 {
                now = one.take_step(now, &config);
            }
            squares += (one.value - 25_000.0) * (one.value - 25_000.0);
        }
        let deviation = (squares / 40.0).sqrt();
        assert!((58.0..108.0).contains(&deviation), "{deviation}");
        let wild = PopulationConfig { volatility: 5.0, ..config };
        let mut one = Underlying::new(1, 100.0, 0..0, None, &wild);
        let mut now = Nanos(0);
        for _ in 0..200_000 {
            now = one.take_step(now, &wild);
            assert!((91.0 - 1e-9..=109.0 + 1e-9).contains(&one.value));
        }
    }
}
