//! What each step does, and what it refuses.

use sqlx::Connection;

use super::*;
use crate::bank_front::MIGRATIONS;
use crate::bank_front::account::{self, AccountKind};

mod model;
mod writers;

const NOW_MS: i64 = 1_795_000_000_000;
/// When the holds of these tests end.
const END_MS: i64 = NOW_MS + 1_000;

fn usd(minor: i64) -> Amount {
    Amount::new(minor, "USD".parse().unwrap())
}

fn holders() -> [AccountId; 3] {
    ["ann", "bob", "cho"].map(AccountId::of_cardholder)
}

fn shop() -> AccountId {
    AccountId::of_merchant(&"shop".parse().unwrap())
}

/// A ledger in memory with three cardholders at 1,000 minor units each, and a shop.
async fn ledger() -> DbConnection {
    let mut connection = DbConnection::in_memory(&MIGRATIONS);
    open_accounts(&mut connection).await.unwrap();
    connection
}

async fn open_accounts(connection: &mut DbConnection) -> Result<(), BankError> {
    let currency = usd(0).currency();
    let opening = AccountId::opening(currency);
    account::open(connection, &opening, AccountKind::Opening, currency, NOW_MS).await?;
    account::open(connection, &shop(), AccountKind::Merchant, currency, NOW_MS).await?;
    for holder in holders() {
        account::open(connection, &holder, AccountKind::Cardholder, currency, NOW_MS).await?;
        settle(connection, &movement(&opening, &holder, 1_000), NOW_MS).await?;
    }
    Ok(())
}

async fn available(ledger: &mut DbConnection, account: &AccountId) -> i64 {
    account::available(ledger, account).await.unwrap().unwrap().minor()
}

async fn assert_sound(ledger: &mut DbConnection) {
    assert_eq!(audit(ledger).await.unwrap(), []);
}

/// Does a step that must be refused, and takes back what it had begun, as the front does.
macro_rules! refused {
    ($ledger:ident, |$step:ident| $doing:expr, $error:pat) => {{
        let mut $step = $ledger.begin().await.unwrap();
        let result = $doing.await;
        assert!(matches!(result, Err($error)), "{result:?}");
        $step.rollback().await.unwrap();
    }};
}

fn movement(debit: &AccountId, credit: &AccountId, minor: i64) -> Movement {
    Movement {
        debit: debit.clone(),
        credit: credit.clone(),
        amount: usd(minor),
        purpose: "test".to_owned(),
        acquirer: None,
    }
}

#[tokio::test]
async fn a_hold_takes_from_what_is_available_and_a_void_gives_it_back() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let held = hold(&mut ledger, &movement(&ann, &bob, 400), END_MS, NOW_MS).await.unwrap();
    assert_eq!(account::available(&mut ledger, &ann).await.unwrap(), Some(usd(600)));
    assert_eq!(account::available(&mut ledger, &bob).await.unwrap(), Some(usd(1_000)), "pending in is not spendable");
    void(&mut ledger, &held, NOW_MS).await.unwrap();
    assert_eq!(account::available(&mut ledger, &ann).await.unwrap(), Some(usd(1_000)));
}

#[tokio::test]
async fn a_step_is_followed_once_and_only_by_what_may_follow() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let held = hold(&mut ledger, &movement(&ann, &bob, 400), END_MS, NOW_MS).await.unwrap();
    assert!(matches!(undo(&mut ledger, &held, NOW_MS).await, Err(BankError::TransferPhase)));
    let posted = post(&mut ledger, &held, NOW_MS).await.unwrap();
    assert!(matches!(void(&mut ledger, &held, NOW_MS).await, Err(BankError::TransferPhase)));
    assert!(matches!(post(&mut ledger, &held, NOW_MS).await, Err(BankError::TransferPhase)));
    assert!(matches!(post(&mut ledger, &posted, NOW_MS).await, Err(BankError::TransferPhase)));
    undo(&mut ledger, &posted, NOW_MS).await.unwrap();
    assert!(matches!(undo(&mut ledger, &posted, NOW_MS).await, Err(BankError::TransferPhase)));
    assert_eq!(account::available(&mut ledger, &ann).await.unwrap(), Some(usd(1_000)));
}

#[tokio::test]
async fn a_part_is_posted_and_the_rest_given_back() {
    let mut ledger = ledger().await;
    let [ann, ..] = holders();
    let held = hold(&mut ledger, &movement(&ann, &shop(), 400), END_MS, NOW_MS).await.unwrap();
    refused!(ledger, |step| post_part(&mut step, &held, usd(401), NOW_MS), BankError::AboveOriginal);
    refused!(ledger, |step| post_part(&mut step, &held, usd(0), NOW_MS), BankError::NotPositive);
    let euros = Amount::new(5, "EUR".parse().unwrap());
    refused!(ledger, |step| post_part(&mut step, &held, euros, NOW_MS), BankError::AccountCurrency);
    let posted = post_part(&mut ledger, &held, usd(150), NOW_MS).await.unwrap();
    assert_eq!(available(&mut ledger, &ann).await, 850);
    refused!(ledger, |step| post_part(&mut step, &held, usd(1), NOW_MS), BankError::TransferPhase);
    undo(&mut ledger, &posted, NOW_MS).await.unwrap();
    assert_eq!((available(&mut ledger, &ann).await, available(&mut ledger, &shop()).await), (1_000, 0));
    assert_sound(&mut ledger).await;
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_is_not_captured_afterwards() {
    let mut ledger = ledger().await;
    let [ann, ..] = holders();
    let held = hold(&mut ledger, &movement(&ann, &shop(), 400), END_MS, NOW_MS).await.unwrap();
    let open = HoldState::Open { amount: usd(400), expires_ms: END_MS };
    assert_eq!(hold_state(&mut ledger, &held, END_MS - 1).await.unwrap(), Some(open));
    assert_eq!(hold_state(&mut ledger, &held, END_MS).await.unwrap(), Some(HoldState::Overdue));
    refused!(ledger, |step| expire(&mut step, &held, END_MS - 1), BankError::TransferPhase);
    refused!(ledger, |step| post(&mut step, &held, END_MS), BankError::HoldOverdue);
    assert_eq!(expire_overdue(&mut ledger, 10, END_MS - 1).await.unwrap(), []);
    assert_eq!(expire_overdue(&mut ledger, 10, END_MS).await.unwrap(), std::slice::from_ref(&held));
    assert_eq!(expire_overdue(&mut ledger, 10, END_MS).await.unwrap(), []);
    assert_eq!(hold_state(&mut ledger, &held, END_MS).await.unwrap(), Some(HoldState::Ended(Phase::Expired)));
    refused!(ledger, |step| void(&mut step, &held, END_MS), BankError::TransferPhase);
    assert_eq!(available(&mut ledger, &ann).await, 1_000);
    assert_sound(&mut ledger).await;
}

#[tokio::test]
async fn refunds_together_are_never_more_than_their_post() {
    let mut ledger = ledger().await;
    let [ann, ..] = holders();
    let posted = settle(&mut ledger, &movement(&ann, &shop(), 400), NOW_MS).await.unwrap();
    let first = refund(&mut ledger, &posted, usd(150), "refund", NOW_MS).await.unwrap();
    refused!(ledger, |step| refund(&mut step, &posted, usd(251), "refund", NOW_MS), BankError::AboveOriginal);
    refund(&mut ledger, &posted, usd(250), "refund", NOW_MS).await.unwrap();
    refused!(ledger, |step| refund(&mut step, &posted, usd(1), "refund", NOW_MS), BankError::AboveOriginal);
    refused!(ledger, |step| refund(&mut step, &first, usd(1), "refund", NOW_MS), BankError::TransferPhase);
    refused!(ledger, |step| undo(&mut step, &posted, NOW_MS), BankError::Refunded);
    assert_eq!((available(&mut ledger, &ann).await, available(&mut ledger, &shop()).await), (1_000, 0));
    undo(&mut ledger, &first, NOW_MS).await.unwrap();
    refused!(ledger, |step| undo(&mut step, &first, NOW_MS), BankError::TransferPhase);
    assert_eq!(refundable(&mut ledger, &posted).await.unwrap(), usd(150));
    refund(&mut ledger, &posted, usd(150), "refund", NOW_MS).await.unwrap();
    assert_sound(&mut ledger).await;
}

#[tokio::test]
async fn what_was_undone_is_not_refunded_and_a_refund_undone_lets_the_post_be_undone() {
    let mut ledger = ledger().await;
    let [ann, ..] = holders();
    let posted = settle(&mut ledger, &movement(&ann, &shop(), 400), NOW_MS).await.unwrap();
    let back = refund(&mut ledger, &posted, usd(400), "refund", NOW_MS).await.unwrap();
    undo(&mut ledger, &back, NOW_MS).await.unwrap();
    undo(&mut ledger, &posted, NOW_MS).await.unwrap();
    refused!(ledger, |step| refund(&mut step, &posted, usd(1), "refund", NOW_MS), BankError::TransferPhase);
    assert_eq!(available(&mut ledger, &ann).await, 1_000);
    assert_sound(&mut ledger).await;
}

#[tokio::test]
async fn a_refund_made_in_error_is_taken_back_even_when_it_was_spent() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let posted = settle(&mut ledger, &movement(&ann, &shop(), 400), NOW_MS).await.unwrap();
    let back = refund(&mut ledger, &posted, usd(400), "refund", NOW_MS).await.unwrap();
    settle(&mut ledger, &movement(&ann, &bob, 1_000), NOW_MS).await.unwrap();
    undo(&mut ledger, &back, NOW_MS).await.unwrap();
    assert_eq!(available(&mut ledger, &ann).await, -400);
    refused!(ledger, |step| settle(&mut step, &movement(&ann, &bob, 1), NOW_MS), BankError::Overdrawn);
    assert_sound(&mut ledger).await;
}

#[tokio::test]
async fn the_database_itself_refuses_what_the_books_must_not_hold() {
    let mut ledger = ledger().await;
    let [ann, ..] = holders();
    let euros = "EUR".parse().unwrap();
    account::open(&mut ledger, &AccountId::fees(euros), AccountKind::Fees, euros, NOW_MS).await.unwrap();
    let undone = settle(&mut ledger, &movement(&ann, &shop(), 1), NOW_MS).await.unwrap();
    undo(&mut ledger, &undone, NOW_MS).await.unwrap();
    let refunded = settle(&mut ledger, &movement(&ann, &shop(), 1), NOW_MS).await.unwrap();
    refund(&mut ledger, &refunded, usd(1), "refund", NOW_MS).await.unwrap();
    let columns = "transfer_id, phase, follows, debit_account, credit_account, amount_minor, released_minor, currency,
         purpose, acquirer, expires_ms, refund_of, refund_ordinal, refund_left_minor, created_ms";
    for (wrong, values) in [
        (
            "a second follower",
            "'undone', transfer_id, debit_account, credit_account, 1, 0, currency, '', NULL, NULL,
          NULL, NULL, NULL, 0 FROM transfer WHERE transfer_id = $1",
        ),
        (
            "nobody's follower",
            "'undone', 'nobody', debit_account, credit_account, 1, 0, currency, '', NULL, NULL,
          NULL, NULL, NULL, 0 FROM transfer WHERE transfer_id = $1",
        ),
        (
            "less than nothing",
            "'posted', NULL, debit_account, credit_account, -1, 0, currency, '', NULL, NULL,
          NULL, NULL, NULL, 0 FROM transfer WHERE transfer_id = $1",
        ),
        (
            "to itself",
            "'posted', NULL, debit_account, debit_account, 1, 0, currency, '', NULL, NULL,
          NULL, NULL, NULL, 0 FROM transfer WHERE transfer_id = $1",
        ),
        (
            "another currency",
            "'posted', NULL, debit_account, 'fees:EUR', 1, 0, currency, '', NULL, NULL,
          NULL, NULL, NULL, 0 FROM transfer WHERE transfer_id = $1",
        ),
        (
            "a hold for ever",
            "'pending', NULL, debit_account, credit_account, 1, 0, currency, '', NULL, NULL,
          NULL, NULL, NULL, 0 FROM transfer WHERE transfer_id = $1",
        ),
        (
            "more than was held",
            "'posted', transfer_id, debit_account, credit_account, 2, 1, currency, '', NULL, NULL,
          NULL, NULL, NULL, 0 FROM transfer WHERE transfer_id = $2",
        ),
        (
            "a refund counted twice",
            "'posted', NULL, credit_account, debit_account, 1, 0, currency, '', NULL, NULL,
          transfer_id, 1, 0, 0 FROM transfer WHERE transfer_id = $2",
        ),
        (
            "a refund of too much",
            "'posted', NULL, credit_account, debit_account, 1, 0, currency, '', NULL, NULL,
          transfer_id, 2, -1, 0 FROM transfer WHERE transfer_id = $2",
        ),
    ] {
        let insert = format!("INSERT INTO transfer ({columns}) SELECT 'wrong', {values}");
        let result = sqlx::query(sqlx::AssertSqlSafe(insert)).bind(&undone).bind(&refunded).execute(&mut ledger).await;
        let error = result.expect_err(wrong).to_string();
        assert!(error.contains("constraint failed"), "{wrong}: {error}");
    }
    assert_sound(&mut ledger).await;
}

#[tokio::test]
async fn an_audit_finds_each_way_the_books_can_be_wrong() {
    for (rule, damage) in [
        ("a balance is", "UPDATE balance SET posted_minor = posted_minor + 1 WHERE account_id = 'cardholder:ann'"),
        ("posted entries", "UPDATE entry SET posted_minor = posted_minor + 1 WHERE account_sequence = 2"),
        ("what is pending out", "UPDATE entry SET pending_in_minor = 1 WHERE account_sequence = 2"),
        ("entries are numbered", "UPDATE entry SET account_sequence = 9 WHERE account_sequence = 2"),
        ("a transfer has", "UPDATE entry SET posted_minor = posted_minor * 2"),
        (
            "every entry is",
            "UPDATE entry SET account_id = 'cardholder:cho', account_sequence = 9
                            WHERE account_sequence = 2 AND account_id = 'cardholder:ann'",
        ),
        ("accounts are in", "UPDATE account SET currency = 'EUR' WHERE account_id = 'cardholder:ann'"),
        (
            "a step follows",
            "UPDATE transfer SET follows = (SELECT transfer_id FROM transfer WHERE purpose = 'test'
                            AND phase = 'pending'), released_minor = 900 WHERE phase = 'posted' AND amount_minor = 1 AND refund_of IS NULL",
        ),
        ("the list of open", "DELETE FROM open_hold"),
        ("refunds are of", "UPDATE transfer SET amount_minor = 7 WHERE refund_of IS NOT NULL"),
    ] {
        let mut ledger = ledger().await;
        let [ann, bob, _] = holders();
        let posted = settle(&mut ledger, &movement(&ann, &bob, 1), NOW_MS).await.unwrap();
        refund(&mut ledger, &posted, usd(1), "refund", NOW_MS).await.unwrap();
        hold(&mut ledger, &movement(&ann, &bob, 5), END_MS, NOW_MS).await.unwrap();
        assert_sound(&mut ledger).await;
        sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut ledger).await.unwrap();
        sqlx::query(damage).execute(&mut ledger).await.unwrap();
        let faults = audit(&mut ledger).await.unwrap();
        assert!(faults.iter().any(|fault| fault.rule.starts_with(rule)), "{rule}: {faults:?}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_moves_nothing() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let before = LedgerView::read(&mut ledger).await.unwrap();
    for (wrong, minor) in [(&bob, 0), (&bob, -5), (&ann, 5)] {
        assert!(settle(&mut ledger, &movement(&ann, wrong, minor), NOW_MS).await.is_err());
    }
    let euros = Movement { amount: Amount::new(5, "EUR".parse().unwrap()), ..movement(&ann, &bob, 5) };
    let mut step = ledger.begin().await.unwrap();
    assert!(matches!(settle(&mut step, &euros, NOW_MS).await, Err(BankError::AccountCurrency)));
    step.rollback().await.unwrap();
    let mut step = ledger.begin().await.unwrap();
    assert!(matches!(settle(&mut step, &movement(&ann, &bob, 1_001), NOW_MS).await, Err(BankError::Overdrawn)));
    step.rollback().await.unwrap();
    assert_eq!(LedgerView::read(&mut ledger).await.unwrap(), before);
}
