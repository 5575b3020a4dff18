//! A strategy that goes round and round: an order that rests, is changed and cancelled; one that buys,
//! one that sells, one that finds no counterpart, one that the exchange refuses.

#![allow(unreachable_pub, reason = "a module of test binaries")]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytemuck::Zeroable;
use tezi::StopSwitch;
use tezi::gateway::nnf::server::OrderImage;
use tezi::gateway::nnf::wire::{BeI16, BeI32, BuySell, MsOeRequest, StOrderFlags};
use tezi::model::{ClientOrderId, OrderStatus, Px, Qty, Side};
use tezi::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi::strategy::{BookUpdate, Context, OrderUpdate, Strategy};

use super::{LOT, TOKEN};

/// Steps of a round.
pub const STEPS: u32 = 5;

pub struct Rounds {
    order: Option<ClientOrderId>,
    step: u32,
    done: Arc<AtomicU32>,
}

impl Rounds {
    /// The strategy, and how many steps it has done.
    pub fn new() -> (Self, Arc<AtomicU32>) {
        let done = Arc::new(AtomicU32::new(0));
        (Self { order: None, step: 0, done: Arc::clone(&done) }, done)
    }
}

impl Strategy for Rounds {
    fn name(&self) -> &'static str {
        "rounds"
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        out.option(self.order, |out, id| out.u64(id.0));
        out.u32(self.step);
        Ok(())
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.order = input.option(|input| input.u64().map(ClientOrderId))?;
        self.step = input.u32()?;
        Ok(())
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        if let Some(id) = self.order {
            // Refused a change or a cancel, for want of a session: try again.
            let is_idle = ctx.order(id).is_some_and(|order| !order.status.is_in_flight());
            if is_idle {
                let _ = ctx.cancel(id);
            }
            return;
        }
        let book = ctx.book(update.instrument);
        let (Some(bid), Some(ask)) = (book.touch(Side::Buy), book.touch(Side::Sell)) else {
            return;
        };
        if bid.price >= ask.price {
            return;
        }
        let (it, lot) = (update.instrument, Qty(LOT));
        let below = |paise| Px(bid.price.0 - Px::from_paise(paise).0);
        let sent = match self.step % STEPS {
            0 => ctx.submit(it, Side::Buy, below(1_000), lot),
            1 => ctx.submit_ioc(it, Side::Buy, ask.price, lot),
            2 => ctx.submit_ioc(it, Side::Sell, bid.price, lot),
            3 => ctx.submit_ioc(it, Side::Buy, below(2_000), lot),
            // Below what the exchange allows.
            _ => ctx.submit(it, Side::Buy, Px::from_rupees(23_400.0), lot),
        };
        self.order = sent.ok();
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        let order = &update.order;
        if self.order != Some(order.client_order_id) {
            return;
        }
        if order.status.is_terminal() {
            self.order = None;
            self.step += 1;
            self.done.store(self.step, Ordering::Relaxed);
        } else if self.step.is_multiple_of(STEPS) && update.status_before == OrderStatus::PendingNew
        {
            let lower = Px(order.price.0 - Px::from_paise(500).0);
            let _ = ctx.replace(order.client_order_id, lower, Qty(2 * LOT));
        }
    }
}

/// Sends three orders that rest, and when all are confirmed ends the session, perhaps after a kill.
pub struct Rester {
    kills: bool,
    stop: StopSwitch,
    sent: u32,
    confirmed: u32,
}

impl Rester {
    pub const fn new(kills: bool, stop: StopSwitch) -> Self {
        Self { kills, stop, sent: 0, confirmed: 0 }
    }
}

impl Strategy for Rester {
    fn name(&self) -> &'static str {
        "rester"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        if self.sent < 3 && ctx.book(update.instrument).bid().is_some() {
            let price = Px::from_rupees(23_900.0 - f64::from(self.sent));
            let sent = ctx.submit(update.instrument, Side::Buy, price, Qty(LOT));
            self.sent += u32::from(sent.is_ok());
        }
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.confirmed += u32::from(update.status_before == OrderStatus::PendingNew);
        if self.confirmed == 3 && update.status_before == OrderStatus::PendingNew {
            if self.kills {
                ctx.kill();
            }
            self.stop.set();
        }
    }
}

/// An order of the same user that this host never sent.
pub fn stranger() -> OrderImage {
    let mut order = MsOeRequest::zeroed();
    order.token_no = BeI32::new(TOKEN as i32);
    order.buy_sell_indicator = BeI16::new(BuySell::BUY);
    order.volume = BeI32::new(LOT as i32);
    order.total_volume_remaining = order.volume;
    order.price = BeI32::new(2_360_000);
    order.st_order_flags.terms = StOrderFlags::DAY;
    OrderImage { order, filler: 0 }
}
