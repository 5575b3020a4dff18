//! What the core's thread tells those who look on: figures, and the notable events of the run.
//!
//! Notable events are rare and go through a bounded ring; one that finds no room is counted. Nothing
//! here waits, allocates after the start, or makes a system call.

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use tezi_core::control::{Control, ControlRecord};
use tezi_core::oms::OrderSessionState;
use tezi_core::pricing::PricingKernel;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, Emitted, Output};
use tezi_journal::JournalStats;
use tezi_model::{
    ClientOrderId, Event, ExecutionKind, FeedFault, InstrumentId, Nanos, RejectReason, StreamId,
};
use tezi_ring::{Consumer, Producer};

use super::figures::{Boards, CoreFigures, POSITIONS_MAX};
use crate::error::Error;
use crate::replication::{ReplicaLink, ReplicaState};
use crate::snapshots::SnapshotState;

/// Notices that wait for the observer, which looks fifty times a second.
const RING_SLOTS: usize = 1 << 12;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum NoticeKind {
    /// The order session is live.
    SessionUp = 1,
    /// The order session is down.
    SessionDown = 2,
    /// Messages of a stream are missing, from `first` on.
    Stale = 3,
    /// Everything missing of a stream is here.
    Whole = 4,
    /// Messages of a stream are lost, `first` to `last`.
    Gap = 5,
    /// A stream began again.
    Reset = 6,
    /// Trading is stopped for good; `code` is the reason.
    Kill = 7,
    /// A request was refused for this reason (`code`), for the first time in the run.
    Refused = 8,
    /// The journal rolled to segment `first`, counted from 0; `last` is its last record then.
    JournalRoll = 9,
    /// An operator did something: record `first` of the journal, kind `code`.
    Control = 10,
    /// So much of a limit is used: `first` of `last`, a [`LimitUse`]'s limit and level in `code`.
    LimitUse = 11,
    /// Records go to the follower again, or for the first time.
    ReplicaUp = 12,
    /// The follower is lost; orders that wait for it wait.
    ReplicaLost = 13,
    /// The follower is given up for now: orders leave when they are durable.
    ReplicaDurableOnly = 14,
    /// A snapshot was written: the state before record `last`.
    SnapshotWritten = 15,
    /// A snapshot could not be written; `first` is the operating system's number, 0 where it has none.
    SnapshotFailed = 16,
}

impl NoticeKind {
    /// Every kind.
    pub(crate) const ALL: [Self; 16] = [
        Self::SessionUp,
        Self::SessionDown,
        Self::Stale,
        Self::Whole,
        Self::Gap,
        Self::Reset,
        Self::Kill,
        Self::Refused,
        Self::JournalRoll,
        Self::Control,
        Self::LimitUse,
        Self::ReplicaUp,
        Self::ReplicaLost,
        Self::ReplicaDurableOnly,
        Self::SnapshotWritten,
        Self::SnapshotFailed,
    ];

    /// A name for programs, in snake case.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SessionUp => "session_up",
            Self::SessionDown => "session_down",
            Self::Stale => "stream_stale",
            Self::Whole => "stream_whole",
            Self::Gap => "stream_gap",
            Self::Reset => "stream_reset",
            Self::Kill => "kill",
            Self::Refused => "limit_reached",
            Self::JournalRoll => "journal_roll",
            Self::Control => "operator",
            Self::LimitUse => "limit_use",
            Self::ReplicaUp => "replica_up",
            Self::ReplicaLost => "replica_lost",
            Self::ReplicaDurableOnly => "replica_durable_only",
            Self::SnapshotWritten => "snapshot",
            Self::SnapshotFailed => "snapshot_failed",
        }
    }

    fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u32 == code)
    }
}

/// A notable event on its way to the observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Notice {
    pub(crate) time: Nanos,
    pub(crate) first: u64,
    pub(crate) last: u64,
    kind_code: u32,
    /// A [`RejectReason`] code, the kind of an action, a limit with its level in the upper byte, or 0.
    pub(crate) code: u16,
    pub(crate) stream: StreamId,
}

impl Notice {
    const fn new(kind: NoticeKind, time: Nanos) -> Self {
        Self { time, first: 0, last: 0, kind_code: kind as u32, code: 0, stream: StreamId(0) }
    }

    pub(crate) fn kind(&self) -> Option<NoticeKind> {
        NoticeKind::from_code(self.kind_code)
    }
}

/// How a stream stands, by what the feed said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamState {
    Whole,
    Stale,
    /// Stale until the stream begins again, or an image has made it whole.
    Lost,
}

/// The core's side. Nothing is done on the path of an event but to ask whether it is a fault.
#[derive(Debug)]
pub(crate) struct CoreWatch<'a> {
    boards: &'a Boards,
    notices: Producer<Notice>,
    notices_lost: i64,
    /// By stream.
    streams: Box<[StreamState]>,
    stale_streams: i64,
    lost: i64,
    /// By place in [`RejectReason::ALL`]: whether it was told.
    told: [bool; RejectReason::ALL.len()],
    /// Instruments with a place on the board, in its order.
    traded: Vec<InstrumentId>,
    segments: u32,
    /// Where the journal is replicated: how far that is, and how it was last told to stand.
    replica: Option<(Arc<ReplicaState>, ReplicaLink)>,
    /// Where snapshots are written: how that stands, and how many were told to be written and to fail.
    snapshots: Option<(Arc<SnapshotState>, [i64; 2])>,
}

impl<'a> CoreWatch<'a> {
    /// Memory is taken here.
    pub(crate) fn new(boards: &'a Boards) -> Result<(Self, Consumer<Notice>), Error> {
        let (notices, consumer) = tezi_ring::ring(RING_SLOTS)
            .map_err(|error| Error::Parameter(format!("ring to the observer: {error}")))?;
        let watch = Self {
            boards,
            notices,
            notices_lost: 0,
            streams: vec![StreamState::Whole; 1 << 16].into_boxed_slice(),
            stale_streams: 0,
            lost: 0,
            told: [false; RejectReason::ALL.len()],
            traded: Vec::with_capacity(POSITIONS_MAX),
            segments: 1,
            replica: None,
            snapshots: None,
        };
        Ok((watch, consumer))
    }

    fn tell(&mut self, notice: Notice) {
        self.notices_lost += i64::from(self.notices.try_push(notice, 0).is_err());
    }

    /// The core took an event.
    #[inline]
    pub(crate) fn on_event(&mut self, now: Nanos, event: &Event) {
        if let Some(fault) = event.fault() {
            self.on_fault(now, event.stream, fault);
        }
    }

    #[cold]
    fn on_fault(&mut self, now: Nanos, stream: StreamId, fault: FeedFault) {
        let (kind, state, first, last) = match fault {
            FeedFault::Stale { first } => (NoticeKind::Stale, StreamState::Stale, first, 0),
            FeedFault::Whole => (NoticeKind::Whole, StreamState::Whole, 0, 0),
            FeedFault::Gap { first, last } => (NoticeKind::Gap, StreamState::Lost, first, last),
            FeedFault::Reset => (NoticeKind::Reset, StreamState::Whole, 0, 0),
            // The books are right at the whole that follows.
            FeedFault::Snapshot => return,
        };
        if kind == NoticeKind::Gap {
            self.lost += i64::from(last.saturating_sub(first)) + 1;
        }
        let place = &mut self.streams[usize::from(stream.0)];
        let is_whole = |state: StreamState| i64::from(state == StreamState::Whole);
        // A hole that is lost is not made good by one that is merely missing.
        if !(*place == StreamState::Lost && state == StreamState::Stale) {
            self.stale_streams += is_whole(*place) - is_whole(state);
            *place = state;
        }
        let (first, last) = (u64::from(first), u64::from(last));
        self.tell(Notice { stream, first, last, ..Notice::new(kind, now) });
    }

    /// The order session is live, or is not.
    pub(crate) fn on_session(&mut self, now: Nanos, state: OrderSessionState) {
        let kind = match state {
            OrderSessionState::Live => NoticeKind::SessionUp,
            OrderSessionState::Down => NoticeKind::SessionDown,
        };
        self.tell(Notice::new(kind, now));
    }

    /// An operator acted.
    pub(crate) fn on_control(&mut self, now: Nanos, control: &Control, sequence: u64) {
        let code = ControlRecord::from(control).kind_code;
        self.tell(Notice { first: sequence, code, ..Notice::new(NoticeKind::Control, now) });
    }

    /// The core said something back.
    #[inline]
    pub(crate) fn on_output<S: Strategy, K: PricingKernel>(
        &mut self,
        now: Nanos,
        emitted: &Emitted,
        core: &Core<S, K>,
    ) {
        match &emitted.output {
            Output::Report(report) if report.kind() == Some(ExecutionKind::Fill) => {
                self.on_fill(report.client_order_id, core);
            }
            Output::Refusal(refusal) => self.on_refusal(now, refusal.reason()),
            Output::Kill => {
                let code = core.stopped().map_or(0, |reason| reason as u16);
                self.tell(Notice { code, ..Notice::new(NoticeKind::Kill, now) });
            }
            Output::LimitUse(told) => self.tell(Notice {
                first: told.value.cast_unsigned(),
                last: told.most.cast_unsigned(),
                code: told.limit_code & 0xff | u16::from(told.level_code) << 8,
                ..Notice::new(NoticeKind::LimitUse, now)
            }),
            _ => {}
        }
    }

    fn on_refusal(&mut self, now: Nanos, reason: Option<RejectReason>) {
        let Some(reason) = reason else { return };
        let place = RejectReason::ALL.iter().position(|known| *known == reason);
        let Some(told) = place.and_then(|place| self.told.get_mut(place)) else { return };
        if !std::mem::replace(told, true) {
            let code = reason as u16;
            self.tell(Notice { code, ..Notice::new(NoticeKind::Refused, now) });
        }
    }

    /// An own order was filled: its instrument's position is shown.
    pub(crate) fn on_fill<S: Strategy, K: PricingKernel>(
        &mut self,
        id: ClientOrderId,
        core: &Core<S, K>,
    ) {
        let Some(order) = core.orders().get(id) else { return };
        let instrument = order.instrument;
        let known = self.traded.iter().position(|other| *other == instrument);
        let place = known.unwrap_or(self.traded.len());
        if known.is_none() {
            if place == POSITIONS_MAX {
                return self.boards.positions.add_beyond();
            }
            let Some(state) = core.instruments().get(instrument) else { return };
            self.traded.push(instrument);
            let definition = &state.definition;
            self.boards.positions.open(place, definition.segment(), definition.token);
        }
        self.boards.positions.set(place, core.positions().get(instrument).net);
    }

    /// Publishes the core's figures. `intervals_late` of its histograms were too long.
    pub(crate) fn publish<S: Strategy, K: PricingKernel>(
        &mut self,
        now: Nanos,
        core: &Core<S, K>,
        journal: Option<JournalStats>,
        intervals_late: u64,
    ) {
        let mut figures = CoreFigures::of(core);
        figures.lost = self.lost;
        figures.stale_streams = self.stale_streams;
        figures.intervals_late = intervals_late.cast_signed();
        self.on_replica(now);
        self.on_snapshots(now);
        if let Some(stats) = journal {
            self.on_journal(now, &stats, &mut figures);
        }
        figures.notices_lost = self.notices_lost;
        self.boards.core.store(&figures);
        for (reason, count) in core.refusals() {
            if let Some(place) = RejectReason::ALL.iter().position(|known| *known == reason) {
                self.boards.refusals.store(place, count);
            }
        }
    }

    /// Tells of the journal's follower from now on.
    pub(crate) fn look_at_replica(&mut self, replica: Arc<ReplicaState>) {
        self.replica = Some((replica, ReplicaLink::Lost));
    }

    fn on_replica(&mut self, now: Nanos) {
        let Some((state, told)) = &mut self.replica else { return };
        let link = state.link();
        if link != std::mem::replace(told, link) {
            let last = state.replicated();
            let kind = match link {
                ReplicaLink::Up => NoticeKind::ReplicaUp,
                ReplicaLink::Lost => NoticeKind::ReplicaLost,
                ReplicaLink::DurableOnly => NoticeKind::ReplicaDurableOnly,
            };
            self.tell(Notice { last, ..Notice::new(kind, now) });
        }
    }

    /// Tells of the session's snapshots from now on.
    pub(crate) fn look_at_snapshots(&mut self, snapshots: Arc<SnapshotState>) {
        self.snapshots = Some((snapshots, [0; 2]));
    }

    fn on_snapshots(&mut self, now: Nanos) {
        let Some((state, told)) = &mut self.snapshots else { return };
        let figures = state.figures();
        let counts = [figures.written, figures.failures];
        let before = std::mem::replace(told, counts);
        let os_error = u64::from(state.os_error().unsigned_abs());
        if before[0] < counts[0] {
            let last = figures.sequence.cast_unsigned();
            self.tell(Notice { last, ..Notice::new(NoticeKind::SnapshotWritten, now) });
        }
        if before[1] < counts[1] {
            let first = os_error;
            self.tell(Notice { first, ..Notice::new(NoticeKind::SnapshotFailed, now) });
        }
    }

    fn on_journal(&mut self, now: Nanos, stats: &JournalStats, figures: &mut CoreFigures) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        figures.journal_records = number(stats.records);
        figures.journal_bytes = number(stats.bytes);
        figures.journal_segments = i64::from(stats.segments);
        figures.journal_waits = number(stats.waits);
        if stats.durable > 0 || stats.batches > 0 {
            figures.durable_lag = number(stats.sequence_last.saturating_sub(stats.durable));
        }
        if stats.segments > self.segments {
            self.segments = stats.segments;
            let (first, last) = (u64::from(stats.segments - 1), stats.sequence_last);
            self.tell(Notice { first, last, ..Notice::new(NoticeKind::JournalRoll, now) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_model::Segment;

    fn kinds(ring: &mut Consumer<Notice>) -> Vec<(NoticeKind, u64, u64)> {
        std::iter::from_fn(|| ring.pop().map(|item| item.payload))
            .map(|notice| (notice.kind().unwrap(), notice.first, notice.last))
            .collect()
    }

    #[test]
    fn streams_are_stale_until_they_are_whole_and_every_fault_is_told() {
        use FeedFault::{Gap, Reset, Snapshot, Stale, Whole};
        let boards = Boards::default();
        let (mut watch, mut ring) = CoreWatch::new(&boards).unwrap();
        let stream = |number| StreamId::new(Segment::NseFo, number);
        let steps = [
            (1, Stale { first: 7 }, 1),
            (2, Gap { first: 3, last: 5 }, 2),
            (2, Stale { first: 9 }, 2),
            (1, Snapshot, 2),
            (1, Whole, 1),
            (2, Reset, 0),
            (2, Whole, 0),
        ];
        for (number, fault, stale) in steps {
            watch.on_fault(Nanos(1), stream(number), fault);
            assert_eq!(watch.stale_streams, stale, "{fault:?}");
        }
        assert_eq!(watch.lost, 3);
        let told = kinds(&mut ring);
        assert_eq!(told.len(), steps.len() - 1, "an image is told by the whole behind it");
        assert_eq!(told[1], (NoticeKind::Gap, 3, 5));
    }

    #[test]
    fn a_reason_is_told_once_and_what_finds_no_room_is_counted() {
        let boards = Boards::default();
        let (mut watch, mut ring) = CoreWatch::new(&boards).unwrap();
        for reason in [RejectReason::OpenOrders, RejectReason::FatFinger, RejectReason::OpenOrders]
        {
            watch.on_refusal(Nanos(1), Some(reason));
        }
        watch.on_refusal(Nanos(1), None);
        assert_eq!(kinds(&mut ring).len(), 2);
        for _ in 0..RING_SLOTS + 5 {
            watch.on_session(Nanos(1), OrderSessionState::Live);
        }
        assert_eq!(watch.notices_lost, 5);
        let stats = JournalStats {
            segments: 3,
            records: 10,
            bytes: 640,
            sequence_last: 10,
            waits: 0,
            durable: 4,
            batches: 1,
            bytes_written: 256,
        };
        while ring.pop().is_some() {}
        let mut figures = CoreFigures::default();
        watch.on_journal(Nanos(1), &stats, &mut figures);
        watch.on_journal(Nanos(1), &stats, &mut figures);
        assert_eq!(kinds(&mut ring), [(NoticeKind::JournalRoll, 2, 10)]);
        assert_eq!(figures.durable_lag, 6);
        assert!(
            NoticeKind::ALL.iter().all(|kind| NoticeKind::from_code(*kind as u32) == Some(*kind))
        );
    }
}
