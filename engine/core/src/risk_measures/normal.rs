//! The normal distribution: its quantile, and VaR and expected shortfall of a normal profit.

use super::Confidence;
use crate::pricing::{erfc, exp, ln_ratio};

const INVERSE_SQRT_TWO_PI: f64 = 0.398_942_280_401_432_7;

/// φ(z).
#[must_use]
pub fn normal_density(z: f64) -> f64 {
    INVERSE_SQRT_TWO_PI * exp((-0.5 * z * z).max(-1000.0))
}

/// The z with N(z) = `probability`, to a few units in the last place; infinite at 0 and 1, NaN
/// outside.
///
/// A rational start (Abramowitz and Stegun 26.2.23, to 4.5·10⁻⁴) and two steps of Halley on erfc,
/// each of which triples the digits. The smaller tail is solved.
#[must_use]
pub fn normal_quantile(probability: f64) -> f64 {
    if !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    let (tail, sign) =
        if probability < 0.5 { (probability, -1.0) } else { (1.0 - probability, 1.0) };
    if tail < 1e-300 {
        return sign * f64::INFINITY;
    }
    let t = (2.0 * ln_ratio(1.0, tail)).sqrt();
    let top = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let bottom = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - top / bottom;
    for _ in 0..2 {
        let miss = 0.5 * erfc(z * core::f64::consts::FRAC_1_SQRT_2) - tail;
        let step = miss / normal_density(z);
        z += step / (1.0 - 0.5 * step * z);
    }
    sign * z
}

/// VaR of a normal profit with this deviation and mean nought.
#[must_use]
pub fn normal_var(deviation: f64, confidence: Confidence) -> f64 {
    deviation * normal_quantile(1.0 - confidence.tail())
}

/// Expected shortfall of the same: σ φ(z)/tail.
#[must_use]
pub fn normal_expected_shortfall(deviation: f64, confidence: Confidence) -> f64 {
    let z = normal_quantile(1.0 - confidence.tail());
    deviation * normal_density(z) / confidence.tail()
}
