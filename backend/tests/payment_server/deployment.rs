//! A payment server in a throw-away folder, its scripted bank and its merchant.

use std::time::Duration;

use envelope::{Merchant, SigningKey, jws};
use payment::order::OrderDraft;
use payment::{Amount, MerchantId, Order, OrderItem, RequestId, RequestState};
use protocol::merchant_api::{CreatePaymentRequest, EventsPage, PayerIdentifier, PaymentRequestView};
use reqwest::{Certificate, Client, Response};
use serde_json::Value;
use tapseal::keys::{self, DataFolder, InitOptions};
use tapseal::payment_server::{self, Options, Running};
use tapseal::{clock, tls};
use tempfile::TempDir;

use crate::bank::Bank;
use crate::database::Database;
use crate::payer::{Answer, Payer};

/// How long the server waits for the bank in these tests.
pub const ANSWER_TIMEOUT_MS: u64 = 400;
/// How often a condition is looked at that nothing announces.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub struct Deployment {
    pub folder: DataFolder,
    pub bank: Bank,
    pub client: Client,
    pub base: String,
    options: Options,
    server: Option<Running>,
    /// Goes after the server, which has connections to it.
    pub database: Database,
    _dir: TempDir,
}

impl Deployment {
    pub async fn start() -> Self {
        let (dir, folder) = Self::keys(&["first"]);
        let bank = Bank::start(&folder).await;
        let mut deployment = Self::of(dir, folder, bank);
        deployment.start_server().await;
        deployment
    }

    /// Keys for these banks, and a deployment of the first that no server runs for yet.
    pub fn keys(banks: &[&str]) -> (TempDir, DataFolder) {
        tls::install_provider();
        let dir = tempfile::tempdir().unwrap();
        keys::init(&InitOptions {
            dir: dir.path().to_owned(),
            hosts: vec!["127.0.0.1".into()],
            merchants: vec![
                "blue-door:Blue Door Café:5814:US:USD".parse().unwrap(),
                "red-door:Red Door:5814:US:USD:card,code".parse().unwrap(),
            ],
            banks: banks.iter().map(|bank| bank.parse().unwrap()).collect(),
            operators: Vec::new(),
            public_url: "https://127.0.0.1:8443".into(),
            json: false,
        })
        .unwrap();
        let folder = DataFolder::new(dir.path());
        (dir, folder)
    }

    /// A deployment with the first bank, whose server does not run yet.
    pub fn of(dir: TempDir, folder: DataFolder, bank: Bank) -> Self {
        let database = Database::new();
        let options = Options {
            data: dir.path().to_owned(),
            database: database.option(),
            listen: "127.0.0.1:0".parse().unwrap(),
            mutual_tls_listen: None,
            metrics_listen: None,
            limits: payment_server::LimitOptions::default(),
            banks: vec![bank.addr.to_string().parse().unwrap()],
            channels: payment_server::ChannelOptions::default(),
            answer_timeout_ms: ANSWER_TIMEOUT_MS,
            unknown_deadline_ms: payment_server::UNKNOWN_DEADLINE_MS,
            webhooks: payment_server::WebhookOptions::default(),
            caps: payment_server::Caps::default(),
            page: payment_server::PageOptions::default(),
            crash_at: None,
        };
        let ca = Certificate::from_pem(&std::fs::read(folder.tls_ca()).unwrap()).unwrap();
        let client = Client::builder().tls_certs_only([ca]).build().unwrap();
        Self { folder, bank, client, base: String::new(), options, server: None, database, _dir: dir }
    }

    /// Gives the server another bank's address for its next start.
    pub fn add_bank(&mut self, id: &str, addr: std::net::SocketAddr) {
        self.options.banks.push(format!("{id}={addr}").parse().unwrap());
    }

    /// Moves a bank's address for the server's next start.
    pub fn set_bank(&mut self, id: &str, addr: std::net::SocketAddr) {
        self.options.banks.retain(|bank| bank.id.as_str() != id);
        self.add_bank(id, addr);
    }

    /// Lets the server wait longer for its banks from its next start on.
    pub fn patient(&mut self) {
        self.options.answer_timeout_ms = 15_000;
    }

    pub async fn start_server(&mut self) {
        self.start_server_alone().await;
        self.banks_are_connected().await;
    }

    /// Starts the server, whether or not its banks are there.
    pub async fn start_server_alone(&mut self) {
        let server = payment_server::start(self.options.clone()).await.unwrap();
        self.base = format!("https://{}", server.addr());
        self.server = Some(server);
    }

    /// Why the server refuses to start.
    pub async fn start_error(&self) -> payment_server::Error {
        payment_server::start(self.options.clone()).await.err().expect("it must refuse to start")
    }

    pub async fn stop_server(&mut self) {
        self.server.take().unwrap().stop().await.unwrap();
    }

    /// Points the server at nobody at its next start.
    pub fn without_bank(&mut self) {
        self.options.banks = vec!["127.0.0.1:9".parse().unwrap()];
    }

    /// Promises news about unknown outcomes within so long, from its next start on.
    pub fn with_unknown_deadline(&mut self, deadline_ms: u64) {
        self.options.unknown_deadline_ms = deadline_ms;
    }

    /// Changes how much merchants may ask and payers are asked, from the next start on.
    pub fn with_caps(&mut self, change: impl FnOnce(&mut payment_server::Caps)) {
        change(&mut self.options.caps);
    }

    /// Sends mails to a mail server from its next start on.
    pub fn with_smtp(&mut self, url: &str) {
        self.options.channels.smtp = vec![url.parse().unwrap()];
    }

    /// Shows figures from its next start on.
    pub fn with_metrics(&mut self) {
        self.options.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    }

    /// Its figures, as Prometheus is given them.
    pub async fn metrics(&self) -> String {
        let addr = self.server.as_ref().unwrap().metrics_addr().unwrap();
        reqwest::get(format!("http://{addr}/metrics")).await.unwrap().text().await.unwrap()
    }

    /// How messages leave, from the server's next start on.
    pub fn channels(&mut self) -> &mut payment_server::ChannelOptions {
        &mut self.options.channels
    }

    async fn banks_are_connected(&self) {
        for bank in &self.options.banks {
            if !bank.address.ends_with(":9") {
                self.line_is(bank.id.as_str(), "up").await;
            }
        }
    }

    /// Waits until a bank's line is `up` or `down`.
    pub async fn line_is(&self, bank: &str, state: &str) {
        let path = format!("{}/v1/health", self.base);
        self.eventually(async || {
            let health: serde_json::Value = self.client.get(&path).send().await.unwrap().json().await.unwrap();
            (health["banks"][bank] == state).then_some(())
        })
        .await;
    }

    /// Waits for a condition that nothing announces.
    pub async fn eventually<T>(&self, look: impl AsyncFn() -> Option<T>) -> T {
        let mut again = tokio::time::interval(LOOK_EVERY);
        crate::in_time(async {
            loop {
                again.tick().await;
                if let Some(found) = look().await {
                    return found;
                }
            }
        })
        .await
    }

    pub async fn payer(&self) -> Payer {
        Payer::registered(&self.client, &self.base).await
    }

    pub fn merchant_key(&self, merchant: &str) -> SigningKey<Merchant> {
        keys::signing_key(&self.folder.merchant(&merchant.parse().unwrap(), "signing.key")).unwrap()
    }

    pub fn order() -> Order {
        Self::order_with(|_| {})
    }

    pub fn order_with(change: impl FnOnce(&mut OrderDraft)) -> Order {
        let now_ms = clock::now_ms();
        let mut draft = OrderDraft {
            request_id: RequestId::from_parts(now_ms, &keys::random()),
            merchant_id: "blue-door".parse().unwrap(),
            order_number: "A-1042".into(),
            amount: Amount::new(1280, "USD".parse().unwrap()),
            created_ms: now_ms,
            expires_ms: now_ms + 300_000,
            payee_name: "Blue Door Café".into(),
            items: vec![OrderItem { name: "Flat white".into(), quantity: 2, total_minor: 1280 }],
            methods: None,
        };
        change(&mut draft);
        Order::new(draft).unwrap()
    }

    pub fn signed(&self, order: &Order) -> CreatePaymentRequest {
        let order = jws::sign(&self.merchant_key("blue-door"), jws::TYP_ORDER, &order.canonical());
        CreatePaymentRequest { order, payer: None }
    }

    pub async fn create(&self, key: &str, body: &CreatePaymentRequest) -> Answer<PaymentRequestView> {
        self.create_as("blue-door", key, body).await
    }

    pub async fn create_as(
        &self,
        merchant: &str,
        key: &str,
        body: &CreatePaymentRequest,
    ) -> Answer<PaymentRequestView> {
        let merchant: MerchantId = merchant.parse().unwrap();
        let call = self.client.post(format!("{}/v1/payment-requests", self.base));
        let call = call.bearer_auth(self.api_key(&merchant)).header("idempotency-key", key).json(body);
        Ok(crate::checked(crate::in_time(call.send()).await.unwrap()).await?.json().await.unwrap())
    }

    /// A fresh order that the server has taken.
    pub async fn requested(&self) -> Order {
        self.requested_from(None).await
    }

    pub async fn requested_from(&self, payer: Option<PayerIdentifier>) -> Order {
        let order = Self::order();
        let body = CreatePaymentRequest { payer, ..self.signed(&order) };
        self.create(&order.request_id.to_string(), &body).await.unwrap();
        order
    }

    /// Any merchant call with this API key: the status, and the body as JSON.
    pub async fn call(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let call = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base)).bearer_auth(key);
        Self::answer(call, body).await
    }

    /// Sends a call with an idempotency key of its own.
    pub async fn answer(call: reqwest::RequestBuilder, body: Option<Value>) -> (u16, Value) {
        let call = call.header("idempotency-key", next_key());
        let call = match body {
            Some(body) => call.json(&body),
            None => call,
        };
        let answer = crate::in_time(call.send()).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// The key that `keys init` made for blue-door.
    pub fn first_key(&self) -> String {
        self.api_key(&"blue-door".parse().unwrap())
    }

    /// Listens for client certificates as well from its next start on.
    pub fn with_mutual_tls(&mut self) {
        self.options.mutual_tls_listen = Some("127.0.0.1:0".parse().unwrap());
    }

    /// Takes so many calls of a merchant, and of an address, within a minute, from its next start on.
    pub fn with_limits(&mut self, merchant: u32, address: u32) {
        let limits = &mut self.options.limits;
        (limits.merchant_calls_per_minute, limits.address_calls_per_minute) = (merchant, address);
    }

    /// Where it listens for client certificates.
    pub fn mutual_tls_base(&self) -> String {
        format!("https://{}", self.server.as_ref().unwrap().mutual_tls_addr().unwrap())
    }

    fn api_key(&self, merchant: &MerchantId) -> String {
        std::fs::read_to_string(self.folder.merchant(merchant, "api-key")).unwrap()
    }

    async fn merchant_get(&self, path: &str) -> Response {
        let call = self.client.get(format!("{}{path}", self.base));
        call.bearer_auth(self.api_key(&"blue-door".parse().unwrap())).send().await.unwrap()
    }

    pub async fn show(&self, order: &Order) -> PaymentRequestView {
        self.merchant_get(&format!("/v1/payment-requests/{}", order.request_id)).await.json().await.unwrap()
    }

    /// A merchant's answer of one type.
    pub async fn merchant_answer<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        self.merchant_get(path).await.json().await.unwrap()
    }

    /// A merchant's call with an idempotency key and a body.
    pub async fn merchant_call<T: serde::de::DeserializeOwned>(
        &self,
        method: reqwest::Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer<T> {
        let call = self.client.request(method, format!("{}{path}", self.base)).header("idempotency-key", key);
        let call = call.bearer_auth(self.api_key(&"blue-door".parse().unwrap())).json(body);
        Ok(crate::checked(call.send().await.unwrap()).await?.json().await.unwrap())
    }

    pub async fn state(&self, order: &Order) -> RequestState {
        self.show(order).await.state
    }

    pub async fn cancel(&self, order: &Order) -> Answer<PaymentRequestView> {
        let call = self.client.post(format!("{}/v1/payment-requests/{}/cancel", self.base, order.request_id));
        let call = call
            .bearer_auth(self.api_key(&"blue-door".parse().unwrap()))
            .header("idempotency-key", format!("cancel-{}", order.request_id));
        Ok(crate::checked(call.send().await.unwrap()).await?.json().await.unwrap())
    }

    /// The kinds of a request's journal entries, in order.
    pub async fn events(&self, order: &Order) -> Vec<String> {
        let page: EventsPage = self.merchant_get("/v1/events").await.json().await.unwrap();
        page.events.into_iter().filter(|event| event.request_id == order.request_id).map(|event| event.kind).collect()
    }

    /// The texts of the mails so far, oldest first.
    pub fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("mail")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// The next mail beyond those already read.
    pub async fn mail(&self, already: usize) -> String {
        self.eventually(async || self.mails().get(already).cloned()).await
    }
}

/// An idempotency key that no other call has.
fn next_key() -> String {
    static KEYS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    format!("test-{}", KEYS.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}
