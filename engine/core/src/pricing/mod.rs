//! Option values and their Greeks: the types, the kernel trait and the scalar reference.
//!
//! A kernel takes a whole batch as columns and fills columns. The scalar reference here is the
//! oracle of every faster kernel and the fall-back where none is compiled in. It uses only IEEE-754
//! additions, products, quotients and square roots (no library `exp` or `ln`, whose last bit
//! depends on the machine), so equal inputs give equal bits everywhere. It never allocates.
//!
//! Source of the formulas: F. Black (1976), "The pricing of commodity contracts", Journal of
//! Financial Economics 3, equation 16.

mod american;
mod american_mesh;
mod american_reference;
mod elementary;
mod erf;
mod forward;
mod greeks;
mod implied_vol;
mod reference;
mod repair;
mod smile;
mod smoother;
mod span;
mod surface;
mod svi;
mod svi_fit;
#[cfg(test)]
mod svi_tests;
#[cfg(test)]
mod tests;
mod theo;

pub use american::{
    AmericanBatch, AmericanInput, AmericanScheme, AmericanStatus, AmericanValue, AmericanValues,
};
pub(crate) use elementary::{exp, ln_ratio};
pub use erf::{erfc, erfcx};
pub use forward::{ParityForward, ParityPair, parity_forward};
pub use greeks::{Black76FullGreeks, Black76FullValue, Carry, DAYS_PER_YEAR, PerUnit};
pub use implied_vol::{
    ImpliedVolBatch, ImpliedVolInput, ImpliedVolStatus, ImpliedVolValue, ImpliedVols,
};
pub use reference::Reference;
pub use repair::Neighbours;
pub use smile::{Smile, SmileFit, SmileStatus, fit_smile, fit_svi_smile};
pub use smoother::{KNOTS_MAX, Spline};
pub use span::{SCENARIO_COUNT, SpanArrays, SpanBatch, SpanGrid, SpanInput, SpanMove, SpanValue};
pub use surface::{Surface, SurfaceCapacity, SurfaceError, SurfaceQuote};
pub use svi::{PROOF, Svi};
pub use svi_fit::{SCREEN_MARGIN, SVI_QUOTES_MIN, SviFit, SviQuotes, quote_weight};
pub use theo::Theo;

/// The domain of Black-76 kernels. Up to the upper ends no intermediate overflows; an input below
/// its lower end counts as zero, which makes the lane intrinsic.
pub mod domain {
    /// Smallest forward and strike that are not zero, in currency units.
    pub const MONEY_MIN: f64 = 1e-100;
    /// Largest forward and strike, in currency units.
    pub const MONEY_MAX: f64 = 1e100;
    /// Smallest time (years) and volatility (fraction) that are not zero.
    pub const TIME_VOL_MIN: f64 = 1e-60;
    /// Largest magnitude of time (years) and volatility (fraction).
    pub const TIME_VOL_MAX: f64 = 1e6;
    /// Largest magnitude of rate times years: beyond it the discount factor leaves the range.
    pub const DISCOUNT_MAX: f64 = 700.0;
}

/// One option on a forward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Black76Input {
    /// The forward (or futures) price, in currency units.
    pub forward: f64,
    /// The strike, in currency units.
    pub strike: f64,
    /// Time to expiry, in years.
    pub years: f64,
    /// Volatility, annualised, as a fraction: 0.15 is 15 %.
    pub vol: f64,
    /// Interest rate per year, continuously compounded. It discounts and does nothing else.
    pub rate: f64,
    /// A call when true, a put when false.
    pub is_call: bool,
}

/// What became of one lane. The numeric values never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LaneStatus {
    /// Black's formula holds.
    Ok = 0,
    /// No time or no volatility is left (zero or negative), or forward or strike is zero: the
    /// discounted intrinsic value.
    Intrinsic = 1,
    /// An input is not a number, negative where it may not be, or outside [`domain`]: every output
    /// of the lane is NaN.
    Invalid = 2,
}

impl LaneStatus {
    /// The status of a code written by a kernel, `None` for any other number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Ok),
            1 => Some(Self::Intrinsic),
            2 => Some(Self::Invalid),
            _ => None,
        }
    }
}

/// Value and Greeks of one option; V is the discounted value, F the forward, T the years.
///
/// An intrinsic lane has the discounted intrinsic value, a step for delta (half of it at F = K),
/// no gamma and no vega, and theta `rate * price` while time is left, 0 after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Black76Value {
    /// V, in currency units.
    pub price: f64,
    /// ∂V/∂F. It carries the discount factor.
    pub delta: f64,
    /// ∂²V/∂F², per currency unit.
    pub gamma: f64,
    /// ∂V/∂vol, per 1.00 of volatility; a hundredth of it is per vol point.
    pub vega: f64,
    /// −∂V/∂T with F fixed, per year; the discount's part, `rate * price`, is included.
    pub theta: f64,
    /// Whether the lane was regular.
    pub status: LaneStatus,
}

/// A batch of options as columns.
///
/// Shape: all columns have one length. A kernel stops at the shortest column and says how many
/// lanes it did. Units as in [`Black76Input`].
#[derive(Clone, Copy, Debug)]
pub struct Black76Batch<'a> {
    /// Forward prices.
    pub forward: &'a [f64],
    /// Strikes.
    pub strike: &'a [f64],
    /// Years to expiry.
    pub years: &'a [f64],
    /// Volatilities.
    pub vol: &'a [f64],
    /// Interest rates.
    pub rate: &'a [f64],
    /// 0 is a put, any other value a call.
    pub is_call: &'a [u8],
}

/// Where a kernel writes, as columns. Units as in [`Black76Value`].
#[derive(Debug)]
pub struct Black76Greeks<'a> {
    /// Discounted values.
    pub price: &'a mut [f64],
    /// Discounted deltas with respect to the forward.
    pub delta: &'a mut [f64],
    /// Gammas with respect to the forward.
    pub gamma: &'a mut [f64],
    /// Vegas per 1.00 of volatility.
    pub vega: &'a mut [f64],
    /// Thetas per year.
    pub theta: &'a mut [f64],
    /// [`LaneStatus`] codes.
    pub status: &'a mut [u8],
}

/// A batch pricer, usable as `&dyn PricingKernel`.
///
/// Every implementation gives the lane's result from the lane's inputs alone, and the same bits
/// each time: neighbours, batch length and position do not show.
///
/// ```
/// use tezi_core::pricing::{Black76Batch, Black76Greeks, PricingKernel, Reference};
///
/// let kernel: &dyn PricingKernel = &Reference;
/// let batch = Black76Batch {
///     forward: &[24_000.0, 24_000.0],
///     strike: &[24_100.0, 23_900.0],
///     years: &[7.0 / 365.0; 2],
///     vol: &[0.12, 0.13],
///     rate: &[0.065; 2],
///     is_call: &[1, 0],
/// };
/// let (mut price, mut delta, mut gamma) = ([0.0; 2], [0.0; 2], [0.0; 2]);
/// let (mut vega, mut theta, mut status) = ([0.0; 2], [0.0; 2], [0; 2]);
/// let lanes = kernel.black76(
///     &batch,
///     &mut Black76Greeks {
///         price: &mut price,
///         delta: &mut delta,
///         gamma: &mut gamma,
///         vega: &mut vega,
///         theta: &mut theta,
///         status: &mut status,
///     },
/// );
/// assert_eq!((lanes, status), (2, [0, 0]));
/// assert!(delta[0] > 0.0 && delta[1] < 0.0 && price[0] > 100.0);
/// ```
pub trait PricingKernel {
    /// The kernel's name, with the instruction set where there are several: `"cpp-avx2"`.
    fn name(&self) -> &'static str;

    /// Values `batch` into `out` and returns the number of lanes done: the length of the shortest
    /// column of either. Lanes beyond it are left as they were. Never allocates, never panics.
    fn black76(&self, batch: &Black76Batch<'_>, out: &mut Black76Greeks<'_>) -> usize;

    /// As [`PricingKernel::black76`], with rho, vanna, volga and charm; what both give has the same
    /// bits. Without an implementation of its own a kernel answers with the scalar reference.
    fn black76_full(&self, batch: &Black76Batch<'_>, out: &mut Black76FullGreeks<'_>) -> usize {
        greeks::reference(batch, out)
    }

    /// Solves `batch` for volatility and returns the number of lanes done, as
    /// [`PricingKernel::black76`] does. Without an implementation of its own a kernel answers with
    /// the scalar reference.
    fn implied_vol(&self, batch: &ImpliedVolBatch<'_>, out: &mut ImpliedVols<'_>) -> usize {
        implied_vol::reference(batch, out)
    }

    /// Values American options and returns the number of lanes done, as [`PricingKernel::black76`]
    /// does. Without an implementation of its own a kernel answers with the scalar reference.
    fn american(
        &self,
        scheme: AmericanScheme,
        batch: &AmericanBatch<'_>,
        out: &mut AmericanValues<'_>,
    ) -> usize {
        american::reference(scheme, batch, out)
    }

    /// Revalues each option of `batch` in SPAN's sixteen scenarios and returns the number of rows
    /// done, as [`PricingKernel::black76`] does. Without an implementation of its own a kernel
    /// answers with the scalar reference.
    fn span_arrays(
        &self,
        grid: &SpanGrid,
        batch: &SpanBatch<'_>,
        out: &mut SpanArrays<'_>,
    ) -> usize {
        span::reference(grid, batch, out)
    }

    /// Fits an SVI smile to the quotes of one expiry by least squares, from `start` or from nothing.
    /// Arbitrage is not removed but for the wings' slopes. Without an implementation of its own a
    /// kernel answers with the scalar reference. Never allocates, never panics.
    fn svi_fit(&self, quotes: &SviQuotes<'_>, start: Option<&Svi>) -> SviFit {
        svi_fit::reference(quotes, start)
    }
}

impl Black76Batch<'_> {
    /// One row; the index is less than the shortest column's length.
    fn input(&self, i: usize) -> Black76Input {
        Black76Input {
            forward: self.forward[i],
            strike: self.strike[i],
            years: self.years[i],
            vol: self.vol[i],
            rate: self.rate[i],
            is_call: self.is_call[i] != 0,
        }
    }

    /// Lanes that both the batch and `out` have room for: the length of the shortest column.
    #[must_use]
    pub fn lanes(&self, out: &Black76Greeks<'_>) -> usize {
        let inputs = self.forward.len().min(self.strike.len()).min(self.years.len());
        let inputs = inputs.min(self.vol.len()).min(self.rate.len()).min(self.is_call.len());
        let outputs = out.price.len().min(out.delta.len()).min(out.gamma.len());
        let outputs = outputs.min(out.vega.len()).min(out.theta.len()).min(out.status.len());
        inputs.min(outputs)
    }
}
