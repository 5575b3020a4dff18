//! The bad end of a sample: the k worst of it, without sorting the rest.

/// A confidence level in basis points: 9,900 is 99 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confidence(u16);

impl Confidence {
    /// 95 %.
    pub const P95: Self = Self(9_500);
    /// 97.5 %.
    pub const P97_5: Self = Self(9_750);
    /// 99 %.
    pub const P99: Self = Self(9_900);
    /// 99.9 %.
    pub const P99_9: Self = Self(9_990);

    /// A level from 50 % to 99.99 %, `None` outside.
    #[must_use]
    pub const fn from_bps(bps: u16) -> Option<Self> {
        if 5_000 <= bps && bps < 10_000 { Some(Self(bps)) } else { None }
    }

    /// The probability beyond it, a fraction.
    #[must_use]
    pub fn tail(self) -> f64 {
        f64::from(10_000 - self.0) / 10_000.0
    }

    /// How many of `count` lie in the tail: ⌈count · tail⌉, exactly.
    #[must_use]
    pub const fn tail_count(self, count: usize) -> usize {
        (count * (10_000 - self.0) as usize).div_ceil(10_000)
    }
}

/// Which number between two order statistics is the quantile (R. Hyndman and Y. Fan 1996).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantile {
    /// The k-th worst, k = ⌈n · tail⌉: type 1, the inverse of the empirical distribution.
    #[default]
    OrderStatistic,
    /// Linear between the order statistics around (n − 1) · tail: type 7.
    Type7,
}

/// VaR and expected shortfall of a sample. Units: those of the sample; a loss is positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailRisk {
    /// Value at risk.
    pub var: f64,
    /// Expected shortfall: the mean of the k worst losses, under either quantile.
    pub expected_shortfall: f64,
}

/// Above this many a full selection beats insertion.
const INSERT_MAX: usize = 64;

/// VaR and expected shortfall of profits (a loss is negative there); `None` for an empty sample.
///
/// `scratch` has room for the sample and is overwritten: nothing allocates. Cost: one pass over
/// the sample for a tail of up to 64, which compares each number with the best of the worst.
#[must_use]
pub fn tail_risk(
    profits: &[f64],
    confidence: Confidence,
    quantile: Quantile,
    scratch: &mut [f64],
) -> Option<TailRisk> {
    let n = profits.len();
    if n == 0 || scratch.len() < n {
        return None;
    }
    let k = confidence.tail_count(n).clamp(1, n);
    let place = (n - 1) as f64 * confidence.tail();
    let below = place as usize;
    let needed = match quantile {
        Quantile::OrderStatistic => k,
        Quantile::Type7 => k.max((below + 2).min(n)),
    };
    let worst = worst_of(profits, needed, scratch);
    let expected_shortfall = -worst[..k].iter().sum::<f64>() / k as f64;
    let var = match quantile {
        Quantile::OrderStatistic => -worst[k - 1],
        Quantile::Type7 => {
            let (low, high) = (worst[below], worst[(below + 1).min(needed - 1)]);
            -(low + (place - below as f64) * (high - low))
        }
    };
    Some(TailRisk { var, expected_shortfall })
}

/// The `needed` least of `profits`, rising.
fn worst_of<'a>(profits: &[f64], needed: usize, scratch: &'a mut [f64]) -> &'a [f64] {
    if needed > INSERT_MAX {
        let all = &mut scratch[..profits.len()];
        all.copy_from_slice(profits);
        all.select_nth_unstable_by(needed - 1, f64::total_cmp);
        all[..needed].sort_unstable_by(f64::total_cmp);
        return &scratch[..needed];
    }
    let worst = &mut scratch[..needed];
    worst.copy_from_slice(&profits[..needed]);
    worst.sort_unstable_by(f64::total_cmp);
    // Eight at once: most eights have nothing for the tail, and the comparison takes a few cycles.
    let (eights, rest) = profits[needed..].as_chunks::<8>();
    for eight in eights {
        let limit = worst[needed - 1];
        if eight.iter().fold(false, |any, &profit| any | (profit < limit)) {
            eight.iter().for_each(|&profit| insert(worst, profit));
        }
    }
    rest.iter().for_each(|&profit| insert(worst, profit));
    worst
}

/// Takes `profit` in at its place and drops the last, when it belongs.
fn insert(worst: &mut [f64], profit: f64) {
    let mut place = worst.len();
    while place > 0 && profit < worst[place - 1] {
        place -= 1;
    }
    if place < worst.len() {
        worst[place..].rotate_right(1);
        worst[place] = profit;
    }
}
