//! Who trades with whom at the one price of an auction.

use super::Clearing;
use crate::venue::rules::AllocationOrder;

/// One step of the matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchStage {
    /// Limit orders of both sides.
    LimitLimit,
    /// Limit orders of either side with market orders of the other.
    LimitMarket,
    /// Market orders of both sides.
    MarketMarket,
}

/// The steps in their order. Within a step orders trade by price, then time.
///
/// To 6 September 2026 the circular gives limit with limit, then limit with market, then market
/// with market (2.3). After that, and in the closing auction, market orders come first; how the rest
/// follows was not seen, and is chosen here as the mirror image: market with market, market with
/// limit, limit with limit.
#[must_use]
pub const fn stages(order: AllocationOrder) -> &'static [MatchStage; 3] {
    match order {
        AllocationOrder::LimitFirst => {
            &[MatchStage::LimitLimit, MatchStage::LimitMarket, MatchStage::MarketMarket]
        }
        AllocationOrder::MarketFirst => {
            &[MatchStage::MarketMarket, MatchStage::LimitMarket, MatchStage::LimitLimit]
        }
    }
}

/// What each step trades. Their sum is the auction's volume whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageVolumes {
    /// Limit with limit.
    pub limit_limit: u64,
    /// Limit buys with market sells.
    pub limit_market: u64,
    /// Market buys with limit sells.
    pub market_limit: u64,
    /// Market with market.
    pub market_market: u64,
}

impl StageVolumes {
    /// Divides what trades over the steps. `market_buy` and `market_sell` are the market orders
    /// within the demand and supply of `clearing`, and at most that.
    #[must_use]
    pub fn new(
        order: AllocationOrder,
        clearing: &Clearing,
        market_buy: u64,
        market_sell: u64,
    ) -> Self {
        let mut market = [market_buy.min(clearing.demand), market_sell.min(clearing.supply)];
        let mut limit = [clearing.demand - market[0], clearing.supply - market[1]];
        let mut volumes = Self::default();
        let take = |buys: &mut u64, sells: &mut u64| {
            let volume = (*buys).min(*sells);
            *buys -= volume;
            *sells -= volume;
            volume
        };
        for stage in stages(order) {
            match stage {
                MatchStage::LimitLimit => {
                    let [buys, sells] = &mut limit;
                    volumes.limit_limit = take(buys, sells);
                }
                MatchStage::LimitMarket => {
                    volumes.limit_market = take(&mut limit[0], &mut market[1]);
                    volumes.market_limit = take(&mut market[0], &mut limit[1]);
                }
                MatchStage::MarketMarket => {
                    let [buys, sells] = &mut market;
                    volumes.market_market = take(buys, sells);
                }
            }
        }
        debug_assert_eq!(volumes.total(), clearing.volume(), "every order of steps trades all");
        volumes
    }

    /// Everything together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.limit_limit + self.limit_market + self.market_limit + self.market_market
    }
}
