//! Figures for Prometheus, on an address of their own: what was called, what waits, what is up.
//!
//! **Invariant:** a label is a route's pattern, a state, a channel or a bank's id; never an id of a person's or a request's.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_server::accept::DefaultAcceptor;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::listener::Listener;
use super::{App, Error, STREAMS_AT_ONCE_MAX};
use crate::clock::{now_ms, signed_ms};

/// What text of `OpenMetrics` 1.0 is called.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper ends of the durations' buckets: 1 ms, doubled fifteen times.
const FIRST_BUCKET_S: f64 = 0.001;
const BUCKETS: u16 = 15;

/// A call's method, route and status.
type CallLabels = [(&'static str, String); 3];
/// One label.
type Labels = [(&'static str, String); 1];

/// What this server counts as it goes.
pub(super) struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Histogram, fn() -> Histogram>,
}

impl Metrics {
    /// Nothing counted yet.
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("tapseal");
        let durations: fn() -> Histogram = || Histogram::new(exponential_buckets(FIRST_BUCKET_S, 2.0, BUCKETS));
        let calls = Family::new_with_constructor(durations);
        registry.register("call_seconds", "Calls by method, route and status, and how long they took", calls.clone());
        Self { registry, calls }
    }

    /// Counts a call that was answered.
    pub(super) fn call(&self, method: &str, route: &str, status: StatusCode, took: Duration) {
        let status = status.as_u16().to_string();
        let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status)];
        self.calls.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// Serves the figures at this address, without TLS: it is for the operator's own network.
pub(super) fn listen(addr: SocketAddr, app: App) -> Result<Listener, Error> {
    let router = Router::new().route("/metrics", get(show)).with_state(app);
    Listener::open(addr, DefaultAcceptor::new(), &router)
}

async fn show(State(app): State<App>) -> Response {
    let mut text = String::new();
    let now = present(&app).await;
    let written = prometheus_client::encoding::text::encode_registry(&mut text, &app.metrics.registry)
        .and_then(|()| encode(&mut text, &now));
    match written {
        Ok(()) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What is so at this moment.
async fn present(app: &App) -> Registry {
    let mut registry = Registry::with_prefix("tapseal");
    let groups = app.db.groups();
    registry.register("write_groups", "Groups of steps written", ConstCounter::new(groups.count));
    registry.register("write_steps", "Steps in them", ConstCounter::new(groups.steps));
    let seconds = groups.took.as_secs_f64();
    registry.register("write_seconds", "Time they took, their commits included", ConstCounter::new(seconds));
    let open = STREAMS_AT_ONCE_MAX.saturating_sub(app.streams.available_permits());
    registry.register("streams_open", "Inbox streams open", ConstGauge::new(signed(open)));
    let lines = Family::<Labels, Gauge>::default();
    for (bank, line) in app.banks.iter() {
        lines.get_or_create(&[("bank", bank.as_str().to_owned())]).set(i64::from(line.is_up()));
    }
    registry.register("bank_line_up", "Whether the line to a bank is up", lines);
    let read = queues(app, &mut registry).await;
    if let Err(error) = &read {
        tracing::warn!(%error, "the queues could not be counted");
    }
    let is_up = i64::from(read.is_ok() && app.db.is_writable());
    registry.register("database_up", "Whether the database can be read and written", ConstGauge::new(is_up));
    registry
}

/// A queue's length, and the age of its oldest entry in seconds.
type Queue = (String, i64, i64);

async fn queues(app: &App, registry: &mut Registry) -> Result<(), Error> {
    let now_ms = signed_ms(now_ms());
    let attempts: Vec<Queue> = sqlx::query_as(
        "SELECT state, COUNT(*), COALESCE(MIN(forwarded_ms), 0) FROM attempt \
         WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing') GROUP BY state \
         UNION ALL SELECT 'needs_manual_review', COUNT(*), COALESCE(MIN(forwarded_ms), $1) FROM attempt \
         WHERE state = 'needs_manual_review'",
    )
    .bind(now_ms)
    .fetch_all(app.db.reader())
    .await?;
    register(registry, "attempts", "Attempts that have come to no end", "state", attempts, now_ms);
    let deliveries: Vec<Queue> = sqlx::query_as(
        "SELECT channel, COUNT(*), COALESCE(MIN(due_ms), 0) FROM delivery WHERE status = 'queued' GROUP BY channel",
    )
    .fetch_all(app.db.reader())
    .await?;
    register(registry, "deliveries", "Messages to people that are queued", "channel", deliveries, now_ms);
    let webhooks: Vec<Queue> = sqlx::query_as(
        "SELECT status, COUNT(*), COALESCE(MIN(created_ms), 0) FROM webhook_delivery WHERE status = 'queued' \
         GROUP BY status",
    )
    .fetch_all(app.db.reader())
    .await?;
    register(registry, "webhook_deliveries", "Messages to merchants that are queued", "status", webhooks, now_ms);
    let replicas: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM replica WHERE alive_until_ms > $1")
        .bind(now_ms)
        .fetch_one(app.db.reader())
        .await?;
    registry.register("replicas", "Servers on this database that live", ConstGauge::new(replicas));
    Ok(())
}

fn register(registry: &mut Registry, name: &str, what: &str, label: &'static str, queues: Vec<Queue>, now_ms: i64) {
    let (counts, ages) = (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
    for (value, count, since_ms) in queues {
        let labels = [(label, value)];
        counts.get_or_create(&labels).set(count);
        ages.get_or_create(&labels).set(now_ms.saturating_sub(since_ms).max(0) / 1_000);
    }
    registry.register(name, what, counts);
    registry.register(format!("{name}_oldest_seconds"), format!("{what}: the oldest one's age"), ages);
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
