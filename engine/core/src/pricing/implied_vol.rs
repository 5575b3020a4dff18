//! Implied volatility: the types, and a scalar solver that every faster kernel is compared with.
//!
//! The reference brackets the root and takes Newton steps on the logarithm of the out-of-the-money
//! price, or of what is missing to its bound where that is less (both are nearly straight where the
//! price itself is flat; P. Jäckel 2013, "Let's be rational"). It is slow and has no rational start
//! and no high-order step: none of what could be wrong in the fast kernels.

use super::domain::{DISCOUNT_MAX, MONEY_MAX, MONEY_MIN, TIME_VOL_MAX, TIME_VOL_MIN};
use super::elementary::{exp, ln_ratio};
use super::reference::{INVERSE_SQRT_TWO_PI, MillsPair, mills, time_left};

/// Time value, in units of √(FK), below which none shows.
const TIME_VALUE_MIN: f64 = 1e-295;
/// A price that misses its intrinsic value by no more than this part of itself is at it.
const INTRINSIC_SLACK: f64 = f64::EPSILON * 4.0;
/// c = |ln(F/K)|/s of every price that shows time value is less than this, s less than the next.
const CENTRE_MAX: f64 = 40.0;
const STANDARD_DEVIATION_MAX: f64 = 80.0;
const ROUNDS_MAX: usize = 400;

/// The price of one option on a forward, to be solved for volatility.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImpliedVolInput {
    /// The forward (or futures) price, in currency units.
    pub forward: f64,
    /// The strike, in currency units.
    pub strike: f64,
    /// Time to expiry, in years.
    pub years: f64,
    /// The option's price, discounted, in currency units.
    pub price: f64,
    /// Interest rate per year, continuously compounded. It discounts and does nothing else.
    pub rate: f64,
    /// A call when true, a put when false.
    pub is_call: bool,
}

/// What became of one lane. The numeric values never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ImpliedVolStatus {
    /// Solved.
    Ok = 0,
    /// No time value shows in the price: the volatility is 0, as is every one small enough.
    AtIntrinsic = 1,
    /// The price is less than the discounted intrinsic value, by more than its rounding.
    BelowIntrinsic = 2,
    /// The price reaches the discounted forward (call) or strike (put).
    AboveBound = 3,
    /// Years are zero or negative.
    NoTime = 4,
    /// An input is not a number or outside [`super::domain`]; forward and strike must be positive.
    Invalid = 5,
    /// The search ended without an answer. Not seen in any test.
    Unsolved = 6,
}

impl ImpliedVolStatus {
    /// The status of a code written by a kernel, `None` for any other number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Ok),
            1 => Some(Self::AtIntrinsic),
            2 => Some(Self::BelowIntrinsic),
            3 => Some(Self::AboveBound),
            4 => Some(Self::NoTime),
            5 => Some(Self::Invalid),
            6 => Some(Self::Unsolved),
            _ => None,
        }
    }

    /// The name that reports print: `"below_intrinsic"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::AtIntrinsic => "at_intrinsic",
            Self::BelowIntrinsic => "below_intrinsic",
            Self::AboveBound => "above_bound",
            Self::NoTime => "no_time",
            Self::Invalid => "invalid",
            Self::Unsolved => "unsolved",
        }
    }
}

/// One lane's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImpliedVolValue {
    /// Annualised, as a fraction; 0 at intrinsic, NaN where there is none.
    pub vol: f64,
    /// Whether and why.
    pub status: ImpliedVolStatus,
}

/// A batch of option prices as columns.
///
/// Shape: all columns have one length; a kernel stops at the shortest. Units as in
/// [`ImpliedVolInput`].
#[derive(Clone, Copy, Debug)]
pub struct ImpliedVolBatch<'a> {
    /// Forward prices.
    pub forward: &'a [f64],
    /// Strikes.
    pub strike: &'a [f64],
    /// Years to expiry.
    pub years: &'a [f64],
    /// Option prices.
    pub price: &'a [f64],
    /// Interest rates.
    pub rate: &'a [f64],
    /// 0 is a put, any other value a call.
    pub is_call: &'a [u8],
    /// Volatilities near the answers, the last ones known. A guess that is far off or no number
    /// costs time, not accuracy. The answer may differ from the cold one in its last bits.
    pub guess: Option<&'a [f64]>,
}

/// Where a kernel writes, as columns.
#[derive(Debug)]
pub struct ImpliedVols<'a> {
    /// Volatilities, as [`ImpliedVolValue::vol`].
    pub vol: &'a mut [f64],
    /// [`ImpliedVolStatus`] codes.
    pub status: &'a mut [u8],
}

impl ImpliedVolBatch<'_> {
    /// Lanes that both the batch and `out` have room for: the length of the shortest column.
    #[must_use]
    pub fn lanes(&self, out: &ImpliedVols<'_>) -> usize {
        let inputs = self.forward.len().min(self.strike.len()).min(self.years.len());
        let inputs = inputs.min(self.price.len()).min(self.rate.len()).min(self.is_call.len());
        let inputs = inputs.min(self.guess.map_or(usize::MAX, <[f64]>::len));
        inputs.min(out.vol.len()).min(out.status.len())
    }
}

impl ImpliedVolInput {
    /// The volatility by the scalar reference.
    ///
    /// ```
    /// use tezi_core::pricing::{ImpliedVolInput, ImpliedVolStatus};
    /// // F. Black's example of the `implied-vol` crate: 20 for a call at 90 over 30 years.
    /// let quote = ImpliedVolInput {
    ///     forward: 100.0, strike: 90.0, years: 30.0, price: 20.0, rate: 0.0, is_call: true,
    /// };
    /// let answer = quote.implied_vol();
    /// assert_eq!(answer.status, ImpliedVolStatus::Ok);
    /// assert!((answer.vol - 0.070_117_018_014_820_925).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn implied_vol(&self) -> ImpliedVolValue {
        match self.vol() {
            Ok(vol) => ImpliedVolValue { vol, status: ImpliedVolStatus::Ok },
            Err(status @ ImpliedVolStatus::AtIntrinsic) => ImpliedVolValue { vol: 0.0, status },
            Err(status) => ImpliedVolValue { vol: f64::NAN, status },
        }
    }

    fn vol(&self) -> Result<f64, ImpliedVolStatus> {
        let &Self { forward, strike, years, price, rate, is_call } = self;
        let money = MONEY_MIN..=MONEY_MAX;
        let valid = money.contains(&forward)
            && money.contains(&strike)
            && years.abs() <= TIME_VOL_MAX
            && price.abs() <= MONEY_MAX
            && (rate * time_left(years)).abs() <= DISCOUNT_MAX;
        if !valid {
            return Err(ImpliedVolStatus::Invalid);
        }
        if years < TIME_VOL_MIN {
            return Err(ImpliedVolStatus::NoTime);
        }
        let (high, low) = if forward > strike { (forward, strike) } else { (strike, forward) };
        let root = (forward * strike).sqrt();
        let value = price * exp(rate * years);
        let inside = if (forward > strike) == is_call { high - low } else { 0.0 };
        let outside = value - inside;
        if outside >= low {
            return Err(ImpliedVolStatus::AboveBound);
        }
        if outside < -(value.abs() * INTRINSIC_SLACK) {
            return Err(ImpliedVolStatus::BelowIntrinsic);
        }
        if outside < root * TIME_VALUE_MIN || outside < 1e-300 {
            return Err(ImpliedVolStatus::AtIntrinsic);
        }
        let curve = Curve { log: ln_ratio(high, low).max(1e-100), root, low, outside };
        let s = curve.solve().ok_or(ImpliedVolStatus::Unsolved)?;
        Ok(s / years.sqrt())
    }
}

/// The undiscounted out-of-the-money price as a function of s = vol √T.
struct Curve {
    log: f64,
    root: f64,
    low: f64,
    outside: f64,
}

impl Curve {
    fn solve(&self) -> Option<f64> {
        let (mut from, mut to) = (self.log / CENTRE_MAX, STANDARD_DEVIATION_MAX);
        let mut s = (2.0 * self.log).sqrt().clamp(1.5 * from, 0.5 * to); // the price's inflection
        for _ in 0..ROUNDS_MAX {
            let (f, slope) = self.objective(s);
            if f > 0.0 {
                to = s;
            } else {
                from = s;
            }
            let newton = s - f / slope;
            // The last bits of f are rounding: a step of this size is as good as none.
            if (newton - s).abs() <= 2.0 * f64::EPSILON * s {
                return Some(newton);
            }
            s = if from < newton && newton < to { newton } else { (from * to).sqrt() };
            if to - from <= f64::EPSILON * to {
                return Some(s);
            }
        }
        None
    }

    /// A function of s that rises through zero at the root, and its slope.
    ///
    /// d/ds of the price is √(FK) φ₀, so ln(price) has the slope 1/B and the logarithm of what is
    /// missing to the bound −1/S, B and S being price and rest over √(FK) φ₀.
    fn objective(&self, s: f64) -> (f64, f64) {
        let (c, t) = (self.log / s, 0.5 * s);
        let pair = MillsPair::new(c, t, s);
        let reflected = |z: f64| exp((0.5 * z * z).min(690.0)) / INVERSE_SQRT_TWO_PI - mills(z);
        let is_upper = self.outside > 0.5 * self.low;
        let (ratio, target, sign) = if is_upper {
            let near = if c < t { mills(t - c) } else { reflected(c - t) };
            (near + mills(c + t), self.low - self.outside, -1.0)
        } else {
            let whole = exp((0.5 * (t - c) * (t - c)).min(690.0)) / INVERSE_SQRT_TWO_PI;
            (pair.bracket + if pair.is_crossed { whole } else { 0.0 }, self.outside, 1.0)
        };
        let scaled = ratio * self.root * INVERSE_SQRT_TWO_PI;
        let log =
            if scaled > target { ln_ratio(scaled, target) } else { -ln_ratio(target, scaled) };
        (sign * (log - 0.5 * (c * c + t * t)), 1.0 / ratio)
    }
}

/// Every lane by the scalar reference; guesses are not needed.
pub(super) fn reference(batch: &ImpliedVolBatch<'_>, out: &mut ImpliedVols<'_>) -> usize {
    let lanes = batch.lanes(out);
    for i in 0..lanes {
        let quote = ImpliedVolInput {
            forward: batch.forward[i],
            strike: batch.strike[i],
            years: batch.years[i],
            price: batch.price[i],
            rate: batch.rate[i],
            is_call: batch.is_call[i] != 0,
        };
        let answer = quote.implied_vol();
        out.vol[i] = answer.vol;
        out.status[i] = answer.status as u8;
    }
    lanes
}
