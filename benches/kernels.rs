//! The pricing kernels: one Black-76 batch, price and four Greeks, on every target of this machine.
//!
//! Regimes: 1 (a strategy asking for one option), 8 (the quotes of one underlying's nearest
//! strikes), 32 (one expiry's active strikes), 4096 (the whole chain). The options are an index's:
//! strikes on a 50 grid around 24,000, 3 to 60 days, 9 % to 25 % vol. A market maker waits for the
//! result between a move of the future and its new quotes. `crossing` is an empty batch: the call
//! into C++, the length checks and nothing else.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tezi::kernels::KernelTarget;
use tezi_core::pricing::{Black76Batch, Black76Greeks, PricingKernel, Reference};

/// A chain as columns, and room for its results.
struct Chain {
    forward: Vec<f64>,
    strike: Vec<f64>,
    years: Vec<f64>,
    vol: Vec<f64>,
    rate: Vec<f64>,
    is_call: Vec<u8>,
    results: [Vec<f64>; 5],
    status: Vec<u8>,
}

impl Chain {
    fn new(count: usize) -> Self {
        let rows = 0..count;
        let days = |i: usize| [3.0, 10.0, 24.0, 60.0][i / 64 % 4];
        Self {
            forward: rows.clone().map(|i| 24_000.0 + (i % 7) as f64 * 0.05).collect(),
            strike: rows.clone().map(|i| 22_400.0 + (i % 64) as f64 * 50.0).collect(),
            years: rows.clone().map(|i| days(i) / 365.0).collect(),
            vol: rows.clone().map(|i| 0.09 + (i * 37 % 160) as f64 * 0.001).collect(),
            rate: vec![0.065; count],
            is_call: rows.map(|i| (i % 2) as u8).collect(),
            results: [0; 5].map(|_| vec![0.0; count]),
            status: vec![0; count],
        }
    }

    fn run(&mut self, kernel: &dyn PricingKernel) -> usize {
        let [price, delta, gamma, vega, theta] = &mut self.results;
        kernel.black76(
            black_box(&Black76Batch {
                forward: &self.forward,
                strike: &self.strike,
                years: &self.years,
                vol: &self.vol,
                rate: &self.rate,
                is_call: &self.is_call,
            }),
            &mut Black76Greeks { price, delta, gamma, vega, theta, status: &mut self.status },
        )
    }
}

fn black76(criterion: &mut Criterion) {
    let mut kernels: Vec<Box<dyn PricingKernel>> = vec![Box::new(Reference)];
    kernels.extend(KernelTarget::all().map(|target| Box::new(target) as Box<dyn PricingKernel>));
    for count in [1, 8, 32, 4096] {
        let mut group = criterion.benchmark_group(format!("kernels/black76/{count}"));
        group.throughput(Throughput::Elements(count as u64));
        for kernel in &kernels {
            let mut chain = Chain::new(count);
            group.bench_function(BenchmarkId::from_parameter(kernel.name()), |bencher| {
                bencher.iter(|| chain.run(kernel.as_ref()));
            });
        }
    }
    let mut empty = Chain::new(0);
    criterion.bench_function("kernels/crossing", |bencher| {
        bencher.iter(|| empty.run(&KernelTarget::best()));
    });
}

criterion_group!(benches, black76);
criterion_main!(benches);
