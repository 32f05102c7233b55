//! What proves a purchase to somebody who believes neither the operator nor the subscriber: the subscriber's signature over
//! what was paid, beside everything a receipt has.

use payment::receipt::RECEIPT_VERSION;
use payment::{ConfirmationNumber, PurchaseProof, Receipt, WalletNonce};

use super::error::CarrierError;
use super::purchase::{Purchase, PurchaseState};
use crate::storage::DbConnection;

#[derive(sqlx::FromRow)]
struct Evidence {
    order_jws: String,
    wallet_nonce: String,
    signature: String,
    outcome: String,
    front_certificate: String,
    certificate: String,
}

/// The proof of a purchase, with the keyset that names its merchant's key: what the payment server gives everybody.
///
/// # Errors
/// [`CarrierError::NoPurchase`] when there is none, [`CarrierError::Undone`] when it was undone.
pub async fn of(
    connection: &mut DbConnection,
    number: &ConfirmationNumber,
    keyset: &str,
) -> Result<PurchaseProof, CarrierError> {
    let purchase = Purchase::find_confirmed(connection, number).await?;
    if purchase.state != PurchaseState::Approved {
        return Err(CarrierError::Undone);
    }
    let evidence: Option<Evidence> = sqlx::query_as(
        "SELECT evidence.order_jws, evidence.wallet_nonce, evidence.signature, evidence.outcome, evidence.front_certificate,
         subscriber_certificate.certificate FROM evidence
         JOIN subscriber_certificate ON subscriber_certificate.serial = evidence.serial WHERE evidence.reference = $1",
    )
    .bind(&purchase.reference)
    .fetch_optional(connection)
    .await?;
    let evidence = evidence.ok_or(CarrierError::Stored("evidence"))?;
    let nonce = hex::decode(&evidence.wallet_nonce).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let receipt = Receipt {
        version: RECEIPT_VERSION,
        order: evidence.order_jws,
        outcome: evidence.outcome,
        bank_certificate: evidence.front_certificate,
        keyset: keyset.trim().to_owned(),
        wallet_nonce: WalletNonce::from_bytes(nonce.ok_or(CarrierError::Stored("evidence.wallet_nonce"))?),
    };
    Ok(PurchaseProof { receipt, certificate: evidence.certificate, signature: evidence.signature })
}
