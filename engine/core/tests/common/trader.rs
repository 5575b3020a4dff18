//! A strategy that asks for anything at any time: its decisions come from a seed and from what it
//! sees, so that a run can be repeated.

use bytemuck::Zeroable;
use tezi_core::Request;
use tezi_core::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{
    BookUpdate, Context, FeedUpdate, Fill, IndexUpdate, OrderUpdate, StatusUpdate, Strategy,
    TimerId, Trade, TradeCancel,
};
use tezi_model::{ClientOrderId, InstrumentId, Px, Qty, Side, TimeInForce};

use super::market::LOT;
use tezi_testing::Random;

/// See the module. It allocates nothing.
#[derive(Clone, Debug)]
pub struct RandomTrader {
    random: Random,
    /// The last orders that left, some of them long closed.
    ids: [ClientOrderId; 24],
    next: usize,
    /// Stops trading once in so many requests; 0 is never.
    kill_one_in: u64,
    /// How often of a hundred calls it says what something is worth in theory.
    pub theoretical_percent: u64,
    /// Calls so far, of every kind.
    pub calls: u64,
}

impl RandomTrader {
    pub const fn new(seed: u64, kill_one_in: u64) -> Self {
        let ids = [ClientOrderId(0); 24];
        let theoretical_percent = 0;
        Self { random: Random(seed), ids, next: 0, kill_one_in, theoretical_percent, calls: 0 }
    }

    fn act(&mut self, ctx: &mut Context<'_>) {
        self.calls += 1;
        if self.random.chance(self.theoretical_percent) {
            let instrument = InstrumentId(self.random.below(9) as u32);
            let touch = ctx.book(instrument).touch(Side::Buy).map(|level| level.price);
            // Without room for it, the price before stays.
            let _ = ctx.set_theoretical(instrument, touch);
        }
        let requests = match self.random.below(2_000) {
            0..=1_499 => 0,
            1_500..=1_959 => 1,
            1_960..=1_997 => 4,
            // More than one input may cause.
            _ => 90,
        };
        for _ in 0..requests {
            if self.kill_one_in > 0 && self.random.one_in(self.kill_one_in) {
                ctx.kill();
            }
            self.ask(ctx);
        }
    }

    fn ask(&mut self, ctx: &mut Context<'_>) {
        let asked = match self.random.below(100) {
            0..=44 => {
                let (instrument, side, price, quantity) = self.order(ctx);
                ctx.submit(instrument, side, price, quantity)
            }
            45..=54 => {
                let (instrument, side, price, quantity) = self.order(ctx);
                ctx.submit_ioc(instrument, side, price, quantity)
            }
            55..=79 => {
                let id = self.known(ctx);
                let (_, _, price, quantity) = self.like(ctx, id);
                ctx.replace(id, price, quantity)
            }
            80..=93 => {
                let id = self.known(ctx);
                ctx.cancel(id)
            }
            94..=97 => {
                let delay = self.random.below(20_000_000) as i64 - 1_000_000;
                let _ = ctx.set_timer(ctx.now().plus(delay));
                return;
            }
            _ => ctx.request(&self.nonsense()),
        };
        if let Ok(id) = asked {
            self.ids[self.next] = id;
            self.next = (self.next + 1) % self.ids.len();
        }
    }

    /// An order somewhere around the touch.
    fn order(&mut self, ctx: &Context<'_>) -> (InstrumentId, Side, Px, Qty) {
        // One more than there is room for.
        let instrument = InstrumentId(self.random.below(13) as u32);
        let side = Side::BOTH[self.random.below(2) as usize];
        (instrument, side, self.price(ctx, instrument, side), self.quantity())
    }

    /// A new version of an order.
    fn like(&mut self, ctx: &Context<'_>, id: ClientOrderId) -> (InstrumentId, Side, Px, Qty) {
        let Some(order) = ctx.order(id) else { return self.order(ctx) };
        let price = match self.random.below(3) {
            0 => order.price,
            _ => self.price(ctx, order.instrument, order.side),
        };
        (order.instrument, order.side, price, self.quantity())
    }

    fn price(&mut self, ctx: &Context<'_>, instrument: InstrumentId, side: Side) -> Px {
        let book = ctx.book(instrument);
        let touch = book.touch(side.opposite()).or_else(|| book.touch(side));
        let reference = touch.map(|level| level.price).or_else(|| ctx.last_trade(instrument));
        let reference = reference.unwrap_or(Px::from_paise(10_000));
        let tick = ctx.instrument(instrument).map_or(Px(1), |state| state.definition.tick);
        match self.random.below(60) {
            0 => Px::ZERO,
            1 => Px(-reference.0.saturating_abs()),
            2 => reference + Px(1),
            3 => reference + reference,
            4 => Px(i64::MAX),
            _ => {
                reference + Px(tick.0.saturating_mul(self.random.below(9) as i64 - 5) * side.sign())
            }
        }
    }

    fn quantity(&mut self) -> Qty {
        Qty(match self.random.below(40) {
            0 => 0,
            1 => 1,
            2 => u32::MAX,
            3 => LOT * 9,
            _ => LOT * (1 + self.random.below(4) as u32),
        })
    }

    fn known(&mut self, ctx: &Context<'_>) -> ClientOrderId {
        let pick = self.random.below(12) as usize;
        if let Some(order) = ctx.open_orders().nth(pick) {
            return order.client_order_id;
        }
        match self.random.below(12) {
            0 => ClientOrderId(self.random.below(1 << 40)),
            1 => ClientOrderId(u64::MAX),
            _ => self.ids[self.random.below(self.ids.len() as u64) as usize],
        }
    }

    /// A request with codes that mean nothing, or fields that do not belong together.
    fn nonsense(&mut self) -> Request {
        let mut request = Request::new_order(
            InstrumentId(self.random.next() as u32),
            Side::Sell,
            Px(self.random.next().cast_signed()),
            Qty(self.random.next() as u32),
            TimeInForce::Ioc,
        );
        request.kind_code = self.random.below(8) as u8;
        request.side_code = self.random.next() as u8;
        if self.random.one_in(4) { Request::zeroed() } else { request }
    }
}

impl Strategy for RandomTrader {
    fn name(&self) -> &'static str {
        "random-trader"
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        out.u64(self.random.0);
        self.ids.iter().for_each(|id| out.u64(id.0));
        out.u64(self.next as u64);
        out.u64(self.calls);
        Ok(())
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.random = Random(input.u64()?);
        for id in &mut self.ids {
            *id = ClientOrderId(input.u64()?);
        }
        self.next = input.u64()? as usize;
        self.calls = input.u64()?;
        Ok(())
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.act(ctx);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _update: BookUpdate) {
        self.act(ctx);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, _trade: &Trade) {
        self.act(ctx);
    }

    fn on_trade_cancel(&mut self, ctx: &mut Context<'_>, _cancel: &TradeCancel) {
        self.act(ctx);
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, _update: &StatusUpdate) {
        self.act(ctx);
    }

    fn on_index(&mut self, ctx: &mut Context<'_>, _update: &IndexUpdate) {
        self.act(ctx);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, _update: &OrderUpdate) {
        self.act(ctx);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, _fill: &Fill) {
        self.act(ctx);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        self.act(ctx);
    }

    fn on_feed(&mut self, ctx: &mut Context<'_>, _update: &FeedUpdate) {
        self.act(ctx);
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.act(ctx);
    }
}
