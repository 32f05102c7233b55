//! The log of an endpoint's messages, and what a merchant can do about one: have it sent again, or have a test sent.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use futures::FutureExt;
use protocol::merchant_api::{Scope, WebhookDeliveriesPage, WebhookDeliveryStatus, WebhookDeliveryView};
use protocol::{ErrorCode, Problem};
use serde::Deserialize;

use super::message::NewMessage;
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::payment_server::auth::CallingMerchant;
use crate::payment_server::idempotency::{Answer, KeyedCall};
use crate::payment_server::{App, Error};
use crate::storage::DbConnection;

/// Messages of one page.
const PAGE_MAX: usize = 50;
/// How long messages that have ended are kept, in milliseconds: thirty days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// The most that are removed in one step.
const REMOVED_AT_ONCE_MAX: i64 = 1_000;

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    id: String,
    webhook_id: String,
    place: i64,
    kind: String,
    event_seq: Option<i64>,
    status: String,
    tries: i64,
    response_status: Option<i64>,
    reason: Option<String>,
    created_ms: i64,
    tried_ms: Option<i64>,
    due_ms: i64,
}

impl DeliveryRow {
    fn view(self) -> Result<WebhookDeliveryView, Error> {
        const WRONG: Error = Error::Row("webhook delivery");
        let status = match self.status.as_str() {
            "queued" => WebhookDeliveryStatus::Queued,
            "delivered" => WebhookDeliveryStatus::Delivered,
            "failed" => WebhookDeliveryStatus::Failed,
            _ => return Err(WRONG),
        };
        Ok(WebhookDeliveryView {
            id: self.id,
            webhook_id: self.webhook_id,
            kind: self.kind,
            event_seq: self.event_seq.map(unsigned_ms),
            status,
            tries: u32::try_from(self.tries).map_err(|_| WRONG)?,
            response_status: self.response_status.map(u16::try_from).transpose().map_err(|_| WRONG)?,
            reason: self.reason,
            created_ms: unsigned_ms(self.created_ms),
            tried_ms: self.tried_ms.map(unsigned_ms),
            next_try_ms: (status == WebhookDeliveryStatus::Queued).then(|| unsigned_ms(self.due_ms)),
        })
    }
}

const COLUMNS: &str = "id, webhook_id, place, kind, event_seq, status, tries, response_status, reason, created_ms, \
     tried_ms, due_ms";

/// The query of a page.
#[derive(Deserialize)]
pub(in crate::payment_server) struct PageQuery {
    cursor: Option<String>,
}

/// An endpoint's messages, newest first. Those that have ended are kept for thirty days.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path), ("cursor" = Option<String>, Query, description = "The last answer's next_cursor")),
    responses((status = 200, body = WebhookDeliveriesPage), (status = 404, body = Problem)))]
pub(in crate::payment_server) async fn page(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    Query(PageQuery { cursor }): Query<PageQuery>,
) -> Result<Json<WebhookDeliveriesPage>, Error> {
    let endpoint = app.endpoint(&caller.require(Scope::WebhooksWrite)?, &id).await?;
    let before: i64 = match cursor {
        Some(cursor) => cursor.parse().map_err(|_| ErrorCode::InvalidInput)?,
        None => i64::MAX,
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM webhook_delivery WHERE webhook_id = $1 AND place < $2 ORDER BY place DESC LIMIT $3"
    );
    let mut rows: Vec<DeliveryRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&endpoint.id)
        .bind(before)
        .bind(i64::try_from(PAGE_MAX + 1).unwrap_or(i64::MAX))
        .fetch_all(app.db.reader())
        .await?;
    let has_more = rows.len() > PAGE_MAX;
    rows.truncate(PAGE_MAX);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| row.place.to_string());
    let deliveries = rows.into_iter().map(DeliveryRow::view).collect::<Result<_, _>>()?;
    Ok(Json(WebhookDeliveriesPage { deliveries, next_cursor }))
}

/// Sends a message that has ended once more, with the same id and body; one that waits for its next try is tried now.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver", tag = "merchant",
    security(("api_key" = [])),
    params(("id" = String, Path), ("delivery_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 202, body = WebhookDeliveryView), (status = 404, body = Problem)))]
pub(in crate::payment_server) async fn redeliver(
    State(app): State<App>,
    caller: CallingMerchant,
    Path((id, delivery_id)): Path<(String, String)>,
    call: KeyedCall,
) -> Result<Answer<WebhookDeliveryView>, Error> {
    let merchant = caller.require(Scope::WebhooksWrite)?;
    let endpoint = app.endpoint(&merchant, &id).await?;
    let answer = call
        .once(&app, &merchant, StatusCode::ACCEPTED, |db_tx| queue_again(db_tx, endpoint.id, delivery_id).boxed())
        .await?;
    app.webhooks_wake.notify_one();
    Ok(answer)
}

async fn queue_again(
    db_tx: &mut DbConnection,
    webhook_id: String,
    delivery_id: String,
) -> Result<WebhookDeliveryView, Error> {
    // One that has ended goes out beside the others' order; one that has not keeps its place in it. One that is on its way
    // right now goes out once more when that try is recorded.
    let sql = format!(
        "UPDATE webhook_delivery SET due_ms = $1, \
         in_order = CASE WHEN status = 'queued' THEN in_order ELSE 0 END, \
         tries = CASE WHEN status = 'queued' THEN tries ELSE 0 END, \
         queued_ms = CASE WHEN status = 'queued' THEN queued_ms ELSE $1 END, \
         again = CASE WHEN status = 'queued' AND lease_until_ms > $1 THEN 1 ELSE 0 END, \
         status = 'queued' WHERE id = $2 AND webhook_id = $3 RETURNING {COLUMNS}"
    );
    let row: Option<DeliveryRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(signed_ms(now_ms()))
        .bind(delivery_id)
        .bind(webhook_id)
        .fetch_optional(db_tx)
        .await?;
    row.ok_or(ErrorCode::NotFound)?.view()
}

/// Sends a `webhook.test`. When it arrives, an endpoint that was disabled gets events again.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 202, body = WebhookDeliveryView), (status = 404, body = Problem)))]
pub(in crate::payment_server) async fn test(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    call: KeyedCall,
) -> Result<Answer<WebhookDeliveryView>, Error> {
    let merchant = caller.require(Scope::WebhooksWrite)?;
    let endpoint = app.endpoint(&merchant, &id).await?;
    let answer =
        call.once(&app, &merchant, StatusCode::ACCEPTED, |db_tx| queue_test(db_tx, endpoint.id).boxed()).await?;
    app.webhooks_wake.notify_one();
    Ok(answer)
}

async fn queue_test(db_tx: &mut DbConnection, webhook_id: String) -> Result<WebhookDeliveryView, Error> {
    let now_ms = signed_ms(now_ms());
    let id = NewMessage::test(&webhook_id, now_ms).insert(db_tx, &webhook_id, now_ms).await?;
    let sql = format!("SELECT {COLUMNS} FROM webhook_delivery WHERE id = $1");
    let row: DeliveryRow = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_one(db_tx).await?;
    row.view()
}

/// Removes what ended long ago, a part at a time.
pub(super) async fn remove_old(app: &App) -> Result<(), Error> {
    let before_ms = signed_ms(now_ms()) - KEPT_MS;
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                sqlx::query(
                    "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery \
                     WHERE status <> 'queued' AND created_ms < $1 ORDER BY created_ms LIMIT $2)",
                )
                .bind(before_ms)
                .bind(REMOVED_AT_ONCE_MAX)
                .execute(db_tx)
                .await
                .map(drop)
            })
        })
        .await
        .map_err(|error: sqlx::Error| error.into())
}
