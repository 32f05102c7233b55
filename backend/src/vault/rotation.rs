//! Going over to another master key while payments go on.
//!
//! The newest key of the file wraps what is written from when the file was taken anew. The rest is wrapped anew in small
//! steps; when nothing is left under an older key, that key is destroyed. Stopped anywhere, it goes on at the next start.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Vault;
use super::at_rest::{AtRest, Place};
use super::audit::{self, Kind};
use super::error::VaultError;
use super::key_ring::Ring;
use crate::storage::DbConnection;

/// How often the key file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Rows of one step: others come between.
const ROWS_MAX: i64 = 32;

/// Follows the key file until `stop` is cancelled.
pub(super) async fn run(vault: Arc<Vault>, stop: CancellationToken) {
    loop {
        if let Err(error) = turn(&vault).await {
            tracing::warn!(%error, "the keys could not be followed");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Takes a changed key file, wraps anew what is under older keys, destroys those, and forgets releases that are over.
pub(super) async fn turn(vault: &Arc<Vault>) -> Result<(), VaultError> {
    if follow(vault).await? {
        let (version, _) = vault.keys.ring().newest();
        note(vault, Kind::KeyRotated, version).await?;
        tracing::info!(version, "another master key is in use");
    }
    let versions = vault.keys.ring().versions();
    for version in versions.iter().take(versions.len().saturating_sub(1)) {
        while rewrap_some(vault, *version).await? > 0 {}
        let (destroying, version) = (Arc::clone(vault), *version);
        // Nothing new comes under it: what a step writes is under the newest key of that moment.
        blocking(move || destroying.keys.destroy(version)).await?;
        note(vault, Kind::KeyDestroyed, version).await?;
        tracing::info!(version, "a master key that nothing was under any more was destroyed");
    }
    forget_releases(vault).await
}

async fn follow(vault: &Arc<Vault>) -> Result<bool, VaultError> {
    let following = Arc::clone(vault);
    let before = vault.keys.ring().newest().0;
    // A password of our own may have been changed: that is no other master key.
    Ok(blocking(move || following.keys.follow()).await? && vault.keys.ring().newest().0 != before)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| VaultError::Stopped)?
}

async fn note(vault: &Vault, kind: Kind, version: i64) -> Result<(), VaultError> {
    let now_ms = vault.now_ms();
    vault
        .db
        .write(move |db_tx| {
            Box::pin(async move { audit::append(db_tx, kind, None, Some(&version.to_string()), now_ms).await })
        })
        .await
}

/// Wraps some rows of an older version anew; how many.
async fn rewrap_some(vault: &Arc<Vault>, version: i64) -> Result<usize, VaultError> {
    let writing = Arc::clone(vault);
    vault
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let ring = writing.keys.ring();
                let aliases = rewrap(db_tx, &ring, Table::Alias, version).await?;
                Ok(aliases + rewrap(db_tx, &ring, Table::Card, version).await?)
            })
        })
        .await
}

/// A table of sealed rows.
#[derive(Clone, Copy)]
enum Table {
    Alias,
    Card,
}

impl Table {
    const fn select(self) -> &'static str {
        match self {
            Self::Alias => "SELECT alias_id, wrapped_key, sealed FROM alias WHERE key_version = $1 LIMIT $2",
            Self::Card => "SELECT entry_id, wrapped_key, sealed FROM card WHERE key_version = $1 LIMIT $2",
        }
    }

    const fn update(self) -> &'static str {
        match self {
            Self::Alias => "UPDATE alias SET key_version = $2, wrapped_key = $3 WHERE alias_id = $1",
            Self::Card => "UPDATE card SET key_version = $2, wrapped_key = $3 WHERE entry_id = $1",
        }
    }

    const fn place(self, id: &str) -> Place<'_> {
        match self {
            Self::Alias => Place::Alias(id),
            Self::Card => Place::Card(id),
        }
    }
}

async fn rewrap(db_tx: &mut DbConnection, ring: &Ring, table: Table, version: i64) -> Result<usize, VaultError> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as(table.select()).bind(version).bind(ROWS_MAX).fetch_all(&mut *db_tx).await?;
    for (id, wrapped_key, sealed) in &rows {
        let (wrapped_key, sealed) = (wrapped_key.clone(), sealed.clone());
        let at_rest = AtRest { key_version: version, wrapped_key, sealed }.rewrapped(ring, table.place(id))?;
        sqlx::query(table.update())
            .bind(id)
            .bind(at_rest.key_version)
            .bind(at_rest.wrapped_key)
            .execute(&mut *db_tx)
            .await?;
    }
    Ok(rows.len())
}

/// What is over can be used by nobody.
async fn forget_releases(vault: &Vault) -> Result<(), VaultError> {
    let now_ms = vault.now_ms();
    let is_due: Option<i64> = sqlx::query_scalar("SELECT 1 FROM release WHERE expires_ms < $1 LIMIT 1")
        .bind(now_ms)
        .fetch_optional(vault.db.reader())
        .await?;
    if is_due.is_none() {
        return Ok(());
    }
    vault
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let over = sqlx::query("DELETE FROM release WHERE expires_ms < $1").bind(now_ms);
                over.execute(db_tx).await.map(drop).map_err(VaultError::from)
            })
        })
        .await
}
