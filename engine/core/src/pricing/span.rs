//! Risk arrays: an option revalued in the sixteen scenarios of SPAN, and the scalar reference.
//!
//! A scenario moves the underlying by thirds of its price scan range and the volatility by its
//! whole scan range, and lets a day pass; two extreme moves count in part. A loss of a long unit is
//! positive. The reference is seventeen calls of the Black-76 reference; vector kernels agree with
//! it within 10⁻¹³ of underlying + strike + price scan range, times e^((|rate| + |carry|) years).
//!
//! Source: NSE Clearing, "SPAN risk parameters"; the order is that of the risk parameter file.

use super::{Black76Input, LaneStatus, exp};

/// Scenarios of a risk array.
pub const SCENARIO_COUNT: usize = 16;

/// The domain of the kernels; a row outside it is [`LaneStatus::Invalid`].
const MONEY: core::ops::RangeInclusive<f64> = 1e-50..=1e50;
const TIME_VOL_MAX: f64 = 1e3;
const GROWTH_MAX: f64 = 50.0;
/// What an underlying that fell to nothing is still worth.
const FORWARD_MIN: f64 = 1e-100;

/// What all options of a batch share: the clearing house's choices, dated rows elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanGrid {
    /// Time that passes in every scenario, in years.
    pub decay_years: f64,
    /// The move of scenarios 15 and 16, in price scan ranges.
    pub extreme_move: f64,
    /// The part of their loss that counts.
    pub extreme_cover: f64,
    /// Weights of the composite delta for price moves by 0, 1/3, 2/3 and 3/3 of the range, on each
    /// side. Those of the seven moves sum to 1.
    pub delta_weights: [f64; 4],
}

/// One scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanMove {
    /// Of the underlying, in price scan ranges.
    pub price: f64,
    /// Of the volatility, in volatility scan ranges.
    pub vol: f64,
    /// The part of the loss that counts.
    pub cover: f64,
}

impl SpanGrid {
    /// The scenarios in their fixed order.
    #[must_use]
    pub fn moves(&self) -> [SpanMove; SCENARIO_COUNT] {
        const THIRDS: [f64; 7] = [0.0, 1.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0, -2.0 / 3.0, 1.0, -1.0];
        core::array::from_fn(|k| match k {
            14 => SpanMove { price: self.extreme_move, vol: 0.0, cover: self.extreme_cover },
            15 => SpanMove { price: -self.extreme_move, vol: 0.0, cover: self.extreme_cover },
            _ => {
                let vol = if k % 2 == 0 { 1.0 } else { -1.0 };
                SpanMove { price: THIRDS[k / 2], vol, cover: 1.0 }
            }
        })
    }

    /// The numbers in the order of their fields, as kernels take them.
    #[must_use]
    pub fn as_row(&self) -> [f64; 7] {
        let [at, third, two_thirds, full] = self.delta_weights;
        [self.decay_years, self.extreme_move, self.extreme_cover, at, third, two_thirds, full]
    }
}

/// One option to revalue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanInput {
    /// What the price scan moves, in currency units: the spot, or the future of the expiry.
    pub underlying: f64,
    /// The strike, in currency units.
    pub strike: f64,
    /// Time to expiry now, in years.
    pub years: f64,
    /// Volatility, annualised, as a fraction.
    pub vol: f64,
    /// Interest rate per year, continuously compounded. It discounts.
    pub rate: f64,
    /// What the underlying grows at: the forward is underlying · e^(carry · years). The rate for a
    /// spot without dividends, 0 for a future.
    pub carry: f64,
    /// Price scan range, in currency units.
    pub price_scan: f64,
    /// Volatility scan range, absolute: 0.04 is four points.
    pub vol_scan: f64,
    /// A call when true, a put when false.
    pub is_call: bool,
}

/// What a kernel makes of one option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanValue {
    /// The value now, in currency units.
    pub value: f64,
    /// Value now less value in each scenario, of a long unit: a loss is positive.
    pub loss: [f64; SCENARIO_COUNT],
    /// ∂V/∂underlying in the price scan's scenarios, averaged by [`SpanGrid::delta_weights`]; of
    /// the two volatilities of a move, the mean.
    pub delta: f64,
    /// [`LaneStatus::Ok`] or [`LaneStatus::Invalid`]. A lane without time or volatility is regular.
    pub status: LaneStatus,
}

/// A batch of options as columns of one length. Units as in [`SpanInput`].
#[derive(Clone, Copy, Debug)]
pub struct SpanBatch<'a> {
    /// Underlying prices.
    pub underlying: &'a [f64],
    /// Strikes.
    pub strike: &'a [f64],
    /// Years to expiry.
    pub years: &'a [f64],
    /// Volatilities.
    pub vol: &'a [f64],
    /// Interest rates.
    pub rate: &'a [f64],
    /// Growth rates of the underlying.
    pub carry: &'a [f64],
    /// Price scan ranges.
    pub price_scan: &'a [f64],
    /// Volatility scan ranges.
    pub vol_scan: &'a [f64],
    /// 0 is a put, any other value a call.
    pub is_call: &'a [u8],
}

/// Where a kernel writes, as columns. Units as in [`SpanValue`].
#[derive(Debug)]
pub struct SpanArrays<'a> {
    /// Values now.
    pub value: &'a mut [f64],
    /// Losses, a row an option.
    pub loss: &'a mut [[f64; SCENARIO_COUNT]],
    /// Composite deltas.
    pub delta: &'a mut [f64],
    /// [`LaneStatus`] codes.
    pub status: &'a mut [u8],
}

impl SpanBatch<'_> {
    /// Rows that both the batch and `out` have room for: the length of the shortest column.
    #[must_use]
    pub fn lanes(&self, out: &SpanArrays<'_>) -> usize {
        let columns = [self.underlying, self.strike, self.years, self.vol];
        let more = [self.rate, self.carry, self.price_scan, self.vol_scan];
        let inputs = columns.into_iter().chain(more).map(<[f64]>::len);
        let inputs = inputs.fold(self.is_call.len(), usize::min);
        let outputs = out.value.len().min(out.loss.len()).min(out.delta.len());
        inputs.min(outputs).min(out.status.len())
    }

    fn input(&self, i: usize) -> SpanInput {
        SpanInput {
            underlying: self.underlying[i],
            strike: self.strike[i],
            years: self.years[i],
            vol: self.vol[i],
            rate: self.rate[i],
            carry: self.carry[i],
            price_scan: self.price_scan[i],
            vol_scan: self.vol_scan[i],
            is_call: self.is_call[i] != 0,
        }
    }
}

impl SpanInput {
    /// The risk array of this one option, by the reference kernel.
    #[must_use]
    pub fn array(&self, grid: &SpanGrid) -> SpanValue {
        if !self.is_valid() {
            let nan = f64::NAN;
            let loss = [nan; SCENARIO_COUNT];
            return SpanValue { value: nan, loss, delta: nan, status: LaneStatus::Invalid };
        }
        let value = self.revalued(0.0, 0.0, 0.0).0;
        let moves = grid.moves();
        let mut loss = [0.0; SCENARIO_COUNT];
        let mut delta = 0.0;
        for (k, (loss, by)) in loss.iter_mut().zip(&moves).enumerate() {
            let (then, slope) = self.revalued(grid.decay_years, by.price, by.vol);
            *loss = (value - then) * by.cover;
            if k < 14 {
                delta += slope * (0.5 * grid.delta_weights[(k / 2).div_ceil(2)]);
            }
        }
        SpanValue { value, loss, delta, status: LaneStatus::Ok }
    }

    fn is_valid(&self) -> bool {
        let years = self.years.max(0.0);
        let growth = -GROWTH_MAX..=GROWTH_MAX;
        let vols = 0.0..=TIME_VOL_MAX;
        MONEY.contains(&self.underlying)
            && MONEY.contains(&self.strike)
            && (0.0..=*MONEY.end()).contains(&self.price_scan)
            && self.years.abs() <= TIME_VOL_MAX
            && vols.contains(&self.vol)
            && vols.contains(&self.vol_scan)
            && growth.contains(&(self.rate * years))
            && growth.contains(&(self.carry * years))
    }

    /// Value and ∂V/∂underlying after a time and two moves.
    fn revalued(&self, decay_years: f64, price_move: f64, vol_move: f64) -> (f64, f64) {
        let years = (self.years - decay_years).max(0.0);
        let growth = exp(self.carry * years);
        let moved = self.underlying + self.price_scan * price_move;
        let forward = (moved * growth).max(FORWARD_MIN);
        let vol = (self.vol + self.vol_scan * vol_move).max(0.0);
        let &Self { strike, rate, is_call, .. } = self;
        let it = Black76Input { forward, strike, years, vol, rate, is_call }.value();
        (it.price, it.delta * growth)
    }
}

/// The scalar reference of [`super::PricingKernel::span_arrays`].
pub(super) fn reference(grid: &SpanGrid, batch: &SpanBatch<'_>, out: &mut SpanArrays<'_>) -> usize {
    let lanes = batch.lanes(out);
    for i in 0..lanes {
        let array = batch.input(i).array(grid);
        out.value[i] = array.value;
        out.loss[i] = array.loss;
        out.delta[i] = array.delta;
        out.status[i] = array.status as u8;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows in force since 2020; `margin::rules` reads them.
    const GRID: SpanGrid = SpanGrid {
        decay_years: 1.0 / 365.0,
        extreme_move: 2.0,
        extreme_cover: 0.35,
        delta_weights: [0.27, 0.217, 0.11, 0.038],
    };

    /// Section 4.4 of the collected rules: computed independently, in rupees to paise.
    #[test]
    fn section_4_4_call_on_nifty() {
        let call = SpanInput {
            underlying: 23_547.75,
            strike: 23_700.0,
            years: 30.0 / 365.0,
            vol: 0.13,
            rate: 0.0525,
            carry: 0.0525,
            price_scan: 23_547.75 * 0.093,
            vol_scan: 0.04,
            is_call: true,
        };
        let array = call.array(&GRID);
        let want = [
            -98.39, 113.20, -547.15, -390.98, 168.33, 300.86, -1144.67, -1082.80, 284.32, 325.13,
            -1826.90, -1810.45, 318.68, 325.94, -1400.12, 114.08,
        ];
        assert!((array.value - 325.94).abs() < 0.005);
        for (k, (got, want)) in array.loss.iter().zip(want).enumerate() {
            assert!((got - want).abs() < 0.0051, "scenario {}: {got} is not {want}", k + 1);
        }
    }

    #[test]
    fn composite_delta_weighs_each_move_once() {
        let option = SpanInput {
            underlying: 100.0,
            strike: 1.0,
            years: 0.1,
            vol: 0.1,
            rate: 0.0,
            carry: 0.0,
            price_scan: 10.0,
            vol_scan: 0.04,
            is_call: true,
        };
        // So deep in the money every scenario's delta is 1: the weights of seven moves.
        let sum = 0.27 + 2.0 * (0.217 + 0.11 + 0.038);
        assert!((option.array(&GRID).delta - sum).abs() < 1e-12);
        let only = |at: usize| {
            let mut weights = [0.0; 4];
            weights[at] = 1.0;
            // 105 lies between the moves by one and by two thirds.
            let near = SpanInput { strike: 105.0, vol: 0.0, vol_scan: 0.0, ..option };
            near.array(&SpanGrid { delta_weights: weights, ..GRID }).delta
        };
        assert_eq!([0, 1, 2, 3].map(only), [0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn what_is_no_option_is_invalid() {
        let fine = SpanInput {
            underlying: 100.0,
            strike: 100.0,
            years: 0.0,
            vol: 0.0,
            rate: 0.05,
            carry: 0.05,
            price_scan: 60.0,
            vol_scan: 0.04,
            is_call: false,
        };
        let array = fine.array(&GRID);
        assert_eq!(array.status, LaneStatus::Ok);
        // Two scan ranges down the underlying is gone: the put is worth its strike, counted in part.
        assert!((array.loss[15] + 35.0).abs() < 1e-12, "{:?}", array.loss);
        for broken in [
            SpanInput { underlying: 0.0, ..fine },
            SpanInput { strike: f64::NAN, ..fine },
            SpanInput { years: f64::INFINITY, ..fine },
            SpanInput { vol: -0.1, ..fine },
            SpanInput { price_scan: -1.0, ..fine },
            SpanInput { rate: 60.0, years: 1.0, ..fine },
        ] {
            assert_eq!(broken.array(&GRID).status, LaneStatus::Invalid, "{broken:?}");
            assert!(broken.array(&GRID).loss[3].is_nan());
        }
    }
}
