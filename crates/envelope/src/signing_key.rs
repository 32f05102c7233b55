//! Ed25519 keys that sign and verify (RFC 8032), with the signer's role in the type.

use std::marker::PhantomData;

use ed25519_dalek::Signer;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encoding::{array_from_base64url, base64url, fingerprint};
use crate::error::KeyError;
use crate::jwk::{Jwk, KeyUse};
use crate::sealing_key::kid;
use crate::secret::SecretArray;

/// Length of a public key and of a secret seed, in bytes (RFC 8032, section 5.1.5).
const KEY_LEN: usize = 32;
/// Length of a signature, in bytes (RFC 8032, section 5.1.6).
pub(crate) const SIGNATURE_LEN: usize = 64;

mod private {
    pub trait Sealed {}
}

/// Who signs. Only this crate makes roles.
pub trait SigningRole: private::Sealed {
    /// The first part of every `kid` in this role.
    const KID_PREFIX: &'static str;
}

macro_rules! signing_role {
    ($(#[$doc:meta])* $role:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $role {}
        impl private::Sealed for $role {}
        impl SigningRole for $role {
            const KID_PREFIX: &'static str = $prefix;
        }
    };
}

signing_role!(
    /// Role: the operator's trust root, which signs keysets.
    OperatorRoot,
    "operator-root"
);
signing_role!(
    /// Role: a bank's own trust root, which signs that bank's certificates.
    BankRoot,
    "bank-root"
);
signing_role!(
    /// Role: a merchant, which signs orders.
    Merchant,
    "merchant"
);
signing_role!(
    /// Role: a bank's outcome key, which signs what became of an attempt.
    BankOutcome,
    "bank-outcome"
);
signing_role!(
    /// Role: a vault, which signs what it releases to a bank.
    VaultRelease,
    "vault-release"
);
signing_role!(
    /// Role: a payer's device, which signs submissions, HTTP calls, and large payments by voucher.
    Device,
    "device"
);
signing_role!(
    /// Role: a telephone subscriber, which signs payments on its bill.
    Subscriber,
    "subscriber"
);

/// A public key that verifies signatures of role `R`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey<R: SigningRole> {
    key: ed25519_dalek::VerifyingKey,
    kid: String,
    role: PhantomData<R>,
}

impl<R: SigningRole> VerifyingKey<R> {
    /// The key with these bytes. Bytes that are no curve point, or a point of small order, are refused.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Encoding)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self::from_point(key))
    }

    fn from_point(key: ed25519_dalek::VerifyingKey) -> Self {
        Self { kid: kid(R::KID_PREFIX, key.as_bytes()), key, role: PhantomData }
    }

    /// The key's 32 bytes.
    pub fn to_bytes(&self) -> [u8; KEY_LEN] {
        self.key.to_bytes()
    }

    /// The key from base64url without padding.
    pub fn from_base64url(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(&array_from_base64url(text).ok_or(KeyError::Encoding)?)
    }

    /// The key in base64url without padding.
    pub fn to_base64url(&self) -> String {
        base64url(self.key.as_bytes())
    }

    /// The key's identifier: the role, then the first half of a SHA-256 over role and key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// SHA-256 over the key, as sixteen groups of four hexadecimal digits, for people to compare.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.key.as_bytes())
    }

    /// The key as a JWK.
    pub fn to_jwk(&self) -> Jwk {
        Jwk::new(KeyUse::Sign, &self.kid, self.key.as_bytes())
    }

    /// The key of a JWK, whose `kid` must be this key's in this role.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let key = Self::from_bytes(&jwk.bytes(KeyUse::Sign)?)?;
        if key.kid == jwk.kid { Ok(key) } else { Err(KeyError::WrongRole) }
    }

    /// Strict verification: no small-order points, no malleable signatures.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        self.key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

impl<R: SigningRole> Serialize for VerifyingKey<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_jwk().serialize(serializer)
    }
}

impl<'de, R: SigningRole> Deserialize<'de> for VerifyingKey<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_jwk(&Jwk::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A secret key that signs in role `R`. Wiped when dropped.
pub struct SigningKey<R: SigningRole> {
    // On the heap, so that moving the key leaves no copy of the seed behind.
    key: Box<ed25519_dalek::SigningKey>,
    public: VerifyingKey<R>,
}

impl<R: SigningRole> SigningKey<R> {
    /// A new key from the operating system's generator.
    pub fn generate() -> Self {
        Self::from_bytes(SecretArray::random().expose())
    }

    /// The key with this seed, as [`SigningKey::expose_bytes`] gave it to a key file. The caller wipes its
    /// own copy.
    pub fn from_bytes(seed: &[u8; KEY_LEN]) -> Self {
        let key = Box::new(ed25519_dalek::SigningKey::from_bytes(seed));
        let public = VerifyingKey::from_point(key.verifying_key());
        Self { key, public }
    }

    /// The secret seed, for the key file or the keyring only.
    pub fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        self.key.as_bytes()
    }

    /// The public key.
    pub fn public(&self) -> &VerifyingKey<R> {
        &self.public
    }

    /// The public key's identifier.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// Signs bytes. Every caller in this crate puts a label of its own first, so that a signature made for
    /// one purpose never fits another.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.key.sign(message).to_bytes()
    }
}

#[cfg(test)]
mod tests;
