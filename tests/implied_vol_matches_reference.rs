//! Every implied-volatility solver, the scalar reference among them, against roots known to 17
//! digits and against each other.
//!
//! `tests/data/implied_vol_reference.csv` is written by `make_implied_vol.py` beside it;
//! `tests/data/pricing_black76.csv` holds published values with our own high-precision evaluation.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

mod common_numbers;

use common_numbers::{Random, number, rows};
use tezi::kernels::KernelTarget;
use tezi_core::pricing::{
    Black76Input, ImpliedVolBatch, ImpliedVolInput, ImpliedVolStatus, ImpliedVols, PricingKernel,
    Reference,
};

const PUBLISHED: &str = include_str!("data/pricing_black76.csv");
const PRECISE: &str = include_str!("data/implied_vol_reference.csv");

/// What is attainable in binary64 (P. Jäckel 2013, section 2), times 4: the rounding of the answer
/// and that of the price, which the answer magnifies by the condition price / (vol vega).
fn bound(condition: f64) -> f64 {
    4.0 * f64::EPSILON * (1.0 + condition)
}

fn run(
    kernel: &dyn PricingKernel,
    quotes: &[ImpliedVolInput],
    guess: Option<&[f64]>,
) -> Vec<(f64, ImpliedVolStatus)> {
    let column = |of: fn(&ImpliedVolInput) -> f64| quotes.iter().map(of).collect::<Vec<_>>();
    let is_call: Vec<u8> = quotes.iter().map(|q| u8::from(q.is_call)).collect();
    let (mut vol, mut status) = (vec![f64::MAX; quotes.len()], vec![u8::MAX; quotes.len()]);
    let batch = ImpliedVolBatch {
        forward: &column(|q| q.forward),
        strike: &column(|q| q.strike),
        years: &column(|q| q.years),
        price: &column(|q| q.price),
        rate: &column(|q| q.rate),
        is_call: &is_call,
        guess,
    };
    let lanes = kernel.implied_vol(&batch, &mut ImpliedVols { vol: &mut vol, status: &mut status });
    assert_eq!(lanes, quotes.len());
    let status = status.iter().map(|&code| ImpliedVolStatus::from_code(code).unwrap());
    vol.into_iter().zip(status).collect()
}

fn kernels() -> Vec<Box<dyn PricingKernel>> {
    let mut all: Vec<Box<dyn PricingKernel>> = vec![Box::new(Reference)];
    all.extend(KernelTarget::all().map(|target| Box::new(target) as Box<dyn PricingKernel>));
    all
}

/// The rows of `implied_vol_reference.csv`: set, quote, volatility, condition.
fn precise() -> Vec<(&'static str, ImpliedVolInput, f64, f64)> {
    rows(PRECISE)
        .map(|row| {
            let [forward, strike, years, price, rate, vol, condition] =
                [1, 2, 3, 4, 5, 7, 8].map(|column: usize| number(row[column]));
            let is_call = row[6] == "1";
            let quote = ImpliedVolInput { forward, strike, years, price, rate, is_call };
            (row[0], quote, vol, condition)
        })
        .collect()
}

#[test]
fn high_precision_roots_are_found_cold_and_warm() {
    let rows = precise();
    assert_eq!(rows.len(), 2_391);
    let quotes: Vec<_> = rows.iter().map(|row| row.1).collect();
    let near = |by: f64| -> Vec<f64> { rows.iter().map(|row| row.2 * by).collect() };
    // From nothing, from what a strategy knows, and from what is wrong.
    let wrong: Vec<_> = (0..rows.len()).map(|i| [f64::NAN, -1.0, 1e5, 1e-9][i % 4]).collect();
    let guesses = [None, Some(near(1.0)), Some(near(1.000_1)), Some(near(1.003)), Some(near(0.5))];
    for kernel in kernels() {
        for guess in guesses.iter().map(Option::as_deref).chain([Some(&wrong[..])]) {
            let answers = run(kernel.as_ref(), &quotes, guess);
            for ((set, quote, want, condition), (vol, status)) in rows.iter().zip(&answers) {
                let name = kernel.name();
                assert_eq!(*status, ImpliedVolStatus::Ok, "{name} {set} {quote:?}");
                let off = (vol - want).abs() / want;
                let bound = bound(*condition);
                assert!(off <= bound, "{name} {set}: {off:e} > {bound:e}, {vol} {want} {quote:?}");
            }
        }
    }
}

#[test]
fn published_volatilities_are_reproduced() {
    let mut seen = 0;
    for row in rows(PUBLISHED).filter(|row| row[9] == "implied_vol") {
        let [forward, strike, years, want, price] =
            [3, 4, 5, 8, 12].map(|column: usize| number(row[column]));
        let is_call = row[2] == "1";
        let quote = ImpliedVolInput { forward, strike, years, price, rate: 0.0, is_call };
        let vega = Black76Input { forward, strike, years, vol: want, rate: 0.0, is_call }.value();
        let bound = bound(price / (want * vega.vega));
        for kernel in kernels() {
            let (vol, status) = run(kernel.as_ref(), &[quote], None)[0];
            assert_eq!(status, ImpliedVolStatus::Ok, "{}", row[0]);
            let off = (vol - want).abs() / want;
            assert!(off <= bound, "{} {}: {off:e} > {bound:e}", row[0], kernel.name());
        }
        seen += 1;
    }
    assert_eq!(seen, 61);
}

/// Out of the money, where a price has all its digits of time value; now and then broken.
fn quotes(seed: u64, count: usize) -> Vec<(ImpliedVolInput, f64)> {
    let mut random = Random(seed);
    let one = |_| {
        let forward = random.uniform(-2.0, 5.0).exp2() * 1_000.0;
        let s = random.uniform(-10.0, 3.0).exp2();
        let years = random.uniform(-10.0, 3.0).exp2();
        let strike = forward * (s * random.uniform(-6.0, 6.0)).exp();
        let (vol, rate) = (s / years.sqrt(), random.uniform(-0.05, 0.15));
        let is_call = strike > forward;
        let price = Black76Input { forward, strike, years, vol, rate, is_call }.value().price;
        let mut quote = ImpliedVolInput { forward, strike, years, price, rate, is_call };
        let odd = [0.0, -1.0, f64::NAN, f64::INFINITY, -0.0, 1e-80, 1e120];
        let value = odd[(random.next() % 7) as usize];
        match random.next() % 64 {
            0 => quote.forward = value,
            1 => quote.strike = value,
            2 => quote.years = value,
            3 => quote.price = value,
            4 => quote.rate = value,
            5 => quote.is_call = !quote.is_call,
            _ => return (quote, vol),
        }
        (quote, f64::NAN)
    };
    (0..count).map(one).collect()
}

#[test]
fn price_to_volatility_to_price_comes_back() {
    let known: Vec<_> = quotes(3, 6_000).into_iter().filter(|(_, vol)| vol.is_finite()).collect();
    let quotes: Vec<_> = known.iter().map(|known| known.0).collect();
    for kernel in kernels() {
        for ((quote, vol), (found, status)) in known.iter().zip(run(kernel.as_ref(), &quotes, None))
        {
            let &ImpliedVolInput { forward, strike, years, price, rate, is_call } = quote;
            let option = Black76Input { forward, strike, years, vol: found, rate, is_call };
            assert_eq!(status, ImpliedVolStatus::Ok, "{} {quote:?} {vol}", kernel.name());
            let back = option.value();
            // The rounding of the volatility moves the price by vega vol / price; the price's own
            // error is bounded by the tests of the price kernels, in the same terms.
            let h = (forward / strike).ln() / (found * years.sqrt());
            let s = found * years.sqrt();
            let slope = found * back.vega / price;
            let bound = f64::EPSILON * (16.0 * (1.0 + h * h + s * s / 4.0) + 4.0 * (1.0 + slope));
            let off = (back.price - price).abs() / price;
            assert!(off <= bound, "{}: {off:e} > {bound:e} {quote:?}", kernel.name());
        }
    }
}

#[test]
fn kernels_agree_with_the_scalar_reference() {
    for seed in 10..14 {
        let quotes: Vec<_> = quotes(seed, 4_001).into_iter().map(|known| known.0).collect();
        let want = run(&Reference, &quotes, None);
        for kernel in kernels() {
            let got = run(kernel.as_ref(), &quotes, None);
            for (i, quote) in quotes.iter().enumerate() {
                let ((a, status), (b, wanted)) = (got[i], want[i]);
                assert_eq!(status, wanted, "seed {seed} {} {quote:?}", kernel.name());
                let &ImpliedVolInput { forward, strike, years, price, rate, is_call } = quote;
                let option = Black76Input { forward, strike, years, vol: b, rate, is_call };
                let bound = match status {
                    ImpliedVolStatus::Ok => 2.0 * bound(price / (b * option.value().vega)),
                    _ => 0.0,
                };
                let agree = a.is_nan() && b.is_nan() || (a - b).abs() <= bound * b;
                assert!(agree, "seed {seed} {} {a} {b} {quote:?}", kernel.name());
            }
        }
    }
}

#[test]
fn all_targets_give_the_same_bits_and_a_lane_does_not_depend_on_its_batch() {
    let known = quotes(21, 3_003);
    let quotes: Vec<_> = known.iter().map(|known| known.0).collect();
    let guess: Vec<f64> = known.iter().map(|known| known.1 * 1.001).collect();
    let bits = |answers: Vec<(f64, ImpliedVolStatus)>| -> Vec<(u64, ImpliedVolStatus)> {
        let clean = |x: f64| if x.is_nan() { 0 } else { x.to_bits() };
        answers.into_iter().map(|(vol, status)| (clean(vol), status)).collect()
    };
    for guess in [None, Some(&guess[..])] {
        let baseline = KernelTarget::all().next().unwrap();
        let want = bits(run(&baseline, &quotes, guess));
        for target in KernelTarget::all() {
            assert_eq!(bits(run(&target, &quotes, guess)), want, "{}", target.name());
            let mut random = Random(6);
            let mut from = 0;
            while from < quotes.len() {
                let to = (from + 1 + (random.next() % 41) as usize).min(quotes.len());
                let guess = guess.map(|guess| &guess[from..to]);
                let part = bits(run(&target, &quotes[from..to], guess));
                assert_eq!(part, want[from..to], "{} {from}..{to}", target.name());
                from = to;
            }
        }
    }
}

#[test]
fn what_has_no_volatility_has_a_status() {
    use ImpliedVolStatus::{AboveBound, AtIntrinsic, BelowIntrinsic, Invalid, NoTime, Ok};
    let call = ImpliedVolInput {
        forward: 110.0,
        strike: 100.0,
        years: 0.5,
        price: 12.0,
        rate: 0.0,
        is_call: true,
    };
    let put = ImpliedVolInput { is_call: false, price: 2.0, ..call };
    let cases = [
        (call, Ok),
        (put, Ok),
        (ImpliedVolInput { price: 10.0, ..call }, AtIntrinsic),
        (ImpliedVolInput { price: 10.0 - 5e-15, ..call }, AtIntrinsic), // its rounding
        (ImpliedVolInput { price: 9.999_999, ..call }, BelowIntrinsic),
        (ImpliedVolInput { price: -1.0, ..call }, BelowIntrinsic),
        (ImpliedVolInput { price: 0.0, ..put }, AtIntrinsic),
        (ImpliedVolInput { price: -1e-9, ..put }, BelowIntrinsic),
        (ImpliedVolInput { price: 1e-299, ..put }, AtIntrinsic),
        (ImpliedVolInput { price: 1e-200, ..put }, Ok),
        (ImpliedVolInput { price: 110.0, ..call }, AboveBound),
        (ImpliedVolInput { price: 109.999_999, ..call }, Ok),
        (ImpliedVolInput { price: 100.0, ..put }, AboveBound),
        (ImpliedVolInput { price: 1e90, ..put }, AboveBound),
        (ImpliedVolInput { years: 0.0, ..call }, NoTime),
        (ImpliedVolInput { years: -1.0, ..call }, NoTime),
        (ImpliedVolInput { years: f64::NAN, ..call }, Invalid),
        (ImpliedVolInput { forward: 0.0, ..call }, Invalid),
        (ImpliedVolInput { strike: -1.0, ..call }, Invalid),
        (ImpliedVolInput { price: f64::INFINITY, ..call }, Invalid),
        (ImpliedVolInput { rate: f64::NAN, ..call }, Invalid),
        (ImpliedVolInput { rate: 2_000.0, ..call }, Invalid),
        // At the money, an hour to go, and 10 years at 1,000 %.
        (ImpliedVolInput { forward: 100.0, price: 1e-9, years: 1e-4, ..call }, Ok),
        (ImpliedVolInput { forward: 100.0, price: 99.999_999_999_9, years: 10.0, ..call }, Ok),
    ];
    for kernel in kernels() {
        for (quote, want) in cases {
            let (vol, status) = run(kernel.as_ref(), &[quote], None)[0];
            assert_eq!(status, want, "{} {quote:?}", kernel.name());
            match status {
                Ok => assert!(vol > 0.0 && vol.is_finite()),
                AtIntrinsic => assert_eq!(vol, 0.0),
                _ => assert!(vol.is_nan()),
            }
        }
    }
}

#[test]
fn columns_beyond_the_shortest_are_left_alone() {
    let ones = [1.0; 9];
    for kernel in kernels() {
        let (mut vol, mut status) = ([7.0; 9], [7; 9]);
        let batch = ImpliedVolBatch {
            forward: &ones,
            strike: &ones,
            years: &ones,
            price: &[0.1; 9],
            rate: &ones,
            is_call: &[1; 9],
            guess: Some(&ones[..5]),
        };
        let mut out = ImpliedVols { vol: &mut vol, status: &mut status[..8] };
        assert_eq!(kernel.implied_vol(&batch, &mut out), 5);
        assert_eq!(status, [0, 0, 0, 0, 0, 7, 7, 7, 7], "{}", kernel.name());
        assert!(vol[5..] == [7.0; 4] && vol[4] < 1.0);
    }
}
