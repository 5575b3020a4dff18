//! The sockets of the control plane: lines in, answers out, for a few connections at once.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::net::{UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token};

use super::ControlConfig;
use super::peer::peer_uid;
use super::socket::Socket;
use super::thread::ControlThread;
use crate::error::Error;

/// Connections at once. One more takes the place of the one that has been silent for longest: an
/// operator in a hurry always gets in.
const CONNECTIONS_MAX: usize = 16;
/// Bytes of a line.
const LINE_MAX: usize = 1 << 10;
/// Bytes of answers that a connection does not read; beyond, it is let go.
const UNREAD_MAX: usize = 1 << 20;
/// How often the session's end and the dead-man switch are looked at when nobody asks.
const PAUSE: Duration = Duration::from_millis(50);
const LISTENER: Token = Token(usize::MAX);

/// A socket that listens, before its thread runs.
#[derive(Debug)]
pub(crate) struct ControlServer {
    listener: UnixListener,
    /// Its file goes with it.
    _socket: Socket,
    poll: Poll,
}

struct Connection {
    stream: UnixStream,
    uid: u32,
    line: Vec<u8>,
    unread: Vec<u8>,
    /// When it last said something.
    heard: Instant,
    is_over: bool,
}

impl ControlServer {
    /// Listens.
    ///
    /// # Errors
    ///
    /// [`Error`] when the socket cannot be made.
    pub(crate) fn bind(config: &ControlConfig) -> Result<Self, Error> {
        let socket = Socket::bind(config)?;
        let made = || -> io::Result<(UnixListener, Poll)> {
            let mut listener = UnixListener::from_std(socket.listener.try_clone()?);
            let poll = Poll::new()?;
            poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
            Ok((listener, poll))
        };
        let (listener, poll) =
            made().map_err(|source| Error::file("serve control on", &config.socket, source))?;
        Ok(Self { listener, _socket: socket, poll })
    }

    /// Serves until `stop`.
    pub(crate) fn run(mut self, mut thread: ControlThread<'_>, stop: &AtomicBool) {
        let mut connections: [Option<Connection>; CONNECTIONS_MAX] = Default::default();
        let mut events = Events::with_capacity(64);
        while !stop.load(Ordering::Relaxed) {
            if self
                .poll
                .poll(&mut events, Some(PAUSE))
                .is_err_and(|it| it.kind() != ErrorKind::Interrupted)
            {
                return;
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(&mut connections),
                    Token(place) => {
                        let Some(slot) = connections.get_mut(place) else { continue };
                        if let Some(connection) = slot {
                            connection.turn(&mut thread);
                            if connection.is_over {
                                *slot = None;
                            }
                        }
                    }
                }
            }
            thread.look();
        }
    }

    fn accept(&self, connections: &mut [Option<Connection>; CONNECTIONS_MAX]) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let Some(uid) = peer_uid(stream.as_fd()) else {
                // Nobody waits for this word: the socket takes it or it is lost.
                let _ = stream.write(b"error nobody knows whose this is\n");
                continue;
            };
            let heard = |it: &Option<Connection>| it.as_ref().map(|connection| connection.heard);
            let silent = (0..CONNECTIONS_MAX).min_by_key(|&place| heard(&connections[place]));
            let Some(place) = silent else { continue };
            if let Some(mut gone) = connections[place].take() {
                let _ = gone.stream.write(b"error others need the place of this connection\n");
            }
            let both = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, Token(place), both).is_ok() {
                let (line, unread) = (Vec::with_capacity(LINE_MAX), Vec::new());
                let (heard, is_over) = (Instant::now(), false);
                connections[place] = Some(Connection { stream, uid, line, unread, heard, is_over });
            }
        }
    }
}

impl Connection {
    /// Reads and answers what there is, without waiting.
    fn turn(&mut self, thread: &mut ControlThread<'_>) {
        let mut chunk = [0; LINE_MAX];
        while !self.is_over {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.is_over = true,
                Ok(size) => self.take(&chunk[..size], thread),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.is_over = true,
            }
        }
        self.write();
    }

    fn take(&mut self, bytes: &[u8], thread: &mut ControlThread<'_>) {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                if self.line.len() > LINE_MAX {
                    self.unread.extend_from_slice(b"error a line has at most 1024 bytes\n");
                    self.write();
                    self.is_over = true;
                    return;
                }
                continue;
            }
            let answer = match str::from_utf8(&self.line) {
                Ok(line) => thread.answer(line, self.uid),
                Err(_) => "error a line is UTF-8\n".to_string(),
            };
            self.line.clear();
            self.heard = Instant::now();
            self.unread.extend_from_slice(answer.as_bytes());
            self.write();
        }
    }

    fn write(&mut self) {
        let mut sent = 0;
        while sent < self.unread.len() {
            match self.stream.write(&self.unread[sent..]) {
                Ok(0) => break,
                Ok(size) => sent += size,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_over |= error.kind() != ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        self.unread.drain(..sent);
        self.is_over |= self.unread.len() > UNREAD_MAX;
    }
}
