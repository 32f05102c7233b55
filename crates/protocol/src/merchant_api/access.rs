//! Who may call the merchant's API, and what for: API keys and client certificates with scopes.

use serde::{Deserialize, Serialize};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scope {
    /// See requests, deliveries, refunds and events.
    #[serde(rename = "requests:read")]
    RequestsRead,
    /// Ask for payments, cancel, resend.
    #[serde(rename = "requests:write")]
    RequestsWrite,
    /// Give money back.
    #[serde(rename = "refunds:write")]
    RefundsWrite,
    /// See and change webhooks.
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
    /// See and change API keys and certificates.
    #[serde(rename = "access:write")]
    AccessWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::RequestsRead, Self::RequestsWrite, Self::RefundsWrite, Self::WebhooksWrite, Self::AccessWrite];

    /// The scope's stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestsRead => "requests:read",
            Self::RequestsWrite => "requests:write",
            Self::RefundsWrite => "refunds:write",
            Self::WebhooksWrite => "webhooks:write",
            Self::AccessWrite => "access:write",
        }
    }

    /// The scope of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Body of `POST /v1/api-keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateApiKey {
    /// What the merchant calls it.
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 100,
            pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
        )
    )]
    pub name: String,
    /// What it may do; at most what its maker may.
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub scopes: Vec<Scope>,
}

/// Body of `POST /v1/certificates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateCertificate {
    /// What the merchant calls it.
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 100,
            pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
        )
    )]
    pub name: String,
    /// What its holder may do; at most what its maker may.
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub scopes: Vec<Scope>,
    /// The certificate (X.509 version 3) in PEM, self-signed or not.
    #[cfg_attr(feature = "openapi", schema(max_length = 16_384))]
    pub certificate: String,
}

/// An API key as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeyView {
    /// The key's id.
    pub id: String,
    /// What the merchant calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_ms: u64,
    /// When it was last used, to the hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub used_ms: Option<u64>,
    /// The key itself; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret: Option<String>,
}

/// A client certificate that stands for a merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CertificateView {
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
    /// What the merchant calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was registered.
    pub created_ms: u64,
}

/// Answer of `GET /v1/access`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessView {
    /// API keys, oldest first.
    pub api_keys: Vec<ApiKeyView>,
    /// Certificates, oldest first.
    pub certificates: Vec<CertificateView>,
}
