//! The feed thread: datagrams in, one ordered stream of events out to the core.
//!
//! Sockets and captures share everything but where the bytes come from: the same arbiter, the same
//! ring, the same counters. The ring is bounded; when it is full the feed thread waits for the core
//! and counts the wait (a socket's own buffer takes the burst meanwhile).

mod capture;
mod recording;
mod recovery;
mod report;
mod socket;

pub(crate) use capture::{CaptureOptions, check_captures, map_files, run_capture};
pub use recording::RecordingCounts;
pub(crate) use recording::{Recording, recognise, run_recordings};
use recovery::RecoveryLink;
pub(crate) use recovery::RecoveryServices;
pub use report::{FeedReport, LineReport, StreamReport};
pub(crate) use socket::{Lines, run_sockets};

use std::io::Write;

use rtrb::Producer;
use tezi_feed_handler::recovery::{JoinPolicy, RecoveryPolicy};
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi_model::{Event, Nanos, Segment};

use crate::clock::Clock;
use crate::csv::DecodedCsv;
use crate::error::Error;
use crate::latency::LatencyHistogram;

/// What lies in the ring: an event and the raw stamp of its packet's arrival. One cache line.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) event: Event,
    pub(crate) received_raw: u64,
}

const _: () = assert!(size_of::<Slot>() == 64);

/// Arbiter, ring and counters of the feed thread.
pub(crate) struct Feed<'a> {
    arbiter: Arbiter,
    out: Outlet<'a>,
    recovery: Option<RecoveryLink>,
    clock: &'a Clock,
    decode: LatencyHistogram,
}

/// Where events go.
struct Outlet<'a> {
    ring: Producer<Slot>,
    decoded: Option<DecodedCsv<'a>>,
    received_raw: u64,
    stalls: u64,
    events: u64,
}

impl Outlet<'_> {
    /// Puts an event into the ring, waiting while it is full.
    #[inline]
    fn push(&mut self, event: &Event) {
        self.events += 1;
        if let Some(csv) = &mut self.decoded {
            csv.write(event);
        }
        let mut slot = Slot { event: *event, received_raw: self.received_raw };
        while let Err(rtrb::PushError::Full(back)) = self.ring.push(slot) {
            slot = back;
            self.stalls += 1;
            // A core that has stopped takes nothing any more.
            if self.ring.is_abandoned() {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl<'a> Feed<'a> {
    pub(crate) fn new(
        segment: Segment,
        recovery: Option<RecoveryServices>,
        ring: Producer<Slot>,
        clock: &'a Clock,
        decoded: Option<&'a mut (dyn Write + Send)>,
    ) -> Result<Self, Error> {
        let mut config = ArbiterConfig::new(segment);
        config.recovery = recovery.map(|services| recovery_policy(&services));
        let arbiter = Arbiter::new(config)?;
        let recovery = recovery.map(RecoveryLink::new).transpose()?;
        let decoded = decoded.map(DecodedCsv::new);
        let out = Outlet { ring, decoded, received_raw: 0, stalls: 0, events: 0 };
        Ok(Self { arbiter, out, recovery, clock, decode: LatencyHistogram::new() })
    }

    /// Takes a datagram that reached `line` at `time`.
    #[inline]
    fn on_datagram(&mut self, line: Line, datagram: &[u8], time: Nanos, received_raw: u64) {
        self.out.received_raw = received_raw;
        let out = &mut self.out;
        self.arbiter.on_packet(line, datagram, time, &mut |event| out.push(event));
        self.decode.record(self.clock.between(received_raw, self.clock.raw()));
    }

    /// Takes an event of a recording, which is in order already.
    #[inline]
    fn on_recorded(&mut self, event: &Event) {
        self.out.received_raw = self.clock.raw();
        self.out.push(event);
    }

    /// Gives up gaps whose wait is over.
    #[inline]
    fn on_time(&mut self, now: Nanos) {
        if self.arbiter.next_timeout().is_some_and(|due| due <= now) {
            self.out.received_raw = self.clock.raw();
            let out = &mut self.out;
            self.arbiter.on_timeout(now, &mut |event| out.push(event));
        }
    }

    /// Asks for what is missing, and takes what came of that.
    #[inline]
    fn on_recovery(&mut self, now: Nanos) {
        let Some(link) = &mut self.recovery else { return };
        if !link.is_busy() && self.arbiter.next_timeout().is_none_or(|due| now < due) {
            return;
        }
        self.out.received_raw = self.clock.raw();
        let out = &mut self.out;
        link.poll(&mut self.arbiter, now, |arbiter, request, reply| {
            arbiter.on_recovery(request, reply, now, &mut |event| out.push(event))
        });
    }

    /// Whether something is missing that may still come.
    fn is_recovering(&self) -> bool {
        self.recovery
            .as_ref()
            .is_some_and(|link| link.is_busy() || self.arbiter.next_timeout().is_some())
    }

    /// Gives up every gap and reports; the ring closes with `self`.
    fn finish(mut self, now: Nanos) -> FeedReport {
        self.out.received_raw = self.clock.raw();
        let out = &mut self.out;
        self.arbiter.finish(now, &mut |event| out.push(event));
        let decoded_error = self.out.decoded.take().and_then(DecodedCsv::finish);
        FeedReport::new(&self.arbiter, self.decode, self.out.events, self.out.stalls, decoded_error)
    }

    /// Whether the core has gone.
    fn is_abandoned(&self) -> bool {
        self.out.ring.is_abandoned()
    }
}

/// What recovery may hold and ask for: a second or two of a busy stream, for the streams of a desk.
fn recovery_policy(services: &RecoveryServices) -> RecoveryPolicy {
    let snapshots = services.snapshot.is_some();
    RecoveryPolicy {
        hold_max: 1 << 15,
        hold_streams: 8,
        snapshots,
        join: if snapshots { JoinPolicy::Snapshot } else { JoinPolicy::Late },
        ..RecoveryPolicy::default()
    }
}
