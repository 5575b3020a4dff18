//! Exponentially weighted volatility, as SEBI has the exchanges reckon it.

/// Daily variance with exponential weights: σ² ← λ σ² + (1 − λ) r².
///
/// r is the logarithmic return of the day (or since the last close, during it). λ is a dated row,
/// `margin.ewma_lambda`: 0.995 (SEBI/HO/MRD2/DCAP/CIR/P/2020/27), 0.94 before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ewma {
    lambda: f64,
    variance: f64,
}

/// Trading days in the year of an annualised volatility.
const TRADING_DAYS: f64 = 252.0;

impl Ewma {
    /// Starts from a daily volatility; `None` unless it is finite and not negative, and 0 ≤ λ ≤ 1.
    #[must_use]
    pub fn new(lambda: f64, daily_vol: f64) -> Option<Self> {
        let fine = (0.0..=1.0).contains(&lambda) && (0.0..1e6).contains(&daily_vol);
        fine.then_some(Self { lambda, variance: daily_vol * daily_vol })
    }

    /// Takes in a return and answers the new daily volatility. What is no finite number is left
    /// out: the volatility stays.
    pub fn update(&mut self, log_return: f64) -> f64 {
        if log_return.is_finite() {
            let square = log_return * log_return;
            self.variance = self.lambda * self.variance + (1.0 - self.lambda) * square;
        }
        self.daily()
    }

    /// Daily volatility, a fraction.
    #[must_use]
    pub fn daily(&self) -> f64 {
        self.variance.sqrt()
    }

    /// Volatility per year of 252 trading days.
    #[must_use]
    pub fn annual(&self) -> f64 {
        (self.variance * TRADING_DAYS).sqrt()
    }
}
