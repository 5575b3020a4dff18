//! The full set of Greeks: forward and spot conventions, and the units that people quote.
//!
//! A kernel gives derivatives with respect to the forward, raw: per 1.00 of volatility and rate, per
//! year. [`Black76FullValue::spot`] turns them into derivatives with respect to the spot, by the
//! chain rule through F = S e^{bT}; [`Black76FullValue::per_unit`] into rupees per vol point and day.
//!
//! Source: E. G. Haug (2007), The Complete Guide to Option Pricing Formulas, chapter 2, whose
//! generalised Black-Scholes-Merton formula is Black's on the forward.

use super::domain::TIME_VOL_MIN;
use super::elementary::{exp, ln_ratio};
use super::{Black76Batch, Black76Greeks, Black76Input, Black76Value, LaneStatus};

/// Days in the year of daily Greeks: the calendar's, as thetas are quoted.
pub const DAYS_PER_YEAR: f64 = 365.0;

/// Where a kernel writes the full set, as columns. Units as in [`Black76FullValue`].
#[derive(Debug)]
pub struct Black76FullGreeks<'a> {
    /// Price, delta, gamma, vega, theta and status.
    pub first: Black76Greeks<'a>,
    /// Rhos per 1.00 of rate.
    pub rho: &'a mut [f64],
    /// Vannas per 1.00 of volatility.
    pub vanna: &'a mut [f64],
    /// Volgas per 1.00 of volatility, twice.
    pub volga: &'a mut [f64],
    /// Charms per year.
    pub charm: &'a mut [f64],
}

impl Black76FullGreeks<'_> {
    /// Lanes that both `batch` and these columns have room for.
    #[must_use]
    pub fn lanes(&self, batch: &Black76Batch<'_>) -> usize {
        let more = self.rho.len().min(self.vanna.len());
        batch.lanes(&self.first).min(more).min(self.volga.len()).min(self.charm.len())
    }
}

/// Value and all Greeks of one option; V is the discounted value, F the forward (S the spot in the
/// spot convention), T the years.
///
/// An intrinsic lane has neither vanna nor volga; rho is `-years * price` and charm `rate * delta`
/// while time is left, 0 after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Black76FullValue {
    /// Price, delta, gamma, vega, theta and status.
    pub first: Black76Value,
    /// ∂V/∂r, per 1.00 of rate. In the forward convention F stays: −T V.
    pub rho: f64,
    /// ∂²V/∂F∂vol = ∂delta/∂vol = ∂vega/∂F, per 1.00 of volatility.
    pub vanna: f64,
    /// ∂²V/∂vol², per 1.00 of volatility, twice.
    pub volga: f64,
    /// −∂²V/∂F∂T = −∂delta/∂T, per year.
    pub charm: f64,
}

/// How a forward grows out of a spot: F = S e^{bT}.
///
/// b is the rate less the dividend yield for a share or an index, the difference of the rates for a
/// currency, 0 for a future. Dividends in money are taken off the spot at their present value first;
/// [`Carry::forward_of`] does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carry {
    /// b, per year, continuously compounded.
    pub carry: f64,
    /// Years to expiry.
    pub years: f64,
}

impl Carry {
    /// e^{bT}: what the spot grows to per unit. NaN when |bT| exceeds 700.
    #[must_use]
    pub fn growth(self) -> f64 {
        let exponent = self.carry * if self.years > 0.0 { self.years } else { 0.0 };
        if exponent.abs() <= 700.0 { exp(exponent) } else { f64::NAN }
    }

    /// The forward of a `spot` that pays `dividends`, each an amount and its years from now,
    /// discounted at `rate`. Those at or beyond the expiry, and those that were paid, do not count.
    ///
    /// ```
    /// use tezi_core::pricing::Carry;
    /// let carry = Carry { carry: 0.06, years: 0.5 };
    /// let forward = carry.forward_of(100.0, 0.06, &[(2.0, 0.25), (2.0, 0.75)]);
    /// assert!((forward - (100.0 - 2.0 * (-0.015f64).exp()) * 0.03f64.exp()).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn forward_of(self, spot: f64, rate: f64, dividends: &[(f64, f64)]) -> f64 {
        let held = dividends.iter().filter(|(_, years)| 0.0 < *years && *years < self.years);
        let paid = held.fold(0.0, |sum, &(amount, years)| {
            sum + amount * Self { carry: -rate, years }.growth()
        });
        (spot - paid) * self.growth()
    }
}

/// Greeks in the units of a trader's sheet: currency units per unit of the underlying.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerUnit {
    /// Per one volatility point, 0.01.
    pub vega: f64,
    /// Per calendar day.
    pub theta: f64,
    /// Per percentage point of the rate.
    pub rho: f64,
    /// Change of delta per volatility point.
    pub vanna: f64,
    /// Change of the vega above per volatility point.
    pub volga: f64,
    /// Change of delta per calendar day.
    pub charm: f64,
}

impl Black76FullValue {
    /// The same option seen from its spot: `forward` is what the kernel was given.
    ///
    /// Rho is the spot's, with the dividend yield fixed (b moves with r); gamma, vanna and charm
    /// follow the spot; theta and charm let time pass with the spot fixed.
    #[must_use]
    pub fn spot(&self, forward: f64, carry: Carry) -> Self {
        let growth = carry.growth();
        let years = if carry.years > 0.0 { carry.years } else { 0.0 };
        // Past the expiry the forward is the spot, and no longer moves with time.
        let drift = if carry.years > 0.0 { carry.carry } else { 0.0 };
        let Black76Value { price, delta, gamma, vega, theta, status } = self.first;
        Self {
            first: Black76Value {
                price,
                delta: delta * growth,
                gamma: gamma * growth * growth,
                vega,
                theta: theta - delta * drift * forward,
                status,
            },
            rho: self.rho + years * (delta * forward),
            vanna: self.vanna * growth,
            volga: self.volga,
            charm: growth * (self.charm - drift * (delta + forward * gamma)),
        }
    }

    /// The Greeks per vol point, per day and per percentage point of rate.
    #[must_use]
    pub fn per_unit(&self) -> PerUnit {
        PerUnit {
            vega: self.first.vega / 100.0,
            theta: self.first.theta / DAYS_PER_YEAR,
            rho: self.rho / 100.0,
            vanna: self.vanna / 100.0,
            volga: self.volga / 1e4,
            charm: self.charm / DAYS_PER_YEAR,
        }
    }
}

impl Black76Input {
    /// Value and all Greeks by the scalar reference, forward convention.
    ///
    /// Independent of the C++ kernel: everything beyond the first five follows from them, since
    /// D φ(d₁) = gamma F s.
    #[must_use]
    pub fn full_value(&self) -> Black76FullValue {
        let first = self.value();
        let years = if self.years > 0.0 { self.years } else { 0.0 };
        let moves = if self.years > 0.0 { self.rate * first.delta } else { 0.0 };
        let still = Black76FullValue {
            first,
            rho: -(years * first.price),
            vanna: 0.0 * first.price,
            volga: 0.0 * first.price,
            charm: if first.status == LaneStatus::Invalid { f64::NAN } else { moves },
        };
        if first.status != LaneStatus::Ok {
            return still;
        }
        debug_assert!(self.vol >= TIME_VOL_MIN, "a regular lane has volatility");
        let (high, low) = (self.forward.max(self.strike), self.forward.min(self.strike));
        let root_years = self.years.sqrt();
        let s = self.vol * root_years;
        let h = if self.forward > self.strike { 1.0 } else { -1.0 } * (ln_ratio(high, low) / s);
        let (d1, d2) = (h + 0.5 * s, h - 0.5 * s);
        let density = first.gamma * self.forward;
        // Where the density is gone, d may have left the range.
        let times = |density: f64, d: f64| if density == 0.0 { 0.0 } else { density * d };
        Black76FullValue {
            vanna: times(density * -root_years, d2),
            volga: times(first.vega, d1 * d2 / self.vol),
            charm: moves + times(density * s, d2 / (2.0 * self.years)),
            ..still
        }
    }
}

/// Every lane by the scalar reference.
pub(super) fn reference(batch: &Black76Batch<'_>, out: &mut Black76FullGreeks<'_>) -> usize {
    let lanes = out.lanes(batch);
    for i in 0..lanes {
        let value = batch.input(i).full_value();
        let Black76Value { price, delta, gamma, vega, theta, status } = value.first;
        out.first.price[i] = price;
        out.first.delta[i] = delta;
        out.first.gamma[i] = gamma;
        out.first.vega[i] = vega;
        out.first.theta[i] = theta;
        out.first.status[i] = status as u8;
        out.rho[i] = value.rho;
        out.vanna[i] = value.vanna;
        out.volga[i] = value.volga;
        out.charm[i] = value.charm;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An option on a spot.
    #[derive(Clone, Copy, Debug)]
    struct Spot {
        spot: f64,
        strike: f64,
        years: f64,
        vol: f64,
        rate: f64,
        dividend_yield: f64,
        is_call: bool,
    }

    impl Spot {
        fn value(self) -> Black76FullValue {
            let Self { strike, years, vol, rate, is_call, .. } = self;
            let carry = Carry { carry: rate - self.dividend_yield, years };
            let forward = carry.forward_of(self.spot, rate, &[]);
            Black76Input { forward, strike, years, vol, rate, is_call }
                .full_value()
                .spot(forward, carry)
        }

        /// The change of `of` per change of an input.
        fn slope(self, change: fn(&mut Self) -> &mut f64, of: fn(&Black76FullValue) -> f64) -> f64 {
            let (mut up, mut down) = (self, self);
            let h = change(&mut up).abs() * 1e-5;
            *change(&mut up) += h;
            *change(&mut down) -= h;
            (of(&up.value()) - of(&down.value())) / (2.0 * h)
        }
    }

    fn options() -> impl Iterator<Item = Spot> {
        let all = [0.8, 0.97, 1.0, 1.1].into_iter().flat_map(|moneyness| {
            [0.02, 0.4, 1.5].into_iter().map(move |years| (moneyness, years))
        });
        all.flat_map(|(moneyness, years)| {
            [true, false].map(|is_call| Spot {
                spot: 250.0 * moneyness,
                strike: 250.0,
                years,
                vol: 0.3,
                rate: 0.07,
                dividend_yield: 0.02,
                is_call,
            })
        })
    }

    #[track_caller]
    fn agree(got: f64, want: f64, scale: f64, option: Spot) {
        // Central differences with a relative step of 1e-5 are good to about 1e-8 of the scale.
        assert!(
            (got - want).abs() <= 1e-6 * (scale + want.abs()),
            "{got} is not {want}: {option:?}"
        );
    }

    #[test]
    fn spot_greeks_agree_with_differences() {
        for option in options() {
            let value = option.value();
            let first = value.first;
            let price = |v: &Black76FullValue| v.first.price;
            let delta = |v: &Black76FullValue| v.first.delta;
            agree(first.delta, option.slope(|o| &mut o.spot, price), 1.0, option);
            agree(first.gamma, option.slope(|o| &mut o.spot, delta), 0.01, option);
            agree(first.vega, option.slope(|o| &mut o.vol, price), 10.0, option);
            agree(first.theta, -option.slope(|o| &mut o.years, price), 100.0, option);
            agree(value.rho, option.slope(|o| &mut o.rate, price), 10.0, option);
            agree(value.vanna, option.slope(|o| &mut o.vol, delta), 1.0, option);
            agree(value.volga, option.slope(|o| &mut o.vol, |v| v.first.vega), 10.0, option);
            agree(value.charm, -option.slope(|o| &mut o.years, delta), 10.0, option);
        }
    }

    #[test]
    fn forward_greeks_agree_with_differences() {
        for option in options() {
            let Spot { spot: forward, strike, years, vol, rate, is_call, .. } = option;
            let at = |forward: f64, years: f64, vol: f64, rate: f64| {
                Black76Input { forward, strike, years, vol, rate, is_call }.full_value()
            };
            let value = at(forward, years, vol, rate);
            let h = 1e-5;
            let rho = at(forward, years, vol, rate + h).first.price
                - at(forward, years, vol, rate - h).first.price;
            agree(value.rho, rho / (2.0 * h), 10.0, option);
            let vanna = at(forward, years, vol + h, rate).first.delta
                - at(forward, years, vol - h, rate).first.delta;
            agree(value.vanna, vanna / (2.0 * h), 1.0, option);
            let volga = at(forward, years, vol + h, rate).first.vega
                - at(forward, years, vol - h, rate).first.vega;
            agree(value.volga, volga / (2.0 * h), 100.0, option);
            let h = h * years;
            let charm = at(forward, years - h, vol, rate).first.delta
                - at(forward, years + h, vol, rate).first.delta;
            agree(value.charm, charm / (2.0 * h), 10.0, option);
        }
    }

    #[test]
    fn dividends_at_and_after_expiry_do_not_count() {
        let carry = Carry { carry: 0.05, years: 0.5 };
        let plain = carry.forward_of(100.0, 0.05, &[]);
        assert_eq!(carry.forward_of(100.0, 0.05, &[(3.0, 0.5), (3.0, 0.9), (3.0, -0.1)]), plain);
        assert!(carry.forward_of(100.0, 0.05, &[(3.0, 0.49)]) < plain - 3.0);
        assert!(Carry { carry: 1e9, years: 1.0 }.growth().is_nan());
        assert_eq!(Carry { carry: 0.05, years: -1.0 }.growth(), 1.0);
    }

    #[test]
    fn intrinsic_and_invalid_options_have_defined_greeks() {
        let option = Black76Input {
            forward: 110.0,
            strike: 100.0,
            years: 0.5,
            vol: 0.0,
            rate: 0.1,
            is_call: true,
        };
        let value = option.full_value();
        assert_eq!((value.vanna, value.volga), (0.0, 0.0));
        assert_eq!(value.rho, -0.5 * value.first.price);
        assert_eq!(value.charm, 0.1 * value.first.delta);
        let expired = Black76Input { years: 0.0, ..option }.full_value();
        assert_eq!((expired.rho, expired.charm), (0.0, 0.0));
        let invalid = Black76Input { vol: f64::NAN, ..option }.full_value();
        let Black76FullValue { rho, vanna, volga, charm, .. } = invalid;
        assert!([rho, vanna, volga, charm].iter().all(|x| x.is_nan()));
    }
}
