//! Total variance over strikes by a robust smoothing spline, where a smile of five parameters asks too
//! much of the quotes or cannot follow them.
//!
//! The curve is the natural cubic spline f through at most [`KNOTS_MAX`] places that makes
//! Σ weight (w − f)² + λ ∫ f''² least (C. Reinsch 1967, "Smoothing by spline functions"), with
//! λ = mean weight × (mean distance of knots)³: a bend of one knot is smoothed away, one of several is
//! kept. Three more rounds weigh outliers down by Tukey's biweight of six median deviations (W. Cleveland
//! 1979, robust locally weighted regression). Between knots it is cubic; outside a straight line, whose
//! slope is held between 0 and 2 outwards, as a wing without arbitrage has it. No total variance is less
//! than a tenth of the least quote. Nothing here proves that there is no arbitrage: see
//! [`Spline::butterfly_margin`].

use super::svi_fit::SviQuotes;

/// Knots of a spline. More quotes than these are gathered, neighbours first, into their means.
pub const KNOTS_MAX: usize = 32;
const ROUNDS: u32 = 4;
const WING_MAX: f64 = 2.0;

/// A smoothed curve of total variance over log-moneyness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spline {
    count: usize,
    k: [f64; KNOTS_MAX],
    w: [f64; KNOTS_MAX],
    /// Second derivatives.
    bend: [f64; KNOTS_MAX],
    floor: f64,
}

/// A knot before smoothing.
#[derive(Clone, Copy, Debug, Default)]
struct Knot {
    k: f64,
    w: f64,
    weight: f64,
}

impl Spline {
    /// The spline of `quotes`, sorted by k; `None` when no quote takes part. One quote makes a flat
    /// curve, two a straight one.
    #[must_use]
    pub fn of(quotes: &SviQuotes<'_>) -> Option<Self> {
        let mut knots = [Knot::default(); KNOTS_MAX];
        let count = gather(quotes, &mut knots);
        let knots = &knots[..count];
        if knots.is_empty() {
            return None;
        }
        let least = knots.iter().map(|knot| knot.w).fold(f64::INFINITY, f64::min);
        let zero = [0.0; KNOTS_MAX];
        let mut spline = Self { count, k: zero, w: zero, bend: zero, floor: 0.1 * least };
        let mut robust = [1.0; KNOTS_MAX];
        for (i, knot) in knots.iter().enumerate() {
            (spline.k[i], spline.w[i]) = (knot.k, knot.w);
        }
        if count > 2 {
            for _ in 0..ROUNDS {
                spline.smooth(knots, &robust);
                spline.reweigh(knots, &mut robust);
            }
        }
        Some(spline)
    }

    /// Total variance at log-moneyness `k`.
    #[must_use]
    pub fn total_variance(&self, k: f64) -> f64 {
        self.at(k)[0].max(self.floor)
    }

    /// dw/dk.
    #[must_use]
    pub fn slope(&self, k: f64) -> f64 {
        let [w, slope, _] = self.at(k);
        if w > self.floor { slope } else { 0.0 }
    }

    /// The least g of Durrleman within the knots and a little outside: eight places a knot. Negative
    /// where there is butterfly arbitrage.
    #[must_use]
    pub fn butterfly_margin(&self) -> f64 {
        let (low, high) = (self.k[0], self.k[self.count - 1]);
        let room = 0.25 * (high - low);
        let places = 8 * self.count as u32 + 8;
        let step = (high - low + 2.0 * room) / f64::from(places);
        let g = |i: u32| {
            let k = low - room + step * f64::from(i);
            let [w, slope, bend] = self.at(k);
            let rest = 1.0 - k * slope / (2.0 * w);
            let g = rest * rest - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * bend;
            if w > self.floor { g } else { -1.0 }
        };
        (0..=places).map(g).fold(f64::INFINITY, f64::min)
    }

    /// Weighted root mean square distance from `quotes`.
    #[must_use]
    pub fn error(&self, quotes: &SviQuotes<'_>) -> f64 {
        let (mut square, mut total) = (0.0, 0.0);
        for [k, w, weight] in quotes.rows() {
            let off = self.total_variance(k) - w;
            square += weight * off * off;
            total += weight;
        }
        (square / total).sqrt()
    }

    /// Value and first two derivatives, the floor left out.
    fn at(&self, k: f64) -> [f64; 3] {
        let last = self.count - 1;
        if last == 0 {
            return [self.w[0], 0.0, 0.0];
        }
        if k <= self.k[0] {
            let slope = self.end_slope(0).clamp(-WING_MAX, 0.0);
            return [self.w[0] + slope * (k - self.k[0]), slope, 0.0];
        }
        if k >= self.k[last] {
            let slope = self.end_slope(last - 1).clamp(0.0, WING_MAX);
            return [self.w[last] + slope * (k - self.k[last]), slope, 0.0];
        }
        let i = self.k[1..last].partition_point(|&knot| knot <= k);
        let h = self.k[i + 1] - self.k[i];
        let (t, u) = ((k - self.k[i]) / h, (self.k[i + 1] - k) / h);
        let (b, c) = (self.bend[i], self.bend[i + 1]);
        let sixth = h * h / 6.0;
        [
            u * self.w[i] + t * self.w[i + 1] + sixth * ((u * u * u - u) * b + (t * t * t - t) * c),
            (self.w[i + 1] - self.w[i]) / h
                + h / 6.0 * ((1.0 - 3.0 * u * u) * b + (3.0 * t * t - 1.0) * c),
            u * b + t * c,
        ]
    }

    /// The slope at the outer end of the first or the last interval, where nothing bends.
    fn end_slope(&self, i: usize) -> f64 {
        let h = self.k[i + 1] - self.k[i];
        let chord = (self.w[i + 1] - self.w[i]) / h;
        if i == 0 { chord - h / 6.0 * self.bend[1] } else { chord + h / 6.0 * self.bend[i] }
    }

    /// Reinsch's equations (R + λ QᵀW⁻¹Q) γ = Qᵀw for the second derivatives γ of the inner knots,
    /// by elimination in a band of two.
    fn smooth(&mut self, knots: &[Knot], robust: &[f64; KNOTS_MAX]) {
        let n = self.count;
        let weight = |i: usize| knots[i].weight * robust[i].max(1e-6);
        let mean = (0..n).map(weight).sum::<f64>() / n as f64;
        let distance = (self.k[n - 1] - self.k[0]) / (n - 1) as f64;
        let lambda = mean * distance * distance * distance;
        let h = |i: usize| knots[i + 1].k - knots[i].k;
        // Row i of Qᵀ on the knots i − 1, i, i + 1.
        let q = |i: usize| [1.0 / h(i - 1), -1.0 / h(i - 1) - 1.0 / h(i), 1.0 / h(i)];
        let mut band = [[0.0; 3]; KNOTS_MAX];
        let mut x = [0.0; KNOTS_MAX];
        for i in 1..n - 1 {
            let here = q(i);
            let share = |j: usize| lambda / weight(j);
            x[i] = (0..3).map(|j| here[j] * knots[i + j - 1].w).sum();
            let own: f64 = (0..3).map(|j| here[j] * here[j] * share(i + j - 1)).sum();
            band[i][0] = (h(i - 1) + h(i)) / 3.0 + own;
            if i + 1 < n - 1 {
                let next = q(i + 1);
                let both = here[1] * next[0] * share(i) + here[2] * next[1] * share(i + 1);
                band[i][1] = h(i) / 6.0 + both;
            }
            if i + 2 < n - 1 {
                band[i][2] = here[2] * q(i + 2)[0] * share(i + 1);
            }
        }
        solve_band(&mut band[1..n - 1], &mut x[1..n - 1]);
        self.bend = x;
        for (i, knot) in knots.iter().enumerate() {
            let pull = |j: usize, part: usize| {
                if 0 < j && j < n - 1 { q(j)[part] * x[j] } else { 0.0 }
            };
            let before = if i > 0 { pull(i - 1, 2) } else { 0.0 };
            self.w[i] = knot.w - lambda / weight(i) * (before + pull(i, 1) + pull(i + 1, 0));
        }
    }

    fn reweigh(&self, knots: &[Knot], robust: &mut [f64; KNOTS_MAX]) {
        let n = self.count;
        let mut sorted = [0.0; KNOTS_MAX];
        let off = |i: usize| ((knots[i].w - self.w[i]) / knots[i].w).abs();
        for (i, each) in sorted[..n].iter_mut().enumerate() {
            *each = off(i);
        }
        sorted[..n].sort_unstable_by(f64::total_cmp);
        // What every quote may be off by without being an outlier: a fiftieth of its variance.
        let scale = (6.0 * sorted[n / 2]).max(0.02);
        for (i, each) in robust[..n].iter_mut().enumerate() {
            let part = (off(i) / scale).min(1.0);
            *each = (1.0 - part * part) * (1.0 - part * part);
        }
    }
}

/// Solves a symmetric system whose row i holds the diagonal and the two elements right of it.
fn solve_band(band: &mut [[f64; 3]], x: &mut [f64]) {
    let n = x.len();
    for i in 0..n {
        let [pivot, first, second] = band[i];
        if i + 1 < n {
            let factor = first / pivot;
            band[i + 1][0] -= factor * first;
            band[i + 1][1] -= factor * second;
            x[i + 1] -= factor * x[i];
        }
        if i + 2 < n {
            let factor = second / pivot;
            band[i + 2][0] -= factor * second;
            x[i + 2] -= factor * x[i];
        }
    }
    for i in (0..n).rev() {
        let one = if i + 1 < n { band[i][1] * x[i + 1] } else { 0.0 };
        let two = if i + 2 < n { band[i][2] * x[i + 2] } else { 0.0 };
        x[i] = (x[i] - one - two) / band[i][0];
    }
}

/// Fills `knots` in order of k and returns how many: a quote each, or of more quotes the weighted means of
/// equal parts of the range.
fn gather(quotes: &SviQuotes<'_>, knots: &mut [Knot; KNOTS_MAX]) -> usize {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut count = 0;
    for [k, ..] in quotes.rows() {
        (low, high) = (low.min(k), high.max(k));
        count += 1;
    }
    let is_few = count <= KNOTS_MAX;
    for (used, [k, w, weight]) in quotes.rows().enumerate() {
        let at = if is_few {
            used
        } else {
            let part = (k - low) / (high - low) * KNOTS_MAX as f64;
            (part as usize).min(KNOTS_MAX - 1)
        };
        let knot = &mut knots[at];
        knot.k += weight * k;
        knot.w += weight * w;
        knot.weight += weight;
    }
    for knot in knots.iter_mut().filter(|knot| knot.weight > 0.0) {
        (knot.k, knot.w) = (knot.k / knot.weight, knot.w / knot.weight);
    }
    // What is empty goes last; of places closer than rounding one is kept.
    knots.sort_unstable_by(|a, b| {
        let place = |knot: &Knot| if knot.weight > 0.0 { knot.k } else { f64::INFINITY };
        place(a).total_cmp(&place(b))
    });
    let mut kept: usize = 0;
    for i in 0..KNOTS_MAX {
        let is_new = kept == 0 || knots[i].k > knots[kept - 1].k + 1e-9 * (high - low);
        if knots[i].weight > 0.0 && is_new {
            knots[kept] = knots[i];
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::Svi;
    use crate::pricing::svi_tests::{Quotes, Random, smile};

    fn of(points: &[(f64, f64)]) -> Spline {
        let (k, w): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let weight = vec![1.0; k.len()];
        Spline::of(&SviQuotes { k: &k, total_variance: &w, weight: &weight }).unwrap()
    }

    #[test]
    fn few_quotes_are_kept() {
        let one = of(&[(0.1, 0.02)]);
        assert_eq!((one.total_variance(-3.0), one.slope(0.1)), (0.02, 0.0));
        let two = of(&[(0.1, 0.02), (-0.1, 0.04)]);
        assert!((two.total_variance(0.0) - 0.03).abs() < 1e-15);
        // The falling side goes on flat, the rising side straight.
        assert!((two.total_variance(-0.2) - 0.05).abs() < 1e-15);
        assert_eq!(two.total_variance(0.5), 0.02);
        assert!(
            Spline::of(&SviQuotes { k: &[1.0], total_variance: &[0.0], weight: &[1.0] }).is_none()
        );
    }

    /// A straight line costs nothing, so smoothing leaves it; and the minimum is one.
    #[test]
    fn the_curve_minimises_what_it_says() {
        let line: Vec<(f64, f64)> =
            (0..9).map(|i| (0.1 * f64::from(i), 1.0 + 0.05 * f64::from(i))).collect();
        let spline = of(&line);
        for &(k, w) in &line {
            assert!((spline.total_variance(k) - w).abs() < 1e-12, "{k}");
        }
        // At the minimum the pulls balance: residuals sum to nothing, and so do their moments; and
        // the curve is smooth at its knots.
        let points = [(0.0, 1.0), (0.1, 1.015), (0.25, 0.995), (0.3, 1.005), (0.5, 1.01)];
        let mut spline = of(&points);
        let knots = points.map(|(k, w)| Knot { k, w, weight: 1.0 + k });
        spline.smooth(&knots, &[1.0; KNOTS_MAX]);
        let off = |knot: &Knot| knot.weight * (knot.w - spline.total_variance(knot.k));
        let sum: f64 = knots.iter().map(off).sum();
        let moment: f64 = knots.iter().map(|knot| knot.k * off(knot)).sum();
        assert!(sum.abs() < 1e-12 && moment.abs() < 1e-12, "{sum} {moment}");
        assert!(knots.iter().map(|knot| off(knot).abs()).fold(0.0, f64::max) > 1e-3);
        for (k, _) in &points[1..4] {
            let [before, after] = [k - 1e-9, k + 1e-9].map(|k| spline.slope(k));
            assert!((before - after).abs() < 1e-6, "{k}: {before} {after}");
        }
    }

    #[test]
    fn an_outlier_hardly_moves_it() {
        let mut random = Random(11);
        let (mut sum, mut worst) = (0.0, 0.0f64);
        for _ in 0..500 {
            let svi = smile(&mut random);
            let mut quotes = Quotes::of(&svi, 15, 2.0, 0.002, &mut random);
            quotes.weight.fill(1.0);
            quotes.w[6] *= 1.5;
            let spline = Spline::of(&quotes.columns()).unwrap();
            let off = |k: &f64| (spline.total_variance(*k) / svi.total_variance(*k) - 1.0).abs();
            sum += off(&quotes.k[6]);
            worst = quotes.k.iter().map(off).fold(worst, f64::max);
        }
        // Of the half that it is off. Without the biweights it is 0.25 in the mean.
        assert!(sum < 500.0 * 0.08 && worst < 0.4, "{sum} {worst}");
    }

    #[test]
    fn more_quotes_than_knots_are_gathered() {
        let svi = Svi { a: 0.001, b: 0.03, rho: -0.4, m: 0.01, sigma: 0.05 };
        let quotes = Quotes::of(&svi, 200, 3.0, 0.0, &mut Random(12));
        let spline = Spline::of(&quotes.columns()).unwrap();
        for &k in &quotes.k {
            let off = (spline.total_variance(k) / svi.total_variance(k) - 1.0).abs();
            assert!(off < 0.03, "{k}: {off}");
            let by = 1e-6;
            let slope =
                (spline.total_variance(k + by) - spline.total_variance(k - by)) / (2.0 * by);
            assert!((spline.slope(k) - slope).abs() < 1e-5);
        }
        assert!(spline.error(&quotes.columns()) < 0.01 * svi.total_variance(0.0));
        assert!(spline.butterfly_margin() > 0.0);
    }
}
