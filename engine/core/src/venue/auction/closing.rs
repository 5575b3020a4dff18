//! Closing prices (rule 2.4), behind a trait: SEBI consults on changing the closing auction, and a
//! new one replaces this module, not its users.

use tezi_model::Px;

use super::Discovery;
use crate::venue::bands::PriceBand;
use crate::venue::rules::{MissingRule, Rules, key};
use crate::venue::{Date, Rate};

/// What a day has shown of an instrument's price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayPrices {
    /// Average price of the trades in the closing window, `None` when there was none.
    pub window_average: Option<Px>,
    /// The last trade of the day, `None` when there was none.
    pub last_trade: Option<Px>,
    /// What stands in for both: the previous close, or the theoretical price of a future.
    pub fallback: Px,
}

/// Where a price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceSource {
    /// The closing auction.
    Auction,
    /// The average of the closing window.
    WindowAverage,
    /// The last trade.
    LastTrade,
    /// The previous close, or the theoretical price of a future.
    Fallback,
}

/// A closing or reference price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosePrice {
    /// The price.
    pub price: Px,
    /// Where it comes from.
    pub source: PriceSource,
}

/// The reference of the closing auction, and the close of what has none: the average of the
/// window, else the last trade, else the previous close (2.4).
#[must_use]
pub fn reference_price(prices: &DayPrices) -> ClosePrice {
    match (prices.window_average, prices.last_trade) {
        (Some(price), _) => ClosePrice { price, source: PriceSource::WindowAverage },
        (None, Some(price)) => ClosePrice { price, source: PriceSource::LastTrade },
        (None, None) => ClosePrice { price: prices.fallback, source: PriceSource::Fallback },
    }
}

/// How a closing price is made.
pub trait ClosingMethod {
    /// The prices that the closing session takes; `None` when the method sets none of its own.
    fn band(&self, prices: &DayPrices, tick: Px) -> Option<PriceBand>;

    /// The close, after the auction where there is one.
    fn close(&self, prices: &DayPrices, auction: Option<&Discovery>) -> ClosePrice;
}

/// The closing auction in force from 3 August 2026: a band around the reference; the equilibrium
/// is the close, without one the reference is; without any trade all day it is the last close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallAuctionClose {
    /// Half width of the band, as a fraction of the reference: 3 %.
    pub band: Rate,
}

impl CallAuctionClose {
    /// The auction of a scope (`NSE/cm/cas`) on a date.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when there is no closing auction then.
    pub fn new(rules: &Rules, scope: &str, date: Date) -> Result<Self, MissingRule> {
        Ok(Self { band: *rules.get(key::BAND_CLOSING, scope, date)? })
    }
}

impl ClosingMethod for CallAuctionClose {
    fn band(&self, prices: &DayPrices, tick: Px) -> Option<PriceBand> {
        Some(PriceBand::around(reference_price(prices).price, self.band, tick))
    }

    fn close(&self, prices: &DayPrices, auction: Option<&Discovery>) -> ClosePrice {
        match auction.and_then(Discovery::clearing) {
            Some(clearing) => ClosePrice { price: clearing.price, source: PriceSource::Auction },
            None => reference_price(prices),
        }
    }
}

/// The average of the closing window: shares without a closing auction, all shares to 2 August
/// 2026, futures and options. It knows no auction and no band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VwapClose;

impl ClosingMethod for VwapClose {
    fn band(&self, _: &DayPrices, _: Px) -> Option<PriceBand> {
        None
    }

    fn close(&self, prices: &DayPrices, _: Option<&Discovery>) -> ClosePrice {
        reference_price(prices)
    }
}
