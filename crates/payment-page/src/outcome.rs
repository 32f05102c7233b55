//! What became of an attempt: the bank's signed word, checked against what was sent, and nobody else's.

use envelope::jws::{self, TYP_OUTCOME};
use payment::receipt::RECEIPT_VERSION;
use payment::{AttemptHash, AttemptState, BankResult, Outcome, Receipt};
use protocol::wallet_api::AttemptView;
use serde::Serialize;

use crate::fault::Fault;
use crate::visit::{Attempt, Visit};

/// How an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// The bank approved, and signed it for exactly this order and attempt.
    Paid {
        /// ISO 8583 DE 38.
        approval_code: String,
        /// When the bank decided, ms since the Unix epoch.
        decided_ms: u64,
        /// The receipt's file.
        receipt: String,
    },
    /// Not paid: no money moved.
    Refused {
        /// Why.
        code: String,
    },
    /// Nobody knows yet; it is not to be paid again.
    Unknown {
        /// When it is known or undone, at the latest, ms since the Unix epoch.
        deadline_ms: Option<u64>,
    },
    /// On its way.
    Waiting,
    /// The server says that it is paid, and cannot prove it.
    Unproved,
}

impl Visit {
    /// What the server's answer means for this visit's attempt.
    ///
    /// # Errors
    /// When nothing was sent, or the answer is of another attempt.
    pub fn end(&self, answer: &str) -> Result<End, Fault> {
        let attempt = self.attempt.as_ref().ok_or(Fault::NotReady)?;
        let view: AttemptView = serde_json::from_str(answer).map_err(|_| Fault::NotReady)?;
        if view.attempt_id != attempt.id {
            return Err(Fault::NotReady);
        }
        Ok(match view.state {
            AttemptState::Approved => self.proved(attempt, &view).unwrap_or(End::Unproved),
            AttemptState::Declined { code } => End::Refused { code: code.as_str().to_owned() },
            AttemptState::Reversed => End::Refused { code: "reversed".to_owned() },
            AttemptState::Sealed | AttemptState::Received | AttemptState::Forwarded => End::Waiting,
            AttemptState::NoAnswer
            | AttemptState::Inquiring
            | AttemptState::NotFound
            | AttemptState::Reversing
            | AttemptState::NeedsManualReview => End::Unknown { deadline_ms: view.deadline_ms },
        })
    }

    /// The approval, if the bank's certified key signed it, and it speaks of what was sent.
    fn proved(&self, attempt: &Attempt, view: &AttemptView) -> Option<End> {
        let outcome_jws = view.outcome.as_deref()?;
        let front = self.fronts.iter().find(|front| front.certificate.bank_id == attempt.bank_id)?;
        let kid = jws::peek_kid(outcome_jws).ok()?;
        let claimed = Outcome::from_canonical(&jws::peek_payload_unverified(outcome_jws).ok()?)?;
        let decided_ms = i64::try_from(claimed.decided_ms).ok()?;
        let key = front.certificate.outcome_key(&kid, decided_ms)?;
        let outcome = Outcome::from_canonical(&jws::verify(key, TYP_OUTCOME, outcome_jws).ok()?)?;
        let order_hash = self.order.hash();
        let is_about_this = outcome.bank_id == attempt.bank_id
            && outcome.request_id == self.order.request_id
            && outcome.attempt_id == attempt.id
            && outcome.order_hash == order_hash
            && outcome.attempt_hash == AttemptHash::derive(&order_hash, attempt.id, &attempt.nonce)
            && outcome.merchant_id == self.order.merchant_id
            && outcome.amount == self.order.amount;
        let BankResult::Approved { approval_code } = outcome.decision else { return None };
        let receipt = Receipt {
            version: RECEIPT_VERSION,
            order: self.order_jws.clone(),
            wallet_nonce: attempt.nonce,
            outcome: outcome_jws.to_owned(),
            keyset: self.keyset_jws.clone(),
            bank_certificate: front.jws.clone(),
        };
        let receipt = serde_json::to_string_pretty(&receipt).ok()?;
        is_about_this.then_some(End::Paid { approval_code, decided_ms: outcome.decided_ms, receipt })
    }
}
