//! The hash of a matcher's state: two matchers with equal hashes answer alike from here on.
//!
//! Every record is taken apart by name, so a field that is added and forgotten here does not compile.
//! What only counts (refusals) is left out, and so is room that a request clears before it uses it.

use tezi_model::{InstrumentId, Px, Qty, Side, StateHasher};

use super::blocks::BlockOrder;
use super::freeze::FrozenRequest;
use super::matcher::Matcher;
use super::order::{Order, Owner};
use super::report::Trade;
use super::spread::Spread;
use super::state::{Detail, Market, Reach, Shelf};
use super::terms::{InstrumentTerms, MatcherConfig};
use crate::book::BooksConfig;
use crate::venue::Width;
use crate::venue::auction::Clearing;
use crate::venue::bands::PriceBand;
use crate::venue::session::OrderRules;

impl Matcher {
    /// Folds in everything that what happens next depends on: what rests, waits or is frozen, with
    /// owners and hidden quantities, trades that can be taken back, the terms, band and phase of
    /// every instrument, block windows, and the bounds. O(orders + trades kept).
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hash_config(&self.config, hasher);
        hasher.write(self.order_id_next);
        for market in &self.markets {
            hash_market(market, hasher);
        }
        for shelf in [&self.rest, &self.stops] {
            hash_shelf(shelf, hasher);
        }
        let requests = self.freezer.requests();
        hasher.write(requests.len() as u64);
        for FrozenRequest { order_id, order, request } in requests {
            hasher.write(order_id.0);
            hasher.write(*request as u64);
            hash_order(order, hasher);
        }
        let blocks = self.blocks.orders();
        hasher.write(blocks.len() as u64);
        for BlockOrder { order_id, order, activity } in blocks {
            hasher.write(order_id.0);
            hasher.write_i64(activity.0);
            hash_order(order, hasher);
        }
        for terms in self.blocks.terms() {
            hasher.write(u64::from(terms.is_some()));
            if let Some(terms) = terms {
                hash_band(terms.range, hasher);
                hasher.write_i128(terms.value_min.0);
            }
        }
        hasher.write(self.trades.count());
        for trade in self.trades.kept() {
            hash_trade(trade, hasher);
        }
    }
}

fn hash_config(config: &MatcherConfig, hasher: &mut StateHasher) {
    let MatcherConfig {
        segment,
        books: BooksConfig { instruments_max, orders_max, levels_max },
        stops_max,
        frozen_max,
        trades_max,
        blocks_max,
        legs_fill,
        // `order_id_next` began there.
        order_id_first: _,
    } = *config;
    hasher.write(segment as u64);
    for bound in
        [instruments_max, orders_max, levels_max, stops_max, frozen_max, trades_max, blocks_max]
    {
        hasher.write(u64::from(bound));
    }
    hasher.write(legs_fill as u64);
}

fn hash_market(market: &Market, hasher: &mut StateHasher) {
    let Market {
        terms,
        // What follows from the terms.
        tick: _,
        lot: _,
        freeze: _,
        spread,
        phase,
        last,
        close,
        reach: Reach { low, high },
        owes_auction,
        clearing,
        market_limit,
    } = market;
    hash_terms(terms, hasher);
    hasher.write(u64::from(spread.is_some()));
    if let Some(Spread { near, far, leg_price }) = spread {
        hasher.write(u64::from(near.0));
        hasher.write(u64::from(far.0));
        hasher.write(*leg_price as u64);
    }
    hasher.write(*phase as u64);
    hash_maybe(last.map(|price| price.0), hasher);
    hash_maybe(close.map(|price| price.0), hasher);
    for price in [low, high, market_limit] {
        hasher.write_i64(price.0);
    }
    hasher.write(u64::from(*owes_auction));
    hasher.write(u64::from(clearing.is_some()));
    if let Some(Clearing { price, demand, supply }) = clearing {
        hasher.write_i64(price.0);
        hasher.write(*demand);
        hasher.write(*supply);
    }
}

fn hash_terms(terms: &InstrumentTerms, hasher: &mut StateHasher) {
    let InstrumentTerms {
        tick,
        lot,
        band,
        freeze,
        orders: OrderRules { stop_limit, stop_market, disclosed, post_close_limit },
        disclosed_min,
        market_protection,
        trigger_gap,
        opening_allocation,
        closing_allocation,
        reference,
    } = *terms;
    hasher.write_i64(tick.0);
    hasher.write(u64::from(lot.0));
    hash_band(band, hasher);
    hash_maybe(freeze.map(|Qty(freeze)| i64::from(freeze)), hasher);
    for flag in [stop_limit, stop_market, disclosed, post_close_limit] {
        hasher.write(u64::from(flag));
    }
    hash_maybe(disclosed_min.map(|rate| rate.0), hasher);
    for width in [market_protection, trigger_gap] {
        hash_maybe(width.map(|Width { rate, .. }| rate.0), hasher);
        hash_maybe(width.map(|Width { min, .. }| min.0), hasher);
    }
    hasher.write(opening_allocation as u64);
    hasher.write(closing_allocation as u64);
    hasher.write_i64(reference.0);
}

/// Orders in the order in which they trade. Their place in time is folded in too: market orders of an
/// auction join limits later, by it.
fn hash_shelf(shelf: &Shelf, hasher: &mut StateHasher) {
    shelf.books.hash_into(hasher);
    for instrument in (0..shelf.books.instruments_count()).map(InstrumentId) {
        for side in Side::BOTH {
            for slot in shelf.books.slots(instrument, side) {
                hasher.write(shelf.books.at(slot).priority);
                hash_detail(shelf.detail(slot), hasher);
            }
        }
    }
}

fn hash_detail(detail: &Detail, hasher: &mut StateHasher) {
    let Detail {
        owner,
        reference,
        activity,
        limit,
        member,
        quantity,
        traded,
        disclosed,
        hidden,
        order_type,
        time_in_force,
        self_trade,
        form,
    } = *detail;
    hash_owner(owner, hasher);
    hasher.write(reference);
    hasher.write_i64(activity.0);
    hasher.write_i64(limit.0);
    for number in [member, quantity, traded, disclosed, hidden] {
        hasher.write(u64::from(number));
    }
    hasher.write(order_type as u64);
    hasher.write(time_in_force as u64);
    hasher.write(self_trade as u64);
    hasher.write(form as u64);
}

fn hash_order(order: &Order, hasher: &mut StateHasher) {
    let Order {
        instrument,
        side,
        order_type,
        time_in_force,
        price,
        trigger,
        quantity,
        disclosed,
        owner,
        self_trade,
        member,
        reference,
    } = *order;
    hash_owner(owner, hasher);
    hasher.write(reference);
    hasher.write_i64(price.0);
    hasher.write_i64(trigger.0);
    for number in [instrument.0, quantity.0, disclosed.0, member] {
        hasher.write(u64::from(number));
    }
    hasher.write(side as u64);
    hasher.write(order_type as u64);
    hasher.write(time_in_force as u64);
    hasher.write(self_trade as u64);
}

fn hash_trade(trade: &Trade, hasher: &mut StateHasher) {
    let Trade {
        trade_id,
        time,
        price: Px(price),
        quantity,
        instrument,
        order_ids,
        references,
        members,
        open,
        aggressor,
        kind,
    } = *trade;
    // Taken back, and so never looked at again.
    if trade_id == 0 {
        return hasher.write(0);
    }
    hasher.write(trade_id);
    hasher.write_i64(time.0);
    hasher.write_i64(price);
    hasher.write(u64::from(quantity.0) << 32 | u64::from(instrument.0));
    for side in [0, 1] {
        hasher.write(order_ids[side].0);
        hasher.write(references[side]);
        hasher.write(u64::from(members[side]) << 32 | u64::from(open[side].0));
    }
    hasher.write(aggressor.map_or(2, |side| side as u64));
    hasher.write(kind as u64);
}

fn hash_owner(owner: Owner, hasher: &mut StateHasher) {
    let Owner { pan, participant } = owner;
    hasher.write(pan.packed());
    hasher.write(participant.packed());
}

fn hash_band(band: PriceBand, hasher: &mut StateHasher) {
    let PriceBand { low, high } = band;
    hasher.write_i64(low.0);
    hasher.write_i64(high.0);
}

fn hash_maybe(value: Option<i64>, hasher: &mut StateHasher) {
    hasher.write(u64::from(value.is_some()));
    hasher.write_i64(value.unwrap_or(0));
}
