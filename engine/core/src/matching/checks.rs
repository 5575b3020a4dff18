//! Whether an order may be: every check of a new order or a change, none of which changes anything.

use tezi_model::{Px, Qty, Side};

use super::order::Order;
use super::refusal::Refusal;
use super::spread::check_spread_order;
use super::state::Market;
use crate::book::Books;
use crate::venue::bands::{LimitRefusal, check_disclosed, check_market_order};
use crate::venue::session::{OrderType, Phase};

/// Checks an order of which `traded` has traded, apart from what the session says.
#[inline]
pub(super) fn check_order(
    market: &Market,
    books: &Books,
    order: &Order,
    traded: u32,
) -> Result<(), Refusal> {
    if market.spread.is_some() {
        return check_spread_order(market, order, traded);
    }
    if order.quantity.0 <= traded {
        return Err(Refusal::InvalidQuantity);
    }
    if !market.lot.divides(u64::from(order.quantity.0)) {
        return Err(Refusal::LotSize);
    }
    if order.disclosed != Qty::ZERO {
        check_disclosure(market, order)?;
    }
    match order.order_type {
        OrderType::Limit => check_limit(market, order.price)?,
        OrderType::Market => return check_market(market, books, order, traded),
        OrderType::StopLimit => {
            check_limit(market, order.price)?;
            check_trigger(market, order)?;
        }
        OrderType::StopMarket => check_trigger(market, order)?,
    }
    let is_at_close = market.phase != Phase::PostClose || Some(order.price) == market.close;
    if is_at_close { Ok(()) } else { Err(Refusal::InvalidPrice) }
}

#[inline]
fn check_limit(market: &Market, price: Px) -> Result<(), Refusal> {
    if price <= Px::ZERO {
        return Err(Refusal::InvalidPrice);
    }
    if !market.tick.divides(price.0.cast_unsigned()) {
        return Err(Refusal::TickSize);
    }
    if market.terms.band.contains(price) { Ok(()) } else { Err(Refusal::PriceBand) }
}

#[cold]
fn check_disclosure(market: &Market, order: &Order) -> Result<(), Refusal> {
    check_disclosed(order.quantity, order.disclosed, market.terms.disclosed_min).map_err(
        |refusal| match refusal {
            LimitRefusal::DisclosedTooLarge => Refusal::DisclosedTooLarge,
            LimitRefusal::DisclosedTooSmall => Refusal::DisclosedTooSmall,
            _ => Refusal::DisclosedNotAllowed,
        },
    )?;
    let is_multiple = market.lot.divides(u64::from(order.disclosed.0));
    if is_multiple { Ok(()) } else { Err(Refusal::DisclosedLotSize) }
}

/// A stop-loss buy has its trigger at or below its limit and above the last trade, a sell mirrored
/// (NNF capital market 6.1; rule 2.1).
#[cold]
fn check_trigger(market: &Market, order: &Order) -> Result<(), Refusal> {
    let Order { side, trigger, price, .. } = *order;
    if trigger <= Px::ZERO {
        return Err(Refusal::InvalidTrigger);
    }
    if !market.tick.divides(trigger.0.cast_unsigned()) {
        return Err(Refusal::TriggerTickSize);
    }
    if order.order_type == OrderType::StopLimit {
        if side.is_better(trigger, price) {
            return Err(Refusal::TriggerBeyondLimit);
        }
        let gap = Px(price.0.abs_diff(trigger.0).cast_signed());
        if market.terms.trigger_gap.is_some_and(|width| gap > width.of(trigger)) {
            return Err(Refusal::TriggerGap);
        }
    }
    match market.last {
        Some(last) if !side.is_better(trigger, last) => Err(Refusal::TriggerPassed),
        _ => Ok(()),
    }
}

/// A market order may not trade too far from the last trade; after the close there must be a close.
#[cold]
fn check_market(market: &Market, books: &Books, order: &Order, traded: u32) -> Result<(), Refusal> {
    if market.phase == Phase::PostClose && market.close.is_none() {
        return Err(Refusal::MarketClosed);
    }
    let Some(width) = market.terms.market_protection else { return Ok(()) };
    if market.phase != Phase::Continuous {
        return Ok(());
    }
    let worst = worst_price(books, order, order.quantity.0 - traded);
    let worst = worst.or(market.last).unwrap_or(Px::ZERO);
    check_market_order(order.side, worst, market.last, width).map_err(|refusal| match refusal {
        LimitRefusal::NoTradeToday => Refusal::NoTradeToday,
        _ => Refusal::BeyondProtection,
    })
}

/// The last price that `open` would reach, by what the book shows.
fn worst_price(books: &Books, order: &Order, open: u32) -> Option<Px> {
    let (mut left, mut worst) = (u64::from(open), None);
    let opposite: Side = order.side.opposite();
    for level in books.levels(order.instrument, opposite) {
        if left == 0 {
            break;
        }
        worst = Some(level.price);
        left = left.saturating_sub(level.quantity);
    }
    worst
}
