//! Completion, 0220: what a 0100 held is taken, in full or in part, and the rest is given back.
//!
//! A completion is an advice, but of something that this bank has approved: it names the 0100 in DE 90. An advice
//! of a payment that somebody approved offline names nothing, and this bank does not take it.

use std::sync::Arc;

use iso8583::Message;
use payment::{Amount, DeclineCode};

use super::{Asked, FUNCTION_NOT_SUPPORTED, Fault, Sent, nothing_asked};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::{self, HoldState};
use crate::bank_front::message::attempt::{Kind, State, StoredAttempt};
use crate::bank_front::message::authorization::answered_before;
use crate::bank_front::message::{DONE, Reference, refusal_of, remark, response};
use crate::storage::DbConnection;

/// Answers a 0220 or a 0221.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message) -> Result<Message, Fault> {
    let sent = Sent::read(front, message)?;
    if !message.has(90) {
        return Ok(remark(message, FUNCTION_NOT_SUPPORTED, "OFFLINE ADVICE")?);
    }
    let original = super::original(message, &sent.acquirer)?;
    let Asked::Amount(amount) = super::asked(message)? else { return nothing_asked(message) };
    let completion = Completion { message: message.clone(), sent, original, amount };
    let now_ms = front.now_ms();
    Ok(front.db.write(move |db_tx| Box::pin(async move { completion.run(db_tx, now_ms).await })).await?)
}

struct Completion {
    message: Message,
    sent: Sent,
    original: Reference,
    amount: Amount,
}

impl Completion {
    async fn run(self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Message, BankError> {
        let Sent { reference, message_hash, .. } = &self.sent;
        if let Some(answer) = answered_before(db_tx, &self.message, reference, message_hash).await? {
            return Ok(answer);
        }
        let answer = match self.complete(db_tx, now_ms).await? {
            Ok(()) => response(&self.message, DONE)?,
            // It may still be on its way, so the same advice later may find it.
            Err(code @ DeclineCode::OriginalNotFound) => return refusal_of(&self.message, code),
            Err(code) => refusal_of(&self.message, code)?,
        };
        self.sent.store_answer(db_tx, answer, now_ms).await
    }

    async fn complete(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Result<(), DeclineCode>, BankError> {
        let Some(attempt) = StoredAttempt::find(db_tx, &self.original, None).await? else {
            return Ok(Err(DeclineCode::OriginalNotFound));
        };
        let held = match attempt.state {
            State::Held => attempt.transfer_id.ok_or(BankError::Stored("attempt.transfer_id"))?,
            State::Approved if attempt.kind == Some(Kind::Hold) => return Ok(Err(DeclineCode::AlreadyCompleted)),
            State::Approved | State::Declined => return Ok(Err(DeclineCode::OriginalNotFound)),
            State::Reversed | State::Tombstoned => return Ok(Err(DeclineCode::AlreadyReversed)),
            State::Expired => return Ok(Err(DeclineCode::HoldExpired)),
        };
        match ledger::hold_state(db_tx, &held, now_ms).await?.ok_or(BankError::Stored("attempt.transfer_id"))? {
            HoldState::Open { amount, .. } if amount.currency() != self.amount.currency() => {
                return Ok(Err(DeclineCode::InvalidAmount));
            }
            HoldState::Open { amount, .. } if self.amount.minor() > amount.minor() => {
                return Ok(Err(DeclineCode::AboveOriginal));
            }
            HoldState::Open { .. } => {}
            HoldState::Overdue | HoldState::Ended(_) => return Ok(Err(DeclineCode::HoldExpired)),
        }
        let posted = ledger::post_part(db_tx, &held, self.amount, now_ms).await?;
        let completed = sqlx::query(
            "UPDATE attempt SET state = 'approved', transfer_id = $2, completed_by = $3, completed_minor = $4
             WHERE reference = $1 AND state = 'held'",
        )
        .bind(&attempt.reference)
        .bind(&posted)
        .bind(&self.sent.reference)
        .bind(self.amount.minor())
        .execute(db_tx)
        .await?;
        if completed.rows_affected() == 1 { Ok(Ok(())) } else { Err(BankError::Conflict("an attempt")) }
    }
}
