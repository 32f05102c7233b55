//! Recipients: whose devices a request goes to, and when it is kept back.
//!
//! Creating a request writes the same row for every identifier, so that neither the answer nor its time tells whether
//! a wallet answers for it. A worker looks that up afterwards and hands the request to the devices. A request is *kept
//! back* when the person blocked the merchant, was asked too much already, or knows nothing of a merchant that others
//! reported: nothing is sent over any channel, and to the merchant it looks as if it had been.

use std::time::Duration;

use payment::{MerchantId, RequestId};
use protocol::merchant_api::PayerIdentifier;

use super::claims::{self, ClaimingDevice};
use super::outbox::{self, NewDelivery, Told};
use super::payment_requests::StoredRequest;
use super::senders::Decision;
use super::{App, Error, caps, identifiers, reports};
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;

/// How many requests are taken up together.
const BATCH_MAX: i64 = 64;
/// How long one that was taken up is nobody else's, in milliseconds.
const LEASE_MS: i64 = 30_000;
/// How often it is looked without being woken.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The kind of a request that came under a payment number.
const PAYMENT_NUMBER: &str = "payment_number";

/// A request for somebody.
#[derive(sqlx::FromRow)]
pub(super) struct Addressed {
    pub(super) request_id: String,
    pub(super) merchant_id: String,
    pub(super) identifier_kind: String,
    pub(super) identifier: String,
    pub(super) created_ms: i64,
}

/// What a request is addressed by: the identifier itself, or the row of a payment number that was used up for it.
pub(super) enum Address<'a> {
    Identifier(&'a PayerIdentifier),
    Number(&'a str),
}

/// Writes down whom a request is for.
pub(super) async fn address(
    db_tx: &mut DbConnection,
    request: &StoredRequest,
    address: Address<'_>,
) -> Result<(), Error> {
    let (kind, value) = match address {
        Address::Identifier(identifier) => {
            let (kind, value) = identifiers::parts(identifier);
            (kind, value.as_str())
        }
        Address::Number(row) => (PAYMENT_NUMBER, row),
    };
    sqlx::query(
        "INSERT INTO addressed_request (request_id, merchant_id, identifier_kind, identifier, created_ms, lease_until_ms) \
         VALUES ($1, $2, $3, $4, $5, 0)",
    )
    .bind(request.id.to_string())
    .bind(request.merchant_id.as_str())
    .bind(kind)
    .bind(value)
    .bind(signed_ms(request.created_ms))
    .execute(db_tx)
    .await?;
    Ok(())
}

/// Hands requests out until the server stops.
pub(super) async fn run(app: App) {
    loop {
        match hand_out_waiting(&app).await {
            Ok(full) if full && !app.shutdown.is_cancelled() => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "requests could not be handed to devices"),
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = app.recipients_wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Whether there was a whole batch, so that more may be waiting.
async fn hand_out_waiting(app: &App) -> Result<bool, Error> {
    let leased: Vec<String> = app.db.write(|db_tx| Box::pin(lease(db_tx, signed_ms(now_ms())))).await?;
    let full = i64::try_from(leased.len()).unwrap_or(i64::MAX) >= BATCH_MAX;
    let any = !leased.is_empty();
    for request in leased {
        let (id, caps) = (request.clone(), app.caps);
        let handed = app.db.write(move |db_tx| Box::pin(async move { hand_out(db_tx, &id, caps).await })).await;
        if let Err(error) = handed {
            tracing::error!(%error, request, "a request could not be handed to devices; it is tried again");
        }
    }
    if any {
        app.outbox_wake.notify_one();
    }
    Ok(full)
}

async fn lease(db_tx: &mut DbConnection, now_ms: i64) -> Result<Vec<String>, Error> {
    // The conditions stand twice: of two replicas that chose the same row, the second finds it changed.
    Ok(sqlx::query_scalar(
        "UPDATE addressed_request SET lease_until_ms = $1 WHERE handed_ms IS NULL AND lease_until_ms <= $2 \
         AND request_id IN (SELECT request_id FROM addressed_request WHERE handed_ms IS NULL AND lease_until_ms <= $2 \
         ORDER BY lease_until_ms, request_id LIMIT $3) RETURNING request_id",
    )
    .bind(now_ms + LEASE_MS)
    .bind(now_ms)
    .bind(BATCH_MAX)
    .fetch_all(db_tx)
    .await?)
}

async fn hand_out(db_tx: &mut DbConnection, request: &str, caps: caps::Caps) -> Result<(), Error> {
    const WRONG: Error = Error::Row("addressed request");
    let Some(addressed) = addressed(db_tx, request).await? else { return Ok(()) };
    let now_ms = now_ms();
    let handed = sqlx::query("UPDATE addressed_request SET handed_ms = $1 WHERE request_id = $2 AND handed_ms IS NULL")
        .bind(signed_ms(now_ms))
        .bind(request)
        .execute(&mut *db_tx)
        .await?;
    if handed.rows_affected() == 0 || keeps_back(db_tx, &addressed, caps).await? {
        return Ok(());
    }
    let merchant: MerchantId = addressed.merchant_id.parse().map_err(|_| WRONG)?;
    let request = (request.parse().map_err(|_| WRONG)?, merchant);
    // A number that only a wallet can have made tells its merchant nothing new by reaching one.
    let told = if addressed.identifier_kind == PAYMENT_NUMBER { Told::AtOnce } else { Told::OnceSeen };
    for device in devices(db_tx, &addressed).await? {
        outbox::insert(db_tx, &NewDelivery::to_device(request.clone(), &device, told), now_ms).await?;
    }
    Ok(())
}

async fn addressed(db_tx: &mut DbConnection, request: &str) -> Result<Option<Addressed>, Error> {
    Ok(sqlx::query_as(
        "SELECT request_id, merchant_id, identifier_kind, identifier, created_ms FROM addressed_request \
         WHERE request_id = $1",
    )
    .bind(request)
    .fetch_optional(db_tx)
    .await?)
}

async fn devices(db_tx: &mut DbConnection, addressed: &Addressed) -> Result<Vec<ClaimingDevice>, Error> {
    if addressed.identifier_kind != PAYMENT_NUMBER {
        return claims::devices_of(db_tx, &addressed.identifier_kind, &addressed.identifier).await;
    }
    Ok(sqlx::query_as(
        "SELECT device.id, device.language FROM payment_number JOIN device ON device.id = payment_number.device_id \
         WHERE payment_number.id = $1",
    )
    .bind(&addressed.identifier)
    .fetch_all(db_tx)
    .await?)
}

/// Whether the request must not reach its person.
async fn keeps_back(db_tx: &mut DbConnection, addressed: &Addressed, caps: caps::Caps) -> Result<bool, Error> {
    // A number was given by its payer, and its scope was checked when it was used.
    if addressed.identifier_kind == PAYMENT_NUMBER {
        return Ok(false);
    }
    let decisions: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT sender_decision.decision FROM claim JOIN sender_decision \
         ON sender_decision.device_id = claim.device_id AND sender_decision.merchant_id = $3 \
         WHERE claim.identifier_kind = $1 AND claim.identifier = $2",
    )
    .bind(&addressed.identifier_kind)
    .bind(&addressed.identifier)
    .bind(&addressed.merchant_id)
    .fetch_all(&mut *db_tx)
    .await?;
    let has = |decision: Decision| decisions.iter().any(|name| name == decision.name());
    if has(Decision::Blocked) || caps::is_payer_full(db_tx, caps, addressed).await? {
        return Ok(true);
    }
    Ok(!has(Decision::Accepted) && reports::is_suspended(db_tx, &addressed.merchant_id).await?)
}

impl App {
    /// Whether a request must not reach its person over any channel. Whoever sends asks before sending.
    pub(super) async fn keeps_back(&self, request: RequestId) -> Result<bool, Error> {
        let caps = self.caps;
        self.db
            .write(move |db_tx| {
                Box::pin(async move {
                    match addressed(db_tx, &request.to_string()).await? {
                        Some(addressed) => keeps_back(db_tx, &addressed, caps).await,
                        None => Ok(false),
                    }
                })
            })
            .await
    }
}
