//! Which device signs large payments for a card, and what it signed.
//!
//! The first payment that passes everything else makes its device the card's; from then on no other device signs for that
//! card, until the bank's counter forgets it. What was signed is kept with every payment that was approved, so that the
//! bank can show it to others: it can check such a signature, and make none.

use envelope::inner::large_voucher::{SignedByDevice, Statement};
use envelope::{Device, VerifyingKey};
use serde::Serialize;

use crate::bank_front::card::PanReference;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// What a device signed, with everything that a signature over it is checked with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Evidence {
    /// The attempt.
    pub attempt_id: String,
    /// The voucher that paid.
    pub number: String,
    /// Which attempt at which order, in hexadecimal.
    pub attempt_hash: String,
    /// SHA-256 of what the card answered, in hexadecimal.
    pub card_hash: String,
    /// The device's key, in base64url.
    pub device_key: String,
    /// Its signature, in base64url.
    pub signature: String,
}

impl Evidence {
    /// Whether the key signed exactly this at this bank.
    ///
    /// # Errors
    /// [`BankError::Stored`] when it did not, or a part of it means nothing.
    pub fn verify(&self, bank_id: &str) -> Result<(), BankError> {
        let wrong = BankError::Stored("voucher_signature.signature");
        let hash = |text: &str| hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let parts = hash(&self.attempt_hash).zip(hash(&self.card_hash));
        let signed = VerifyingKey::<Device>::from_base64url(&self.device_key)
            .ok()
            .and_then(|key| SignedByDevice::from_base64url(key, &self.signature).ok());
        let Some(((attempt_hash, card_hash), signed)) = parts.zip(signed) else { return Err(wrong) };
        let statement =
            Statement { bank_id, attempt_hash: &attempt_hash, customer_number: &self.number, card_hash: &card_hash };
        signed.verify(statement).map_err(|_| wrong)
    }
}

/// Whether this device may sign for a card: it is the card's, or the card has none yet.
pub(in crate::bank_front) async fn may_sign(
    db_tx: &mut DbConnection,
    card: &PanReference,
    key: &VerifyingKey<Device>,
) -> Result<bool, BankError> {
    let known: Option<String> = sqlx::query_scalar("SELECT device_key FROM card_signer WHERE pan_reference = $1")
        .bind(card)
        .fetch_optional(db_tx)
        .await?;
    Ok(known.is_none_or(|known| known == key.to_base64url()))
}

/// Keeps what was signed, in the step that moves the money; the device is the card's from now on.
pub(in crate::bank_front) async fn keep(
    db_tx: &mut DbConnection,
    card: &PanReference,
    evidence: &Evidence,
    now_ms: i64,
) -> Result<(), BankError> {
    sqlx::query(
        "INSERT INTO card_signer (pan_reference, device_key, since_ms) VALUES ($1, $2, $3)
         ON CONFLICT (pan_reference) DO NOTHING",
    )
    .bind(card)
    .bind(&evidence.device_key)
    .bind(now_ms)
    .execute(&mut *db_tx)
    .await?;
    sqlx::query(
        "INSERT INTO voucher_signature (attempt_id, number, pan_reference, attempt_hash, card_hash, device_key,
         signature, signed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&evidence.attempt_id)
    .bind(&evidence.number)
    .bind(card)
    .bind(&evidence.attempt_hash)
    .bind(&evidence.card_hash)
    .bind(&evidence.device_key)
    .bind(&evidence.signature)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// Forgets which device signs for a card, for a holder whose identity the counter checked; whether there was one.
pub async fn forget(db_tx: &mut DbConnection, card: &PanReference) -> Result<bool, BankError> {
    let forgotten = sqlx::query("DELETE FROM card_signer WHERE pan_reference = $1").bind(card).execute(db_tx).await?;
    Ok(forgotten.rows_affected() == 1)
}

/// What was signed for an attempt, if it was a large payment by voucher that was approved.
pub async fn evidence(connection: &mut DbConnection, attempt_id: &str) -> Result<Option<Evidence>, BankError> {
    let found = sqlx::query_as(
        "SELECT attempt_id, number, attempt_hash, card_hash, device_key, signature FROM voucher_signature
         WHERE attempt_id = $1",
    )
    .bind(attempt_id)
    .fetch_optional(connection)
    .await?;
    Ok(found)
}
