//! Streams of bytes that never wait: sockets of this machine, or in their place the network of a
//! simulation (`crate::simulation`).
//!
//! Whoever speaks a protocol over TCP holds one of these, so that the same code runs in both.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};

use socket2::{Domain, Protocol, Socket, Type};

use crate::simulation::network::{Network, SimulatedDoor, SimulatedStream};

/// One end of a connection.
pub(crate) enum ByteStream {
    Socket(TcpStream),
    Simulated(SimulatedStream),
}

/// Where connections come in.
pub(crate) enum Door {
    Socket(TcpListener),
    Simulated(SimulatedDoor),
}

/// Who opens connections.
#[derive(Clone, Default)]
pub(crate) enum Dialer {
    #[default]
    Sockets,
    Simulated(Network),
}

impl Dialer {
    /// Begins to open a connection; it stands later ([`ByteStream::has_opened`]).
    ///
    /// # Errors
    ///
    /// What the system refused at once.
    pub(crate) fn connect(&self, address: SocketAddrV4) -> io::Result<ByteStream> {
        match self {
            Self::Sockets => connect(address).map(ByteStream::Socket),
            Self::Simulated(network) => Ok(ByteStream::Simulated(network.connect(address))),
        }
    }
}

impl ByteStream {
    /// A connection that came in: it never waits, and small packets leave at once.
    pub(crate) fn accepted(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Self::Socket(socket))
    }

    /// Whether the connection stands.
    ///
    /// # Errors
    ///
    /// What the other end, or the way there, refused.
    pub(crate) fn has_opened(&self) -> io::Result<bool> {
        match self {
            Self::Socket(socket) => has_opened(socket),
            Self::Simulated(stream) => stream.has_opened(),
        }
    }

    /// Reads what came; `WouldBlock` when nothing did, 0 at the end.
    #[inline]
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => socket.read(buffer),
            Self::Simulated(stream) => stream.read(buffer),
        }
    }

    /// Takes as many bytes as there is room for.
    #[inline]
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => socket.write(bytes),
            Self::Simulated(stream) => stream.write(bytes),
        }
    }

    /// Says that nothing more will be sent; the other half stays open.
    pub(crate) fn end(&mut self) {
        match self {
            // A connection that is gone already needs no end.
            Self::Socket(socket) => drop(socket.shutdown(Shutdown::Write)),
            Self::Simulated(stream) => stream.end(),
        }
    }
}

impl Door {
    /// Listens; with the address, whose port the system chose where it was 0.
    ///
    /// # Errors
    ///
    /// What the system refused.
    pub(crate) fn open(address: SocketAddrV4) -> io::Result<(Self, SocketAddrV4)> {
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        match socket.local_addr()? {
            SocketAddr::V4(local) => Ok((Self::Socket(socket), local)),
            SocketAddr::V6(_) => Err(io::Error::other("an IPv4 socket has an IPv6 address")),
        }
    }

    /// Lets the next one in.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nobody stands there, or what the system refused.
    pub(crate) fn accept(&self) -> io::Result<ByteStream> {
        match self {
            Self::Socket(listener) => ByteStream::accepted(listener.accept()?.0),
            Self::Simulated(door) => door.accept().map(ByteStream::Simulated),
        }
    }
}

/// A socket on its way to `address`: it never waits, and small packets leave at once.
pub(crate) fn connect(address: SocketAddrV4) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_in_progress(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

/// Whether a socket's connection stands.
///
/// # Errors
///
/// What the other end, or the way there, refused.
pub(crate) fn has_opened(socket: &TcpStream) -> io::Result<bool> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    let is_begun = error.raw_os_error() == Some(libc::EINPROGRESS);
    is_begun || error.kind() == io::ErrorKind::WouldBlock
}

/// Whether the next try may succeed.
pub(crate) fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
