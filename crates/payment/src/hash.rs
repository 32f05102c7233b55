//! The two hashes everything is bound to: of the order, and of one attempt to pay it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::id::AttemptId;

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 value in hexadecimal")]
pub struct InvalidHash;

macro_rules! bytes32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The value with these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidHash;

            fn from_str(text: &str) -> Result<Self, InvalidHash> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidHash)?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

bytes32!(
    /// SHA-256 over the canonical order that the merchant signed.
    OrderHash
);
bytes32!(
    /// SHA-256 over order hash, attempt id and wallet nonce: the inner seal's associated data.
    AttemptHash
);
bytes32!(
    /// SHA-256 over the canonical refund order that the merchant signed.
    RefundHash
);
bytes32!(
    /// Thirty-two random bytes the wallet draws for one attempt.
    WalletNonce
);

impl OrderHash {
    /// The hash of an order's canonical form (RFC 8785).
    pub fn of_canonical(canonical: &[u8]) -> Self {
        Self(Sha256::digest(canonical).into())
    }
}

impl RefundHash {
    /// The hash of a refund order's canonical form (RFC 8785).
    pub fn of_canonical(canonical: &[u8]) -> Self {
        Self(Sha256::digest(canonical).into())
    }
}

impl AttemptHash {
    /// Binds one attempt to its order: `SHA-256(order_hash ‖ attempt id ‖ wallet nonce)`.
    pub fn derive(order: &OrderHash, attempt: AttemptId, nonce: &WalletNonce) -> Self {
        let hash = Sha256::new().chain_update(order.0).chain_update(attempt.as_bytes()).chain_update(nonce.0);
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_matters() {
        let order = OrderHash::of_canonical(b"{}");
        let attempt = AttemptId::from_bytes([1; 16]);
        let nonce = WalletNonce::from_bytes([2; 32]);
        let hash = AttemptHash::derive(&order, attempt, &nonce);
        let other_order = AttemptHash::derive(&OrderHash::of_canonical(b"[]"), attempt, &nonce);
        let other_attempt = AttemptHash::derive(&order, AttemptId::from_bytes([3; 16]), &nonce);
        let other_nonce = AttemptHash::derive(&order, attempt, &WalletNonce::from_bytes([4; 32]));
        for other in [other_order, other_attempt, other_nonce] {
            assert_ne!(hash, other);
        }
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }

    #[test]
    fn the_published_sha_256_of_nothing() {
        let hash = OrderHash::of_canonical(b"");
        assert_eq!(hash.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
