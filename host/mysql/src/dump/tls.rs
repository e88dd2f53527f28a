//! TLS of the dump connection, by `database.ssl.mode`.
//!
//! `preferred` and `required` encrypt without asking who is there, `verify_ca` asks for a certificate of a known authority
//! and `verify_identity` for the host's name in it as well, as MySQL's own clients do. Invariant: whatever is accepted,
//! the handshake's signatures are checked.

use super::link::Socket;
use crate::config::{ServerConfig, SslMode};
use mysql_async::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Wraps a socket in TLS.
pub(super) async fn secure(
    config: &ServerConfig,
    socket: Box<dyn Socket>,
) -> Result<Box<dyn Socket>, Error> {
    let name = ServerName::try_from(config.host.clone()).map_err(invalid)?;
    let connector = TlsConnector::from(Arc::new(client(config).await?));
    Ok(Box::new(connector.connect(name, socket).await?))
}

async fn client(config: &ServerConfig) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &config.ssl_roots {
        Some(file) => {
            for certificate in certificates(&tokio::fs::read(file).await?)? {
                roots.add(certificate).map_err(invalid)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let roots = Arc::new(roots);
    let builder = ClientConfig::builder();
    let verifier = Verifier {
        mode: config.ssl_mode,
        strict: WebPkiServerVerifier::builder(roots)
            .build()
            .map_err(invalid)?,
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some(file) = &config.ssl_identity else {
        return Ok(builder.with_no_client_auth());
    };
    let pem = tokio::fs::read(file).await?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(invalid)?;
    builder
        .with_client_auth_cert(certificates(&pem)?, key)
        .map_err(invalid)
}

/// The certificates of a PEM file, or the one of a DER file.
fn certificates(file: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let pem: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file).collect();
    let found = pem.map_err(invalid)?;
    Ok(if found.is_empty() && !file.is_empty() {
        vec![CertificateDer::from(file.to_vec())]
    } else {
        found
    })
}

fn invalid(e: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("setting up TLS: {e}"))
}

/// Probes a connection that says nothing, as `connect.keep.alive.interval.ms` asks.
pub(super) fn keep_alive(socket: &TcpStream, every: Duration) -> io::Result<()> {
    let probes = socket2::TcpKeepalive::new().with_time(every);
    socket2::SockRef::from(socket).set_tcp_keepalive(&probes)
}

#[derive(Debug)]
struct Verifier {
    mode: SslMode,
    strict: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if matches!(self.mode, SslMode::Preferred | SslMode::Required) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.strict.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.mode != SslMode::VerifyIdentity => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}
