//! Accounts of one desk: what an operator does to one, what an order for one is checked for.

use tezi_model::{AccountId, InstrumentId, RejectReason};

use super::Desk;
use crate::control::{Control, ControlError, Limit};
use crate::ledger::{AccountLimits, AccountShare, DeclareError};
use crate::output::{AccountChange, AccountEvent, Origin, Output, StopCause};
use crate::risk::Proposal;

impl Desk {
    /// Notes what happened to an account and says it. There is always room: an operator's action and a
    /// loss limit are all that one input brings about.
    #[cold]
    pub(super) fn change_account(&mut self, account: AccountId, event: AccountEvent) {
        if self.changes < self.changes_max() && self.ledgers.apply_account(account, event) {
            self.changes += 1;
            self.emit(Origin::CORE, Output::Account(AccountChange::new(account, event)));
        }
    }

    /// What an account's own limits look at.
    #[inline]
    pub(super) fn account_share<'a>(
        &self,
        instrument: InstrumentId,
        proposal: &'a Proposal,
    ) -> AccountShare<'a> {
        let account = self.ledgers.account_of(self.strategy);
        AccountShare {
            account,
            instrument,
            proposal,
            exposure: self.orders.exposure_of_account(account, instrument),
            open_orders: self.orders.open_count_of_account(account),
            open_value: self.orders.open_value_of_account(account),
        }
    }

    /// Checks an order against what its account may do.
    #[inline]
    pub(super) fn check_account(
        &self,
        instrument: InstrumentId,
        proposal: &Proposal,
    ) -> Result<(), RejectReason> {
        if self.ledgers.accounts() == 0 {
            return Ok(());
        }
        self.ledgers.check_account(&self.account_share(instrument, proposal))
    }

    /// Makes room for the accounts that are declared: before the first order.
    pub(super) fn make_room_for_accounts(&mut self) {
        let (strategies, accounts) = (self.ledgers.strategies(), self.ledgers.accounts());
        if accounts > 0 {
            self.orders.share_among(strategies, accounts);
            let wanted = self.config.capacity.outputs_max as usize + self.changes_max();
            self.outputs.reserve_exact(wanted.saturating_sub(self.outputs.len()));
            self.usage.make_room_for_accounts(accounts);
        }
    }

    /// Acts on what an operator asks of one account.
    ///
    /// # Errors
    ///
    /// [`ControlError`]; nothing is changed.
    #[cold]
    pub(super) fn control_account(
        &mut self,
        account: AccountId,
        control: &Control,
    ) -> Result<(), ControlError> {
        if let Control::DeclareAccount { definition, .. } = control {
            self.check_not_begun()?;
            self.ledgers.declare(account, definition).map_err(|error| match error {
                DeclareError::Number | DeclareError::Name => ControlError::AccountTwice,
                DeclareError::Full => ControlError::AccountsFull,
            })?;
            self.make_room_for_accounts();
            return Ok(());
        }
        if !self.ledgers.is_account(account) {
            return Err(ControlError::UnknownAccount);
        }
        let is_stopped = self.ledgers.account_stopped(account).is_some();
        match *control {
            Control::AssignAccount { strategy, .. } => {
                self.check_not_begun()?;
                let is_known = self.ledgers.assign(strategy, account);
                return if is_known { Ok(()) } else { Err(ControlError::UnknownStrategy) };
            }
            Control::SetAccountLimit { limit, value, .. } => {
                let limits = account_limit(self.ledgers.account_limits(account), limit, value)?;
                self.ledgers.set_account_limits(account, limits);
            }
            Control::PauseAccount { .. } | Control::ResumeAccount { .. } if is_stopped => {
                return Err(ControlError::AccountStopped);
            }
            Control::PauseAccount { .. } => self.ledgers.pause_account(account, true),
            Control::ResumeAccount { .. } => {
                self.end_account_flatten(account);
                self.ledgers.pause_account(account, false);
            }
            Control::CancelAccount { .. } => self.begin_sweep(None, account)?,
            Control::FlattenAccount { through_bps, .. } => {
                self.begin_account_flatten(account, through_bps)?;
                self.ledgers.pause_account(account, true);
            }
            Control::KillAccount { .. } => {
                self.end_account_flatten(account);
                self.change_account(account, AccountEvent::Stopped(StopCause::Operator));
            }
            Control::ReleaseAccount { .. } if !is_stopped => {
                return Err(ControlError::AccountNotStopped);
            }
            Control::ReleaseAccount { .. } => self.change_account(account, AccountEvent::Released),
            Control::RestrictAccount { restriction, .. } => {
                self.ledgers.restrict_account(account, restriction);
            }
            _ => {}
        }
        Ok(())
    }

    /// Accounts are the same all session: what was not theirs when it was traded never is.
    fn check_not_begun(&self) -> Result<(), ControlError> {
        let has_begun = self.has_started || self.orders.entered() > 0;
        if has_begun { Err(ControlError::Begun) } else { Ok(()) }
    }
}

/// Limits of an account of which one is set.
fn account_limit(
    limits: AccountLimits,
    limit: Limit,
    value: i64,
) -> Result<AccountLimits, ControlError> {
    limit.check(value)?;
    Ok(match limit {
        Limit::Loss => AccountLimits { loss_max: value, ..limits },
        Limit::Position => AccountLimits { position_max: value, ..limits },
        Limit::OpenOrders => {
            // In range by the check; were it not, the tightest limit there is would be the answer.
            AccountLimits { open_orders_max: u32::try_from(value).unwrap_or(1), ..limits }
        }
        Limit::OrderValue => AccountLimits { order_value_max: value, ..limits },
        Limit::OpenOrderValue => AccountLimits { open_order_value_max: value, ..limits },
        _ => return Err(ControlError::NotOfAccounts(limit)),
    })
}
