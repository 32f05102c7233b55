//! Opaque carriers of sealed bytes: this crate moves them and cannot look inside.

use serde::{Deserialize, Serialize};

/// A capsule as it travels in JSON: key id, encapsulated key and ciphertext, each base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedText {
    /// Which key it is sealed to.
    pub kid: String,
    /// The encapsulated key (RFC 9180 section 4.1), 32 bytes.
    pub enc: String,
    /// The ciphertext with its tag.
    pub ciphertext: String,
}
