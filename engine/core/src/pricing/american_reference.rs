//! The scalar reference of American options: the equations of `cpp/src/american_boundary.h` in
//! plain loops, a place and a node at a time.
//!
//! A put is solved; a call is the put with spot and strike, and rate and yield, exchanged. With u
//! the time left, X = K min(1, r/q) and b = ln(B/X), the squares of b at the places of a [`Mesh`]
//! are moved by Newton's method until the put's slope is −1 at the boundary at all of them. About
//! a millisecond an option.

use core::f64::consts::{PI, SQRT_2};

use super::american_mesh::{Mesh, PLACES_MAX, cube_root};
use super::elementary::{exp, ln_ratio};
use super::reference::INVERSE_SQRT_TWO_PI;
use super::{AmericanInput, AmericanScheme, AmericanStatus, AmericanValue, erfc};

/// The domain: see `cpp/include/american.h`.
const MONEY_MIN: f64 = 1e-50;
const MONEY_MAX: f64 = 1e50;
const YEARS_MAX: f64 = 30.0;
const RATE_MAX: f64 = 0.5;
const DEVIATION_MIN: f64 = 1e-3;
const DEVIATION_MAX: f64 = 3.0;
const DRIFT_MAX: f64 = 6.0;

const ROUNDS_MAX: usize = 40;
/// A step may make the square of b this many times larger or smaller; the second where that failed.
const STEPS_MAX: [f64; 2] = [4.0, 1.3];
const SQUARE_MIN: f64 = 1e-24;
const OFF_MAX: f64 = 0.1;
const PART_MIN: f64 = 0.01;
const NOTHING: f64 = 1e-200;

fn density(d: f64) -> f64 {
    exp(-0.5 * d * d) * INVERSE_SQRT_TWO_PI
}

fn normal(d: f64) -> f64 {
    0.5 * erfc(-d / SQRT_2)
}

/// ln(a/b) for positive numbers in any order.
fn ln(a: f64, b: f64) -> f64 {
    if a >= b { ln_ratio(a, b) } else { -ln_ratio(b, a) }
}

/// A put, mirrored where the option is a call.
#[derive(Clone, Copy)]
struct Put {
    spot: f64,
    strike: f64,
    years: f64,
    vol: f64,
    rate: f64,
    lost: f64,
    /// X/K.
    at_expiry: f64,
    /// ln(K/X).
    log_strike: f64,
}

#[derive(Clone, Copy)]
struct Slopes {
    price: f64,
    delta: f64,
    gamma: f64,
}

const NONE: Slopes = Slopes { price: f64::NAN, delta: f64::NAN, gamma: f64::NAN };

/// Value and Greeks of one option.
pub(super) fn value(scheme: AmericanScheme, option: &AmericanInput) -> AmericanValue {
    let &AmericanInput { spot, strike, years, vol, rate, dividend_yield, is_call } = option;
    let (spot_of, strike_of) = if is_call { (strike, spot) } else { (spot, strike) };
    let (rate_of, lost) = if is_call { (dividend_yield, rate) } else { (rate, dividend_yield) };
    let is_below = lost > rate_of && rate_of > 0.0;
    let put = Put {
        spot: spot_of,
        strike: strike_of,
        years,
        vol,
        rate: rate_of,
        lost,
        at_expiry: if is_below { rate_of / lost } else { 1.0 },
        log_strike: if is_below { ln(lost, rate_of) } else { 0.0 },
    };
    let invalid = (NONE, f64::NAN, f64::NAN, AmericanStatus::Invalid);
    let (slopes, european, boundary, status) = if !put.is_valid() {
        invalid
    } else if years > 0.0 {
        let (slopes, european, boundary, status) = put.value(scheme);
        if is_call {
            let (ratio, turned) = (put.spot / put.strike, put.strike * put.spot / boundary);
            let delta = (slopes.price - put.spot * slopes.delta) / put.strike;
            let gamma = ratio * ratio * slopes.gamma;
            (Slopes { price: slopes.price, delta, gamma }, european, turned, status)
        } else {
            (slopes, european, boundary, status)
        }
    } else {
        let sign = if is_call { 1.0 } else { -1.0 };
        let gain = (spot - strike) * sign;
        let delta = if gain > 0.0 { sign } else { 0.5 * sign * f64::from(u8::from(gain == 0.0)) };
        let price = gain.max(0.0);
        (Slopes { price, delta, gamma: 0.0 }, price, strike, AmericanStatus::Expired)
    };
    let Slopes { price, delta, gamma } = slopes;
    let is_still = matches!(status, AmericanStatus::Exercise | AmericanStatus::Expired);
    let theta = rate * price
        - (rate - dividend_yield) * spot * delta
        - 0.5 * vol * vol * spot * spot * gamma;
    let theta = if is_still { 0.0 } else { theta };
    AmericanValue { price, delta, gamma, theta, european, boundary, status }
}

impl Put {
    /// Comparisons with NaN are false, so what is not shown to be valid is invalid.
    fn is_valid(&self) -> bool {
        let money = MONEY_MIN..=MONEY_MAX;
        let root = self.years.max(0.0).sqrt();
        let is_basic = money.contains(&self.spot)
            && money.contains(&self.strike)
            && self.years <= YEARS_MAX
            && self.vol >= 0.0
            && self.rate.abs() <= RATE_MAX
            && self.lost.abs() <= RATE_MAX;
        let most = self.rate.abs().max(self.lost.abs()) * root;
        is_basic
            && (self.years <= 0.0
                || (DEVIATION_MIN..=DEVIATION_MAX).contains(&(self.vol * root))
                    && most <= DRIFT_MAX * self.vol)
    }

    fn value(&self, scheme: AmericanScheme) -> (Slopes, f64, f64, AmericanStatus) {
        let european = self.european();
        if self.rate < 0.0 && self.lost < self.rate {
            return (NONE, f64::NAN, f64::NAN, AmericanStatus::TwoBoundaries);
        }
        if self.rate < 0.0 || (self.rate == 0.0 && self.lost >= 0.0) {
            return (european, european.price, 0.0, AmericanStatus::European);
        }
        let tolerance = match scheme {
            AmericanScheme::Fast => 1e-4,
            AmericanScheme::Accurate => 1e-5,
        };
        let mut search = Search::new(scheme);
        if !STEPS_MAX.iter().any(|&step_max| search.newton(self, tolerance, step_max)) {
            return (NONE, f64::NAN, f64::NAN, AmericanStatus::Unsolved);
        }
        let last = search.squares[search.mesh.places - 1].sqrt();
        let boundary = self.strike * self.at_expiry * exp(-last);
        let intrinsic = self.strike - self.spot;
        if self.spot <= boundary {
            let slopes = Slopes { price: intrinsic, delta: -1.0, gamma: 0.0 };
            return (slopes, european.price, boundary, AmericanStatus::Exercise);
        }
        let early = search.premium(self);
        let slopes = Slopes {
            price: (european.price + early.price).max(intrinsic).max(european.price),
            delta: european.delta + early.delta,
            gamma: european.gamma + early.gamma,
        };
        (slopes, european.price, boundary, AmericanStatus::Ok)
    }

    fn european(&self) -> Slopes {
        let s = self.vol * self.years.sqrt();
        let mean = ln(self.spot, self.strike) + (self.rate - self.lost) * self.years;
        let (minus, plus) = (mean / s - 0.5 * s, mean / s + 0.5 * s);
        let by_strike = self.strike * exp(-self.rate * self.years);
        let by_spot = exp(-self.lost * self.years);
        Slopes {
            price: by_strike * normal(-minus) - by_spot * self.spot * normal(-plus),
            delta: -by_spot * normal(-plus),
            gamma: by_spot * density(plus) / (self.spot * s),
        }
    }
}

/// One place's equation: both sides without e^z, and their slopes in its own b.
struct Sides {
    left: f64,
    left_slope: f64,
    right: f64,
    right_slope: f64,
    is_alone: bool,
}

/// Squares of b at the places, and what Newton's method needs.
struct Search {
    mesh: Mesh,
    squares: [f64; PLACES_MAX],
    matrix: [[f64; PLACES_MAX]; PLACES_MAX],
    step: [f64; PLACES_MAX],
}

impl Search {
    fn new(scheme: AmericanScheme) -> Self {
        let matrix = [[0.0; PLACES_MAX]; PLACES_MAX];
        let (squares, step) = ([0.0; PLACES_MAX], [0.0; PLACES_MAX]);
        Self { mesh: Mesh::new(scheme), squares, matrix, step }
    }

    fn share(&self, place: usize) -> f64 {
        self.mesh.y[place + 1].powi(3)
    }

    fn newton(&mut self, put: &Put, tolerance: f64, step_max: f64) -> bool {
        self.guess(put);
        let places = self.mesh.places;
        for _ in 0..ROUNDS_MAX {
            (0..places).for_each(|place| self.equation(put, place));
            let mut is_far = !self.step[..places].iter().all(|off| off.abs() <= OFF_MAX);
            self.eliminate();
            for (square, step) in self.squares.iter_mut().zip(&self.step).take(places) {
                let next = (*square + step).max(*square / step_max).min(*square * step_max);
                let moved = (next - *square).abs();
                is_far |= moved.is_nan() || step.is_nan() || moved > tolerance * next;
                *square = next;
            }
            if !is_far {
                return true;
            }
        }
        false
    }

    /// Where the search begins: see `guess` in `cpp/src/american_boundary.h`.
    fn guess(&mut self, put: &Put) {
        let variance = put.vol * put.vol;
        let carry = put.lost - put.rate;
        let half = 0.5 - carry / variance;
        let beta = half + (half * half + 2.0 * put.lost / variance).max(0.0).sqrt();
        let forever = if beta > 1.0 + 1e-12 { beta / (beta - 1.0) } else { 1e12 };
        let start = 1.0 / put.at_expiry;
        let room = (forever - start).max(0.0);
        let pace = if room > 1e-12 { start / room } else { 0.0 };
        let most = 0.25 * ln(start + room, start).powi(2);
        let (mut low, mut high) = (SQUARE_MIN, f64::INFINITY);
        for i in 0..self.mesh.places {
            let years = put.years * self.share(i);
            let deviation = put.vol * years.sqrt();
            let exponent = -(carry * years + 2.0 * deviation) * pace;
            let b = ln(start + room * (1.0 - exp(exponent.min(0.0))), start);
            let lost = put.lost * put.at_expiry * (1.0 - 3.0 * deviation);
            let earned = (put.rate - lost).max(1e-9);
            let odds = variance / (8.0 * PI) / (years * earned * earned);
            let far = if put.at_expiry < 1.0 { 0.41 } else { ln(odds.max(1.3), 1.0) };
            let square = (b * b).max((deviation * deviation * far).min(most));
            low = square.min(high).max(low);
            self.squares[i] = low;
            high = if i + 1 < self.mesh.places {
                low * self.share(i + 1) / self.share(i)
            } else {
                0.0
            };
        }
    }

    /// Fills a row of the matrix and its right side.
    fn equation(&mut self, put: &Put, place: usize) {
        let drift = put.rate - put.lost;
        let years = put.years * self.share(place);
        let b = -self.squares[place].sqrt();
        let z = b - put.log_strike + drift * years;
        let whole = put.vol * years.sqrt();
        let d = z / whole + 0.5 * whole;
        let (first, first_slope) = (normal(d), density(d) / whole);
        let mut sides = Sides {
            left: first,
            left_slope: first_slope,
            right: 0.0,
            right_slope: 0.0,
            is_alone: false,
        };
        let (mut by_left, mut by_right) = ([0.0; PLACES_MAX], [0.0; PLACES_MAX]);
        for node in &self.mesh.nodes[..self.mesh.rule] {
            let blend = self.mesh.blend(self.mesh.y[place + 1] * cube_root(node.share));
            let square: f64 = blend.iter().zip(&self.squares).map(|(w, h)| w * h).sum();
            let there = -square.max(SQUARE_MIN).sqrt();
            let (v, left) = (years * node.share, years * node.left);
            let s = put.vol * left.sqrt();
            let minus = (b - there + drift * left) / s - 0.5 * s;
            let plus = minus + s;
            let lost = put.lost * exp(there - put.log_strike);
            let flow = exp(put.rate * v) * density(minus) / s * node.weight * years;
            let paid = put.lost * exp(put.lost * v) * node.weight * years;
            let earned = (put.rate - lost) * flow;
            sides.left += paid * normal(plus);
            sides.left_slope += paid * density(plus) / s;
            sides.right += earned;
            sides.right_slope -= earned * minus / s;
            if square > SQUARE_MIN {
                let (of_left, of_right) =
                    (-paid * density(plus) / s, earned * minus / s - lost * flow);
                for j in 0..self.mesh.places {
                    by_left[j] += of_left * blend[j] * 0.5 / there;
                    by_right[j] += of_right * blend[j] * 0.5 / there;
                }
            }
        }
        if sides.left < PART_MIN * first {
            sides.is_alone = true;
            sides.left = PART_MIN * first;
            sides.left_slope = PART_MIN * first_slope;
        }
        let (left, right) = (sides.left.max(NOTHING), sides.right.max(NOTHING));
        self.step[place] = -(z + ln(left, right));
        let from_left = if sides.is_alone { 0.0 } else { 1.0 / left };
        for j in 0..self.mesh.places {
            self.matrix[place][j] = by_left[j] * from_left - by_right[j] / right;
        }
        self.matrix[place][place] +=
            (1.0 + sides.left_slope / left - sides.right_slope / right) * 0.5 / b;
    }

    /// Solves for the step, in place.
    fn eliminate(&mut self) {
        let places = self.mesh.places;
        for c in 0..places {
            let pivot_row = self.matrix[c];
            for row in c + 1..places {
                let factor = self.matrix[row][c] / pivot_row[c];
                for (x, pivot) in self.matrix[row].iter_mut().zip(&pivot_row).skip(c) {
                    *x -= factor * pivot;
                }
                self.step[row] -= factor * self.step[c];
            }
        }
        for row in (0..places).rev() {
            let known: f64 = (row + 1..places).map(|j| self.matrix[row][j] * self.step[j]).sum();
            self.step[row] = (self.step[row] - known) / self.matrix[row][row];
        }
    }

    /// The early exercise premium and its derivatives; delta's and gamma's steep part in closed
    /// form.
    fn premium(&self, put: &Put) -> Slopes {
        let drift = put.rate - put.lost;
        let log_spot = ln(put.spot, put.strike) + put.log_strike;
        let last = self.squares[self.mesh.places - 1].sqrt();
        let gap = log_spot + last;
        let earned_now = put.rate - put.lost * exp(-last - put.log_strike);
        let mut sum = Slopes { price: 0.0, delta: 0.0, gamma: 0.0 };
        for node in &self.mesh.price_nodes[..self.mesh.price_rule] {
            let blend = self.mesh.blend(cube_root(node.share));
            let square: f64 = blend.iter().zip(&self.squares).map(|(w, h)| w * h).sum();
            let b = -square.max(0.0).sqrt();
            let t = put.years * node.left;
            let s = put.vol * t.sqrt();
            let minus = (log_spot - b + drift * t) / s - 0.5 * s;
            let weight = node.weight * put.years;
            let by_strike = weight * put.strike * exp(-put.rate * t);
            let lost_now = weight * put.lost * exp(-put.lost * t) * normal(-(minus + s));
            sum.price += by_strike * put.rate * normal(-minus) - put.spot * lost_now;
            let lost = put.lost * exp(b - put.log_strike);
            let flow = by_strike * density(minus) / s;
            let x = gap / s;
            let still = weight * put.strike * earned_now * density(x) / s;
            sum.delta -= ((put.rate - lost) * flow - still) / put.spot + lost_now;
            sum.gamma += flow * ((put.rate - lost) * (1.0 + minus / s) + lost) - still * x / s;
        }
        let whole = put.vol * put.years.sqrt();
        let tail = normal(-gap / whole);
        let level = put.strike / put.spot * earned_now * 2.0 / put.vol;
        let flat = level * (put.years.sqrt() * density(gap / whole) - gap / put.vol * tail);
        Slopes {
            price: sum.price,
            delta: sum.delta - flat,
            gamma: sum.gamma / (put.spot * put.spot) + level * tail / (put.vol * put.spot),
        }
    }
}
