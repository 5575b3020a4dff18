//! Every kernel, the scalar reference among them, against values known to 17 digits, and the
//! kernels against each other.
//!
//! `tests/data/pricing_black76.csv` holds published values with our own high-precision evaluation;
//! `tests/data/black76_reference.csv` is written by `make_black76.py` beside it.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

mod common_numbers;

use common_numbers::{Random, number, rows};
use tezi::kernels::{CppKernels, KernelTarget};
use tezi_core::pricing::{
    Black76Batch, Black76FullGreeks, Black76Greeks, Black76Input, PricingKernel, Reference,
};

const PUBLISHED: &str = include_str!("data/pricing_black76.csv");
const PRECISE: &str = include_str!("data/black76_reference.csv");

/// The promise: relative error of every number in the domain that people trade in and far beyond.
const TOLERANCE: f64 = 1e-12;
/// Half a unit in the last place of 1, relatively: what rounding one input costs.
const UNIT: f64 = f64::EPSILON / 2.0;
const GREEKS: [&str; 9] =
    ["price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga", "charm"];

/// Results as columns, in the order of [`GREEKS`].
#[derive(Clone, PartialEq)]
struct Results {
    columns: [Vec<f64>; 9],
    status: Vec<u8>,
}

impl Results {
    fn lane(&self, i: usize) -> [f64; 9] {
        core::array::from_fn(|column| self.columns[column][i])
    }

    fn bits(&self, i: usize) -> [u64; 10] {
        let lane = self.lane(i).map(f64::to_bits);
        core::array::from_fn(|k| lane.get(k).copied().unwrap_or(u64::from(self.status[i])))
    }
}

fn run(kernel: &dyn PricingKernel, options: &[Black76Input]) -> Results {
    let column = |of: fn(&Black76Input) -> f64| options.iter().map(of).collect::<Vec<_>>();
    let is_call: Vec<u8> = options.iter().map(|o| u8::from(o.is_call)).collect();
    let blank = || Results {
        columns: [0; 9].map(|_| vec![f64::MAX; options.len()]),
        status: vec![u8::MAX; options.len()],
    };
    let batch = Black76Batch {
        forward: &column(|o| o.forward),
        strike: &column(|o| o.strike),
        years: &column(|o| o.years),
        vol: &column(|o| o.vol),
        rate: &column(|o| o.rate),
        is_call: &is_call,
    };
    let (mut results, mut few) = (blank(), blank());
    let [price, delta, gamma, vega, theta, rho, vanna, volga, charm] = &mut results.columns;
    let first = Black76Greeks { price, delta, gamma, vega, theta, status: &mut results.status };
    let mut full = Black76FullGreeks { first, rho, vanna, volga, charm };
    assert_eq!(kernel.black76_full(&batch, &mut full), options.len());
    let [price, delta, gamma, vega, theta, ..] = &mut few.columns;
    let mut first = Black76Greeks { price, delta, gamma, vega, theta, status: &mut few.status };
    assert_eq!(kernel.black76(&batch, &mut first), options.len());
    // The short call gives the same bits and leaves the rest alone.
    for i in 0..options.len() {
        let bits = few.bits(i);
        assert_eq!((&bits[..5], bits[9]), (&results.bits(i)[..5], results.bits(i)[9]));
        assert_eq!(few.lane(i)[5..], [f64::MAX; 4]);
    }
    results
}

fn kernels() -> Vec<Box<dyn PricingKernel>> {
    let mut all: Vec<Box<dyn PricingKernel>> = vec![Box::new(Reference)];
    all.extend(KernelTarget::all().map(|target| Box::new(target) as Box<dyn PricingKernel>));
    all
}

fn relative(got: f64, want: f64) -> f64 {
    if got == want { 0.0 } else { (got - want).abs() / want.abs() }
}

#[test]
fn published_values_are_reproduced() {
    for kernel in kernels() {
        let mut seen = 0;
        for row in rows(PUBLISHED) {
            let [spot, strike, years, rate, carry, vol] =
                [3, 4, 5, 6, 7, 8].map(|column: usize| number(row[column]));
            // Black-Scholes-Merton is Black on the forward; a black76 row carries q = r.
            let drift = if row[1] == "bsm" { rate - carry } else { 0.0 };
            let growth = (drift * years).exp();
            let forward = spot * growth;
            let is_call = row[2] == "1";
            let option = Black76Input { forward, strike, years, vol, rate, is_call };
            let results = run(kernel.as_ref(), &[option]);
            let [price, delta, gamma, vega, theta, ..] = results.lane(0);
            let spot_delta = delta * growth;
            let spot_theta = theta - delta * drift * forward;
            let got = match row[9] {
                "price" | "implied_vol" => price,
                "delta" => spot_delta,
                "gamma" => gamma * growth * growth,
                "vega" => vega,
                "theta" => spot_theta,
                "theta_per_day" => spot_theta / 365.0,
                "elasticity" => spot_delta * spot / price,
                "rho" => years * (delta * forward - price),
                "dividend_rho" => -years * delta * forward,
                other => panic!("{}: unknown quantity {other}", row[0]),
            };
            let want = number(row[12]);
            // An implied vol is known to half a unit in its last place, which moves the price by
            // vol * vega / price times as much; the factor leaves room for the kernel's own error.
            let bound = match row[9] {
                "implied_vol" => 4.0 * UNIT * (1.0 + vol * vega / price),
                _ => TOLERANCE,
            };
            let name = kernel.name();
            assert!(bound <= TOLERANCE, "{}: conditioning forbids {bound:e}", row[0]);
            let off = relative(got, want);
            assert!(off <= bound, "{} {name}: {got} is not {want}, off {off:e}", row[0]);
            if !row[10].is_empty() {
                let (published, digits) = (number(row[10]), number(row[11]));
                assert!((got - published).abs() <= digits.max(1e-14), "{} {name}", row[0]);
            }
            seen += 1;
        }
        assert_eq!(seen, 116);
    }
}

/// The rows of `black76_reference.csv`: set, option, value and Greeks.
fn precise() -> Vec<(&'static str, Black76Input, [f64; 9])> {
    rows(PRECISE)
        .map(|row| {
            let [forward, strike, years, vol, rate] =
                [1, 2, 3, 4, 5].map(|column: usize| number(row[column]));
            let is_call = row[6] == "1";
            let values = core::array::from_fn(|greek| number(row[7 + greek]));
            (row[0], Black76Input { forward, strike, years, vol, rate, is_call }, values)
        })
        .collect()
}

/// What a Greek's error is measured against: itself, or the sum of its parts' magnitudes where it
/// crosses zero. Theta and charm do where the discount's part and the decay balance; vanna, volga and
/// charm where d₁ or d₂ = h ∓ s/2 does.
fn scale(greek: usize, option: &Black76Input, want: &[f64; 9]) -> f64 {
    let s = option.vol * option.years.sqrt();
    let d = (option.forward / option.strike).ln().abs() / s + s / 2.0;
    let density = want[2] * option.forward;
    match greek {
        4 => (option.rate * want[0]).abs() + (want[4] - option.rate * want[0]).abs(),
        6 => density * option.years.sqrt() * d,
        7 => want[3] * d * d / option.vol,
        8 => (option.rate * want[1]).abs() + density * s * d / (2.0 * option.years),
        _ => want[greek].abs(),
    }
}

/// The exponent that all share, exp(−(h² + s²/4)/2 − rT), magnifies the relative error of its
/// argument by the argument; h = ln(F/K)/s and s = vol √T carry a few roundings each. This is the
/// relative condition of the Greeks with respect to vol, to a small factor.
fn condition(option: &Black76Input) -> f64 {
    let s = option.vol * option.years.sqrt();
    let h = (option.forward / option.strike).ln() / s;
    1.0 + h * h + s * s / 4.0 + (option.rate * option.years).abs()
}

#[test]
fn high_precision_values_are_matched() {
    // Largest errors seen, in units of 2^-53 times the condition: 22 for the price (where c < t or
    // t is just beyond the series, a difference loses a digit) and so for rho, 9 for the Greeks.
    const FACTORS: [f64; 9] = [32.0, 12.0, 12.0, 12.0, 12.0, 32.0, 12.0, 12.0, 12.0];
    let rows = precise();
    assert_eq!(rows.len(), 1_998);
    let options: Vec<_> = rows.iter().map(|row| row.1).collect();
    for kernel in kernels() {
        let results = run(kernel.as_ref(), &options);
        for (i, (set, option, want)) in rows.iter().enumerate() {
            for (greek, (&got, &true_value)) in results.lane(i).iter().zip(want).enumerate() {
                let scale = scale(greek, option, want);
                if scale < 1e-300 {
                    assert!(got.abs() < 1e-290); // gone below the range of exp, which the doc says
                    continue;
                }
                let off = (got - true_value).abs() / scale;
                let bound = TOLERANCE.min(FACTORS[greek] * UNIT * condition(option));
                let (name, greek) = (kernel.name(), GREEKS[greek]);
                assert!(off <= bound, "{name} {set} {i} {greek}: {off:e} > {bound:e}, {option:?}");
            }
            assert_eq!(results.status[i], 0);
        }
    }
}

trait RandomOption {
    fn option(&mut self) -> Black76Input;
    fn options(&mut self, count: usize) -> Vec<Black76Input>;
}

impl RandomOption for Random {
    /// Mostly regular options over a wide domain, now and then one with an input gone wrong.
    fn option(&mut self) -> Black76Input {
        let forward = self.uniform(-2.0, 5.0).exp2() * 1_000.0;
        let s = self.uniform(-9.0, 2.0).exp2();
        let years = self.uniform(-10.0, 3.0).exp2();
        let mut option = Black76Input {
            forward,
            strike: forward * (s * self.uniform(-6.0, 6.0)).exp(),
            years,
            vol: s / years.sqrt(),
            rate: self.uniform(-0.05, 0.15),
            is_call: self.next().is_multiple_of(2),
        };
        let odd = [0.0, -1.0, f64::NAN, f64::INFINITY, -0.0, 1e-80, 1e120];
        let value = odd[(self.next() % 7) as usize];
        match self.next() % 64 {
            0 => option.forward = value,
            1 => option.strike = value,
            2 => option.years = value,
            3 => option.vol = value,
            4 => option.rate = value,
            5 => option.strike = option.forward,
            _ => {}
        }
        option
    }

    fn options(&mut self, count: usize) -> Vec<Black76Input> {
        (0..count).map(|_| self.option()).collect()
    }
}

#[test]
fn kernels_agree_with_the_scalar_reference() {
    for seed in 0..8 {
        let options = Random(seed).options(4_096 + seed as usize);
        let want = run(&Reference, &options);
        for kernel in kernels() {
            let got = run(kernel.as_ref(), &options);
            assert_eq!(got.status, want.status, "seed {seed} {}", kernel.name());
            for (i, option) in options.iter().enumerate() {
                for (greek, name) in GREEKS.iter().enumerate() {
                    let (a, b) = (got.lane(i)[greek], want.lane(i)[greek]);
                    let agree = if want.status[i] == 0 {
                        (a - b).abs() <= TOLERANCE * scale(greek, option, &want.lane(i))
                    } else {
                        // Intrinsic values take a handful of roundings; NaN answers NaN.
                        a.is_nan() && b.is_nan() || (a - b).abs() <= 8.0 * UNIT * b.abs()
                    };
                    assert!(agree, "seed {seed} {} lane {i} {name}: {a} {b}", kernel.name());
                }
            }
        }
    }
}

#[test]
fn all_targets_give_the_same_bits() {
    let options = Random(76).options(5_003);
    let baseline = run(&KernelTarget::all().next().unwrap(), &options);
    for target in KernelTarget::all() {
        let results = run(&target, &options);
        for (i, option) in options.iter().enumerate() {
            let lane =
                |r: &Results| r.bits(i).map(|b| if f64::from_bits(b).is_nan() { 0 } else { b });
            assert_eq!(lane(&results), lane(&baseline), "{} {option:?}", target.name());
        }
    }
    assert_eq!(CppKernels.name(), KernelTarget::best().name());
    assert!(KernelTarget::all().any(|target| target == KernelTarget::best()));
}

#[test]
fn a_lane_does_not_depend_on_its_batch() {
    let mut random = Random(5);
    let options = random.options(600);
    for kernel in kernels() {
        let whole = run(kernel.as_ref(), &options);
        let mut from = 0;
        let mut random = Random(6);
        while from < options.len() {
            let to = (from + 1 + (random.next() % 19) as usize).min(options.len());
            let part = run(kernel.as_ref(), &options[from..to]);
            for i in from..to {
                assert_eq!(part.bits(i - from), whole.bits(i), "{} {i}", kernel.name());
            }
            from = to;
        }
        let reversed: Vec<_> = options.iter().rev().copied().collect();
        let back = run(kernel.as_ref(), &reversed);
        for i in 0..options.len() {
            assert_eq!(back.bits(options.len() - 1 - i), whole.bits(i), "{} {i}", kernel.name());
        }
        assert!(run(kernel.as_ref(), &[]).status.is_empty());
    }
}

#[test]
fn columns_beyond_the_shortest_are_left_alone() {
    let ones = [1.0; 9];
    for kernel in kernels() {
        let mut out = [[7.0; 9]; 5];
        let [price, delta, gamma, vega, theta] = &mut out;
        let mut status = [7; 9];
        let batch = Black76Batch {
            forward: &ones,
            strike: &ones,
            years: &ones,
            vol: &ones[..5],
            rate: &ones,
            is_call: &[1; 9],
        };
        let mut greeks =
            Black76Greeks { price, delta, gamma, vega, theta, status: &mut status[..8] };
        assert_eq!(kernel.black76(&batch, &mut greeks), 5);
        assert_eq!(status, [0, 0, 0, 0, 0, 7, 7, 7, 7], "{}", kernel.name());
        assert!(out.iter().all(|column| column[5..] == [7.0; 4] && column[4] != 7.0));
    }
}
