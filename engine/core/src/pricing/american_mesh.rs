//! Places, nodes and weights of the American option's scalar reference.
//!
//! As in `cpp/src/american_table.h`, found another way where there is one: Gauss's nodes by
//! deflation, and no table of what places count, which is worked out where it is needed.

use core::f64::consts::{FRAC_PI_2, PI};

use super::AmericanScheme;

/// Most places of the boundary.
pub(super) const PLACES_MAX: usize = 24;
/// Most nodes of a rule.
pub(super) const NODES_MAX: usize = 48;

/// One node of an integral over the time left: `share` + `left` = 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    /// Of the whole time, what is left at the node.
    pub(super) share: f64,
    /// Of the whole time, what is gone by then.
    pub(super) left: f64,
    /// What the node counts, the whole time being one.
    pub(super) weight: f64,
}

/// Sizes, places and rules of a scheme. The boundary at the time left u = T y³ is kept at the
/// places y.
#[derive(Debug)]
pub(super) struct Mesh {
    /// Places of the boundary; `y` has one more, the zeroth at expiry.
    pub(super) places: usize,
    /// Where they are.
    pub(super) y: [f64; PLACES_MAX + 1],
    /// The rule of the boundary's integrals, `rule` nodes.
    pub(super) nodes: [Node; NODES_MAX],
    /// Nodes of that rule.
    pub(super) rule: usize,
    /// The rule of the price's integral.
    pub(super) price_nodes: [Node; NODES_MAX],
    /// Nodes of that rule.
    pub(super) price_rule: usize,
}

impl Mesh {
    /// The mesh of a scheme.
    pub(super) fn new(scheme: AmericanScheme) -> Self {
        let (places, rule, price_rule) = match scheme {
            AmericanScheme::Fast => (8, 16, 32),
            AmericanScheme::Accurate => (24, 24, 48),
        };
        let mut y = [0.0; PLACES_MAX + 1];
        for (i, y) in y.iter_mut().enumerate().take(places + 1) {
            *y = sine(FRAC_PI_2 * i as f64 / places as f64).powi(2);
        }
        let empty = [Node::default(); NODES_MAX];
        let mut mesh = Self { places, y, nodes: empty, rule, price_nodes: empty, price_rule };
        // v = u cos² a and t = T sin² a: smooth ends; the angles crowd where the integrand is
        // steep.
        for (node, (x, weight)) in mesh.nodes.iter_mut().zip(gauss(rule)).take(rule) {
            let rest = 1.0 - x;
            let angle = FRAC_PI_2 * rest * rest;
            *node = Node::new(sine(angle), cosine(angle), weight * PI * rest);
        }
        for (node, (x, weight)) in mesh.price_nodes.iter_mut().zip(gauss(price_rule)) {
            let angle = FRAC_PI_2 * x * x;
            *node = Node::new(cosine(angle), sine(angle), weight * PI * x);
        }
        mesh
    }

    /// What each place but the zeroth counts at `y`: the barycentric form.
    pub(super) fn blend(&self, y: f64) -> [f64; PLACES_MAX] {
        let (mut sum, mut part) = (0.0, [0.0; PLACES_MAX + 1]);
        for (j, (part, at)) in part.iter_mut().zip(&self.y).take(self.places + 1).enumerate() {
            let gap = y - at;
            let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
            let end = if j == 0 || j == self.places { 0.5 } else { 1.0 };
            *part = sign * end / if gap == 0.0 { 1e-300 } else { gap };
            sum += *part;
        }
        core::array::from_fn(|j| part[j + 1] / sum)
    }
}

impl Node {
    fn new(c: f64, s: f64, weight: f64) -> Self {
        Self { share: c * c, left: s * s, weight: weight * 2.0 * s * c }
    }
}

/// Gauss's nodes on (0, 1), the largest first, and their weights: roots of Legendre's polynomial by
/// Newton's method from 1, those that are found divided out (H. Maehly 1954).
fn gauss(count: usize) -> [(f64, f64); NODES_MAX] {
    let mut nodes = [(0.0, 0.0); NODES_MAX];
    let mut roots = [0.0; NODES_MAX];
    for i in 0..count {
        let mut x = if i == 0 { 1.0 } else { roots[i - 1] - 1e-3 };
        for _ in 0..200 {
            let (p, slope) = legendre(count, x);
            let found: f64 = roots[..i].iter().map(|root| 1.0 / (x - root)).sum();
            let step = p / (slope - p * found);
            x -= step;
            if step.abs() <= 1e-15 {
                break;
            }
        }
        let (p, slope) = legendre(count, x);
        x -= p / slope;
        roots[i] = x;
        let (_, slope) = legendre(count, x);
        nodes[i] = (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope));
    }
    nodes
}

/// Legendre's polynomial of a degree and its slope.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut now) = (1.0, x);
    let (mut slope_before, mut slope) = (0.0, 1.0);
    for k in 2..=degree {
        let of = k as f64;
        let next = ((2.0 * of - 1.0) * x * now - (of - 1.0) * before) / of;
        let slope_next = slope_before + (2.0 * of - 1.0) * now;
        (before, now) = (now, next);
        (slope_before, slope) = (slope, slope_next);
    }
    (now, slope)
}

fn series(x: f64, first: i32, mut term: f64) -> f64 {
    let mut sum = term;
    for n in (first..34).step_by(2) {
        term *= -(x * x) / f64::from(n * (n + 1));
        sum += term;
    }
    sum
}

/// sin x for |x| ≤ π, the same on every machine.
fn sine(x: f64) -> f64 {
    series(x, 2, x)
}

fn cosine(x: f64) -> f64 {
    series(x, 1, 1.0)
}

/// The third root of a number in 0 … 1.
pub(super) fn cube_root(x: f64) -> f64 {
    (0..80).fold(1.0, |y, _| (2.0 * y + x / (y * y)) / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_integrate_polynomials_of_the_time_exactly() {
        for scheme in [AmericanScheme::Fast, AmericanScheme::Accurate] {
            let mesh = Mesh::new(scheme);
            for nodes in [&mesh.nodes[..mesh.rule], &mesh.price_nodes[..mesh.price_rule]] {
                for power in 0..4 {
                    let of = |node: &Node| node.weight * node.left.powi(power);
                    let sum: f64 = nodes.iter().map(of).sum();
                    let want = 1.0 / f64::from(power + 1);
                    assert!((sum - want).abs() < 1e-12, "{scheme:?} {power}: {sum}");
                }
                assert!(nodes.iter().all(|node| (node.left + node.share - 1.0).abs() < 1e-15));
            }
        }
    }

    #[test]
    fn places_give_back_a_polynomial_that_is_nothing_at_expiry() {
        let mesh = Mesh::new(AmericanScheme::Fast);
        let of = |y: f64| y.powi(8) - 2.0 * y.powi(3) + y;
        for y in [0.0, 0.013, 0.25, 0.777, 1.0] {
            let blend = mesh.blend(y);
            let sum: f64 = (0..mesh.places).map(|j| blend[j] * of(mesh.y[j + 1])).sum();
            assert!((sum - of(y)).abs() < 1e-14, "{y}: {sum}");
        }
        assert!((cube_root(0.008) - 0.2).abs() < 1e-16 && cube_root(0.0) < 1e-14);
    }
}
