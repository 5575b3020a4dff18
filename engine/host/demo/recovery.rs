//! The demo's recovery server: the exchange's tick recovery over TCP, on this machine.
//!
//! It serves what the publisher has sent so far, lost or not, with the exchange's limits.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tezi_feed_handler::recovery::{MessageStore, RecoveryServer, ServerConfig};
use tezi_model::Nanos;

use super::market::Tape;
use super::publisher::Published;
use crate::clock::Clock;

/// Bytes sent on a connection before the others have their turn.
const CHUNK_BYTES: usize = 64 << 10;

/// A listening server.
pub(crate) struct RecoveryListener {
    listener: TcpListener,
    /// Where clients connect to.
    pub(crate) address: SocketAddrV4,
}

impl RecoveryListener {
    /// Listens on a free port of the loopback interface.
    pub(crate) fn open() -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        match listener.local_addr()? {
            SocketAddr::V4(address) => Ok(Self { listener, address }),
            SocketAddr::V6(_) => Err(io::Error::other("an IPv4 socket has an IPv6 address")),
        }
    }
}

/// The tape as far as it is sent.
struct Sent<'a> {
    tape: &'a Tape,
    published: &'a Published,
}

impl MessageStore for Sent<'_> {
    fn message(&self, stream: u8, sequence: u32) -> Option<&[u8]> {
        if sequence > self.last(stream) {
            return None;
        }
        self.tape.message(stream, sequence)
    }

    fn last(&self, stream: u8) -> u32 {
        let index = usize::from(stream).checked_sub(1);
        let last = index.and_then(|index| self.published.last_sequences.get(index));
        last.map_or(0, |last| last.load(Ordering::Acquire))
    }

    fn snapshot(&self, _stream: u8) -> Option<&[u8]> {
        None
    }
}

/// A connection and what of the answer is made and not yet sent.
struct Connection {
    stream: TcpStream,
    chunk: Vec<u8>,
    sent: usize,
}

/// Serves until `stop` is set.
pub(crate) fn serve(
    listener: &RecoveryListener,
    tape: &Tape,
    published: &Published,
    clock: &Clock,
    stop: &AtomicBool,
) {
    let config = ServerConfig::default();
    let store = Sent { tape, published };
    let mut connections: Vec<Option<Connection>> =
        (0..config.connections_max).map(|_| None).collect();
    let mut server = RecoveryServer::new(config);
    while !stop.load(Ordering::Relaxed) {
        let now = clock.now();
        let mut moved = accept(listener, &mut server, &mut connections, now);
        for (slot, place) in connections.iter_mut().enumerate() {
            let Some(connection) = place else { continue };
            match connection.step(&mut server, slot, now, &store) {
                Ok(any) => moved |= any,
                Err(_) => {
                    server.on_closed(slot);
                    *place = None;
                }
            }
        }
        server.on_timeout(now);
        while let Some(slot) = server.poll_close() {
            if let Some(connection) = connections[slot].take() {
                connection.finish();
            }
        }
        if !moved {
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

fn accept(
    listener: &RecoveryListener,
    server: &mut RecoveryServer,
    connections: &mut [Option<Connection>],
    now: Nanos,
) -> bool {
    let Ok((stream, _)) = listener.listener.accept() else { return false };
    // Turned away or not to be had without waiting: dropping it hangs up.
    if stream.set_nonblocking(true).is_ok()
        && let Some(slot) = server.on_connected(now)
    {
        connections[slot] = Some(Connection { stream, chunk: Vec::new(), sent: 0 });
    }
    true
}

impl Connection {
    /// Reads what came and sends what is due; whether anything moved.
    fn step(
        &mut self,
        server: &mut RecoveryServer,
        slot: usize,
        now: Nanos,
        store: &Sent<'_>,
    ) -> io::Result<bool> {
        let mut moved = false;
        let mut request = [0; 64];
        match self.stream.read(&mut request) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(size) => {
                server.on_bytes(slot, &request[..size], now, store);
                moved = true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if self.sent == self.chunk.len() {
            self.chunk.resize(CHUNK_BYTES, 0);
            let size = server.poll_transmit(slot, &mut self.chunk, store);
            self.chunk.truncate(size);
            self.sent = 0;
        }
        if self.sent < self.chunk.len() {
            match self.stream.write(&self.chunk[self.sent..]) {
                Ok(size) => {
                    self.sent += size;
                    moved = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    /// Sends what is made, waiting a little for a slow client, and hangs up.
    fn finish(mut self) {
        let _ = self.stream.set_nonblocking(false);
        let _ = self.stream.set_write_timeout(Some(Duration::from_secs(1)));
        let _ = self.stream.write_all(&self.chunk[self.sent..]);
    }
}
