//! One address where the bank speaks HTTPS.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::service::SendService;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::error::BankError;

/// How long the headers of a call may take to arrive.
const HEADERS_DEADLINE: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it lives, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_DEADLINE: Duration = Duration::from_secs(10);
/// How long calls under way may take to end when the bank stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// What a router is for one connection: the service that knows its peer's address.
type PeerService = axum::middleware::AddExtension<Router, axum::extract::ConnectInfo<SocketAddr>>;

/// Binds an address.
///
/// # Errors
/// When it is taken.
pub(super) fn bind(addr: SocketAddr) -> Result<std::net::TcpListener, BankError> {
    let socket = |source| BankError::File { what: addr.to_string(), source };
    let listener = std::net::TcpListener::bind(addr).map_err(socket)?;
    listener.set_nonblocking(true).map_err(socket)?;
    Ok(listener)
}

/// Serves the routes over what `acceptor` makes of a connection, until `stop` is cancelled.
pub(super) async fn serve<A>(
    what: &'static str,
    listener: std::net::TcpListener,
    acceptor: A,
    router: Router,
    stop: CancellationToken,
) where
    A: Accept<TcpStream, PeerService> + Clone + Send + Sync + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
    A::Service: SendService<Request<hyper::body::Incoming>> + Send,
    A::Future: Send,
{
    let handle = Handle::new();
    let mut server = match axum_server::from_tcp(listener) {
        Ok(server) => server.acceptor(acceptor).handle(handle.clone()),
        Err(error) => return tracing::error!(%error, what, "a port cannot be served"),
    };
    // A caller that sends its headers a byte a minute, or went away without a word, holds nothing for long.
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
    let http2 = &mut builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_DEADLINE);
    let serving = server.serve(router.into_make_service_with_connect_info::<SocketAddr>());
    let stopping = async {
        stop.cancelled().await;
        handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
    };
    let (served, ()) = tokio::join!(serving, stopping);
    if let Err(error) = served {
        tracing::error!(%error, what, "a port failed");
    }
}
