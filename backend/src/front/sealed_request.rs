//! A sealed debit as it comes from the payment server: a capsule, and the order its merchant signed.
//!
//! Reading it means the order, the fields that must equal it, and the attempt's hash.

use envelope::jws;
use iso8583::private::{CAPSULE_ELEMENT, Composite};
use iso8583::{Error, Message, Place, Spec};
use payment::{AttemptHash, AttemptId, DeclineCode, Order, OrderHash, WalletNonce};
use sha2::{Digest, Sha256};

use super::answer::amount;
use super::merchant::{MerchantBook, PinnedMerchant, acceptor_code};
use super::reference::Reference;

/// Processing code (DE 3): goods and services from a default account.
const PURCHASE: &str = "000000";
/// How long after its expiry an order is still debited, in milliseconds: the payment server judged
/// the expiry when the attempt came in, and its clock may differ.
const EXPIRY_GRACE_MS: u64 = 5 * 60 * 1_000;
/// Card data and PIN blocks belong into the capsule; beside it they are refused (DE 2, 14, 35, 36,
/// 45, 52, 55).
pub(super) const CARD_ELEMENTS: [u8; 7] = [2, 14, 35, 36, 45, 52, 55];

/// A debit that can be answered with a signed outcome.
pub struct SealedRequest {
    pub(crate) attempt_id: AttemptId,
    pub(crate) reference: Reference,
    /// SHA-256 of the message as first sent, in hexadecimal.
    pub(crate) message_hash: String,
    pub(crate) rrn: String,
    pub(crate) order: Order,
    pub(crate) order_hash: OrderHash,
    pub(crate) attempt_hash: AttemptHash,
    pub(crate) capsule: Vec<u8>,
    /// SHA-256 of the capsule, in hexadecimal.
    pub(crate) capsule_hash: String,
}

impl SealedRequest {
    /// Reads the message. The order's signature is checked by [`SealedRequest::check_order`];
    /// until then the order is only what the message claims.
    ///
    /// # Errors
    /// Which element is at fault.
    pub fn read(message: &Message) -> Result<Self, Error> {
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
    pub fn check_order<'a>(
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
}

/// SHA-256 of a message as it was first sent, in hexadecimal.
pub(super) fn message_hash(message: &Message) -> Result<String, Error> {
    let as_first_sent = message.clone().with_mti(message.mti().original()).pack(&Spec::TAPSEAL)?;
    Ok(hex::encode(Sha256::digest(&as_first_sent)))
}
