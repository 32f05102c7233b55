//! Two banks at once: one down, one silent, one lying about its cards, and the other none the worse.

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code, money_moved};
use e2e::second_bank::SecondBank;
use e2e::system::{Ask, System, Wishes, texts};
use protocol::ErrorCode;

/// Paid at the first bank.
const VISA: &str = "visa";
/// Paid at the second.
const MASTERCARD: &str = "mastercard";
/// Of neither bank.
const AMEX: &str = "amex";

/// The first bank has the Visa cards only.
fn wishes() -> Wishes {
    Wishes { seed: texts(&["--cards", VISA]), ..Wishes::default() }
}

async fn opened(system: &System, payer: &Payer, order: &str) -> String {
    payer.open(&system.ask(&Ask { order: order.to_owned(), ..Ask::default() }).await).await
}

#[tokio::test]
async fn each_card_is_paid_at_its_own_bank_and_a_card_of_neither_is_told_so() {
    let mut system = System::start(wishes()).await;
    let second = SecondBank::join(&mut system, MASTERCARD).await;
    let payer = Payer::new(&system);
    for (order, profile, bank) in [("A-1", VISA, "first"), ("A-2", MASTERCARD, "second")] {
        let request = opened(&system, &payer, order).await;
        let paid = payer.pay(&request, &Card::present(&system, profile), PIN).await;
        assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
        let shown = system.wait_for_status(&request, "paid").await;
        let outcome = envelope::jws::peek_payload_unverified(shown["outcome"].as_str().unwrap()).unwrap();
        assert_eq!(payment::Outcome::from_canonical(&outcome).unwrap().bank_id, bank);
    }
    let request = opened(&system, &payer, "A-3").await;
    let refused = payer.pay(&request, &Card::present(&system, AMEX), PIN).await;
    assert_eq!((code(&refused).as_str(), money_moved(&refused).as_str()), ("no_bank_for_card", "no"));
    system.assert_merchant_received(1280).await;
    second.assert_merchant_received(&system, 1280).await;
}

#[tokio::test]
async fn one_bank_killed_says_that_another_card_may_work_and_it_does() {
    let mut system = System::start(wishes()).await;
    let mut second = SecondBank::join(&mut system, MASTERCARD).await;
    let payer = Payer::new(&system);
    let request = opened(&system, &payer, "A-1").await;
    second.kill().await;
    second.line_is(&system, "down").await;
    let mastercard = Card::present(&system, MASTERCARD);
    let refused = payer.pay(&request, &mastercard, PIN).await;
    assert_eq!((code(&refused).as_str(), money_moved(&refused).as_str()), ("bank_unreachable", "no"));
    assert!(ErrorCode::BankUnreachable.message().contains("a card of another bank may work"));
    let paid = payer.pay(&request, &Card::present(&system, VISA), PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");

    let request = opened(&system, &payer, "A-2").await;
    second.start(&system).await;
    second.line_is(&system, "up").await;
    let paid = payer.pay(&request, &mastercard, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    system.assert_merchant_received(1280).await;
    second.assert_merchant_received(&system, 1280).await;
}

#[tokio::test]
async fn one_banks_unknown_outcome_is_found_at_that_bank_and_holds_up_nobody_else() {
    let mut system = System::start(Wishes { server: texts(&["--answer-timeout-ms", "700"]), ..wishes() }).await;
    let mut second = SecondBank::join(&mut system, MASTERCARD).await;
    let payer = Payer::new(&system);
    second.scenario(&system, "debit_then_deaf").await;
    let doubtful = opened(&system, &payer, "A-1").await;
    let unknown = payer.pay(&doubtful, &Card::present(&system, MASTERCARD), PIN).await;
    assert_eq!((code(&unknown).as_str(), money_moved(&unknown).as_str()), ("outcome_unknown", "unknown"));
    // The bank dies with the answer, and the first bank's payers notice nothing.
    second.kill().await;
    for order in ["A-2", "A-3"] {
        let request = opened(&system, &payer, order).await;
        let paid = payer.pay(&request, &Card::present(&system, VISA), PIN).await;
        assert_eq!(paid.code, 0, "{paid:?}");
    }
    assert_eq!(system.shown_to_merchant(&doubtful).await["status"], "outcome_unknown");
    second.start(&system).await;
    let settled =
        async || ["paid", "seen"].contains(&system.shown_to_merchant(&doubtful).await["status"].as_str().unwrap());
    system.wait_until("the second bank has told the truth", settled).await;
    let paid = system.shown_to_merchant(&doubtful).await["status"] == "paid";
    second.assert_merchant_received(&system, if paid { 1280 } else { 0 }).await;
    system.assert_merchant_received(2 * 1280).await;
}

#[tokio::test]
async fn a_bank_that_takes_anothers_cards_is_refused_them_and_if_it_has_them_nobody_pays_with_them() {
    let mut system = System::start(wishes()).await;
    let mut second = SecondBank::found(&system).await;
    let refused = second.seed(&system, VISA).await;
    assert!(refused.code != 0 && refused.errors.contains("the bank first's"), "{refused:?}");
    // A bank that keeps to no register.
    std::fs::remove_file(system.folder().join("issuer-register.json")).unwrap();
    second.seed(&system, "visa,mastercard").await.success();
    second.start(&system).await;
    second.connect(&mut system).await;
    let payer = Payer::new(&system);
    let request = opened(&system, &payer, "A-1").await;
    let refused = payer.pay(&request, &Card::present(&system, VISA), PIN).await;
    assert_eq!((code(&refused).as_str(), money_moved(&refused).as_str()), ("bank_ambiguous", "no"));
    assert!(system.logs().contains("two banks claim the same cards"), "the server says so too");
    let paid = payer.pay(&request, &Card::present(&system, MASTERCARD), PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    system.assert_merchant_received(0).await;
    second.assert_merchant_received(&system, 1280).await;
}

#[tokio::test]
async fn both_banks_agree_about_the_day_though_one_lost_an_answer_and_undid_it() {
    let mut system = System::start(Wishes { server: texts(&["--answer-timeout-ms", "700"]), ..wishes() }).await;
    let second = SecondBank::join(&mut system, MASTERCARD).await;
    let payer = Payer::new(&system);
    let mastercard = Card::present(&system, MASTERCARD);
    second.scenario(&system, "debit_then_deaf").await;
    let undone = opened(&system, &payer, "A-1").await;
    assert_eq!(code(&payer.pay(&undone, &mastercard, PIN).await), "outcome_unknown");
    system.wait_for_status(&undone, "seen").await;
    second.scenario(&system, "none").await;
    for (order, card) in [("A-2", &mastercard), ("A-3", &Card::present(&system, VISA))] {
        let request = opened(&system, &payer, order).await;
        assert_eq!(payer.pay(&request, card, PIN).await.code, 0);
    }
    let reconciled = system.tapseal(&["totals", "--data", &system.data(), "--json"]).await;
    assert_eq!(reconciled.code, 0, "{reconciled:?}\n{}", system.logs());
    let counts = |view: &serde_json::Value| {
        assert_eq!(view["ours"], view["bank_s"]);
        let count = |name: &str| view["ours"][name].as_i64().unwrap();
        (view["bank"].as_str().unwrap().to_owned(), count("debits"), count("reversals"))
    };
    let told: Vec<_> = reconciled.lines.iter().map(counts).collect();
    assert_eq!(told, [("first".to_owned(), 1, 0), ("second".to_owned(), 2, 1)]);
}

#[tokio::test]
async fn server_killed_while_both_banks_decide_settles_each_at_its_own() {
    let mut system = System::start(wishes()).await;
    let second = SecondBank::join(&mut system, MASTERCARD).await;
    system.scenario("slow:1500").await;
    second.scenario(&system, "slow:1500").await;
    let (one, other) = (Payer::new(&system), Payer::new(&system));
    let requests = [opened(&system, &one, "A-1").await, opened(&system, &other, "A-2").await];
    let (visa, mastercard) = (Card::present(&system, VISA), Card::present(&system, MASTERCARD));
    let paying =
        [one.start_paying(&requests[0], &visa, PIN).await, other.start_paying(&requests[1], &mastercard, PIN).await];
    for request in &requests {
        let in_flight = async || system.shown_to_merchant(request).await["status"] == "in_flight";
        system.wait_until("the attempt is in flight", in_flight).await;
    }
    system.server.take().unwrap().kill().await;
    system.scenario("none").await;
    second.scenario(&system, "none").await;
    system.start_server().await;
    for request in &requests {
        system.wait_for_status(request, "paid").await;
    }
    system.assert_merchant_received(1280).await;
    second.assert_merchant_received(&system, 1280).await;
    drop(paying);
}
