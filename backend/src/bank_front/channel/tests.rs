//! Channels, over HTTP: the certificate that the acceptor tells of is told here by the test.

use axum::Extension;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::admission::{Channel, ChannelKind};
use super::api;
use crate::bank_front::account::{AccountId, AcquirerId};
use crate::bank_front::binding::Address;
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::testing::ACQUIRER;
use crate::bank_front::tests::plain::{ASCII, Terminal};
use crate::bank_front::tests::support::{Bench, HOLDER, NOW_MS};
use crate::bank_front::tests::texts::{code_to, texts_to};
use crate::peer_certificate::PeerCertificate;
use crate::storage::DbConnection;

const PHONE: &str = "+12025550143";
const PASSWORD: &str = "correct horse 77";

/// A channel's certificate in PEM, and its fingerprint.
fn certificate() -> (String, String) {
    let own = rcgen::generate_simple_self_signed(vec!["channel".to_owned()]).unwrap();
    (own.cert.pem(), crate::peer_certificate::fingerprint(own.cert.der()))
}

async fn write(
    bench: &Bench,
    work: impl for<'a> FnOnce(&'a mut DbConnection) -> futures::future::BoxFuture<'a, Result<(), BankError>>
    + Send
    + 'static,
) -> Result<(), BankError> {
    bench.front.db.write(work).await
}

async fn admit(bench: &Bench, name: &'static str, kind: ChannelKind) -> String {
    let (pem, fingerprint) = certificate();
    write(bench, move |db_tx| {
        Box::pin(async move { Channel::admit(db_tx, name, &kind, pem.as_bytes(), NOW_MS).await })
    })
    .await
    .unwrap();
    fingerprint
}

async fn open(bench: &Bench, name: &'static str, phone: &'static str, account: &'static str) {
    write(bench, move |db_tx| {
        Box::pin(async move {
            let new = Customer { name: name.to_owned(), telephone: Address::parse(phone)?, language: "en".to_owned() };
            Customer::open(db_tx, &new, &[AccountId::named(account)], NOW_MS).await
        })
    })
    .await
    .unwrap();
}

/// Somebody who shows a certificate, or none.
struct Caller {
    client: Client,
    url: String,
}

impl Caller {
    async fn new(bench: &Bench, fingerprint: Option<&str>) -> Self {
        let shown = PeerCertificate(fingerprint.map(Into::into));
        let router = api::router(std::sync::Arc::clone(&bench.front)).layer(Extension(shown));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        crate::tls::install_provider();
        Self { client: Client::new(), url }
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn put(&self, path: &str, body: &Value) -> Response {
        self.client.put(format!("{}{path}", self.url)).json(body).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(format!("{}{path}", self.url)).json(body).send().await.unwrap()
    }
}

async fn told(response: Response) -> (StatusCode, Value) {
    assert_eq!(response.headers().get("cache-control").is_some(), response.status().is_success());
    let status = response.status();
    (status, response.json().await.unwrap())
}

async fn refused(response: Response) -> (u16, String) {
    let (status, problem) = told(response).await;
    assert_eq!(problem["status"], status.as_u16());
    (status.as_u16(), problem["code"].as_str().unwrap().to_owned())
}

fn opening() -> Value {
    json!({ "what": "open", "accounts": [HOLDER], "terminals": [PHONE], "password": PASSWORD,
        "payment_limit_minor": 5_000, "day_limit_minor": 8_000 })
}

/// A bank with a customer, and its online banking.
async fn online() -> (Bench, Caller) {
    let bench = Bench::new().await;
    open(&bench, "ann-0001", PHONE, HOLDER).await;
    let fingerprint = admit(&bench, "online-banking", ChannelKind::Online).await;
    let caller = Caller::new(&bench, Some(&fingerprint)).await;
    (bench, caller)
}

#[tokio::test]
async fn a_customer_is_bound_looked_at_and_ended_by_online_banking() {
    let (bench, caller) = online().await;
    let mut seen = Vec::new();
    let (status, customer) = told(caller.get("/v1/customers/ann-0001").await).await;
    assert_eq!((status, &customer["payer"], &customer["telephone"]), (StatusCode::OK, &Value::Null, &"••43".into()));
    assert_eq!(customer["accounts"], json!([{ "account": HOLDER, "currency": "USD" }]));
    let (_, change) = told(caller.put("/v1/customers/ann-0001/changes/c-1", &opening()).await).await;
    assert_eq!((&change["state"], &change["proofs"][0]["purpose"]), (&"waiting".into(), &"register".into()));
    let code = code_to(&bench, PHONE, "registers", &mut seen).await;
    let typed = json!({ "proof": 1, "code": format!("{} {}", &code[..3], &code[3..]) });
    let (_, change) = told(caller.post("/v1/customers/ann-0001/changes/c-1/codes", &typed).await).await;
    assert_eq!(change["state"], "done");
    let (_, customer) = told(caller.get("/v1/customers/ann-0001").await).await;
    let payer = &customer["payer"];
    assert_eq!((&payer["state"], &payer["terminals"][0]["masked"]), (&"active".into(), &"••43".into()));
    assert_eq!(payer["identity_code"].as_str().unwrap().len(), 12);
    // The payer's password is the one that was sent, and none of what was shown tells it.
    let stored = {
        let mut connection = bench.front.db.reader().acquire().await.unwrap();
        crate::bank_front::binding::Payer::of_customer(&mut connection, "ann-0001").await.unwrap().password
    };
    assert!(stored.verifies(&crate::password::Password::typed(PASSWORD), &bench.front.hsm.password_pepper()));
    let (_, ended) = told(caller.put("/v1/customers/ann-0001/changes/c-2", &json!({ "what": "end" })).await).await;
    assert_eq!(ended["state"], "done");
    let (_, journal) = told(caller.get("/v1/customers/ann-0001/journal").await).await;
    let what: Vec<_> = journal["entries"].as_array().unwrap().iter().map(|entry| &entry["what"]).collect();
    assert_eq!(what, ["end", "open"]);
    assert_eq!(journal["entries"][0]["channel"], "online-banking");
}

#[tokio::test]
async fn a_call_that_comes_twice_is_one_change_and_sends_one_code() {
    let (bench, caller) = online().await;
    let path = "/v1/customers/ann-0001/changes/c-1";
    let body = opening();
    let (first, second) = tokio::join!(caller.put(path, &body), caller.put(path, &body));
    let (first, second) = (told(first).await, told(second).await);
    assert_eq!(first, second);
    assert_eq!(told(caller.put(path, &opening()).await).await, first);
    assert_eq!(texts_to(&bench, PHONE).await.len(), 1);
    let mut other = opening();
    other["payment_limit_minor"] = 5_001.into();
    assert_eq!(refused(caller.put(path, &other).await).await, (422, "change_differs".into()));
    let code = code_to(&bench, PHONE, "registers", &mut Vec::new()).await;
    let (codes, typed) = (format!("{path}/codes"), json!({ "proof": 1, "code": code }));
    let done = told(caller.post(&codes, &typed).await).await;
    assert_eq!(done.1["state"], "done");
    // Replayed, it changes nothing: the change is done once, and its proposal is answered as it stands.
    assert_eq!(told(caller.post(&codes, &typed).await).await.1, done.1);
    assert_eq!(told(caller.put(path, &opening()).await).await.1, done.1);
    let (_, journal) = told(caller.get("/v1/customers/ann-0001/journal").await).await;
    assert_eq!(journal["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_nobody_admitted_or_that_was_dismissed_is_let_in_nowhere() {
    let (bench, caller) = online().await;
    let (_, stranger) = certificate();
    for shown in [Some(stranger.as_str()), None] {
        let caller = Caller::new(&bench, shown).await;
        for path in ["/v1/customers/ann-0001", "/v1/customers/ann-0001/journal", "/v1/visits/v-1"] {
            assert_eq!(refused(caller.get(path).await).await, (403, "not_admitted".into()), "{path}");
        }
        let put = caller.put("/v1/customers/ann-0001/changes/c-1", &opening()).await;
        assert_eq!(refused(put).await, (403, "not_admitted".into()));
    }
    assert!(caller.get("/v1/customers/ann-0001").await.status().is_success());
    write(&bench, |db_tx| Box::pin(async move { Channel::dismiss(db_tx, "online-banking").await })).await.unwrap();
    assert_eq!(refused(caller.get("/v1/customers/ann-0001").await).await, (403, "not_admitted".into()));
    assert!(texts_to(&bench, PHONE).await.is_empty());
    // A name of ours, and another channel's certificate, are not given away.
    let taken = write(&bench, |db_tx| {
        Box::pin(async move {
            let (pem, _) = certificate();
            Channel::admit(db_tx, "online", &ChannelKind::Online, pem.as_bytes(), NOW_MS).await?;
            Channel::admit(db_tx, "other", &ChannelKind::Online, pem.as_bytes(), NOW_MS).await
        })
    });
    assert!(matches!(taken.await, Err(BankError::ChannelKnown)));
    let ours = write(&bench, |db_tx| {
        Box::pin(async move {
            Channel::admit(db_tx, "counter", &ChannelKind::Online, certificate().0.as_bytes(), NOW_MS).await
        })
    });
    assert!(matches!(ours.await, Err(BankError::Malformed(_))));
}

#[tokio::test]
async fn what_is_malformed_changes_nothing_and_is_not_quoted() {
    let (bench, caller) = online().await;
    let bodies = [
        (json!({}), 422, "malformed"),
        (json!({ "what": "steal" }), 422, "malformed"),
        (json!({ "what": "end", "more": 1 }), 422, "malformed"),
        (json!({ "what": "end", "password": PASSWORD }), 422, "malformed"),
        (
            json!({ "what": "open", "accounts": [HOLDER], "terminals": ["nonsense"], "password": PASSWORD,
            "payment_limit_minor": 1, "day_limit_minor": 1 }),
            422,
            "malformed",
        ),
        (
            json!({ "what": "open", "accounts": [HOLDER], "terminals": [PHONE, PHONE], "password": PASSWORD,
            "payment_limit_minor": 1, "day_limit_minor": 1 }),
            422,
            "malformed",
        ),
        (
            json!({ "what": "open", "accounts": [HOLDER], "terminals": [PHONE], "password": "12345678",
            "payment_limit_minor": 1, "day_limit_minor": 1 }),
            422,
            "password_unfit",
        ),
        (json!({ "what": "unlock" }), 409, "not_bound"),
    ];
    for (number, (body, status, code)) in bodies.iter().enumerate() {
        let response = caller.put(&format!("/v1/customers/ann-0001/changes/c-{number}"), body).await;
        let text = response.text().await.unwrap();
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&(*status).into(), &(*code).into()), "{body}");
        assert!(!text.contains(PASSWORD) && !text.contains("12345678") && !text.contains("nonsense"), "{text}");
    }
    let long = caller.put(&format!("/v1/customers/ann-0001/changes/{}", "c".repeat(65)), &opening()).await;
    assert_eq!(refused(long).await, (422, "malformed".into()));
    assert_eq!(refused(caller.get("/v1/customers/bob").await).await, (404, "customer_unknown".into()));
    let none = caller.post("/v1/customers/ann-0001/changes/c-9/codes", &json!({ "proof": 1, "code": "000000" })).await;
    assert_eq!(refused(none).await, (404, "change_unknown".into()));
    assert!(texts_to(&bench, PHONE).await.is_empty(), "nothing was sent");
}

fn named(message: &iso8583::Message) -> Value {
    let of = |number: u8| message.text(number).unwrap().trim_end().to_owned();
    json!({ "acquirer": of(32), "transmitted": of(7), "stan": of(11), "rrn": of(37), "terminal": of(41) })
}

fn check(terminal: &mut Terminal, pin: &str) -> iso8583::Message {
    terminal.insert(iso8583::Mti::AUTHORIZATION_REQUEST, 0, pin).with_text(3, "330000")
}

/// A cash machine whose network is admitted, beside the bank's online banking.
async fn machine() -> (Terminal, Caller) {
    let terminal = Terminal::new(ASCII).await;
    open(&terminal.bench, "ann-0001", PHONE, HOLDER).await;
    let kind = ChannelKind::Terminal(AcquirerId::parse(ACQUIRER).unwrap());
    let fingerprint = admit(&terminal.bench, "cash-machines", kind).await;
    let caller = Caller::new(&terminal.bench, Some(&fingerprint)).await;
    (terminal, caller)
}

#[tokio::test]
async fn a_card_and_its_pin_at_a_terminal_bind_the_customer_whose_card_it_is() {
    let (mut terminal, caller) = machine().await;
    let message = check(&mut terminal, "1234");
    let answer = terminal.ask(&message).await;
    assert_eq!((answer.text(39).unwrap(), answer.has(38)), ("00", false));
    assert_eq!(terminal.bench.posted(HOLDER).await, 100_000, "no money moves");
    let (status, customer) = told(caller.put("/v1/visits/v-1", &named(&message)).await).await;
    assert_eq!((status, &customer["customer"]), (StatusCode::OK, &"ann-0001".into()));
    // The same call once more is the same visit, and another one with the same card check is none.
    assert_eq!(told(caller.put("/v1/visits/v-1", &named(&message)).await).await.0, StatusCode::OK);
    assert_eq!(refused(caller.put("/v1/visits/v-2", &named(&message)).await).await, (404, "visit_unknown".into()));
    let (_, change) = told(caller.put("/v1/visits/v-1/changes/c-1", &opening()).await).await;
    assert_eq!(change["state"], "waiting");
    let code = code_to(&terminal.bench, PHONE, "registers", &mut Vec::new()).await;
    let typed = json!({ "proof": 1, "code": code });
    let (_, change) = told(caller.post("/v1/visits/v-1/changes/c-1/codes", &typed).await).await;
    assert_eq!(change["state"], "done");
    let (_, journal) = told(caller.get("/v1/visits/v-1/journal").await).await;
    assert_eq!(journal["entries"][0]["channel"], "cash-machines");
    // A terminal speaks for nobody by name, and when the visit is over for nobody at all.
    let by_name = caller.get("/v1/customers/ann-0001").await;
    assert_eq!(refused(by_name).await, (403, "not_for_this_channel".into()));
    terminal.bench.clock.fetch_add(10 * 60 * 1_000, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(refused(caller.get("/v1/visits/v-1").await).await, (404, "visit_unknown".into()));
}

#[tokio::test]
async fn no_visit_without_the_right_pin_in_time_and_at_ones_own_network() {
    let (mut terminal, caller) = machine().await;
    let wrong = check(&mut terminal, "9999");
    assert_eq!(terminal.ask(&wrong).await.text(39).unwrap(), "55");
    assert_eq!(terminal.bench.card().await.pin_tries_left, 2, "a wrong PIN counts as in a payment");
    assert_eq!(refused(caller.put("/v1/visits/v-1", &named(&wrong)).await).await, (404, "visit_unknown".into()));
    let without = check(&mut terminal, "1234").without(&[52]);
    assert_eq!(terminal.ask(&without).await.text(39).unwrap(), "70");
    let with_amount = check(&mut terminal, "1234").with_number(4, 1).unwrap();
    assert_eq!(terminal.ask(&with_amount).await.text(39).unwrap(), "30");
    let right = check(&mut terminal, "1234");
    let answer = terminal.ask(&right).await;
    assert_eq!(answer.text(39).unwrap(), "00");
    let repeat = terminal.ask(&right.clone().with_mti(right.mti().repeat())).await;
    assert!(repeat == answer, "a repeat gets the same answer");
    // The same cryptogram under another reference proves nothing.
    let replayed = right.clone().with_text(37, "999999999999");
    assert_eq!(terminal.ask(&replayed).await.text(39).unwrap(), "94");
    for (member, other) in [("acquirer", "43"), ("rrn", "999999999999"), ("stan", "000099"), ("terminal", "TERM0002")] {
        let mut body = named(&right);
        body[member] = other.into();
        assert_eq!(refused(caller.put("/v1/visits/v-1", &body).await).await, (404, "visit_unknown".into()), "{member}");
    }
    let kind = ChannelKind::Terminal(AcquirerId::parse("43").unwrap());
    let foreign = admit(&terminal.bench, "other-machines", kind).await;
    let foreign = Caller::new(&terminal.bench, Some(&foreign)).await;
    assert_eq!(refused(foreign.put("/v1/visits/v-1", &named(&right)).await).await, (404, "visit_unknown".into()));
    let online = admit(&terminal.bench, "online-banking", ChannelKind::Online).await;
    let online = Caller::new(&terminal.bench, Some(&online)).await;
    let put = online.put("/v1/visits/v-1", &named(&right)).await;
    assert_eq!(refused(put).await, (403, "not_for_this_channel".into()));
    assert_eq!(refused(online.get("/v1/visits/v-1").await).await, (403, "not_for_this_channel".into()));
    terminal.bench.clock.fetch_add(2 * 60 * 1_000, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(refused(caller.put("/v1/visits/v-1", &named(&right)).await).await, (404, "visit_unknown".into()));
}

#[tokio::test]
async fn a_card_whose_account_is_nobodys_on_file_goes_to_the_counter() {
    let mut terminal = Terminal::new(ASCII).await;
    let kind = ChannelKind::Terminal(AcquirerId::parse(ACQUIRER).unwrap());
    let fingerprint = admit(&terminal.bench, "cash-machines", kind).await;
    let caller = Caller::new(&terminal.bench, Some(&fingerprint)).await;
    let message = check(&mut terminal, "1234");
    assert_eq!(terminal.ask(&message).await.text(39).unwrap(), "00");
    assert_eq!(refused(caller.put("/v1/visits/v-1", &named(&message)).await).await, (404, "customer_unknown".into()));
}
