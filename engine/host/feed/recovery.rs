//! The connections to the exchanges' recovery services, driven by the feed thread.
//!
//! Non-blocking throughout: a connection that hangs costs the feed a few system calls while it
//! waits, and nothing when no message is missing.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use tezi_feed_handler::feed::{Channel, FeedHandler};
use tezi_feed_handler::recovery::{
    ClientAction, ClientConfig, RecoveryClient, RecoveryReply, RecoveryRequest, Service,
};
use tezi_model::{Event, Nanos};

use super::Services;
use crate::error::Error;
use crate::tcp::{ByteStream, Dialer};

/// Who asks the exchange for messages or images, and takes the answers.
pub(crate) trait Asks {
    /// What to ask for at `now`; `None` when there is nothing (more).
    fn poll_request(&mut self, now: Nanos) -> Option<RecoveryRequest>;

    /// Takes a piece of an answer; whether more of it is wanted.
    fn on_reply(&mut self, request: &RecoveryRequest, reply: RecoveryReply<'_>, now: Nanos)
    -> bool;
}

/// Bytes read from a connection at a time.
const READ_BYTES: usize = 64 << 10;

/// Steps on one connection before the lines have their turn again.
const STEPS: usize = 4;

/// The largest request of the protocol is 11 bytes.
const REQUEST_BYTES_MAX: usize = 64;

/// A connection of the client.
struct Connection {
    stream: ByteStream,
    is_connected: bool,
    /// Bytes taken from the client, and how many of them are not yet sent.
    request: [u8; REQUEST_BYTES_MAX],
    unsent: std::ops::Range<usize>,
}

impl Connection {
    /// Does the next thing that can be done without waiting.
    fn step(
        &mut self,
        client: &mut RecoveryClient,
        slot: usize,
        now: Nanos,
        buffer: &mut [u8],
        answer: &mut impl FnMut(&RecoveryRequest, RecoveryReply<'_>) -> bool,
    ) -> Step {
        if !self.is_connected {
            match self.stream.has_opened() {
                Ok(true) => {}
                Ok(false) => return Step::Idle,
                Err(_) => return Step::Closed,
            }
            self.is_connected = true;
            client.on_connected(slot, now);
        }
        if self.unsent.is_empty() {
            self.unsent = 0..client.poll_transmit(slot, now, &mut self.request);
        }
        if !self.unsent.is_empty() {
            return match self.stream.write(&self.request[self.unsent.clone()]) {
                Ok(sent) => {
                    self.unsent.start += sent;
                    Step::Moved
                }
                Err(error) => Step::of_error(&error),
            };
        }
        match self.stream.read(buffer) {
            Ok(0) => Step::Closed,
            Ok(size) => {
                client.on_bytes(slot, &buffer[..size], now, answer);
                Step::Moved
            }
            Err(error) => Step::of_error(&error),
        }
    }
}

/// How a step on a connection went.
enum Step {
    /// Bytes came, or went, or it stands now.
    Moved,
    /// Nothing to do now.
    Idle,
    /// It has ended.
    Closed,
}

impl Step {
    fn of_error(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::Idle,
            io::ErrorKind::Interrupted => Self::Moved,
            _ => Self::Closed,
        }
    }
}

/// The client and its sockets.
pub(crate) struct RecoveryLink {
    client: RecoveryClient,
    services: Services,
    pub(super) dialer: Dialer,
    connections: Vec<Option<Connection>>,
    buffer: Box<[u8]>,
}

impl RecoveryLink {
    /// A link to the services, `None` when there are none.
    pub(crate) fn new(services: &Services) -> Result<Option<Self>, Error> {
        if services.recovery.is_none() {
            return Ok(None);
        }
        let config = ClientConfig::default();
        let connections = (0..config.connections_max).map(|_| None).collect();
        let client = RecoveryClient::new(config)
            .map_err(|error| Error::Parameter(format!("recovery: {}", error.message())))?;
        let buffer = vec![0; READ_BYTES].into_boxed_slice();
        Ok(Some(Self {
            client,
            services: *services,
            dialer: Dialer::default(),
            connections,
            buffer,
        }))
    }

    /// Whether anything is asked for or on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.client.connections() > 0 || self.client.next_timeout().is_some()
    }

    /// Takes the requests there are, moves every connection on, and hands answers back.
    pub(crate) fn poll(&mut self, asker: &mut impl Asks, now: Nanos) {
        while self.client.has_room()
            && let Some(request) = asker.poll_request(now)
        {
            self.client.request(request);
        }
        let mut answer = |request: &RecoveryRequest, reply: RecoveryReply<'_>| {
            asker.on_reply(request, reply, now)
        };
        self.client.on_timeout(now, &mut answer);
        while let Some(action) = self.client.poll_action(now) {
            match action {
                ClientAction::Close { slot } => self.connections[slot] = None,
                ClientAction::Connect { slot, service } => match self.connect(service) {
                    Ok(connection) => self.connections[slot] = Some(connection),
                    Err(_) => self.client.on_closed(slot, &mut answer),
                },
            }
        }
        for slot in 0..self.connections.len() {
            for _ in 0..STEPS {
                let Some(connection) = &mut self.connections[slot] else { break };
                match connection.step(&mut self.client, slot, now, &mut self.buffer, &mut answer) {
                    Step::Moved => {}
                    Step::Idle => break,
                    Step::Closed => {
                        self.connections[slot] = None;
                        self.client.on_closed(slot, &mut answer);
                    }
                }
            }
        }
    }

    /// Begins to connect; the connection stands later.
    fn connect(&self, service: Service) -> io::Result<Connection> {
        let address = match service {
            Service::Recovery => self.services.recovery,
            Service::Snapshot => self.services.snapshot,
        };
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Connection {
            stream: self.dialer.connect(address)?,
            is_connected: false,
            request: [0; REQUEST_BYTES_MAX],
            unsent: 0..0,
        })
    }
}

/// Larger than any datagram of a re-request server.
const REPLY_BYTES_MAX: usize = 2_048;
/// Replies taken before the lines have their turn again.
const REPLIES: usize = 32;

/// The socket that asks a MoldUDP64 re-request server, and takes its answers.
pub(crate) struct RequestLink {
    socket: UdpSocket,
    buffer: Box<[u8; REPLY_BYTES_MAX]>,
}

impl RequestLink {
    pub(crate) fn open(server: SocketAddrV4) -> Result<Self, Error> {
        let open = || {
            let socket = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
            // Nobody else's datagrams come by a connected socket.
            socket.connect(server)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let doing = || format!("reach the re-request server {server}");
        let socket = open().map_err(|source| Error::Network { doing: doing(), source })?;
        Ok(Self { socket, buffer: Box::new([0; REPLY_BYTES_MAX]) })
    }

    /// Sends what is to be asked for, and hands answers to the handler. A request that cannot be
    /// sent is like one that is lost: it is repeated.
    pub(crate) fn poll(
        &mut self,
        handler: &mut FeedHandler,
        now: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        while let Some(request) = handler.poll_request(now) {
            if self.socket.send(&request).is_err() {
                break;
            }
        }
        for _ in 0..REPLIES {
            let Ok(size) = self.socket.recv(&mut self.buffer[..]) else { return };
            let reply = &self.buffer[..size];
            handler.on_packet(Channel::Reply, reply, now, sink);
        }
    }
}
