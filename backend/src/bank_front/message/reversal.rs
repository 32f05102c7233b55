//! Reversal, 0400 and 0420: an original is undone, or will never be.
//!
//! A reversal is the same however often it comes. One whose original never arrived leaves a
//! tombstone, so that a late original is refused.

use std::sync::Arc;

use iso8583::private::Composite;
use iso8583::{Error, Message, Place};
use payment::outcome::BankResult;
use payment::{Amount, AttemptId, Outcome, RequestId};

use super::attempt::{Kind, State, StoredAttempt};
use super::plain::{self, Fault};
use super::{DONE, Reference, format_error, response, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;
use crate::bank_front::ledger;
use crate::storage::DbConnection;

/// What a reversal names.
struct Reversal {
    reference: Reference,
    attempt_id: Option<AttemptId>,
    request_id: Option<RequestId>,
}

/// Answers a 0400 or a 0420 of the sealed port.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message) -> Result<Message, BankError> {
    let (Ok(reference), Ok(composite)) = (Reference::of_original(message), Composite::of(message)) else {
        return format_error(message);
    };
    let reversal = Reversal {
        reference,
        attempt_id: composite.attempt_id.map(AttemptId::from_bytes),
        request_id: composite.request_id.map(RequestId::from_bytes),
    };
    match run(front, reversal).await? {
        Some(outcome) => response_with(message, DONE, &Composite { outcome: Some(outcome), ..Composite::default() }),
        None => response(message, DONE),
    }
}

/// Answers a 0400 or a 0420 of the plain port.
pub(super) async fn answer_plain(front: &Arc<BankFront>, message: &Message) -> Result<Message, Fault> {
    let reference = plain::original(message, &plain::acquirer(message)?)?;
    if replaced_amount(message)?.is_some_and(|minor| minor > 0) {
        return Ok(super::remark(message, plain::FUNCTION_NOT_SUPPORTED, "PARTIAL REVERSAL")?);
    }
    run(front, Reversal { reference, attempt_id: None, request_id: None }).await?;
    Ok(response(message, DONE)?)
}

/// What shall stay of the original (DE 95, the first twelve characters), in minor units.
fn replaced_amount(message: &Message) -> Result<Option<i64>, Error> {
    if !message.has(95) {
        return Ok(None);
    }
    let wrong = || Error::Content { place: Place::Element(95) };
    let digits = message.text(95)?.get(..12).ok_or_else(wrong)?;
    digits.parse().map(Some).map_err(|_| wrong())
}

async fn run(front: &Arc<BankFront>, reversal: Reversal) -> Result<Option<String>, BankError> {
    let writing = Arc::clone(front);
    front.db.write(move |db_tx| Box::pin(async move { reverse(db_tx, &writing, &reversal).await })).await
}

/// Undoes the original or makes sure it never happens; the outcome signed for it, if it was decided.
async fn reverse(
    db_tx: &mut DbConnection,
    front: &BankFront,
    reversal: &Reversal,
) -> Result<Option<String>, BankError> {
    let now_ms = front.now_ms();
    let attempt = match StoredAttempt::find(db_tx, &reversal.reference, reversal.attempt_id).await? {
        None => StoredAttempt::find_completed_by(db_tx, &reversal.reference).await?,
        found => found,
    };
    let Some(attempt) = attempt else {
        tombstone(db_tx, reversal, now_ms).await?;
        return Ok(None);
    };
    // What a merchant signed to give back stays given back: it is asked for again, never undone.
    if attempt.is_signed_refund() {
        return Ok(attempt.outcome);
    }
    match attempt.state {
        State::Approved | State::Held => undo(db_tx, front, &attempt, now_ms).await,
        State::Declined | State::Reversed | State::Expired => Ok(attempt.outcome),
        State::Tombstoned => Ok(None),
    }
}

async fn undo(
    db_tx: &mut DbConnection,
    front: &BankFront,
    attempt: &StoredAttempt,
    now_ms: i64,
) -> Result<Option<String>, BankError> {
    give_back(db_tx, attempt, now_ms).await?;
    let signed = match &attempt.outcome {
        Some(_) => Some(front.hsm.sign_outcome(&Outcome {
            decision: BankResult::Reversed,
            decided_ms: u64::try_from(now_ms).unwrap_or_default(),
            ..attempt.outcome()?
        })),
        None => None,
    };
    let changed = sqlx::query(
        "UPDATE attempt SET state = 'reversed', outcome = $2, reversed_ms = $3
         WHERE reference = $1 AND state IN ('approved', 'held')",
    )
    .bind(&attempt.reference)
    .bind(&signed)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    if changed.rows_affected() == 1 { Ok(signed) } else { Err(BankError::Conflict("an attempt")) }
}

/// Frees what is held, or moves back what moved, as far as a refund has not moved it back already.
async fn give_back(db_tx: &mut DbConnection, attempt: &StoredAttempt, now_ms: i64) -> Result<(), BankError> {
    let transfer_id = attempt.transfer_id.as_ref().ok_or(BankError::Stored("attempt.transfer_id"))?;
    if attempt.state == State::Held {
        ledger::void(db_tx, transfer_id, now_ms).await?;
        return Ok(());
    }
    if attempt.kind == Some(Kind::Refund) {
        ledger::undo(db_tx, transfer_id, now_ms).await?;
        return Ok(());
    }
    let left: Amount = ledger::refundable(db_tx, transfer_id).await?;
    if Some(left.minor()) == attempt.moved_minor {
        ledger::undo(db_tx, transfer_id, now_ms).await?;
    } else if left.minor() > 0 {
        ledger::refund(db_tx, transfer_id, left, attempt.reference.as_str(), now_ms).await?;
    }
    Ok(())
}

async fn tombstone(db_tx: &mut DbConnection, reversal: &Reversal, now_ms: i64) -> Result<(), BankError> {
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
