//! Takes arbitrage out of a smile: the nearest one that has none.
//!
//! Three steps. Of several places and widths of the bend the best smile is taken and flattened towards the
//! mean of the quotes, as little as leaves no butterfly arbitrage; the nearest to the quotes is the start, or
//! the same with its wings between the neighbours' and the level of the quotes, whichever ends nearer.
//! (The least-squares smile is none: where it has arbitrage, its bend is often far outside the
//! quotes.) From there the least-squares problem is solved with a price on arbitrage: squares of what g of
//! Durrleman and the distances to the neighbouring expiries fall short of zero, at fixed places, under a
//! weight that grows from round to round. Wings stay between the neighbours' all the while. Last comes the
//! proof: the smile is drawn along the straight line of parameters towards one that is known to have no
//! arbitrage, as little as makes [`Svi::butterfly_margin`] and [`Svi::calendar_margin`] pass.
//!
//! Wings are held between the neighbours' because the known smile has a neighbour's own wings: a wing that
//! is beyond them by whatever little is drawn in only at the very end of the way, and the shape with it.
//!
//! Known are two: the earlier expiry's smile raised to the level of the quotes, and the later one's lowered
//! to it by a factor; without an earlier expiry a flat one too. Raising a smile without butterfly arbitrage
//! makes none (1 − k w'/(2w) is positive there, M. Fukasawa 2012, so every term of g grows with w); nor
//! does a factor c below 1: g of c w is c g(w) + (1 − c)(1 − k w'/(2w))² + c (1 − c) w'²/16.

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
/// Cost: one to two milliseconds.
#[must_use]
pub(super) fn repair(quotes: &SviQuotes<'_>, start: &Svi, neighbours: &Neighbours) -> Option<Svi> {
    let range = Range::of(quotes)?;
    let mean = quotes.rows().map(|[_, w, weight]| weight * w).sum::<f64>() / range.weight;
    let mut problem = Problem { quotes, neighbours, range, mean, price: 0.0 };
    let known = known(&problem);
    let first = Values::of(&flattened_best(&problem, start));
    let held = problem.levelled(problem.inside(first));
    let starts = [first, held].map(|values| problem.nearest_drawn(&values, &known));
    let best = problem.nearest(starts)?;
    let mut values = problem.inside(Values::of(&best));
    for price in PRICES {
        problem.price = price * range.weight * mean * mean;
        values = problem.improve(values);
    }
    problem.nearest([Some(best), problem.nearest_drawn(&values, &known)])
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

/// Smiles without arbitrage, near the level of the quotes: the earlier expiry's raised, the later one's
/// lowered by a factor, and without an earlier expiry a flat one; `None` where the neighbours leave it no
/// room.
fn known(problem: &Problem<'_>) -> [Option<Svi>; 3] {
    let Problem { quotes, neighbours, range, mean, .. } = problem;
    let average = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        quotes.rows().map(|[k, w, weight]| weight * of(k, w)).sum::<f64>() / range.weight
    };
    let raised = |base: Svi| {
        let rise = average(&|k, w| w - base.total_variance(k));
        // A later expiry may leave less room.
        let by = [1.0, 0.5, 0.1, 0.01, 0.0]
            .map(|part| (part * rise).max(if part > 0.0 { FLOOR * mean * part } else { 0.0 }));
        by.map(|by| Svi { a: base.a + by, ..base }).into_iter().find(|svi| neighbours.admit(svi))
    };
    let lowered = |base: Svi| {
        let factor = average(&|k, w| w / base.total_variance(k)).min(1.0);
        let by = [0.0, 0.5, 0.9, 0.99, 1.0].map(|part| factor + part * (1.0 - factor));
        by.map(|by| Svi { a: by * base.a, b: by * base.b, ..base })
            .into_iter()
            .find(|svi| neighbours.admit(svi))
    };
    let flat = Svi { m: range.low + 0.5 * range.width, sigma: 0.3 * range.width, ..Svi::flat(0.0) };
    let flat = if neighbours.earlier.is_none() { raised(flat) } else { None };
    [neighbours.earlier.and_then(raised), neighbours.later.and_then(lowered), flat]
}

/// As little of the way from `from` to `to` as arbitrage asks for.
fn drawn_to(from: &Values, to: &Svi, neighbours: &Neighbours) -> Option<Svi> {
    let to = Values::of(to);
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
    /// What is `held` moves by that much, whatever the equations say.
    fn step(&self, damping: f64, held: &[Option<f64>; 5]) -> Option<[f64; 5]> {
        let mut lower = self.matrix;
        let mut x = self.right;
        for (i, row) in lower.iter_mut().enumerate() {
            row[i] = row[i] * (1.0 + damping) + f64::MIN_POSITIVE;
        }
        for (i, by) in held.iter().enumerate() {
            let Some(by) = *by else { continue };
            for (j, x) in x.iter_mut().enumerate() {
                let element = &mut lower[i.max(j)][i.min(j)];
                *x -= *element * by;
                *element = 0.0;
            }
            (lower[i][i], x[i]) = (1.0, by);
        }
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
        let wings =
            |neighbour: Option<Svi>, none: f64| neighbour.map_or([none; 2], |it| it.wings());
        let [low_wings, high_wings] =
            [wings(self.neighbours.earlier, 0.0), wings(self.neighbours.later, WING_MAX)];
        let wing = |x: f64, i: usize| x.max(low_wings[i]).min(high_wings[i]);
        Values([
            level,
            wing(right, 1),
            wing(left, 0),
            m.max(low - REACH * width).min(low + width + REACH * width),
            sigma.max(SIGMA_MIN * width).min(SIGMA_MAX * width),
        ])
    }

    /// The nearest to the quotes of what `values` become, drawn to each of the `known` smiles.
    fn nearest_drawn(&self, values: &Values, known: &[Option<Svi>; 3]) -> Option<Svi> {
        let drawn = |to: &Option<Svi>| drawn_to(values, &(*to)?, self.neighbours);
        self.nearest(core::array::from_fn::<_, 3, _>(|i| drawn(&known[i])))
    }

    fn nearest<const N: usize>(&self, smiles: [Option<Svi>; N]) -> Option<Svi> {
        let smiles = smiles.into_iter().flatten();
        smiles.min_by(|a, b| self.error(a).total_cmp(&self.error(b)))
    }

    /// The same shape at the level of the quotes.
    fn levelled(&self, mut values: Values) -> Values {
        let svi = values.svi();
        let above = |[k, w, weight]: [f64; 3]| weight * (w - svi.total_variance(k));
        values.0[0] += self.quotes.rows().map(above).sum::<f64>() / self.range.weight;
        values
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
            let Some(trial) = self.trial(&normal, &values, damping) else { return values };
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

    /// The damped step from `values`, along the bounds where it would leave them.
    fn trial(&self, normal: &Normal, values: &Values, damping: f64) -> Option<Values> {
        let mut held = [None; 5];
        for _ in 0..2 {
            let step = normal.step(damping, &held)?;
            let moved = Values(core::array::from_fn(|i| values.0[i] + step[i]));
            let inside = self.inside(moved);
            if inside.0 == moved.0 {
                return Some(inside);
            }
            held = core::array::from_fn(|i| {
                held[i].or((inside.0[i] != moved.0[i]).then_some(inside.0[i] - values.0[i]))
            });
        }
        let step = normal.step(damping, &held)?;
        Some(self.inside(Values(core::array::from_fn(|i| values.0[i] + step[i]))))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::svi_tests::{Quotes, Random, smile};

    fn normal(random: &mut Random) -> Normal {
        let mut normal = Normal::default();
        for _ in 0..12 {
            let derivative = core::array::from_fn(|_| random.uniform(-1.0, 1.0));
            normal.add(random.uniform(0.1, 2.0), random.uniform(-1.0, 1.0), &derivative);
        }
        normal
    }

    #[test]
    fn what_is_held_moves_as_told_and_the_rest_solves_its_own_equations() {
        let mut random = Random(21);
        for case in 0_usize..500 {
            let normal = normal(&mut random);
            let held =
                core::array::from_fn(|i| ((case >> i) & 1 == 1).then(|| random.uniform(-0.5, 0.5)));
            let Some(step) = normal.step(0.0, &held) else { panic!("{case}: no step") };
            for i in 0..5 {
                if let Some(by) = held[i] {
                    assert!((step[i] - by).abs() < 1e-12, "{case}");
                    continue;
                }
                let row = |j: usize| normal.matrix[i.max(j)][i.min(j)];
                let left: f64 = (0..5).map(|j| row(j) * step[j]).sum();
                assert!((left - normal.right[i]).abs() < 1e-9, "{case}, {i}: {left} {step:?}");
            }
        }
    }

    #[test]
    fn every_trial_has_wings_between_the_neighbours() {
        let mut random = Random(22);
        let mut held = 0;
        for case in 0..500 {
            let of = smile(&mut random);
            let quotes = Quotes::of(&of, 15, 2.0, 0.3, &mut random);
            let earlier = Svi { a: 0.8 * of.a, b: 0.95 * of.b, ..of };
            let later = Svi { a: 1.2 * of.a, b: 1.05 * of.b, ..of };
            let neighbours = Neighbours { earlier: Some(earlier), later: Some(later) };
            let quotes = quotes.columns();
            let Some(range) = Range::of(&quotes) else { panic!("{case}") };
            let mean = of.total_variance(0.0);
            let price = range.weight * mean * mean;
            let problem = Problem { quotes: &quotes, neighbours: &neighbours, range, mean, price };
            let values = problem.inside(Values::of(&of));
            let normal = problem.equations(&values);
            for damping in [1e-9, 1e-3, 1.0] {
                let Some(trial) = problem.trial(&normal, &values, damping) else { continue };
                let [_, right, left, ..] = trial.0;
                for (wing, i) in [(left, 0), (right, 1)] {
                    let (low, high) = (earlier.wings()[i], later.wings()[i]);
                    assert!(low <= wing && wing <= high, "{case}: {low} {wing} {high}");
                    held += u32::from(wing == low || wing == high);
                }
            }
        }
        assert!(held > 500, "{held}");
    }
}
