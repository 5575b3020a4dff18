//! Historical simulation: the portfolio of today on every day of the past.

use super::{Confidence, MeasureError, Quantile, TailRisk, tail_risk};

/// Positions held against a table of past returns.
///
/// Returns are kept as f32: seven digits are more than a close has, and the whole table of 1,000
/// instruments × 1,000 days then is 4 MB. Profits are summed in f64.
///
/// # Invariants
///
/// - `profits[day]` is Σ position · return of that day, but for the rounding of its updates, which
///   [`Self::recompute`] takes away.
/// - Every return and position is finite.
#[derive(Clone, Debug)]
pub struct HistoricalVar {
    days: usize,
    /// By instrument, then day.
    returns: Box<[f32]>,
    positions: Box<[f64]>,
    profits: Box<[f64]>,
    /// Profits with a change, and what selection needs.
    trial: Box<[f64]>,
    scratch: Box<[f64]>,
}

impl HistoricalVar {
    /// Takes a table of simple returns by instrument, then day; no positions yet. Allocates.
    ///
    /// # Errors
    ///
    /// [`MeasureError::Shape`] unless the table is whole rows of `days`, at least one;
    /// [`MeasureError::NotFinite`] for a return that is no number.
    pub fn new(days: usize, returns: &[f32]) -> Result<Self, MeasureError> {
        if days == 0 || returns.is_empty() || !returns.len().is_multiple_of(days) {
            return Err(MeasureError::Shape);
        }
        if !returns.iter().all(|x| x.is_finite()) {
            return Err(MeasureError::NotFinite);
        }
        let zeros = |count| vec![0.0; count].into_boxed_slice();
        Ok(Self {
            days,
            returns: returns.into(),
            positions: zeros(returns.len() / days),
            profits: zeros(days),
            trial: zeros(days),
            scratch: zeros(days),
        })
    }

    /// Instruments.
    #[must_use]
    pub fn instrument_count(&self) -> usize {
        self.positions.len()
    }

    /// The profit of each past day.
    #[must_use]
    pub fn profits(&self) -> &[f64] {
        &self.profits
    }

    /// Sets the value of one position, in rupees, and updates each day's profit. O(days).
    ///
    /// # Errors
    ///
    /// [`MeasureError`] for an unknown instrument or a value that is no number.
    pub fn set_position(&mut self, instrument: usize, value: f64) -> Result<(), MeasureError> {
        let change = self.change(instrument, value)?;
        let row = &self.returns[instrument * self.days..][..self.days];
        for (profit, &by) in self.profits.iter_mut().zip(row) {
            *profit += change * f64::from(by);
        }
        self.positions[instrument] = value;
        Ok(())
    }

    /// Sets all positions and reckons every profit anew. O(instruments · days).
    ///
    /// # Errors
    ///
    /// [`MeasureError`] for a wrong length or a value that is no number.
    pub fn set_positions(&mut self, values: &[f64]) -> Result<(), MeasureError> {
        if values.len() != self.positions.len() {
            return Err(MeasureError::Shape);
        }
        if !values.iter().all(|x| x.is_finite()) {
            return Err(MeasureError::NotFinite);
        }
        self.positions.copy_from_slice(values);
        self.recompute();
        Ok(())
    }

    /// Reckons every profit anew from the positions.
    pub fn recompute(&mut self) {
        self.profits.fill(0.0);
        // Four instruments a pass: the profits are then read and written a quarter as often.
        let fours = self.returns.chunks(4 * self.days).zip(self.positions.chunks(4));
        for (rows, values) in fours {
            match *values {
                [a, b, c, d] => add_four(&mut self.profits, rows, self.days, [a, b, c, d]),
                _ => {
                    for (row, &value) in rows.chunks_exact(self.days).zip(values) {
                        for (profit, &by) in self.profits.iter_mut().zip(row) {
                            *profit += value * f64::from(by);
                        }
                    }
                }
            }
        }
    }

    /// VaR and expected shortfall as it stands.
    #[must_use]
    pub fn measure(&mut self, confidence: Confidence, quantile: Quantile) -> Option<TailRisk> {
        tail_risk(&self.profits, confidence, quantile, &mut self.scratch)
    }

    /// The same with one position at another value; nothing is changed.
    ///
    /// # Errors
    ///
    /// As for [`Self::set_position`].
    pub fn what_if(
        &mut self,
        instrument: usize,
        value: f64,
        confidence: Confidence,
        quantile: Quantile,
    ) -> Result<TailRisk, MeasureError> {
        let change = self.change(instrument, value)?;
        let row = &self.returns[instrument * self.days..][..self.days];
        for ((trial, &profit), &by) in self.trial.iter_mut().zip(&self.profits).zip(row) {
            *trial = profit + change * f64::from(by);
        }
        tail_risk(&self.trial, confidence, quantile, &mut self.scratch).ok_or(MeasureError::Shape)
    }

    /// Each instrument's part of the expected shortfall: the mean of its losses on the k worst
    /// days. They sum to the whole.
    ///
    /// # Errors
    ///
    /// [`MeasureError::Shape`] unless `parts` has a place for each instrument.
    pub fn components(
        &mut self,
        confidence: Confidence,
        parts: &mut [f64],
    ) -> Result<(), MeasureError> {
        if parts.len() != self.positions.len() {
            return Err(MeasureError::Shape);
        }
        let k = confidence.tail_count(self.days).clamp(1, self.days);
        self.scratch.copy_from_slice(&self.profits);
        let limit = *self.scratch.select_nth_unstable_by(k - 1, f64::total_cmp).1;
        // Days at the limit itself count as far as k reaches: the earliest ones.
        let beyond = self.profits.iter().filter(|&&profit| profit < limit).count();
        let rows = self.returns.chunks_exact(self.days).zip(&self.positions);
        for (part, (row, &value)) in parts.iter_mut().zip(rows) {
            let mut at_limit = k - beyond;
            let mut sum = 0.0;
            for (&profit, &by) in self.profits.iter().zip(row) {
                let is_tie = profit == limit && at_limit > 0;
                at_limit -= usize::from(is_tie);
                if profit < limit || is_tie {
                    sum -= value * f64::from(by);
                }
            }
            *part = sum / k as f64;
        }
        Ok(())
    }

    fn change(&self, instrument: usize, value: f64) -> Result<f64, MeasureError> {
        let now = self.positions.get(instrument).ok_or(MeasureError::Shape)?;
        if value.is_finite() { Ok(value - now) } else { Err(MeasureError::NotFinite) }
    }
}

/// Adds the profits of four instruments; `rows` is four rows of `days`.
fn add_four(profits: &mut [f64], rows: &[f32], days: usize, values: [f64; 4]) {
    let (a, rest) = rows.split_at(days);
    let (b, rest) = rest.split_at(days);
    let (c, d) = rest.split_at(days);
    let [x, y, z, w] = values;
    for ((((profit, &a), &b), &c), &d) in profits.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let first = x * f64::from(a) + y * f64::from(b);
        *profit += first + (z * f64::from(c) + w * f64::from(d));
    }
}
