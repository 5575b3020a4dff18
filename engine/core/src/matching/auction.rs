//! A call auction trades: one price for all (rules 2.3 and 2.4), found by
//! [`discover`](crate::venue::auction::discover), and who trades by stages of limit and market orders,
//! within a stage by price and time.

use tezi_model::{InstrumentId, Nanos, Px, Qty, Side};

use super::matcher::Matcher;
use super::report::{Report, Sink, Trade, TradeKind};
use super::state::{is_market_price, market_price};
use crate::book::Front;
use crate::venue::auction::{AuctionLevel, AuctionOrders, MatchStage, discover, stages};
use crate::venue::session::Phase;

/// Which orders of the buy and the sell side a stage joins: market orders, or limits.
const fn pairs(stage: MatchStage) -> &'static [[bool; 2]] {
    match stage {
        MatchStage::LimitLimit => &[[false, false]],
        MatchStage::LimitMarket => &[[false, true], [true, false]],
        MatchStage::MarketMarket => &[[true, true]],
    }
}

impl Matcher {
    /// Finds the price and trades at it. What is left stays for the next phase.
    #[cold]
    pub(super) fn run_auction<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        sink: &mut S,
    ) {
        self.fill_levels(instrument);
        let market_of = |side| {
            let best = self.rest.books.touch(instrument, side);
            best.filter(|level| level.price == market_price(side)).map_or(0, |level| level.quantity)
        };
        let orders = AuctionOrders {
            levels: &self.levels,
            market_buy: market_of(Side::Buy),
            market_sell: market_of(Side::Sell),
        };
        let market = &mut self.markets[instrument.index()];
        let reference = market.terms.reference;
        let found = discover(orders, reference);
        assert!(found.is_ok(), "levels of an auction rise: they were sorted and merged");
        let Ok(found) = found else { return };
        market.owes_auction = false;
        market.clearing = found.clearing();
        market.market_limit = found.market_order_limit(reference);
        let order = match market.phase {
            Phase::ClosingMatch => market.terms.closing_allocation,
            _ => market.terms.opening_allocation,
        };
        let Some(clearing) = found.clearing() else { return };
        for &stage in stages(order) {
            for &[buy, sell] in pairs(stage) {
                self.run_stage(now, instrument, clearing.price, [buy, sell], sink);
            }
        }
        let market = &mut self.markets[instrument.index()];
        market.last = Some(clearing.price);
        market.reach.add(clearing.price);
    }

    /// The limit orders of both sides by price, rising.
    fn fill_levels(&mut self, instrument: InstrumentId) {
        self.levels.clear();
        for side in Side::BOTH {
            for slot in self.rest.books.slots(instrument, side) {
                let price = self.rest.books.at(slot).price;
                if is_market_price(price) {
                    continue;
                }
                // Hidden quantity from before a halt takes part.
                let open = u64::from(self.rest.detail(slot).open());
                let [buy, sell] = if side == Side::Buy { [open, 0] } else { [0, open] };
                match self.levels.last_mut().filter(|level| level.price == price) {
                    Some(level) => {
                        level.buy += buy;
                        level.sell += sell;
                    }
                    None => self.levels.push(AuctionLevel { price, buy, sell }),
                }
            }
        }
        self.levels.sort_unstable_by_key(|level| level.price);
        self.levels.dedup_by(|level, kept| {
            let is_same = level.price == kept.price;
            if is_same {
                kept.buy += level.buy;
                kept.sell += level.sell;
            }
            is_same
        });
    }

    fn run_stage<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        price: Px,
        are_market: [bool; 2],
        sink: &mut S,
    ) {
        let next = |matcher: &Self, side: Side| {
            matcher.next_in_auction(instrument, side, are_market[side as usize], price)
        };
        while let (Some(buy), Some(sell)) = (next(self, Side::Buy), next(self, Side::Sell)) {
            self.trade_pair(now, instrument, price, [buy, sell], sink);
        }
    }

    /// The market or limit order of a side that trades next at the auction's price.
    fn next_in_auction(
        &self,
        instrument: InstrumentId,
        side: Side,
        is_market: bool,
        price: Px,
    ) -> Option<Front> {
        let mut fronts = self.rest.books.fronts(instrument, side).take(2);
        let front = fronts.find(|front| is_market_price(front.price) == is_market)?;
        side.crosses(front.price, price).then_some(front)
    }

    fn trade_pair<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        price: Px,
        fronts: [Front; 2],
        sink: &mut S,
    ) {
        let taken = fronts[0].quantity.min(fronts[1].quantity);
        for front in fronts {
            let detail = self.rest.detail_mut(front.slot);
            detail.traded += taken.0;
            detail.activity = now;
        }
        let details = fronts.map(|front| *self.rest.detail(front.slot));
        let trade = Trade {
            trade_id: self.trades.next_id(),
            time: now,
            price,
            quantity: taken,
            instrument,
            order_ids: fronts.map(|front| front.order_id),
            references: details.map(|detail| detail.reference),
            members: details.map(|detail| detail.member),
            open: details.map(|detail| Qty(detail.open())),
            aggressor: None,
            kind: TradeKind::Regular,
        };
        self.trades.push(&trade);
        sink.on_report(&Report::Traded(trade));
        for front in fronts {
            self.take_from(now, front.slot, taken.0, sink);
        }
    }
}
