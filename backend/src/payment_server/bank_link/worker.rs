//! The task that holds the connection: it signs on, echoes, reads answers, and reconnects with back-off.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use iso8583::frame::Decoder;
use iso8583::private::Composite;
use iso8583::{Message, Mti, Spec, network};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Answered, Line, key_of, packed};
use crate::clock::now_ms;
use crate::keys::{self, BankId, front_host_name};
use crate::payment_server::banks::BankAddress;
use crate::payment_server::codes::directory;
use crate::payment_server::{App, Error, bank_messages, late_answer};

/// How long connecting, the handshake and the sign-on may take, each.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long writing to the line may block before it counts as broken.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// How often the server asks whether anybody is there.
const ECHO_EVERY: Duration = Duration::from_secs(30);
/// How often the server asks what became of payers by code.
const PAYERS_EVERY: Duration = Duration::from_secs(1);
/// How long an echo may stay unanswered.
const ECHO_DEADLINE: Duration = Duration::from_secs(10);
/// The wait before the first new connection; it doubles with every failure.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait before a new connection. A line that stood for less counts as a failure: a bank that
/// takes the sign-on and hangs up is not asked ten times a second.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Late answers that are taken at the same time.
const LATE_AT_ONCE_MAX: usize = 64;
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1_024;
/// The last trace number before they begin again.
const STAN_MAX: u32 = 999_999;
/// DE 39: a function that is not offered.
const NOT_SUPPORTED: &str = "40";
/// DE 39: done.
const DONE: &str = "00";

/// The task that holds the connection.
pub(in crate::payment_server) struct Worker {
    bank: BankId,
    address: String,
    server: ServerName<'static>,
    connector: TlsConnector,
    outgoing: mpsc::Receiver<Vec<u8>>,
    line: Arc<Line>,
    stan: AtomicU32,
    late_places: Arc<Semaphore>,
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
    /// What holds the line to this bank.
    pub(super) fn new(
        bank: &BankAddress,
        tls: Arc<ClientConfig>,
        outgoing: mpsc::Receiver<Vec<u8>>,
        line: Arc<Line>,
    ) -> Result<Self, Error> {
        // The front must show a certificate for its bank, not for where it listens: that is what tells two banks apart.
        let server = ServerName::try_from(front_host_name(&bank.id)).map_err(std::io::Error::other)?;
        Ok(Self {
            bank: bank.id.clone(),
            address: bank.address.clone(),
            server,
            connector: TlsConnector::from(tls),
            outgoing,
            line,
            stan: AtomicU32::new(0),
            late_places: Arc::new(Semaphore::new(LATE_AT_ONCE_MAX)),
        })
    }

    /// Keeps the line up until the server stops.
    pub(in crate::payment_server) async fn run(mut self, app: App) {
        let mut wait = FIRST_WAIT;
        while !app.shutdown.is_cancelled() {
            match self.connect(&app).await {
                Ok(connection) => {
                    let began = Instant::now();
                    tracing::info!(bank = %self.bank, "the bank's line is up");
                    self.line.up.store(true, Ordering::Release);
                    self.line.inquiry_wake.notify_one();
                    let error = self.serve(connection, &app).await;
                    self.line.up.store(false, Ordering::Release);
                    if began.elapsed() > WAIT_MAX {
                        wait = FIRST_WAIT;
                    }
                    tracing::warn!(bank = %self.bank, reason = %error, "the bank's line is down");
                }
                Err(error) => tracing::warn!(bank = %self.bank, %error, "the bank's line could not be opened"),
            }
            self.clear();
            tokio::select! {
                () = app.shutdown.cancelled() => {}
                () = tokio::time::sleep(jittered(wait, keys::random())) => wait = (wait * 2).min(WAIT_MAX),
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
                if message.mti() == Mti::NETWORK_ANSWER && message.text(70) == Ok(network::SIGN_ON) {
                    return self.network_answer(&message, app).await;
                }
            }
        }
    }

    /// Asks what became of payers by code since the last that was heard.
    async fn ask_for_payers(&self, connection: &mut Connection, app: &App) -> Result<(), std::io::Error> {
        let after = match directory::cursor(app, &self.bank).await {
            Ok(after) => after,
            // The line is sound; it is the database that does not answer.
            Err(error) => {
                tracing::warn!(bank = %self.bank, %error, "the bank is not asked for payers now");
                return Ok(());
            }
        };
        let stan = self.stan.fetch_add(1, Ordering::Relaxed) % STAN_MAX + 1;
        let frame = packed(&bank_messages::payers_request(after, stan, now_ms())).map_err(std::io::Error::other)?;
        write(connection, &frame).await
    }

    /// Takes in what the bank tells of payers. A bank that tells nothing of them, or not now, has none that is new.
    async fn payers_answer(&self, message: &Message, app: &App) {
        let payers = Composite::of(message).ok().and_then(|composite| composite.payers);
        let Some(payers) = payers else { return };
        if let Err(error) = directory::take(app, &self.bank, &payers).await {
            tracing::error!(bank = %self.bank, %error, "what a bank tells of payers is not taken in");
        }
    }

    /// Takes in the answer to a sign-on or an echo, and the certificate it brings.
    async fn network_answer(&self, message: &Message, app: &App) -> Result<(), std::io::Error> {
        if message.text(39) != Ok(DONE) {
            return Err(std::io::Error::other("the bank refused the sign-on or echo"));
        }
        let certificate = Composite::of(message).ok().and_then(|composite| composite.bank_certificate);
        let Some(jws) = certificate else { return Ok(()) };
        match app.take_bank_certificate(&self.bank, &jws).await {
            Ok(()) => Ok(()),
            // Whoever shows another bank's keys here is not the bank this line is for.
            Err(error) if is_a_stranger_s(&error) => Err(std::io::Error::other(error)),
            Err(error) => {
                tracing::error!(bank = %self.bank, %error, "the bank's certificate is not accepted");
                Ok(())
            }
        }
    }

    /// Answers what the bank asks of us: it may ask whether we are there. No key of ours is changed over the line:
    /// the server holds no PIN and no working key.
    async fn network_request(&self, connection: &mut Connection, message: &Message) -> Result<(), std::io::Error> {
        let response = if message.text(70) == Ok(network::ECHO) { DONE } else { NOT_SUPPORTED };
        let answer = Message::new(Mti::NETWORK_ANSWER).echoing(message, &[7, 11, 41, 70]).with_text(39, response);
        tracing::info!(bank = %self.bank, code = message.text(70).unwrap_or("-"), response, "the bank asked");
        write(connection, &packed(&answer).map_err(std::io::Error::other)?).await
    }

    async fn serve(&mut self, mut connection: Connection, app: &App) -> std::io::Error {
        let mut echo = tokio::time::interval_at(Instant::now() + ECHO_EVERY, ECHO_EVERY);
        let mut payers = tokio::time::interval(PAYERS_EVERY);
        payers.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                _ = payers.tick() => self.ask_for_payers(&mut connection, app).await,
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
            if message.mti() == Mti::NETWORK_ANSWER && message.text(70) == Ok(network::PAYERS) {
                self.payers_answer(&message, app).await;
                continue;
            }
            if message.mti() == Mti::NETWORK_ANSWER {
                connection.echo_until = None;
                self.network_answer(&message, app).await?;
                continue;
            }
            if message.mti() == Mti::NETWORK_REQUEST {
                self.network_request(connection, &message).await?;
                continue;
            }
            let key = key_of(message.mti(), &message);
            let waiting = self.line.waiting().remove(&key);
            let answered = Answered { message, bytes: frame.len() };
            let late = match waiting {
                // The caller may have given up this instant.
                Some(caller) => caller.send(answered).err(),
                None => Some(answered),
            };
            if let Some(late) = late {
                self.take_late(late.message, app);
            }
        }
        Ok(())
    }

    /// An answer that nobody waits for, in a task of its own. A flood of them is not let in: what matters of it is
    /// asked for by the queue.
    fn take_late(&self, answer: Message, app: &App) {
        let Ok(place) = Arc::clone(&self.late_places).try_acquire_owned() else {
            return tracing::warn!(bank = %self.bank, "too many late answers at once; one is dropped");
        };
        let (app, bank) = (app.clone(), self.bank.clone());
        app.clone().tasks.spawn(async move {
            let _place = place;
            late_answer::take(app, bank, answer).await;
        });
    }
}

/// Half to the whole of `wait`, so that many servers do not come back to a bank in the same moment.
fn jittered(wait: Duration, random: [u8; 4]) -> Duration {
    let half = wait / 2;
    half + half.mul_f64(f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX))
}

/// Whether a certificate was refused because it is not this bank's.
const fn is_a_stranger_s(error: &Error) -> bool {
    use envelope::KeysetError::{Jws, UnknownRoot, WrongBank};
    matches!(error, Error::Keyset(Jws(_) | UnknownRoot | WrongBank))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_at_least_half_and_at_most_the_whole() {
        let wait = Duration::from_secs(4);
        assert_eq!(jittered(wait, [0; 4]), wait / 2);
        assert_eq!(jittered(wait, [0xff; 4]), wait);
        let middle = jittered(wait, 0x8000_0000_u32.to_le_bytes());
        assert!(middle > wait / 2 && middle < wait, "{middle:?}");
    }
}
