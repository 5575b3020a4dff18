//! Strategies that trade against the simulated exchange, and against each other.

#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tezi::model::{ClientOrderId, InstrumentId, OrderStatus, Px, Qty, Side};
use tezi::oms::OrderSessionState;
use tezi::strategy::{BookUpdate, Context, FeedUpdate, Fill, OrderUpdate, Strategy};

/// One order at a time in the first instrument: bought at the offer, sold at the bid, and one that
/// rests far away and is cancelled. It falls silent when it was told to and its last order is over:
/// an exchange that closed on an order would leave its host with an answer that nobody gives any more.
pub struct Rounds {
    order: Option<ClientOrderId>,
    progress: Arc<Progress>,
}

/// What a test sees of [`Rounds`], and tells it.
#[derive(Default)]
pub struct Progress {
    /// Orders that are over.
    done: AtomicU32,
    /// No order is sent any more.
    is_told_to_end: AtomicBool,
    /// None is sent any more, and none is open.
    has_ended: AtomicBool,
}

impl Progress {
    pub fn done(&self) -> u32 {
        self.done.load(Ordering::Acquire)
    }

    /// Tells the strategy to end; whether it has.
    pub fn end(&self) -> bool {
        self.is_told_to_end.store(true, Ordering::Release);
        self.has_ended.load(Ordering::Acquire)
    }
}

impl Rounds {
    pub fn new() -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        (Self { order: None, progress: Arc::clone(&progress) }, progress)
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
        if self.progress.is_told_to_end.load(Ordering::Acquire) {
            self.progress.has_ended.store(true, Ordering::Release);
            return;
        }
        let future = InstrumentId(0);
        let book = ctx.book(future);
        let (Some(bid), Some(ask), false) = (book.bid(), book.ask(), book.is_crossed()) else {
            return;
        };
        let lot = ctx.instrument(future).map_or(Qty(1), |state| state.definition.lot);
        let below = Px(bid.price.0 - Px::from_paise(2_000).0);
        let sent = match self.progress.done() % 3 {
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
            self.progress.done.fetch_add(1, Ordering::Release);
        }
    }
}

/// Two who trade with each other in the first instrument.
pub enum Party {
    /// Rests an offer at this price as soon as there is a session, and the next when it is gone.
    Seller(Px),
    /// Takes what is offered, one order at a time, until it has [`BOUGHT_MAX`], and counts it.
    Buyer(Option<ClientOrderId>, Arc<AtomicU32>),
}

/// What a buyer wants.
pub const BOUGHT_MAX: u32 = 20;

impl Party {
    fn offer(&self, ctx: &mut Context<'_>) {
        if let Self::Seller(price) = self {
            let _ = ctx.submit(InstrumentId(0), Side::Sell, *price, Qty(65));
        }
    }

    fn take(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId) {
        let Self::Buyer(order, bought) = self else { return };
        if bought.load(Ordering::Relaxed) >= BOUGHT_MAX {
            return;
        }
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
        if let Self::Buyer(order, bought) = self
            && update.order.status.is_terminal()
        {
            *order = None;
            if update.order.status == OrderStatus::Filled {
                bought.fetch_add(1, Ordering::Relaxed);
            }
            // The next offer may have come before this answer, and then no book changes any more.
            self.take(ctx, InstrumentId(0));
        }
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, _: &Fill) {
        self.offer(ctx);
    }
}
