//! The smile of one expiry, whatever it takes: SVI where the quotes carry it, made free of arbitrage where
//! they do not say so themselves, a smoothing spline where they are too few or too odd.

use super::PricingKernel;
use super::repair::{Neighbours, repair};
use super::smoother::Spline;
use super::svi::{PROOF, Svi};
use super::svi_fit::{SCREEN_MARGIN, SVI_QUOTES_MIN, SviQuotes};

/// The weighted error, as a part of the mean total variance, beyond which a smile of five parameters is
/// held against the spline.
const ERROR_LARGE: f64 = 0.2;
/// How much of that error the spline must take away to be taken instead.
const GAIN: f64 = 0.5;

/// A curve of total variance over log-moneyness.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // lives in place: nothing allocates after construction
pub enum Smile {
    /// Five parameters.
    Svi(Svi),
    /// A smoothed curve.
    Spline(Spline),
}

/// What became of the fit of one expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SmileStatus {
    /// No quote takes part: there is no smile.
    Empty = 0,
    /// The least-squares SVI smile, which has no arbitrage.
    Fitted = 1,
    /// The SVI smile nearest to the quotes that has no arbitrage; the least-squares one has.
    Repaired = 2,
    /// Fewer than five quotes: the spline, without butterfly arbitrage.
    TooFew = 3,
    /// No SVI smile follows the quotes: the spline, without butterfly arbitrage.
    Smoothed = 4,
    /// The spline, which is not free of butterfly arbitrage.
    NotArbitrageFree = 5,
}

impl SmileStatus {
    /// One word, as in `too_few`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Fitted => "fitted",
            Self::Repaired => "repaired",
            Self::TooFew => "too_few",
            Self::Smoothed => "smoothed",
            Self::NotArbitrageFree => "not_arbitrage_free",
        }
    }

    /// Whether the smile was shown to be free of butterfly and, against its neighbours, calendar
    /// arbitrage.
    #[must_use]
    pub const fn is_arbitrage_free(self) -> bool {
        matches!(self, Self::Fitted | Self::Repaired)
    }
}

/// The smile of one expiry and how it came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmileFit {
    /// The curve; `None` when the status is [`SmileStatus::Empty`].
    pub smile: Option<Smile>,
    /// What became of it.
    pub status: SmileStatus,
    /// Weighted root mean square error of total variance.
    pub error: f64,
    /// Quotes that took part.
    pub used: usize,
    /// Passes of the least-squares search over the quotes.
    pub passes: u32,
}

impl Smile {
    /// Total variance at log-moneyness `k`.
    #[must_use]
    pub fn total_variance(&self, k: f64) -> f64 {
        match self {
            Self::Svi(svi) => svi.total_variance(k),
            Self::Spline(spline) => spline.total_variance(k),
        }
    }

    /// dw/dk.
    #[must_use]
    pub fn slope(&self, k: f64) -> f64 {
        match self {
            Self::Svi(svi) => svi.slope(k),
            Self::Spline(spline) => spline.slope(k),
        }
    }

    /// The parameters, of an SVI smile.
    #[must_use]
    pub const fn svi(&self) -> Option<&Svi> {
        match self {
            Self::Svi(svi) => Some(svi),
            Self::Spline(_) => None,
        }
    }
}

impl SmileFit {
    /// No smile.
    pub const EMPTY: Self =
        Self { smile: None, status: SmileStatus::Empty, error: f64::NAN, used: 0, passes: 0 };
}

/// The smile of `quotes`, searched from `start`, that crosses none of `neighbours`.
///
/// Cost: of a warm fit without arbitrage that of [`PricingKernel::svi_fit`] and some hundred
/// nanoseconds a neighbour; a repair takes one to two milliseconds. Never allocates.
#[must_use]
pub fn fit_smile(
    kernel: &dyn PricingKernel,
    quotes: &SviQuotes<'_>,
    start: Option<&Svi>,
    neighbours: &Neighbours,
) -> SmileFit {
    let found = fit_svi_smile(kernel, quotes, start, neighbours);
    if found.smile.is_none() {
        let is_few = found.used < SVI_QUOTES_MIN;
        let status = if is_few { SmileStatus::TooFew } else { SmileStatus::Smoothed };
        return smoothed(found, quotes, status);
    }
    if found.error <= ERROR_LARGE * mean(quotes) {
        return found;
    }
    let spline = smoothed(found, quotes, SmileStatus::Smoothed);
    let is_better = spline.status == SmileStatus::Smoothed && spline.error < GAIN * found.error;
    if is_better { spline } else { found }
}

/// As [`fit_smile`], but SVI whatever its error is; empty where there is none.
#[must_use]
pub fn fit_svi_smile(
    kernel: &dyn PricingKernel,
    quotes: &SviQuotes<'_>,
    start: Option<&Svi>,
    neighbours: &Neighbours,
) -> SmileFit {
    let fit = kernel.svi_fit(quotes, start);
    let mut found = SmileFit { used: fit.used, passes: fit.passes, ..SmileFit::EMPTY };
    if !fit.is_some() {
        return found;
    }
    let is_butterfly_free = fit.margin >= SCREEN_MARGIN || fit.svi.butterfly_margin() >= PROOF;
    if is_butterfly_free && neighbours.are_uncrossed(&fit.svi) {
        found.smile = Some(Smile::Svi(fit.svi));
        (found.status, found.error) = (SmileStatus::Fitted, fit.error);
    } else if let Some(svi) = repair(quotes, &fit.svi, neighbours) {
        found.smile = Some(Smile::Svi(svi));
        (found.status, found.error) = (SmileStatus::Repaired, error(&svi, quotes));
    }
    found
}

fn smoothed(found: SmileFit, quotes: &SviQuotes<'_>, status: SmileStatus) -> SmileFit {
    let Some(spline) = Spline::of(quotes) else { return SmileFit { used: 0, ..SmileFit::EMPTY } };
    let is_free = spline.butterfly_margin() >= PROOF;
    SmileFit {
        smile: Some(Smile::Spline(spline)),
        status: if is_free { status } else { SmileStatus::NotArbitrageFree },
        error: spline.error(quotes),
        ..found
    }
}

fn error(svi: &Svi, quotes: &SviQuotes<'_>) -> f64 {
    weighted(quotes, |[k, w, _]| {
        let off = svi.total_variance(k) - w;
        off * off
    })
    .sqrt()
}

fn mean(quotes: &SviQuotes<'_>) -> f64 {
    weighted(quotes, |[_, w, _]| w)
}

fn weighted(quotes: &SviQuotes<'_>, of: impl Fn([f64; 3]) -> f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for row in quotes.rows() {
        sum += row[2] * of(row);
        total += row[2];
    }
    sum / total
}
