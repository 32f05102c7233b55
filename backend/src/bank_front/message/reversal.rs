//! Reversal, 0400 and 0420: an original is undone, or will never be.
//!
//! A reversal is the same however often it comes. One whose original never arrived leaves a
//! tombstone, so that a late original is refused.

use std::sync::Arc;

use iso8583::Message;
use iso8583::private::Composite;
use payment::outcome::BankResult;
use payment::{AttemptId, Outcome, RequestId};
use sqlx::SqliteConnection;

use super::attempt::{State, StoredAttempt};
use super::{DONE, Reference, format_error, response, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;
use crate::bank_front::ledger;

/// What a reversal names.
struct Reversal {
    reference: Reference,
    attempt_id: Option<AttemptId>,
    request_id: Option<RequestId>,
}

/// Answers a 0400 or a 0420.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message) -> Result<Message, BankError> {
    let (Ok(reference), Ok(composite)) = (Reference::of_original(message), Composite::of(message)) else {
        return format_error(message);
    };
    let reversal = Reversal {
        reference,
        attempt_id: composite.attempt_id.map(AttemptId::from_bytes),
        request_id: composite.request_id.map(RequestId::from_bytes),
    };
    let writing = Arc::clone(front);
    let outcome =
        front.db.write(move |db_tx| Box::pin(async move { reverse(db_tx, &writing, &reversal).await })).await?;
    match outcome {
        Some(outcome) => response_with(message, DONE, &Composite { outcome: Some(outcome), ..Composite::default() }),
        None => response(message, DONE),
    }
}

/// Undoes the original or makes sure it never happens; the outcome signed for it, if it was decided.
async fn reverse(
    db_tx: &mut SqliteConnection,
    front: &BankFront,
    reversal: &Reversal,
) -> Result<Option<String>, BankError> {
    let now_ms = front.now_ms();
    let Some(attempt) = StoredAttempt::find(db_tx, &reversal.reference, reversal.attempt_id).await? else {
        tombstone(db_tx, reversal, now_ms).await?;
        return Ok(None);
    };
    match attempt.state {
        State::Approved => undo(db_tx, front, &attempt, now_ms).await.map(Some),
        State::Held | State::Declined | State::Reversed | State::Expired => Ok(attempt.outcome),
        State::Tombstoned => Ok(None),
    }
}

async fn undo(
    db_tx: &mut SqliteConnection,
    front: &BankFront,
    attempt: &StoredAttempt,
    now_ms: i64,
) -> Result<String, BankError> {
    let transfer_id = attempt.transfer_id.as_ref().ok_or(BankError::Stored("attempt.transfer_id"))?;
    ledger::undo(db_tx, transfer_id, now_ms).await?;
    let outcome = Outcome {
        decision: BankResult::Reversed,
        decided_ms: u64::try_from(now_ms).unwrap_or_default(),
        ..attempt.outcome()?
    };
    let signed = front.hsm.sign_outcome(&outcome);
    let changed = sqlx::query(
        "UPDATE attempt SET state = 'reversed', outcome = $2, reversed_ms = $3
         WHERE reference = $1 AND state = 'approved'",
    )
    .bind(&attempt.reference)
    .bind(&signed)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    if changed.rows_affected() == 1 { Ok(signed) } else { Err(BankError::Conflict("an attempt")) }
}

async fn tombstone(db_tx: &mut SqliteConnection, reversal: &Reversal, now_ms: i64) -> Result<(), BankError> {
    sqlx::query(
        "INSERT INTO attempt (reference, attempt_id, request_id, state, decided_ms, reversed_ms)
         VALUES ($1, $2, $3, 'tombstoned', $4, $4)",
    )
    .bind(&reversal.reference)
    .bind(reversal.attempt_id.map(|id| id.to_string()))
    .bind(reversal.request_id.map(|id| id.to_string()))
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}
