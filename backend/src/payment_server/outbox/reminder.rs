//! Reminders: a payer who has not looked is told once more, by the same way and with a link of its own.

use std::time::Duration;

use payment::{MerchantId, RequestId};
use protocol::merchant_api::Channel;

use super::super::{App, Error};
use super::{NewDelivery, Purpose, Told, insert};
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;

/// How often it is looked whether somebody is to be reminded.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most requests of one look.
const BATCH_MAX: i64 = 100;
/// Nobody is reminded earlier than this after the request, in milliseconds: ten minutes.
const WAIT_MS_MIN: u64 = 10 * 60 * 1_000;
/// Nor later than this before its end: a minute to open it and pay.
const LEFT_MS_MIN: u64 = 60 * 1_000;

/// When a payer is reminded of a request; none for one that ends too soon. By default after half of its time.
pub(super) fn remind_ms(created_ms: u64, expires_ms: u64, after_ms: Option<u64>) -> Option<u64> {
    let life_ms = expires_ms.saturating_sub(created_ms);
    let after_ms = after_ms.unwrap_or_else(|| (life_ms / 2).max(WAIT_MS_MIN));
    let is_worth_it = after_ms > 0 && after_ms.saturating_add(LEFT_MS_MIN) <= life_ms;
    is_worth_it.then(|| created_ms + after_ms)
}

/// Reminds until the server stops.
pub(in super::super) async fn run(app: App) {
    loop {
        match remind_due(&app).await {
            Ok(0) => {}
            Ok(_) => app.outbox_wake.notify_one(),
            Err(error) => tracing::error!(%error, "reminders could not be written"),
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn remind_due(app: &App) -> Result<usize, Error> {
    let now_ms = now_ms();
    // Looked at without a write first: an idle server writes nothing.
    let due: Option<String> = sqlx::query_scalar("SELECT id FROM payment_request WHERE remind_ms <= $1 LIMIT 1")
        .bind(signed_ms(now_ms))
        .fetch_optional(app.db.reader())
        .await?;
    if due.is_none() {
        return Ok(0);
    }
    app.db.write(move |db_tx| Box::pin(async move { remind(db_tx, now_ms).await })).await
}

/// Takes what is due and stores the reminders, in one step: of two servers one does it.
async fn remind(db_tx: &mut DbConnection, now_ms: u64) -> Result<usize, Error> {
    let due: Vec<(String, String, String)> = sqlx::query_as(
        "UPDATE payment_request SET remind_ms = NULL WHERE id IN \
         (SELECT id FROM payment_request WHERE remind_ms <= $1 ORDER BY remind_ms LIMIT $2) AND remind_ms <= $1 \
         RETURNING id, merchant_id, state",
    )
    .bind(signed_ms(now_ms))
    .bind(BATCH_MAX)
    .fetch_all(&mut *db_tx)
    .await?;
    let mut stored = 0;
    for (id, merchant, state) in due {
        // Whoever has opened it needs no reminder; what is on its way has not been missed.
        if state != "delivered" {
            continue;
        }
        let request_id: RequestId = id.parse().map_err(|_| Error::Row("request"))?;
        let merchant_id: MerchantId = merchant.parse().map_err(|_| Error::Row("request"))?;
        stored += usize::from(again(db_tx, request_id, &merchant_id, Purpose::Reminder, None, now_ms).await?.is_some());
    }
    Ok(stored)
}

/// Stores the request's message once more, to where it went first. None when there was none, or none on that channel.
pub(super) async fn again(
    db_tx: &mut DbConnection,
    request_id: RequestId,
    merchant_id: &MerchantId,
    purpose: Purpose,
    channel: Option<Channel>,
    now_ms: u64,
) -> Result<Option<protocol::merchant_api::DeliveryView>, Error> {
    let first: Option<(String, String, String)> = sqlx::query_as(
        "SELECT channel, target, language FROM delivery WHERE request_id = $1 AND purpose = 'request' \
         AND channel <> 'device' AND ($2 IS NULL OR channel = $2) ORDER BY id LIMIT 1",
    )
    .bind(request_id.to_string())
    .bind(channel.map(Channel::name))
    .fetch_optional(&mut *db_tx)
    .await?;
    let Some((channel, target, language)) = first else { return Ok(None) };
    let delivery = NewDelivery {
        request: Some((request_id, merchant_id.clone())),
        purpose,
        channel: Channel::from_name(&channel).ok_or(Error::Row("delivery"))?,
        target,
        language,
        secret: None,
        told: Told::AtOnce,
    };
    insert(db_tx, &delivery, now_ms).await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_comes_at_half_time_but_never_soon_and_never_last_minute() {
        let minutes = |minutes: u64| minutes * 60_000;
        assert_eq!(remind_ms(0, minutes(60), None), Some(minutes(30)));
        assert_eq!(remind_ms(0, minutes(15), None), Some(minutes(10)));
        assert_eq!(remind_ms(0, minutes(10), None), None);
        assert_eq!(remind_ms(minutes(5), minutes(10), Some(minutes(2))), Some(minutes(7)));
        assert_eq!(remind_ms(0, minutes(10), Some(minutes(10))), None);
        assert_eq!(remind_ms(0, minutes(60), Some(0)), None, "the operator wants none");
    }
}
