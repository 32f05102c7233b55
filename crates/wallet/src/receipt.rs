//! Receipts: made when the bank approved, and checked by anybody who pins the same roots, without a network.
//!
//! Checked are, in this order: the bank's root certifies the key that signed the outcome; the operator's root signed
//! the keyset that names the merchant's key and name; the merchant signed the order; the outcome speaks of
//! exactly this order, merchant, amount and attempt, with both hashes computed again; and the bank approved.

use envelope::jws::{self, TYP_OUTCOME};
use envelope::keyset::{BankCertificate, BankTrust, Keyset, TrustRoots};
use payment::receipt::RECEIPT_VERSION;
use payment::{AttemptHash, AttemptId, BankResult, Order, Outcome, Receipt, WalletNonce};
use protocol::ipc::history::ReceiptFault;
use protocol::ipc::{ReceiptSummary, ReceiptView};

use crate::clock::signed;
use crate::error::{Result, WalletError};
use crate::inbox::{self, VerifiedOrder};
use crate::qr;

mod check;
mod given;

/// The largest receipt that is looked at, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What the text of a short proof begins with.
pub const PROOF_PREFIX: &str = "tapseal:proof:1:";

/// An outcome under a certified bank key that speaks of one order and one attempt.
#[derive(Debug)]
pub struct VerifiedOutcome {
    outcome: Outcome,
}

impl VerifiedOutcome {
    /// Checks an outcome against the order and attempt it must be about.
    pub fn verify(
        outcome_jws: &str,
        bank_certificate: &str,
        banks: &[BankTrust],
        order: &VerifiedOrder,
        attempt_id: AttemptId,
        nonce: &WalletNonce,
    ) -> Result<Self> {
        let (outcome, _) = signed_outcome(outcome_jws, bank_certificate, banks)?;
        let order = order.order();
        let order_hash = order.hash();
        let checks = [
            ("the outcome is of another request", outcome.request_id == order.request_id),
            ("the outcome is of another attempt", outcome.attempt_id == attempt_id),
            ("the outcome is of another order", outcome.order_hash == order_hash),
            (
                "the attempt hash is another one",
                outcome.attempt_hash == AttemptHash::derive(&order_hash, attempt_id, nonce),
            ),
            ("the outcome names another merchant", outcome.merchant_id == order.merchant_id),
            ("the outcome names another amount", outcome.amount == order.amount),
        ];
        match checks.into_iter().find(|(_, holds)| !holds) {
            Some((what, _)) => Err(WalletError::Receipt(ReceiptFault::AnotherOrder, what)),
            None => Ok(Self { outcome }),
        }
    }

    /// The outcome.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

/// The outcome, once its bank's root certifies the key that signed it for the time it was signed at; and that certificate.
fn signed_outcome(
    outcome_jws: &str,
    bank_certificate: &str,
    banks: &[BankTrust],
) -> Result<(Outcome, BankCertificate)> {
    let malformed = |_| WalletError::Receipt(ReceiptFault::MalformedOutcome, "the outcome is not a signed message");
    let kid = jws::peek_kid(outcome_jws).map_err(malformed)?;
    let claimed = jws::peek_payload_unverified(outcome_jws).map_err(malformed)?;
    let claimed = outcome_in(&claimed)?;
    let decided_ms = signed(claimed.decided_ms);
    let certificate = BankCertificate::verify_at(bank_certificate, banks, decided_ms).map_err(|error| {
        tracing::debug!(%error, "a receipt's bank certificate was not accepted");
        let what = "the bank's certificate is not signed by a pinned root, or not valid then";
        WalletError::Receipt(ReceiptFault::BankNotCertified, what)
    })?;
    let outcome = outcome_under(outcome_jws, &kid, &certificate, decided_ms)?;
    Ok((outcome, certificate))
}

/// The outcome, once the key that a verified certificate names signed it.
fn outcome_under(outcome_jws: &str, kid: &str, certificate: &BankCertificate, decided_ms: i64) -> Result<Outcome> {
    let key = certificate.outcome_key(kid, decided_ms).ok_or(WalletError::Receipt(
        ReceiptFault::BankKeyUnknown,
        "the bank's certificate does not name the key that signed the outcome",
    ))?;
    let payload = jws::verify(key, TYP_OUTCOME, outcome_jws)
        .map_err(|_| WalletError::Receipt(ReceiptFault::BankSignature, "the bank's signature is wrong"))?;
    let outcome = outcome_in(&payload)?;
    if outcome.bank_id != certificate.bank_id {
        return Err(WalletError::Receipt(ReceiptFault::BankKeyUnknown, "the outcome names another bank"));
    }
    Ok(outcome)
}

fn outcome_in(payload: &[u8]) -> Result<Outcome> {
    let malformed = WalletError::Receipt(ReceiptFault::MalformedOutcome, "the outcome is malformed");
    Outcome::from_canonical(payload).ok_or(malformed)
}

/// A receipt that was checked.
#[derive(Debug)]
pub struct VerifiedReceipt {
    receipt: Receipt,
    order: VerifiedOrder,
    outcome: Outcome,
    bank_name: String,
    approval_code: String,
}

impl VerifiedReceipt {
    /// Checks a receipt from anywhere.
    pub fn verify(receipt: Receipt, roots: &TrustRoots) -> Result<Self> {
        if receipt.version != RECEIPT_VERSION {
            return Err(WalletError::Receipt(ReceiptFault::OtherVersion, "it is of another version"));
        }
        let (outcome, certificate) = signed_outcome(&receipt.outcome, &receipt.bank_certificate, &roots.banks)?;
        let keyset =
            Keyset::verify_at(&receipt.keyset, &roots.operator, signed(outcome.decided_ms)).map_err(|error| {
                tracing::debug!(%error, "a receipt's keyset was not accepted");
                let what = "the keyset is not signed by a pinned root, or not valid then";
                WalletError::Receipt(ReceiptFault::KeysetNotSigned, what)
            })?;
        let order = VerifiedOrder::verify(&receipt.order, &keyset).map_err(|error| match error {
            WalletError::Merchant(what) => WalletError::Receipt(ReceiptFault::MerchantSignature, what),
            other => other,
        })?;
        let outcome = VerifiedOutcome::verify(
            &receipt.outcome,
            &receipt.bank_certificate,
            &roots.banks,
            &order,
            outcome.attempt_id,
            &receipt.wallet_nonce,
        )?
        .outcome;
        let BankResult::Approved { approval_code } = &outcome.decision else {
            return Err(WalletError::Receipt(ReceiptFault::NotApproved, "the bank did not approve"));
        };
        let approval_code = approval_code.clone();
        Ok(Self { receipt, order, outcome, bank_name: certificate.bank_name, approval_code })
    }

    /// Checks a receipt's JSON.
    pub fn from_json(json: &str, roots: &TrustRoots) -> Result<Self> {
        if json.len() > RECEIPT_BYTES_MAX {
            return Err(WalletError::Receipt(ReceiptFault::TooLarge, "it is too large"));
        }
        let receipt = serde_json::from_str(json)
            .map_err(|_| WalletError::Receipt(ReceiptFault::NotAReceipt, "it is not a receipt"))?;
        Self::verify(receipt, roots)
    }

    /// The receipt itself.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The order, as the merchant signed it.
    pub fn order(&self) -> &Order {
        self.order.order()
    }

    /// What the bank said.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// ISO 8583 DE 38.
    pub fn approval_code(&self) -> &str {
        &self.approval_code
    }

    /// What it says in short.
    pub fn summary(&self) -> ReceiptSummary {
        ReceiptSummary {
            attempt_id: self.outcome.attempt_id,
            amount: self.outcome.amount,
            payee: self.order.order().payee_name.clone(),
            decided_ms: self.outcome.decided_ms,
            card_label: self.outcome.card_label.clone(),
        }
    }

    /// What a QR can hold of a receipt: the bank's signed outcome, which names order, merchant and amount.
    pub fn short_proof(&self) -> String {
        format!("{PROOF_PREFIX}{}", self.receipt.outcome)
    }

    /// The whole view.
    pub fn view(&self) -> ReceiptView {
        ReceiptView {
            summary: self.summary(),
            order_number: self.order.order().order_number.clone(),
            items: inbox::items(self.order.order()),
            approval_code: self.approval_code.clone(),
            rrn: self.outcome.rrn.clone(),
            bank: self.outcome.bank_id.clone(),
            bank_name: self.bank_name.clone(),
            // Both were checked, or this value would not exist.
            merchant_seal: true,
            bank_seal: true,
            refunded_minor: None,
            json: self.to_json(),
            qr_svg: qr::svg(&self.short_proof(), qr::Damage::Little),
        }
    }

    /// The receipt file's text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.receipt).expect("a receipt is always JSON")
    }
}
