//! The risk array kernel on every target against the scalar reference, and the targets against each
//! other.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

mod common_numbers;

use common_numbers::Random;
use tezi::kernels::{CppKernels, KernelTarget};
use tezi_core::pricing::{
    LaneStatus, PricingKernel, Reference, SCENARIO_COUNT, SpanArrays, SpanBatch, SpanGrid,
    SpanInput,
};

/// What one rounding of the sum costs, some hundred times: see `cpp/include/span.h`.
const TOLERANCE: f64 = 1e-13;

const GRID: SpanGrid = SpanGrid {
    decay_years: 1.0 / 365.0,
    extreme_move: 2.0,
    extreme_cover: 0.35,
    delta_weights: [0.27, 0.217, 0.11, 0.038],
};

/// Value, delta and losses of a row, as bits, with its status.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    value: f64,
    delta: f64,
    loss: [f64; SCENARIO_COUNT],
    status: u8,
}

impl Row {
    /// Equal bits; one NaN is as good as another.
    fn same(&self, other: &Self) -> bool {
        let bits = |row: &Self| {
            let numbers = [row.value, row.delta].into_iter().chain(row.loss);
            numbers.map(|x| if x.is_nan() { 1 } else { x.to_bits() }).collect::<Vec<_>>()
        };
        self.status == other.status && bits(self) == bits(other)
    }
}

fn run(kernel: &dyn PricingKernel, options: &[SpanInput]) -> Vec<Row> {
    let column = |of: fn(&SpanInput) -> f64| options.iter().map(of).collect::<Vec<_>>();
    let is_call: Vec<u8> = options.iter().map(|o| u8::from(o.is_call)).collect();
    let n = options.len();
    let (mut value, mut delta) = (vec![f64::MAX; n], vec![f64::MAX; n]);
    let (mut loss, mut status) = (vec![[f64::MAX; SCENARIO_COUNT]; n], vec![9; n]);
    let batch = SpanBatch {
        underlying: &column(|o| o.underlying),
        strike: &column(|o| o.strike),
        years: &column(|o| o.years),
        vol: &column(|o| o.vol),
        rate: &column(|o| o.rate),
        carry: &column(|o| o.carry),
        price_scan: &column(|o| o.price_scan),
        vol_scan: &column(|o| o.vol_scan),
        is_call: &is_call,
    };
    let mut out =
        SpanArrays { value: &mut value, loss: &mut loss, delta: &mut delta, status: &mut status };
    assert_eq!(kernel.span_arrays(&GRID, &batch, &mut out), n);
    (0..n)
        .map(|i| Row { value: value[i], delta: delta[i], loss: loss[i], status: status[i] })
        .collect()
}

fn random_options(count: usize, seed: u64, breaks: bool) -> Vec<SpanInput> {
    let mut random = Random(seed);
    let odd = [0.0, -1.0, 1e-60, 1e60, f64::INFINITY, f64::NAN];
    let mut options = Vec::with_capacity(count);
    for _ in 0..count {
        let underlying = random.uniform(2.0, 12.0).exp();
        let mut option = SpanInput {
            underlying,
            strike: underlying * random.uniform(-1.0, 1.0).exp(),
            years: random.uniform(-0.001, 1.0),
            vol: random.uniform(0.0, 1.5),
            rate: random.uniform(-0.05, 0.15),
            carry: random.uniform(-0.05, 0.15),
            price_scan: underlying * random.uniform(0.0, 0.7),
            vol_scan: random.uniform(0.0, 0.2),
            is_call: random.next().is_multiple_of(2),
        };
        if random.next().is_multiple_of(8) {
            option.strike = underlying;
        }
        if breaks && random.next().is_multiple_of(5) {
            let fields = [
                &mut option.underlying,
                &mut option.strike,
                &mut option.years,
                &mut option.vol,
                &mut option.price_scan,
                &mut option.vol_scan,
            ];
            let which = random.next() as usize % fields.len();
            *fields.into_iter().nth(which).unwrap() = odd[random.next() as usize % odd.len()];
        }
        options.push(option);
    }
    options
}

#[test]
fn every_target_agrees_with_the_reference() {
    for (seed, breaks) in [(1, false), (2, false), (3, true)] {
        let options = random_options(3_000, seed, breaks);
        let want = run(&Reference, &options);
        for target in KernelTarget::all() {
            let got = run(&target, &options);
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                let option = &options[i];
                assert_eq!(got.status, want.status, "{} {option:?}", target.name());
                if want.status == LaneStatus::Invalid as u8 {
                    assert!(got.same(want), "{} {option:?}: {got:?}", target.name());
                    continue;
                }
                let growth = (option.rate.abs() + option.carry.abs()) * option.years.max(0.0);
                let money = option.underlying + option.strike + option.price_scan;
                let bound = TOLERANCE * money * growth.exp();
                assert!((got.value - want.value).abs() <= bound, "value {option:?}: {got:?}");
                for k in 0..SCENARIO_COUNT {
                    let miss = (got.loss[k] - want.loss[k]).abs();
                    assert!(miss <= bound, "scenario {k} off by {miss} of {bound}: {option:?}");
                }
                // A delta has no unit; its steps where no time is left are met exactly or not.
                assert!((got.delta - want.delta).abs() <= 1e-11 * growth.exp(), "{option:?}");
            }
        }
    }
}

#[test]
fn targets_and_neighbours_do_not_show() {
    let options = random_options(301, 4, true);
    let want = run(&KernelTarget::all().next().unwrap(), &options);
    for target in KernelTarget::all() {
        for count in [0, 1, 3, 7, 8, 9, 31, 33, 301] {
            let got = run(&target, &options[..count]);
            let same = got.iter().zip(&want).all(|(got, want)| got.same(want));
            assert!(same, "{} with {count} rows", target.name());
        }
        let behind = run(&target, &options[5..90]);
        assert!(behind.iter().zip(&want[5..]).all(|(got, want)| got.same(want)));
    }
    assert!(run(&CppKernels, &options).iter().zip(&want).all(|(got, want)| got.same(want)));
}
