//! Who may call the merchant's API, and what for: API keys and client certificates, each with scopes.
//!
//! A key is kept as its SHA-256 only: it has 256 random bits, so nothing is gained by a slow hash. A certificate is
//! known by its fingerprint, as a self-signed client certificate is (RFC 8705, section 2.2): whoever registered it
//! vouches for it, and no authority is asked.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt;
use payment::MerchantId;
use protocol::merchant_api::{AccessView, ApiKeyView, CertificateView, CreateApiKey, CreateCertificate, Scope};
use protocol::{ErrorCode, Problem};
use rustls::server::ParsedCertificate;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::auth::CallingMerchant;
use super::idempotency::{Answer, KeyedCall};
use super::{App, Error};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::keys::{self, ApiKeyHash, DataFolder};
use crate::peer_certificate::fingerprint;
use crate::storage::DbConnection;

/// What the key that `keys init` made is called.
const FIRST_KEY: &str = "first key";
/// How exactly it is noted when a key was last used, in milliseconds: to the hour.
const USED_PRECISION_MS: i64 = 60 * 60 * 1_000;

/// The most keys, and the most certificates, of one merchant.
const EACH_MAX: i64 = 50;
/// The longest name of a key or a certificate, in characters.
const NAME_CHARS_MAX: usize = 100;
/// The largest certificate, in bytes of PEM.
const CERTIFICATE_BYTES_MAX: usize = 16 * 1_024;

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

/// A new id, which sorts by its time.
pub(super) fn new_id() -> String {
    uuid::Builder::from_unix_timestamp_millis(now_ms(), &keys::random()).into_uuid().to_string()
}

/// Keys and certificates of the calling merchant.
#[utoipa::path(get, path = "/v1/access", tag = "access", security(("api_key" = []), ("certificate" = [])),
    responses((status = 200, body = AccessView)))]
pub(super) async fn show(State(app): State<App>, caller: CallingMerchant) -> Result<Json<AccessView>, Error> {
    let merchant = caller.require(Scope::AccessWrite)?;
    let keys: Vec<(String, String, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT id, name, scopes, created_ms, used_ms FROM api_key \
         WHERE merchant_id = $1 AND revoked_ms IS NULL ORDER BY created_ms, id LIMIT $2",
    )
    .bind(merchant.as_str())
    .bind(EACH_MAX)
    .fetch_all(app.db.reader())
    .await?;
    let certificates: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT fingerprint, name, scopes, created_ms FROM merchant_certificate \
         WHERE merchant_id = $1 ORDER BY created_ms, fingerprint LIMIT $2",
    )
    .bind(merchant.as_str())
    .bind(EACH_MAX)
    .fetch_all(app.db.reader())
    .await?;
    let key = |(id, name, scopes, created_ms, used_ms): (_, _, String, _, Option<i64>)| {
        Ok(ApiKeyView {
            id,
            name,
            scopes: parse_scopes(&scopes)?,
            created_ms: unsigned_ms(created_ms),
            used_ms: used_ms.map(unsigned_ms),
            secret: None,
        })
    };
    let certificate = |(fingerprint, name, scopes, created_ms): (_, _, String, _)| {
        let scopes = parse_scopes(&scopes)?;
        Ok(CertificateView { fingerprint, name, scopes, created_ms: unsigned_ms(created_ms) })
    };
    Ok(Json(AccessView {
        api_keys: keys.into_iter().map(key).collect::<Result<_, Error>>()?,
        certificates: certificates.into_iter().map(certificate).collect::<Result<_, Error>>()?,
    }))
}

/// Makes an API key. The key itself is told once, in the first answer.
#[utoipa::path(post, path = "/v1/api-keys", tag = "access", security(("api_key" = []), ("certificate" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = CreateApiKey,
    responses((status = 201, body = ApiKeyView)))]
pub(super) async fn create_key(
    State(app): State<App>,
    caller: CallingMerchant,
    call: KeyedCall,
) -> Result<Answer<ApiKeyView>, Error> {
    let (merchant, held) = caller.require_with_scopes(Scope::AccessWrite)?;
    let CreateApiKey { name, scopes } = call.json()?;
    let (name, scopes) = checked(&name, scopes, &held)?;
    let secret = Zeroizing::new(format!("tapseal_{}", URL_SAFE_NO_PAD.encode(keys::random::<32>())));
    let hash = hex::encode(Sha256::digest(secret.as_bytes()));
    let view = ApiKeyView { id: new_id(), name, scopes, created_ms: now_ms(), used_ms: None, secret: None };
    let owner = merchant.clone();
    let work = call.once(&app, &merchant, StatusCode::CREATED, move |db_tx| {
        async move {
            let counted = "SELECT COUNT(*) FROM api_key WHERE merchant_id = $1 AND revoked_ms IS NULL";
            refuse_beyond(db_tx, counted, &owner).await?;
            sqlx::query(
                "INSERT INTO api_key (id, merchant_id, name, key_hash, scopes, created_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&view.id)
            .bind(owner.as_str())
            .bind(&view.name)
            .bind(hash)
            .bind(written(&view.scopes))
            .bind(signed_ms(view.created_ms))
            .execute(db_tx)
            .await?;
            Ok(view)
        }
        .boxed()
    });
    Ok(work.await?.tell_first(|view| view.secret = Some(secret.to_string())))
}

/// Ends an API key at once. One that has ended stays so.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", tag = "access", security(("api_key" = []), ("certificate" = [])),
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn revoke_key(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    let merchant = caller.require(Scope::AccessWrite)?;
    let sql = "UPDATE api_key SET revoked_ms = COALESCE(revoked_ms, $1) WHERE id = $2 AND merchant_id = $3";
    let revoked = app.db.write(move |db_tx| {
        Box::pin(async move {
            let query = sqlx::query(sql).bind(signed_ms(now_ms())).bind(id).bind(merchant.as_str());
            Ok::<_, Error>(query.execute(db_tx).await?.rows_affected())
        })
    });
    if revoked.await? == 1 { Ok(StatusCode::NO_CONTENT) } else { Err(ErrorCode::NotFound.into()) }
}

/// Registers a client certificate, which then stands for the merchant on the listener that asks for one.
#[utoipa::path(post, path = "/v1/certificates", tag = "access", security(("api_key" = []), ("certificate" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = CreateCertificate,
    responses((status = 201, body = CertificateView)))]
pub(super) async fn create_certificate(
    State(app): State<App>,
    caller: CallingMerchant,
    call: KeyedCall,
) -> Result<Answer<CertificateView>, Error> {
    let (merchant, held) = caller.require_with_scopes(Scope::AccessWrite)?;
    let CreateCertificate { name, scopes, certificate } = call.json()?;
    let (name, scopes) = checked(&name, scopes, &held)?;
    let fingerprint = fingerprint_of(&certificate)?;
    let view = CertificateView { fingerprint, name, scopes, created_ms: now_ms() };
    let owner = merchant.clone();
    let work = call.once(&app, &merchant, StatusCode::CREATED, move |db_tx| {
        async move {
            let counted = "SELECT COUNT(*) FROM merchant_certificate WHERE merchant_id = $1";
            refuse_beyond(db_tx, counted, &owner).await?;
            let inserted = sqlx::query(
                "INSERT INTO merchant_certificate (fingerprint, merchant_id, name, scopes, created_ms) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(&view.fingerprint)
            .bind(owner.as_str())
            .bind(&view.name)
            .bind(written(&view.scopes))
            .bind(signed_ms(view.created_ms))
            .execute(db_tx)
            .await?;
            if inserted.rows_affected() == 1 { Ok(view) } else { Err(ErrorCode::CertificateExists.into()) }
        }
        .boxed()
    });
    work.await
}

/// Removes a client certificate: from now on it stands for nobody.
#[utoipa::path(delete, path = "/v1/certificates/{fingerprint}", tag = "access",
    security(("api_key" = []), ("certificate" = [])),
    params(("fingerprint" = String, Path)), responses((status = 204)))]
pub(super) async fn remove_certificate(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(fingerprint): Path<String>,
) -> Result<StatusCode, Error> {
    let merchant = caller.require(Scope::AccessWrite)?;
    let sql = "DELETE FROM merchant_certificate WHERE fingerprint = $1 AND merchant_id = $2";
    let removed = app.db.write(move |db_tx| {
        Box::pin(async move {
            let query = sqlx::query(sql).bind(fingerprint).bind(merchant.as_str());
            Ok::<_, Error>(query.execute(db_tx).await?.rows_affected())
        })
    });
    if removed.await? == 1 { Ok(StatusCode::NO_CONTENT) } else { Err(ErrorCode::NotFound.into()) }
}

/// A name within its bounds, and scopes that their giver has.
fn checked(name: &str, mut scopes: Vec<Scope>, held: &[Scope]) -> Result<(String, Vec<Scope>), Error> {
    let name = checked_name(name)?;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Error::invalid("/scopes", "at least one scope is needed"));
    }
    match scopes.iter().find(|scope| !held.contains(scope)) {
        Some(missing) => {
            let detail = format!("this caller does not have the scope {} itself", missing.name());
            Err(Error::RefusedWith(Box::new(Problem::new(ErrorCode::ScopeMissing).with_detail(detail))))
        }
        None => Ok((name, scopes)),
    }
}

/// What a merchant calls something of its own.
pub(super) fn checked_name(name: &str) -> Result<String, Error> {
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits && !name.trim().is_empty() {
        Ok(name.to_owned())
    } else {
        Err(Error::invalid("/name", "a name has 1 to 100 printable characters"))
    }
}

fn fingerprint_of(pem: &str) -> Result<String, Error> {
    let refused = || Error::invalid("/certificate", "not one X.509 version 3 certificate in PEM");
    if pem.len() > CERTIFICATE_BYTES_MAX {
        return Err(refused());
    }
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let (Some(Ok(certificate)), None) = (certificates.next(), certificates.next()) else { return Err(refused()) };
    // What the listener could not read would never serve.
    ParsedCertificate::try_from(&certificate).map_err(|_| refused())?;
    Ok(fingerprint(&certificate))
}

async fn refuse_beyond(db_tx: &mut DbConnection, counted: &'static str, owner: &MerchantId) -> Result<(), Error> {
    let there: i64 = sqlx::query_scalar(counted).bind(owner.as_str()).fetch_one(db_tx).await?;
    if there < EACH_MAX { Ok(()) } else { Err(ErrorCode::LimitReached.into()) }
}
