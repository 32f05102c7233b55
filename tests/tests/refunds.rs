//! Money that goes back: in parts, too much, twice, at once, to a bank that is silent, lies or dies, and by a server that
//! cheats. Whatever happens, no more goes back than was paid, and the ledger sums to zero.

use e2e::hand::{Hand, SignedRefund, Till};
use e2e::line::{Line, Reference, financial_request, refund_outcome, refund_request, response_code};
use e2e::payer::PIN;
use e2e::scene::Scene;
use e2e::system::{Ask, MERCHANT, System, Wishes};
use iso8583::{Message, Mti};
use payment::RefundResult;
use serde_json::{Value, json};
use virtual_card::{Profile, VirtualCard};

/// What a request of a scene asks for, in minor units.
const PRICE: i64 = 1_280;

/// A paid request, and the till it was paid at.
async fn paid() -> (Scene, Till, String) {
    let scene = Scene::playing("none").await;
    // On a busy machine the bank may be asked what became of it; it is paid all the same.
    let (request, _) = scene.paid().await;
    scene.ends(&request, "paid", "paid", 1).await;
    let till = Till::open(&scene.system, MERCHANT);
    (scene, till, request)
}

/// Asks for a refund, which is taken.
async fn give_back(till: &Till, request: &str, minor: i64) -> SignedRefund {
    let signed = till.sign_refund(request, minor);
    let answer = till.refund(&signed).await.expect("an answer");
    assert_eq!(answer.status, 201, "{answer:?}");
    signed
}

async fn shown(till: &Till, refund: &SignedRefund) -> Value {
    till.call("GET", &format!("/v1/refunds/{}", refund.order.refund_id)).await.expect("an answer").body
}

async fn until(scene: &Scene, till: &Till, refund: &SignedRefund, status: &str) -> Value {
    scene.system.wait_until(status, async || shown(till, refund).await["status"] == status).await;
    shown(till, refund).await
}

/// Asserts what the merchant keeps and the payer has back, in the books and as both are shown it.
async fn assert_back(scene: &Scene, till: &Till, request: &str, minor: i64) {
    scene.system.assert_merchant_received(PRICE - minor).await;
    assert_eq!(scene.system.balance("cardholder:visa-0050").await, 100_000 - PRICE + minor);
    let refunds = till.call("GET", &format!("/v1/payment-requests/{request}/refunds")).await.expect("an answer").body;
    assert_eq!(refunds["refunded"]["minor"], minor, "{refunds}");
    assert_eq!(refunds["refundable"]["minor"], PRICE - minor, "{refunds}");
    let view = scene.system.shown_to_merchant(request).await;
    assert_eq!((&view["status"], &view["refunded_minor"]), (&json!("paid"), &json!(minor)), "{view}");
}

fn code(answer: Option<e2e::hand::Answer>) -> (u16, String) {
    let answer = answer.expect("an answer");
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn refund_in_parts_until_nothing_is_left() {
    let (scene, till, request) = paid().await;
    for (minor, back) in [(300, 300), (80, 380), (900, 1_280)] {
        let refund = give_back(&till, &request, minor).await;
        let view = until(&scene, &till, &refund, "refunded").await;
        assert!(view["outcome"].is_string(), "{view}");
        assert_back(&scene, &till, &request, back).await;
    }
    let answer = till.refund(&till.sign_refund(&request, 1)).await;
    assert_eq!(code(answer), (409, "refund_above_remaining".to_owned()));
    let events = scene.events(&request).await;
    let told: Vec<&str> = events.iter().map(String::as_str).filter(|kind| kind.contains("refund")).collect();
    let part = ["refund.pending", "refund.refunded", "request.partially_refunded"];
    let whole = ["refund.pending", "refund.refunded", "request.refunded"];
    assert_eq!(told, [part, part, whole].concat());
}

#[tokio::test]
async fn refund_of_everything_by_the_merchants_tool() {
    let (scene, till, request) = paid().await;
    let (data, url) = (scene.system.data(), scene.system.server_url());
    let place = ["--json", "--data", &data, "--server", &url, "--merchant", MERCHANT];
    let words = [&["merchant", "refund"][..], &place[..], &[request.as_str(), "--reason", "cold"][..]].concat();
    let view = scene.system.tapseal(&words).await.success();
    assert_eq!((&view["amount"]["minor"], &view["reason"]), (&json!(PRICE), &json!("cold")));
    let back = async || scene.system.balance(MERCHANT).await == 0;
    scene.system.wait_until("the money is back", back).await;
    let told = async || scene.events(&request).await.contains(&"request.refunded".to_owned());
    scene.system.wait_until("the merchant is told", told).await;
    assert_back(&scene, &till, &request, PRICE).await;
}

#[tokio::test]
async fn more_than_was_paid_is_refused_also_when_twenty_ask_at_once() {
    let (scene, till, request) = paid().await;
    let answer = till.refund(&till.sign_refund(&request, PRICE + 1)).await;
    assert_eq!(code(answer), (409, "refund_above_remaining".to_owned()));
    assert_back(&scene, &till, &request, 0).await;
    // Four of twenty fit.
    let refunds: Vec<SignedRefund> = (0..20).map(|_| till.sign_refund(&request, 300)).collect();
    let answers = futures::future::join_all(refunds.iter().map(|refund| till.refund(refund))).await;
    let taken = answers.iter().flatten().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().flatten().filter(|answer| answer.code() == "refund_above_remaining").count();
    assert_eq!((taken, refused), (4, 16), "{answers:?}");
    for (refund, answer) in refunds.iter().zip(&answers) {
        if answer.as_ref().is_some_and(|answer| answer.status == 201) {
            until(&scene, &till, refund, "refunded").await;
        }
    }
    assert_back(&scene, &till, &request, 1_200).await;
}

#[tokio::test]
async fn same_refund_twice_is_one_refund() {
    let (scene, till, request) = paid().await;
    let refund = give_back(&till, &request, 300).await;
    until(&scene, &till, &refund, "refunded").await;
    let again = till.refund(&refund).await.expect("an answer");
    assert_eq!((again.status, &again.body["status"]), (201, &json!("refunded")));
    // Another order under the same id is another matter.
    let mut other = till.sign_refund(&request, 400);
    other.order.refund_id = refund.order.refund_id;
    let key = e2e::hand::merchant_key(&scene.system, MERCHANT);
    other.jws = envelope::jws::sign(&key, envelope::jws::TYP_REFUND, &other.order.canonical());
    assert_eq!(code(till.refund(&other).await), (409, "refund_exists".to_owned()));
    assert_back(&scene, &till, &request, 300).await;
}

#[tokio::test]
async fn refund_that_is_not_the_merchants_to_make() {
    let (scene, till, request) = paid().await;
    let unpaid = scene.asked().await;
    assert_eq!(code(till.refund(&till.sign_refund(&unpaid, 1)).await), (409, "request_not_paid".to_owned()));
    let nobody = "0198f000-0000-7000-8000-000000000000";
    assert_eq!(code(till.refund(&till.sign_refund(nobody, 1)).await), (404, "not_found".to_owned()));
    let path = format!("/v1/payment-requests/{request}/refunds");
    let send = async |jws: &str| code(till.send("POST", &path, &json!({ "refund": jws })).await);
    // Of another request; signed by somebody else; an order in a refund's place.
    assert_eq!(send(&till.sign_refund(&unpaid, 1).jws).await, (422, "refund_invalid".to_owned()));
    let honest = till.sign_refund(&request, 300);
    let stranger = envelope::SigningKey::<envelope::Merchant>::generate();
    let forged = envelope::jws::sign(&stranger, envelope::jws::TYP_REFUND, &honest.order.canonical());
    assert_eq!(send(&forged).await, (422, "refund_signature_invalid".to_owned()));
    let key = e2e::hand::merchant_key(&scene.system, MERCHANT);
    let mistyped = envelope::jws::sign(&key, envelope::jws::TYP_ORDER, &honest.order.canonical());
    assert_eq!(send(&mistyped).await, (422, "refund_signature_invalid".to_owned()));
    assert_back(&scene, &till, &request, 0).await;
}

#[tokio::test]
async fn bank_gives_back_and_says_nothing() {
    let (scene, till, request) = paid().await;
    scene.play("[[rule]]\nwhen = { message = \"debit\", times = 3 }\ndo = \"unanswered\"\n").await;
    let refund = give_back(&till, &request, 300).await;
    until(&scene, &till, &refund, "refunded").await;
    assert_back(&scene, &till, &request, 300).await;
}

#[tokio::test]
async fn refund_is_lost_on_its_way_and_more_cannot_be_asked_for_meanwhile() {
    let (scene, till, request) = paid().await;
    scene.play("[[rule]]\nwhen = { message = \"debit\" }\ndo = \"silent\"\n").await;
    let refund = give_back(&till, &request, 1_000).await;
    // What is on its way counts, as long as the bank has not refused it.
    assert_eq!(code(till.refund(&till.sign_refund(&request, 300)).await), (409, "refund_above_remaining".to_owned()));
    assert_eq!(shown(&till, &refund).await["status"], "pending");
    scene.system.assert_merchant_received(PRICE).await;
    scene.play("none").await;
    until(&scene, &till, &refund, "refunded").await;
    assert_back(&scene, &till, &request, 1_000).await;
}

#[tokio::test]
async fn bank_answers_a_refund_late_and_twice() {
    let (scene, till, request) = paid().await;
    scene.play("slow:1500").await;
    let late = give_back(&till, &request, 300).await;
    until(&scene, &till, &late, "refunded").await;
    scene.play("duplicate").await;
    let twice = give_back(&till, &request, 80).await;
    until(&scene, &till, &twice, "refunded").await;
    assert_back(&scene, &till, &request, 380).await;
}

#[tokio::test]
async fn bank_refuses_a_refund_and_it_can_be_asked_for_again() {
    let (scene, till, request) = paid().await;
    scene.play("[[rule]]\nwhen = { message = \"debit\" }\ndo = \"decline\"\ncode = \"declined_do_not_honour\"\n").await;
    let refused = give_back(&till, &request, PRICE).await;
    let view = until(&scene, &till, &refused, "refused").await;
    assert_eq!(view["code"], "declined_do_not_honour", "{view}");
    assert_back(&scene, &till, &request, 0).await;
    scene.play("none").await;
    let refund = give_back(&till, &request, PRICE).await;
    until(&scene, &till, &refund, "refunded").await;
    assert_back(&scene, &till, &request, PRICE).await;
}

#[tokio::test]
async fn bank_contradicts_a_refund_and_a_person_has_it_asked_again() {
    let (scene, till, request) = paid().await;
    scene.play("[[rule]]\nwhen = { message = \"debit\" }\ndo = \"wrong_key\"\n").await;
    let refund = give_back(&till, &request, 300).await;
    until(&scene, &till, &refund, "needs_manual_review").await;
    let cases = scene.review(&["refunds"]).await.success();
    let id = refund.order.refund_id.to_string();
    assert_eq!(cases["refunds"][0]["refund_id"], id.as_str(), "{cases}");
    assert_eq!(cases["refunds"][0]["contradiction"], "outcome signature", "{cases}");
    let decide = async |words: &[&str]| {
        let fixed = ["decide-refund", id.as_str(), "--by", "op-7", "--note", "rang the bank"];
        scene.review(&[&fixed[..], words].concat()).await
    };
    let bare = decide(&["--step", "not-refunded"]).await;
    assert_ne!(bare.code, 0, "without evidence nothing is closed: {bare:?}");
    scene.play("none").await;
    decide(&["--step", "ask-again"]).await.success();
    until(&scene, &till, &refund, "refunded").await;
    assert_back(&scene, &till, &request, 300).await;
}

#[tokio::test]
async fn server_killed_before_and_after_the_bank_gave_back() {
    let (mut scene, till, request) = paid().await;
    let mut back = 0;
    for point in ["before-refund", "after-refund-answer"] {
        scene.system.server.take().expect("it runs").stop().await;
        scene.system.wish_for_server(&["--crash-at", point]);
        scene.system.start_server().await;
        let refund = till.sign_refund(&request, 300);
        // The server dies with this call or right after it.
        let _ = till.refund(&refund).await;
        scene.system.server.as_mut().expect("it was started").ended().await;
        scene.system.forget_server_wishes();
        scene.system.start_server().await;
        // The same call again: stored or not, it is one refund.
        let again = till.refund(&refund).await.expect("an answer");
        assert_eq!(again.status, 201, "{again:?}");
        until(&scene, &till, &refund, "refunded").await;
        back += 300;
        assert_back(&scene, &till, &request, back).await;
    }
}

/// A bank that was paid over the line, by a test in the server's place.
struct Cheat {
    system: System,
    till: Till,
    letter: e2e::hand::Letter,
    attempt: e2e::hand::Attempt,
    original: Reference,
    line: Line,
}

impl Cheat {
    async fn start() -> Self {
        let system = System::start(Wishes::default()).await;
        let till = Till::open(&system, MERCHANT);
        let hand = Hand::register(&system).await;
        let letter = hand.open(&system.ask(&Ask::default()).await).await;
        let to = hand.seal_to(&system).await;
        let card = &mut VirtualCard::new(Profile::built_in("visa").expect("a built-in profile"));
        let attempt = hand.attempt(&letter, &to, card, PIN);
        let original = Reference::new(1);
        let mut line = Line::connect(system.folder(), &system.bank_address()).await;
        let answer = line.ask(&financial_request(&letter, &attempt, &original)).await;
        assert_eq!(response_code(&answer), "00", "{answer:?}");
        Self { system, till, letter, attempt, original, line }
    }

    fn signed(&self, minor: i64) -> SignedRefund {
        self.till.sign_refund(&self.letter.order.request_id.to_string(), minor)
    }

    fn honest(&self, refund: &SignedRefund, stan: u32) -> Message {
        refund_request(refund, &self.original, &self.attempt, &Reference::new(stan))
    }

    async fn code(&mut self, message: &Message) -> String {
        response_code(&self.line.ask(message).await)
    }
}

#[tokio::test]
async fn server_changes_a_refund_on_its_way_to_the_bank() {
    let mut cheat = Cheat::start().await;
    let refund = cheat.signed(300);
    let honest = |stan| cheat.honest(&refund, stan);
    let elsewhere = Reference { stan: 77, ..cheat.original.clone() };
    let tampered = [
        (honest(2).with_text(4, "000000000301"), "63"),
        (honest(3).with_text(49, "978"), "63"),
        (honest(4).with_text(42, format!("{:<15}", "evil-shop")), "63"),
        (refund_request(&refund, &elsewhere, &cheat.attempt, &Reference::new(5)), "25"),
        (honest(6).with_text(2, "4761739001010010"), "30"),
        (honest(7).without(&[90]), "30"),
    ];
    for (message, expected) in tampered {
        assert_eq!(cheat.code(&message).await, expected, "{message:?}");
        cheat.system.assert_merchant_received(PRICE).await;
    }
    let stranger = envelope::SigningKey::<envelope::Merchant>::generate();
    let jws = envelope::jws::sign(&stranger, envelope::jws::TYP_REFUND, &refund.order.canonical());
    let forged = cheat.honest(&SignedRefund { jws, ..refund.clone() }, 8);
    assert_eq!(cheat.code(&forged).await, "63");
    cheat.system.assert_merchant_received(PRICE).await;
    // None of it spoilt the honest one.
    let message = cheat.honest(&refund, 9);
    let answer = cheat.line.ask(&message).await;
    let outcome = refund_outcome(&answer).expect("a signed outcome");
    assert!(matches!(outcome.decision, RefundResult::Refunded { .. }), "{outcome:?}");
    assert_eq!((outcome.refund_hash, outcome.amount), (refund.order.hash(), refund.order.amount));
    cheat.system.assert_merchant_received(PRICE - 300).await;
}

#[tokio::test]
async fn server_asks_the_bank_for_the_same_refund_again_and_again() {
    let mut cheat = Cheat::start().await;
    let refund = cheat.signed(900);
    let message = cheat.honest(&refund, 2);
    let first = cheat.line.ask(&message).await;
    let repeat = cheat.line.ask(&message.clone().with_mti(Mti::FINANCIAL_REPEAT)).await;
    assert_eq!(first, repeat);
    // As another message it is a duplicate with the same word, and of the rest no more goes back than is left.
    let message = cheat.honest(&refund, 3);
    let again = cheat.line.ask(&message).await;
    assert_eq!((response_code(&again), refund_outcome(&again)), ("94".to_owned(), refund_outcome(&first)));
    let message = cheat.honest(&cheat.signed(381), 4);
    assert_eq!(cheat.code(&message).await, "64");
    cheat.system.assert_merchant_received(PRICE - 900).await;
}

#[tokio::test]
async fn day_with_refunds_is_reconciled_with_the_bank() {
    let (scene, till, request) = paid().await;
    let refund = give_back(&till, &request, 300).await;
    until(&scene, &till, &refund, "refunded").await;
    let totals = scene.system.tapseal(&["totals", "--data", &scene.system.data(), "--json"]).await;
    assert_eq!(totals.code, 0, "{totals:?}\n{}", scene.system.logs());
    let day = &totals.lines[0];
    assert_eq!(day["state"], "agreed", "{day}");
    assert_eq!((&day["ours"]["credits"], &day["bank_s"]["credits_minor"]), (&json!(1), &json!(300)), "{day}");
}
