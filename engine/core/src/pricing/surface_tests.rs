//! The surface against direct evaluation, against its own rules, and under random updates.

use super::*;
use crate::pricing::svi_tests::{Random, dense_check, smile};
use crate::pricing::{Black76Input, Reference, Smile};

const FORWARD: f64 = 24_000.0;

/// A surface whose expiries are quoted from `smiles`, at strikes over three standard deviations.
fn surface(smiles: &[(f64, Svi)], strikes: usize) -> Surface {
    let mut surface = Surface::new(SurfaceCapacity { expiries: smiles.len(), strikes });
    for (index, (years, svi)) in smiles.iter().enumerate() {
        surface.set_expiry(index, *years, 0.065).unwrap();
        surface.set_forward(index, FORWARD).unwrap();
        let sd = svi.total_variance(0.0).sqrt();
        for i in 0..strikes {
            let k = sd * (6.0 * i as f64 / (strikes - 1) as f64 - 3.0);
            let quote =
                SurfaceQuote { strike: FORWARD * k.exp(), vol: svi.vol(k, *years), weight: 1.0 };
            surface.set_quote(index, i, quote).unwrap();
        }
    }
    surface
}

#[test]
fn values_come_from_the_table_as_from_the_formula() {
    let mut random = Random(21);
    for case in 0..300 {
        let svi = smile(&mut random);
        let years = random.uniform(0.003, 1.0);
        let mut surface = surface(&[(years, svi)], 21);
        assert_eq!(surface.refit(0, &Reference), Ok(SmileStatus::Fitted), "{case}");
        let sd = svi.total_variance(0.0).sqrt();
        for forward in [FORWARD, FORWARD * 0.99, FORWARD * 1.03] {
            surface.set_forward(0, forward).unwrap();
            let fit = surface.fit(0).smile.unwrap();
            for i in 0..40 {
                let strike = forward * (sd * random.uniform(-8.0, 8.0)).exp();
                let is_call = i % 2 == 0;
                let theo = surface.theo(0, strike, is_call).unwrap();
                let value = |forward: f64| {
                    let vol = (fit.total_variance((strike / forward).ln()) / years).sqrt();
                    Black76Input { forward, strike, years, vol, rate: 0.065, is_call }.value().price
                };
                let off = (theo.price - value(forward)).abs();
                assert!(off < 1e-5 * forward * sd, "{case}: {off} {theo:?} {svi:?}");
                let by = 1e-5 * forward;
                let delta = (value(forward + by) - value(forward - by)) / (2.0 * by);
                assert!((theo.delta - delta).abs() < 1e-3, "{case}: {theo:?} {delta}");
            }
        }
        let strike = surface.slices[0].strike[4];
        let (by_index, by_strike) = (surface.theo_at(0, 4, true), surface.theo(0, strike, true));
        assert!((by_index.unwrap().price - by_strike.unwrap().price).abs() < 1e-8);
    }
}

/// Random quotes of three expiries come and go; whatever a status vouches for holds.
#[test]
fn the_surface_stays_free_of_arbitrage() {
    let (mut repaired, mut fitted) = (0, 0);
    for seed in 0..12 {
        let mut random = Random(seed);
        let first = smile(&mut random);
        let grown = |by: f64| Svi { a: by * first.a, b: by * first.b, ..first };
        let smiles = [(0.02, first), (0.1, grown(1.3)), (0.2, grown(1.4))];
        let mut surface = surface(&smiles, 15);
        for step in 0..40 {
            let index = (random.uniform(0.0, 3.0)) as usize;
            let at = (random.uniform(0.0, 15.0)) as usize;
            let (years, svi) = smiles[index];
            let strike = surface.slices[index].strike[at];
            let vol = svi.vol((strike / FORWARD).ln(), years) * random.uniform(0.7, 1.3);
            surface.set_quote(index, at, SurfaceQuote { strike, vol, weight: 1.0 }).unwrap();
            match surface.refit(index, &Reference).unwrap() {
                SmileStatus::Fitted => fitted += 1,
                SmileStatus::Repaired => repaired += 1,
                _ => continue,
            }
            let free: Vec<Svi> = surface.slices.iter().filter_map(Slice::svi).collect();
            free.iter().for_each(|svi| dense_check(svi, step));
            for pair in free.windows(2) {
                for i in -300..=300 {
                    let k = 0.01 * f64::from(i);
                    let [early, late] = [pair[0], pair[1]].map(|svi| svi.total_variance(k));
                    assert!(late >= early * (1.0 - 1e-9), "{seed} {step} at {k}: {pair:?}");
                }
            }
        }
    }
    assert!(fitted > 50 && repaired > 30, "{fitted} fitted, {repaired} repaired");
}

#[test]
fn equal_calls_give_equal_bits() {
    let run = || {
        let svi = Svi { a: 0.001, b: 0.03, rho: -0.4, m: 0.01, sigma: 0.05 };
        let mut surface = surface(&[(0.1, svi)], 21);
        surface.refit(0, &Reference).unwrap();
        let quote = SurfaceQuote { strike: surface.slices[0].strike[3], vol: 0.2, weight: 2.0 };
        surface.set_quote(0, 3, quote).unwrap();
        surface.refit(0, &Reference).unwrap();
        surface.theo(0, 24_050.0, false).unwrap().price.to_bits()
    };
    assert_eq!(run(), run());
}

#[test]
fn thin_expiries_are_smoothed_and_nothing_gives_nothing() {
    let mut surface = Surface::new(SurfaceCapacity { expiries: 1, strikes: 4 });
    assert_eq!(surface.refit(0, &Reference), Err(SurfaceError::NoExpiry));
    surface.set_expiry(0, 0.1, 0.0).unwrap();
    assert_eq!(surface.refit(0, &Reference), Err(SurfaceError::NoForward));
    surface.set_forward(0, 100.0).unwrap();
    assert_eq!(surface.refit(0, &Reference), Ok(SmileStatus::Empty));
    assert_eq!(surface.theo(0, 100.0, true), None);
    for (at, strike, vol) in [(0, 95.0, 0.22), (1, 100.0, 0.2), (2, 105.0, 0.19)] {
        surface.set_quote(0, at, SurfaceQuote { strike, vol, weight: 1.0 }).unwrap();
    }
    assert_eq!(surface.refit(0, &Reference), Ok(SmileStatus::TooFew));
    assert!((surface.vol(0, 100.0).unwrap() - 0.2).abs() < 0.005);
    assert!(matches!(surface.fit(0).smile, Some(Smile::Spline(_))));
    // All taken out again: the last smile stays.
    for (at, strike) in [(0, 95.0), (1, 100.0), (2, 105.0)] {
        surface.set_quote(0, at, SurfaceQuote { strike, vol: 0.2, weight: 0.0 }).unwrap();
    }
    assert_eq!(surface.refit(0, &Reference), Ok(SmileStatus::Empty));
    assert!(surface.theo(0, 101.0, false).is_some());
}

#[test]
fn what_is_no_price_is_refused() {
    let mut surface = Surface::new(SurfaceCapacity { expiries: 1, strikes: 2 });
    let good = SurfaceQuote { strike: 100.0, vol: 0.2, weight: 1.0 };
    assert_eq!(surface.set_expiry(1, 0.1, 0.0), Err(SurfaceError::NoExpiry));
    assert_eq!(surface.set_expiry(0, 0.0, 0.0), Err(SurfaceError::BadNumber));
    assert_eq!(surface.set_expiry(0, f64::NAN, 0.0), Err(SurfaceError::BadNumber));
    assert_eq!(surface.set_forward(0, -1.0), Err(SurfaceError::BadNumber));
    assert_eq!(surface.set_quote(0, 2, good), Err(SurfaceError::NoStrike));
    for bad in [
        SurfaceQuote { strike: f64::NAN, ..good },
        SurfaceQuote { vol: 0.0, ..good },
        SurfaceQuote { vol: f64::INFINITY, ..good },
        SurfaceQuote { weight: -1.0, ..good },
        SurfaceQuote { weight: f64::NAN, ..good },
    ] {
        assert_eq!(surface.set_quote(0, 0, bad), Err(SurfaceError::BadNumber), "{bad:?}");
    }
    assert_eq!(surface.slices[0].used, 0);
}
