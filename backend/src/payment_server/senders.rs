//! Senders: which merchants a payer accepted, and which are blocked.
//!
//! A decision is made on one device and holds for the person: for every device that shares an identifier with it.
//! A merchant is never told: what a blocked one asks for looks like anything else that nobody has opened yet.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use payment::{DeviceId, MerchantId};
use protocol::Problem;
use protocol::wallet_api::{SenderView, SendersView};

use super::auth::DeviceCall;
use super::payment_requests::parse_id;
use super::{App, Error};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::storage::DbConnection;

/// The most merchants listed.
const LISTED_MAX: i64 = 1_000;

/// What a payer decided about a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Its requests come straight.
    Accepted,
    /// Its requests do not come.
    Blocked,
}

impl Decision {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Blocked => "blocked",
        }
    }
}

/// Keeps a device's decision in place of any earlier one.
async fn decide(
    db_tx: &mut DbConnection,
    device: DeviceId,
    merchant: &MerchantId,
    decision: Decision,
) -> Result<(), Error> {
    if decision == Decision::Accepted {
        // Accepting somebody takes back the person's block, on whichever device it was made.
        unblock(db_tx, device, merchant).await?;
    }
    sqlx::query(
        "INSERT INTO sender_decision (device_id, merchant_id, decision, decided_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (device_id, merchant_id) DO UPDATE SET decision = excluded.decision, decided_ms = excluded.decided_ms",
    )
    .bind(device.to_string())
    .bind(merchant.as_str())
    .bind(decision.name())
    .bind(signed_ms(now_ms()))
    .execute(db_tx)
    .await?;
    Ok(())
}

async fn unblock(db_tx: &mut DbConnection, device: DeviceId, merchant: &MerchantId) -> Result<(), Error> {
    sqlx::query(
        "DELETE FROM sender_decision WHERE merchant_id = $2 AND decision = 'blocked' AND (device_id = $1 OR device_id IN \
         (SELECT other.device_id FROM claim AS own JOIN claim AS other ON other.identifier_kind = own.identifier_kind \
         AND other.identifier = own.identifier WHERE own.device_id = $1))",
    )
    .bind(device.to_string())
    .bind(merchant.as_str())
    .execute(db_tx)
    .await?;
    Ok(())
}

impl App {
    /// The merchants about which this device's person decided so.
    async fn senders(&self, device: DeviceId, decision: Decision) -> Result<Json<SendersView>, Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT merchant_id, MIN(decided_ms) FROM sender_decision WHERE decision = $2 AND (device_id = $1 OR device_id \
             IN (SELECT other.device_id FROM claim AS own JOIN claim AS other ON other.identifier_kind = \
             own.identifier_kind AND other.identifier = own.identifier WHERE own.device_id = $1)) \
             GROUP BY merchant_id ORDER BY merchant_id LIMIT $3",
        )
        .bind(device.to_string())
        .bind(decision.name())
        .bind(LISTED_MAX)
        .fetch_all(self.db.reader())
        .await?;
        let view = |(merchant_id, since_ms): (String, i64)| {
            let merchant_id = merchant_id.parse().map_err(|_| Error::Row("sender"))?;
            Ok(SenderView { merchant_id, since_ms: unsigned_ms(since_ms) })
        };
        Ok(Json(SendersView { merchants: rows.into_iter().map(view).collect::<Result<_, Error>>()? }))
    }
}

/// The merchants that this person accepted.
#[utoipa::path(get, path = "/v1/senders", tag = "wallet", security(("device_signature" = [])),
    responses((status = 200, body = SendersView)))]
pub(super) async fn accepted(State(app): State<App>, call: DeviceCall) -> Result<Json<SendersView>, Error> {
    app.senders(call.device_id, Decision::Accepted).await
}

/// The merchants that this person blocked.
#[utoipa::path(get, path = "/v1/blocks", tag = "wallet", security(("device_signature" = [])),
    responses((status = 200, body = SendersView)))]
pub(super) async fn blocked(State(app): State<App>, call: DeviceCall) -> Result<Json<SendersView>, Error> {
    app.senders(call.device_id, Decision::Blocked).await
}

/// From now on requests of this request's merchant come straight.
#[utoipa::path(post, path = "/v1/requests/{id}/accept-sender", tag = "wallet", security(("device_signature" = [])),
    params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn accept(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    let request = app.request(parse_id(&id)?).await?;
    app.keep_decision(call.device_id, request.merchant_id, Decision::Accepted).await
}

/// From now on no request of this merchant's comes to this person. Nobody is told whether there is such a merchant.
#[utoipa::path(put, path = "/v1/blocks/{merchant_id}", tag = "wallet", security(("device_signature" = [])),
    params(("merchant_id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn block(
    State(app): State<App>,
    Path(merchant_id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    app.keep_decision(call.device_id, parse_id(&merchant_id)?, Decision::Blocked).await
}

/// Takes a block back, on every device of the person. The merchant is a new sender again.
#[utoipa::path(delete, path = "/v1/blocks/{merchant_id}", tag = "wallet", security(("device_signature" = [])),
    params(("merchant_id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn unblock_merchant(
    State(app): State<App>,
    Path(merchant_id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    let merchant: MerchantId = parse_id(&merchant_id)?;
    let device = call.device_id;
    app.db.write(move |db_tx| Box::pin(async move { unblock(db_tx, device, &merchant).await })).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl App {
    async fn keep_decision(
        &self,
        device: DeviceId,
        merchant: MerchantId,
        decision: Decision,
    ) -> Result<StatusCode, Error> {
        self.db.write(move |db_tx| Box::pin(async move { decide(db_tx, device, &merchant, decision).await })).await?;
        Ok(StatusCode::NO_CONTENT)
    }
}
