//! The real wire: a UDP socket, a clock, and the streams' heartbeats.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tezi_feed_handler::Line;
use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;
use tezi_model::Nanos;

use super::Datagram;
use super::config::{Pace, PublishConfig};
use super::history::History;
use super::report::{PublishUpdate, SentCounts};
use super::schedule::Wire;
use super::service::locked;

/// The longest sleep, so that a stop is not waited for.
const SLEEP_MAX: Duration = Duration::from_millis(50);
/// Time between two updates.
const UPDATE_INTERVAL: Duration = Duration::from_millis(250);

/// A socket whose multicast leaves by an interface and passes `ttl` routers.
pub(crate) fn open_socket(config: &PublishConfig) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )?;
    socket.set_multicast_if_v4(&config.interface)?;
    socket.set_multicast_loop_v4(true)?;
    socket.set_multicast_ttl_v4(config.ttl)?;
    let is_unicast = config.groups.iter().any(|group| !group.ip().is_multicast());
    // The kernel picks the source of what goes to one receiver.
    let source = if is_unicast { Ipv4Addr::UNSPECIFIED } else { config.interface };
    socket.bind(&SocketAddrV4::new(source, 0).into())?;
    Ok(socket.into())
}

/// Sends, counts, and keeps the time.
pub(super) struct LiveWire<'a> {
    pub(super) config: &'a PublishConfig,
    pub(super) socket: &'a UdpSocket,
    /// `None` when nobody asks for what was sent.
    pub(super) history: Option<&'a Mutex<History>>,
    pub(super) stop: &'a AtomicBool,
    pub(super) progress: &'a mut dyn FnMut(&PublishUpdate),
    pub(super) start: Instant,
    pub(super) counts: [SentCounts; 2],
    pub(super) time: Nanos,
    pub(super) behind_ns_max: u64,
    /// When the last datagram had left, and whether that was before the source's end.
    pub(super) finished: Duration,
    pub(super) is_cut: bool,
    heartbeats: Heartbeats,
    next_update: Duration,
}

impl<'a> LiveWire<'a> {
    pub(super) fn new(
        config: &'a PublishConfig,
        socket: &'a UdpSocket,
        history: Option<&'a Mutex<History>>,
        stop: &'a AtomicBool,
        progress: &'a mut dyn FnMut(&PublishUpdate),
    ) -> Self {
        Self {
            config,
            socket,
            history,
            stop,
            progress,
            start: Instant::now(),
            counts: [SentCounts::default(); 2],
            time: Nanos::ZERO,
            behind_ns_max: 0,
            finished: Duration::ZERO,
            is_cut: false,
            heartbeats: Heartbeats::default(),
            next_update: UPDATE_INTERVAL,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits for a time after the start; the time it is then. A stop ends the wait.
    pub(super) fn wait_until(&mut self, due_ns: u64) -> io::Result<u64> {
        let due = Duration::from_nanos(due_ns);
        loop {
            let elapsed = self.start.elapsed();
            self.on_time(elapsed)?;
            match due.checked_sub(elapsed) {
                // Sleeping, not spinning: on a small machine the receiver needs the core.
                Some(left) if !left.is_zero() && !self.is_stopped() => {
                    std::thread::sleep(left.min(SLEEP_MAX));
                }
                _ => {
                    let elapsed_ns = elapsed.as_nanos() as u64;
                    if self.config.pace != Pace::Max {
                        self.behind_ns_max =
                            self.behind_ns_max.max(elapsed_ns.saturating_sub(due_ns));
                    }
                    return Ok(elapsed_ns);
                }
            }
        }
    }

    /// One heartbeat of every stream on both lines.
    pub(super) fn send_heartbeats(&mut self) -> io::Result<()> {
        let Some(history) = self.history else { return Ok(()) };
        let streams: Vec<(u8, u32)> = locked(history).streams().collect();
        streams.into_iter().try_for_each(|(stream, last)| self.heartbeat(stream, last))
    }

    /// Tells the progress and sends the heartbeats that are due.
    fn on_time(&mut self, elapsed: Duration) -> io::Result<()> {
        if self.next_update <= elapsed {
            self.next_update = elapsed + UPDATE_INTERVAL;
            let sent = self.counts.iter().map(|line| line.sent).sum();
            (self.progress)(&PublishUpdate { sent, time: self.time, elapsed });
        }
        let (Some(interval), Some(history)) = (self.config.heartbeat, self.history) else {
            return Ok(());
        };
        if elapsed < self.heartbeats.next_check {
            return Ok(());
        }
        self.heartbeats.next_check = elapsed + interval / 8;
        let streams: Vec<(u8, u32)> = locked(history).streams().collect();
        for (stream, last) in streams {
            if self.heartbeats.is_due(stream, last, elapsed, interval) {
                self.heartbeat(stream, last)?;
            }
        }
        Ok(())
    }

    fn heartbeat(&mut self, stream: u8, last: u32) -> io::Result<()> {
        let heartbeat = encode_heartbeat(stream, last);
        for line in Line::BOTH {
            transmit(self.socket, &heartbeat, self.config.groups[line.index()])?;
            self.counts[line.index()].heartbeats += 1;
        }
        Ok(())
    }
}

impl Wire for LiveWire<'_> {
    fn on_published(&mut self, datagram: &Datagram<'_>) {
        self.time = datagram.time;
        if let Some(history) = self.history {
            locked(history).on_datagram(datagram.payload);
        }
    }

    fn send(&mut self, line: Line, _: u64, payload: &[u8]) -> io::Result<()> {
        transmit(self.socket, payload, self.config.groups[line.index()])?;
        let counts = &mut self.counts[line.index()];
        counts.sent += 1;
        counts.bytes += payload.len() as u64;
        Ok(())
    }
}

/// When each stream last said something (MTBT 6.7, chapter 10: a heartbeat follows a silence).
#[derive(Default)]
struct Heartbeats {
    next_check: Duration,
    /// By stream: the last number, and since when it is that.
    seen: Vec<(u32, Duration)>,
}

impl Heartbeats {
    fn is_due(&mut self, stream: u8, last: u32, now: Duration, interval: Duration) -> bool {
        if self.seen.is_empty() {
            self.seen = vec![(0, Duration::ZERO); 256];
        }
        let (seen, since) = &mut self.seen[usize::from(stream)];
        if *seen != last {
            (*seen, *since) = (last, now);
        }
        let is_due = now.saturating_sub(*since) >= interval;
        if is_due {
            *since = now;
        }
        is_due
    }
}

/// Sends one datagram. A full queue empties by itself, so it is tried again.
pub(crate) fn transmit(socket: &UdpSocket, bytes: &[u8], group: SocketAddrV4) -> io::Result<()> {
    /// "No buffer space available", which Linux says when a queue is full for the moment.
    const ENOBUFS: i32 = 105;
    loop {
        match socket.send_to(bytes, group) {
            Ok(_) => return Ok(()),
            Err(error)
                if error.raw_os_error() == Some(ENOBUFS)
                    || error.kind() == io::ErrorKind::Interrupted =>
            {
                std::thread::yield_now();
            }
            Err(error) => return Err(error),
        }
    }
}
