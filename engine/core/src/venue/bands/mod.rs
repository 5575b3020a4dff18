//! Price and quantity protection: bands, limit price protection, freeze quantities (rule 1.7).
//!
//! What can be worked out once a day is a plain value; what moves during the day is a state
//! machine with explicit inputs (a trade, a theoretical price, the time) and outputs (a new band,
//! outside of which orders must leave).

mod flex;
mod limits;
mod lpp;
#[cfg(test)]
mod tests;

pub use flex::{BandMove, Cooling, Direction, FlexBand, FlexRefusal, FlexRules, Turnover};
pub use limits::{
    LimitRefusal, check_disclosed, check_freeze, check_market_order, check_tick, round_to_tick,
};
pub use lpp::{Lpp, LppProduct, LppRefusal, LppRules};
use tezi_model::Px;

use super::rules::{MissingRule, Rules, Window, key};
use super::{Date, Rate, TimeOfDay};

/// The lowest and the highest price an order may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceBand {
    /// The lowest, a multiple of the tick.
    pub low: Px,
    /// The highest, a multiple of the tick.
    pub high: Px,
}

impl PriceBand {
    /// The band `rate` either way of `base`.
    #[must_use]
    pub fn around(base: Px, rate: Rate, tick: Px) -> Self {
        let width = rate.of(base);
        Self::between(base - width, base + width, tick)
    }

    /// The band between two prices, rounded inwards to the tick and never below one tick. When no
    /// tick lies between, outwards: an instrument can always trade somewhere.
    #[must_use]
    pub fn between(low: Px, high: Px, tick: Px) -> Self {
        let least = tick.max(Px(1));
        let inner = Self { low: low.ceil_to(tick).max(least), high: high.floor_to(tick) };
        if inner.low <= inner.high {
            inner
        } else {
            let low = low.floor_to(tick).max(least);
            Self { low, high: high.ceil_to(tick).max(low) }
        }
    }

    /// Whether a price lies in it, both ends included.
    #[inline]
    #[must_use]
    pub fn contains(self, price: Px) -> bool {
        self.low <= price && price <= self.high
    }
}

/// The band of a share without derivatives: `rate` of the security file around the previous close.
/// `None` when the exchange knows no such band on the date (2, 5, 10 and 20 % are known).
///
/// # Errors
///
/// [`MissingRule`] when no row lists the bands.
pub fn fixed_band(
    rules: &Rules,
    scope: &str,
    date: Date,
    previous_close: Px,
    rate: Rate,
    tick: Px,
) -> Result<Option<PriceBand>, MissingRule> {
    let known = rules.get(key::BAND_FIXED, scope, date)?;
    Ok(known.contains(&rate).then(|| PriceBand::around(previous_close, rate, tick)))
}

/// The operating range of a future: ±10 % of its base price, the previous settlement or theoretical
/// price (NSE/FAOP/67690). The range of an option stands in the contract file.
///
/// # Errors
///
/// [`MissingRule`] when no row gives the width.
pub fn future_operating_range(
    rules: &Rules,
    scope: &str,
    date: Date,
    base: Px,
    tick: Px,
) -> Result<PriceBand, MissingRule> {
    let rate = *rules.get(key::BAND_OPERATING_FUTURE, scope, date)?;
    Ok(PriceBand::around(base, rate, tick))
}

/// The band around a reference price while the closing auction runs (2.4): of shares in it, and of
/// their futures (scope `NSE/fo/stock_future`), whose orders outside leave the book when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosingBand {
    window: Window,
    rate: Rate,
}

impl ClosingBand {
    /// The band of a scope on a date; `None` where there is none.
    #[must_use]
    pub fn new(rules: &Rules, scope: &str, date: Date) -> Option<Self> {
        let rate = *rules.find(key::BAND_CLOSING, scope, date)?;
        let window = *rules.find(key::BAND_CLOSING_WINDOW, scope, date)?;
        Some(Self { window, rate })
    }

    /// The band at a time of the day, `None` outside its hours.
    #[must_use]
    pub fn at(self, time: TimeOfDay, reference: Px, tick: Px) -> Option<PriceBand> {
        let holds = self.window.contains(time);
        holds.then(|| PriceBand::around(reference, self.rate, tick))
    }
}

/// The base price of an ETF's band from 7 September 2026: yesterday's average of the last half
/// hour, else its last trade, else the latest net asset value (SEBI 15 June 2026; one secondary
/// source). `None` when nothing is known.
#[must_use]
pub fn etf_base(average: Option<Px>, last_trade: Option<Px>, net_asset: Option<Px>) -> Option<Px> {
    average.or(last_trade).or(net_asset)
}
