//! Whom a request finds, and who is left alone: claims, payment numbers, blocks, caps, reports, and what nobody learns.

use std::time::{Duration, Instant};

use envelope::jws;
use payment::{Amount, Order, RequestState};
use protocol::merchant_api::{CreatePaymentRequest, PayerIdentifier, PaymentRequestView};
use protocol::wallet_api::{
    ConfirmClaim, CreatePaymentNumber, InboxPage, OtherDevices, PaymentNumberStatus, PaymentNumberView,
    PaymentNumbersView, ReleaseClaim, ReportReason, ReportRequest, SendersView, StartClaim,
};
use reqwest::{Method, StatusCode};

use crate::deployment::Deployment;
use crate::payer::{Answer, Payer};
use crate::refused;

fn email(address: &str) -> PayerIdentifier {
    PayerIdentifier::Email(address.to_owned())
}

/// Proves an address with the code that was mailed there.
pub async fn claim(deployment: &Deployment, payer: &Payer, address: &str, others: OtherDevices) {
    let is_code = |mail: &&String| mail.contains(&format!("To: {address}")) && !mail.contains("/r/");
    let before = deployment.mails().iter().filter(is_code).count();
    payer.post("/v1/claims", &StartClaim { identifier: email(address) }).await.unwrap();
    let mail = deployment.eventually(async || deployment.mails().iter().filter(is_code).nth(before).cloned()).await;
    let digits = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    let code = mail.lines().find(digits).unwrap().to_owned();
    let confirm = ConfirmClaim { identifier: email(address), code, others };
    assert_eq!(payer.post("/v1/claims/confirm", &confirm).await, Ok(StatusCode::NO_CONTENT));
}

pub async fn claimed(deployment: &Deployment, address: &str) -> Payer {
    let payer = deployment.payer().await;
    claim(deployment, &payer, address, OtherDevices::Keep).await;
    payer
}

/// A merchant asks, with an order of its own.
async fn ask(deployment: &Deployment, merchant: &str, payer: PayerIdentifier) -> (Order, Answer<PaymentRequestView>) {
    let order = Deployment::order_with(|draft| {
        draft.merchant_id = merchant.parse().unwrap();
        let payee = if merchant == "blue-door" { "Blue Door Café" } else { "Red Door" };
        payee.clone_into(&mut draft.payee_name);
    });
    let signed = jws::sign(&deployment.merchant_key(merchant), jws::TYP_ORDER, &order.canonical());
    let body = CreatePaymentRequest { order: signed, payer: Some(payer) };
    let answer = deployment.create_as(merchant, &order.request_id.to_string(), &body).await;
    (order, answer)
}

async fn inbox_has(payer: &Payer, order: &Order) -> bool {
    let page: InboxPage = payer.get("/v1/inbox").await.unwrap();
    page.requests.iter().any(|sealed| sealed.request_id == order.request_id)
}

async fn reaches(deployment: &Deployment, payer: &Payer, order: &Order) {
    deployment.eventually(async || inbox_has(payer, order).await.then_some(())).await;
}

async fn looks_delivered(deployment: &Deployment, order: &Order) {
    deployment.eventually(async || (deployment.state(order).await == RequestState::Delivered).then_some(())).await;
}

async fn number(payer: &Payer, wanted: &CreatePaymentNumber) -> PaymentNumberView {
    payer.send(Method::POST, "/v1/payment-numbers", wanted).await.unwrap().json().await.unwrap()
}

fn any_amount() -> CreatePaymentNumber {
    CreatePaymentNumber { max: None, merchant_id: None, minutes: 10 }
}

fn by_number(number: &PaymentNumberView) -> PayerIdentifier {
    PayerIdentifier::PaymentNumber(number.number.clone().unwrap())
}

/// Ten digits with a right check digit that are nobody's.
fn wrong_number(seed: u32) -> PayerIdentifier {
    let drawn = format!("{seed:09}");
    let check = protocol::wallet_api::payment_number_check_digit(&drawn).unwrap();
    PayerIdentifier::PaymentNumber(format!("{drawn}{check}"))
}

const INVALID: (u16, &str) = (422, "payment_number_invalid");

#[tokio::test]
async fn every_device_of_a_person_is_reached_until_it_is_released() {
    let deployment = Deployment::start().await;
    let (one, two) = (claimed(&deployment, "ann@example.org").await, claimed(&deployment, "ann@example.org").await);
    let (order, _) = ask(&deployment, "blue-door", email("Ann@EXAMPLE.org")).await;
    reaches(&deployment, &one, &order).await;
    reaches(&deployment, &two, &order).await;

    let release = ReleaseClaim { identifier: email("ann@example.org") };
    assert!(one.send(Method::DELETE, "/v1/claims", &release).await.is_ok());
    let (order, _) = ask(&deployment, "blue-door", email("ann@example.org")).await;
    reaches(&deployment, &two, &order).await;
    assert!(!inbox_has(&one, &order).await);
    // Whoever proves the address anew may ask to be the only one: the address may have had another owner before.
    claim(&deployment, &one, "ann@example.org", OtherDevices::Release).await;
    let (order, _) = ask(&deployment, "blue-door", email("ann@example.org")).await;
    reaches(&deployment, &one, &order).await;
    assert!(!inbox_has(&two, &order).await);
}

#[tokio::test]
async fn a_payment_number_brings_one_request_to_its_device() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let made = number(&payer, &any_amount()).await;
    assert_eq!(made.number.as_ref().unwrap().len(), 10);
    let (order, answer) = ask(&deployment, "blue-door", by_number(&made)).await;
    assert_eq!(answer.unwrap().state, RequestState::Delivering);
    reaches(&deployment, &payer, &order).await;
    looks_delivered(&deployment, &order).await;

    let (_, again) = ask(&deployment, "blue-door", by_number(&made)).await;
    assert_eq!(again.map(drop), refused(INVALID.0, INVALID.1));
    let listed: PaymentNumbersView = payer.get("/v1/payment-numbers").await.unwrap();
    let [listed] = listed.numbers.as_slice() else { panic!("{listed:?}") };
    assert_eq!((listed.status, listed.request_id), (PaymentNumberStatus::Used, Some(order.request_id)));
    assert_eq!(listed.merchant_id.as_ref().unwrap().as_str(), "blue-door", "the first use binds it");
    assert_eq!(listed.number, None, "the digits are told once");
}

#[tokio::test]
async fn a_number_out_of_its_scope_gets_the_answer_of_a_wrong_one() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let small = CreatePaymentNumber { max: Some(Amount::new(1279, "USD".parse().unwrap())), ..any_amount() };
    let euros = CreatePaymentNumber { max: Some(Amount::new(9999, "EUR".parse().unwrap())), ..any_amount() };
    let for_red = CreatePaymentNumber { merchant_id: Some("red-door".parse().unwrap()), ..any_amount() };
    let for_red = number(&payer, &for_red).await;
    for out_of_scope in [&number(&payer, &small).await, &number(&payer, &euros).await, &for_red] {
        let (_, answer) = ask(&deployment, "blue-door", by_number(out_of_scope)).await;
        assert_eq!(answer.map(drop), refused(INVALID.0, INVALID.1));
    }
    let (order, answer) = ask(&deployment, "red-door", by_number(&for_red)).await;
    assert!(answer.is_ok(), "a refused use does not use it up");
    reaches(&deployment, &payer, &order).await;
    let taken_back = number(&payer, &any_amount()).await;
    payer.call(Method::DELETE, &format!("/v1/payment-numbers/{}", taken_back.id), Vec::new()).await.unwrap();
    let (_, answer) = ask(&deployment, "red-door", by_number(&taken_back)).await;
    assert_eq!(answer.map(drop), refused(INVALID.0, INVALID.1));
}

#[tokio::test]
async fn a_merchant_that_guesses_numbers_is_stopped_even_with_the_right_one() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let made = number(&payer, &any_amount()).await;
    // A slip that the check digit notices is no guess.
    let slip = PayerIdentifier::PaymentNumber("1234567890".into());
    for _ in 0..6 {
        let (_, answer) = ask(&deployment, "blue-door", slip.clone()).await;
        assert_eq!(answer.map(drop), refused(INVALID.0, INVALID.1));
    }
    // Thirty tries at once are thirty tries.
    let tries = (0..30).map(|seed| ask(&deployment, "blue-door", wrong_number(seed)));
    let answers = futures::future::join_all(tries).await;
    let wrong = answers.iter().filter(|(_, answer)| *answer == refused(INVALID.0, INVALID.1)).count();
    let late = answers.iter().filter(|(_, answer)| *answer == refused(429, "rate_limited")).count();
    assert_eq!((wrong, late), (3, 27));
    let (_, answer) = ask(&deployment, "blue-door", by_number(&made)).await;
    assert_eq!(answer.map(drop), refused(429, "rate_limited"));
    // Somebody else is not hindered.
    let (order, answer) = ask(&deployment, "red-door", by_number(&made)).await;
    assert!(answer.is_ok());
    reaches(&deployment, &payer, &order).await;
}

#[tokio::test]
async fn numbers_are_bounded_in_life_and_count() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    for minutes in [0, 61] {
        let wanted = CreatePaymentNumber { minutes, ..any_amount() };
        assert_eq!(payer.post("/v1/payment-numbers", &wanted).await, refused(400, "invalid_input"));
    }
    for _ in 0..5 {
        assert_eq!(payer.post("/v1/payment-numbers", &any_amount()).await, Ok(StatusCode::CREATED));
    }
    assert_eq!(payer.post("/v1/payment-numbers", &any_amount()).await, refused(409, "payment_numbers_full"));
}

#[tokio::test]
async fn a_blocked_merchant_reaches_nobody_and_cannot_tell() {
    let deployment = Deployment::start().await;
    let (one, two) = (claimed(&deployment, "ann@example.org").await, claimed(&deployment, "ann@example.org").await);
    one.call(Method::PUT, "/v1/blocks/blue-door", Vec::new()).await.unwrap();
    let blocks: SendersView = two.get("/v1/blocks").await.unwrap();
    assert_eq!(blocks.merchants[0].merchant_id.as_str(), "blue-door", "the block is the person's");

    let (blocked, _) = ask(&deployment, "blue-door", email("ann@example.org")).await;
    looks_delivered(&deployment, &blocked).await;
    let (other, _) = ask(&deployment, "red-door", email("ann@example.org")).await;
    reaches(&deployment, &one, &other).await;
    reaches(&deployment, &two, &other).await;
    assert!(!inbox_has(&one, &blocked).await && !inbox_has(&two, &blocked).await);
    let letters = || deployment.mails().iter().filter(|mail| mail.contains("Blue Door")).count();
    assert_eq!(letters(), 0, "no mail either");
    let made = number(&two, &any_amount()).await;
    one.call(Method::PUT, "/v1/blocks/red-door", Vec::new()).await.unwrap();
    let (_, by_number) = ask(&deployment, "blue-door", by_number(&made)).await;
    assert!(by_number.is_ok(), "a number given by another device of the person's is an invitation");

    two.call(Method::DELETE, "/v1/blocks/blue-door", Vec::new()).await.unwrap();
    let (order, _) = ask(&deployment, "blue-door", email("ann@example.org")).await;
    reaches(&deployment, &one, &order).await;
}

#[tokio::test]
async fn a_person_who_is_asked_too_much_is_left_alone() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.with_caps(|caps| caps.payer_per_hour = 2);
    deployment.start_server().await;
    let payer = claimed(&deployment, "ann@example.org").await;
    let (first, _) = ask(&deployment, "blue-door", email("ann@example.org")).await;
    let (second, _) = ask(&deployment, "red-door", email("ann@example.org")).await;
    reaches(&deployment, &payer, &first).await;
    reaches(&deployment, &payer, &second).await;
    let (third, answer) = ask(&deployment, "blue-door", email("ann@example.org")).await;
    assert!(answer.is_ok());
    looks_delivered(&deployment, &third).await;
    let (stranger, _) = ask(&deployment, "blue-door", email("bob@example.org")).await;
    looks_delivered(&deployment, &stranger).await;
    assert!(!inbox_has(&payer, &third).await);
    let to_ann = deployment.mails().iter().filter(|mail| mail.contains("To: ann@") && mail.contains("/r/")).count();
    assert_eq!(to_ann, 2);
}

#[tokio::test]
async fn a_merchant_above_its_cap_is_told_when_to_come_back() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.with_caps(|caps| caps.merchant_per_minute = 2);
    deployment.start_server().await;
    for _ in 0..2 {
        assert!(ask(&deployment, "blue-door", email("ann@example.org")).await.1.is_ok());
    }
    let (_, third) = ask(&deployment, "blue-door", email("ann@example.org")).await;
    assert_eq!(third.map(drop), refused(429, "rate_limited"));
    deployment.requested().await;
    assert!(ask(&deployment, "red-door", email("ann@example.org")).await.1.is_ok(), "the cap is each merchant's own");
}

#[tokio::test]
async fn reports_of_several_people_stop_a_merchants_first_contacts() {
    let deployment = Deployment::start().await;
    let friend = claimed(&deployment, "friend@example.org").await;
    let (order, _) = ask(&deployment, "blue-door", email("friend@example.org")).await;
    reaches(&deployment, &friend, &order).await;
    let accept = format!("/v1/requests/{}/accept-sender", order.request_id);
    friend.call(Method::POST, &accept, Vec::new()).await.unwrap();
    let report = ReportRequest { reason: ReportReason::Impersonation, note: Some("not my café".into()) };
    let path = |order: &Order| format!("/v1/requests/{}/report", order.request_id);
    // Strangers with the link may report, and count for nothing.
    for _ in 0..3 {
        assert_eq!(deployment.payer().await.post(&path(&order), &report).await, Ok(StatusCode::NO_CONTENT));
    }
    for name in ["one", "two", "three"] {
        let address = format!("{name}@example.org");
        let payer = claimed(&deployment, &address).await;
        let (order, _) = ask(&deployment, "blue-door", email(&address)).await;
        reaches(&deployment, &payer, &order).await;
        assert_eq!(payer.post(&path(&order), &report).await, Ok(StatusCode::NO_CONTENT));
    }
    let newcomer = claimed(&deployment, "newcomer@example.org").await;
    let (kept_back, _) = ask(&deployment, "blue-door", email("newcomer@example.org")).await;
    looks_delivered(&deployment, &kept_back).await;
    let (known, _) = ask(&deployment, "blue-door", email("friend@example.org")).await;
    reaches(&deployment, &friend, &known).await;
    assert!(!inbox_has(&newcomer, &kept_back).await);
    let long = ReportRequest { reason: ReportReason::Other, note: Some("x".repeat(281)) };
    assert_eq!(friend.post(&path(&known), &long).await, refused(400, "invalid_input"));
}

/// What a merchant can read of a request, without its ids, words and times.
async fn visible(deployment: &Deployment, order: &Order) -> serde_json::Value {
    let mut view = serde_json::to_value(deployment.show(order).await).unwrap();
    for own in ["id", "created_ms", "expires_ms", "match_words", "match_words_zh"] {
        view.as_object_mut().unwrap().remove(own);
    }
    for delivery in view["deliveries"].as_array_mut().unwrap() {
        delivery.as_object_mut().unwrap().retain(|key, _| key != "id" && key != "changed_ms");
    }
    serde_json::json!({ "view": view, "events": deployment.events(order).await })
}

/// Whether two kinds of calls, interleaved, take the same time. More work for one would shift all of its times; a machine
/// with other work shifts some. So one part of the two rows of times agreeing is enough: by less than a quarter, or by less
/// than half a millisecond.
fn same_time(mut one: Vec<Duration>, mut other: Vec<Duration>) {
    one.sort_unstable();
    other.sort_unstable();
    let parts = [10, 4, 2].map(|part| (one[one.len() / part], other[other.len() / part]));
    let agree = |(one, other): &(Duration, Duration)| {
        let apart = one.abs_diff(*other);
        apart < Duration::from_micros(500) || apart * 4 < *one.min(other)
    };
    assert!(parts.iter().any(agree), "{parts:?}");
}

#[tokio::test]
async fn nobody_learns_whether_an_address_is_registered() {
    const ROUNDS: usize = 60;
    let deployment = Deployment::start().await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(claimed(&deployment, "known@example.org").await);
    }
    let prober = deployment.payer().await;
    let (mut known, mut unknown, mut known_claims, mut unknown_claims) = (vec![], vec![], vec![], vec![]);
    let mut last = Vec::new();
    for round in 0..ROUNDS {
        // Which comes first changes, so that neither is always the one after the other's work.
        let order_of = if round % 2 == 0 { ["known", "unknown"] } else { ["unknown", "known"] };
        for name in order_of {
            let address = format!("{name}@example.org");
            let started = Instant::now();
            let (order, answer) = ask(&deployment, "blue-door", email(&address)).await;
            let took = started.elapsed();
            assert!(answer.is_ok());
            if name == "known" { &mut known } else { &mut unknown }.push(took);
            last.push(order);
            let started = Instant::now();
            let start = StartClaim { identifier: email(&address) };
            prober.post("/v1/claims", &start).await.unwrap();
            if name == "known" { &mut known_claims } else { &mut unknown_claims }.push(started.elapsed());
        }
    }
    same_time(known, unknown);
    same_time(known_claims, unknown_claims);
    for order in last.iter().rev().take(2) {
        looks_delivered(&deployment, order).await;
    }
    let [one, other] = last.last_chunk::<2>().unwrap();
    assert_eq!(visible(&deployment, one).await, visible(&deployment, other).await);
}

#[tokio::test]
async fn a_scanner_that_opens_a_link_changes_nothing() {
    let deployment = Deployment::start().await;
    let order = Deployment::order();
    let created = deployment.create("key", &deployment.signed(&order)).await.unwrap();
    let link = created.link.unwrap();
    let token = link.split_once('#').unwrap().0.rsplit('/').next().unwrap();
    let before = visible(&deployment, &order).await;
    for path in [format!("/r/{token}"), format!("/v1/links/{token}")] {
        for method in [Method::GET, Method::HEAD] {
            for (header, value) in
                [("sec-purpose", "prefetch"), ("purpose", "preview"), ("user-agent", "LinkScanner/1.0")]
            {
                let call = deployment.client.request(method.clone(), format!("{}{path}", deployment.base));
                let answer = call.header(header, value).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK, "{method} {path}");
            }
        }
    }
    let page = deployment.client.get(format!("{}/r/{token}", deployment.base)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(page.contains("Open in Tapseal") && page.contains("在 Tapseal 中打开"));
    assert!(!page.contains(token), "the page is the same for every link");
    assert_eq!(visible(&deployment, &order).await, before);
    assert_eq!(deployment.state(&order).await, RequestState::Created);
}
