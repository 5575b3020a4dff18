//! Does again what a journal says a strategy did.
//!
//! With it a journal rebuilds the state without the strategy's code: each recorded action is taken
//! in the same call of the same input, so it meets the same state and has the same outcome.

use tezi_model::{Nanos, StrategyId};

use super::{
    BookUpdate, Context, FeedUpdate, Fill, IndexUpdate, OrderUpdate, StatusUpdate, Strategy,
    TimerId, Trade, TradeCancel,
};
use crate::control::{Control, ParameterError};
use crate::desk::Explanation;
use crate::oms::OrderSessionState;
use crate::output::{Emitted, Origin, Output, Request, StrategyChange, Theoretical};
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};

/// What a strategy did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedAction {
    /// It asked for something, with whatever outcome.
    Request(Request),
    /// It set a timer.
    Timer(Nanos),
    /// It stopped trading.
    Kill,
    /// It said what an instrument is worth.
    Theoretical(Theoretical),
    /// It began or ended the hours of one of several strategies, or one panicked.
    Strategy(StrategyChange),
}

impl RecordedAction {
    /// The action behind an output of the core, `None` for what no strategy causes.
    #[must_use]
    pub fn of_output(output: &Output) -> Option<Self> {
        match output {
            Output::Command(command) => Request::of_command(command).map(Self::Request),
            Output::Refusal(refusal) => Some(Self::Request(refusal.request)),
            Output::Timer(at) => Some(Self::Timer(*at)),
            Output::Kill => Some(Self::Kill),
            Output::Strategy(change) => Some(Self::Strategy(*change)),
            Output::Theoretical(said) => Some(Self::Theoretical(*said)),
            Output::Report(_)
            | Output::RiskReduction(_)
            | Output::LimitUse(_)
            | Output::Account(_) => None,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Recorded {
    pending: std::collections::VecDeque<(Origin, RecordedAction)>,
    witness: Option<Vec<Explanation>>,
    strategies: u8,
    /// Their names and kinds, where they are known.
    members: Vec<(String, String)>,
}

impl Recorded {
    /// What several strategies did, whose orders and positions are told apart.
    #[must_use]
    pub fn of_strategies(strategies: u8) -> Self {
        Self { strategies, ..Self::default() }
    }

    /// Names and kinds of the strategies, in order of number.
    #[must_use]
    pub fn with_members(self, members: Vec<(String, String)>) -> Self {
        Self { members, ..self }
    }

    /// Notes an output of the journal to bring about during the next input. Call in the order of
    /// the journal; what the core caused by itself is passed over.
    pub fn load(&mut self, emitted: &Emitted) {
        if emitted.origin == Origin::CORE {
            return;
        }
        if let Some(action) = RecordedAction::of_output(&emitted.output) {
            self.pending.push_back((emitted.origin, action));
        }
    }

    /// Actions noted and not yet taken; after an input, each one is a divergence.
    #[must_use]
    pub fn left(&self) -> usize {
        self.pending.len()
    }

    /// From now on, notes what each request meets, for [`Recorded::take_witnessed`].
    pub fn witness(&mut self) {
        self.witness = Some(Vec::new());
    }

    /// What the requests since [`Recorded::witness`] met, in order; ends it.
    pub fn take_witnessed(&mut self) -> Vec<Explanation> {
        self.witness.take().unwrap_or_default()
    }

    fn repeat(&mut self, ctx: &mut Context<'_>) {
        while let Some((origin, action)) = self.pending.front().copied() {
            if origin != ctx.desk.origin {
                return;
            }
            self.pending.pop_front();
            let about = ctx.desk.strategy;
            if let RecordedAction::Request(request) = &action {
                ctx.desk.strategy = request.strategy;
            }
            // The outcome is compared with the journal by the caller; here it only must happen.
            if let (Some(witness), RecordedAction::Request(request)) = (&mut self.witness, &action)
            {
                witness.push(ctx.explain(request));
            }
            match action {
                RecordedAction::Request(request) => drop(ctx.request(&request)),
                RecordedAction::Timer(at) => drop(ctx.set_timer(at)),
                RecordedAction::Kill => ctx.kill(),
                RecordedAction::Theoretical(said) => {
                    let _ = ctx.set_theoretical(said.instrument, Some(said.price));
                }
                RecordedAction::Strategy(change) => {
                    if let Some(event) = change.event() {
                        ctx.desk.change_strategy(change.strategy, event);
                    }
                }
            }
            ctx.desk.strategy = about;
        }
    }
}

impl Strategy for Recorded {
    fn name(&self) -> &'static str {
        "recorded"
    }

    fn strategies(&self) -> u8 {
        self.strategies
    }

    fn member(&self, id: StrategyId) -> Option<(&str, &str)> {
        let (name, kind) = self.members.get(id.index()?)?;
        Some((name, kind))
    }

    fn set_parameter(
        &mut self,
        ctx: &mut Context<'_>,
        _key: &str,
        _value: &str,
    ) -> Result<(), ParameterError> {
        self.repeat(ctx);
        Ok(())
    }

    /// Between two inputs it keeps nothing.
    fn save(&self, _out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        if self.pending.is_empty() { Ok(()) } else { Err(NoSnapshot) }
    }

    fn load(&mut self, _input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.repeat(ctx);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _update: BookUpdate) {
        self.repeat(ctx);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, _trade: &Trade) {
        self.repeat(ctx);
    }

    fn on_trade_cancel(&mut self, ctx: &mut Context<'_>, _cancel: &TradeCancel) {
        self.repeat(ctx);
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, _update: &StatusUpdate) {
        self.repeat(ctx);
    }

    fn on_index(&mut self, ctx: &mut Context<'_>, _update: &IndexUpdate) {
        self.repeat(ctx);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, _update: &OrderUpdate) {
        self.repeat(ctx);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, _fill: &Fill) {
        self.repeat(ctx);
    }

    fn on_fill_canceled(&mut self, ctx: &mut Context<'_>, _fill: &Fill) {
        self.repeat(ctx);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        self.repeat(ctx);
    }

    fn on_feed(&mut self, ctx: &mut Context<'_>, _update: &FeedUpdate) {
        self.repeat(ctx);
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, _state: OrderSessionState) {
        self.repeat(ctx);
    }

    fn on_control(&mut self, ctx: &mut Context<'_>, _control: &Control) {
        self.repeat(ctx);
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.repeat(ctx);
    }
}
