//! Prices of children: where the market is without them, and what the limit allows.

use tezi_model::{InstrumentId, Px, Side};

use super::access::MarketAccess;
use super::parent::Parent;

/// The price nearest to `price` that a child may have: within the limit and the day's band, on the
/// tick, rounded to the passive side. `None` when there is no such price.
pub(super) fn within(parent: &Parent, price: Px) -> Option<Px> {
    let (side, limit, tick) = (parent.spec.side, parent.spec.limit, parent.terms.tick);
    let (low, high) = (parent.terms.price_low, parent.terms.price_high);
    let mut price = if side.is_better(price, limit) { limit } else { price };
    if low.0 > 0 {
        price = price.max(low.ceil_to(tick));
    }
    if high.0 > 0 {
        price = price.min(high.floor_to(tick));
    }
    let price = match side {
        Side::Buy => price.floor_to(tick),
        Side::Sell => price.ceil_to(tick),
    };
    let is_in_band = (low.0 <= 0 || price >= low) && (high.0 <= 0 || price <= high);
    (price.0 > 0 && is_in_band && !side.is_better(price, limit)).then_some(price)
}

/// The best price of a side of the market, own children left out; `None` when there is none, or the
/// book is crossed and its trades are still to come.
pub(super) fn touch(access: &impl MarketAccess, parent: &Parent, side: Side) -> Option<Px> {
    let instrument = parent.spec.instrument;
    let best = |side| access.touch(instrument, side).map(|level| level.price);
    if let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell))
        && bid >= ask
    {
        return None;
    }
    if !access.shows_own() || side != parent.spec.side {
        return best(side);
    }
    let own = |price: Px| -> u64 {
        let there = parent.children.open().filter(|child| child.order.price == price);
        there.map(|child| u64::from(child.order.leaves().0)).sum()
    };
    access.levels(instrument, side).find(|it| it.quantity > own(it.price)).map(|it| it.price)
}

/// The middle of two prices, between ticks as it may be.
pub(super) const fn middle(a: Px, b: Px) -> Px {
    Px(i64::midpoint(a.0, b.0))
}

/// The price a parent arrives at: the middle of the touch, else the last trade.
pub(super) fn arrival(access: &impl MarketAccess, instrument: InstrumentId) -> Option<Px> {
    let best = |side| access.touch(instrument, side).map(|level| level.price);
    match (best(Side::Buy), best(Side::Sell)) {
        (Some(bid), Some(ask)) if bid < ask => Some(middle(bid, ask)),
        _ => access.last_trade(instrument),
    }
}
