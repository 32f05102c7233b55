//! Where customers' browsers reach the bank's page.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio_util::sync::CancellationToken;

use super::calls::{self, App};
use super::parts;
use crate::bank_front::error::BankError;
use crate::bank_front::{BankFront, https};
use crate::tls;

/// The longest body, in bytes.
const BODY_BYTES_MAX: usize = 8 * 1_024;

/// Whether there is a page, and where.
#[derive(Debug, clap::Args)]
pub struct OnlineOptions {
    /// Where to serve the bank's page to its customers' browsers, such as 127.0.0.1:8588; nowhere when absent.
    #[arg(long, value_name = "ADDR")]
    pub page_listen: Option<SocketAddr>,
}

/// A bound address, and what is shown there.
pub struct OnlinePort {
    listener: std::net::TcpListener,
    tls: Arc<rustls::ServerConfig>,
}

impl OnlineOptions {
    /// The port, if there shall be one. It shows what the bank's other ports show.
    ///
    /// # Errors
    /// When the address is taken or the certificate cannot be read.
    pub fn bind(&self, own: &tls::Identity) -> Result<Option<OnlinePort>, BankError> {
        let Some(addr) = self.page_listen else { return Ok(None) };
        Ok(Some(OnlinePort { listener: https::bind(addr)?, tls: tls::https_server(own)? }))
    }
}

impl OnlinePort {
    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves the page until `stop` is cancelled.
pub async fn serve(port: OnlinePort, front: Arc<BankFront>, stop: CancellationToken) {
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(port.tls));
    https::serve("the page's port", port.listener, acceptor, router(App::new(front)), stop).await;
}

/// Every call.
pub(super) fn router(app: App) -> Router {
    let calls = Router::new()
        .route("/v1/session", get(calls::session))
        .route("/v1/sign-in", post(calls::sign_in))
        .route("/v1/sign-in/code", post(calls::type_sign_in_code))
        .route("/v1/activation", post(calls::activate))
        .route("/v1/sign-out", post(calls::sign_out))
        .route("/v1/customer", get(calls::look))
        .route("/v1/journal", get(calls::journal))
        .route("/v1/changes/{change}", put(calls::propose).get(calls::change))
        .route("/v1/changes/{change}/codes", post(calls::type_code))
        .layer(middleware::from_fn(calls::only_from_the_page));
    Router::new()
        .route("/", get(parts::page))
        .route("/page.css", get(parts::style))
        .route("/page.js", get(parts::script))
        .route("/screen.js", get(parts::screen))
        .route("/texts.json", get(parts::texts))
        .merge(calls)
        .layer(middleware::from_fn(parts::with_headers))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}
