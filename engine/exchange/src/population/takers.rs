//! Takers: orders that come to trade, in clusters of one direction.

use tezi_core::matching::{Matcher, Order};
use tezi_core::venue::session::{OrderType, Phase};
use tezi_model::{Nanos, Px, Qty, Side, TimeInForce};

use super::product::Product;
use super::{Action, Population};

/// What one arrival brings on average, and within which time: of takers and of noise.
pub(super) const CHILDREN: f64 = 0.6;
pub(super) const MEMORY_NS: f64 = 3e6;
/// The probability that the next taker goes the way of the last.
const SAME_WAY: f64 = 0.7;

/// Which way takers go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mood {
    is_selling: bool,
}

impl Mood {
    const fn side(self) -> Side {
        if self.is_selling { Side::Sell } else { Side::Buy }
    }
}

impl Population {
    pub(super) fn on_taker(
        &mut self,
        actor: u32,
        underlying: u32,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Action> {
        let next = self.takers[underlying as usize].after(now, &mut self.random);
        self.agenda.set(actor, next.max(now.plus(1)));
        let product = self.pick_product(underlying);
        if !self.random.chance(SAME_WAY) {
            self.moods[underlying as usize].is_selling = self.random.chance(0.5);
        }
        let side = self.moods[underlying as usize].side();
        let listed = &self.products[product as usize];
        let phase = matcher.phase(listed.instrument);
        if phase != Phase::Continuous {
            return self.auction_market(product, side, phase, now);
        }
        let draft = self.taking(product, side, matcher)?;
        let slot = self.vacant_slot()?;
        let order = self.send(slot, product, self.taker_member(), &draft);
        if draft.time_in_force == TimeInForce::Day {
            self.live_for(slot, now, 3e9);
        }
        Some(Action::Submit(order))
    }

    /// An order that trades with the touch now.
    fn taking(&mut self, product: u32, side: Side, matcher: &Matcher) -> Option<Order> {
        let kind = self.random.unit();
        let quantity = Qty(self.draw_quantity(product));
        let through = i64::from(self.random.below(3));
        let listed = &self.products[product as usize];
        let touch = matcher.books().touch(listed.instrument, side.opposite())?;
        let limit = limit_at(listed, touch.price, side, through);
        let draft = Order::limit(listed.instrument, side, limit, quantity);
        // A market order is refused where nothing has traded today.
        let has_traded = matcher.last_trade(listed.instrument).is_some();
        Some(if kind < self.config.market_share && has_traded {
            Order { order_type: OrderType::Market, price: Px::ZERO, ..draft }
        } else if kind < self.config.market_share + self.config.ioc_share {
            Order { time_in_force: TimeInForce::Ioc, ..draft }
        } else {
            draft
        })
    }

    pub(super) const fn taker_member(&self) -> u32 {
        self.config.makers + 1
    }
}

/// So many ticks beyond a price, and on the tick within the band.
pub(super) fn limit_at(product: &Product, touch: Px, side: Side, ticks: i64) -> Px {
    let price = Px(touch.0 + side.sign() * ticks * product.terms.tick.0);
    let band = product.terms.band;
    price.min(band.high.floor_to(product.terms.tick)).max(band.low.max(product.terms.tick))
}
