//! The test keys, and RSA with them.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use serde::Deserialize;

/// Public exponent of every key here.
pub(super) const EXPONENT: [u8; 1] = [0x03];

/// Signatures made at personalisation, by what was signed. A card is personalised once; tests make the same card
/// thousands of times.
static PERSONALISED: LazyLock<Mutex<HashMap<Vec<u8>, Vec<u8>>>> = LazyLock::new(Mutex::default);

/// Most of them that are kept.
const PERSONALISED_MAX: usize = 1_024;

/// The keys as generated.
static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../../keys/test_keys.toml")).expect("the file is checked by a test");
    let index = u8::from_str_radix(&file.index, 16).expect("the file is checked by a test");
    let key = |key: &KeyText| PrivateKey::read(key).expect("the file is checked by a test");
    Keys { index, authority: key(&file.authority), issuer: key(&file.issuer), card: key(&file.card) }
});

struct Keys {
    index: u8,
    authority: PrivateKey,
    issuer: PrivateKey,
    card: PrivateKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    index: String,
    authority: KeyText,
    issuer: KeyText,
    card: KeyText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    modulus: String,
    private_exponent: String,
}

/// A private RSA key. A test key: it is public.
pub(super) struct PrivateKey {
    modulus: Vec<u8>,
    exponent: BoxedUint,
    parameters: BoxedMontyParams,
}

/// Index of the authority's key, tag 8F.
pub(super) fn authority_index() -> u8 {
    KEYS.index
}

pub(super) fn authority() -> &'static PrivateKey {
    &KEYS.authority
}

pub(super) fn issuer() -> &'static PrivateKey {
    &KEYS.issuer
}

pub(super) fn card() -> &'static PrivateKey {
    &KEYS.card
}

impl PrivateKey {
    fn read(text: &KeyText) -> Option<Self> {
        let modulus = hex::decode(&text.modulus).ok()?;
        let bits = u32::try_from(modulus.len() * 8).ok()?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits).ok();
        let odd: Odd<BoxedUint> = number(&modulus)?.into_odd().into_option()?;
        let exponent = number(&hex::decode(&text.private_exponent).ok()?)?;
        Some(Self { modulus, exponent, parameters: BoxedMontyParams::new(odd) })
    }

    /// Length of the modulus, in bytes.
    pub(super) fn length(&self) -> usize {
        self.modulus.len()
    }

    pub(super) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The private operation for what never changes: a certificate, static data.
    pub(super) fn sign_once(&self, padded: &[u8]) -> Vec<u8> {
        let known = || PERSONALISED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signature) = known().get(padded) {
            return signature.clone();
        }
        let signature = self.sign(padded);
        let mut known = known();
        if known.len() < PERSONALISED_MAX {
            known.insert(padded.to_vec(), signature.clone());
        }
        signature
    }

    /// The private operation, over a number as long as the modulus and below it.
    pub(super) fn sign(&self, padded: &[u8]) -> Vec<u8> {
        let bits = self.parameters.bits_precision();
        let number = BoxedUint::from_be_slice(padded, bits).expect("as long as the modulus");
        let signature = BoxedMontyForm::new(number, &self.parameters).pow(&self.exponent).retrieve().to_be_bytes();
        signature[signature.len() - self.length()..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use emv::oda::PublicKey;

    use super::*;

    #[test]
    fn what_a_private_key_signs_its_public_key_recovers() {
        for (key, bytes) in [(authority(), 176), (issuer(), 144), (card(), 128)] {
            assert_eq!(key.length(), bytes);
            let number: Vec<u8> = [&[0x6A][..], &vec![0x5C; bytes - 2], &[0xBC]].concat();
            let public = PublicKey::new(key.modulus(), &EXPONENT).unwrap();
            assert_eq!(public.recover(&key.sign(&number)).unwrap(), number);
        }
    }

    #[test]
    fn the_published_authority_is_the_one_that_signs() {
        let keys = crate::oda::test_ca_keys();
        assert_eq!(keys.len(), 8);
        for (name, _) in crate::BUILT_IN {
            let profile = crate::Profile::built_in(name).unwrap();
            let rid = *profile.applications[0].aid().first_chunk::<5>().unwrap();
            assert_eq!(keys.find(rid, authority_index()).unwrap().modulus(), authority().modulus(), "{name}");
        }
        let schemes = emv::oda::CaKeys::with_scheme_tests();
        let own = emv::oda::CaKeys::parse(crate::oda::test_ca_text()).unwrap();
        assert_eq!(schemes.clone().and(&own).len(), schemes.len() + own.len(), "no scheme has a key of this index");
    }
}
