//! The line: mutual TLS, many messages in flight on each connection, everything bounded.
//!
//! Each message is answered by a task of its own, so a slow answer never holds up another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iso8583::frame::{Decoder, Framing};
use iso8583::{Message, Spec};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{CarrierFront, message};

/// Connections at one time.
const CONNECTIONS_MAX: usize = 16;
/// Messages of one connection that are being answered at one time: what the payment server keeps in flight.
const IN_FLIGHT_MAX: usize = 256;
/// How long a TLS handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection may be silent; its client sends an echo every thirty seconds.
const SILENCE_MAX: Duration = Duration::from_mins(2);
/// How long one answer may take to be taken by the other side.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long messages in flight may take after the order to stop.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes read at a time.
const READ_BYTES: usize = 8 * 1024;
/// How messages are framed.
const FRAMING: Framing = Framing::Binary2;

/// Accepts connections until `stop` is cancelled, then lets messages in flight finish.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    front: Arc<CarrierFront>,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
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
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%peer, "too many connections");
            continue;
        };
        let (acceptor, front, stop) = (acceptor.clone(), Arc::clone(&front), stop.clone());
        connections.spawn(async move {
            let _place = place;
            connect(&acceptor, socket, peer, &front, &stop).await;
        });
    }
    connections.close();
    if timeout(DRAIN_TIME_MAX, connections.wait()).await.is_err() {
        tracing::warn!("stopped with messages in flight");
    }
}

async fn connect(
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    peer: SocketAddr,
    front: &Arc<CarrierFront>,
    stop: &CancellationToken,
) {
    // Answers are small and waited for; a failure to say so costs only time.
    let _ = socket.set_nodelay(true);
    let stream = match timeout(HANDSHAKE_TIME_MAX, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::warn!(%peer, %error, "the handshake failed"),
        Err(_) => return tracing::warn!(%peer, "the handshake took too long"),
    };
    tracing::info!(%peer, "connected");
    let (reading, writing) = tokio::io::split(stream);
    let (answers, to_write) = mpsc::channel(IN_FLIGHT_MAX);
    let writer = tokio::spawn(write_answers(writing, to_write, peer));
    read_messages(reading, answers, peer, front, stop).await;
    // The writer ends when the last message in flight has dropped its sender.
    let _ = writer.await;
    tracing::info!(%peer, "disconnected");
}

async fn read_messages(
    mut reading: impl AsyncRead + Unpin,
    answers: mpsc::Sender<Message>,
    peer: SocketAddr,
    front: &Arc<CarrierFront>,
    stop: &CancellationToken,
) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut decoder = Decoder::with(FRAMING);
    let mut buffer = vec![0; READ_BYTES];
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
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => return tracing::warn!(%peer, %error, "not a stream of frames"),
            };
            let message = match Message::unpack(&Spec::TAPSEAL, &frame) {
                Ok(message) => message,
                Err(error) => {
                    // Our one client is the payment server; what it cannot have sent is not answered.
                    tracing::warn!(%peer, %error, "not a message");
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&in_flight).acquire_owned().await else { return };
            let (answers, front) = (answers.clone(), Arc::clone(front));
            tokio::spawn(async move {
                let _place = place;
                if let Some(answer) = message::answer(&front, &message).await {
                    // A closed channel means that the connection is gone; the answer is stored.
                    let _ = answers.send(answer).await;
                }
            });
        }
    }
}

/// Writes answers in the order they come, until their senders are gone or the connection fails.
async fn write_answers(mut writing: impl AsyncWrite + Unpin, mut answers: mpsc::Receiver<Message>, peer: SocketAddr) {
    while let Some(answer) = answers.recv().await {
        let framed = match answer.pack(&Spec::TAPSEAL).map(|bytes| FRAMING.encode(&bytes)) {
            Ok(Ok(framed)) => framed,
            Ok(Err(error)) => {
                tracing::error!(%peer, %error, "an answer does not fit a frame");
                continue;
            }
            Err(error) => {
                tracing::error!(%peer, %error, "an answer was not packed");
                continue;
            }
        };
        match timeout(WRITE_TIME_MAX, writing.write_all(&framed)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return tracing::warn!(%peer, %error, "writing failed"),
            Err(_) => return tracing::warn!(%peer, "an answer was not taken"),
        }
        if let Err(error) = writing.flush().await {
            return tracing::warn!(%peer, %error, "writing failed");
        }
    }
    let _ = timeout(WRITE_TIME_MAX, writing.shutdown()).await;
}
