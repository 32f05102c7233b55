//! What protects a payer from strangers: accepted and blocked merchants, and reports of fraud.

use payment::MerchantId;
use serde::{Deserialize, Serialize};

/// The longest note of a report, in characters.
pub const REPORT_NOTE_CHARS_MAX: usize = 280;

/// One merchant and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SenderView {
    /// The merchant.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub merchant_id: MerchantId,
    /// Since when, ms since the Unix epoch.
    pub since_ms: u64,
}

/// Answer of `GET /v1/senders` and `GET /v1/blocks`: what this device's person decided, on any of their devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendersView {
    /// By merchant id, at most a thousand.
    pub merchants: Vec<SenderView>,
}

/// What a payer says is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReportReason {
    /// The payer has nothing to do with this merchant.
    NotExpected,
    /// It gives itself out as somebody else.
    Impersonation,
    /// The payer was told another amount or another thing.
    Misleading,
    /// Something else.
    Other,
}

impl ReportReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::NotExpected, Self::Impersonation, Self::Misleading, Self::Other];

    /// The reason's stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotExpected => "not_expected",
            Self::Impersonation => "impersonation",
            Self::Misleading => "misleading",
            Self::Other => "other",
        }
    }
}

/// Body of `POST /v1/requests/{id}/report`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportRequest {
    /// What is wrong.
    pub reason: ReportReason,
    /// In the payer's own words, at most 280 characters; for the operator only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}
