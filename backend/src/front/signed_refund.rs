//! A refund as it comes from the payment server: what gives back of an earlier debit, by the order its merchant signed.

use envelope::jws;
use iso8583::private::{CAPSULE_ELEMENT, Composite};
use iso8583::{Error, Message, OriginalData, Place};
use payment::{AttemptId, DeclineCode, RefundHash, RefundOrder};

use super::answer::amount;
use super::merchant::{MerchantBook, acceptor_code};
use super::reference::Reference;
use super::sealed_request::{CARD_ELEMENTS, message_hash};

/// A refund that can be answered with a signed outcome.
pub struct SignedRefund {
    pub(crate) reference: Reference,
    pub(crate) message_hash: String,
    pub(crate) rrn: String,
    /// The attempt that paid, and what its reference begins with.
    pub(crate) attempt_id: AttemptId,
    pub(crate) original: OriginalData,
    pub(crate) order: RefundOrder,
    pub(crate) refund_hash: RefundHash,
}

impl SignedRefund {
    /// Reads the message. Until [`Self::check`] the order is only what the message claims.
    ///
    /// # Errors
    /// Which element is at fault.
    pub fn read(message: &Message) -> Result<Self, Error> {
        let wrong = |number| Error::Content { place: Place::Element(number) };
        if let Some(number) = CARD_ELEMENTS.into_iter().chain([CAPSULE_ELEMENT]).find(|number| message.has(*number)) {
            return Err(wrong(number));
        }
        let composite = Composite::of(message)?;
        let (Some(refund_jws), Some(attempt_id)) = (&composite.refund, composite.attempt_id) else {
            return Err(Error::Missing { place: Place::Element(127) });
        };
        let canonical = jws::peek_payload_unverified(refund_jws).map_err(|_| wrong(127))?;
        Ok(Self {
            reference: Reference::of(message)?,
            message_hash: message_hash(message)?,
            rrn: message.text(37)?.to_owned(),
            attempt_id: AttemptId::from_bytes(attempt_id),
            original: OriginalData::parse(message.text(90)?)?,
            order: RefundOrder::from_canonical(&canonical).map_err(|_| wrong(127))?,
            refund_hash: RefundHash::of_canonical(&canonical),
        })
    }

    /// Checks that the pinned merchant signed this order, and that the fields of the message equal it.
    ///
    /// # Errors
    /// The refusal.
    pub fn check(&self, message: &Message, merchants: &MerchantBook) -> Result<(), DeclineCode> {
        let merchant = merchants.get(&self.order.merchant_id).ok_or(DeclineCode::InvalidMerchant)?;
        let signed = Composite::of(message)
            .ok()
            .and_then(|composite| composite.refund)
            .and_then(|refund| jws::verify(&merchant.key, jws::TYP_REFUND, &refund).ok());
        let is_signed = signed.is_some_and(|payload| RefundHash::of_canonical(&payload) == self.refund_hash);
        let fields_agree = amount(message) == Some(self.order.amount)
            && message.text(42).is_ok_and(|code| code == acceptor_code(&self.order.merchant_id));
        if is_signed && fields_agree { Ok(()) } else { Err(DeclineCode::OrderMismatch) }
    }

    /// Whether DE 90 names the debit with this reference.
    pub fn names(&self, debit: &Reference) -> bool {
        debit.as_str().starts_with(&format!("{}.{:06}.", self.original.transmitted, self.original.stan))
    }
}
