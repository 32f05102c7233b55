//! The plain port as an ordinary ISO 8583 client meets it, over real TCP.

use std::sync::Arc;
use std::time::Duration;

use emv::Interface;
use iso8583::frame::{Decoder, Framing};
use iso8583::{Message, Mti, OriginalData, Spec, network};
use payment::{AttemptHash, DeclineCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::support::{Bench, HOLDER, NOW_MS, card_data, home, read_card, usd};
use crate::bank_front::card::{CardStatus, PIN_TRIES_MAX};
use crate::bank_front::hsm::ZoneKeyKind;
use crate::bank_front::hsm::testing::{self, ACQUIRER};
use crate::bank_front::link::{self, Port, Wire};

/// Long enough for a loaded machine, and the end of a test that would hang.
const PATIENCE: Duration = Duration::from_secs(20);
pub const ASCII: Wire = Wire { spec: Spec::ASCII, framing: Framing::Binary2 };

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
    for spec in [Spec::ASCII, Spec::ASCII_HEX, Spec::BCD_CURRENCY_CHARACTERS] {
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

const OPENING: i64 = 100_000;
const ACQUIRER_ACCOUNT: &str = "acquirer:42:USD";
const TRANSMITTED: &str = "1118110640";

/// A terminal of an acquirer that shares its keys with the bank, and has signed on.
pub struct Terminal {
    pub bench: Bench,
    client: Client,
    pin_key: [u8; 16],
    stan: u32,
}

impl Terminal {
    pub async fn new(wire: Wire) -> Self {
        let mut bench = Bench::new().await;
        testing::share_master(home(&bench.folder).dir());
        bench.restart().await;
        let pin_key = testing::received(&bench.front.hsm, ZoneKeyKind::Pin);
        let mut client = Client::connect(&bench, wire).await;
        client.ask(&management(network::SIGN_ON)).await;
        Self { bench, client, pin_key, stan: 0 }
    }

    fn envelope(&mut self, mti: Mti, processing: &str, minor: u64) -> Message {
        self.stan += 1;
        Message::new(mti)
            .with_text(3, processing)
            .with_number(4, minor)
            .unwrap()
            .with_text(7, TRANSMITTED)
            .with_number(11, u64::from(self.stan))
            .unwrap()
            .with_text(32, ACQUIRER)
            .with_text(37, format!("632211{:06}", self.stan))
            .with_text(41, "TERM0001")
            .with_text(49, "840")
    }

    /// The Visa card in the slot, with this PIN.
    pub fn insert(&mut self, mti: Mti, minor: u64, pin: &str) -> Message {
        let amount = usd(i64::try_from(minor).unwrap());
        let mut card = virtual_card::VirtualCard::new(self.bench.visa.profile().clone());
        std::mem::swap(&mut card, &mut self.bench.visa);
        let data = card_data(&read_card(&mut card, Interface::Contact, amount, &AttemptHash::from_bytes([9; 32])));
        self.bench.visa = card;
        let block = testing::block0(&self.pin_key, pin, &data.pan);
        let number = std::str::from_utf8(data.pan.expose_ascii()).unwrap().to_owned();
        let expiry = String::from_utf8(data.expiry_yymm.to_vec()).unwrap();
        self.envelope(mti, "000000", minor)
            .with_text(2, number)
            .with_text(14, expiry)
            .with_text(22, "051")
            .with_text(23, format!("{:03}", data.psn.unwrap()))
            .with_binary(52, block)
            .with_binary(55, &data.icc_data)
    }

    /// A message about another: its own STAN and amount, the original's RRN.
    fn about(&mut self, mti: Mti, original: &Message, processing: &str, minor: u64) -> Message {
        let named = OriginalData {
            mti: original.mti(),
            stan: u32::try_from(original.number(11).unwrap()).unwrap(),
            transmitted: TRANSMITTED.to_owned(),
            acquirer: 42,
            forwarder: 0,
        };
        let rrn = original.text(37).unwrap().to_owned();
        self.envelope(mti, processing, minor).with_text(37, rrn).with_text(90, named.to_text().unwrap())
    }

    pub async fn ask(&mut self, message: &Message) -> Message {
        self.client.ask(message).await
    }

    /// What account holds, and what of it is pending: in, less out.
    async fn holds(&self, account: &str) -> (i64, i64) {
        let view = self.bench.ledger().await;
        assert!(view.sums.values().all(|sum| *sum == 0), "{view:?}");
        let found = view.accounts.iter().find(|view| view.account == account);
        found.map_or((0, 0), |view| (view.posted_minor, view.pending_minor))
    }
}

#[tokio::test]
async fn a_chip_and_its_pin_pay_at_once_in_every_encoding() {
    for spec in [Spec::ASCII, Spec::ASCII_HEX, Spec::BCD_CURRENCY_CHARACTERS] {
        let mut terminal = Terminal::new(Wire { spec, framing: Framing::Binary2 }).await;
        let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 1_280, "1234");
        let answer = terminal.ask(&debit).await;
        assert_eq!((answer.mti(), code(&answer)), (Mti::FINANCIAL_ANSWER, "00"));
        assert_eq!(answer.text(38).unwrap().len(), 6);
        assert_eq!(answer.binary(55).unwrap()[0], 0x91, "the issuer's word to the card");
        for number in [2, 14, 23, 35, 52, 53] {
            assert!(!answer.has(number), "DE {number} is not echoed");
        }
        assert_eq!(terminal.holds(HOLDER).await, (OPENING - 1_280, 0));
        assert_eq!(terminal.holds(ACQUIRER_ACCOUNT).await, (1_280, 0));
        let repeat = terminal.ask(&debit.with_mti(Mti::FINANCIAL_REPEAT)).await;
        assert!(repeat == answer, "a repeat gets the same answer");
        assert_eq!(terminal.holds(HOLDER).await, (OPENING - 1_280, 0));
    }
}

#[tokio::test]
async fn what_the_bank_stores_tells_no_card_number() {
    let mut terminal = Terminal::new(ASCII).await;
    let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 1_280, "1234");
    terminal.ask(&debit).await;
    let mut searched = 0;
    for file in std::fs::read_dir(terminal.bench.folder.path()).unwrap().map(|file| file.unwrap().path()) {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        searched += bytes.len();
        for secret in [b"4761340000000050".to_vec(), hex::encode("4761340000000050").into_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", file.display());
        }
    }
    assert!(searched > 10_000, "the database was searched");
}

#[tokio::test]
async fn a_known_acceptor_is_paid_itself() {
    let mut terminal = Terminal::new(ASCII).await;
    let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 1_280, "1234").with_text(42, "blue-door      ");
    assert_eq!(code(&terminal.ask(&debit).await), "00");
    assert_eq!(terminal.holds("merchant:blue-door").await, (1_280, 0));
}

#[tokio::test]
async fn a_hold_is_completed_in_part_once_and_the_rest_is_free_again() {
    let mut terminal = Terminal::new(ASCII).await;
    let hold = terminal.insert(Mti::AUTHORIZATION_REQUEST, 5_000, "1234");
    let answer = terminal.ask(&hold).await;
    assert_eq!((answer.mti(), code(&answer)), (Mti::AUTHORIZATION_ANSWER, "00"));
    assert_eq!(terminal.holds(HOLDER).await, (OPENING, -5_000));
    let too_much = terminal.about(Mti::FINANCIAL_ADVICE, &hold, "000000", 5_001);
    assert_eq!(code(&terminal.ask(&too_much).await), DeclineCode::AboveOriginal.response_code());
    let completion = terminal.about(Mti::FINANCIAL_ADVICE, &hold, "000000", 3_000);
    let completed = terminal.ask(&completion).await;
    assert_eq!((completed.mti(), code(&completed)), (Mti::FINANCIAL_ADVICE_ANSWER, "00"));
    assert_eq!(terminal.holds(HOLDER).await, (OPENING - 3_000, 0));
    assert!(terminal.ask(&completion.clone().with_mti(completion.mti().repeat())).await == completed);
    let second = terminal.about(Mti::FINANCIAL_ADVICE, &hold, "000000", 1_000);
    assert_eq!(code(&terminal.ask(&second).await), DeclineCode::AlreadyCompleted.response_code());
    // Whoever reverses the completion, or the hold behind it, gives the money back once.
    for original in [&completion, &hold] {
        let reversal = terminal.about(Mti::REVERSAL_ADVICE, original, "000000", 3_000);
        assert_eq!(code(&terminal.ask(&reversal).await), "00");
        assert_eq!(terminal.holds(HOLDER).await, (OPENING, 0));
    }
}

#[tokio::test]
async fn a_hold_that_is_over_or_was_never_made_is_not_completed() {
    let mut terminal = Terminal::new(ASCII).await;
    let hold = terminal.insert(Mti::AUTHORIZATION_REQUEST, 5_000, "1234");
    let early = terminal.about(Mti::FINANCIAL_ADVICE, &hold, "000000", 5_000);
    assert_eq!(code(&terminal.ask(&early).await), "25");
    assert_eq!(code(&terminal.ask(&hold).await), "00");
    let week_ms = 7 * 24 * 60 * 60 * 1_000;
    terminal.bench.clock.store(NOW_MS + week_ms, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(code(&terminal.ask(&early).await), DeclineCode::HoldExpired.response_code());
    let offline = terminal.envelope(Mti::FINANCIAL_ADVICE, "000000", 100);
    let answer = terminal.ask(&offline).await;
    assert_eq!((code(&answer), answer.text(44).unwrap()), ("40", "OFFLINE ADVICE"));
    let reversal = terminal.about(Mti::REVERSAL_ADVICE, &hold, "000000", 5_000);
    assert_eq!(code(&terminal.ask(&reversal).await), "00");
    assert_eq!(terminal.holds(HOLDER).await, (OPENING, 0));
}

#[tokio::test]
async fn holds_count_against_the_balance_and_the_day() {
    let mut terminal = Terminal::new(ASCII).await;
    for (minor, expected) in [(50_000, "00"), (30_000, "00"), (1, "61")] {
        let hold = terminal.insert(Mti::AUTHORIZATION_REQUEST, minor, "1234");
        assert_eq!(code(&terminal.ask(&hold).await), expected);
    }
    terminal.bench.clock.fetch_add(24 * 60 * 60 * 1_000, std::sync::atomic::Ordering::Relaxed);
    let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 20_001, "1234");
    assert_eq!(code(&terminal.ask(&debit).await), "51");
}

#[tokio::test]
async fn a_card_that_is_used_too_often_waits_until_its_window_has_moved_on() {
    let mut terminal = Terminal::new(ASCII).await;
    let set = "UPDATE card SET velocity_payments = 2, velocity_window_s = 60 WHERE last_four = '0050'";
    let db = &terminal.bench.front.db;
    db.write(move |db_tx| Box::pin(async move { sqlx::query(set).execute(db_tx).await.map(drop) })).await.unwrap();
    for (later_ms, expected) in [(0, "00"), (30_000, "00"), (1_000, "65"), (30_000, "00"), (0, "65")] {
        terminal.bench.clock.fetch_add(later_ms, std::sync::atomic::Ordering::Relaxed);
        let hold = terminal.insert(Mti::AUTHORIZATION_REQUEST, 100, "1234");
        assert_eq!(code(&terminal.ask(&hold).await), expected, "after {later_ms} ms");
    }
}

#[tokio::test]
async fn refunds_never_give_back_more_than_was_paid() {
    let mut terminal = Terminal::new(ASCII).await;
    let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 5_000, "1234");
    terminal.ask(&debit).await;
    let first = terminal.about(Mti::FINANCIAL_REQUEST, &debit, "200000", 3_000);
    let answer = terminal.ask(&first).await;
    assert_eq!((code(&answer), answer.has(38)), ("00", true));
    assert!(terminal.ask(&first.clone().with_mti(Mti::FINANCIAL_REPEAT)).await == answer);
    let second = terminal.about(Mti::FINANCIAL_REQUEST, &debit, "200000", 2_001);
    assert_eq!(code(&terminal.ask(&second).await), DeclineCode::AboveOriginal.response_code());
    assert_eq!(terminal.holds(HOLDER).await, (OPENING - 2_000, 0));
    // A refund can be undone, and what it gave back can be refunded again.
    let undo = terminal.about(Mti::REVERSAL_ADVICE, &first, "200000", 3_000);
    assert_eq!(code(&terminal.ask(&undo).await), "00");
    let all = terminal.about(Mti::FINANCIAL_REQUEST, &debit, "200000", 4_000);
    assert_eq!(code(&terminal.ask(&all).await), "00");
    // A reversal of the debit gives back what is left, and no more.
    let reversal = terminal.about(Mti::REVERSAL_ADVICE, &debit, "000000", 5_000);
    assert_eq!(code(&terminal.ask(&reversal).await), "00");
    assert_eq!(terminal.holds(HOLDER).await, (OPENING, 0));
    assert_eq!(terminal.holds(ACQUIRER_ACCOUNT).await, (0, 0));
    let late = terminal.about(Mti::FINANCIAL_REQUEST, &debit, "200000", 1);
    assert_eq!(code(&terminal.ask(&late).await), DeclineCode::AlreadyReversed.response_code());
    let mut stranger = terminal.about(Mti::FINANCIAL_REQUEST, &debit, "200000", 1);
    stranger = stranger.with_text(41, "TERM0002");
    assert_eq!(code(&terminal.ask(&stranger).await), "25");
}

#[tokio::test]
async fn a_reversal_that_overtakes_its_original_keeps_it_from_being_approved() {
    let mut terminal = Terminal::new(ASCII).await;
    let hold = terminal.insert(Mti::AUTHORIZATION_REQUEST, 5_000, "1234");
    let reversal = terminal.about(Mti::REVERSAL_ADVICE, &hold, "000000", 5_000);
    for mti in [Mti::REVERSAL_ADVICE, Mti::REVERSAL_ADVICE_REPEAT] {
        assert_eq!(code(&terminal.ask(&reversal.clone().with_mti(mti)).await), "00");
    }
    assert_eq!(code(&terminal.ask(&hold).await), "77");
    assert_eq!(terminal.holds(HOLDER).await, (OPENING, 0));
}

#[tokio::test]
async fn an_inquiry_tells_an_ordinary_client_what_became_of_a_message() {
    let mut terminal = Terminal::new(ASCII).await;
    let hold = terminal.insert(Mti::AUTHORIZATION_REQUEST, 5_000, "1234");
    let inquiry = terminal.about(Mti::INQUIRY, &hold, "000000", 5_000);
    assert_eq!(code(&terminal.ask(&inquiry).await), "25");
    let approved = terminal.ask(&hold).await;
    let told = terminal.ask(&inquiry).await;
    assert_eq!((code(&told), told.text(44).unwrap()), ("00", "HELD"));
    assert_eq!(told.text(38).unwrap(), approved.text(38).unwrap());
    let wrong = terminal.insert(Mti::FINANCIAL_REQUEST, 100, "4321");
    let refused = terminal.ask(&wrong).await;
    assert_eq!((code(&refused), refused.text(44).unwrap()), ("55", "WRONG_PIN"));
    let inquiry = terminal.about(Mti::INQUIRY, &wrong, "000000", 100);
    assert_eq!(terminal.ask(&inquiry).await.text(44).unwrap(), "DECLINED");
}

#[tokio::test]
async fn a_cryptogram_serves_once_however_many_messages_carry_it_at_once() {
    let mut terminal = Terminal::new(ASCII).await;
    let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 100, "1234");
    for stan in 1..=50 {
        let copy = debit.clone().with_number(11, 1_000 + stan).unwrap();
        let bytes = copy.pack(&Spec::ASCII).unwrap();
        terminal.client.send_bytes(&bytes).await;
    }
    let mut codes = Vec::new();
    for _ in 1..=50 {
        codes.push(code(&terminal.client.receive().await).to_owned());
    }
    assert_eq!(codes.iter().filter(|code| *code == "00").count(), 1);
    assert_eq!(codes.iter().filter(|code| *code == "94").count(), 49);
    assert_eq!(terminal.holds(HOLDER).await, (OPENING - 100, 0));
    assert_eq!(terminal.bench.card().await.atc, Some(1));
    assert_eq!(terminal.bench.card().await.pin_tries_left, PIN_TRIES_MAX);
}

#[tokio::test]
async fn each_fault_of_a_message_has_its_own_code() {
    let mut terminal = Terminal::new(ASCII).await;
    let good = |terminal: &mut Terminal| terminal.insert(Mti::FINANCIAL_REQUEST, 100, "1234");
    let mut check = Vec::new();
    for number in [3, 4, 11, 22, 32, 37, 41, 49] {
        check.push((good(&mut terminal).without(&[number]), "30", format!("DE {number}")));
    }
    check.push((good(&mut terminal).without(&[2]), "30", "DE 2".to_owned()));
    check.push((good(&mut terminal).with_text(49, "000"), "30", "DE 49".to_owned()));
    check.push((good(&mut terminal).with_text(22, "991"), "30", "DE 22".to_owned()));
    check.push((good(&mut terminal).with_text(3, "310000"), "12", "DE 3".to_owned()));
    check.push((good(&mut terminal).with_number(4, 0).unwrap(), "13", "INVALID_AMOUNT".to_owned()));
    check.push((good(&mut terminal).with_number(4, 101).unwrap(), "82", "CRYPTOGRAM".to_owned()));
    check.push((good(&mut terminal).without(&[52]), "70", "PIN_REQUIRED".to_owned()));
    check.push((good(&mut terminal).with_binary(52, [0; 8]), "63", "ORDER_MISMATCH".to_owned()));
    for (message, expected, words) in check {
        let answer = terminal.ask(&message).await;
        assert_eq!((code(&answer), answer.text(44).unwrap()), (expected, words.as_str()));
    }
    for (status, expected) in [(CardStatus::Lost, "41"), (CardStatus::Stolen, "43"), (CardStatus::Blocked, "62")] {
        let card = terminal.bench.card().await;
        let db = &terminal.bench.front.db;
        db.write(move |db_tx| Box::pin(async move { card.set_status(db_tx, status).await })).await.unwrap();
        let message = good(&mut terminal);
        assert_eq!(code(&terminal.ask(&message).await), expected);
    }
    assert_eq!(terminal.holds(HOLDER).await, (OPENING, 0));
}

/// Asks for a new key, and takes it as the acquirer does; the key and its check value as sent.
async fn changed_key(terminal: &mut Terminal, name: &str) -> ([u8; 16], String) {
    let change = management(network::KEY_CHANGE).with_text(32, ACQUIRER).with_text(48, name);
    let answer = terminal.ask(&change).await;
    assert_eq!(code(&answer), "00");
    let told: Vec<_> = answer.text(48).unwrap().split(' ').collect();
    let [told_name, cryptogram, kcv] = told[..] else { panic!("{told:?}") };
    assert_eq!(told_name, name);
    (testing::opened(hex::decode(cryptogram).unwrap().try_into().unwrap()), kcv.to_owned())
}

#[tokio::test]
async fn a_pin_key_is_changed_on_the_line_and_used_at_once() {
    let mut terminal = Terminal::new(ASCII).await;
    let (key, kcv) = changed_key(&mut terminal, "PIN").await;
    assert_ne!(key, terminal.pin_key);
    assert_eq!(kcv.len(), 6);
    terminal.pin_key = key;
    let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 100, "1234");
    assert_eq!(code(&terminal.ask(&debit).await), "00");
    let change = || management(network::KEY_CHANGE).with_text(48, "PIN");
    for (wrong, expected) in [
        (change().with_text(32, "77"), "40"),
        (change(), "30"),
        (change().with_text(32, ACQUIRER).with_text(48, "TEA"), "30"),
    ] {
        assert_eq!(code(&terminal.ask(&wrong).await), expected);
    }
}

#[tokio::test]
async fn a_message_without_a_right_mac_does_nothing_once_a_key_is_shared() {
    for wire in [ASCII, Wire { spec: Spec::ASCII_HEX, framing: Framing::Ascii4 }] {
        let mut terminal = Terminal::new(wire).await;
        let with_mac = |terminal: &Terminal, message: &Message, spoil: u8| {
            let number = if message.has(90) { 128 } else { 64 };
            let blank = message.clone().with_binary(number, [0; 8]).pack(&wire.spec).unwrap();
            let width = if wire.spec == Spec::ASCII { 8 } else { 16 };
            let mut mac = terminal.bench.front.hsm.mac(ACQUIRER, &blank[..blank.len() - width]).unwrap();
            mac[7] ^= spoil;
            message.clone().with_binary(number, mac)
        };
        let debit = terminal.insert(Mti::FINANCIAL_REQUEST, 100, "1234");
        let early = terminal.ask(&debit.clone().with_binary(64, [0; 8])).await;
        assert_eq!((code(&early), early.text(44).unwrap()), ("63", "MAC WRONG"), "there is no key yet");
        changed_key(&mut terminal, "MAC").await;
        let bare = terminal.ask(&debit).await;
        assert_eq!((code(&bare), bare.text(44).unwrap()), ("63", "MAC MISSING"));
        let wrong = with_mac(&terminal, &debit, 1);
        assert_eq!(code(&terminal.ask(&wrong).await), "63");
        let other_amount = with_mac(&terminal, &debit, 0).with_number(4, 1).unwrap();
        assert_eq!(code(&terminal.ask(&other_amount).await), "63");
        let right = with_mac(&terminal, &debit, 0);
        let answer = terminal.ask(&right).await;
        assert_eq!(code(&answer), "00");
        assert!(with_mac(&terminal, &answer.clone().without(&[64]), 0) == answer, "the answer is authenticated too");
        let reversal = terminal.about(Mti::REVERSAL_ADVICE, &debit, "000000", 100);
        let reversed = with_mac(&terminal, &reversal, 0);
        let answer = terminal.ask(&reversed).await;
        assert_eq!((code(&answer), answer.has(128), answer.has(64)), ("00", true, false));
        assert_eq!(code(&terminal.ask(&management(network::ECHO).with_text(32, ACQUIRER)).await), "00");
    }
}

#[tokio::test]
async fn totals_of_a_day_are_in_balance_or_not() {
    let mut terminal = Terminal::new(ASCII).await;
    let paid = terminal.insert(Mti::FINANCIAL_REQUEST, 5_000, "1234");
    let undone = terminal.insert(Mti::FINANCIAL_REQUEST, 700, "1234");
    let hold = terminal.insert(Mti::AUTHORIZATION_REQUEST, 900, "1234");
    let refund = terminal.about(Mti::FINANCIAL_REQUEST, &paid, "200000", 1_500);
    let reversal = terminal.about(Mti::REVERSAL_ADVICE, &undone, "000000", 700);
    let completion = terminal.about(Mti::FINANCIAL_ADVICE, &hold, "000000", 800);
    for message in [&paid, &undone, &hold, &refund, &reversal, &completion] {
        assert_eq!(code(&terminal.ask(message).await), "00");
    }
    let ours = Message::new(Mti::RECONCILIATION_REQUEST)
        .with_text(7, TRANSMITTED)
        .with_text(11, "000777")
        .with_text(15, "1118")
        .with_text(32, ACQUIRER)
        .with_text(50, "840")
        .with_text(74, "0000000001")
        .with_text(75, "0000000000")
        .with_text(76, "0000000003")
        .with_text(77, "0000000001")
        .with_text(86, "0000000000001500")
        .with_text(88, "0000000000006500")
        .with_text(89, "0000000000000700")
        .with_text(97, "C0000000000004300");
    for mti in [Mti::RECONCILIATION_REQUEST, Mti::RECONCILIATION_ADVICE] {
        let answer = terminal.ask(&ours.clone().with_mti(mti)).await;
        assert_eq!((code(&answer), answer.text(66).unwrap()), ("00", "1"));
        assert_eq!((answer.text(81).unwrap(), answer.text(15).unwrap()), ("0000000001", "1118"));
    }
    let wrong = ours.clone().with_text(88, "0000000000006501");
    let answer = terminal.ask(&wrong).await;
    assert_eq!((answer.text(66).unwrap(), answer.text(88).unwrap()), ("2", "0000000000006500"));
    for (number, text) in [(15, "1117"), (50, "978"), (32, "43")] {
        let answer = terminal.ask(&ours.clone().with_text(number, text)).await;
        assert_eq!((answer.text(66).unwrap(), answer.text(76).unwrap()), ("2", "0000000000"), "DE {number}");
    }
    let no_day = terminal.ask(&ours.with_text(15, "0230")).await;
    assert_eq!((code(&no_day), no_day.text(44).unwrap()), ("30", "DE 15"));
}
