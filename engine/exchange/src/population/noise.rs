//! Noise: limit orders at all depths, and how long they live.

use tezi_core::matching::{InstrumentTerms, Matcher, Order, Target};
use tezi_core::venue::session::{OrderAction, OrderType, Phase};
use tezi_model::{Nanos, Px, Qty, Side};

use super::orders::Stage;
use super::takers::limit_at;
use super::{Action, Population};

/// How long an order lives and where it rests: the share of such orders, the mean life, and how
/// many half spreads behind the touch on average. Short lives were measured in the real session,
/// where of the orders seen to come and go within half a second 40 % lived less than 15 ms.
const LIVES: [Life; 4] = [
    Life { share: 0.10, mean_ns: 1.5e6, behind: 0.3 },
    Life { share: 0.22, mean_ns: 70e6, behind: 0.6 },
    Life { share: 0.58, mean_ns: 3e9, behind: 1.5 },
    Life { share: 0.10, mean_ns: 240e9, behind: 6.0 },
];
/// Of the orders, those that better the touch where there is room.
const BETTER_SHARE: f64 = 0.08;
/// Where an order is cancelled in vain, it is tried again after this time.
const AGAIN_NS: i64 = 1_000_000_000;

struct Life {
    share: f64,
    mean_ns: f64,
    behind: f64,
}

impl Population {
    pub(super) fn on_noise(
        &mut self,
        actor: u32,
        underlying: u32,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Action> {
        let next = self.noise[underlying as usize].after(now, &mut self.random);
        self.agenda.set(actor, next.max(now.plus(1)));
        let product = self.pick_product(underlying);
        let side = if self.random.chance(0.5) { Side::Buy } else { Side::Sell };
        let phase = matcher.phase(self.products[product as usize].instrument);
        if phase != Phase::Continuous {
            return self.auction_limit(product, underlying, side, phase, now);
        }
        let life = self.draw_life();
        let (draft, mean_ns) = if self.random.chance(self.config.stop_share) {
            (self.stop_loss(product, side, matcher)?, 60e9)
        } else {
            (self.resting(product, side, life, matcher)?, life.mean_ns)
        };
        let slot = self.vacant_slot()?;
        let order = self.send(slot, product, self.noise_member(), &draft);
        self.live_for(slot, now, mean_ns);
        Some(Action::Submit(order))
    }

    fn draw_life(&mut self) -> &'static Life {
        let mut left = self.random.unit();
        let found = LIVES.iter().find(|life| {
            left -= life.share;
            left < 0.0
        });
        found.unwrap_or(&LIVES[0])
    }

    /// A limit order at the touch, one tick before it, or behind it.
    fn resting(
        &mut self,
        product: u32,
        side: Side,
        life: &Life,
        matcher: &Matcher,
    ) -> Option<Order> {
        let is_better = self.random.chance(BETTER_SHARE);
        let behind = self.random.exponential() * life.behind;
        let is_disclosed = self.random.chance(self.config.disclosed_share);
        let quantity = self.draw_quantity(product);
        let listed = &self.products[product as usize];
        let books = matcher.books();
        let other = books.touch(listed.instrument, side.opposite());
        let touch = books.touch(listed.instrument, side).map(|level| level.price);
        // An empty side is where a maker would be.
        let width = Px::from_rupees(listed.half * 2.0).0 * side.sign();
        let touch = touch.or_else(|| other.map(|level| Px(level.price.0 - width)))?;
        let ticks = if is_better { -1 } else { (behind * listed.half / listed.tick) as i64 };
        let mut price = limit_at(listed, touch, side, -ticks);
        if let Some(other) = other.filter(|level| side.crosses(price, level.price)) {
            price = limit_at(listed, other.price, side, -1);
            // At the end of the band there may be no room before the other side.
            if side.crosses(price, other.price) {
                return None;
            }
        }
        let price = Px(price.0 - price.0 % listed.terms.tick.0);
        let mut draft = Order::limit(listed.instrument, side, price, Qty(quantity));
        if is_disclosed && listed.terms.orders.disclosed {
            draft.disclosed = disclosed(listed.terms, quantity);
        }
        Some(draft)
    }

    /// A stop-loss limit order beyond the last trade.
    fn stop_loss(&mut self, product: u32, side: Side, matcher: &Matcher) -> Option<Order> {
        let away = 1.0 + 4.0 * self.random.exponential();
        let quantity = self.draw_quantity(product);
        let listed = &self.products[product as usize];
        let last =
            matcher.last_trade(listed.instrument).filter(|_| listed.terms.orders.stop_limit)?;
        let ticks = 1 + (away * listed.half / listed.tick) as i64;
        let trigger = Px(last.0 + side.sign() * ticks * listed.terms.tick.0);
        let gap = Px::from_rupees(listed.half).ceil_to(listed.terms.tick);
        let widest = listed.terms.trigger_gap.map_or(gap, |width| width.of(trigger));
        let gap = gap.min(widest).floor_to(listed.terms.tick);
        let price = Px(trigger.0 + side.sign() * gap.0);
        let band = listed.terms.band;
        let is_fit = trigger > Px::ZERO && band.contains(price) && band.contains(trigger);
        is_fit.then(|| Order {
            order_type: OrderType::StopLimit,
            trigger,
            ..Order::limit(listed.instrument, side, price, Qty(quantity))
        })
    }

    /// An order has lived long enough.
    pub(super) fn on_lifetime_over(
        &mut self,
        actor: u32,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Action> {
        // It stays on the agenda until the cancel is reported, so that one in vain is not the last.
        self.agenda.set(actor, now.plus(AGAIN_NS));
        let own = self.orders.at(actor - self.roles.len() as u32);
        let product = &self.products[own.product as usize];
        let cancel = OrderAction::Cancel { resting: own.order_type };
        let phase = matcher.phase(product.instrument);
        let is_taken = phase.check(product.terms.orders, cancel).is_ok();
        let is_there = own.stage == Stage::Open && is_taken;
        is_there.then(|| Action::Cancel(Target::new(own.order_id, own.member)))
    }

    /// An order is to be cancelled after a time of this mean.
    pub(super) fn live_for(&mut self, slot: u32, now: Nanos, mean_ns: f64) {
        let due = now.plus(self.random.gap(mean_ns));
        let actor = self.slot_actor(slot);
        self.agenda.set(actor, due);
    }

    /// A slot for an order beside the makers' quotes.
    pub(super) fn vacant_slot(&mut self) -> Option<u32> {
        let slot = self.orders.vacant();
        self.counters.crowded += u64::from(slot.is_none());
        slot
    }

    /// Takes a slot for an order and fills in whose it is. `sender` counts from the first member.
    pub(super) fn send(&mut self, slot: u32, product: u32, sender: u32, draft: &Order) -> Order {
        let reference = self.orders.take(slot);
        let member = self.config.member_first + sender;
        let own = self.orders.at_mut(slot);
        own.product = product;
        own.member = member;
        own.side = draft.side;
        own.price = draft.price;
        own.trigger = draft.trigger;
        own.quantity = draft.quantity.0;
        own.open = draft.quantity.0;
        own.disclosed = draft.disclosed.0;
        own.order_type = draft.order_type;
        Order { owner: self.owners[sender as usize], member, reference, ..*draft }
    }

    pub(super) const fn noise_member(&self) -> u32 {
        self.config.makers + 2
    }
}

/// The least part that may be disclosed, in whole lots; all when there is no less.
fn disclosed(terms: InstrumentTerms, quantity: u32) -> Qty {
    let Some(least) = terms.disclosed_min else { return Qty::ZERO };
    let least = least.of(Px(i64::from(quantity))).0.max(1).cast_unsigned();
    // One lot more than the part, cut to lots, is at least the part.
    let lots = least / u64::from(terms.lot.0) + 1;
    let shown = lots.saturating_mul(u64::from(terms.lot.0)).min(u64::from(quantity));
    Qty(shown as u32)
}
