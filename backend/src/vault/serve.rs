//! Serving wallets over HTTPS: one path, bodies of a bounded size, and nobody's name in a log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use protocol::vault_api::{CALLS_PATH, SealedCall};
use protocol::{ErrorCode, Problem};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::calls::{self, Unsealed};
use super::error::VaultError;
use super::home::VaultHome;
use super::{Vault, rotation};
use crate::storage;
use crate::tls;

/// The media type of problem details (RFC 9457, section 3).
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// The longest body, in bytes: a call, and the certificates of as many banks as may come with it.
const BODY_BYTES_MAX: usize = 512 * 1_024;
/// The most calls handled at once; one more is told to come back.
const CALLS_AT_ONCE_MAX: usize = 64;
/// How long the headers of a call may take to arrive, and a call as a whole.
const HEADERS_DEADLINE: Duration = Duration::from_secs(10);
const CALL_DEADLINE: Duration = Duration::from_secs(20);
/// How often a silent connection is asked whether it lives, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_DEADLINE: Duration = Duration::from_secs(10);
/// How long calls under way may take to end when the vault stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// What every call shares.
#[derive(Clone)]
struct App {
    vault: Arc<Vault>,
    calls: Arc<Semaphore>,
}

/// Serves until `stop` is cancelled. Prints one line of JSON with the address when ready.
pub(super) async fn serve(
    vault: Arc<Vault>,
    home: &VaultHome,
    listen: SocketAddr,
    stop: CancellationToken,
) -> Result<(), VaultError> {
    let listener = std::net::TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(tls::https_server(&home.tls_identity())?));
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle.clone());
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
    let http2 = &mut builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_DEADLINE);
    let rotating = tokio::spawn(rotation::run(Arc::clone(&vault), stop.clone()));
    println!("{}", serde_json::json!({ "ready": "vault", "vault": vault.id, "addr": addr.to_string() }));
    let stopping = handle.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        stopping.graceful_shutdown(Some(SHUTDOWN_GRACE));
    });
    server.serve(router(vault).into_make_service_with_connect_info::<SocketAddr>()).await?;
    rotating.await.map_err(|_| VaultError::Stopped)
}

fn router(vault: Arc<Vault>) -> Router {
    Router::new()
        .route("/v1/health", get(health))
        .route(CALLS_PATH, post(call))
        .fallback(async || problem(&Problem::new(ErrorCode::NotFound)))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(App { vault, calls: Arc::new(Semaphore::new(CALLS_AT_ONCE_MAX)) })
}

async fn health(State(app): State<App>) -> Response {
    if app.vault.db.is_writable() {
        Json(serde_json::json!({ "status": "ok" })).into_response()
    } else {
        problem(&Problem::new(ErrorCode::VaultUnreachable))
    }
}

async fn call(State(app): State<App>, ConnectInfo(from): ConnectInfo<SocketAddr>, body: Bytes) -> Response {
    let Ok(_place) = app.calls.try_acquire() else {
        return problem(&Problem::new(ErrorCode::VaultUnreachable));
    };
    let Ok(sealed) = serde_json::from_slice::<SealedCall>(&body) else {
        return problem(&Problem::new(ErrorCode::InvalidInput));
    };
    match tokio::time::timeout(CALL_DEADLINE, calls::answer(&app.vault, &sealed, from.ip())).await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(Unsealed::Refused(code))) => problem(&Problem::new(code)),
        Ok(Err(Unsealed::Failed(error))) => {
            // Kinds of errors name no names.
            let passes = matches!(&error, VaultError::Database(error) if storage::is_passing(error));
            tracing::error!(%error, passes, "a call failed");
            problem(&Problem::new(ErrorCode::VaultUnreachable))
        }
        Err(_) => problem(&Problem::new(ErrorCode::VaultUnreachable)),
    }
}

fn problem(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response()
}
