//! The sealed profile: a debit by capsule, for an order its merchant signed, answered with a signed outcome.
//!
//! Reading it means the order, the fields that must equal it, and the attempt's hash.

use std::sync::Arc;

use envelope::jws;
use iso8583::private::{CAPSULE_ELEMENT, Composite};
use iso8583::{Error, Message, Place, Spec};
use payment::outcome::{BankResult, OUTCOME_VERSION};
use payment::{AttemptHash, AttemptId, DeclineCode, Order, OrderHash, Outcome, WalletNonce};
use sha2::{Digest, Sha256};

use super::attempt::SealedBinding;
use super::authorization::{self, Asked, Authorization, Decided, Payee, Profile, Step};
use super::{DONE, Orders, Reference, amount, format_error, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::account::{AccountId, AcquirerId};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{Presentation, Refused};
use crate::bank_front::merchant::{MerchantBook, PinnedMerchant, acceptor_code};
use crate::storage::DbConnection;

pub(super) mod code;
mod refund;

/// Processing codes (DE 3): goods and services from a default account, and money back to it.
const PURCHASE: &str = "000000";
const REFUND: &str = "200000";
/// How long after its expiry an order is still debited, in milliseconds: the payment server judged
/// the expiry when the attempt came in, and its clock may differ.
const EXPIRY_GRACE_MS: u64 = 5 * 60 * 1_000;
/// Card data and PIN blocks belong into the capsule; beside it they are refused (DE 2, 14, 35, 36,
/// 45, 52, 55).
const CARD_ELEMENTS: [u8; 7] = [2, 14, 35, 36, 45, 52, 55];

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

/// SHA-256 of a message as it was first sent, in hexadecimal.
fn message_hash(message: &Message) -> Result<String, Error> {
    let as_first_sent = message.clone().with_mti(message.mti().original()).pack(&Spec::TAPSEAL)?;
    Ok(hex::encode(Sha256::digest(&as_first_sent)))
}

/// A debit that can be answered with a signed outcome.
pub(super) struct SealedRequest {
    pub(super) attempt_id: AttemptId,
    reference: Reference,
    /// SHA-256 of the message as first sent, in hexadecimal.
    message_hash: String,
    rrn: String,
    pub(super) order: Order,
    order_hash: OrderHash,
    attempt_hash: AttemptHash,
    capsule: Vec<u8>,
    /// SHA-256 of the capsule, in hexadecimal.
    capsule_hash: String,
}

impl SealedRequest {
    /// Reads the message. The order's signature is checked by [`SealedRequest::check_order`];
    /// until then the order is only what the message claims.
    fn read(message: &Message) -> Result<Self, Error> {
        if let Some(number) = CARD_ELEMENTS.into_iter().find(|number| message.has(*number)) {
            return Err(Error::Content { place: Place::Element(number) });
        }
        let wrong = |number| Error::Content { place: Place::Element(number) };
        if message.text(3)? != PURCHASE {
            return Err(wrong(3));
        }
        let composite = Composite::of(message)?;
        let missing = Error::Missing { place: Place::Element(127) };
        let (Some(order_jws), Some(attempt_id), Some(nonce)) =
            (&composite.order, composite.attempt_id, composite.wallet_nonce)
        else {
            return Err(missing);
        };
        let canonical = jws::peek_payload_unverified(order_jws).map_err(|_| wrong(127))?;
        let order = Order::from_canonical(&canonical).map_err(|_| wrong(127))?;
        let order_hash = OrderHash::of_canonical(&canonical);
        let attempt_id = AttemptId::from_bytes(attempt_id);
        let capsule = message.binary(CAPSULE_ELEMENT)?.to_vec();
        Ok(Self {
            reference: Reference::of(message)?,
            message_hash: message_hash(message)?,
            rrn: message.text(37)?.to_owned(),
            order_hash,
            attempt_hash: AttemptHash::derive(&order_hash, attempt_id, &WalletNonce::from_bytes(nonce)),
            attempt_id,
            capsule_hash: hex::encode(Sha256::digest(&capsule)),
            capsule,
            order,
        })
    }

    /// Checks that the pinned merchant signed this order, and that the fields of the message equal it.
    ///
    /// # Errors
    /// The refusal, when anything was changed on the way, or the order is long past.
    fn check_order<'a>(
        &self,
        message: &Message,
        merchants: &'a MerchantBook,
        now_ms: i64,
    ) -> Result<&'a PinnedMerchant, DeclineCode> {
        let mismatch = DeclineCode::OrderMismatch;
        let merchant = merchants.get(&self.order.merchant_id).ok_or(DeclineCode::InvalidMerchant)?;
        let signed = Composite::of(message)
            .ok()
            .and_then(|composite| composite.order)
            .and_then(|order| jws::verify(&merchant.key, jws::TYP_ORDER, &order).ok());
        let is_signed = signed.is_some_and(|payload| OrderHash::of_canonical(&payload) == self.order_hash);
        let fields_agree = amount(message) == Some(self.order.amount)
            && message.text(42).is_ok_and(|code| code == acceptor_code(&self.order.merchant_id))
            && self.order.payee_name == merchant.display_name;
        let is_past = self.order.is_expired(u64::try_from(now_ms).unwrap_or(0).saturating_sub(EXPIRY_GRACE_MS));
        if is_signed && fields_agree && !is_past { Ok(merchant) } else { Err(mismatch) }
    }

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
