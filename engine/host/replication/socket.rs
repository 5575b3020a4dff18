//! A TCP connection that never waits, and a thread's way of waiting for news.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;

/// One connection.
pub(super) struct Connection {
    stream: TcpStream,
    is_open: bool,
    buffer: Box<[u8]>,
}

impl Connection {
    /// Begins to open one.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Ok(()) => {}
            Err(error)
                if error.kind() == ErrorKind::WouldBlock
                    || error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(error) => return Err(error),
        }
        let mut connection = Self::over(socket.into())?;
        connection.is_open = false;
        Ok(connection)
    }

    /// One that was accepted.
    pub(super) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // An acknowledgement or a single record is not kept back for more to come.
        stream.set_nodelay(true)?;
        Ok(Self { stream, is_open: true, buffer: vec![0; READ_BYTES].into_boxed_slice() })
    }

    /// Whether it is open by now.
    pub(super) fn has_opened(&mut self) -> io::Result<bool> {
        if self.is_open {
            return Ok(true);
        }
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => self.is_open = true,
            Err(error) if error.kind() == ErrorKind::NotConnected => {}
            Err(error) => return Err(error),
        }
        Ok(self.is_open)
    }

    /// Hands bytes over; how many the socket took.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// What came; empty when nothing did.
    ///
    /// # Errors
    ///
    /// The connection is lost, or the other end closed it (`UnexpectedEof`).
    pub(super) fn receive(&mut self) -> io::Result<&[u8]> {
        match self.stream.read(&mut self.buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(&self.buffer[..count]),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(&[])
            }
            Err(error) => Err(error),
        }
    }
}

/// What a thread does while nothing comes: looks again at once for a while, then gives the core away
/// between looks, then sleeps between them.
#[derive(Debug, Default)]
pub(super) struct Rest {
    looks: u32,
}

impl Rest {
    const SPINS: u32 = 64;
    const YIELDS: u32 = 2_000;
    const SLEEP: Duration = Duration::from_micros(50);

    pub(super) const fn reset(&mut self) {
        self.looks = 0;
    }

    pub(super) fn wait(&mut self) {
        self.looks = self.looks.saturating_add(1);
        if self.looks < Self::SPINS {
            std::hint::spin_loop();
        } else if self.looks < Self::YIELDS {
            thread::yield_now();
        } else {
            thread::sleep(Self::SLEEP);
        }
    }
}
