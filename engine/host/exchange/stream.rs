//! A member's connection as bytes: plain, or under the router's TLS.

use std::io;
#[cfg(feature = "tls")]
use std::net::Shutdown;

use crate::tcp::ByteStream;

/// A connection that never waits.
pub(super) enum Stream {
    Plain(ByteStream),
    #[cfg(feature = "tls")]
    Tls(Box<super::tls::TlsStream>),
}

impl Stream {
    /// Reads what came; `WouldBlock` when nothing did, 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    /// Takes as many bytes as there is room for.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    /// Says that nothing more will be sent; the other half stays open.
    pub(super) fn end(&mut self) {
        match self {
            Self::Plain(stream) => stream.end(),
            // A connection that is gone already needs no end.
            #[cfg(feature = "tls")]
            Self::Tls(stream) => drop(stream.socket().shutdown(Shutdown::Write)),
        }
    }

    /// Carries on what the stream itself has to send; whether nothing of it waits.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(_) => Ok(true),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }
}
