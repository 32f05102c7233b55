//! Offline data authentication from the card's side: test keys, certificates and signatures (Book 2 sections 5 and 6).
//!
//! All keys here are test keys whose private halves are in the source. A terminal believes these cards only when it is
//! given [`test_ca_keys`].

mod certificates;
mod keys;

use emv::oda::CaKeys;
use sha1::{Digest, Sha1};

pub(crate) use certificates::{CardFacts, Certificates};
use keys::PrivateKey;

/// The certification authority's public keys, as a terminal loads them.
const TEST_CA: &str = include_str!("../keys/test_ca.txt");

/// SHA-1, its indicator in signed data, and the bytes around it: header, format, hash indicator, trailer.
const SHA_1: u8 = 0x01;
const HASH_BYTES: usize = 20;

/// The text a terminal loads to believe these cards, one key a line. For tests and demos only.
pub fn test_ca_text() -> &'static str {
    TEST_CA
}

/// The certification authority of these cards. For tests and demos only: its private key is public.
pub fn test_ca_keys() -> CaKeys {
    CaKeys::parse(TEST_CA).expect("the file is checked by a test")
}

/// What a public key will recover: header, content, hash over the content and what follows outside, trailer
/// (Book 2 annex A2.1).
fn framed(key: &PrivateKey, content: &[u8], outside: &[&[u8]]) -> Vec<u8> {
    debug_assert_eq!(content.len() + HASH_BYTES + 2, key.length());
    let mut hash = Sha1::new().chain_update(content);
    for part in outside {
        hash.update(part);
    }
    [&[0x6A][..], content, &hash.finalize(), &[0xBC]].concat()
}

/// Signed dynamic data: format, hash indicator, length, data, filler (Book 2 tables 15 and 18).
pub(crate) fn signed_dynamic_data(format: u8, data: &[u8], outside: &[&[u8]]) -> Vec<u8> {
    let key = keys::card();
    let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
    let mut content = [&[format, SHA_1, length][..], data].concat();
    content.resize(key.length() - HASH_BYTES - 2, 0xBB);
    key.sign(&framed(key, &content, outside))
}
