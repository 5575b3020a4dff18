//! The book of one instrument as the broadcast feed shows it: five levels, the last trade, interest.

use super::update::{DEPTH, DayPrices, Level, MarketByPrice, MarketWatch, SecurityStatus, Ticker};
use tezi_model::{Nanos, Px, Side};

/// Five levels a side, or only the touch when no more was ever sent.
///
/// Every message is a snapshot, so a lost one is healed by the next; nothing on this feed tells of
/// a loss. Messages of two lines arrive out of order: one that the exchange wrote earlier than what
/// the book holds is refused, with the grain of one second that the feed's times have. Within a
/// second the day's volume, which only grows, decides.
///
/// # Invariants
///
/// - Levels stand best first and empty ones last, when the exchange sent them so;
///   [`DepthBook::is_consistent`] says whether it did.
/// - `time` never falls, and within a second the day's volume does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DepthBook {
    bids: [Level; DEPTH],
    asks: [Level; DEPTH],
    time: Nanos,
    volume: u64,
    last_price: Px,
    last_quantity: u64,
    prices: DayPrices,
    open_interest: u64,
    total_buy: u64,
    total_sell: u64,
    status: Option<SecurityStatus>,
    /// Five levels came once: a touch no longer replaces them.
    has_depth: bool,
}

impl DepthBook {
    /// Takes five levels and the day's statistics. Returns false, and changes nothing, when they
    /// are older than what the book holds.
    pub fn on_market_by_price(&mut self, update: &MarketByPrice) -> bool {
        let is_older = update.time == self.time && update.trades.volume < self.volume;
        if update.time < self.time || is_older {
            return false;
        }
        *self = Self {
            bids: update.bids,
            asks: update.asks,
            time: update.time,
            volume: update.trades.volume,
            last_price: update.trades.last_price,
            last_quantity: update.trades.last_quantity,
            prices: update.prices,
            open_interest: self.open_interest,
            total_buy: update.total_buy,
            total_sell: update.total_sell,
            status: update.status,
            has_depth: true,
        };
        true
    }

    /// Takes the normal market's touch, when five levels never came, and the open interest.
    /// Returns false, and changes nothing, when they are older than what the book holds.
    pub fn on_market_watch(&mut self, update: &MarketWatch) -> bool {
        if update.time < self.time {
            return false;
        }
        let [normal, ..] = &update.markets;
        if !self.has_depth {
            self.bids[0] = normal.bid;
            self.asks[0] = normal.ask;
            self.last_price = normal.last_price;
        }
        self.time = update.time;
        self.open_interest = update.open_interest;
        true
    }

    /// Takes the last trade and, in F&O, the open interest. Returns false, and changes nothing,
    /// when they are older than what the book holds, or not of the normal market.
    pub fn on_ticker(&mut self, update: &Ticker) -> bool {
        const MARKET_NORMAL: i16 = 1;
        if update.time < self.time || update.market_type != MARKET_NORMAL {
            return false;
        }
        self.time = update.time;
        self.last_price = update.price;
        self.last_quantity = update.quantity;
        if let Some([open_interest, ..]) = update.open_interest {
            self.open_interest = open_interest;
        }
        true
    }

    /// The levels of a side, best first.
    #[must_use]
    pub const fn levels(&self, side: Side) -> &[Level; DEPTH] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// The best level of a side, `None` when it is empty.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        let [best, ..] = *self.levels(side);
        (!best.is_empty()).then_some(best)
    }

    /// When the exchange wrote what the book holds.
    #[must_use]
    pub const fn time(&self) -> Nanos {
        self.time
    }

    /// Price of the last trade, zero before the first.
    #[must_use]
    pub const fn last_price(&self) -> Px {
        self.last_price
    }

    /// Units of the last trade.
    #[must_use]
    pub const fn last_quantity(&self) -> u64 {
        self.last_quantity
    }

    /// Units traded today.
    #[must_use]
    pub const fn volume(&self) -> u64 {
        self.volume
    }

    /// Prices of the day.
    #[must_use]
    pub const fn prices(&self) -> DayPrices {
        self.prices
    }

    /// Open interest, in units.
    #[must_use]
    pub const fn open_interest(&self) -> u64 {
        self.open_interest
    }

    /// Open quantity of a side, beyond the five levels too.
    #[must_use]
    pub const fn total(&self, side: Side) -> u64 {
        match side {
            Side::Buy => self.total_buy,
            Side::Sell => self.total_sell,
        }
    }

    /// The instrument's status; `None` when it is not known.
    #[must_use]
    pub const fn status(&self) -> Option<SecurityStatus> {
        self.status
    }

    /// Whether the levels are a book: strictly worse from level to level, empty ones last, not
    /// crossed. A call auction may rightly be crossed.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let is_ordered = |levels: &[Level; DEPTH], is_worse: fn(Px, Px) -> bool| {
            levels.windows(2).all(|pair| {
                pair[1].is_empty()
                    || (!pair[0].is_empty() && is_worse(pair[1].price, pair[0].price))
            })
        };
        let is_uncrossed = match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid.price < ask.price,
            _ => true,
        };
        is_uncrossed
            && is_ordered(&self.bids, |next, level| next < level)
            && is_ordered(&self.asks, |next, level| next > level)
    }
}
