//! What a channel tells later of a message that it took: a receipt, a bounce, a callback.

use protocol::merchant_api::Channel;

use super::super::{App, Error};
use super::record::tell;
use super::{Purpose, routes};
use crate::clock::{now_ms, signed_ms};
use crate::gateway::Reason;
use crate::storage::DbConnection;

/// How long a receipt is kept whose message nobody knows, in milliseconds: a day.
const STRAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What a channel says later about a message that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Report {
    /// It arrived.
    Delivered,
    /// It did not, and another gateway may do better.
    FailedHere(Reason),
    /// It did not, and never will.
    FailedForGood(Reason),
}

/// A mail came back, or arrived.
pub(in super::super) async fn report(app: &App, id: &str, report: Report) -> Result<(), Error> {
    let (id, mail) = (id.to_owned(), routes(app, Channel::Email));
    let step =
        app.db.write(move |db_tx| Box::pin(async move { of_delivery(db_tx, &id, None, report, mail, now_ms()).await }));
    step.await?;
    app.outbox_wake.notify_one();
    Ok(())
}

/// A gateway says of a message that it took, by our own name for it. What another gateway took is not its to speak of.
pub(in super::super) async fn report_by(app: &App, gateway: &str, id: &str, report: Report) -> Result<(), Error> {
    let (gateway, id, sms) = (gateway.to_owned(), id.to_owned(), routes(app, Channel::Sms));
    let step = app.db.write(move |db_tx| {
        Box::pin(async move { of_delivery(db_tx, &id, Some(&gateway), report, sms, now_ms()).await })
    });
    step.await?;
    app.outbox_wake.notify_one();
    Ok(())
}

/// A centre says of a part, by its own name for it.
pub(in super::super) async fn report_part(
    app: &App,
    gateway: &str,
    message_id: String,
    report: Report,
) -> Result<(), Error> {
    let (gateway, sms) = (gateway.to_owned(), routes(app, Channel::Sms));
    let step = app.db.write(move |db_tx| {
        Box::pin(async move { of_part(db_tx, &gateway, &message_id, report, sms, now_ms()).await })
    });
    step.await?;
    app.outbox_wake.notify_one();
    Ok(())
}

/// The centre's names for the parts of a delivery that it has just taken. A receipt may have been faster.
pub(super) async fn parts_taken(
    db_tx: &mut DbConnection,
    id: &str,
    gateway: &str,
    message_ids: &[String],
    sms_routes: usize,
    now_ms: u64,
) -> Result<(), Error> {
    for message_id in message_ids {
        // A name that the centre has used before is a new message's from now on.
        sqlx::query(
            "INSERT INTO sms_part (gateway, message_id, delivery_id, state, changed_ms) VALUES ($1, $2, $3, 'sent', $4) \
             ON CONFLICT (gateway, message_id) DO UPDATE SET delivery_id = excluded.delivery_id, \
             changed_ms = excluded.changed_ms, \
             state = CASE WHEN sms_part.delivery_id IS NULL THEN sms_part.state ELSE 'sent' END",
        )
        .bind(gateway)
        .bind(message_id)
        .bind(id)
        .bind(signed_ms(now_ms))
        .execute(&mut *db_tx)
        .await?;
    }
    settle_parts(db_tx, id, gateway, sms_routes, now_ms).await
}

async fn of_part(
    db_tx: &mut DbConnection,
    gateway: &str,
    message_id: &str,
    report: Report,
    sms_routes: usize,
    now_ms: u64,
) -> Result<(), Error> {
    let (state, reason) = match report {
        Report::Delivered => ("delivered", None),
        Report::FailedHere(reason) | Report::FailedForGood(reason) => ("failed", Some(reason)),
    };
    sqlx::query("DELETE FROM sms_part WHERE delivery_id IS NULL AND changed_ms < $1")
        .bind(signed_ms(now_ms) - STRAY_MS)
        .execute(&mut *db_tx)
        .await?;
    let delivery: Option<String> = sqlx::query_scalar(
        "INSERT INTO sms_part (gateway, message_id, state, reason, changed_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (gateway, message_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, \
         changed_ms = excluded.changed_ms RETURNING delivery_id",
    )
    .bind(gateway)
    .bind(message_id)
    .bind(state)
    .bind(reason)
    .bind(signed_ms(now_ms))
    .fetch_one(&mut *db_tx)
    .await?;
    match delivery {
        Some(id) => settle_parts(db_tx, &id, gateway, sms_routes, now_ms).await,
        None => Ok(()),
    }
}

/// A message has arrived when each of its parts has, and has failed when one of them has.
async fn settle_parts(
    db_tx: &mut DbConnection,
    id: &str,
    gateway: &str,
    sms_routes: usize,
    now_ms: u64,
) -> Result<(), Error> {
    let (parts, delivered, failed): (i64, i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN state = 'delivered' THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) AS BIGINT) \
         FROM sms_part WHERE delivery_id = $1 AND gateway = $2",
    )
    .bind(id)
    .bind(gateway)
    .fetch_one(&mut *db_tx)
    .await?;
    let report = match (failed, delivered) {
        (1.., _) => Report::FailedHere("unreachable"),
        (0, delivered) if delivered == parts => Report::Delivered,
        _ => return Ok(()),
    };
    of_delivery(db_tx, id, Some(gateway), report, sms_routes, now_ms).await
}

/// Stores what a channel says of a whole delivery; what has been told already, or was seen, stays.
async fn of_delivery(
    db_tx: &mut DbConnection,
    id: &str,
    by: Option<&str>,
    report: Report,
    routes: usize,
    now_ms: u64,
) -> Result<(), Error> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "SELECT route, purpose FROM delivery WHERE id = $1 AND status = 'sent' AND ($2 IS NULL OR gateway = $2)",
    )
    .bind(id)
    .bind(by)
    .fetch_optional(&mut *db_tx)
    .await?;
    let Some((route, purpose)) = row else { return Ok(()) };
    let other = usize::try_from(route).map_err(|_| Error::Row("delivery"))? + 1;
    match report {
        Report::Delivered => {
            sqlx::query(
                "UPDATE delivery SET status = 'delivered', reason = NULL, secret = NULL, delivered_ms = $1, \
                 changed_ms = $1, unsure = 0, lease_until_ms = 0 WHERE id = $2",
            )
            .bind(signed_ms(now_ms))
            .bind(id)
            .execute(&mut *db_tx)
            .await?;
            tell(db_tx, id, "delivered", now_ms).await
        }
        // The next gateway gets a link of its own: this one's key is gone. A code is gone for good.
        Report::FailedHere(reason) if other < routes && purpose != Purpose::Claim.name() => {
            sqlx::query(
                "UPDATE delivery SET status = 'queued', reason = $1, route = $2, due_ms = $3, changed_ms = $3, \
                 unsure = 0, lease_until_ms = 0 WHERE id = $4",
            )
            .bind(reason)
            .bind(i64::try_from(other).unwrap_or(0))
            .bind(signed_ms(now_ms))
            .bind(id)
            .execute(db_tx)
            .await?;
            Ok(())
        }
        Report::FailedHere(reason) | Report::FailedForGood(reason) => {
            sqlx::query(
                "UPDATE delivery SET status = 'failed', reason = $1, secret = NULL, changed_ms = $2, \
                 lease_until_ms = 0 WHERE id = $3",
            )
            .bind(reason)
            .bind(signed_ms(now_ms))
            .bind(id)
            .execute(&mut *db_tx)
            .await?;
            tell(db_tx, id, "failed", now_ms).await
        }
    }
}
