//! Deliveries as a merchant sees them, channel by channel.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures::FutureExt;
use payment::RequestId;
use protocol::Problem;
use protocol::merchant_api::{Channel, DeliveriesView, DeliveryStatus, DeliveryView, Resend, Scope};

use super::auth::CallingMerchant;
use super::idempotency::{Answer, KeyedCall};
use super::outbox::resend;
use super::payment_requests::parse_id;
use super::{App, Error};
use crate::clock::{now_ms, unsigned_ms};

/// The most deliveries shown of one request.
const SHOWN_MAX: i64 = 100;

type Row = (String, String, String, i64, i64, Option<String>);

/// A request's deliveries, oldest first. One into a device's inbox is shown only once that device has opened the request:
/// before, it would tell that somebody claimed the identifier.
pub(super) async fn shown(app: &App, request_id: RequestId) -> Result<Vec<DeliveryView>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, channel, status, tries, changed_ms, reason FROM delivery \
         WHERE request_id = $1 AND (told = 1 OR seen_ms IS NOT NULL) ORDER BY id LIMIT $2",
    )
    .bind(request_id.to_string())
    .bind(SHOWN_MAX)
    .fetch_all(app.db.reader())
    .await?;
    rows.into_iter().map(view).collect()
}

fn view((id, channel, status, tries, changed_ms, reason): Row) -> Result<DeliveryView, Error> {
    const WRONG: Error = Error::Row("delivery");
    Ok(DeliveryView {
        id,
        channel: Channel::from_name(&channel).ok_or(WRONG)?,
        status: DeliveryStatus::from_name(&status).ok_or(WRONG)?,
        tries: u32::try_from(tries).map_err(|_| WRONG)?,
        changed_ms: unsigned_ms(changed_ms),
        reason,
    })
}

/// A request's deliveries, channel by channel.
#[utoipa::path(get, path = "/v1/payment-requests/{id}/deliveries", tag = "payment requests", security(("api_key" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = DeliveriesView), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
) -> Result<Json<DeliveriesView>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let request = app.merchants_request(&merchant, parse_id(&id)?).await?;
    Ok(Json(DeliveriesView { deliveries: shown(&app, request.id).await? }))
}

/// Sends a request's message once more over one channel: at most three times, a minute apart, and with a new link.
#[utoipa::path(post, path = "/v1/payment-requests/{id}/resend", tag = "payment requests", security(("api_key" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = Resend,
    responses((status = 201, body = DeliveryView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 410, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn resend(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    call: KeyedCall,
) -> Result<Answer<DeliveryView>, Error> {
    let merchant = caller.require(Scope::RequestsWrite)?;
    if let Some(earlier) = call.earlier(&app, &merchant).await? {
        return Ok(earlier);
    }
    let Resend { channel } = call.json()?;
    let request = app.merchants_request(&merchant, parse_id(&id)?).await?;
    let answer = call
        .once(&app, &merchant, StatusCode::CREATED, move |db_tx| {
            async move { resend::insert(db_tx, request.id, &request.merchant_id, channel, now_ms()).await }.boxed()
        })
        .await?;
    app.outbox_wake.notify_one();
    Ok(answer)
}
