//! The scalar reference kernel for Black-76.
//!
//! Black's two terms carry the common factor √(FK) φ₀, φ₀ = exp(−(c²+t²)/2)/√(2π), with
//! s = vol √T, c = |ln(F/K)|/s, t = s/2. Over it the out-of-the-money value is a difference of
//! Mills ratios R(z) = (1−N(z))/φ(z) = √(π/2) erfcx(z/√2), which are of ordinary size however far
//! the wing (P. Jäckel 2013, "Let's be rational", writes the same with erfcx):
//!
//! V = D √(FK) φ₀ (R(c−t) − R(c+t)), or D (min(F,K) − √(FK) φ₀ (R(t−c) + R(c+t))) for c < t.
//!
//! Small t is summed as a Taylor series of R, whose terms do not cancel. The in-the-money value is
//! the out-of-the-money one plus D |F−K|. So the relative error of a value is a few units in the
//! last place times its condition number with respect to vol and the forward (about c²), which is
//! what the inputs' own rounding costs anyway.

use super::domain::{DISCOUNT_MAX, MONEY_MAX, MONEY_MIN, TIME_VOL_MAX, TIME_VOL_MIN};
use super::elementary::{exp, ln_ratio};
use super::erf::{erfcx, erfcx_defect};
use super::{Black76Batch, Black76Greeks, Black76Input, Black76Value, LaneStatus, PricingKernel};

pub(super) const INVERSE_SQRT_TWO_PI: f64 = 0.398_942_280_401_432_7;
const SQRT_HALF_PI: f64 = 1.253_314_137_315_500_3;
/// Beyond it φ₀ is zero: what c and t are exactly no longer shows.
const STANDARD_MAX: f64 = 64.0;
/// The series serves t up to this: eight even and eight odd terms then leave 10⁻¹⁷ …
const SERIES_T_MAX: f64 = 0.25;
/// … and c t up to this: the rounding of the recurrence grows as sinh(c t)/(c t).
const SERIES_CT_MAX: f64 = 3.0;
/// Derivatives of R in the series, the function itself included.
const SERIES_TERMS: usize = 16;

/// The scalar kernel: slow, plain, and what every other kernel is compared with.
///
/// Cost: about 140 ns an option (Zen 5 at 3.7 GHz).
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl PricingKernel for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn black76(&self, batch: &Black76Batch<'_>, out: &mut Black76Greeks<'_>) -> usize {
        let lanes = batch.lanes(out);
        for i in 0..lanes {
            let value = black76(&batch.input(i));
            out.price[i] = value.price;
            out.delta[i] = value.delta;
            out.gamma[i] = value.gamma;
            out.vega[i] = value.vega;
            out.theta[i] = value.theta;
            out.status[i] = value.status as u8;
        }
        lanes
    }
}

impl Black76Input {
    /// Value and Greeks of this one option by the reference kernel.
    ///
    /// ```
    /// use tezi_core::pricing::{Black76Input, LaneStatus};
    /// let option = Black76Input {
    ///     forward: 100.0, strike: 110.0, years: 0.5, vol: 0.15, rate: 0.1, is_call: false,
    /// };
    /// let value = option.value();
    /// assert_eq!(value.status, LaneStatus::Ok);
    /// assert!(value.price > 9.51 && value.delta < -0.7); // the intrinsic value is 9.51
    /// ```
    #[must_use]
    pub fn value(&self) -> Black76Value {
        black76(self)
    }
}

fn black76(input: &Black76Input) -> Black76Value {
    match classify(input) {
        LaneStatus::Ok => regular(input),
        LaneStatus::Intrinsic => intrinsic(input),
        LaneStatus::Invalid => Black76Value {
            price: f64::NAN,
            delta: f64::NAN,
            gamma: f64::NAN,
            vega: f64::NAN,
            theta: f64::NAN,
            status: LaneStatus::Invalid,
        },
    }
}

/// Comparisons with NaN are false, so what is not shown to be valid is invalid.
fn classify(input: &Black76Input) -> LaneStatus {
    let &Black76Input { forward, strike, years, vol, rate, .. } = input;
    let money = 0.0..=MONEY_MAX;
    let valid = money.contains(&forward)
        && money.contains(&strike)
        && years.abs() <= TIME_VOL_MAX
        && vol.abs() <= TIME_VOL_MAX
        && (rate * time_left(years)).abs() <= DISCOUNT_MAX;
    let regular =
        forward >= MONEY_MIN && strike >= MONEY_MIN && years >= TIME_VOL_MIN && vol >= TIME_VOL_MIN;
    match (valid, regular) {
        (false, _) => LaneStatus::Invalid,
        (true, false) => LaneStatus::Intrinsic,
        (true, true) => LaneStatus::Ok,
    }
}

pub(super) fn time_left(years: f64) -> f64 {
    if years > 0.0 { years } else { 0.0 }
}

fn intrinsic(input: &Black76Input) -> Black76Value {
    let sign = if input.is_call { 1.0 } else { -1.0 };
    let discount = exp(-(input.rate * time_left(input.years)));
    let inside = (input.forward - input.strike) * sign;
    let step = if inside > 0.0 {
        1.0
    } else if inside < 0.0 {
        0.0
    } else {
        0.5
    };
    let price = discount * inside.max(0.0);
    Black76Value {
        price,
        delta: discount * step * sign,
        gamma: 0.0,
        vega: 0.0,
        theta: if input.years > 0.0 { input.rate * price } else { 0.0 },
        status: LaneStatus::Intrinsic,
    }
}

fn regular(input: &Black76Input) -> Black76Value {
    let &Black76Input { forward, strike, years, vol, rate, is_call } = input;
    let (high, low) = if forward > strike { (forward, strike) } else { (strike, forward) };
    let above = forward > strike;
    let discount = exp(-(rate * years));
    let root_years = years.sqrt();
    let s = vol * root_years;
    let c = (ln_ratio(high, low) / s).min(STANDARD_MAX);
    let t = (0.5 * s).min(STANDARD_MAX);
    let mills = MillsPair::new(c, t, s);

    // √(FK) φ₀ = F φ(d₁) = K φ(d₂).
    let density = (forward * strike).sqrt() * (exp(-0.5 * (c * c + t * t)) * INVERSE_SQRT_TWO_PI);
    let body = density * mills.bracket + if mills.is_crossed { low } else { 0.0 };
    let outside = body.max(0.0); // where density underflows, the sum may round below zero
    let in_the_money = above == is_call;
    let price = discount * if in_the_money { outside + (high - low) } else { outside };

    // The smaller tail of d₁ is never found by subtraction: N(−d₁) = φ(d₁) R(d₁) for F > K,
    // N(d₁) = φ(d₁) R(−d₁) for F ≤ K; crossed lanes have d₁ > 0.
    let density_d1 = density / forward;
    let tail = density_d1 * if above { mills.plus } else { mills.minus };
    let tail_is_call = !above && !mills.is_crossed;
    let probability = if is_call == tail_is_call { tail } else { 1.0 - tail };
    let sign = if is_call { 1.0 } else { -1.0 };
    Black76Value {
        price,
        delta: discount * sign * probability,
        gamma: discount * (density_d1 / (forward * s)),
        vega: discount * density * root_years,
        theta: rate * price - discount * density * (s / (2.0 * years)),
        status: LaneStatus::Ok,
    }
}

/// Mills ratios at c ∓ t and what they make of the price.
pub(super) struct MillsPair {
    /// R(c − t), or R(t − c) when crossed.
    minus: f64,
    /// R(c + t).
    plus: f64,
    /// R(c − t) − R(c + t), or −(R(t − c) + R(c + t)) when crossed.
    pub(super) bracket: f64,
    /// c < t, and the direct form was taken.
    pub(super) is_crossed: bool,
}

impl MillsPair {
    pub(super) fn new(c: f64, t: f64, s: f64) -> Self {
        if t <= SERIES_T_MAX && c * t <= SERIES_CT_MAX {
            return Self::series(c, t, s);
        }
        let is_crossed = c < t;
        let (minus, plus) = (mills((c - t).abs()), mills(c + t));
        let bracket = if is_crossed { -(minus + plus) } else { minus - plus };
        Self { minus, plus, bracket, is_crossed }
    }

    /// R(c ∓ t) = even ± odd part of the Taylor series about c.
    ///
    /// R′ = z R − 1, so the normalised derivatives rₙ = R⁽ⁿ⁾(c)/n! obey
    /// (n + 1) rₙ₊₁ = c rₙ + rₙ₋₁; they alternate in sign, so the odd part sums like signs. The
    /// first, −(1 − c R(c)), comes from the defect of erfcx and not from that difference.
    fn series(c: f64, t: f64, s: f64) -> Self {
        let mut r = [0.0; SERIES_TERMS];
        r[0] = mills(c);
        r[1] = -erfcx_defect(c * core::f64::consts::FRAC_1_SQRT_2);
        for n in 1..SERIES_TERMS - 1 {
            r[n + 1] = (c * r[n] + r[n - 1]) / (n + 1) as f64;
        }
        let square = t * t;
        let part = |first: usize| {
            r[first..].iter().step_by(2).rev().fold(0.0, |sum, &term| sum * square + term)
        };
        let (even, odd) = (part(0), part(1));
        let swing = t * odd;
        Self { minus: even - swing, plus: even + swing, bracket: -(s * odd), is_crossed: false }
    }
}

/// The Mills ratio R(z) = (1 − N(z))/φ(z).
pub(super) fn mills(z: f64) -> f64 {
    SQRT_HALF_PI * erfcx(z * core::f64::consts::FRAC_1_SQRT_2)
}
