//! The pricing kernels on every target of this machine: Black-76 with four Greeks and with all, and
//! implied volatility cold and warm.
//!
//! Regimes: 1 (a strategy asking for one option), 8 (the quotes of one underlying's nearest
//! strikes), 32 (one expiry's active strikes), 4096 (the whole chain). The options are an index's:
//! strikes on a 50 grid around 24,000, 3 to 60 days, 9 % to 25 % vol; `broad` is any market's, 5 % to
//! 150 % vol and up to two years. Quotes are out of the money, as a surface takes them. A market maker
//! waits for the result between a move of the future and its new quotes. `crossing` is an empty batch:
//! the call into C++, the length checks and nothing else. The peer is the `implied-vol` crate
//! (P. Jaeckel's method), one option a call.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tezi::kernels::KernelTarget;
use tezi_core::pricing::{
    Black76Batch, Black76FullGreeks, Black76Greeks, Black76Input, ImpliedVolBatch, ImpliedVols,
    PricingKernel, Reference,
};

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

    fn run_full(&mut self, kernel: &dyn PricingKernel, more: &mut [Vec<f64>; 4]) -> usize {
        let [price, delta, gamma, vega, theta] = &mut self.results;
        let first = Black76Greeks { price, delta, gamma, vega, theta, status: &mut self.status };
        let [rho, vanna, volga, charm] = more;
        kernel.black76_full(
            black_box(&Black76Batch {
                forward: &self.forward,
                strike: &self.strike,
                years: &self.years,
                vol: &self.vol,
                rate: &self.rate,
                is_call: &self.is_call,
            }),
            &mut Black76FullGreeks { first, rho, vanna, volga, charm },
        )
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

/// Quotes as columns, their volatilities, and room for the answers.
struct Quotes {
    chain: Chain,
    price: Vec<f64>,
    guess: Vec<f64>,
}

impl Quotes {
    fn new(count: usize, is_broad: bool) -> Self {
        let mut chain = Chain::new(count);
        for i in 0..count {
            if is_broad {
                chain.strike[i] = 24_000.0 * ((i * 37 % 101) as f64 * 0.01 - 0.5).exp();
                chain.years[i] = 0.01 + (i * 29 % 97) as f64 * 0.02;
                chain.vol[i] = 0.05 + (i * 53 % 146) as f64 * 0.01;
            }
            // Down to what still trades: a paisa or more of an index option.
            let reach = 3.0 * chain.vol[i] * chain.years[i].sqrt();
            let moneyness = (chain.strike[i] / chain.forward[i]).ln().clamp(-reach, reach);
            chain.strike[i] = chain.forward[i] * moneyness.exp();
            chain.is_call[i] = u8::from(chain.strike[i] > chain.forward[i]);
        }
        chain.run(&Reference);
        let price = chain.results[0].clone();
        let guess = chain.vol.iter().map(|vol| vol * 1.000_05).collect();
        Self { chain, price, guess }
    }

    fn run(&mut self, kernel: &dyn PricingKernel, is_warm: bool) -> usize {
        let Chain { forward, strike, years, rate, is_call, results, status, .. } = &mut self.chain;
        let price = &self.price;
        let guess = is_warm.then_some(&self.guess[..]);
        kernel.implied_vol(
            black_box(&ImpliedVolBatch { forward, strike, years, price, rate, is_call, guess }),
            &mut ImpliedVols { vol: &mut results[0], status },
        )
    }

    /// One call an option, undiscounted, as the peer's interface has it.
    fn run_peer(&mut self) {
        let chain = &mut self.chain;
        for i in 0..self.price.len() {
            let growth = (chain.rate[i] * chain.years[i]).exp();
            let builder = implied_vol::ImpliedBlackVolatility::builder()
                .option_price(black_box(self.price[i]) * growth)
                .forward(chain.forward[i])
                .strike(chain.strike[i])
                .expiry(chain.years[i])
                .is_call(chain.is_call[i] != 0)
                .build_unchecked();
            let vol = builder.calculate::<implied_vol::DefaultSpecialFn>();
            chain.results[0][i] = vol.unwrap_or(f64::NAN);
        }
    }

    /// A bench of wrong answers would say nothing.
    fn check(&self, name: &str) {
        for (i, (&got, &want)) in self.chain.results[0].iter().zip(&self.chain.vol).enumerate() {
            let option = Black76Input {
                forward: self.chain.forward[i],
                strike: self.chain.strike[i],
                years: self.chain.years[i],
                vol: want,
                rate: self.chain.rate[i],
                is_call: self.chain.is_call[i] != 0,
            };
            let condition = self.price[i] / (want * option.value().vega);
            let bound = 1e-13 * (1.0 + condition);
            assert!((got - want).abs() <= bound * want, "{name} {i}: {got} is not {want}");
        }
    }
}

fn kernels() -> Vec<Box<dyn PricingKernel>> {
    let mut kernels: Vec<Box<dyn PricingKernel>> = vec![Box::new(Reference)];
    kernels.extend(KernelTarget::all().map(|target| Box::new(target) as Box<dyn PricingKernel>));
    kernels
}

fn implied_vol(criterion: &mut Criterion) {
    for (set, is_broad) in [("nse", false), ("broad", true)] {
        for count in [8, 4096] {
            let mut group = criterion.benchmark_group(format!("kernels/implied_vol/{set}/{count}"));
            group.throughput(Throughput::Elements(count as u64));
            let mut quotes = Quotes::new(count, is_broad);
            quotes.run_peer();
            quotes.check("implied-vol");
            group.bench_function("implied-vol-crate", |bencher| bencher.iter(|| quotes.run_peer()));
            for kernel in kernels() {
                let name = kernel.name();
                for (start, is_warm) in [("cold", false), ("warm", true)] {
                    quotes.run(kernel.as_ref(), is_warm);
                    quotes.check(name);
                    group.bench_function(BenchmarkId::new(start, name), |bencher| {
                        bencher.iter(|| quotes.run(kernel.as_ref(), is_warm));
                    });
                }
            }
        }
    }
}

fn full(criterion: &mut Criterion) {
    for count in [8, 4096] {
        let mut group = criterion.benchmark_group(format!("kernels/black76_full/{count}"));
        group.throughput(Throughput::Elements(count as u64));
        for kernel in kernels() {
            let mut chain = Chain::new(count);
            let mut more = [0; 4].map(|_| vec![0.0; count]);
            group.bench_function(BenchmarkId::from_parameter(kernel.name()), |bencher| {
                bencher.iter(|| chain.run_full(kernel.as_ref(), &mut more));
            });
        }
    }
}

fn black76(criterion: &mut Criterion) {
    let kernels = kernels();
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

criterion_group!(benches, black76, full, implied_vol);
criterion_main!(benches);
