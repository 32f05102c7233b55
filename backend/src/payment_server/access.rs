//! Who may call the merchant's API, and what for: API keys and client certificates, each with scopes.
//!
//! A key is kept as its SHA-256 only: it has 256 random bits, so nothing is gained by a slow hash. A certificate is
//! known by its fingerprint, as a self-signed client certificate is (RFC 8705, section 2.2): whoever registered it
//! vouches for it, and no authority is asked.

use std::collections::BTreeMap;

use payment::MerchantId;
use protocol::merchant_api::Scope;
use sha2::{Digest, Sha256};

use super::{App, Error};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, ApiKeyHash, DataFolder};

/// What the key that `keys init` made is called.
const FIRST_KEY: &str = "first key";
/// How exactly it is noted when a key was last used, in milliseconds: to the hour.
const USED_PRECISION_MS: i64 = 60 * 60 * 1_000;

/// A caller that is known.
pub(super) struct Access {
    /// Whose it is.
    pub(super) merchant: MerchantId,
    /// What it may do.
    pub(super) scopes: Vec<Scope>,
}

impl Access {
    fn of(merchant: &str, scopes: &str) -> Result<Self, Error> {
        let merchant = merchant.parse().map_err(|_| Error::Row("merchant id"))?;
        Ok(Self { merchant, scopes: parse_scopes(scopes)? })
    }
}

fn parse_scopes(text: &str) -> Result<Vec<Scope>, Error> {
    text.split_whitespace().map(|name| Scope::from_name(name).ok_or(Error::Row("scope"))).collect()
}

fn written(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
}

/// The caller with this API key.
pub(super) async fn by_api_key(app: &App, key: &str) -> Result<Option<Access>, Error> {
    // Looking the hash up tells by its time at most something of a hash nobody can steer.
    let hash = hex::encode(Sha256::digest(key));
    let row: Option<(String, String, String, Option<i64>)> = sqlx::query_as(
        "SELECT id, merchant_id, scopes, used_ms FROM api_key WHERE key_hash = $1 AND revoked_ms IS NULL",
    )
    .bind(hash)
    .fetch_optional(app.db.reader())
    .await?;
    let Some((id, merchant, scopes, used_ms)) = row else { return Ok(None) };
    let now_ms = signed_ms(now_ms());
    if used_ms.is_none_or(|used_ms| used_ms <= now_ms - USED_PRECISION_MS) {
        note_use(app, id, now_ms);
    }
    Access::of(&merchant, &scopes).map(Some)
}

/// Notes beside the call, not in its way, that a key was used.
fn note_use(app: &App, id: String, now_ms: i64) {
    let noting = app.clone();
    app.tasks.spawn(async move {
        let noted: Result<_, Error> = noting
            .db
            .write(move |db_tx| {
                Box::pin(async move {
                    sqlx::query("UPDATE api_key SET used_ms = $1 WHERE id = $2")
                        .bind(now_ms)
                        .bind(id)
                        .execute(db_tx)
                        .await?;
                    Ok(())
                })
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the use of an API key could not be noted");
        }
    });
}

/// The caller with this certificate, by its fingerprint.
pub(super) async fn by_certificate(app: &App, fingerprint: &str) -> Result<Option<Access>, Error> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT merchant_id, scopes FROM merchant_certificate WHERE fingerprint = $1")
            .bind(fingerprint)
            .fetch_optional(app.db.reader())
            .await?;
    row.map(|(merchant, scopes)| Access::of(&merchant, &scopes)).transpose()
}

/// Takes the keys that `keys init` made into the database, each with every scope. One that was revoked there stays so.
pub(super) async fn import(app: &App, folder: &DataFolder) -> Result<(), Error> {
    let hashes: BTreeMap<MerchantId, ApiKeyHash> = keys::read_json(&folder.payment_server("merchants.json"))?;
    for (merchant, hash) in hashes {
        app.db
            .write(move |db_tx| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO api_key (id, merchant_id, name, key_hash, scopes, created_ms) \
                         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                    )
                    .bind(new_id())
                    .bind(merchant.as_str())
                    .bind(FIRST_KEY)
                    .bind(&hash.api_key_sha256)
                    .bind(written(&Scope::ALL))
                    .bind(signed_ms(now_ms()))
                    .execute(db_tx)
                    .await?;
                    Ok::<_, Error>(())
                })
            })
            .await?;
    }
    Ok(())
}

fn new_id() -> String {
    uuid::Builder::from_unix_timestamp_millis(now_ms(), &keys::random()).into_uuid().to_string()
}
