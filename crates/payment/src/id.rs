//! Identifiers: UUIDv7 newtypes, one per noun, and the merchant's name on the wire.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not the identifier it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct InvalidId {
    what: &'static str,
}

impl InvalidId {
    /// A text that is not this.
    pub(crate) const fn named(what: &'static str) -> Self {
        Self { what }
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id from the time and ten random bytes (RFC 9562, UUIDv7).
            pub fn from_parts(now_ms: u64, random: &[u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(now_ms, random).into_uuid())
            }

            /// The id with these sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId { what: $what })
            }
        }
    };
}

uuid_id!(
    /// One payment request: what the merchant asks for. Made by the merchant.
    RequestId, "request id"
);
uuid_id!(
    /// One try to pay a request. Made by the wallet, and its idempotency key.
    AttemptId, "attempt id"
);
uuid_id!(
    /// One refund of a paid request. Made by the merchant, and its idempotency key.
    RefundId, "refund id"
);
uuid_id!(
    /// One device that holds a wallet. Made by the wallet.
    DeviceId, "device id"
);

/// A merchant's name on the wire: 3 to 32 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MerchantId(String);

impl MerchantId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MerchantId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let fits = (3..=32).contains(&text.len());
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if fits && text.bytes().all(allowed) { Ok(Self(text)) } else { Err(InvalidId { what: "merchant id" }) }
    }
}

impl FromStr for MerchantId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::try_from(text.to_owned())
    }
}

impl From<MerchantId> for String {
    fn from(id: MerchantId) -> Self {
        id.0
    }
}

impl fmt::Display for MerchantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_round_trip() {
        let early = RequestId::from_parts(1_000, &[0xff; 10]);
        let late = RequestId::from_parts(2_000, &[0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(early.as_bytes()[6] >> 4, 7, "version 7");
    }

    #[test]
    fn merchant_ids_are_plain() {
        assert!("blue-door".parse::<MerchantId>().is_ok());
        for bad in ["ab", "Blue", "a b c", "épicerie", &"x".repeat(33)] {
            assert!(bad.parse::<MerchantId>().is_err(), "{bad}");
        }
    }
}
