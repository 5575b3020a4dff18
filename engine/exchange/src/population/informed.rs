//! The informed trader: sees an underlying move before the makers have changed their quotes.

use tezi_core::matching::{Matcher, Order};
use tezi_core::venue::session::Phase;
use tezi_model::{Nanos, Qty, Side, TimeInForce};

use super::{Action, Population};

/// Products it looks at: the future, and others by their activity.
const LOOKS: u32 = 3;
/// It trades from so many half spreads on.
const EDGE: f64 = 1.5;
/// Its orders are so much larger than those of others: prices must not stay where a crowd of small
/// orders holds them.
const SIZE: u32 = 5;
/// It looks again after so many times what it needs to react.
const AGAIN: f64 = 20.0;

impl Population {
    pub(super) fn on_informed(
        &mut self,
        actor: u32,
        underlying: u32,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Action> {
        // Until the next move.
        self.agenda.unset(actor);
        for look in 0..LOOKS {
            let product = match look {
                0 => self.underlyings[underlying as usize].products.start,
                _ => self.pick_product(underlying),
            };
            if let Some(draft) = self.stale_quote(underlying, product, now, matcher) {
                let slot = self.vacant_slot()?;
                // More may rest where that was: it comes back until nothing is wrong any more.
                let due = now.plus(self.random.gap(self.config.informed_ns * AGAIN));
                self.agenda.set(actor, due);
                return Some(Action::Submit(self.send(slot, product, self.config.makers, &draft)));
            }
        }
        None
    }

    /// An order for what rests at a price that is already wrong.
    fn stale_quote(
        &mut self,
        underlying: u32,
        product: u32,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Order> {
        let lots = self.draw_quantity(product).saturating_mul(SIZE);
        let listed = &mut self.products[product as usize];
        if matcher.phase(listed.instrument) != Phase::Continuous {
            return None;
        }
        let most = listed.lots_max.saturating_mul(listed.terms.lot.0);
        let quantity = Qty(lots.min(most));
        let forward =
            self.underlyings[underlying as usize].carried(listed.years(now), &self.config);
        let worth = listed.worth(forward, now, &self.config).price;
        Side::BOTH.into_iter().find_map(|side| {
            let touch = matcher.books().touch(listed.instrument, side.opposite())?;
            let edge = EDGE * listed.half + listed.tick;
            let gain = (worth - touch.price.to_rupees()) * side.sign() as f64;
            // Its limit leaves it its edge on everything it takes.
            let limit = listed.on_tick(worth - edge * side.sign() as f64, side == Side::Buy);
            (gain > edge && side.crosses(limit, touch.price)).then(|| Order {
                time_in_force: TimeInForce::Ioc,
                ..Order::limit(listed.instrument, side, limit, quantity)
            })
        })
    }
}
