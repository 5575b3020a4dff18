//! An audit of live books: the exchange's own image, brought up to date with the events given out
//! since, against what the books hold.
//!
//! [`Audit`] asks for a snapshot of one stream as recovery does, through the same
//! [`RecoveryClient`](super::RecoveryClient), and listens to the arbiter's events meanwhile. The
//! live stream is not touched: nothing is held, nothing is stale, and a server that refuses or
//! stalls makes an audit end as [`NotAudited`], never as a difference.
//!
//! A snapshot valid at message N can be compared at any later moment M whose events are all
//! remembered: its orders, then the events from N + 1 to M, are what the books must hold at M.

use std::collections::VecDeque;

use tezi_model::{Event, Nanos, StreamId};

use super::rebuilt::RebuiltBooks;
use super::{AuditOrder, AuditReport, RecoveryFailure, RecoveryReply, RecoveryRequest, Wanted};
use crate::arbitration::Stream;
use crate::wire::nse_mtbt::{SnapshotHeader, SnapshotOrder};

/// The numbers of an audit's requests begin here, far above every arbiter's.
const REQUEST_ID_FIRST: u64 = 1 << 63;

/// The bounds of an [`Audit`]. All memory that listening needs is taken at construction: 56 bytes
/// an event and 40 an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// Events remembered. Snapshots are made every 30 s, so half a minute of a busy stream.
    pub events_max: usize,
    /// The most orders a snapshot may have.
    pub orders_max: u32,
    /// Snapshots asked for before the audit ends without one.
    pub tries_max: u32,
    /// The pause before the next one, in nanoseconds.
    pub retry_ns: i64,
    /// How long one whole answer may take, in nanoseconds.
    pub answer_ns: i64,
    /// Whether spread orders are compared too, each leg by itself. Not for books that keep a spread
    /// as one order at a difference.
    pub spreads: bool,
}

impl Default for AuditConfig {
    /// Spreads too; 2^20 events, 2^20 orders; 12 tries 5 s apart, of a minute each. About 100 MB.
    fn default() -> Self {
        Self {
            events_max: 1 << 20,
            orders_max: 1 << 20,
            tries_max: 12,
            retry_ns: 5_000_000_000,
            answer_ns: 60_000_000_000,
            spreads: true,
        }
    }
}

/// Why an audit says nothing about the books. None of these is a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAudited {
    /// No audit is under way, or its snapshot is not here yet.
    NotReady,
    /// The stream was not whole, or ceased to be, or began again: its books are known to be wrong,
    /// or are others.
    NotWhole,
    /// The snapshot has more orders than [`AuditConfig::orders_max`].
    TooManyOrders,
    /// More events came than are remembered: the audit was not read in time.
    Overrun,
    /// The moment asked about is before the snapshot, or after the last event.
    OutOfRange,
    /// The last try failed at the server.
    Server(RecoveryFailure),
}

impl NotAudited {
    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReady => "not_ready",
            Self::NotWhole => "not_whole",
            Self::TooManyOrders => "too_many_orders",
            Self::Overrun => "overrun",
            Self::OutOfRange => "out_of_range",
            Self::Server(reason) => reason.name(),
        }
    }
}

/// Where an audit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is audited.
    Idle,
    /// A snapshot is to be asked for from then on.
    Due(Nanos),
    /// The header is waited for.
    Asked,
    /// Orders are coming.
    Loading { at: u32, orders_left: u32 },
    /// The orders are here, as they were after message `at`.
    Ready { at: u32 },
    /// It ended without an answer.
    Ended(NotAudited),
}

/// An audit of one stream at a time.
///
/// The host polls requests, hands back the replies whose id [`Audit::owns`], and shows every event
/// of the arbiter to [`Audit::on_event`]. When [`Audit::ready`] names a range of numbers, any
/// moment in it can be compared with the books as they were then.
#[derive(Clone, Debug)]
pub struct Audit {
    config: AuditConfig,
    phase: Phase,
    stream: StreamId,
    /// What no order of this run is older than.
    run_begins: Nanos,
    /// The events of the stream after message `since`, in order.
    events: VecDeque<Event>,
    since: u32,
    /// The last message given out.
    last: u32,
    orders: Vec<AuditOrder>,
    request_id: u64,
    deadline: Nanos,
    tries: u32,
}

impl Audit {
    /// An audit of nothing yet.
    #[must_use]
    pub fn new(config: AuditConfig) -> Self {
        Self {
            config,
            phase: Phase::Idle,
            stream: StreamId::default(),
            run_begins: Nanos::ZERO,
            events: VecDeque::with_capacity(config.events_max),
            since: 0,
            last: 0,
            orders: Vec::with_capacity(config.orders_max as usize),
            request_id: REQUEST_ID_FIRST,
            deadline: Nanos::MAX,
            tries: 0,
        }
    }

    /// Begins to audit `stream`, whose events go to [`Audit::on_event`] from here on. An audit
    /// under way is forgotten.
    ///
    /// # Errors
    ///
    /// [`NotAudited::NotWhole`] for a stream that is stale.
    pub fn start(&mut self, stream: &Stream, now: Nanos) -> Result<(), NotAudited> {
        self.events.clear();
        self.orders.clear();
        self.stream = stream.id();
        self.run_begins = stream.run_before_ended();
        (self.since, self.last, self.tries) = (stream.last_given(), stream.last_given(), 0);
        if stream.is_stale() {
            self.phase = Phase::Ended(NotAudited::NotWhole);
            return Err(NotAudited::NotWhole);
        }
        self.phase = Phase::Due(now);
        Ok(())
    }

    /// Ends the audit; answers to its requests are not taken any more.
    pub fn stop(&mut self) {
        self.phase = Phase::Idle;
    }

    /// Whether a request is an audit's and not the arbiter's.
    #[must_use]
    pub const fn owns(request: &RecoveryRequest) -> bool {
        request.id >= REQUEST_ID_FIRST
    }

    /// Remembers an event that the arbiter gave out. Costs two comparisons when it is of no
    /// interest, and a copy when it is; allocates nothing.
    #[inline]
    pub fn on_event(&mut self, event: &Event) {
        if event.stream == self.stream && !matches!(self.phase, Phase::Idle | Phase::Ended(_)) {
            self.remember(event);
        }
    }

    fn remember(&mut self, event: &Event) {
        if event.fault().is_some() {
            return self.end(NotAudited::NotWhole);
        }
        if self.events.len() >= self.config.events_max {
            let Some(oldest) = self.events.pop_front() else {
                return self.end(NotAudited::Overrun);
            };
            self.since = oldest.sequence;
            if let Phase::Ready { at } | Phase::Loading { at, .. } = self.phase
                && at < self.since
            {
                return self.end(NotAudited::Overrun);
            }
        }
        self.events.push_back(*event);
        self.last = event.sequence;
    }

    /// What to ask the snapshot service for at `now`.
    pub fn poll_request(&mut self, now: Nanos) -> Option<RecoveryRequest> {
        if !matches!(self.phase, Phase::Due(at) if at <= now) {
            return None;
        }
        self.request_id += 1;
        self.tries += 1;
        self.phase = Phase::Asked;
        self.deadline = now.plus(self.config.answer_ns);
        self.orders.clear();
        let wanted = Wanted::Snapshot;
        Some(RecoveryRequest { id: self.request_id, stream: self.stream, wanted })
    }

    /// When [`Audit::poll_request`] or [`Audit::on_timeout`] next has something to do.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Nanos> {
        match self.phase {
            Phase::Due(at) => Some(at),
            Phase::Asked | Phase::Loading { .. } => Some(self.deadline),
            _ => None,
        }
    }

    /// Gives up a request that was never answered in full.
    pub fn on_timeout(&mut self, now: Nanos) {
        if matches!(self.phase, Phase::Asked | Phase::Loading { .. }) && self.deadline <= now {
            self.fail(RecoveryFailure::Unanswered, now);
        }
    }

    /// Takes a piece of the answer. `false` when no more of it is wanted.
    pub fn on_reply(
        &mut self,
        request: &RecoveryRequest,
        reply: RecoveryReply<'_>,
        now: Nanos,
    ) -> bool {
        let is_waiting = matches!(self.phase, Phase::Asked | Phase::Loading { .. });
        if !is_waiting || request.id != self.request_id {
            return false;
        }
        let taken = match reply {
            RecoveryReply::SnapshotHeader(header) => self.on_header(header),
            RecoveryReply::SnapshotOrder(order) => self.on_order(order, now),
            RecoveryReply::Failed(reason) => Err(reason),
            // The last order made the audit ready, so this is before it.
            RecoveryReply::Done => Err(RecoveryFailure::Truncated),
            RecoveryReply::Message(_) => Err(RecoveryFailure::Unexpected),
        };
        if let Err(reason) = taken {
            self.fail(reason, now);
        }
        matches!(self.phase, Phase::Loading { .. })
    }

    /// A snapshot is of use when it was made after the audit began to listen, and of this run when
    /// it is not ahead of what was given out.
    fn on_header(&mut self, header: &SnapshotHeader) -> Result<(), RecoveryFailure> {
        let orders = header.checked_order_count().map_err(|_| RecoveryFailure::SnapshotMismatch)?;
        let at = header.last_seq_no.get();
        if self.phase != Phase::Asked {
            return Err(RecoveryFailure::Unexpected);
        }
        if i32::from(header.stream_id.get()) != i32::from(self.stream.number()) {
            return Err(RecoveryFailure::WrongStream);
        }
        if at < self.since {
            return Err(RecoveryFailure::SnapshotTooOld);
        }
        if at > self.last || (at == 0 && orders > 0) {
            return Err(RecoveryFailure::SnapshotImplausible);
        }
        if orders > self.config.orders_max {
            self.end(NotAudited::TooManyOrders);
            return Ok(());
        }
        self.phase = match orders {
            0 => Phase::Ready { at },
            _ => Phase::Loading { at, orders_left: orders },
        };
        Ok(())
    }

    fn on_order(&mut self, order: &SnapshotOrder, now: Nanos) -> Result<(), RecoveryFailure> {
        let Phase::Loading { at, orders_left } = &mut self.phase else {
            return Err(RecoveryFailure::Unexpected);
        };
        let segment = self.stream.segment().ok_or(RecoveryFailure::WrongStream)?;
        let event =
            order.to_event(self.stream, segment, *at, now).map_err(|_| RecoveryFailure::Garbage)?;
        if event.exchange_time <= self.run_begins {
            return Err(RecoveryFailure::OtherRun);
        }
        self.orders.push(AuditOrder::of_event(&event));
        *orders_left -= 1;
        if *orders_left == 0 {
            self.phase = Phase::Ready { at: *at };
        }
        Ok(())
    }

    /// A try failed: another one follows, or the audit ends.
    fn fail(&mut self, reason: RecoveryFailure, now: Nanos) {
        self.orders.clear();
        if self.tries < self.config.tries_max {
            self.phase = Phase::Due(now.plus(self.config.retry_ns));
        } else {
            self.end(NotAudited::Server(reason));
        }
    }

    fn end(&mut self, reason: NotAudited) {
        self.phase = Phase::Ended(reason);
    }

    /// The numbers at which the books can be compared: the snapshot's and those given out since.
    ///
    /// # Errors
    ///
    /// [`NotAudited::NotReady`] while the snapshot is on its way, else why there will be none.
    pub const fn ready(&self) -> Result<(u32, u32), NotAudited> {
        match self.phase {
            Phase::Ready { at } => Ok((at, self.last)),
            Phase::Ended(reason) => Err(reason),
            _ => Err(NotAudited::NotReady),
        }
    }

    /// Compares `live`, the orders in the stream's books after message `at`, with what they must
    /// be. Lists at most `listed_max` differences and counts all.
    ///
    /// **Cost**: allocates, O(orders and events, times their logarithm). For a thread that may
    /// pause; the audit can be cloned to one.
    ///
    /// # Errors
    ///
    /// As [`Audit::ready`], and [`NotAudited::OutOfRange`] for a number outside its range.
    pub fn compare(
        &self,
        at: u32,
        live: impl IntoIterator<Item = AuditOrder>,
        listed_max: usize,
    ) -> Result<AuditReport, NotAudited> {
        let (first, last) = self.ready()?;
        if at < first || last < at {
            return Err(NotAudited::OutOfRange);
        }
        let mut books = RebuiltBooks::new(&self.orders);
        let begin = self.events.partition_point(|event| event.sequence <= first);
        for event in self.events.range(begin..).take_while(|event| event.sequence <= at) {
            books.apply(event);
        }
        if !self.config.spreads {
            books.leave_out_spreads();
        }
        Ok(books.compare(at, live, listed_max))
    }
}
