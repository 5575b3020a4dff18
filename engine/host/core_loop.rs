//! The core's thread: takes events out of the ring, journals them, acts, journals what came of it.
//!
//! One writer of all state. Nothing reaches the core before it is in the journal: when the journal
//! refuses a record, the loop ends there.

use std::sync::atomic::{AtomicBool, Ordering};

use bytemuck::Zeroable;
use tezi_core::book::ReadAhead;
use tezi_core::collateral::Valuation;
use tezi_core::control::Control;
use tezi_core::oms::OrderSessionState;
use tezi_core::pricing::PricingKernel;
use tezi_core::roster::StopCause;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, Emitted, Opening, Output, Probe, Stage};
use tezi_journal::JournalError;
use tezi_model::{
    Event, ExecutionKind, ExecutionReport, Instrument, Nanos, RejectReason, StrategyId, StreamId,
};
use tezi_ring::Consumer;

use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::control::{CoreSeat, own_uid};
use crate::host::Host;
use crate::latency::{PathStage, StageRecorder};
use crate::observer::CoreWatch;
use crate::order_path::OrderWay;
use crate::orders::{CommandOrigin, Incoming, LocalRefusal, refused};
use crate::progress::{Progress, TradingState};
use crate::recorder::Recorder;

/// Where the core's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeSource {
    /// The clock, read once per batch.
    Clock,
    /// The receive times of the events: a replay is then the same every time.
    Events,
}

/// Stamps the stages inside the core.
struct StageStamps<'a> {
    clock: &'a Clock,
    book: u64,
    strategy: u64,
}

impl Probe for StageStamps<'_> {
    #[inline]
    fn reached(&mut self, stage: Stage) {
        match stage {
            Stage::Book => self.book = self.clock.raw(),
            Stage::Strategy => self.strategy = self.clock.raw(),
        }
    }
}

/// Events on their way from the ring to large books, whose lines are read ahead of them.
pub(crate) struct Arrivals {
    /// Each with its receive stamp.
    events: Box<[(Event, u64)]>,
    count: usize,
    ahead: ReadAhead,
}

impl Default for Arrivals {
    fn default() -> Self {
        let events = vec![(Event::zeroed(), 0); Self::BATCH].into_boxed_slice();
        Self { events, count: 0, ahead: ReadAhead::default() }
    }
}

impl Arrivals {
    /// Events at once: four times the distance, so that what is read ahead is most of them, and few
    /// enough to stay in the first-level cache beside what is read.
    const BATCH: usize = 4 * ReadAhead::DISTANCE;

    /// Takes what is in the ring, up to a batch.
    fn fill(&mut self, ring: &mut Consumer<Event>) {
        let mut places = self.events.iter_mut();
        self.count = ring.drain(Self::BATCH, |event, raw| {
            if let Some(place) = places.next() {
                *place = (*event, raw);
            }
        });
    }

    /// The event at a place of the batch.
    fn get(&self, place: usize) -> Option<(Event, u64)> {
        self.events[..self.count].get(place).copied()
    }

    /// Reads ahead for the event at a place, or lets those before it go on.
    #[inline]
    fn look_at<S: Strategy, K: PricingKernel>(&mut self, core: &Core<S, K>, place: usize) {
        match self.events[..self.count].get(place) {
            Some((event, _)) => self.ahead.push(core.books(), &core.upcoming(event)),
            None => self.ahead.pass(core.books()),
        }
    }
}

/// Who sets the limits of the configuration, as a journal has it.
pub(crate) const CONFIGURED: &str = "configuration";

/// Who stops a strategy that takes too long, as a journal has it.
const BUDGET: &str = "time budget";

/// What a session begins with, beside its limits.
#[derive(Default)]
pub(crate) struct Beginning {
    /// What the core is told before the start, in order, that it was not told yet.
    pub(crate) openings: Vec<Opening>,
    /// What comes before anything else, where the session is taken up again.
    pub(crate) taken_up: Option<TakenUp>,
}

/// What a session that is taken up again begins with.
pub(crate) struct TakenUp {
    /// Who runs.
    pub(crate) session: String,
    pub(crate) has_started: bool,
    /// Outputs of the last input that the journal lacks.
    pub(crate) unwritten: Vec<Emitted>,
    /// Instruments that the journal does not know, and the core does by now.
    pub(crate) instruments: Vec<Instrument>,
    /// Streams whose books begin again.
    pub(crate) streams: Vec<StreamId>,
}

/// How a turn of the loop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There was something to do.
    Busy,
    /// There was nothing to do.
    Idle,
    /// There will be nothing more to do.
    Over,
}

/// An end whose answers are awaited.
pub(crate) struct Ending {
    /// When the clock goes on next, for cancels that were refused.
    next_step: Nanos,
    /// When it is waited no longer.
    until: Nanos,
}

/// Everything the core's thread owns.
pub(crate) struct CoreLoop<'a, S, K> {
    pub(crate) core: Core<S, K>,
    pub(crate) recorder: Recorder,
    pub(crate) orders: OrderWay,
    /// Where operators ask, when they can.
    pub(crate) control: Option<CoreSeat>,
    /// Limits and the risk file are set before the session begins.
    pub(crate) host: &'a Host,
    pub(crate) stages: StageRecorder,
    /// Whom to tell what goes on, when somebody looks on.
    pub(crate) watch: Option<CoreWatch<'a>>,
    pub(crate) clock: &'a Clock,
    pub(crate) progress: &'a Progress,
    pub(crate) time_source: TimeSource,
    pub(crate) arrivals: Arrivals,
}

impl<S: Strategy, K: PricingKernel> CoreLoop<'_, S, K> {
    /// Events taken from the ring before other duties have their turn.
    const BATCH: usize = 256;
    /// Reports of an order session taken before market events have their turn again.
    const REPORTS_BATCH: usize = 64;

    /// Begins the session, or takes it up again. An order session is down until it says otherwise.
    pub(crate) fn begin(
        &mut self,
        now: Nanos,
        beginning: Option<Beginning>,
    ) -> Result<(), JournalError> {
        let Beginning { openings, taken_up } = beginning.unwrap_or_default();
        let Some(beginning) = taken_up else { return self.start(now, &openings) };
        let now = now.max(self.core.now());
        for emitted in &beginning.unwritten {
            self.recorder.output(now, emitted)?;
        }
        self.recorder.resume(now, &beginning.session)?;
        for definition in &beginning.instruments {
            self.recorder.instrument(now, definition)?;
        }
        if !beginning.has_started {
            return self.start(now, &openings);
        }
        for emitted in &beginning.unwritten {
            if let Output::Command(command) = &emitted.output {
                self.on_report(now, &refused(command, LocalRefusal::Restart, now))?;
            }
        }
        if matches!(self.orders, OrderWay::Session(_)) {
            self.on_session(now, OrderSessionState::Down)?;
        }
        // What the market did meanwhile is for the feed to tell, from the beginning.
        for stream in beginning.streams {
            self.on_event(now, &Event::stream_reset(stream, now))?;
        }
        self.orders.learn(self.core.instruments());
        Ok(())
    }

    fn start(&mut self, now: Nanos, openings: &[Opening]) -> Result<(), JournalError> {
        if let Some(file) = &self.host.risk_file {
            let lines: Vec<Valuation> = file.lines(self.core.instruments()).collect();
            for line in &lines {
                self.recorder.valuation(now, line)?;
                // What has no room is not valued, and under a limit on margin not traded.
                let _ = self.core.on_valuation(now, line);
            }
        }
        let uid = own_uid().unwrap_or(u32::MAX);
        for control in &self.host.limits {
            self.recorder.control(now, control, uid, CONFIGURED.as_bytes(), b"")?;
            // Checked when the host was configured.
            let _ = self.core.on_control(now, control);
        }
        for opening in openings {
            self.recorder.opening(now, opening)?;
            let told = self.core.on_opening(now, opening);
            assert!(told.is_ok(), "the core takes what was held against it: {told:?}");
            // Positions may use much of a limit already.
            self.drain_outputs(now, 0)?;
        }
        if matches!(self.orders, OrderWay::Session(_)) {
            self.on_session(now, OrderSessionState::Down)?;
        }
        self.recorder.start(now)?;
        self.core.on_start(now);
        self.orders.learn(self.core.instruments());
        self.drain_outputs(now, 0).map(|_| ())
    }

    /// Runs until the feed has ended and the ring is empty, or `stop` is set; ends at once with the
    /// error of a journal that refuses a record. In each turn what the order session says comes
    /// first, so that no decision is made on orders that are known to be others; then what an operator
    /// asks; then the market; and when there was none of these, what is due.
    pub(crate) fn run(
        &mut self,
        ring: &mut Consumer<Event>,
        stop: &AtomicBool,
    ) -> Result<(), JournalError> {
        let mut backoff = Backoff::default();
        loop {
            match self.turn(ring, stop)? {
                Turn::Over => return Ok(()),
                Turn::Busy => backoff.reset(),
                Turn::Idle => backoff.wait(),
            }
        }
    }

    /// One turn of [`CoreLoop::run`].
    #[inline]
    pub(crate) fn turn(
        &mut self,
        ring: &mut Consumer<Event>,
        stop: &AtomicBool,
    ) -> Result<Turn, JournalError> {
        // Asked before looking into the ring, so that nothing pushed before the end is missed.
        let is_last = ring.is_abandoned();
        let has_reports = (self.take_reports()? > 0) | self.take_control()?;
        if ring.is_empty() {
            if is_last || stop.load(Ordering::Relaxed) {
                return Ok(Turn::Over);
            }
            if has_reports {
                return Ok(Turn::Busy);
            }
            self.on_idle()?;
            return Ok(Turn::Idle);
        }
        let raw = self.clock.raw();
        let now = self.clock.time(raw);
        if self.core.books().is_worth_reading_ahead() {
            self.take_ahead(ring, now)?;
        } else {
            ring.try_drain(Self::BATCH, |event, raw| self.on_received(now, event, raw))?;
        }
        self.recorder.look(self.clock, &mut self.stages)?;
        self.publish_progress();
        self.observe(raw, now);
        Ok(Turn::Busy)
    }

    /// Takes what is in the ring, reading ahead what the books will look up for it. One event alone
    /// is acted on at once, like any other: nothing waits for a batch to fill.
    fn take_ahead(&mut self, ring: &mut Consumer<Event>, now: Nanos) -> Result<(), JournalError> {
        self.arrivals.fill(ring);
        let count = self.arrivals.count;
        if count > 1 {
            (0..ReadAhead::DISTANCE).for_each(|place| self.arrivals.look_at(&self.core, place));
        }
        for place in 0..count {
            if count > 1 {
                self.arrivals.look_at(&self.core, place + ReadAhead::DISTANCE);
            }
            if let Some((event, received_raw)) = self.arrivals.get(place) {
                self.on_received(now, &event, received_raw)?;
            }
        }
        Ok(())
    }

    /// Ends the session: the strategy is told, open orders are cancelled and the answers awaited.
    pub(crate) fn stop(&mut self) -> Result<Option<RejectReason>, JournalError> {
        let stopped_before = self.core.stopped();
        if let Some(mut ending) = self.begin_stop()? {
            let mut backoff = Backoff::default();
            loop {
                match self.stop_turn(&mut ending)? {
                    Turn::Over => break,
                    Turn::Busy => backoff.reset(),
                    Turn::Idle => backoff.wait(),
                }
            }
        }
        Ok(stopped_before)
    }

    /// Tells the strategy that the session ends, and cancels what is open; what is to be awaited, if
    /// the answers come from outside.
    pub(crate) fn begin_stop(&mut self) -> Result<Option<Ending>, JournalError> {
        let mut now = self.now();
        self.recorder.stop(now)?;
        self.core.on_stop(now);
        self.drain_outputs(now, 0)?;
        if let OrderWay::Session(link) = &self.orders {
            let timeout = i64::try_from(link.stop_timeout.as_nanos()).unwrap_or(i64::MAX);
            let next_step = self.now();
            return Ok(Some(Ending { next_step, until: next_step.plus(timeout) }));
        }
        // Commands and reports on their way need a few steps of time; a strategy that sets timers
        // for ever is not waited for.
        for _ in 0..64 {
            let Some(due) = self.core.next_due() else { break };
            now = now.plus(1).max(due);
            self.on_event(now, &Event::clock(now))?;
        }
        self.publish_progress();
        Ok(None)
    }

    /// One turn of waiting for the exchange's answers on open orders; the clock goes on, so that a
    /// cancel which was refused is tried again.
    pub(crate) fn stop_turn(&mut self, ending: &mut Ending) -> Result<Turn, JournalError> {
        const STEP_NS: i64 = 100_000_000;
        if self.take_reports()? > 0 || self.take_control()? {
            return Ok(Turn::Busy);
        }
        let now = self.now();
        self.observe(self.clock.raw(), now);
        if self.core.orders().open_count() == 0 || now >= ending.until {
            self.publish_progress();
            return Ok(Turn::Over);
        }
        if now >= ending.next_step {
            ending.next_step = now.plus(STEP_NS);
            self.on_event(now, &Event::clock(now))?;
        }
        Ok(Turn::Idle)
    }

    /// Takes what the order session says, up to a batch; how much it was.
    #[inline]
    fn take_reports(&mut self) -> Result<usize, JournalError> {
        for count in 0..Self::REPORTS_BATCH {
            let Some(incoming) = self.orders.next_incoming() else { return Ok(count) };
            let now = self.clock.now();
            match incoming {
                Incoming::Report(report) => self.on_report(now, &report)?,
                Incoming::TradeCanceled(report) => self.on_trade_canceled(now, &report)?,
                Incoming::Session(state) => self.on_session(now, state)?,
            }
            self.publish_progress();
        }
        Ok(Self::REPORTS_BATCH)
    }

    fn on_report(&mut self, now: Nanos, report: &ExecutionReport) -> Result<(), JournalError> {
        self.recorder.report(now, report)?;
        // A report that cannot be is counted and changes nothing.
        let _ = self.core.on_report(now, report);
        if let Some(watch) = &mut self.watch
            && report.kind() == Some(ExecutionKind::Fill)
        {
            watch.on_fill(report.client_order_id, &self.core);
        }
        self.drain_outputs(now, 0).map(|_| ())
    }

    #[cold]
    fn on_trade_canceled(
        &mut self,
        now: Nanos,
        report: &ExecutionReport,
    ) -> Result<(), JournalError> {
        self.recorder.trade_canceled(now, report)?;
        // One of a trade that was never told is counted and changes nothing.
        let _ = self.core.on_trade_canceled(now, report);
        self.drain_outputs(now, 0).map(|_| ())
    }

    fn on_session(&mut self, now: Nanos, state: OrderSessionState) -> Result<(), JournalError> {
        self.recorder.order_session(now, state)?;
        self.core.on_session(now, state);
        self.progress.set_orders_live(state == OrderSessionState::Live);
        if let Some(watch) = &mut self.watch {
            watch.on_session(now, state);
        }
        self.drain_outputs(now, 0).map(|_| ())
    }

    /// The time of what has none of its own.
    pub(crate) fn now(&self) -> Nanos {
        match self.time_source {
            TimeSource::Clock => self.clock.now().max(self.core.now()),
            TimeSource::Events => self.core.now(),
        }
    }

    /// Lets timers and the venue go on while no event comes, and the journal say how far it is.
    fn on_idle(&mut self) -> Result<(), JournalError> {
        self.recorder.look(self.clock, &mut self.stages)?;
        let raw = self.clock.raw();
        let now = self.clock.time(raw);
        self.observe(raw, now);
        if self.time_source == TimeSource::Events {
            return Ok(());
        }
        if self.core.next_due().is_some_and(|due| due <= now) {
            self.on_event(now, &Event::clock(now))?;
        }
        Ok(())
    }

    #[inline]
    fn on_received(
        &mut self,
        now: Nanos,
        event: &Event,
        received_raw: u64,
    ) -> Result<(), JournalError> {
        let now = match self.time_source {
            TimeSource::Clock => now,
            TimeSource::Events => event.receive_time.max(self.core.now()),
        };
        let clock = self.clock;
        let taken = clock.raw();
        self.recorder.event(now, event)?;
        let journaled = clock.raw();
        let mut stamps = StageStamps { clock, book: journaled, strategy: journaled };
        self.core.on_event_probed(now, event, &mut stamps);
        let StageStamps { book, strategy, .. } = stamps;
        let between = |stage, start, end| (stage, clock.between(start, end));
        let stages = [
            between(PathStage::Ring, received_raw, taken),
            between(PathStage::Journal, taken, journaled),
            between(PathStage::Book, journaled, book),
            between(PathStage::Strategy, book, strategy),
        ];
        stages.into_iter().for_each(|(stage, ns)| self.stages.record(stage, ns));
        if let Some(watch) = &mut self.watch {
            watch.on_event(now, event);
        }
        let has_left = self.drain_outputs(now, received_raw)?;
        if let Some(strategy) = self.core.strategy_mut().take_over_budget() {
            self.stop_over_budget(strategy)?;
        }
        if has_left {
            let sent = clock.raw();
            self.stages.record(PathStage::Order, clock.between(strategy, sent));
            let whole = clock.between(received_raw, sent);
            self.stages.record(PathStage::TickToOrder, whole);
        }
        Ok(())
    }

    /// Stops a strategy that took too long too often: an input, for a replay measures no time.
    #[cold]
    fn stop_over_budget(&mut self, strategy: StrategyId) -> Result<(), JournalError> {
        let control = Control::StopStrategy { strategy, cause: StopCause::Budget };
        let (now, uid) = (self.now(), own_uid().unwrap_or(u32::MAX));
        let why = b"calls over the time budget";
        let sequence = self.recorder.control(now, &control, uid, BUDGET.as_bytes(), why)?;
        // The strategy is one of the core's.
        let _ = self.core.on_control(now, &control);
        if let Some(watch) = &mut self.watch {
            watch.on_control(now, &control, sequence);
        }
        self.drain_outputs(now, 0).map(|_| ())
    }

    fn on_event(&mut self, now: Nanos, event: &Event) -> Result<(), JournalError> {
        self.recorder.event(now, event)?;
        self.core.on_event(now, event);
        self.drain_outputs(now, 0).map(|_| ())
    }

    /// Journals what the last input brought about and sends on what leaves; whether anything left.
    /// `caused` is the raw stamp of the packet that was the input, 0 when none was.
    #[inline]
    fn drain_outputs(&mut self, now: Nanos, caused: u64) -> Result<bool, JournalError> {
        if self.core.outputs().is_empty() {
            return Ok(false);
        }
        self.orders.learn(self.core.instruments());
        let mut has_left = false;
        for emitted in self.core.outputs() {
            let sequence = self.recorder.output(now, emitted)?;
            if let Some(watch) = &mut self.watch {
                watch.on_output(now, emitted, &self.core);
            }
            if let Output::Command(command) = &emitted.output {
                let origin = CommandOrigin { caused, sequence };
                self.orders.send(command, origin, self.clock, now);
                has_left = true;
            }
        }
        Ok(has_left)
    }

    /// As [`CoreLoop::drain_outputs`], of an input that no packet caused.
    pub(crate) fn drain(&mut self, now: Nanos) -> Result<(), JournalError> {
        self.drain_outputs(now, 0)?;
        self.publish_progress();
        Ok(())
    }

    /// Hands over what those who look on are due: one comparison when that is nothing.
    #[inline]
    fn observe(&mut self, raw: u64, now: Nanos) {
        if self.stages.is_due(raw) {
            self.publish_figures(now);
        }
    }

    #[cold]
    pub(crate) fn publish_figures(&mut self, now: Nanos) {
        if let Some(watch) = &mut self.watch {
            watch.publish(now, &self.core, self.recorder.stats(), self.stages.late_count());
        }
    }

    fn publish_progress(&self) {
        let counters = self.core.counters();
        let orders = counters.new_orders + counters.replaces + counters.cancels;
        self.progress.set(counters.events, orders, counters.fills, self.core.profit());
        self.progress.set_trading(if self.core.stopped().is_some() {
            TradingState::Stopped
        } else if self.core.is_paused() {
            TradingState::Paused
        } else if self.core.is_reducing() {
            TradingState::Reducing
        } else {
            TradingState::Trading
        });
    }
}
