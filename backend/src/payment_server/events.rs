//! The journal: append-only, and each entry holds the SHA-256 of the one before it.
//!
//! Merchants read their part of it as a feed. Steps of the writer come one after the other, so an entry that is seen has
//! none before it that is still to come: a feed that goes on after the last entry seen misses nothing.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use payment::{AttemptId, MerchantId, Method, RefundId, RequestId};
use protocol::Problem;
use protocol::merchant_api::{EventView, EventsPage, Scope};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::Row;
use tokio::time::Instant;

use super::auth::{CallingMerchant, Number, Params};
use super::payment_requests::parse_id;
use super::{App, Error};
use crate::clock::{signed_ms, unsigned_ms};
use crate::storage::{Db, DbConnection, DbRow};

/// Entries of one page.
const PAGE_MAX: usize = 100;
/// Entries that are in memory at a time while the chain is checked.
const CHAIN_PAGE: usize = 1_000;
/// The longest a call for entries waits for the first one.
const WAIT_MAX: Duration = Duration::from_secs(25);
/// How often a waiting call looks without being woken: what a lost wake-up can cost.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The most calls that wait; one more is answered at once, as if it had not asked to wait.
pub(super) const WAITING_MAX: usize = 256;
/// What the hash of an entry begins with.
const LABEL: &str = "tapseal/1 event";

/// A new entry.
pub(super) struct Event<'a> {
    /// What happened, such as `request.paid`.
    pub(super) kind: String,
    /// Whose.
    pub(super) merchant_id: &'a str,
    /// Which request.
    pub(super) request_id: RequestId,
    /// Which attempt, if any.
    pub(super) attempt_id: Option<AttemptId>,
}

/// Appends an entry, inside the step that changes what it tells of.
pub(super) async fn append(db_tx: &mut DbConnection, event: &Event<'_>, now_ms: u64) -> Result<(), Error> {
    append_entry(db_tx, event, None, now_ms).await
}

/// The same of an entry about a refund.
pub(super) async fn append_about_refund(
    db_tx: &mut DbConnection,
    event: &Event<'_>,
    refund: RefundId,
    now_ms: u64,
) -> Result<(), Error> {
    append_entry(db_tx, event, Some(refund), now_ms).await
}

async fn append_entry(
    db_tx: &mut DbConnection,
    event: &Event<'_>,
    refund: Option<RefundId>,
    now_ms: u64,
) -> Result<(), Error> {
    let last: Option<(i64, String)> =
        sqlx::query_as("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetch_optional(&mut *db_tx).await?;
    let (last_seq, previous_hash) = last.unwrap_or_default();
    let entry = Entry {
        seq: last_seq + 1,
        time_ms: signed_ms(now_ms),
        kind: event.kind.clone(),
        merchant_id: event.merchant_id.to_owned(),
        request_id: event.request_id.to_string(),
        attempt_id: event.attempt_id.map(|id| id.to_string()),
        refund_id: refund.map(|id| id.to_string()),
    };
    sqlx::query(
        "INSERT INTO event (seq, time_ms, kind, merchant_id, request_id, attempt_id, previous_hash, hash, refund_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(entry.seq)
    .bind(entry.time_ms)
    .bind(&entry.kind)
    .bind(&entry.merchant_id)
    .bind(&entry.request_id)
    .bind(&entry.attempt_id)
    .bind(&previous_hash)
    .bind(entry.hash(&previous_hash))
    .bind(&entry.refund_id)
    .execute(&mut *db_tx)
    .await?;
    db_tx.tell("journal", event.merchant_id);
    Ok(())
}

/// An entry as stored.
pub(super) struct Entry {
    pub(super) seq: i64,
    pub(super) time_ms: i64,
    pub(super) kind: String,
    merchant_id: String,
    pub(super) request_id: String,
    pub(super) attempt_id: Option<String>,
    pub(super) refund_id: Option<String>,
}

impl Entry {
    fn of(row: &DbRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            seq: row.try_get("seq")?,
            time_ms: row.try_get("time_ms")?,
            kind: row.try_get("kind")?,
            merchant_id: row.try_get("merchant_id")?,
            request_id: row.try_get("request_id")?,
            attempt_id: row.try_get("attempt_id")?,
            refund_id: row.try_get("refund_id")?,
        })
    }

    /// SHA-256 over the previous hash and the entry, a line a member; no member can hold a line break. Only an entry about
    /// a refund has the last line.
    fn hash(&self, previous_hash: &str) -> String {
        let Self { seq, time_ms, kind, merchant_id, request_id, attempt_id, refund_id } = self;
        let attempt_id = attempt_id.as_deref().unwrap_or("-");
        let mut text =
            format!("{LABEL}\n{previous_hash}\n{seq}\n{time_ms}\n{kind}\n{merchant_id}\n{request_id}\n{attempt_id}");
        if let Some(refund_id) = refund_id {
            text.push('\n');
            text.push_str(refund_id);
        }
        hex::encode(Sha256::digest(text))
    }
}

/// Checks the whole chain; a gap, a changed member or a changed hash is an error that names the entry.
pub(super) async fn verify_chain(db: &Db) -> Result<(), Error> {
    let (mut seq, mut previous_hash, mut after) = (0, String::new(), i64::MIN);
    loop {
        let rows = sqlx::query("SELECT * FROM event WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(i64::try_from(CHAIN_PAGE).unwrap_or(i64::MAX))
            .fetch_all(db.reader())
            .await?;
        for row in &rows {
            let entry = Entry::of(row)?;
            let (stored_previous, stored): (String, String) = (row.try_get("previous_hash")?, row.try_get("hash")?);
            seq += 1;
            if entry.seq != seq || stored_previous != previous_hash || entry.hash(&previous_hash) != stored {
                return Err(Error::Journal(seq));
            }
            (previous_hash, after) = (stored, entry.seq);
        }
        if rows.len() < CHAIN_PAGE {
            return Ok(());
        }
    }
}

/// The query of a page.
#[derive(Deserialize)]
pub(super) struct After {
    /// The last entry seen.
    #[serde(default)]
    pub(super) after: Number,
}

/// The query of the feed.
#[derive(Deserialize)]
pub(super) struct Feed {
    /// The last entry seen.
    #[serde(default)]
    after: Number,
    /// How long to wait for the first entry when there is none yet.
    #[serde(default)]
    wait_s: u64,
}

/// A merchant's journal entries after the last one seen. With `wait_s` the answer comes as soon as there is an entry, or
/// empty when the time is up (25 seconds at most).
#[utoipa::path(get, path = "/v1/events", tag = "merchant", security(("api_key" = [])),
    params(("after" = Option<u64>, Query, description = "The last entry seen"),
        ("wait_s" = Option<u64>, Query, description = "How long to wait for an entry, in seconds; 25 at most")),
    responses((status = 200, body = EventsPage)))]
pub(super) async fn page(
    State(app): State<App>,
    caller: CallingMerchant,
    Params(Feed { after: Number(after), wait_s }): Params<Feed>,
) -> Result<Json<EventsPage>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let wait = Duration::from_secs(wait_s);
    if wait > WAIT_MAX {
        return Err(Error::invalid("/wait_s", "at most 25 seconds"));
    }
    let until = Instant::now() + wait;
    let place = app.waiting_feeds.try_acquire();
    loop {
        let mut news = app.journal_watchers.listen(merchant.clone());
        let sql = "SELECT event.*, attempt.method FROM event LEFT JOIN attempt ON attempt.id = event.attempt_id \
                   WHERE event.merchant_id = $1 AND event.seq > $2 ORDER BY event.seq LIMIT $3";
        let page = app.page(sql, merchant.as_str(), after).await?;
        let now = Instant::now();
        if !page.events.is_empty() || now >= until || place.is_err() || app.shutdown.is_cancelled() {
            return Ok(Json(page));
        }
        tokio::select! {
            () = app.shutdown.cancelled() => {}
            _ = tokio::time::timeout(LOOK_EVERY.min(until - now), news.changed()) => {}
        }
    }
}

/// The journal entries of one request after the last one seen.
#[utoipa::path(get, path = "/v1/payment-requests/{id}/events", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path), ("after" = Option<u64>, Query, description = "The last entry seen")),
    responses((status = 200, body = EventsPage), (status = 404, body = Problem)))]
pub(super) async fn page_of_request(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    Params(After { after: Number(after) }): Params<After>,
) -> Result<Json<EventsPage>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let request = app.merchants_request(&merchant, parse_id(&id)?).await?;
    let sql = "SELECT event.*, attempt.method FROM event LEFT JOIN attempt ON attempt.id = event.attempt_id \
               WHERE event.request_id = $1 AND event.seq > $2 ORDER BY event.seq LIMIT $3";
    Ok(Json(app.page(sql, &request.id.to_string(), after).await?))
}

impl App {
    /// A page of at most [`PAGE_MAX`] entries: those of `whose` after this one. An attempt's entries tell how it pays.
    async fn page(&self, sql: &'static str, whose: &str, after: u64) -> Result<EventsPage, Error> {
        let rows = sqlx::query(sql)
            .bind(whose)
            .bind(signed_ms(after))
            .bind(i64::try_from(PAGE_MAX + 1).unwrap_or(i64::MAX))
            .fetch_all(self.db.reader())
            .await?;
        let events = rows.iter().take(PAGE_MAX).map(view).collect::<Result<_, _>>()?;
        Ok(EventsPage { events, has_more: rows.len() > PAGE_MAX })
    }

    /// At most so many of a merchant's entries after this one, in order.
    pub(super) async fn entries(&self, merchant: &MerchantId, after: i64, max: usize) -> Result<Vec<Entry>, Error> {
        let rows = sqlx::query("SELECT * FROM event WHERE merchant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
            .bind(merchant.as_str())
            .bind(after)
            .bind(i64::try_from(max).unwrap_or(i64::MAX))
            .fetch_all(self.db.reader())
            .await?;
        Ok(rows.iter().map(Entry::of).collect::<Result<_, _>>()?)
    }

    /// Wakes whoever reads the journal of the merchant of this request. Call it after the commit.
    pub(super) async fn wake_journal_of(&self, request_id: RequestId) {
        self.webhooks_wake.notify_one();
        if self.journal_watchers.is_idle() {
            return;
        }
        let merchant: Result<Option<String>, _> =
            sqlx::query_scalar("SELECT merchant_id FROM payment_request WHERE id = $1")
                .bind(request_id.to_string())
                .fetch_optional(self.db.reader())
                .await;
        // A reader that is not woken now looks again by itself.
        if let Ok(Some(Ok(merchant))) = merchant.map(|merchant| merchant.map(|id| id.parse())) {
            self.journal_watchers.tell(merchant);
        }
    }
}

fn view(row: &DbRow) -> Result<EventView, Error> {
    let (entry, method): (Entry, Option<String>) = (Entry::of(row)?, row.try_get("method")?);
    let method = method.as_deref().map(str::parse::<Method>).transpose();
    let attempt_id = entry.attempt_id.as_deref().map(str::parse).transpose();
    let refund_id = entry.refund_id.as_deref().map(str::parse).transpose();
    Ok(EventView {
        seq: unsigned_ms(entry.seq),
        time_ms: unsigned_ms(entry.time_ms),
        kind: entry.kind,
        request_id: entry.request_id.parse().map_err(|_| Error::Row("event"))?,
        attempt_id: attempt_id.map_err(|_| Error::Row("event"))?,
        method: method.map_err(|_| Error::Row("event"))?,
        refund_id: refund_id.map_err(|_| Error::Row("event"))?,
    })
}

/// The merchant that owns a request, as events name it.
pub(super) async fn merchant_of(db_tx: &mut DbConnection, request_id: RequestId) -> Result<MerchantId, Error> {
    let id: Option<String> = sqlx::query_scalar("SELECT merchant_id FROM payment_request WHERE id = $1")
        .bind(request_id.to_string())
        .fetch_optional(db_tx)
        .await?;
    let id = id.ok_or(protocol::ErrorCode::NotFound)?;
    id.parse().map_err(|_| Error::Row("merchant id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing::Base;

    async fn journal(base: &Base) -> Db {
        let db = base.open(&super::super::MIGRATIONS).await;
        for n in 0..5u8 {
            let request_id = RequestId::from_bytes([n; 16]);
            db.write(move |db_tx| {
                Box::pin(async move {
                    let kind = "request.created".to_owned();
                    append(db_tx, &Event { kind, merchant_id: "blue-door", request_id, attempt_id: None }, 7).await
                })
            })
            .await
            .unwrap();
        }
        db
    }

    async fn tamper(db: &Db, sql: &'static str) {
        db.write(move |db_tx| Box::pin(async move { sqlx::query(sql).execute(db_tx).await.map(drop) })).await.unwrap();
    }

    #[tokio::test]
    async fn an_untouched_chain_verifies() {
        let base = Base::new().await;
        verify_chain(&journal(&base).await).await.unwrap();
    }

    #[tokio::test]
    async fn a_changed_or_missing_entry_breaks_the_chain() {
        for sql in [
            "UPDATE event SET kind = 'request.paid' WHERE seq = 3",
            "UPDATE event SET time_ms = 8 WHERE seq = 3",
            "DELETE FROM event WHERE seq = 3",
            "UPDATE event SET hash = previous_hash WHERE seq = 3",
        ] {
            let base = Base::new().await;
            let db = journal(&base).await;
            tamper(&db, sql).await;
            assert!(matches!(verify_chain(&db).await, Err(Error::Journal(3))), "{sql}");
        }
    }
}
