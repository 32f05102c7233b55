//! A device's inbox: sealed requests and changes of state, in order, as pages and as a stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt, stream};
use payment::{DeviceId, RequestId};
use protocol::wallet_api::{InboxEvent, InboxPage, RequestStatusView, SealedRequest};
use protocol::{ErrorCode, Problem};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::auth::{DeviceCall, Number};
use super::events::After;
use super::siblings::SEEN_STEP_MS;
use super::{App, Error, lifecycle};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::storage::DbConnection;

/// Entries of one page, and of one read of a stream.
const PAGE_MAX: usize = 100;
/// How often a silent stream says that it lives; also how long a lost wake-up can cost.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Where a reconnecting stream goes on (HTML Living Standard, section 9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// Appends a sealed request to a device's inbox. One that is there already is not repeated.
pub(super) async fn append_request(
    db_tx: &mut DbConnection,
    device: DeviceId,
    request: RequestId,
    sealed: &str,
) -> Result<(), Error> {
    append(db_tx, &device.to_string(), request, "request", Some(sealed)).await
}

/// Tells every device that follows a request that its state changed. A device has at most one such entry of
/// a request: the newest.
pub(super) async fn append_state(db_tx: &mut DbConnection, request: RequestId) -> Result<(), Error> {
    let devices: Vec<String> = sqlx::query_scalar("SELECT device_id FROM request_device WHERE request_id = $1")
        .bind(request.to_string())
        .fetch_all(&mut *db_tx)
        .await?;
    for device in devices {
        append(db_tx, &device, request, "state", None).await?;
    }
    Ok(())
}

async fn append(
    db_tx: &mut DbConnection,
    device: &str,
    request: RequestId,
    kind: &str,
    sealed: Option<&str>,
) -> Result<(), Error> {
    // Only a change of state moves to the end; a letter stays where the device may have read it.
    sqlx::query(
        "INSERT INTO inbox_entry (device_id, seq, request_id, kind, sealed) \
         VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM inbox_entry WHERE device_id = $1), $2, $3, $4) \
         ON CONFLICT (device_id, request_id, kind) DO UPDATE SET seq = excluded.seq WHERE inbox_entry.kind = 'state'",
    )
    .bind(device)
    .bind(request.to_string())
    .bind(kind)
    .bind(sealed)
    .execute(&mut *db_tx)
    .await?;
    db_tx.tell("device", device);
    Ok(())
}

/// The letters and changes of state after the last entry seen.
#[utoipa::path(get, path = "/v1/inbox", tag = "wallet", security(("device_signature" = [])),
    params(("after" = Option<u64>, Query, description = "The last entry seen")),
    responses((status = 200, body = InboxPage), (status = 401, body = Problem)))]
pub(super) async fn page(
    State(app): State<App>,
    Query(After { after: Number(after) }): Query<After>,
    call: DeviceCall,
) -> Result<Json<InboxPage>, Error> {
    let mut entries = entries(&app, call.device_id, signed_ms(after), PAGE_MAX + 1).await?;
    let has_more = entries.len() > PAGE_MAX;
    entries.truncate(PAGE_MAX);
    let last_seq = entries.last().map_or(0, |(seq, _)| unsigned_ms(*seq));
    let mut page = InboxPage { requests: Vec::new(), states: Vec::new(), last_seq, has_more };
    for (_, event) in entries {
        match event {
            InboxEvent::Request(letter) => page.requests.push(letter),
            InboxEvent::State(state) => page.states.push(state),
            // It is told by a stream only and stands in no inbox.
            InboxEvent::Claims => {}
        }
    }
    Ok(Json(page))
}

/// A device's entries after a place, in order, each with its place.
async fn entries(app: &App, device: DeviceId, after: i64, max: usize) -> Result<Vec<(i64, InboxEvent)>, Error> {
    type Row = (i64, String, Option<String>, String, Option<String>, i64, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT entry.seq, entry.request_id, entry.sealed, request.state, request.state_attempt_id, \
         request.refunded_minor, request.refunded_ms \
         FROM inbox_entry AS entry JOIN payment_request AS request ON request.id = entry.request_id \
         WHERE entry.device_id = $1 AND entry.seq > $2 ORDER BY entry.seq LIMIT $3",
    )
    .bind(device.to_string())
    .bind(after)
    .bind(i64::try_from(max).unwrap_or(i64::MAX))
    .fetch_all(app.db.reader())
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for (seq, request_id, sealed, state, attempt_id, refunded_minor, refunded_ms) in rows {
        let event = match sealed {
            Some(sealed) => InboxEvent::Request(sealed_request(seq, &request_id, &sealed)?),
            None => InboxEvent::State(RequestStatusView {
                request_id: request_id.parse().map_err(|_| Error::Row("inbox entry"))?,
                state: lifecycle::request_state(&state, attempt_id.as_deref())?,
                refunded_minor,
                refunded_ms: refunded_ms.map(unsigned_ms),
                server_time_ms: now_ms(),
            }),
        };
        entries.push((seq, event));
    }
    Ok(entries)
}

fn sealed_request(seq: i64, request_id: &str, sealed: &str) -> Result<SealedRequest, Error> {
    Ok(SealedRequest {
        seq: unsigned_ms(seq),
        request_id: request_id.parse().map_err(|_| Error::Row("inbox entry"))?,
        sealed: serde_json::from_str(sealed).map_err(|_| Error::Row("inbox entry"))?,
    })
}

/// New requests and changes of state as server-sent events. The event's id is its place in the inbox.
#[utoipa::path(get, path = "/v1/inbox/stream", tag = "wallet", security(("device_signature" = [])),
    params(("after" = Option<u64>, Query, description = "The last entry seen"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The same, from a client that reconnects")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 401, body = Problem)))]
pub(super) async fn stream(
    State(app): State<App>,
    Query(After { after: Number(after) }): Query<After>,
    headers: HeaderMap,
    call: DeviceCall,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let resumed = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()?.parse().ok());
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| ErrorCode::Unavailable)?;
    let reader = Reader {
        news: app.device_watchers.listen(call.device_id),
        device: call.device_id,
        after: signed_ms(resumed.unwrap_or(after)),
        claims_changed: app.claims_changed(call.device_id).await?,
        seen_ms: 0,
        _permit: permit,
        app,
    };
    let events = stream::unfold(reader, Reader::next).flat_map(stream::iter);
    Ok(Sse::new(events.map(Ok)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Reader {
    app: App,
    device: DeviceId,
    after: i64,
    /// How often others had ended claims of the device when it was last told.
    claims_changed: i64,
    /// When it was last written down that the device is in touch.
    seen_ms: i64,
    news: watch::Receiver<()>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// The next entries, as soon as there are some; ends when the server stops.
    async fn next(mut self) -> Option<(Vec<Event>, Self)> {
        loop {
            self.news.mark_unchanged();
            let events = match self.read().await {
                Ok(events) => events,
                Err(error) => {
                    tracing::error!(%error, "an inbox stream ends");
                    return None;
                }
            };
            if !events.is_empty() {
                return Some((events, self));
            }
            tokio::select! {
                () = self.app.shutdown.cancelled() => return None,
                changed = tokio::time::timeout(KEEP_ALIVE, self.news.changed()) => {
                    if let Ok(Err(_)) = changed {
                        self.news = self.app.device_watchers.listen(self.device);
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<Event>, Error> {
        let now = signed_ms(now_ms());
        if now - self.seen_ms > SEEN_STEP_MS {
            self.app.seen_device(self.device).await?;
            self.seen_ms = now;
        }
        let entries = entries(&self.app, self.device, self.after, PAGE_MAX).await?;
        let mut events: Vec<Event> = entries.iter().map(|(seq, event)| sse_event(event).id(seq.to_string())).collect();
        self.after = entries.last().map_or(self.after, |(seq, _)| *seq);
        let claims_changed = self.app.claims_changed(self.device).await?;
        if claims_changed != self.claims_changed {
            self.claims_changed = claims_changed;
            // It has no place in the inbox: a stream that begins anew asks anyway.
            events.push(sse_event(&InboxEvent::Claims));
        }
        Ok(events)
    }
}

fn sse_event(event: &InboxEvent) -> Event {
    let name = match event {
        InboxEvent::Request(_) => "request",
        InboxEvent::State(_) => "state",
        InboxEvent::Claims => "claims",
    };
    let data = serde_json::to_string(event).expect("an inbox event is always JSON");
    Event::default().event(name).data(data)
}
