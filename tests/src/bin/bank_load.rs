//! Authorizations per second of the bank front alone: ISO 8583 over mutual TLS, with durable ledger writes.
//!
//! One authorization is a 0200 with an order and a sealed capsule, opened and checked in the HSM (cryptogram, PIN),
//! decided, posted in the ledger with its signed outcome, synced, and answered by a 0210. Orders and capsules are made
//! before the clock starts. All messages share one connection, as from one acquirer; a card has one in flight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use e2e::hand::{Hand, SealTo, Till};
use e2e::load::{self, Round};
use e2e::plastic::{self, PIN};
use e2e::system::{Ask, MERCHANT, System};
use e2e::tap;
use iso8583::frame::{self, Decoder};
use iso8583::private::{CAPSULE_ELEMENT, COMPOSITE_ELEMENT, Composite};
use iso8583::{Message, Mti, Spec, network};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use virtual_card::VirtualCard;

/// The most messages that wait to be written.
const OUTGOING_MAX: usize = 1_024;
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1_024;
/// Digits of DE 11.
const STAN_COUNT: usize = 1_000_000;

#[derive(Parser)]
struct Options {
    /// How many authorizations in a round.
    #[arg(long, default_value_t = 4_000)]
    authorizations: usize,
    /// How many rounds; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many cards pay at the same time.
    #[arg(long, default_value_t = 64)]
    cards: usize,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// A card and who holds it.
struct Payer {
    number: usize,
    hand: Hand,
    card: VirtualCard,
    payments: usize,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let cards: Vec<_> = (0..options.cards).map(plastic::card).collect();
    let mut system = load::start(&cards).await;
    let till = Arc::new(Till::open(&system, MERCHANT));
    let payers = cards.into_iter().enumerate().map(|(number, profile)| {
        let (card, system) = (VirtualCard::new(profile), &system);
        async move { Payer { number, hand: Hand::register(system).await, card, payments: 0 } }
    });
    let mut payers = futures::future::join_all(payers).await;
    let to: Arc<SealTo> = Arc::new(payers[0].hand.seal_to(&system).await);
    // It was needed to learn the keys; from here on the bank is alone.
    system.server.take().expect("the payment server runs").stop().await;
    let bank = system.bank.as_ref().expect("the bank runs").id();
    let apart = load::keep_apart(&[bank]);
    let line = Arc::new(Line::open(&system).await);

    let mut rounds = Vec::with_capacity(options.rounds);
    for _ in 0..options.rounds {
        rounds.push(round(&system, &line, &till, &to, &mut payers, options.authorizations).await);
    }
    let paid = rounds.iter().map(|round| round.latencies.len()).sum::<usize>();
    system.assert_merchant_received(i64::try_from(paid).expect("a bounded count")).await;
    report(&options, &system, apart, &rounds);
}

async fn round(
    system: &System,
    line: &Arc<Line>,
    till: &Arc<Till>,
    to: &Arc<SealTo>,
    payers: &mut Vec<Payer>,
    authorizations: usize,
) -> Round {
    let each = authorizations.div_ceil(payers.len());
    let preparing: Vec<_> = payers
        .drain(..)
        .map(|payer| {
            let (till, to) = (Arc::clone(till), Arc::clone(to));
            tokio::task::spawn_blocking(move || prepare(payer, &till, &to, each))
        })
        .collect();
    let prepared = futures::future::join_all(preparing).await;

    let before = load::cpu_time(system.bank.as_ref());
    let started = Instant::now();
    let paying: Vec<_> = prepared
        .into_iter()
        .map(|prepared| {
            let (payer, messages) = prepared.expect("a payer prepares");
            tokio::spawn(pay_all(Arc::clone(line), payer, messages))
        })
        .collect();
    let paid = futures::future::join_all(paying).await;
    let took = started.elapsed();
    let cpu = load::cpu_time(system.bank.as_ref()).saturating_sub(before);
    let mut latencies = Vec::with_capacity(authorizations);
    for paid in paid {
        let (payer, own) = paid.expect("a payer pays");
        payers.push(payer);
        latencies.extend(own);
    }
    Round { took, cpu: vec![cpu], latencies }
}

/// Orders signed, cards read, capsules sealed, messages packed.
fn prepare(mut payer: Payer, till: &Till, to: &SealTo, count: usize) -> (Payer, Vec<(String, Vec<u8>)>) {
    let messages = (0..count).map(|_| {
        let order = format!("B-{}-{}", payer.number, payer.payments);
        let letter = till.sign(&Ask { amount: "0.01", order, expires_s: 3_600, ..Ask::default() });
        let attempt = payer.hand.attempt(&letter, to, &mut payer.card, PIN);
        let number = payer.number * 10_000 + payer.payments;
        payer.payments += 1;
        let rrn = format!("{number:012}");
        let composite = Composite {
            order: Some(letter.jws.clone()),
            attempt_id: Some(*attempt.id.as_bytes()),
            wallet_nonce: Some(*attempt.nonce.as_bytes()),
            ..Composite::default()
        };
        let message = Message::new(Mti::FINANCIAL_REQUEST)
            .with_text(3, "000000")
            .with_text(4, "000000000001")
            .with_text(7, "1122070809")
            .with_text(11, format!("{:06}", number % STAN_COUNT))
            .with_text(12, "070809")
            .with_text(13, "1122")
            .with_text(18, "5814")
            .with_text(22, "812")
            .with_text(25, "00")
            .with_text(32, "000001")
            .with_text(37, &rrn)
            .with_text(41, "TAPSEAL1")
            .with_text(42, format!("{MERCHANT:<15}"))
            .with_text(43, format!("{:<38}US", "Blue Door"))
            .with_text(49, "840")
            .with_binary(CAPSULE_ELEMENT, attempt.routing.inner.to_bytes())
            .with_binary(COMPOSITE_ELEMENT, composite.to_bytes().expect("a composite within bounds"));
        (rrn, framed(&message))
    });
    let messages = messages.collect();
    (payer, messages)
}

fn framed(message: &Message) -> Vec<u8> {
    frame::encode(&message.pack(&Spec::TAPSEAL).expect("a message of the profile")).expect("a message within bounds")
}

async fn pay_all(line: Arc<Line>, payer: Payer, messages: Vec<(String, Vec<u8>)>) -> (Payer, Vec<Duration>) {
    let mut own = Vec::with_capacity(messages.len());
    for (rrn, frame) in messages {
        let started = Instant::now();
        let answer = line.exchange(rrn, frame).await;
        assert_eq!(answer.text(39), Ok("00"), "{answer:?}");
        own.push(started.elapsed());
    }
    (payer, own)
}

/// One connection to the bank, with answers matched by DE 37.
struct Line {
    outgoing: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Message>>>>,
}

impl Line {
    async fn open(system: &System) -> Self {
        let config = tap::client_config(system.folder(), Some("payment-server-client"));
        let stream = TcpStream::connect(system.bank_address()).await.expect("the bank listens");
        stream.set_nodelay(true).expect("a connected socket");
        let name = ServerName::try_from("127.0.0.1").expect("an address is a server name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("the bank knows us");
        let (reading, mut writing) = tokio::io::split(stream);
        let (outgoing, mut frames) = mpsc::channel::<Vec<u8>>(OUTGOING_MAX);
        tokio::spawn(async move {
            while let Some(mut batch) = frames.recv().await {
                while let Ok(more) = frames.try_recv() {
                    batch.extend(more);
                }
                writing.write_all(&batch).await.expect("the bank reads");
                writing.flush().await.expect("the bank reads");
            }
        });
        let line = Self { outgoing, waiting: Arc::default() };
        tokio::spawn(read_answers(reading, Arc::clone(&line.waiting)));
        let sign_on = Message::new(Mti::NETWORK_REQUEST)
            .with_text(7, "1122070809")
            .with_text(11, "000001")
            .with_text(37, "SIGNON000001")
            .with_text(41, "TAPSEAL1")
            .with_text(70, network::SIGN_ON);
        let answer = line.exchange("SIGNON000001".to_owned(), framed(&sign_on)).await;
        assert_eq!(answer.text(39), Ok("00"), "{answer:?}");
        line
    }

    async fn exchange(&self, rrn: String, frame: Vec<u8>) -> Message {
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(rrn, sender);
        self.outgoing.send(frame).await.expect("the line stands");
        answer.await.expect("the line stands")
    }
}

async fn read_answers(
    mut reading: ReadHalf<TlsStream<TcpStream>>,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Message>>>>,
) {
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(count @ 1..) = reading.read(&mut buffer).await {
        decoder.push(&buffer[..count]);
        while let Some(frame) = decoder.next_frame().expect("the bank sends frames") {
            let answer = Message::unpack(&Spec::TAPSEAL, &frame).expect("the bank sends messages");
            let rrn = answer.text(37).unwrap_or_default().to_owned();
            let caller = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&rrn);
            if let Some(caller) = caller {
                drop(caller.send(answer));
            }
        }
    }
}

fn report(options: &Options, system: &System, apart: bool, rounds: &[Round]) {
    let (per_second, slowest, fastest) = load::median(rounds, Round::per_second);
    let (cpu_ms, least_ms, most_ms) = load::median(rounds, |round| round.cpu_ms()[0]);
    let (p50_ms, _, _) = load::median(rounds, |round| round.latency_ms(50));
    let (p99_ms, _, _) = load::median(rounds, |round| round.latency_ms(99));
    let group = load::steps_a_commit(&system.log("bank-front"));
    let (authorizations, cards) = (options.authorizations, options.cards);
    if options.json {
        let figures = json!({
            "authorizations": authorizations, "rounds": rounds.len(), "cards": cards, "processors_apart": apart,
            "authorizations_per_second": per_second, "cpu_ms_per_authorization": cpu_ms, "latency_ms_p50": p50_ms,
            "latency_ms_p99": p99_ms, "steps_a_commit": group, "ledger": "sums to zero",
        });
        println!("{figures}");
        return;
    }
    println!("bank: {} rounds of {authorizations} authorizations, {cards} cards at once, durable", rounds.len());
    println!("  authorized per second  {per_second:>10.0} (rounds {slowest:.0} to {fastest:.0})");
    println!("  latency p50 / p99      {p50_ms:>10.2} / {p99_ms:.2} ms");
    println!("  CPU an authorization   {cpu_ms:>10.3} ms (rounds {least_ms:.3} to {most_ms:.3})");
    println!("  authorized per second of the bank's CPU {:>6.0}", 1_000.0 / cpu_ms);
    if let Some(group) = group {
        println!("  steps a commit         {group:>10.1}");
    }
    let place = if apart { "the bank on one processor, the driver on the others" } else { "on the same processors" };
    println!("  {place}; the ledger sums to zero, the merchant received each payment once");
}
