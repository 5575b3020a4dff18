//! Published and collected values, and seeded checks against the slow way.

use super::*;
use crate::venue::rules::{Rules, key};
use crate::venue::{Date, Rate};
use tezi_testing::Random;

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{got} is not {want}");
}

fn uniform(random: &mut Random) -> f64 {
    (random.next() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Section 6.3: twenty returns.
const RETURNS: [f64; 20] = [
    -0.031, -0.024, -0.019, -0.015, -0.011, -0.008, -0.004, -0.001, 0.0, 0.002, 0.003, 0.005,
    0.006, 0.008, 0.010, 0.011, 0.013, 0.016, 0.020, 0.027,
];

#[test]
fn normal_quantiles_are_those_of_tables() {
    for (p, z) in [
        (0.5, 0.0),
        (0.95, 1.644_853_626_951_472_7),
        (0.975, 1.959_963_984_540_054),
        (0.99, 2.326_347_874_040_841),
        (0.999, 3.090_232_306_167_813_5),
        (0.01, -2.326_347_874_040_841),
        (1e-10, -6.361_340_902_404_056),
    ] {
        near(normal_quantile(p), z, 4e-15);
    }
    assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
    assert!(normal_quantile(1.5).is_nan() && normal_quantile(f64::NAN).is_nan());
}

#[test]
fn section_4_1_ewma_volatility() {
    let rules = Rules::builtin().unwrap();
    let lambda = |day| *rules.get(key::MARGIN_EWMA_LAMBDA, "*", Date::parse(day).unwrap()).unwrap();
    assert_eq!(lambda("2020-02-23"), Rate::parse("0.94").unwrap());
    assert_eq!(lambda("2026-11-22"), Rate::parse("0.995").unwrap());
    let mut ewma = Ewma::new(0.995, 0.012).unwrap();
    for (r, want) in [(0.01, 0.011_990_83), (-0.02, 0.012_044_13), (0.015, 0.012_060_71)] {
        near(ewma.update(r), want, 5e-9);
    }
    near(6.0 * ewma.daily(), 0.072_364_27, 1e-8);
    near(6.0 * ewma.daily() * 2f64.sqrt(), 0.102_338_54, 1e-8);
    let before = ewma;
    ewma.update(f64::NAN);
    assert_eq!(ewma, before);
    assert_eq!(Ewma::new(1.1, 0.01), None);
}

#[test]
fn section_6_3_normal_var_and_shortfall() {
    let sigma = 10_000.0; // ten lakh rupees at 1 %
    for (confidence, var, shortfall) in [
        (Confidence::P95, 16_448.54, 20_627.13),
        (Confidence::P97_5, 19_599.64, 23_378.03),
        (Confidence::P99, 23_263.48, 26_652.14),
    ] {
        near(normal_var(sigma, confidence), var, 0.005);
        near(normal_expected_shortfall(sigma, confidence), shortfall, 0.005);
    }
}

#[test]
fn section_6_3_parametric_portfolio() {
    let covariance =
        Covariance::new(3, &[0.05, 0.03, 0.01, 0.03, 0.04, 0.02, 0.01, 0.02, 0.03]).unwrap();
    let positions = [1e5, -1e5, 1e5];
    let mut marginal = [0.0; 3];
    let deviation = covariance.deviation(&positions, &mut marginal).unwrap();
    near(deviation, 20_000.0, 1e-8);
    for (confidence, var) in
        [(Confidence::P95, 32_897.07), (Confidence::P99, 46_526.96), (Confidence::P99_9, 61_804.65)]
    {
        let mut parts = [0.0; 3];
        near(covariance.components(&positions, confidence, &mut parts).unwrap(), var, 0.005);
        near(parts.iter().sum(), var, 0.005);
    }
    // Incremental: the O(1) formula against a new evaluation.
    for instrument in 0..3 {
        let mut changed = positions;
        changed[instrument] += 30_000.0;
        let want = covariance.deviation(&changed, &mut [0.0; 3]).unwrap();
        let got = covariance.deviation_with(deviation, &marginal, instrument, 30_000.0).unwrap();
        near(got, want, 1e-8);
    }
    assert_eq!(covariance.deviation_with(deviation, &marginal, 3, 1.0), None);
}

/// J. Hull, Risk Management and Financial Institutions, chapter 15, with his z of 2.33.
#[test]
fn published_two_share_portfolio() {
    let (a, b) = (10e6 * 0.02, 5e6 * 0.01);
    let covariance = Covariance::new(2, &[a * a, 0.3 * a * b, 0.3 * a * b, b * b]).unwrap();
    let deviation = covariance.deviation(&[1.0, 1.0], &mut [0.0; 2]).unwrap();
    near(deviation, 220_227.155_455_452_42, 1e-6);
    let ten_days = 2.33 * 10f64.sqrt();
    near(a * ten_days, 1_473_621.389_638_464_7, 1e-5);
    near(b * ten_days, 368_405.347_409_616_17, 1e-5);
    near(deviation * ten_days, 1_622_657.234_291_95, 1e-4);
}

#[test]
fn section_6_3_historical_quantiles() {
    let mut scratch = [0.0; 20];
    let mut of = |confidence, quantile| {
        let mut shuffled = RETURNS;
        shuffled.rotate_left(7);
        shuffled.swap(0, 13);
        tail_risk(&shuffled, confidence, quantile, &mut scratch).unwrap()
    };
    let p90 = Confidence::from_bps(9_000).unwrap();
    assert_eq!(of(Confidence::P95, Quantile::OrderStatistic).var, 0.031);
    assert_eq!(of(p90, Quantile::OrderStatistic).var, 0.024);
    near(of(p90, Quantile::OrderStatistic).expected_shortfall, 0.0275, 1e-15);
    near(of(Confidence::P95, Quantile::Type7).var, 0.024_35, 1e-15);
    near(of(p90, Quantile::Type7).var, 0.0195, 1e-15);
    assert_eq!(tail_risk(&[], p90, Quantile::Type7, &mut []), None);
    let one = tail_risk(&[-3.0], Confidence::P99, Quantile::Type7, &mut [0.0]).unwrap();
    assert_eq!((one.var, one.expected_shortfall), (3.0, 3.0));
}

#[test]
fn tails_of_random_samples_are_those_of_the_sorted_sample() {
    let mut random = Random(5);
    for step in 0..400 {
        let n = 1 + random.below(700) as usize;
        let bps = 5_000 + random.below(5_000) as u16;
        let confidence = Confidence::from_bps(bps).unwrap();
        // Few different values: ties are the rule.
        let sample: Vec<f64> = (0..n).map(|_| random.below(40) as f64 - 20.0).collect();
        let mut sorted = sample.clone();
        sorted.sort_by(f64::total_cmp);
        let k = (n * (10_000 - usize::from(bps))).div_ceil(10_000).max(1);
        let mut scratch = vec![0.0; n];
        let got = tail_risk(&sample, confidence, Quantile::OrderStatistic, &mut scratch).unwrap();
        assert_eq!(got.var, -sorted[k - 1], "step {step}");
        near(got.expected_shortfall, -sorted[..k].iter().sum::<f64>() / k as f64, 1e-12);
        let got = tail_risk(&sample, confidence, Quantile::Type7, &mut scratch).unwrap();
        let place = (n - 1) as f64 * confidence.tail();
        let (low, high) = (sorted[place as usize], sorted[(place as usize + 1).min(n - 1)]);
        near(got.var, -(low + place.fract() * (high - low)), 1e-12);
    }
}

#[test]
fn one_position_changed_is_the_portfolio_made_anew() {
    let mut random = Random(9);
    let (days, count) = (250, 11);
    let returns: Vec<f32> =
        (0..days * count).map(|_| (uniform(&mut random) - 0.5) as f32 * 0.1).collect();
    let mut live = HistoricalVar::new(days, &returns).unwrap();
    let mut values = vec![0.0; count];
    for step in 0..200 {
        let (at, value) = (random.below(11) as usize, uniform(&mut random) * 2e6 - 1e6);
        let told = live.what_if(at, value, Confidence::P99, Quantile::Type7).unwrap();
        live.set_position(at, value).unwrap();
        values[at] = value;
        let mut anew = HistoricalVar::new(days, &returns).unwrap();
        anew.set_positions(&values).unwrap();
        let want = anew.measure(Confidence::P99, Quantile::Type7).unwrap();
        let got = live.measure(Confidence::P99, Quantile::Type7).unwrap();
        near(got.var, want.var, 1e-6);
        near(told.var, want.var, 1e-6);
        let naive: f64 = (0..count).map(|i| values[i] * f64::from(returns[i * days + step])).sum();
        near(live.profits()[step], naive, 1e-6);
        let mut parts = vec![0.0; count];
        live.components(Confidence::P95, &mut parts).unwrap();
        let whole = live.measure(Confidence::P95, Quantile::OrderStatistic).unwrap();
        near(parts.iter().sum(), whole.expected_shortfall, 1e-6);
    }
    assert_eq!(live.set_position(11, 0.0), Err(MeasureError::Shape));
    assert_eq!(live.set_position(0, f64::NAN), Err(MeasureError::NotFinite));
    assert_eq!(HistoricalVar::new(3, &[0.0; 4]).err(), Some(MeasureError::Shape));
    assert_eq!(HistoricalVar::new(1, &[f32::NAN]).err(), Some(MeasureError::NotFinite));
}

#[test]
fn splits_are_adjusted_or_flagged_and_falls_believed() {
    let closes = [100.0, 51.0, 50.0, 40.5, 30.0, 6.3, 6.0];
    let mut returns = [9.0; 6];
    let report = clean_returns(&closes, &[], &mut returns);
    let suspects: Vec<_> = report.suspects.iter().map(|it| (it.day, it.nearest)).collect();
    assert_eq!(suspects, [(1, 0.5), (4, 0.75), (5, 0.2)]);
    assert_eq!((returns[0], returns[3], returns[4]), (0.0, 0.0, 0.0));
    near(f64::from(returns[2]), -0.19, 1e-7); // a fall of less than a fifth
    let rows = [(1, 0.5), (4, 1.0), (5, 0.2)];
    let rows = rows.map(|(day, factor)| CorporateAction { day, factor });
    let report = clean_returns(&closes, &rows, &mut returns);
    assert_eq!(report, ReturnReport { adjusted: 2, suspects: vec![] });
    for (day, want) in [(0, 0.02), (3, 30.0 / 40.5 - 1.0), (4, 0.05)] {
        near(f64::from(returns[day]), want, 1e-7);
    }
    let broken = clean_returns(&[1.0, 0.0, f64::NAN, 2.0], &rows, &mut returns);
    assert_eq!(broken.suspects.len(), 3);
}

/// Every dimension alone is even at every power of two, and so is the mean of a product.
#[test]
fn sobol_points_are_even() {
    for seed in [0, 7] {
        let mut sobol = Sobol::new(40, seed).unwrap();
        let mut seen = vec![[false; 256]; 40];
        let mut product = 0.0;
        for _ in 0..256 {
            let mut point = [0.0; 40];
            sobol.next_point(&mut point);
            for (x, seen) in point.iter().zip(&mut seen) {
                assert!(0.0 < *x && *x < 1.0);
                assert!(!core::mem::replace(&mut seen[(x * 256.0) as usize], true));
            }
            product += point[0] * point[1] / 256.0;
        }
        near(product, 0.25, 2e-3);
    }
    assert_eq!(Sobol::new(0, 1).err(), Some(MeasureError::Shape));
}

#[test]
fn monte_carlo_comes_to_the_normal_answer() {
    let covariance =
        Covariance::new(3, &[0.05, 0.03, 0.01, 0.03, 0.04, 0.02, 0.01, 0.02, 0.03]).unwrap();
    let linear = [1e5, -1e5, 1e5].map(|delta| Sensitivity { delta, gamma: 0.0 });
    let mut draws = MonteCarlo::new(&covariance, 16_384, 3).unwrap();
    let got = draws.measure(&linear, Confidence::P99, Quantile::Type7).unwrap();
    assert!((got.var / 46_526.96 - 1.0).abs() < 0.01, "{got:?}");
    assert!((got.expected_shortfall / 53_304.28 - 1.0).abs() < 0.01, "{got:?}");
    // A long gamma cuts the loss.
    let bent = linear.map(|it| Sensitivity { gamma: 2e5, ..it });
    assert!(draws.measure(&bent, Confidence::P99, Quantile::Type7).unwrap().var < got.var);
    let again = MonteCarlo::new(&covariance, 16_384, 3).unwrap();
    assert_eq!(again.returns_for_test(), draws.returns_for_test());
    let singular = Covariance::new(2, &[1.0, 1.0, 1.0, 1.0]).unwrap();
    assert_eq!(MonteCarlo::new(&singular, 4, 1).err(), Some(MeasureError::NotPositiveDefinite));
}

#[test]
fn an_updated_covariance_is_the_weighted_sum() {
    let mut covariance = Covariance::new(2, &[0.0; 4]).unwrap();
    for r in [[0.01, -0.02], [0.03, 0.01]] {
        covariance.update(0.94, &r).unwrap();
    }
    let deviation = |x: &[f64]| covariance.deviation(x, &mut [0.0; 2]).unwrap();
    let weighted = |a: f64, b: f64| (0.06 * (0.94 * a * a + b * b)).sqrt();
    near(deviation(&[1.0, 0.0]), weighted(0.01, 0.03), 1e-15);
    near(deviation(&[1.0, 2.0]), weighted(0.01 - 0.04, 0.03 + 0.02), 1e-15);
    assert_eq!(Covariance::new(2, &[1.0, 0.5, 0.4, 1.0]).err(), Some(MeasureError::Shape));
}

#[test]
fn section_6_3_back_tests() {
    for (days, exceptions, want) in [(250, 5, 1.9568), (250, 10, 12.9555), (500, 8, 1.5383)] {
        near(kupiec(days, exceptions, Confidence::P99).unwrap(), want, 5e-5);
    }
    assert!(kupiec(250, 0, Confidence::P99).unwrap() > 0.0);
    assert_eq!(kupiec(5, 6, Confidence::P99), None);
    let zone = |exceptions| TrafficLight::of(250, exceptions, Confidence::P99);
    let zones = [0, 4, 5, 9, 10, 250].map(zone);
    use TrafficLight::{Green, Red, Yellow};
    assert_eq!(zones, [Green, Green, Yellow, Yellow, Red, Red]);
    // Ten exceptions in a row are one cluster; every twenty-fifth day is none.
    let cluster: Vec<bool> = (0..250).map(|day| (100..110).contains(&day)).collect();
    let even: Vec<bool> = (0..250).map(|day| day % 25 == 0).collect();
    assert!(christoffersen(&cluster) > 30.0);
    assert!(christoffersen(&even) < 3.84);
}
