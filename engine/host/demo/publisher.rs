//! Puts a tape on two lines, with the faults of real networks, from one seed.
//!
//! Each line has its own loss, duplicates and late packets; line B lags behind line A. Exactly as many
//! messages as asked for are lost on both: what arbitration cannot make good, and recovery can.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use tezi_feed_handler::Line;
use tezi_feed_handler::capture::PcapWriter;
use tezi_model::Nanos;

use super::market::Tape;
use super::{DemoConfig, session_start};
use crate::publish::{
    Datagram, DatagramSource, LineFaults, Losses, Pace, PublishConfig, Schedule, ServiceConfig,
    SourceReport, Wire,
};

/// The most later messages that overtake one that is held back.
const REORDER_DEPTH: u32 = 16;
/// Messages at the start without faults; both streams begin within them.
const CLEAN_START: u64 = 128;
/// A session is short, so images are made more often than the exchange does.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);

/// The addresses a saved demo capture bears: source 1 and 2 of F&O, by circular MSD67677.
const CAPTURE_GROUPS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 41), 17_741),
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 31), 10_831),
];

/// Faults put in, for the summary to set beside what the feed handler found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InjectedFaults {
    /// Messages not sent, by line.
    pub dropped: [u64; 2],
    /// Of them, messages sent on neither line.
    pub dropped_on_both: u64,
    /// Messages sent twice, by line.
    pub duplicated: [u64; 2],
    /// Messages held back so that later ones overtake them, by line.
    pub reordered: [u64; 2],
}

/// How far the publisher is, for the other threads.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// Datagrams sent on both lines.
    pub(crate) datagrams: AtomicU64,
    /// Whether everything is sent.
    pub(crate) is_done: AtomicBool,
}

/// The demo as a publisher's configuration. Services take free ports of the loopback interface.
pub(crate) fn publish_config(config: &DemoConfig, groups: [SocketAddrV4; 2]) -> PublishConfig {
    let lags_ns = [config.lag_b_ns.min(0).unsigned_abs(), config.lag_b_ns.max(0).unsigned_abs()];
    let free = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let [a, b] = groups;
    PublishConfig {
        faults: lags_ns.map(|lag_ns| LineFaults {
            loss: config.loss,
            duplicate: config.duplicate,
            reorder: config.reorder,
            reorder_depth: REORDER_DEPTH,
            lag_ns,
        }),
        pace: Pace::Speed(config.speed),
        seed: config.seed,
        final_heartbeats: 3,
        services: ServiceConfig {
            recovery: config.recovery.then_some(free),
            snapshot: (config.recovery && config.snapshot).then_some(free),
            snapshot_interval: SNAPSHOT_INTERVAL,
            ..ServiceConfig::default()
        },
        ..PublishConfig::new(a, b)
    }
}

/// No message is lost on both lines but those asked for, spread over the session, away from its ends.
pub(crate) fn losses(tape: &Tape, config: &DemoConfig) -> Losses {
    let both = u64::from(config.lose_both);
    let faulty = (tape.messages.len() as u64).saturating_sub(CLEAN_START);
    let every = (faulty / (both + 1)).max(1);
    Losses::Apart { both, every, clean: CLEAN_START }
}

/// The tape as a source: every message a datagram of its own, for both lines.
pub(crate) struct TapeDatagrams<'a> {
    tape: &'a Tape,
    /// How many were advanced to.
    position: usize,
}

impl<'a> TapeDatagrams<'a> {
    pub(crate) const fn new(tape: &'a Tape) -> Self {
        Self { tape, position: 0 }
    }
}

impl DatagramSource for TapeDatagrams<'_> {
    fn advance(&mut self) -> bool {
        self.position = (self.position + 1).min(self.tape.messages.len() + 1);
        self.position <= self.tape.messages.len()
    }

    fn current(&self) -> Option<Datagram<'_>> {
        let message = self.tape.messages.get(self.position.checked_sub(1)?)?;
        Some(Datagram { time: message.at, line: None, payload: message.bytes() })
    }

    fn rewind(&mut self) {
        self.position = 0;
    }

    fn report(&self) -> SourceReport {
        SourceReport::default()
    }
}

/// A wire that nothing leaves by: what would be sent is written to a capture, if to anything.
struct Rehearsal {
    capture: Option<PcapWriter<BufWriter<File>>>,
    sent: u64,
}

impl Wire for Rehearsal {
    fn on_published(&mut self, _: &Datagram<'_>) {}

    fn send(&mut self, line: Line, due_ns: u64, payload: &[u8]) -> io::Result<()> {
        self.sent += 1;
        let Some(capture) = &mut self.capture else { return Ok(()) };
        let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);
        capture.write_udp(sent_at(due_ns), source, CAPTURE_GROUPS[line.index()], payload)
    }
}

/// Goes through the whole session at once: how many datagrams it is, and the faults in it. Writes
/// what is sent as a capture of both lines when `path` says where.
///
/// # Errors
///
/// What making or writing the file gives.
pub(crate) fn rehearse(
    tape: &Tape,
    config: &DemoConfig,
    path: Option<&Path>,
) -> io::Result<(u64, InjectedFaults)> {
    let capture = match path {
        Some(path) => Some(PcapWriter::new(BufWriter::new(File::create(path)?))?),
        None => None,
    };
    let mut wire = Rehearsal { capture, sent: 0 };
    let at_once = DemoConfig { speed: 1.0, ..*config };
    let publish = publish_config(&at_once, CAPTURE_GROUPS);
    let mut schedule = Schedule::new(TapeDatagrams::new(tape), &publish, losses(tape, config));
    while let Some(due_ns) = schedule.next_ns() {
        schedule.step(due_ns, &mut wire)?;
    }
    if let Some(capture) = wire.capture {
        capture.into_inner().flush()?;
    }
    let report = schedule.report();
    let faults = InjectedFaults {
        dropped: report.lines.map(|line| line.dropped),
        dropped_on_both: report.dropped_on_both,
        duplicated: report.lines.map(|line| line.duplicated),
        reordered: report.lines.map(|line| line.reordered),
    };
    Ok((wire.sent, faults))
}

/// The exchange's time of a departure in real time.
fn sent_at(due_ns: u64) -> Nanos {
    session_start().plus(due_ns.cast_signed())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::market::make_tape;
    use super::*;

    /// Remembers the messages sent.
    struct Sent(BTreeSet<Vec<u8>>, u64);

    impl Wire for Sent {
        fn on_published(&mut self, _: &Datagram<'_>) {}

        fn send(&mut self, _: Line, _: u64, payload: &[u8]) -> io::Result<()> {
            self.0.insert(payload.to_vec());
            self.1 += 1;
            Ok(())
        }
    }

    #[test]
    fn every_message_is_on_a_line_unless_asked_otherwise() {
        let tape = make_tape(4, 0.5, 10_000.0);
        for lose_both in [0, 7] {
            let config = DemoConfig { loss: 0.3, lose_both, ..DemoConfig::default() };
            let publish = publish_config(&config, CAPTURE_GROUPS);
            let mut schedule =
                Schedule::new(TapeDatagrams::new(&tape), &publish, losses(&tape, &config));
            let mut sent = Sent(BTreeSet::new(), 0);
            while let Some(due_ns) = schedule.next_ns() {
                schedule.step(due_ns, &mut sent).unwrap();
            }
            let (departures, faults) = rehearse(&tape, &config, None).unwrap();
            // Each message has its number, so no two are equal.
            let lost = (tape.messages.len() - sent.0.len()) as u64;
            assert_eq!(
                (lost, faults.dropped_on_both),
                (u64::from(lose_both), u64::from(lose_both))
            );
            let expected = 2 * tape.messages.len() as u64 + faults.duplicated.iter().sum::<u64>()
                - faults.dropped.iter().sum::<u64>();
            assert_eq!([departures, sent.1], [expected; 2]);
        }
    }
}
