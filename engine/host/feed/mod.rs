//! The feed thread: datagrams in, one ordered stream of events out to the core.
//!
//! Sockets, packet rings and captures share everything but where the bytes come from
//! ([`tezi_receive::PacketSource`]): the same handler ([`FeedHandler`]), the same ring, the same
//! counters. The ring is bounded; what happens when it is full is a policy ([`FullRing`]).

mod capture_source;
mod found;
mod live;
mod outlet;
mod placement;
mod recording;
mod recovery;
mod report;
mod run;
mod tap;

pub(crate) use capture_source::{CaptureSource, UntilEnd, check_captures, map_files};
pub(crate) use found::find_feed;
pub(crate) use live::{Listening, LiveSource, UntilOver};
pub use outlet::FullRing;
pub(crate) use outlet::{EventSink, SinkCounts};
pub use recording::RecordingCounts;
pub(crate) use recording::{Recording, recognise, run_recordings};
use recovery::{Asks, RecoveryLink, RequestLink};
pub use report::FeedReport;
pub use run::Idle;
pub(crate) use run::{Duties, FeedTime, Run, Silence};
pub(crate) use tap::Tap;

use std::io::Write;
use std::net::SocketAddrV4;
use std::sync::atomic::Ordering;

use tezi_feed_handler::Arbiter;
use tezi_feed_handler::feed::{Channel, FeedConfig, FeedHandler};
use tezi_feed_handler::recovery::{Audit, RecoveryPolicy, RecoveryReply, RecoveryRequest};
use tezi_model::{Event, Nanos};
use tezi_receive::{Received, SourceCounters, Stamp};
use tezi_ring::Producer;

use crate::clock::Clock;
use crate::csv::DecodedCsv;
use crate::error::Error;
use crate::latency::{LatencyHistogram, PathStage, StageRecorder};
use crate::observer::{FeedFigures, Shared};
use crate::session::LiveSession;
use crate::tcp::Dialer;
use outlet::Outlet;

// An event lies in the ring with the raw stamp of its packet's arrival, in one cache line.
const _: () = assert!(tezi_ring::slot_size::<Event>() == 64);

/// What to ask when messages are missing on every line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// Tick recovery over TCP (MTBT 6.7, chapters 7 and 13).
    pub recovery: Option<SocketAddrV4>,
    /// Snapshots over TCP (MTBT 6.7, chapters 8 and 9); needs tick recovery.
    pub snapshot: Option<SocketAddrV4>,
    /// The re-request server of a MoldUDP64 session.
    pub requests: Option<SocketAddrV4>,
}

/// What a feed is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedSetup {
    pub(crate) config: FeedConfig,
    pub(crate) services: Services,
    pub(crate) full_ring: FullRing,
}

impl FeedSetup {
    /// A feed as it comes, with nobody to ask.
    pub(crate) fn new(config: FeedConfig, full_ring: FullRing) -> Self {
        Self { config, services: Services::default(), full_ring }
    }

    /// The feed of a live session.
    pub(crate) fn of_live(session: &LiveSession) -> Self {
        let LiveSession { feed: config, services, full_ring, .. } = *session;
        Self { config, services, full_ring }
    }

    /// The handler's configuration, with what the services make possible.
    fn handler_config(&self) -> FeedConfig {
        let mut config = self.config;
        if self.services.recovery.is_some() {
            let usual = || recovery_policy(self.services.snapshot.is_some());
            config.arbiter.recovery.get_or_insert_with(usual);
        }
        if self.services.requests.is_some() {
            config.mold.requests_max = config.mold.requests_max.max(REQUESTS_MAX);
        }
        config
    }
}

/// Requests for one gap of a MoldUDP64 session before it is given up.
const REQUESTS_MAX: u32 = 5;

/// A feed that ends in the ring to the core.
pub(crate) type RingFeed<'a> = Feed<'a, Outlet<'a>>;

/// Handler, links to the exchange's services, and where events go.
pub(crate) struct Feed<'a, O> {
    handler: FeedHandler,
    out: O,
    recovery: Option<RecoveryLink>,
    requests: Option<RequestLink>,
    clock: &'a Clock,
    stages: StageRecorder,
    /// Where figures go, when somebody looks on.
    shared: Option<&'a Shared>,
}

impl<'a> RingFeed<'a> {
    pub(crate) fn to_ring(
        setup: &FeedSetup,
        ring: Producer<Event>,
        clock: &'a Clock,
        decoded: Option<&'a mut (dyn Write + Send)>,
    ) -> Result<Self, Error> {
        let out = Outlet::new(ring, decoded.map(DecodedCsv::new), setup.full_ring);
        Self::new(setup, out, clock)
    }
}

impl<'a, O: EventSink> Feed<'a, O> {
    pub(crate) fn new(setup: &FeedSetup, out: O, clock: &'a Clock) -> Result<Self, Error> {
        let handler = FeedHandler::new(&setup.handler_config())?;
        let recovery = RecoveryLink::new(&setup.services)?;
        let requests = setup.services.requests.map(RequestLink::open).transpose()?;
        let stages = StageRecorder::default();
        Ok(Self { handler, out, recovery, requests, clock, stages, shared: None })
    }

    /// The same, observed while it runs.
    pub(crate) fn observed(mut self, stages: StageRecorder, shared: Option<&'a Shared>) -> Self {
        (self.stages, self.shared) = (stages, shared);
        self
    }

    /// The same, asking the exchange's services over another network than this machine's.
    pub(crate) fn over(mut self, dialer: &Dialer) -> Self {
        self.recovery.iter_mut().for_each(|link| link.dialer = dialer.clone());
        self
    }

    /// What came and what became of it, so far.
    pub(crate) const fn handler(&self) -> &FeedHandler {
        &self.handler
    }

    /// Where events go.
    pub(crate) const fn out(&self) -> &O {
        &self.out
    }

    /// What came, and where events go.
    pub(crate) const fn parts_mut(&mut self) -> (&FeedHandler, &mut O) {
        (&self.handler, &mut self.out)
    }

    /// A raw stamp of now.
    #[inline]
    pub(crate) fn raw(&self) -> u64 {
        self.clock.raw()
    }

    /// The time of a raw stamp.
    #[inline]
    pub(crate) fn time(&self, raw: u64) -> Nanos {
        self.clock.time(raw)
    }

    /// The time now.
    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Takes a datagram that came by `channel` at `time`.
    #[inline]
    pub(crate) fn on_datagram(
        &mut self,
        channel: Channel,
        datagram: &[u8],
        time: Nanos,
        received_raw: u64,
    ) {
        self.out.stamp(received_raw);
        let out = &mut self.out;
        self.handler.on_packet(channel, datagram, time, &mut |event| out.push(event));
        self.stages.record(PathStage::Decode, self.clock.between(received_raw, self.clock.raw()));
    }

    /// Times how long a datagram waited for this thread, by the kernel's stamp of it.
    #[inline]
    fn on_stamped(&mut self, packet: &Received<'_>, received_raw: u64) {
        let Some(shared) = self.shared else { return };
        if packet.stamp != Stamp::Software {
            // The stamp is of the wall clock, which is adjusted; ours is not.
            let ahead = shared.wall_ahead_ns.load(Ordering::Relaxed);
            let waited = self.clock.time(received_raw).plus(ahead).0 - packet.time.0;
            self.stages.record(PathStage::Receive, waited.max(0).cast_unsigned());
        }
    }

    /// Whether figures are to be published; hands histograms over when they are due.
    #[inline]
    fn is_due(&mut self, raw: u64) -> bool {
        self.stages.is_due(raw)
    }

    /// Publishes figures: `source` has what came of packets, `foreign` of them were of other groups.
    #[cold]
    fn publish(&self, source: &SourceCounters, foreign: u64) {
        let Some(shared) = self.shared else { return };
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let SinkCounts { events, stalls, dropped } = self.out.counts();
        shared.boards.feed.store(&FeedFigures {
            packets: number(source.datagrams),
            packet_bytes: number(source.bytes),
            packets_foreign: number(foreign),
            packets_dropped: number(source.dropped_by_kernel),
            messages: number(events),
            ring_stalls: number(stalls),
            ring_dropped: number(dropped),
        });
    }

    /// Takes an event of a recording, which is in order already.
    #[inline]
    fn on_recorded(&mut self, event: &Event) {
        self.out.stamp(self.clock.raw());
        self.out.push(event);
    }

    /// Gives up gaps whose wait is over.
    #[inline]
    pub(crate) fn on_time(&mut self, now: Nanos) {
        if self.handler.next_timeout().is_some_and(|due| due <= now) {
            self.out.stamp(self.clock.raw());
            let out = &mut self.out;
            self.handler.on_timeout(now, &mut |event| out.push(event));
        }
    }

    /// Asks for what is missing, and takes what came of that.
    #[inline]
    pub(crate) fn on_recovery(&mut self, now: Nanos) {
        if let Some(link) = &mut self.requests {
            let out = &mut self.out;
            link.poll(&mut self.handler, now, &mut |event| out.push(event));
        }
        let Some(link) = &mut self.recovery else { return };
        let Some(arbiter) = self.handler.arbiter_mut() else { return };
        let is_due = |due: Option<Nanos>| due.is_some_and(|due| due <= now);
        if let Some(audit) = self.out.audit() {
            audit.on_timeout(now);
        }
        let is_audit_due = is_due(self.out.audit().and_then(|audit| audit.next_timeout()));
        if !link.is_busy() && !is_audit_due && !is_due(arbiter.next_timeout()) {
            return;
        }
        self.out.stamp(self.clock.raw());
        link.poll(&mut Asking { arbiter, out: &mut self.out }, now);
    }

    /// Whether something is missing that may still come.
    fn is_recovering(&self) -> bool {
        let is_asking = self.recovery.as_ref().is_some_and(RecoveryLink::is_busy);
        let asks = self.recovery.is_some() || self.requests.is_some();
        is_asking || (asks && self.handler.is_waiting())
    }

    /// Gives up every gap and reports; a ring closes with `self`.
    fn finish(&mut self, now: Nanos) -> FeedReport {
        self.out.stamp(self.clock.raw());
        let out = &mut self.out;
        self.handler.finish(now, &mut |event| out.push(event));
        let fault = self.out.finish();
        let SinkCounts { events, stalls, dropped } = self.out.counts();
        FeedReport {
            counters: self.handler.report(),
            events,
            ring_stalls: stalls,
            ring_dropped: dropped,
            source: None,
            skipped_frames: Vec::new(),
            recorded: None,
            foreign_datagrams: 0,
            packets_recorded: 0,
            faults: fault.into_iter().collect(),
            notes: Vec::new(),
            decode: self.finish_stages(),
        }
    }

    fn finish_stages(&mut self) -> LatencyHistogram {
        let stages = std::mem::take(&mut self.stages).finish(self.clock);
        stages.stage(PathStage::Decode).clone()
    }

    /// Whether the core has gone.
    fn is_abandoned(&self) -> bool {
        self.out.is_abandoned()
    }
}

/// The arbiter, and the audit beside it, as those who ask the exchange.
struct Asking<'a, O> {
    arbiter: &'a mut Arbiter,
    out: &'a mut O,
}

impl<O: EventSink> Asks for Asking<'_, O> {
    /// What is missing comes before what is only to be checked.
    fn poll_request(&mut self, now: Nanos) -> Option<RecoveryRequest> {
        let missing = self.arbiter.poll_recovery(now);
        missing.or_else(|| self.out.audit()?.poll_request(now))
    }

    fn on_reply(
        &mut self,
        request: &RecoveryRequest,
        reply: RecoveryReply<'_>,
        now: Nanos,
    ) -> bool {
        if Audit::owns(request) {
            return self.out.audit().is_some_and(|audit| audit.on_reply(request, reply, now));
        }
        self.arbiter.on_recovery(request, reply, now, &mut |event| self.out.push(event))
    }
}

/// What recovery may hold and ask for, where nothing else is said: a second or two of a busy stream, for the streams of a desk.
pub(crate) fn recovery_policy(snapshots: bool) -> RecoveryPolicy {
    RecoveryPolicy { hold_max: 1 << 15, hold_streams: 8, snapshots, ..RecoveryPolicy::default() }
}
