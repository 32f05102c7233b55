//! Several banks at once: each card to its own, and none in the way of another.

use envelope::outer::Route;
use iso8583::Mti;
use payment::{AttemptState, Order, RequestState};
use protocol::wallet_api::{AttemptView, KeysetView};

use crate::bank::{Bank, IIN, OnFollowUp, OnPayment};
use crate::deployment::Deployment;
use crate::payer::{Answer, Payer};
use crate::refused;

/// The issuer prefix that the second bank answers for.
const SECOND_IIN: &str = "541333";
/// How many payments wait for a slow bank at one time.
const MANY: usize = 200;

/// A server with two banks; the second says that it answers for cards with this prefix.
async fn two_banks(second_iin: &'static str) -> (Deployment, Bank) {
    let (mut deployment, second) = two_banks_without_server(second_iin).await;
    deployment.start_server().await;
    (deployment, second)
}

async fn two_banks_without_server(second_iin: &'static str) -> (Deployment, Bank) {
    let (dir, folder) = Deployment::keys(&["first", "second"]);
    let first = Bank::start(&folder).await;
    let second = Bank::start_as(&folder, "second", second_iin).await;
    let mut deployment = Deployment::of(dir, folder, first);
    deployment.add_bank("second", second.addr);
    (deployment, second)
}

/// Pays a new request with a card of this prefix.
async fn pay(deployment: &Deployment, payer: &Payer, iin: &str) -> (Order, Answer<AttemptView>) {
    let order = deployment.requested().await;
    let answer = pay_order(payer, &order, iin).await;
    (order, answer)
}

async fn pay_order(payer: &Payer, order: &Order, iin: &str) -> Answer<AttemptView> {
    let attempt = payer.seal_with(order, |routing| routing.route = Route::Card { issuer_iin: iin.into() }).await;
    payer.submit(order, &attempt).await
}

async fn served(payer: &Payer) -> usize {
    payer.get::<KeysetView>("/v1/keyset").await.unwrap().bank_certificates.len()
}

#[tokio::test]
async fn a_card_is_paid_at_its_own_bank() {
    let (deployment, second) = two_banks(SECOND_IIN).await;
    let payer = deployment.payer().await;
    assert_eq!(served(&payer).await, 2);
    assert_eq!(pay(&deployment, &payer, IIN).await.1.unwrap().state, AttemptState::Approved);
    for _ in 0..2 {
        assert_eq!(pay(&deployment, &payer, SECOND_IIN).await.1.unwrap().state, AttemptState::Approved);
    }
    let sent = [deployment.bank.messages(Mti::FINANCIAL_REQUEST), second.messages(Mti::FINANCIAL_REQUEST)];
    assert_eq!(sent.each_ref().map(Vec::len), [1, 2]);
    let mut references: Vec<_> =
        sent.iter().flatten().map(|message| (message.text(11).unwrap(), message.text(37).unwrap())).collect();
    references.sort_unstable();
    references.dedup();
    assert_eq!(references.len(), 3, "one sequence for both lines");
    assert_eq!(pay(&deployment, &payer, "400000").await.1, refused(422, "no_bank_for_card"));
}

#[tokio::test]
async fn a_bank_that_goes_away_leaves_the_other_at_work_and_is_found_again() {
    let (deployment, mut second) = two_banks(SECOND_IIN).await;
    let payer = deployment.payer().await;
    second.go_away().await;
    deployment.line_is("second", "down").await;
    let (order, answer) = pay(&deployment, &payer, SECOND_IIN).await;
    assert_eq!(answer, refused(503, "bank_unreachable"));
    assert_eq!(deployment.state(&order).await, RequestState::Created, "nothing was stored or sent");
    assert_eq!(served(&payer).await, 2, "its certificate stays good until it expires");
    assert_eq!(pay_order(&payer, &order, IIN).await.unwrap().state, AttemptState::Approved, "another card works");
    second.come_back().await;
    deployment.line_is("second", "up").await;
    assert_eq!(pay(&deployment, &payer, SECOND_IIN).await.1.unwrap().state, AttemptState::Approved);
    assert_eq!(second.messages(Mti::FINANCIAL_REQUEST).len(), 1);
}

#[tokio::test]
async fn a_server_that_starts_while_a_bank_is_away_knows_it_from_before() {
    let (mut deployment, mut second) = two_banks(SECOND_IIN).await;
    second.go_away().await;
    deployment.stop_server().await;
    deployment.start_server_alone().await;
    deployment.line_is("first", "up").await;
    let payer = deployment.payer().await;
    assert_eq!(served(&payer).await, 2);
    assert_eq!(pay(&deployment, &payer, SECOND_IIN).await.1, refused(503, "bank_unreachable"));
    assert_eq!(pay(&deployment, &payer, IIN).await.1.unwrap().state, AttemptState::Approved);
}

#[tokio::test]
async fn cards_that_two_banks_claim_are_sent_to_neither() {
    // An eight-digit prefix within the first bank's six.
    let (deployment, second) = two_banks("47613477").await;
    let payer = deployment.payer().await;
    assert_eq!(pay(&deployment, &payer, "47613477").await.1, refused(422, "bank_ambiguous"));
    // Six digits do not tell such a card from the first bank's own; eight do.
    assert_eq!(pay(&deployment, &payer, IIN).await.1, refused(422, "bank_ambiguous"));
    assert_eq!(pay(&deployment, &payer, "47613400").await.1.unwrap().state, AttemptState::Approved);
    assert_eq!(second.messages(Mti::FINANCIAL_REQUEST).len(), 0);
    assert_eq!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).len(), 1);
}

#[tokio::test]
async fn one_banks_silence_is_its_own() {
    let (deployment, second) = two_banks(SECOND_IIN).await;
    let payer = deployment.payer().await;
    second.on_payment(OnPayment::ApproveUnheard);
    second.on_inquiry(OnFollowUp::Ignore);
    second.ignore_reversals(usize::MAX);
    let (doubtful, answer) = pay(&deployment, &payer, SECOND_IIN).await;
    assert_eq!(answer.unwrap().state.name(), "no_answer");
    for _ in 0..3 {
        assert_eq!(pay(&deployment, &payer, IIN).await.1.unwrap().state, AttemptState::Approved);
    }
    second.has_seen(Mti::INQUIRY, 1).await;
    second.has_seen(Mti::REVERSAL_ADVICE, 1).await;
    assert_eq!(deployment.state(&doubtful).await.name(), "outcome_unknown");
    second.ignore_reversals(0);
    deployment.eventually(async || deployment.state(&doubtful).await.is_open().then_some(())).await;
    for mti in [Mti::INQUIRY, Mti::REVERSAL_ADVICE, Mti::REVERSAL_ADVICE_REPEAT] {
        assert!(deployment.bank.messages(mti).is_empty(), "nobody asks the first bank about it");
    }
}

#[tokio::test]
async fn a_bank_that_speaks_for_another_is_not_believed() {
    let (deployment, second) = two_banks(SECOND_IIN).await;
    let payer = deployment.payer().await;
    deployment.bank.lend_key_to(&second);
    for lie in [OnPayment::SignAsAnotherBank, OnPayment::SignWithAnotherBanksKey] {
        second.on_payment(lie);
        let (order, answer) = pay(&deployment, &payer, SECOND_IIN).await;
        assert_eq!(answer.unwrap().state, AttemptState::NeedsManualReview, "{lie:?}");
        assert_eq!(deployment.state(&order).await.name(), "needs_manual_review");
    }
}

#[tokio::test]
async fn a_front_at_another_banks_address_is_not_taken_for_it() {
    let (dir, folder) = Deployment::keys(&["first", "second"]);
    let first = Bank::start(&folder).await;
    let impostor = Bank::start_as(&folder, "second", IIN).await;
    let mut deployment = Deployment::of(dir, folder, first);
    let honest = deployment.bank.addr;
    deployment.set_bank("first", impostor.addr);
    deployment.add_bank("second", honest);
    deployment.start_server_alone().await;
    // Each is asked for long enough to have signed on, and is refused in the handshake.
    deployment.bank.has_refused(3).await;
    impostor.has_refused(3).await;
    assert!(impostor.messages(Mti::NETWORK_REQUEST).is_empty());
    assert!(deployment.bank.messages(Mti::NETWORK_REQUEST).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_payments_wait_for_a_slow_bank_on_one_connection() {
    let (mut deployment, second) = two_banks_without_server(SECOND_IIN).await;
    deployment.patient();
    deployment.start_server().await;
    second.on_payment(OnPayment::ApproveTogether(MANY));
    let payer = deployment.payer().await;
    let began = std::time::Instant::now();
    let waiting = futures::future::join_all((0..MANY).map(|_| pay(&deployment, &payer, SECOND_IIN)));
    let meanwhile = async {
        second.has_seen(Mti::FINANCIAL_REQUEST, MANY / 2).await;
        pay(&deployment, &payer, IIN).await.1.unwrap().state
    };
    let (answers, other) = futures::future::join(waiting, meanwhile).await;
    assert_eq!(other, AttemptState::Approved, "the other bank's payments do not wait");
    for (_, answer) in &answers {
        assert_eq!(answer.as_ref().unwrap().state, AttemptState::Approved);
    }
    println!("{MANY} in flight at once, all answered after {:?}", began.elapsed());
    assert_eq!(second.connections(), 1);
    assert!(second.messages(Mti::INQUIRY).is_empty());
}

#[tokio::test]
async fn the_server_answers_a_bank_that_asks_and_changes_no_key() {
    let (deployment, second) = two_banks(SECOND_IIN).await;
    for (code, response) in [("301", "00"), ("101", "40")] {
        second.ask(code);
        let answer = deployment.eventually(async || second.messages(Mti::NETWORK_ANSWER).pop()).await;
        assert_eq!((answer.text(70), answer.text(39)), (Ok(code), Ok(response)));
        second.forget(Mti::NETWORK_ANSWER);
    }
    let payer = deployment.payer().await;
    assert_eq!(pay(&deployment, &payer, SECOND_IIN).await.1.unwrap().state, AttemptState::Approved);
}
