//! A line to the bank front with the payment server's own certificate: plays a server that cheats.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iso8583::frame::{self, Decoder};
use iso8583::private::{CAPSULE_ELEMENT, COMPOSITE_ELEMENT, Composite};
use iso8583::{Message, Mti, OriginalData, Spec};
use payment::{Outcome, RefundOutcome};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::hand::{Attempt, Letter, SignedRefund};

/// How long the bank front may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// The acquirer that the bank front knows.
const ACQUIRER: u64 = 1;

/// The reference one message goes by.
#[derive(Clone)]
pub struct Reference {
    /// ISO 8583 DE 11.
    pub stan: u32,
    /// ISO 8583 DE 37.
    pub rrn: String,
    /// ISO 8583 DE 7.
    pub transmitted: String,
}

impl Reference {
    /// A reference no other message has.
    pub fn new(stan: u32) -> Self {
        Self { stan, rrn: format!("632612{stan:06}"), transmitted: "1122120000".into() }
    }
}

/// A connection to the bank front.
pub struct Line {
    stream: TlsStream<TcpStream>,
    decoder: Decoder,
}

impl Line {
    /// Connects with the payment server's client certificate.
    pub async fn connect(folder: &Path, address: &str) -> Self {
        let config = crate::tap::client_config(folder, Some("payment-server-client"));
        let stream = TcpStream::connect(address).await.expect("the bank front listens");
        let name = ServerName::try_from("127.0.0.1").expect("an address is a server name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("mutual TLS");
        Self { stream, decoder: Decoder::new() }
    }

    /// Sends a message.
    pub async fn send(&mut self, message: &Message) {
        let packed = message.pack(&Spec::TAPSEAL).expect("a well-formed message");
        let framed = frame::encode(&packed).expect("a message fits a frame");
        self.stream.write_all(&framed).await.expect("the line is up");
    }

    /// The next answer.
    pub async fn receive(&mut self) -> Message {
        let mut chunk = [0; 4_096];
        loop {
            if let Some(answer) = self.decoder.next_frame().expect("well-framed answers") {
                return Message::unpack(&Spec::TAPSEAL, &answer).expect("a well-formed answer");
            }
            let read = tokio::time::timeout(ANSWER_WAIT, self.stream.read(&mut chunk)).await;
            let count = read.expect("the bank front answers in time").expect("the line is up");
            assert_ne!(count, 0, "the bank front closed the line");
            self.decoder.push(&chunk[..count]);
        }
    }

    /// Sends a message and takes its answer.
    pub async fn ask(&mut self, message: &Message) -> Message {
        self.send(message).await;
        self.receive().await
    }
}

/// The honest 0200 for an attempt; a test then changes what it wants.
pub fn financial_request(letter: &Letter, attempt: &Attempt, reference: &Reference) -> Message {
    let order = &letter.order;
    let amount = u64::try_from(order.amount.minor()).expect("orders ask for positive amounts");
    let composite = Composite {
        order: Some(letter.jws.clone()),
        attempt_id: Some(*attempt.id.as_bytes()),
        wallet_nonce: Some(*attempt.nonce.as_bytes()),
        ..Composite::default()
    };
    with_reference(Message::new(Mti::FINANCIAL_REQUEST), reference)
        .with_text(3, "000000")
        .with_text(4, format!("{amount:012}"))
        .with_text(12, "120000")
        .with_text(13, "1122")
        .with_text(18, "5814")
        .with_text(22, "812")
        .with_text(25, "00")
        .with_text(42, format!("{:<15}", order.merchant_id.as_str()))
        .with_text(49, format!("{:03}", order.amount.currency().numeric()))
        .with_binary(CAPSULE_ELEMENT, attempt.routing.inner.to_bytes())
        .with_binary(COMPOSITE_ELEMENT, composite.to_bytes().expect("a composite fits"))
}

/// A message that speaks of an earlier one: a reversal advice or an inquiry.
pub fn about(mti: Mti, original: &Reference, attempt: &Attempt, letter: &Letter, stan: u32) -> Message {
    let data = OriginalData {
        mti: Mti::FINANCIAL_REQUEST,
        stan: original.stan,
        transmitted: original.transmitted.clone(),
        acquirer: ACQUIRER,
        forwarder: 0,
    };
    let own = Reference { stan, ..original.clone() };
    let amount = u64::try_from(letter.order.amount.minor()).expect("orders ask for positive amounts");
    let composite = Composite {
        attempt_id: Some(*attempt.id.as_bytes()),
        request_id: (mti != Mti::INQUIRY).then_some(*letter.order.request_id.as_bytes()),
        ..Composite::default()
    };
    let message = with_reference(Message::new(mti), &own).with_text(90, data.to_text().expect("original data fit"));
    let message = message.with_binary(COMPOSITE_ELEMENT, composite.to_bytes().expect("a composite fits"));
    if mti == Mti::INQUIRY {
        return message;
    }
    message
        .with_text(3, "000000")
        .with_text(4, format!("{amount:012}"))
        .with_text(49, format!("{:03}", letter.order.amount.currency().numeric()))
}

/// The honest 0200 for a refund of an attempt; a test then changes what it wants.
pub fn refund_request(refund: &SignedRefund, original: &Reference, attempt: &Attempt, own: &Reference) -> Message {
    let order = &refund.order;
    let amount = u64::try_from(order.amount.minor()).expect("refunds give back positive amounts");
    let data = OriginalData {
        mti: Mti::FINANCIAL_REQUEST,
        stan: original.stan,
        transmitted: original.transmitted.clone(),
        acquirer: ACQUIRER,
        forwarder: 0,
    };
    let composite = Composite {
        attempt_id: Some(*attempt.id.as_bytes()),
        refund: Some(refund.jws.clone()),
        ..Composite::default()
    };
    with_reference(Message::new(Mti::FINANCIAL_REQUEST), own)
        .with_text(3, "200000")
        .with_text(4, format!("{amount:012}"))
        .with_text(42, format!("{:<15}", order.merchant_id.as_str()))
        .with_text(49, format!("{:03}", order.amount.currency().numeric()))
        .with_text(90, data.to_text().expect("original data fit"))
        .with_binary(COMPOSITE_ELEMENT, composite.to_bytes().expect("a composite fits"))
}

/// The outcome of a refund that an answer carries, its signature unchecked.
pub fn refund_outcome(answer: &Message) -> Option<RefundOutcome> {
    let jws = Composite::of(answer).ok()?.outcome?;
    RefundOutcome::from_canonical(&envelope::jws::peek_payload_unverified(&jws).ok()?)
}

fn with_reference(message: Message, reference: &Reference) -> Message {
    message
        .with_text(7, reference.transmitted.clone())
        .with_text(11, format!("{:06}", reference.stan))
        .with_text(32, format!("{ACQUIRER:06}"))
        .with_text(37, reference.rrn.clone())
        .with_text(41, "TAPSEAL1")
}

/// DE 39 of an answer.
pub fn response_code(answer: &Message) -> String {
    answer.text(39).expect("an answer has a response code").to_owned()
}

/// The outcome an answer carries, its signature unchecked.
pub fn outcome(answer: &Message) -> Option<Outcome> {
    let jws = Composite::of(answer).ok()?.outcome?;
    Outcome::from_canonical(&envelope::jws::peek_payload_unverified(&jws).ok()?)
}
