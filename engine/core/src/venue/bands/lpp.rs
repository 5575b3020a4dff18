//! Limit price protection: no buy far above the market, no sell far below (NSE/FAOP/54242).
//!
//! The reference is the simple average of the contract's trades in the last 30 seconds, renewed
//! every 30 seconds; before the first, and after 15 minutes without a trade, the theoretical price
//! that the exchange reckons. A refusal applies to new and changed limits, and to a stop-loss limit
//! when it is released.

use core::fmt;

use tezi_model::{Nanos, Px, Side};

use super::PriceBand;
use crate::venue::rules::{Key, MissingRule, Rules, key};
use crate::venue::{Date, Width};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Contracts that share a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LppProduct {
    /// Options on an index.
    IndexOption,
    /// Futures on an index.
    IndexFuture,
    /// Options on a share.
    StockOption,
    /// Futures on a share.
    StockFuture,
}

/// Why limit price protection refuses an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LppRefusal {
    /// A buy above the range.
    BuyAbove = 1,
    /// A sell below the range.
    SellBelow = 2,
}

impl fmt::Display for LppRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BuyAbove => "the buy's limit is above the limit price protection range",
            Self::SellBelow => "the sell's limit is below the limit price protection range",
        })
    }
}

impl core::error::Error for LppRefusal {}

/// The rows of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LppRules {
    /// Half width of the range.
    pub width: Width,
    /// From one reference to the next, and the stretch each averages, in nanoseconds.
    pub refresh_ns: i64,
    /// Without a trade for so long, the theoretical price is the reference, in nanoseconds.
    pub stale_ns: i64,
}

impl LppRules {
    /// The rows of a scope, `NSE/fo`, or `BSE/fo/FOCUSED IT`. `None` where the product has no such
    /// protection on the date.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when there is a width but no timing.
    pub fn new(
        rules: &Rules,
        scope: &str,
        product: LppProduct,
        date: Date,
    ) -> Result<Option<Self>, MissingRule> {
        let key = match product {
            LppProduct::IndexOption => key::LPP_INDEX_OPTION,
            LppProduct::IndexFuture => key::LPP_INDEX_FUTURE,
            LppProduct::StockOption => key::LPP_STOCK_OPTION,
            LppProduct::StockFuture => key::LPP_STOCK_FUTURE,
        };
        let Some(width) = rules.find(key, scope, date) else { return Ok(None) };
        let nanos = |key: Key<u64>| -> Result<i64, MissingRule> {
            let seconds = *rules.get(key, scope, date)?;
            // A day at most, and a second at least, so that boundaries are well defined.
            Ok(i64::try_from(seconds.clamp(1, 86_400)).unwrap_or(1) * NANOS_PER_SECOND)
        };
        Ok(Some(Self {
            width: *width,
            refresh_ns: nanos(key::LPP_REFRESH_SECONDS)?,
            stale_ns: nanos(key::LPP_STALE_SECONDS)?,
        }))
    }
}

/// The protection of one contract.
#[derive(Clone, Copy, Debug)]
pub struct Lpp {
    rules: LppRules,
    tick: Px,
    theoretical: Option<Px>,
    /// The average of the last stretch with trades, while it is fresh enough.
    average: Option<Px>,
    last_trade: Nanos,
    /// When the running stretch ends.
    boundary: Nanos,
    sum: i128,
    count: i128,
}

impl Lpp {
    /// The protection from the start of continuous trading, with stretches counted from there.
    #[must_use]
    pub const fn new(rules: LppRules, tick: Px, open: Nanos) -> Self {
        Self {
            rules,
            tick,
            theoretical: None,
            average: None,
            last_trade: open,
            boundary: open.plus(rules.refresh_ns),
            sum: 0,
            count: 0,
        }
    }

    /// The exchange's theoretical price is now `price`.
    pub const fn on_theoretical(&mut self, price: Px) {
        self.theoretical = Some(price);
    }

    /// The contract traded.
    pub fn on_trade(&mut self, now: Nanos, price: Px) {
        self.on_timer(now);
        self.sum = self.sum.saturating_add(i128::from(price.0));
        self.count += 1;
        self.last_trade = now;
    }

    /// Time passed: renews the reference when a stretch ended. O(1) whatever time it was.
    pub fn on_timer(&mut self, now: Nanos) {
        if now < self.boundary {
            return;
        }
        if let Some(average) = self.sum.checked_div(self.count) {
            self.average = i64::try_from(average).ok().map(Px);
            (self.sum, self.count) = (0, 0);
        }
        let stretches = now.since(self.boundary) / self.rules.refresh_ns;
        let ended = self.boundary.plus(stretches.saturating_mul(self.rules.refresh_ns));
        self.boundary = ended.plus(self.rules.refresh_ns);
        if ended.since(self.last_trade) >= self.rules.stale_ns {
            self.average = None;
        }
    }

    /// The reference price as of the last input, `None` while nothing is known.
    #[must_use]
    pub fn reference(&self) -> Option<Px> {
        self.average.or(self.theoretical)
    }

    /// The range as of the last input, `None` while nothing is known.
    #[must_use]
    pub fn range(&self) -> Option<PriceBand> {
        let reference = self.reference()?;
        let width = self.rules.width.of(reference);
        Some(PriceBand::between(reference - width, reference + width, self.tick))
    }

    /// Whether a limit passes. Without a reference every limit does.
    ///
    /// # Errors
    ///
    /// [`LppRefusal`] for a buy above the range or a sell below it.
    pub fn check(&self, side: Side, limit: Px) -> Result<(), LppRefusal> {
        match (self.range(), side) {
            (Some(range), Side::Buy) if limit > range.high => Err(LppRefusal::BuyAbove),
            (Some(range), Side::Sell) if limit < range.low => Err(LppRefusal::SellBelow),
            _ => Ok(()),
        }
    }
}
