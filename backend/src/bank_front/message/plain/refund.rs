//! Refund, 0200 with processing code 20: money of an earlier payment comes back to the card, in full or in part.
//!
//! It names its original by DE 90 and needs no card: the money goes back to where it came from.

use std::sync::Arc;

use iso8583::Message;
use payment::{Amount, DeclineCode};

use super::{Asked, Fault, Sent, nothing_asked};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;
use crate::bank_front::ledger;
use crate::bank_front::message::attempt::{Kind, NewAttempt, State, StoredAttempt};
use crate::bank_front::message::authorization::{answered_before, approval_code};
use crate::bank_front::message::{DONE, Reference, refusal_of, response};
use crate::storage::DbConnection;

/// Answers a 0200 or a 0201 that asks for a refund.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message) -> Result<Message, Fault> {
    let sent = Sent::read(front, message)?;
    let original = super::original(message, &sent.acquirer)?;
    let Asked::Amount(amount) = super::asked(message)? else { return nothing_asked(message) };
    let refund = Refund { message: message.clone(), sent, original, amount };
    let now_ms = front.now_ms();
    Ok(front.db.write(move |db_tx| Box::pin(async move { refund.run(db_tx, now_ms).await })).await?)
}

struct Refund {
    message: Message,
    sent: Sent,
    original: Reference,
    amount: Amount,
}

impl Refund {
    async fn run(self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Message, BankError> {
        let Sent { reference, message_hash, .. } = &self.sent;
        if let Some(answer) = answered_before(db_tx, &self.message, reference, message_hash).await? {
            return Ok(answer);
        }
        let answer = match self.give_back(db_tx, now_ms).await? {
            Ok(approval_code) => response(&self.message, DONE)?.with_text(38, approval_code),
            Err(code) => refusal_of(&self.message, code)?,
        };
        self.sent.store_answer(db_tx, answer, now_ms).await
    }

    /// Moves the money back; the approval code, or why not.
    async fn give_back(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Result<String, DeclineCode>, BankError> {
        let reference = &self.sent.reference;
        if StoredAttempt::find(db_tx, reference, None).await?.is_some() {
            // Reversed before it arrived; anything else under this reference has an answer.
            return Ok(Err(DeclineCode::AlreadyReversed));
        }
        let Some(original) = StoredAttempt::find(db_tx, &self.original, None).await? else {
            return Ok(Err(DeclineCode::OriginalNotFound));
        };
        match original.state {
            State::Approved if original.kind != Some(Kind::Refund) => {}
            State::Approved | State::Held | State::Declined => return Ok(Err(DeclineCode::OriginalNotFound)),
            State::Reversed | State::Tombstoned | State::Expired => return Ok(Err(DeclineCode::AlreadyReversed)),
        }
        let posted = original.transfer_id.ok_or(BankError::Stored("attempt.transfer_id"))?;
        let left = ledger::refundable(db_tx, &posted).await?;
        if left.currency() != self.amount.currency() {
            return Ok(Err(DeclineCode::InvalidAmount));
        }
        if self.amount.minor() > left.minor() {
            return Ok(Err(DeclineCode::AboveOriginal));
        }
        let transfer_id = ledger::refund(db_tx, &posted, self.amount, reference.as_str(), now_ms).await?;
        let approval_code = approval_code();
        let new = NewAttempt {
            reference,
            kind: Kind::Refund,
            state: State::Approved,
            amount: self.amount,
            transfer_id: Some(&transfer_id),
            pan_reference: None,
            approval_code: Some(&approval_code),
            outcome: None,
            expires_ms: None,
            sealed: None,
            refund_of: Some(&original.reference),
            refund_id: None,
        };
        new.insert(db_tx, now_ms).await?;
        Ok(Ok(approval_code))
    }
}
