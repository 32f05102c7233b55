//! Holds that nobody captured end by themselves: a task looks for them while the bank serves.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::BankFront;
use super::error::BankError;
use super::ledger;
use crate::storage::DbConnection;

/// The pause between two looks for overdue holds.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
/// Holds ended in one step of the database, so that a long list keeps no payment waiting.
const HOLDS_PER_STEP: u32 = 100;

/// Ends overdue holds until `stop` is cancelled.
pub async fn watch(front: Arc<BankFront>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_PAUSE)).await.is_some() {
        if let Err(error) = end_overdue(&front).await {
            tracing::error!(%error, "overdue holds were not ended; they are looked for again");
        }
    }
}

/// Ends every hold that is overdue now; how many.
///
/// # Errors
/// When the database fails; what was ended before stays ended.
pub async fn end_overdue(front: &BankFront) -> Result<usize, BankError> {
    let mut ended = 0;
    while is_any_overdue(front).await? {
        let now_ms = front.now_ms();
        ended += front.db().write(move |db_tx| Box::pin(end_some(db_tx, now_ms))).await?;
    }
    Ok(ended)
}

/// Looks without the writer, which has better things to do.
async fn is_any_overdue(front: &BankFront) -> Result<bool, BankError> {
    let first: Option<i64> =
        sqlx::query_scalar("SELECT MIN(expires_ms) FROM open_hold").fetch_one(front.db().reader()).await?;
    Ok(first.is_some_and(|expires_ms| expires_ms <= front.now_ms()))
}

/// Hold and attempt end in one step.
async fn end_some(db_tx: &mut DbConnection, now_ms: i64) -> Result<usize, BankError> {
    let ended = ledger::expire_overdue(db_tx, HOLDS_PER_STEP, now_ms).await?;
    for held in &ended {
        sqlx::query("UPDATE attempt SET state = 'expired' WHERE transfer_id = $1 AND state = 'held'")
            .bind(held)
            .execute(&mut *db_tx)
            .await?;
    }
    Ok(ended.len())
}
