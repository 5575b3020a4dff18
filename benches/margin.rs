//! Margins and risk measures: risk arrays on every target, SPAN of a portfolio whole and by the
//! order, historical and parametric VaR.
//!
//! Regimes: arrays of 8 options (one underlying's nearest strikes) and 4,096 (its whole chain), an
//! index's options as in `kernels`; a portfolio of 5,000 positions over 200 underlyings, one of them
//! with 24 expiries, where the order falls; 1,000 instruments × 1,000 days. A risk desk waits for
//! the whole; an order waits for `one_order`. The peers are the plain ways: the scalar reference,
//! a loop over all positions in f64, a sort of all days.

#![allow(clippy::unwrap_used, reason = "a bench may stop at a broken set-up")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tezi::kernels::KernelTarget;
use tezi_core::margin::{
    ContractId, ContractKind, ContractTerms, MarginParameters, Portfolio, PortfolioLimits,
    RiskArray, UnderlyingKind, UnderlyingTerms,
};
use tezi_core::pricing::{
    PricingKernel, Reference, SCENARIO_COUNT, SpanArrays, SpanBatch, SpanGrid,
};
use tezi_core::risk_measures::{Confidence, Covariance, HistoricalVar, Quantile};
use tezi_core::venue::Date;
use tezi_core::venue::rules::Rules;
use tezi_model::Px;

const SPOT: f64 = 24_000.0;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low) as u64) as i64
    }
}

fn parameters() -> MarginParameters {
    let date = Date::parse("2026-11-20").unwrap();
    MarginParameters::of(&Rules::builtin().unwrap(), UnderlyingKind::Index, date).unwrap()
}

/// A chain as columns, and room for its arrays.
struct Chain {
    columns: [Vec<f64>; 8],
    is_call: Vec<u8>,
    value: Vec<f64>,
    loss: Vec<[f64; SCENARIO_COUNT]>,
    delta: Vec<f64>,
    status: Vec<u8>,
}

impl Chain {
    fn new(count: usize) -> Self {
        let days = |i: usize| [3.0, 10.0, 24.0, 60.0][i / 64 % 4];
        let column = |of: &dyn Fn(usize) -> f64| (0..count).map(of).collect::<Vec<f64>>();
        Self {
            columns: [
                column(&|i| SPOT + (i % 7) as f64 * 0.05),
                column(&|i| 22_400.0 + (i % 64) as f64 * 50.0),
                column(&|i| days(i) / 365.0),
                column(&|i| 0.09 + (i * 37 % 160) as f64 * 0.001),
                vec![0.065; count],
                vec![0.065; count],
                vec![SPOT * 0.093; count],
                vec![0.04; count],
            ],
            is_call: (0..count).map(|i| (i % 2) as u8).collect(),
            value: vec![0.0; count],
            loss: vec![[0.0; SCENARIO_COUNT]; count],
            delta: vec![0.0; count],
            status: vec![0; count],
        }
    }

    fn run(&mut self, kernel: &dyn PricingKernel, grid: &SpanGrid) -> usize {
        let [underlying, strike, years, vol, rate, carry, price_scan, vol_scan] = &self.columns;
        let is_call = &self.is_call;
        kernel.span_arrays(
            grid,
            black_box(&SpanBatch {
                underlying,
                strike,
                years,
                vol,
                rate,
                carry,
                price_scan,
                vol_scan,
                is_call,
            }),
            &mut SpanArrays {
                value: &mut self.value,
                loss: &mut self.loss,
                delta: &mut self.delta,
                status: &mut self.status,
            },
        )
    }
}

fn arrays(criterion: &mut Criterion) {
    let grid = parameters().grid;
    for count in [8, 4096] {
        let mut group = criterion.benchmark_group(format!("margin/span_arrays/{count}"));
        group.throughput(Throughput::Elements(count as u64));
        let mut kernels: Vec<Box<dyn PricingKernel>> = vec![Box::new(Reference)];
        kernels
            .extend(KernelTarget::all().map(|target| Box::new(target) as Box<dyn PricingKernel>));
        for kernel in kernels {
            let mut chain = Chain::new(count);
            group.bench_function(BenchmarkId::from_parameter(kernel.name()), |bencher| {
                bencher.iter(|| chain.run(kernel.as_ref(), &grid));
            });
        }
    }
}

/// 5,000 positions: underlying 0 has 24 expiries and 1,000 of them, 199 others the rest.
fn portfolio() -> (Portfolio, Vec<ContractId>) {
    let mut random = Random(1);
    let mut portfolio = Portfolio::new(PortfolioLimits::default());
    let parameters = parameters();
    let price = Px::from_rupees(SPOT);
    let terms = UnderlyingTerms {
        rates: parameters.rates,
        price,
        previous_close: price,
        is_concentrated: false,
    };
    let mut contracts = Vec::new();
    for underlying in 0..200 {
        let underlying_id = portfolio.add_underlying(terms).unwrap();
        let (count, expiries) = if underlying == 0 { (1_000, 24) } else { (20, 3) };
        // 199 × 20 is 3,980: twenty more for the first.
        let count = if underlying == 0 { count + 20 } else { count };
        for i in 0..count {
            let expiry = parameters.rates.date.plus_days(7 * (i % expiries) + 4);
            let kind = match i / expiries {
                0 => ContractKind::Future,
                _ => ContractKind::Option { is_call: i % 2 == 0, strike: price },
            };
            let array = RiskArray {
                loss: [0; SCENARIO_COUNT].map(|_: i32| random.between(-200_000, 200_000) as i32),
                delta: random.between(-1_000_000, 1_000_000) as i32,
            };
            let price = Px::from_paise(random.between(1, 100_000));
            let contract = ContractTerms { underlying: underlying_id, expiry, kind, price, array };
            let id = portfolio.add_contract(&contract).unwrap();
            portfolio.apply(id, 65 * random.between(-20, 20)).unwrap();
            contracts.push(id);
        }
    }
    (portfolio, contracts)
}

/// The plain way: every position, every scenario, f64.
fn naive(rows: &[(usize, f64, f64, [f64; SCENARIO_COUNT])], sums: &mut [[f64; 17]]) -> f64 {
    sums.fill([0.0; 17]);
    for (underlying, quantity, price, loss) in rows {
        let sums = &mut sums[*underlying];
        for (sum, loss) in sums.iter_mut().zip(loss) {
            *sum += quantity * loss;
        }
        sums[16] += quantity * price;
    }
    let span = |sums: &[f64; 17]| {
        let scan = sums[..16].iter().copied().fold(0.0, f64::max);
        (scan - sums[16]).max(0.0)
    };
    sums.iter().map(span).sum()
}

fn positions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("margin/portfolio_5000");
    let (mut live, contracts) = portfolio();
    group.bench_function("full", |bencher| bencher.iter(|| black_box(live.recompute())));
    let mut random = Random(2);
    let rows: Vec<_> = (0..contracts.len())
        .map(|i| {
            let loss = [0.0; SCENARIO_COUNT].map(|_: f64| random.between(-2_000, 2_000) as f64);
            (if i < 1_020 { 0 } else { 1 + (i - 1_020) / 20 }, 65.0 * (i % 40) as f64, 100.0, loss)
        })
        .collect();
    let mut sums = vec![[0.0; 17]; 200];
    group.bench_function("full/naive_f64_no_exposure_no_spreads", |bencher| {
        bencher.iter(|| black_box(naive(black_box(&rows), &mut sums)));
    });
    for (name, from, count) in [("24_expiries", 0, 1_020), ("3_expiries", 1_020, 3_980)] {
        let mut next = 0_usize;
        group.bench_function(BenchmarkId::new("one_order/what_if", name), |bencher| {
            bencher.iter(|| {
                next = (next + 389) % count;
                black_box(live.what_if(contracts[from + next], black_box(65)).unwrap())
            });
        });
        group.bench_function(BenchmarkId::new("one_order/apply", name), |bencher| {
            let mut change = 65;
            bencher.iter(|| {
                next = (next + 389) % count;
                change = -change;
                black_box(live.apply(contracts[from + next], black_box(change)).unwrap())
            });
        });
    }
    group.finish();
    assert!(live.is_consistent());
}

fn historical(criterion: &mut Criterion) {
    let (count, days) = (1_000, 1_000);
    let mut random = Random(3);
    let mut uniform = || random.between(-1_000_000, 1_000_000) as f64 * 1e-6;
    let returns: Vec<f32> = (0..count * days).map(|_| (uniform() * 0.03) as f32).collect();
    let values: Vec<f64> = (0..count).map(|_| uniform() * 1e7).collect();
    let mut var = HistoricalVar::new(days, &returns).unwrap();
    let mut group = criterion.benchmark_group("margin/historical_var_1000x1000");
    let of = |var: &mut HistoricalVar| var.measure(Confidence::P99, Quantile::OrderStatistic);
    group.bench_function("full", |bencher| {
        bencher.iter(|| {
            var.set_positions(black_box(&values)).unwrap();
            black_box(of(&mut var))
        });
    });
    let mut profits = vec![0.0; days];
    group.bench_function("full/naive_f64_by_day_and_sort", |bencher| {
        bencher.iter(|| {
            for (day, profit) in profits.iter_mut().enumerate() {
                let row = returns.iter().skip(day).step_by(days);
                *profit = row.zip(&values).map(|(&r, &value)| f64::from(r) * value).sum();
            }
            profits.sort_by(f64::total_cmp);
            black_box(-profits[9])
        });
    });
    let mut next = 0;
    group.bench_function("one_position", |bencher| {
        bencher.iter(|| {
            next = (next + 389) % count;
            var.set_position(next, values[(next + 1) % count]).unwrap();
            black_box(of(&mut var))
        });
    });
    group.bench_function("one_position/what_if", |bencher| {
        bencher.iter(|| {
            next = (next + 389) % count;
            let (confidence, quantile) = (Confidence::P99, Quantile::OrderStatistic);
            black_box(var.what_if(next, 1e6, confidence, quantile).unwrap())
        });
    });
    group.finish();

    let size = 64;
    let mut matrix = vec![1e-5; size * size];
    (0..size).for_each(|i| matrix[i * size + i] = 2e-4);
    let covariance = Covariance::new(size, &matrix).unwrap();
    let mut marginal = vec![0.0; size];
    criterion.bench_function("margin/parametric_var_64", |bencher| {
        bencher.iter(|| covariance.deviation(black_box(&values[..size]), &mut marginal).unwrap());
    });
}

criterion_group!(benches, arrays, positions, historical);
criterion_main!(benches);
