//! Where channels reach the bank, over mutual TLS under an authority that is only for them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use tokio_util::sync::CancellationToken;

use super::api;
use crate::bank_front::error::BankError;
use crate::bank_front::{BankFront, https};
use crate::peer_certificate::CertificateAcceptor;
use crate::tls;

/// Where the bank's channels reach it.
#[derive(Debug, clap::Args)]
pub struct ChannelOptions {
    /// Where to listen for the bank's own channels, such as 127.0.0.1:8587; nowhere when absent.
    #[arg(long, value_name = "ADDR", requires = "channel_ca")]
    pub channel_listen: Option<SocketAddr>,
    /// The certificate that signs the channels' own, in PEM. Which of them are let in, and for what, `bank channel` says.
    #[arg(long, value_name = "FILE", requires = "channel_listen")]
    pub channel_ca: Option<PathBuf>,
}

/// A bound address and who is let in there.
pub struct ChannelPort {
    listener: std::net::TcpListener,
    tls: Arc<rustls::ServerConfig>,
}

impl ChannelOptions {
    /// The port, if there shall be one. It shows what the bank's other ports show.
    ///
    /// # Errors
    /// When the address is taken or a certificate cannot be read.
    pub fn bind(&self, own: &tls::Identity) -> Result<Option<ChannelPort>, BankError> {
        let (Some(addr), Some(authority)) = (self.channel_listen, &self.channel_ca) else { return Ok(None) };
        Ok(Some(ChannelPort { listener: https::bind(addr)?, tls: tls::mutual_server(own, authority)? }))
    }
}

impl ChannelPort {
    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves the channels until `stop` is cancelled.
pub async fn serve(port: ChannelPort, front: Arc<BankFront>, stop: CancellationToken) {
    let acceptor = CertificateAcceptor::new(RustlsConfig::from_config(port.tls));
    https::serve("the channels' port", port.listener, acceptor, api::router(front), stop).await;
}
