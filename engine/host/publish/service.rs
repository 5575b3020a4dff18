//! The TCP services of the lines: tick recovery and snapshots, with the exchange's limits.
//!
//! One thread serves them all without waiting on any client. It reads what is published under the
//! publisher's lock, a piece at a time.

use std::io;
use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tezi_feed_handler::recovery::server::ServerCounters;
use tezi_feed_handler::recovery::{MessageStore, RecoveryServer};
use tezi_model::Nanos;

use super::config::ServiceConfig;
use super::history::History;
use super::image::Image;
use crate::clock::Clock;
use crate::error::Error;
use crate::tcp::{ByteStream, Door, is_for_now};

/// Bytes made for a connection before the others, and the publisher, have their turn.
const CHUNK_BYTES: usize = 64 << 10;
/// How long a client may take for the last chunk of its answer, in nanoseconds.
const DRAIN_NS: i64 = 1_000_000_000;
/// The pause when nothing is to be done.
const IDLE: Duration = Duration::from_micros(500);

/// Listening services of one segment.
pub(crate) struct Services {
    config: ServiceConfig,
    /// Tick recovery, and snapshots where they share its port.
    recovery: Option<Listener>,
    /// Snapshots on a port of their own.
    snapshot: Option<Listener>,
}

struct Listener {
    door: Door,
    address: SocketAddrV4,
    serves: Serves,
}

/// What a port serves.
#[derive(Clone, Copy, Debug)]
struct Serves {
    messages: bool,
    images: bool,
}

impl Services {
    /// Listens.
    pub(super) fn open(config: &ServiceConfig) -> Result<Self, Error> {
        // Two free ports are two.
        let is_shared = config.recovery == config.snapshot
            && config.recovery.is_some_and(|address| address.port() != 0);
        let open = |address: SocketAddrV4, what: &str, serves: Serves| {
            Listener::open(address, serves).map_err(|source| Error::Network {
                doing: format!("listen for {what} on {address}"),
                source,
            })
        };
        let of_recovery = Serves { messages: true, images: is_shared };
        let of_snapshot = Serves { messages: false, images: true };
        let snapshot = config.snapshot.filter(|_| !is_shared);
        Ok(Self {
            config: *config,
            recovery: config
                .recovery
                .map(|address| open(address, "recovery requests", of_recovery))
                .transpose()?,
            snapshot: snapshot
                .map(|address| open(address, "snapshot requests", of_snapshot))
                .transpose()?,
        })
    }

    /// Both services behind one door.
    pub(crate) fn behind(door: Door, address: SocketAddrV4, config: &ServiceConfig) -> Self {
        let serves = Serves { messages: true, images: true };
        let recovery = Some(Listener { door, address, serves });
        Self { config: *config, recovery, snapshot: None }
    }

    /// Where tick recovery is.
    pub(super) fn recovery_address(&self) -> Option<SocketAddrV4> {
        self.recovery.as_ref().map(|listener| listener.address)
    }

    /// Where snapshots are.
    pub(super) fn snapshot_address(&self) -> Option<SocketAddrV4> {
        let shared = self.recovery.as_ref().filter(|listener| listener.serves.images);
        self.snapshot.as_ref().or(shared).map(|listener| listener.address)
    }

    /// The services at work, before anybody came.
    pub(crate) fn at_work(&self) -> ServicesAtWork<'_> {
        let ports = [&self.recovery, &self.snapshot];
        ServicesAtWork {
            ports: ports.map(|port| port.as_ref().map(|it| Port::new(it, &self.config))),
            images: self.snapshot_address().map(|_| Images::new(&self.config)),
        }
    }

    /// Serves until `stop` is set; what the ports did, recovery's and snapshots'.
    pub(super) fn serve(
        &self,
        history: &Mutex<History>,
        clock: &Clock,
        stop: &AtomicBool,
    ) -> [Option<ServerCounters>; 2] {
        let mut work = self.at_work();
        while !stop.load(Ordering::Relaxed) {
            if !work.step(history, clock.now()) {
                std::thread::sleep(IDLE);
            }
        }
        work.ports.map(|port| port.map(|port| *port.server.counters()))
    }
}

/// Ports with their connections, and the images they serve.
pub(crate) struct ServicesAtWork<'a> {
    ports: [Option<Port<'a>>; 2],
    images: Option<Images>,
}

impl ServicesAtWork<'_> {
    /// Does what can be done without waiting; whether there was anything to do.
    pub(crate) fn step(&mut self, history: &Mutex<History>, now: Nanos) -> bool {
        let mut has_moved = false;
        if let Some(images) = &mut self.images {
            has_moved |= images.follow(history, now);
        }
        for port in self.ports.iter_mut().flatten() {
            has_moved |= port.step(history, self.images.as_ref(), now);
        }
        has_moved
    }
}

/// The history, also after a thread that held it panicked: it is whole between messages.
pub(crate) fn locked(history: &Mutex<History>) -> MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The images of all streams.
struct Images {
    streams: Vec<Image>,
    interval_ns: i64,
    refreshed: Option<Nanos>,
}

impl Images {
    fn new(config: &ServiceConfig) -> Self {
        let streams = (0..256).map(|_| Image::default()).collect();
        let interval_ns = i64::try_from(config.snapshot_interval.as_nanos()).unwrap_or(i64::MAX);
        Self { streams, interval_ns, refreshed: None }
    }

    /// Takes what was published since; makes the images anew when it is time, and that of a stream
    /// that has none. Whether there was anything to do.
    fn follow(&mut self, history: &Mutex<History>, now: Nanos) -> bool {
        let is_time = self.refreshed.is_none_or(|last| now.since(last) >= self.interval_ns);
        let mut has_moved = false;
        for (number, image) in (0..=u8::MAX).zip(&mut self.streams) {
            // Locked anew for each stream: the publisher gets in between.
            let history = locked(history);
            let Some(stream) = history.stream(number) else { continue };
            let has_more = image.follow(stream);
            drop(history);
            has_moved |= has_more;
            if is_time || !image.is_made() {
                image.refresh(number);
            }
        }
        if is_time {
            self.refreshed = Some(now);
        }
        has_moved
    }
}

/// What a port may see.
struct Store<'a> {
    history: &'a History,
    images: Option<&'a Images>,
    serves: Serves,
}

impl MessageStore for Store<'_> {
    fn message(&self, stream: u8, sequence: u32) -> Option<&[u8]> {
        self.history.stream(stream)?.message(sequence)
    }

    fn last(&self, stream: u8) -> u32 {
        let stream = self.history.stream(stream).filter(|_| self.serves.messages);
        stream.map_or(0, |stream| stream.last())
    }

    fn snapshot(&self, stream: u8) -> Option<&[u8]> {
        let images = self.images.filter(|_| self.serves.images)?;
        images.streams[usize::from(stream)].bytes()
    }
}

/// A connection and what of the answer is made and not yet sent.
struct Connection {
    stream: ByteStream,
    chunk: Vec<u8>,
    sent: usize,
}

/// A listener at work.
struct Port<'a> {
    listener: &'a Listener,
    server: RecoveryServer,
    connections: Vec<Option<Connection>>,
    /// Connections that the server has done with, until their last chunk is sent or late.
    draining: Vec<(Connection, Nanos)>,
}

impl<'a> Port<'a> {
    fn new(listener: &'a Listener, config: &ServiceConfig) -> Self {
        Self {
            listener,
            server: RecoveryServer::new(config.limits),
            connections: (0..config.limits.connections_max).map(|_| None).collect(),
            draining: Vec::new(),
        }
    }

    /// Does what can be done without waiting; whether anything moved.
    fn step(&mut self, history: &Mutex<History>, images: Option<&Images>, now: Nanos) -> bool {
        let mut has_moved = self.accept(now);
        for (slot, place) in self.connections.iter_mut().enumerate() {
            let Some(connection) = place else { continue };
            let history = locked(history);
            let store = Store { history: &history, images, serves: self.listener.serves };
            let stepped = connection.step(&mut self.server, slot, now, &store);
            drop(history);
            match stepped.and_then(|made| Ok(made | connection.send()?)) {
                Ok(any) => has_moved |= any,
                Err(_) => {
                    self.server.on_closed(slot);
                    *place = None;
                }
            }
        }
        self.server.on_timeout(now);
        while let Some(slot) = self.server.poll_close() {
            if let Some(connection) = self.connections[slot].take() {
                self.draining.push((connection, now.plus(DRAIN_NS)));
            }
        }
        self.draining.retain_mut(|(connection, deadline)| {
            let is_open = connection.send().is_ok();
            is_open && connection.sent < connection.chunk.len() && now < *deadline
        });
        has_moved || !self.draining.is_empty()
    }

    fn accept(&mut self, now: Nanos) -> bool {
        let Ok(stream) = self.listener.door.accept() else { return false };
        // Turned away: dropping it hangs up.
        if let Some(slot) = self.server.on_connected(now) {
            self.connections[slot] = Some(Connection { stream, chunk: Vec::new(), sent: 0 });
        }
        true
    }
}

impl Connection {
    /// Reads what came and makes what is due; whether there was any.
    fn step(
        &mut self,
        server: &mut RecoveryServer,
        slot: usize,
        now: Nanos,
        store: &Store<'_>,
    ) -> io::Result<bool> {
        let mut has_moved = false;
        let mut request = [0; 64];
        match self.stream.read(&mut request) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(size) => {
                server.on_bytes(slot, &request[..size], now, store);
                has_moved = true;
            }
            Err(error) if is_for_now(&error) => {}
            Err(error) => return Err(error),
        }
        if self.sent == self.chunk.len() {
            self.chunk.resize(CHUNK_BYTES, 0);
            let size = server.poll_transmit(slot, &mut self.chunk, store);
            self.chunk.truncate(size);
            self.sent = 0;
        }
        Ok(has_moved)
    }

    /// Sends what the socket takes of what is made; whether there was any.
    fn send(&mut self) -> io::Result<bool> {
        if self.sent == self.chunk.len() {
            return Ok(false);
        }
        match self.stream.write(&self.chunk[self.sent..]) {
            Ok(size) => {
                self.sent += size;
                Ok(true)
            }
            Err(error) if is_for_now(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Listener {
    fn open(address: SocketAddrV4, serves: Serves) -> io::Result<Self> {
        let (door, address) = Door::open(address)?;
        Ok(Self { door, address, serves })
    }
}
