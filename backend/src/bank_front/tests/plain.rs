//! The plain port as an ordinary ISO 8583 client meets it, over real TCP.

use std::sync::Arc;
use std::time::Duration;

use iso8583::frame::{Decoder, Framing};
use iso8583::{Message, Mti, Spec, network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::support::Bench;
use crate::bank_front::link::{self, Port, Wire};

/// Long enough for a loaded machine, and the end of a test that would hang.
const PATIENCE: Duration = Duration::from_secs(20);
const ASCII: Wire = Wire { spec: Spec::ASCII, framing: Framing::Binary2 };

/// A client of a plain port that it has started.
struct Client {
    wire: Wire,
    stream: TcpStream,
    decoder: Decoder,
    stop: CancellationToken,
}

impl Client {
    async fn connect(bench: &Bench, wire: Wire) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(link::serve(listener, Port::Plain(wire), Arc::clone(&bench.front), stop.clone()));
        let stream = TcpStream::connect(addr).await.unwrap();
        Self { wire, stream, decoder: Decoder::with(wire.framing), stop }
    }

    async fn send_bytes(&mut self, message: &[u8]) {
        self.stream.write_all(&self.wire.framing.encode(message).unwrap()).await.unwrap();
    }

    async fn ask(&mut self, message: &Message) -> Message {
        self.send_bytes(&message.pack(&self.wire.spec).unwrap()).await;
        self.receive().await
    }

    async fn receive(&mut self) -> Message {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Message::unpack(&self.wire.spec, &frame).unwrap();
            }
            let mut buffer = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("no answer in time");
            match read.unwrap() {
                0 => panic!("the bank closed the connection"),
                count => self.decoder.push(&buffer[..count]),
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn management(code: &str) -> Message {
    let message = Message::new(Mti::NETWORK_REQUEST).with_text(7, "1118110640").with_text(11, "000001");
    message.with_text(70, code)
}

fn code(answer: &Message) -> &str {
    answer.text(39).unwrap()
}

#[tokio::test]
async fn every_encoding_and_framing_signs_on_and_echoes() {
    let bench = Bench::new().await;
    for spec in [Spec::ASCII, Spec::ASCII_HEX, Spec::BCD] {
        for framing in Framing::ALL {
            let mut client = Client::connect(&bench, Wire { spec, framing }).await;
            for management in [management(network::SIGN_ON), management(network::ECHO), management(network::SIGN_OFF)] {
                let answer = client.ask(&management).await;
                assert_eq!((answer.mti(), code(&answer)), (Mti::NETWORK_ANSWER, "00"));
                assert!(!answer.has(127), "an ordinary client has no such element");
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_heard_before_a_sign_on_or_after_a_sign_off() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench, ASCII).await;
    let inquiry = management("000").with_mti(Mti::INQUIRY);
    assert_eq!(code(&client.ask(&inquiry).await), "91");
    client.ask(&management(network::SIGN_ON)).await;
    assert_ne!(code(&client.ask(&inquiry).await), "91");
    client.ask(&management(network::SIGN_OFF)).await;
    assert_eq!(code(&client.ask(&inquiry).await), "91");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_which_element_is_at_fault() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench, ASCII).await;
    let mut bytes = management(network::SIGN_ON).pack(&Spec::ASCII).unwrap();
    *bytes.last_mut().unwrap() = b'x';
    client.send_bytes(&bytes).await;
    let answer = client.receive().await;
    assert_eq!((code(&answer), answer.text(44).unwrap(), answer.text(11).unwrap()), ("30", "DE 70", "000001"));
    // A type nobody knows is answered too.
    assert_eq!(code(&client.ask(&management(network::SIGN_ON)).await), "00");
    let unknown = management("001").with_mti(Mti::parse("0300").unwrap());
    let answer = client.ask(&unknown).await;
    assert_eq!((answer.mti().to_string().as_str(), code(&answer)), ("0310", "12"));
}
