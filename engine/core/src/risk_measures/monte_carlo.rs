//! Quasi-random days from a covariance, and the profit of positions that bend.

use super::{
    Confidence, Covariance, MeasureError, Quantile, Sobol, TailRisk, normal_quantile, tail_risk,
};

/// A position's profit in one factor: delta · r + ½ gamma · r², in rupees for a return r.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sensitivity {
    /// Rupees per 1.00 of return.
    pub delta: f64,
    /// Rupees per 1.00 of return, twice.
    pub gamma: f64,
}

/// Drawn returns of every factor, made once and used for every portfolio.
///
/// Points of a Sobol sequence become normal numbers by the inverse distribution and correlated
/// ones by the Cholesky factor. The same covariance, count and seed give the same numbers.
#[derive(Clone, Debug)]
pub struct MonteCarlo {
    size: usize,
    /// By draw, then factor.
    returns: Box<[f64]>,
    profits: Box<[f64]>,
    scratch: Box<[f64]>,
}

impl MonteCarlo {
    /// Draws `count` days (a power of two spreads them best). Allocates.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] for no draws, too many factors, or a covariance without a factor.
    pub fn new(covariance: &Covariance, count: usize, seed: u64) -> Result<Self, MeasureError> {
        let size = covariance.size();
        let cells =
            size.checked_mul(count).filter(|&cells| cells > 0).ok_or(MeasureError::Shape)?;
        let lower = covariance.cholesky()?;
        let mut sobol = Sobol::new(size, seed)?;
        let mut normal = vec![0.0; size];
        let mut returns = vec![0.0; cells];
        for draw in returns.chunks_exact_mut(size) {
            sobol.next_point(&mut normal);
            normal.iter_mut().for_each(|x| *x = normal_quantile(*x));
            for (i, out) in draw.iter_mut().enumerate() {
                let row = &lower[i * size..=i * size + i];
                *out = row.iter().zip(&normal).map(|(l, x)| l * x).sum();
            }
        }
        let zeros = || vec![0.0; count].into_boxed_slice();
        Ok(Self { size, returns: returns.into(), profits: zeros(), scratch: zeros() })
    }

    /// VaR and expected shortfall of a portfolio, a sensitivity a factor.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] for a wrong length or a sensitivity that is no number.
    pub fn measure(
        &mut self,
        portfolio: &[Sensitivity],
        confidence: Confidence,
        quantile: Quantile,
    ) -> Result<TailRisk, MeasureError> {
        if portfolio.len() != self.size {
            return Err(MeasureError::Shape);
        }
        if !portfolio.iter().all(|it| it.delta.is_finite() && it.gamma.is_finite()) {
            return Err(MeasureError::NotFinite);
        }
        for (profit, draw) in self.profits.iter_mut().zip(self.returns.chunks_exact(self.size)) {
            let parts = portfolio.iter().zip(draw);
            *profit = parts.map(|(it, &r)| r * (it.delta + 0.5 * it.gamma * r)).sum();
        }
        tail_risk(&self.profits, confidence, quantile, &mut self.scratch).ok_or(MeasureError::Shape)
    }
}

#[cfg(test)]
impl MonteCarlo {
    pub(super) fn returns_for_test(&self) -> &[f64] {
        &self.returns
    }
}
