//! What a population is: how many, how fast, how bold. Every value has a default, and a range.

use core::fmt;

use tezi_core::matching::InstrumentTerms;
use tezi_model::{InstrumentId, Nanos, Px};

/// What an instrument is a claim on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// The underlying itself, a share.
    Cash,
    /// A future.
    Future {
        /// When it expires.
        expiry: Nanos,
    },
    /// An option, exercised at expiry only.
    Option {
        /// When it expires.
        expiry: Nanos,
        /// The strike.
        strike: Px,
        /// A call when true, a put when false.
        is_call: bool,
    },
}

/// An instrument that the population trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number in the matcher.
    pub instrument: InstrumentId,
    /// Its underlying: any number, the same for all instruments of one underlying.
    pub underlying: u32,
    /// What the underlying is worth at the start; the same for all instruments of one underlying.
    pub spot: Px,
    /// What it is.
    pub contract: Contract,
    /// Tick, lot, band, freeze quantity and kinds of order, as the matcher has them.
    pub terms: InstrumentTerms,
}

/// A population of simulated participants. The default is the market of one index and its options,
/// with the message mix of NSE's F&O segment (`docs/operating/exchange-population.md`).
///
/// Shares are fractions of all messages, or of all orders of a kind. Volatilities are per year, as
/// fractions. A year has 252 trading days of 375 minutes for what moves, and 365 days for options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PopulationConfig {
    /// The seed: the same seed, instruments and reports give the same actions.
    pub seed: u64,
    /// When participants begin.
    pub start: Nanos,
    /// Messages a second and instrument, over all instruments, in continuous trading.
    pub intensity: f64,
    /// Of all messages, changes by makers.
    pub modify_share: f64,
    /// Of all messages, new orders that are to rest.
    pub noise_share: f64,
    /// Of all messages, orders that come to trade.
    pub taker_share: f64,
    /// Market-making firms for each underlying.
    pub makers: u32,
    /// Of the makers' changes, those that follow the price; the rest probes for a place in the queue.
    pub tracking_share: f64,
    /// How much of its half spread a maker with a full inventory shifts its quotes.
    pub skew: f64,
    /// Lots of one instrument at which a maker's inventory is full.
    pub inventory_lots: f64,
    /// From a move of the underlying to the first change of a maker, on average.
    pub reaction_ns: f64,
    /// Between two messages of one maker in a sweep over its quotes, on average.
    pub pace_ns: f64,
    /// The probability that the informed trader looks for stale quotes after a move; 0 for none.
    pub informed: f64,
    /// From a move of the underlying to the informed trader's order, on average.
    pub informed_ns: f64,
    /// Volatility of the underlyings, jumps included.
    pub volatility: f64,
    /// Volatility that options are priced with, at the money.
    pub implied_volatility: f64,
    /// How implied volatility falls with the strike: a fraction of it for each deviation.
    pub smile_skew: f64,
    /// How it rises to both sides: a fraction of it for each squared deviation.
    pub smile_curvature: f64,
    /// Interest rate per year: the carry of futures.
    pub rate: f64,
    /// Moves of an underlying a second, on average.
    pub moves_per_second: f64,
    /// Of the moves, jumps.
    pub jump_share: f64,
    /// Deviation of a jump, as a fraction of the price.
    pub jump_size: f64,
    /// Seconds in which an underlying goes back by two thirds of the way to where it began.
    pub reversion_seconds: f64,
    /// Of the takers' orders, immediate or cancel.
    pub ioc_share: f64,
    /// Of the takers' orders, market orders. The others are limits through the touch.
    pub market_share: f64,
    /// Of the new orders that are to rest, stop-loss limits where the instrument has them.
    pub stop_share: f64,
    /// Of the new orders that rest, with disclosed quantity where the instrument has it.
    pub disclosed_share: f64,
    /// Lots of an order, on average.
    pub size_lots: f64,
    /// Orders that may be open at one time beside the makers' quotes.
    pub orders_max: u32,
    /// The first member number; the population uses `makers` + 3 of them.
    pub member_first: u32,
}

impl Default for PopulationConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            start: Nanos::ZERO,
            intensity: 10.7,
            modify_share: 0.81,
            noise_share: 0.10,
            taker_share: 0.000_8,
            makers: 5,
            tracking_share: 0.5,
            skew: 0.5,
            inventory_lots: 40.0,
            reaction_ns: 60_000.0,
            pace_ns: 7_000.0,
            informed: 0.05,
            informed_ns: 30_000.0,
            volatility: 0.13,
            implied_volatility: 0.14,
            smile_skew: 0.08,
            smile_curvature: 0.03,
            rate: 0.065,
            moves_per_second: 8.0,
            jump_share: 0.000_05,
            jump_size: 0.0008,
            reversion_seconds: 1_800.0,
            ioc_share: 0.4,
            market_share: 0.25,
            stop_share: 0.02,
            disclosed_share: 0.05,
            size_lots: 3.0,
            orders_max: 1 << 16,
            member_first: 1,
        }
    }
}

/// Why a population cannot be built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PopulationError {
    /// A field of [`PopulationConfig`] is outside its range.
    Field {
        /// The field.
        name: &'static str,
        /// What it is.
        value: f64,
        /// The lowest it may be.
        min: f64,
        /// The highest.
        max: f64,
    },
    /// The three shares of messages, or the two of takers' orders, add up to more than 1.
    Shares {
        /// The fields.
        names: &'static str,
    },
    /// An instrument cannot be traded.
    Listed {
        /// Its place in the list.
        index: usize,
        /// The rule it breaks.
        rule: &'static str,
    },
}

impl fmt::Display for PopulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { name, value, min, max } => {
                write!(f, "population: {name} is {value}, and must be from {min} to {max}")
            }
            Self::Shares { names } => {
                write!(f, "population: {names} together must be at most 1")
            }
            Self::Listed { index, rule } => {
                write!(f, "population: instrument {index} of the list: {rule}")
            }
        }
    }
}

impl core::error::Error for PopulationError {}

impl PopulationConfig {
    /// Checks every field against its range.
    ///
    /// # Errors
    ///
    /// [`PopulationError::Field`] with the first field outside, [`PopulationError::Shares`].
    pub fn check(&self) -> Result<(), PopulationError> {
        let fields = [
            ("intensity", self.intensity, 0.0, 1e6),
            ("modify_share", self.modify_share, 0.0, 1.0),
            ("noise_share", self.noise_share, 0.0, 1.0),
            ("taker_share", self.taker_share, 0.0, 1.0),
            ("makers", f64::from(self.makers), 1.0, 64.0),
            ("tracking_share", self.tracking_share, 0.01, 1.0),
            ("skew", self.skew, 0.0, 1.0),
            ("inventory_lots", self.inventory_lots, 1.0, 1e9),
            ("reaction_ns", self.reaction_ns, 1.0, 1e10),
            ("pace_ns", self.pace_ns, 1.0, 1e10),
            ("informed", self.informed, 0.0, 1.0),
            ("informed_ns", self.informed_ns, 1.0, 1e10),
            ("volatility", self.volatility, 0.0, 5.0),
            ("implied_volatility", self.implied_volatility, 0.001, 5.0),
            ("smile_skew", self.smile_skew, -0.5, 0.5),
            ("smile_curvature", self.smile_curvature, 0.0, 0.5),
            ("rate", self.rate, -0.5, 0.5),
            ("moves_per_second", self.moves_per_second, 0.001, 1e5),
            ("jump_share", self.jump_share, 0.0, 1.0),
            ("jump_size", self.jump_size, 0.0, 0.2),
            ("reversion_seconds", self.reversion_seconds, 1.0, 1e9),
            ("ioc_share", self.ioc_share, 0.0, 1.0),
            ("market_share", self.market_share, 0.0, 1.0),
            ("stop_share", self.stop_share, 0.0, 1.0),
            ("disclosed_share", self.disclosed_share, 0.0, 1.0),
            ("size_lots", self.size_lots, 1.0, 1e6),
            ("orders_max", f64::from(self.orders_max), 1.0, f64::from(1 << 28)),
            ("member_first", f64::from(self.member_first), 0.0, f64::from(u32::MAX - 128)),
        ];
        for (name, value, min, max) in fields {
            // What is not a number is in no range.
            if !(min <= value && value <= max) {
                return Err(PopulationError::Field { name, value, min, max });
            }
        }
        if self.modify_share + self.noise_share + self.taker_share > 1.0 {
            return Err(PopulationError::Shares {
                names: "modify_share, noise_share, taker_share",
            });
        }
        if self.ioc_share + self.market_share > 1.0 {
            return Err(PopulationError::Shares { names: "ioc_share, market_share" });
        }
        Ok(())
    }
}

impl Listed {
    /// Checks what the population must rely on.
    pub(super) fn check(&self, index: usize) -> Result<(), PopulationError> {
        let terms = &self.terms;
        let strike = match self.contract {
            Contract::Option { strike, .. } => strike,
            _ => Px(1),
        };
        let rules = [
            (terms.tick > Px::ZERO, "its tick must be positive"),
            (terms.lot.0 > 0, "its lot must be positive"),
            (terms.freeze.is_none_or(|freeze| freeze >= terms.lot), "a lot must not be frozen"),
            (self.spot > Px::ZERO, "its underlying must be worth something"),
            (self.spot.0 < i64::MAX / 8, "its underlying must not be worth everything"),
            (strike > Px::ZERO, "its strike must be positive"),
            (terms.band.low <= terms.band.high, "its band must hold a price"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some(&(_, rule)) => Err(PopulationError::Listed { index, rule }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_field() {
        assert_eq!(PopulationConfig::default().check(), Ok(()));
        let text = |config: PopulationConfig| config.check().unwrap_err().to_string();
        let base = PopulationConfig::default();
        assert_eq!(
            text(PopulationConfig { makers: 0, ..base }),
            "population: makers is 0, and must be from 1 to 64"
        );
        assert!(
            text(PopulationConfig { volatility: f64::NAN, ..base }).contains("volatility is NaN")
        );
        assert!(
            text(PopulationConfig { noise_share: 0.5, ..base }).contains("taker_share together")
        );
        assert!(text(PopulationConfig { market_share: 0.7, ..base }).contains("ioc_share, market"));
    }
}
