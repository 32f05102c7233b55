//! Refunds: money of a paid request that goes back to where it came from, in full or in parts.

use payment::{Amount, RequestId};
use serde::{Deserialize, Serialize};

/// Body of `POST /v1/payment-requests/{id}/refunds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateRefund {
    /// The refund order as a compact JWS, signed with the merchant's Ed25519 key: refund id, request id, merchant id,
    /// amount, currency, reason and time as canonical JSON. Its refund id is the idempotency key.
    pub refund: String,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RefundStatus {
    /// Stored, on its way to the bank, or the bank has not answered yet. It counts as given back until it is refused.
    Pending,
    /// The bank gave the money back.
    Refunded,
    /// The bank refused; nothing was given back.
    Refused,
    /// The parties disagree; a person must decide.
    NeedsManualReview,
}

impl RefundStatus {
    /// The status's stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Refunded => "refunded",
            Self::Refused => "refused",
            Self::NeedsManualReview => "needs_manual_review",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Refunded, Self::Refused, Self::NeedsManualReview]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// A refund as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundView {
    /// Made by the merchant.
    pub id: String,
    /// The request it gives back of.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub request_id: RequestId,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = super::AmountSchema))]
    pub amount: Amount,
    /// The merchant's reason, for its own books.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Where it stands.
    pub status: RefundStatus,
    /// Why the bank refused, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// When it was stored.
    pub created_ms: u64,
    /// When its status last changed.
    pub changed_ms: u64,
    /// The bank-signed outcome, a compact JWS, once there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<String>,
}

/// Answer of `GET /v1/payment-requests/{id}/refunds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundsView {
    /// Oldest first.
    pub refunds: Vec<RefundView>,
    /// What is given back or on its way back.
    #[cfg_attr(feature = "openapi", schema(value_type = super::AmountSchema))]
    pub refunded: Amount,
    /// What can still be given back.
    #[cfg_attr(feature = "openapi", schema(value_type = super::AmountSchema))]
    pub refundable: Amount,
}
