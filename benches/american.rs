//! American options by the kernel on every target, beside a binomial tree in the same run.
//!
//! Regimes: `plain`, equity options (10 % to 60 % vol, a week to two years, spot within 20 % of the
//! strike), and `broad`, any market's (5 % to 150 % vol, a day to three years, spot from half the
//! strike to twice). Batches of 64, the strikes of one expiry; a market maker waits for the result
//! between a move of the underlying and its new quotes. All are worth more alive than exercised.
//!
//! The tree is the best of the binomial ones that M. Broadie and J. Detemple (1996) compared, BBSR:
//! Cox, Ross and Rubinstein's with the last step by Black and Scholes's formula, two sizes
//! extrapolated. The name of a case ends in the worst error over its batch, in parts of the greater of
//! spot and strike, against the accurate scheme; what that is off itself, 1e-9, is held by
//! `tests/american_matches_reference.rs`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tezi::kernels::{CppKernels, KernelTarget};
use tezi_core::pricing::{
    AmericanBatch, AmericanInput, AmericanScheme, AmericanStatus, AmericanValues, PricingKernel,
    Reference, erfc,
};

const OPTIONS: usize = 64;

/// Options as columns, and room for their values.
struct Columns {
    options: Vec<AmericanInput>,
    inputs: [Vec<f64>; 6],
    is_call: Vec<u8>,
    outputs: [Vec<f64>; 6],
    vega: Vec<f64>,
    status: Vec<u8>,
}

impl Columns {
    fn new(options: Vec<AmericanInput>) -> Self {
        let column = |of: fn(&AmericanInput) -> f64| options.iter().map(of).collect::<Vec<f64>>();
        Self {
            inputs: [
                column(|option| option.spot),
                column(|option| option.strike),
                column(|option| option.years),
                column(|option| option.vol),
                column(|option| option.rate),
                column(|option| option.dividend_yield),
            ],
            is_call: options.iter().map(|option| u8::from(option.is_call)).collect(),
            outputs: [0; 6].map(|_| vec![0.0; options.len()]),
            vega: vec![0.0; options.len()],
            status: vec![0; options.len()],
            options,
        }
    }

    fn run(&mut self, kernel: &dyn PricingKernel, scheme: AmericanScheme, has_vega: bool) -> usize {
        let [spot, strike, years, vol, rate, dividend_yield] = &self.inputs;
        let is_call = &self.is_call;
        let [price, delta, gamma, theta, european, boundary] = &mut self.outputs;
        let (status, vega) = (&mut self.status, has_vega.then_some(&mut self.vega[..]));
        kernel.american(
            scheme,
            black_box(&AmericanBatch { spot, strike, years, vol, rate, dividend_yield, is_call }),
            &mut AmericanValues { price, delta, gamma, theta, european, boundary, status, vega },
        )
    }

    /// The worst error of prices against the last ones worked out here.
    fn off(&self, mut price: impl FnMut(usize) -> f64) -> f64 {
        self.options.iter().enumerate().fold(0.0, |worst: f64, (i, option)| {
            let off = (price(i) - self.outputs[0][i]).abs() / option.spot.max(option.strike);
            worst.max(off)
        })
    }
}

/// The first options of a fixed sequence that are alive.
fn options(is_broad: bool) -> Columns {
    let part = |i: usize, by: usize, of: usize| (i * by % of) as f64 / of as f64;
    let alive = (0..).map(|i: usize| {
        let (a, b, c, d) = (part(i, 37, 101), part(i, 29, 97), part(i, 53, 149), part(i, 17, 89));
        let (spot, years, vol) = if is_broad {
            let years = (3.0 * 365.0f64).powf(b) / 365.0;
            (100.0 * (1.38 * a - 0.69).exp(), years, 0.05 * 30f64.powf(c))
        } else {
            (80.0 + 40.0 * a, 0.02 + 2.0 * b, 0.1 + 0.5 * c)
        };
        let (strike, rate, dividend_yield) = (100.0, 0.02 + 0.06 * d, 0.015 * (i % 3) as f64);
        let is_call = i % 3 == 2;
        AmericanInput { spot, strike, years, vol, rate, dividend_yield, is_call }
    });
    let is_alive =
        |option: &AmericanInput| option.american(AmericanScheme::Fast).status == AmericanStatus::Ok;
    Columns::new(alive.filter(is_alive).take(OPTIONS).collect())
}

/// Room for a tree's values and the spots of its last row but one, both reused.
#[derive(Default)]
struct Tree {
    values: Vec<f64>,
    /// What exercise earns at spot u^(j - steps): [even or odd][half of j].
    gains: [Vec<f64>; 2],
}

impl Tree {
    fn price(&mut self, option: &AmericanInput, steps: usize) -> f64 {
        2.0 * self.one(option, steps) - self.one(option, steps / 2)
    }

    fn one(&mut self, option: &AmericanInput, steps: usize) -> f64 {
        let AmericanInput { spot, strike, years, vol, rate, dividend_yield, is_call } = *option;
        let dt = years / steps as f64;
        let s = vol * dt.sqrt();
        let sign = if is_call { 1.0 } else { -1.0 };
        let (up, drift) = (s.exp(), (rate - dividend_yield) * dt);
        let p = (drift.exp() - 1.0 / up) / (up - 1.0 / up);
        let discount = (-rate * dt).exp();
        let (by_up, by_down) = (discount * p, discount * (1.0 - p));
        let at = |j: usize| spot * (s * (j as f64 - steps as f64)).exp();
        for (parity, gains) in self.gains.iter_mut().enumerate() {
            gains.clear();
            gains.extend((0..=steps).map(|half| sign * (at(2 * half + parity) - strike)));
        }
        let (by_spot, by_strike) = ((-dividend_yield * dt).exp(), strike * discount);
        let normal = |x: f64| 0.5 * erfc(-x / std::f64::consts::SQRT_2);
        self.values.clear();
        self.values.extend((0..steps).map(|j| {
            let spot = at(2 * j + 1);
            let d = ((spot / strike).ln() + drift) / s;
            let paid = by_spot * spot * normal(sign * (d + 0.5 * s));
            let european = sign * (paid - by_strike * normal(sign * (d - 0.5 * s)));
            european.max(sign * (spot - strike))
        }));
        for step in (0..steps - 1).rev() {
            // Node j of a step has the spot u^(2j - step).
            let first = steps - step;
            let gains = &self.gains[first % 2][first / 2..];
            let (values, gains) = (&mut self.values[..step + 2], &gains[..step + 1]);
            for (j, gain) in gains.iter().enumerate() {
                values[j] = (by_up * values[j + 1] + by_down * values[j]).max(*gain);
            }
        }
        self.values[0]
    }
}

fn american(criterion: &mut Criterion) {
    for (regime, is_broad) in [("plain", false), ("broad", true)] {
        let mut columns = options(is_broad);
        let mut group = criterion.benchmark_group(format!("american/{regime}"));
        group.throughput(Throughput::Elements(OPTIONS as u64)).sample_size(20);
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        columns.run(&CppKernels, AmericanScheme::Fast, false);
        let fast = columns.outputs[0].clone();
        columns.run(&CppKernels, AmericanScheme::Accurate, false);
        let off = columns.off(|i| fast[i]);
        for target in KernelTarget::all() {
            for (name, scheme) in [
                (format!("fast-off-{off:.0e}"), AmericanScheme::Fast),
                ("accurate".into(), AmericanScheme::Accurate),
            ] {
                group.bench_function(BenchmarkId::new(name, target.name()), |bencher| {
                    bencher.iter(|| columns.run(&target, scheme, false));
                });
            }
        }
        let best = BenchmarkId::new("accurate-with-vega", CppKernels.name());
        group.bench_function(best, |bencher| {
            bencher.iter(|| columns.run(&CppKernels, AmericanScheme::Accurate, true));
        });
        let scalar = BenchmarkId::new("accurate", Reference.name());
        group.sample_size(10).bench_function(scalar, |bencher| {
            bencher.iter(|| columns.run(&Reference, AmericanScheme::Accurate, false));
        });
        columns.run(&CppKernels, AmericanScheme::Accurate, false);
        trees(&columns, group);
    }
}

fn trees(
    columns: &Columns,
    mut group: criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
) {
    let mut tree = Tree::default();
    for steps in [200, 1_000, 4_000] {
        let off = columns.off(|i| tree.price(&columns.options[i], steps));
        assert!(off < 1e-3, "a tree of {steps} steps is off {off}");
        let name = BenchmarkId::new(format!("binomial-off-{off:.0e}"), steps);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let price = |option| tree.price(option, steps);
                columns.options.iter().map(price).sum::<f64>()
            });
        });
    }
}

criterion_group!(benches, american);
criterion_main!(benches);
