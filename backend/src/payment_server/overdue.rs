//! The deadline that was shown to people: when it passes without the bank's word, they are told that it takes longer,
//! and the operator is alarmed. Nothing else changes: no timer ends an attempt.
//!
//! The first alarm is a journal entry too. Further ones are logged at twice the age each, so that there are few of
//! them however long it lasts; asking and undoing go on all the while.

use std::time::Duration;

use payment::{AttemptId, RequestId};

use super::{App, Error, inbox, lifecycle};
use crate::clock::{now_ms, signed_ms, unsigned_ms};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many are alarmed about at one look.
const ALARMS_MAX: i64 = 200;
/// The most alarms of one attempt: the last comes after years.
const ALARMS_EACH_MAX: i64 = 20;

#[derive(sqlx::FromRow)]
struct Overdue {
    id: String,
    request_id: String,
    state: String,
    alarms: i64,
    forwarded_ms: i64,
}

/// Looks until the server stops.
pub(super) async fn run(app: App) {
    let mut decisions_seen = i64::MAX;
    loop {
        if let Err(error) = alarm(&app).await {
            tracing::error!(%error, "the look for overdue attempts failed");
        }
        match tell_of_decisions(&app, decisions_seen).await {
            Ok(seen) => decisions_seen = seen,
            Err(error) => tracing::error!(%error, "the look for decided reviews failed"),
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn alarm(app: &App) -> Result<(), Error> {
    let now_ms = now_ms();
    let overdue: Vec<Overdue> = sqlx::query_as(
        "SELECT id, request_id, state, alarms, forwarded_ms FROM attempt \
         WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing') \
         AND alarms < $1 AND forwarded_ms <= $2 ORDER BY alarms, forwarded_ms LIMIT $3",
    )
    .bind(ALARMS_EACH_MAX)
    .bind(signed_ms(now_ms.saturating_sub(app.unknown_deadline_ms)))
    .bind(ALARMS_MAX)
    .fetch_all(app.db.reader())
    .await?;
    // After the nth alarm the next is due at 2^n times the promised time.
    let is_due = |attempt: &Overdue| {
        let doublings = u32::try_from(attempt.alarms).unwrap_or(u32::MAX);
        let patience_ms = app.unknown_deadline_ms.saturating_mul(2_u64.saturating_pow(doublings));
        now_ms.saturating_sub(unsigned_ms(attempt.forwarded_ms)) >= patience_ms
    };
    for attempt in overdue.into_iter().filter(is_due) {
        let id: AttemptId = attempt.id.parse().map_err(|_| Error::Row("attempt"))?;
        let request_id: RequestId = attempt.request_id.parse().map_err(|_| Error::Row("attempt"))?;
        let is_first = attempt.alarms == 0;
        let is_ours = app
            .db
            .write(move |db_tx| {
                Box::pin(async move {
                    let updated = sqlx::query("UPDATE attempt SET alarms = alarms + 1 WHERE id = $1 AND alarms = $2")
                        .bind(id.to_string())
                        .bind(attempt.alarms)
                        .execute(&mut *db_tx)
                        .await?;
                    // Another server was faster: it alarms.
                    if updated.rows_affected() == 0 {
                        return Ok(false);
                    }
                    if is_first {
                        lifecycle::append_attempt_event(db_tx, request_id, id, "taking_longer", now_ms).await?;
                        inbox::append_state(db_tx, request_id).await?;
                    }
                    Ok::<_, Error>(true)
                })
            })
            .await?;
        if is_ours {
            tracing::error!(attempt_id = %id, %request_id, state = attempt.state, alarms = attempt.alarms + 1,
                "ALARM: an outcome is not known by its deadline; the bank is still being asked");
        }
        if is_ours && is_first {
            app.attempt_watchers.tell(id);
            app.wake_devices_of(request_id).await;
        }
    }
    Ok(())
}

/// What a person decided through the tool is in the database; whoever waits here is told.
async fn tell_of_decisions(app: &App, seen: i64) -> Result<i64, Error> {
    let last: i64 =
        sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM review_decision").fetch_one(app.db.reader()).await?;
    // What was decided before the start has been told by reading.
    if last <= seen {
        return Ok(last);
    }
    let decided: Vec<(String, String)> =
        sqlx::query_as("SELECT attempt_id, request_id FROM review_decision WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(seen)
            .bind(ALARMS_MAX)
            .fetch_all(app.db.reader())
            .await?;
    for (attempt_id, request_id) in decided {
        app.attempt_watchers.tell(attempt_id.parse().map_err(|_| Error::Row("review"))?);
        app.wake_devices_of(request_id.parse().map_err(|_| Error::Row("review"))?).await;
    }
    Ok(last)
}
