//! Silence, deaths and repetitions between wallet, server and bank: money is never lost, doubled or in doubt
//! without saying so.

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code, money_moved};
use e2e::process;
use e2e::system::{Ask, System, Wishes, texts};
use serde_json::Value;

/// The server waits this long for the bank in these tests, in milliseconds.
const ANSWER_TIMEOUT_MS: &str = "700";

fn hurried() -> Vec<String> {
    texts(&["--answer-timeout-ms", ANSWER_TIMEOUT_MS])
}

async fn opened(wishes: Wishes) -> (System, Payer, String) {
    let system = System::start(wishes).await;
    let payer = Payer::new(&system);
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    (system, payer, request)
}

#[tokio::test]
async fn bank_silent_is_unknown_then_reversed_and_the_request_can_be_paid_again() {
    let wishes = Wishes { bank: texts(&["--scenario", "silent"]), server: hurried(), ..Wishes::default() };
    let (system, payer, request) = opened(wishes).await;
    let card = Card::present(&system, "visa");
    let unknown = payer.pay(&request, &card, PIN).await;
    assert_eq!(unknown.code, 3, "{unknown:?}");
    assert_eq!(code(&unknown), "outcome_unknown", "{unknown:?}");
    assert_eq!(money_moved(&unknown), "unknown");
    let seen = system.shown_to_merchant(&request).await;
    assert_eq!(seen["status"], "outcome_unknown", "{seen}");
    assert!(seen["deadline_ms"].as_u64().is_some(), "the merchant sees the deadline: {seen}");

    // While it is in doubt, nobody may pay it again.
    let again = payer.pay(&request, &card, PIN).await;
    assert_ne!(again.code, 0, "{again:?}");
    assert_eq!(money_moved(&again), "unknown", "{again:?}");

    system.scenario("none").await;
    system.wait_for_status(&request, "seen").await;
    system.assert_merchant_received(0).await;
    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn bank_debits_then_falls_silent_and_the_inquiry_finds_the_approval() {
    let wishes = Wishes { bank: texts(&["--scenario", "debit_then_silent"]), server: hurried(), ..Wishes::default() };
    let (system, payer, request) = opened(wishes).await;
    let card = Card::present(&system, "visa");
    let unknown = payer.pay(&request, &card, PIN).await;
    assert!([0, 3].contains(&unknown.code), "paid if the inquiry was quick, else unknown: {unknown:?}");
    system.scenario("none").await;
    let seen = system.wait_for_status(&request, "paid").await;
    assert!(seen["outcome"].is_string());
    system.assert_merchant_received(1280).await;
    // The wallet learns the same truth, and keeps a receipt.
    system.wait_until("the wallet shows it as paid", async || payer.show(&request).await["phase"] == "paid").await;
    let receipts = payer.wallet(&["receipts"], "").await;
    assert!(receipts.output.contains("1280"), "{receipts:?}");
}

/// A payment during which the server aborts at `point`; the wallet cannot know how it ended. The server runs again.
async fn paid_through_a_crash(point: &str) -> (System, Payer, String, Card) {
    let wishes = Wishes { server: texts(&["--crash-at", point]), ..Wishes::default() };
    let (mut system, payer, request) = opened(wishes).await;
    let card = Card::present(&system, "visa");
    let unknown = payer.pay(&request, &card, PIN).await;
    assert_eq!(unknown.code, 3, "{unknown:?}");
    assert_eq!(money_moved(&unknown), "unknown", "{unknown:?}");
    system.server.as_mut().expect("it was started").ended().await;
    system.forget_server_wishes();
    system.start_server().await;
    (system, payer, request, card)
}

#[tokio::test]
async fn server_killed_after_bank_approved_settles_once_after_restart() {
    let (system, payer, request, _card) = paid_through_a_crash("after-bank-answer").await;
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(1280).await;
    system.wait_until("the wallet shows it as paid", async || payer.show(&request).await["phase"] == "paid").await;
}

#[tokio::test]
async fn server_killed_before_sending_reopens_the_request() {
    let (system, payer, request, card) = paid_through_a_crash("before-send").await;
    system.wait_for_status(&request, "seen").await;
    system.assert_merchant_received(0).await;
    assert_eq!(payer.pay(&request, &card, PIN).await.code, 0);
    system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn server_killed_after_commit_answers_the_same_result_again() {
    let (system, payer, request, _card) = paid_through_a_crash("after-commit").await;
    system.wait_until("the wallet shows it as paid", async || payer.show(&request).await["phase"] == "paid").await;
    system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn wallet_killed_after_submit_finds_the_truth_and_never_submits_again() {
    let wishes = Wishes { bank: texts(&["--scenario", "slow"]), ..Wishes::default() };
    let (system, payer, request) = opened(wishes).await;
    let card = Card::present(&system, "visa");
    let mut child = payer.start_paying(&request, &card, PIN).await;
    system
        .wait_until("the attempt is in flight", async || system.shown_to_merchant(&request).await["status"] != "seen")
        .await;
    child.kill().await.unwrap();
    system.wait_for_status(&request, "paid").await;
    let view = payer.show(&request).await;
    assert_eq!(view["phase"], "paid", "the wallet asks and shows the truth: {view}");
    assert!(view["receipt"].is_string(), "it keeps the receipt: {view}");
    system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn bank_killed_while_it_decides_moves_money_once_or_not_at_all() {
    let wishes = Wishes { bank: texts(&["--scenario", "slow"]), server: hurried(), ..Wishes::default() };
    let (mut system, payer, request) = opened(wishes).await;
    let card = Card::present(&system, "visa");
    let child = payer.start_paying(&request, &card, PIN).await;
    system
        .wait_until("the attempt is in flight", async || system.shown_to_merchant(&request).await["status"] != "seen")
        .await;
    system.bank.take().expect("it was started").kill().await;
    let unknown = process::finish("tapseal-wallet", child).await;
    assert_ne!(unknown.code, 1, "{unknown:?}");
    system.start_bank().await;
    let settled = |status: &Value| status == "paid" || status == "seen";
    system
        .wait_until("the outcome is known", async || settled(&system.shown_to_merchant(&request).await["status"]))
        .await;
    let paid = system.shown_to_merchant(&request).await["status"] == "paid";
    system.assert_merchant_received(if paid { 1280 } else { 0 }).await;
}

#[tokio::test]
async fn two_payers_race_and_one_is_charged() {
    let system = System::start(Wishes::default()).await;
    let created = system.ask(&Ask::default()).await;
    let (first, second) = (Payer::new(&system), Payer::new(&system));
    let request = first.open(&created).await;
    second.open(&created).await;
    let (visa, mastercard) = (Card::present(&system, "visa"), Card::present(&system, "mastercard"));
    let (one, other) = tokio::join!(first.pay(&request, &visa, PIN), second.pay(&request, &mastercard, PIN));
    let paid = [&one, &other].iter().filter(|finished| finished.code == 0).count();
    assert_eq!(paid, 1, "{one:?}\n{other:?}");
    system.assert_merchant_received(1280).await;
}
