//! What proves a purchase on a phone bill, checked without a network by anybody who pins the same roots.
//!
//! First everything a receipt is checked for; then that the operator which signed the outcome certified the subscriber's key,
//! and that this key signed exactly this attempt, amount, payee and operator.

use envelope::keyset::TrustRoots;
use envelope::subscriber::{BillPayment, SubscriberCertificate, SubscriberSignature};
use payment::PurchaseProof;
use protocol::ipc::history::ReceiptFault;
use protocol::{ErrorCode, Problem};

use crate::clock::signed;
use crate::error::{Result, WalletError};
use crate::receipt::{RECEIPT_BYTES_MAX, VerifiedReceipt};

/// A proof that was checked.
#[derive(Debug)]
pub struct VerifiedProof {
    receipt: VerifiedReceipt,
    certificate: SubscriberCertificate,
}

impl VerifiedProof {
    /// Checks a proof's JSON.
    ///
    /// # Errors
    /// [`ErrorCode::ReceiptInvalid`], and in its detail what does not hold.
    pub fn from_json(json: &str, roots: &TrustRoots) -> std::result::Result<Self, Problem> {
        let invalid = |what: &str| Problem::new(ErrorCode::ReceiptInvalid).with_detail(what);
        if json.len() > RECEIPT_BYTES_MAX {
            return Err(invalid("it is too large"));
        }
        let proof = serde_json::from_str(json).map_err(|_| invalid("it is not a proof of a purchase"))?;
        Ok(Self::verify(proof, roots)?)
    }

    /// Checks a proof.
    ///
    /// # Errors
    /// [`WalletError::Receipt`] with what does not hold.
    pub fn verify(proof: PurchaseProof, roots: &TrustRoots) -> Result<Self> {
        let receipt = VerifiedReceipt::verify(proof.receipt, roots)?;
        let (order, outcome) = (receipt.order(), receipt.outcome());
        let no_key = |what| WalletError::Receipt(ReceiptFault::SubscriberKey, what);
        let unsigned = |what| WalletError::Receipt(ReceiptFault::SubscriberSignature, what);
        let decided_ms = signed(outcome.decided_ms);
        let certificate =
            SubscriberCertificate::verify_at(&proof.certificate, &roots.banks, decided_ms).map_err(|error| {
                tracing::debug!(%error, "a subscriber's certificate was not accepted");
                no_key("the subscriber's key is not certified by a pinned root, or was not then")
            })?;
        if certificate.operator_id != outcome.bank_id {
            return Err(no_key("the subscriber's key is certified by another operator"));
        }
        let signature = SubscriberSignature::from_base64url(&proof.signature)
            .map_err(|_| unsigned("the subscriber's signature is malformed"))?;
        let paid = BillPayment {
            operator_id: &outcome.bank_id,
            attempt_hash: outcome.attempt_hash.as_bytes(),
            amount_minor: u64::try_from(order.amount.minor()).map_err(|_| unsigned("the amount is below zero"))?,
            currency: order.amount.currency().code(),
            merchant_id: order.merchant_id.as_str(),
        };
        signature
            .verify_payment(&certificate.key, &paid)
            .map_err(|_| unsigned("the subscriber did not sign this payment"))?;
        Ok(Self { receipt, certificate })
    }

    /// The receipt in it.
    pub fn receipt(&self) -> &VerifiedReceipt {
        &self.receipt
    }

    /// The key that signed, for people to compare with the one of a wallet: as [`envelope::VerifyingKey::fingerprint`].
    pub fn key_fingerprint(&self) -> String {
        self.certificate.key.fingerprint()
    }
}
