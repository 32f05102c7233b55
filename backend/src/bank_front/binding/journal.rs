//! The journal: who changed what of a payer, by which channel. Append-only, each entry with the SHA-256 of the one before.
//!
//! An entry is written in the step that does what it tells of. No password, no code and no whole address is in it.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::bank_front::error::BankError;
use crate::storage::{Db, DbConnection};

/// What the hash of an entry begins with.
const LABEL: &str = "tapseal/1 payer journal";
/// Entries that are in memory at a time while the chain is checked.
const CHAIN_PAGE: usize = 1_000;
/// The channel of whoever stands at the counter.
pub const COUNTER: &str = "counter";

/// An entry.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct JournalEntry {
    /// Its number, from one on.
    pub sequence: i64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// By which channel.
    pub channel: String,
    /// Whose.
    pub customer: String,
    /// What was done.
    pub what: String,
    /// What of it may be told: a masked terminal, an account, limits.
    pub detail: String,
    #[serde(skip)]
    #[schema(ignore)]
    previous_hash: String,
    #[serde(skip)]
    #[schema(ignore)]
    hash: String,
}

impl JournalEntry {
    /// SHA-256 over the previous hash and the entry, each member with its length in front: none can be moved into another.
    fn computed_hash(&self) -> String {
        let Self { sequence, at_ms, channel, customer, what, detail, previous_hash, .. } = self;
        let members =
            [LABEL, previous_hash, &sequence.to_string(), &at_ms.to_string(), channel, customer, what, detail];
        let mut hash = Sha256::new();
        for member in members {
            hash.update(u64::try_from(member.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(member);
        }
        hex::encode(hash.finalize())
    }

    /// Appends an entry, inside the step that does what it tells of.
    pub async fn append(
        db_tx: &mut DbConnection,
        (channel, customer): (&str, &str),
        (what, detail): (&str, &str),
        now_ms: i64,
    ) -> Result<(), BankError> {
        let last: Option<(i64, String)> =
            sqlx::query_as("SELECT sequence, hash FROM payer_journal ORDER BY sequence DESC LIMIT 1")
                .fetch_optional(&mut *db_tx)
                .await?;
        let (last, previous_hash) = last.unwrap_or_default();
        let mut entry = Self {
            sequence: last + 1,
            at_ms: now_ms,
            channel: channel.to_owned(),
            customer: customer.to_owned(),
            what: what.to_owned(),
            detail: detail.to_owned(),
            previous_hash,
            hash: String::new(),
        };
        entry.hash = entry.computed_hash();
        sqlx::query(
            "INSERT INTO payer_journal (sequence, at_ms, channel, customer, what, detail, previous_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(entry.sequence)
        .bind(entry.at_ms)
        .bind(&entry.channel)
        .bind(&entry.customer)
        .bind(&entry.what)
        .bind(&entry.detail)
        .bind(&entry.previous_hash)
        .bind(&entry.hash)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    /// The newest entries of one customer, or of all, the newest first.
    pub async fn newest(
        connection: &mut DbConnection,
        customer: Option<&str>,
        most: i64,
    ) -> Result<Vec<Self>, BankError> {
        let entries = sqlx::query_as(
            "SELECT * FROM payer_journal WHERE $1 IS NULL OR customer = $1 ORDER BY sequence DESC LIMIT $2",
        );
        Ok(entries.bind(customer).bind(most).fetch_all(connection).await?)
    }

    /// Checks the whole chain; how many entries there are.
    ///
    /// # Errors
    /// [`BankError::Journal`] with the number of the first entry that is missing, changed or out of its place.
    pub async fn verify_chain(db: &Db) -> Result<i64, BankError> {
        let (mut sequence, mut previous_hash) = (0, String::new());
        loop {
            let entries: Vec<Self> =
                sqlx::query_as("SELECT * FROM payer_journal WHERE sequence > $1 ORDER BY sequence LIMIT $2")
                    .bind(sequence)
                    .bind(i64::try_from(CHAIN_PAGE).unwrap_or(i64::MAX))
                    .fetch_all(db.reader())
                    .await?;
            let is_last = entries.len() < CHAIN_PAGE;
            for entry in entries {
                sequence += 1;
                let is_next = entry.sequence == sequence && entry.previous_hash == previous_hash;
                if !is_next || entry.computed_hash() != entry.hash {
                    return Err(BankError::Journal(sequence));
                }
                previous_hash = entry.hash;
            }
            if is_last {
                return Ok(sequence);
            }
        }
    }
}
