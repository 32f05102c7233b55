//! Paying by alias, as the bank sees it: whose word is believed, and which cards may be paid with on it.
//!
//! A card that comes from a vault has no fresh cryptogram and no PIN. Four things stand in for them, and all four must be
//! there: the word of a vault that this bank has admitted, about this attempt and amount; the cryptogram that the card made
//! when it was enrolled there, for that very place; the cardholder's wish, told to the bank itself, that this card may be
//! used so, with a limit; and everything a card is asked for otherwise.
//!
//! **Invariant:** no release is taken for a card whose holder has not allowed it at the bank, whatever a vault signs.

use envelope::means::alias::VaultWord;
use envelope::{VaultRelease, VerifyingKey};
use payment::{Amount, AttemptHash, DeclineCode};

use super::card::PanReference;
use super::error::BankError;
use crate::keys::VaultEntry;
use crate::storage::DbConnection;

/// How far ahead of now a release may end, in milliseconds: its time is minutes, and clocks differ.
const RELEASE_AHEAD_MS_MAX: i64 = 10 * 60 * 1_000;
/// The most keys of one vault that are tried.
const KEYS_MAX: i64 = 8;

/// Whether a vault's word is still believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeeperState {
    /// It is.
    Admitted,
    /// Not any more.
    Dismissed,
}

impl KeeperState {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Dismissed => "dismissed",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        let known = [Self::Admitted, Self::Dismissed].into_iter().find(|state| state.as_str() == text);
        known.ok_or(BankError::Stored("card_keeper.state"))
    }
}

/// A vault, with one of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// Its id.
    pub vault_id: String,
    /// Its name.
    pub display_name: String,
    /// What it signs releases with.
    pub release_key: VerifyingKey<VaultRelease>,
    /// Whether it is believed.
    pub state: KeeperState,
}

#[derive(sqlx::FromRow)]
struct KeeperRow {
    vault_id: String,
    display_name: String,
    release_key: String,
    state: String,
}

impl TryFrom<KeeperRow> for Keeper {
    type Error = BankError;

    fn try_from(row: KeeperRow) -> Result<Self, BankError> {
        let wrong = |_| BankError::Stored("card_keeper.release_key");
        Ok(Self {
            release_key: VerifyingKey::from_base64url(&row.release_key).map_err(wrong)?,
            state: KeeperState::parse(&row.state)?,
            vault_id: row.vault_id,
            display_name: row.display_name,
        })
    }
}

impl Keeper {
    /// Believes a vault from now on, or this key of it too.
    pub async fn admit(db_tx: &mut DbConnection, entry: &VaultEntry, now_ms: i64) -> Result<(), BankError> {
        sqlx::query(
            "INSERT INTO card_keeper (kid, vault_id, display_name, release_key, state, admitted_ms)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (kid) DO UPDATE SET state = excluded.state, display_name = excluded.display_name",
        )
        .bind(entry.release_key.kid())
        .bind(&entry.vault_id)
        .bind(&entry.display_name)
        .bind(entry.release_key.to_base64url())
        .bind(KeeperState::Admitted.as_str())
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    /// Believes no key of this vault any more.
    ///
    /// # Errors
    /// [`BankError::NoKeeper`] when it was never admitted.
    pub async fn dismiss(db_tx: &mut DbConnection, vault_id: &str) -> Result<(), BankError> {
        let stored = sqlx::query("UPDATE card_keeper SET state = $2 WHERE vault_id = $1")
            .bind(vault_id)
            .bind(KeeperState::Dismissed.as_str())
            .execute(db_tx)
            .await?;
        if stored.rows_affected() == 0 { Err(BankError::NoKeeper) } else { Ok(()) }
    }

    /// Every key of every vault that was ever admitted.
    pub async fn all(connection: &mut DbConnection) -> Result<Vec<Self>, BankError> {
        const MOST: i64 = 1_000;
        let rows: Vec<KeeperRow> = sqlx::query_as("SELECT * FROM card_keeper ORDER BY vault_id, admitted_ms LIMIT $1")
            .bind(MOST)
            .fetch_all(connection)
            .await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    async fn believed(db_tx: &mut DbConnection, vault_id: &str) -> Result<Vec<Self>, BankError> {
        let rows: Vec<KeeperRow> =
            sqlx::query_as("SELECT * FROM card_keeper WHERE vault_id = $1 AND state = $2 LIMIT $3")
                .bind(vault_id)
                .bind(KeeperState::Admitted.as_str())
                .bind(KEYS_MAX)
                .fetch_all(db_tx)
                .await?;
        rows.into_iter().map(Self::try_from).collect()
    }
}

/// What a payment is, as the bank derived it.
pub(super) struct Occasion<'a> {
    pub(super) bank_id: &'a str,
    pub(super) attempt_hash: AttemptHash,
    pub(super) amount: Amount,
    pub(super) now_ms: i64,
}

/// Whether the word is that of an admitted vault about exactly this payment, and in its time.
pub(super) async fn believe(
    db_tx: &mut DbConnection,
    word: &VaultWord,
    occasion: &Occasion<'_>,
) -> Result<Result<(), DeclineCode>, BankError> {
    let release = &word.release;
    let keepers = Keeper::believed(db_tx, &release.vault_id).await?;
    let is_by =
        |keeper: &Keeper| word.verify(&keeper.release_key, occasion.bank_id, occasion.attempt_hash.as_bytes()).is_ok();
    if !keepers.iter().any(is_by) {
        return Ok(Err(DeclineCode::VaultUnknown));
    }
    let amount = occasion.amount;
    if u64::try_from(amount.minor()) != Ok(release.amount_minor)
        || amount.currency().code().as_bytes() != release.currency
    {
        return Ok(Err(DeclineCode::OrderMismatch));
    }
    let ends_in_ms = release.expires_ms.saturating_sub(occasion.now_ms);
    Ok(if (1..=RELEASE_AHEAD_MS_MAX).contains(&ends_in_ms) { Ok(()) } else { Err(DeclineCode::ReleaseOver) })
}

/// What a cardholder allowed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Allowed {
    /// The last four digits of the card.
    pub last_four: String,
    /// The vault that may keep it.
    pub vault_id: String,
    /// The most one payment may take, in minor units of the account's currency.
    pub limit_minor: i64,
}

/// Lets a card be paid with on this vault's word, up to a limit a payment.
///
/// # Errors
/// [`BankError::NoKeeper`] when the vault was never admitted.
pub async fn allow(
    db_tx: &mut DbConnection,
    card: &PanReference,
    vault_id: &str,
    limit_minor: i64,
    now_ms: i64,
) -> Result<(), BankError> {
    if Keeper::believed(db_tx, vault_id).await?.is_empty() {
        return Err(BankError::NoKeeper);
    }
    sqlx::query(
        "INSERT INTO alias_card (pan_reference, vault_id, limit_minor, allowed_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (pan_reference, vault_id) DO UPDATE SET limit_minor = excluded.limit_minor",
    )
    .bind(card)
    .bind(vault_id)
    .bind(limit_minor)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// Takes it back, for every vault.
pub async fn forbid(db_tx: &mut DbConnection, card: &PanReference) -> Result<(), BankError> {
    sqlx::query("DELETE FROM alias_card WHERE pan_reference = $1").bind(card).execute(db_tx).await?;
    Ok(())
}

/// Every card that may be paid with by alias.
pub async fn allowed(connection: &mut DbConnection) -> Result<Vec<Allowed>, BankError> {
    const MOST: i64 = 100_000;
    let rows = sqlx::query_as(
        "SELECT card.last_four AS last_four, alias_card.vault_id AS vault_id, alias_card.limit_minor AS limit_minor
         FROM alias_card JOIN card ON card.pan_reference = alias_card.pan_reference
         ORDER BY card.last_four, alias_card.vault_id LIMIT $1",
    )
    .bind(MOST)
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// The most one payment by alias may take of this card, if its holder allowed any, in minor units.
pub(super) async fn limit(
    db_tx: &mut DbConnection,
    card: &PanReference,
    vault_id: &str,
) -> Result<Option<i64>, BankError> {
    let limit = sqlx::query_scalar("SELECT limit_minor FROM alias_card WHERE pan_reference = $1 AND vault_id = $2")
        .bind(card)
        .bind(vault_id)
        .fetch_optional(db_tx)
        .await?;
    Ok(limit)
}

#[cfg(test)]
mod tests;
