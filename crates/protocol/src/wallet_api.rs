//! What a wallet sends to the payment server and reads back. Times are ms since the Unix epoch.
//!
//! Every call but the public ones carries `Tapseal-Device`, `Tapseal-Time` and `Tapseal-Signature`.

use payment::{AttemptId, AttemptState, DeviceId, RequestId, RequestState};
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::merchant_api::PayerIdentifier;
use crate::sealed::SealedText;

mod carrier;
mod code;
mod device;
mod payment_number;
mod protection;

pub use carrier::{CarrierEnrolledView, EnrolCarrier};
pub use code::{CODE_LIFE_S, CodeOrderedView, CodePayerView, CodeTerminalKind, CodeTerminalView};
pub use device::{ClaimsView, DEVICE_NAME_CHARS_MAX, DescribeDevice, DeviceView, DevicesView, Platform};
pub use payment_number::{
    CreatePaymentNumber, PAYMENT_NUMBER_DIGITS, PAYMENT_NUMBER_MINUTES, PaymentNumberStatus, PaymentNumberView,
    PaymentNumbersView, payment_number_check_digit, payment_number_digits, payment_number_grouped,
};
pub use protection::{REPORT_NOTE_CHARS_MAX, ReportReason, ReportRequest, SenderView, SendersView};

/// Header: the calling device's id.
pub const HEADER_DEVICE: &str = "tapseal-device";
/// Header: the device's clock, in ms since the Unix epoch.
pub const HEADER_TIME: &str = "tapseal-time";
/// Header: base64url of the device key's Ed25519 signature over method, path, time and body hash.
pub const HEADER_SIGNATURE: &str = "tapseal-signature";
/// How far a device's clock may be from the server's, in milliseconds.
pub const CLOCK_SKEW_MS_MAX: u64 = 5 * 60 * 1_000;

/// Answer of `GET /v1/keyset` (public).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeysetView {
    /// The keyset, a compact JWS by the operator's root.
    pub keyset: String,
    /// Bank certificates, each a compact JWS by that bank's own root.
    pub bank_certificates: Vec<String>,
}

/// Body of `POST /v1/devices`. Signed by the key it brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisterDevice {
    /// Made by the wallet.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub device_id: DeviceId,
    /// Ed25519 public key, base64url.
    pub signing_key: String,
    /// X25519 public key that requests are sealed to, base64url.
    pub sealing_key: String,
    /// BCP 47 language for messages.
    pub language: String,
}

/// Body of `POST /v1/claims`: asks for a code to be sent to the identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartClaim {
    /// The identifier to claim.
    pub identifier: PayerIdentifier,
}

/// Body of `POST /v1/claims/confirm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfirmClaim {
    /// The identifier being claimed.
    pub identifier: PayerIdentifier,
    /// The six digits that were sent there.
    pub code: String,
    /// What becomes of other devices that answer for it.
    #[serde(default)]
    pub others: OtherDevices,
}

/// What becomes of the other devices that answer for an identifier, once this one has proved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OtherDevices {
    /// They go on answering: they are the same person's.
    #[default]
    Keep,
    /// They answer no more: the number or address was somebody else's before, or a device is lost.
    Release,
}

/// Body of `DELETE /v1/claims`: this device answers for the identifier no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseClaim {
    /// The identifier.
    pub identifier: PayerIdentifier,
}

/// A request as delivered: sealed to the device's key, or to the key in a link's fragment.
///
/// The plaintext is the JSON of [`RequestLetter`]; the associated data is the request id's sixteen bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedRequest {
    /// Its place in the device's inbox; 0 for a link.
    pub seq: u64,
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub request_id: RequestId,
    /// The sealed letter.
    pub sealed: SealedText,
}

/// What a sealed request holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLetter {
    /// The merchant-signed order, a compact JWS.
    pub order: String,
}

/// Answer of `GET /v1/inbox?after=SEQ`: letters and changes of state, at most a hundred of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InboxPage {
    /// In order.
    pub requests: Vec<SealedRequest>,
    /// Requests that changed their state or were given back, as they stand now.
    #[serde(default)]
    pub states: Vec<RequestStatusView>,
    /// The place of the last entry of this page: the next page's `after`. 0 on a page without entries.
    #[serde(default)]
    pub last_seq: u64,
    /// Whether more are there already.
    pub has_more: bool,
}

/// One event of `GET /v1/inbox/stream` (server-sent events; the event's name is the tag).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum InboxEvent {
    /// A new request.
    Request(SealedRequest),
    /// A request's state changed.
    State(RequestStatusView),
    /// Another device ended a claim of this one, or several: ask what it still answers for.
    Claims,
}

/// Answer of `GET /v1/requests/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestStatusView {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub request_id: RequestId,
    /// Where it stands.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::merchant_api::StatusSchema))]
    pub state: RequestState,
    /// What its merchant gave back of it, in minor units.
    #[serde(default)]
    pub refunded_minor: i64,
    /// When the last of it was given back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refunded_ms: Option<u64>,
    /// The server's time.
    pub server_time_ms: u64,
}

/// Body of `POST /v1/requests/{id}/attempts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmitAttempt {
    /// Made by the wallet; the idempotency key.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub attempt_id: AttemptId,
    /// The outer capsule.
    pub outer: SealedText,
    /// base64url of the device key's signature over request id, attempt id and capsule.
    pub device_signature: String,
}

/// An attempt as its wallet sees it: answer of submit and of `GET /v1/requests/{id}/attempts/{attempt}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptView {
    /// The attempt.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub attempt_id: AttemptId,
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub request_id: RequestId,
    /// Where it stands.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = AttemptStateSchema))]
    pub state: AttemptState,
    /// The bank-signed outcome, a compact JWS, once there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<String>,
    /// By when an unknown outcome is known or undone. Past it the bank takes longer than it should: it is still being
    /// asked, the operator is alarmed, and the journal says `attempt.taking_longer`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deadline_ms: Option<u64>,
    /// What the bank wants the card in the slot to be told, hexadecimal: the answer's ISO 8583 DE 55 (tags 91, 71 and
    /// 72). Only the card can check it, and nothing about the payment depends on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub icc_response: Option<String>,
    /// What the exchange with the bank weighed and took, for whoever wants to look.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exchange: Option<ExchangeView>,
}

/// Sizes and times of the ISO 8583 exchange: no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExchangeView {
    /// Message type sent, such as `0200`.
    pub request_mti: String,
    /// Message type received, such as `0210`.
    pub response_mti: String,
    /// Bytes sent.
    pub request_bytes: u32,
    /// Bytes received.
    pub response_bytes: u32,
    /// ISO 8583 DE 11.
    pub stan: String,
    /// ISO 8583 DE 37.
    pub rrn: String,
    /// ISO 8583 DE 39.
    pub response_code: String,
    /// From sending to the answer, in microseconds.
    pub took_us: u64,
    /// Bytes of the inner capsule, which the server cannot open.
    pub inner_capsule_bytes: u32,
}

impl AttemptView {
    /// The error this state stands for, if it is not an approval and not still on its way.
    pub const fn error_code(&self) -> Option<ErrorCode> {
        match self.state {
            AttemptState::Declined { code } => Some(ErrorCode::Declined(code)),
            AttemptState::NoAnswer | AttemptState::Inquiring | AttemptState::NotFound | AttemptState::Reversing => {
                Some(ErrorCode::OutcomeUnknown)
            }
            AttemptState::Reversed => Some(ErrorCode::Reversed),
            AttemptState::NeedsManualReview => Some(ErrorCode::NeedsManualReview),
            AttemptState::Sealed | AttemptState::Received | AttemptState::Forwarded | AttemptState::Approved => None,
        }
    }
}

/// How an attempt's state looks in the API description.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(as = AttemptStatus)]
#[allow(dead_code, reason = "only its shape is read, by the API description")]
pub struct AttemptStateSchema {
    /// The state's name.
    #[schema(example = "approved")]
    state: String,
    /// The decline code, in state `declined`.
    code: Option<String>,
}
