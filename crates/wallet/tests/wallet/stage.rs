//! A stage with every key in the test's hand: an operator, a bank, a merchant, and a server that says what it is told.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use envelope::keyset::{BankCertificate, BankTrust, Dated, FrontKind, IinRange, Keyset, KeysetKey, MerchantProfile};
use envelope::{
    BankOutcome, BankRoot, BankSealingKeySecret, DeviceSealingKey, LinkKey, Merchant, OperatorRoot,
    PaymentServerSealingKeySecret, SigningKey, jws, outer, request,
};
use futures::StreamExt;
use payment::order::OrderDraft;
use payment::outcome::OUTCOME_VERSION;
use payment::{
    Amount, AttemptHash, AttemptId, AttemptState, BankResult, DeclineCode, MerchantId, Order, Outcome, Receipt,
    RequestId, RequestState, WalletNonce,
};
use protocol::wallet_api::{
    AttemptView, CodePayerView, CodeTerminalKind, CodeTerminalView, InboxEvent, InboxPage, KeysetView, RegisterDevice,
    RequestStatusView, SealedRequest, SubmitAttempt,
};
use protocol::{ErrorCode, Problem};
use wallet::{KeyStoreKind, Upkeep, Wallet, WalletConfig};

pub const HOUR_MS: i64 = 60 * 60 * 1_000;
pub const MERCHANT: &str = "blue-door";
pub const PAYEE: &str = "Blue Door Café";
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// The keys of every party.
pub struct Parties {
    pub operator: SigningKey<OperatorRoot>,
    pub bank_root: SigningKey<BankRoot>,
    pub outcome: SigningKey<BankOutcome>,
    pub merchant: SigningKey<Merchant>,
    server_sealing: PaymentServerSealingKeySecret,
    bank_sealing: BankSealingKeySecret,
}

impl Parties {
    pub fn new() -> Self {
        Self {
            operator: SigningKey::generate(),
            bank_root: SigningKey::generate(),
            outcome: SigningKey::generate(),
            merchant: SigningKey::generate(),
            server_sealing: PaymentServerSealingKeySecret::generate(),
            bank_sealing: BankSealingKeySecret::generate(),
        }
    }

    pub fn keyset(&self, version: u64) -> Keyset {
        let profile = MerchantProfile {
            merchant_id: MERCHANT.into(),
            display_name: PAYEE.into(),
            mcc: "5814".into(),
            country: "US".into(),
            methods: None,
        };
        let keys = vec![
            dated(KeysetKey::PaymentServer(self.server_sealing.public().clone())),
            dated(KeysetKey::Merchant { key: self.merchant.public().clone(), profile }),
        ];
        Keyset { version, issued_ms: now_ms(), expires_ms: now_ms() + HOUR_MS, keys }
    }

    pub fn certificate(&self, version: u64) -> BankCertificate {
        BankCertificate {
            bank_id: "first".into(),
            bank_name: "First Bank".into(),
            kind: FrontKind::Bank,
            version,
            issued_ms: now_ms(),
            expires_ms: now_ms() + HOUR_MS,
            iin_ranges: vec![IinRange { from: "400000".into(), to: "559999".into() }],
            sealing_keys: vec![dated(self.bank_sealing.public().clone())],
            outcome_keys: vec![dated(self.outcome.public().clone())],
        }
    }

    pub fn keys(&self, version: u64) -> KeysetView {
        KeysetView {
            keyset: self.keyset(version).sign(&self.operator),
            bank_certificates: vec![self.certificate(version).sign(&self.bank_root)],
        }
    }

    pub fn trust_json(&self, server_url: &str, tls_ca_pem: &str) -> String {
        let banks = vec![BankTrust { bank_id: "first".into(), key: self.bank_root.public().clone() }];
        serde_json::json!({
            "server_url": server_url,
            "tls_ca_pem": tls_ca_pem,
            "operator": [self.operator.public()],
            "banks": banks,
        })
        .to_string()
    }

    pub fn sign_outcome(&self, outcome: &Outcome) -> String {
        jws::sign(&self.outcome, jws::TYP_OUTCOME, &outcome.canonical())
    }

    /// The server's word that the bank refused what was submitted for an order; signed by the bank.
    pub fn declined(&self, order: &Order, submitted: &SubmitAttempt, code: DeclineCode) -> AttemptView {
        let capsule = serde_json::from_value(serde_json::to_value(&submitted.outer).unwrap()).unwrap();
        let (request_id, attempt_id) = (order.request_id.as_bytes(), submitted.attempt_id.as_bytes());
        let routing = outer::open(&self.server_sealing, request_id, attempt_id, &capsule).unwrap();
        let nonce = WalletNonce::from_bytes(routing.wallet_nonce);
        let decision = BankResult::Declined { code, pin_tries_left: None };
        let outcome = self.sign_outcome(&outcome_of(order, submitted.attempt_id, &nonce, decision));
        attempt_view(order, submitted.attempt_id, AttemptState::Declined { code }, Some(outcome))
    }

    pub fn sign_order(&self, order: &Order) -> String {
        jws::sign(&self.merchant, jws::TYP_ORDER, &order.canonical())
    }

    pub fn receipt(&self, order: &Order, attempt_id: AttemptId, nonce: WalletNonce, outcome: &Outcome) -> Receipt {
        assert_eq!(outcome.attempt_id, attempt_id);
        let keys = self.keys(1);
        Receipt {
            version: 1,
            order: self.sign_order(order),
            wallet_nonce: nonce,
            outcome: self.sign_outcome(outcome),
            keyset: keys.keyset,
            bank_certificate: keys.bank_certificates[0].clone(),
        }
    }
}

pub fn dated<K>(key: K) -> Dated<K> {
    Dated { key, not_before_ms: now_ms() - HOUR_MS, not_after_ms: now_ms() + HOUR_MS }
}

pub fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// What the bank would say of this attempt.
pub fn outcome_of(order: &Order, attempt_id: AttemptId, nonce: &WalletNonce, decision: BankResult) -> Outcome {
    let order_hash = order.hash();
    Outcome {
        version: OUTCOME_VERSION,
        bank_id: "first".into(),
        request_id: order.request_id,
        attempt_id,
        order_hash,
        attempt_hash: AttemptHash::derive(&order_hash, attempt_id, nonce),
        merchant_id: order.merchant_id.clone(),
        amount: order.amount,
        decision,
        rrn: "632606000001".into(),
        card_label: "visa ••0050".into(),
        decided_ms: u64::try_from(now_ms()).unwrap(),
    }
}

pub fn approved() -> BankResult {
    BankResult::Approved { approval_code: "ABC123".into() }
}

/// An order like any other; `change` makes it another one.
pub fn order(change: impl FnOnce(&mut OrderDraft)) -> Order {
    let created_ms = u64::try_from(now_ms()).unwrap();
    let mut random = [0; 10];
    getrandom::fill(&mut random).unwrap();
    let mut draft = OrderDraft {
        request_id: RequestId::from_parts(created_ms, &random),
        merchant_id: MERCHANT.parse::<MerchantId>().unwrap(),
        order_number: "A-1042".into(),
        amount: Amount::new(1280, "USD".parse().unwrap()),
        created_ms,
        expires_ms: created_ms + 300_000,
        payee_name: PAYEE.into(),
        items: Vec::new(),
        methods: None,
    };
    change(&mut draft);
    Order::new(draft).unwrap()
}

/// What the server says.
#[derive(Default)]
pub struct Script {
    pub keys: Option<KeysetView>,
    pub letter: Option<SealedRequest>,
    pub states: HashMap<RequestId, RequestState>,
    pub attempts: HashMap<AttemptId, AttemptView>,
    pub submissions: u32,
    /// What becomes of a submission; by default the bank cannot be reached.
    pub decides: Option<Decides>,
    pub device: Option<RegisterDevice>,
    pub stream: Vec<InboxEvent>,
}

type Shared = Arc<Mutex<Script>>;
type Decides = Arc<dyn Fn(&SubmitAttempt) -> AttemptView + Send + Sync>;

/// A server, its parties, and folders for wallets.
pub struct Stage {
    pub parties: Arc<Parties>,
    pub script: Shared,
    pub folder: tempfile::TempDir,
    url: String,
}

impl Stage {
    pub async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let parties = Arc::new(Parties::new());
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let pem = certified.cert.pem();
        let tls = axum_server::tls_rustls::RustlsConfig::from_pem(
            pem.clone().into_bytes(),
            certified.signing_key.serialize_pem().into_bytes(),
        )
        .await
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let script = Shared::default();
        script.lock().unwrap().keys = Some(parties.keys(1));
        let service = router(Arc::clone(&script)).into_make_service();
        tokio::spawn(async move { axum_server::from_tcp_rustls(listener, tls).unwrap().serve(service).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("trust.json"), parties.trust_json(&url, &pem)).unwrap();
        Self { parties, script, folder, url }
    }

    pub fn trust(&self) -> PathBuf {
        self.folder.path().join("trust.json")
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("wallet")
    }

    pub fn config(&self) -> WalletConfig {
        let mut config = WalletConfig::new(self.home());
        config.trust = Some(self.trust());
        config.key_store = KeyStoreKind::File;
        config.upkeep = Upkeep::OnDemand;
        config
    }

    pub async fn wallet(&self) -> Wallet {
        Wallet::open(self.config()).await.unwrap()
    }

    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// Delivers this signed order by link; gives the link.
    pub fn deliver(&self, request_id: RequestId, order_jws: &str) -> String {
        let key = LinkKey::generate();
        let letter = serde_json::json!({ "order": order_jws }).to_string();
        let capsule = request::seal_to_link(&key, request_id.as_bytes(), letter.as_bytes()).unwrap();
        let sealed = serde_json::from_value(serde_json::to_value(&capsule).unwrap()).unwrap();
        self.script(|script| {
            script.letter = Some(SealedRequest { seq: 0, request_id, sealed });
            script.states.insert(request_id, RequestState::Delivered);
        });
        format!("{}/r/{TOKEN}#{}", self.url, *key.expose_fragment())
    }
}

/// A letter to a registered device.
pub fn sealed_to(device: &RegisterDevice, seq: u64, request_id: RequestId, order_jws: &str) -> SealedRequest {
    let key = DeviceSealingKey::from_base64url(&device.sealing_key).unwrap();
    let letter = serde_json::json!({ "order": order_jws }).to_string();
    let capsule = request::seal_to_device(&key, request_id.as_bytes(), letter.as_bytes()).unwrap();
    let sealed = serde_json::from_value(serde_json::to_value(&capsule).unwrap()).unwrap();
    SealedRequest { seq, request_id, sealed }
}

/// An attempt as the server tells it.
pub fn attempt_view(order: &Order, attempt_id: AttemptId, state: AttemptState, outcome: Option<String>) -> AttemptView {
    AttemptView {
        icc_response: None,
        attempt_id,
        request_id: order.request_id,
        state,
        outcome,
        deadline_ms: Some(order.expires_ms),
        exchange: None,
    }
}

fn router(script: Shared) -> Router {
    Router::new()
        .route("/v1/keyset", get(keyset))
        .route("/v1/devices", post(register))
        .route("/v1/inbox/stream", get(stream))
        .route("/v1/links/{token}", get(letter))
        .route(
            "/v1/inbox",
            get(async || Json(InboxPage { requests: Vec::new(), states: Vec::new(), last_seq: 0, has_more: false })),
        )
        .route("/v1/requests/{id}", get(status))
        .route("/v1/code-payers/{identity_code}", get(code_payer))
        .route("/v1/requests/{id}/seen", post(async || StatusCode::NO_CONTENT))
        .route("/v1/requests/{id}/attempts", post(submit))
        .route("/v1/requests/{id}/attempts/{attempt_id}", get(attempt))
        .with_state(script)
}

async fn register(State(script): State<Shared>, Json(device): Json<RegisterDevice>) -> StatusCode {
    script.lock().unwrap().device = Some(device);
    StatusCode::CREATED
}

/// What the script holds, then silence.
/// What the script has, and what is added to it while somebody listens.
async fn stream(State(script): State<Shared>) -> Response {
    let events = futures::stream::unfold(0, move |told| {
        let script = Arc::clone(&script);
        async move {
            loop {
                let next = script.lock().unwrap().stream.get(told).cloned();
                match next {
                    Some(event) => return Some((event, told + 1)),
                    None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                }
            }
        }
    });
    let events = events.map(|event| {
        let data = serde_json::to_string(&event).unwrap();
        Ok::<_, std::convert::Infallible>(axum::response::sse::Event::default().data(data))
    });
    axum::response::Sse::new(events).into_response()
}

/// Everybody pays by code at the one bank, and has a telephone.
async fn code_payer() -> Json<CodePayerView> {
    let telephone = CodeTerminalView { place: 1, kind: CodeTerminalKind::Sms, masked: "••43".into() };
    Json(CodePayerView { bank_id: "first".into(), terminals: vec![telephone] })
}

async fn keyset(State(script): State<Shared>) -> Response {
    Json(script.lock().unwrap().keys.clone()).into_response()
}

async fn letter(State(script): State<Shared>) -> Response {
    Json(script.lock().unwrap().letter.clone()).into_response()
}

async fn status(State(script): State<Shared>, Path(id): Path<RequestId>) -> Response {
    match script.lock().unwrap().states.get(&id) {
        Some(state) => Json(RequestStatusView {
            request_id: id,
            state: *state,
            refunded_minor: 0,
            refunded_ms: None,
            server_time_ms: u64::try_from(now_ms()).unwrap(),
        })
        .into_response(),
        None => refusal(ErrorCode::NotFound),
    }
}

async fn submit(
    State(script): State<Shared>,
    Path(_): Path<RequestId>,
    Json(submitted): Json<SubmitAttempt>,
) -> Response {
    let mut script = script.lock().unwrap();
    script.submissions += 1;
    match &script.decides {
        Some(decides) => Json(decides(&submitted)).into_response(),
        None => refusal(ErrorCode::BankUnreachable),
    }
}

async fn attempt(State(script): State<Shared>, Path((_, id)): Path<(RequestId, AttemptId)>) -> Response {
    match script.lock().unwrap().attempts.get(&id) {
        Some(view) => Json(view.clone()).into_response(),
        None => refusal(ErrorCode::NotFound),
    }
}

fn refusal(code: ErrorCode) -> Response {
    let status = StatusCode::from_u16(code.http_status()).unwrap();
    (status, Json(Problem::new(code))).into_response()
}
