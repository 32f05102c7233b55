//! Reports of fraud: what payers say about a request, and what it means for its merchant until a person has looked.
//!
//! Several people who were asked by the same merchant and reported it suspend its first contacts: whoever accepted it
//! already still hears from it, nobody else does. Only the report of a device that answers for the identifier that was
//! asked counts for that: with an open link anybody could call a competitor a fraud.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use payment::DeviceId;
use protocol::wallet_api::{REPORT_NOTE_CHARS_MAX, ReportRequest};
use protocol::{ErrorCode, Problem};

use super::auth::DeviceCall;
use super::payment_requests::{StoredRequest, parse_id};
use super::{App, Error};
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;

pub mod tool;

/// So many people's reports since the last review suspend a merchant's first contacts.
const SUSPENDED_FROM: i64 = 3;
/// How many requests one device reports within a day.
const PER_DAY_MAX: i64 = 20;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Reports a request. The same device's second report of it takes the place of its first.
#[utoipa::path(post, path = "/v1/requests/{id}/report", tag = "wallet", security(("device_signature" = [])),
    params(("id" = String, Path)), request_body = ReportRequest,
    responses((status = 204), (status = 404, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn report(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    let report: ReportRequest = call.json()?;
    if report.note.as_ref().is_some_and(|note| note.chars().count() > REPORT_NOTE_CHARS_MAX) {
        return Err(ErrorCode::InvalidInput.into());
    }
    let request = app.request(parse_id(&id)?).await?;
    let device = call.device_id;
    let merchant = request.merchant_id.clone();
    app.db.write(move |db_tx| Box::pin(async move { insert(db_tx, device, &request, report).await })).await?;
    tracing::warn!(%merchant, "a request was reported as fraud");
    Ok(StatusCode::NO_CONTENT)
}

async fn insert(
    db_tx: &mut DbConnection,
    device: DeviceId,
    request: &StoredRequest,
    report: ReportRequest,
) -> Result<(), Error> {
    let now_ms = signed_ms(now_ms());
    let today: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM fraud_report WHERE device_id = $1 AND reported_ms > $2")
        .bind(device.to_string())
        .bind(now_ms - DAY_MS)
        .fetch_one(&mut *db_tx)
        .await?;
    if today >= PER_DAY_MAX {
        return Err(Error::too_many(3_600));
    }
    let asked: Option<(String, String)> = sqlx::query_as(
        "SELECT addressed.identifier_kind, addressed.identifier FROM addressed_request AS addressed \
         WHERE addressed.request_id = $1 AND (EXISTS (SELECT 1 FROM claim WHERE claim.device_id = $2 \
         AND claim.identifier_kind = addressed.identifier_kind AND claim.identifier = addressed.identifier) \
         OR EXISTS (SELECT 1 FROM payment_number WHERE payment_number.device_id = $2 \
         AND payment_number.id = addressed.identifier))",
    )
    .bind(request.id.to_string())
    .bind(device.to_string())
    .fetch_optional(&mut *db_tx)
    .await?;
    let (kind, identifier) = asked.unzip();
    sqlx::query(
        "INSERT INTO fraud_report \
         (request_id, device_id, merchant_id, reason, note, identifier_kind, identifier, reported_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (request_id, device_id) \
         DO UPDATE SET reason = excluded.reason, note = excluded.note",
    )
    .bind(request.id.to_string())
    .bind(device.to_string())
    .bind(request.merchant_id.as_str())
    .bind(report.reason.name())
    .bind(report.note)
    .bind(kind)
    .bind(identifier)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// Whether a merchant reaches only people who accepted it.
pub(super) async fn is_suspended(db_tx: &mut DbConnection, merchant: &str) -> Result<bool, Error> {
    let review: Option<(String, i64)> = sqlx::query_as(
        "SELECT verdict, decided_ms FROM report_review WHERE merchant_id = $1 ORDER BY decided_ms DESC, id DESC LIMIT 1",
    )
    .bind(merchant)
    .fetch_optional(&mut *db_tx)
    .await?;
    let since_ms = match review {
        Some((verdict, _)) if verdict == tool::UPHELD => return Ok(true),
        Some((_, decided_ms)) => decided_ms,
        None => 0,
    };
    let reporters: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT DISTINCT identifier_kind, identifier FROM fraud_report WHERE merchant_id = $1 \
         AND reported_ms > $2 AND identifier IS NOT NULL) AS reporter",
    )
    .bind(merchant)
    .bind(since_ms)
    .fetch_one(db_tx)
    .await?;
    Ok(reporters >= SUSPENDED_FROM)
}
