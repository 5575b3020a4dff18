//! The core: one function from inputs to outputs.

mod snapshot;

use tezi_model::{
    ClientOrderId, Event, ExecutionReport, Instrument, InstrumentId, Money, Nanos, OrderStatus, Px,
    Qty, RejectReason, StrategyId, TradingStatus,
};

use crate::book::{Books, Upcoming};
use crate::collateral::{CollateralView, Valuation, ValuationError};
use crate::config::{ConfigError, CoreConfig};
use crate::control::{Control, ControlError, Limit};
use crate::desk::{Counters, Desk, MarketChange, OperatorWork};
use crate::instruments::InstrumentTable;
use crate::ledger::{AccountView, STRATEGIES_MAX, StrategyView};
use crate::oms::{Applied, Order, OrderEvent, OrderSessionState, Orders, ReportError};
use crate::output::{Emitted, Origin, Output};
use crate::position::{Holdings, Opening, OpeningError, Positions};
use crate::pricing::PricingKernel;
use crate::risk::{GuardLimits, Restriction};
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use crate::strategy::{
    BookUpdate, Context, FeedUpdate, Fill, IndexUpdate, OrderUpdate, StatusUpdate, Strategy, Trade,
    TradeCancel,
};

/// A point inside the handling of one market event, for whoever measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Timers and the simulated venue are worked off, the book has changed.
    Book,
    /// The strategy has answered; its requests are checked and are commands.
    Strategy,
}

/// Is told when a stage of an event is done. The core itself reads no clock.
pub trait Probe {
    /// `stage` is done.
    fn reached(&mut self, stage: Stage);
}

/// Measures nothing, and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {
    #[inline]
    fn reached(&mut self, _stage: Stage) {}
}

/// The deterministic core around one strategy.
///
/// Each input clears the outputs of the last one and leaves its own in [`Core::outputs`]. The same
/// inputs in the same order give the same outputs and the same [`Core::state_hash`].
///
/// **Shape**: single-threaded, owns all state, allocates only in [`Core::new`].
pub struct Core<S, K> {
    desk: Desk,
    strategy: S,
    kernel: K,
}

impl<S: Strategy, K: PricingKernel> Core<S, K> {
    /// How many timers and reports one input works off at most; more wait for the next input.
    const DUE_MAX: usize = 256;

    /// A core with everything it will ever need allocated.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names a bound that cannot be honoured.
    pub fn new(config: &CoreConfig, strategy: S, kernel: K) -> Result<Self, ConfigError> {
        let strategies = strategy.strategies();
        if usize::from(strategies) > STRATEGIES_MAX {
            let (field, rule) = ("strategies", "at most 64");
            return Err(ConfigError::Bound { field, value: strategies.into(), rule });
        }
        let mut desk = Desk::new(config)?;
        if strategies > 0 {
            desk.separate(strategies);
        }
        Ok(Self { desk, strategy, kernel })
    }

    /// Makes an instrument known, or replaces its definition.
    ///
    /// # Errors
    ///
    /// [`RejectReason::Capacity`] when there is no room for another, and
    /// [`RejectReason::UnknownInstrument`] when the record names no known segment.
    pub fn define(&mut self, definition: &Instrument) -> Result<InstrumentId, RejectReason> {
        if definition.segment().is_none() {
            return Err(RejectReason::UnknownInstrument);
        }
        let known = self.desk.instruments.len();
        let id = self.desk.instruments.define(definition).ok_or(RejectReason::Capacity)?;
        if self.desk.instruments.len() > known && !self.desk.add_book(id) {
            return Err(RejectReason::Capacity);
        }
        self.desk.guards.on_define(id, definition);
        Ok(id)
    }

    /// Switches on the checks behind those of the configuration. For the start, as the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Bound`] names the first field that is negative.
    pub fn set_guards(&mut self, limits: &GuardLimits) -> Result<(), ConfigError> {
        limits.validate()?;
        self.desk.set_guards(limits);
        Ok(())
    }

    /// What may be traded in an instrument from now on: bans, restricted lists.
    ///
    /// # Errors
    ///
    /// [`RejectReason::UnknownInstrument`] for a number not given out.
    pub fn restrict(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        restriction: Restriction,
    ) -> Result<(), RejectReason> {
        self.desk.begin(now);
        let is_known = self.desk.instruments.get(instrument).is_some()
            && self.desk.guards.restrict(instrument, restriction);
        if is_known { Ok(()) } else { Err(RejectReason::UnknownInstrument) }
    }

    /// The exchange's limit price protection range of an instrument from now on; nought leaves a side
    /// open. The day's band is in the definition.
    ///
    /// # Errors
    ///
    /// [`RejectReason::UnknownInstrument`] for a number not given out.
    pub fn set_price_range(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        low: Px,
        high: Px,
    ) -> Result<(), RejectReason> {
        self.desk.begin(now);
        let is_known = self.desk.instruments.get(instrument).is_some()
            && self.desk.guards.set_range(instrument, low, high);
        if is_known { Ok(()) } else { Err(RejectReason::UnknownInstrument) }
    }

    /// Takes in a line of a risk file: from here on margin is reckoned with it. Before the session
    /// begins, where memory is taken; later a contract's numbers may change.
    ///
    /// # Errors
    ///
    /// [`ValuationError`]; nothing is changed.
    pub fn on_valuation(
        &mut self,
        now: Nanos,
        valuation: &Valuation,
    ) -> Result<(), ValuationError> {
        self.desk.begin(now);
        let told = self.desk.value(valuation);
        self.desk.finish();
        told
    }

    /// Takes in what the session begins with, before it does: positions held since an earlier day count for
    /// every check from the first order on, and holdings are kept by account, strategy and instrument,
    /// where memory is taken.
    ///
    /// # Errors
    ///
    /// [`OpeningError`]; nothing is changed.
    pub fn on_opening(&mut self, now: Nanos, opening: &Opening) -> Result<(), OpeningError> {
        self.desk.begin(now);
        let told = self.desk.open_with(opening);
        self.desk.finish();
        told
    }

    /// How many openings were told, those refused among them.
    #[must_use]
    pub fn openings(&self) -> u32 {
        self.desk.openings()
    }

    /// What is held by account, strategy and instrument, by average cost and lot by lot; `None` where
    /// nobody said what the session begins with.
    #[must_use]
    pub fn holdings(&self) -> Option<&Holdings> {
        self.desk.holdings()
    }

    /// Trades that found no place among the holdings.
    #[must_use]
    pub fn unbooked_fills(&self) -> u64 {
        self.desk.unbooked()
    }

    /// What of the collateral is used; `None` while nothing is valued.
    #[must_use]
    pub fn collateral(&self) -> Option<CollateralView> {
        self.desk.collateral.as_ref().map(|it| it.view())
    }

    /// Net and gross position of an underlying by delta, at its price; `None` for a number not valued.
    #[must_use]
    pub fn futeq(&self, underlying: u32) -> Option<(Money, Money)> {
        self.desk.collateral.as_ref().and_then(|it| it.futeq(underlying))
    }

    /// The session begins.
    pub fn on_start(&mut self, now: Nanos) {
        self.desk.begin(now);
        self.desk.has_started = true;
        self.call(Strategy::on_start);
    }

    /// A market event, or the clock alone.
    #[inline]
    pub fn on_event(&mut self, now: Nanos, event: &Event) {
        self.on_event_probed(now, event, &mut NoProbe);
    }

    /// As [`Core::on_event`], telling `probe` of every stage.
    #[inline]
    pub fn on_event_probed(&mut self, now: Nanos, event: &Event, probe: &mut impl Probe) {
        self.desk.begin(now);
        self.work_off_due();
        let change = self.desk.on_market(event);
        probe.reached(Stage::Book);
        self.tell(change, event);
        self.desk.check_loss();
        self.desk.finish();
        probe.reached(Stage::Strategy);
    }

    /// Tells the strategy what an event changed.
    #[inline]
    fn tell(&mut self, change: MarketChange, event: &Event) {
        let &Event { quantity, exchange_time, .. } = event;
        match change {
            MarketChange::None => {}
            MarketChange::Book { instrument, touch_changed } => {
                let update = BookUpdate { instrument, touch_changed };
                self.call(|strategy, ctx| strategy.on_book(ctx, update));
            }
            MarketChange::Trade { instrument, price } => {
                let trade = Trade { instrument, price, quantity, exchange_time };
                self.call(|strategy, ctx| strategy.on_trade(ctx, &trade));
            }
            MarketChange::Feed { stream, fault } => {
                let update = FeedUpdate { stream, fault };
                self.call(|strategy, ctx| strategy.on_feed(ctx, &update));
            }
            MarketChange::TradeCancel { instrument } => {
                let cancel = TradeCancel {
                    instrument,
                    price: event.price,
                    quantity,
                    buy_order_id: event.order_id,
                    sell_order_id: event.sell_order_id,
                    exchange_time,
                };
                self.call(|strategy, ctx| strategy.on_trade_cancel(ctx, &cancel));
            }
            MarketChange::Status { segment, instrument, status } => {
                let update = StatusUpdate { segment, instrument, status, exchange_time };
                self.call(|strategy, ctx| strategy.on_status(ctx, &update));
            }
            MarketChange::Index { instrument } => {
                let update = IndexUpdate { instrument, value: event.price, exchange_time };
                self.call(|strategy, ctx| strategy.on_index(ctx, &update));
            }
        }
    }

    /// A report of a venue outside the core.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: the report is counted and changes nothing.
    pub fn on_report(&mut self, now: Nanos, report: &ExecutionReport) -> Result<(), ReportError> {
        self.desk.begin(now);
        self.work_off_due();
        let applied = self.apply_report(report);
        self.desk.finish();
        applied
    }

    /// The exchange outside the core took back an own trade: `report` carries its number, price and
    /// quantity. The position no longer has it; the order stays as it is, and the strategy is told.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: the report is counted and changes nothing.
    pub fn on_trade_canceled(
        &mut self,
        now: Nanos,
        report: &ExecutionReport,
    ) -> Result<(), ReportError> {
        self.desk.begin(now);
        self.work_off_due();
        if let Some(order) = self.desk.on_trade_canceled(report)? {
            let fill = own_fill(&order, report.price, report.quantity, report);
            self.call_of(order.strategy, |it, ctx| it.on_fill_canceled(ctx, &fill));
        }
        self.desk.finish();
        Ok(())
    }

    /// What happens to an order without numbers, outside the core: a freeze or trigger, the
    /// connection's fate, what the download says ([`OrderEvent::is_bare`]).
    ///
    /// # Errors
    ///
    /// [`ReportError`]: the event is counted and changes nothing.
    pub fn on_order_event(
        &mut self,
        now: Nanos,
        id: ClientOrderId,
        event: OrderEvent,
    ) -> Result<(), ReportError> {
        self.desk.begin(now);
        self.work_off_due();
        if let Some(Applied { order, status_before, .. }) =
            self.desk.on_own_order_event(id, event)?
        {
            let update = OrderUpdate { order, status_before };
            self.call_of(order.strategy, |it, ctx| it.on_order(ctx, &update));
        }
        self.desk.finish();
        Ok(())
    }

    /// The session with the venue outside the core is live, or is not: while it is not, new orders and
    /// changes are refused ([`RejectReason::SessionDown`]); cancels leave, for whoever carries orders
    /// to refuse. The strategy is told of each change; that nothing is live yet is none.
    pub fn on_session(&mut self, now: Nanos, state: OrderSessionState) {
        self.desk.begin(now);
        self.work_off_due();
        let before = self.desk.risk.set_session(state);
        if before.unwrap_or(OrderSessionState::Down) != state {
            self.call(|strategy, ctx| strategy.on_session(ctx, state));
        }
        self.desk.finish();
    }

    /// An operator acts: at once, before timers that are due. The strategy is told what is in force,
    /// once the session has begun.
    ///
    /// # Errors
    ///
    /// [`ControlError`]: it is counted and changes nothing.
    pub fn on_control(&mut self, now: Nanos, control: &Control) -> Result<(), ControlError> {
        self.desk.begin(now);
        let mut result = self.desk.control(control);
        if let (Ok(()), Control::SetParameter { strategy, assignment }) = (result, control) {
            let (key, value) = (assignment.key(), assignment.value());
            self.call_of(*strategy, |it, ctx| {
                result = it.set_parameter(ctx, key, value).map_err(ControlError::Parameter);
            });
        } else if result.is_ok() && self.desk.has_started {
            self.call(|strategy, ctx| strategy.on_control(ctx, control));
        }
        self.work_off_due();
        self.desk.finish();
        result
    }

    /// The session ends: the strategy is told, and everything open is cancelled.
    pub fn on_stop(&mut self, now: Nanos) {
        self.desk.begin(now);
        self.work_off_due();
        self.call(Strategy::on_stop);
        self.desk.operator.clear();
        self.desk.stop_trading(RejectReason::Killed);
    }

    /// Writes the whole state, the strategy's with it. What the last input brought about is not in
    /// it: save when it is dealt with. O(state).
    ///
    /// # Errors
    ///
    /// [`NoSnapshot`] when the strategy cannot write down its own; nothing is written.
    pub fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        snapshot::save(&self.desk, &self.strategy, out)
    }

    /// Takes over a state, the strategy's with it, before the first input: from here on the core is
    /// the one that was saved. O(state).
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] names what is wrong; the core is not to be used after it.
    pub fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        snapshot::load(&mut self.desk, Some(&mut self.strategy), input)
    }

    /// As [`Core::load`], for a strategy that keeps nothing from input to input, whichever
    /// strategy's state was saved.
    ///
    /// # Errors
    ///
    /// As [`Core::load`].
    pub fn load_without_strategy(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        snapshot::load::<S>(&mut self.desk, None, input)
    }

    /// The strategy alone; what else there was is gone.
    #[must_use]
    pub fn into_strategy(self) -> S {
        self.strategy
    }

    /// What the last input brought about, in order.
    #[inline]
    #[must_use]
    pub fn outputs(&self) -> &[Emitted] {
        &self.desk.outputs
    }

    /// When something is due without an input (a timer, the simulated venue); the host then sends
    /// [`Event::clock`]. `None` when nothing is.
    #[inline]
    #[must_use]
    pub fn next_due(&self) -> Option<Nanos> {
        self.desk.next_due()
    }

    /// The latest time the core was told.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.desk.now
    }

    /// The latest time of the exchange.
    #[must_use]
    pub const fn exchange_time(&self) -> Nanos {
        self.desk.exchange_time
    }

    /// The instruments.
    #[must_use]
    pub const fn instruments(&self) -> &InstrumentTable {
        &self.desk.instruments
    }

    /// The books of the market.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.desk.books
    }

    /// What an event will look up in the books, for a [`ReadAhead`](crate::book::ReadAhead).
    #[inline]
    #[must_use]
    pub fn upcoming(&self, event: &Event) -> Upcoming {
        self.desk.upcoming(event)
    }

    /// The own orders.
    #[must_use]
    pub const fn orders(&self) -> &Orders {
        &self.desk.orders
    }

    /// The positions.
    #[must_use]
    pub const fn positions(&self) -> &Positions {
        &self.desk.positions
    }

    /// Profit of the session, realised and not, before charges.
    #[must_use]
    pub fn profit(&self) -> Money {
        self.desk.profit()
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.desk.counters
    }

    /// Refused requests by reason, reasons that never occurred left out.
    pub fn refusals(&self) -> impl Iterator<Item = (RejectReason, u64)> {
        let pairs = RejectReason::ALL.iter().copied().zip(self.desk.refusals);
        pairs.filter(|&(_, count)| count > 0)
    }

    /// Why trading is stopped for good, `None` while it is not.
    #[must_use]
    pub const fn stopped(&self) -> Option<RejectReason> {
        self.desk.risk.stopped()
    }

    /// Whether an operator has paused trading.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.desk.risk.is_paused()
    }

    /// Whether orders may only reduce risk.
    #[must_use]
    pub fn is_reducing(&self) -> bool {
        self.desk.collateral.as_ref().is_some_and(|it| it.is_reducing())
    }

    /// How many limits are used beyond the marks that alerts are told at; nought while there are none.
    #[must_use]
    pub const fn limits_near(&self) -> u32 {
        self.desk.limits_near()
    }

    /// What operators began and is not done.
    #[must_use]
    pub fn operator_work(&self) -> OperatorWork {
        self.desk.operator.work()
    }

    /// How many actions of operators the core was told.
    #[must_use]
    pub const fn controls(&self) -> u64 {
        self.desk.operator.count()
    }

    /// How each of several strategies stands; none where there is only one.
    pub fn strategies(&self) -> impl Iterator<Item = StrategyView<'_>> {
        self.desk.ledgers.iter().map(|view| StrategyView {
            open_orders: self.desk.orders.open_count_of(view.id),
            ..view
        })
    }

    /// How each account stands, in order of number; none where none was declared.
    pub fn accounts(&self) -> impl Iterator<Item = AccountView<'_>> {
        self.desk.ledgers.each_account().map(|view| AccountView {
            open_orders: self.desk.orders.open_count_of_account(view.id),
            open_value: self.desk.orders.open_value_of_account(view.id),
            ..view
        })
    }

    /// What a limit is set to.
    #[must_use]
    pub fn limit(&self, limit: Limit) -> i64 {
        limit.get(self.desk.risk.limits(), self.desk.guards.limits())
    }

    /// How far the profit is below the day's highest, and below the last minute's.
    #[must_use]
    pub fn losses(&self) -> (Money, Money) {
        let losses = &self.desk.losses;
        (losses.drawdown(), losses.lost_in_minute(self.desk.now))
    }

    /// Whether the instrument's book may be wrong because messages are lost.
    #[must_use]
    pub fn is_stale(&self, instrument: InstrumentId) -> bool {
        self.desk.is_stale(instrument)
    }

    /// Whether and how an instrument trades, as far as the exchange said.
    #[must_use]
    pub fn status(&self, instrument: InstrumentId) -> TradingStatus {
        self.desk.status(instrument)
    }

    /// The last price the market traded the instrument at, or the value of an index.
    #[must_use]
    pub fn last_trade(&self, instrument: InstrumentId) -> Option<Px> {
        self.desk.tape.get(instrument.index()).and_then(|tape| tape.last_trade)
    }

    /// Units the market traded since the start, as far as seen, less what was taken back.
    #[must_use]
    pub fn volume(&self, instrument: InstrumentId) -> u64 {
        self.desk.tape.get(instrument.index()).map_or(0, |tape| tape.volume)
    }

    /// The most order messages that left in one second of the clock.
    #[must_use]
    pub const fn messages_peak(&self) -> u32 {
        self.desk.risk.messages_peak()
    }

    /// How the session with the venue outside the core stands, `None` while nobody said.
    #[must_use]
    pub const fn session(&self) -> Option<OrderSessionState> {
        self.desk.risk.session()
    }

    /// The strategy.
    #[must_use]
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// The strategy, to prepare it for the next input.
    pub const fn strategy_mut(&mut self) -> &mut S {
        &mut self.strategy
    }

    /// The hash of everything a replay must reproduce: instruments, books, own orders, positions,
    /// the simulated venue, refusals. The strategy's own state is not in it. O(state).
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.desk.state_hash()
    }

    /// Checks every invariant by brute force. For tests and replays; O(state).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let Desk { books, orders, guards, collateral, .. } = &self.desk;
        books.is_consistent()
            && orders.is_consistent()
            && guards.is_consistent()
            && collateral.as_ref().is_none_or(|it| it.is_consistent())
            && self.desk.are_holdings_consistent()
    }

    /// Timers and the venue, in order of time; of the same time, the venue first.
    #[inline]
    fn work_off_due(&mut self) {
        if self.desk.next_due().is_none_or(|due| due > self.desk.now) {
            return;
        }
        for _ in 0..Self::DUE_MAX {
            if !self.desk.has_room(4) || !self.work_off_one() {
                return;
            }
        }
    }

    fn work_off_one(&mut self) -> bool {
        let now = self.desk.now;
        let timer = self.desk.timers.next_due().filter(|&due| due <= now);
        let venue = self.desk.venue.as_ref().and_then(|venue| venue.next_due());
        if let Some(due) = venue.filter(|&due| due <= now)
            && timer.is_none_or(|timer| due <= timer)
        {
            // Only up to the timer: what it asks for must not see what comes after it.
            let until = timer.unwrap_or(now);
            let Desk { venue, books, instruments, .. } = &mut self.desk;
            let segment = |id| instruments.get(id).map_or(0, |state| state.definition.segment_code);
            let report = venue.as_mut().and_then(|venue| venue.poll(until, books, segment));
            if let Some(report) = report {
                self.desk.emit(Origin::CORE, Output::Report(report));
                // The venue is ours and keeps its protocol; a refusal is counted by the orders.
                let _ = self.apply_report(&report);
            }
            return true;
        }
        let Some((timer, owner)) = self.desk.timers.take_due(now) else { return false };
        self.call_of(owner, |it, ctx| it.on_timer(ctx, timer));
        true
    }

    fn apply_report(&mut self, report: &ExecutionReport) -> Result<(), ReportError> {
        let Some(applied) = self.desk.on_report(report)? else { return Ok(()) };
        let Applied { order, status_before, filled } = applied;
        let update = OrderUpdate { order, status_before };
        self.call_of(order.strategy, |it, ctx| it.on_order(ctx, &update));
        if let Some((price, quantity)) = filled {
            let fill = own_fill(&order, price, quantity, report);
            self.call_of(order.strategy, |it, ctx| it.on_fill(ctx, &fill));
        }
        debug_assert!(order.status != OrderStatus::PendingNew, "a report confirms the order");
        Ok(())
    }

    /// A call about something of one strategy among several.
    #[inline]
    fn call_of(&mut self, owner: StrategyId, call: impl FnOnce(&mut S, &mut Context<'_>)) {
        self.desk.strategy = owner;
        self.call(call);
        self.desk.strategy = StrategyId::NONE;
    }

    #[inline]
    fn call(&mut self, call: impl FnOnce(&mut S, &mut Context<'_>)) {
        self.desk.origin = Origin(self.desk.origin.0.saturating_add(1));
        call(&mut self.strategy, &mut Context { desk: &mut self.desk, kernel: &self.kernel });
    }
}

fn own_fill(order: &Order, price: Px, quantity: Qty, report: &ExecutionReport) -> Fill {
    Fill {
        client_order_id: order.client_order_id,
        instrument: order.instrument,
        side: order.side,
        price,
        quantity,
        is_passive: report.passive != 0,
    }
}
