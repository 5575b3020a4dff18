//! The price of a call auction (SEBI CIR/MRD/DP/21/2010 and CIR/MRD/DP/32/2010; rule 2.3).
//!
//! At a price, demand is what buys at or above it plus market buys ask, supply what sells at or
//! below it plus market sells offer, and the lesser of both can trade. The equilibrium is the order
//! price (1) where most can trade, (2) among those, where least is left over, (3) among those, the
//! one closest to the reference; (4) when the reference lies exactly midway between the two
//! closest, the reference itself. There is no rule about the side of the surplus.

mod allocation;
mod closing;
#[cfg(test)]
mod tests;

use core::fmt;

pub use allocation::{MatchStage, StageVolumes, stages};
pub use closing::{
    CallAuctionClose, ClosePrice, ClosingMethod, DayPrices, PriceSource, VwapClose, reference_price,
};
use tezi_model::Px;

/// The limit orders of both sides at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionLevel {
    /// The price.
    pub price: Px,
    /// Quantity of buys with this limit.
    pub buy: u64,
    /// Quantity of sells with this limit.
    pub sell: u64,
}

/// Everything an auction has to trade.
///
/// **Shape**: prices of `levels` rise strictly. Levels without quantity are no order prices.
#[derive(Clone, Copy, Debug)]
pub struct AuctionOrders<'a> {
    /// Limit orders.
    pub levels: &'a [AuctionLevel],
    /// Quantity of market buys.
    pub market_buy: u64,
    /// Quantity of market sells.
    pub market_sell: u64,
}

/// What stands against each other at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clearing {
    /// The price of every trade.
    pub price: Px,
    /// Buys that accept it.
    pub demand: u64,
    /// Sells that accept it.
    pub supply: u64,
}

impl Clearing {
    /// What trades.
    #[must_use]
    pub const fn volume(&self) -> u64 {
        if self.demand < self.supply { self.demand } else { self.supply }
    }

    /// What is left over on one side.
    #[must_use]
    pub const fn surplus(&self) -> u64 {
        self.demand.abs_diff(self.supply)
    }
}

/// What an auction found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// A price by rules 1 to 4. At the open it is the opening price.
    Equilibrium(Clearing),
    /// Only market orders, on both sides: they trade at the reference, which at the open becomes
    /// the opening price.
    AtReference(Clearing),
    /// Nothing can trade. Market orders go on as limits at the reference, and the first trade of
    /// the continuous market is the open.
    None,
}

impl Discovery {
    /// What trades, and at which price; `None` when nothing does.
    #[must_use]
    pub const fn clearing(&self) -> Option<Clearing> {
        match self {
            Self::Equilibrium(clearing) | Self::AtReference(clearing) => Some(*clearing),
            Self::None => None,
        }
    }

    /// The limit that market orders get which the auction leaves over (2.3).
    #[must_use]
    pub fn market_order_limit(&self, reference: Px) -> Px {
        self.clearing().map_or(reference, |clearing| clearing.price)
    }
}

/// Why an auction cannot be reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuctionError {
    /// The level at this index is not above the one before it.
    Unsorted(usize),
}

impl fmt::Display for AuctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Unsorted(index) = self;
        write!(f, "level {index} of the auction is not above the one before it")
    }
}

impl core::error::Error for AuctionError {}

/// The best price so far, with what rule 4 needs.
#[derive(Clone, Copy)]
struct Best {
    clearing: Clearing,
    /// Another price as good and as close, on the other side of the reference.
    twin: Option<Clearing>,
}

/// The price of an auction around `reference`: at the open the previous close, adjusted for
/// corporate actions; in the closing auction its reference price. O(levels), two passes.
///
/// # Errors
///
/// [`AuctionError::Unsorted`] when prices do not rise strictly.
pub fn discover(orders: AuctionOrders<'_>, reference: Px) -> Result<Discovery, AuctionError> {
    let levels = orders.levels;
    for (index, pair) in levels.windows(2).enumerate() {
        if pair[0].price >= pair[1].price {
            return Err(AuctionError::Unsorted(index + 1));
        }
    }
    let limit_buys = levels.iter().fold(0_u64, |sum, level| sum.saturating_add(level.buy));
    let mut demand = limit_buys.saturating_add(orders.market_buy);
    let mut supply = orders.market_sell;
    let mut best: Option<Best> = None;
    for level in levels.iter().filter(|level| level.buy > 0 || level.sell > 0) {
        supply = supply.saturating_add(level.sell);
        let clearing = Clearing { price: level.price, demand, supply };
        best = Some(better(best, clearing, reference));
        demand = demand.saturating_sub(level.buy);
    }
    Ok(match best {
        None if orders.market_buy > 0 && orders.market_sell > 0 => {
            let (demand, supply) = (orders.market_buy, orders.market_sell);
            Discovery::AtReference(Clearing { price: reference, demand, supply })
        }
        Some(Best { clearing, twin }) if clearing.volume() > 0 => {
            Discovery::Equilibrium(twin.map_or(clearing, |above| Clearing {
                // No order price lies between the two: one would be as good and closer.
                price: reference,
                demand: above.demand,
                supply: clearing.supply,
            }))
        }
        _ => Discovery::None,
    })
}

/// Rules 1 to 3 between the best so far and a higher price, and the case of rule 4.
fn better(best: Option<Best>, candidate: Clearing, reference: Px) -> Best {
    let fresh = Best { clearing: candidate, twin: None };
    let Some(best) = best else { return fresh };
    let distance = |clearing: Clearing| clearing.price.0.abs_diff(reference.0);
    let rank = |clearing: Clearing| {
        (core::cmp::Reverse(clearing.volume()), clearing.surplus(), distance(clearing))
    };
    match rank(candidate).cmp(&rank(best.clearing)) {
        core::cmp::Ordering::Less => fresh,
        core::cmp::Ordering::Equal => Best { twin: Some(candidate), ..best },
        core::cmp::Ordering::Greater => best,
    }
}

/// The common equilibrium price of a share that opened beyond its band on two exchanges: the
/// average of their prices, weighted by volume, rounded to the nearest tick (2.3; one secondary
/// source). `None` when nothing traded.
#[must_use]
pub fn common_price(clearings: &[Clearing], tick: Px) -> Option<Px> {
    let mut average = super::Vwap::default();
    for clearing in clearings {
        average.add(clearing.price, clearing.volume());
    }
    average.price(tick)
}
