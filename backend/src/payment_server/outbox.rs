//! The outbox: what has to be delivered is stored with the change it tells of, and workers deliver it.
//!
//! A delivery that was made but not recorded is made again after a restart; the wallet shows one request.

use std::time::Duration;

use envelope::{DeviceSealingKey, request};
use futures::{StreamExt, stream};
use payment::{DeviceId, RequestEvent, RequestId};
use protocol::ErrorCode;
use protocol::merchant_api::{Channel, DeliveryStatus, DeliveryView};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::claims::ClaimingDevice;
use super::mail::Letter;
use super::{App, Error, devices, inbox, lifecycle, links};
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;

/// How many deliveries are taken up together.
const BATCH_MAX: i64 = 64;
/// How many are made at once.
const AT_ONCE_MAX: usize = 8;
/// Tries before a delivery fails for good.
const TRIES_MAX: i64 = 8;
/// The wait before the second try; it doubles with every further one.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest wait between two tries.
const WAIT_MS_MAX: i64 = 60_000;
/// How often the outbox is looked at without being woken.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A delivery to be stored.
pub(super) struct NewDelivery {
    request_id: Option<RequestId>,
    channel: Channel,
    target: String,
    language: String,
    secret: Option<Zeroizing<String>>,
}

impl NewDelivery {
    /// A request into a device's inbox.
    pub(super) fn to_device(request: RequestId, device: &ClaimingDevice) -> Self {
        let (target, language) = (device.id.clone(), device.language.clone());
        Self { request_id: Some(request), channel: Channel::Device, target, language, secret: None }
    }

    /// A request by mail. The secret is the link's token and key.
    pub(super) fn request_mail(request: RequestId, address: &str, language: &str, secret: Zeroizing<String>) -> Self {
        let (target, language) = (address.to_owned(), language.to_owned());
        Self { request_id: Some(request), channel: Channel::Email, target, language, secret: Some(secret) }
    }

    /// A claim code by mail.
    pub(super) fn claim_mail(address: &str, language: &str, code: Zeroizing<String>) -> Self {
        let (target, language) = (address.to_owned(), language.to_owned());
        Self { request_id: None, channel: Channel::Email, target, language, secret: Some(code) }
    }
}

/// Stores a delivery, inside the step that calls for it.
pub(super) async fn insert(
    db_tx: &mut DbConnection,
    delivery: &NewDelivery,
    now_ms: u64,
) -> Result<DeliveryView, Error> {
    let id = uuid::Builder::from_unix_timestamp_millis(now_ms, &crate::keys::random()).into_uuid().to_string();
    sqlx::query(
        "INSERT INTO delivery (id, request_id, channel, target, language, secret, status, tries, due_ms, changed_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', 0, $7, $7)",
    )
    .bind(&id)
    .bind(delivery.request_id.map(|id| id.to_string()))
    .bind(delivery.channel.name())
    .bind(&delivery.target)
    .bind(&delivery.language)
    .bind(delivery.secret.as_ref().map(|secret| secret.as_str()))
    .bind(signed_ms(now_ms))
    .execute(db_tx)
    .await?;
    Ok(DeliveryView {
        id,
        channel: delivery.channel,
        status: DeliveryStatus::Queued,
        tries: 0,
        changed_ms: now_ms,
        reason: None,
    })
}

#[derive(sqlx::FromRow)]
struct Queued {
    id: String,
    request_id: Option<String>,
    channel: String,
    target: String,
    language: String,
    secret: Option<String>,
    tries: i64,
}

/// Delivers what is due until the server stops.
pub(super) async fn run(app: App) {
    loop {
        match deliver_due(&app).await {
            Ok(full) if full => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the outbox could not be read"),
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = app.outbox_wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Whether there was a whole batch, so that more may be due.
async fn deliver_due(app: &App) -> Result<bool, Error> {
    let due: Vec<Queued> = sqlx::query_as(
        "SELECT id, request_id, channel, target, language, secret, tries FROM delivery \
         WHERE status = 'queued' AND due_ms <= $1 ORDER BY due_ms LIMIT $2",
    )
    .bind(signed_ms(now_ms()))
    .bind(BATCH_MAX)
    .fetch_all(app.db.reader())
    .await?;
    let full = i64::try_from(due.len()).unwrap_or(i64::MAX) >= BATCH_MAX && !app.shutdown.is_cancelled();
    stream::iter(due)
        .for_each_concurrent(AT_ONCE_MAX, |queued| async move {
            let id = queued.id.clone();
            if let Err(error) = deliver(app, queued).await {
                tracing::error!(%error, delivery = id, "a delivery could not be recorded");
            }
        })
        .await;
    Ok(full)
}

async fn deliver(app: &App, queued: Queued) -> Result<(), Error> {
    let request_id: Option<RequestId> =
        queued.request_id.as_deref().map(str::parse).transpose().map_err(|_| Error::Row("delivery"))?;
    let result = match (request_id, queued.channel.as_str()) {
        (Some(request_id), "device") => to_inbox(app, request_id, &queued.target).await,
        (Some(request_id), "email") => request_mail(app, request_id, &queued).await,
        (None, "email") => claim_mail(app, &queued).await,
        _ => Err(Error::Row("delivery")),
    };
    let outcome = match result {
        Ok(()) => Outcome::Sent,
        Err(error) => {
            tracing::warn!(%error, delivery = queued.id, tries = queued.tries + 1, "a delivery failed");
            let for_good = queued.tries + 1 >= TRIES_MAX || matches!(error, Error::Refused(_) | Error::Row(_));
            if for_good { Outcome::Failed } else { Outcome::Again }
        }
    };
    record(app, queued, request_id, outcome).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Sent,
    Again,
    Failed,
}

async fn to_inbox(app: &App, request_id: RequestId, device: &str) -> Result<(), Error> {
    let request = app.request(request_id).await?;
    let key: Option<String> = sqlx::query_scalar("SELECT sealing_key FROM device WHERE id = $1")
        .bind(device)
        .fetch_optional(app.db.reader())
        .await?;
    let key =
        DeviceSealingKey::from_base64url(&key.ok_or(ErrorCode::DeviceUnknown)?).map_err(|_| Error::Row("device"))?;
    let capsule = request::seal_to_device(&key, request_id.as_bytes(), &links::letter(&request.order_jws))?;
    let sealed = serde_json::to_string(&capsule).expect("a capsule is always JSON");
    let device: DeviceId = device.parse().map_err(|_| Error::Row("device"))?;
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                devices::follow(db_tx, request_id, device).await?;
                inbox::append_request(db_tx, device, request_id, &sealed).await
            })
        })
        .await?;
    app.device_watchers.tell(device);
    Ok(())
}

async fn request_mail(app: &App, request_id: RequestId, queued: &Queued) -> Result<(), Error> {
    let request = app.request_now(request_id, now_ms()).await?;
    // Nobody needs a letter about a request that has ended meanwhile.
    if !request.state.is_open() {
        return Err(ErrorCode::RequestClosed.into());
    }
    let secret = queued.secret.as_deref().ok_or(Error::Row("delivery"))?;
    let (token, fragment) = secret.split_once('#').ok_or(Error::Row("delivery"))?;
    let profile = app.keys.merchant(&request.merchant_id).ok_or(ErrorCode::NotFound)?;
    let link = Zeroizing::new(links::https_link(&app.public_url, token, fragment));
    let deep_link = Zeroizing::new(links::deep_link(&app.public_url, token, fragment));
    let letter = Letter::Request { payee: &profile.display_name, link: &link, deep_link: &deep_link };
    let mail = app.post.compose(&queued.target, &queued.language, &letter)?;
    app.post.send(&format!("{}-{request_id}", now_ms()), &mail).await
}

async fn claim_mail(app: &App, queued: &Queued) -> Result<(), Error> {
    let code = queued.secret.as_deref().ok_or(Error::Row("delivery"))?;
    let mail = app.post.compose(&queued.target, &queued.language, &Letter::Claim { code })?;
    let id: Uuid = queued.id.parse().map_err(|_| Error::Row("delivery"))?;
    app.post.send(&format!("{}-claim-{id}", now_ms()), &mail).await
}

async fn record(app: &App, queued: Queued, request_id: Option<RequestId>, outcome: Outcome) -> Result<(), Error> {
    app.db.write(move |db_tx| Box::pin(async move { record_step(db_tx, &queued, request_id, outcome).await })).await?;
    if let Some(request_id) = request_id {
        app.wake_devices_of(request_id).await;
    }
    Ok(())
}

async fn record_step(
    db_tx: &mut DbConnection,
    queued: &Queued,
    request_id: Option<RequestId>,
    outcome: Outcome,
) -> Result<(), Error> {
    let now_ms = now_ms();
    let status = match outcome {
        Outcome::Sent => "sent",
        Outcome::Again => "queued",
        Outcome::Failed => "failed",
    };
    let tries = queued.tries + 1;
    let doublings = u32::try_from(queued.tries).unwrap_or(u32::MAX);
    let wait_ms = FIRST_WAIT_MS.saturating_mul(2_i64.saturating_pow(doublings)).min(WAIT_MS_MAX);
    sqlx::query(
        "UPDATE delivery SET status = $1, tries = $2, due_ms = $3, changed_ms = $4, \
         secret = CASE WHEN $1 = 'queued' THEN secret ELSE NULL END WHERE id = $5 AND status = 'queued'",
    )
    .bind(status)
    .bind(tries)
    .bind(signed_ms(now_ms) + wait_ms)
    .bind(signed_ms(now_ms))
    .bind(&queued.id)
    .execute(&mut *db_tx)
    .await?;
    let Some(request_id) = request_id else { return Ok(()) };
    let event = match outcome {
        Outcome::Sent => RequestEvent::DeliverySucceeded,
        Outcome::Again => return Ok(()),
        Outcome::Failed if all_failed(db_tx, request_id).await? => RequestEvent::DeliveryFailed,
        Outcome::Failed => return Ok(()),
    };
    match lifecycle::apply_to_request(db_tx, request_id, event, now_ms).await {
        // The request has moved on: how its delivery ended no longer matters to it.
        Ok(_) | Err(Error::Transition(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn all_failed(db_tx: &mut DbConnection, request_id: RequestId) -> Result<bool, Error> {
    let others: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM delivery WHERE request_id = $1 AND status <> 'failed'")
        .bind(request_id.to_string())
        .fetch_one(db_tx)
        .await?;
    Ok(others == 0)
}
