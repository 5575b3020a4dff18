//! The fit of raw SVI to the total variances of one expiry, and its scalar reference.
//!
//! For a given place m and width σ of the bend the smile is linear in what is left, the level and
//! the slopes of the two wings: w = A + R p + L q with y = k − m, z = √(y² + σ²),
//! p = (z − σ + y)/2 and q = (z − σ − y)/2. Those three are solved for exactly, the slopes within 0
//! and 2, so that only two unknowns are searched, by Levenberg and Marquardt's method on the
//! projected equations (variable projection: G. Golub and V. Pereyra 1973, with L. Kaufman's 1975
//! Jacobian; of SVI: Zeliade Systems 2009, "Quasi-explicit calibration of Gatheral's SVI model").
//! One pass over the quotes gives everything a step needs: the sums of products of p, q, their
//! derivatives and the residual. Residuals are of the last linear solution, so each pass also
//! refines the one before and nothing is lost to the normal equations.
//!
//! Nothing here removes arbitrage beyond the wings: see `repair.rs`.

use super::svi::Svi;

/// Weighted total variances of one expiry as columns.
///
/// Shape: a fit stops at the shortest column. A row takes part when its weight is positive and all
/// three are finite numbers, the total variance positive and |k| at most 1,000.
#[derive(Clone, Copy, Debug)]
pub struct SviQuotes<'a> {
    /// Log-moneyness, ln(K/F), in any order.
    pub k: &'a [f64],
    /// Total variance: implied volatility squared times years.
    pub total_variance: &'a [f64],
    /// The weight of the squared error of total variance; see [`quote_weight`].
    pub weight: &'a [f64],
}

/// What a fit came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SviFit {
    /// The smile.
    pub svi: Svi,
    /// Weighted root mean square error of total variance.
    pub error: f64,
    /// The least g of Durrleman on a coarse grid of 64 places: a screen, not a proof. From
    /// [`SCREEN_MARGIN`] on there is no butterfly arbitrage.
    pub margin: f64,
    /// Passes over the quotes.
    pub passes: u32,
    /// Quotes that took part; with fewer than [`SVI_QUOTES_MIN`] nothing is fitted, and all else
    /// is NaN.
    pub used: usize,
}

/// The largest |ln(K/F)| that takes part, and the least range of them: beyond, products leave the range
/// of numbers.
const K_MAX: f64 = 1e3;
const WIDTH_MIN: f64 = 1e-12;
/// Quotes that five parameters need.
pub const SVI_QUOTES_MIN: usize = 5;
/// What the screen of a fit asks for before its word is taken.
pub const SCREEN_MARGIN: f64 = 0.1;
/// The steepest wing: 2 is where arbitrage begins (R. Lee 2004, "The moment formula").
pub(super) const WING_MAX: f64 = 2.0 - 1e-9;
/// The bend's width lies between these parts of the quotes' range of k.
pub(super) const SIGMA_MIN: f64 = 1.0 / 256.0;
pub(super) const SIGMA_MAX: f64 = 1.0;
/// How far outside the quotes the bend may be, in their range.
pub(super) const REACH: f64 = 0.5;
const PASSES_MAX: u32 = 64;
/// The fit ends when a step promises less than this part of the squared error ...
const GAIN_MIN: f64 = 1e-8;
/// ... or when that is less than this part of the squared variances.
const NOTHING: f64 = 1e-28;
const DAMPING_MIN: f64 = 1e-9;
const DAMPING_REJECTED: f64 = 0.1;
const DAMPING_MAX: f64 = 1e9;
const RIDGE: f64 = 1.0 + 1e-13;

impl SviQuotes<'_> {
    /// The length of the shortest column.
    #[must_use]
    pub fn len(&self) -> usize {
        self.k.len().min(self.total_variance.len()).min(self.weight.len())
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows that take part.
    pub(super) fn rows(&self) -> impl Iterator<Item = [f64; 3]> {
        let rows = self.k.iter().zip(self.total_variance).zip(self.weight);
        rows.map(|((&k, &w), &weight)| [k, w, weight]).filter(|&[k, w, weight]| {
            let is_finite = k.abs() <= K_MAX && w < f64::INFINITY;
            is_finite && w > 0.0 && 0.0 < weight && weight < f64::INFINITY
        })
    }
}

impl SviFit {
    /// What too few quotes give.
    #[must_use]
    pub const fn none(used: usize) -> Self {
        let nan = f64::NAN;
        let svi = Svi { a: nan, b: nan, rho: nan, m: nan, sigma: nan };
        Self { svi, error: nan, margin: nan, passes: 0, used }
    }

    /// Whether there is a smile.
    #[must_use]
    pub fn is_some(&self) -> bool {
        self.svi.is_finite()
    }
}

/// The weight of a quote: what its squared error of total variance is in squared half-widths of its
/// market, times its liquidity.
///
/// A change dv of volatility is dw = 2 vol years dv of total variance and vega dv of money. Zero
/// where an input is not positive.
///
/// ```
/// use tezi_core::pricing::quote_weight;
/// let near = quote_weight(0.12, 0.05, 2_100.0, 0.5, 1.0);
/// let wing = quote_weight(0.18, 0.05, 150.0, 0.5, 1.0);
/// assert!(near > 100.0 * wing);
/// ```
#[must_use]
pub fn quote_weight(vol: f64, years: f64, vega: f64, spread: f64, liquidity: f64) -> f64 {
    let money = vega / (2.0 * vol * years * spread);
    let weight = money * money * liquidity;
    let is_good = vol > 0.0 && years > 0.0 && vega > 0.0 && spread > 0.0 && liquidity > 0.0;
    if is_good && weight < f64::INFINITY { weight } else { 0.0 }
}

/// The least-squares smile by the scalar method of this file, from `start` or, without a good one,
/// from the best of nine places.
#[must_use]
pub(super) fn reference(quotes: &SviQuotes<'_>, start: Option<&Svi>) -> SviFit {
    let Some(range) = Range::of(quotes) else {
        return SviFit::none(quotes.rows().count());
    };
    let mut search = Search { quotes, range, passes: 0 };
    let mut best = match start.filter(|svi| svi.is_finite() && svi.sigma > 0.0) {
        Some(svi) => search.pass(search.inside(svi.m, svi.sigma), Linear::of(svi)),
        None => search.cold(),
    };
    // From a start so far off that digits are lost, or from no number, nothing is better.
    let is_near = best.cost <= range.square;
    if !is_near {
        best = search.cold();
    }
    search.improve(&mut best);
    let svi = best.svi();
    let error = (best.cost / range.weight).sqrt();
    let margin = screen(&svi);
    SviFit { svi, error, margin, passes: search.passes, used: range.count }
}

/// The best smile with this place and width of the bend.
#[must_use]
pub(super) fn fixed(quotes: &SviQuotes<'_>, range: Range, m: f64, sigma: f64) -> Svi {
    let mut search = Search { quotes, range, passes: 0 };
    let first = search.pass([m, sigma], Linear::default());
    search.pass([m, sigma], first.linear).svi()
}

/// What the quotes span.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) width: f64,
    pub(super) weight: f64,
    /// Σ weight w².
    square: f64,
    pub(super) count: usize,
}

impl Range {
    /// `None` for too few quotes, or for all of them at one strike.
    pub(super) fn of(quotes: &SviQuotes<'_>) -> Option<Self> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut sum, mut square, mut count) = (0.0, 0.0, 0);
        for [k, w, weight] in quotes.rows() {
            (low, high) = (low.min(k), high.max(k));
            sum += weight;
            square += weight * w * w;
            count += 1;
        }
        let range = Self { low, width: high - low, weight: sum, square, count };
        (count >= SVI_QUOTES_MIN && range.width >= WIDTH_MIN && square < f64::INFINITY)
            .then_some(range)
    }
}

/// Level and wings.
#[derive(Clone, Copy, Debug, Default)]
struct Linear {
    level: f64,
    right: f64,
    left: f64,
}

impl Linear {
    fn of(svi: &Svi) -> Self {
        let [left, right] = svi.wings();
        Self { level: svi.a + svi.b * svi.sigma, right, left }
    }
}

/// A place and width of the bend with the best of all else, and the way on from there.
#[derive(Clone, Copy, Debug)]
struct Point {
    m: f64,
    sigma: f64,
    linear: Linear,
    cost: f64,
    /// The projected normal matrix of the derivatives by place and width: ss, st, tt.
    matrix: [f64; 3],
    gradient: [f64; 2],
}

impl Point {
    fn svi(&self) -> Svi {
        let Linear { level, right, left } = self.linear;
        let b = 0.5 * (right + left);
        let rho = if b > 0.0 { 0.5 * (right - left) / b } else { 0.0 };
        Svi { a: level - b * self.sigma, b, rho, m: self.m, sigma: self.sigma }
    }
}

/// The next place to try, and by how much the squared error should fall.
struct Step {
    m: f64,
    sigma: f64,
    gain: f64,
}

/// Weighted sums of products of p, q, s = y/z, t = σ/z − 1 and the residual r, about their means.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    mean: [f64; 5],
    /// pp pq ps pt pr, qq qs qt qr, ss st sr, tt tr, rr.
    product: [f64; 15],
}

struct Search<'a> {
    quotes: &'a SviQuotes<'a>,
    range: Range,
    passes: u32,
}

impl Search<'_> {
    fn inside(&self, m: f64, sigma: f64) -> [f64; 2] {
        let Range { low, width, .. } = self.range;
        let m = m.max(low - REACH * width).min(low + width + REACH * width);
        [m, sigma.max(SIGMA_MIN * width).min(SIGMA_MAX * width)]
    }

    fn cold(&mut self) -> Point {
        let Range { low, width, .. } = self.range;
        let places = [0.5, 0.3, 0.7].map(|part| low + part * width);
        let mut best: Option<Point> = None;
        for m in places {
            for sigma in [0.1, 0.3, 1.0].map(|part| part * width) {
                let point = self.pass([m, sigma], Linear::default());
                if best.is_none_or(|best| point.cost < best.cost) {
                    best = Some(point);
                }
            }
        }
        let best = best.unwrap_or_else(|| self.pass([low, width], Linear::default()));
        // The linear solution of a first pass is refined by a second.
        self.pass([best.m, best.sigma], best.linear)
    }

    /// Levenberg and Marquardt's search, damped by Nielsen's rule (H. B. Nielsen 1999): the
    /// better the equations foretold the last gain, the less.
    fn improve(&mut self, best: &mut Point) {
        let (mut damping, mut raise) = (1e-3, 2.0);
        while self.passes < PASSES_MAX && damping < DAMPING_MAX {
            if best.cost <= NOTHING * self.range.square {
                return;
            }
            let Some(Step { m, sigma, gain }) = self.step(best, damping) else { return };
            if gain <= GAIN_MIN * best.cost {
                return;
            }
            let trial = self.pass([m, sigma], best.linear);
            let ratio = (best.cost - trial.cost) / gain;
            if ratio > 0.0 {
                *best = trial;
                let surprise = 2.0 * ratio.min(1.0) - 1.0;
                damping *= (1.0 - surprise * surprise * surprise).max(0.1);
                damping = damping.max(DAMPING_MIN);
                raise = 2.0;
            } else {
                damping = (damping * raise).max(DAMPING_REJECTED);
                raise *= 2.0;
            }
        }
    }

    /// Where the damped equations lead; `None` when there is no way on.
    fn step(&self, from: &Point, damping: f64) -> Option<Step> {
        let bend = 0.5 * (from.linear.right + from.linear.left);
        let [ss, st, tt] = from.matrix;
        let [s, t] = from.gradient;
        let (ss_damped, tt_damped) = (ss * (1.0 + damping), tt * (1.0 + damping));
        let determinant = ss_damped * tt_damped - st * st;
        if !(bend > 0.0 && determinant > 0.0) {
            return None;
        }
        let mut by_s = (s * tt_damped - t * st) / determinant;
        let mut by_t = (t * ss_damped - s * st) / determinant;
        // At a bound that the step would cross, the other unknown is searched alone.
        let inside = |m: f64, sigma: f64| self.inside(m, sigma);
        let [m_next, sigma_next] = inside(from.m - by_s / bend, from.sigma + by_t / bend);
        if sigma_next == from.sigma {
            (by_s, by_t) = (s / ss_damped, 0.0);
        } else if m_next == from.m {
            (by_s, by_t) = (0.0, t / tt_damped);
        }
        let gain = by_s * (damping * ss * by_s + s) + by_t * (damping * tt * by_t + t);
        let limit = 0.5 * self.range.width;
        let m = from.m + (-by_s / bend).max(-limit).min(limit);
        let sigma = (from.sigma + by_t / bend).max(0.25 * from.sigma).min(4.0 * from.sigma);
        let [m, sigma] = inside(m, sigma);
        let is_still = m == from.m && sigma == from.sigma;
        (!is_still).then_some(Step { m, sigma, gain })
    }

    fn pass(&mut self, [m, sigma]: [f64; 2], near: Linear) -> Point {
        self.passes += 1;
        let sums = self.sums(m, sigma, near);
        solve(m, sigma, near, &sums, self.range.weight)
    }

    fn sums(&self, m: f64, sigma: f64, near: Linear) -> Sums {
        let mut sums = Sums::default();
        let square = sigma * sigma;
        for [k, w, weight] in self.quotes.rows() {
            let y = k - m;
            let z = (y * y + square).sqrt();
            let inverse = 1.0 / z;
            let h = z - sigma;
            let (p, q) = (0.5 * (h + y), 0.5 * (h - y));
            let (s, t) = (y * inverse, sigma * inverse - 1.0);
            let r = w - (near.level + near.right * p + near.left * q);
            let values = [p, q, s, t, r];
            let mut at = 0;
            for i in 0..5 {
                let weighted = weight * values[i];
                sums.mean[i] += weighted;
                for &value in &values[i..] {
                    sums.product[at] += weighted * value;
                    at += 1;
                }
            }
        }
        sums.centre(self.range.weight);
        sums
    }
}

impl Sums {
    /// Takes the level out: sums about the weighted means.
    fn centre(&mut self, weight: f64) {
        let mut at = 0;
        for i in 0..5 {
            let mean = self.mean[i] / weight;
            for j in i..5 {
                self.product[at] -= mean * self.mean[j];
                at += 1;
            }
        }
    }
}

/// The best wings and level for these sums, the cost that is left and the projected equations.
fn solve(m: f64, sigma: f64, near: Linear, sums: &Sums, weight: f64) -> Point {
    let [pp, pq, ps, pt, pr, qq, qs, qt, qr, ss, st, sr, tt, tr, rr] = sums.product;
    let (pp, qq) = (pp * RIDGE, qq * RIDGE);
    let determinant = pp * qq - pq * pq;
    let objective = |x: f64, y: f64| (0.5 * pp * x + pq * y - pr) * x + (0.5 * qq * y - qr) * y;
    let right = [-near.right, WING_MAX - near.right];
    let left = [-near.left, WING_MAX - near.left];
    let free = [(pr * qq - qr * pq) / determinant, (qr * pp - pr * pq) / determinant];
    let is_inside = |x: f64, [low, high]: [f64; 2]| low <= x && x <= high;
    let (mut wings, mut is_free) = (free, [true; 2]);
    if !(is_inside(free[0], right) && is_inside(free[1], left)) {
        let clamp = |x: f64, [low, high]: [f64; 2]| if x > low { x.min(high) } else { low };
        let given_right = |x: f64| [x, clamp((qr - pq * x) / qq, left)];
        let given_left = |y: f64| [clamp((pr - pq * y) / pp, right), y];
        let edges = [
            given_right(right[0]),
            given_right(right[1]),
            given_left(left[0]),
            given_left(left[1]),
        ];
        wings = edges[0];
        for edge in &edges[1..] {
            if objective(edge[0], edge[1]) < objective(wings[0], wings[1]) {
                wings = *edge;
            }
        }
        let is_within = |x: f64, [low, high]: [f64; 2]| low < x && x < high;
        is_free = [is_within(wings[0], right), is_within(wings[1], left)];
    }
    let [x, y] = wings;
    let level = (sums.mean[4] - sums.mean[0] * x - sums.mean[1] * y) / weight;
    let projected = |a: [f64; 2], b: [f64; 2]| match is_free {
        [true, true] => {
            (a[0] * (b[0] * qq - b[1] * pq) + a[1] * (b[1] * pp - b[0] * pq)) / determinant
        }
        [true, false] => a[0] * b[0] / pp,
        [false, true] => a[1] * b[1] / qq,
        [false, false] => 0.0,
    };
    let (s, t) = ([ps, qs], [pt, qt]);
    Point {
        m,
        sigma,
        linear: Linear {
            level: near.level + level,
            right: (near.right + x).clamp(0.0, WING_MAX),
            left: (near.left + y).clamp(0.0, WING_MAX),
        },
        cost: (rr + 2.0 * objective(x, y)).max(0.0),
        matrix: [ss - projected(s, s), st - projected(s, t), tt - projected(t, t)],
        gradient: [sr - ps * x - qs * y, tr - pt * x - qt * y],
    }
}

/// The least g on 64 places k = m + σ sinh x, x evenly from −8 to 8; −1 where the least total
/// variance is not positive.
fn screen(svi: &Svi) -> f64 {
    let is_positive = svi.minimum() > 0.0;
    if !is_positive {
        return -1.0;
    }
    let place = |i: i32| svi.place(8.0 / 63.0 * f64::from(2 * i - 63));
    (0..64).map(|i| svi.density(place(i))).fold(f64::INFINITY, f64::min)
}
