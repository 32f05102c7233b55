//! Messages on their way to people, over servers that are not ours: Postfix, and npm's short message centre.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use e2e::hand::{Letter, Till};
use e2e::post::{Postfix, Smsc};
use e2e::system::{Ask, MERCHANT, System, Wishes, texts};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// Deliveries of each kind in the flood.
const FLOOD: usize = 500;
/// How long a flood may take, with a server killed in its middle.
const FLOOD_WAIT: Duration = Duration::from_mins(4);
/// How many requests are made at once.
const AT_ONCE: usize = 16;
/// How many messages are out when the server is killed.
const KILL_AFTER: usize = 400;
/// The pause between two looks at what nothing announces.
const POLL: Duration = Duration::from_millis(50);

/// The payment server's arguments for a Postfix of the test's own.
fn over(postfix: &Postfix, system: &System) -> Vec<String> {
    let bounces = postfix.mailbox("bounces");
    let ca = system.folder().join("tls/ca.pem");
    let (bounces, ca) = (bounces.to_str().expect("plain"), ca.to_str().expect("plain"));
    texts(&[
        "--smtp",
        &postfix.url(),
        "--gateway-ca",
        ca,
        "--mail-from",
        "Tapseal <no-reply@back.example.org>",
        "--mail-return-path",
        "bounces@back.example.org",
        "--bounce-dir",
        bounces,
    ])
}

/// Servers with further arguments for the payment server that name what was started meanwhile.
async fn system(arguments: impl AsyncFnOnce(&System) -> Option<Vec<String>>) -> Option<System> {
    let (mut system, port) = System::with_keys(Wishes::default()).await;
    system.tapseal(&["migrate", "--data", &system.data()]).await.success();
    let arguments = arguments(&system).await?;
    system.wish_for_server(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    system.start_all(port).await;
    Some(system)
}

/// A request by this identifier.
async fn ask(till: &Till, kind: &str, value: &str) -> Letter {
    let letter = till.sign(&Ask::default());
    let payer = json!({ "kind": kind, "value": value });
    let answer = till.create_for(&letter, &payer).await.expect("the payment server answers");
    assert_eq!(answer.status, 201, "{answer:?}");
    letter
}

/// The same, until the server takes it: it may be away. The key makes it one request.
async fn ask_until_taken(till: &Till, kind: &str, value: &str) {
    let letter = till.sign(&Ask::default());
    let payer = json!({ "kind": kind, "value": value });
    while till.create_for(&letter, &payer).await.is_none_or(|answer| answer.status != 201) {
        tokio::time::sleep(POLL).await;
    }
}

/// A request's deliveries as its merchant sees them.
async fn deliveries(till: &Till, letter: &Letter) -> Vec<Value> {
    let path = format!("/v1/payment-requests/{}/deliveries", letter.order.request_id);
    let answer = till.call("GET", &path).await.expect("the payment server answers");
    answer.body["deliveries"].as_array().expect("a list").clone()
}

async fn until_delivery(system: &System, till: &Till, letter: &Letter, status: &str) -> Value {
    let is_so = async || deliveries(till, letter).await[0]["status"] == status;
    system.wait_until(status, is_so).await;
    deliveries(till, letter).await[0].clone()
}

async fn events(till: &Till, letter: &Letter) -> Vec<String> {
    let id = letter.order.request_id.to_string();
    let answer = till.call("GET", "/v1/events?after=0").await.expect("the payment server answers");
    let events = answer.body["events"].as_array().expect("a list").clone();
    let own = events.iter().filter(|event| event["request_id"] == id.as_str());
    own.map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

#[tokio::test]
async fn mail_arrives_over_tls_and_an_address_that_is_not_there_is_told_by_its_bounce() {
    let mut kept = None;
    let started = system(async |system| {
        let postfix = kept.insert(Postfix::start(&system.folder().join("tls")).await?);
        Some(over(postfix, system))
    });
    let Some(system) = started.await else { return };
    let postfix = kept.expect("it was started");
    let till = Till::open(&system, MERCHANT);

    let letter = ask(&till, "email", "ann+shop@example.org").await;
    system.wait_until("the mail is there", async || !postfix.mails("ann").is_empty()).await;
    let mail = &postfix.mails("ann")[0];
    assert!(mail.contains("with ESMTPS") && mail.contains("To: ann+shop@example.org"), "{mail}");
    assert!(mail.contains("Auto-Submitted: auto-generated") && mail.contains("Return-Path: <bounces+"), "{mail}");
    assert!(!mail.contains("12.80") && !mail.contains("A-1042"), "{mail}");
    system.wait_for_status(&letter.order.request_id.to_string(), "delivered").await;

    // Postfix takes it, finds nobody, and sends it back.
    let lost = ask(&till, "email", "nobody@example.org").await;
    let delivery = until_delivery(&system, &till, &lost, "failed").await;
    assert_eq!(delivery["reason"], "address_refused", "{}", postfix.log());
    system.wait_for_status(&lost.order.request_id.to_string(), "undeliverable").await;
    let events = events(&till, &lost).await;
    let wanted = [
        "request.created",
        "request.delivering",
        "delivery.sent",
        "request.delivered",
        "delivery.failed",
        "request.undeliverable",
    ];
    assert_eq!(events, wanted);
    let read = std::fs::read_dir(postfix.mailbox("bounces").join("cur")).expect("a Maildir").count();
    assert_eq!(read, 1, "the bounce was read and kept");

    // A domain that Postfix does not relay to is refused in the dialogue: no bounce is needed.
    let refused = ask(&till, "email", "ann@elsewhere.example.net").await;
    assert_eq!(until_delivery(&system, &till, &refused, "failed").await["reason"], "address_refused");
    assert_eq!(postfix.mails("bounces").len(), 0);
}

#[tokio::test]
async fn a_chinese_text_travels_in_parts_and_its_receipts_say_that_it_arrived() {
    let Some(mut smsc) = Smsc::start().await else { return };
    let started = system(async |_| Some(texts(&["--sms", &smsc.url()])));
    let system = started.await.expect("nothing else is needed");
    let till = Till::open(&system, MERCHANT);
    assert_eq!(smsc.until("bound", 1).await[0]["version"], 0x34);

    let letter = ask(&till, "phone", "+8613800138000").await;
    let parts = smsc.until("submitted", 2).await;
    assert!(
        parts.iter().all(|part| part["coding"] == 8 && part["esm_class"] == 0x40 && part["registered"] == 1),
        "{parts:?}"
    );
    assert!(parts.iter().all(|part| part["to"] == "8613800138000" && part["from"] == "Tapseal"), "{parts:?}");
    assert_eq!((&parts[0]["header"][3], &parts[1]["header"][4]), (&json!(2), &json!(2)), "{parts:?}");
    let text: String = parts.iter().map(|part| part["text"].as_str().expect("text")).collect();
    assert!(text.starts_with("Blue Door Café 请您付款：https://"), "{text}");
    until_delivery(&system, &till, &letter, "delivered").await;

    // One part in the alphabet of GSM, and a receipt that is faster than the answer.
    smsc.behave(&json!({ "receipts_early": true })).await;
    let letter = ask(&till, "phone", "+12025550100").await;
    let part = smsc.until("submitted", 3).await[2].clone();
    assert_eq!((&part["coding"], &part["esm_class"], &part["header"]), (&json!(0), &json!(0), &Value::Null));
    assert!(part["text"].as_str().expect("text").starts_with("Blue Door Café asks you for a payment: https://"));
    until_delivery(&system, &till, &letter, "delivered").await;
    assert!(
        smsc.until("receipt", 3).await.iter().all(|receipt| receipt["status"] == 0),
        "each receipt is acknowledged"
    );

    // Both sides ask whether the other lives; and the server says goodbye when it stops.
    smsc.until("enquired", 1).await;
    smsc.behave(&json!({ "enquire": true })).await;
    smsc.until("link_alive", 1).await;
    let mut system = system;
    system.server.take().expect("it runs").stop().await;
    smsc.until("unbound", 1).await;
}

#[tokio::test]
async fn a_centre_that_throttles_and_hangs_up_gets_every_message() {
    let Some(mut smsc) = Smsc::start().await else { return };
    let system = system(async |_| Some(texts(&["--sms", &smsc.url()]))).await.expect("nothing else is needed");
    let till = Till::open(&system, MERCHANT);
    smsc.until("bound", 1).await;
    smsc.behave(&json!({ "throttle": 2 })).await;
    let letter = ask(&till, "phone", "+12025550100").await;
    until_delivery(&system, &till, &letter, "delivered").await;
    assert_eq!((smsc.all("throttled").len(), smsc.all("submitted").len()), (2, 1), "it was sent when there was room");

    // It takes the message, and hangs up before it says so: the message goes once more, over a new session.
    smsc.behave(&json!({ "drop_after": 2 })).await;
    let letter = ask(&till, "phone", "+12025550101").await;
    until_delivery(&system, &till, &letter, "delivered").await;
    assert_eq!(smsc.all("bound").len(), 2);
    let to_them = smsc.all("submitted").iter().filter(|part| part["to"] == "12025550101").count();
    assert_eq!(to_them, 2, "one duplicate and no more");
}

#[tokio::test]
async fn a_dead_centre_and_one_that_cannot_reach_the_phone_are_followed_by_the_next() {
    let (Some(mut first), Some(second)) = (Smsc::start().await, Smsc::start().await) else { return };
    let dead = format!("smpp://tap:s3cret@127.0.0.1:{}", e2e::system::free_port());
    let urls = [dead, first.url(), second.url()];
    let arguments = urls.iter().flat_map(|url| ["--sms".to_owned(), url.clone()]).collect::<Vec<_>>();
    let system = system(async move |_| Some(arguments)).await.expect("nothing else is needed");
    let till = Till::open(&system, MERCHANT);
    first.until("bound", 1).await;
    second.until("bound", 1).await;
    let letter = ask(&till, "phone", "+12025550100").await;
    until_delivery(&system, &till, &letter, "delivered").await;
    assert_eq!((first.all("submitted").len(), second.all("submitted").len()), (1, 0), "the dead one is passed over");

    // The first takes it and finds no phone: the second sends it, with a link of its own.
    first.behave(&json!({ "receipts": "UNDELIV" })).await;
    let letter = ask(&till, "phone", "+12025550101").await;
    until_delivery(&system, &till, &letter, "delivered").await;
    let (one, other) = (first.all("submitted")[1].clone(), second.all("submitted")[0].clone());
    assert_eq!((&one["to"], &other["to"]), (&json!("12025550101"), &json!("12025550101")));
    assert_ne!(one["text"], other["text"], "the first link's key was gone");
    assert_eq!(events(&till, &letter).await.iter().filter(|kind| *kind == "delivery.failed").count(), 0);
}

#[tokio::test]
async fn a_server_killed_amid_a_thousand_deliveries_loses_none_and_repeats_each_once_at_most() {
    let Some(mut smsc) = Smsc::start().await else { return };
    let mut kept = None;
    let url = smsc.url();
    let started = system(async |system| {
        let postfix = kept.insert(Postfix::start(&system.folder().join("tls")).await?);
        Some([over(postfix, system), texts(&["--sms", &url])].concat())
    });
    let Some(mut system) = started.await else { return };
    let postfix = kept.expect("it was started");
    smsc.behave(&json!({ "receipts": null })).await;
    smsc.until("bound", 1).await;
    let till = Till::open(&system, MERCHANT);
    let identifiers =
        (0..FLOOD).flat_map(|n| [("email", format!("p{n}@example.org")), ("phone", format!("+1202555{n:04}"))]);
    let begun = Instant::now();
    let asking = stream::iter(identifiers).for_each_concurrent(AT_ONCE, |(kind, value)| {
        let till = &till;
        async move { ask_until_taken(till, kind, &value).await }
    });
    let sent = || postfix.mails("load").len() + smsc.all("submitted").len();
    let killing = async {
        while sent() < KILL_AFTER {
            assert!(begun.elapsed() < FLOOD_WAIT, "only {} were sent", sent());
            tokio::time::sleep(POLL).await;
        }
        let at_kill = (sent(), begun.elapsed());
        system.server.take().expect("it runs").kill().await;
        system.start_server().await;
        (at_kill, Instant::now())
    };
    let ((), ((at_kill, killed_after), back)) = tokio::join!(asking, killing);
    let everyone = || mails_by_receiver(&postfix).len() == FLOOD && texts_by_receiver(&smsc).len() == FLOOD;
    while !everyone() {
        let so_far = (mails_by_receiver(&postfix).len(), texts_by_receiver(&smsc).len());
        assert!(back.elapsed() < FLOOD_WAIT, "lost some: {so_far:?} of {FLOOD} each\n{}", system.logs());
        tokio::time::sleep(POLL).await;
    }
    let took = back.elapsed();
    let all_recorded = async || {
        let page = till.call("GET", "/v1/payment-requests?status=delivering").await;
        page.is_some_and(|page| page.body["requests"] == json!([]))
    };
    system.wait_until("everything is recorded", all_recorded).await;
    let (mails, texts) = (mails_by_receiver(&postfix), texts_by_receiver(&smsc));
    let most = mails.values().chain(texts.values()).max().copied().unwrap_or_default();
    let twice = mails.values().chain(texts.values()).filter(|count| **count > 1).count();
    eprintln!(
        "{at_kill} of {} messages were out {:.1} s after the first request, when the server was killed; the last was out \
         {:.1} s after it was back; {twice} went twice",
        2 * FLOOD,
        killed_after.as_secs_f32(),
        took.as_secs_f32()
    );
    assert!(most <= 2, "somebody got a message {most} times");
}

fn mails_by_receiver(postfix: &Postfix) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for mail in postfix.mails("load") {
        let to = mail.lines().find_map(|line| line.strip_prefix("To: ")).expect("a receiver").to_owned();
        *counts.entry(to).or_default() += 1;
    }
    counts
}

fn texts_by_receiver(smsc: &Smsc) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for part in smsc.all("submitted") {
        *counts.entry(part["to"].as_str().expect("a number").to_owned()).or_default() += 1;
    }
    counts
}
