//! The feed's loop: from any source of packets to the ring.
//!
//! The same loop drives sockets, packet rings, captures and memory. Only who tells the time differs:
//! live, the clock; of a capture, its packets, so that a replay is the same every time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tezi_model::Nanos;
use tezi_receive::{PacketSource, Received};

use super::placement::{Placed, Placement};
use super::tap::Tap;
use super::{EventSink, Feed, FeedReport};
use crate::backoff::Backoff;

/// Datagrams handed over before other duties have their turn.
const BATCH: usize = 64;
/// Faults of one kind are listed so often and then only counted by the source.
const FAULTS_MAX: usize = 8;
/// A wait is cut so often, for stops to be seen.
const WAIT: Duration = Duration::from_millis(20);

/// What the feed does while nothing comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idle {
    /// Looks again at once: the least latency, for a core of its own.
    Spin,
    /// Spins a few microseconds, then gives the core away between looks.
    #[default]
    Yield,
    /// Sleeps until the kernel says that something is there.
    Wait,
}

/// Who says what time it is for waits and recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedTime {
    /// The clock.
    Clock,
    /// The packets: between them no time passes.
    Packets,
}

/// How one run of the loop goes.
pub(crate) struct Run<'a, S> {
    pub(crate) source: &'a mut S,
    pub(crate) placement: &'a mut Placement,
    pub(crate) tap: Option<Tap>,
    pub(crate) idle: Idle,
    pub(crate) time: FeedTime,
    pub(crate) stop: &'a AtomicBool,
}

/// How quiet it is, to decide whether it is over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// How long nothing has come; zero when something just did.
    pub(crate) since: Duration,
    /// Whether something is missing that may still come.
    pub(crate) is_recovering: bool,
}

/// What is done beside receiving.
pub(crate) trait Duties<S, O> {
    /// Called after every look at the source, however often that is.
    fn on_turn(&mut self, _source: &S, _feed: &mut Feed<'_, O>) {}

    /// Called once, when the feed has given up what is missing.
    fn on_end(&mut self, _source: &S, _feed: &Feed<'_, O>) {}

    /// Whether nothing more is to be waited for. Called after every look.
    fn is_over(&mut self, source: &S, silence: &Silence) -> bool;
}

/// Counts by where a datagram belongs.
#[derive(Default)]
struct Misplaced {
    foreign: u64,
    third: u64,
}

impl<S: PacketSource> Run<'_, S> {
    /// Receives until `duties` say that it is over, or `stop`.
    pub(crate) fn receive<O: EventSink>(
        mut self,
        mut feed: Feed<'_, O>,
        duties: &mut impl Duties<S, O>,
    ) -> FeedReport {
        let mut misplaced = Misplaced::default();
        let mut faults = Vec::new();
        let mut backoff = Backoff::default();
        let mut last_packet = Nanos::ZERO;
        let mut heard = Instant::now();
        loop {
            let is_idle = match self.poll(&mut feed, &mut misplaced, &mut last_packet) {
                Ok(count) => count == 0,
                Err(error) => {
                    // Nothing of a datagram socket's errors is final; say some and go on.
                    if faults.len() < FAULTS_MAX {
                        faults.push(error.to_string());
                    }
                    true
                }
            };
            let raw = feed.raw();
            self.on_time(&mut feed, is_idle, raw);
            if feed.is_due(raw) {
                feed.publish(&self.source.counters(), misplaced.foreign + misplaced.third);
            }
            duties.on_turn(self.source, &mut feed);
            let mut silence = Silence::default();
            if is_idle {
                silence = Silence { since: heard.elapsed(), is_recovering: feed.is_recovering() };
            } else {
                heard = Instant::now();
                backoff.reset();
            }
            let is_stopped = self.stop.load(Ordering::Relaxed) || feed.is_abandoned();
            if is_stopped || duties.is_over(self.source, &silence) {
                break;
            }
            match self.idle {
                _ if !is_idle => {}
                Idle::Spin => std::hint::spin_loop(),
                Idle::Yield => backoff.wait(),
                // An error here comes again from the next poll, which lists it.
                Idle::Wait => drop(self.source.wait(WAIT)),
            }
        }
        let report = self.finish(&mut feed, last_packet, &misplaced, faults);
        duties.on_end(self.source, &feed);
        report
    }

    #[inline]
    fn poll<O: EventSink>(
        &mut self,
        feed: &mut Feed<'_, O>,
        misplaced: &mut Misplaced,
        last_packet: &mut Nanos,
    ) -> Result<usize, tezi_receive::ReceiveError> {
        let Self { source, placement, tap, time, .. } = self;
        source.poll(BATCH, &mut |packet: &Received<'_>| {
            let raw = feed.raw();
            *last_packet = packet.time.max(*last_packet);
            if let Some(tap) = tap {
                tap.write(packet);
            }
            match placement.place(packet) {
                Placed::On(channel) => {
                    if *time == FeedTime::Clock {
                        feed.on_stamped(packet, raw);
                    }
                    feed.on_datagram(channel, packet.payload, packet.time, raw);
                }
                Placed::Foreign => misplaced.foreign += 1,
                Placed::Third => misplaced.third += 1,
            }
        })
    }

    /// Waits that are over, and what recovery has to do.
    #[inline]
    fn on_time<O: EventSink>(&self, feed: &mut Feed<'_, O>, is_idle: bool, raw: u64) {
        if self.time == FeedTime::Clock {
            let now = feed.time(raw);
            if is_idle {
                feed.on_time(now);
            }
            feed.on_recovery(now);
        }
    }

    fn finish<O: EventSink>(
        &mut self,
        feed: &mut Feed<'_, O>,
        last_packet: Nanos,
        misplaced: &Misplaced,
        mut faults: Vec<String>,
    ) -> FeedReport {
        let now = match self.time {
            FeedTime::Clock => feed.now(),
            FeedTime::Packets => last_packet,
        };
        if misplaced.third > 0 {
            faults.push(format!(
                "{} datagrams went to a third group of their stream and were left out: name the \
                 groups of the two lines",
                misplaced.third
            ));
        }
        let recorded = self.tap.take().map(Tap::finish);
        let mut report = feed.finish(now);
        report.foreign_datagrams = misplaced.foreign + misplaced.third;
        report.source = Some(self.source.counters());
        report.notes.extend(self.source.notes().iter().cloned());
        if let Some((packets, fault)) = recorded {
            report.packets_recorded = packets;
            faults.extend(fault);
        }
        report.faults.append(&mut faults);
        report
    }
}
