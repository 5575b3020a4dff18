//! Delta-normal VaR: a covariance of returns, and positions that are linear in them.

use super::{Confidence, MeasureError, normal_quantile};

/// A covariance of daily returns, updated with exponential weights.
#[derive(Clone, Debug)]
pub struct Covariance {
    size: usize,
    /// Row by row, symmetric.
    matrix: Box<[f64]>,
}

impl Covariance {
    /// From a symmetric matrix, row by row. Allocates.
    ///
    /// # Errors
    ///
    /// [`MeasureError::Shape`] unless it is square and symmetric, [`MeasureError::NotFinite`] for
    /// an entry that is no number or a negative variance.
    pub fn new(size: usize, matrix: &[f64]) -> Result<Self, MeasureError> {
        if size == 0 || size.checked_mul(size) != Some(matrix.len()) {
            return Err(MeasureError::Shape);
        }
        let at = |row: usize, column: usize| matrix[row * size + column];
        let fine = (0..size).all(|i| at(i, i) >= 0.0) && matrix.iter().all(|x| x.is_finite());
        if !fine {
            return Err(MeasureError::NotFinite);
        }
        if !(0..size).all(|i| (0..i).all(|j| at(i, j) == at(j, i))) {
            return Err(MeasureError::Shape);
        }
        Ok(Self { size, matrix: matrix.into() })
    }

    /// Takes in one day's returns: C ← λ C + (1 − λ) r rᵀ.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] for a wrong length or a return that is no number; nothing is then changed.
    pub fn update(&mut self, lambda: f64, returns: &[f64]) -> Result<(), MeasureError> {
        if returns.len() != self.size {
            return Err(MeasureError::Shape);
        }
        if !returns.iter().all(|x| x.is_finite()) || !(0.0..=1.0).contains(&lambda) {
            return Err(MeasureError::NotFinite);
        }
        for (row, &mine) in self.matrix.chunks_exact_mut(self.size).zip(returns) {
            for (entry, &other) in row.iter_mut().zip(returns) {
                *entry = lambda * *entry + (1.0 - lambda) * (mine * other);
            }
        }
        Ok(())
    }

    /// Number of instruments.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Deviation of the profit of `positions` (rupees), √(xᵀCx); `marginal` receives C x.
    ///
    /// # Errors
    ///
    /// [`MeasureError::Shape`] for wrong lengths.
    pub fn deviation(&self, positions: &[f64], marginal: &mut [f64]) -> Result<f64, MeasureError> {
        if positions.len() != self.size || marginal.len() != self.size {
            return Err(MeasureError::Shape);
        }
        for (sum, row) in marginal.iter_mut().zip(self.matrix.chunks_exact(self.size)) {
            *sum = dot(row, positions);
        }
        Ok(dot(positions, marginal).max(0.0).sqrt())
    }

    /// Each position's part of the VaR, xᵢ (Cx)ᵢ z/σ, into `parts`; answers the VaR, which is
    /// their sum.
    ///
    /// # Errors
    ///
    /// [`MeasureError::Shape`] for wrong lengths.
    pub fn components(
        &self,
        positions: &[f64],
        confidence: Confidence,
        parts: &mut [f64],
    ) -> Result<f64, MeasureError> {
        let deviation = self.deviation(positions, parts)?;
        let z = normal_quantile(1.0 - confidence.tail());
        for (part, &position) in parts.iter_mut().zip(positions) {
            *part = if deviation > 0.0 { z * position * *part / deviation } else { 0.0 };
        }
        Ok(z * deviation)
    }

    /// The deviation after a change of one position, from the `deviation` and `marginal` before:
    /// √(σ² + 2 d (Cx)ᵢ + d² Cᵢᵢ). Incremental VaR is z times the difference. O(1).
    #[must_use]
    pub fn deviation_with(
        &self,
        deviation: f64,
        marginal: &[f64],
        instrument: usize,
        change: f64,
    ) -> Option<f64> {
        let slope = *marginal.get(instrument)?;
        let own = *self.matrix.get(instrument * self.size + instrument)?;
        let variance = deviation * deviation + change * (2.0 * slope + change * own);
        Some(variance.max(0.0).sqrt())
    }

    /// The lower triangle L with L Lᵀ = C, row by row (A.-L. Cholesky).
    ///
    /// # Errors
    ///
    /// [`MeasureError::NotPositiveDefinite`].
    pub fn cholesky(&self) -> Result<Box<[f64]>, MeasureError> {
        let n = self.size;
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let rest = self.matrix[i * n + j] - dot(&lower[i * n..][..j], &lower[j * n..][..j]);
                if i != j {
                    lower[i * n + j] = rest / lower[j * n + j];
                } else if rest > 0.0 {
                    lower[i * n + i] = rest.sqrt();
                } else {
                    return Err(MeasureError::NotPositiveDefinite);
                }
            }
        }
        Ok(lower.into())
    }
}

/// Four sums side by side: one alone would wait for each addition.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (fours, rest) = a.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in fours.iter().zip(b.as_chunks::<4>().0) {
        for k in 0..4 {
            sums[k] += a[k] * b[k];
        }
    }
    let done = a.len() - rest.len();
    let tail: f64 = rest.iter().zip(&b[done..]).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}
