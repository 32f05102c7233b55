//! A payment made by hand: a device, a card read in process, and both seals, each part open to change.
//!
//! It plays the wallet that cheats, or lends a server that cheats a capsule that was honestly sealed.

use std::time::Duration;

use emv::session::{CardRead, CardSession, ReadPurpose, Step};
use emv::terminal::{Interface, TerminalData};
use envelope::inner::{CardData, EntryMode, PinKind};
use envelope::keyset::{BankCertificate, FrontKind, Keyset, TrustRoots, VaultProfile};
use envelope::means::Means;
use envelope::outer::{self, DeviceSignature, Route, Routing};
use envelope::{
    BankSealingKey, Capsule, Device, DeviceSealingKeySecret, LinkKey, Merchant, Pan, PaymentServerSealingKey, Pin,
    SecretBytes, SigningKey, VaultSealingKey,
};
use payment::order::OrderDraft;
use payment::refund::RefundDraft;
use payment::{Amount, AttemptHash, AttemptId, DeviceId, Order, RefundId, RefundOrder, RequestId, WalletNonce};
use protocol::SealedText;
use protocol::wallet_api::{
    HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIME, KeysetView, RegisterDevice, RequestLetter, SealedRequest,
    SubmitAttempt,
};
use serde::Serialize;
use serde_json::{Value, json};
use virtual_card::VirtualCard;

use crate::system::{Ask, System};

/// How long a call may take before it counts as unanswered.
const CALL_WAIT: Duration = Duration::from_secs(30);
/// The most exchanges a virtual card needs.
const EXCHANGES_MAX: usize = 100;

/// Now, in ms since the Unix epoch.
pub fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.expect("the clock is after 1970").as_millis()).expect("this century fits")
}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A registered device without a wallet around it.
pub struct Hand {
    client: reqwest::Client,
    url: String,
    device_id: DeviceId,
    key: SigningKey<Device>,
    /// The trust roots, as JSON.
    roots: String,
}

/// A request whose letter was opened.
#[derive(Clone)]
pub struct Letter {
    /// The order as the merchant signed it.
    pub jws: String,
    /// The order.
    pub order: Order,
}

/// What the keyset says to seal to.
pub struct SealTo {
    /// The payment server's key, for the outer seal.
    pub server: PaymentServerSealingKey,
    /// The bank's key, for the inner seal.
    pub bank: BankSealingKey,
    /// A telephone operator's, where one is connected.
    pub operator: Option<BankSealingKey>,
    /// A vault, where the operator of the payment server lists one.
    pub vault: Option<(VaultSealingKey, VaultProfile)>,
    /// The fronts' certificates, as a vault is shown them.
    pub certificates: Vec<String>,
}

/// One attempt, sealed inside and ready for the outer seal.
#[derive(Clone)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Its nonce.
    pub nonce: WalletNonce,
    /// What the payment server will read.
    pub routing: Routing,
    /// The account at the bank that it is paid from, where a test books what was spent.
    pub account: String,
}

/// What is drawn for an attempt before anything is sealed.
pub struct Drawn {
    /// The attempt's id.
    pub id: AttemptId,
    /// The wallet's random part.
    pub nonce: WalletNonce,
    /// What is sealed for.
    pub hash: AttemptHash,
}

impl Drawn {
    /// Draws for an attempt at this order.
    pub fn for_order(order: &Order) -> Self {
        let id = AttemptId::from_parts(now_ms(), &random());
        let nonce = WalletNonce::from_bytes(random());
        Self { id, nonce, hash: AttemptHash::derive(&order.hash(), id, &nonce) }
    }

    /// The attempt that carries this capsule.
    pub fn routed(self, order: &Order, route: Route, inner: Capsule) -> Attempt {
        let routing = Routing {
            request_id: *order.request_id.as_bytes(),
            attempt_id: *self.id.as_bytes(),
            order_number: order.order_number.clone(),
            merchant_id: order.merchant_id.to_string(),
            amount_minor: u64::try_from(order.amount.minor()).expect("orders ask for positive amounts"),
            currency: order.amount.currency().code().into(),
            wallet_nonce: *self.nonce.as_bytes(),
            route,
            inner,
        };
        Attempt { id: self.id, nonce: self.nonce, routing, account: String::new() }
    }
}

/// An answer of the payment server.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// The answer to a call; none when nobody is there or the answer is lost on its way.
    async fn of(call: reqwest::RequestBuilder) -> Option<Self> {
        let answer = call.timeout(CALL_WAIT).send().await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.ok()?;
        Some(Self { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }

    /// The error code in the body.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Hand {
    /// Registers a new device.
    pub async fn register(system: &System) -> Self {
        let trust: Value =
            serde_json::from_slice(&std::fs::read(system.trust()).expect("trust.json")).expect("trust.json is JSON");
        let hand = Self {
            client: crate::tap::https_client(system.folder()),
            url: system.server_url(),
            device_id: DeviceId::from_parts(now_ms(), &random()),
            key: SigningKey::generate(),
            roots: json!({ "operator": trust["operator"], "banks": trust["banks"] }).to_string(),
        };
        let body = RegisterDevice {
            device_id: hand.device_id,
            signing_key: hand.key.public().to_base64url(),
            sealing_key: DeviceSealingKeySecret::generate().public().to_base64url(),
            language: "en".into(),
        };
        let answer = hand.post("/v1/devices", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        hand
    }

    /// A device-signed POST.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send("POST", path, serde_json::to_vec(body).expect("a body is JSON")).await
    }

    /// A device-signed GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Vec::new()).await
    }

    async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Answer {
        self.try_send(method, path, body).await.expect("the payment server answers")
    }

    /// A device-signed call that may find nobody there, or lose its answer.
    pub async fn try_send(&self, method: &str, path: &str, body: Vec<u8>) -> Option<Answer> {
        let time = now_ms();
        let signed_time = i64::try_from(time).expect("this century fits");
        let signature = envelope::http_signature::sign_http(&self.key, method, path, signed_time, &body);
        let method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url)).body(body);
        let request = request.header("content-type", "application/json");
        let request = request.header(HEADER_DEVICE, self.device_id.to_string());
        let request = request.header(HEADER_TIME, time.to_string()).header(HEADER_SIGNATURE, signature);
        Answer::of(request).await
    }

    /// Opens the letter of a created request through its link.
    pub async fn open(&self, created: &Value) -> Letter {
        let link = created["link"].as_str().expect("a new request has a link");
        let (address, fragment) = link.split_once('#').expect("a link has a fragment");
        let token = address.rsplit('/').next().expect("a link has a path");
        let answer = self.client.get(format!("{}/v1/links/{token}", self.url)).send().await;
        let sealed: SealedRequest = answer.expect("the server answers").json().await.expect("a sealed request");
        let key = LinkKey::from_fragment(fragment).expect("the fragment is a key");
        let letter = envelope::request::open_from_link(&key, sealed.request_id.as_bytes(), &capsule(&sealed.sealed));
        let letter: RequestLetter =
            serde_json::from_slice(&letter.unwrap_or_else(|_| panic!("the link's key opens the letter")))
                .expect("a letter");
        let payload = envelope::jws::peek_payload_unverified(&letter.order).expect("a JWS");
        Letter { jws: letter.order, order: Order::from_canonical(&payload).expect("a canonical order") }
    }

    /// The keys to seal to now.
    pub async fn seal_to(&self, _system: &System) -> SealTo {
        let view = serde_json::from_value(self.get("/v1/keyset").await.body).expect("a keyset");
        self.seal_to_keys(&view).expect("a bank with a key")
    }

    /// The keys of a keyset; none while the payment server has not heard from the bank.
    pub fn seal_to_keys(&self, view: &KeysetView) -> Option<SealTo> {
        let roots = TrustRoots::from_json(&self.roots).expect("trust roots");
        let now = i64::try_from(now_ms()).expect("this century fits");
        let keyset = Keyset::verify(&view.keyset, &roots.operator, now, 0).expect("a valid keyset");
        let verified = |jws: &String| BankCertificate::verify(jws, &roots.banks, now, 0).expect("a valid certificate");
        let fronts: Vec<BankCertificate> = view.bank_certificates.iter().map(verified).collect();
        let key_of = |kind: FrontKind| {
            let front = fronts.iter().find(|front| front.kind == kind)?;
            Some(front.sealing_key_at(now).expect("a key for the inner seal").clone())
        };
        Some(SealTo {
            server: keyset.payment_server_sealing_key(now).expect("a key for the outer seal").clone(),
            bank: key_of(FrontKind::Bank)?,
            operator: key_of(FrontKind::Operator),
            vault: keyset.vault(None, now).map(|(key, profile)| (key.clone(), profile.clone())),
            certificates: view.bank_certificates.clone(),
        })
    }

    /// Reads the card for a new attempt and makes the inner seal.
    pub fn attempt(&self, letter: &Letter, to: &SealTo, card: &mut VirtualCard, pin: &str) -> Attempt {
        self.attempt_sealed(letter, card, |hash, read| seal_inner(&to.bank, hash, read, pin))
    }

    /// Reads the card for a new attempt, whose inner seal `seal` makes.
    pub fn attempt_sealed(
        &self,
        letter: &Letter,
        card: &mut VirtualCard,
        seal: impl FnOnce(&AttemptHash, &CardRead) -> Capsule,
    ) -> Attempt {
        let drawn = Drawn::for_order(&letter.order);
        let read = read_card(card, &letter.order.amount, drawn.hash.as_bytes());
        let route = Route::Card { issuer_iin: read.pan.expose_digits()[..6].into() };
        let inner = seal(&drawn.hash, &read);
        drawn.routed(&letter.order, route, inner)
    }

    /// Seals what is no card for a new attempt, to the front that decides.
    pub fn attempt_with(&self, letter: &Letter, to: &SealTo, front: &str, means: &Means) -> Attempt {
        let drawn = Drawn::for_order(&letter.order);
        let inner = envelope::means::seal(&to.bank, drawn.hash.as_bytes(), means).expect("the inner seal");
        drawn.routed(&letter.order, Route::Means { kind: means.kind(), front: front.into() }, inner)
    }

    /// The body that submits an attempt, sealed outside as it stands.
    pub fn submission(&self, attempt: &Attempt, to: &SealTo) -> SubmitAttempt {
        let (request_id, attempt_id) = (&attempt.routing.request_id, attempt.id.as_bytes());
        let capsule = outer::seal(&to.server, request_id, attempt_id, &attempt.routing).expect("the outer seal");
        SubmitAttempt {
            attempt_id: attempt.id,
            device_signature: DeviceSignature::sign(&self.key, request_id, attempt_id, &capsule).to_base64url(),
            outer: sealed_text(&capsule),
        }
    }

    /// Submits for `request_id`.
    pub async fn submit(&self, request_id: RequestId, body: &SubmitAttempt) -> Answer {
        self.post(&format!("/v1/requests/{request_id}/attempts"), body).await
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A capsule as it stands in a body.
pub fn sealed_text(capsule: &Capsule) -> SealedText {
    SealedText { kid: capsule.kid.clone(), enc: base64url(&capsule.enc), ciphertext: base64url(&capsule.ciphertext) }
}

/// The capsule that stands in a body.
pub fn capsule(text: &SealedText) -> Capsule {
    let json = serde_json::to_value(text).expect("a capsule is JSON");
    serde_json::from_value(json).expect("a capsule")
}

/// Reads a virtual card in process, contactless, for what this hash names: an attempt, or a place in a vault.
pub fn read_card(card: &mut VirtualCard, amount: &Amount, hash: &[u8; 32]) -> CardRead {
    let minor = u64::try_from(amount.minor()).expect("nobody asks for less than nothing");
    let number = emv::terminal::derive_unpredictable_number(hash);
    let currency = amount.currency().numeric();
    let terminal = TerminalData::purchase(minor, currency, 840, number, Interface::Contactless).at(today(), [12, 0, 0]);
    let (mut session, mut command) = CardSession::start(terminal, ReadPurpose::Pay);
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

/// Today in UTC as year, month and day (Howard Hinnant, "`civil_from_days`").
fn today() -> [u8; 3] {
    let days = i64::try_from(now_ms() / 86_400_000).expect("this century fits") + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year % 100, month, day].map(|part| u8::try_from(part).expect("two digits"))
}

/// The inner seal over a card read.
pub fn seal_inner(to: &BankSealingKey, hash: &AttemptHash, read: &CardRead, pin: &str) -> Capsule {
    let pin = Pin::from_ascii(pin.as_bytes()).expect("a PIN");
    envelope::inner::seal(to, hash.as_bytes(), &card_data(read), &pin, PinKind::CardPin).expect("the inner seal")
}

/// What is sealed of a card that was tapped.
pub fn card_data(read: &CardRead) -> CardData {
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

/// A merchant's till without the command-line tool: signs orders and asks over HTTP.
pub struct Till {
    client: reqwest::Client,
    url: String,
    key: SigningKey<Merchant>,
    api_key: String,
    profile: Value,
}

impl Till {
    /// The till of a merchant whose keys lie in the system's folder.
    pub fn open(system: &System, merchant: &str) -> Self {
        let folder = system.folder().join("merchants").join(merchant);
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the merchant's files are there");
        Self {
            client: crate::tap::https_client(system.folder()),
            url: system.server_url(),
            key: merchant_key(system, merchant),
            api_key: read("api-key").trim().to_owned(),
            profile: serde_json::from_str(&read("profile.json")).expect("the profile is JSON"),
        }
    }

    /// The same till, speaking to another server.
    #[must_use]
    pub fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// Signs an order and creates its request.
    pub async fn ask(&self, ask: &Ask) -> Letter {
        let letter = self.sign(ask);
        let answer = self.create(&letter).await.expect("the payment server answers");
        assert_eq!(answer.status, 201, "{answer:?}");
        letter
    }

    /// Signs an order.
    pub fn sign(&self, ask: &Ask) -> Letter {
        let text = |member: &str| self.profile[member].as_str().expect("the profile is complete").to_owned();
        let minor: i64 = ask.amount.replace('.', "").parse().expect("a decimal amount");
        let order = Order::new(OrderDraft {
            request_id: RequestId::from_parts(now_ms(), &random()),
            merchant_id: text("merchant_id").parse().expect("a merchant id"),
            order_number: ask.order.clone(),
            amount: Amount::new(minor, ask.currency.parse().expect("a currency")),
            created_ms: now_ms(),
            expires_ms: now_ms() + u64::from(ask.expires_s) * 1_000,
            payee_name: text("display_name"),
            items: Vec::new(),
            methods: None,
        });
        let order = order.expect("an order within bounds");
        Letter { jws: envelope::jws::sign(&self.key, envelope::jws::TYP_ORDER, &order.canonical()), order }
    }

    /// Creates the request of a signed order; the same again is the same request.
    pub async fn create(&self, letter: &Letter) -> Option<Answer> {
        self.create_as(letter, &json!({ "order": letter.jws })).await
    }

    /// Asks the one who claimed this address for the money of a signed order.
    pub async fn ask_address(&self, letter: &Letter, email: &str) -> Option<Answer> {
        self.create_as(letter, &json!({ "order": letter.jws, "payer": { "kind": "email", "value": email } })).await
    }

    async fn create_as(&self, letter: &Letter, body: &Value) -> Option<Answer> {
        let request = self.client.post(format!("{}/v1/payment-requests", self.url));
        let request = request.header("idempotency-key", letter.order.request_id.to_string());
        Answer::of(request.bearer_auth(&self.api_key).json(body)).await
    }

    /// Signs a refund of so much of a request, in US dollars.
    pub fn sign_refund(&self, request: &str, minor: i64) -> SignedRefund {
        let merchant = self.profile["merchant_id"].as_str().expect("the profile is complete");
        let order = RefundOrder::new(RefundDraft {
            refund_id: RefundId::from_parts(now_ms(), &random()),
            request_id: request.parse().expect("a request id"),
            merchant_id: merchant.parse().expect("a merchant id"),
            amount: Amount::new(minor, "USD".parse().expect("a currency")),
            created_ms: now_ms(),
            reason: None,
        });
        let order = order.expect("a refund within bounds");
        SignedRefund { jws: envelope::jws::sign(&self.key, envelope::jws::TYP_REFUND, &order.canonical()), order }
    }

    /// Asks for a signed refund; the same again is the same refund.
    pub async fn refund(&self, signed: &SignedRefund) -> Option<Answer> {
        let path = format!("/v1/payment-requests/{}/refunds", signed.order.request_id);
        self.send("POST", &path, &json!({ "refund": signed.jws })).await
    }

    /// Asks whoever this identifier leads to for the money of a signed order.
    pub async fn create_for(&self, letter: &Letter, payer: &Value) -> Option<Answer> {
        self.create_as(letter, &json!({ "order": letter.jws, "payer": payer })).await
    }

    /// Any call of this merchant.
    pub async fn call(&self, method: &str, path: &str) -> Option<Answer> {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url)).header("idempotency-key", path);
        Answer::of(request.bearer_auth(&self.api_key)).await
    }

    /// Any call of this merchant with a body, under a key of its own.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Option<Answer> {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url));
        let key = RequestId::from_parts(now_ms(), &random()).to_string();
        Answer::of(request.header("idempotency-key", key).bearer_auth(&self.api_key).json(body)).await
    }
}

/// A refund order and its merchant's signature.
#[derive(Clone)]
pub struct SignedRefund {
    /// What is signed.
    pub order: RefundOrder,
    /// The compact JWS.
    pub jws: String,
}

/// The signing key of a merchant whose files lie in the system's folder.
pub fn merchant_key(system: &System, merchant: &str) -> SigningKey<Merchant> {
    use base64::Engine;
    let path = system.folder().join("merchants").join(merchant).join("signing.key");
    let text = std::fs::read_to_string(path).expect("the merchant's key");
    let seed = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text.trim()).expect("base64url");
    SigningKey::from_bytes(&seed.try_into().expect("32 bytes"))
}
