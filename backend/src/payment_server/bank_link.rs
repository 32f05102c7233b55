//! The line to a bank: one persistent mutual-TLS connection with many messages in flight.
//!
//! It signs on, echoes, reconnects with back-off, and matches answers by message type, DE 11 and DE 37. While
//! it is down nothing is taken for sending, so a caller can still say that nothing was sent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iso8583::frame::{self, Decoder};
use iso8583::private::Composite;
use iso8583::{Message, Mti, Spec, network};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::banks::BankAddress;
use super::{App, Error, bank_messages};
use crate::clock::now_ms;
use crate::keys::{BankId, front_host_name};

/// How long connecting, the handshake and the sign-on may take, each.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long writing to the line may block before it counts as broken.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// How often the server asks whether anybody is there.
const ECHO_EVERY: Duration = Duration::from_secs(30);
/// How long an echo may stay unanswered.
const ECHO_DEADLINE: Duration = Duration::from_secs(10);
/// The wait before the first new connection; it doubles with every failure.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait before a new connection.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The most messages waiting to be written.
const OUTGOING_MAX: usize = 1_024;
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1_024;
/// The last trace number before they begin again.
const STAN_MAX: u32 = 999_999;

/// Why there is no answer. In no case is it known that the bank did not act, except for `NotSent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The line was down and the message was not taken.
    NotSent,
    /// The line broke.
    LineLost,
    /// The time was up.
    TimedOut,
}

/// An answer, and what its exchange weighed and took.
pub(super) struct Exchange {
    pub(super) answer: Message,
    pub(super) request_bytes: u32,
    pub(super) response_bytes: u32,
    pub(super) took: Duration,
}

/// An answer's type, DE 11 and DE 37.
type Key = (Mti, String, String);

struct Answered {
    message: Message,
    bytes: usize,
}

#[derive(Default)]
struct Line {
    up: AtomicBool,
    waiting: Mutex<HashMap<Key, oneshot::Sender<Answered>>>,
    sign_on_again: Notify,
    inquiry_wake: Notify,
}

impl Line {
    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<Key, oneshot::Sender<Answered>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callers' end of the line.
pub(super) struct BankLink {
    outgoing: mpsc::Sender<Vec<u8>>,
    line: Arc<Line>,
    deadline: Duration,
}

/// The task that holds the connection.
pub(super) struct Worker {
    bank: BankId,
    address: String,
    server: ServerName<'static>,
    connector: TlsConnector,
    outgoing: mpsc::Receiver<Vec<u8>>,
    line: Arc<Line>,
    stan: AtomicU32,
}

/// Forgets the answer nobody waits for any more.
struct Waiting<'a> {
    line: &'a Line,
    key: Key,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.line.waiting().remove(&self.key);
    }
}

impl BankLink {
    /// A line to this bank, whose answers are waited for at most `deadline`.
    pub(super) fn new(bank: &BankAddress, tls: Arc<ClientConfig>, deadline: Duration) -> Result<(Self, Worker), Error> {
        // The front must show a certificate for its bank, not for where it listens: that is what tells two banks apart.
        let server = ServerName::try_from(front_host_name(&bank.id)).map_err(std::io::Error::other)?;
        let (sender, outgoing) = mpsc::channel(OUTGOING_MAX);
        let line = Arc::new(Line::default());
        let worker = Worker {
            bank: bank.id.clone(),
            address: bank.address.clone(),
            server,
            connector: TlsConnector::from(tls),
            outgoing,
            line: Arc::clone(&line),
            stan: AtomicU32::new(0),
        };
        Ok((Self { outgoing: sender, line, deadline }, worker))
    }

    /// Whether the bank has answered the sign-on and the connection stands.
    pub(super) fn is_up(&self) -> bool {
        self.line.up.load(Ordering::Acquire)
    }

    /// Signs on once more, which brings the bank's present certificate.
    pub(super) fn sign_on_again(&self) {
        self.line.sign_on_again.notify_one();
    }

    /// Has the queue of inquiries looked at now.
    pub(super) fn wake_inquiries(&self) {
        self.line.inquiry_wake.notify_one();
    }

    /// Waits until somebody wants the queue of inquiries looked at.
    pub(super) async fn inquiries_woken(&self) {
        self.line.inquiry_wake.notified().await;
    }

    /// Sends a message and waits for its answer.
    pub(super) async fn exchange(&self, message: &Message) -> Result<Exchange, NoAnswer> {
        let frame = packed(message).map_err(|error| {
            tracing::error!(%error, mti = %message.mti(), "a message to the bank could not be packed");
            NoAnswer::NotSent
        })?;
        let key = key_of(message.mti().answer().map_err(|_| NoAnswer::NotSent)?, message);
        let request_bytes = u32::try_from(frame.len() - frame::PREFIX_BYTES).unwrap_or(u32::MAX);
        let (sender, answer) = oneshot::channel();
        self.line.waiting().insert(key.clone(), sender);
        let _waiting = Waiting { line: &self.line, key };
        // Asked after the place is taken: a line that breaks from here on clears the place.
        if !self.is_up() {
            return Err(NoAnswer::NotSent);
        }
        let began = Instant::now();
        let sent_and_answered = async {
            self.outgoing.send(frame).await.map_err(|_| NoAnswer::NotSent)?;
            answer.await.map_err(|_| NoAnswer::LineLost)
        };
        let answered = timeout(self.deadline, sent_and_answered).await.map_err(|_| NoAnswer::TimedOut)??;
        Ok(Exchange {
            answer: answered.message,
            request_bytes,
            response_bytes: u32::try_from(answered.bytes).unwrap_or(u32::MAX),
            took: began.elapsed(),
        })
    }
}

fn packed(message: &Message) -> Result<Vec<u8>, iso8583::Error> {
    let bytes = message.pack(&Spec::TAPSEAL)?;
    frame::encode(&bytes)
        .map_err(|_| iso8583::Error::MessageTooLong { length: bytes.len(), max: iso8583::MESSAGE_BYTES_MAX })
}

fn key_of(mti: Mti, message: &Message) -> Key {
    let text = |number| message.text(number).unwrap_or_default().to_owned();
    (mti, text(11), text(37))
}

struct Connection {
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
    decoder: Decoder,
    buffer: Box<[u8]>,
    /// Until when the bank must have answered an echo, while one is open.
    echo_until: Option<Instant>,
}

impl Worker {
    /// Keeps the line up until the server stops.
    pub(super) async fn run(mut self, app: App) {
        let mut wait = FIRST_WAIT;
        while !app.shutdown.is_cancelled() {
            match self.connect(&app).await {
                Ok(connection) => {
                    wait = FIRST_WAIT;
                    tracing::info!(bank = %self.bank, "the bank's line is up");
                    self.line.up.store(true, Ordering::Release);
                    self.line.inquiry_wake.notify_one();
                    let error = self.serve(connection, &app).await;
                    self.line.up.store(false, Ordering::Release);
                    tracing::warn!(bank = %self.bank, reason = %error, "the bank's line is down");
                }
                Err(error) => tracing::warn!(bank = %self.bank, %error, "the bank's line could not be opened"),
            }
            self.clear();
            tokio::select! {
                () = app.shutdown.cancelled() => {}
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(WAIT_MAX),
            }
        }
        // Attempts that still wait learn that nobody will bring their answer.
        self.line.up.store(false, Ordering::Release);
        self.clear();
    }

    /// Drops what was not written and wakes whoever waits for an answer.
    fn clear(&mut self) {
        while self.outgoing.try_recv().is_ok() {}
        self.line.waiting().clear();
    }

    async fn connect(&self, app: &App) -> Result<Connection, std::io::Error> {
        let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
        let stream = timeout(CONNECT_DEADLINE, TcpStream::connect(&self.address)).await.map_err(late)??;
        stream.set_nodelay(true)?;
        let handshake = self.connector.connect(self.server.clone(), stream);
        let stream = timeout(CONNECT_DEADLINE, handshake).await.map_err(late)??;
        let (reader, writer) = tokio::io::split(stream);
        let mut connection = Connection {
            reader,
            writer,
            decoder: Decoder::new(),
            buffer: vec![0; READ_BYTES].into(),
            echo_until: None,
        };
        self.send_network(&mut connection, network::SIGN_ON).await?;
        timeout(CONNECT_DEADLINE, self.signed_on(&mut connection, app)).await.map_err(late)??;
        Ok(connection)
    }

    async fn send_network(&self, connection: &mut Connection, code: &str) -> Result<(), std::io::Error> {
        let stan = self.stan.fetch_add(1, Ordering::Relaxed) % STAN_MAX + 1;
        let frame = packed(&bank_messages::network_request(code, stan, now_ms())).map_err(std::io::Error::other)?;
        write(connection, &frame).await
    }

    /// Reads until the sign-on is answered.
    async fn signed_on(&self, connection: &mut Connection, app: &App) -> Result<(), std::io::Error> {
        loop {
            let frames = read(connection).await?;
            for frame in frames {
                let message = Message::unpack(&Spec::TAPSEAL, &frame).map_err(std::io::Error::other)?;
                if message.mti() == Mti::NETWORK_ANSWER {
                    return self.network_answer(&message, app).await;
                }
            }
        }
    }

    async fn network_answer(&self, message: &Message, app: &App) -> Result<(), std::io::Error> {
        if message.text(39) != Ok("00") {
            return Err(std::io::Error::other("the bank refused the sign-on or echo"));
        }
        let certificate = Composite::of(message).ok().and_then(|composite| composite.bank_certificate);
        if let Some(jws) = certificate
            && let Err(error) = app.take_bank_certificate(&self.bank, &jws).await
        {
            tracing::error!(bank = %self.bank, %error, "the bank's certificate is not accepted");
        }
        Ok(())
    }

    async fn serve(&mut self, mut connection: Connection, app: &App) -> std::io::Error {
        let mut echo = tokio::time::interval_at(Instant::now() + ECHO_EVERY, ECHO_EVERY);
        let line = Arc::clone(&self.line);
        loop {
            let never = Instant::now() + ECHO_EVERY * 2;
            let echo_until = connection.echo_until.unwrap_or(never);
            let result = tokio::select! {
                frames = read(&mut connection) => match frames {
                    Ok(frames) => self.take_all(&mut connection, frames, app).await,
                    Err(error) => Err(error),
                },
                Some(frame) = self.outgoing.recv() => {
                    let mut batch = frame;
                    // Whatever else waits goes out in the same write.
                    while batch.len() < READ_BYTES && let Ok(more) = self.outgoing.try_recv() {
                        batch.extend_from_slice(&more);
                    }
                    write(&mut connection, &batch).await
                }
                _ = echo.tick() => {
                    connection.echo_until = Some(Instant::now() + ECHO_DEADLINE);
                    self.send_network(&mut connection, network::ECHO).await
                }
                () = line.sign_on_again.notified() => self.send_network(&mut connection, network::SIGN_ON).await,
                () = tokio::time::sleep_until(echo_until), if connection.echo_until.is_some() => {
                    Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer to an echo"))
                }
                () = app.shutdown.cancelled() => {
                    // The bank learns that nothing more will come; whether it hears so does not matter.
                    let _ = self.send_network(&mut connection, network::SIGN_OFF).await;
                    let _ = timeout(WRITE_DEADLINE, connection.writer.shutdown()).await;
                    Err(std::io::Error::other("the server stops"))
                }
            };
            if let Err(error) = result {
                return error;
            }
        }
    }

    async fn take_all(
        &self,
        connection: &mut Connection,
        frames: Vec<Vec<u8>>,
        app: &App,
    ) -> Result<(), std::io::Error> {
        for frame in frames {
            let message = match Message::unpack(&Spec::TAPSEAL, &frame) {
                Ok(message) => message,
                // One message that cannot be read does not lose the others: their frames are whole.
                Err(error) => {
                    tracing::warn!(%error, "a message from the bank could not be read");
                    continue;
                }
            };
            if message.mti() == Mti::NETWORK_ANSWER {
                connection.echo_until = None;
                self.network_answer(&message, app).await?;
                continue;
            }
            let key = key_of(message.mti(), &message);
            let waiting = self.line.waiting().remove(&key);
            if let Some(caller) = waiting {
                // The caller may have given up this instant; then its inquiry will ask again.
                drop(caller.send(Answered { message, bytes: frame.len() }));
            } else {
                tracing::warn!(mti = %key.0, stan = key.1, rrn = key.2, "a late or unknown answer is ignored");
            }
        }
        Ok(())
    }
}

async fn write(connection: &mut Connection, bytes: &[u8]) -> Result<(), std::io::Error> {
    let written = async {
        connection.writer.write_all(bytes).await?;
        connection.writer.flush().await
    };
    timeout(WRITE_DEADLINE, written).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

/// Reads once; may be dropped while it waits without losing a byte.
async fn read(connection: &mut Connection) -> Result<Vec<Vec<u8>>, std::io::Error> {
    let count = connection.reader.read(&mut connection.buffer).await?;
    if count == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    connection.decoder.push(&connection.buffer[..count]);
    let mut frames = Vec::new();
    while let Some(frame) = connection.decoder.next_frame().map_err(std::io::Error::other)? {
        frames.push(frame);
    }
    Ok(frames)
}
