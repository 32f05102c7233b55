//! Webhooks that go wrong: receivers that fail, lie, hang and redirect, addresses that lead inside, a server that dies.
//! Signatures are verified by the reference library of Standard Webhooks.

use std::path::Path;
use std::process::Stdio;

use e2e::card::Card;
use e2e::hand::Till;
use e2e::payer::{PIN, Payer};
use e2e::receiver::{Message, Receiver};
use e2e::system::{Ask, MERCHANT, System, Wishes, texts};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The Python that has the reference library; `cargo xtask test` sets it.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";

/// A system whose webhooks may lead to this machine, and a till.
async fn open() -> (System, Till) {
    let server = texts(&["--webhook-allow-http", "--webhook-allow-private"]);
    let system = System::start(Wishes { server, ..Wishes::default() }).await;
    let till = Till::open(&system, MERCHANT);
    (system, till)
}

async fn register(till: &Till, receiver: &Receiver, events: &[&str]) -> Value {
    let body = json!({ "url": receiver.url(), "events": events });
    let answer = till.send("POST", "/v1/webhooks", &body).await.expect("an answer");
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().expect("a text")
}

async fn log(till: &Till, webhook: &Value) -> Vec<Value> {
    let path = format!("/v1/webhooks/{}/deliveries", text(webhook, "id"));
    till.call("GET", &path).await.expect("an answer").body["deliveries"].as_array().expect("a log").clone()
}

/// The types that came about one request, each once, in the order of the first time they were answered with 2xx.
fn arrived(messages: &[Message], request: &str) -> Vec<String> {
    let taken = messages.iter().filter(|message| message.answered < 300 && message.request_id() == request);
    taken.map(Message::kind).collect()
}

/// What the reference library says of each message under one secret; nothing when it is not expected here.
async fn verify(secret: &str, messages: &[Message]) -> Option<Vec<Value>> {
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with standardwebhooks is expected here");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/webhook_verify.py");
    let wanted: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({ "secret": secret, "id": message.id, "timestamp": message.timestamp,
                "signature": message.signature, "body": message.body })
        })
        .collect();
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the Python runs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(json!(wanted).to_string().as_bytes()).await.expect("it reads");
    drop(input);
    let output = child.wait_with_output().await.expect("it ends");
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).expect("text");
    Some(lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

async fn paid(system: &System) -> String {
    let (payer, card) = (Payer::new(system), Card::present(system, "visa"));
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    assert_eq!(payer.pay(&request, &card, PIN).await.code, 0);
    request
}

#[tokio::test]
async fn the_reference_library_verifies_every_message_and_no_changed_one() {
    let (system, till) = open().await;
    let receiver = Receiver::start().await;
    let webhook = register(&till, &receiver, &[]).await;
    let request = paid(&system).await;
    let has_come = |messages: &[Message]| arrived(messages, &request).contains(&"request.paid".to_owned());
    let messages = receiver.until("the payment is told", has_come).await;
    let secret = text(&webhook, "secret");
    if let Some(verdicts) = verify(secret, &messages).await {
        assert_eq!(verdicts.len(), messages.len());
        assert!(verdicts.iter().all(|verdict| verdict["ok"] == true), "{verdicts:?}");
    }
    let forge = |change: fn(&mut Message)| {
        let mut message = messages[0].clone();
        change(&mut message);
        message
    };
    let forged = [
        forge(|message| message.body = message.body.replace("12", "13")),
        forge(|message| message.id.push('0')),
        forge(|message| message.timestamp = (message.timestamp.parse::<u64>().unwrap_or_default() + 1).to_string()),
    ];
    if let Some(verdicts) = verify(secret, &forged).await {
        assert!(verdicts.iter().all(|verdict| verdict["ok"] == false), "{verdicts:?}");
    }
    // The states are those of the events, in their order; nothing tells of the payer or the card.
    let of_request = arrived(&messages, &request);
    let feed = till.call("GET", &format!("/v1/payment-requests/{request}/events")).await.expect("an answer").body;
    let feed: Vec<&str> = feed["events"].as_array().expect("events").iter().map(|event| text(event, "type")).collect();
    assert_eq!(of_request, feed[..of_request.len()]);
    for message in messages.iter().filter(|message| message.kind().starts_with("request.")) {
        let json = message.json();
        assert_eq!(format!("request.{}", text(&json["data"], "status")), message.kind());
        assert!(json["data"].get("outcome").is_none() && !message.body.contains("0050"), "{}", message.body);
    }
}

#[tokio::test]
async fn receiver_fails_for_a_while_and_gets_everything_in_order() {
    let (system, till) = open().await;
    let receiver = Receiver::start().await;
    let webhook = register(&till, &receiver, &["request.*"]).await;
    receiver.answer_next(&[500, 503, 500]);
    let request = paid(&system).await;
    let has_come = |messages: &[Message]| arrived(messages, &request).contains(&"request.paid".to_owned());
    let messages = receiver.until("the payment is told", has_come).await;
    let expected = ["request.created", "request.seen", "request.in_flight", "request.paid"];
    assert_eq!(arrived(&messages, &request), expected);
    // The first message was tried until it was taken; none of the later ones overtook it, and its id stayed.
    let first: Vec<_> = messages.iter().take(4).collect();
    assert!(first.iter().all(|message| message.id == first[0].id && message.body == first[0].body), "{first:?}");
    assert!(messages.iter().all(|message| message.kind().starts_with("request.")));
    let all_told = async || log(&till, &webhook).await.iter().all(|delivery| delivery["status"] == "delivered");
    system.wait_until("the log says so", all_told).await;
    let log = log(&till, &webhook).await;
    assert_eq!(
        log.last().map(|delivery| (delivery["tries"].as_u64(), delivery["response_status"].as_u64())),
        Some((Some(4), Some(204)))
    );
}

#[tokio::test]
async fn secret_is_replaced_while_messages_are_on_their_way() {
    let (_system, till) = open().await;
    let receiver = Receiver::start().await;
    let webhook = register(&till, &receiver, &[]).await;
    let path = format!("/v1/webhooks/{}", text(&webhook, "id"));
    let rotated = till.send("POST", &format!("{path}/rotate"), &json!({})).await.expect("an answer").body;
    let (old, new) = (text(&webhook, "secret"), text(&rotated, "secret"));
    assert_ne!(old, new);
    till.send("POST", &format!("{path}/test"), &json!({})).await.expect("an answer");
    let messages = receiver.until("the test has come", |messages| !messages.is_empty()).await;
    assert_eq!(messages[0].kind(), "webhook.test");
    assert_eq!(messages[0].signature.split(' ').count(), 2);
    for secret in [old, new] {
        if let Some(verdicts) = verify(secret, &messages).await {
            assert!(verdicts.iter().all(|verdict| verdict["ok"] == true), "{verdicts:?}");
        }
    }
    // Nobody is told a secret twice.
    let listed = till.call("GET", "/v1/webhooks").await.expect("an answer").body;
    assert!(listed["webhooks"][0].get("secret").is_none() && listed["webhooks"][0]["id"] == webhook["id"]);
}

#[tokio::test]
async fn server_is_killed_while_a_message_is_on_its_way() {
    let (mut system, till) = open().await;
    let receiver = Receiver::start().await;
    let webhook = register(&till, &receiver, &[]).await;
    receiver.hold();
    till.send("POST", &format!("/v1/webhooks/{}/test", text(&webhook, "id")), &json!({})).await.expect("an answer");
    receiver.until("the message is with the receiver", |messages| messages.len() == 1).await;
    system.server.take().expect("it runs").kill().await;
    receiver.release();
    system.start_server().await;
    let messages = receiver.until("it is sent again", |messages| messages.len() == 2).await;
    assert_eq!(messages[0].id, messages[1].id);
    assert_eq!(messages[0].body, messages[1].body);
    let told = async || log(&till, &webhook).await[0]["status"] == "delivered";
    system.wait_until("it counts as delivered", told).await;
}

#[tokio::test]
async fn merchant_has_a_message_sent_again() {
    let (system, till) = open().await;
    let receiver = Receiver::start().await;
    let webhook = register(&till, &receiver, &["request.created"]).await;
    system.ask(&Ask::default()).await;
    let first = receiver.until("it has come", |messages| messages.len() == 1).await.remove(0);
    let told = async || log(&till, &webhook).await[0]["status"] == "delivered";
    system.wait_until("it counts as delivered", told).await;
    let path = format!("/v1/webhooks/{}/deliveries/{}/redeliver", text(&webhook, "id"), first.id);
    let answer = till.send("POST", &path, &json!({})).await.expect("an answer");
    assert_eq!((answer.status, text(&answer.body, "status")), (202, "queued"));
    let second = receiver.until("it comes again", |messages| messages.len() == 2).await.remove(1);
    assert_eq!((&second.id, &second.body), (&first.id, &first.body));
    system.wait_until("that counts too", told).await;
    // Asked for while it is on its way, it comes once more after that.
    receiver.hold();
    till.send("POST", &path, &json!({})).await.expect("an answer");
    receiver.until("it is with the receiver", |messages| messages.len() == 3).await;
    assert_eq!(till.send("POST", &path, &json!({})).await.expect("an answer").status, 202);
    receiver.release();
    let last = receiver.until("it comes for the last time", |messages| messages.len() == 4).await.remove(3);
    assert_eq!((last.id, last.body), (first.id, first.body));
    system.wait_until("everything is told", told).await;
    let other = format!("/v1/webhooks/{}/deliveries/msg_other/redeliver", text(&webhook, "id"));
    assert_eq!(till.send("POST", &other, &json!({})).await.expect("an answer").status, 404);
}

#[tokio::test]
async fn receiver_says_that_it_is_gone() {
    let (system, till) = open().await;
    let receiver = Receiver::start().await;
    let webhook = register(&till, &receiver, &["request.created", "webhook.test"]).await;
    receiver.answer_always(410);
    system.ask(&Ask::default()).await;
    let shown = async || till.call("GET", "/v1/webhooks").await.expect("an answer").body["webhooks"][0].clone();
    system.wait_until("the webhook is disabled", async || shown().await["disabled_ms"].is_u64()).await;
    assert_eq!(log(&till, &webhook).await[0]["status"], "failed");
    // What happens meanwhile is in the feed only; a test that arrives opens it again.
    system.ask(&Ask::default()).await;
    receiver.answer_always(204);
    till.send("POST", &format!("/v1/webhooks/{}/test", text(&webhook, "id")), &json!({})).await.expect("an answer");
    system.wait_until("the webhook is open again", async || shown().await["disabled_ms"].is_null()).await;
    let request = system.ask(&Ask::default()).await;
    let has_come = |messages: &[Message]| messages.iter().any(|message| message.request_id() == text(&request, "id"));
    let messages = receiver.until("new events come", has_come).await;
    assert_eq!(messages.len(), 3, "{messages:#?}");
}

#[tokio::test]
async fn receiver_redirects_to_somewhere_else() {
    let (system, till) = open().await;
    let receiver = Receiver::start().await;
    let webhook = register(&till, &receiver, &[]).await;
    receiver.answer_next(&[307]);
    till.send("POST", &format!("/v1/webhooks/{}/test", text(&webhook, "id")), &json!({})).await.expect("an answer");
    let told = async || log(&till, &webhook).await[0]["status"] == "delivered";
    system.wait_until("the second try is taken", told).await;
    let messages = receiver.messages();
    assert_eq!(messages.iter().map(|message| message.answered).collect::<Vec<_>>(), [307, 204], "{messages:#?}");
}

#[tokio::test]
async fn address_leads_into_the_operators_own_network() {
    let system = System::start(Wishes::default()).await;
    let till = Till::open(&system, MERCHANT);
    let receiver = Receiver::start().await;
    let inside = [
        receiver.url(),
        receiver.url().replace("http", "https"),
        "https://127.0.0.1:8443/".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:127.0.0.1]:8443/".to_owned(),
        "https://2130706433:8443/".to_owned(),
        "https://user:word@shop.example/".to_owned(),
        "ftp://shop.example/".to_owned(),
    ];
    for url in inside {
        let answer = till.send("POST", "/v1/webhooks", &json!({ "url": url })).await.expect("an answer");
        assert_eq!((answer.status, text(&answer.body, "code")), (422, "webhook_url_refused"), "{url}");
    }
    // A name is resolved when it is called, and what it resolves to is refused then.
    let body = json!({ "url": "https://localhost:8443/" });
    let webhook = till.send("POST", "/v1/webhooks", &body).await.expect("an answer").body;
    till.send("POST", &format!("/v1/webhooks/{}/test", text(&webhook, "id")), &json!({})).await.expect("an answer");
    let refused = async || log(&till, &webhook).await[0]["reason"] == "address_refused";
    system.wait_until("the address is refused", refused).await;
    assert!(receiver.messages().is_empty());
}

#[tokio::test]
async fn another_merchants_webhooks_cannot_be_found() {
    let (_system, till) = open().await;
    for (method, path) in [
        ("DELETE", "/v1/webhooks/0198f000-0000-7000-8000-000000000000"),
        ("POST", "/v1/webhooks/0198f000-0000-7000-8000-000000000000/rotate"),
        ("POST", "/v1/webhooks/0198f000-0000-7000-8000-000000000000/test"),
        ("GET", "/v1/webhooks/0198f000-0000-7000-8000-000000000000/deliveries"),
    ] {
        assert_eq!(till.call(method, path).await.expect("an answer").status, 404, "{method} {path}");
    }
}

#[tokio::test]
async fn feed_waits_for_what_has_not_happened_yet() {
    let (system, till) = open().await;
    let started = std::time::Instant::now();
    let last = till.call("GET", "/v1/events?after=0&wait_s=0").await.expect("an answer").body;
    assert_eq!(last["events"], json!([]));
    let ask = Ask::default();
    let (page, asked) =
        tokio::join!(till.call("GET", "/v1/events?after=0&wait_s=25"), async { system.ask(&ask).await });
    let page = page.expect("an answer").body;
    assert_eq!(page["events"][0]["request_id"], asked["id"]);
    assert_eq!(page["events"][0]["type"], "request.created");
    assert!(started.elapsed().as_secs() < 25, "it answered when its time was up, not when something happened");
}
