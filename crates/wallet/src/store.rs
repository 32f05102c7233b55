//! What the wallet remembers between runs: requests, attempts, receipts, choices. Never a card, a PIN or a capsule.
//!
//! SQLite in WAL mode with `synchronous=FULL`: what is written before something is sent survives a power cut.

mod attempts;
mod backup;
mod history;
mod requests;
mod sales;
mod senders;
mod vouchers;

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::clock::{signed, unsigned};
use crate::error::Result;

pub use attempts::{AttemptRow, KeptState};
pub use backup::{Merging, PAGE, Snapshot};
pub use history::{Find, MonthRow};
pub use requests::{Arrival, RequestRow};
pub use sales::{SaleRow, SaleStage};
pub use vouchers::{BatchRow, ComparedRow};

/// The database's name in the wallet's folder.
pub const DATABASE_FILE: &str = "wallet.db";
/// How long a write waits for another process of this wallet.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// How many connections are kept.
const CONNECTIONS_MAX: u32 = 4;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The wallet's database.
#[derive(Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the database in this folder and brings it up to date.
    pub async fn open(home: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(home.join(DATABASE_FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_WAIT);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await?;
        MIGRATIONS.run(&pool).await?;
        Ok(Self { pool })
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Erases every record, and what deleted ones left in the file; only the floors of keyset versions stay, which tell
    /// of nobody and never go down.
    pub async fn erase(&self) -> Result<()> {
        let tables: Vec<(String, String)> = sqlx::query_as(
            "SELECT name, type FROM pragma_table_list WHERE type IN ('table', 'virtual') AND schema = 'main' \
             AND name NOT LIKE 'sqlite%' AND name NOT IN ('_sqlx_migrations', 'version_floor')",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut step = self.pool.begin().await?;
        // Whatever refers to what: at the end of the step all of it is gone.
        sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut *step).await?;
        for (table, kind) in tables {
            // An index of texts that are not kept has no rows to delete, only itself (SQLite, FTS5, section 6.4).
            let erasing = match kind.as_str() {
                "virtual" => format!("INSERT INTO \"{table}\" (\"{table}\") VALUES ('delete-all')"),
                _ => format!("DELETE FROM \"{table}\""),
            };
            sqlx::query(sqlx::AssertSqlSafe(erasing)).execute(&mut *step).await?;
        }
        step.commit().await?;
        sqlx::query("VACUUM").execute(&self.pool).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await?;
        Ok(())
    }

    /// A setting's value.
    pub async fn setting(&self, name: &str) -> Result<Option<String>> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT value FROM setting WHERE name = $1").bind(name).fetch_optional(&self.pool).await?;
        Ok(row.map(|(value,)| value))
    }

    /// Keeps a setting.
    pub async fn save_setting(&self, name: &str, value: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The highest version accepted so far of what `signer` signed; 0 at first.
    pub async fn version_floor(&self, signer: &str) -> Result<u64> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT version FROM version_floor WHERE signer = $1")
            .bind(signer)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map_or(0, |(version,)| unsigned(version)))
    }

    /// Raises a floor; it never goes down.
    pub async fn raise_version_floor(&self, signer: &str, version: u64) -> Result<()> {
        sqlx::query(
            "INSERT INTO version_floor (signer, version) VALUES ($1, $2) \
             ON CONFLICT (signer) DO UPDATE SET version = max(version, excluded.version)",
        )
        .bind(signer)
        .bind(signed(version))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Identifiers this device has claimed, in the order they were.
    pub async fn identifiers(&self) -> Result<Vec<String>> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT identifier FROM identifier ORDER BY claimed_ms").fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|(identifier,)| identifier).collect())
    }

    /// Remembers a claimed identifier.
    pub async fn save_identifier(&self, identifier: &str, now_ms: u64) -> Result<()> {
        sqlx::query(
            "INSERT INTO identifier (identifier, claimed_ms) VALUES ($1, $2) ON CONFLICT (identifier) DO NOTHING",
        )
        .bind(identifier)
        .bind(signed(now_ms))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn erased_records_are_in_the_file_no_more() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).await.unwrap();
        store.save_identifier("marked-seven@example.org", 1).await.unwrap();
        store.save_setting("anything", "marked-eight").await.unwrap();
        store.raise_version_floor("operator", 7).await.unwrap();
        store.erase().await.unwrap();
        assert!(store.identifiers().await.unwrap().is_empty());
        assert_eq!(store.setting("anything").await.unwrap(), None);
        assert_eq!(store.version_floor("operator").await.unwrap(), 7);
        store.close().await;
        for entry in std::fs::read_dir(home.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"marked-"));
        }
    }

    #[tokio::test]
    async fn a_version_floor_never_goes_down() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).await.unwrap();
        assert_eq!(store.version_floor("operator").await.unwrap(), 0);
        store.raise_version_floor("operator", 7).await.unwrap();
        store.raise_version_floor("operator", 3).await.unwrap();
        store.close().await;
        let again = Store::open(home.path()).await.unwrap();
        assert_eq!(again.version_floor("operator").await.unwrap(), 7);
        assert_eq!(again.version_floor("bank:first").await.unwrap(), 0);
    }
}
