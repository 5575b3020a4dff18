//! The execution strategies that ship: one parent order, or a spread of two legs, from parameters.
//!
//! The instrument is looked up as soon as it is known; a limit in basis points waits for the start and
//! a market. Then the algorithm is made, which allocates nothing, and gets every call as an input.
//! Parameters that do not fit the instrument are said in the remarks, and nothing is sent.

mod change;
mod snapshot;

use tezi_model::{Instrument, InstrumentId, Nanos, Px, Qty, Side};

use super::algo_config::{AlgoConfig, AlgoKind};
use super::algo_words::{InstrumentName, Limit};
use super::{
    BookUpdate, Context, FeedUpdate, Fill, IndexUpdate, OrderUpdate, ParameterError, StatusUpdate,
    Strategy, TimerId, Trade, TradeCancel,
};
use crate::execution::{
    Execution, Iceberg, Input, Jitter, Legging, LeggingSpec, Parent, ParentError, ParentId,
    ParentSpec, Participation, Pegged, Schedule, Scheduled, VolumeCurve,
};
use crate::oms::OrderSessionState;
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};

/// The number of the first parent.
const FIRST: ParentId = ParentId(1);

/// An algorithm at work. All are of a size: none is worth a box, which would allocate.
#[expect(clippy::large_enum_variant, reason = "one of them is made, in place, while orders fly")]
#[derive(Clone, Debug)]
enum Running {
    Scheduled(Execution<Scheduled>),
    Participation(Execution<Participation>),
    Iceberg(Execution<Iceberg>),
    Pegged(Execution<Pegged>),
    Legging(Legging),
}

/// Does the same with whichever algorithm is at work.
macro_rules! each {
    ($running:expr, $it:ident => $call:expr) => {
        match $running {
            Some(Running::Scheduled($it)) => $call,
            Some(Running::Participation($it)) => $call,
            Some(Running::Iceberg($it)) => $call,
            Some(Running::Pegged($it)) => $call,
            Some(Running::Legging($it)) => $call,
            None => {}
        }
    };
}

/// See the module.
#[derive(Clone, Debug)]
pub struct AlgoTrader {
    /// As it was told; the journal has them.
    parameters: AlgoConfig,
    /// As they are now.
    config: AlgoConfig,
    /// The time of the first input that has one.
    began: Nanos,
    running: Option<Running>,
    problem: Option<ParentError>,
}

impl AlgoTrader {
    /// A strategy that has not begun.
    #[must_use]
    pub const fn new(config: AlgoConfig) -> Self {
        Self { parameters: config, config, began: Nanos::ZERO, running: None, problem: None }
    }

    /// Why nothing is sent, `None` while something may be.
    #[must_use]
    pub const fn problem(&self) -> Option<ParentError> {
        self.problem
    }

    /// The spread, where it is one and has begun.
    #[must_use]
    pub const fn legging(&self) -> Option<&Legging> {
        match &self.running {
            Some(Running::Legging(legging)) => Some(legging),
            _ => None,
        }
    }

    /// Cancels what is worked: no more children, the open ones are pulled back.
    pub fn cancel(&mut self, ctx: &mut Context<'_>) {
        each!(&mut self.running, it => it.cancel(ctx));
    }

    /// Pulls the children back, and sends none until it is resumed. Hedges of a spread go on.
    pub fn pause(&mut self, ctx: &mut Context<'_>) {
        each!(&mut self.running, it => it.pause(ctx));
    }

    /// Goes on after a pause.
    pub fn resume(&mut self, ctx: &mut Context<'_>) {
        each!(&mut self.running, it => it.resume(ctx));
    }

    /// Gives the algorithm an input; makes it before, when that can be.
    #[inline]
    fn take(&mut self, ctx: &mut Context<'_>, input: &Input) {
        if self.running.is_none() && !self.make(ctx) {
            return;
        }
        each!(&mut self.running, it => it.on_input(ctx, input));
    }

    /// Makes the algorithm as soon as everything it needs is known; whether it is there.
    #[cold]
    fn make(&mut self, ctx: &mut Context<'_>) -> bool {
        if self.problem.is_some() || ctx.now() == Nanos::ZERO {
            return false;
        }
        if self.began == Nanos::ZERO {
            self.began = ctx.now();
        }
        match self.made(ctx) {
            Ok(running) => self.running = running,
            Err(problem) => self.problem = Some(problem),
        }
        if self.running.is_some() {
            // It begins by itself, with no call of its instrument.
            self.take(ctx, &Input::Look);
        }
        self.running.is_some()
    }

    /// The algorithm, `None` while something is not known.
    fn made(&self, ctx: &Context<'_>) -> Result<Option<Running>, ParentError> {
        let config = &self.config;
        let side = config.side.unwrap_or(Side::Buy);
        let Some((instrument, terms)) = found(ctx, config.instrument) else { return Ok(None) };
        let Some(limit) = self.limit(ctx, config.limit, side, instrument, &terms) else {
            return Ok(None);
        };
        if self.is_spread() {
            return self.made_legging(ctx, (instrument, terms), limit);
        }
        self.single((instrument, terms), limit).map(Some)
    }

    /// The algorithm on one instrument.
    fn single(
        &self,
        (instrument, terms): (InstrumentId, Instrument),
        limit: Px,
    ) -> Result<Running, ParentError> {
        let config = &self.config;
        let side = config.side.unwrap_or(Side::Buy);
        let spec = ParentSpec {
            id: FIRST,
            instrument,
            side,
            quantity: config.quantity.unwrap_or_default(),
            limit,
            start: config.start.of(self.began),
            end: config.end.of(self.began),
        };
        let parent = Parent::new(spec, config.policy, &terms)?;
        let display = Iceberg::new(u64::from(config.display), config.jitter_lots, config.seed);
        Ok(match config.kind {
            AlgoKind::Twap | AlgoKind::Vwap => {
                let scheduled = self.scheduled(spec.start, spec.end)?;
                Running::Scheduled(Execution::new(parent, scheduled))
            }
            AlgoKind::Pov => {
                let most = config.rate_max_bps.unwrap_or(config.rate_bps);
                let clip = u64::from(config.clip);
                let tactic = Participation::new(config.rate_bps, config.rate_min_bps, most, clip)?;
                Running::Participation(Execution::new(parent, tactic))
            }
            AlgoKind::Iceberg => Running::Iceberg(Execution::new(parent, display)),
            AlgoKind::Peg | AlgoKind::Spread => {
                let pegged = Pegged::new(config.reference, config.offset_ticks, display);
                Running::Pegged(Execution::new(parent, pegged))
            }
        })
    }

    fn scheduled(&self, start: Nanos, end: Nanos) -> Result<Scheduled, ParentError> {
        let config = &self.config;
        let curve = match &config.curve {
            Some(curve) => VolumeCurve::new(&curve.weights[..curve.count], start, end),
            None => VolumeCurve::flat(start, end),
        };
        let curve = curve.ok_or(ParentError::NoTime)?;
        let jitter = Jitter { most_ns: i64::from(config.jitter_ms) * 1_000_000, seed: config.seed };
        let schedule = Schedule::new(curve, start, end, config.slices, jitter)?;
        Ok(Scheduled::new(schedule, config.catch_up, i64::from(config.cross_ms) * 1_000_000))
    }

    fn made_legging(
        &self,
        ctx: &Context<'_>,
        (instrument, terms): (InstrumentId, Instrument),
        limit: Px,
    ) -> Result<Option<Running>, ParentError> {
        let config = &self.config;
        let Some((hedge, hedge_terms)) = found(ctx, config.hedge) else { return Ok(None) };
        let side = config.side.unwrap_or(Side::Buy);
        let [of_hedge, of_back] = config.hedge_limits;
        let hedge_limit = self.limit(ctx, of_hedge, side.opposite(), hedge, &hedge_terms);
        let back_limit = self.limit(ctx, of_back, side.opposite(), instrument, &terms);
        let (Some(hedge_limit), Some(back_limit)) = (hedge_limit, back_limit) else {
            return Ok(None);
        };
        let (legs, limits) =
            ([(instrument, terms), (hedge, hedge_terms)], [limit, hedge_limit, back_limit]);
        self.spread(legs, limits).map(|legging| Some(Running::Legging(legging)))
    }

    const fn is_spread(&self) -> bool {
        matches!(self.config.kind, AlgoKind::Spread)
    }

    /// The algorithm on two instruments. The limits are those of the first leg, of its hedge and of the
    /// way back.
    fn spread(
        &self,
        [(instrument, terms), (hedge, hedge_terms)]: [(InstrumentId, Instrument); 2],
        limits: [Px; 3],
    ) -> Result<Legging, ParentError> {
        let config = &self.config;
        let side = config.side.unwrap_or(Side::Buy);
        let or_lot = |units: u32, lot: Qty| if units == 0 { lot.0.max(1) } else { units };
        let units = [or_lot(config.units[0], terms.lot), or_lot(config.units[1], hedge_terms.lot)];
        let quantity = config.quantity.unwrap_or_default().0;
        if !quantity.is_multiple_of(units[0]) {
            return Err(ParentError::Parameter("the quantity is not a whole number of spreads"));
        }
        let spec = LeggingSpec {
            id: FIRST,
            legs: [instrument, hedge],
            side,
            units: units.map(Qty),
            spreads: quantity / units[0],
            price: config.price.unwrap_or_default(),
            limits,
            unhedged_max: Qty(or_lot(config.unhedged_max, Qty(units[0]))),
            unhedged_ns: i64::from(config.unhedged_ms) * 1_000_000,
            policy: config.leg_policy,
            slip_ticks: config.slip_ticks,
            start: config.start.of(self.began),
            end: config.end.of(self.began),
        };
        Legging::new(spec, config.policy, &[terms, hedge_terms])
    }

    /// The price of a limit. One that depends on the arrival price waits for the start and a market.
    fn limit(
        &self,
        ctx: &Context<'_>,
        limit: Limit,
        side: Side,
        instrument: InstrumentId,
        terms: &Instrument,
    ) -> Option<Px> {
        let book = ctx.book(instrument);
        let is_time = ctx.now() >= self.config.start.of(self.began);
        let arrival = match (book.bid(), book.ask()) {
            (Some(bid), Some(ask)) if bid.price < ask.price && is_time => {
                Some(Px(i64::midpoint(bid.price.0, ask.price.0)))
            }
            _ => None,
        };
        limit.of(side, arrival, terms.tick)
    }
}

/// The instrument of a name, where one was given and is known.
fn found(ctx: &Context<'_>, name: Option<InstrumentName>) -> Option<(InstrumentId, Instrument)> {
    name.and_then(|name| name.find(ctx))
}

impl Strategy for AlgoTrader {
    fn name(&self) -> &str {
        self.config.kind.name()
    }

    fn parameters(&self) -> String {
        self.parameters.to_string()
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        self.save_state(out)
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.load_state(input)
    }

    fn parents(&self) -> &[Parent] {
        match &self.running {
            Some(Running::Scheduled(it)) => core::slice::from_ref(it.parent()),
            Some(Running::Participation(it)) => core::slice::from_ref(it.parent()),
            Some(Running::Iceberg(it)) => core::slice::from_ref(it.parent()),
            Some(Running::Pegged(it)) => core::slice::from_ref(it.parent()),
            Some(Running::Legging(it)) => it.parents(),
            None => &[],
        }
    }

    fn remarks(&self) -> String {
        if let Some(problem) = self.problem {
            return format!("nothing was sent: {problem}");
        }
        match &self.running {
            None => "nothing was sent: the instrument, or a market in it, never showed".into(),
            Some(Running::Legging(it)) => {
                let price = it.price().map_or_else(|| "-".into(), |price| price.to_string());
                format!("spread {}, price {price}, {} unhedged", it.state(), it.unhedged())
            }
            Some(_) => String::new(),
        }
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.take(ctx, &Input::Look);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        if update.touch_changed {
            self.take(ctx, &update.into());
        }
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) {
        self.take(ctx, &trade.into());
    }

    fn on_trade_cancel(&mut self, ctx: &mut Context<'_>, cancel: &TradeCancel) {
        self.take(ctx, &cancel.into());
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, _update: &StatusUpdate) {
        self.take(ctx, &Input::Look);
    }

    fn on_index(&mut self, ctx: &mut Context<'_>, _update: &IndexUpdate) {
        self.take(ctx, &Input::Look);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.take(ctx, &update.into());
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.take(ctx, &fill.into());
    }

    fn on_fill_canceled(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        let &Fill { client_order_id, price, quantity, .. } = fill;
        self.take(ctx, &Input::FillCanceled { client_order_id, price, quantity });
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerId) {
        self.take(ctx, &Input::Timer(timer));
    }

    fn on_feed(&mut self, ctx: &mut Context<'_>, _update: &FeedUpdate) {
        self.take(ctx, &Input::Look);
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, state: OrderSessionState) {
        self.take(ctx, &Input::Session(state));
    }

    fn set_parameter(
        &mut self,
        ctx: &mut Context<'_>,
        key: &str,
        value: &str,
    ) -> Result<(), ParameterError> {
        self.change(ctx, key, value)
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.cancel(ctx);
    }
}
