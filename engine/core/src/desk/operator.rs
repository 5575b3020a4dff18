//! What operators began: pauses, sweeps of cancels, the way out of positions.
//!
//! An action that takes more than one input goes on at the end of each, and in between when it is due.

mod snapshot;

use tezi_model::{
    AccountId, ClientOrderId, InstrumentId, Nanos, Px, Qty, RejectReason, Side, StateHasher,
    StrategyId, TimeInForce,
};

use super::Desk;
use crate::control::{Control, ControlError, Limit};
use crate::oms::Order;
use crate::output::{Origin, Request};
use crate::risk::Proposal;

/// Sweeps at once; an operator's, so few.
const SWEEPS_MAX: usize = 16;
/// Between two rounds of closing orders, after one in which an order left.
const ROUND_NS: i64 = 5_000_000;
/// … and after one in which none could.
const WAIT_NS: i64 = 250_000_000;

/// Cancels everything that was known when it began.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    instrument: Option<InstrumentId>,
    /// Whose orders; [`AccountId::NONE`] for everybody's.
    account: AccountId,
    /// The last order that is meant.
    last: ClientOrderId,
}

impl Sweep {
    fn is_meant(&self, order: &Order) -> bool {
        order.client_order_id <= self.last
            && self.instrument.is_none_or(|id| id == order.instrument)
            && (self.account.is_none() || self.account == order.account)
    }
}

/// Closes positions.
#[derive(Clone, Copy, Debug)]
struct Flatten {
    instrument: Option<InstrumentId>,
    /// Whose, of several strategies; [`StrategyId::NONE`] for those of the desk.
    strategy: StrategyId,
    /// Of which account; [`AccountId::NONE`] for all of them.
    account: AccountId,
    through_bps: u32,
    /// When the next round of orders may leave.
    again_at: Nanos,
}

impl Flatten {
    /// Whether an order is one of its own.
    fn has_sent(&self, order: &Order) -> bool {
        order.time_in_force == TimeInForce::Ioc
            && self.strategy == order.strategy
            && (self.account.is_none() || self.account == order.account)
    }
}

/// What is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperatorWork {
    /// Sweeps of cancels that wait for an answer.
    pub sweeps: usize,
    /// Whether positions are being closed.
    pub is_flattening: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Operator {
    count: u64,
    sweeps: Vec<Sweep>,
    flatten: Option<Flatten>,
}

impl Operator {
    pub(crate) fn new() -> Self {
        Self { count: 0, sweeps: Vec::with_capacity(SWEEPS_MAX), flatten: None }
    }

    /// Whether nothing is under way.
    #[inline]
    pub(crate) const fn is_idle(&self) -> bool {
        self.flatten.is_none() && self.sweeps.is_empty()
    }

    /// Actions so far.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn work(&self) -> OperatorWork {
        OperatorWork { sweeps: self.sweeps.len(), is_flattening: self.flatten.is_some() }
    }

    /// Gives up what is under way.
    pub(crate) fn clear(&mut self) {
        self.sweeps.clear();
        self.flatten = None;
    }
}

impl Desk {
    /// Acts on what an operator asks.
    ///
    /// # Errors
    ///
    /// [`ControlError`]; nothing is changed.
    #[cold]
    pub(crate) fn control(&mut self, control: &Control) -> Result<(), ControlError> {
        self.operator.count += 1;
        if let Some(id) = control.instrument()
            && self.instruments.get(id).is_none()
        {
            return Err(ControlError::UnknownInstrument);
        }
        if let Some(account) = control.account() {
            return self.control_account(account, control);
        }
        if let Some(strategy) = control.strategy() {
            if strategy.is_none() || !self.ledgers.is_known(strategy) {
                return match control {
                    // The only strategy has no number.
                    Control::SetParameter { .. } if strategy.is_none() => Ok(()),
                    _ => Err(ControlError::UnknownStrategy),
                };
            }
            return self.control_strategy(strategy, control);
        }
        let is_stopped = self.risk.stopped().is_some();
        match *control {
            Control::Pause | Control::Resume if is_stopped => return Err(ControlError::Stopped),
            Control::Pause => self.risk.set_paused(true),
            Control::Resume => {
                self.operator.flatten = None;
                self.risk.set_paused(false);
            }
            Control::CancelAll { instrument } => self.begin_sweep(instrument, AccountId::NONE)?,
            Control::Flatten { instrument, through_bps } => {
                self.begin_flatten(instrument, through_bps)?;
            }
            Control::Kill | Control::KillUser => {
                self.operator.clear();
                self.stop_trading(RejectReason::Killed);
            }
            Control::Release if !is_stopped => return Err(ControlError::NotStopped),
            Control::Release => {
                self.risk.release();
                self.losses.restart();
            }
            Control::SetLimit { limit, value } => self.set_limit(limit, value)?,
            Control::Restrict { instrument, restriction } => {
                self.guards.restrict(instrument, restriction);
            }
            Control::PriceRange { instrument, low, high } => {
                if low.0 < 0 || high.0 < 0 || (high.0 > 0 && low > high) {
                    return Err(ControlError::Range);
                }
                self.guards.set_range(instrument, low, high);
            }
            // They name a strategy or an account, and are done.
            _ => {}
        }
        Ok(())
    }

    fn set_limit(&mut self, limit: Limit, value: i64) -> Result<(), ControlError> {
        let (mut risk, mut guards) = (*self.risk.limits(), *self.guards.limits());
        limit.set(&mut risk, &mut guards, value)?;
        if limit.is_of_configuration() {
            self.risk.set_limits(risk);
        } else {
            self.set_guards(&guards);
        }
        self.check_loss_limits();
        self.look_at_collateral();
        Ok(())
    }

    /// Cancels everything open now. It covers every sweep under way, so there is room for it.
    pub(super) fn sweep_all(&mut self) {
        if let Some(last) = self.orders.open().map(|order| order.client_order_id).max() {
            self.operator.sweeps.clear();
            self.operator.sweeps.push(Sweep { instrument: None, account: AccountId::NONE, last });
        }
    }

    pub(super) fn begin_sweep(
        &mut self,
        instrument: Option<InstrumentId>,
        account: AccountId,
    ) -> Result<(), ControlError> {
        if self.operator.sweeps.len() == SWEEPS_MAX {
            return Err(ControlError::Busy);
        }
        let newest = self.orders.open().map(|order| order.client_order_id).max();
        if let Some(last) = newest {
            self.operator.sweeps.push(Sweep { instrument, account, last });
        }
        Ok(())
    }

    fn begin_flatten(
        &mut self,
        instrument: Option<InstrumentId>,
        through_bps: u32,
    ) -> Result<(), ControlError> {
        if through_bps > 10_000 {
            return Err(ControlError::Through);
        }
        self.begin_sweep(instrument, AccountId::NONE)?;
        self.risk.set_paused(true);
        self.start_closing(instrument, (StrategyId::NONE, AccountId::NONE), through_bps);
        Ok(())
    }

    /// Begins to close what a strategy holds; it is stopped, and its orders are cancelled for that.
    pub(super) fn begin_strategy_flatten(
        &mut self,
        strategy: StrategyId,
        through_bps: u32,
    ) -> Result<(), ControlError> {
        if through_bps > 10_000 {
            return Err(ControlError::Through);
        }
        if self.operator.flatten.is_some_and(|flatten| flatten.strategy != strategy) {
            return Err(ControlError::Busy);
        }
        self.start_closing(None, (strategy, AccountId::NONE), through_bps);
        Ok(())
    }

    fn start_closing(
        &mut self,
        instrument: Option<InstrumentId>,
        (strategy, account): (StrategyId, AccountId),
        through_bps: u32,
    ) {
        let again_at = self.now;
        let flatten = Flatten { instrument, strategy, account, through_bps, again_at };
        self.operator.flatten = Some(flatten);
    }

    /// Begins to close what an account holds; it is paused or stopped, and its orders are cancelled.
    pub(super) fn begin_account_flatten(
        &mut self,
        account: AccountId,
        through_bps: u32,
    ) -> Result<(), ControlError> {
        if through_bps > 10_000 {
            return Err(ControlError::Through);
        }
        if self.operator.flatten.is_some_and(|flatten| flatten.account != account) {
            return Err(ControlError::Busy);
        }
        self.begin_sweep(None, account)?;
        self.start_closing(None, (StrategyId::NONE, account), through_bps);
        Ok(())
    }

    /// Ends the flattening of an account, if it is one's.
    pub(super) fn end_account_flatten(&mut self, account: AccountId) {
        self.operator.flatten.take_if(|flatten| flatten.account == account);
    }

    /// Ends the flattening of a strategy, if it is one's.
    pub(super) fn end_strategy_flatten(&mut self, strategy: StrategyId) {
        self.operator.flatten.take_if(|flatten| flatten.strategy == strategy);
    }

    /// Goes on with what is under way.
    #[cold]
    pub(super) fn go_on(&mut self) {
        for place in (0..self.operator.sweeps.len()).rev() {
            let sweep = self.operator.sweeps[place];
            if !self.orders.open().any(|order| sweep.is_meant(&order)) {
                self.operator.sweeps.swap_remove(place);
            } else if self.now >= self.cancels_again_at {
                self.cancel_where(|_, order| sweep.is_meant(order));
            }
        }
        let Some(flatten) = self.operator.flatten else { return };
        let is_waiting = !self.operator.sweeps.is_empty() || self.has_open(&flatten);
        if !is_waiting && self.now >= flatten.again_at {
            self.operator.flatten = self.close_positions(flatten);
        }
    }

    /// Whether an order is one that closes a position: it cancels itself.
    pub(super) fn is_closing(&self, order: &Order) -> bool {
        self.operator.flatten.is_some_and(|flatten| flatten.has_sent(order))
    }

    fn has_open(&self, flatten: &Flatten) -> bool {
        if !flatten.account.is_none() {
            return self.orders.open_count_of_account(flatten.account) > 0;
        }
        match (flatten.instrument, flatten.strategy) {
            (_, strategy) if !strategy.is_none() => self.orders.open_count_of(strategy) > 0,
            (None, _) => self.orders.open_count() > 0,
            (Some(id), _) => self.orders.exposure(id).orders > 0,
        }
    }

    /// Sends one order on each position; what goes on, `None` when nothing is left to close.
    fn close_positions(&mut self, flatten: Flatten) -> Option<Flatten> {
        let (mut has_left, mut has_sent) = (false, false);
        for index in 0..self.instruments.len() as u32 {
            let id = InstrumentId(index);
            if flatten.instrument.is_some_and(|only| only != id) {
                continue;
            }
            for account in self.accounts_of(&flatten) {
                let net = self.net_to_close(id, &flatten, account);
                if net == 0 {
                    continue;
                }
                match self.close_position(id, net, &flatten, account) {
                    Closing::Sent => (has_left, has_sent) = (true, true),
                    Closing::Later => has_left = true,
                    Closing::Never => {}
                }
            }
        }
        let pause = if has_sent { ROUND_NS } else { WAIT_NS };
        has_left.then(|| Flatten { again_at: self.now.plus(pause), ..flatten })
    }

    /// The accounts that a flattening sends orders for, by number. The desk's own is for each in turn,
    /// since what one holds against another is closed on neither's book by netting.
    fn accounts_of(&self, flatten: &Flatten) -> impl Iterator<Item = AccountId> + use<> {
        let accounts = self.ledgers.accounts() as u8;
        let numbers = match (flatten.strategy, flatten.account) {
            (strategy, _) if !strategy.is_none() => {
                let account = self.ledgers.account_of(strategy).0;
                account..=account
            }
            (_, account) if !account.is_none() => account.0..=account.0,
            _ => 0..=accounts,
        };
        numbers.map(AccountId)
    }

    /// What a flattening closes of an instrument for one account.
    fn net_to_close(&self, id: InstrumentId, flatten: &Flatten, account: AccountId) -> i64 {
        let own = self.ledgers.position(flatten.strategy, id);
        let own = own.or_else(|| self.ledgers.account_position(account, id));
        match own {
            Some(own) => own.net,
            None => self.positions.get(id).net - self.ledgers.net_of_accounts(id),
        }
    }

    fn close_position(
        &mut self,
        id: InstrumentId,
        net: i64,
        flatten: &Flatten,
        account: AccountId,
    ) -> Closing {
        let Some(state) = self.instruments.get(id) else { return Closing::Never };
        let definition = state.definition;
        let side = if net > 0 { Side::Sell } else { Side::Buy };
        let lot = u64::from(definition.lot.0.max(1));
        let in_lots = net.unsigned_abs() / lot * lot;
        if in_lots == 0 || definition.legs().is_some() {
            return Closing::Never;
        }
        let Some(touch) = self.books.touch(id, side.opposite()) else { return Closing::Later };
        let furthest = self.closing_price(touch.price, side, definition.tick, flatten.through_bps);
        // Another strategy's order on the other side is no counterparty: it stops short of it.
        let own = self.orders.best_price(id, side.opposite());
        let price = match own.filter(|own| side.crosses(furthest, *own)) {
            Some(own) => Px(own.0 - side.sign() * definition.tick.0.max(1)),
            None => furthest,
        };
        if !side.crosses(price, touch.price) {
            return Closing::Later;
        }
        let freeze = match definition.freeze_quantity.0 {
            0 => u64::from(u32::MAX),
            freeze => u64::from(freeze),
        };
        let by_value = self.risk.limits().order_value().map_or(u64::MAX, |most| {
            let lot_value = price.value(lot as i64).abs().0.max(1);
            u64::try_from(most.0 / lot_value).unwrap_or(u64::MAX).saturating_mul(lot)
        });
        let by_position = self.room_to_close(id, side, flatten, account);
        let most = freeze.min(by_value).min(by_position) / lot * lot;
        let Ok(quantity) = u32::try_from(in_lots.min(most)) else { return Closing::Later };
        let request = Request::new_order(id, side, price, Qty(quantity), TimeInForce::Ioc);
        let proposal = Proposal::new_order(side, price, Qty(quantity));
        let market = self.market(id, side);
        // What takes a strategy's or an account's position back may add to the desk's.
        let is_of_desk = flatten.strategy.is_none() && account.is_none();
        let is_allowed = self.has_room(2)
            && self.risk.check_order(self.now, &definition, &market, &proposal).is_ok()
            && self.guards.check(&self.ask(id, &proposal)).is_ok()
            && (is_of_desk || self.check_collateral(id, &proposal).is_ok());
        self.origin = Origin::CORE;
        self.strategy = flatten.strategy;
        let has_left = is_allowed && self.enter(&request, &proposal, account).is_ok();
        self.strategy = StrategyId::NONE;
        if has_left { Closing::Sent } else { Closing::Later }
    }

    /// How many units an order that closes an account's position may have before the *desk's* would be
    /// above its limit. The accounts then close in turns, each as far as it may.
    fn room_to_close(
        &self,
        id: InstrumentId,
        side: Side,
        flatten: &Flatten,
        account: AccountId,
    ) -> u64 {
        let most = self.risk.limits().position_max;
        if most == 0 || account.is_none() || !flatten.strategy.is_none() {
            return u64::MAX;
        }
        let exposure = self.orders.exposure(id);
        let open = if side == Side::Buy { exposure.buy } else { exposure.sell };
        let towards = self.positions.get(id).net * side.sign() + open;
        u64::try_from(most - towards).unwrap_or(0)
    }

    /// The price of an order that trades through a touch, as far as that and the fat finger limit
    /// allow, on the tick towards the touch.
    fn closing_price(&self, touch: Px, side: Side, tick: Px, through_bps: u32) -> Px {
        let limits = self.risk.limits();
        let bps = match limits.fat_finger_bps {
            0 => through_bps,
            most => through_bps.min(most),
        };
        let by = i128::from(touch.0.abs()) * i128::from(bps) / 10_000;
        let tick = i128::from(tick.0.max(1));
        let ticks = by / tick;
        let price = i128::from(touch.0) + i128::from(side.sign()) * ticks * tick;
        // A sell through a low bid stays a price.
        Px(i64::try_from(price.max(tick)).unwrap_or(touch.0))
    }

    /// When something is due, what is under way among it.
    #[cold]
    pub(super) fn next_due_with_operator(&self, due: Option<Nanos>) -> Option<Nanos> {
        let round = self.operator.flatten.map(|flatten| flatten.again_at);
        let has_cancels = !self.operator.sweeps.is_empty() || self.has_orders_to_cancel();
        let cancels = has_cancels.then_some(self.cancels_again_at);
        let later = |at: &Nanos| *at > self.now;
        [round.filter(later), cancels.filter(later), due].into_iter().flatten().min()
    }

    /// Folds in what operators did, where they did anything.
    pub(super) fn hash_operator(&self, hasher: &mut StateHasher) {
        if self.operator.count == 0 {
            return;
        }
        hasher.write(self.operator.count);
        hasher.write(u64::from(self.risk.is_paused()));
        for limit in Limit::ALL {
            let value = limit.get(self.risk.limits(), self.guards.limits());
            if limit.is_always_hashed() {
                hasher.write_i64(value);
            } else if value != 0 {
                hasher.write(*limit as u64);
                hasher.write_i64(value);
            }
        }
        let all = |id: Option<InstrumentId>| id.map_or(u64::MAX, |id| id.0.into());
        for sweep in &self.operator.sweeps {
            hasher.write(all(sweep.instrument));
            hasher.write(sweep.last.0);
            hash_account(hasher, sweep.account);
        }
        if let Some(flatten) = self.operator.flatten {
            let Flatten { instrument, strategy, account, through_bps, again_at } = flatten;
            hash_account(hasher, account);
            if !strategy.is_none() {
                hasher.write(strategy.0.into());
            }
            hasher.write(all(instrument));
            hasher.write(through_bps.into());
            hasher.write_i64(again_at.0);
        }
        hasher.write_i128(self.losses.drawdown().0);
    }
}

/// Folds in an account where there is one, so that journals without accounts keep their hash.
fn hash_account(hasher: &mut StateHasher, account: AccountId) {
    if !account.is_none() {
        hasher.write(1 << 16 | u64::from(account.0));
    }
}

/// What became of one position of a round.
enum Closing {
    /// An order left.
    Sent,
    /// None could leave now.
    Later,
    /// None ever will: less than a lot, or nothing that can be ordered.
    Never,
}
