//! The link over real mutual TLS: many in flight, cut frames, garbage, strangers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iso8583::frame::{self, Decoder};
use iso8583::{Message, Mti, Spec, network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::support::{Bench, HOLDER, Told, usd};
use crate::bank_front::link::{self, Port};
use crate::keys::{self, DataFolder};
use crate::tls;

/// Long enough for a loaded machine, and the end of a test that would hang.
const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    bench: Bench,
    addr: SocketAddr,
    folder: DataFolder,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    _certificates: tempfile::TempDir,
}

async fn serve() -> Served {
    tls::install_provider();
    let certificates = tempfile::tempdir().unwrap();
    keys::init(&keys::InitOptions {
        dir: certificates.path().to_owned(),
        hosts: vec!["127.0.0.1".to_owned()],
        merchants: vec!["blue-door:Blue Door Café:5814:US:USD".parse().unwrap()],
        banks: vec!["first".parse().unwrap()],
        operators: Vec::new(),
        public_url: "https://127.0.0.1:8443".to_owned(),
        json: false,
    })
    .unwrap();
    let folder = DataFolder::new(certificates.path());
    let config = tls::mutual_server(&folder.tls_identity("bank-front"), &folder.tls_ca()).unwrap();
    let bench = Bench::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(link::serve(listener, Port::sealed(config), Arc::clone(&bench.front), stop.clone()));
    Served { bench, addr, folder, stop, server, _certificates: certificates }
}

struct Client {
    stream: TlsStream<TcpStream>,
    decoder: Decoder,
}

impl Client {
    async fn connect(served: &Served) -> Self {
        let config =
            tls::mutual_client(&served.folder.tls_identity("payment-server-client"), &served.folder.tls_ca()).unwrap();
        let socket = TcpStream::connect(served.addr).await.unwrap();
        let name = "127.0.0.1".try_into().unwrap();
        let stream = TlsConnector::from(config).connect(name, socket).await.unwrap();
        Self { stream, decoder: Decoder::new() }
    }

    async fn send(&mut self, message: &Message) {
        let bytes = frame::encode(&message.pack(&Spec::TAPSEAL).unwrap()).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// The next answer, or nothing when the bank closes the connection.
    async fn receive(&mut self) -> Option<Message> {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(Message::unpack(&Spec::TAPSEAL, &frame).unwrap());
            }
            let mut buffer = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("no answer in time");
            match read {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.push(&buffer[..count]),
            }
        }
    }
}

fn echo(stan: u64) -> Message {
    Message::new(Mti::NETWORK_REQUEST)
        .with_text(7, "1118110640")
        .with_number(11, stan)
        .unwrap()
        .with_text(70, network::ECHO)
}

#[tokio::test]
async fn many_messages_in_flight_are_each_answered() {
    let mut served = serve().await;
    let mut client = Client::connect(&served).await;
    client.send(&echo(1).with_text(70, network::SIGN_ON)).await;
    assert_eq!(client.receive().await.unwrap().text(39).unwrap(), "00");
    let order = served.bench.order(usd(1_280));
    let attempt = served.bench.attempt(&order, "1234");
    for stan in 100..160 {
        client.send(&echo(stan)).await;
        if stan == 130 {
            client.send(&attempt.message()).await;
        }
    }
    let mut stans = Vec::new();
    let mut debit = None;
    for _ in 0..61 {
        let answer = client.receive().await.unwrap();
        if answer.mti() == Mti::FINANCIAL_ANSWER {
            debit = Some(answer);
        } else {
            stans.push(answer.number(11).unwrap());
        }
    }
    stans.sort_unstable();
    assert_eq!(stans, (100..160).collect::<Vec<_>>());
    Told::of(&served.bench, &debit.unwrap()).assert_approved(&attempt);
    served.stop.cancel();
    timeout(PATIENCE, served.server).await.unwrap().unwrap();
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn a_slow_answer_does_not_hold_up_the_next() {
    let mut served = serve().await;
    served.bench.front.scenario().set("slow:600000").unwrap();
    let mut client = Client::connect(&served).await;
    let order = served.bench.order(usd(100));
    client.send(&served.bench.attempt(&order, "1234").message()).await;
    client.send(&echo(7)).await;
    assert_eq!(client.receive().await.unwrap().number(11).unwrap(), 7);
}

#[tokio::test]
async fn a_connection_cut_within_a_message_debits_nothing_and_the_next_one_works() {
    let mut served = serve().await;
    let order = served.bench.order(usd(100));
    let attempt = served.bench.attempt(&order, "1234");
    let bytes = frame::encode(&attempt.message().pack(&Spec::TAPSEAL).unwrap()).unwrap();
    for end in [1, 2, 3, bytes.len() / 2, bytes.len() - 1] {
        let mut client = Client::connect(&served).await;
        client.stream.write_all(&bytes[..end]).await.unwrap();
        client.stream.shutdown().await.unwrap();
        assert!(client.receive().await.is_none());
    }
    assert_eq!(served.bench.posted(HOLDER).await, 100_000);
    let mut client = Client::connect(&served).await;
    client.send(&attempt.message()).await;
    Told::of(&served.bench, &client.receive().await.unwrap()).assert_approved(&attempt);
}

#[tokio::test]
async fn garbage_ends_the_connection_or_is_passed_over_and_never_the_bank() {
    let served = serve().await;
    let mut client = Client::connect(&served).await;
    client.stream.write_all(&[0xff; 64]).await.unwrap();
    assert!(client.receive().await.is_none(), "no frame is that long");
    let mut client = Client::connect(&served).await;
    client.stream.write_all(&frame::encode(&[0x55; 300]).unwrap()).await.unwrap();
    client.send(&echo(9)).await;
    assert_eq!(client.receive().await.unwrap().number(11).unwrap(), 9, "a frame that is no message is skipped");
}

#[tokio::test]
async fn a_client_without_the_right_certificate_is_not_heard() {
    let served = serve().await;
    let stranger = tempfile::tempdir().unwrap();
    keys::init(&keys::InitOptions {
        dir: stranger.path().to_owned(),
        hosts: vec!["127.0.0.1".to_owned()],
        merchants: vec!["red-door:Red Door:5814:US:USD".parse().unwrap()],
        banks: vec!["first".parse().unwrap()],
        operators: Vec::new(),
        public_url: "https://127.0.0.1:8443".to_owned(),
        json: false,
    })
    .unwrap();
    let identity = DataFolder::new(stranger.path()).tls_identity("payment-server-client");
    let config = tls::mutual_client(&identity, Path::new(&served.folder.tls_ca())).unwrap();
    let socket = TcpStream::connect(served.addr).await.unwrap();
    let connected = TlsConnector::from(config).connect("127.0.0.1".try_into().unwrap(), socket).await;
    // In TLS 1.3 the client may believe it is connected until it hears the refusal.
    if let Ok(stream) = connected {
        let mut client = Client { stream, decoder: Decoder::new() };
        let bytes = frame::encode(&echo(1).pack(&Spec::TAPSEAL).unwrap()).unwrap();
        let _ = client.stream.write_all(&bytes).await;
        assert!(client.receive().await.is_none());
    }
}
