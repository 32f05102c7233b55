//! The line to a bank: one persistent mutual-TLS connection with many messages in flight.
//!
//! Answers are matched by message type, DE 11 and DE 37. While the line is down, or no place is left on it, nothing is
//! taken for sending, so a caller can still say that nothing was sent. [`worker`] holds the connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iso8583::frame;
use iso8583::{Message, Mti, Spec};
use rustls::ClientConfig;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::Error;
use super::banks::BankAddress;

mod worker;

pub(super) use worker::Worker;

/// The most payments in flight on one line. With the follow-ups it is what a bank front takes from one connection;
/// beyond it the front would stop reading, and each side could wait for the other to read.
const PAYMENTS_MAX: usize = 224;
/// The most inquiries and reversals in flight: payments that wait never keep out the question what became of others.
const FOLLOW_UPS_MAX: usize = 32;
/// The most messages waiting to be written.
const OUTGOING_MAX: usize = PAYMENTS_MAX + FOLLOW_UPS_MAX;

/// Why there is no answer. In no case is it known that the bank did not act, except for `NotSent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The line was down or full, and the message was not taken.
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

struct Line {
    up: AtomicBool,
    payments: Semaphore,
    follow_ups: Semaphore,
    waiting: Mutex<HashMap<Key, oneshot::Sender<Answered>>>,
    sign_on_again: Notify,
    inquiry_wake: Notify,
}

impl Line {
    fn new() -> Self {
        Self {
            up: AtomicBool::new(false),
            payments: Semaphore::new(PAYMENTS_MAX),
            follow_ups: Semaphore::new(FOLLOW_UPS_MAX),
            waiting: Mutex::default(),
            sign_on_again: Notify::new(),
            inquiry_wake: Notify::new(),
        }
    }

    /// Where messages of this type find a place.
    fn places(&self, mti: Mti) -> &Semaphore {
        if [Mti::FINANCIAL_REQUEST, Mti::AUTHORIZATION_REQUEST].contains(&mti) {
            &self.payments
        } else {
            &self.follow_ups
        }
    }

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
        let (sender, outgoing) = mpsc::channel(OUTGOING_MAX);
        let line = Arc::new(Line::new());
        let worker = Worker::new(bank, tls, outgoing, Arc::clone(&line))?;
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
        let began = Instant::now();
        let until = began + self.deadline;
        let place = timeout_at(until, self.line.places(message.mti()).acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(NoAnswer::NotSent) };
        let (sender, answer) = oneshot::channel();
        self.line.waiting().insert(key.clone(), sender);
        let _waiting = Waiting { line: &self.line, key };
        // Asked after the place is taken: a line that breaks from here on clears the place.
        if !self.is_up() {
            return Err(NoAnswer::NotSent);
        }
        let sent_and_answered = async {
            self.outgoing.send(frame).await.map_err(|_| NoAnswer::NotSent)?;
            answer.await.map_err(|_| NoAnswer::LineLost)
        };
        let answered = timeout_at(until, sent_and_answered).await.map_err(|_| NoAnswer::TimedOut)??;
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
