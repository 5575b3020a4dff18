//! The dated rows of margins, read once a day.

use tezi_model::Px;

use crate::pricing::SpanGrid;
use crate::venue::rules::{Key, MissingRule, RuleValue, Rules, key};
use crate::venue::{Date, Rate};

/// What derivatives are on; the two have rows of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnderlyingKind {
    /// An index.
    Index,
    /// A single stock.
    Stock,
}

impl UnderlyingKind {
    const fn scope(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Stock => "stock",
        }
    }
}

/// What makes margin of positions whose risk arrays are known: the integers of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginRates {
    /// The day.
    pub date: Date,
    /// Charge for a calendar spread, of the far month.
    pub calendar_spread: Rate,
    /// The least risk of a short option, of the underlying.
    pub short_option_min: Rate,
    /// Exposure margin.
    pub exposure: Rate,
    /// Of short options deep out of the money.
    pub exposure_deep_otm: Rate,
    /// Of stocks that few clients hold much of.
    pub exposure_concentrated: Rate,
    /// How far from the previous close deep out of the money begins.
    pub deep_otm: Rate,
    /// The part of a futures calendar spread's far month that bears exposure margin.
    pub exposure_spread_share: Rate,
    /// Added to the exposure of short options on their last day.
    pub expiry_day_exposure: Rate,
    /// Whether a contract on its last day may hedge other months.
    pub expiry_day_spread: bool,
}

/// SPAN and exposure parameters of one kind of underlying on one day.
#[derive(Clone, Copy, Debug)]
pub struct MarginParameters {
    /// What positions are margined by, once their arrays are known.
    pub rates: MarginRates,
    /// Time decay, extreme moves and delta weights.
    pub grid: SpanGrid,
    /// Daily deviations of the price scan range, the root of its days included (6√2).
    pub price_scan_sigmas: f64,
    /// The least price scan range, a fraction.
    pub price_scan_min: f64,
    /// The same for options beyond [`Self::long_dated_months`].
    pub price_scan_min_long: f64,
    /// Months beyond which an option is long-dated; stocks have none such.
    pub long_dated_months: Option<u64>,
    /// Volatility scan range, of the annualised volatility.
    pub vol_scan_share: f64,
    /// The least volatility scan range, absolute.
    pub vol_scan_min: f64,
    /// What an illiquid underlying's price scan range is multiplied by (√3).
    pub illiquid_factor: f64,
}

/// Exactly the rate, as pricing counts.
fn fraction(rate: Rate) -> f64 {
    rate.0 as f64 / Rate::ONE as f64
}

/// Days in the year of time decay.
const DAYS_PER_YEAR: f64 = 365.0;

impl MarginParameters {
    /// The rows in force on `date`.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when a row is not known for that day.
    pub fn of(rules: &Rules, kind: UnderlyingKind, date: Date) -> Result<Self, MissingRule> {
        let day = Day { rules, date };
        let scope = kind.scope();
        let is_index = kind == UnderlyingKind::Index;
        let exposure = day.get(key::MARGIN_EXPOSURE, scope)?;
        // What only one kind has a row for leaves the other as it is.
        let special = |has: bool, scope| match has {
            true => day.get(key::MARGIN_EXPOSURE, scope),
            false => Ok(exposure),
        };
        let expiry_day = rules.find(key::MARGIN_ELM_EXPIRY_DAY, "*", date).copied();
        let days = day.get(key::MARGIN_PRICE_SCAN_DAYS, scope)? as f64;
        let long = if is_index { "index/long_dated" } else { scope };
        let rates = MarginRates {
            date,
            calendar_spread: day.get(key::MARGIN_CALENDAR_SPREAD, scope)?,
            short_option_min: day.get(key::MARGIN_SHORT_OPTION_MIN, scope)?,
            exposure,
            exposure_deep_otm: special(is_index, "index/deep_otm")?,
            exposure_concentrated: special(!is_index, "stock/concentrated")?,
            deep_otm: if is_index { day.get(key::MARGIN_DEEP_OTM, scope)? } else { Rate(0) },
            exposure_spread_share: day.get(key::MARGIN_EXPOSURE_SPREAD_SHARE, scope)?,
            expiry_day_exposure: expiry_day.filter(|_| is_index).unwrap_or(Rate(0)),
            expiry_day_spread: day.get(key::MARGIN_EXPIRY_DAY_SPREAD, scope)?,
        };
        Ok(Self {
            rates,
            grid: day.grid()?,
            price_scan_sigmas: day.get(key::MARGIN_PRICE_SCAN_SIGMAS, scope)? as f64 * days.sqrt(),
            price_scan_min: fraction(day.get(key::MARGIN_PRICE_SCAN_MIN, scope)?),
            price_scan_min_long: fraction(day.get(key::MARGIN_PRICE_SCAN_MIN, long)?),
            long_dated_months: rules.find(key::MARGIN_LONG_DATED_MONTHS, scope, date).copied(),
            vol_scan_share: fraction(day.get(key::MARGIN_VOL_SCAN_SHARE, scope)?),
            vol_scan_min: fraction(day.get(key::MARGIN_VOL_SCAN_MIN, scope)?),
            illiquid_factor: (day.get(key::MARGIN_ILLIQUID_SCALE, scope)? as f64).sqrt(),
        })
    }

    /// Price scan range of an underlying, in rupees.
    ///
    /// `daily_vol` is the daily deviation of log returns (see `risk_measures::Ewma`).
    #[must_use]
    pub fn price_scan(
        &self,
        price: Px,
        daily_vol: f64,
        is_illiquid: bool,
        is_long_dated: bool,
    ) -> Px {
        let least = if is_long_dated { self.price_scan_min_long } else { self.price_scan_min };
        let rate = (self.price_scan_sigmas * daily_vol).max(least);
        let rate = if is_illiquid { rate * self.illiquid_factor } else { rate };
        Px::from_rupees(price.to_rupees() * rate)
    }

    /// Volatility scan range, absolute, from the annualised volatility.
    #[must_use]
    pub fn vol_scan(&self, annual_vol: f64) -> f64 {
        (self.vol_scan_share * annual_vol).max(self.vol_scan_min)
    }
}

struct Day<'a> {
    rules: &'a Rules,
    date: Date,
}

impl Day<'_> {
    fn get<T: RuleValue + Copy>(&self, key: Key<T>, scope: &str) -> Result<T, MissingRule> {
        self.rules.get(key, scope, self.date).copied()
    }

    fn grid(&self) -> Result<SpanGrid, MissingRule> {
        let mut weights = [0.0; 4];
        for (weight, scope) in weights.iter_mut().zip(["still", "third", "two_thirds", "full"]) {
            *weight = fraction(self.get(key::MARGIN_DELTA_WEIGHT, scope)?);
        }
        let [still, third, two_thirds, full] = weights;
        let sum = still + 2.0 * (third + two_thirds + full);
        Ok(SpanGrid {
            decay_years: 1.0 / DAYS_PER_YEAR,
            extreme_move: self.get(key::MARGIN_EXTREME_MOVE, "*")? as f64,
            extreme_cover: fraction(self.get(key::MARGIN_EXTREME_COVER, "*")?),
            delta_weights: weights.map(|weight| if sum > 0.0 { weight / sum } else { 0.0 }),
        })
    }
}

/// The clearing house's groups of shares in the cash segment, by liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashGroup {
    /// Traded on 80 % of days at an impact cost of up to 1 %.
    Group1,
    /// Traded on 80 % of days at a higher one.
    Group2,
    /// All others; `is_rare` when not traded at least weekly.
    Group3 {
        /// Not traded at least weekly.
        is_rare: bool,
    },
    /// Exchange-traded funds on broad indices.
    BroadEtf,
}

/// Margin rates of a share in the cash segment: a check of the file that the exchange publishes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CashMargin {
    /// VaR margin, a fraction of value.
    pub var: f64,
    /// Extreme loss margin, a fraction of value.
    pub extreme_loss: f64,
}

impl CashMargin {
    /// The rates of `group` for a daily volatility.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when a row is not known for that day.
    pub fn of(
        rules: &Rules,
        group: CashGroup,
        daily_vol: f64,
        date: Date,
    ) -> Result<Self, MissingRule> {
        let day = Day { rules, date };
        let (scope, is_flat) = match group {
            CashGroup::Group1 => ("group1", false),
            CashGroup::Group2 => ("group2", false),
            CashGroup::Group3 { is_rare: false } => ("group3", true),
            CashGroup::Group3 { is_rare: true } => ("group3/rare", true),
            CashGroup::BroadEtf => ("etf", false),
        };
        let least = fraction(day.get(key::MARGIN_CASH_VAR_MIN, scope)?);
        let sigmas = day.get(key::MARGIN_CASH_VAR_SIGMAS, scope)? as f64;
        Ok(Self {
            var: if is_flat { least } else { least.max(sigmas * daily_vol) },
            extreme_loss: fraction(day.get(key::MARGIN_CASH_ELM, scope)?),
        })
    }
}
