//! TLS 1.3 to the gateway router (FO 9.48, chapter 11): a stream that never waits.
//!
//! rustls keeps the protocol, this file moves its bytes. Only version 1.3 is spoken, and only
//! authorities of the configured file are trusted.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::config::RouterTls;
use crate::error::Error;

/// Plain bytes that may wait to be encrypted and sent.
const BUFFER_LIMIT: usize = 16 << 10;

/// What every connection to the router needs, made once.
pub(super) struct TlsSetup {
    config: Arc<ClientConfig>,
    /// `None` takes the address of the router.
    name: Option<ServerName<'static>>,
}

impl TlsSetup {
    /// Reads the authorities.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`]: the file cannot be read, holds no certificate that can be trusted, or the
    /// name is none.
    pub(super) fn new(tls: &RouterTls) -> Result<Self, Error> {
        let path = tls.ca_file.display();
        let wrong = |what: String| Error::Parameter(format!("TLS to the router: {what}"));
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(&tls.ca_file)
            .map_err(|error| wrong(format!("cannot read {path}: {error}")))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| wrong(format!("{path}: {error}")))?;
            roots.add(certificate).map_err(|error| wrong(format!("{path}: {error}")))?;
        }
        if roots.is_empty() {
            return Err(wrong(format!("{path} holds no certificate")));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| wrong(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = tls.server_name.clone().map(ServerName::try_from).transpose();
        let name = name.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// A stream over a socket that is on its way to the router.
    pub(super) fn stream(
        &self,
        socket: TcpStream,
        router: std::net::Ipv4Addr,
    ) -> io::Result<TlsStream> {
        let name =
            self.name.clone().unwrap_or_else(|| ServerName::from(std::net::IpAddr::V4(router)));
        let mut tls = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| invalid(&error))?;
        tls.set_buffer_limit(Some(BUFFER_LIMIT));
        Ok(TlsStream { socket, tls })
    }
}

/// A socket with TLS over it.
pub(super) struct TlsStream {
    socket: TcpStream,
    tls: ClientConnection,
}

impl TlsStream {
    pub(super) const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Takes plain bytes as long as there is room for them.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        match self.tls.writer().write(bytes)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            size => Ok(size),
        }
    }

    /// Sends what is encrypted, as far as the socket takes it. Also what carries the handshake on.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what came and is decrypted; `WouldBlock` when nothing is, 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.tls.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            outcome => return outcome,
        }
        if self.tls.read_tls(&mut self.socket)? == 0 {
            return Ok(0);
        }
        self.tls.process_new_packets().map_err(|error| invalid(&error))?;
        self.tls.reader().read(buffer)
    }
}

fn invalid(error: &rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("TLS: {error}"))
}
