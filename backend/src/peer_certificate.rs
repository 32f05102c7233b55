//! Which certificate a caller shows on its connection, for whoever lets callers in by it: merchants that call without an API
//! key, and a bank's channels.
//!
//! Such a listener has an address of its own: a server that asks every caller for a certificate makes browsers ask people for
//! one. Which certificates are taken, the TLS configuration says; whose one is, the fingerprint tells.

use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use futures::future::BoxFuture;
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

/// The fingerprint of the certificate that the caller showed on its connection, if any.
#[derive(Clone)]
pub(crate) struct PeerCertificate(pub(crate) Option<Arc<str>>);

/// A certificate's name here: the SHA-256 of its DER, in hexadecimal.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    hex::encode(Sha256::digest(certificate))
}

/// Accepts TLS connections and tells every call on them which certificate the caller showed.
#[derive(Clone)]
pub(crate) struct CertificateAcceptor(RustlsAcceptor<DefaultAcceptor>);

impl CertificateAcceptor {
    /// For this TLS configuration.
    pub(crate) fn new(config: RustlsConfig) -> Self {
        Self(RustlsAcceptor::new(config))
    }
}

impl<I, S> Accept<I, S> for CertificateAcceptor
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Send + 'static,
{
    type Stream = TlsStream<I>;
    type Service = AddExtension<S, PeerCertificate>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepting = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            let (_, connection) = stream.get_ref();
            let shown = connection.peer_certificates().and_then(<[_]>::first).map(|shown| fingerprint(shown).into());
            let service = tower_layer::Layer::layer(&Extension(PeerCertificate(shown)), service);
            Ok((stream, service))
        })
    }
}
