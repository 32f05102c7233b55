//! The sealed profile: a debit by capsule, for an order its merchant signed, answered with a signed outcome.
//!
//! `front::sealed_request` reads it and checks the order.

use std::sync::Arc;

use iso8583::Message;
use iso8583::private::Composite;
use payment::outcome::{BankResult, OUTCOME_VERSION};
use payment::{DeclineCode, Outcome};

use super::attempt::SealedBinding;
use super::authorization::{self, Asked, Authorization, Decided, Payee, Profile, Step};
use super::{DONE, Orders, format_error, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::account::{AccountId, AcquirerId};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{Presentation, Refused};
pub(super) use crate::front::SealedRequest;
use crate::storage::DbConnection;

pub(super) mod code;
mod refund;

/// Processing code (DE 3): money back to the account it came from.
const REFUND: &str = "200000";

/// Answers a 0200 or a 0201.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message, orders: Orders) -> Result<Message, BankError> {
    if message.text(3) == Ok(REFUND) {
        return refund::answer(front, message, orders).await;
    }
    let Ok(request) = SealedRequest::read(message) else {
        return format_error(message);
    };
    let known = {
        let mut connection = front.db.reader().acquire().await?;
        authorization::answered_before(&mut connection, message, &request.reference, &request.message_hash).await?
    };
    match known {
        Some(answer) => Ok(answer),
        None => request.prepare(front, message.clone(), orders).run(front).await,
    }
}

/// The answer that says what was decided, but for what every profile says alike.
pub(super) fn answer_to(
    front: &BankFront,
    message: &Message,
    decided: &Decided,
    now_ms: i64,
) -> Result<Message, BankError> {
    match decided {
        Decided::Approved { outcome, .. } => {
            response_with(message, DONE, &Composite { outcome: outcome.clone(), ..Composite::default() })
        }
        Decided::Declined { outcome, refusal, .. } => {
            let code = refusal.code;
            // A wallet that sealed to an old key needs the new one to try again.
            let certificate = (code == DeclineCode::RetiredKey).then(|| front.hsm.certificate(now_ms));
            let composite = Composite {
                outcome: outcome.clone(),
                bank_certificate: certificate.transpose()?.map(|certificate| certificate.to_string()),
                pin_tries_left: refusal.pin_tries_left,
                reason: Some(code.as_str().to_owned()),
                ..Composite::default()
            };
            response_with(message, code.response_code(), &composite)
        }
        Decided::Duplicate { outcome } => {
            let code = DeclineCode::Replay;
            let (outcome, reason) = (Some(outcome.clone()), Some(code.as_str().to_owned()));
            response_with(message, code.response_code(), &Composite { outcome, reason, ..Composite::default() })
        }
    }
}

impl SealedRequest {
    /// Checks everything that can be checked before the books are asked.
    fn prepare(self, front: &BankFront, message: Message, orders: Orders) -> Authorization {
        let now_ms = front.now_ms();
        let checked = self.check_order(&message, &front.merchants, now_ms);
        let order = &self.order;
        let asked = Asked {
            reference: self.reference.clone(),
            message_hash: self.message_hash.clone(),
            step: Step::Debit,
            amount: order.amount,
            payee: Payee::Merchant {
                account: AccountId::of_merchant(&order.merchant_id),
                currency: checked.map_or(order.amount.currency(), |merchant| merchant.currency),
            },
            acquirer: message.text(32).ok().and_then(AcquirerId::parse),
            purpose: self.attempt_id.to_string(),
            orders,
        };
        let source = checked.map_err(Refused::from).and_then(|_| {
            front.hsm.source(&Presentation {
                capsule: &self.capsule,
                attempt_hash: self.attempt_hash,
                amount: order.amount,
                card_order: orders.card_order,
                now_ms,
            })
        });
        Authorization::prepare(front, message, asked, Profile::Sealed(Box::new(self)), source, now_ms)
    }

    /// The bank's word on this attempt, with everything taken from what the bank itself derived, and signed.
    pub(super) fn word(&self, front: &BankFront, card_label: &str, decision: BankResult, now_ms: i64) -> String {
        front.hsm.sign_outcome(&Outcome {
            version: OUTCOME_VERSION,
            bank_id: front.hsm.bank_id(),
            request_id: self.order.request_id,
            attempt_id: self.attempt_id,
            order_hash: self.order_hash,
            attempt_hash: self.attempt_hash,
            merchant_id: self.order.merchant_id.clone(),
            amount: self.order.amount,
            decision,
            rrn: self.rrn.clone(),
            card_label: card_label.to_owned(),
            decided_ms: u64::try_from(now_ms).unwrap_or_default(),
        })
    }

    /// What ties a stored attempt to its order and capsule.
    pub(super) fn binding(&self) -> SealedBinding<'_> {
        SealedBinding {
            attempt_id: self.attempt_id,
            request_id: self.order.request_id,
            attempt_hash: self.attempt_hash,
            capsule_hash: &self.capsule_hash,
        }
    }

    /// Whether a stored attempt, by its hash, is this one at the same order, in whatever capsule.
    pub(super) fn is_attempt(&self, stored_hash: Option<&str>) -> bool {
        stored_hash == Some(self.attempt_hash.to_string().as_str())
    }

    /// Whether the capsule served before, or the request is paid.
    pub(super) async fn is_used_or_paid(&self, db_tx: &mut DbConnection) -> Result<bool, BankError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM attempt WHERE capsule_hash = $1 OR (request_id = $2 AND state = 'approved') LIMIT 1",
        )
        .bind(&self.capsule_hash)
        .bind(self.order.request_id.to_string())
        .fetch_optional(db_tx)
        .await?;
        Ok(found.is_some())
    }
}
