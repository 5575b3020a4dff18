//! Properties of the scalar reference, and what it does with bad input.
//!
//! The high-precision values live in the `tezi` package's `kernels_match_reference` test, which
//! holds this kernel and the C++ ones to the same files.

use super::{
    Black76Batch, Black76Greeks, Black76Input, Black76Value, LaneStatus, PricingKernel, Reference,
};

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn option(&mut self) -> Black76Input {
        let forward = self.uniform(50.0, 50_000.0);
        Black76Input {
            forward,
            strike: forward * self.uniform(-0.4, 0.4).exp(),
            years: self.uniform(0.002, 2.0),
            vol: self.uniform(0.05, 1.2),
            rate: self.uniform(-0.02, 0.12),
            is_call: self.next().is_multiple_of(2),
        }
    }
}

fn options(seed: u64) -> impl Iterator<Item = Black76Input> {
    let mut random = Random(seed);
    core::iter::repeat_with(move || random.option()).take(2_000)
}

const OPTION: Black76Input =
    Black76Input { forward: 100.0, strike: 110.0, years: 0.5, vol: 0.15, rate: 0.1, is_call: true };

#[test]
fn published_values_of_haug() {
    // E. G. Haug (1998), The Complete Guide to Option Pricing Formulas, p. 24; ±½ of the last digit.
    for (forward, years, vol, is_call, price) in [
        (90.0, 0.1, 0.15, true, 0.0205),
        (100.0, 0.1, 0.25, true, 3.1217),
        (110.0, 0.5, 0.35, true, 15.3086),
        (90.0, 0.5, 0.15, false, 10.3192),
        (110.0, 0.1, 0.15, false, 0.0408),
    ] {
        let got = Black76Input { forward, strike: 100.0, years, vol, rate: 0.1, is_call }.value();
        assert!((got.price - price).abs() <= 5e-5, "{} is not {price}", got.price);
    }
}

#[test]
fn put_call_parity_holds() {
    for option in options(1) {
        let call = Black76Input { is_call: true, ..option }.value();
        let put = Black76Input { is_call: false, ..option }.value();
        let discount = (-option.rate * option.years).exp();
        let scale = option.forward.max(option.strike);
        let parity = discount * (option.forward - option.strike);
        // Five roundings of numbers no larger than the larger of forward and strike.
        let bound = 5.0 * f64::EPSILON * scale;
        assert!((call.price - put.price - parity).abs() <= bound, "{option:?}");
        assert!((call.delta - put.delta - discount).abs() <= 5.0 * f64::EPSILON, "{option:?}");
        assert_eq!((call.gamma, call.vega), (put.gamma, put.vega), "{option:?}");
    }
}

#[test]
fn values_are_monotonic_and_bounded() {
    for option in options(2) {
        let value = option.value();
        let price = |changed: Black76Input| changed.value().price;
        let sign = if option.is_call { 1.0 } else { -1.0 };
        let scale = value.price.abs() * 1e-12;
        let forward = option.forward * 1.001;
        assert!((price(Black76Input { forward, ..option }) - value.price) * sign >= -scale);
        assert!(price(Black76Input { vol: option.vol * 1.001, ..option }) >= value.price - scale);
        let discount = (-option.rate * option.years).exp();
        let inside = discount * ((option.forward - option.strike) * sign).max(0.0);
        let most = discount * if option.is_call { option.forward } else { option.strike };
        assert!(inside <= value.price && value.price <= most * (1.0 + 1e-15), "{option:?}");
        assert!(0.0 <= value.delta * sign && value.delta * sign <= discount * (1.0 + 1e-15));
        assert!(value.gamma >= 0.0 && value.vega >= 0.0);
    }
}

#[test]
fn greeks_agree_with_central_differences() {
    for option in options(3) {
        let value = option.value();
        let at = |change: &dyn Fn(&mut Black76Input, f64), h: f64| {
            let (mut up, mut down) = (option, option);
            change(&mut up, h);
            change(&mut down, -h);
            (up.value(), down.value())
        };
        // Differences err by h² f'''/6 (about 1e-8 of the scale with this h) plus rounding / h.
        let scale = option.forward;
        let (h_forward, h_vol, h_years) = (scale * 1e-5, 1e-5, option.years * 1e-5);
        let slope =
            |(up, down): (Black76Value, Black76Value), h: f64| (up.price - down.price) / (2.0 * h);
        let by_forward = at(&|o, h| o.forward += h, h_forward);
        assert!((slope(by_forward, h_forward) - value.delta).abs() <= 1e-6, "{option:?}");
        let gamma = (by_forward.0.delta - by_forward.1.delta) / (2.0 * h_forward);
        assert!((gamma - value.gamma).abs() <= 1e-6 * value.gamma + 1e-6 / scale, "{option:?}");
        let vega = slope(at(&|o, h| o.vol += h, h_vol), h_vol);
        assert!((vega - value.vega).abs() <= 1e-6 * scale, "{option:?}");
        let theta = -slope(at(&|o, h| o.years += h, h_years), h_years);
        assert!((theta - value.theta).abs() <= 1e-6 * (scale + value.theta.abs()), "{option:?}");
    }
}

#[test]
fn scaling_money_scales_the_value() {
    for option in options(4) {
        let (one, four) = (
            option.value(),
            Black76Input { forward: option.forward * 4.0, strike: option.strike * 4.0, ..option }
                .value(),
        );
        // By a power of two every operation scales exactly.
        assert_eq!((one.price * 4.0, one.delta), (four.price, four.delta), "{option:?}");
        assert_eq!((one.gamma / 4.0, one.vega * 4.0), (four.gamma, four.vega), "{option:?}");
    }
}

#[test]
fn no_time_or_no_vol_is_the_discounted_intrinsic_value() {
    let discount = (-0.05f64).exp();
    let call = |change: Black76Input| {
        let v = change.value();
        assert_eq!((v.status, v.gamma, v.vega), (LaneStatus::Intrinsic, 0.0, 0.0), "{change:?}");
        (v.price, v.delta, v.theta)
    };
    assert_eq!(call(Black76Input { vol: 0.0, ..OPTION }), (0.0, 0.0, 0.0));
    assert_eq!(call(Black76Input { vol: -0.2, ..OPTION }), (0.0, 0.0, 0.0));
    let put = Black76Input { is_call: false, ..OPTION };
    let (price, delta, theta) = call(Black76Input { vol: 0.0, ..put });
    assert!((price - 10.0 * discount).abs() < 1e-14 && (delta + discount).abs() < 1e-15);
    assert_eq!(theta, 0.1 * price);
    assert_eq!(call(Black76Input { years: 0.0, ..put }), (10.0, -1.0, 0.0));
    assert_eq!(call(Black76Input { years: -1.0, ..put }), (10.0, -1.0, 0.0));
    assert_eq!(call(Black76Input { years: 0.0, strike: 100.0, ..put }), (0.0, -0.5, 0.0));
    assert_eq!(call(Black76Input { years: 0.0, strike: 100.0, ..OPTION }), (0.0, 0.5, 0.0));
    assert_eq!(call(Black76Input { forward: 0.0, years: 0.0, ..put }), (110.0, -1.0, 0.0));
    assert_eq!(call(Black76Input { strike: 0.0, years: 0.0, ..OPTION }), (100.0, 1.0, 0.0));
}

#[test]
fn the_limit_of_no_vol_is_continuous() {
    for vol in [1e-59, 1e-20, 1e-6] {
        let put = Black76Input { vol, is_call: false, ..OPTION }.value();
        let at_zero = Black76Input { vol: 0.0, is_call: false, ..OPTION }.value();
        assert_eq!(put.status, LaneStatus::Ok);
        assert_eq!((put.price, put.delta, put.vega), (at_zero.price, at_zero.delta, 0.0));
    }
}

#[test]
fn input_that_is_no_option_gives_nan_and_a_status() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for option in [
            Black76Input { forward: bad, ..OPTION },
            Black76Input { strike: bad, ..OPTION },
            Black76Input { years: bad, ..OPTION },
            Black76Input { vol: bad, ..OPTION },
            Black76Input { rate: bad, ..OPTION },
            Black76Input { rate: bad, years: 0.0, ..OPTION },
        ] {
            is_refused(option);
        }
    }
    is_refused(Black76Input { forward: -1.0, ..OPTION });
    is_refused(Black76Input { strike: -1.0, ..OPTION });
    is_refused(Black76Input { forward: 1e101, ..OPTION });
    is_refused(Black76Input { vol: 1e7, ..OPTION });
    is_refused(Black76Input { rate: 2_000.0, ..OPTION });
}

fn is_refused(option: Black76Input) {
    let v = option.value();
    assert_eq!(v.status, LaneStatus::Invalid, "{option:?}");
    let all = [v.price, v.delta, v.gamma, v.vega, v.theta];
    assert!(all.iter().all(|x| x.is_nan()), "{option:?}");
}

#[test]
fn nothing_inside_the_domain_is_not_a_number() {
    let ends = |low: f64, high: f64| [low, low * 1e3, 1.0, high / 1e3, high];
    for forward in ends(1e-100, 1e100) {
        for strike in ends(1e-100, 1e100) {
            for years in ends(1e-60, 1e6) {
                for vol in ends(1e-60, 1e6) {
                    for is_call in [false, true] {
                        let option =
                            Black76Input { forward, strike, years, vol, rate: -1e-5, is_call };
                        let v = option.value();
                        let all = [v.price, v.delta, v.gamma, v.vega, v.theta];
                        assert!(all.iter().all(|x| x.is_finite()), "{option:?}: {v:?}");
                        assert!(v.price >= 0.0, "{option:?}: {v:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_shortest_column_bounds_the_batch() {
    let columns = [1.0; 3];
    let batch = Black76Batch {
        forward: &columns,
        strike: &columns[..2],
        years: &columns,
        vol: &columns,
        rate: &columns,
        is_call: &[1; 3],
    };
    let mut out = [[7.0; 3]; 5];
    let [price, delta, gamma, vega, theta] = &mut out;
    let mut status = [7; 3];
    let mut greeks = Black76Greeks { price, delta, gamma, vega, theta, status: &mut status };
    assert_eq!(Reference.black76(&batch, &mut greeks), 2);
    assert_eq!((out[0][2], status), (7.0, [0, 0, 7]));
}
