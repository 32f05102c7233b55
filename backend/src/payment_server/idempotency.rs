//! Calls that happen once: an idempotency key names one call of one merchant, as long as the key's row is kept.
//!
//! The row is claimed, the work done and the answer kept in **one** database step. So there is no moment at which the
//! work is durable and its answer is not, a server killed at any point leaves both or neither, and no lease is needed:
//! a second replica's step waits for the first one's row and then reads its answer.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, http};
use futures::future::BoxFuture;
use payment::MerchantId;
use protocol::{ErrorCode, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::auth::Body;
use super::{App, Error};
use crate::storage::DbConnection;

/// The header that carries the key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
const KEY_CHARS_MAX: usize = 128;

/// The keys whose call is running in this process: a hint that spares the writer a wait. What makes a call happen once
/// is the row.
#[derive(Default)]
pub(super) struct RunningKeys(Mutex<HashSet<(MerchantId, String)>>);

/// Frees its key when the call ends, however it ends.
struct Running<'a> {
    keys: &'a RunningKeys,
    entry: (MerchantId, String),
}

impl RunningKeys {
    fn begin(&self, merchant: &MerchantId, key: &str) -> Result<Running<'_>, Error> {
        let entry = (merchant.clone(), key.to_owned());
        let new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.clone());
        if new { Ok(Running { keys: self, entry }) } else { Err(ErrorCode::IdempotencyInProgress.into()) }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.entry);
    }
}

/// A call with its idempotency key, and its body.
pub(super) struct KeyedCall {
    key: String,
    /// Method and path.
    call: String,
    body: Body,
}

impl FromRequest<App> for KeyedCall {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let key = key_of(request.headers())?.to_owned();
        let call = format!("{} {}", request.method(), request.uri().path());
        Ok(Self { key, call, body: Body::from_request(request, app).await? })
    }
}

fn key_of(headers: &http::HeaderMap) -> Result<&str, Error> {
    let missing = || {
        let detail = format!("the Idempotency-Key header is required: 1 to {KEY_CHARS_MAX} visible ASCII characters");
        Error::RefusedWith(Box::new(Problem::new(ErrorCode::InvalidInput).with_detail(detail)))
    };
    let key = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
    let fits = (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(key) } else { Err(missing()) }
}

/// Whether an answer is given for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    First,
    Again,
}

/// The answer of a call that happened once, now or earlier.
pub(super) struct Answer<T> {
    status: StatusCode,
    body: T,
    told: Told,
}

impl<T> Answer<T> {
    /// Adds what is told only the first time and kept nowhere, such as a link's key.
    #[must_use]
    pub(super) fn tell_first(mut self, add: impl FnOnce(&mut T)) -> Self {
        if self.told == Told::First {
            add(&mut self.body);
        }
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = if self.status == StatusCode::NO_CONTENT {
            self.status.into_response()
        } else {
            (self.status, Json(&self.body)).into_response()
        };
        if self.told == Told::Again {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl KeyedCall {
    /// The body as JSON of one type.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.body.json()
    }

    /// The answer this call got before, if it came before. Ask first where checking the call takes time, or would
    /// turn out differently later; [`Self::once`] asks again.
    pub(super) async fn earlier<T: DeserializeOwned>(
        &self,
        app: &App,
        merchant: &MerchantId,
    ) -> Result<Option<Answer<T>>, Error> {
        let row: Option<Row> =
            sqlx::query_as(ROW).bind(merchant.as_str()).bind(&self.key).fetch_optional(app.db.reader()).await?;
        row.map(|row| self.claim(merchant).answer(row)).transpose()
    }

    /// Does `work` in a database step if this call did not come before, and keeps its answer in the same step;
    /// otherwise answers as before. A step that fails leaves the key free.
    pub(super) async fn once<T, F>(
        &self,
        app: &App,
        merchant: &MerchantId,
        status: StatusCode,
        work: F,
    ) -> Result<Answer<T>, Error>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: for<'c> FnOnce(&'c mut DbConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        let _running = app.running_keys.begin(merchant, &self.key)?;
        let claim = self.claim(merchant);
        app.db
            .write(move |db_tx| {
                Box::pin(async move {
                    if let Some(earlier) = claim.take(db_tx).await? {
                        return claim.answer(earlier);
                    }
                    let body = work(db_tx).await?;
                    let kept = serde_json::to_string(&body).expect("a view is always JSON");
                    claim.keep(db_tx, status, kept).await?;
                    Ok(Answer { status, body, told: Told::First })
                })
            })
            .await
    }

    fn claim(&self, merchant: &MerchantId) -> Claim {
        Claim {
            merchant: merchant.to_string(),
            key: self.key.clone(),
            call: self.call.clone(),
            body_hash: hex::encode(Sha256::digest(&self.body.bytes)),
        }
    }
}

/// A call, its body's hash, and the status and body of its answer.
type Row = (String, String, i64, String);

const ROW: &str =
    "SELECT call, body_hash, status, answer FROM idempotency_key WHERE merchant_id = $1 AND idempotency_key = $2";

/// What a key's row says of the call.
struct Claim {
    merchant: String,
    key: String,
    call: String,
    body_hash: String,
}

impl Claim {
    /// Takes the key, or answers with the row of whoever had it before.
    async fn take(&self, db_tx: &mut DbConnection) -> Result<Option<Row>, Error> {
        let inserted = sqlx::query(
            "INSERT INTO idempotency_key (merchant_id, idempotency_key, call, body_hash, status, answer) \
             VALUES ($1, $2, $3, $4, 0, '') ON CONFLICT DO NOTHING",
        )
        .bind(&self.merchant)
        .bind(&self.key)
        .bind(&self.call)
        .bind(&self.body_hash)
        .execute(&mut *db_tx)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(None);
        }
        Ok(Some(sqlx::query_as(ROW).bind(&self.merchant).bind(&self.key).fetch_one(db_tx).await?))
    }

    async fn keep(&self, db_tx: &mut DbConnection, status: StatusCode, body: String) -> Result<(), Error> {
        sqlx::query(
            "UPDATE idempotency_key SET status = $1, answer = $2 WHERE merchant_id = $3 AND idempotency_key = $4",
        )
        .bind(i64::from(status.as_u16()))
        .bind(body)
        .bind(&self.merchant)
        .bind(&self.key)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    fn answer<T: DeserializeOwned>(&self, (call, body_hash, status, answer): Row) -> Result<Answer<T>, Error> {
        const WRONG: Error = Error::Row("answer");
        if call != self.call || body_hash != self.body_hash {
            return Err(ErrorCode::IdempotencyKeyReused.into());
        }
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok()).ok_or(WRONG)?;
        Ok(Answer { status, body: serde_json::from_str(&answer).map_err(|_| WRONG)?, told: Told::Again })
    }
}
