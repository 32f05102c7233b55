//! One address the server listens at.

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

use super::Error;

/// How long the headers of a call may take to arrive.
const HEADERS_DEADLINE: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it lives, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_DEADLINE: Duration = Duration::from_secs(10);

/// A listener that serves.
pub(super) struct Listener {
    /// Where.
    pub(super) addr: SocketAddr,
    /// Stops it.
    pub(super) handle: Handle<SocketAddr>,
    /// Ends when it has stopped.
    pub(super) served: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// What a router is for one connection: the service that knows its peer's address.
type PeerService = axum::middleware::AddExtension<Router, axum::extract::ConnectInfo<SocketAddr>>;

impl Listener {
    /// Listens at `addr` and serves the routes over what `acceptor` makes of a connection.
    pub(super) fn open<A>(addr: SocketAddr, acceptor: A, router: &Router) -> Result<Self, Error>
    where
        A: Accept<TcpStream, PeerService> + Clone + Send + Sync + 'static,
        A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
        A::Service: SendService<Request<hyper::body::Incoming>> + Send,
        A::Future: Send,
    {
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle.clone());
        // A caller that sends its headers a byte a minute, or went away without a word, holds nothing for long.
        let builder = server.http_builder();
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
        let http2 = &mut builder.http2();
        http2.timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_DEADLINE);
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let served = tokio::spawn(server.serve(service));
        Ok(Self { addr, handle, served })
    }
}
