//! Strategies that trade against the simulated exchange, and against each other.

#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tezi::model::{ClientOrderId, InstrumentId, Px, Qty, Side};
use tezi::oms::OrderSessionState;
use tezi::strategy::{BookUpdate, Context, FeedUpdate, Fill, OrderUpdate, Strategy};

/// One order at a time in the first instrument: bought at the offer, sold at the bid, and one that
/// rests far away and is cancelled.
pub struct Rounds {
    order: Option<ClientOrderId>,
    step: u32,
    /// Steps that are done.
    done: Arc<AtomicU32>,
}

impl Rounds {
    pub fn new() -> (Self, Arc<AtomicU32>) {
        let done = Arc::new(AtomicU32::new(0));
        (Self { order: None, step: 0, done: Arc::clone(&done) }, done)
    }
}

impl Strategy for Rounds {
    fn name(&self) -> &'static str {
        "rounds"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _: BookUpdate) {
        if let Some(id) = self.order {
            if ctx.order(id).is_some_and(|order| !order.status.is_in_flight()) {
                let _ = ctx.cancel(id);
            }
            return;
        }
        let future = InstrumentId(0);
        let book = ctx.book(future);
        let (Some(bid), Some(ask), false) = (book.bid(), book.ask(), book.is_crossed()) else {
            return;
        };
        let lot = ctx.instrument(future).map_or(Qty(1), |state| state.definition.lot);
        let below = Px(bid.price.0 - Px::from_paise(2_000).0);
        let sent = match self.step % 3 {
            0 => ctx.submit_ioc(future, Side::Buy, ask.price, lot),
            1 => ctx.submit_ioc(future, Side::Sell, bid.price, lot),
            _ => ctx.submit(future, Side::Buy, below, lot),
        };
        self.order = sent.ok();
    }

    fn on_order(&mut self, _: &mut Context<'_>, update: &OrderUpdate) {
        let order = &update.order;
        if self.order == Some(order.client_order_id) && order.status.is_terminal() {
            self.order = None;
            self.step += 1;
            self.done.store(self.step, Ordering::Relaxed);
        }
    }
}

/// Two who trade with each other in the first instrument.
pub enum Party {
    /// Rests an offer at this price as soon as there is a session, and the next when it is gone.
    Seller(Px),
    /// Takes what is offered, one order at a time, and counts it.
    Buyer(Option<ClientOrderId>, Arc<AtomicU32>),
}

impl Party {
    fn offer(&self, ctx: &mut Context<'_>) {
        if let Self::Seller(price) = self {
            let _ = ctx.submit(InstrumentId(0), Side::Sell, *price, Qty(65));
        }
    }

    fn take(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId) {
        let Self::Buyer(order, _) = self else { return };
        let Some(ask) = ctx.book(instrument).ask() else { return };
        if order.is_none() {
            *order = ctx.submit_ioc(instrument, Side::Buy, ask.price, Qty(65)).ok();
        }
    }
}

impl Strategy for Party {
    fn name(&self) -> &'static str {
        "party"
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, state: OrderSessionState) {
        if state == OrderSessionState::Live {
            self.offer(ctx);
            // The offer may have come before this session was live, and nothing else may come.
            self.take(ctx, InstrumentId(0));
        }
    }

    fn on_feed(&mut self, ctx: &mut Context<'_>, _: &FeedUpdate) {
        self.take(ctx, InstrumentId(0));
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.take(ctx, update.instrument);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        if let Self::Buyer(order, _) = self
            && update.order.status.is_terminal()
        {
            *order = None;
            // The next offer may have come before this answer, and then no book changes any more.
            self.take(ctx, InstrumentId(0));
        }
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, _: &Fill) {
        self.offer(ctx);
        if let Self::Buyer(_, bought) = self {
            bought.fetch_add(1, Ordering::Relaxed);
        }
    }
}
