//! American options: the types, and the batch form of the scalar reference.
//!
//! The option is on a spot with a continuous yield and may be exercised at any moment up to expiry.
//! The C++ kernel and the scalar reference solve the same equations at the same places, one in
//! registers, the other in plain loops; what both are held against is
//! `tests/data/american_reference.csv`, found another way.

use super::american_reference::value;

/// How finely the exercise boundary and the integrals are resolved. The numeric values never change
/// meaning. `docs/decisions/0022-american-options.md` has the errors measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AmericanScheme {
    /// A few microseconds an option; within 1e-6 of the larger of spot and strike.
    Fast = 0,
    /// Some tens of microseconds; within 5e-9.
    Accurate = 1,
}

/// One option on a spot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AmericanInput {
    /// The spot, in currency units.
    pub spot: f64,
    /// The strike, in currency units.
    pub strike: f64,
    /// Time to expiry, in years.
    pub years: f64,
    /// Volatility, annualised, as a fraction.
    pub vol: f64,
    /// Interest rate per year, continuously compounded.
    pub rate: f64,
    /// What the spot pays per year, likewise: the rate less the carry.
    pub dividend_yield: f64,
    /// A call when true, a put when false.
    pub is_call: bool,
}

/// What became of one lane. The numeric values never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AmericanStatus {
    /// Worth more alive than exercised.
    Ok = 0,
    /// The spot is at the boundary or beyond: the intrinsic value, by exercise now.
    Exercise = 1,
    /// Exercise before expiry never pays: the European price.
    European = 2,
    /// No time is left: the intrinsic value.
    Expired = 3,
    /// An input is not a number or outside the domain of `cpp/include/american.h`.
    Invalid = 4,
    /// Rate and yield are below zero and such that exercise pays between two spots. Not done.
    TwoBoundaries = 5,
    /// The boundary was not found. Seen where one of rate and yield is 0 and the other below -0.2.
    Unsolved = 6,
}

impl AmericanStatus {
    /// The status of a code written by a kernel, `None` for any other number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Ok),
            1 => Some(Self::Exercise),
            2 => Some(Self::European),
            3 => Some(Self::Expired),
            4 => Some(Self::Invalid),
            5 => Some(Self::TwoBoundaries),
            6 => Some(Self::Unsolved),
            _ => None,
        }
    }

    /// The name that reports print: `"two_boundaries"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Exercise => "exercise",
            Self::European => "european",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
            Self::TwoBoundaries => "two_boundaries",
            Self::Unsolved => "unsolved",
        }
    }

    /// True when the lane has a price.
    #[must_use]
    pub const fn has_value(self) -> bool {
        matches!(self, Self::Ok | Self::Exercise | Self::European | Self::Expired)
    }
}

/// Value and Greeks of one option; every number is NaN where the status has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AmericanValue {
    /// In currency units.
    pub price: f64,
    /// ∂V/∂spot; where the option is exercised at once, the intrinsic value's.
    pub delta: f64,
    /// ∂²V/∂spot², per currency unit.
    pub gamma: f64,
    /// −∂V/∂years, per year: what the Black-Scholes equation leaves for it.
    pub theta: f64,
    /// The price of the same option without early exercise.
    pub european: f64,
    /// The spot at which it is exercised today; 0 (put) or infinite (call) where nowhere.
    pub boundary: f64,
    /// What became of it.
    pub status: AmericanStatus,
}

impl AmericanInput {
    /// Value and Greeks by the scalar reference.
    ///
    /// ```
    /// use tezi_core::pricing::{AmericanInput, AmericanScheme, AmericanStatus};
    /// let put = AmericanInput {
    ///     spot: 36.0, strike: 40.0, years: 1.0, vol: 0.2, rate: 0.06, dividend_yield: 0.0,
    ///     is_call: false,
    /// };
    /// let value = put.american(AmericanScheme::Accurate);
    /// assert_eq!(value.status, AmericanStatus::Ok);
    /// // F. Longstaff and E. Schwartz (2001), table 1, by finite differences: 4.478.
    /// assert!(value.price > value.european && (value.price - 4.478).abs() < 0.01);
    /// ```
    #[must_use]
    pub fn american(&self, scheme: AmericanScheme) -> AmericanValue {
        value(scheme, self)
    }
}

/// A batch of options as columns.
///
/// Shape: all columns have one length; a kernel stops at the shortest. Units as in
/// [`AmericanInput`].
#[derive(Clone, Copy, Debug)]
pub struct AmericanBatch<'a> {
    /// Spots.
    pub spot: &'a [f64],
    /// Strikes.
    pub strike: &'a [f64],
    /// Years to expiry.
    pub years: &'a [f64],
    /// Volatilities.
    pub vol: &'a [f64],
    /// Interest rates.
    pub rate: &'a [f64],
    /// Yields of the spots.
    pub dividend_yield: &'a [f64],
    /// 0 is a put, any other value a call.
    pub is_call: &'a [u8],
}

/// Where a kernel writes, as columns. Units as in [`AmericanValue`].
#[derive(Debug)]
pub struct AmericanValues<'a> {
    /// Prices.
    pub price: &'a mut [f64],
    /// Deltas.
    pub delta: &'a mut [f64],
    /// Gammas.
    pub gamma: &'a mut [f64],
    /// Thetas.
    pub theta: &'a mut [f64],
    /// Prices without early exercise.
    pub european: &'a mut [f64],
    /// Spots of exercise today.
    pub boundary: &'a mut [f64],
    /// [`AmericanStatus`] codes.
    pub status: &'a mut [u8],
    /// Vegas per 1.00 of volatility, where wanted: the difference of the prices at volatilities a
    /// 1,024th higher and lower, since the boundary moves too. A lane takes three times as long.
    pub vega: Option<&'a mut [f64]>,
}

impl AmericanBatch<'_> {
    /// Lanes that both the batch and `out` have room for: the length of the shortest column.
    #[must_use]
    pub fn lanes(&self, out: &AmericanValues<'_>) -> usize {
        let inputs = self.spot.len().min(self.strike.len()).min(self.years.len());
        let inputs = inputs.min(self.vol.len()).min(self.rate.len()).min(self.is_call.len());
        let inputs = inputs.min(self.dividend_yield.len());
        let outputs = out.price.len().min(out.delta.len()).min(out.gamma.len());
        let outputs = outputs.min(out.theta.len()).min(out.european.len());
        let outputs = outputs.min(out.boundary.len()).min(out.status.len());
        let vega = out.vega.as_ref().map_or(usize::MAX, |column| column.len());
        inputs.min(outputs).min(vega)
    }
}

/// Half the distance of a vega's two prices, in parts of the volatility.
const VEGA_STEP: f64 = 1.0 / 1024.0;

/// Every lane by the scalar reference.
pub(super) fn reference(
    scheme: AmericanScheme,
    batch: &AmericanBatch<'_>,
    out: &mut AmericanValues<'_>,
) -> usize {
    let lanes = batch.lanes(out);
    for i in 0..lanes {
        let option = AmericanInput {
            spot: batch.spot[i],
            strike: batch.strike[i],
            years: batch.years[i],
            vol: batch.vol[i],
            rate: batch.rate[i],
            dividend_yield: batch.dividend_yield[i],
            is_call: batch.is_call[i] != 0,
        };
        let found = option.american(scheme);
        out.price[i] = found.price;
        out.delta[i] = found.delta;
        out.gamma[i] = found.gamma;
        out.theta[i] = found.theta;
        out.european[i] = found.european;
        out.boundary[i] = found.boundary;
        out.status[i] = found.status as u8;
        if let Some(vega) = &mut out.vega {
            vega[i] = vega_of(scheme, &option, &found);
        }
    }
    lanes
}

fn vega_of(scheme: AmericanScheme, option: &AmericanInput, at: &AmericanValue) -> f64 {
    match at.status {
        AmericanStatus::Exercise | AmericanStatus::Expired => 0.0,
        AmericanStatus::Ok | AmericanStatus::European => {
            let price =
                |by: f64| AmericanInput { vol: option.vol * by, ..*option }.american(scheme).price;
            (price(1.0 + VEGA_STEP) - price(1.0 - VEGA_STEP)) / (2.0 * VEGA_STEP * option.vol)
        }
        _ => f64::NAN,
    }
}
