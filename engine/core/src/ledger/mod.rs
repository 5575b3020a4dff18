//! What the desk keeps of each of several strategies, and of each account: positions, limits, whether it
//! may trade.
//!
//! Both are ledgers of one row, so that a mark of the market costs the same whoever holds something: one
//! mask of 64 bits for each instrument.

mod accounts;
mod snapshot;

pub use accounts::{AccountLimits, AccountView};
pub(crate) use accounts::{AccountShare, DeclareError};

use tezi_model::{
    AccountId, InstrumentId, Money, Px, Qty, RejectReason, Side, StateHasher, StrategyId,
};

use accounts::Account;

use crate::oms::Exposure;
use crate::output::{StopCause, StrategyEvent};
use crate::position::{Position, Positions, Ratio};
use crate::risk::{Checks, Measure, Proposal};

/// Strategies on one core, and accounts with them: as many as a mask of 64 bits has places.
pub const STRATEGIES_MAX: usize = 64;

/// Whose a ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LedgerOwner {
    Strategy(StrategyId),
    Account(AccountId),
}

/// Limits of one strategy, beside those of the desk. Zero switches a limit off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrategyLimits {
    /// The largest loss of the session, in rupees; at it the strategy is stopped.
    pub loss_max: i64,
    /// The largest position in one instrument, in units, long or short, all its open orders filled.
    pub position_max: i64,
    /// Open orders at once.
    pub open_orders_max: u32,
}

/// What one strategy did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrategyCounts {
    /// New orders that left.
    pub new_orders: u64,
    /// Changes that left.
    pub replaces: u64,
    /// Cancels that left, those of a stop included.
    pub cancels: u64,
    /// Fills booked.
    pub fills: u64,
    /// Requests refused.
    pub refusals: u64,
}

/// How one strategy stands.
#[derive(Clone, Copy)]
pub struct StrategyView<'a> {
    /// Which.
    pub id: StrategyId,
    /// Why it is stopped, `None` while it is not.
    pub stopped: Option<StopCause>,
    /// Whether it is outside its hours.
    pub is_asleep: bool,
    /// Its limits.
    pub limits: StrategyLimits,
    /// What it did.
    pub counts: StrategyCounts,
    /// What it holds.
    pub positions: &'a Positions,
    /// Its open orders.
    pub open_orders: u32,
}

impl StrategyView<'_> {
    /// Whether it may trade.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.stopped.is_none() && !self.is_asleep
    }
}

struct Ledger {
    positions: Positions,
    limits: StrategyLimits,
    counts: StrategyCounts,
    /// The profit its loss is counted from.
    base: Money,
    stopped: Option<StopCause>,
    is_asleep: bool,
}

/// The ledgers of all strategies, then those of all accounts; none where there is only one strategy and no
/// account. A bit of a mask is a ledger.
///
/// # Invariants
///
/// - `inactive` has the bits of those stopped or asleep, `limited` of those with a loss limit.
/// - `silent` has the bits of strategies that are inactive, or whose account is.
/// - `holders` has, for each instrument, the bits of those that hold some of it.
/// - `accounts` has what ledgers of strategies lack, a place for each account.
pub(crate) struct Ledgers {
    each: Vec<Ledger>,
    strategies: usize,
    accounts: Vec<Account>,
    /// The account of each strategy by its number, 0 being the only one.
    assigned: [AccountId; STRATEGIES_MAX + 1],
    holders: Box<[u64]>,
    instruments_max: u32,
    inactive: u64,
    silent: u64,
    limited: u64,
    /// Whose profit changed since the loss limits were looked at.
    changed: u64,
}

impl Ledger {
    fn new(instruments_max: u32) -> Self {
        Self {
            positions: Positions::new(instruments_max),
            limits: StrategyLimits::default(),
            counts: StrategyCounts::default(),
            base: Money::ZERO,
            stopped: None,
            is_asleep: false,
        }
    }
}

impl Ledgers {
    pub(crate) fn new(strategies: u8, instruments_max: u32) -> Self {
        let instruments = if strategies == 0 { 0 } else { instruments_max as usize };
        Self {
            each: (0..strategies).map(|_| Ledger::new(instruments_max)).collect(),
            strategies: strategies.into(),
            accounts: Vec::new(),
            assigned: [AccountId::NONE; STRATEGIES_MAX + 1],
            holders: vec![0; instruments].into_boxed_slice(),
            instruments_max,
            inactive: 0,
            silent: 0,
            limited: 0,
            changed: 0,
        }
    }

    /// Whether a strategy or account has to be looked at when an input ends.
    #[inline]
    pub(crate) const fn has_work(&self) -> bool {
        (self.inactive | (self.changed & self.limited)) != 0
    }

    /// Those whose orders are to be cancelled.
    pub(crate) fn inactive(&self) -> impl Iterator<Item = LedgerOwner> + use<> {
        let strategies = self.strategies;
        bits(self.inactive).map(move |index| owner(strategies, index))
    }

    /// The place of a strategy's ledger.
    #[inline]
    fn place(&self, strategy: StrategyId) -> Option<usize> {
        strategy.index().filter(|index| *index < self.strategies)
    }

    #[inline]
    fn get(&self, strategy: StrategyId) -> Option<&Ledger> {
        self.place(strategy).and_then(|index| self.each.get(index))
    }

    #[inline]
    fn get_mut(&mut self, strategy: StrategyId) -> Option<&mut Ledger> {
        self.place(strategy).and_then(|index| self.each.get_mut(index))
    }

    /// How many strategies there are.
    pub(crate) const fn strategies(&self) -> usize {
        self.strategies
    }

    /// Whether there is such a strategy.
    pub(crate) fn is_known(&self, strategy: StrategyId) -> bool {
        self.get(strategy).is_some()
    }

    /// Whether a strategy, and its account, may trade; the only one always may.
    #[inline]
    pub(crate) const fn is_active(&self, strategy: StrategyId) -> bool {
        let bit = match strategy.0 {
            0 => None,
            number => self.silent.checked_shr(number as u32 - 1),
        };
        !matches!(bit, Some(bits) if bits & 1 == 1)
    }

    pub(crate) fn stopped(&self, strategy: StrategyId) -> Option<StopCause> {
        self.get(strategy).and_then(|ledger| ledger.stopped)
    }

    /// What a strategy holds of an instrument; `None` for no strategy of several.
    #[inline]
    pub(crate) fn position(
        &self,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> Option<Position> {
        self.get(strategy).map(|ledger| ledger.positions.get(instrument))
    }

    /// A strategy's profit; `None` for no strategy of several.
    #[inline]
    pub(crate) fn profit(&self, strategy: StrategyId) -> Option<Money> {
        self.get(strategy).map(|ledger| ledger.positions.profit())
    }

    /// Counts something that a strategy did, for it and for the account it was done for.
    #[inline]
    pub(crate) fn count(
        &mut self,
        (strategy, account): (StrategyId, AccountId),
        add: impl Fn(&mut StrategyCounts),
    ) {
        if strategy.0 | account.0 == 0 {
            return;
        }
        let places = [self.place(strategy), self.account_place(account)];
        for index in places.into_iter().flatten() {
            if let Some(ledger) = self.each.get_mut(index) {
                add(&mut ledger.counts);
            }
        }
    }

    /// Books a fill; `mark` is what the desk values the instrument at.
    #[inline]
    pub(crate) fn on_fill(
        &mut self,
        (strategy, account): (StrategyId, AccountId),
        instrument: InstrumentId,
        (side, quantity, price): (Side, Qty, Px),
        mark: Option<Px>,
    ) {
        for index in [self.place(strategy), self.account_place(account)].into_iter().flatten() {
            self.book(index, instrument, mark, |positions| {
                positions.on_fill(instrument, side, quantity, price);
            });
        }
        self.count((strategy, account), |counts| counts.fills += 1);
    }

    /// Takes back a fill that the exchange annulled.
    #[cold]
    pub(crate) fn on_trade_canceled(
        &mut self,
        (strategy, account): (StrategyId, AccountId),
        instrument: InstrumentId,
        (side, quantity, price): (Side, Qty, Px),
        mark: Option<Px>,
    ) {
        for index in [self.place(strategy), self.account_place(account)].into_iter().flatten() {
            self.book(index, instrument, mark, |positions| {
                positions.on_trade_canceled(instrument, side, quantity, price);
            });
        }
    }

    /// Takes in units held since an earlier day; the desk has found that they can be.
    #[cold]
    pub(crate) fn carry(
        &mut self,
        (strategy, account): (StrategyId, AccountId),
        instrument: InstrumentId,
        net: i64,
        mark: Px,
    ) {
        for index in [self.place(strategy), self.account_place(account)].into_iter().flatten() {
            self.book(index, instrument, None, |positions| {
                let taken = positions.carry(instrument, net, mark);
                debug_assert!(taken, "a ledger takes what the desk takes");
            });
        }
    }

    /// Changes what every ledger holds of an instrument by a corporate action; the desk's position could
    /// be changed so.
    #[cold]
    pub(crate) fn adjust(&mut self, instrument: InstrumentId, ratio: Ratio) {
        for index in 0..self.each.len() {
            self.book(index, instrument, None, |positions| {
                let adjusted = positions.adjust(instrument, ratio);
                debug_assert!(adjusted.is_ok(), "a ledger's units are whole when all lots are");
            });
        }
    }

    #[inline]
    fn book(
        &mut self,
        index: usize,
        instrument: InstrumentId,
        mark: Option<Px>,
        book: impl FnOnce(&mut Positions),
    ) {
        let Some(ledger) = self.each.get_mut(index) else { return };
        // While nothing is held, nobody marks the ledger.
        if let Some(mark) = mark {
            ledger.positions.on_mark(instrument, mark);
        }
        book(&mut ledger.positions);
        self.changed |= 1 << index;
        if let Some(holders) = self.holders.get_mut(instrument.index()) {
            let is_held = ledger.positions.get(instrument).net != 0;
            *holders = *holders & !(1 << index) | u64::from(is_held) << index;
        }
    }

    /// Values an instrument at `price` from now on.
    #[inline]
    pub(crate) fn on_mark(&mut self, instrument: InstrumentId, price: Px) {
        let Some(&holders) = self.holders.get(instrument.index()) else { return };
        if holders != 0 {
            self.mark_held(holders, instrument, price);
        }
    }

    fn mark_held(&mut self, holders: u64, instrument: InstrumentId, price: Px) {
        self.changed |= holders;
        for index in bits(holders) {
            if let Some(ledger) = self.each.get_mut(index) {
                ledger.positions.on_mark(instrument, price);
            }
        }
    }

    /// Those that have lost what they may lose and are not stopped.
    #[cold]
    pub(crate) fn take_losers(&mut self) -> impl Iterator<Item = LedgerOwner> + use<> {
        let mut losers = 0;
        for index in bits(std::mem::take(&mut self.changed) & self.limited) {
            let Some(ledger) = self.each.get(index) else { continue };
            let most = Money::from_rupees(ledger.limits.loss_max);
            let lost = ledger.base - ledger.positions.profit();
            losers |= u64::from(ledger.stopped.is_none() && lost >= most) << index;
        }
        let strategies = self.strategies;
        bits(losers).map(move |index| owner(strategies, index))
    }

    /// Takes in what happened to a strategy; whether it changed anything.
    #[cold]
    pub(crate) fn apply(&mut self, strategy: StrategyId, event: StrategyEvent) -> bool {
        let (Some(index), Some(ledger)) = (self.place(strategy), self.get_mut(strategy)) else {
            return false;
        };
        let before = (ledger.is_asleep, ledger.stopped);
        match event {
            StrategyEvent::Woke => ledger.is_asleep = false,
            StrategyEvent::Slept => ledger.is_asleep = true,
            StrategyEvent::Started => {
                ledger.stopped = None;
                ledger.base = ledger.positions.profit();
            }
            // The first cause stands, but for a panic: what panicked must not go on.
            StrategyEvent::Stopped(StopCause::Panic) => ledger.stopped = Some(StopCause::Panic),
            StrategyEvent::Stopped(cause) => {
                ledger.stopped.get_or_insert(cause);
            }
        }
        let is_inactive = ledger.is_asleep || ledger.stopped.is_some();
        let has_changed = before != (ledger.is_asleep, ledger.stopped);
        self.set_inactive(index, is_inactive);
        has_changed
    }

    /// Notes whether a ledger's owner may not trade, and who hears nothing of the market for that.
    fn set_inactive(&mut self, index: usize, is_inactive: bool) {
        self.inactive = self.inactive & !(1 << index) | u64::from(is_inactive) << index;
        let mut silent = self.inactive & low_bits(self.strategies);
        for (place, account) in self.assigned.iter().skip(1).take(self.strategies).enumerate() {
            let ledger = self.account_place(*account);
            let is_stopped = ledger.is_some_and(|ledger| self.inactive >> ledger & 1 == 1);
            silent |= u64::from(is_stopped) << place;
        }
        self.silent = silent;
    }

    pub(crate) fn limits(&self, strategy: StrategyId) -> StrategyLimits {
        self.get(strategy).map(|ledger| ledger.limits).unwrap_or_default()
    }

    pub(crate) fn set_limits(&mut self, strategy: StrategyId, limits: StrategyLimits) {
        if let Some(index) = self.place(strategy) {
            self.set_limits_at(index, limits);
        }
    }

    fn set_limits_at(&mut self, index: usize, limits: StrategyLimits) {
        let Some(ledger) = self.each.get_mut(index) else { return };
        ledger.limits = limits;
        self.limited = self.limited & !(1 << index) | u64::from(limits.loss_max > 0) << index;
        // The new limit may be reached already.
        self.changed |= 1 << index;
    }

    /// Checks an order of a strategy against its limits; `exposure` and `open_orders` are its own.
    ///
    /// # Errors
    ///
    /// The reason of highest precedence.
    #[inline]
    pub(crate) fn check(&self, share: &Share<'_>) -> Result<(), RejectReason> {
        let Some(ledger) = self.get(share.strategy) else { return Ok(()) };
        if ledger.is_asleep || ledger.stopped.is_some() {
            return Err(RejectReason::StrategyStopped);
        }
        let limits = &ledger.limits;
        let most = limits.open_orders_max;
        if most > 0 && share.proposal.replaces.is_none() && share.open_orders >= most {
            return Err(RejectReason::StrategyOrders);
        }
        if limits.position_max > 0 && share.worst(ledger) > limits.position_max {
            return Err(RejectReason::StrategyPosition);
        }
        Ok(())
    }

    /// Says what each check of [`Ledgers::check`] finds.
    #[cold]
    pub(crate) fn explain(&self, share: &Share<'_>, checks: &mut Checks) {
        let Some(ledger) = self.get(share.strategy) else { return };
        let state = match (ledger.stopped, ledger.is_asleep) {
            (Some(cause), _) => cause.name(),
            (None, true) => "asleep",
            (None, false) => "trading",
        };
        let is_active = !ledger.is_asleep && ledger.stopped.is_none();
        let (state, wanted) = (Measure::Word(state), Measure::Word("trading"));
        checks.add(RejectReason::StrategyStopped, is_active, state, wanted);
        let limits = &ledger.limits;
        if share.proposal.replaces.is_none() {
            let open = i64::from(share.open_orders) + 1;
            let most = limits.open_orders_max.into();
            checks.at_most(RejectReason::StrategyOrders, open, most);
        }
        let worst = share.worst(ledger);
        checks.at_most(RejectReason::StrategyPosition, worst, limits.position_max);
    }

    /// How every strategy stands.
    pub(crate) fn iter(&self) -> impl Iterator<Item = StrategyView<'_>> {
        (1..).zip(self.each.iter().take(self.strategies)).map(|(number, ledger)| StrategyView {
            id: StrategyId(number),
            stopped: ledger.stopped,
            is_asleep: ledger.is_asleep,
            limits: ledger.limits,
            counts: ledger.counts,
            positions: &ledger.positions,
            open_orders: 0,
        })
    }

    /// Folds every ledger into the state hash.
    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for ledger in &self.each {
            ledger.positions.hash_into(hasher);
            hasher.write(u64::from(ledger.is_asleep));
            hasher.write(ledger.stopped.map_or(0, |cause| cause as u64));
            hasher.write_i128(ledger.base.0);
            let StrategyLimits { loss_max, position_max, open_orders_max } = ledger.limits;
            hasher.write_i64(loss_max);
            hasher.write_i64(position_max);
            hasher.write(open_orders_max.into());
            hasher.write(ledger.counts.refusals);
        }
        self.hash_accounts(hasher);
    }
}

/// Whose the ledger at a place is.
fn owner(strategies: usize, index: usize) -> LedgerOwner {
    match index.checked_sub(strategies) {
        None => LedgerOwner::Strategy(StrategyId(index as u8 + 1)),
        Some(account) => LedgerOwner::Account(AccountId(account as u8 + 1)),
    }
}

/// A mask of the first places.
const fn low_bits(count: usize) -> u64 {
    match 1_u64.checked_shl(count as u32) {
        Some(bit) => bit - 1,
        None => u64::MAX,
    }
}

/// An order of a strategy, and what it has already.
pub(crate) struct Share<'a> {
    pub(crate) strategy: StrategyId,
    pub(crate) instrument: InstrumentId,
    pub(crate) proposal: &'a Proposal,
    pub(crate) exposure: Exposure,
    pub(crate) open_orders: u32,
}

impl Share<'_> {
    /// The position on the order's side if everything of the strategy open on it filled.
    #[inline]
    fn worst(&self, ledger: &Ledger) -> i64 {
        let net = ledger.positions.get(self.instrument).net;
        self.proposal.worst_towards(net, &self.exposure)
    }
}

/// The places of a mask.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(index)
    })
}
