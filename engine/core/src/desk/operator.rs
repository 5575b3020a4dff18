//! What operators began: pauses, sweeps of cancels, the way out of positions.
//!
//! An action that takes more than one input goes on at the end of each, and in between when it is due.

mod snapshot;

use tezi_model::{
    ClientOrderId, InstrumentId, Nanos, Px, Qty, RejectReason, Side, StateHasher, StrategyId,
    TimeInForce,
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
    /// The last order that is meant.
    last: ClientOrderId,
}

impl Sweep {
    fn is_meant(&self, order: &Order) -> bool {
        order.client_order_id <= self.last
            && self.instrument.is_none_or(|id| id == order.instrument)
    }
}

/// Closes positions.
#[derive(Clone, Copy, Debug)]
struct Flatten {
    instrument: Option<InstrumentId>,
    /// Whose, of several strategies; [`StrategyId::NONE`] for those of the desk.
    strategy: StrategyId,
    through_bps: u32,
    /// When the next round of orders may leave.
    again_at: Nanos,
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
            Control::CancelAll { instrument } => self.begin_sweep(instrument)?,
            Control::Flatten { instrument, through_bps } => {
                self.begin_flatten(instrument, through_bps)?;
            }
            Control::Kill => {
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
            // They name a strategy, and are done.
            Control::StopStrategy { .. }
            | Control::StartStrategy { .. }
            | Control::FlattenStrategy { .. }
            | Control::SetStrategyLimit { .. }
            | Control::SetParameter { .. } => {}
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
            self.operator.sweeps.push(Sweep { instrument: None, last });
        }
    }

    fn begin_sweep(&mut self, instrument: Option<InstrumentId>) -> Result<(), ControlError> {
        if self.operator.sweeps.len() == SWEEPS_MAX {
            return Err(ControlError::Busy);
        }
        let newest = self.orders.open().map(|order| order.client_order_id).max();
        if let Some(last) = newest {
            self.operator.sweeps.push(Sweep { instrument, last });
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
        self.begin_sweep(instrument)?;
        self.risk.set_paused(true);
        let (strategy, again_at) = (StrategyId::NONE, self.now);
        self.operator.flatten = Some(Flatten { instrument, strategy, through_bps, again_at });
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
        let (instrument, again_at) = (None, self.now);
        self.operator.flatten = Some(Flatten { instrument, strategy, through_bps, again_at });
        Ok(())
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
        order.time_in_force == TimeInForce::Ioc
            && self.operator.flatten.is_some_and(|flatten| flatten.strategy == order.strategy)
    }

    fn has_open(&self, flatten: &Flatten) -> bool {
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
            let is_meant = flatten.instrument.is_none_or(|only| only == id);
            let own = self.ledgers.position(flatten.strategy, id);
            let net = own.unwrap_or_else(|| self.positions.get(id)).net;
            if !is_meant || net == 0 {
                continue;
            }
            match self.close_position(id, net, &flatten) {
                Closing::Sent => (has_left, has_sent) = (true, true),
                Closing::Later => has_left = true,
                Closing::Never => {}
            }
        }
        let pause = if has_sent { ROUND_NS } else { WAIT_NS };
        has_left.then(|| Flatten { again_at: self.now.plus(pause), ..flatten })
    }

    fn close_position(&mut self, id: InstrumentId, net: i64, flatten: &Flatten) -> Closing {
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
        let most = freeze.min(by_value) / lot * lot;
        let Ok(quantity) = u32::try_from(in_lots.min(most)) else { return Closing::Later };
        let request = Request::new_order(id, side, price, Qty(quantity), TimeInForce::Ioc);
        let proposal = Proposal::new_order(side, price, Qty(quantity));
        let market = self.market(id, side);
        // What takes a strategy's position back may add to the desk's.
        let is_of_desk = flatten.strategy.is_none();
        let is_allowed = self.has_room(2)
            && self.risk.check_order(self.now, &definition, &market, &proposal).is_ok()
            && self.guards.check(&self.ask(id, &proposal)).is_ok()
            && (is_of_desk || self.check_collateral(id, &proposal).is_ok());
        self.origin = Origin::CORE;
        self.strategy = flatten.strategy;
        let has_left = is_allowed && self.enter(&request, &proposal).is_ok();
        self.strategy = StrategyId::NONE;
        if has_left { Closing::Sent } else { Closing::Later }
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
        }
        if let Some(Flatten { instrument, strategy, through_bps, again_at }) = self.operator.flatten
        {
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

/// What became of one position of a round.
enum Closing {
    /// An order left.
    Sent,
    /// None could leave now.
    Later,
    /// None ever will: less than a lot, or nothing that can be ordered.
    Never,
}
