//! The roster: a strategy made of strategies.

mod snapshot;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tezi_model::{Nanos, StrategyId};

use super::schedule::Hours;
use crate::control::{Control, ParameterError};
use crate::execution::Parent;
use crate::ledger::STRATEGIES_MAX;
use crate::oms::OrderSessionState;
use crate::output::{StopCause, StrategyEvent};
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use crate::strategy::{
    BookUpdate, Context, FeedUpdate, Fill, IndexUpdate, OrderUpdate, StatusUpdate, Strategy,
    TimerId, Trade, TradeCancel,
};
use crate::venue::rules::{RuleError, Rules};

/// Bytes of a member's name.
const NAME_MAX: usize = 32;

/// How long one call of a strategy may take, and how often it may take longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The time of one call, in nanoseconds.
    pub call_ns: u64,
    /// Calls over it before the strategy is stopped. A machine's own stalls count as well, so one is
    /// seldom the strategy's fault.
    pub overruns_max: u32,
}

/// Why a strategy cannot be a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterError {
    /// As many as there is room for.
    Full,
    /// Not 1 to 32 lower-case letters, digits, `-` or `_`.
    Name(String),
    /// Two of one name.
    Twice(String),
    /// The rules that say when sessions begin and end cannot be read.
    Rules(RuleError),
}

impl core::fmt::Display for RosterError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Full => write!(f, "one core runs {STRATEGIES_MAX} strategies at most"),
            Self::Name(name) => write!(
                f,
                "a strategy is named by 1 to {NAME_MAX} lower-case letters, digits, - or _; \
                 '{name}' is not"
            ),
            Self::Twice(name) => write!(f, "two strategies are named {name}"),
            Self::Rules(error) => write!(f, "the rules of sessions: {error}"),
        }
    }
}

impl core::error::Error for RosterError {}

struct Member {
    name: String,
    strategy: Box<dyn Strategy + Send>,
    hours: Option<Hours>,
    /// Whether its hours are those of a session that there is none of today.
    lacks_session: bool,
    /// Whether it was last told that it may trade.
    is_told_active: bool,
    overruns: u32,
    /// What it said when it panicked.
    last_words: Option<String>,
}

/// Reads a clock that never goes back, in nanoseconds.
type Stopwatch = Box<dyn Fn() -> u64 + Send>;

/// Several strategies as one. See the module.
#[derive(Default)]
pub struct Roster {
    members: Vec<Member>,
    budget: Option<(Budget, Stopwatch)>,
    over_budget: Option<StrategyId>,
    /// Hours wait for the first input that has a time.
    is_day_known: bool,
    /// Whether no timer could be had for the end or beginning of hours.
    lacks_timer: bool,
    /// When sessions begin and end, where hours ask for it.
    rules: Option<Rules>,
}

impl core::fmt::Debug for Roster {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.members.iter().map(|member| &member.name)).finish()
    }
}

impl Roster {
    /// The name that journals have of it.
    pub const NAME: &'static str = "roster";

    /// No strategies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a strategy that trades within `hours`, or always.
    ///
    /// # Errors
    ///
    /// [`RosterError`].
    pub fn add(
        &mut self,
        name: &str,
        strategy: Box<dyn Strategy + Send>,
        hours: Option<Hours>,
    ) -> Result<StrategyId, RosterError> {
        if self.members.len() == STRATEGIES_MAX {
            return Err(RosterError::Full);
        }
        let is_plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_plain) {
            return Err(RosterError::Name(name.into()));
        }
        if self.members.iter().any(|member| member.name == name) {
            return Err(RosterError::Twice(name.into()));
        }
        if self.rules.is_none() && hours.is_some_and(|hours| hours.needs_session()) {
            self.rules = Some(Rules::builtin().map_err(RosterError::Rules)?);
        }
        self.members.push(Member {
            name: name.into(),
            strategy,
            hours,
            lacks_session: false,
            is_told_active: true,
            overruns: 0,
            last_words: None,
        });
        Ok(StrategyId(self.members.len() as u8))
    }

    /// Takes the sessions of `rules` for hours that are given by them, instead of those that come with
    /// the engine: for special days above all.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Measures every call with `stopwatch`; see [`Strategy::take_over_budget`]. Two readings a call.
    #[must_use]
    pub fn with_budget(
        mut self,
        budget: Budget,
        stopwatch: impl Fn() -> u64 + Send + 'static,
    ) -> Self {
        self.budget = Some((budget, Box::new(stopwatch)));
        self
    }

    /// Names and kinds of the members, in order of number.
    pub fn members(&self) -> impl Iterator<Item = (StrategyId, &str, &str)> {
        let each = (1..).map(StrategyId).zip(&self.members);
        each.map(|(id, member)| (id, member.name.as_str(), member.strategy.name()))
    }

    /// Names and kinds of the members that [`Strategy::parameters`] of a roster tells, in order of number:
    /// for who has a journal and not the code. None where the text is not of a roster.
    #[must_use]
    pub fn members_told(parameters: &str) -> Vec<(String, String)> {
        let member = |text: &str| {
            let (name, rest) = text.split_once('=')?;
            let (kind, _) = rest.split_once('{')?;
            Some((name.to_string(), kind.to_string()))
        };
        let members: Option<Vec<_>> = parameters.split("; ").map(member).collect();
        members.unwrap_or_default()
    }

    /// Gives every member a call of the market's, but those that may not trade.
    fn each_active(
        &mut self,
        ctx: &mut Context<'_>,
        mut call: impl FnMut(&mut dyn Strategy, &mut Context<'_>),
    ) {
        self.know_day(ctx);
        for index in 0..self.members.len() {
            if ctx.desk.ledgers.is_active(StrategyId(index as u8 + 1)) {
                self.call(ctx, index, &mut call);
            }
        }
    }

    /// Gives every member a call.
    fn each(
        &mut self,
        ctx: &mut Context<'_>,
        mut call: impl FnMut(&mut dyn Strategy, &mut Context<'_>),
    ) {
        self.know_day(ctx);
        for index in 0..self.members.len() {
            self.call(ctx, index, &mut call);
        }
    }

    /// Gives the member that the core is about the call.
    fn its(
        &mut self,
        ctx: &mut Context<'_>,
        call: impl FnMut(&mut dyn Strategy, &mut Context<'_>),
    ) {
        if let Some(index) = ctx.desk.strategy.index()
            && index < self.members.len()
        {
            self.call(ctx, index, call);
        }
    }

    /// Calls one member; what panicked is stopped and never called again. A panic inside the desk is
    /// none of the member's, and goes on.
    fn call(
        &mut self,
        ctx: &mut Context<'_>,
        index: usize,
        mut call: impl FnMut(&mut dyn Strategy, &mut Context<'_>),
    ) {
        let id = StrategyId(index as u8 + 1);
        let Some(member) = self.members.get_mut(index) else { return };
        if ctx.desk.ledgers.stopped(id) == Some(StopCause::Panic) {
            return;
        }
        let begun = self.budget.as_ref().map(|(_, read)| read());
        let is_active = ctx.desk.ledgers.is_active(id);
        let is_news = std::mem::replace(&mut member.is_told_active, is_active) != is_active;
        ctx.desk.strategy = id;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if is_news {
                member.strategy.on_active(ctx, is_active);
            }
            call(&mut *member.strategy, ctx);
        }));
        ctx.desk.strategy = StrategyId::NONE;
        if let Err(payload) = outcome {
            if ctx.desk.is_entered {
                resume_unwind(payload);
            }
            let text = payload.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            member.last_words = Some(text.unwrap_or_else(|| "no words".into()));
            ctx.desk.change_strategy(id, StrategyEvent::Stopped(StopCause::Panic));
        } else if let (Some((budget, read)), Some(begun)) = (&self.budget, begun)
            && read().saturating_sub(begun) > budget.call_ns
        {
            member.overruns += 1;
            if member.overruns >= budget.overruns_max.max(1) {
                member.overruns = 0;
                self.over_budget = Some(id);
            }
        }
    }

    /// Sets the hours of the day, when it is known which day it is.
    #[inline]
    fn know_day(&mut self, ctx: &mut Context<'_>) {
        if !self.is_day_known {
            self.begin_hours(ctx);
        }
    }

    #[cold]
    fn begin_hours(&mut self, ctx: &mut Context<'_>) {
        self.is_day_known = ctx.now() != Nanos::ZERO;
        for index in 0..self.members.len() {
            let id = StrategyId(index as u8 + 1);
            let Some(hours) = self.members[index].hours else { continue };
            let times = hours.on_day_of(ctx.now(), self.rules.as_ref());
            self.members[index].lacks_session = self.is_day_known && times.is_none();
            let Some((from, to)) = times.filter(|_| self.is_day_known) else {
                ctx.desk.change_strategy(id, StrategyEvent::Slept);
                continue;
            };
            self.look_at_hours(ctx, index);
            for at in [from, to] {
                if at > ctx.now() {
                    self.lacks_timer |= ctx.set_timer(at).is_err();
                }
            }
        }
        if self.lacks_timer {
            // Better none than one that trades on for ever.
            for (id, member) in (1..).map(StrategyId).zip(&self.members) {
                if member.hours.is_some() {
                    ctx.desk.change_strategy(id, StrategyEvent::Slept);
                }
            }
        }
    }

    fn look_at_hours(&mut self, ctx: &mut Context<'_>, index: usize) {
        let Some(hours) = self.members.get(index).and_then(|member| member.hours) else { return };
        let times = hours.on_day_of(ctx.now(), self.rules.as_ref());
        let is_time = times.is_some_and(|(from, to)| (from..to).contains(&ctx.now()));
        let event = if is_time { StrategyEvent::Woke } else { StrategyEvent::Slept };
        ctx.desk.change_strategy(StrategyId(index as u8 + 1), event);
    }
}

impl Strategy for Roster {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn strategies(&self) -> u8 {
        self.members.len() as u8
    }

    /// `NAME=KIND{PARAMETERS}@HOURS`, a member each, `; ` between them.
    fn parameters(&self) -> String {
        let words = self.members.iter().map(|member| {
            let Member { name, strategy, hours, .. } = member;
            let hours = hours.map_or(String::new(), |hours| format!("@{hours}"));
            format!("{name}={}{{{}}}{hours}", strategy.name(), strategy.parameters())
        });
        words.collect::<Vec<_>>().join("; ")
    }

    fn each_parent(&self, see: &mut dyn FnMut(StrategyId, &Parent)) {
        for (id, member) in (1..).map(StrategyId).zip(&self.members) {
            member.strategy.each_parent(&mut |_, parent| see(id, parent));
        }
    }

    fn remarks(&self) -> String {
        let mut text = String::new();
        for Member { name, strategy, last_words, .. } in &self.members {
            let panicked = last_words.as_ref().map(|words| format!("panicked: {words}"));
            for remark in panicked.into_iter().chain(Some(strategy.remarks())) {
                for line in remark.lines() {
                    text.push_str(&format!("{name}: {line}\n"));
                }
            }
        }
        for Member { name, hours, .. } in self.members.iter().filter(|it| it.lacks_session) {
            let hours = hours.map_or(String::new(), |hours| hours.to_string());
            text.push_str(&format!("{name}: did not trade, for the rules know no session of the day for its hours ({hours})\n"));
        }
        if self.lacks_timer {
            text.push_str("no timer was left for hours: strategies with hours did not trade\n");
        }
        text.trim_end().into()
    }

    fn take_over_budget(&mut self) -> Option<StrategyId> {
        self.over_budget.take()
    }

    fn member(&self, id: StrategyId) -> Option<(&str, &str)> {
        let member = self.members.get(id.index()?)?;
        Some((&member.name, member.strategy.name()))
    }

    fn set_parameter(
        &mut self,
        ctx: &mut Context<'_>,
        key: &str,
        value: &str,
    ) -> Result<(), ParameterError> {
        // What panics on it is stopped; the parameter was not taken.
        let mut outcome = Err(ParameterError::Value);
        self.its(ctx, |it, ctx| outcome = it.set_parameter(ctx, key, value));
        outcome
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        self.save_state(out)
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.load_state(input)
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.each(ctx, |it, ctx| it.on_start(ctx));
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.each_active(ctx, |it, ctx| it.on_book(ctx, update));
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) {
        self.each_active(ctx, |it, ctx| it.on_trade(ctx, trade));
    }

    fn on_trade_cancel(&mut self, ctx: &mut Context<'_>, cancel: &TradeCancel) {
        self.each_active(ctx, |it, ctx| it.on_trade_cancel(ctx, cancel));
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, update: &StatusUpdate) {
        self.each(ctx, |it, ctx| it.on_status(ctx, update));
    }

    fn on_index(&mut self, ctx: &mut Context<'_>, update: &IndexUpdate) {
        self.each_active(ctx, |it, ctx| it.on_index(ctx, update));
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.its(ctx, |it, ctx| it.on_order(ctx, update));
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.its(ctx, |it, ctx| it.on_fill(ctx, fill));
    }

    fn on_fill_canceled(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.its(ctx, |it, ctx| it.on_fill_canceled(ctx, fill));
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerId) {
        if !ctx.desk.strategy.is_none() {
            return self.its(ctx, |it, ctx| it.on_timer(ctx, timer));
        }
        // One of our own: hours begin or end.
        for index in 0..self.members.len() {
            self.look_at_hours(ctx, index);
            if self.members[index].hours.is_some() {
                self.call(ctx, index, |_, _| {});
            }
        }
    }

    fn on_feed(&mut self, ctx: &mut Context<'_>, update: &FeedUpdate) {
        self.each(ctx, |it, ctx| it.on_feed(ctx, update));
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, state: OrderSessionState) {
        self.each(ctx, |it, ctx| it.on_session(ctx, state));
    }

    fn on_control(&mut self, ctx: &mut Context<'_>, control: &Control) {
        match control.strategy() {
            // That it may trade or may not is told with the call.
            Some(id) => {
                if let Some(index) = id.index() {
                    self.call(ctx, index, |it, ctx| it.on_control(ctx, control));
                }
            }
            None => self.each(ctx, |it, ctx| it.on_control(ctx, control)),
        }
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.each(ctx, |it, ctx| it.on_stop(ctx));
    }
}
