//! Counters: one printed QR a till, which leads to whatever the till is asking for now.

use payment::RequestId;
use serde::{Deserialize, Serialize};

/// Body of `POST /v1/counters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateCounter {
    /// What the merchant calls it, such as `Till 2`.
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 100,
            pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
        )
    )]
    pub name: String,
    /// X25519 public key that this counter's requests are sealed to, base64url. Its private key exists only in the
    /// fragment of the printed link, which the merchant makes.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"))]
    pub sealing_key: String,
}

/// A counter as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CounterView {
    /// The counter.
    pub id: String,
    /// What the merchant calls it.
    pub name: String,
    /// What stands in the printed link's path: `/c/<token>`.
    pub token: String,
    /// The request shown there now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub request_id: Option<RequestId>,
    /// When it was made.
    pub created_ms: u64,
}

/// Answer of `GET /v1/counters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountersView {
    /// Oldest first.
    pub counters: Vec<CounterView>,
}
