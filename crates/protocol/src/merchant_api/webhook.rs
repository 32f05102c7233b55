//! Webhooks: the events feed, pushed to the merchant's own address and signed after Standard Webhooks.

use serde::{Deserialize, Serialize};

/// Body of `POST /v1/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateWebhook {
    /// Where to, `https` unless the operator allows otherwise.
    pub url: String,
    /// Which events, by type or by a prefix such as `request.*`; none for all.
    #[serde(default)]
    pub events: Vec<String>,
}

/// A webhook endpoint as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookView {
    /// The endpoint.
    pub id: String,
    /// Where to.
    pub url: String,
    /// Which events; none for all.
    pub events: Vec<String>,
    /// When it was made.
    pub created_ms: u64,
    /// Since when every delivery has failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failing_since_ms: Option<u64>,
    /// Since when nothing is sent any more: it failed for three days, or said that it is gone (410). A test that arrives
    /// ends that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_ms: Option<u64>,
    /// The signing secret, `whsec_` and base64; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret: Option<String>,
}

/// How far one webhook delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WebhookDeliveryStatus {
    /// Waiting for its first or its next try, or for an earlier event of the same object.
    Queued,
    /// Answered with a 2xx.
    Delivered,
    /// Given up after three days; it can be redelivered.
    Failed,
}

/// One message to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDeliveryView {
    /// The `webhook-id` header: the same on every try.
    pub id: String,
    /// The endpoint.
    pub webhook_id: String,
    /// The event's type, such as `request.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The event's place in the feed; none for a test.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_seq: Option<u64>,
    /// How far it has come.
    pub status: WebhookDeliveryStatus,
    /// How many tries were made.
    pub tries: u32,
    /// The HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub response_status: Option<u16>,
    /// Why the last try failed without an answer, as a stable code such as `timeout`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// When the event happened.
    pub created_ms: u64,
    /// When it was last tried.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tried_ms: Option<u64>,
    /// When the next try is due.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_try_ms: Option<u64>,
}

/// Answer of `GET /v1/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhooksView {
    /// Oldest first.
    pub webhooks: Vec<WebhookView>,
}

/// Answer of `GET /v1/webhooks/{id}/deliveries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDeliveriesPage {
    /// Newest first.
    pub deliveries: Vec<WebhookDeliveryView>,
    /// Pass it as `cursor` for the next page; none on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
}
