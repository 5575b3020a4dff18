//! A parent order: its account and its life.

mod snapshot;

use core::fmt;

use tezi_model::{
    ClientOrderId, Instrument, InstrumentId, InstrumentKind, Money, Nanos, OrderStatus, Px, Qty,
    RejectReason, Side, TimeInForce,
};

use super::access::{Input, MarketAccess};
use super::benchmark::{Benchmark, average};
use super::children::{Child, Children};
use super::price;
use super::state::{DoneReason, Ending, FailReason, ParentError, ParentState, Verdict, verdict};
use super::wake::Wake;
use crate::oms::{Order, OrderSessionState};

/// A strategy's number of a parent order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParentId(pub u32);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentSpec {
    /// Its number.
    pub id: ParentId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Units in all, a multiple of the lot.
    pub quantity: Qty,
    /// The worst price any child may have.
    pub limit: Px,
    /// Before this no child is sent.
    pub start: Nanos,
    /// From this on none is sent, and the open ones are cancelled.
    pub end: Nanos,
}

/// How children are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildPolicy {
    /// The most units of one child; zero leaves the exchange's freeze quantity alone to bound it.
    pub quantity_max: Qty,
    /// Least time between two prices of one child.
    pub requote_ns: i64,
    /// The same while a child is behind and must cross.
    pub chase_ns: i64,
    /// A child's price changes when it is off by at least so many ticks; of a child that must cross
    /// one is enough.
    pub requote_ticks: u32,
    /// The wait after a refusal, and after an immediate order that found too little.
    pub retry_ns: i64,
    /// Refusals in a row at which the parent fails. A fill, or a pause of 64 waits, begins a new row.
    pub strikes_max: u32,
}

impl Default for ChildPolicy {
    fn default() -> Self {
        Self {
            quantity_max: Qty::ZERO,
            requote_ns: 100_000_000,
            chase_ns: 10_000_000,
            requote_ticks: 1,
            retry_ns: 100_000_000,
            strikes_max: 10,
        }
    }
}

/// What happened to a parent's children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParentCounters {
    /// Children sent.
    pub children: u32,
    /// Changes sent.
    pub replaces: u32,
    /// Cancels sent.
    pub cancels: u32,
    /// Requests refused by the pre-trade checks.
    pub refused: u32,
    /// Children refused by the exchange.
    pub rejected: u32,
    /// Children cancelled unasked.
    pub unsolicited: u32,
    /// Fills told after their child was closed.
    pub late_fills: u32,
    /// Units of trades the exchange took back.
    pub annulled: u64,
}

/// A parent order.
///
/// # Invariants
///
/// - `executed + open ≤ quantity`, every request in flight counted as granted, as long as no fill is
///   told after its child was; then the surplus is cancelled, and until it is nothing is sent.
/// - Every child lies within the limit and the day's band, on the tick, in whole lots, at most the
///   freeze quantity.
/// - Once ended it has no open child and sends nothing.
#[derive(Clone, Debug)]
pub struct Parent {
    pub(super) spec: ParentSpec,
    pub(super) policy: ChildPolicy,
    pub(super) terms: Instrument,
    pub(super) children: Children,
    pub(super) counters: ParentCounters,
    pub(super) retry_at: Nanos,
    pub(super) is_down: bool,
    state: ParentState,
    executed: u64,
    value: Money,
    benchmark: Benchmark,
    strikes: u32,
    struck_at: Nanos,
    look_at: Nanos,
    wake: Wake,
}

impl Parent {
    /// A parent order in an instrument of these terms. It allocates nothing, now or later.
    ///
    /// # Errors
    ///
    /// [`ParentError`] says what cannot be.
    pub fn new(
        spec: ParentSpec,
        policy: ChildPolicy,
        terms: &Instrument,
    ) -> Result<Self, ParentError> {
        let lot = terms.lot.0.max(1);
        if terms.kind() == InstrumentKind::Index || terms.legs().is_some() {
            return Err(ParentError::NotTradable);
        }
        if spec.quantity.is_zero() {
            return Err(ParentError::NoQuantity);
        }
        if !spec.quantity.0.is_multiple_of(lot) {
            return Err(ParentError::LotSize { lot });
        }
        if spec.limit.0 <= 0 {
            return Err(ParentError::NoLimit);
        }
        if spec.end <= spec.start {
            return Err(ParentError::NoTime);
        }
        let this = Self {
            spec,
            policy,
            terms: *terms,
            children: Children::new(),
            counters: ParentCounters::default(),
            retry_at: Nanos::ZERO,
            is_down: false,
            state: ParentState::Waiting,
            executed: 0,
            value: Money::ZERO,
            benchmark: Benchmark::default(),
            strikes: 0,
            struck_at: Nanos::ZERO,
            look_at: Nanos::MAX,
            wake: Wake::default(),
        };
        if this.child_max() == 0 {
            return Err(ParentError::ChildSize { lot });
        }
        if price::within(&this, spec.limit).is_none() {
            return Err(ParentError::PriceBand);
        }
        Ok(this)
    }

    /// What is to be done.
    #[must_use]
    pub const fn spec(&self) -> &ParentSpec {
        &self.spec
    }

    /// The instrument as it was when the parent was made.
    #[must_use]
    pub const fn instrument(&self) -> &Instrument {
        &self.terms
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> ParentState {
        self.state
    }

    /// Units executed, what the exchange took back left out.
    #[must_use]
    pub const fn executed(&self) -> u64 {
        self.executed
    }

    /// What they cost, exactly.
    #[must_use]
    pub const fn value(&self) -> Money {
        self.value
    }

    /// The average price, rounded to the unit of prices towards zero; `None` before the first fill.
    #[must_use]
    pub fn average_price(&self) -> Option<Px> {
        average(self.value, self.executed)
    }

    /// Units not executed.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        (self.spec.quantity.0 as u64).saturating_sub(self.executed)
    }

    /// Units that open children may still trade, every request in flight granted.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.children.leaves()
    }

    /// The open children, oldest first.
    pub fn children(&self) -> impl Iterator<Item = &Child> {
        self.children.open()
    }

    /// Whether an order is a child, open or lately closed.
    #[must_use]
    pub fn is_child(&self, id: ClientOrderId) -> bool {
        self.children.is_known(id)
    }

    /// What its price is measured against.
    #[must_use]
    pub const fn benchmark(&self) -> &Benchmark {
        &self.benchmark
    }

    /// The implementation shortfall of what is executed (A. Perold, "The implementation shortfall",
    /// 1988): what it cost beyond the arrival price, positive is worse. `None` without one.
    #[must_use]
    pub fn shortfall(&self) -> Option<Money> {
        self.benchmark.shortfall(self.spec.side, self.value, self.executed)
    }

    /// Of the same, what is missed by not having executed the rest, were it done at `price`.
    #[must_use]
    pub fn opportunity_cost(&self, price: Px) -> Option<Money> {
        let rest = i64::try_from(self.remaining()).ok()?;
        self.benchmark.shortfall(self.spec.side, price.value(rest), self.remaining())
    }

    /// What the executed units cost beyond the market's average since the start: positive is worse.
    #[must_use]
    pub fn slippage(&self) -> Option<Money> {
        self.benchmark.slippage(self.spec.side, self.value, self.executed)
    }

    /// What happened to its children.
    #[must_use]
    pub const fn counters(&self) -> &ParentCounters {
        &self.counters
    }

    /// Cancels it: no more children, the open ones are pulled back.
    pub fn cancel(&mut self, access: &mut impl MarketAccess) {
        self.end(Ending::Done(DoneReason::Canceled));
        self.advance(access);
        self.rest(access);
    }

    /// Pulls its children back, and sends none until it is resumed. Its end time stands.
    pub fn pause(&mut self, access: &mut impl MarketAccess) {
        if self.state == ParentState::Working {
            self.state = ParentState::Paused;
        }
        self.advance(access);
        self.rest(access);
    }

    /// Lets a paused one work again, from its next input on.
    pub fn resume(&mut self) {
        if self.state == ParentState::Paused {
            self.state = ParentState::Working;
        }
    }

    /// Takes over what another parent of the same order is to do from now on: its limit, its end and how
    /// its children are kept. Children beyond a worse limit are moved or taken back with the next
    /// [`Self::work`].
    pub(super) fn retarget(&mut self, to: &Self) {
        let ParentSpec { id, instrument, side, quantity, start, .. } = self.spec;
        debug_assert_eq!(
            to.spec,
            ParentSpec {
                limit: to.spec.limit,
                end: to.spec.end,
                id,
                instrument,
                side,
                quantity,
                start
            }
        );
        (self.spec, self.policy) = (to.spec, to.policy);
    }

    /// Takes an input into the account; whether there may be something to do.
    pub(super) fn on_input(&mut self, access: &impl MarketAccess, input: &Input) -> bool {
        match *input {
            Input::Book(instrument) => instrument == self.spec.instrument,
            Input::Trade { instrument, price, quantity } => {
                let is_ours = instrument == self.spec.instrument;
                if is_ours && self.is_measured() {
                    self.benchmark.trade(price, quantity);
                }
                is_ours
            }
            Input::TradeCanceled { instrument, price, quantity } => {
                let is_ours = instrument == self.spec.instrument;
                if is_ours && self.is_measured() {
                    self.benchmark.trade_canceled(price, quantity);
                }
                is_ours
            }
            Input::Order { order, status_before } => self.on_order(access, &order, status_before),
            Input::Fill { client_order_id, price, quantity } => {
                let is_ours = self.children.is_known(client_order_id);
                if is_ours {
                    self.value += price.value(i64::from(quantity.0));
                    self.strikes = 0;
                }
                is_ours
            }
            Input::FillCanceled { client_order_id, price, quantity } => {
                let is_ours = self.children.is_known(client_order_id);
                if is_ours {
                    self.executed = self.executed.saturating_sub(u64::from(quantity.0));
                    self.value -= price.value(i64::from(quantity.0));
                    self.counters.annulled += u64::from(quantity.0);
                }
                is_ours
            }
            Input::Timer(timer) => self.wake.take(timer),
            Input::Session(state) => {
                self.is_down = state == OrderSessionState::Down;
                true
            }
            Input::Look => true,
        }
    }

    /// Moves its life on, as far as time and fills say; whether it may send children.
    pub(super) fn advance(&mut self, access: &mut impl MarketAccess) -> bool {
        let now = access.now();
        self.look_at = Nanos::MAX;
        if self.state == ParentState::Waiting {
            if now < self.spec.start {
                self.look(now, self.spec.start);
                return false;
            }
            self.state = ParentState::Working;
        }
        if self.state.is_ended() {
            return false;
        }
        if self.benchmark.arrival().is_none() {
            self.benchmark.arrive(price::arrival(access, self.spec.instrument));
        }
        if self.remaining() == 0 {
            self.end(Ending::Done(DoneReason::Filled));
        } else if now >= self.spec.end {
            self.end(Ending::Done(DoneReason::Expired));
        } else if self.remaining() < u64::from(self.lot()) && self.children.count() == 0 {
            self.end(Ending::Done(DoneReason::Residual));
        }
        self.look(now, self.spec.end);
        self.look(now, self.retry_at);
        match self.state {
            ParentState::Cancelling(ending) => {
                self.pull_back(access, u64::MAX);
                if self.children.count() == 0 {
                    self.state = ParentState::Ended(ending);
                }
                false
            }
            ParentState::Paused => {
                self.pull_back(access, u64::MAX);
                false
            }
            _ => true,
        }
    }

    /// Ends it so, unless it is ending already. Its children go with the next [`Self::advance`].
    pub(super) fn end(&mut self, ending: Ending) {
        match self.state {
            ParentState::Waiting => self.state = ParentState::Ended(ending),
            ParentState::Working | ParentState::Paused => {
                self.state = ParentState::Cancelling(ending);
            }
            ParentState::Cancelling(_) | ParentState::Ended(_) => {}
        }
    }

    /// Asks to be woken at a time that is still to come.
    pub(super) fn look(&mut self, now: Nanos, at: Nanos) {
        if at > now {
            self.look_at = self.look_at.min(at);
        }
    }

    /// The input is dealt with: sets the timer that was asked for.
    pub(super) fn rest(&mut self, access: &mut impl MarketAccess) {
        if self.look_at < Nanos::MAX && !self.state.is_ended() {
            self.wake.by(access, self.look_at);
        }
    }

    /// A request was refused by the pre-trade checks.
    pub(super) fn refused(&mut self, now: Nanos, reason: RejectReason) {
        self.counters.refused += 1;
        self.retry_at = now.plus(self.policy.retry_ns);
        self.look(now, self.retry_at);
        self.is_down |= reason == RejectReason::SessionDown;
        match verdict(reason) {
            Verdict::Fatal => self.end(Ending::Failed(FailReason::Refused(reason))),
            Verdict::Wait => {}
            Verdict::Strike => self.strike(now, FailReason::Refused(reason)),
        }
    }

    /// Units in a lot, at least one.
    pub(super) const fn lot(&self) -> u32 {
        if self.terms.lot.0 == 0 { 1 } else { self.terms.lot.0 }
    }

    /// The most units of one child: whole lots, at most the freeze quantity.
    pub(super) fn child_max(&self) -> u32 {
        let most = |bound: Qty| if bound.is_zero() { u32::MAX } else { bound.0 };
        let units = most(self.policy.quantity_max).min(most(self.terms.freeze_quantity));
        units - units % self.lot()
    }

    /// Whether it may send children.
    pub(super) const fn is_working(&self) -> bool {
        matches!(self.state, ParentState::Working)
    }

    /// Whether the market's trades count.
    const fn is_measured(&self) -> bool {
        !matches!(self.state, ParentState::Waiting | ParentState::Ended(_))
    }

    fn on_order(
        &mut self,
        access: &impl MarketAccess,
        order: &Order,
        status_before: OrderStatus,
    ) -> bool {
        let Some(updated) = self.children.update(order) else { return false };
        let now = access.now();
        self.executed += u64::from(updated.filled.0);
        let Some(before) = updated.before else {
            self.counters.late_fills += u32::from(!updated.filled.is_zero());
            return true;
        };
        match order.status {
            OrderStatus::Rejected => {
                self.counters.rejected += 1;
                self.strike(now, FailReason::Rejected);
            }
            OrderStatus::Canceled if order.time_in_force == TimeInForce::Ioc => {
                self.retry_at = now.plus(self.policy.retry_ns);
            }
            OrderStatus::Canceled if !before.is_cancel_asked => {
                self.counters.unsolicited += 1;
                self.strike(now, FailReason::Rejected);
            }
            // The cancel was refused: tried again after a while.
            OrderStatus::New | OrderStatus::PartiallyFilled
                if status_before == OrderStatus::PendingCancel =>
            {
                let again = now.plus(self.policy.retry_ns);
                let id = order.client_order_id;
                let child = self.children.open_mut().find(|it| it.order.client_order_id == id);
                if let Some(child) = child {
                    (child.cancel_at, child.is_cancel_asked) = (again, false);
                }
            }
            _ => {}
        }
        true
    }

    /// Counts a refusal; too many in a row end it.
    fn strike(&mut self, now: Nanos, reason: FailReason) {
        let pause = self.policy.retry_ns.saturating_mul(64);
        if now.since(self.struck_at) >= pause {
            self.strikes = 0;
        }
        self.strikes += 1;
        self.struck_at = now;
        self.retry_at = now.plus(self.policy.retry_ns);
        if self.strikes >= self.policy.strikes_max {
            self.end(Ending::Failed(reason));
        }
    }
}

impl fmt::Display for Parent {
    /// One line: number, what, state, execution, costs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ParentSpec { id, side, quantity, .. } = self.spec;
        write!(f, "{} {side} {quantity} {}, {}", id.0, self.terms, self.state)?;
        write!(f, ": {} executed", self.executed)?;
        if let Some(price) = self.average_price() {
            write!(f, " at {price}")?;
        }
        if let Some(arrival) = self.benchmark.arrival() {
            write!(f, ", arrival {arrival}")?;
        }
        if let Some(shortfall) = self.shortfall() {
            write!(f, ", shortfall {shortfall}")?;
        }
        if let (Some(vwap), Some(slippage)) = (self.benchmark.vwap(), self.slippage()) {
            write!(f, ", market VWAP {vwap}, slippage {slippage}")?;
        }
        write!(f, "; {} children, {} changes", self.counters.children, self.counters.replaces)
    }
}
