//! Every SVI fit, the scalar reference among them, against minima found with fifty digits and
//! against each other.
//!
//! `tests/data/svi_reference.csv` is written by `make_svi.py` beside it.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

mod common_numbers;

use common_numbers::{Random, number, rows};
use tezi::kernels::KernelTarget;
use tezi_core::pricing::{PricingKernel, Reference, Svi, SviFit, SviQuotes};

const PRECISE: &str = include_str!("data/svi_reference.csv");

#[derive(Default)]
struct Quotes {
    k: Vec<f64>,
    w: Vec<f64>,
    weight: Vec<f64>,
}

impl Quotes {
    fn push(&mut self, k: f64, w: f64, weight: f64) {
        self.k.push(k);
        self.w.push(w);
        self.weight.push(weight);
    }

    fn columns(&self) -> SviQuotes<'_> {
        SviQuotes { k: &self.k, total_variance: &self.w, weight: &self.weight }
    }

    fn error(&self, svi: &Svi) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for ((&k, &w), &weight) in self.k.iter().zip(&self.w).zip(&self.weight) {
            sum += weight * (svi.total_variance(k) - w).powi(2);
            total += weight;
        }
        (sum / total).sqrt()
    }
}

fn kernels() -> Vec<Box<dyn PricingKernel>> {
    let mut all: Vec<Box<dyn PricingKernel>> = vec![Box::new(Reference)];
    all.extend(KernelTarget::all().map(|target| Box::new(target) as Box<dyn PricingKernel>));
    all
}

/// The sets of `svi_reference.csv`: quotes, the least error and the smile that has it.
fn precise() -> Vec<(Quotes, f64, Svi)> {
    let mut sets: Vec<(Quotes, f64, Svi)> = Vec::new();
    for row in rows(PRECISE) {
        if row[0] == "fit" {
            let [error, a, b, rho, m, sigma] = [1, 2, 3, 4, 5, 6].map(|i: usize| number(row[i]));
            sets.push((Quotes::default(), error, Svi { a, b, rho, m, sigma }));
        } else {
            let [k, w, weight] = [1, 2, 3].map(|i: usize| number(row[i]));
            sets.last_mut().unwrap().0.push(k, w, weight);
        }
    }
    sets
}

#[test]
fn high_precision_minima_are_found() {
    let sets = precise();
    assert_eq!(sets.len(), 40);
    for kernel in kernels() {
        for (i, (quotes, least, svi)) in sets.iter().enumerate() {
            let name = kernel.name();
            let beside = Svi { m: svi.m + 0.1 * svi.sigma, sigma: 1.3 * svi.sigma, ..*svi };
            for start in [Some(svi), Some(&beside), None] {
                let fit = kernel.svi_fit(&quotes.columns(), start);
                let error = quotes.error(&fit.svi);
                // A search ends when a step promises 1e-8 of the squared error.
                assert!(error <= least * (1.0 + 1e-6), "{name} {i}: {error:e} {least:e} {fit:?}");
                assert!((fit.error / error - 1.0).abs() < 1e-9, "{name} {i}: {fit:?}");
                for &k in &quotes.k {
                    let off = fit.svi.total_variance(k) - svi.total_variance(k);
                    assert!(off.abs() <= 2e-3 * least, "{name} {i}: {off:e} of {least:e}");
                }
            }
        }
    }
}

/// A noisy smile of 3 to 60 strikes; some quotes broken.
fn random_quotes(random: &mut Random) -> Quotes {
    let sd = 0.01 * random.uniform(0.0, 3.4).exp();
    let svi = Svi {
        a: sd * sd * random.uniform(0.3, 0.9),
        b: random.uniform(0.05, 0.9) * sd,
        rho: random.uniform(-0.8, 0.4),
        m: random.uniform(-0.5, 0.5) * sd,
        sigma: random.uniform(0.3, 2.0) * sd,
    };
    let noise = if random.next().is_multiple_of(4) { 0.3 } else { 0.02 };
    let mut quotes = Quotes::default();
    for _ in 0..3 + random.next() % 58 {
        let k = sd * random.uniform(-3.0, 3.0);
        let w = svi.total_variance(k) * (1.0 + random.uniform(-noise, noise));
        quotes.push(k, w, random.uniform(0.01, 1.0));
    }
    let odd = [0.0, -1.0, f64::NAN, f64::INFINITY, -f64::INFINITY];
    for column in [&mut quotes.k, &mut quotes.w, &mut quotes.weight] {
        if random.next().is_multiple_of(5) {
            let at = (random.next() as usize) % column.len();
            column[at] = odd[(random.next() % 5) as usize];
        }
    }
    quotes
}

fn bits(fit: &SviFit) -> ([u64; 7], u32, usize) {
    let Svi { a, b, rho, m, sigma } = fit.svi;
    ([a, b, rho, m, sigma, fit.error, fit.margin].map(f64::to_bits), fit.passes, fit.used)
}

#[test]
fn targets_agree_to_the_bit_and_the_reference_closely() {
    let targets: Vec<_> = KernelTarget::all().collect();
    let (mut fitted, mut apart) = (0, 0);
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let quotes = random_quotes(&mut random);
        let columns = quotes.columns();
        let oracle = Reference.svi_fit(&columns, None);
        let starts = [None, Some(oracle.svi), Some(Svi { sigma: -1.0, ..oracle.svi })];
        for start in starts.iter().map(Option::as_ref) {
            let first = targets[0].svi_fit(&columns, start);
            for target in &targets {
                let fit = target.svi_fit(&columns, start);
                assert_eq!(bits(&fit), bits(&first), "{seed}: {}", target.name());
                assert_eq!(bits(&target.svi_fit(&columns, start)), bits(&fit), "{seed}: again");
            }
            let want = Reference.svi_fit(&columns, start);
            assert_eq!((first.used, first.is_some()), (want.used, want.is_some()), "{seed}");
            if !want.is_some() {
                continue;
            }
            fitted += 1;
            // Two searches that part at a rounding may end in two minima of a ragged smile.
            let is_apart = (first.error / want.error - 1.0).abs() > 1e-6 && want.error > 1e-12;
            apart += u32::from(is_apart);
            if !is_apart && first.margin.min(want.margin) > -1.0 {
                let off = (first.margin - want.margin).abs();
                assert!(off < 0.05, "{seed}: {first:?} {want:?}");
            }
        }
    }
    assert!(fitted > 8_000 && apart * 100 < fitted, "{apart} of {fitted} apart");
}
