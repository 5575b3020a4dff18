//! The exchange's end of TLS 1.3 on the way to the router (FO 9.48, chapter 11).

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::config::TlsFiles;
use crate::error::Error;

/// Plain bytes that may wait to be encrypted and sent.
const BUFFER_LIMIT: usize = 16 << 10;

/// What every connection needs, made once.
pub(super) struct TlsSetup(Arc<ServerConfig>);

impl TlsSetup {
    /// Reads certificate and key.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`]: a file cannot be read, or they do not belong together.
    pub(super) fn new(files: &TlsFiles) -> Result<Self, Error> {
        let wrong = |what: String| Error::Parameter(format!("TLS of the router: {what}"));
        let path = files.certificate.display();
        let read = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = read.map_err(|error| wrong(format!("{path}: {error}")))?;
        let path = files.key.display();
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|error| wrong(format!("{path}: {error}")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| wrong(error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self(Arc::new(config)))
    }

    /// A stream over a connection that came in.
    pub(super) fn stream(&self, socket: TcpStream) -> io::Result<TlsStream> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let mut tls =
            ServerConnection::new(Arc::clone(&self.0)).map_err(|error| invalid(&error))?;
        tls.set_buffer_limit(Some(BUFFER_LIMIT));
        Ok(TlsStream { socket, tls })
    }
}

/// A socket with TLS over it.
pub(super) struct TlsStream {
    socket: TcpStream,
    tls: ServerConnection,
}

impl TlsStream {
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let size = self.tls.writer().write(bytes)?;
        self.flush()?;
        if size == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(size) }
    }

    /// Sends what is encrypted, the handshake too; whether nothing waits.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.tls.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            outcome => return outcome,
        }
        if self.tls.read_tls(&mut self.socket)? == 0 {
            return Ok(0);
        }
        self.tls.process_new_packets().map_err(|error| invalid(&error))?;
        self.flush()?;
        self.tls.reader().read(buffer)
    }
}

fn invalid(error: &rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("TLS: {error}"))
}
