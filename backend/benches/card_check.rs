//! What the bank's HSM does for one payment, part by part and in sum: the inner capsule opened, the card's cryptogram
//! checked, the PIN deciphered and verified, the answer to the card computed, the outcome signed.
//!
//! The parts are the same calls on the same capsule as the whole; what the whole takes beside them is deriving the
//! card's keys a second time for scripts, labels and the comparison with the order.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use emv::issuer::{IssuerDecision, IssuerMasterKey, arpc, verify_arqc};
use emv::session::{ReadPurpose, Step};
use emv::{CardRead, CardSession, Interface, TerminalData};
use envelope::inner::{self, CardData, EntryMode, PinKind};
use envelope::keyset::{BankCertificate, BankTrust};
use envelope::{BankRoot, BankSealingKeySecret, Capsule, Pan, Pin, SecretBytes, SigningKey};
use payment::outcome::{BankResult, OUTCOME_VERSION};
use payment::{Amount, AttemptHash, AttemptId, OrderHash, Outcome, RequestId};
use tapseal::bank_front::hsm::{self, Hsm, Presentation};
use tapseal::bank_front::seed;
use virtual_card::{Profile, VirtualCard};

/// 2026-11-18 11:06:40 UTC.
const NOW_MS: i64 = 1_795_000_000_000;
const DATE: [u8; 3] = [26, 11, 18];
const PIN: &[u8] = b"1234";
const ATTEMPT_HASH: [u8; 32] = [3; 32];
const EXCHANGES_MAX: usize = 100;
/// How often each part runs; the printed figure is the median.
const ROUNDS: usize = 2_000;

/// An HSM and one payment made for it.
struct Payment {
    _folder: tempfile::TempDir,
    hsm: Hsm,
    amount: Amount,
    capsule: Vec<u8>,
    /// The same card data sealed to a key of this bench, because the HSM's never leaves it.
    own_key: BankSealingKeySecret,
    own_capsule: Capsule,
    issuer: IssuerMasterKey,
    card: CardData,
    outcome: Outcome,
}

impl Payment {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let hsm = open(folder.path());
        let profile = Profile::built_in("visa").expect("a built-in profile");
        let issuer = IssuerMasterKey::new(profile.issuer_master_key_bytes());
        let amount = Amount::new(1_280, "USD".parse().expect("a currency"));
        let card = card_data(&read(&mut VirtualCard::new(profile).over(Interface::Contactless), amount));
        let own_key = BankSealingKeySecret::generate();
        let pin = Pin::from_ascii(PIN).expect("a PIN");
        let seal = |to| inner::seal(to, &ATTEMPT_HASH, &card, &pin, PinKind::CardPin).expect("sealed");
        let own_capsule = seal(own_key.public());
        let certificate = certificate(&hsm, folder.path());
        let capsule = seal(certificate.sealing_key_at(NOW_MS).expect("a key for today")).to_bytes();
        Self { _folder: folder, hsm, amount, capsule, own_key, own_capsule, issuer, card, outcome: outcome(amount) }
    }

    /// Everything the HSM says of a capsule, as the bank front asks it.
    fn examine(&self) -> hsm::Examined {
        let presentation = Presentation {
            capsule: &self.capsule,
            attempt_hash: AttemptHash::from_bytes(ATTEMPT_HASH),
            amount: self.amount,
            card_order: None,
            now_ms: NOW_MS,
        };
        self.hsm.examine(&presentation).unwrap_or_else(|refused| panic!("{:?}", refused.code))
    }

    fn open(&self) -> inner::Opened {
        inner::open(&self.own_key, &ATTEMPT_HASH, &self.own_capsule).expect("opened")
    }

    fn cryptogram(&self) -> emv::issuer::Verified {
        let digits = std::str::from_utf8(self.card.pan.expose_ascii()).expect("digits");
        verify_arqc(&self.issuer, digits, self.card.psn, &self.card.icc_data).expect("a right cryptogram")
    }
}

fn main() {
    let payment = Payment::new();
    let opened = payment.open();
    let verified = payment.cryptogram();
    let pin = || {
        let block = opened.verification.pin().expect("sealed with one");
        let pin = block.decipher(&opened.card.pan).expect("a PIN");
        payment.hsm.personalise(&opened.card.pan, &pin)
    };
    let answers = || [IssuerDecision::Approve, IssuerDecision::Decline].map(|decision| arpc(&verified, decision));
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("card_check/examine", |bencher| bencher.iter(|| payment.examine()));
    criterion.final_summary();

    let parts = [
        ("inner capsule opened", median(|| drop(black_box(payment.open())))),
        ("cryptogram checked (ARQC)", median(|| drop(black_box(payment.cryptogram())))),
        ("PIN deciphered and valued", median(|| drop(black_box(pin())))),
        ("answers to the card (ARPC)", median(|| drop(black_box(answers())))),
        ("outcome signed", median(|| drop(black_box(payment.hsm.sign_outcome(&payment.outcome))))),
    ];
    println!("card check, median of {ROUNDS}:");
    for (name, took) in parts {
        println!("  {name:<28} {:>8.2} µs", microseconds(took));
    }
    let sum: Duration = parts.iter().map(|(_, took)| *took).sum();
    println!("  {:<28} {:>8.2} µs", "sum", microseconds(sum));
    println!(
        "  {:<28} {:>8.2} µs",
        "as one call, and signed",
        microseconds(median(|| {
            black_box(payment.examine());
            black_box(payment.hsm.sign_outcome(&payment.outcome));
        }))
    );
}

fn median(mut routine: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            routine();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// An HSM with the keys of the public test cards.
fn open(folder: &std::path::Path) -> Hsm {
    let issuers = seed::test_issuers().expect("the test cards have issuers");
    hsm::init(folder, &"first".parse().expect("a bank"), issuers, NOW_MS).expect("the keys are made");
    Hsm::open(folder, NOW_MS).expect("the keys were made a moment ago")
}

fn certificate(hsm: &Hsm, folder: &std::path::Path) -> BankCertificate {
    use base64::Engine;
    let root = std::fs::read_to_string(folder.join(hsm::ROOT_FILE_NAME)).expect("the root was made with the keys");
    let seed = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(root.trim()).expect("base64url");
    let root = SigningKey::<BankRoot>::from_bytes(&seed.try_into().expect("32 bytes"));
    let trust = BankTrust { bank_id: "first".to_owned(), key: root.public().clone() };
    let jws = hsm.certificate(NOW_MS).expect("the HSM certifies");
    BankCertificate::verify(&jws, &[trust], NOW_MS, 0).expect("a valid certificate")
}

fn read(card: &mut VirtualCard, amount: Amount) -> CardRead {
    let minor = u64::try_from(amount.minor()).expect("positive");
    let number = emv::derive_unpredictable_number(&ATTEMPT_HASH);
    let terminal = TerminalData::purchase(minor, amount.currency().numeric(), 840, number, Interface::Contactless);
    let (mut session, mut command) = CardSession::start(terminal.at(DATE, [12, 0, 0]), ReadPurpose::Pay);
    for _ in 0..EXCHANGES_MAX {
        match session.advance(&card.respond(&command)).expect("the virtual card is well made") {
            Step::Transmit { session: next, c_apdu, .. } => (session, command) = (*next, c_apdu),
            Step::Choose { session: choosing, .. } => {
                (session, command) = choosing.select(0).expect("the first application exists");
            }
            Step::Done(read) => return *read,
            Step::Inspected(_) => unreachable!("the card is read to pay"),
        }
    }
    panic!("the virtual card never came to an end");
}

fn card_data(read: &CardRead) -> CardData {
    CardData {
        pan: Pan::parse(read.pan.expose_digits()).expect("a card number"),
        track2: read.track2.as_ref().map(|track| SecretBytes::copy_of(track.expose().as_bytes())),
        expiry_yymm: read.expiry_yymm,
        psn: read.psn,
        aid: read.aid.clone(),
        entry_mode: EntryMode::ContactlessChip,
        icc_data: read.icc_data.clone().into(),
    }
}

fn outcome(amount: Amount) -> Outcome {
    Outcome {
        version: OUTCOME_VERSION,
        bank_id: "first".to_owned(),
        request_id: RequestId::from_bytes([1; 16]),
        attempt_id: AttemptId::from_bytes([2; 16]),
        order_hash: OrderHash::of_canonical(b"{}"),
        attempt_hash: AttemptHash::from_bytes(ATTEMPT_HASH),
        merchant_id: "blue-door".parse().expect("a merchant"),
        amount,
        decision: BankResult::Approved { approval_code: "7K2M9Q".to_owned() },
        rrn: "632607000041".to_owned(),
        card_label: "visa ••0050".to_owned(),
        decided_ms: u64::try_from(NOW_MS).expect("after 1970"),
    }
}
