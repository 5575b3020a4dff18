//! An authority of its own, and a proxy that ends TLS in front of a router.

#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Where a router with a certificate of this authority listens. Its threads end with the process.
    pub fn proxy(&self, router: SocketAddrV4) -> SocketAddrV4 {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!() };
        let config = Arc::new(config);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let _ = carry(StreamOwned::new(tls, client), router);
            }
        });
        address
    }
}

/// One question and its answer, which is all that a router is asked.
fn carry(
    mut member: StreamOwned<ServerConnection, TcpStream>,
    router: SocketAddrV4,
) -> std::io::Result<()> {
    let mut buffer = [0; 1_024];
    let size = member.read(&mut buffer)?;
    let mut router = TcpStream::connect(router)?;
    router.write_all(&buffer[..size])?;
    let size = router.read(&mut buffer)?;
    member.write_all(&buffer[..size])?;
    member.flush()?;
    // The member closes first, as it goes on to the gateway.
    let _ = member.read(&mut buffer);
    Ok(())
}
