//! A wallet that was killed while an attempt was under way: at the next start it asks and shows the truth, and
//! never sends anything again.

use payment::{AttemptId, AttemptState, BankResult, DeclineCode, Order, RequestState, WalletNonce};
use protocol::ipc::RequestPhase;
use protocol::ipc::history::HistoryQuery;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use wallet::Wallet;

use crate::stage::{Stage, approved, attempt_view, now_ms, order, outcome_of};

const NONCE: WalletNonce = WalletNonce::from_bytes([4; 32]);

/// A wallet that wrote an attempt down and died, started again.
async fn restarted(stage: &Stage, order: &Order, attempt_id: AttemptId) -> Wallet {
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(order));
    let wallet = stage.wallet().await;
    wallet.open_link(link).await.unwrap();
    wallet.close().await;
    insert_attempt(stage, order, attempt_id, NONCE).await;
    stage.wallet().await
}

/// An attempt as the wallet writes it down before it is sent.
pub async fn insert_attempt(stage: &Stage, order: &Order, attempt_id: AttemptId, nonce: WalletNonce) {
    let keys = stage.parties.keys(1);
    let options = SqliteConnectOptions::new().filename(stage.home().join("wallet.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "INSERT INTO attempt (attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, created_ms, changed_ms) \
         VALUES ($1, $2, $3, $4, $5, 'sealed', $6, $6)",
    )
    .bind(attempt_id.to_string())
    .bind(order.request_id.to_string())
    .bind(nonce.to_string())
    .bind(keys.keyset)
    .bind(&keys.bank_certificates[0])
    .bind(now_ms())
    .execute(&mut database)
    .await
    .unwrap();
    database.close().await.unwrap();
}

async fn phase_after(stage: &Stage, order: &Order, attempt_id: AttemptId) -> (Wallet, RequestPhase) {
    let wallet = restarted(stage, order, attempt_id).await;
    assert_eq!(wallet.show(order.request_id).await.unwrap().phase, RequestPhase::Paying, "until it is asked");
    wallet.sync().await.unwrap();
    let phase = wallet.show(order.request_id).await.unwrap().phase;
    assert_eq!(stage.script.lock().unwrap().submissions, 0, "nothing is ever sent again");
    (wallet, phase)
}

const ATTEMPT: AttemptId = AttemptId::from_bytes([3; 16]);

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_the_server_never_had_was_not_sent() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let (_, phase) = phase_after(&stage, &order, ATTEMPT).await;
    assert_eq!(phase, RequestPhase::Open, "it can be paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_without_an_answer_stays_unknown_until_it_is_paid() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    stage.script(|script| {
        script.attempts.insert(ATTEMPT, attempt_view(&order, ATTEMPT, AttemptState::Inquiring, None));
    });
    let (wallet, phase) = phase_after(&stage, &order, ATTEMPT).await;
    assert_eq!(phase, RequestPhase::Unknown);
    let view = wallet.show(order.request_id).await.unwrap();
    assert_eq!((view.deadline_ms, view.asked.as_deref()), (Some(order.expires_ms), Some("First Bank")));
    assert_eq!(wallet.history(HistoryQuery::default()).await.unwrap().count, 0);

    let outcome = outcome_of(&order, ATTEMPT, &NONCE, approved());
    let view = attempt_view(&order, ATTEMPT, AttemptState::Approved, Some(stage.parties.sign_outcome(&outcome)));
    stage.script(|script| {
        script.attempts.insert(ATTEMPT, view);
        script.states.insert(order.request_id, RequestState::Paid { attempt_id: ATTEMPT });
    });
    wallet.sync().await.unwrap();
    let view = wallet.show(order.request_id).await.unwrap();
    assert_eq!((view.phase, view.receipt, view.asked), (RequestPhase::Paid, Some(ATTEMPT), None));
    assert_eq!(wallet.show_receipt(ATTEMPT).await.unwrap().approval_code, "ABC123");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_without_its_proof_is_not_shown_as_paid() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let other = WalletNonce::from_bytes([9; 32]);
    let outcome = outcome_of(&order, ATTEMPT, &other, approved());
    let view = attempt_view(&order, ATTEMPT, AttemptState::Approved, Some(stage.parties.sign_outcome(&outcome)));
    stage.script(|script| drop(script.attempts.insert(ATTEMPT, view)));
    let (wallet, phase) = phase_after(&stage, &order, ATTEMPT).await;
    assert_eq!(phase, RequestPhase::Paying, "neither paid nor to be paid again");
    assert_eq!(wallet.history(HistoryQuery::default()).await.unwrap().count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_and_a_reversal_leave_the_request_to_be_paid() {
    for (state, decision) in [
        (
            AttemptState::Declined { code: DeclineCode::WrongPin },
            BankResult::Declined { code: DeclineCode::WrongPin, pin_tries_left: Some(2) },
        ),
        (AttemptState::Reversed, BankResult::Reversed),
    ] {
        let stage = Stage::open().await;
        let order = order(|_| {});
        let outcome = outcome_of(&order, ATTEMPT, &NONCE, decision);
        let view = attempt_view(&order, ATTEMPT, state, Some(stage.parties.sign_outcome(&outcome)));
        stage.script(|script| drop(script.attempts.insert(ATTEMPT, view)));
        let (wallet, phase) = phase_after(&stage, &order, ATTEMPT).await;
        assert_eq!(phase, RequestPhase::Open);
        assert_eq!(wallet.history(HistoryQuery::default()).await.unwrap().count, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_that_the_bank_did_not_sign_is_not_believed() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    // The server says declined; the bank's own word says approved.
    let outcome = outcome_of(&order, ATTEMPT, &NONCE, approved());
    let state = AttemptState::Declined { code: DeclineCode::WrongPin };
    let view = attempt_view(&order, ATTEMPT, state, Some(stage.parties.sign_outcome(&outcome)));
    stage.script(|script| drop(script.attempts.insert(ATTEMPT, view)));
    let (_, phase) = phase_after(&stage, &order, ATTEMPT).await;
    assert_ne!(phase, RequestPhase::Open, "it must not be paid again");
}
