//! The server of the recovery and snapshot services, for the simulated exchange and the tests.
//!
//! Sans-I/O, like the client, and with the exchange's limits (MTBT 6.7, chapter 13): it hangs up
//! without a word on who does not ask within a second, answers `E` to a range that is too long or
//! not there yet, and turns away the fourteenth connection and the hundred-first of a second. It
//! serves bytes straight from a [`MessageStore`] and copies nothing but into the host's buffer.
//! [`Fault`]s make it fail in every way that the client must survive.

use std::collections::VecDeque;

use tezi_model::Nanos;

use crate::wire::nse_mtbt::{
    RECOVERY_MESSAGES_MAX, RecoveryRequest as WireRequest, SnapshotHeader, SnapshotOrder,
    encode_recovery_reply, encode_snapshot_reply, message_type,
};

/// What the server serves: everything sent on the streams of a segment, and the current images.
pub trait MessageStore {
    /// The bytes of a message as it was sent; `None` when it is not there.
    fn message(&self, stream: u8, sequence: u32) -> Option<&[u8]>;
    /// The last message there is; 0 for none.
    fn last(&self, stream: u8) -> u32;
    /// The bytes of the current snapshot, header and orders; `None` when there is none.
    fn snapshot(&self, stream: u8) -> Option<&[u8]>;
}

/// The limits of a [`RecoveryServer`].
#[derive(Clone, Copy, Debug)]
pub struct ServerConfig {
    /// Connections at a time.
    pub connections_max: usize,
    /// Connections in any one second.
    pub connects_per_second: usize,
    /// Within which a connection must ask, in nanoseconds.
    pub request_ns: i64,
    /// The least time between two requests, in nanoseconds. A faster one is answered `E`.
    pub spacing_ns: i64,
    /// The most messages a request may name.
    pub range_max: u32,
}

impl Default for ServerConfig {
    /// The exchange's: 13, 100, 1 s, 10 ms, 300,000.
    fn default() -> Self {
        Self {
            connections_max: 13,
            connects_per_second: 100,
            request_ns: 1_000_000_000,
            spacing_ns: 10_000_000,
            range_max: RECOVERY_MESSAGES_MAX,
        }
    }
}

/// How one request is answered wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// As it should be.
    None,
    /// `E`, although the messages are there.
    Refuse,
    /// Nothing ever.
    Stall,
    /// Closed after this many bytes of the answer.
    Truncate(u64),
    /// After this many messages or orders every byte is another one; at 0 a snapshot's header too.
    Corrupt(u32),
    /// The messages asked for, but from this many numbers later on.
    WrongSequence(u32),
    /// Another stream's messages or snapshot, as its own.
    WrongStream(u8),
}

/// What the server did. Each connection ends up in one count of the requests, in `hung_up`, or was
/// closed by the client before it asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounters {
    /// Connections accepted.
    pub connections: u64,
    /// Connections beyond a limit.
    pub turned_away: u64,
    /// Connections that did not ask in time.
    pub hung_up: u64,
    /// Requests granted.
    pub granted: u64,
    /// Requests answered `E`.
    pub refused: u64,
    /// Of those, sent too soon after another.
    pub too_fast: u64,
    /// Bytes that are no request.
    pub malformed: u64,
}

/// What is still to be sent.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Nothing,
    Messages { first: u32, next: u32, last: u32, offset: usize },
    Snapshot { header: SnapshotHeader, offset: usize },
}

#[derive(Clone, Debug)]
struct Connection {
    deadline: Nanos,
    request: [u8; size_of::<WireRequest>()],
    request_size: usize,
    reply: [u8; 10],
    /// Bytes of the reply sent; all of them before there is one.
    reply_offset: usize,
    rest: Rest,
    stream: u8,
    fault: Fault,
    sent: u64,
    is_answered: bool,
    is_closing: bool,
}

impl Connection {
    const fn new(deadline: Nanos, fault: Fault) -> Self {
        Self {
            deadline,
            request: [0; 11],
            request_size: 0,
            reply: [0; 10],
            reply_offset: 10,
            rest: Rest::Nothing,
            stream: 0,
            fault,
            sent: 0,
            is_answered: false,
            is_closing: false,
        }
    }
}

/// The connections of one client to the services of one segment.
#[derive(Clone, Debug)]
pub struct RecoveryServer {
    config: ServerConfig,
    connections: Box<[Option<Connection>]>,
    /// The times of the last connections, as many as a second may have.
    connected: VecDeque<Nanos>,
    last_request: Option<Nanos>,
    faults: VecDeque<Fault>,
    counters: ServerCounters,
}

impl RecoveryServer {
    /// A server without connections.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            connections: vec![None; config.connections_max].into(),
            connected: VecDeque::with_capacity(config.connects_per_second + 1),
            last_request: None,
            faults: VecDeque::new(),
            counters: ServerCounters::default(),
        }
    }

    /// Makes the next connection without a fault of its own have this one.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.push_back(fault);
    }

    /// What it did.
    #[must_use]
    pub const fn counters(&self) -> &ServerCounters {
        &self.counters
    }

    /// Takes a connection; `None` turns it away.
    pub fn on_connected(&mut self, now: Nanos) -> Option<usize> {
        while self.connected.front().is_some_and(|&time| now.since(time) >= 1_000_000_000) {
            self.connected.pop_front();
        }
        let slot = self.connections.iter().position(Option::is_none);
        let is_within_rate = self.connected.len() < self.config.connects_per_second;
        let Some(slot) = slot.filter(|_| is_within_rate) else {
            self.counters.turned_away += 1;
            return None;
        };
        self.connected.push_back(now);
        self.counters.connections += 1;
        let fault = self.faults.pop_front().unwrap_or(Fault::None);
        self.connections[slot] = Some(Connection::new(now.plus(self.config.request_ns), fault));
        Some(slot)
    }

    /// Takes bytes of a connection, in any chunks.
    pub fn on_bytes(&mut self, slot: usize, bytes: &[u8], now: Nanos, store: &impl MessageStore) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        if connection.is_answered {
            return; // one request a session
        }
        let have = connection.request_size;
        let size = bytes.len().min(connection.request.len() - have);
        connection.request[have..have + size].copy_from_slice(&bytes[..size]);
        connection.request_size += size;
        if connection.request_size == connection.request.len() {
            connection.is_answered = true;
            self.answer(slot, now, store);
        }
    }

    fn answer(&mut self, slot: usize, now: Nanos, store: &impl MessageStore) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        let request: WireRequest = bytemuck::cast(connection.request);
        let is_too_fast =
            self.last_request.is_some_and(|last| now.since(last) < self.config.spacing_ns);
        self.last_request = Some(now);
        let Ok(stream) = u8::try_from(request.stream_id.get()) else {
            self.counters.malformed += 1;
            connection.is_closing = true;
            return;
        };
        connection.stream = stream;
        let (first, last) = (request.first_seq_no.get(), request.last_seq_no.get());
        let rest = match request.message_type {
            message_type::RECOVERY_REQUEST => {
                let is_there = 1 <= first && first <= last && last <= store.last(stream);
                let fits = is_there && last - first < self.config.range_max;
                fits.then_some(Rest::Messages { first, next: first, last, offset: 0 })
            }
            message_type::SNAPSHOT_REQUEST => {
                snapshot_header(store, stream).map(|header| Rest::Snapshot { header, offset: 0 })
            }
            _ => {
                self.counters.malformed += 1;
                connection.is_closing = true;
                return;
            }
        };
        self.counters.too_fast += u64::from(is_too_fast);
        let rest = rest.filter(|_| !is_too_fast && connection.fault != Fault::Refuse);
        let is_granted = rest.is_some();
        *(if is_granted { &mut self.counters.granted } else { &mut self.counters.refused }) += 1;
        connection.reply = match request.message_type {
            message_type::RECOVERY_REQUEST => encode_recovery_reply(stream, is_granted),
            _ => encode_snapshot_reply(stream, is_granted),
        };
        connection.reply_offset = 0;
        connection.rest = rest.unwrap_or(Rest::Nothing);
        lie(connection, store);
    }

    /// Writes what is to be sent on a connection; the number of bytes, 0 for none.
    pub fn poll_transmit(
        &mut self,
        slot: usize,
        buffer: &mut [u8],
        store: &impl MessageStore,
    ) -> usize {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return 0 };
        if !connection.is_answered || connection.is_closing || connection.fault == Fault::Stall {
            return 0;
        }
        let mut size = 0;
        while size < buffer.len() {
            let written = connection.write(&mut buffer[size..], store);
            if written == 0 {
                connection.is_closing = true; // everything is sent, or what was to be is gone
                break;
            }
            size += written;
        }
        connection.cut(size)
    }

    /// The next connection to be closed by the host; its slot is free again.
    pub fn poll_close(&mut self) -> Option<usize> {
        let is_closing = |one: &Option<Connection>| one.as_ref().is_some_and(|one| one.is_closing);
        let slot = self.connections.iter().position(is_closing)?;
        self.connections[slot] = None;
        Some(slot)
    }

    /// The client closed a connection.
    pub fn on_closed(&mut self, slot: usize) {
        if let Some(connection) = self.connections.get_mut(slot) {
            *connection = None;
        }
    }

    /// Hangs up on those who did not ask in time.
    pub fn on_timeout(&mut self, now: Nanos) {
        for connection in self.connections.iter_mut().flatten() {
            if !connection.is_answered && !connection.is_closing && connection.deadline <= now {
                connection.is_closing = true;
                self.counters.hung_up += 1;
            }
        }
    }

    /// When [`RecoveryServer::on_timeout`] next has something to do.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Nanos> {
        let waiting = self.connections.iter().flatten().filter(|one| !one.is_answered);
        waiting.map(|one| one.deadline).min()
    }
}

impl Connection {
    /// Copies the next piece into the buffer; 0 when there is none.
    fn write(&mut self, buffer: &mut [u8], store: &impl MessageStore) -> usize {
        if self.reply_offset < self.reply.len() {
            let size = copy(&self.reply[self.reply_offset..], buffer);
            self.reply_offset += size;
            return size;
        }
        let corrupt_from = match self.fault {
            Fault::Corrupt(items) => items,
            _ => u32::MAX,
        };
        match &mut self.rest {
            Rest::Nothing => 0,
            Rest::Messages { first, next, last, offset } => {
                let Some(message) = store.message(self.stream, *next).filter(|_| next <= last)
                else {
                    return 0;
                };
                let size = copy(&message[*offset..], buffer);
                if *next - *first >= corrupt_from {
                    invert(&mut buffer[..size]);
                }
                *offset += size;
                if *offset == message.len() {
                    (*next, *offset) = (*next + 1, 0);
                }
                size
            }
            Rest::Snapshot { header, offset } => {
                // A refresh during the read cuts the connection, as the exchange's may.
                let is_current = snapshot_header(store, self.stream) == Some(*header);
                let bytes = store.snapshot(self.stream).filter(|_| is_current);
                let sound = size_of::<SnapshotHeader>() as u64
                    + u64::from(corrupt_from) * size_of::<SnapshotOrder>() as u64;
                let size = bytes.map_or(0, |bytes| copy(&bytes[*offset..], buffer));
                let is_all = corrupt_from == 0;
                let start = if is_all { 0 } else { sound.saturating_sub(*offset as u64) as usize };
                invert(&mut buffer[start.min(size)..size]);
                *offset += size;
                size
            }
        }
    }

    /// How many of the bytes are sent before the connection is cut.
    fn cut(&mut self, bytes: usize) -> usize {
        let before = self.sent;
        self.sent += bytes as u64;
        match self.fault {
            Fault::Truncate(at) if at < self.sent => {
                self.is_closing = true;
                at.saturating_sub(before) as usize
            }
            _ => bytes,
        }
    }
}

/// Makes a granted connection serve something else than was asked for.
fn lie(connection: &mut Connection, store: &impl MessageStore) {
    match (connection.fault, &mut connection.rest) {
        (Fault::WrongSequence(later), Rest::Messages { next, last, .. }) => {
            *next = next.saturating_add(later);
            *last = last.saturating_add(later);
        }
        (Fault::WrongStream(other), Rest::Messages { .. }) => connection.stream = other,
        (Fault::WrongStream(other), Rest::Snapshot { header, .. }) => {
            if let Some(of_other) = snapshot_header(store, other) {
                (*header, connection.stream) = (of_other, other);
            }
        }
        _ => {}
    }
}

fn snapshot_header(store: &impl MessageStore, stream: u8) -> Option<SnapshotHeader> {
    let header = store.snapshot(stream)?.get(..size_of::<SnapshotHeader>())?;
    bytemuck::try_pod_read_unaligned(header).ok()
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let size = from.len().min(to.len());
    to[..size].copy_from_slice(&from[..size]);
    size
}

fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}
