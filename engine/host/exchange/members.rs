//! Members' connections: the router's and the gateways' listeners, and one connection a box.
//!
//! A connection belongs to nobody until its first packet names a box; one that names none in time, or
//! one that is not there, is closed and counted.

use std::io::{self, ErrorKind};
use std::net::SocketAddrV4;
use std::thread;
use std::time::Duration;

use tezi_exchange::Exchange;
use tezi_gateway::nnf::server::{Listener, Session};
use tezi_model::Nanos;

use super::stream::Stream;
use crate::error::Error;
use crate::tcp::{self, is_for_now};

/// Bytes that wait within a connection, each way.
const BUFFER_SIZE: usize = 16 << 10;
/// A first packet is not longer (FO 9.48: 23008 is the longest of those that come first).
const FIRST_SIZE_MAX: usize = 1_024;
/// Connections of nobody yet.
const STRANGERS_MAX: usize = 32;
/// Of our time: how long one may stay so, and how long the last bytes may take to leave.
const STRANGER_NS: u64 = 5_000_000_000;
const CLOSING_NS: u64 = 1_000_000_000;
/// At the end of a run: how often, and at what distance, it is looked whether a member has hung up.
const END_LOOKS: u32 = 200;
const END_INTERVAL: Duration = Duration::from_millis(1);

/// What was counted of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Accepted.
    pub accepted: u64,
    /// That a box took for itself.
    pub named: u64,
    /// That named no box, or not in time, or found no room.
    pub unnamed: u64,
    /// That named a box that is not there.
    pub unknown_box: u64,
    /// That the exchange closed.
    pub closed: u64,
    /// That the member closed, or that broke.
    pub lost: u64,
    /// Bytes of members.
    pub bytes_in: u64,
    /// Bytes to members.
    pub bytes_out: u64,
}

/// Where members come in.
struct Door {
    door: tcp::Door,
    listener: Listener,
}

struct Connection {
    stream: Stream,
    input: Box<[u8]>,
    /// Bytes of `input` that the exchange has taken, and that there are.
    taken: usize,
    filled: usize,
    output: Box<[u8]>,
    sent: usize,
    made: usize,
    /// Closed once everything is sent, at the latest then.
    closes_by: Option<u64>,
}

struct Stranger {
    connection: Connection,
    listener: Listener,
    since: u64,
}

/// All connections.
pub(crate) struct Members {
    doors: Vec<Door>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::tls::TlsSetup>,
    strangers: Vec<Stranger>,
    own: Box<[Option<Connection>]>,
    pub(super) counts: ConnectionCounts,
}

impl Members {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            doors: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
            strangers: Vec::with_capacity(STRANGERS_MAX),
            own: (0..count).map(|_| None).collect(),
            counts: ConnectionCounts::default(),
        }
    }

    /// Listens; the address, with the port that the system chose where it was to.
    pub(super) fn open(
        &mut self,
        address: SocketAddrV4,
        listener: Listener,
    ) -> Result<SocketAddrV4, Error> {
        let what = if listener == Listener::Router { "the gateway router" } else { "a gateway" };
        let (door, local) = tcp::Door::open(address).map_err(|source| Error::Network {
            doing: format!("listen as {what} on {address}"),
            source,
        })?;
        self.listen(door, listener);
        Ok(local)
    }

    /// Hears whoever comes in by `door`.
    pub(crate) fn listen(&mut self, door: tcp::Door, listener: Listener) {
        self.doors.push(Door { door, listener });
    }

    /// Moves bytes both ways, `raw_ns` of our time after the start; how much there was to do.
    pub(crate) fn step(&mut self, exchange: &mut Exchange, raw_ns: u64, now: Nanos) -> usize {
        let mut work = self.accept(raw_ns);
        work += self.meet(exchange, raw_ns, now);
        for member in 0..self.own.len() {
            let Some(connection) = &mut self.own[member] else { continue };
            let moved = connection.step(exchange, member, raw_ns, now, &mut self.counts);
            match moved {
                Ok(moved) => {
                    work += moved;
                    if connection.is_over(raw_ns) {
                        self.counts.closed += 1;
                        self.own[member] = None;
                    }
                }
                Err(_) => {
                    self.counts.lost += 1;
                    self.own[member] = None;
                    exchange.on_disconnected(member, now);
                }
            }
        }
        work
    }

    /// Connections that a box has.
    pub(super) fn connected(&self) -> impl Iterator<Item = bool> {
        self.own.iter().map(Option::is_some)
    }

    /// Hangs up on everybody, once what the exchange has said is sent.
    pub(super) fn close(&mut self, exchange: &mut Exchange, now: Nanos) {
        self.strangers.clear();
        for (member, own) in self.own.iter_mut().enumerate() {
            let Some(connection) = own else { continue };
            let sent = connection.send(exchange, member, now).unwrap_or(0);
            self.counts.bytes_out += sent as u64;
            connection.stream.end();
        }
        for member in 0..self.own.len() {
            if let Some(connection) = self.own[member].take() {
                connection.await_end();
                exchange.on_disconnected(member, now);
            }
        }
    }

    fn accept(&mut self, raw_ns: u64) -> usize {
        let mut count = 0;
        for door in &self.doors {
            let Ok(stream) = door.door.accept() else { continue };
            count += 1;
            self.counts.accepted += 1;
            #[cfg(feature = "tls")]
            let stream = match (&self.tls, stream) {
                (Some(tls), tcp::ByteStream::Socket(socket))
                    if door.listener == Listener::Router =>
                {
                    tls.stream(socket).map(|stream| Stream::Tls(Box::new(stream)))
                }
                (_, stream) => Ok(Stream::Plain(stream)),
            };
            #[cfg(not(feature = "tls"))]
            let stream = Ok::<_, io::Error>(Stream::Plain(stream));
            match stream {
                Ok(stream) if self.strangers.len() < STRANGERS_MAX => {
                    let (connection, listener) = (Connection::new(stream), door.listener);
                    self.strangers.push(Stranger { connection, listener, since: raw_ns });
                }
                _ => self.counts.unnamed += 1,
            }
        }
        count
    }

    /// Gives connections that have named their box to it.
    fn meet(&mut self, exchange: &mut Exchange, raw_ns: u64, now: Nanos) -> usize {
        let (mut at, mut work) = (0, 0);
        while at < self.strangers.len() {
            let stranger = &mut self.strangers[at];
            let connection = &mut stranger.connection;
            let read = connection.read();
            let first = &connection.input[..connection.filled];
            let box_id = Session::box_id_of(first);
            let is_late = raw_ns.saturating_sub(stranger.since) > STRANGER_NS;
            if box_id.is_none() && read.is_ok() && first.len() < FIRST_SIZE_MAX && !is_late {
                at += 1;
                continue;
            }
            work += 1;
            let Stranger { connection, listener, .. } = self.strangers.swap_remove(at);
            let Some(box_id) = box_id else {
                self.counts.unnamed += 1;
                continue;
            };
            let Some(member) = exchange.box_position(box_id) else {
                self.counts.unknown_box += 1;
                continue;
            };
            self.counts.named += 1;
            exchange.on_connected(member, listener, now);
            self.own[member] = Some(connection);
        }
        work
    }
}

impl Connection {
    fn new(stream: Stream) -> Self {
        let buffer = || vec![0; BUFFER_SIZE].into_boxed_slice();
        Self {
            stream,
            input: buffer(),
            taken: 0,
            filled: 0,
            output: buffer(),
            sent: 0,
            made: 0,
            closes_by: None,
        }
    }

    /// Reads and forgets until the member hangs up too: a socket closed over unread bytes resets the
    /// connection, and what was sent last is lost.
    fn await_end(mut self) {
        for _ in 0..END_LOOKS {
            match self.stream.read(&mut self.input) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if is_for_now(&error) => thread::sleep(END_INTERVAL),
                Err(_) => return,
            }
        }
    }

    /// Reads behind what there is; how much. An end is an error.
    fn read(&mut self) -> io::Result<usize> {
        self.stream.flush()?;
        match self.stream.read(&mut self.input[self.filled..]) {
            Ok(0) if self.filled < self.input.len() => Err(ErrorKind::UnexpectedEof.into()),
            Ok(size) => {
                self.filled += size;
                Ok(size)
            }
            Err(error) if is_for_now(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Brings bytes to the exchange and takes those for the member.
    fn step(
        &mut self,
        exchange: &mut Exchange,
        member: usize,
        raw_ns: u64,
        now: Nanos,
        counts: &mut ConnectionCounts,
    ) -> io::Result<usize> {
        let mut work = 0;
        if self.closes_by.is_none() {
            if self.taken == self.filled {
                (self.taken, self.filled) = (0, 0);
                let size = self.read()?;
                counts.bytes_in += size as u64;
                work += size;
            }
            if self.taken < self.filled {
                self.taken += exchange.on_bytes(member, &self.input[self.taken..self.filled], now);
            }
        }
        let sent = self.send(exchange, member, now)?;
        counts.bytes_out += sent as u64;
        if exchange.poll_close(member).is_some() {
            // What the session said before its end goes first.
            self.closes_by = Some(raw_ns + CLOSING_NS);
        }
        Ok(work + sent)
    }

    fn send(&mut self, exchange: &mut Exchange, member: usize, now: Nanos) -> io::Result<usize> {
        let mut count = 0;
        loop {
            if self.sent == self.made {
                (self.sent, self.made) = (0, exchange.poll_transmit(member, &mut self.output, now));
            }
            if self.sent == self.made {
                return Ok(count);
            }
            match self.stream.write(&self.output[self.sent..self.made]) {
                Ok(size) => {
                    self.sent += size;
                    count += size;
                }
                Err(error) if is_for_now(&error) => return Ok(count),
                Err(error) => return Err(error),
            }
        }
    }

    fn is_over(&mut self, raw_ns: u64) -> bool {
        let is_sent = self.sent == self.made && self.stream.flush().unwrap_or(true);
        self.closes_by.is_some_and(|by| is_sent || raw_ns > by)
    }
}
