//! The audit log: append-only, each entry with the SHA-256 of the one before it. It names aliases by ids that tell nothing.

use payment::AttemptId;
use protocol::vault_api::AliasEventView;
use sha2::{Digest, Sha256};

use super::error::VaultError;
use crate::clock::unsigned_ms;
use crate::storage::{Db, DbConnection};

/// What the hash of an entry begins with.
const LABEL: &str = "tapseal/1 vault audit";
/// Entries that are in memory at a time while the chain is checked.
const CHAIN_PAGE: usize = 1_000;
/// How many entries an owner is shown: what fits into an answer.
const SHOWN_MAX: i64 = 80;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An alias was opened, with its first card.
    Enrolled,
    /// Somebody was let in to look.
    Shown,
    /// Somebody was not let in: the name is of nobody, or not everything was right.
    Refused,
    /// The alias was locked for a while.
    Locked,
    /// A card was released for the attempt that is the subject.
    Released,
    CardAdded,
    CardRemoved,
    LimitSet,
    PasswordSet,
    FactorSet,
    /// The alias was taken off with its cards.
    Removed,
    /// The vault's staff let it in again.
    Unlocked,
    /// Another master key is in use; its version is the subject.
    KeyRotated,
    /// A master key was destroyed; its version is the subject.
    KeyDestroyed,
}

impl Kind {
    /// The stored name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::Shown => "shown",
            Self::Refused => "refused",
            Self::Locked => "locked",
            Self::Released => "released",
            Self::CardAdded => "card_added",
            Self::CardRemoved => "card_removed",
            Self::LimitSet => "limit_set",
            Self::PasswordSet => "password_set",
            Self::FactorSet => "factor_set",
            Self::Removed => "removed",
            Self::Unlocked => "unlocked",
            Self::KeyRotated => "key_rotated",
            Self::KeyDestroyed => "key_destroyed",
        }
    }
}

/// An entry as stored.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Entry {
    pub(super) seq: i64,
    pub(super) time_ms: i64,
    pub(super) kind: String,
    pub(super) alias_id: Option<String>,
    pub(super) subject: Option<String>,
    previous_hash: String,
    hash: String,
}

impl Entry {
    /// SHA-256 over the previous hash and the entry, a line a member; no member can hold a line break.
    fn computed_hash(&self) -> String {
        let Self { seq, time_ms, kind, alias_id, subject, previous_hash, .. } = self;
        let (alias_id, subject) = (alias_id.as_deref().unwrap_or("-"), subject.as_deref().unwrap_or("-"));
        hex::encode(Sha256::digest(format!(
            "{LABEL}\n{previous_hash}\n{seq}\n{time_ms}\n{kind}\n{alias_id}\n{subject}"
        )))
    }
}

/// Appends an entry, inside the step that does what it tells of.
pub(super) async fn append(
    db_tx: &mut DbConnection,
    kind: Kind,
    alias_id: Option<&str>,
    subject: Option<&str>,
    now_ms: i64,
) -> Result<(), VaultError> {
    let last: Option<(i64, String)> =
        sqlx::query_as("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(&mut *db_tx).await?;
    let (last_seq, previous_hash) = last.unwrap_or_default();
    let mut entry = Entry {
        seq: last_seq + 1,
        time_ms: now_ms,
        kind: kind.as_str().to_owned(),
        alias_id: alias_id.map(str::to_owned),
        subject: subject.map(str::to_owned),
        previous_hash,
        hash: String::new(),
    };
    entry.hash = entry.computed_hash();
    sqlx::query(
        "INSERT INTO audit (seq, time_ms, kind, alias_id, subject, previous_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(entry.seq)
    .bind(entry.time_ms)
    .bind(&entry.kind)
    .bind(&entry.alias_id)
    .bind(&entry.subject)
    .bind(&entry.previous_hash)
    .bind(&entry.hash)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// What was done with an alias, the newest first, for its owner.
pub(super) async fn of_alias(db_tx: &mut DbConnection, alias_id: &str) -> Result<Vec<AliasEventView>, VaultError> {
    let entries: Vec<Entry> = sqlx::query_as("SELECT * FROM audit WHERE alias_id = $1 ORDER BY seq DESC LIMIT $2")
        .bind(alias_id)
        .bind(SHOWN_MAX)
        .fetch_all(db_tx)
        .await?;
    let view = |entry: Entry| AliasEventView {
        at_ms: unsigned_ms(entry.time_ms),
        attempt_id: entry.subject.and_then(|subject| subject.parse::<AttemptId>().ok()),
        what: entry.kind,
    };
    Ok(entries.into_iter().map(view).collect())
}

/// The newest entries, for the vault's staff.
pub(super) async fn newest(db: &Db, most: i64) -> Result<Vec<Entry>, VaultError> {
    let entries = sqlx::query_as("SELECT * FROM audit ORDER BY seq DESC LIMIT $1").bind(most);
    Ok(entries.fetch_all(db.reader()).await?)
}

/// Checks the whole chain; a gap, a changed member or a changed hash is an error that names the entry. How many there are.
pub(super) async fn verify_chain(db: &Db) -> Result<i64, VaultError> {
    let (mut seq, mut previous_hash) = (0, String::new());
    loop {
        let entries: Vec<Entry> = sqlx::query_as("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(seq)
            .bind(i64::try_from(CHAIN_PAGE).unwrap_or(i64::MAX))
            .fetch_all(db.reader())
            .await?;
        let is_last = entries.len() < CHAIN_PAGE;
        for entry in entries {
            seq += 1;
            if entry.seq != seq || entry.previous_hash != previous_hash || entry.computed_hash() != entry.hash {
                return Err(VaultError::Audit(seq));
            }
            previous_hash = entry.hash;
        }
        if is_last {
            return Ok(seq);
        }
    }
}
