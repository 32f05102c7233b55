//! What the issuer signs when it personalises a card: its own key's certificate, the card's, and the static data
//! (Book 2 tables 2, 3, 6 and 14).

use crate::oda::keys::{self, EXPONENT, PrivateKey};
use crate::oda::{SHA_1, framed};

/// RSA's indicator.
const RSA: u8 = 0x01;

/// Bytes of an issuer's certificate that are not its key, and of a card's.
const ISSUER_OVERHEAD: usize = 36;
const CARD_OVERHEAD: usize = 42;

/// Last month of the issuer's certificate, MMYY.
const ISSUER_EXPIRY: [u8; 2] = [0x12, 0x49];

/// What the certificates say about the card.
pub(crate) struct CardFacts<'a> {
    /// The card number.
    pub(crate) pan_digits: &'a str,
    /// Last month of the card, packed digits MMYY.
    pub(crate) expiry_mmyy: [u8; 2],
    /// Static data to be authenticated: the signed records and the AIP.
    pub(crate) static_data: &'a [u8],
}

/// The objects a terminal follows from the authority's key to the card's.
pub(crate) struct Certificates {
    /// 8F.
    pub(crate) authority_index: u8,
    /// 90.
    pub(crate) issuer: Vec<u8>,
    /// 92.
    pub(crate) issuer_remainder: Vec<u8>,
    /// 9F32.
    pub(crate) issuer_exponent: Vec<u8>,
    /// 9F46.
    pub(crate) card: Vec<u8>,
    /// 9F48.
    pub(crate) card_remainder: Vec<u8>,
    /// 9F47.
    pub(crate) card_exponent: Vec<u8>,
    /// 93.
    pub(crate) static_signature: Vec<u8>,
}

impl Certificates {
    /// Signs for one card.
    pub(crate) fn issue(facts: &CardFacts<'_>) -> Self {
        // The first six digits name the issuer, left-aligned and filled with F.
        let mut identifier: [u8; 4] = number(facts.pan_digits);
        identifier[3] = 0xFF;
        let (issuer, issuer_remainder) =
            certificate(keys::authority(), 0x02, &identifier, ISSUER_EXPIRY, keys::issuer(), ISSUER_OVERHEAD, &[]);
        let card_number: [u8; 10] = number(facts.pan_digits);
        let (card, card_remainder) = certificate(
            keys::issuer(),
            0x04,
            &card_number,
            facts.expiry_mmyy,
            keys::card(),
            CARD_OVERHEAD,
            facts.static_data,
        );
        Self {
            authority_index: keys::authority_index(),
            issuer,
            issuer_remainder,
            issuer_exponent: EXPONENT.to_vec(),
            card,
            card_remainder,
            card_exponent: EXPONENT.to_vec(),
            static_signature: static_signature(keys::issuer(), facts.static_data),
        }
    }
}

/// A certificate over a key, and the part of the key that did not fit.
fn certificate(
    signer: &PrivateKey,
    format: u8,
    whose: &[u8],
    expiry_mmyy: [u8; 2],
    key: &PrivateKey,
    overhead: usize,
    static_data: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let room = signer.length() - overhead;
    let (inside, remainder) = key.modulus().split_at(room.min(key.length()));
    let length = u8::try_from(key.length()).unwrap_or(u8::MAX);
    // Serial number 000001; one byte of exponent.
    let facts = [&expiry_mmyy[..], &[0x00, 0x00, 0x01, SHA_1, RSA, length, 0x01]].concat();
    let mut content = [&[format][..], whose, &facts, inside].concat();
    content.resize(content.len() + room - inside.len(), 0xBB);
    (signer.sign_once(&framed(signer, &content, &[remainder, &EXPONENT, static_data])), remainder.to_vec())
}

/// Signed static application data with a data authentication code of DAC1 (Book 2 table 3).
fn static_signature(issuer: &PrivateKey, static_data: &[u8]) -> Vec<u8> {
    let mut content = vec![0x03, SHA_1, 0xDA, 0xC1];
    content.resize(issuer.length() - super::HASH_BYTES - 2, 0xBB);
    issuer.sign_once(&framed(issuer, &content, &[static_data]))
}

/// The leftmost digits, packed and filled with F.
fn number<const N: usize>(digits: &str) -> [u8; N] {
    let mut nibbles = digits.bytes().map(|digit| digit - b'0').chain(std::iter::repeat(0xF));
    std::array::from_fn(|_| {
        let high = nibbles.next().unwrap_or(0xF);
        (high << 4) | nibbles.next().unwrap_or(0xF)
    })
}
