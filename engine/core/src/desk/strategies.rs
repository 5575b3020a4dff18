//! Several strategies of one desk: what stops one, what becomes of its orders, what it is checked for.

use tezi_model::{InstrumentId, RejectReason, StrategyId};

use super::Desk;
use crate::control::{Control, ControlError, Limit};
use crate::ledger::{LedgerOwner, Ledgers, Share, StrategyLimits};
use crate::output::{AccountEvent, Origin, Output, StopCause, StrategyChange, StrategyEvent};
use crate::risk::Proposal;

impl Desk {
    /// Tells the strategies apart from now on: before the first order.
    pub(crate) fn separate(&mut self, strategies: u8) {
        let instruments_max = self.config.capacity.instruments_max;
        self.ledgers = Ledgers::new(strategies, instruments_max);
        self.outputs.reserve_exact(self.outputs.capacity() + self.changes_max());
        self.orders.share_among(strategies.into(), 0);
    }

    /// Notes what happened to a strategy and says it; by the call under way, or by the core.
    #[cold]
    pub(crate) fn change_strategy(&mut self, strategy: StrategyId, event: StrategyEvent) {
        self.change_strategy_by(strategy, event, self.origin);
    }

    #[cold]
    fn change_strategy_by(&mut self, strategy: StrategyId, event: StrategyEvent, origin: Origin) {
        // A replay from the journal alone has to be told: what has no place to be said does not happen.
        if self.changes < self.changes_max() && self.ledgers.apply(strategy, event) {
            self.changes += 1;
            self.emit(origin, Output::Strategy(StrategyChange::new(strategy, event)));
        }
    }

    /// Changes that one input can bring about at most: of a strategy hours that begin and end, each with
    /// a stop, and a panic; of an account a stop and its release.
    pub(super) fn changes_max(&self) -> usize {
        4 * self.ledgers.strategies() + 2 * self.ledgers.accounts()
    }

    /// What a strategy's own limits say of an order.
    #[inline]
    pub(super) fn share<'a>(&self, instrument: InstrumentId, proposal: &'a Proposal) -> Share<'a> {
        let strategy = self.strategy;
        Share {
            strategy,
            instrument,
            proposal,
            exposure: self.orders.exposure_of(strategy, instrument),
            open_orders: self.orders.open_count_of(strategy),
        }
    }

    /// Checks an order of one of several strategies.
    #[inline]
    pub(super) fn check_share(
        &self,
        instrument: InstrumentId,
        proposal: &Proposal,
    ) -> Result<(), RejectReason> {
        if self.strategy.is_none() {
            return Ok(());
        }
        self.ledgers.check(&self.share(instrument, proposal))
    }

    /// Stops who lost too much, cancels what those who may not trade have open.
    #[cold]
    pub(super) fn look_after_ledgers(&mut self) {
        self.look_at_losses_of_accounts();
        for owner in self.ledgers.take_losers() {
            match owner {
                LedgerOwner::Strategy(strategy) => {
                    let event = StrategyEvent::Stopped(StopCause::Loss);
                    self.change_strategy_by(strategy, event, Origin::CORE);
                }
                LedgerOwner::Account(account) => {
                    self.change_account(account, AccountEvent::Stopped(StopCause::Loss));
                }
            }
        }
        if self.now < self.cancels_again_at {
            return;
        }
        for owner in self.ledgers.inactive() {
            if self.open_count_of(owner) > 0 {
                self.cancel_where(|desk, order| {
                    let is_its = match owner {
                        LedgerOwner::Strategy(strategy) => order.strategy == strategy,
                        LedgerOwner::Account(account) => order.account == account,
                    };
                    is_its && !desk.is_closing(order)
                });
            }
        }
    }

    fn open_count_of(&self, owner: LedgerOwner) -> u32 {
        match owner {
            LedgerOwner::Strategy(strategy) => self.orders.open_count_of(strategy),
            LedgerOwner::Account(account) => self.orders.open_count_of_account(account),
        }
    }

    /// Whether somebody who may not trade has orders open.
    pub(super) fn has_orders_to_cancel(&self) -> bool {
        self.ledgers.inactive().any(|owner| self.open_count_of(owner) > 0)
    }

    /// Acts on what an operator asks of one strategy.
    ///
    /// # Errors
    ///
    /// [`ControlError`]; nothing is changed.
    #[cold]
    pub(super) fn control_strategy(
        &mut self,
        strategy: StrategyId,
        control: &Control,
    ) -> Result<(), ControlError> {
        let stopped = self.ledgers.stopped(strategy);
        match *control {
            Control::StopStrategy { cause, .. } => {
                let event = StrategyEvent::Stopped(cause);
                self.change_strategy_by(strategy, event, Origin::CORE);
            }
            Control::StartStrategy { .. } => match stopped {
                None => return Err(ControlError::StrategyNotStopped),
                Some(StopCause::Panic) => return Err(ControlError::StrategyPanicked),
                Some(_) => {
                    self.end_strategy_flatten(strategy);
                    self.change_strategy_by(strategy, StrategyEvent::Started, Origin::CORE);
                }
            },
            Control::FlattenStrategy { through_bps, .. } => {
                self.begin_strategy_flatten(strategy, through_bps)?;
                let event = StrategyEvent::Stopped(StopCause::Operator);
                self.change_strategy_by(strategy, event, Origin::CORE);
            }
            Control::SetStrategyLimit { limit, value, .. } => {
                let limits = strategy_limit(self.ledgers.limits(strategy), limit, value)?;
                self.ledgers.set_limits(strategy, limits);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Limits of a strategy of which one is set.
fn strategy_limit(
    limits: StrategyLimits,
    limit: Limit,
    value: i64,
) -> Result<StrategyLimits, ControlError> {
    limit.check(value)?;
    Ok(match limit {
        Limit::Loss => StrategyLimits { loss_max: value, ..limits },
        Limit::Position => StrategyLimits { position_max: value, ..limits },
        Limit::OpenOrders => {
            // In range by the check; were it not, the tightest limit there is would be the answer.
            StrategyLimits { open_orders_max: u32::try_from(value).unwrap_or(1), ..limits }
        }
        _ => return Err(ControlError::NotOfStrategies(limit)),
    })
}
