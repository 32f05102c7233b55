//! Refund of the sealed profile: 0200 with processing code 20, for a refund order that its merchant signed.
//!
//! It needs no card. The original is named by its attempt id (DE 127) and by DE 90, and must be a debit of the same
//! request for the same merchant. The answer is signed; a repeat gets it again, so the sender can ask until it has it.

use std::sync::Arc;

use iso8583::Message;
use iso8583::private::Composite;
use payment::refund::REFUND_VERSION;
use payment::{DeclineCode, RefundOutcome, RefundResult};

use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::{self, TransferId};
use crate::bank_front::message::attempt::{Kind, NewAttempt, State, StoredAttempt, StoredExchange};
use crate::bank_front::message::authorization::{answered_before, approval_code};
use crate::bank_front::message::{DONE, Orders, Reference, format_error, response_with};
use crate::front::SignedRefund;
use crate::storage::DbConnection;

/// Answers a 0200 or a 0201 that asks for a refund.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message, orders: Orders) -> Result<Message, BankError> {
    let Ok(refund) = SignedRefund::read(message) else {
        return format_error(message);
    };
    let checked = match orders.decline {
        Some(code) => Err(code),
        None => refund.check(message, &front.merchants),
    };
    let (writing, message) = (Arc::clone(front), message.clone());
    front.db.write(move |db_tx| Box::pin(async move { refund.run(db_tx, &writing, &message, checked).await })).await
}

/// What the bank says about one refund.
struct Decided {
    decision: RefundResult,
    /// The post it gave back of, and its own.
    moved: Option<TransferId>,
    /// The original, where there is one that fits.
    original: Option<Reference>,
}

impl Decided {
    fn refused(code: DeclineCode, original: Option<Reference>) -> Self {
        Self { decision: RefundResult::Refused { code }, moved: None, original }
    }
}

impl SignedRefund {
    async fn run(
        self,
        db_tx: &mut DbConnection,
        front: &BankFront,
        message: &Message,
        checked: Result<(), DeclineCode>,
    ) -> Result<Message, BankError> {
        let now_ms = front.now_ms();
        if let Some(answer) = answered_before(db_tx, message, &self.reference, &self.message_hash).await? {
            return Ok(answer);
        }
        let decided_before = match checked {
            Ok(()) => StoredAttempt::find_refund(db_tx, self.order.refund_id).await?,
            Err(_) => None,
        };
        // Another message about a refund that was decided: the word on it stands, and there is no second.
        if let Some(stored) = decided_before {
            let composite = Composite { outcome: stored.outcome, ..Composite::default() };
            return self
                .store(db_tx, response_with(message, DeclineCode::Replay.response_code(), &composite)?, now_ms)
                .await;
        }
        let decided = match checked {
            Ok(()) => self.give_back(db_tx, now_ms).await?,
            Err(code) => Decided::refused(code, None),
        };
        let outcome = self.word(front, decided.decision.clone(), now_ms);
        if let Some(original) = &decided.original {
            self.insert(db_tx, &decided, original, &outcome, now_ms).await?;
        }
        let composite = Composite { outcome: Some(outcome), ..Composite::default() };
        let answer = match decided.decision {
            RefundResult::Refunded { approval_code } => {
                response_with(message, DONE, &composite)?.with_text(38, approval_code)
            }
            RefundResult::Refused { code } => {
                let reason = Some(code.as_str().to_owned());
                response_with(message, code.response_code(), &Composite { reason, ..composite })?
            }
        };
        self.store(db_tx, answer, now_ms).await
    }

    /// Moves the money back, or says why not.
    async fn give_back(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Decided, BankError> {
        if StoredAttempt::find(db_tx, &self.reference, None).await?.is_some() {
            // Reversed before it arrived; anything else under this reference has an answer.
            return Ok(Decided::refused(DeclineCode::AlreadyReversed, None));
        }
        let original = StoredAttempt::find_sealed(db_tx, self.attempt_id).await?;
        let Some(original) = original.filter(|original| self.is_of(original)) else {
            return Ok(Decided::refused(DeclineCode::OriginalNotFound, None));
        };
        let refused = |code| Ok(Decided::refused(code, Some(original.reference.clone())));
        match original.state {
            State::Approved => {}
            State::Held | State::Declined => return refused(DeclineCode::OriginalNotFound),
            State::Reversed | State::Tombstoned | State::Expired => return refused(DeclineCode::AlreadyReversed),
        }
        let posted = original.transfer_id.as_ref().ok_or(BankError::Stored("attempt.transfer_id"))?;
        let left = ledger::refundable(db_tx, posted).await?;
        if left.currency() != self.order.amount.currency() {
            return refused(DeclineCode::InvalidAmount);
        }
        if self.order.amount.minor() > left.minor() {
            return refused(DeclineCode::AboveOriginal);
        }
        let purpose = self.order.refund_id.to_string();
        let moved = ledger::refund(db_tx, posted, self.order.amount, &purpose, now_ms).await?;
        let decision = RefundResult::Refunded { approval_code: approval_code() };
        Ok(Decided { decision, moved: Some(moved), original: Some(original.reference) })
    }

    /// Whether a stored debit is the one this refund gives back of: by DE 90, and by what the bank signed about it.
    fn is_of(&self, debit: &StoredAttempt) -> bool {
        self.names(&debit.reference)
            && debit.outcome().is_ok_and(|outcome| {
                outcome.request_id == self.order.request_id && outcome.merchant_id == self.order.merchant_id
            })
    }

    /// The bank's word on this refund, with everything taken from what the bank itself derived, and signed.
    fn word(&self, front: &BankFront, decision: RefundResult, now_ms: i64) -> String {
        front.hsm.sign_refund_outcome(&RefundOutcome {
            version: REFUND_VERSION,
            bank_id: front.hsm.bank_id(),
            refund_id: self.order.refund_id,
            refund_hash: self.refund_hash,
            request_id: self.order.request_id,
            attempt_id: self.attempt_id,
            merchant_id: self.order.merchant_id.clone(),
            amount: self.order.amount,
            decision,
            rrn: self.rrn.clone(),
            decided_ms: u64::try_from(now_ms).unwrap_or_default(),
        })
    }

    async fn insert(
        &self,
        db_tx: &mut DbConnection,
        decided: &Decided,
        original: &Reference,
        outcome: &str,
        now_ms: i64,
    ) -> Result<(), BankError> {
        let (state, approval_code) = match &decided.decision {
            RefundResult::Refunded { approval_code } => (State::Approved, Some(approval_code.as_str())),
            RefundResult::Refused { .. } => (State::Declined, None),
        };
        let new = NewAttempt {
            reference: &self.reference,
            kind: Kind::Refund,
            state,
            amount: self.order.amount,
            transfer_id: decided.moved.as_ref(),
            pan_reference: None,
            approval_code,
            outcome: Some(outcome),
            expires_ms: None,
            sealed: None,
            refund_of: Some(original),
            refund_id: Some(self.order.refund_id),
        };
        new.insert(db_tx, now_ms).await
    }

    /// Stores the answer in the step that did what it says.
    async fn store(self, db_tx: &mut DbConnection, answer: Message, now_ms: i64) -> Result<Message, BankError> {
        let exchange = StoredExchange { message_hash: self.message_hash, answer };
        exchange.insert(db_tx, &self.reference, now_ms).await?;
        Ok(exchange.answer)
    }
}
