//! Calendar spreads: an instrument of their own, whose price is the far leg's less the near leg's.
//!
//! A buyer of the spread buys the far contract and sells the near one. Orders rest in the spread's
//! own book at a difference, zero and negative ones included, and meet only each other: no document
//! shows an order of a leg meeting one of a spread. A trade there is one trade of the spread and one
//! of each leg (MTBT 6.7, chapter 6: `K` once for each leg, buyer and seller swapped).
//!
//! Spread orders are plain limits for the day in continuous trading: no market order, stop-loss,
//! disclosed quantity or immediate-or-cancel, nothing in a call auction (rule 2.3), and at the freeze
//! quantity they are refused instead of waiting (NNF F&O, chapter 5).
//!
//! **Prices of the legs.** Their difference is the trade's price. Where on the scale they lie no text
//! was seen that says: [`LegPriceRule`] chooses.

use tezi_model::{InstrumentId, Nanos, Px, Qty, Side, TimeInForce};

use super::matcher::Matcher;
use super::order::Order;
use super::refusal::Refusal;
use super::report::{Report, Sink, Trade, TradeKind};
use super::state::Market;
use super::terms::InstrumentTerms;
use crate::venue::session::{OrderType, Phase};

/// Which leg of a spread trade has the price of its own market; the other's follows by the
/// difference. That price is the leg's last trade, before the first one of the day its reference,
/// within its band. When the other leg would then lie outside its own band, it goes to the end of
/// that band and the first follows. (Not verified: chosen here.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LegPriceRule {
    /// The near leg, which trades more often.
    #[default]
    Near = 0,
    /// The far leg.
    Far = 1,
}

/// What makes an instrument a spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The contract that expires first.
    pub near: InstrumentId,
    /// The contract that expires last.
    pub far: InstrumentId,
    /// How the legs of a trade are priced.
    pub leg_price: LegPriceRule,
}

impl Matcher {
    /// Opens the market of a spread between two instruments that were added before. Its id is the
    /// next, as of any instrument; its phases and band are set like any other's.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownInstrument`] for a leg that was never added, [`Refusal::LegsInvalid`] when
    /// both are one or a leg is a spread itself, [`Refusal::Capacity`] at the bound.
    pub fn add_spread(
        &mut self,
        terms: &InstrumentTerms,
        spread: Spread,
    ) -> Result<InstrumentId, Refusal> {
        for leg in [spread.near, spread.far] {
            let market = self.markets.get(leg.index()).ok_or(Refusal::UnknownInstrument)?;
            if market.spread.is_some() {
                return Err(Refusal::LegsInvalid);
            }
        }
        if spread.near == spread.far {
            return Err(Refusal::LegsInvalid);
        }
        let instrument = self.add_instrument(terms)?;
        self.markets[instrument.index()].spread = Some(spread);
        Ok(instrument)
    }

    /// The legs of a spread; `None` of any other instrument.
    #[must_use]
    pub fn spread(&self, instrument: InstrumentId) -> Option<Spread> {
        self.markets.get(instrument.index()).and_then(|market| market.spread)
    }

    /// The two legs of a spread trade. They are volume of their contracts, not prices of them: no
    /// last trade moves and no stop-loss is reached (decision 9).
    #[cold]
    pub(super) fn trade_legs<S: Sink>(&mut self, now: Nanos, trade: &Trade, sink: &mut S) {
        let Some(spread) = self.markets[trade.instrument.index()].spread else { return };
        let [near, far] = leg_prices(
            &self.markets[spread.near.index()],
            &self.markets[spread.far.index()],
            spread.leg_price,
            trade.price,
        );
        let reversed = |[buyer, seller]: [Qty; 2]| [seller, buyer];
        let [buy_id, sell_id] = trade.order_ids;
        let [buy_reference, sell_reference] = trade.references;
        let [buy_member, sell_member] = trade.members;
        let near = Trade {
            trade_id: self.trades.next_id(),
            time: now,
            price: near,
            instrument: spread.near,
            order_ids: [sell_id, buy_id],
            references: [sell_reference, buy_reference],
            members: [sell_member, buy_member],
            open: reversed(trade.open),
            aggressor: trade.aggressor.map(Side::opposite),
            kind: TradeKind::NearLeg,
            ..*trade
        };
        self.trades.push(&near);
        sink.on_report(&Report::Traded(near));
        let far = Trade {
            trade_id: self.trades.next_id(),
            time: now,
            price: far,
            instrument: spread.far,
            kind: TradeKind::FarLeg,
            ..*trade
        };
        self.trades.push(&far);
        sink.on_report(&Report::Traded(far));
    }
}

/// The prices of the near and the far leg of a trade at a difference.
fn leg_prices(near: &Market, far: &Market, rule: LegPriceRule, difference: Px) -> [Px; 2] {
    match rule {
        LegPriceRule::Near => {
            let first = near.prevailing();
            let other = first + difference;
            let held = within(far, other);
            [held - difference, held]
        }
        LegPriceRule::Far => {
            let first = far.prevailing();
            let other = first - difference;
            let held = within(near, other);
            [held, held + difference]
        }
    }
}

/// The price nearest to this one that a leg can have.
fn within(leg: &Market, price: Px) -> Px {
    let InstrumentTerms { band, tick, .. } = leg.terms;
    price.max(band.low.ceil_to(tick)).min(band.high.floor_to(tick))
}

/// Checks an order in a spread's book, of which `traded` has traded.
#[cold]
pub(super) fn check_spread_order(
    market: &Market,
    order: &Order,
    traded: u32,
) -> Result<(), Refusal> {
    if market.phase != Phase::Continuous {
        return Err(Refusal::MarketClosed);
    }
    let is_plain = order.order_type == OrderType::Limit
        && order.time_in_force == TimeInForce::Day
        && order.disclosed == Qty::ZERO;
    if !is_plain {
        return Err(Refusal::SpreadTermsNotAllowed);
    }
    if order.quantity.0 <= traded {
        return Err(Refusal::InvalidQuantity);
    }
    if !market.lot.divides(u64::from(order.quantity.0)) {
        return Err(Refusal::LotSize);
    }
    if order.quantity.0 >= market.freeze {
        return Err(Refusal::FreezeQuantity);
    }
    if !market.tick.divides(order.price.0.unsigned_abs()) {
        return Err(Refusal::TickSize);
    }
    if market.terms.band.contains(order.price) { Ok(()) } else { Err(Refusal::SpreadRange) }
}
