//! Accounts among the ledgers: declared and assigned before a session begins, limited, paused, stopped
//! and restricted while it runs.

use tezi_model::{
    AccountDefinition, AccountId, InstrumentId, Money, RejectReason, Side, StateHasher, StrategyId,
};

use super::{Ledger, Ledgers, STRATEGIES_MAX, StrategyCounts, StrategyLimits};
use crate::oms::Exposure;
use crate::output::{AccountEvent, StopCause};
use crate::position::{Position, Positions};
use crate::risk::{Checks, Measure, Proposal, Restriction};

/// Limits of one account, beside those of the desk and of strategies. Zero switches a limit off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountLimits {
    /// The largest loss of the session, in rupees; at it the account is stopped.
    pub loss_max: i64,
    /// The largest position in one instrument, in units, long or short, all its open orders filled.
    pub position_max: i64,
    /// Open orders at once.
    pub open_orders_max: u32,
    /// The value of one order, in rupees.
    pub order_value_max: i64,
    /// The value of all open orders, in rupees.
    pub open_order_value_max: i64,
}

/// How one account stands.
#[derive(Clone, Copy)]
pub struct AccountView<'a> {
    /// Which.
    pub id: AccountId,
    /// What it was declared as.
    pub definition: &'a AccountDefinition,
    /// Why it is stopped, `None` while it is not.
    pub stopped: Option<StopCause>,
    /// Whether an operator has paused it.
    pub is_paused: bool,
    /// What it may do.
    pub restriction: Restriction,
    /// Its limits.
    pub limits: AccountLimits,
    /// What was done for it.
    pub counts: StrategyCounts,
    /// What it holds.
    pub positions: &'a Positions,
    /// Its open orders.
    pub open_orders: u32,
    /// Their value, changes in flight at the worse of both versions.
    pub open_value: Money,
}

/// What a strategy's ledger has no place for.
pub(super) struct Account {
    pub(super) definition: AccountDefinition,
    pub(super) is_paused: bool,
    pub(super) restriction: Restriction,
    pub(super) order_value_max: i64,
    pub(super) open_order_value_max: i64,
}

/// Why an account cannot be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeclareError {
    /// Not the number behind the last one.
    Number,
    /// Another account has the name.
    Name,
    /// Strategies and accounts take every place.
    Full,
}

impl Ledgers {
    /// How many accounts there are.
    pub(crate) const fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// Declares an account, before the session begins. The same once more changes nothing.
    pub(crate) fn declare(
        &mut self,
        account: AccountId,
        definition: &AccountDefinition,
    ) -> Result<(), DeclareError> {
        let known = account.index().and_then(|index| self.accounts.get(index));
        if known.is_some_and(|known| known.definition == *definition) {
            return Ok(());
        }
        if account.index() != Some(self.accounts.len()) {
            return Err(DeclareError::Number);
        }
        if self.accounts.iter().any(|it| it.definition.name() == definition.name()) {
            return Err(DeclareError::Name);
        }
        if self.each.len() == STRATEGIES_MAX {
            return Err(DeclareError::Full);
        }
        if self.holders.is_empty() {
            self.holders = vec![0; self.instruments_max as usize].into_boxed_slice();
        }
        self.each.push(Ledger::new(self.instruments_max));
        self.accounts.push(Account {
            definition: *definition,
            is_paused: false,
            restriction: Restriction::None,
            order_value_max: 0,
            open_order_value_max: 0,
        });
        Ok(())
    }

    /// Says for which account a strategy trades, before the session begins; whether there are both.
    pub(crate) fn assign(&mut self, strategy: StrategyId, account: AccountId) -> bool {
        let has_strategy = match strategy.index() {
            // The only strategy has no number.
            None => self.strategies == 0,
            Some(index) => index < self.strategies,
        };
        let is_known = has_strategy && self.is_account(account);
        if let Some(place) = self.assigned.get_mut(usize::from(strategy.0)).filter(|_| is_known) {
            *place = account;
        }
        is_known
    }

    /// Whether there is such an account.
    pub(crate) fn is_account(&self, account: AccountId) -> bool {
        account.index().is_some_and(|index| index < self.accounts.len())
    }

    /// For which account a strategy trades.
    #[inline]
    pub(crate) fn account_of(&self, strategy: StrategyId) -> AccountId {
        self.assigned.get(usize::from(strategy.0)).copied().unwrap_or_default()
    }

    /// The place of an account's ledger.
    #[inline]
    pub(super) fn account_place(&self, account: AccountId) -> Option<usize> {
        account.index().map(|index| self.strategies + index)
    }

    fn account(&self, account: AccountId) -> Option<(&Account, &Ledger)> {
        let place = self.account_place(account)?;
        Some((self.accounts.get(account.index()?)?, self.each.get(place)?))
    }

    fn account_mut(&mut self, account: AccountId) -> Option<&mut Account> {
        account.index().and_then(|index| self.accounts.get_mut(index))
    }

    /// What an account holds of an instrument; `None` for no account.
    pub(crate) fn account_position(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Option<Position> {
        self.account(account).map(|(_, ledger)| ledger.positions.get(instrument))
    }

    /// What is held of an instrument for all accounts declared.
    pub(crate) fn net_of_accounts(&self, instrument: InstrumentId) -> i64 {
        let ledgers = self.each.iter().skip(self.strategies);
        ledgers.map(|ledger| ledger.positions.get(instrument).net).sum()
    }

    /// What an account lost since its loss is counted, and what it may lose, in rupees.
    pub(crate) fn account_loss(&self, account: AccountId) -> Option<(Money, i64)> {
        let (_, ledger) = self.account(account)?;
        Some((ledger.base - ledger.positions.profit(), ledger.limits.loss_max))
    }

    /// Why an account is stopped.
    pub(crate) fn account_stopped(&self, account: AccountId) -> Option<StopCause> {
        self.account(account).and_then(|(_, ledger)| ledger.stopped)
    }

    /// Begins or ends a pause of an account.
    pub(crate) fn pause_account(&mut self, account: AccountId, is_paused: bool) {
        if let Some(it) = self.account_mut(account) {
            it.is_paused = is_paused;
        }
    }

    /// Sets what an account may do from now on.
    pub(crate) fn restrict_account(&mut self, account: AccountId, restriction: Restriction) {
        if let Some(it) = self.account_mut(account) {
            it.restriction = restriction;
        }
    }

    pub(crate) fn account_limits(&self, account: AccountId) -> AccountLimits {
        self.account(account).map(|(it, ledger)| limits_of(it, ledger)).unwrap_or_default()
    }

    pub(crate) fn set_account_limits(&mut self, account: AccountId, limits: AccountLimits) {
        let Some(place) = self.account_place(account) else { return };
        let Some(it) = self.account_mut(account) else { return };
        it.order_value_max = limits.order_value_max;
        it.open_order_value_max = limits.open_order_value_max;
        let AccountLimits { loss_max, position_max, open_orders_max, .. } = limits;
        self.set_limits_at(place, StrategyLimits { loss_max, position_max, open_orders_max });
    }

    /// Takes in what happened to an account; whether it changed anything.
    #[cold]
    pub(crate) fn apply_account(&mut self, account: AccountId, event: AccountEvent) -> bool {
        let Some(place) = self.account_place(account) else { return false };
        let Some(ledger) = self.each.get_mut(place) else { return false };
        let before = ledger.stopped;
        match event {
            AccountEvent::Released => {
                ledger.stopped = None;
                ledger.base = ledger.positions.profit();
            }
            AccountEvent::Stopped(cause) => {
                ledger.stopped.get_or_insert(cause);
            }
        }
        let (after, has_changed) = (ledger.stopped, before != ledger.stopped);
        self.pause_account_after(account, event);
        self.set_inactive(place, after.is_some());
        has_changed
    }

    /// What is released is paused until it is resumed.
    fn pause_account_after(&mut self, account: AccountId, event: AccountEvent) {
        if event == AccountEvent::Released {
            self.pause_account(account, true);
        }
    }

    /// Checks an order for an account against what the account may do.
    ///
    /// # Errors
    ///
    /// The reason of highest precedence.
    #[inline]
    pub(crate) fn check_account(&self, share: &AccountShare<'_>) -> Result<(), RejectReason> {
        let Some((account, ledger)) = self.account(share.account) else { return Ok(()) };
        if ledger.stopped.is_some() {
            return Err(RejectReason::AccountStopped);
        }
        if account.is_paused {
            return Err(RejectReason::AccountPaused);
        }
        let worst = share.worst(ledger);
        if !is_allowed(account.restriction, share.proposal.side, worst) {
            return Err(RejectReason::AccountRestricted);
        }
        let limits = limits_of(account, ledger);
        let (value, total) = share.values();
        if limits.order_value_max > 0 && value > Money::from_rupees(limits.order_value_max) {
            return Err(RejectReason::AccountOrderValue);
        }
        let most = limits.open_order_value_max;
        if most > 0 && total > Money::from_rupees(most) {
            return Err(RejectReason::AccountOpenValue);
        }
        let most = limits.open_orders_max;
        if most > 0 && share.proposal.replaces.is_none() && share.open_orders >= most {
            return Err(RejectReason::AccountOrders);
        }
        if limits.position_max > 0 && worst > limits.position_max {
            return Err(RejectReason::AccountPosition);
        }
        Ok(())
    }

    /// Says what each check of [`Ledgers::check_account`] finds.
    #[cold]
    pub(crate) fn explain_account(&self, share: &AccountShare<'_>, checks: &mut Checks) {
        use RejectReason as R;
        let Some((account, ledger)) = self.account(share.account) else { return };
        let state = ledger.stopped.map_or("trading", StopCause::name);
        let wanted = Measure::Word("trading");
        checks.add(R::AccountStopped, ledger.stopped.is_none(), Measure::Word(state), wanted);
        let state = Measure::Word(if account.is_paused { "paused" } else { "trading" });
        checks.add(R::AccountPaused, !account.is_paused, state, wanted);
        let worst = share.worst(ledger);
        let is_right = is_allowed(account.restriction, share.proposal.side, worst);
        let asked = if share.proposal.side == Side::Buy { "a buy" } else { "a sell" };
        let allowed = match account.restriction {
            Restriction::None => Measure::None,
            Restriction::ReduceOnly => Measure::Word("only what reduces a position"),
            Restriction::NoBuys => Measure::Word("no buys"),
            Restriction::NoSells => Measure::Word("no sells"),
            Restriction::Nothing => Measure::Word("nothing"),
        };
        checks.add(R::AccountRestricted, is_right, Measure::Word(asked), allowed);
        let limits = limits_of(account, ledger);
        let (value, total) = share.values();
        checks.at_most_money(R::AccountOrderValue, value, limits.order_value_max);
        checks.at_most_money(R::AccountOpenValue, total, limits.open_order_value_max);
        if share.proposal.replaces.is_none() {
            let open = i64::from(share.open_orders) + 1;
            checks.at_most(R::AccountOrders, open, limits.open_orders_max.into());
        }
        checks.at_most(R::AccountPosition, worst, limits.position_max);
    }

    /// How every account stands; open orders are for the desk to say.
    pub(crate) fn each_account(&self) -> impl Iterator<Item = AccountView<'_>> {
        let ledgers = self.each.iter().skip(self.strategies);
        let each = (1..).zip(self.accounts.iter().zip(ledgers));
        each.map(|(number, (account, ledger))| AccountView {
            id: AccountId(number),
            definition: &account.definition,
            stopped: ledger.stopped,
            is_paused: account.is_paused,
            restriction: account.restriction,
            limits: limits_of(account, ledger),
            counts: ledger.counts,
            positions: &ledger.positions,
            open_orders: 0,
            open_value: Money::ZERO,
        })
    }

    /// Folds in what accounts have beside their ledgers, where there are any.
    pub(super) fn hash_accounts(&self, hasher: &mut StateHasher) {
        for account in &self.accounts {
            account.definition.as_str().bytes().for_each(|byte| hasher.write(byte.into()));
            hasher.write(u64::from(account.is_paused) << 8 | account.restriction as u64);
            hasher.write_i64(account.order_value_max);
            hasher.write_i64(account.open_order_value_max);
        }
        if !self.accounts.is_empty() {
            let known = self.assigned.iter().take(self.strategies + 1);
            known.for_each(|account| hasher.write(account.0.into()));
        }
    }
}

const fn limits_of(account: &Account, ledger: &Ledger) -> AccountLimits {
    let StrategyLimits { loss_max, position_max, open_orders_max } = ledger.limits;
    AccountLimits {
        loss_max,
        position_max,
        open_orders_max,
        order_value_max: account.order_value_max,
        open_order_value_max: account.open_order_value_max,
    }
}

/// Whether a restriction lets an order out that would make the position towards its side `worst`, with
/// everything open on it filled.
fn is_allowed(restriction: Restriction, side: Side, worst: i64) -> bool {
    match restriction {
        Restriction::None => true,
        Restriction::ReduceOnly => worst <= 0,
        Restriction::NoBuys => side == Side::Sell,
        Restriction::NoSells => side == Side::Buy,
        Restriction::Nothing => false,
    }
}

/// An order for an account, and what the account has already.
pub(crate) struct AccountShare<'a> {
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) proposal: &'a Proposal,
    pub(crate) exposure: Exposure,
    pub(crate) open_orders: u32,
    pub(crate) open_value: Money,
}

impl AccountShare<'_> {
    /// The position on the order's side if everything of the account open on it filled.
    #[inline]
    fn worst(&self, ledger: &Ledger) -> i64 {
        let net = ledger.positions.get(self.instrument).net;
        self.proposal.worst_towards(net, &self.exposure)
    }

    /// The value of the order, and of everything open with it; a change counts at the worse of both
    /// versions until the venue answers.
    #[inline]
    fn values(&self) -> (Money, Money) {
        let Proposal { price, open_quantity, replaces, .. } = *self.proposal;
        let value = price.value(i64::from(open_quantity.0)).abs();
        let had = replaces.map_or(Money::ZERO, |(_, value)| value);
        (value, self.open_value - had + value.max(had))
    }
}
