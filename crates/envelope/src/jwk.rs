//! Public keys as JSON Web Keys of type OKP (RFC 8037), the form they have in keysets and trust files.

use serde::{Deserialize, Serialize};

use crate::encoding::{array_from_base64url, base64url};
use crate::error::KeyError;

/// The only key type (RFC 8037, section 2).
pub(crate) const KTY_OKP: &str = "OKP";

/// What a public key may be used for: the JWK member `use` (RFC 7517, section 4.2) and the curve that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyUse {
    /// `sig`, on Ed25519.
    Sign,
    /// `enc`, on X25519.
    Seal,
}

impl KeyUse {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Sign => ("sig", "Ed25519"),
            Self::Seal => ("enc", "X25519"),
        }
    }
}

/// A public key as JSON: `{"kty":"OKP","crv":…,"use":…,"kid":…,"x":…}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// `X25519` or `Ed25519`.
    pub crv: String,
    /// `enc` or `sig`.
    #[serde(rename = "use")]
    pub key_use: String,
    /// The key's identifier, derived from its role and its bytes.
    pub kid: String,
    /// The key's 32 bytes in base64url without padding.
    pub x: String,
}

impl Jwk {
    pub(crate) fn new(key_use: KeyUse, kid: &str, bytes: &[u8; 32]) -> Self {
        let (use_name, curve) = key_use.names();
        Self {
            kty: KTY_OKP.to_owned(),
            crv: curve.to_owned(),
            key_use: use_name.to_owned(),
            kid: kid.to_owned(),
            x: base64url(bytes),
        }
    }

    /// The key's bytes, once type, curve and use are what `key_use` asks for.
    pub(crate) fn bytes(&self, key_use: KeyUse) -> Result<[u8; 32], KeyError> {
        let (use_name, curve) = key_use.names();
        if self.kty != KTY_OKP || self.crv != curve || self.key_use != use_name {
            return Err(KeyError::WrongRole);
        }
        array_from_base64url(&self.x).ok_or(KeyError::Encoding)
    }
}
