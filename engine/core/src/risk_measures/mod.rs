//! Value at risk, expected shortfall and what they stand on: plain measures of a portfolio.
//!
//! - [`HistoricalVar`] keeps the profit of every past day and updates it by the position;
//!   [`Covariance`] is the delta-normal way, with EWMA weights; [`MonteCarlo`] draws quasi-random
//!   days from a covariance. [`Ewma`] is the exchange's volatility.
//! - [`clean_returns`] makes returns of unadjusted closes: a split is adjusted where a row says so,
//!   and flagged where none does.
//! - [`kupiec`], [`christoffersen`] and [`TrafficLight`] judge a model by its exceptions.
//!
//! **Conventions.** A loss is positive. Confidence is in basis points (9,900 is 99 %), so that the
//! number of days in the tail is exact: k = ⌈days · tail⌉. VaR is by default the k-th worst loss
//! (inverse of the empirical distribution, Hyndman and Fan's type 1); their type 7, which
//! interpolates between order statistics as most spreadsheets do, is the other. Expected shortfall
//! is the mean of the k worst losses. No Indian rule sets the confidence of a broker's VaR: it is
//! configuration.
//!
//! Numbers here are f64 rupees: they warn and rank, and no money moves by them.

mod backtest;
mod ewma;
mod historical;
mod monte_carlo;
mod normal;
mod parametric;
mod returns;
mod sobol;
mod tail;
#[cfg(test)]
mod tests;

pub use backtest::{TrafficLight, christoffersen, kupiec};
pub use ewma::Ewma;
pub use historical::HistoricalVar;
pub use monte_carlo::{MonteCarlo, Sensitivity};
pub use normal::{normal_density, normal_expected_shortfall, normal_quantile, normal_var};
pub use parametric::Covariance;
pub use returns::{CorporateAction, ReturnReport, Suspect, clean_returns};
pub use sobol::Sobol;
pub use tail::{Confidence, Quantile, TailRisk, tail_risk};

/// Why a measure is refused. Nothing was changed; the caller counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureError {
    /// Lengths that should agree do not, or nothing is there.
    Shape,
    /// A number is no number, or outside its domain.
    NotFinite,
    /// A covariance has no Cholesky factor: it is not positive definite.
    NotPositiveDefinite,
}

impl core::fmt::Display for MeasureError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Shape => "lengths do not agree",
            Self::NotFinite => "a number is not finite",
            Self::NotPositiveDefinite => "the covariance is not positive definite",
        })
    }
}

impl core::error::Error for MeasureError {}
