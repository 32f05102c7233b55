//! The keys of an issuer whose cards this bank has: for cryptograms, for scripts, and for stripes.

use envelope::Pan;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::key::{KeyKind, StoredKey};
use crate::bank_front::error::BankError;

/// Digits of the prefix by which a new issuer is known.
const IIN_DIGITS: usize = 6;

/// An issuer's master key for application cryptograms, and the cards it is for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerKey {
    /// Issuer prefix, six to eight digits.
    pub(super) iin: String,
    master_key: StoredKey,
    /// The issuer's key for the MACs of scripts; the one for cryptograms when it has no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script_key: Option<StoredKey>,
    /// The key of the values on the issuer's stripes; an issuer without one has no stripes that can pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification_key: Option<StoredKey>,
}

impl IssuerKey {
    /// A key that was given by the scheme or by a test card.
    pub fn new(iin: &str, master_key: &[u8; 16]) -> Self {
        let master_key = StoredKey::of(KeyKind::IssuerCryptogram, master_key);
        Self { iin: iin.to_owned(), master_key, script_key: None, verification_key: None }
    }

    /// The key of the issuer of this card number, known by the number's first six digits.
    pub fn of_card(pan: &Pan, master_key: &[u8; 16]) -> Result<Self, BankError> {
        let iin = pan.expose_ascii().get(..IIN_DIGITS).and_then(|iin| std::str::from_utf8(iin).ok());
        Ok(Self::new(iin.ok_or(BankError::Malformed("a card number"))?, master_key))
    }

    /// The prefix of its cards, six to eight digits.
    pub fn iin(&self) -> &str {
        &self.iin
    }

    /// The same issuer with the key of its stripes (CVK).
    #[must_use]
    pub fn with_verification_key(mut self, key: &[u8; 16]) -> Self {
        self.verification_key = Some(StoredKey::of(KeyKind::CardVerification, key));
        self
    }

    /// The same issuer with a key for scripts.
    #[must_use]
    pub fn with_script_key(mut self, key: &[u8; 16]) -> Self {
        self.script_key = Some(StoredKey::of(KeyKind::IssuerScript, key));
        self
    }

    pub(super) fn expose_script_key(&self) -> Result<[u8; 16], BankError> {
        match &self.script_key {
            Some(key) => key.expose(KeyKind::IssuerScript),
            None => self.master_key.expose(KeyKind::IssuerCryptogram),
        }
        .map(|key| *key)
    }

    pub(super) fn expose_verification_key(&self) -> Result<Option<Zeroizing<[u8; 16]>>, BankError> {
        self.verification_key.as_ref().map(|key| key.expose(KeyKind::CardVerification)).transpose()
    }

    /// Takes over the keys it has not yet; whether there were any. One that it has must be the same.
    pub(super) fn complete(&mut self, other: Self) -> Result<bool, BankError> {
        let kind = KeyKind::IssuerCryptogram;
        let same = self.master_key.expose::<16>(kind)?.ct_eq(&*other.master_key.expose::<16>(kind)?);
        let Self { iin, script_key, verification_key, .. } = other;
        if !bool::from(same) {
            return Err(BankError::IssuerKnown(iin));
        }
        let mut any = false;
        let scripts = (KeyKind::IssuerScript, &mut self.script_key, script_key);
        let stripes = (KeyKind::CardVerification, &mut self.verification_key, verification_key);
        for (kind, known, key) in [scripts, stripes] {
            match (known.as_ref(), key) {
                (_, None) => {}
                (None, key) => {
                    *known = key;
                    any = true;
                }
                (Some(known), Some(key)) => {
                    let same = known.expose::<16>(kind)?.ct_eq(&*key.expose::<16>(kind)?);
                    if !bool::from(same) {
                        return Err(BankError::IssuerKnown(iin));
                    }
                }
            }
        }
        Ok(any)
    }

    /// Every key it has.
    pub(super) fn keys(&self) -> impl Iterator<Item = &StoredKey> {
        [Some(&self.master_key), self.script_key.as_ref(), self.verification_key.as_ref()].into_iter().flatten()
    }

    pub(super) fn expose_key(&self) -> Result<[u8; 16], BankError> {
        self.master_key.expose(KeyKind::IssuerCryptogram).map(|key| *key)
    }
}
