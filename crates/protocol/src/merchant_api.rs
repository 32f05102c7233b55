//! What a merchant sends to the payment server and reads back. Times are ms since the Unix epoch.

use payment::{Amount, AttemptId, Method, Methods, RefundId, RequestId, RequestState};
use serde::{Deserialize, Serialize};

mod access;
mod counter;
mod delivery;
mod refund;
mod webhook;

pub use access::{AccessView, ApiKeyView, CertificateView, CreateApiKey, CreateCertificate, Scope};
pub use counter::{CounterView, CountersView, CreateCounter};
pub use delivery::{Channel, DeliveriesView, DeliveryStatus, DeliveryView, Resend, SmsStatus};
pub use refund::{CreateRefund, RefundStatus, RefundView, RefundsView};
pub use webhook::{
    CreateWebhook, WebhookDeliveriesPage, WebhookDeliveryStatus, WebhookDeliveryView, WebhookView, WebhooksView,
};

/// Where a payer can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PayerIdentifier {
    /// An e-mail address.
    Email(String),
    /// A phone number in E.164 form.
    Phone(String),
    /// One of the merchant's own counters, by its id: whoever scans its printed code is asked.
    Counter(String),
    /// A one-time payment number that the payer told or showed.
    PaymentNumber(String),
}

/// Body of `POST /v1/payment-requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatePaymentRequest {
    /// The order as a compact JWS, signed with the merchant's Ed25519 key; its payload is the canonical JSON. Its optional
    /// member `methods` names the ways it may be paid, once each and in alphabetical order, such as `["card","code"]`.
    pub order: String,
    /// Whom to ask; none for a QR or link only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payer: Option<PayerIdentifier>,
}

/// A payment request as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentRequestView {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: RequestId,
    /// The merchant's own reference.
    pub order_number: String,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = AmountSchema))]
    pub amount: Amount,
    /// Where it stands, and the attempt the state speaks of.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = StatusSchema))]
    pub state: RequestState,
    /// When it was stored.
    pub created_ms: u64,
    /// When it stops being payable.
    pub expires_ms: u64,
    /// The words the payer's wallet shows too, in English.
    pub match_words: [String; 2],
    /// The same words in Simplified Chinese.
    pub match_words_zh: [String; 2],
    /// The ways it may be paid, as its order names them; absent for every way that its merchant takes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<MethodSchema>>))]
    pub methods: Option<Methods>,
    /// The way in which the attempt pays that the state speaks of; not in a list of requests.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<MethodSchema>))]
    pub method: Option<Method>,
    /// `https` link for the payer, with its key; only in the answer that created the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<String>,
    /// `tapseal:` deep link, with its key; only in the answer that created the request. Also the QR's content.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deep_link: Option<String>,
    /// Deliveries so far.
    pub deliveries: Vec<DeliveryView>,
    /// What was given back of it or is on its way back, in minor units.
    #[serde(default)]
    pub refunded_minor: i64,
    /// The bank-signed outcome (compact JWS) once there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<String>,
    /// By when an unknown outcome is known or undone. Past it the bank takes longer than it should: it is still being
    /// asked, the operator is alarmed, and the journal says `attempt.taking_longer`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deadline_ms: Option<u64>,
}

/// Answer of `GET /v1/payment-requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentRequestsPage {
    /// Newest first, without deliveries and outcomes.
    pub requests: Vec<PaymentRequestView>,
    /// Pass it as `cursor` for the next page; none on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
}

/// One entry of the append-only journal, as a merchant reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventView {
    /// Its place; pass the last one seen as `after`.
    pub seq: u64,
    /// When.
    pub time_ms: u64,
    /// What, such as `request.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which request.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub request_id: RequestId,
    /// Which attempt, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub attempt_id: Option<AttemptId>,
    /// In which way that attempt pays.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<MethodSchema>))]
    pub method: Option<Method>,
    /// Which refund, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub refund_id: Option<RefundId>,
}

/// Answer of `GET /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventsPage {
    /// In order, at most a hundred.
    pub events: Vec<EventView>,
    /// Whether more are there already.
    pub has_more: bool,
}

/// How an amount looks in the API description.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(as = Amount)]
#[allow(dead_code, reason = "only its shape is read, by the API description")]
pub struct AmountSchema {
    /// Minor units, such as cents.
    minor: i64,
    /// ISO 4217 alphabetic code.
    #[schema(example = "USD")]
    currency: String,
}

/// How a way to pay looks in the API description. More may come.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(as = Method, example = "card")]
#[allow(dead_code, reason = "only its shape is read, by the API description")]
pub struct MethodSchema(String);

/// How a request's state looks in the API description.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(as = RequestStatus)]
#[allow(dead_code, reason = "only its shape is read, by the API description")]
pub struct StatusSchema {
    /// The state's name.
    #[schema(example = "delivered")]
    status: String,
    /// The attempt the state speaks of.
    attempt_id: Option<String>,
}
