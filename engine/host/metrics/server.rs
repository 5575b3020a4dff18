//! A small HTTP/1.1 responder: `GET /metrics`, and nothing else.
//!
//! One thread looks after a few connections at once, none of which it ever waits for; a request has a
//! bound of size and time, and a connection one request. What is not asked rightly gets 400, 404 or
//! 405. It is meant for a scraper on the same machine or a trusted network: no TLS, no authentication.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Metrics;
use super::exposition::Exposition;
use crate::error::Error;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 8;
/// Bytes of a request's head.
const REQUEST_SIZE_MAX: usize = 4 << 10;
/// From accepting a connection to its end.
const DEADLINE: Duration = Duration::from_secs(5);
/// Time between looks when nothing is going on.
const PAUSE: Duration = Duration::from_millis(10);

/// A listening socket.
#[derive(Debug)]
pub(crate) struct MetricsServer {
    listener: TcpListener,
    address: SocketAddr,
}

/// How far a connection is.
enum State {
    /// Its request is being read.
    Reading(Vec<u8>),
    /// So many bytes of its answer are sent.
    Writing(Vec<u8>, usize),
    /// Answered: what else it sends is thrown away until it closes, so that the answer arrives.
    Closing,
    Done,
}

struct Connection {
    stream: TcpStream,
    state: State,
    accepted: Instant,
}

impl MetricsServer {
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, Error> {
        let bound = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address })
        });
        bound.map_err(|source| Error::Network {
            doing: format!("serve metrics on {address}"),
            source,
        })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`.
    pub(crate) fn run(self, metrics: Metrics<'_>, stop: &AtomicBool) {
        let mut connections: Vec<Connection> = Vec::with_capacity(CONNECTIONS_MAX);
        while !stop.load(Ordering::Relaxed) {
            let mut is_busy = false;
            while connections.len() < CONNECTIONS_MAX
                && let Ok((stream, _)) = self.listener.accept()
            {
                // One that cannot be made non-blocking would be waited for: it is let go.
                if stream.set_nonblocking(true).is_ok() {
                    let state = State::Reading(Vec::with_capacity(512));
                    connections.push(Connection { stream, state, accepted: Instant::now() });
                    is_busy = true;
                }
            }
            for connection in &mut connections {
                is_busy |= connection.turn(&metrics);
            }
            connections
                .retain(|it| !matches!(it.state, State::Done) && it.accepted.elapsed() < DEADLINE);
            if !is_busy {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

impl Connection {
    /// Goes on as far as it can without waiting; whether it did anything.
    fn turn(&mut self, metrics: &Metrics<'_>) -> bool {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Reading(request) => self.read(request, metrics),
            State::Writing(answer, sent) => self.write(answer, sent),
            State::Closing => self.drain(),
            State::Done => false,
        }
    }

    fn read(&mut self, mut request: Vec<u8>, metrics: &Metrics<'_>) -> bool {
        let mut chunk = [0; 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => return true,
            Ok(size) => request.extend_from_slice(&chunk[..size]),
            Err(error) => return self.is_waiting(&error, State::Reading(request)),
        }
        let is_whole = request.windows(4).any(|end| end == b"\r\n\r\n");
        self.state = if is_whole || request.len() > REQUEST_SIZE_MAX {
            let is_too_long = !is_whole;
            State::Writing(answer(if is_too_long { &[] } else { &request }, metrics), 0)
        } else {
            State::Reading(request)
        };
        true
    }

    fn write(&mut self, answer: Vec<u8>, sent: usize) -> bool {
        match self.stream.write(&answer[sent..]) {
            Ok(size) if sent + size == answer.len() => {
                let is_shut = self.stream.shutdown(std::net::Shutdown::Write).is_ok();
                self.state = if is_shut { State::Closing } else { State::Done };
                true
            }
            Ok(size) => {
                self.state = State::Writing(answer, sent + size);
                size > 0
            }
            Err(error) => self.is_waiting(&error, State::Writing(answer, sent)),
        }
    }

    fn drain(&mut self) -> bool {
        match self.stream.read(&mut [0; 1024]) {
            Ok(0) => true,
            Ok(_) => {
                self.state = State::Closing;
                true
            }
            Err(error) => self.is_waiting(&error, State::Closing),
        }
    }

    /// Keeps the state when the socket only has nothing to do now; the connection ends otherwise.
    fn is_waiting(&mut self, error: &std::io::Error, state: State) -> bool {
        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) {
            self.state = state;
            return false;
        }
        true
    }
}

/// The answer to a request's head (RFC 9112, section 3).
fn answer(request: &[u8], metrics: &Metrics<'_>) -> Vec<u8> {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let words: Vec<&str> = str::from_utf8(line).unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else {
        return response("400 Bad Request", "", "the request is none that is understood\n");
    };
    let is_http = ["HTTP/1.1", "HTTP/1.0"].contains(&version);
    if !is_http || method.is_empty() || !target.starts_with('/') {
        return response("400 Bad Request", "", "the request is none that is understood\n");
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    match (path, method) {
        ("/metrics", "GET") => response("200 OK", "", &metrics.render()),
        ("/metrics", _) => response("405 Method Not Allowed", "Allow: GET\r\n", "only GET\n"),
        _ => response("404 Not Found", "", "there is only /metrics\n"),
    }
}

fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let (size, kind) = (body.len(), Exposition::CONTENT_TYPE);
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{headers}\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}
