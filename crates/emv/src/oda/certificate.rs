//! The chain of certificates: authority, issuer, card (Book 2 sections 5.3, 5.4, 6.3 and 6.4).

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::oda::rsa::PublicKey;
use crate::oda::{CaKeys, Fault};
use crate::tag::Tag;

/// SHA-1 in bytes, and its algorithm indicator (Book 2 annex B).
const HASH_BYTES: usize = 20;
const SHA_1: u8 = 0x01;
/// RSA's algorithm indicator.
const RSA: u8 = 0x01;
/// What begins and ends everything that is recovered.
const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;
/// What fills a modulus that is shorter than its field.
const FILLER: u8 = 0xBB;

/// Bytes of an issuer certificate that are not its key, and of a card's (Book 2 tables 6 and 14).
const ISSUER_OVERHEAD: usize = 36;
const CARD_OVERHEAD: usize = 42;

/// What the chain is followed with: the card's objects, the terminal's keys and date.
pub struct Chain<'a> {
    /// Registered identifier of the application.
    pub rid: [u8; 5],
    /// What the terminal knows.
    pub keys: &'a CaKeys,
    /// Digits of the card number.
    pub pan_digits: &'a str,
    /// The date, packed digits YYMM.
    pub today_yymm: [u8; 2],
    /// The card's objects: 8F, 90, 92, 9F32, 9F46, 9F47, 9F48.
    pub object: &'a dyn Fn(Tag) -> Option<&'a [u8]>,
    /// Static data to be authenticated: the signed records and, where 9F4A says so, the AIP (Book 3 section 10.3).
    pub static_data: &'a [u8],
}

/// What a signature was recovered to, with its frame checked: header, format, trailer and hash algorithm. A card's
/// certificate holds its number, so it is wiped.
pub(super) struct Recovered(Zeroizing<Vec<u8>>);

impl Recovered {
    /// `hash_at` is where the hash algorithm indicator stands.
    pub(super) fn open(key: &PublicKey, signature: &[u8], formats: &[u8], hash_at: usize) -> Option<Self> {
        let recovered = Zeroizing::new(key.recover(signature)?);
        let framed = recovered.len() > HASH_BYTES + 2 + hash_at
            && recovered[0] == HEADER
            && formats.contains(&recovered[1])
            && recovered[recovered.len() - 1] == TRAILER
            && recovered[hash_at] == SHA_1;
        framed.then_some(Self(recovered))
    }

    /// Whether the hash inside is that over the rest of it and what follows outside.
    pub(super) fn hash_matches(&self, outside: &[&[u8]]) -> bool {
        let end = self.0.len() - HASH_BYTES - 1;
        let mut hash = Sha1::new().chain_update(&self.0[1..end]);
        for part in outside {
            hash.update(part);
        }
        hash.finalize().as_slice() == &self.0[end..self.0.len() - 1]
    }

    /// Everything but header, hash and trailer; the format is its first byte.
    pub(super) fn body(&self) -> &[u8] {
        &self.0[1..self.0.len() - HASH_BYTES - 1]
    }
}

impl Chain<'_> {
    /// The issuer's key, out of 90, 92 and 9F32.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn issuer_key(&self) -> Result<PublicKey, Fault> {
        let authority = match self.needed(Tag::CA_INDEX)? {
            [index] => self.keys.find(self.rid, *index).ok_or(Fault::UnknownAuthority)?,
            _ => return Err(Fault::Missing),
        };
        let certificate = self.needed(Tag::ISSUER_CERTIFICATE)?;
        let exponent = self.needed(Tag::ISSUER_EXPONENT)?;
        let remainder = (self.object)(Tag::ISSUER_REMAINDER).unwrap_or_default();
        let recovered = Recovered::open(authority, certificate, &[0x02], 11).ok_or(Fault::IssuerCertificate)?;
        // Format, issuer identifier, expiry MMYY, serial number, hash, RSA, length of key, length of exponent.
        let [_, id @ ..] = recovered.body() else { return Err(Fault::IssuerCertificate) };
        let (identifier, rest) = id.split_first_chunk::<4>().ok_or(Fault::IssuerCertificate)?;
        let [month, year, _, _, _, _, algorithm, length, exponent_length, digits @ ..] = rest else {
            return Err(Fault::IssuerCertificate);
        };
        let sound = recovered.hash_matches(&[remainder, exponent])
            && *algorithm == RSA
            && usize::from(*exponent_length) == exponent.len()
            && is_issuer_of(*identifier, self.pan_digits);
        if !sound {
            return Err(Fault::IssuerCertificate);
        }
        if is_past([*month, *year], self.today_yymm) {
            return Err(Fault::Expired);
        }
        debug_assert_eq!(digits.len() + ISSUER_OVERHEAD, authority.length());
        key_of(digits, usize::from(*length), remainder, exponent).ok_or(Fault::IssuerCertificate)
    }

    /// The card's own key, out of 9F46, 9F48 and 9F47, under the issuer's.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn card_key(&self) -> Result<PublicKey, Fault> {
        // All that is needed is looked for first: a missing object is told apart from a wrong one (Book 3 section 7.2).
        let certificate = self.needed(Tag::CARD_CERTIFICATE)?;
        let exponent = self.needed(Tag::CARD_EXPONENT)?;
        let issuer = self.issuer_key()?;
        let remainder = (self.object)(Tag::CARD_REMAINDER).unwrap_or_default();
        let recovered = Recovered::open(&issuer, certificate, &[0x04], 17).ok_or(Fault::CardCertificate)?;
        // Format, card number, expiry MMYY, serial number, hash, RSA, length of key, length of exponent.
        let [_, number @ ..] = recovered.body() else { return Err(Fault::CardCertificate) };
        let (number, rest) = number.split_first_chunk::<10>().ok_or(Fault::CardCertificate)?;
        let [month, year, _, _, _, _, algorithm, length, exponent_length, digits @ ..] = rest else {
            return Err(Fault::CardCertificate);
        };
        let sound = recovered.hash_matches(&[remainder, exponent, self.static_data])
            && *algorithm == RSA
            && usize::from(*exponent_length) == exponent.len()
            && is_number(*number, self.pan_digits);
        if !sound {
            return Err(Fault::CardCertificate);
        }
        if is_past([*month, *year], self.today_yymm) {
            return Err(Fault::Expired);
        }
        debug_assert_eq!(digits.len() + CARD_OVERHEAD, issuer.length());
        key_of(digits, usize::from(*length), remainder, exponent).ok_or(Fault::CardCertificate)
    }

    fn needed(&self, tag: Tag) -> Result<&[u8], Fault> {
        (self.object)(tag).filter(|value| !value.is_empty()).ok_or(Fault::Missing)
    }
}

/// The key whose leftmost digits are in the certificate: filled up when it is shorter than its field, else
/// continued in the remainder.
fn key_of(digits: &[u8], length: usize, remainder: &[u8], exponent: &[u8]) -> Option<PublicKey> {
    match digits.split_at_checked(length) {
        Some((modulus, filler)) => {
            let filled = filler.iter().all(|byte| *byte == FILLER) && remainder.is_empty();
            if filled { PublicKey::new(modulus, exponent) } else { None }
        }
        None if digits.len() + remainder.len() == length => PublicKey::new(&[digits, remainder].concat(), exponent),
        None => None,
    }
}

/// Whether an issuer identifier is the leftmost 3 to 8 digits of the number, filled with F (Book 2 section 5.3).
fn is_issuer_of(identifier: [u8; 4], pan_digits: &str) -> bool {
    let nibbles: Vec<u8> = identifier.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect();
    let length = nibbles.iter().position(|nibble| *nibble == 0x0F).unwrap_or(nibbles.len());
    length >= 3
        && nibbles[length..].iter().all(|nibble| *nibble == 0x0F)
        && pan_digits.len() >= length
        && pan_digits.bytes().zip(&nibbles[..length]).all(|(digit, nibble)| digit.wrapping_sub(b'0') == *nibble)
}

/// Whether ten bytes are the number, filled with F.
fn is_number(packed: [u8; 10], pan_digits: &str) -> bool {
    let nibbles = packed.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let digits = pan_digits.bytes().map(|digit| digit.wrapping_sub(b'0')).chain(std::iter::repeat(0x0F));
    pan_digits.len() <= 2 * packed.len() && nibbles.zip(digits).all(|(nibble, digit)| nibble == digit)
}

/// Whether a month MMYY is over. Years below 50 are this century's (Book 4 section 6.7.3).
fn is_past(mmyy: [u8; 2], today_yymm: [u8; 2]) -> bool {
    let century = |year: u8| u16::from(year >= 0x50);
    let [month, year] = mmyy;
    let rank = |year: u8, month: u8| (1 - century(year), year, month);
    rank(year, month) < rank(today_yymm[0], today_yymm[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_identifiers_are_left_aligned() {
        assert!(is_issuer_of([0x42, 0x76, 0x55, 0xFF], "4276550000000000"));
        assert!(is_issuer_of([0x42, 0x7F, 0xFF, 0xFF], "4276550000000000"));
        assert!(!is_issuer_of([0x42, 0xFF, 0xFF, 0xFF], "4276550000000000"), "two digits are too few");
        assert!(!is_issuer_of([0x42, 0x77, 0x55, 0xFF], "4276550000000000"));
        assert!(!is_issuer_of([0x42, 0xF6, 0x55, 0xFF], "4276550000000000"));
        assert!(!is_issuer_of([0x42, 0x76, 0x55, 0x00], "427655"));
    }

    #[test]
    fn months_end_with_their_last_day() {
        assert!(!is_past([0x11, 0x26], [0x26, 0x11]));
        assert!(is_past([0x10, 0x26], [0x26, 0x11]));
        assert!(is_past([0x12, 0x99], [0x26, 0x11]), "1999");
        assert!(!is_past([0x01, 0x49], [0x26, 0x11]), "2049");
    }
}
