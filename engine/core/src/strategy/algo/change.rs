//! Parameters of an execution strategy that change while it runs.
//!
//! The algorithm is made again, with the parameters as they are to be, by the code that made it: whatever
//! that refuses is refused here, and nothing is changed. What runs then takes over the terms of the new
//! one and keeps what it came to.

use tezi_model::{Nanos, Px};

use super::{AlgoTrader, Running};
use crate::execution::{Parent, ParentState, Participation};
use crate::strategy::algo_config::{AlgoConfig, AlgoKind};
use crate::strategy::algo_words::Limit;
use crate::strategy::{Context, ParameterError};

impl AlgoTrader {
    /// Changes a parameter. What runs looks at its market at once.
    pub(super) fn change(
        &mut self,
        ctx: &mut Context<'_>,
        key: &str,
        value: &str,
    ) -> Result<(), ParameterError> {
        if !self.config.kind.may_change(key) {
            return Err(ParameterError::Unknown);
        }
        let mut config = self.config;
        config.set(key, value).map_err(|_| ParameterError::Value)?;
        // Times after the start are of when it begins, which may be still to come.
        let began = if self.began == Nanos::ZERO { ctx.now() } else { self.began };
        let to = Self { config, began, ..Self::new(self.parameters) };
        if self.is_over() || !to.may_begin(ctx.now()) {
            return Err(ParameterError::Value);
        }
        let Some(running) = &self.running else {
            // As far as its instrument is known by now.
            to.made(ctx).map_err(|_| ParameterError::Value)?;
            self.config = config;
            return Ok(());
        };
        let to = to.made_like(running, key).ok_or(ParameterError::Value)?;
        self.config = config;
        match (&mut self.running, to) {
            (Some(Running::Scheduled(it)), Running::Scheduled(to)) => it.retarget(to, ctx),
            (Some(Running::Participation(it)), Running::Participation(to)) => it.retarget(to, ctx),
            (Some(Running::Iceberg(it)), Running::Iceberg(to)) => it.retarget(to, ctx),
            (Some(Running::Pegged(it)), Running::Pegged(to)) => it.retarget(to, ctx),
            (Some(Running::Legging(it)), Running::Legging(to)) => it.retarget(&to, ctx),
            // The kind is not among what changes.
            _ => {}
        }
        Ok(())
    }

    /// Whether nothing more will be sent.
    fn is_over(&self) -> bool {
        let is_ending = |state| matches!(state, ParentState::Cancelling(_) | ParentState::Ended(_));
        self.problem.is_some() || self.state().is_some_and(is_ending)
    }

    /// What can be told without an instrument: it would not end at once, and its shares are in order.
    fn may_begin(&self, now: Nanos) -> bool {
        let AlgoConfig { rate_bps, rate_min_bps, rate_max_bps, start, end, .. } = self.config;
        let end = end.of(self.began);
        let most = rate_max_bps.unwrap_or(rate_bps);
        let is_share = self.config.kind != AlgoKind::Pov
            || Participation::new(rate_bps, rate_min_bps, most, 0).is_ok();
        now < end && start.of(self.began) < end && is_share
    }

    fn state(&self) -> Option<ParentState> {
        match self.running.as_ref()? {
            Running::Legging(it) => Some(it.state()),
            Running::Scheduled(it) => Some(it.parent().state()),
            Running::Participation(it) => Some(it.parent().state()),
            Running::Iceberg(it) => Some(it.parent().state()),
            Running::Pegged(it) => Some(it.parent().state()),
        }
    }

    /// The algorithm with these parameters, in the instruments of `running` and with its limits, but for
    /// the one that is changed; `None` when there can be no such algorithm.
    fn made_like(&self, running: &Running, key: &str) -> Option<Running> {
        let parent = match running {
            Running::Scheduled(it) => it.parent(),
            Running::Participation(it) => it.parent(),
            Running::Iceberg(it) => it.parent(),
            Running::Pegged(it) => it.parent(),
            Running::Legging(it) => {
                let [of_hedge, of_back] = self.config.hedge_limits;
                let [work, hedge, back] = it.parents();
                let limits = [
                    limit(work, work, self.config.limit, key == "limit")?,
                    limit(hedge, hedge, of_hedge, key == "hedge_limit")?,
                    // The way back is of the first leg's market.
                    limit(back, work, of_back, key == "back_limit")?,
                ];
                let legs = [work, hedge].map(|leg| (leg.spec().instrument, *leg.terms()));
                return self.spread(legs, limits).ok().map(Running::Legging);
            }
        };
        let price = limit(parent, parent, self.config.limit, key == "limit")?;
        self.single((parent.spec().instrument, *parent.terms()), price).ok()
    }
}

/// The limit of a parent: as it is, or changed. A distance is from the price that `arrived` arrived at.
fn limit(parent: &Parent, arrived: &Parent, limit: Limit, is_changed: bool) -> Option<Px> {
    if !is_changed {
        return Some(parent.spec().limit);
    }
    limit.of(parent.spec().side, arrived.benchmark().arrival(), parent.terms().tick)
}
