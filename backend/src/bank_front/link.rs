//! The link: two listeners, many connections, many messages in flight on each.
//!
//! The sealed port speaks mutual TLS and takes card data in capsules only. The plain port is for ordinary ISO 8583
//! clients: card data in clear, no TLS, and therefore off unless asked for.
//!
//! Each message is answered by a task of its own, so a slow answer never holds up another. Everything
//! is bounded: connections, messages in flight, and every wait.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iso8583::frame::{Decoder, Framing};
use iso8583::{Message, Spec};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use super::BankFront;
use super::message::{self, Line, Reply};

mod authentication;
mod writer;

/// Connections at one time.
const CONNECTIONS_MAX: usize = 64;
/// Messages of one connection that are being answered at one time.
const IN_FLIGHT_MAX: usize = 256;
/// How long a TLS handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection may be silent; its client sends an echo every thirty seconds.
const SILENCE_MAX: Duration = Duration::from_mins(2);
/// How long messages in flight may take after the order to stop.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes read at a time.
const READ_BYTES: usize = 8 * 1024;

/// How messages are written on a connection.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// How digits and bytes are.
    pub spec: Spec,
    /// How lengths are.
    pub framing: Framing,
}

impl Wire {
    /// What the payment server speaks.
    pub const SEALED: Self = Self { spec: Spec::TAPSEAL, framing: Framing::Binary2 };
}

/// A port, and what may be said on it.
#[derive(Clone)]
pub enum Port {
    /// Mutual TLS, card data in capsules.
    Sealed(TlsAcceptor),
    /// No TLS, card data in clear.
    Plain(Wire),
}

impl Port {
    /// The port of the payment server.
    pub fn sealed(tls: Arc<rustls::ServerConfig>) -> Self {
        Self::Sealed(TlsAcceptor::from(tls))
    }
}

/// Accepts connections until `stop` is cancelled, then lets messages in flight finish.
pub async fn serve(listener: TcpListener, port: Port, front: Arc<BankFront>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly; the next accept may succeed.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%peer, "too many connections");
            continue;
        };
        let (port, front, stop) = (port.clone(), Arc::clone(&front), stop.clone());
        connections.spawn(async move {
            let _place = place;
            accept(&port, socket, peer, &front, &stop).await;
        });
    }
    connections.close();
    if timeout(DRAIN_TIME_MAX, connections.wait()).await.is_err() {
        tracing::warn!("stopped with messages in flight");
    }
}

async fn accept(port: &Port, socket: TcpStream, peer: SocketAddr, front: &Arc<BankFront>, stop: &CancellationToken) {
    // Answers are small and waited for; a failure to say so costs only time.
    let _ = socket.set_nodelay(true);
    let acceptor = match port {
        Port::Sealed(acceptor) => acceptor,
        Port::Plain(wire) => {
            let connection = Connection { wire: *wire, line: Arc::new(Line::plain()), peer };
            return connection.run(socket, front, stop).await;
        }
    };
    let connection = Connection { wire: Wire::SEALED, line: Arc::new(Line::Sealed), peer };
    match timeout(HANDSHAKE_TIME_MAX, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => connection.run(stream, front, stop).await,
        Ok(Err(error)) => tracing::warn!(%peer, %error, "the handshake failed"),
        Err(_) => tracing::warn!(%peer, "the handshake took too long"),
    }
}

/// One connection, whatever carries it.
struct Connection {
    wire: Wire,
    line: Arc<Line>,
    peer: SocketAddr,
}

impl Connection {
    async fn run<S>(self, stream: S, front: &Arc<BankFront>, stop: &CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let peer = self.peer;
        tracing::info!(%peer, "connected");
        let (reading, writing) = tokio::io::split(stream);
        let (answers, to_write) = mpsc::channel(IN_FLIGHT_MAX);
        let authenticated_by = matches!(*self.line, Line::Plain(_)).then(|| Arc::clone(front));
        let packing = writer::Packing { wire: self.wire, authenticated_by, peer };
        let writer = tokio::spawn(writer::write_replies(writing, to_write, packing));
        self.read_messages(reading, answers, front, stop).await;
        // The writer ends when the last message in flight has dropped its sender.
        let _ = writer.await;
        tracing::info!(%peer, "disconnected");
    }

    async fn read_messages(
        self,
        mut reading: impl AsyncRead + Unpin,
        answers: mpsc::Sender<Reply>,
        front: &Arc<BankFront>,
        stop: &CancellationToken,
    ) {
        let peer = self.peer;
        let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        let mut decoder = Decoder::with(self.wire.framing);
        // Card data in clear passes through here.
        let mut buffer = Zeroizing::new(vec![0; READ_BYTES]);
        loop {
            let read = tokio::select! {
                () = stop.cancelled() => return,
                () = answers.closed() => return,
                read = timeout(SILENCE_MAX, reading.read(&mut buffer)) => read,
            };
            match read {
                Ok(Ok(0)) if decoder.is_between_frames() => return,
                Ok(Ok(0)) => return tracing::warn!(%peer, "cut within a message"),
                Ok(Ok(count)) => decoder.push(&buffer[..count]),
                Ok(Err(error)) => return tracing::warn!(%peer, %error, "reading failed"),
                Err(_) => return tracing::warn!(%peer, "silent for too long"),
            }
            loop {
                let frame = match decoder.next_frame() {
                    Ok(Some(frame)) => Zeroizing::new(frame),
                    Ok(None) => break,
                    Err(error) => return tracing::warn!(%peer, %error, "not a stream of frames"),
                };
                let message = Message::unpack_as_far_as_it_goes(&self.wire.spec, &frame);
                if let Err(unreadable) = &message {
                    tracing::warn!(%peer, error = %unreadable.error, "not a message");
                }
                let Ok(place) = Arc::clone(&in_flight).acquire_owned().await else { return };
                let (answers, front, line) = (answers.clone(), Arc::clone(front), Arc::clone(&self.line));
                let spec = self.wire.spec;
                tokio::spawn(async move {
                    let _place = place;
                    let reply = match message {
                        Ok(message) => match authenticity(&front, &line, &spec, &frame, &message) {
                            Ok(()) => message::answer(&front, &line, message).await,
                            Err(fault) => message::refuse_unauthentic(&message, fault.as_str()),
                        },
                        Err(unreadable) => message::answer_unreadable(&unreadable).map_or(Reply::Silence, Reply::Once),
                    };
                    if reply != Reply::Silence {
                        // A closed channel means that the connection is gone; the answer is stored.
                        let _ = answers.send(reply).await;
                    }
                });
            }
        }
    }
}

/// On the sealed port it is TLS that authenticates.
fn authenticity(
    front: &BankFront,
    line: &Line,
    spec: &Spec,
    frame: &[u8],
    message: &Message,
) -> Result<(), authentication::Fault> {
    match line {
        Line::Sealed => Ok(()),
        Line::Plain(_) => authentication::check(front, spec, frame, message),
    }
}
