//! An operator in a folder of its own, a merchant, subscribers with wallets, and the messages a payment server would send.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::keyset::{BankCertificate, BankTrust};
use envelope::means::carrier::{Carrier, CarrierEnrolment, CarrierPayment, SubscriberClaim, enrolment_hash};
use envelope::means::{self, Means};
use envelope::subscriber::{BillPayment, SubscriberCertificate, SubscriberSignature};
use envelope::{BankRoot, Capsule, Merchant, SecretBytes, SigningKey, Subscriber, jws};
use iso8583::private::Composite;
use iso8583::{Message, Mti, OriginalData};
use payment::order::OrderDraft;
use payment::outcome::BankResult;
use payment::refund::RefundDraft;
use payment::{
    Amount, AttemptHash, AttemptId, ConfirmationNumber, DeclineCode, LineKind, Order, Outcome, PhoneNumber, RefundId,
    RefundOrder, RequestId, WalletNonce,
};
use serde_json::Value;

use crate::carrier_front::subscriber::{self, NewSubscriber};
use crate::carrier_front::texting::{self, Texting};
use crate::carrier_front::{CarrierFront, keys, ledger, message};
use crate::keys::{BankHome, DataFolder, random, write_new};

/// 2026-11-18 11:06:40 UTC.
pub const NOW_MS: i64 = 1_795_000_000_000;
pub const MERCHANT: &str = "blue-door";
pub const OPERATOR: &str = "north";
pub const NUMBER: &str = "+12025550143";
pub const NAME: &str = "Ann Example";
pub const PIN: &str = "2580";
/// What may stand unpaid on the bills of tests, in minor units.
pub const LIMIT: i64 = 10_000;

pub fn usd(minor: i64) -> Amount {
    Amount::new(minor, "USD".parse().unwrap())
}

/// An operator, and everything around it.
pub struct Bench {
    _folder: tempfile::TempDir,
    pub home: BankHome,
    pub front: Arc<CarrierFront>,
    pub clock: Arc<AtomicI64>,
    pub merchant: SigningKey<Merchant>,
    /// Texts whose codes were read.
    seen: BTreeSet<PathBuf>,
    stan: u32,
}

/// A wallet that is enrolled.
pub struct Wallet {
    pub key: SigningKey<Subscriber>,
    pub certificate: String,
}

impl Wallet {
    pub fn serial(&self) -> [u8; 16] {
        SubscriberCertificate::peek_serial(&self.certificate).unwrap()
    }
}

/// What a payer says: everything right unless a test changes it.
pub struct Says<'a> {
    pub number: &'a str,
    pub name: &'a str,
    pub pin: &'a str,
}

impl Default for Says<'_> {
    fn default() -> Self {
        Self { number: NUMBER, name: NAME, pin: PIN }
    }
}

impl Says<'_> {
    pub fn claim(&self) -> SubscriberClaim {
        SubscriberClaim {
            number: self.number.to_owned(),
            name: self.name.to_owned(),
            pin: SecretBytes::copy_of(self.pin.as_bytes()),
        }
    }
}

impl Bench {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = DataFolder::new(folder.path()).operator_home(&OPERATOR.parse().unwrap());
        write_new(&home.file("root.key"), URL_SAFE_NO_PAD.encode(random::<32>()).as_bytes()).unwrap();
        let operator = format!("{OPERATOR}:North Telecom").parse().unwrap();
        assert!(keys::init(&home, &operator, NOW_MS).unwrap() && !keys::init(&home, &operator, NOW_MS).unwrap());
        let merchant = SigningKey::<Merchant>::generate();
        let book = serde_json::json!({ MERCHANT: {
            "signing_key": merchant.public().to_base64url(), "kid": merchant.kid(), "merchant_id": MERCHANT,
            "display_name": "Blue Door Café", "mcc": "5814", "country": "US", "currency": "USD",
        }});
        std::fs::write(home.file("merchants.json"), book.to_string()).unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let front = Self::open(&home, &clock).await;
        let bench = Self { _folder: folder, home, front, clock, merchant, seen: BTreeSet::new(), stan: 0 };
        bench.subscriber(NUMBER, LineKind::Mobile).await;
        bench
    }

    pub async fn open(home: &BankHome, clock: &Arc<AtomicI64>) -> Arc<CarrierFront> {
        let clock = Arc::clone(clock);
        let texting = Texting::files(&home.file("texts"));
        CarrierFront::open(home, texting, Arc::new(move || clock.load(Ordering::Relaxed))).await.unwrap()
    }

    /// The same operator after a restart.
    pub async fn restart(&mut self) {
        self.front = Self::open(&self.home, &self.clock).await;
    }

    /// Opens a subscriber of the usual name, PIN and limit.
    pub async fn subscriber(&self, number: &str, line: LineKind) {
        let (number, front): (PhoneNumber, _) = (number.parse().unwrap(), Arc::clone(&self.front));
        self.front
            .db
            .write(move |db_tx| {
                Box::pin(async move {
                    let new = NewSubscriber {
                        number: &number,
                        line,
                        name: NAME,
                        credit_limit: usd(LIMIT),
                        pin: PIN.as_bytes(),
                    };
                    new.open(db_tx, &front.keys, NOW_MS).await
                })
            })
            .await
            .unwrap();
    }

    /// Something that happens to a subscriber at the counter.
    pub async fn note(&self, event: subscriber::SubscriberEvent) {
        self.front
            .db
            .write(move |db_tx| {
                Box::pin(async move {
                    let mut found = subscriber::require(db_tx, &NUMBER.parse().unwrap()).await?;
                    found.note(db_tx, event).await
                })
            })
            .await
            .unwrap();
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub fn root(&self) -> SigningKey<BankRoot> {
        crate::keys::signing_key(&self.home.file("root.key")).unwrap()
    }

    pub fn trust(&self) -> BankTrust {
        BankTrust { bank_id: OPERATOR.to_owned(), key: self.root().public().clone() }
    }

    fn certificate(&self) -> BankCertificate {
        let jws = self.front.keys.certificate(self.now_ms()).unwrap();
        BankCertificate::verify(&jws, &[self.trust()], self.now_ms(), 0).unwrap()
    }

    pub fn seal(&self, hash: &[u8; 32], carrier: Carrier) -> Capsule {
        let certificate = self.certificate();
        means::seal(certificate.sealing_key_at(self.now_ms()).unwrap(), hash, &Means::Carrier(carrier)).unwrap()
    }

    /// One step of enrolling; DE 39 and the certificate that came.
    pub async fn enrolment(&mut self, step: impl FnOnce(&[u8; 32]) -> Carrier) -> (String, Option<String>) {
        let (id, nonce) = (random::<16>(), random::<32>());
        let hash = enrolment_hash(OPERATOR, &id, &nonce);
        let capsule = self.seal(&hash, step(&hash));
        let composite = Composite { attempt_id: Some(id), wallet_nonce: Some(nonce), ..Composite::default() };
        self.stan += 1;
        let message = Message::new(Mti::AUTHORIZATION_REQUEST)
            .with_text(3, "900000")
            .with_text(7, "1118110640")
            .with_text(11, format!("{:06}", self.stan))
            .with_text(32, "000001")
            .with_text(37, format!("632211{:06}", self.stan))
            .with_text(41, "TAPSEAL1")
            .with_binary(126, capsule.to_bytes())
            .with_binary(127, composite.to_bytes().unwrap());
        let answer = message::answer(&self.front, &message).await.unwrap();
        let certificate = Composite::of(&answer).ok().and_then(|composite| composite.subscriber_certificate);
        (answer.text(39).unwrap().to_owned(), certificate)
    }

    /// Asks for a code; DE 39.
    pub async fn ask(&mut self, says: &Says<'_>) -> String {
        let claim = says.claim();
        self.enrolment(|_| Carrier::Ask(claim)).await.0
    }

    /// Enrols with a code; the wallet, or DE 39.
    pub async fn enrol_with(&mut self, says: &Says<'_>, code: &str) -> Result<Wallet, String> {
        let key = SigningKey::<Subscriber>::generate();
        let (claim, code) = (says.claim(), SecretBytes::copy_of(code.as_bytes()));
        let (response, certificate) = self
            .enrolment(|hash| {
                let signature = SubscriberSignature::of_enrolment(&key, hash);
                Carrier::Enrol(CarrierEnrolment { who: claim, code, key: key.public().to_bytes(), signature })
            })
            .await;
        certificate.map(|certificate| Wallet { key, certificate }).ok_or(response)
    }

    /// A wallet of the subscriber, enrolled by the code that came to the mobile.
    pub async fn enrol(&mut self, number: &str) -> Wallet {
        let says = Says { number, ..Says::default() };
        assert_eq!(self.ask(&says).await, "00");
        let code = self.new_code(number).await;
        self.enrol_with(&says, &code).await.unwrap()
    }

    /// Every text to a number by its file, once what is due has been sent.
    async fn texts(&self, number: &str) -> BTreeMap<PathBuf, String> {
        texting::send_due(&self.front).await.unwrap();
        self.front.texting.handed_over().await;
        let Ok(entries) = std::fs::read_dir(self.home.file("texts")) else { return BTreeMap::new() };
        let read = |path: PathBuf| {
            let text: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (text["to"] == number).then(|| (path, text["text"].as_str().unwrap().to_owned()))
        };
        entries.filter_map(|entry| read(entry.unwrap().path())).collect()
    }

    /// The texts to a number that say something.
    pub async fn told_to(&self, number: &str, what: &str) -> Vec<String> {
        self.texts(number).await.into_values().filter(|text| text.contains(what)).collect()
    }

    /// The one code that came to a number since the last one.
    pub async fn new_code(&mut self, number: &str) -> String {
        let codes = self.texts(number).await.into_iter().filter(|(_, text)| text.contains("lets a wallet"));
        let new: Vec<_> = codes.filter(|(file, _)| !self.seen.contains(file)).collect();
        let [(file, text)] = new.as_slice() else { panic!("{new:?}") };
        self.seen.insert(file.clone());
        let digits = text.split(|letter: char| !letter.is_ascii_digit()).find(|digits| digits.len() == 6);
        digits.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
    }

    pub fn order(&mut self, minor: i64) -> Order {
        self.stan += 1;
        let now_ms = u64::try_from(self.now_ms()).unwrap();
        Order::new(OrderDraft {
            request_id: RequestId::from_parts(now_ms, &random()),
            merchant_id: MERCHANT.parse().unwrap(),
            order_number: format!("A-{}", self.stan),
            amount: usd(minor),
            created_ms: now_ms,
            expires_ms: now_ms + 300_000,
            payee_name: "Blue Door Café".to_owned(),
            items: Vec::new(),
            methods: None,
        })
        .unwrap()
    }

    /// An attempt at an order, everything about it right.
    pub fn attempt(&mut self, order: &Order, wallet: &Wallet) -> Sent {
        self.attempt_with(order, &Says::default(), wallet, |_| {})
    }

    /// The same, after `change` has been at what is signed.
    pub fn attempt_with(
        &mut self,
        order: &Order,
        says: &Says<'_>,
        wallet: &Wallet,
        change: impl FnOnce(&mut BillPayment<'_>),
    ) -> Sent {
        self.stan += 1;
        let attempt_id = AttemptId::from_parts(u64::try_from(self.now_ms()).unwrap(), &random());
        let nonce = WalletNonce::from_bytes(random());
        let hash = AttemptHash::derive(&order.hash(), attempt_id, &nonce);
        let mut paid = BillPayment {
            operator_id: OPERATOR,
            attempt_hash: hash.as_bytes(),
            amount_minor: u64::try_from(order.amount.minor()).unwrap(),
            currency: order.amount.currency().code(),
            merchant_id: order.merchant_id.as_str(),
        };
        change(&mut paid);
        let signature = SubscriberSignature::of_payment(&wallet.key, &paid);
        let payment = CarrierPayment { who: says.claim(), serial: wallet.serial(), signature };
        let capsule = self.seal(hash.as_bytes(), Carrier::Pay(payment));
        let order_jws = jws::sign(&self.merchant, jws::TYP_ORDER, &order.canonical());
        Sent { order: order.clone(), order_jws, attempt_id, nonce, capsule, stan: self.stan }
    }

    pub async fn send(&self, message: &Message) -> Message {
        message::answer(&self.front, message).await.expect("an answer")
    }

    /// Sends a debit: the confirmation number, or the refusal.
    pub async fn pay(&self, sent: &Sent) -> Result<ConfirmationNumber, DeclineCode> {
        self.told(&self.send(&sent.message()).await, sent)
    }

    /// What an answer to a debit says, its signature checked under the operator's certificate.
    pub fn told(&self, answer: &Message, sent: &Sent) -> Result<ConfirmationNumber, DeclineCode> {
        let outcome = self.outcome(answer);
        assert_eq!((outcome.attempt_id, outcome.amount), (sent.attempt_id, sent.order.amount));
        match outcome.decision {
            BankResult::Approved { approval_code } => {
                assert_eq!((answer.text(39).unwrap(), answer.text(38).unwrap()), ("00", approval_code.as_str()));
                assert_eq!(outcome.card_label, "phone bill ••0143");
                Ok(approval_code.parse().unwrap())
            }
            BankResult::Declined { code, .. } => {
                assert_eq!(answer.text(39).unwrap(), code.response_code());
                Err(code)
            }
            BankResult::Reversed => panic!("{outcome:?}"),
        }
    }

    pub fn outcome(&self, answer: &Message) -> Outcome {
        let jws = Composite::of(answer).unwrap().outcome.unwrap();
        let certificate = self.certificate();
        let key = certificate.outcome_key(&jws::peek_kid(&jws).unwrap(), self.now_ms()).unwrap();
        Outcome::from_canonical(&jws::verify(key, jws::TYP_OUTCOME, &jws).unwrap()).unwrap()
    }

    /// A refund of an attempt that the merchant signed.
    pub fn refund(&mut self, of: &Sent, minor: i64) -> Message {
        self.stan += 1;
        let now_ms = u64::try_from(self.now_ms()).unwrap();
        let order = RefundOrder::new(RefundDraft {
            refund_id: RefundId::from_parts(now_ms, &random()),
            request_id: of.order.request_id,
            merchant_id: MERCHANT.parse().unwrap(),
            amount: usd(minor),
            created_ms: now_ms,
            reason: None,
        })
        .unwrap();
        let composite = Composite {
            attempt_id: Some(*of.attempt_id.as_bytes()),
            refund: Some(jws::sign(&self.merchant, jws::TYP_REFUND, &order.canonical())),
            ..Composite::default()
        };
        begun(Mti::FINANCIAL_REQUEST, self.stan, usd(minor))
            .with_text(3, "200000")
            .with_text(90, of.original())
            .with_binary(127, composite.to_bytes().unwrap())
    }

    /// What an account holds; every rule of the books is asserted on the way.
    pub async fn posted(&self, account: &str) -> i64 {
        let mut connection = self.front.db.reader().acquire().await.unwrap();
        let (accounts, faults) = ledger::audit(&mut connection).await.unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        let of = accounts.iter().filter(|view| view.account.starts_with(account));
        of.map(|view| view.posted_minor).sum()
    }

    /// What the subscribers owe.
    pub async fn owed(&self) -> i64 {
        self.posted("subscriber:").await
    }
}

fn begun(mti: Mti, stan: u32, amount: Amount) -> Message {
    Message::new(mti)
        .with_number(4, u64::try_from(amount.minor()).unwrap())
        .unwrap()
        .with_text(3, "000000")
        .with_text(7, "1118110640")
        .with_text(11, format!("{stan:06}"))
        .with_text(32, "000001")
        .with_text(37, format!("632211{stan:06}"))
        .with_text(41, "TAPSEAL1")
        .with_text(42, format!("{MERCHANT:<15}"))
        .with_number(49, u64::from(amount.currency().numeric()))
        .unwrap()
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
    /// The 0200.
    pub fn message(&self) -> Message {
        let composite = Composite {
            order: Some(self.order_jws.clone()),
            attempt_id: Some(*self.attempt_id.as_bytes()),
            wallet_nonce: Some(*self.nonce.as_bytes()),
            ..Composite::default()
        };
        begun(Mti::FINANCIAL_REQUEST, self.stan, self.order.amount)
            .with_binary(126, self.capsule.to_bytes())
            .with_binary(127, composite.to_bytes().unwrap())
    }

    fn original(&self) -> String {
        let mti = Mti::FINANCIAL_REQUEST;
        let transmitted = "1118110640".to_owned();
        OriginalData { mti, stan: self.stan, transmitted, acquirer: 1, forwarder: 0 }.to_text().unwrap()
    }

    /// A message about this attempt: 0420 or 0600.
    pub fn about(&self, mti: Mti) -> Message {
        let composite = Composite {
            attempt_id: Some(*self.attempt_id.as_bytes()),
            request_id: Some(*self.order.request_id.as_bytes()),
            ..Composite::default()
        };
        begun(mti, self.stan, self.order.amount)
            .with_text(11, format!("{:06}", 900_000 + self.stan))
            .with_text(90, self.original())
            .with_binary(127, composite.to_bytes().unwrap())
    }
}
