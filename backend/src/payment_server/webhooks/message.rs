//! What a message says: the event's type, its time, and the object it is about as the merchant's API shows it.
//!
//! A request or a refund is shown in the state that its event tells of, even if it has moved on since. Nothing here names a payer or
//! a card: the payer's address is no part of a request's view, and the bank's outcome, which holds the card's last four
//! digits, is left to the API.

use payment::{AttemptId, RequestState};
use protocol::merchant_api::RefundStatus;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::payment_server::events::Entry;
use crate::payment_server::{App, Error};
use crate::storage::DbConnection;

/// The type of a test.
pub(super) const TEST: &str = "webhook.test";

/// A message on its way into the database.
pub(super) struct NewMessage {
    pub(super) kind: String,
    pub(super) event_seq: Option<i64>,
    /// What it is about: messages about the same go out in their order. None for a test, which is about nothing.
    pub(super) object_id: Option<String>,
    pub(super) body: String,
    /// When it happened.
    pub(super) created_ms: i64,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: &'a RawValue,
}

impl NewMessage {
    /// The message that tells of a journal entry.
    pub(super) async fn of(app: &App, entry: &Entry) -> Result<Self, Error> {
        let data = match (&entry.refund_id, entry.kind.strip_prefix("refund.")) {
            (Some(refund_id), Some(status)) => refund_then(app, refund_id, status).await?,
            _ => request_then(app, entry).await?,
        };
        Ok(Self {
            kind: entry.kind.clone(),
            event_seq: Some(entry.seq),
            object_id: Some(entry.request_id.clone()),
            body: body(&entry.kind, entry.time_ms, &data),
            created_ms: entry.time_ms,
        })
    }

    /// A message that tells of nothing but itself.
    pub(super) fn test(webhook_id: &str, now_ms: i64) -> Self {
        let data = serde_json::value::to_raw_value(&serde_json::json!({ "webhook_id": webhook_id }));
        let body = body(TEST, now_ms, &data.expect("one member is always JSON"));
        Self { kind: TEST.to_owned(), event_seq: None, object_id: None, body, created_ms: now_ms }
    }

    /// Stores the message as the endpoint's newest, due at once.
    pub(super) async fn insert(
        &self,
        db_tx: &mut DbConnection,
        webhook_id: &str,
        now_ms: i64,
    ) -> Result<String, Error> {
        let id = format!("msg_{}", super::new_id(crate::clock::unsigned_ms(now_ms)));
        sqlx::query(
            "INSERT INTO webhook_delivery (id, webhook_id, place, kind, event_seq, object_id, in_order, body, status, \
             tries, created_ms, queued_ms, due_ms, lease_until_ms) VALUES ($1, $2, \
             (SELECT COALESCE(MAX(place), 0) + 1 FROM webhook_delivery WHERE webhook_id = $2), \
             $3, $4, $5, $6, $7, 'queued', 0, $8, $9, $9, 0)",
        )
        .bind(&id)
        .bind(webhook_id)
        .bind(&self.kind)
        .bind(self.event_seq)
        .bind(self.object_id.as_ref().unwrap_or(&id))
        .bind(i64::from(self.object_id.is_some()))
        .bind(&self.body)
        .bind(self.created_ms)
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(id)
    }
}

fn body(kind: &str, time_ms: i64, data: &RawValue) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(time_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string();
    serde_json::to_string(&Body { kind, timestamp, data }).expect("two strings and JSON are always JSON")
}

async fn request_then(app: &App, entry: &Entry) -> Result<Box<RawValue>, Error> {
    let request = app.request(entry.request_id.parse().map_err(|_| Error::Row("event"))?).await?;
    let mut view = app.view(&request).await?;
    view.outcome = None;
    if let Some(state) = state_then(entry)? {
        view.state = state;
    }
    Ok(serde_json::value::to_raw_value(&view).expect("a view is always JSON"))
}

async fn refund_then(app: &App, refund_id: &str, status: &str) -> Result<Box<RawValue>, Error> {
    let mut view = app.refund(refund_id.parse().map_err(|_| Error::Row("event"))?).await?;
    view.outcome = None;
    view.status = RefundStatus::from_name(status).ok_or(Error::Row("event"))?;
    Ok(serde_json::value::to_raw_value(&view).expect("a view is always JSON"))
}

/// The state that an event of the request's own lifecycle tells of.
fn state_then(entry: &Entry) -> Result<Option<RequestState>, Error> {
    let Some(name) = entry.kind.strip_prefix("request.") else { return Ok(None) };
    let attempt_id: Option<AttemptId> =
        entry.attempt_id.as_deref().map(str::parse).transpose().map_err(|_| Error::Row("event"))?;
    Ok(RequestState::from_parts(name, attempt_id))
}
