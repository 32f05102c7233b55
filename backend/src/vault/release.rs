//! Releasing a card: to its own bank, for one attempt, signed, and good for some minutes.

use envelope::keyset::{BankCertificate, Claim};
use envelope::means::alias::{Alias as Released, Release};
use envelope::means::{self, Means};
use envelope::vault::ReleaseWish;
use payment::{Amount, AttemptHash, AttemptId, OrderHash, WalletNonce};
use protocol::vault_api::{BANK_CERTIFICATES_MAX, ReleasedView, VaultAnswer};
use protocol::{ErrorCode, Problem, SealedText};

use super::Vault;
use super::audit::{self, Kind};
use super::error::VaultError;
use super::key_ring::Ring;
use super::record::{Alias, Card};
use crate::clock::unsigned_ms;
use crate::storage::DbConnection;

/// How long a release is good for, in milliseconds.
pub(super) const RELEASE_LIFE_MS: i64 = 5 * 60 * 1_000;

/// The banks among these certificates that a pinned root vouches for. What somebody else signed is not looked at: a card
/// is never sealed to a key that the wallet alone vouches for.
pub(super) fn banks(vault: &Vault, certificates: &[String], now_ms: i64) -> Vec<BankCertificate> {
    let trusted = |jws: &String| BankCertificate::verify_at(jws, &vault.banks, now_ms).ok();
    certificates.iter().take(BANK_CERTIFICATES_MAX).filter_map(trusted).collect()
}

/// Releases a card, within the step that let its owner in.
pub(super) async fn release(
    db_tx: &mut DbConnection,
    vault: &Vault,
    ring: &Ring,
    alias: &Alias,
    wish: &ReleaseWish,
    banks: &[BankCertificate],
    now_ms: i64,
) -> Result<VaultAnswer, VaultError> {
    let refused = |code| Ok(VaultAnswer::Refused(Problem::new(code)));
    let cards = alias.cards(db_tx).await?;
    let chosen = match wish.place {
        0 => cards.first(),
        place => cards.iter().find(|card| card.place == place),
    };
    let Some(card) = chosen else { return refused(ErrorCode::NotFound) };
    let opened = card.open(ring)?;
    let Some(amount) = amount_of(wish) else { return refused(ErrorCode::InvalidInput) };
    if opened.limit.is_some_and(|limit| limit.currency() != amount.currency() || amount.minor() > limit.minor()) {
        return refused(ErrorCode::AliasLimit);
    }
    let bank = match Claim::to(&opened.card.card().pan.iin(), banks) {
        Claim::One(bank) => bank,
        Claim::Nobody => return refused(ErrorCode::NoBankForCard),
        Claim::Several(..) => return refused(ErrorCode::BankAmbiguous),
    };
    if !is_not_older(db_tx, bank).await? {
        return refused(ErrorCode::KeysetInvalid);
    }
    let Some(to) = bank.sealing_key_at(now_ms) else { return refused(ErrorCode::KeysetInvalid) };
    let hash = attempt_hash(wish);
    let release_id = crate::keys::random::<16>();
    let expires_ms = now_ms + RELEASE_LIFE_MS;
    if !is_first(db_tx, &release_id, &hash, expires_ms).await? {
        return refused(ErrorCode::CapsuleReplayed);
    }
    let word = Release {
        vault_id: vault.id.clone(),
        entry_id: Card::entry(card)?,
        release_id,
        amount_minor: wish.amount_minor,
        currency: wish.currency,
        expires_ms,
    };
    let released = Released::sign(&ring.release, &bank.bank_id, hash.as_bytes(), opened.card, word);
    let inner = means::seal(to, hash.as_bytes(), &Means::Alias(Box::new(released)))?;
    let attempt_id = AttemptId::from_bytes(wish.attempt_id).to_string();
    audit::append(db_tx, Kind::Released, Some(&alias.id), Some(&attempt_id), now_ms).await?;
    let inner = serde_json::to_value(&inner).and_then(serde_json::from_value::<SealedText>);
    Ok(VaultAnswer::Released(ReleasedView {
        front: bank.bank_id.clone(),
        inner: inner.map_err(|_| VaultError::Stored("capsule"))?,
        expires_ms: unsigned_ms(expires_ms),
    }))
}

fn amount_of(wish: &ReleaseWish) -> Option<Amount> {
    let minor = i64::try_from(wish.amount_minor).ok().filter(|minor| *minor > 0)?;
    Some(Amount::new(minor, std::str::from_utf8(&wish.currency).ok()?.parse().ok()?))
}

fn attempt_hash(wish: &ReleaseWish) -> AttemptHash {
    let (order, attempt) = (OrderHash::from_bytes(wish.order_hash), AttemptId::from_bytes(wish.attempt_id));
    AttemptHash::derive(&order, attempt, &WalletNonce::from_bytes(wish.wallet_nonce))
}

/// Whether nothing newer of this bank was taken before: an old certificate may name a key that was stolen since.
async fn is_not_older(db_tx: &mut DbConnection, bank: &BankCertificate) -> Result<bool, VaultError> {
    let version = i64::try_from(bank.version).unwrap_or(i64::MAX);
    let stored = sqlx::query(
        "INSERT INTO bank_floor (bank_id, version) VALUES ($1, $2) \
         ON CONFLICT (bank_id) DO UPDATE SET version = excluded.version WHERE bank_floor.version <= excluded.version",
    )
    .bind(&bank.bank_id)
    .bind(version)
    .execute(db_tx)
    .await?;
    Ok(stored.rows_affected() == 1)
}

/// Whether no card was released for this attempt before.
async fn is_first(
    db_tx: &mut DbConnection,
    release_id: &[u8; 16],
    hash: &AttemptHash,
    expires_ms: i64,
) -> Result<bool, VaultError> {
    let stored = sqlx::query(
        "INSERT INTO release (release_id, attempt_hash, expires_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (attempt_hash) DO NOTHING",
    )
    .bind(hex::encode(release_id))
    .bind(hash.to_string())
    .bind(expires_ms)
    .execute(db_tx)
    .await?;
    Ok(stored.rows_affected() == 1)
}
