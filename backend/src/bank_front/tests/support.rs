//! A bank in a folder of its own, a merchant, a card, and the messages a payment server would send.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use emv::session::{ReadPurpose, Step};
use emv::{CardRead, CardSession, Interface, TerminalData};
use envelope::inner::{CardData, EntryMode, PinKind};
use envelope::keyset::{BankCertificate, BankTrust};
use envelope::{BankRoot, BankSealingKey, Capsule, Merchant, Pan, Pin, SecretBytes, SigningKey, inner, jws};
use iso8583::private::Composite;
use iso8583::{Message, Mti, OriginalData};
use payment::order::OrderDraft;
use payment::outcome::BankResult;
use payment::{Amount, AttemptHash, AttemptId, DeclineCode, Order, OrderHash, Outcome, RequestId, WalletNonce};
use virtual_card::{Profile, VirtualCard};

use crate::bank_front::card::Card;
use crate::bank_front::ledger::LedgerView;
use crate::bank_front::message::{self, Line};
use crate::bank_front::{BankFront, hsm, seed};
use crate::keys::{BankHome, BankId, DataFolder};

/// 2026-11-18 11:06:40 UTC.
pub const NOW_MS: i64 = 1_795_000_000_000;
const DATE: [u8; 3] = [26, 11, 18];
pub const MERCHANT: &str = "blue-door";
pub const HOLDER: &str = "cardholder:visa-0050";
const HOLDER_LAST_FOUR: &str = "0050";

pub fn usd(minor: i64) -> Amount {
    Amount::new(minor, "USD".parse().unwrap())
}

/// Where the bank of these tests lives.
pub fn home(folder: &tempfile::TempDir) -> BankHome {
    DataFolder::new(folder.path()).bank_home(&BankId::first())
}

/// A bank with the test cardholders, and everything around it.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub front: Arc<BankFront>,
    pub clock: Arc<AtomicI64>,
    pub merchant: SigningKey<Merchant>,
    pub visa: VirtualCard,
    pub mastercard: VirtualCard,
    counter: u32,
}

impl Bench {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        hsm::init(home.dir(), &"first".parse().unwrap(), seed::test_issuers().unwrap(), NOW_MS).unwrap();
        let merchant = SigningKey::<Merchant>::generate();
        let book = serde_json::json!({ MERCHANT: {
            "signing_key": merchant.public().to_base64url(), "kid": merchant.kid(), "merchant_id": MERCHANT,
            "display_name": "Blue Door Café", "mcc": "5814", "country": "US", "currency": "USD",
        }});
        std::fs::write(home.file("merchants.json"), book.to_string()).unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let front = Self::open(&folder, &clock).await;
        let cards = seed::CardProfile::built_in().unwrap();
        seed::seed(&front.db, &front.hsm, seed::Terms::default(), &cards, NOW_MS).await.unwrap();
        let card = |name| VirtualCard::new(Profile::built_in(name).unwrap()).over(Interface::Contactless);
        Self { front, clock, merchant, visa: card("visa"), mastercard: card("mastercard"), counter: 0, folder }
    }

    async fn open(folder: &tempfile::TempDir, clock: &Arc<AtomicI64>) -> Arc<BankFront> {
        let clock = Arc::clone(clock);
        BankFront::open(&home(folder), Arc::new(move || clock.load(Ordering::Relaxed))).await.unwrap()
    }

    /// The same bank after a restart.
    pub async fn restart(&mut self) {
        self.front = Self::open(&self.folder, &self.clock).await;
    }

    pub fn root(&self) -> SigningKey<BankRoot> {
        let text = std::fs::read_to_string(home(&self.folder).file("root.key")).unwrap();
        let json = format!("\"{}\"", text.trim());
        let bytes: String = serde_json::from_str(&json).unwrap();
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes).unwrap();
        SigningKey::from_bytes(&decoded.try_into().unwrap())
    }

    pub fn certificate(&self) -> BankCertificate {
        let now_ms = self.clock.load(Ordering::Relaxed);
        let trust = BankTrust { bank_id: "first".to_owned(), key: self.root().public().clone() };
        BankCertificate::verify(&self.front.hsm.certificate(now_ms).unwrap(), &[trust], now_ms, 0).unwrap()
    }

    /// An order of this merchant for this amount.
    pub fn order(&mut self, amount: Amount) -> Order {
        self.counter += 1;
        let now_ms = u64::try_from(self.clock.load(Ordering::Relaxed)).unwrap();
        Order::new(OrderDraft {
            request_id: RequestId::from_parts(now_ms, &random()),
            merchant_id: MERCHANT.parse().unwrap(),
            order_number: format!("A-{}", self.counter),
            amount,
            created_ms: now_ms,
            expires_ms: now_ms + 300_000,
            payee_name: "Blue Door Café".to_owned(),
            items: Vec::new(),
            methods: None,
        })
        .unwrap()
    }

    /// An attempt to pay `order` with the Visa card and this PIN.
    pub fn attempt(&mut self, order: &Order, pin: &str) -> Sent {
        let mut card = VirtualCard::new(self.visa.profile().clone());
        std::mem::swap(&mut card, &mut self.visa);
        let attempt = self.attempt_with(&mut card, order, pin, |_| {});
        self.visa = card;
        attempt
    }

    /// The same with any card, after `change` has been at what was read.
    pub fn attempt_with(
        &mut self,
        card: &mut VirtualCard,
        order: &Order,
        pin: &str,
        change: impl FnOnce(&mut CardData),
    ) -> Sent {
        self.attempt_sealed(order, |attempt_hash, to| {
            let mut data = card_data(&read_card(card, Interface::Contactless, order.amount, attempt_hash));
            change(&mut data);
            let pin = Pin::from_ascii(pin.as_bytes()).unwrap();
            inner::seal(to, attempt_hash.as_bytes(), &data, &pin, PinKind::CardPin).unwrap()
        })
    }

    /// An attempt whose capsule `seal` makes.
    pub fn attempt_sealed(
        &mut self,
        order: &Order,
        seal: impl FnOnce(&AttemptHash, &BankSealingKey) -> Capsule,
    ) -> Sent {
        self.counter += 1;
        let now_ms = u64::try_from(self.clock.load(Ordering::Relaxed)).unwrap();
        let attempt_id = AttemptId::from_parts(now_ms, &random());
        let nonce = WalletNonce::from_bytes(random());
        let attempt_hash = AttemptHash::derive(&order.hash(), attempt_id, &nonce);
        let certificate = self.certificate();
        let to = certificate.sealing_key_at(self.clock.load(Ordering::Relaxed)).unwrap();
        let capsule = seal(&attempt_hash, to);
        Sent {
            order: order.clone(),
            order_jws: jws::sign(&self.merchant, jws::TYP_ORDER, &order.canonical()),
            attempt_id,
            nonce,
            capsule,
            stan: self.counter,
        }
    }

    /// Sends a message as the link would.
    pub async fn send(&self, message: Message) -> Option<Message> {
        message::answer(&self.front, &Line::Sealed, message).await.once()
    }

    /// Sends a debit and reads its answer.
    pub async fn pay(&self, attempt: &Sent) -> Told {
        let answer = self.send(attempt.message()).await.expect("an answer");
        Told::of(self, &answer)
    }

    pub async fn ledger(&self) -> LedgerView {
        let mut connection = self.front.db.reader().acquire().await.unwrap();
        LedgerView::read(&mut connection).await.unwrap()
    }

    /// What an account holds, with the ledger's invariants asserted on the way.
    pub async fn posted(&self, account: &str) -> i64 {
        let view = self.ledger().await;
        assert!(view.sums.values().all(|sum| *sum == 0), "{view:?}");
        assert!(view.accounts.iter().all(|account| account.pending_minor == 0));
        view.accounts.iter().find(|view| view.account == account).unwrap().posted_minor
    }

    pub async fn card(&self) -> Card {
        self.card_ending(HOLDER_LAST_FOUR).await
    }

    pub async fn card_ending(&self, last_four: &str) -> Card {
        let mut connection = self.front.db.reader().acquire().await.unwrap();
        Card::find_by_last_four(&mut connection, last_four).await.unwrap()
    }

    /// The bank's record of a built-in virtual card.
    pub async fn card_of(&self, profile: &str) -> Card {
        let profile = Profile::built_in(profile).unwrap();
        let pin = Pin::from_ascii(profile.pin.as_bytes()).unwrap();
        let reference = self.front.hsm.personalise(&Pan::parse(&profile.pan).unwrap(), &pin).pan_reference;
        let mut connection = self.front.db.reader().acquire().await.unwrap();
        Card::find(&mut connection, &reference).await.unwrap().unwrap()
    }
}

/// One attempt, as the payment server sends it.
#[derive(Clone)]
pub struct Sent {
    pub order: Order,
    pub order_jws: String,
    pub attempt_id: AttemptId,
    pub nonce: WalletNonce,
    pub capsule: Capsule,
    pub stan: u32,
}

impl Sent {
    pub fn rrn(&self) -> String {
        format!("632211{:06}", self.stan)
    }

    /// The composite of the debit.
    pub fn composite(&self) -> Composite {
        Composite {
            order: Some(self.order_jws.clone()),
            attempt_id: Some(*self.attempt_id.as_bytes()),
            wallet_nonce: Some(*self.nonce.as_bytes()),
            ..Composite::default()
        }
    }

    fn envelope(&self, mti: Mti) -> Message {
        Message::new(mti)
            .with_text(3, "000000")
            .with_number(4, u64::try_from(self.order.amount.minor()).unwrap())
            .unwrap()
            .with_text(7, "1118110640")
            .with_number(11, u64::from(self.stan))
            .unwrap()
            .with_text(32, "000001")
            .with_text(37, self.rrn())
            .with_text(41, "TAPSEAL1")
            .with_text(42, format!("{MERCHANT:<15}"))
            .with_number(49, u64::from(self.order.amount.currency().numeric()))
            .unwrap()
    }

    /// The 0200.
    pub fn message(&self) -> Message {
        self.envelope(Mti::FINANCIAL_REQUEST)
            .with_text(12, "110640")
            .with_text(13, "1118")
            .with_text(18, "5814")
            .with_text(22, "812")
            .with_text(25, "00")
            .with_binary(126, self.capsule.to_bytes())
            .with_binary(127, self.composite().to_bytes().unwrap())
    }

    /// A message about this attempt: 0420, 0421, 0400 or 0600.
    pub fn about(&self, mti: Mti) -> Message {
        let original = OriginalData {
            mti: Mti::FINANCIAL_REQUEST,
            stan: self.stan,
            transmitted: "1118110640".to_owned(),
            acquirer: 1,
            forwarder: 0,
        };
        let composite = Composite {
            attempt_id: Some(*self.attempt_id.as_bytes()),
            request_id: Some(*self.order.request_id.as_bytes()),
            ..Composite::default()
        };
        self.envelope(mti)
            .with_number(11, 900_000 + u64::from(self.stan))
            .unwrap()
            .with_text(90, original.to_text().unwrap())
            .with_binary(127, composite.to_bytes().unwrap())
    }
}

/// What an answer says, its signature checked under the bank's certificate.
#[derive(Debug)]
pub struct Told {
    pub code: String,
    pub outcome: Option<Outcome>,
    pub composite: Composite,
    pub answer: Message,
}

impl Told {
    pub fn of(bench: &Bench, answer: &Message) -> Self {
        let composite = Composite::of(answer).unwrap_or_default();
        let certificate = bench.certificate();
        let outcome = composite.outcome.as_deref().map(|signed| {
            let key = certificate.outcome_key(&jws::peek_kid(signed).unwrap(), NOW_MS).unwrap();
            let payload = jws::verify(key, jws::TYP_OUTCOME, signed).unwrap();
            Outcome::from_canonical(&payload).unwrap()
        });
        Self { code: answer.text(39).unwrap().to_owned(), outcome, composite, answer: answer.clone() }
    }

    /// Asserts an approval of exactly this attempt.
    pub fn assert_approved(&self, attempt: &Sent) {
        assert_eq!(self.code, "00", "{:?}", self.composite.reason);
        let outcome = self.outcome.as_ref().unwrap();
        let BankResult::Approved { approval_code } = &outcome.decision else { panic!("{outcome:?}") };
        assert_eq!(self.answer.text(38).unwrap(), approval_code);
        self.assert_about(attempt);
    }

    /// Asserts a refusal with this code, signed for exactly this attempt.
    pub fn assert_declined(&self, attempt: &Sent, expected: DeclineCode) {
        let outcome = self.outcome.as_ref().unwrap();
        let BankResult::Declined { code, .. } = &outcome.decision else { panic!("{outcome:?}") };
        assert_eq!(*code, expected);
        assert_eq!(self.code, expected.response_code());
        assert_eq!(self.composite.reason.as_deref(), Some(expected.as_str()));
        assert!(!self.answer.has(38));
        self.assert_about(attempt);
    }

    fn assert_about(&self, attempt: &Sent) {
        let outcome = self.outcome.as_ref().unwrap();
        let order_hash = OrderHash::of_canonical(&jws::peek_payload_unverified(&attempt.order_jws).unwrap());
        assert_eq!(outcome.attempt_id, attempt.attempt_id);
        assert_eq!(outcome.order_hash, order_hash);
        assert_eq!(outcome.attempt_hash, AttemptHash::derive(&order_hash, attempt.attempt_id, &attempt.nonce));
    }

    /// PIN tries left, as told in outcome and composite alike.
    pub fn pin_tries_left(&self) -> Option<u8> {
        let BankResult::Declined { pin_tries_left, .. } = self.outcome.as_ref().unwrap().decision else {
            return None;
        };
        assert_eq!(self.composite.pin_tries_left, pin_tries_left);
        pin_tries_left
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Lets the wallet's reader read the card for this attempt; of several applications the first is taken.
pub fn read_card(card: &mut VirtualCard, interface: Interface, amount: Amount, attempt_hash: &AttemptHash) -> CardRead {
    let terminal = TerminalData::purchase(
        u64::try_from(amount.minor()).unwrap(),
        amount.currency().numeric(),
        840,
        emv::derive_unpredictable_number(attempt_hash.as_bytes()),
        interface,
    )
    .at(DATE, [11, 6, 40]);
    card.reset();
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    loop {
        let (next, command) = match session.advance(&card.respond(&c_apdu)).unwrap() {
            Step::Transmit { session, c_apdu, .. } => (*session, c_apdu),
            Step::Choose { session, .. } => session.select(0).unwrap(),
            Step::Done(read) => return *read,
            Step::Inspected(_) => panic!("read to pay"),
        };
        (session, c_apdu) = (next, command);
    }
}

pub fn card_data(read: &CardRead) -> CardData {
    CardData {
        pan: Pan::parse(read.pan.expose_digits()).unwrap(),
        track2: read.track2.as_ref().map(|track2| SecretBytes::copy_of(track2.expose().as_bytes())),
        expiry_yymm: read.expiry_yymm,
        psn: read.psn,
        aid: read.aid.clone(),
        entry_mode: match read.interface {
            Interface::Contact => EntryMode::ContactChip,
            Interface::Contactless => EntryMode::ContactlessChip,
        },
        icc_data: read.icc_data.clone().into(),
    }
}
