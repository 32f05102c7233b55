//! People who are left alone: asked too often, probed for, or guessed at.

use e2e::hand::Till;
use e2e::payer::Payer;
use e2e::system::{Ask, MERCHANT, System, Wishes, texts};
use futures::future::join_all;
use serde_json::{Value, json};

const KNOWN: &str = "ada@example.org";
const UNKNOWN: &str = "nobody@example.org";

async fn claimed(system: &System, place: usize) -> Payer {
    let payer = Payer::new(system);
    let codes = || system.mail().iter().filter(|mail| mail.contains(KNOWN) && !mail.contains("/r/")).count();
    payer.wallet(&["claim", KNOWN], "").await.success();
    system.wait_until("a new code has been sent", async || codes() > place).await;
    let digits = system.claim_code(KNOWN).await;
    payer.wallet(&["confirm", KNOWN, &digits], "").await.success();
    payer
}

fn to(address: &str, order: &str) -> Ask {
    Ask { email: Some(address.into()), order: order.into(), ..Ask::default() }
}

async fn asked(system: &System, address: &str, order: &str) -> String {
    system.ask(&to(address, order)).await["id"].as_str().expect("a created request has an id").to_owned()
}

async fn lists(payer: &Payer, request: &str) -> bool {
    payer.wallet(&["inbox"], "").await.output.contains(request)
}

#[tokio::test]
async fn a_person_asked_too_often_hears_no_more_and_the_merchant_cannot_tell() {
    let server = texts(&["--payer-requests-per-hour", "2"]);
    let system = System::start(Wishes { server, ..Wishes::default() }).await;
    let payer = claimed(&system, 0).await;
    for order in ["A-1", "A-2"] {
        let request = asked(&system, KNOWN, order).await;
        system.wait_until("the request is in the inbox", async || lists(&payer, &request).await).await;
    }
    let above = asked(&system, KNOWN, "A-3").await;
    let seen = system.wait_for_status(&above, "delivered").await;
    assert_eq!(seen["deliveries"][0]["status"], "sent", "{seen}");
    assert!(!lists(&payer, &above).await);
    let letters = system.mail().iter().filter(|mail| mail.contains(KNOWN) && mail.contains("/r/")).count();
    assert_eq!(letters, 2);
}

#[tokio::test]
async fn a_merchant_above_its_cap_is_told_to_wait() {
    let server = texts(&["--merchant-requests-per-minute", "2"]);
    let system = System::start(Wishes { server, ..Wishes::default() }).await;
    asked(&system, UNKNOWN, "A-1").await;
    asked(&system, UNKNOWN, "A-2").await;
    let refused = system.try_ask(&to(UNKNOWN, "A-3")).await;
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(format!("{refused:?}").contains("rate_limited"), "{refused:?}");
}

/// What a merchant can read of a request, without what is each request's own.
async fn visible(system: &System, request: &str) -> Value {
    let mut view = system.shown_to_merchant(request).await;
    let members = view.as_object_mut().expect("a request is an object");
    for own in ["id", "order_number", "created_ms", "expires_ms", "match_words", "match_words_zh"] {
        members.remove(own);
    }
    for delivery in view["deliveries"].as_array_mut().expect("deliveries are listed") {
        delivery.as_object_mut().expect("a delivery is an object").retain(|key, _| key != "id" && key != "changed_ms");
    }
    let till = Till::open(system, MERCHANT);
    let events = till.call("GET", &format!("/v1/payment-requests/{request}/events")).await.expect("an answer").body;
    let kinds: Vec<Value> =
        events["events"].as_array().expect("events are listed").iter().map(|event| event["type"].clone()).collect();
    json!({ "view": view, "events": kinds })
}

#[tokio::test]
async fn an_address_answered_for_by_three_devices_looks_like_one_nobody_claimed() {
    let system = System::start(Wishes::default()).await;
    for place in 0..3 {
        claimed(&system, place).await;
    }
    let till = Till::open(&system, MERCHANT);
    let (mut first, mut last) = ([String::new(), String::new()], [String::new(), String::new()]);
    // The caps are reached for both, so that what is kept back looks alike too.
    for round in 0..25 {
        for (which, address) in [KNOWN, UNKNOWN].into_iter().enumerate() {
            let letter = till.sign(&to(address, &format!("E-{round}-{which}")));
            let answer = till.ask_address(&letter, address).await.expect("an answer");
            assert_eq!(answer.status, 201, "{answer:?}");
            last[which] = letter.order.request_id.to_string();
            if round == 0 {
                first[which].clone_from(&last[which]);
            }
        }
    }
    for [known, unknown] in [&first, &last] {
        system.wait_for_status(known, "delivered").await;
        system.wait_for_status(unknown, "delivered").await;
        assert_eq!(visible(&system, known).await, visible(&system, unknown).await);
    }

    // Whoever starts to claim either learns nothing.
    let prober = Payer::new(&system);
    let [of_known, of_unknown] =
        [prober.wallet(&["claim", KNOWN], "").await, prober.wallet(&["claim", UNKNOWN], "").await];
    assert_eq!(of_known.code, of_unknown.code, "{of_known:?} {of_unknown:?}");
    assert_eq!(of_known.output.replace(KNOWN, ""), of_unknown.output.replace(UNKNOWN, ""));
}

/// Ten digits with a right check digit that are almost surely nobody's.
fn guess(seed: u32) -> Value {
    let drawn = format!("{seed:09}");
    let check = protocol::wallet_api::payment_number_check_digit(&drawn).expect("nine digits");
    json!({ "kind": "payment_number", "value": format!("{drawn}{check}") })
}

#[tokio::test]
async fn thirty_guesses_at_once_are_thirty_guesses_and_then_even_the_right_number_waits() {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let made = payer.wallet(&["numbers", "create"], "").await.success();
    let till = Till::open(&system, MERCHANT);
    let tries = (0..30).map(|seed| {
        let letter = till.sign(&Ask { order: format!("G-{seed}"), ..Ask::default() });
        let till = &till;
        async move { till.create_for(&letter, &guess(seed)).await.expect("an answer") }
    });
    let answers = join_all(tries).await;
    let count = |status, code: &str| answers.iter().filter(|it| it.status == status && it.code() == code).count();
    assert_eq!((count(422, "payment_number_invalid"), count(429, "rate_limited")), (3, 27), "{answers:?}");

    let right = json!({ "kind": "payment_number", "value": made["number"] });
    let answer = till.create_for(&till.sign(&Ask::default()), &right).await.expect("an answer");
    assert_eq!((answer.status, answer.code()), (429, "rate_limited"), "{answer:?}");
    let inbox = payer.wallet(&["inbox"], "").await.success();
    assert!(inbox.as_array().is_some_and(Vec::is_empty), "{inbox}");
}
