//! The publisher: a source on the wire, from the first datagram to the last, beside its services.

use std::io;
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tezi_feed_handler::recovery::server::ServerCounters;

use super::DatagramSource;
use super::config::PublishConfig;
use super::history::History;
use super::report::{PublishReport, PublishUpdate};
use super::schedule::{Losses, Schedule};
use super::service::{Services, locked};
use super::wire::{LiveWire, open_socket, transmit};
use crate::clock::Clock;
use crate::error::Error;

/// The distance of the heartbeats after the last datagram.
const FINAL_HEARTBEAT_INTERVAL: Duration = Duration::from_millis(20);

/// Puts datagrams on two lines and serves what was lost.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use tezi::model::Nanos;
/// use tezi::publish::{MemoryDatagrams, PublishConfig, Publisher};
///
/// let receiver = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// let other = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// let address = |socket: &std::net::UdpSocket| match socket.local_addr() {
///     Ok(std::net::SocketAddr::V4(address)) => address,
///     _ => unreachable!("bound to IPv4"),
/// };
/// let mut config = PublishConfig::new(address(&receiver), address(&other));
/// config.unicast = true;
/// let publisher = Publisher::new(config)?;
/// let source = MemoryDatagrams::new(vec![(Nanos(0), None, b"payload".to_vec())]);
/// let report = publisher.run(source, &AtomicBool::new(false), &mut |_| {})?;
/// let mut buffer = [0; 16];
/// assert_eq!((receiver.recv(&mut buffer)?, report.sent()), (7, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Publisher {
    config: PublishConfig,
    socket: UdpSocket,
    services: Services,
    history: Mutex<History>,
}

impl Publisher {
    /// Checks the configuration and opens the sockets; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] as [`PublishConfig::check`]; [`Error::Network`] when a socket cannot be
    /// had.
    pub fn new(config: PublishConfig) -> Result<Self, Error> {
        config.check()?;
        let interface = config.interface;
        let socket = open_socket(&config).map_err(|source| Error::Network {
            doing: format!("open a socket on interface {interface}"),
            source,
        })?;
        let services = Services::open(&config.services)?;
        // Heartbeats alone need to know the last number, and nothing else.
        let kept = if config.services.is_any() { config.services.messages_max } else { 1 };
        let history = Mutex::new(History::new(kept));
        Ok(Self { config, socket, services, history })
    }

    /// Where the tick-recovery service listens.
    #[must_use]
    pub fn recovery_address(&self) -> Option<SocketAddrV4> {
        self.services.recovery_address()
    }

    /// Where the snapshot service listens.
    #[must_use]
    pub fn snapshot_address(&self) -> Option<SocketAddrV4> {
        self.services.snapshot_address()
    }

    /// Sends everything at its time, with the services beside it, until the end or `stop`. Blocks;
    /// `progress` is told how far it is four times a second, on this thread.
    ///
    /// # Errors
    ///
    /// [`Error::Network`] when the network refuses a datagram for good, [`Error::Thread`] when the
    /// services could not be started or ended by a panic.
    pub fn run(
        &self,
        source: impl DatagramSource,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&PublishUpdate),
    ) -> Result<PublishReport, Error> {
        if !self.config.services.is_any() {
            return self.send(source, Losses::Independent, stop, progress);
        }
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let server = thread::Builder::new()
                .name("tezi-publish-tcp".into())
                .spawn_scoped(scope, || self.serve(&Clock::start(), &is_over))
                .map_err(|error| {
                    Error::Thread(format!("cannot start thread tezi-publish-tcp: {error}"))
                })?;
            let sent = self.send(source, Losses::Independent, stop, progress);
            is_over.store(true, Ordering::Relaxed);
            let served = server.join();
            let mut report = sent?;
            [report.recovery, report.snapshot] =
                served.map_err(|_| Error::Thread("the services' thread stopped".into()))?;
            Ok(report)
        })
    }

    /// Sends a datagram at once on the lines named (A, B), and lets the services know it: also one
    /// that goes out on neither.
    pub(crate) fn transmit(&self, payload: &[u8], on: [bool; 2]) -> io::Result<()> {
        if self.config.services.is_any() {
            locked(&self.history).on_datagram(payload);
        }
        for (group, _) in self.config.groups.iter().zip(on).filter(|(_, on)| *on) {
            transmit(&self.socket, payload, *group)?;
        }
        Ok(())
    }

    /// Serves recovery and snapshots until `stop`.
    pub(crate) fn serve(&self, clock: &Clock, stop: &AtomicBool) -> [Option<ServerCounters>; 2] {
        self.services.serve(&self.history, clock, stop)
    }

    /// Sends everything at its time, without serving.
    pub(crate) fn send(
        &self,
        source: impl DatagramSource,
        losses: Losses,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&PublishUpdate),
    ) -> Result<PublishReport, Error> {
        let config = &self.config;
        let history = config.needs_history().then_some(&self.history);
        let mut wire = LiveWire::new(config, &self.socket, history, stop, progress);
        let mut schedule = Schedule::new(source, config, losses);
        send_all(&mut schedule, &mut wire).map_err(|source| {
            let [a, b] = config.groups;
            Error::Network { doing: format!("send to {a} and {b}"), source }
        })?;
        let mut report = PublishReport {
            elapsed: wire.finished,
            behind_ns_max: wire.behind_ns_max,
            is_stopped: wire.is_cut,
            ..schedule.report()
        };
        for (line, sent) in report.lines.iter_mut().zip(wire.counts) {
            (line.sent, line.bytes, line.heartbeats) = (sent.sent, sent.bytes, sent.heartbeats);
        }
        let history = locked(&self.history);
        (report.messages, report.unserved) = (history.messages(), history.refused());
        Ok(report)
    }
}

/// Sends what is due until all is sent or it is stopped; then the last heartbeats, and the time that
/// the services go on.
fn send_all<S: DatagramSource>(
    schedule: &mut Schedule<S>,
    wire: &mut LiveWire<'_>,
) -> io::Result<()> {
    while let Some(due_ns) = schedule.next_ns() {
        let now_ns = wire.wait_until(due_ns)?;
        if wire.is_stopped() {
            (wire.is_cut, wire.finished) = (true, wire.start.elapsed());
            return Ok(());
        }
        schedule.step(now_ns, wire)?;
    }
    let config = wire.config;
    wire.finished = wire.start.elapsed();
    let mut due = wire.finished;
    for _ in 0..config.final_heartbeats {
        due += FINAL_HEARTBEAT_INTERVAL;
        wire.wait_until(due.as_nanos() as u64)?;
        wire.send_heartbeats()?;
    }
    due += config.linger;
    wire.wait_until(due.as_nanos() as u64)?;
    Ok(())
}
