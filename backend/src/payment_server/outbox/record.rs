//! How a try ended, what a channel tells later, and what follows for the request.

use payment::{DeviceId, MerchantId, RequestEvent, RequestId};
use protocol::merchant_api::Channel;

use super::super::events::{self, Event};
use super::super::{App, Error, lifecycle};
use super::lease::Due;
use super::report::parts_taken;
use super::routes;
use crate::clock::{now_ms, signed_ms};
use crate::gateway::{Reason, Verdict};
use crate::storage::DbConnection;

/// Tries before a delivery fails for good: about half an hour of them.
const TRIES_MAX: i64 = 20;
/// The wait before the second try; it doubles with every further one.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest wait between two tries.
const WAIT_MS_MAX: i64 = 120_000;
/// The most tries that may have reached the person.
const UNSURE_MAX: i64 = 2;

/// What a delivery becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Sent { reason: Option<Reason> },
    Again { route: usize, wait_ms: i64, reason: Reason, still_unsure: Doubt },
    Failed { reason: Reason },
}

/// Whether the try stays in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    Stays,
    Gone,
}

fn next(due: &Due, routes: usize, verdict: &Verdict) -> Next {
    let other = due.route + 1;
    let again = |route, wait_ms, reason| Next::Again { route, wait_ms, reason, still_unsure: Doubt::Gone };
    let gives_up = due.tries >= TRIES_MAX;
    match *verdict {
        Verdict::Taken { .. } => Next::Sent { reason: None },
        // Another gateway for phones may reach a number that this one does not; a mailbox is the same for all.
        Verdict::Refused(reason) if due.channel == Channel::Sms && other < routes => again(other, 0, reason),
        Verdict::Refused(reason) | Verdict::Moot(reason) => Next::Failed { reason },
        Verdict::Elsewhere(reason) if other < routes => again(other, 0, reason),
        Verdict::Elsewhere(reason) | Verdict::Later(reason) if gives_up => Next::Failed { reason },
        Verdict::Elsewhere(reason) => again(0, wait_ms(due.tries), reason),
        Verdict::Later(reason) => again(due.route, wait_ms(due.tries), reason),
        // Twice in doubt: it very likely arrived, and a third try might be a third message.
        Verdict::Unsure(_) if due.unsure >= UNSURE_MAX => Next::Sent { reason: Some("unconfirmed") },
        Verdict::Unsure(reason) => {
            Next::Again { route: due.route, wait_ms: wait_ms(due.tries), reason, still_unsure: Doubt::Stays }
        }
    }
}

/// The wait after so many tries.
fn wait_ms(tries: i64) -> i64 {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_WAIT_MS.saturating_mul(2_i64.saturating_pow(doublings)).min(WAIT_MS_MAX)
}

/// Stores how a try ended, and tells whoever has to know.
pub(super) async fn record(app: &App, due: Due, verdict: Verdict) -> Result<(), Error> {
    let routes = routes(app, due.channel);
    let next = next(&due, routes, &verdict);
    if let Next::Again { reason, .. } | Next::Failed { reason } = &next {
        tracing::warn!(delivery = due.id, channel = due.channel.name(), tries = due.tries, reason, "not delivered");
    }
    let request = due.request.as_ref().map(|(request, _)| *request);
    let at_once = matches!(next, Next::Again { wait_ms: 0, .. });
    app.db.write(move |db_tx| Box::pin(async move { record_step(db_tx, &due, &next, &verdict, routes).await })).await?;
    if at_once {
        app.outbox_wake.notify_one();
    }
    if let Some(request) = request {
        app.wake_devices_of(request).await;
    }
    Ok(())
}

async fn record_step(
    db_tx: &mut DbConnection,
    due: &Due,
    next: &Next,
    verdict: &Verdict,
    routes: usize,
) -> Result<(), Error> {
    let now_ms = now_ms();
    let id = due.id.as_str();
    match next {
        Next::Sent { reason } => {
            let (gateway, message_ids) = match verdict {
                Verdict::Taken { gateway, message_ids } => (Some(gateway.as_str()), message_ids.as_slice()),
                _ => (None, [].as_slice()),
            };
            // Whoever took it says so, even past its lease.
            let changed = sqlx::query(
                "UPDATE delivery SET status = 'sent', reason = $1, gateway = $2, unsure = 0, secret = NULL, \
                 lease_until_ms = 0, changed_ms = $3 WHERE id = $4 AND status = 'queued'",
            )
            .bind(*reason)
            .bind(gateway)
            .bind(signed_ms(now_ms))
            .bind(id)
            .execute(&mut *db_tx)
            .await?;
            if changed.rows_affected() == 0 {
                return Ok(());
            }
            tell(db_tx, id, "sent", now_ms).await?;
            match gateway {
                Some(gateway) if !message_ids.is_empty() => {
                    parts_taken(db_tx, id, gateway, message_ids, routes, now_ms).await
                }
                _ => Ok(()),
            }
        }
        Next::Again { route, wait_ms, reason, still_unsure } => {
            sqlx::query(
                "UPDATE delivery SET reason = $1, route = $2, due_ms = $3, unsure = unsure - $4, lease_until_ms = 0, \
                 changed_ms = $5 WHERE id = $6 AND status = 'queued' AND leased_by = $7",
            )
            .bind(*reason)
            .bind(i64::try_from(*route).unwrap_or(0))
            .bind(signed_ms(now_ms) + wait_ms)
            .bind(i64::from(*still_unsure == Doubt::Gone))
            .bind(signed_ms(now_ms))
            .bind(id)
            .bind(&due.worker)
            .execute(db_tx)
            .await?;
            Ok(())
        }
        Next::Failed { reason } => {
            let changed = sqlx::query(
                "UPDATE delivery SET status = 'failed', reason = $1, secret = NULL, lease_until_ms = 0, changed_ms = $2 \
                 WHERE id = $3 AND status = 'queued' AND leased_by = $4",
            )
            .bind(*reason)
            .bind(signed_ms(now_ms))
            .bind(id)
            .bind(&due.worker)
            .execute(&mut *db_tx)
            .await?;
            if changed.rows_affected() == 0 { Ok(()) } else { tell(db_tx, id, "failed", now_ms).await }
        }
    }
}

/// Journal entry and change of the request that follow from a delivery's new status. A delivery that its merchant may not
/// know of changes nothing: not even by its time may it tell that an identifier is claimed.
pub(super) async fn tell(db_tx: &mut DbConnection, id: &str, status: &str, now_ms: u64) -> Result<(), Error> {
    let row: Option<(String, String)> = sqlx::query_as(
        "SELECT request_id, merchant_id FROM delivery \
         WHERE id = $1 AND request_id IS NOT NULL AND (told = 1 OR seen_ms IS NOT NULL)",
    )
    .bind(id)
    .fetch_optional(&mut *db_tx)
    .await?;
    let Some((request_id, merchant_id)) = row else { return Ok(()) };
    let request_id: RequestId = request_id.parse().map_err(|_| Error::Row("delivery"))?;
    let merchant_id: MerchantId = merchant_id.parse().map_err(|_| Error::Row("delivery"))?;
    let kind = format!("delivery.{status}");
    let event = Event { kind, merchant_id: merchant_id.as_str(), request_id, attempt_id: None };
    events::append(db_tx, &event, now_ms).await?;
    let event = match status {
        "sent" => RequestEvent::DeliverySucceeded,
        "failed" if all_failed(db_tx, request_id).await? => RequestEvent::DeliveryFailed,
        _ => return Ok(()),
    };
    match lifecycle::apply_to_request(db_tx, request_id, event, now_ms).await {
        // The request has moved on: how its delivery ended no longer matters to it.
        Ok(_) | Err(Error::Transition(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn all_failed(db_tx: &mut DbConnection, request_id: RequestId) -> Result<bool, Error> {
    let others: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM delivery WHERE request_id = $1 AND told = 1 AND status <> 'failed'")
            .bind(request_id.to_string())
            .fetch_one(db_tx)
            .await?;
    Ok(others == 0)
}

/// The payer opened the request on this device. What brought it there has been seen: the device's own delivery, or, when
/// there was none, the message with the link.
pub(in super::super) async fn seen(
    db_tx: &mut DbConnection,
    request_id: RequestId,
    device: DeviceId,
    now_ms: u64,
) -> Result<(), Error> {
    let into_inbox: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM delivery WHERE request_id = $1 AND channel = 'device' AND target = $2",
    )
    .bind(request_id.to_string())
    .bind(device.to_string())
    .fetch_one(&mut *db_tx)
    .await?;
    let opened: Vec<String> = sqlx::query_scalar(
        "UPDATE delivery SET status = 'seen', seen_ms = $1, changed_ms = $1 \
         WHERE request_id = $2 AND seen_ms IS NULL AND status IN ('sent', 'delivered') \
         AND (($4 = 1 AND channel = 'device' AND target = $3) OR ($4 = 0 AND channel <> 'device')) RETURNING id",
    )
    .bind(signed_ms(now_ms))
    .bind(request_id.to_string())
    .bind(device.to_string())
    .bind(into_inbox.min(1))
    .fetch_all(&mut *db_tx)
    .await?;
    for id in opened {
        tell(db_tx, &id, "seen", now_ms).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Purpose;
    use super::*;

    fn due(channel: Channel, route: usize, tries: i64, unsure: i64) -> Due {
        Due {
            id: "one".into(),
            request: None,
            channel,
            purpose: Purpose::Claim,
            target: String::new(),
            language: "en".into(),
            secret: None,
            tries,
            unsure,
            route,
            created_ms: 0,
            worker: String::new(),
        }
    }

    fn again(route: usize, wait_ms: i64, still_unsure: Doubt) -> Next {
        Next::Again { route, wait_ms, reason: "x", still_unsure }
    }

    #[test]
    fn a_dead_gateway_is_followed_by_the_next_at_once_and_the_last_by_the_first_later() {
        let dead = Verdict::Elsewhere("x");
        assert_eq!(next(&due(Channel::Sms, 0, 1, 1), 2, &dead), again(1, 0, Doubt::Gone));
        assert_eq!(next(&due(Channel::Sms, 1, 2, 1), 2, &dead), again(0, 2_000, Doubt::Gone));
        assert_eq!(next(&due(Channel::Sms, 1, TRIES_MAX, 1), 2, &dead), Next::Failed { reason: "x" });
    }

    #[test]
    fn a_number_is_tried_elsewhere_and_a_mailbox_is_not() {
        let refused = Verdict::Refused("x");
        assert_eq!(next(&due(Channel::Sms, 0, 1, 1), 2, &refused), again(1, 0, Doubt::Gone));
        assert_eq!(next(&due(Channel::Sms, 1, 1, 1), 2, &refused), Next::Failed { reason: "x" });
        assert_eq!(next(&due(Channel::Email, 0, 1, 1), 2, &refused), Next::Failed { reason: "x" });
    }

    #[test]
    fn what_may_have_arrived_twice_is_not_tried_a_third_time() {
        let unsure = Verdict::Unsure("x");
        assert_eq!(next(&due(Channel::Email, 0, 1, 1), 1, &unsure), again(0, 1_000, Doubt::Stays));
        let sent = Next::Sent { reason: Some("unconfirmed") };
        assert_eq!(next(&due(Channel::Email, 0, 2, 2), 1, &unsure), sent);
        // A refusal in between does not make the first try certain.
        assert_eq!(next(&due(Channel::Email, 0, 3, 2), 1, &Verdict::Later("x")), again(0, 4_000, Doubt::Gone));
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        assert_eq!([1, 2, 3, 8, 200].map(wait_ms), [1_000, 2_000, 4_000, 120_000, 120_000]);
    }
}
