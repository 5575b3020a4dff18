//! The complementary error function, plain and scaled.
//!
//! Source: W. J. Cody (1969), "Rational Chebyshev approximations for the error function",
//! Mathematics of Computation 23; the coefficients are those of his published CALERF, with
//! which each of the three ranges is good to 10⁻¹⁸ before rounding. Deterministic: nothing here
//! calls the platform's mathematics.

use super::elementary::exp;

/// √π.
const SQRT_PI: f64 = 1.772_453_850_905_516;
/// Where the rational for erf hands over to the one for erfc.
const SMALL: f64 = 0.468_75;
/// Where that hands over to the expansion in 1/x².
const LARGE: f64 = 4.0;

/// erfc(x) = 2/√π ∫ₓ^∞ exp(−u²) du, to a few units in the last place; 0 when below 10⁻³⁰⁴.
///
/// ```
/// assert!((tezi_core::pricing::erfc(1.0) - 0.157_299_207_050_285_13).abs() < 1e-16);
/// ```
#[must_use]
pub fn erfc(x: f64) -> f64 {
    if x.abs() <= SMALL {
        return 1.0 - erf_small(x);
    }
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x > 27.0 {
        return 0.0;
    }
    // x² as a short square, which is exact, and a small rest (Cody): exp magnifies what x² loses.
    let short = (x * 16.0).trunc() / 16.0;
    exp(-short * short) * exp(-(x - short) * (x + short)) * erfcx(x)
}

/// The scaled function erfcx(x) = exp(x²) erfc(x) for x ≥ −26, to a few units in the last place;
/// infinite below.
///
/// ```
/// assert!((tezi_core::pricing::erfcx(1.0) - 0.427_583_576_155_807).abs() < 1e-15);
/// ```
#[must_use]
pub fn erfcx(x: f64) -> f64 {
    if x.abs() <= SMALL {
        exp(x * x) * (1.0 - erf_small(x))
    } else if x < -26.0 {
        f64::INFINITY
    } else if x < 0.0 {
        2.0 * exp(x * x) - erfcx(-x)
    } else if x <= LARGE {
        ratio(x, &MIDDLE_P, &MIDDLE_Q)
    } else {
        (1.0 - erfcx_defect_large(x)) / (SQRT_PI * x)
    }
}

/// 1 − √π x erfcx(x) for x ≥ 0: what erfcx falls short of its asymptote 1/(√π x), relatively.
///
/// Beyond 4 it is computed as such, with full relative accuracy; below, the difference loses at
/// most the factor 34.
pub(super) fn erfcx_defect(x: f64) -> f64 {
    if x <= LARGE { 1.0 - SQRT_PI * x * erfcx(x) } else { erfcx_defect_large(x) }
}

fn erfcx_defect_large(x: f64) -> f64 {
    let inverse_square = 1.0 / (x * x);
    SQRT_PI * inverse_square * ratio(inverse_square, &LARGE_P, &LARGE_Q)
}

fn erf_small(x: f64) -> f64 {
    x * ratio(x * x, &SMALL_P, &SMALL_Q)
}

/// P(x)/Q(x), coefficients from the highest degree down.
fn ratio(x: f64, p: &[f64], q: &[f64]) -> f64 {
    let horner = |c: &[f64]| c.iter().fold(0.0, |sum, &c| sum * x + c);
    horner(p) / horner(q)
}

const SMALL_P: [f64; 5] = [
    1.857_777_061_846_031_5e-1,
    3.161_123_743_870_565_6,
    1.138_641_541_510_501_6e2,
    3.774_852_376_853_02e2,
    3.209_377_589_138_469_5e3,
];
const SMALL_Q: [f64; 5] = [
    1.0,
    2.360_129_095_234_412_1e1,
    2.440_246_379_344_441_7e2,
    1.282_616_526_077_372_3e3,
    2.844_236_833_439_171e3,
];
const MIDDLE_P: [f64; 9] = [
    2.153_115_354_744_038_5e-8,
    5.641_884_969_886_701e-1,
    8.883_149_794_388_376,
    6.611_919_063_714_163e1,
    2.986_351_381_974_001e2,
    8.819_522_212_417_69e2,
    1.712_047_612_634_070_6e3,
    2.051_078_377_826_071_5e3,
    1.230_339_354_797_997_2e3,
];
const MIDDLE_Q: [f64; 9] = [
    1.0,
    1.574_492_611_070_983_5e1,
    1.176_939_508_913_125e2,
    5.371_811_018_620_099e2,
    1.621_389_574_566_690_2e3,
    3.290_799_235_733_459_6e3,
    4.362_619_090_143_247e3,
    3.439_367_674_143_721_6e3,
    1.230_339_354_803_749_4e3,
];
const LARGE_P: [f64; 6] = [
    1.631_538_713_730_209_8e-2,
    3.053_266_349_612_323_4e-1,
    3.603_448_999_498_044_4e-1,
    1.257_817_261_112_292_5e-1,
    1.608_378_514_874_228e-2,
    6.587_491_615_298_378e-4,
];
const LARGE_Q: [f64; 6] = [
    1.0,
    2.568_520_192_289_822,
    1.872_952_849_923_467_2,
    5.279_051_029_514_284e-1,
    6.051_834_131_244_132e-2,
    2.335_204_976_268_691_8e-3,
];

#[cfg(test)]
mod tests {
    use super::{erfc, erfcx, erfcx_defect};

    /// x, erfc(x), erfcx(x), 1 − √π x erfcx(x): mpmath at 60 digits, arguments exact in binary.
    const KNOWN: &[(f64, f64, f64, f64)] = &[
        (-5.0, 1.999_999_999_998_462_6, 144009798674.661_04, 1276253611146.155_3),
        (-2.0, 1.995_322_265_018_952_8, 108.940_904_389_977_97, 387.185_451_014_292_2),
        (-0.5, 1.520_499_877_813_046_5, 1.952_360_489_182_557, 2.730_234_433_703_700_3),
        (-0.25, 1.276_326_390_168_237, 1.358_642_370_104_722, 1.602_032_725_223_878),
        (0.0, 1.0, 1.0, 1.0),
        (0.007_812_5, 0.991_184_717_104_820_8, 0.991_245_216_065_164_9, 0.986_273_934_371_825_2),
        (0.25, 0.723_673_609_831_763_1, 0.770_346_547_730_996_8, 0.658_649_073_735_606_2),
        (0.468_75, 0.507_386_526_782_062, 0.632_069_689_249_556_1, 0.474_852_646_210_455_36),
        (0.5, 0.479_500_122_186_953_5, 0.615_690_344_192_925_9, 0.454_358_639_234_952_95),
        (1.0, 0.157_299_207_050_285_13, 0.427_583_576_155_807, 0.242_127_843_858_687_9),
        (1.5, 0.033_894_853_524_689_274, 0.321_585_416_454_317_5, 0.145_007_035_315_736_28),
        (2.0, 0.004_677_734_981_047_266, 0.255_395_676_310_505_75, 0.094_645_900_037_650_85),
        (3.0, 2.209_049_699_858_544e-05, 0.179_001_151_181_389_96, 0.048_186_160_816_074_77),
        (4.0, 1.541_725_790_028_002e-08, 0.136_999_457_625_061_38, 0.028_699_135_041_971_514),
        (4.062_5, 9.178_929_024_808_192e-09, 0.135_004_245_473_810_68, 0.027_889_271_211_737_142),
        (5.0, 1.537_459_794_428_035e-12, 0.110_704_637_733_068_63, 0.018_905_692_684_612_084),
        (6.5, 3.842_148_327_120_647_5e-20, 0.085_805_670_104_894_61, 0.011_437_162_354_833_124),
        (10.0, 2.088_487_583_762_545e-45, 0.056_140_992_743_822_59, 0.004_926_812_175_530_253),
        (20.0, 5.395_865_611_607_901e-176, 0.028_174_348_741_051_32, 0.001_245_341_543_372_233_6),
        (26.0, 5.663_192_408_856_143e-296, 0.021_683_584_850_562_907, 0.000_738_009_784_764_965_1),
    ];

    /// Relative error in units of 2⁻⁵³.
    fn error(got: f64, want: f64) -> f64 {
        (got - want).abs() / want.abs() * 2f64.powi(53)
    }

    #[test]
    fn known_values_to_a_few_units_in_the_last_place() {
        for &(x, plain, scaled, defect) in KNOWN {
            assert!(error(erfc(x), plain) <= 8.0, "erfc({x}) off {}", error(erfc(x), plain));
            assert!(error(erfcx(x), scaled) <= 6.0, "erfcx({x}) off {}", error(erfcx(x), scaled));
            if x >= 0.0 {
                let off = error(erfcx_defect(x), defect);
                // Below 4 the subtraction magnifies erfcx's own error by 1/defect.
                let bound = if x > 4.0 { 8.0 } else { 6.0 / defect };
                assert!(off <= bound, "defect({x}) off {off}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_line() {
        assert_eq!(erfc(30.0), 0.0);
        assert_eq!(erfc(-30.0), 2.0);
        assert_eq!(erfcx(-30.0), f64::INFINITY);
        assert!(erfcx(1e10) > 0.0);
        assert!(erfc(f64::NAN).is_nan() && erfcx(f64::NAN).is_nan());
    }

    #[test]
    fn the_ranges_meet() {
        for (seam, slope) in [(0.468_75, 0.7), (4.0, 0.04)] {
            let (below, above) = (erfcx(seam), erfcx(f64::next_up(seam)));
            assert!((below - above).abs() <= slope * f64::EPSILON * seam + 8.0 * f64::EPSILON);
        }
    }
}
