//! Counters: one printed code a till, which leads to whatever the till is asking for now.
//!
//! The merchant makes the code's key pair; the server has the public half only, and seals each request to it. Scanning
//! a code changes nothing, and what it answers tells nothing to whoever has not the printed key.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use envelope::{LinkSealingKey, request};
use futures::FutureExt;
use payment::{MerchantId, RequestId};
use protocol::ErrorCode;
use protocol::merchant_api::{CounterView, CountersView, CreateCounter, Scope};
use protocol::wallet_api::SealedRequest;
use uuid::Uuid;

use super::access::{checked_name, new_id};
use super::auth::CallingMerchant;
use super::idempotency::{Answer, KeyedCall};
use super::{App, Error, links};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::storage::DbConnection;

/// The most counters of one merchant.
const COUNTERS_MAX: i64 = 200;

#[derive(sqlx::FromRow)]
struct CounterRow {
    id: String,
    name: String,
    token: String,
    request_id: Option<String>,
    created_ms: i64,
}

impl CounterRow {
    fn view(self) -> Result<CounterView, Error> {
        Ok(CounterView {
            id: self.id,
            name: self.name,
            token: self.token,
            request_id: self.request_id.map(|id| id.parse()).transpose().map_err(|_| Error::Row("counter"))?,
            created_ms: unsigned_ms(self.created_ms),
        })
    }
}

/// A counter that a new request is addressed to.
pub(super) struct Addressed {
    id: String,
    key: LinkSealingKey,
}

/// A request's letter, sealed to a counter.
pub(super) struct CounterLetter {
    counter_id: String,
    sealed: String,
}

impl Addressed {
    /// The merchant's own counter with this id.
    pub(super) async fn find(app: &App, merchant: &MerchantId, id: &str) -> Result<Self, Error> {
        let unknown = || Error::invalid("/payer/value", "not a counter of this merchant's");
        let _: Uuid = id.parse().map_err(|_| unknown())?;
        let key: Option<String> =
            sqlx::query_scalar("SELECT sealing_key FROM counter WHERE id = $1 AND merchant_id = $2")
                .bind(id)
                .bind(merchant.as_str())
                .fetch_optional(app.db.reader())
                .await?;
        let key = key.ok_or_else(unknown)?;
        let key = LinkSealingKey::from_base64url(&key).map_err(|_| Error::Row("counter"))?;
        Ok(Self { id: id.to_owned(), key })
    }

    /// Seals a request's letter to whoever scans the counter's code.
    pub(super) fn seal(self, id: RequestId, letter: &[u8]) -> Result<CounterLetter, Error> {
        let capsule = request::seal_to_counter(&self.key, id.as_bytes(), letter)?;
        let sealed = serde_json::to_string(&capsule).expect("a capsule is always JSON");
        Ok(CounterLetter { counter_id: self.id, sealed })
    }
}

impl CounterLetter {
    /// Puts the request at the counter, in place of the one before, in the step that stores it.
    pub(super) async fn put(&self, db_tx: &mut DbConnection, id: RequestId) -> Result<(), Error> {
        let put = sqlx::query("UPDATE counter SET request_id = $1, sealed = $2 WHERE id = $3")
            .bind(id.to_string())
            .bind(&self.sealed)
            .bind(&self.counter_id)
            .execute(db_tx)
            .await?;
        // Removed since it was looked up.
        if put.rows_affected() == 1 { Ok(()) } else { Err(ErrorCode::NotFound.into()) }
    }
}

/// The merchant's counters.
#[utoipa::path(get, path = "/v1/counters", tag = "counters", security(("api_key" = []), ("certificate" = [])),
    responses((status = 200, body = CountersView)))]
pub(super) async fn list(State(app): State<App>, caller: CallingMerchant) -> Result<Json<CountersView>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let rows: Vec<CounterRow> = sqlx::query_as(
        "SELECT id, name, token, request_id, created_ms FROM counter \
         WHERE merchant_id = $1 ORDER BY created_ms, id LIMIT $2",
    )
    .bind(merchant.as_str())
    .bind(COUNTERS_MAX)
    .fetch_all(app.db.reader())
    .await?;
    Ok(Json(CountersView { counters: rows.into_iter().map(CounterRow::view).collect::<Result<_, _>>()? }))
}

/// Makes a counter. The code to print is made by the merchant, who alone has its key.
#[utoipa::path(post, path = "/v1/counters", tag = "counters", security(("api_key" = []), ("certificate" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = CreateCounter,
    responses((status = 201, body = CounterView)))]
pub(super) async fn create(
    State(app): State<App>,
    caller: CallingMerchant,
    call: KeyedCall,
) -> Result<Answer<CounterView>, Error> {
    let merchant = caller.require(Scope::RequestsWrite)?;
    let CreateCounter { name, sealing_key } = call.json()?;
    let name = checked_name(&name)?;
    let key = LinkSealingKey::from_base64url(&sealing_key)
        .map_err(|_| Error::invalid("/sealing_key", "not an X25519 public key in base64url"))?;
    // A key of small order would seal to everybody: trying it is the one way to know.
    request::seal_to_counter(&key, &[], &[])
        .map_err(|_| Error::invalid("/sealing_key", "not an X25519 public key that can be sealed to"))?;
    let view = CounterView { id: new_id(), name, token: links::new_token(), request_id: None, created_ms: now_ms() };
    let owner = merchant.clone();
    let work = call.once(&app, &merchant, StatusCode::CREATED, move |db_tx| {
        async move {
            let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM counter WHERE merchant_id = $1")
                .bind(owner.as_str())
                .fetch_one(&mut *db_tx)
                .await?;
            if there >= COUNTERS_MAX {
                return Err(ErrorCode::LimitReached.into());
            }
            sqlx::query(
                "INSERT INTO counter (id, merchant_id, name, token, sealing_key, created_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&view.id)
            .bind(owner.as_str())
            .bind(&view.name)
            .bind(&view.token)
            .bind(key.to_base64url())
            .bind(signed_ms(view.created_ms))
            .execute(db_tx)
            .await?;
            Ok(view)
        }
        .boxed()
    });
    work.await
}

/// Removes a counter: its printed code leads nowhere from now on. A request it shows stays as it is.
#[utoipa::path(delete, path = "/v1/counters/{counter}", tag = "counters",
    security(("api_key" = []), ("certificate" = [])),
    params(("counter" = String, Path, description = "The counter's id")), responses((status = 204)))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    let merchant = caller.require(Scope::RequestsWrite)?;
    let removed = app.db.write(move |db_tx| {
        Box::pin(async move {
            let query = sqlx::query("DELETE FROM counter WHERE id = $1 AND merchant_id = $2");
            Ok::<_, Error>(query.bind(id).bind(merchant.as_str()).execute(db_tx).await?.rows_affected())
        })
    });
    if removed.await? == 1 { Ok(StatusCode::NO_CONTENT) } else { Err(ErrorCode::NotFound.into()) }
}

/// What a printed code leads to now: the sealed letter of the till's open request, or nothing. Asking changes nothing.
#[utoipa::path(get, path = "/v1/counters/{counter}", tag = "public",
    params(("counter" = String, Path, description = "The token in the printed link")),
    responses((status = 200, body = SealedRequest)))]
pub(super) async fn shown(State(app): State<App>, Path(token): Path<String>) -> Result<Json<SealedRequest>, Error> {
    let row: Option<(String, String)> = sqlx::query_as(
        "SELECT counter.request_id, counter.sealed FROM counter \
         JOIN payment_request ON payment_request.id = counter.request_id \
         WHERE counter.token = $1 AND payment_request.expires_ms > $2 \
         AND payment_request.state IN ('created', 'delivering', 'delivered', 'seen')",
    )
    .bind(token)
    .bind(signed_ms(now_ms()))
    .fetch_optional(app.db.reader())
    .await?;
    let (request_id, sealed) = row.ok_or(ErrorCode::NotFound)?;
    let request_id = request_id.parse().map_err(|_| Error::Row("counter"))?;
    let sealed = serde_json::from_str(&sealed).map_err(|_| Error::Row("counter"))?;
    Ok(Json(SealedRequest { seq: 0, request_id, sealed }))
}
