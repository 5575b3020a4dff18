//! An execution strategy that a test cancels, pauses and resumes between two inputs.

use tezi_core::execution::Parent;
use tezi_core::oms::OrderSessionState;
use tezi_core::strategy::{
    AlgoTrader, BookUpdate, Context, FeedUpdate, Fill, OrderUpdate, StatusUpdate, Strategy,
    TimerId, Trade, TradeCancel,
};

/// What a dealer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Cancel,
    Pause,
    Resume,
    /// `KEY=VALUE` of a parameter.
    Set(&'static str),
}

/// See the module.
pub struct Driven {
    pub algo: AlgoTrader,
    /// Done with the next book.
    pub ask: Option<Ask>,
    /// Parameters that were taken, and refused.
    pub set: [u32; 2],
    /// The latest that was taken.
    pub taken: Option<&'static str>,
}

impl Driven {
    pub const fn new(algo: AlgoTrader) -> Self {
        Self { algo, ask: None, set: [0; 2], taken: None }
    }
}

impl Strategy for Driven {
    fn name(&self) -> &str {
        self.algo.name()
    }

    fn parents(&self) -> &[Parent] {
        self.algo.parents()
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.algo.on_start(ctx);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        match self.ask.take() {
            Some(Ask::Cancel) => self.algo.cancel(ctx),
            Some(Ask::Pause) => self.algo.pause(ctx),
            Some(Ask::Resume) => self.algo.resume(ctx),
            Some(Ask::Set(word)) => {
                let (key, value) = word.split_once('=').unwrap();
                let is_taken = self.algo.set_parameter(ctx, key, value).is_ok();
                self.set[usize::from(!is_taken)] += 1;
                self.taken = is_taken.then_some(word);
            }
            None => {}
        }
        self.algo.on_book(ctx, update);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) {
        self.algo.on_trade(ctx, trade);
    }

    fn on_trade_cancel(&mut self, ctx: &mut Context<'_>, cancel: &TradeCancel) {
        self.algo.on_trade_cancel(ctx, cancel);
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, update: &StatusUpdate) {
        self.algo.on_status(ctx, update);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.algo.on_order(ctx, update);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.algo.on_fill(ctx, fill);
    }

    fn on_fill_canceled(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.algo.on_fill_canceled(ctx, fill);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerId) {
        self.algo.on_timer(ctx, timer);
    }

    fn on_feed(&mut self, ctx: &mut Context<'_>, update: &FeedUpdate) {
        self.algo.on_feed(ctx, update);
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, state: OrderSessionState) {
        self.algo.on_session(ctx, state);
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.algo.on_stop(ctx);
    }
}
