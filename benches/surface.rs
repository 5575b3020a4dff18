//! The volatility surface: SVI fits, refits, values from the cached surface, and a whole chain.
//!
//! Regimes: 21 strikes (the liquid ones of an index expiry) and 61; cold, warm (from its own answer) and
//! moved (one quote by 1 % since the last fit: what a tick does). `surface/refit` is the moved fit with the
//! checks against two neighbours and the table of values; `surface/theo` one value from that table, by
//! strike and by index. `chain/200` is 200 strikes with both sides quoted: parity forward, volatilities of
//! what is out of the money, fit, and value with four Greeks of all of them. A market maker waits for
//! each between a move of the future and its new quotes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tezi::kernels::{CppKernels, KernelTarget};
use tezi_core::pricing::{
    Black76Batch, Black76Greeks, Black76Input, ImpliedVolBatch, ImpliedVols, ParityPair,
    PricingKernel, Reference, SmileStatus, Surface, SurfaceCapacity, SurfaceQuote, Svi, SviQuotes,
    parity_forward,
};

const FORWARD: f64 = 24_000.0;
const YEARS: f64 = 24.0 / 365.0;
const SMILE: Svi = Svi { a: 0.000_4, b: 0.012, rho: -0.35, m: 0.008, sigma: 0.035 };

/// A ripple of half a percent, so that no fit is exact.
fn noisy(svi: &Svi, k: f64, i: usize) -> f64 {
    svi.total_variance(k) * (1.0 + 0.005 * ((i * 37 % 11) as f64 / 5.0 - 1.0))
}

struct Quotes {
    k: Vec<f64>,
    w: Vec<f64>,
    weight: Vec<f64>,
}

impl Quotes {
    fn new(count: usize) -> Self {
        let sd = SMILE.total_variance(0.0).sqrt();
        let k: Vec<f64> =
            (0..count).map(|i| sd * (6.0 * i as f64 / (count - 1) as f64 - 3.0)).collect();
        let w = k.iter().enumerate().map(|(i, &k)| noisy(&SMILE, k, i)).collect();
        let weight = k.iter().map(|k| (-(k / sd).powi(2)).exp() + 0.05).collect();
        Self { k, w, weight }
    }

    fn columns(&self) -> SviQuotes<'_> {
        SviQuotes { k: &self.k, total_variance: &self.w, weight: &self.weight }
    }
}

fn kernels() -> Vec<Box<dyn PricingKernel>> {
    let mut kernels: Vec<Box<dyn PricingKernel>> = vec![Box::new(Reference)];
    kernels.extend(KernelTarget::all().map(|target| Box::new(target) as Box<dyn PricingKernel>));
    kernels
}

fn svi_fit(criterion: &mut Criterion) {
    for count in [21, 61] {
        let mut group = criterion.benchmark_group(format!("surface/svi_fit/{count}"));
        let quotes = Quotes::new(count);
        let mut moved = Quotes::new(count);
        moved.w[count / 3] *= 1.01;
        for kernel in kernels() {
            let name = kernel.name();
            let fit = kernel.svi_fit(&quotes.columns(), None);
            assert!(fit.error < 0.01 * SMILE.total_variance(0.0), "{name}: {fit:?}");
            let start = fit.svi;
            let cases = [
                ("cold", &quotes, None),
                ("warm", &quotes, Some(&start)),
                ("moved", &moved, Some(&start)),
            ];
            for (case, quotes, start) in cases {
                let passes = kernel.svi_fit(&quotes.columns(), start).passes;
                let id = BenchmarkId::new(format!("{case}-{passes}-passes"), name);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| kernel.svi_fit(black_box(&quotes.columns()), black_box(start)));
                });
            }
        }
    }
}

fn surface() -> Surface {
    let mut surface = Surface::new(SurfaceCapacity { expiries: 3, strikes: 21 });
    for (index, by) in [0.6, 1.0, 1.5].into_iter().enumerate() {
        let svi = Svi { a: by * SMILE.a, b: by * SMILE.b, ..SMILE };
        let years = by * YEARS;
        let set = surface.set_expiry(index, years, 0.065);
        set.and_then(|()| surface.set_forward(index, FORWARD)).unwrap_or_default();
        for (i, &k) in Quotes::new(21).k.iter().enumerate() {
            let vol = (noisy(&svi, k, i) / years).sqrt();
            let quote = SurfaceQuote { strike: FORWARD * k.exp(), vol, weight: 1.0 };
            surface.set_quote(index, i, quote).unwrap_or_default();
        }
        let status = surface.refit(index, &CppKernels);
        assert_eq!(status, Ok(SmileStatus::Fitted));
    }
    surface
}

fn live(criterion: &mut Criterion) {
    let mut held = surface();
    let strike = FORWARD * Quotes::new(21).k[7].exp();
    let vol = held.vol(1, strike).unwrap_or(f64::NAN);
    let mut turn = 0u32;
    criterion.bench_function("surface/refit/one-quote-moved", |bencher| {
        bencher.iter(|| {
            turn += 1;
            let vol = vol * (1.0 + 0.005 * f64::from(turn % 2));
            let quote = SurfaceQuote { strike, vol, weight: 1.0 };
            let set = held.set_quote(1, 7, quote);
            set.and_then(|()| held.refit(1, &CppKernels))
        });
    });
    assert_eq!(held.refit(1, &CppKernels), Ok(SmileStatus::Fitted));
    let mut at = 0;
    criterion.bench_function("surface/theo/by-strike", |bencher| {
        bencher.iter(|| {
            at = (at + 7) % 41;
            held.theo(1, black_box(23_000.0 + 50.0 * at as f64), true)
        });
    });
    criterion.bench_function("surface/theo/by-index", |bencher| {
        bencher.iter(|| {
            at = (at + 8) % 21;
            held.theo_at(1, black_box(at), false)
        });
    });
}

/// 200 strikes with both sides quoted.
struct Chain {
    strike: Vec<f64>,
    call: Vec<f64>,
    put: Vec<f64>,
    price: Vec<f64>,
    pairs: Vec<ParityPair>,
    columns: [Vec<f64>; 4],
    is_call: Vec<u8>,
    quotes: Quotes,
    results: [Vec<f64>; 5],
    status: Vec<u8>,
    last: Option<Svi>,
}

impl Chain {
    fn new() -> Self {
        let count = 200;
        let strike: Vec<f64> = (0..count).map(|i| 21_500.0 + 25.0 * i as f64).collect();
        let side = |is_call| {
            let price = |(i, &strike): (usize, &f64)| {
                let vol = (noisy(&SMILE, (strike / FORWARD).ln(), i) / YEARS).sqrt();
                let (forward, years, rate) = (FORWARD, YEARS, 0.065);
                Black76Input { forward, strike, years, vol, rate, is_call }.value().price
            };
            strike.iter().enumerate().map(price).collect::<Vec<f64>>()
        };
        let (call, put) = (side(true), side(false));
        let column = || vec![0.0; count];
        Self {
            call,
            put,
            price: column(),
            pairs: Vec::with_capacity(count),
            columns: [column(), vec![YEARS; count], vec![0.065; count], column()],
            is_call: vec![0; count],
            quotes: Quotes { k: column(), w: column(), weight: column() },
            results: [0; 5].map(|_| column()),
            status: vec![0; count],
            last: None,
            strike,
        }
    }

    fn run(&mut self, kernel: &dyn PricingKernel) -> f64 {
        let discount = (-0.065 * YEARS).exp();
        self.pairs.clear();
        let near = self.strike.iter().zip(&self.call).zip(&self.put);
        // As far as three percent of the last forward: what is quoted tightly on both sides.
        self.pairs.extend(
            near.filter(|((k, _), _)| (*k / FORWARD - 1.0).abs() < 0.03)
                .map(|((&strike, &call), &put)| ParityPair { strike, call, put, liquidity: 1.0 }),
        );
        let Some(parity) = parity_forward(&mut self.pairs, discount) else { return f64::NAN };
        let forward = parity.forward;
        for (i, &strike) in self.strike.iter().enumerate() {
            let is_call = strike >= forward;
            self.is_call[i] = u8::from(is_call);
            self.price[i] = if is_call { self.call[i] } else { self.put[i] };
        }
        let [forwards, years, rate, vol] = &mut self.columns;
        forwards.fill(forward);
        let batch = ImpliedVolBatch {
            forward: forwards,
            strike: &self.strike,
            years,
            price: &self.price,
            rate,
            is_call: &self.is_call,
            guess: None,
        };
        kernel.implied_vol(&batch, &mut ImpliedVols { vol, status: &mut self.status });
        for (i, (&strike, &vol)) in self.strike.iter().zip(vol.iter()).enumerate() {
            let k = (strike / forward).ln();
            self.quotes.k[i] = k;
            self.quotes.w[i] = vol * vol * YEARS;
            self.quotes.weight[i] = 1.0 / (1.0 + 2_000.0 * k * k);
        }
        let fit = kernel.svi_fit(&self.quotes.columns(), self.last.as_ref());
        self.last = Some(fit.svi);
        for (vol, &k) in vol.iter_mut().zip(&self.quotes.k) {
            *vol = fit.svi.vol(k, YEARS);
        }
        let [price, delta, gamma, vega, theta] = &mut self.results;
        let batch = Black76Batch {
            forward: forwards,
            strike: &self.strike,
            years,
            vol,
            rate,
            is_call: &self.is_call,
        };
        let status = &mut self.status;
        kernel.black76(&batch, &mut Black76Greeks { price, delta, gamma, vega, theta, status });
        price[100]
    }
}

fn chain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("surface/chain/200");
    group.throughput(Throughput::Elements(200));
    for kernel in kernels() {
        let mut chain = Chain::new();
        let (first, again) = (chain.run(kernel.as_ref()), chain.run(kernel.as_ref()));
        assert!((first - again).abs() < 1e-3 && (first / chain.price[100] - 1.0).abs() < 0.01);
        group.bench_function(BenchmarkId::from_parameter(kernel.name()), |bencher| {
            bencher.iter(|| chain.run(black_box(kernel.as_ref())));
        });
    }
}

criterion_group!(benches, svi_fit, live, chain);
criterion_main!(benches);
