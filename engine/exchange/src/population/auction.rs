//! What participants enter while a call auction collects orders.

use tezi_core::matching::Order;
use tezi_core::venue::session::{OrderAction, OrderRules, OrderTerms, OrderType, Phase};
use tezi_model::{Nanos, Px, Qty, Side};

use super::{Action, Population};

/// Limits lie within this part of the value, as a deviation: the sides overlap, and so trade.
const SPREAD: f64 = 0.003;
/// An auction's orders stay for minutes.
const LIFE_NS: f64 = 600e9;

impl Population {
    /// A limit around what the instrument is worth.
    pub(super) fn auction_limit(
        &mut self,
        product: u32,
        underlying: u32,
        side: Side,
        phase: Phase,
        now: Nanos,
    ) -> Option<Action> {
        if !is_taken(phase, self.products[product as usize].terms.orders, OrderType::Limit) {
            return None;
        }
        let quantity = self.draw_quantity(product);
        let opinion = 1.0 + SPREAD * self.random.normal();
        let listed = &mut self.products[product as usize];
        let forward =
            self.underlyings[underlying as usize].carried(listed.years(now), &self.config);
        let worth = listed.worth(forward, now, &self.config).price;
        let price = listed.on_tick(worth * opinion, side == Side::Buy);
        let draft = Order::limit(listed.instrument, side, price, Qty(quantity));
        self.enter(product, &draft, now)
    }

    /// A market order.
    pub(super) fn auction_market(
        &mut self,
        product: u32,
        side: Side,
        phase: Phase,
        now: Nanos,
    ) -> Option<Action> {
        let listed = &self.products[product as usize];
        if !is_taken(phase, listed.terms.orders, OrderType::Market) {
            return None;
        }
        let instrument = listed.instrument;
        let quantity = self.draw_quantity(product);
        let draft = Order { price: Px::ZERO, ..Order::market(instrument, side, Qty(quantity)) };
        self.enter(product, &draft, now)
    }

    fn enter(&mut self, product: u32, draft: &Order, now: Nanos) -> Option<Action> {
        let slot = self.vacant_slot()?;
        let order = self.send(slot, product, self.noise_member(), draft);
        self.live_for(slot, now, LIFE_NS);
        Some(Action::Submit(order))
    }
}

/// Whether a phase collects orders of this type. At the closing price nobody here trades.
fn is_taken(phase: Phase, rules: OrderRules, order_type: OrderType) -> bool {
    let action = OrderAction::New(OrderTerms::plain(order_type));
    phase != Phase::PostClose && phase.check(rules, action).is_ok()
}
