//! Webhooks: the events feed, pushed to addresses of the merchant's own and signed after Standard Webhooks 1.0.0.
//!
//! ```text
//! journal ── fan_out ──► webhook_delivery (a row a message) ── dispatch ──► the merchant's address
//!            one cursor an endpoint                            leased, signed, tried again for three days
//! ```
//!
//! **Invariant:** the messages of an endpoint are made from the journal behind a cursor that moves in the same step, so
//! none is lost or made twice, whoever dies when.
//!
//! **Invariant:** a message about an object waits until the earlier ones about it have ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures::FutureExt;
use payment::MerchantId;
use protocol::merchant_api::{CreateWebhook, Scope, WebhookView, WebhooksView};
use protocol::{ErrorCode, Problem};

use super::auth::CallingMerchant;
use super::idempotency::{Answer, KeyedCall};
use super::{App, Error};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::keys;
use crate::storage::DbConnection;

pub(super) mod deliveries;
mod dispatch;
mod fan_out;
mod filter;
mod guard;
mod message;
mod signature;

pub(super) use dispatch::Dispatcher;
pub use guard::WebhookOptions;
use signature::Secret;

/// The most endpoints of one merchant.
const ENDPOINTS_MAX: i64 = 10;

/// An endpoint as its row holds it.
#[derive(sqlx::FromRow)]
struct Endpoint {
    id: String,
    merchant_id: String,
    url: String,
    events: String,
    created_ms: i64,
    secret_number: i64,
    rotated_ms: Option<i64>,
    cursor_seq: i64,
    failing_since_ms: Option<i64>,
    disabled_ms: Option<i64>,
}

impl Endpoint {
    fn view(&self) -> WebhookView {
        WebhookView {
            id: self.id.clone(),
            url: self.url.clone(),
            events: filter::from_row(&self.events),
            created_ms: unsigned_ms(self.created_ms),
            failing_since_ms: self.failing_since_ms.map(unsigned_ms),
            disabled_ms: self.disabled_ms.map(unsigned_ms),
            secret: None,
        }
    }

    fn secret(&self, app: &App, number: i64) -> Secret {
        Secret::derive(app.keys.claim_key(), &self.id, number)
    }

    /// The secrets that sign now, the newest first.
    fn secrets(&self, app: &App, now_ms: i64) -> Vec<Secret> {
        let overlaps = self.rotated_ms.is_some_and(|rotated_ms| now_ms - rotated_ms < signature::OVERLAP_MS);
        let numbers = std::iter::once(self.secret_number).chain(overlaps.then_some(self.secret_number - 1));
        numbers.map(|number| self.secret(app, number)).collect()
    }
}

impl App {
    /// A merchant's own endpoint; another's is one that does not exist.
    async fn endpoint(&self, merchant: &MerchantId, id: &str) -> Result<Endpoint, Error> {
        let row: Option<Endpoint> = sqlx::query_as("SELECT * FROM webhook WHERE id = $1 AND merchant_id = $2")
            .bind(id)
            .bind(merchant.as_str())
            .fetch_optional(self.db.reader())
            .await?;
        row.ok_or_else(|| ErrorCode::NotFound.into())
    }
}

/// A new id: the time, and what nobody can guess.
fn new_id(now_ms: u64) -> String {
    uuid::Builder::from_unix_timestamp_millis(now_ms, &keys::random()).into_uuid().to_string()
}

/// A merchant's endpoints.
#[utoipa::path(get, path = "/v1/webhooks", tag = "merchant", security(("api_key" = [])),
    responses((status = 200, body = WebhooksView)))]
pub(super) async fn list(State(app): State<App>, caller: CallingMerchant) -> Result<Json<WebhooksView>, Error> {
    let merchant = caller.require(Scope::WebhooksWrite)?;
    let rows: Vec<Endpoint> =
        sqlx::query_as("SELECT * FROM webhook WHERE merchant_id = $1 ORDER BY created_ms, id LIMIT $2")
            .bind(merchant.as_str())
            .bind(ENDPOINTS_MAX)
            .fetch_all(app.db.reader())
            .await?;
    Ok(Json(WebhooksView { webhooks: rows.iter().map(Endpoint::view).collect() }))
}

/// Registers an endpoint, which gets what happens from now on. Its signing secret is in this answer only.
#[utoipa::path(post, path = "/v1/webhooks", tag = "merchant", security(("api_key" = [])), request_body = CreateWebhook,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = WebhookView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create(
    State(app): State<App>,
    caller: CallingMerchant,
    call: KeyedCall,
) -> Result<Answer<WebhookView>, Error> {
    let merchant = caller.require(Scope::WebhooksWrite)?;
    let CreateWebhook { url, events } = call.json()?;
    let url = guard::checked(&url, app.webhooks.options()).map_err(|refused| {
        let problem = Problem::new(ErrorCode::WebhookUrlRefused).with_detail(refused.to_string());
        Error::RefusedWith(Box::new(problem))
    })?;
    let now_ms = now_ms();
    let endpoint = Endpoint {
        id: new_id(now_ms),
        merchant_id: merchant.to_string(),
        url: url.to_string(),
        events: filter::to_row(&events)?,
        created_ms: signed_ms(now_ms),
        secret_number: 1,
        rotated_ms: None,
        cursor_seq: 0,
        failing_since_ms: None,
        disabled_ms: None,
    };
    let secret = endpoint.secret(&app, endpoint.secret_number).expose_text();
    let answer = call.once(&app, &merchant, StatusCode::CREATED, |db_tx| insert(db_tx, endpoint).boxed()).await?;
    Ok(answer.tell_first(|view| view.secret = Some(secret)))
}

async fn insert(db_tx: &mut DbConnection, endpoint: Endpoint) -> Result<WebhookView, Error> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM webhook WHERE merchant_id = $1")
        .bind(&endpoint.merchant_id)
        .fetch_one(&mut *db_tx)
        .await?;
    if count >= ENDPOINTS_MAX {
        return Err(ErrorCode::TooManyWebhooks.into());
    }
    let last: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM event").fetch_one(&mut *db_tx).await?;
    sqlx::query(
        "INSERT INTO webhook (id, merchant_id, url, events, created_ms, secret_number, cursor_seq) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&endpoint.id)
    .bind(&endpoint.merchant_id)
    .bind(&endpoint.url)
    .bind(&endpoint.events)
    .bind(endpoint.created_ms)
    .bind(endpoint.secret_number)
    .bind(last)
    .execute(db_tx)
    .await?;
    Ok(endpoint.view())
}

/// Removes an endpoint, its log and what it was still to get.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    let endpoint = app.endpoint(&caller.require(Scope::WebhooksWrite)?, &id).await?;
    app.db.write(move |db_tx| remove(db_tx, endpoint.id).boxed()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(db_tx: &mut DbConnection, id: String) -> Result<(), Error> {
    sqlx::query("DELETE FROM webhook_delivery WHERE webhook_id = $1").bind(&id).execute(&mut *db_tx).await?;
    sqlx::query("DELETE FROM webhook WHERE id = $1").bind(&id).execute(db_tx).await?;
    Ok(())
}

/// Replaces an endpoint's signing secret. For a day messages are signed with the one before as well. The new secret is
/// in this answer only.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = WebhookView), (status = 404, body = Problem)))]
pub(super) async fn rotate(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    call: KeyedCall,
) -> Result<Answer<WebhookView>, Error> {
    let merchant = caller.require(Scope::WebhooksWrite)?;
    let endpoint = app.endpoint(&merchant, &id).await?;
    // The answer is kept for a repeat of the call; the secret is not.
    let number = Arc::new(AtomicI64::new(endpoint.secret_number));
    let rotated = Arc::clone(&number);
    let answer = call.once(&app, &merchant, StatusCode::OK, |db_tx| next_secret(db_tx, id, rotated).boxed()).await?;
    let secret = endpoint.secret(&app, number.load(Ordering::Acquire)).expose_text();
    Ok(answer.tell_first(|view: &mut WebhookView| view.secret = Some(secret)))
}

async fn next_secret(db_tx: &mut DbConnection, id: String, number: Arc<AtomicI64>) -> Result<WebhookView, Error> {
    let endpoint: Endpoint = sqlx::query_as(
        "UPDATE webhook SET secret_number = secret_number + 1, rotated_ms = $1 WHERE id = $2 RETURNING *",
    )
    .bind(signed_ms(now_ms()))
    .bind(id)
    .fetch_optional(db_tx)
    .await?
    .ok_or(ErrorCode::NotFound)?;
    number.store(endpoint.secret_number, Ordering::Release);
    Ok(endpoint.view())
}
