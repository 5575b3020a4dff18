//! Whether a VaR model holds what it says: tests on its exceptions.

use super::Confidence;
use crate::pricing::ln_ratio;

/// a ln(b), nought when a is.
fn times_ln(count: f64, probability: f64) -> f64 {
    if count > 0.0 { -count * ln_ratio(1.0, probability) } else { 0.0 }
}

/// Log likelihood of `yes` exceptions and `no` other days, each an exception with `probability`.
fn likelihood(no: u32, yes: u32, probability: f64) -> f64 {
    times_ln(f64::from(no), 1.0 - probability) + times_ln(f64::from(yes), probability)
}

fn share(yes: u32, no: u32) -> f64 {
    if yes + no == 0 { 0.0 } else { f64::from(yes) / f64::from(yes + no) }
}

/// Likelihood ratio of P. Kupiec's (1995) proportion of failures: χ² with one degree of freedom
/// when the model is right (3.84 is the 95 % point). `None` without days or with more exceptions.
#[must_use]
pub fn kupiec(days: u32, exceptions: u32, confidence: Confidence) -> Option<f64> {
    let no = days.checked_sub(exceptions).filter(|_| days > 0)?;
    let observed = likelihood(no, exceptions, share(exceptions, no));
    Some(2.0 * (observed - likelihood(no, exceptions, confidence.tail())).max(0.0))
}

/// Likelihood ratio of P. Christoffersen's (1998) independence: χ² with one degree of freedom when
/// an exception says nothing about the next day.
#[must_use]
pub fn christoffersen(exceptions: &[bool]) -> f64 {
    let mut counts = [[0_u32; 2]; 2];
    for pair in exceptions.windows(2) {
        counts[usize::from(pair[0])][usize::from(pair[1])] += 1;
    }
    let [[n00, n01], [n10, n11]] = counts;
    let pooled = likelihood(n00 + n10, n01 + n11, share(n01 + n11, n00 + n10));
    let apart = likelihood(n00, n01, share(n01, n00)) + likelihood(n10, n11, share(n11, n10));
    2.0 * (apart - pooled).max(0.0)
}

/// The Basel Committee's zones (1996): by the probability of so many exceptions or fewer under a
/// right model. For 250 days at 99 %: green to 4, yellow to 9, red from 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrafficLight {
    /// Below 95 %.
    Green,
    /// Below 99.99 %.
    Yellow,
    /// Above.
    Red,
}

impl TrafficLight {
    /// The zone of `exceptions` in `days`.
    #[must_use]
    pub fn of(days: u32, exceptions: u32, confidence: Confidence) -> Self {
        let tail = confidence.tail();
        let odds = tail / (1.0 - tail);
        // The binomial sum, in logarithms at the start: (1 − p)ⁿ of a long sample is tiny.
        let mut term = crate::pricing::exp(likelihood(days, 0, tail).max(-700.0));
        let mut sum = term;
        for i in 0..exceptions.min(days) {
            term *= f64::from(days - i) / f64::from(i + 1) * odds;
            sum += term;
        }
        if sum < 0.95 {
            Self::Green
        } else if sum < 0.9999 {
            Self::Yellow
        } else {
            Self::Red
        }
    }
}
