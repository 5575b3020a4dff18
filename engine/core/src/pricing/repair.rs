//! Takes arbitrage out of a smile: the nearest one that has none.
//!
//! Three steps. Of several places and widths of the bend the best smile is taken and flattened towards the
//! mean of the quotes, as little as leaves no butterfly arbitrage; the nearest to the quotes is the start.
//! (The least-squares smile is none: where it has arbitrage, its bend is often far outside the
//! quotes.) From there the least-squares problem is solved with a price on arbitrage: squares of what g of
//! Durrleman and the distances to the neighbouring expiries fall short of zero, at fixed places, under a
//! weight that grows from round to round. Last comes the proof: the smile is drawn along the straight line
//! of parameters towards one that is known to have no arbitrage, as little as makes
//! [`Svi::butterfly_margin`] and [`Svi::calendar_margin`] pass.
//!
//! The known one is the earlier expiry's smile raised to the level of the quotes: raising a smile
//! without butterfly arbitrage makes none (1 − k w'/(2w) is positive there, M. Fukasawa 2012, so
//! every term of g grows with w). Without an earlier expiry it is a flat one.

use super::svi::Svi;
use super::svi_fit::{REACH, Range, SIGMA_MAX, SIGMA_MIN, SviQuotes, WING_MAX, fixed};

/// The smiles of the neighbouring expiries, which may not be crossed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Of the nearest earlier expiry: total variance may not be less.
    pub earlier: Option<Svi>,
    /// Of the nearest later expiry: total variance may not be more.
    pub later: Option<Svi>,
}

/// Places where arbitrage is priced.
const PLACES: i32 = 48;
/// The weights of arbitrage, in units of the quotes' own squared variances.
const PRICES: [f64; 3] = [1e-2, 1.0, 1e2];
const STEPS_MAX: u32 = 25;
/// Halvings of the way to a flat smile.
const FLATTENINGS: u32 = 8;
/// g is asked to stay this far above zero, for what happens between the places.
const MARGIN: f64 = 1e-3;
/// Halvings of the way to the known smile: the last is a 30-millionth of it.
const HALVINGS: u32 = 25;
/// The least total variance, in the mean one.
const FLOOR: f64 = 1e-3;

impl Neighbours {
    /// Whether `svi` has neither butterfly nor calendar arbitrage.
    #[must_use]
    pub fn admit(&self, svi: &Svi) -> bool {
        self.are_uncrossed(svi) && svi.is_butterfly_free()
    }

    /// Whether `svi` has no calendar arbitrage.
    #[must_use]
    pub fn are_uncrossed(&self, svi: &Svi) -> bool {
        let is_above = |later: &Svi, earlier: &Svi| {
            later.is_surely_above(earlier) || later.calendar_margin(earlier) >= 0.0
        };
        self.earlier.is_none_or(|earlier| is_above(svi, &earlier))
            && self.later.is_none_or(|later| is_above(&later, svi))
    }
}

/// The smile nearest to `quotes` that `neighbours` admit, searched from `start`; `None` when there
/// is none because the neighbours cross each other, or for too few quotes.
///
/// Cost: about a millisecond.
#[must_use]
pub(super) fn repair(quotes: &SviQuotes<'_>, start: &Svi, neighbours: &Neighbours) -> Option<Svi> {
    let range = Range::of(quotes)?;
    let mean = quotes.rows().map(|[_, w, weight]| weight * w).sum::<f64>() / range.weight;
    let safe = safe(quotes, neighbours, &range, mean)?;
    let mut problem = Problem { quotes, neighbours, range, mean, price: 0.0 };
    let to = Values::of(&safe);
    let first = drawn(&Values::of(&flattened_best(&problem, start)), &to, neighbours)?;
    let mut values = problem.inside(Values::of(&first));
    for price in PRICES {
        problem.price = price * range.weight * mean * mean;
        values = problem.improve(values);
    }
    let found = drawn(&values, &to, neighbours)?;
    Some(if problem.error(&found) < problem.error(&first) { found } else { first })
}

/// The smile nearest to the quotes among those of some bends, each flattened until it has no
/// butterfly arbitrage.
fn flattened_best(problem: &Problem<'_>, start: &Svi) -> Svi {
    let Range { low, width, .. } = problem.range;
    let mut best = Svi::flat(problem.mean);
    let mut least = problem.error(&best);
    let mut look = |m: f64, sigma: f64| {
        let smile = fixed(problem.quotes, problem.range, m, sigma);
        let smile = flattened(&smile, problem.mean);
        let error = problem.error(&smile);
        if error < least {
            (best, least) = (smile, error);
        }
    };
    if start.is_finite() {
        look(start.m, start.sigma);
    }
    for place in [0.3, 0.5, 0.7] {
        for part in [0.05, 0.15, 0.4] {
            look(low + place * width, part * width);
        }
    }
    best
}

/// As little of the way to the flat smile at `mean` as leaves no butterfly arbitrage.
fn flattened(svi: &Svi, mean: f64) -> Svi {
    let at = |part: f64| Svi { a: svi.a + part * (mean - svi.a), b: svi.b * (1.0 - part), ..*svi };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..FLATTENINGS {
        let half = 0.5 * (low + high);
        if at(half).is_butterfly_free() {
            high = half;
        } else {
            low = half;
        }
    }
    if svi.is_butterfly_free() { *svi } else { at(high) }
}

/// A smile without arbitrage, near the level of the quotes.
fn safe(quotes: &SviQuotes<'_>, neighbours: &Neighbours, range: &Range, mean: f64) -> Option<Svi> {
    let base = neighbours.earlier.unwrap_or(Svi {
        m: range.low + 0.5 * range.width,
        sigma: 0.3 * range.width,
        ..Svi::flat(0.0)
    });
    let above = |[k, w, weight]: [f64; 3]| weight * (w - base.total_variance(k));
    let rise = quotes.rows().map(above).sum::<f64>() / range.weight;
    // A later expiry may leave less room.
    [1.0, 0.5, 0.1, 0.01, 0.0]
        .map(|part| Svi {
            a: base.a + (part * rise).max(if part > 0.0 { FLOOR * mean * part } else { 0.0 }),
            ..base
        })
        .into_iter()
        .find(|svi| neighbours.admit(svi))
}

/// As little of the way from `from` to `to` as arbitrage asks for.
fn drawn(from: &Values, to: &Values, neighbours: &Neighbours) -> Option<Svi> {
    let at = |part: f64| {
        let mixed = core::array::from_fn(|i| from.0[i] + part * (to.0[i] - from.0[i]));
        Some(Values(mixed).svi()).filter(|svi| neighbours.admit(svi))
    };
    if let Some(svi) = at(0.0) {
        return Some(svi);
    }
    let (mut low, mut high) = (0.0, 1.0);
    let mut best = at(1.0)?;
    for _ in 0..HALVINGS {
        let half = 0.5 * (low + high);
        match at(half) {
            Some(svi) => (high, best) = (half, svi),
            None => low = half,
        }
    }
    Some(best)
}

/// Level under the bend, right wing, left wing, place, width: in these the segments between smiles
/// keep the bounds of the wings.
#[derive(Clone, Copy, Debug)]
struct Values([f64; 5]);

impl Values {
    fn of(svi: &Svi) -> Self {
        let [left, right] = svi.wings();
        Self([svi.a + svi.b * svi.sigma, right, left, svi.m, svi.sigma])
    }

    fn svi(&self) -> Svi {
        let [level, right, left, m, sigma] = self.0;
        let b = 0.5 * (right + left);
        let rho = if b > 0.0 { 0.5 * (right - left) / b } else { 0.0 };
        Svi { a: level - b * sigma, b, rho, m, sigma }
    }
}

struct Problem<'a> {
    quotes: &'a SviQuotes<'a>,
    neighbours: &'a Neighbours,
    range: Range,
    mean: f64,
    price: f64,
}

/// Normal equations of five unknowns.
#[derive(Default)]
struct Normal {
    matrix: [[f64; 5]; 5],
    right: [f64; 5],
    cost: f64,
}

impl Normal {
    fn add(&mut self, weight: f64, residual: f64, derivative: &[f64; 5]) {
        self.cost += weight * residual * residual;
        for (i, (row, &own)) in self.matrix.iter_mut().zip(derivative).enumerate() {
            let weighted = weight * own;
            self.right[i] -= weighted * residual;
            for (element, &other) in row.iter_mut().zip(&derivative[..=i]) {
                *element += weighted * other;
            }
        }
    }

    /// The damped step, by Cholesky's method; `None` when the matrix is not positive.
    fn step(&self, damping: f64) -> Option<[f64; 5]> {
        let mut lower = self.matrix;
        for (i, row) in lower.iter_mut().enumerate() {
            row[i] = row[i] * (1.0 + damping) + f64::MIN_POSITIVE;
        }
        let mut x = self.right;
        for i in 0..5 {
            for j in 0..i {
                let dot: f64 = (0..j).map(|n| lower[i][n] * lower[j][n]).sum();
                lower[i][j] = (lower[i][j] - dot) / lower[j][j];
            }
            let square = lower[i][i] - (0..i).map(|n| lower[i][n] * lower[i][n]).sum::<f64>();
            let is_positive = square > 0.0;
            if !is_positive {
                return None;
            }
            lower[i][i] = square.sqrt();
            let dot: f64 = (0..i).map(|n| lower[i][n] * x[n]).sum();
            x[i] = (x[i] - dot) / lower[i][i];
        }
        for i in (0..5).rev() {
            let dot: f64 = (i + 1..5).map(|n| lower[n][i] * x[n]).sum();
            x[i] = (x[i] - dot) / lower[i][i];
        }
        Some(x)
    }
}

impl Problem<'_> {
    fn inside(&self, values: Values) -> Values {
        let Range { low, width, .. } = self.range;
        let [level, right, left, m, sigma] = values.0;
        Values([
            level,
            right.clamp(0.0, WING_MAX),
            left.clamp(0.0, WING_MAX),
            m.max(low - REACH * width).min(low + width + REACH * width),
            sigma.max(SIGMA_MIN * width).min(SIGMA_MAX * width),
        ])
    }

    fn error(&self, svi: &Svi) -> f64 {
        let square = |[k, w, weight]: [f64; 3]| weight * (svi.total_variance(k) - w).powi(2);
        self.quotes.rows().map(square).sum()
    }

    /// Levenberg and Marquardt's method, with differences for derivatives.
    fn improve(&self, mut values: Values) -> Values {
        let mut normal = self.equations(&values);
        let mut damping = 1e-3;
        for _ in 0..STEPS_MAX {
            let Some(step) = normal.step(damping) else { return values };
            let moved = Values(core::array::from_fn(|i| values.0[i] + step[i]));
            let trial = self.inside(moved);
            let next = self.equations(&trial);
            if next.cost < normal.cost {
                let gain = normal.cost - next.cost;
                (values, normal) = (trial, next);
                if gain < 1e-6 * normal.cost {
                    return values;
                }
                damping = (damping * 0.1).max(1e-9);
            } else {
                damping *= 10.0;
            }
        }
        values
    }

    fn equations(&self, values: &Values) -> Normal {
        let here = values.svi();
        let scale = [self.mean, 0.1, 0.1, self.range.width, values.0[4]];
        let delta = scale.map(|x| 1e-6 * x);
        let near: [Svi; 5] = core::array::from_fn(|i| {
            let mut moved = *values;
            moved.0[i] += delta[i];
            moved.svi()
        });
        let mut normal = Normal::default();
        let mut row = |weight: f64, residual: f64, of: &dyn Fn(&Svi) -> f64| {
            let derivative = core::array::from_fn(|i| (of(&near[i]) - residual) / delta[i]);
            normal.add(weight, residual, &derivative);
        };
        for [k, w, weight] in self.quotes.rows() {
            let of = |svi: &Svi| svi.total_variance(k) - w;
            row(weight, of(&here), &of);
        }
        let per_place = self.price / f64::from(PLACES);
        let floor = FLOOR * self.mean;
        for i in 0..PLACES {
            let x = 6.0 / f64::from(PLACES - 1) * f64::from(2 * i - PLACES + 1);
            let k = here.place(x);
            // g has no meaning below the floor, so that there only the floor counts.
            let bare = |svi: &Svi| svi.total_variance(k) - floor;
            let g = |svi: &Svi| svi.density(k) - MARGIN;
            if bare(&here) < 0.0 {
                row(per_place / (self.mean * self.mean), bare(&here), &bare);
            } else if g(&here) < 0.0 {
                row(per_place, g(&here), &g);
            }
            self.calendar_rows(&here, k, per_place / (self.mean * self.mean), &mut row);
        }
        normal
    }

    fn calendar_rows(
        &self,
        here: &Svi,
        k: f64,
        weight: f64,
        row: &mut impl FnMut(f64, f64, &dyn Fn(&Svi) -> f64),
    ) {
        // Far out only slopes matter; there a distance counts by the place's own distance.
        let far = 1.0 + (k.abs() / self.range.width).powi(2);
        for (neighbour, sign) in [(self.neighbours.earlier, 1.0), (self.neighbours.later, -1.0)] {
            let Some(neighbour) = neighbour else { continue };
            let of = |svi: &Svi| sign * (svi.total_variance(k) - neighbour.total_variance(k));
            if of(here) < 0.0 {
                row(weight / far, of(here), &of);
            }
        }
    }
}
