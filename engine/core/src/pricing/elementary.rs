//! Exponential and logarithm from additions, products and quotients alone.
//!
//! The standard library's call the platform's, whose last bit differs between machines and even
//! between processors of one machine type; a replay must not. Both are accurate to about one unit
//! in the last place over the range that pricing needs, and are plain Taylor series after the
//! usual reduction of the argument (Cody and Waite 1980, Software Manual for the Elementary
//! Functions, chapters 5 and 6).

/// ln 2 with the 21 lowest bits of its mantissa clear: a product with a small integer is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
/// What is missing to ln 2.
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 1/n! for n = 0, 1, … 13: the remainder on |r| ≤ ln(2)/2 is below 5·10⁻¹⁸.
const INVERSE_FACTORIAL: [f64; 14] = {
    let mut table = [1.0; 14];
    let mut factorial = 1.0; // exact up to 18!
    let mut n = 1;
    while n < 14 {
        factorial *= n as f64;
        table[n] = 1.0 / factorial;
        n += 1;
    }
    table
};

/// eˣ for −700 ≤ x ≤ 700; 0 below.
///
/// The caller keeps x ≤ 700. Below −700 the true value is under 10⁻³⁰⁴, nothing in currency.
pub(crate) fn exp(x: f64) -> f64 {
    debug_assert!(x <= 700.0 || x.is_nan(), "the argument of exp is at most 700");
    if x < -700.0 {
        return 0.0;
    }
    let half = if x < 0.0 { -0.5 } else { 0.5 };
    let k = (x * core::f64::consts::LOG2_E + half) as i64;
    let count = k as f64;
    let r = (x - count * LN_2_HIGH) - count * LN_2_LOW;
    // Horner without the leading 1, which is added last so that its rounding is the only one.
    let sum = INVERSE_FACTORIAL[2..].iter().rev().fold(0.0, |sum, &c| sum * r + c);
    (1.0 + (r + r * r * sum)) * power_of_two(k)
}

/// ln(high/low) for high ≥ low > 0, both normal, with the relative accuracy kept at the money.
///
/// With 2ᵏ low the power-of-two multiple nearest to high, the difference high − 2ᵏ low is exact
/// (Sterbenz), and ln = k ln 2 + 2 atanh((high − 2ᵏ low)/(high + 2ᵏ low)). A rounded quotient
/// high/low would lose all digits where the two agree to within its last place.
pub(crate) fn ln_ratio(high: f64, low: f64) -> f64 {
    debug_assert!(high >= low && low > 0.0, "the ratio is at least one");
    // A double's bits, read as an integer, are a piecewise linear logarithm to base 2.
    let k = (high.to_bits() - low.to_bits() + (1 << 51)) >> 52;
    let k = k.cast_signed();
    let scaled = low * power_of_two(k);
    let u = (high - scaled) / (high + scaled);
    // |u| ≤ 0.2005, so that 14 terms of atanh leave less than 10⁻²⁰ of it.
    let square = u * u;
    let sum = (1..14).rev().fold(0.0, |sum, n| (sum + 1.0 / f64::from(2 * n + 1)) * square);
    let count = k as f64;
    count * LN_2_HIGH + (count * LN_2_LOW + 2.0 * (u + u * sum))
}

/// 2ᵏ for −1022 ≤ k ≤ 1023.
fn power_of_two(k: i64) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::{exp, ln_ratio};

    /// Relative error in units of 2⁻⁵³.
    fn error(got: f64, want: f64) -> f64 {
        (got - want).abs() / want.abs() * 2f64.powi(53)
    }

    #[test]
    fn exp_is_within_two_units_of_known_values() {
        // Arguments are exact in binary; values by mpmath at 40 digits.
        for (x, want) in [
            (0.0, 1.0),
            (1.0, core::f64::consts::E),
            (-1.0, 0.367_879_441_171_442_33),
            (0.5, 1.648_721_270_700_128_2),
            (-37.5, 5.175_555_005_801_869e-17),
            (-650.0, 5.111_951_948_651_156e-283),
            (700.0, 1.014_232_054_735_004_5e304),
        ] {
            assert!(error(exp(x), want) <= 2.0, "exp({x}) = {:e}", exp(x));
        }
        assert_eq!(exp(-701.0), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    }

    #[test]
    fn ln_ratio_keeps_relative_accuracy_at_the_money() {
        let ulp = f64::EPSILON;
        assert_eq!(ln_ratio(100.0, 100.0), 0.0);
        assert!(error(ln_ratio(1.0 + ulp, 1.0), ulp - ulp * ulp / 2.0) <= 2.0);
        assert!(error(ln_ratio(1.0 + 1024.0 * ulp, 1.0), 2.273_736_754_432_062e-13) <= 2.0);
        assert!(error(ln_ratio(24_000.0, 23_950.0), 0.002_085_506_491_021_378) <= 2.0);
        assert!(error(ln_ratio(3.0, 2.0), 0.405_465_108_108_164_4) <= 2.0);
        assert!(error(ln_ratio(2.0, 1.0), core::f64::consts::LN_2) <= 2.0);
        assert!(error(ln_ratio(1e100, 1e-100), 460.517_018_598_809_1) <= 2.0);
    }
}
