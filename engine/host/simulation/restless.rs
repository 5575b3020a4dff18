//! A strategy that asks for everything, at any time, as its own seed says.

use tezi_core::oms::OrderSessionState;
use tezi_core::strategy::{BookUpdate, Context, Fill, OrderUpdate, Strategy, TimerId};
use tezi_model::{ClientOrderId, InstrumentId, Px, Qty, Side};

use crate::random::Random;

/// Orders at once.
const ORDERS_MAX: usize = 8;
/// How far from the touch an order may rest, in ticks.
const TICKS: u64 = 6;

/// Submits, changes and cancels near the touch, with a timer of its own.
pub(super) struct Restless {
    seed: u64,
    random: Random,
    orders: Vec<ClientOrderId>,
    fills: u64,
}

impl Restless {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, random: Random::new(seed), orders: Vec::with_capacity(ORDERS_MAX), fills: 0 }
    }

    fn act(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId) {
        let book = ctx.book(instrument);
        let (Some(bid), Some(ask)) = (book.touch(Side::Buy), book.touch(Side::Sell)) else {
            return;
        };
        let Some(definition) = ctx.instrument(instrument).map(|it| it.definition) else { return };
        let side = if self.random.chance(0.5) { Side::Buy } else { Side::Sell };
        let away = definition.tick.0 * self.random.below(TICKS) as i64;
        let (near, resting) = match side {
            Side::Buy => (ask.price, Px(bid.price.0 - away)),
            Side::Sell => (bid.price, Px(ask.price.0 + away)),
        };
        let lots = 1 + self.random.below(3) as u32;
        let quantity = Qty(definition.lot.0 * lots);
        let is_full = self.orders.len() == ORDERS_MAX;
        // A request that is refused is refused: the next comes soon enough.
        match self.random.below(10) {
            0..=2 if !is_full => {
                self.orders.extend(ctx.submit(instrument, side, resting, quantity).ok());
            }
            3..=4 if !is_full => {
                self.orders.extend(ctx.submit_ioc(instrument, side, near, quantity).ok());
            }
            5..=6 => {
                let Some((id, of_order)) = self.any(ctx) else { return };
                let price = if of_order == side { resting } else { return };
                let _ = ctx.replace(id, price, quantity);
            }
            7..=8 => {
                let Some((id, _)) = self.any(ctx) else { return };
                let _ = ctx.cancel(id);
            }
            _ => {
                let _ = ctx.set_timer(ctx.now().plus(1 + self.random.below(20_000_000) as i64));
            }
        }
    }

    /// One of the orders, and its side.
    fn any(&mut self, ctx: &Context<'_>) -> Option<(ClientOrderId, Side)> {
        let count = self.orders.len() as u64;
        let id = *self.orders.get(self.random.below(count.max(1)) as usize)?;
        ctx.order(id).map(|order| (id, order.side))
    }
}

impl Strategy for Restless {
    fn name(&self) -> &'static str {
        "restless"
    }

    fn parameters(&self) -> String {
        format!("seed={}", self.seed)
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        if self.random.chance(0.05) {
            self.act(ctx, update.instrument);
        }
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _: TimerId) {
        let count = ctx.instruments().count() as u64;
        let instrument = InstrumentId(self.random.below(count.max(1)) as u32);
        self.act(ctx, instrument);
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, state: OrderSessionState) {
        if state == OrderSessionState::Live {
            let _ = ctx.set_timer(ctx.now().plus(1_000_000));
        }
    }

    fn on_order(&mut self, _: &mut Context<'_>, update: &OrderUpdate) {
        if update.order.status.is_terminal() {
            self.orders.retain(|id| *id != update.order.client_order_id);
        }
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.fills += 1;
        // A fill is a moment at which much else is in flight.
        if self.random.chance(0.5) {
            self.act(ctx, fill.instrument);
        }
    }
}
