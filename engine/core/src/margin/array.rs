//! A contract's risk array as integers.

use tezi_model::Px;

use super::MarginRefusal;
use crate::pricing::{SCENARIO_COUNT, SpanGrid};

/// What one long unit of a contract loses in each scenario, and its composite delta.
///
/// Units: paise, which is what the risk parameter file has; a loss is positive. Delta in 10⁻⁶.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskArray {
    /// By scenario, in the order of the risk parameter file.
    pub loss: [i32; SCENARIO_COUNT],
    /// Composite delta, in 10⁻⁶ units of the underlying.
    pub delta: i32,
}

impl RiskArray {
    /// The largest loss of a unit: a crore rupees.
    pub const LOSS_MAX: i32 = 1_000_000_000;
    /// One unit of the underlying.
    pub const DELTA_ONE: i32 = 1_000_000;

    /// Rounds losses in rupees (half away from zero, to paise) and a delta.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal::ArrayOutOfRange`] for a number that is none, a loss above
    /// [`Self::LOSS_MAX`], or a delta beyond ±2.
    pub fn from_rupees(loss: &[f64; SCENARIO_COUNT], delta: f64) -> Result<Self, MarginRefusal> {
        let whole = |x: f64, limit: i32| {
            let x = x.round();
            if x.abs() <= f64::from(limit) { Some(x as i32) } else { None }
        };
        let mut array = Self { loss: [0; SCENARIO_COUNT], delta: 0 };
        for (to, &from) in array.loss.iter_mut().zip(loss) {
            *to = whole(from * 100.0, Self::LOSS_MAX).ok_or(MarginRefusal::ArrayOutOfRange)?;
        }
        array.delta = whole(delta * f64::from(Self::DELTA_ONE), 2 * Self::DELTA_ONE)
            .ok_or(MarginRefusal::ArrayOutOfRange)?;
        Ok(array)
    }

    /// The array of a future: it loses what the underlying moves down.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal::ArrayOutOfRange`] when a move is beyond [`Self::LOSS_MAX`].
    pub fn of_future(grid: &SpanGrid, price_scan: Px) -> Result<Self, MarginRefusal> {
        let scan = price_scan.to_rupees();
        Self::from_rupees(&grid.moves().map(|by| -by.price * scan * by.cover), 1.0)
    }

    /// The largest magnitude of any number here, at least 1.
    pub(super) const fn magnitude(&self) -> u32 {
        let mut most = self.delta.unsigned_abs();
        let mut index = 0;
        while index < SCENARIO_COUNT {
            let loss = self.loss[index].unsigned_abs();
            if loss > most {
                most = loss;
            }
            index += 1;
        }
        if most == 0 { 1 } else { most }
    }
}
