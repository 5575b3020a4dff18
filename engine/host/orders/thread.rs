//! The thread that carries orders: the socket, the session, and the rings to the core.
//!
//! Each turn takes commands, writes, reads, lets time pass and hands on what the session says, in
//! that order, each in a bounded batch. Once the core has gone, it ends: what is open is looked
//! after, the user signs off, the connection is closed. It decides nothing about orders.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddrV4;

use tezi_core::InstrumentTable;
use tezi_core::oms::OrderSessionState;
use tezi_gateway::nnf::client::{Endpoint, Event, LocalReason, Origin, Session};
use tezi_gateway::nnf::{Notice, NoticeKind};
use tezi_model::{AccountDefinition, AccountId, ExecutionKind, ExecutionReport, Nanos, Qty};
use tezi_ring::Item;

use super::config::{OrderSessionConfig, UnknownOrders};
use super::link::{Incoming, Outgoing, ThreadEnd};
use super::refusal::{LocalRefusal, refused};
use super::report::{OpenOrder, OrdersReport, describe};
use super::stamps::Stamps;
use super::transport::Connection;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::error::Error;
use crate::latency::{Latencies, StageRecorder};
use crate::observer::{OrdersFigures, Shared};
use crate::replication::Gate;
use crate::resume::OrdersOfTheDay;
use crate::tcp::Dialer;

/// Bytes read at once.
const READ_SIZE: usize = 16 << 10;
/// Things that one turn may want to tell at most, beside those it asks for room before.
const HELD_MAX: usize = 16;
/// Endings of connections remembered: of more, the latest.
const ENDINGS_MAX: usize = 16;
/// Unknown orders named in the report.
const UNKNOWN_MAX: usize = 1_024;

/// How far the thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Carries orders while the session is live, and waits while it is not.
    Running,
    /// The session is live; orders that the core does not know are being cancelled first.
    Clearing { until: Nanos },
    /// The core has gone with orders open: the exchange is asked to cancel them.
    Cancelling { until: Nanos },
    /// The user signs off.
    SigningOff { until: Nanos },
    /// Nothing more to do.
    Done,
}

/// Everything the thread owns.
pub(crate) struct OrdersThread {
    config: OrderSessionConfig,
    session: Session,
    link: ThreadEnd,
    connection: Option<Connection>,
    /// Opens connections.
    pub(crate) dialer: Dialer,
    stage: Stage,
    /// What the core was told last.
    told: OrderSessionState,
    /// What found no room in the ring: nothing else is told before it. A turn adds a few at most, and
    /// while any wait neither commands nor events are taken.
    held: VecDeque<Incoming>,
    stamps: Stamps,
    /// What commands wait for, when they do.
    gate: Option<Gate>,
    /// The next command, while it waits. Those behind it wait in the ring.
    waiting: Option<Item<Outgoing>>,
    buffer: Box<[u8]>,
    /// What was read and not taken yet: `buffer[taken..filled]`, read at `read_raw`.
    taken: usize,
    filled: usize,
    read_raw: u64,
    refused: [u64; LocalRefusal::ALL.len()],
    report: OrdersReport,
    #[cfg(feature = "tls")]
    tls: Option<super::tls::TlsSetup>,
}

impl OrdersThread {
    /// Commands taken in one turn.
    const BATCH: usize = 64;

    /// A thread's worth of everything, ready to run.
    pub(crate) fn new(
        config: &OrderSessionConfig,
        instruments: &InstrumentTable,
        capacity: &tezi_core::Capacity,
        link: ThreadEnd,
    ) -> Result<Self, Error> {
        let wrong = |what: String| Error::Parameter(format!("order session: {what}"));
        let client = config.client(capacity.instruments_max);
        let mut session = Session::in_segment(&client, config.segment)
            .map_err(|error| wrong(error.to_string()))?;
        let mut report = OrdersReport::default();
        for (id, state) in instruments.iter() {
            let definition = &state.definition;
            let underlying = config.underlying(definition);
            // What NNF cannot name stays undefined: an order in it is refused, and counted.
            let is_named = session.define(id, definition, underlying).is_ok();
            report.instruments += usize::from(is_named);
        }
        #[cfg(not(feature = "tls"))]
        if config.tls.is_some() {
            let how = "this build has no TLS; build with `--features tls`, or leave it off for a \
                       simulated exchange";
            return Err(wrong(how.into()));
        }
        Ok(Self {
            session,
            link,
            connection: None,
            dialer: Dialer::default(),
            stage: Stage::Running,
            told: OrderSessionState::Down,
            held: VecDeque::with_capacity(HELD_MAX),
            stamps: Stamps::new(capacity.own_orders_max, config.ring_slots),
            gate: None,
            waiting: None,
            buffer: vec![0; READ_SIZE].into_boxed_slice(),
            taken: 0,
            filled: 0,
            read_raw: 0,
            refused: [0; LocalRefusal::ALL.len()],
            report,
            #[cfg(feature = "tls")]
            tls: config.tls.as_ref().map(super::tls::TlsSetup::new).transpose()?,
            config: config.clone(),
        })
    }

    /// Makes an account known: its commands say for whom they are. Before [`OrdersThread::run`].
    pub(crate) fn declare(
        &mut self,
        account: AccountId,
        definition: &AccountDefinition,
    ) -> Result<(), Error> {
        let identity = self.config.client(0).identity;
        self.session
            .declare(account, definition, &identity)
            .map_err(|error| Error::Parameter(format!("account {}: {error}", definition.name())))
    }

    /// Takes over the orders of an earlier process of the day. Before [`OrdersThread::run`].
    pub(crate) fn take_over(&mut self, orders: &OrdersOfTheDay, now: Nanos) -> Result<(), Error> {
        for order in &orders.open {
            self.session.resume_order(order, now).map_err(|error| {
                let number = order.client_order_id;
                Error::Parameter(format!("order {number} cannot be taken over: {error}"))
            })?;
        }
        if let Some(order_id) = orders.closed.iter().find(|&&it| !self.session.resume_closed(it)) {
            let what =
                format!("more orders in the journal than of a day: {order_id} finds no room");
            return Err(Error::Parameter(what));
        }
        self.report.taken_over = orders.open.len();
        Ok(())
    }

    /// Lets each command leave only when a promise is kept for its record.
    pub(crate) fn wait_for(&mut self, gate: Gate) {
        self.gate = Some(gate);
    }

    /// Runs until the core has gone and the session has ended. Latencies go to `stages`, figures to
    /// `shared` where somebody looks on.
    pub(crate) fn run(
        mut self,
        clock: &Clock,
        stages: StageRecorder,
        shared: Option<&Shared>,
    ) -> (OrdersReport, Latencies) {
        let mut backoff = Backoff::default();
        self.start(clock, stages);
        while !self.is_done() {
            if self.turn(clock) == 0 {
                backoff.wait();
            } else {
                backoff.reset();
            }
            if self.stamps.stages.is_due(clock.raw()) {
                self.publish(shared);
            }
        }
        self.publish(shared);
        self.finish(clock)
    }

    /// Before the first turn.
    pub(crate) fn start(&mut self, clock: &Clock, stages: StageRecorder) {
        self.stamps.stages = stages;
        self.session.start(clock.now());
    }

    /// Whether nothing more is to be done.
    pub(crate) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    #[cold]
    fn publish(&self, shared: Option<&Shared>) {
        let Some(Shared { boards, .. }) = shared else { return };
        boards.orders.store(&OrdersFigures::of(&self.report.counts));
        for (place, count) in self.refused.iter().enumerate() {
            boards.not_sent.store(place, *count);
        }
    }

    /// One turn; how much was done.
    pub(crate) fn turn(&mut self, clock: &Clock) -> usize {
        let now = clock.now();
        let mut done = self.take_commands(clock, now);
        done += self.transmit(clock, now);
        done += self.receive(clock, now);
        if now >= self.session.next_timeout() {
            self.session.on_timeout(now);
            done += 1;
        }
        done += self.tell_events(clock, now);
        done += self.transmit(clock, now);
        self.go_on(now);
        done
    }

    fn take_commands(&mut self, clock: &Clock, now: Nanos) -> usize {
        for count in 0..Self::BATCH {
            // A refusal must find room before the next command is taken.
            if !self.held.is_empty() {
                return count;
            }
            let Some(item) = self.waiting.take().or_else(|| self.link.commands.pop()) else {
                return count;
            };
            match self.may_leave(&item, clock) {
                None => {
                    self.waiting = Some(item);
                    return count;
                }
                Some(_) if item.payload.is_kill_switch() => self.kill_user(now),
                Some(Ok(())) => self.on_command(&item.payload, item.tag, now),
                Some(Err(reason)) => self.refuse(&item.payload, reason, now),
            }
        }
        Self::BATCH
    }

    /// Whether a command may leave, or why it never may; `None` while that is not known. Promises are
    /// kept in the order in which commands come, so none behind it could leave before it.
    #[inline]
    fn may_leave(
        &mut self,
        item: &Item<Outgoing>,
        clock: &Clock,
    ) -> Option<Result<(), LocalRefusal>> {
        let Some(gate) = &self.gate else { return Some(Ok(())) };
        // Asked before looking how far it is: a record that got there before the fault is there.
        let failed = gate.failed();
        if item.payload.is_at_or_before(gate.sequence()) {
            self.stamps.on_released(item.tag, clock);
            return Some(Ok(()));
        }
        failed.map(Err)
    }

    #[inline]
    fn on_command(&mut self, outgoing: &Outgoing, emitted: u64, now: Nanos) {
        let command = &outgoing.command;
        match self.session.on_command(command, now) {
            Ok(()) => {
                self.report.counts.sent += 1;
                let caused = outgoing.caused(emitted);
                self.stamps.on_request(command.client_order_id, emitted, caused);
            }
            Err(error) => self.refuse(outgoing, LocalRefusal::from(error), now),
        }
    }

    /// Asks the exchange to cancel every order of the user, those that the core does not know among them.
    /// What becomes of the journal is no reason not to.
    #[cold]
    fn kill_user(&mut self, now: Nanos) {
        let outcome = match self.session.kill_switch(None, now) {
            Ok(()) => "the exchange was asked to cancel every order of the user".into(),
            Err(error) => format!("the exchange's kill switch did not leave: {error}"),
        };
        self.note(outcome);
    }

    #[cold]
    fn refuse(&mut self, outgoing: &Outgoing, reason: LocalRefusal, now: Nanos) {
        let place = LocalRefusal::ALL.iter().position(|&other| other == reason);
        if let Some(count) = place.and_then(|place| self.refused.get_mut(place)) {
            *count += 1;
        }
        // A core that has gone waits for no answer to this.
        if !self.link.reports.is_abandoned() {
            self.tell(Incoming::Report(refused(&outgoing.command, reason, now)));
        }
    }

    /// Lets the socket take what waits; opens it first when that is due.
    fn transmit(&mut self, clock: &Clock, now: Nanos) -> usize {
        let Some(connection) = &mut self.connection else { return 0 };
        let mut was_full = false;
        let outcome = match connection.has_opened() {
            Ok(is_new) => {
                if is_new {
                    self.report.counts.connections += 1;
                    self.session.on_connected(now);
                }
                if !connection.is_open() {
                    return 0;
                }
                was_full = connection.has_unsent();
                let session = &mut self.session;
                connection.send(|buffer| session.poll_transmit(buffer))
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(size) => {
                self.report.counts.bytes_out += size as u64;
                if (size > 0 || was_full) && !connection.has_unsent() {
                    self.stamps.on_written(clock);
                }
                size
            }
            Err(error) => self.on_lost(&error, now),
        }
    }

    /// Reads, and passes on what the session has room for.
    fn receive(&mut self, clock: &Clock, now: Nanos) -> usize {
        if self.taken == self.filled {
            let Some(connection) = self.connection.as_mut().filter(|it| it.is_open()) else {
                return 0;
            };
            match connection.receive(&mut self.buffer) {
                Ok(None) => return 0,
                Ok(Some(size)) => {
                    self.report.counts.bytes_in += size as u64;
                    (self.taken, self.filled, self.read_raw) = (0, size, clock.raw());
                }
                Err(error) => return self.on_lost(&error, now),
            }
        }
        let size = self.session.on_bytes(&self.buffer[self.taken..self.filled], now);
        self.taken += size;
        size
    }

    fn on_lost(&mut self, error: &io::Error, now: Nanos) -> usize {
        self.end_of_connection(format!("{error}"));
        self.session.on_disconnected(now);
        self.tell_state(OrderSessionState::Down);
        1
    }

    fn end_of_connection(&mut self, why: String) {
        self.connection = None;
        (self.taken, self.filled) = (0, 0);
        self.stamps.on_lost();
        if self.report.endings.len() == ENDINGS_MAX {
            self.report.endings.remove(0);
        }
        self.report.endings.push(why);
    }

    /// Hands on what the session says while the ring has room.
    fn tell_events(&mut self, clock: &Clock, now: Nanos) -> usize {
        while let Some(held) = self.held.front()
            && self.push(*held)
        {
            self.held.pop_front();
        }
        let mut count = 0;
        while self.held.is_empty() {
            let Some(event) = self.session.poll_event() else { break };
            self.on_event(event, clock, now);
            count += 1;
        }
        count
    }

    fn on_event(&mut self, event: Event, clock: &Clock, now: Nanos) {
        match event {
            Event::Connect(endpoint) => self.connect(endpoint, now),
            Event::Disconnect(reason) => {
                // What the session still says goes out before the close: a sign-off's own answer
                // came already, and everything else has been given up.
                self.end_of_connection(describe(self.config.segment, reason));
                self.tell_state(OrderSessionState::Down);
            }
            Event::Live => self.on_live(now),
            Event::Report { report, origin } => self.on_report(&report, origin, clock),
            // The core sends no such orders: it is another terminal's, or an earlier process's.
            Event::Leg { .. } => self.report.counts.unknown_reports += 1,
            Event::Acknowledged { .. } => self.report.counts.acknowledged_by_gateway += 1,
            Event::Notice(notice) => self.on_notice(&notice),
            Event::Unanswered(_) => self.report.counts.unanswered += 1,
            Event::StreamOutage { stream, begins } => {
                let what = if begins { "failed" } else { "is back" };
                self.note(format!("stream {stream} of the matching engine {what}"));
            }
            Event::SignedOn | Event::MarketStatus(_) | Event::Malformed(_) => {}
        }
    }

    fn connect(&mut self, endpoint: Endpoint, now: Nanos) {
        (self.taken, self.filled) = (0, 0);
        let opened = match endpoint {
            Endpoint::Router => self.connect_to_router(),
            Endpoint::Gateway { address, port } => {
                Connection::plain(&self.dialer, SocketAddrV4::new(address, port))
            }
        };
        match opened {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => drop(self.on_lost(&error, now)),
        }
    }

    fn connect_to_router(&self) -> io::Result<Connection> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Connection::tls(self.config.router, tls);
        }
        Connection::plain(&self.dialer, self.config.router)
    }

    /// Signed on with everything known: orders may leave, once unknown ones are dealt with.
    fn on_live(&mut self, now: Nanos) {
        self.report.counts.signed_on += 1;
        let is_first = self.report.counts.signed_on == 1;
        let unknown = self.note_unknown();
        let has_own = self.session.open_orders().any(|(id, ..)| id.0 != 0);
        let cancel = self.config.unknown_orders == UnknownOrders::Cancel;
        if cancel && is_first && unknown > 0 && !has_own {
            if let Err(error) = self.session.kill_switch(None, now) {
                self.note(format!("unknown orders could not be cancelled: {error}"));
            } else {
                self.stage = Stage::Clearing { until: self.deadline(now) };
                return;
            }
        }
        self.tell_state(OrderSessionState::Live);
    }

    /// Takes down the open orders that the core does not know; how many there are.
    fn note_unknown(&mut self) -> usize {
        let unknown = open_orders(&self.session).filter(|order| order.client_order_id.0 == 0);
        let mut count = 0;
        for order in unknown {
            count += 1;
            let known = &mut self.report.unknown_orders;
            match known.iter().position(|other| other.order_id == order.order_id) {
                Some(place) => known[place] = order,
                None if known.len() < UNKNOWN_MAX => known.push(order),
                None => {}
            }
        }
        count
    }

    fn on_report(&mut self, report: &ExecutionReport, origin: Origin, clock: &Clock) {
        let id = report.client_order_id;
        let counts = &mut self.report.counts;
        if id.0 == 0 {
            counts.unknown_reports += 1;
            return;
        }
        let kind = report.kind();
        let is_answer =
            kind != Some(ExecutionKind::Fill) && self.stamps.on_answer(id, self.read_raw, clock);
        counts.downloaded += u64::from(origin == Origin::Download);
        counts.not_in_day += u64::from(report.reason == LocalReason::NOT_IN_DAY);
        let count = match kind {
            _ if origin == Origin::Session => &mut counts.resolved,
            Some(ExecutionKind::Fill) => &mut counts.fills,
            Some(
                ExecutionKind::Rejected
                | ExecutionKind::ReplaceRejected
                | ExecutionKind::CancelRejected,
            ) => &mut counts.rejected,
            Some(ExecutionKind::Canceled) if !is_answer => &mut counts.cancelled_unasked,
            _ => &mut counts.acknowledged,
        };
        *count += 1;
        self.tell(Incoming::Report(*report));
    }

    /// Of notices one changes what is held: a trade that the exchange took back.
    fn on_notice(&mut self, notice: &Notice) {
        self.report.counts.notices += 1;
        if notice.kind != NoticeKind::TradeCanceled {
            return;
        }
        self.report.counts.trades_canceled += 1;
        self.tell(Incoming::TradeCanceled(ExecutionReport {
            client_order_id: notice.client_order_id,
            order_id: notice.order_id,
            price: notice.price,
            quantity: notice.quantity,
            fill_id: notice.fill_id,
            kind_code: ExecutionKind::Fill as u8,
            passive: 0,
            reason: notice.reason,
            reserved: 0,
            venue_time: notice.venue_time,
        }));
    }

    fn tell_state(&mut self, state: OrderSessionState) {
        if state == OrderSessionState::Down && matches!(self.stage, Stage::Clearing { .. }) {
            self.stage = Stage::Running;
        }
        if self.told != state {
            self.told = state;
            self.tell(Incoming::Session(state));
        }
    }

    /// Puts a thing into the ring, or holds it back until there is room.
    #[inline]
    fn tell(&mut self, incoming: Incoming) {
        if !self.held.is_empty() || !self.push(incoming) {
            self.held.push_back(incoming);
        }
    }

    /// Puts a thing into the ring; false when there is no room. When the core has gone it is counted
    /// instead.
    #[inline]
    fn push(&mut self, incoming: Incoming) -> bool {
        if self.link.reports.is_abandoned() {
            self.report.counts.late_reports += u64::from(matches!(incoming, Incoming::Report(_)));
            return true;
        }
        self.link.reports.try_push(incoming.pack(), self.read_raw).is_ok()
    }

    /// Moves from one stage to the next.
    fn go_on(&mut self, now: Nanos) {
        let has_core = !self.link.commands.is_abandoned()
            || !self.link.commands.is_empty()
            || self.waiting.is_some();
        match self.stage {
            Stage::Running if !has_core => self.begin_end(now),
            Stage::Clearing { until } => self.clear(has_core, until, now),
            Stage::Cancelling { until } if !self.has_own_open() || now >= until => {
                self.sign_off(now);
            }
            Stage::SigningOff { until } => {
                let is_over = self.connection.is_none();
                if is_over || now >= until {
                    self.stage = Stage::Done;
                }
            }
            Stage::Running | Stage::Cancelling { .. } | Stage::Done => {}
        }
    }

    /// Waits until the orders that the core does not know are gone.
    fn clear(&mut self, has_core: bool, until: Nanos, now: Nanos) {
        let left = open_orders(&self.session).filter(|order| order.client_order_id.0 == 0).count();
        if left > 0 && now < until && has_core {
            return;
        }
        self.report.unknown_cancelled = self.report.unknown_orders.len().saturating_sub(left);
        self.stage = Stage::Running;
        self.tell_state(OrderSessionState::Live);
    }

    /// The core has gone. Orders it left open are cancelled where the exchange's kill switch takes
    /// nothing but them.
    fn begin_end(&mut self, now: Nanos) {
        let has_unknown = open_orders(&self.session).any(|order| order.client_order_id.0 == 0);
        let may_cancel = !has_unknown || self.config.unknown_orders == UnknownOrders::Cancel;
        if self.has_own_open()
            && may_cancel
            && self.session.is_live()
            && self.session.kill_switch(None, now).is_ok()
        {
            self.note("own orders were left open: the exchange was asked to cancel them".into());
            self.stage = Stage::Cancelling { until: self.deadline(now) };
        } else {
            self.sign_off(now);
        }
    }

    fn sign_off(&mut self, now: Nanos) {
        self.note_unknown();
        self.session.sign_off(now);
        self.stage = Stage::SigningOff { until: self.deadline(now) };
    }

    fn has_own_open(&self) -> bool {
        self.session.open_orders().any(|(id, ..)| id.0 != 0)
    }

    fn deadline(&self, now: Nanos) -> Nanos {
        let timeout = i64::try_from(self.config.stop_timeout.as_nanos()).unwrap_or(i64::MAX);
        now.plus(timeout)
    }

    fn note(&mut self, what: String) {
        if self.report.notes.len() < ENDINGS_MAX {
            self.report.notes.push(what);
        }
    }

    /// What it came to.
    pub(crate) fn finish(mut self, clock: &Clock) -> (OrdersReport, Latencies) {
        self.report.open_at_end =
            open_orders(&self.session).filter(|order| order.client_order_id.0 != 0).collect();
        self.report.session = *self.session.counters();
        let pairs = LocalRefusal::ALL.into_iter().zip(self.refused);
        self.report.refused = pairs.filter(|&(_, count)| count > 0).collect();
        (self.report, self.stamps.stages.finish(clock))
    }
}

/// The orders that the exchange has open as far as the session knows.
fn open_orders(session: &Session) -> impl Iterator<Item = OpenOrder> + '_ {
    session.open_orders().map(|(client_order_id, order_id, filled, is_in_flight)| OpenOrder {
        client_order_id,
        order_id,
        filled: Qty(filled),
        is_in_flight,
    })
}
