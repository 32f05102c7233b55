//! Holds: the list of the open ones, and how they end.

use payment::Amount;

use super::{Phase, StoredStep, TransferId, expire};
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// What has become of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldState {
    /// It can be posted or voided.
    Open {
        /// How much is held.
        amount: Amount,
        /// When it ends by itself, in milliseconds since the Unix epoch.
        expires_ms: i64,
    },
    /// Its time is over; it can only be voided, or expire.
    Overdue,
    /// It has ended, and how.
    Ended(Phase),
}

/// What has become of a hold; none when the id is not that of a hold.
///
/// # Errors
/// When the database fails.
pub async fn hold_state(
    connection: &mut DbConnection,
    held: &TransferId,
    now_ms: i64,
) -> Result<Option<HoldState>, BankError> {
    let row: Option<(i64, String, i64, Option<String>)> = sqlx::query_as(
        "SELECT held.amount_minor, held.currency, held.expires_ms, later.phase FROM transfer AS held
         LEFT JOIN transfer AS later ON later.follows = held.transfer_id
         WHERE held.transfer_id = $1 AND held.phase = 'pending'",
    )
    .bind(held)
    .fetch_optional(connection)
    .await?;
    let Some((minor, currency, expires_ms, later)) = row else { return Ok(None) };
    let currency = currency.parse().map_err(|_| BankError::Stored("transfer.currency"))?;
    Ok(Some(match later {
        Some(phase) => HoldState::Ended(Phase::parse(&phase)?),
        None if now_ms >= expires_ms => HoldState::Overdue,
        None => HoldState::Open { amount: Amount::new(minor, currency), expires_ms },
    }))
}

/// Ends the holds whose time is over, at most `most` of them and the oldest first; their ids.
///
/// # Errors
/// When the database fails.
pub async fn expire_overdue(db_tx: &mut DbConnection, most: u32, now_ms: i64) -> Result<Vec<TransferId>, BankError> {
    let overdue: Vec<TransferId> = sqlx::query_scalar(
        "SELECT transfer_id FROM open_hold WHERE expires_ms <= $1 ORDER BY expires_ms, transfer_id LIMIT $2",
    )
    .bind(now_ms)
    .bind(i64::from(most))
    .fetch_all(&mut *db_tx)
    .await?;
    for held in &overdue {
        expire(db_tx, held, now_ms).await?;
    }
    Ok(overdue)
}

/// Enters a new hold into the list of open ones.
pub(super) async fn open(db_tx: &mut DbConnection, id: &TransferId, expires_ms: i64) -> Result<(), BankError> {
    sqlx::query("INSERT INTO open_hold (transfer_id, expires_ms) VALUES ($1, $2)")
        .bind(id)
        .bind(expires_ms)
        .execute(db_tx)
        .await?;
    Ok(())
}

/// Takes an open hold from the list, to be posted.
pub(super) async fn take(db_tx: &mut DbConnection, id: &TransferId, now_ms: i64) -> Result<StoredStep, BankError> {
    let step = find(db_tx, id).await?;
    if step.expires_ms.is_none_or(|expires_ms| now_ms >= expires_ms) {
        return Err(BankError::HoldOverdue);
    }
    close(db_tx, step).await
}

/// Takes an open hold from the list, whether its time is over or not.
pub(super) async fn take_at_any_time(db_tx: &mut DbConnection, id: &TransferId) -> Result<StoredStep, BankError> {
    let step = find(db_tx, id).await?;
    close(db_tx, step).await
}

/// Takes an open hold from the list whose time is over.
pub(super) async fn take_overdue(
    db_tx: &mut DbConnection,
    id: &TransferId,
    now_ms: i64,
) -> Result<StoredStep, BankError> {
    let step = find(db_tx, id).await?;
    if step.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms) {
        return Err(BankError::TransferPhase);
    }
    close(db_tx, step).await
}

async fn find(db_tx: &mut DbConnection, id: &TransferId) -> Result<StoredStep, BankError> {
    let step = StoredStep::unfollowed(db_tx, id).await?;
    if step.phase == Phase::Pending { Ok(step) } else { Err(BankError::TransferPhase) }
}

async fn close(db_tx: &mut DbConnection, step: StoredStep) -> Result<StoredStep, BankError> {
    let closed = sqlx::query("DELETE FROM open_hold WHERE transfer_id = $1")
        .bind(&step.id)
        .execute(db_tx)
        .await?
        .rows_affected();
    if closed == 1 { Ok(step) } else { Err(BankError::Conflict("a hold")) }
}
