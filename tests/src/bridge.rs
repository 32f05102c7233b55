//! The wallet's screens in an ordinary browser: the same bundle, the same commands, over HTTP instead of the
//! window's own bridge. For tests and screenshots only.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use wallet::Wallet;

/// What the window's own bridge looks like to a page, made of `fetch`.
const SHIM: &str = "window.__TAURI_INTERNALS__ = { invoke: async (name, payload) => {
  const answer = await fetch('/ipc/' + name, { method: 'POST', body: JSON.stringify(payload?.args ?? {}) });
  const value = await answer.json();
  if (!answer.ok) throw value;
  return value;
} };
";

/// The window's content security policy, with the bridge's own address in the place of Tauri's.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Below this the bundle with the workbench is served, which lies beside the other.
pub const WORKBENCH: &str = "/workbench/";

/// The longest call: a picture of 8 MiB, in base64.
const CALL_BYTES_MAX: usize = 12 * 1024 * 1024;

struct Bridge {
    wallet: Wallet,
    bundle: PathBuf,
}

/// Serves the bundle in `bundle` over the commands of `wallet`, on a port of its own.
pub async fn serve(wallet: Wallet, bundle: &Path) -> SocketAddr {
    let bridge = Arc::new(Bridge { wallet, bundle: bundle.to_owned() });
    let router = Router::new()
        .route("/ipc/{command}", post(call))
        .route("/outside", post(outside))
        .route("/bridge.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], SHIM)))
        .fallback(get(file))
        .layer(DefaultBodyLimit::max(CALL_BYTES_MAX))
        .with_state(bridge);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn call(State(bridge): State<Arc<Bridge>>, UrlPath(command): UrlPath<String>, body: Bytes) -> Response {
    let Ok(arguments) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    match wallet::bridge::dispatch(&bridge.wallet, &command, arguments).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(problem) => (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(problem)).into_response(),
    }
}

/// A link that the system hands to the wallet, as when a person taps it in a mail.
async fn outside(State(bridge): State<Arc<Bridge>>, link: String) -> Response {
    match bridge.wallet.open_link_from_outside(link).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(problem)).into_response(),
    }
}

async fn file(State(bridge): State<Arc<Bridge>>, uri: Uri) -> Response {
    let (bundle, name) = match uri.path().strip_prefix(WORKBENCH) {
        Some(name) => (bridge.bundle.with_file_name("dist-workbench"), name),
        None => (bridge.bundle.clone(), uri.path().trim_start_matches('/')),
    };
    let name = if name.is_empty() { "index.html" } else { name };
    if name.split('/').any(|part| part == "..") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(mut bytes) = std::fs::read(bundle.join(name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if name == "index.html" {
        let page = String::from_utf8_lossy(&bytes).replacen("<head>", "<head><script src=\"/bridge.js\"></script>", 1);
        bytes = page.into_bytes();
    }
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
