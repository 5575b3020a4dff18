//! One TCP connection that never waits: opened, written and read in steps, with TLS to the router
//! where it is configured.
//!
//! It promises that bytes taken by [`Connection::send`] leave in order or the connection is lost, and
//! never blocks its thread. It never interprets a byte.

use std::io::{self, ErrorKind};
use std::net::SocketAddrV4;

#[cfg(feature = "tls")]
use super::tls::TlsStream;
use crate::tcp::{ByteStream, Dialer};

/// Bytes that wait for the socket at most; the session has an outbox of its own before it.
const OUT_SIZE: usize = 16 << 10;

/// A connection to the router or to a gateway.
pub(super) struct Connection {
    stream: Stream,
    is_open: bool,
    /// What the socket has not taken yet: `out[written..filled]`.
    out: Box<[u8]>,
    written: usize,
    filled: usize,
}

/// What carries the bytes.
enum Stream {
    Plain(ByteStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

impl Connection {
    /// Begins to open a plain connection.
    pub(super) fn plain(dialer: &Dialer, address: SocketAddrV4) -> io::Result<Self> {
        Ok(Self::over(Stream::Plain(dialer.connect(address)?)))
    }

    /// Begins to open a connection with TLS.
    #[cfg(feature = "tls")]
    pub(super) fn tls(address: SocketAddrV4, setup: &super::tls::TlsSetup) -> io::Result<Self> {
        let stream = setup.stream(crate::tcp::connect(address)?, *address.ip())?;
        Ok(Self::over(Stream::Tls(Box::new(stream))))
    }

    fn over(stream: Stream) -> Self {
        let out = vec![0; OUT_SIZE].into_boxed_slice();
        Self { stream, is_open: false, out, written: 0, filled: 0 }
    }

    /// Whether the connection is open; true once.
    ///
    /// # Errors
    ///
    /// What the other end, or the way there, refused.
    pub(super) fn has_opened(&mut self) -> io::Result<bool> {
        if self.is_open {
            return Ok(false);
        }
        self.is_open = match &self.stream {
            Stream::Plain(stream) => stream.has_opened()?,
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => crate::tcp::has_opened(stream.socket())?,
        };
        Ok(self.is_open)
    }

    pub(super) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether bytes wait for the socket.
    pub(super) const fn has_unsent(&self) -> bool {
        self.written < self.filled
    }

    /// Takes bytes as long as the socket does; how many it took from `next`, which is asked for more
    /// when everything before has left.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub(super) fn send(&mut self, mut next: impl FnMut(&mut [u8]) -> usize) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            if !self.has_unsent() {
                (self.written, self.filled) = (0, next(&mut self.out));
                if self.filled == 0 {
                    break;
                }
                taken += self.filled;
            }
            match self.stream.write(&self.out[self.written..self.filled]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(size) => self.written += size,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.flush()?;
        Ok(taken)
    }

    /// Reads what is there; `None` when nothing is.
    ///
    /// # Errors
    ///
    /// The connection is lost, or the other end closed it (`UnexpectedEof`).
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.stream.read(buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(size) => Ok(Some(size)),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    /// Pushes on what a layer below still holds; nothing to do where there is none.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};
    use std::time::{Duration, Instant};

    fn listener() -> (TcpListener, SocketAddrV4) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!() };
        (listener, address)
    }

    /// Tries again until something comes of it.
    fn until<T>(mut what: impl FnMut() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = what() {
                return found;
            }
            assert!(started.elapsed() < Duration::from_secs(5), "it came to nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn more_than_the_socket_takes_arrives_whole_and_in_order() {
        const SIZE: usize = 8 << 20;
        let (listener, address) = listener();
        let mut connection = Connection::plain(&Dialer::Sockets, address).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        until(|| connection.has_opened().unwrap().then_some(()));
        assert!(connection.is_open() && !connection.has_opened().unwrap());
        let byte = |at: usize| (at % 251) as u8;
        let (mut handed, mut got) = (0, 0);
        let mut buffer = vec![0; 64 << 10];
        other.set_nonblocking(true).unwrap();
        let mut was_full = false;
        while got < SIZE {
            connection
                .send(|out| {
                    let size = out.len().min(SIZE - handed);
                    (0..size).for_each(|at| out[at] = byte(handed + at));
                    handed += size;
                    size
                })
                .unwrap();
            was_full |= connection.has_unsent();
            while let Ok(size) = other.read(&mut buffer) {
                assert!(buffer[..size].iter().enumerate().all(|(at, &is)| is == byte(got + at)));
                got += size;
            }
        }
        assert!(was_full, "the socket never said that it is full: nothing was tried");
    }

    #[test]
    fn a_refused_connection_and_a_closed_one_are_errors() {
        let (listener, address) = listener();
        let mut connection = Connection::plain(&Dialer::Sockets, address).unwrap();
        drop(listener.accept().unwrap());
        until(|| connection.has_opened().unwrap().then_some(()));
        let mut buffer = [0; 16];
        let error = until(|| connection.receive(&mut buffer).err());
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        drop(listener);
        // Nobody listens any more: told at once, or when the connection is looked at.
        if let Ok(mut connection) = Connection::plain(&Dialer::Sockets, address) {
            until(|| connection.has_opened().err());
        }
    }
}
