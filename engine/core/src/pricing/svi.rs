//! The raw SVI smile of one expiry, and what makes it free of arbitrage.
//!
//! Total variance (volatility squared times years) over log-moneyness k = ln(K/F) is
//! w(k) = a + b (ρ (k − m) + √((k − m)² + σ²)). J. Gatheral and A. Jacquier (2014), "Arbitrage-free
//! SVI volatility surfaces", Quantitative Finance 14, section 3.
//!
//! Free of butterfly arbitrage means that the implied density is nowhere negative: Durrleman's
//! g(k) = (1 − k w'/(2w))² − w'²/4 (1/w + 1/4) + w''/2 is not, and no wing is steeper than 2. Free
//! of calendar arbitrage means that no total variance is less than an earlier expiry's at any k.

use super::elementary::exp;

/// Raw parameters. Level and slopes are of total variance, places of log-moneyness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Svi {
    /// The level.
    pub a: f64,
    /// Half the sum of the wings' slopes; not negative.
    pub b: f64,
    /// The lean, from −1 (only the left wing rises) to 1.
    pub rho: f64,
    /// Where the wings' asymptotes meet.
    pub m: f64,
    /// How wide the bend between the wings is; positive.
    pub sigma: f64,
}

/// Half the width of the grid of [`Svi::butterfly_margin`], in x with k = m + σ sinh x: eleven
/// thousand σ, where the wings are straight to the last place.
const X_MAX: f64 = 10.0;
const X_STEPS: u32 = 160;
/// sinh of 0, 0.375, 0.75 ... 5.25: places for [`Svi::is_surely_above`].
const SINH: [f64; 15] = [
    0.0, 0.383851, 0.822317, 1.377782, 2.129279, 3.183732, 4.691168, 6.866067, 10.017875,
    14.595033, 21.248782, 30.925823, 45.003011, 65.483259, 95.280510,
];

/// What a margin must reach to prove that there is no butterfly arbitrage: between two places of the
/// grid g may have two minima, of which one is found.
pub const PROOF: f64 = 1e-6;
/// Below this a minimum on the grid is looked at closely.
const NEAR: f64 = 0.1;

impl Svi {
    /// The same total variance at every strike.
    #[must_use]
    pub const fn flat(total_variance: f64) -> Self {
        Self { a: total_variance, b: 0.0, rho: 0.0, m: 0.0, sigma: 0.1 }
    }

    /// Total variance at log-moneyness `k`.
    #[must_use]
    pub fn total_variance(&self, k: f64) -> f64 {
        let y = k - self.m;
        self.a + self.b * (self.rho * y + (y * y + self.sigma * self.sigma).sqrt())
    }

    /// dw/dk.
    #[must_use]
    pub fn slope(&self, k: f64) -> f64 {
        let y = k - self.m;
        self.b * (self.rho + y / (y * y + self.sigma * self.sigma).sqrt())
    }

    /// The volatility at `k`, as a fraction; NaN where total variance is negative.
    #[must_use]
    pub fn vol(&self, k: f64, years: f64) -> f64 {
        (self.total_variance(k) / years).sqrt()
    }

    /// Slopes of the left and the right wing, both counted outwards: b (1 − ρ) and b (1 + ρ).
    #[must_use]
    pub fn wings(&self) -> [f64; 2] {
        [self.b * (1.0 - self.rho), self.b * (1.0 + self.rho)]
    }

    /// The least total variance of any strike.
    #[must_use]
    pub fn minimum(&self) -> f64 {
        self.a + self.b * self.sigma * (1.0 - self.rho * self.rho).max(0.0).sqrt()
    }

    /// Durrleman's g at `k`: the implied density over that of the lognormal with the same variance.
    #[must_use]
    pub fn density(&self, k: f64) -> f64 {
        let y = k - self.m;
        let z = (y * y + self.sigma * self.sigma).sqrt();
        let w = self.a + self.b * (self.rho * y + z);
        let slope = self.b * (self.rho + y / z);
        let bend = self.b * self.sigma * self.sigma / (z * z * z);
        let rest = 1.0 - k * slope / (2.0 * w);
        rest * rest - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * bend
    }

    /// The least g of any strike, or what is missing to a condition beside it: the least total
    /// variance where that is not positive, 2 less the steeper wing where that exceeds 2. Negative
    /// where there is butterfly arbitrage. NaN where a parameter is.
    ///
    /// Cost: 161 values of g, more where it is small.
    #[must_use]
    pub fn butterfly_margin(&self) -> f64 {
        let [left, right] = self.wings();
        let steepest = left.max(right);
        if !(self.minimum() > 0.0 && self.sigma > 0.0 && left >= 0.0 && right >= 0.0) {
            let least = self.minimum().min(self.sigma).min(left).min(right);
            return if self.is_finite() { least.min(-f64::MIN_POSITIVE) } else { f64::NAN };
        }
        if steepest > 2.0 {
            return 2.0 - steepest;
        }
        let wing = 0.25 - steepest * steepest / 16.0;
        wing.min(self.least(|k| self.density(k)))
    }

    /// Whether no butterfly has a negative price: the margin is at least [`PROOF`].
    #[must_use]
    pub fn is_butterfly_free(&self) -> bool {
        self.butterfly_margin() >= PROOF
    }

    /// The least of this total variance over that of `earlier` less 1, over all strikes, or the
    /// difference of the wings' slopes where that is negative. Not negative exactly where there is
    /// no calendar arbitrage, to within 1e-11 of what is compared.
    #[must_use]
    pub fn calendar_margin(&self, earlier: &Self) -> f64 {
        let [left, right] = self.wings();
        let [left_before, right_before] = earlier.wings();
        let slopes = (left - left_before).min(right - right_before);
        if slopes < -1e-12 * (left_before + right_before) {
            return slopes;
        }
        let ratio = |k: f64| {
            let before = earlier.total_variance(k);
            (self.total_variance(k) - before) / before.max(f64::MIN_POSITIVE) + 1e-11
        };
        // The bends of either smile are seen by its own grid.
        self.least(ratio).min(earlier.least(ratio))
    }

    /// Whether convexity alone shows that no total variance is less than that of `earlier`: a quick
    /// answer that may be no where the truth is yes.
    ///
    /// Between two places `earlier` is below its chord and this smile above its tangents; outside
    /// them `earlier` rises no faster than its wing.
    pub(super) fn is_surely_above(&self, earlier: &Self) -> bool {
        let [left, right] = earlier.wings();
        // The place, this smile's value and slope, and the other's value.
        let look = |sinh: f64| {
            let k = self.m + self.sigma * sinh;
            [k, self.total_variance(k), self.slope(k), earlier.total_variance(k)]
        };
        let last = SINH.len() - 1;
        let mut before = look(-SINH[last]);
        if before[1] < before[3] || -before[2] < left {
            return false;
        }
        let places = SINH[1..last].iter().rev().map(|x| -x).chain(SINH);
        for sinh in places {
            let after = look(sinh);
            let ([k, w, slope, low], [l, v, tilt, high]) = (before, after);
            // Where the tangents meet, the lower bound is least.
            let turn = if tilt > slope {
                ((w - v + tilt * l - slope * k) / (tilt - slope)).max(k).min(l)
            } else {
                k
            };
            let chord = low + (high - low) * ((turn - k) / (l - k));
            let tangents = (w + slope * (turn - k)).max(v + tilt * (turn - l));
            if v < high || tangents < chord {
                return false;
            }
            before = after;
        }
        before[2] >= right
    }

    /// Every parameter a number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        [self.a, self.b, self.rho, self.m, self.sigma].iter().all(|x| x.is_finite())
    }

    /// m + σ sinh x.
    pub(super) fn place(&self, x: f64) -> f64 {
        self.m + self.sigma * 0.5 * (exp(x) - exp(-x))
    }

    /// The least of `f` over all places, looked at closely where it is small.
    fn least(&self, f: impl Fn(f64) -> f64) -> f64 {
        let step = 2.0 * X_MAX / f64::from(X_STEPS);
        let place = |i: u32| -X_MAX + step * f64::from(i);
        let f = |x: f64| f(self.place(x));
        let (mut before, mut here) = (f64::INFINITY, f(place(0)));
        let mut least = here;
        for i in 0..=X_STEPS {
            let after = if i < X_STEPS { f(place(i + 1)) } else { f64::INFINITY };
            least = least.min(here);
            if here <= before && here <= after && here < NEAR {
                least = least.min(golden_section(f, place(i) - step, place(i) + step));
            }
            (before, here) = (here, after);
        }
        least
    }
}

/// The least `f` between two places, where it has one minimum.
fn golden_section(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let mut inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    let mut values = inner.map(&f);
    for _ in 0..24 {
        if values[0] < values[1] {
            high = inner[1];
            inner = [high - GOLDEN * (high - low), inner[0]];
            values = [f(inner[0]), values[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + GOLDEN * (high - low)];
            values = [values[1], f(inner[1])];
        }
    }
    values[0].min(values[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::svi_tests::{Random, smile};

    /// A. Vogt's smile, which has butterfly arbitrage: Gatheral and Jacquier (2014), section 3.1.
    const VOGT: Svi = Svi { a: -0.0410, b: 0.1331, rho: 0.3060, m: 0.3586, sigma: 0.4153 };

    #[test]
    fn published_smiles() {
        let svi = Svi { a: -0.0666, b: 0.229, rho: 0.439, m: 0.193, sigma: 0.337 };
        assert!((svi.total_variance(0.193) - 0.010_573).abs() < 1e-17);
        // The jump-wing forms of Vogt's smile at one year.
        let w = VOGT.total_variance(0.0);
        let root = w.sqrt();
        let [left, right] = VOGT.wings();
        assert!((w - 0.017_426_252_555_159_123).abs() < 1e-16);
        assert!((VOGT.slope(0.0) / (2.0 * root) + 0.175_211_140_809_125_06).abs() < 1e-14);
        assert!((left / root - 0.699_738_104_116_808_5).abs() < 1e-14);
        assert!((right / root - 1.316_798_218_986_386).abs() < 1e-14);
        assert!((VOGT.minimum() - 0.011_624_903_235_477_876).abs() < 1e-16);
    }

    #[test]
    fn butterfly_arbitrage_is_seen() {
        assert!(!VOGT.is_butterfly_free());
        // The paper's repair of it: c and the minimum of the jump wings changed.
        let margin = VOGT.butterfly_margin();
        assert!(-0.1 < margin && margin < -0.01, "{margin}");
        assert!(Svi::flat(0.01).is_butterfly_free());
        assert!(!Svi::flat(0.0).is_butterfly_free());
        assert!(!Svi { b: 1.5, rho: 0.5, ..Svi::flat(0.5) }.is_butterfly_free());
        assert!(Svi { a: f64::NAN, ..VOGT }.butterfly_margin().is_nan());
        // Raising a smile never makes arbitrage.
        let raised = Svi { a: 0.1, ..VOGT };
        assert!(raised.is_butterfly_free());
        // Two dips between two places of the grid; the closer look finds the other one.
        let dip = Svi {
            a: -3.305596763609559e-5,
            b: 0.0017774771986763741,
            rho: -0.9956481242170844,
            m: 0.11183055826605025,
            sigma: 0.2322378933437927,
        };
        assert!(dip.density(4.576_450_190_936_032) < 0.0);
        assert!(!dip.is_butterfly_free());
    }

    #[test]
    fn density_agrees_with_differences() {
        let svi = Svi { a: 0.001, b: 0.03, rho: -0.4, m: 0.01, sigma: 0.05 };
        for i in -10..=10 {
            let (k, h) = (0.02 * f64::from(i), 1e-4);
            let [low, w, high] = [-h, 0.0, h].map(|d| svi.total_variance(k + d));
            let slope = (high - low) / (2.0 * h);
            let bend = (high - 2.0 * w + low) / (h * h);
            assert!((svi.slope(k) - slope).abs() < 1e-6);
            let rest = 1.0 - k * slope / (2.0 * w);
            let g = rest * rest - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * bend;
            assert!((svi.density(k) - g).abs() < 1e-4, "{k}: {} {g}", svi.density(k));
        }
    }

    #[test]
    fn what_is_surely_above_is_above() {
        let mut random = Random(7);
        let (mut sure, mut above) = (0, 0);
        for case in 0..4_000 {
            let earlier = smile(&mut random);
            let by = random.uniform(0.9, 1.6);
            let later = Svi {
                a: earlier.a * by * random.uniform(0.8, 1.3),
                b: earlier.b * by,
                rho: earlier.rho + random.uniform(-0.1, 0.1),
                m: earlier.m,
                sigma: earlier.sigma * random.uniform(0.8, 1.2),
            };
            let is_above = later.calendar_margin(&earlier) >= 0.0;
            let is_sure = later.is_surely_above(&earlier);
            assert!(is_above || !is_sure, "{case}: {later:?} {earlier:?}");
            (sure, above) = (sure + u32::from(is_sure), above + u32::from(is_above));
        }
        assert!(above > 1_000 && sure * 10 > above * 7, "{sure} of {above}");
    }

    #[test]
    fn calendar_arbitrage_is_seen() {
        let early = Svi { a: 0.001, b: 0.03, rho: -0.4, m: 0.01, sigma: 0.05 };
        assert!(early.calendar_margin(&early) >= 0.0);
        assert!(Svi { a: 0.0011, ..early }.calendar_margin(&early) >= 0.0);
        assert!(Svi { a: 0.0009, ..early }.calendar_margin(&early) < 0.0);
        // Flatter wings cross somewhere, however far.
        assert!(Svi { a: 5.0, b: 0.029, ..early }.calendar_margin(&early) < 0.0);
        assert!(Svi { m: 0.2, ..early }.calendar_margin(&early) < 0.0);
    }
}
