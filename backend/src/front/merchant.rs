//! The merchants that a front has taken on, and the keys it pinned for them then.
//!
//! An order's signature is checked with the key pinned here, never with one a message brought.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use envelope::{Merchant, VerifyingKey};
use payment::{Currency, MerchantId};
use serde::Deserialize;

use crate::keys::KeysError;

/// The file of pinned merchants within the front's folder, made at onboarding.
pub const FILE_NAME: &str = "merchants.json";

/// What a front keeps of a merchant from onboarding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedMerchant {
    /// The key its orders are signed with.
    pub key: VerifyingKey<Merchant>,
    /// Its verified name.
    pub display_name: String,
    /// The currency it is paid in.
    pub currency: Currency,
}

/// One entry of the file: the key in base64url with its id, so that a mix-up shows.
#[derive(Deserialize)]
struct Entry {
    signing_key: String,
    kid: String,
    merchant_id: MerchantId,
    display_name: String,
    currency: Currency,
}

/// All merchants of a front.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MerchantBook(BTreeMap<MerchantId, PinnedMerchant>);

impl MerchantBook {
    /// Reads the book of a front's folder.
    ///
    /// # Errors
    /// When the file cannot be read or does not agree with itself.
    pub fn load(front_dir: &Path) -> Result<Self, KeysError> {
        let path = front_dir.join(FILE_NAME);
        let bytes = std::fs::read(&path).map_err(|source| KeysError::File { path: path.clone(), source })?;
        Self::parse(&bytes).map_err(|what| KeysError::Malformed { path: PathBuf::from(FILE_NAME), what })
    }

    fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let entries: BTreeMap<MerchantId, Entry> = serde_json::from_slice(json).map_err(|_| "not JSON as expected")?;
        let pinned = entries.into_iter().map(|(merchant_id, entry)| {
            let key = VerifyingKey::<Merchant>::from_base64url(&entry.signing_key);
            let key = key.map_err(|_| "not a merchant's key")?;
            if key.kid() != entry.kid || merchant_id != entry.merchant_id {
                return Err("an entry that does not agree with itself");
            }
            Ok((merchant_id, PinnedMerchant { key, display_name: entry.display_name, currency: entry.currency }))
        });
        pinned.collect::<Result<_, _>>().map(Self)
    }

    /// A merchant, if the front has taken it on.
    pub fn get(&self, merchant_id: &MerchantId) -> Option<&PinnedMerchant> {
        self.0.get(merchant_id)
    }

    /// The merchant with this card acceptor code (DE 42), when there is exactly one.
    pub fn by_acceptor_code(&self, code: &str) -> Option<(&MerchantId, &PinnedMerchant)> {
        let mut matching = self.iter().filter(|(id, _)| acceptor_code(id).trim_end() == code.trim_end());
        let found = matching.next()?;
        matching.next().is_none().then_some(found)
    }

    /// Every merchant.
    pub fn iter(&self) -> impl Iterator<Item = (&MerchantId, &PinnedMerchant)> {
        self.0.iter()
    }
}

/// The card acceptor identification code (ISO 8583 DE 42) of a merchant: the first fifteen
/// characters of its id, padded with spaces.
pub fn acceptor_code(merchant_id: &MerchantId) -> String {
    format!("{:<15.15}", merchant_id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kid: &str, id: &str) -> Vec<u8> {
        let key = envelope::SigningKey::<Merchant>::from_bytes(&[1; 32]);
        let kid = if kid.is_empty() { key.kid() } else { kid };
        let facts = serde_json::json!({
            "signing_key": key.public().to_base64url(), "kid": kid, "merchant_id": id,
            "display_name": "Blue Door Café", "mcc": "5814", "country": "US", "currency": "USD",
        });
        serde_json::to_vec(&serde_json::json!({ "blue-door": facts })).unwrap()
    }

    #[test]
    fn an_entry_must_agree_with_itself() {
        let book = MerchantBook::parse(&entry("", "blue-door")).unwrap();
        assert_eq!(book.get(&"blue-door".parse().unwrap()).unwrap().display_name, "Blue Door Café");
        assert!(MerchantBook::parse(&entry("merchant.other", "blue-door")).is_err());
        assert!(MerchantBook::parse(&entry("", "red-door")).is_err());
        assert!(MerchantBook::parse(b"[]").is_err());
    }

    #[test]
    fn acceptor_codes_are_fifteen_characters() {
        assert_eq!(acceptor_code(&"blue-door".parse().unwrap()), "blue-door      ");
        assert_eq!(acceptor_code(&"a-merchant-with-a-long-name".parse().unwrap()), "a-merchant-with");
    }
}
