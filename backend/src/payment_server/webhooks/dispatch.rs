//! Sending: what is due is leased, signed and posted, and what came of it is recorded.
//!
//! | answer | what follows |
//! |---|---|
//! | 2xx | delivered; what waited for its next try is due at once |
//! | 410 | the endpoint is disabled (Standard Webhooks, "Deliverability") |
//! | anything else, or none in time | tried again later, for three days; then failed |
//!
//! An endpoint whose tries have all failed for three days is disabled. A server that dies while it sends leaves a lease
//! that runs out; the message is then sent again, with the same id.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tokio::sync::Semaphore;

use super::guard::{self, GuardedResolver, WebhookOptions};
use super::{Endpoint, deliveries, fan_out, signature};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::keys;
use crate::payment_server::{App, Error};
use crate::storage::DbConnection;

/// How long one try may take.
const TRY_DEADLINE: Duration = Duration::from_secs(10);
/// How long a message is in one server's hand, in milliseconds: a try and time to record it.
const LEASE_MS: i64 = 15_000;
/// How long a message is tried, and how long an endpoint may fail, in milliseconds: three days.
const TRIED_MS: i64 = 3 * 24 * 60 * 60 * 1_000;
/// The wait after the first try, which is four times as long after each further one, and the longest.
const FIRST_WAIT_MS: i64 = 1_000;
const WAIT_MS_MAX: i64 = 6 * 60 * 60 * 1_000;
/// A wait is longer by up to this part of itself.
const JITTER_DIVISOR: i64 = 8;
/// Messages of one endpoint that are on their way at once, and of one that fails.
const ENDPOINT_AT_ONCE_MAX: usize = 4;
const FAILING_AT_ONCE_MAX: usize = 1;
/// Messages on their way at once, to endpoints that answer and to those that fail: those cannot take all places.
const AT_ONCE_MAX: usize = 64;
const ALL_FAILING_AT_ONCE_MAX: usize = 32;
/// Endpoints that are looked at in one round.
const ENDPOINTS_MAX: i64 = 512;
/// Bytes of an answer that are read, so that its connection can serve again. They are not kept.
const ANSWER_BYTES_MAX: usize = 1_024;
/// How often it is looked without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Rounds between two looks for what ended long ago.
const ROUNDS_PER_REMOVAL: u32 = 7_200;

/// What sends: the client, and the places on the way.
pub(in crate::payment_server) struct Dispatcher {
    options: WebhookOptions,
    client: Client,
    answering: Semaphore,
    failing: Semaphore,
    /// Endpoints that this process is sending to: a hint that spares a second look. What keeps two servers apart is the
    /// lease.
    busy: Arc<Mutex<HashSet<String>>>,
}

impl Dispatcher {
    /// A dispatcher that keeps to what the operator allows.
    pub(in crate::payment_server) fn new(options: WebhookOptions) -> Result<Self, Error> {
        let client = Client::builder()
            .user_agent("Tapseal-Webhooks/1")
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TRY_DEADLINE)
            .https_only(!options.webhook_allow_http)
            .dns_resolver(Arc::new(GuardedResolver::of_system(options)))
            .build()
            .map_err(|error| Error::Webhooks(error.without_url()))?;
        Ok(Self {
            options,
            client,
            answering: Semaphore::new(AT_ONCE_MAX),
            failing: Semaphore::new(ALL_FAILING_AT_ONCE_MAX),
            busy: Arc::default(),
        })
    }

    /// What the operator allows.
    pub(super) const fn options(&self) -> WebhookOptions {
        self.options
    }

    fn take(&self, id: &str) -> Option<Busy> {
        let new = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        new.then(|| Busy { endpoints: Arc::clone(&self.busy), id: id.to_owned() })
    }

    /// Makes messages and sends them until the server stops.
    pub(in crate::payment_server) async fn run(app: App) {
        let mut rounds: u32 = 0;
        loop {
            if let Err(error) = round(&app, rounds).await {
                tracing::error!(%error, "webhooks could not be driven on");
            }
            rounds = rounds.wrapping_add(1);
            tokio::select! {
                () = app.shutdown.cancelled() => return,
                () = app.webhooks_wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// Frees its endpoint when the sending ends, however it ends.
struct Busy {
    endpoints: Arc<Mutex<HashSet<String>>>,
    id: String,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

async fn round(app: &App, rounds: u32) -> Result<(), Error> {
    while fan_out::round(app).await? {}
    let due: Vec<Endpoint> = sqlx::query_as(
        "SELECT * FROM webhook WHERE EXISTS (SELECT 1 FROM webhook_delivery AS delivery \
         WHERE delivery.webhook_id = webhook.id AND delivery.status = 'queued' AND delivery.due_ms <= $1 \
         AND delivery.lease_until_ms <= $1) ORDER BY id LIMIT $2",
    )
    .bind(signed_ms(now_ms()))
    .bind(ENDPOINTS_MAX)
    .fetch_all(app.db.reader())
    .await?;
    for endpoint in due {
        if let Some(busy) = app.webhooks.take(&endpoint.id) {
            app.tasks.spawn(serve(app.clone(), endpoint, busy));
        }
    }
    if rounds.is_multiple_of(ROUNDS_PER_REMOVAL) {
        deliveries::remove_old(app).await?;
    }
    Ok(())
}

/// Sends an endpoint what is due, until nothing is, or it fails.
async fn serve(app: App, endpoint: Endpoint, busy: Busy) {
    let (places, at_once) = match endpoint.failing_since_ms {
        None => (&app.webhooks.answering, ENDPOINT_AT_ONCE_MAX),
        Some(_) => (&app.webhooks.failing, FAILING_AT_ONCE_MAX),
    };
    while !app.shutdown.is_cancelled() {
        let Ok(_place) = places.acquire_many(u32::try_from(at_once).unwrap_or(1)).await else { break };
        match serve_some(&app, &endpoint, at_once).await {
            Ok(Served::AllAnswered) => {}
            // What is due next is looked for in the next round.
            Ok(Served::NothingDue | Served::SomeFailed) => break,
            Err(error) => {
                tracing::error!(%error, webhook = endpoint.id, "a webhook could not be served");
                break;
            }
        }
    }
    drop(busy);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Served {
    NothingDue,
    AllAnswered,
    SomeFailed,
}

async fn serve_some(app: &App, endpoint: &Endpoint, at_once: usize) -> Result<Served, Error> {
    let id = endpoint.id.clone();
    let max = i64::try_from(at_once).unwrap_or(1);
    let leased = app.db.write(move |db_tx| Box::pin(async move { lease(db_tx, &id, max).await })).await?;
    if leased.is_empty() {
        return Ok(Served::NothingDue);
    }
    let sent: Vec<Result<Tried, Error>> = stream::iter(leased)
        .map(|leased| async move {
            let tried = send(app, endpoint, &leased).await;
            let (id, webhook_id) = (leased.id.clone(), endpoint.id.clone());
            tracing::info!(webhook = webhook_id, delivery = id, ?tried, "a webhook was tried");
            app.db
                .write(move |db_tx| Box::pin(async move { record(db_tx, &leased, &webhook_id, tried).await }))
                .await?;
            Ok(tried)
        })
        .buffer_unordered(at_once)
        .collect()
        .await;
    let mut served = Served::AllAnswered;
    for tried in sent {
        if !tried?.is_success() {
            served = Served::SomeFailed;
        }
    }
    Ok(served)
}

/// A message in hand.
#[derive(sqlx::FromRow)]
struct Leased {
    id: String,
    body: String,
    tries: i64,
    queued_ms: i64,
}

/// Takes messages that are due and wait for no earlier one about the same object.
async fn lease(db_tx: &mut DbConnection, webhook_id: &str, max: i64) -> Result<Vec<Leased>, Error> {
    let now_ms = signed_ms(now_ms());
    let leased = sqlx::query_as(
        "UPDATE webhook_delivery SET lease_until_ms = $1 WHERE id IN (SELECT due.id FROM webhook_delivery AS due \
         WHERE due.webhook_id = $2 AND due.status = 'queued' AND due.due_ms <= $3 AND due.lease_until_ms <= $3 \
         AND (due.in_order = 0 OR NOT EXISTS (SELECT 1 FROM webhook_delivery AS earlier \
         WHERE earlier.webhook_id = due.webhook_id AND earlier.object_id = due.object_id \
         AND earlier.place < due.place AND earlier.status = 'queued' AND earlier.in_order = 1)) \
         ORDER BY due.due_ms, due.place LIMIT $4) RETURNING id, body, tries, queued_ms",
    )
    .bind(now_ms + LEASE_MS)
    .bind(webhook_id)
    .bind(now_ms)
    .bind(max)
    .fetch_all(db_tx)
    .await?;
    Ok(leased)
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    /// An answer with this HTTP status.
    Answered(u16),
    /// No answer, with a stable code for why.
    Unanswered(&'static str),
}

impl Tried {
    const fn is_success(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }
}

/// Posts a message. It is signed anew for each try, since the signature covers the time.
async fn send(app: &App, endpoint: &Endpoint, leased: &Leased) -> Tried {
    // What was allowed when it was registered may not be now.
    let Ok(url) = guard::checked(&endpoint.url, app.webhooks.options) else {
        return Tried::Unanswered("address_refused");
    };
    let now_ms = signed_ms(now_ms());
    let timestamp_s = unsigned_ms(now_ms) / 1_000;
    let signature = signature::header(&endpoint.secrets(app, now_ms), &leased.id, timestamp_s, &leased.body);
    let call = app
        .webhooks
        .client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &leased.id)
        .header("webhook-timestamp", timestamp_s)
        .header("webhook-signature", signature)
        .body(leased.body.clone());
    match call.send().await {
        Ok(answer) => {
            let status = answer.status().as_u16();
            read_a_little(answer).await;
            Tried::Answered(status)
        }
        Err(error) if guard::was_refused(&error) => Tried::Unanswered("address_refused"),
        Err(error) if error.is_timeout() => Tried::Unanswered("timeout"),
        Err(error) if error.is_connect() => Tried::Unanswered("cannot_connect"),
        Err(_) => Tried::Unanswered("broken_answer"),
    }
}

async fn read_a_little(mut answer: Response) {
    let mut read = 0;
    while read <= ANSWER_BYTES_MAX {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Records a try, in one step with what it means for the endpoint.
async fn record(db_tx: &mut DbConnection, leased: &Leased, webhook_id: &str, tried: Tried) -> Result<(), Error> {
    let now_ms = signed_ms(now_ms());
    let is_given_up = now_ms - leased.queued_ms >= TRIED_MS || tried == Tried::Answered(GONE);
    let status = match tried {
        _ if tried.is_success() => "delivered",
        _ if is_given_up => "failed",
        _ => "queued",
    };
    let (response_status, reason) = match tried {
        Tried::Answered(status) => (Some(i64::from(status)), None),
        Tried::Unanswered(reason) => (None, Some(reason)),
    };
    // One that was asked for again meanwhile is due at once, as if that had been asked just after this try.
    sqlx::query(
        "UPDATE webhook_delivery SET response_status = $2, reason = $3, tried_ms = $4, lease_until_ms = 0, again = 0, \
         status = CASE WHEN again = 1 THEN 'queued' ELSE $1 END, \
         due_ms = CASE WHEN again = 1 THEN $4 ELSE $5 END, \
         tries = CASE WHEN again = 1 AND $1 <> 'queued' THEN 0 ELSE tries + 1 END, \
         queued_ms = CASE WHEN again = 1 AND $1 <> 'queued' THEN $4 ELSE queued_ms END, \
         in_order = CASE WHEN again = 1 AND $1 <> 'queued' THEN 0 ELSE in_order END \
         WHERE id = $6 AND status = 'queued'",
    )
    .bind(status)
    .bind(response_status)
    .bind(reason)
    .bind(now_ms)
    .bind(now_ms + wait_ms(leased.tries))
    .bind(&leased.id)
    .execute(&mut *db_tx)
    .await?;
    if tried.is_success() {
        note_success(db_tx, webhook_id, now_ms).await
    } else {
        note_failure(db_tx, webhook_id, tried, now_ms).await
    }
}

/// The HTTP status that says: never again.
const GONE: u16 = 410;

/// An endpoint that answers again gets at once what waited for its next try.
async fn note_success(db_tx: &mut DbConnection, webhook_id: &str, now_ms: i64) -> Result<(), Error> {
    let recovered = sqlx::query(
        "UPDATE webhook SET failing_since_ms = NULL, disabled_ms = NULL \
         WHERE id = $1 AND (failing_since_ms IS NOT NULL OR disabled_ms IS NOT NULL)",
    )
    .bind(webhook_id)
    .execute(&mut *db_tx)
    .await?;
    if recovered.rows_affected() == 1 {
        sqlx::query(
            "UPDATE webhook_delivery SET due_ms = $1 WHERE webhook_id = $2 AND status = 'queued' AND due_ms > $1",
        )
        .bind(now_ms)
        .bind(webhook_id)
        .execute(db_tx)
        .await?;
    }
    Ok(())
}

async fn note_failure(db_tx: &mut DbConnection, webhook_id: &str, tried: Tried, now_ms: i64) -> Result<(), Error> {
    let since_ms: Option<i64> = sqlx::query_scalar(
        "UPDATE webhook SET failing_since_ms = COALESCE(failing_since_ms, $1) WHERE id = $2 \
         RETURNING failing_since_ms",
    )
    .bind(now_ms)
    .bind(webhook_id)
    .fetch_optional(&mut *db_tx)
    .await?;
    // It was deleted meanwhile.
    let Some(since_ms) = since_ms else { return Ok(()) };
    if tried != Tried::Answered(GONE) && now_ms - since_ms < TRIED_MS {
        return Ok(());
    }
    let disabled = sqlx::query("UPDATE webhook SET disabled_ms = $1 WHERE id = $2 AND disabled_ms IS NULL")
        .bind(now_ms)
        .bind(webhook_id)
        .execute(&mut *db_tx)
        .await?;
    if disabled.rows_affected() == 1 {
        tracing::warn!(
            webhook = webhook_id,
            "a webhook is disabled: it has failed for three days, or said that it is gone"
        );
        sqlx::query(
            "UPDATE webhook_delivery SET status = 'failed', reason = COALESCE(reason, 'webhook_disabled') \
             WHERE webhook_id = $1 AND status = 'queued'",
        )
        .bind(webhook_id)
        .execute(db_tx)
        .await?;
    }
    Ok(())
}

/// How long a message that was tried so often before waits after the present try.
fn wait_ms(tries: i64) -> i64 {
    let fourfolds = u32::try_from(tries).unwrap_or(u32::MAX);
    let wait_ms = FIRST_WAIT_MS.saturating_mul(4_i64.saturating_pow(fourfolds)).min(WAIT_MS_MAX);
    let drawn = i64::from(u16::from_be_bytes(keys::random())) * (wait_ms / JITTER_DIVISOR) / i64::from(u16::MAX);
    wait_ms + drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_six_hours_and_fill_three_days() {
        for (tries, least_ms) in [(0, 1_000), (1, 4_000), (5, 1_024_000), (8, WAIT_MS_MAX), (1_000_000, WAIT_MS_MAX)] {
            let waits = (0..50).map(|_| wait_ms(tries));
            let most_ms = least_ms + least_ms / JITTER_DIVISOR;
            assert!(waits.into_iter().all(|wait_ms| (least_ms..=most_ms).contains(&wait_ms)), "{tries}");
        }
        let mut passed_ms = 0;
        let tries = (0..).take_while(|tries| {
            passed_ms += wait_ms(*tries);
            passed_ms < TRIED_MS
        });
        assert!((15..25).contains(&tries.count()));
    }
}
