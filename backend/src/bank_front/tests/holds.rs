//! Holds that nobody captured.

use std::sync::atomic::Ordering;

use super::support::{Bench, HOLDER, MERCHANT, NOW_MS, usd};
use crate::bank_front::account::{self, AccountId};
use crate::bank_front::error::BankError;
use crate::bank_front::hold_expiry;
use crate::bank_front::ledger::{self, Movement};

#[tokio::test]
async fn a_hold_nobody_captured_is_given_back_when_its_time_is_over_and_not_before() {
    let bench = Bench::new().await;
    let holder = AccountId::of_cardholder(HOLDER.strip_prefix("cardholder:").unwrap());
    let movement = Movement {
        debit: holder.clone(),
        credit: AccountId::of_merchant(&MERCHANT.parse().unwrap()),
        amount: usd(1_280),
        purpose: "a hold".to_owned(),
        acquirer: None,
    };
    let before = bench.front.db.reader();
    let available = async || account::available(&mut before.acquire().await.unwrap(), &holder).await.unwrap().unwrap();
    let whole = available().await;
    let expires_ms = NOW_MS + 60_000;
    (bench.front.db)
        .write(move |db_tx| {
            Box::pin(async move {
                let held = ledger::hold(db_tx, &movement, expires_ms, NOW_MS).await?;
                sqlx::query(
                    "INSERT INTO attempt (reference, kind, state, transfer_id, expires_ms, decided_ms)
                     VALUES ('a hold', 'hold', 'held', $1, $2, $3)",
                )
                .bind(&held)
                .bind(expires_ms)
                .bind(NOW_MS)
                .execute(db_tx)
                .await
                .map_err(BankError::from)
            })
        })
        .await
        .unwrap();
    let state = async || {
        let state = sqlx::query_scalar::<_, String>("SELECT state FROM attempt WHERE reference = 'a hold'");
        state.fetch_one(bench.front.db.reader()).await.unwrap()
    };
    bench.clock.store(expires_ms - 1, Ordering::Relaxed);
    assert_eq!(hold_expiry::end_overdue(&bench.front).await.unwrap(), 0);
    assert_eq!(available().await, whole.checked_sub(usd(1_280)).unwrap());
    assert_eq!(state().await, "held");
    bench.clock.store(expires_ms, Ordering::Relaxed);
    assert_eq!(hold_expiry::end_overdue(&bench.front).await.unwrap(), 1);
    assert_eq!(hold_expiry::end_overdue(&bench.front).await.unwrap(), 0);
    assert_eq!(available().await, whole);
    assert_eq!(state().await, "expired");
}
