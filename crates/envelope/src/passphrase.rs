//! What opens with a passphrase: Argon2id (RFC 9106) makes a key of it, AES-256-GCM seals the content.
//!
//! `TAPSEALP ‖ version 1 ‖ memory in KiB ‖ passes ‖ lanes ‖ salt ‖ nonce ‖ content and tag`, numbers as four bytes
//! big-endian. Everything in front of the nonce is part of the additional data of the seal, and so is the place. The
//! costs have bounds in both directions: a changed header can make nobody derive for hours, and none is worth less than
//! was written.
//!
//! A passphrase is taken as RFC 8265, section 4.2 (`OpaqueString`) prepares it: every space is U+0020, and the text is in
//! Unicode's form NFC, so that one keyboard's é is another's. Case, width and order are the person's own.

use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::error::{OpenError, SealError};
use crate::rest::RestKey;
use crate::secret::{SecretArray, fill_random};

const MAGIC: &[u8; 9] = b"TAPSEALP\x01";
const SALT_LEN: usize = 16;
const KEY_LEN: usize = 32;
/// Bytes in front of the nonce.
const HEADER_LEN: usize = MAGIC.len() + 3 * 4 + SALT_LEN;
/// The longest that is looked at, in bytes.
const SEALED_LEN_MAX: usize = 32 * 1024;

/// What deriving a key costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// For what a person opens several times a day: 128 MiB, five passes, one lane. See ADR 0029 for what it takes.
    pub const INTERACTIVE: Self = Self { memory_kib: 128 * 1_024, passes: 5, lanes: 1 };
    /// The least that is accepted: for tests, which derive hundreds of keys.
    pub const LEAST: Self = Self { memory_kib: 8 * 1_024, passes: 1, lanes: 1 };
    /// The most that is accepted: a gibibyte, sixteen times over.
    const MOST: Self = Self { memory_kib: 1_024 * 1_024, passes: 16, lanes: 16 };

    fn is_within_bounds(self) -> bool {
        (Self::LEAST.memory_kib..=Self::MOST.memory_kib).contains(&self.memory_kib)
            && (Self::LEAST.passes..=Self::MOST.passes).contains(&self.passes)
            && (Self::LEAST.lanes..=Self::MOST.lanes).contains(&self.lanes)
    }
}

/// Seals `content` under a passphrase. `place` says what it is for: it opens as nothing else.
pub fn seal(passphrase: &str, cost: Cost, place: &[u8], content: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut header = [0; HEADER_LEN];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    let (numbers, salt) = rest.split_at_mut(3 * 4);
    magic.copy_from_slice(MAGIC);
    for (field, number) in numbers.chunks_exact_mut(4).zip([cost.memory_kib, cost.passes, cost.lanes]) {
        field.copy_from_slice(&number.to_be_bytes());
    }
    fill_random(salt);
    let key = derive(passphrase, &header).map_err(|_| SealError::TooLong("the passphrase"))?;
    Ok([header.as_slice(), &key.seal(&bound(&header, place), content)?].concat())
}

/// Opens what [`seal`] made, or fails without saying why.
pub fn open(passphrase: &str, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    if sealed.len() > SEALED_LEN_MAX {
        return Err(OpenError::Refused);
    }
    let (header, note) = sealed.split_first_chunk::<HEADER_LEN>().ok_or(OpenError::Refused)?;
    derive(passphrase, header)?.open(&bound(header, place), note)
}

/// What deriving the key of a sealed text costs; none when it is no such text, or its costs are out of bounds.
pub fn cost_of(sealed: &[u8]) -> Option<Cost> {
    cost_in(sealed.first_chunk()?)
}

fn cost_in(header: &[u8; HEADER_LEN]) -> Option<Cost> {
    let numbers = header.strip_prefix(MAGIC)?;
    let number = |at: usize| numbers[4 * at..].first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    let cost = Cost { memory_kib: number(0)?, passes: number(1)?, lanes: number(2)? };
    cost.is_within_bounds().then_some(cost)
}

fn derive(passphrase: &str, header: &[u8; HEADER_LEN]) -> Result<RestKey, OpenError> {
    let Cost { memory_kib, passes, lanes } = cost_in(header).ok_or(OpenError::Refused)?;
    let salt = &header[HEADER_LEN - SALT_LEN..];
    let params = Params::new(memory_kib, passes, lanes, Some(KEY_LEN)).map_err(|_| OpenError::Refused)?;
    let prepared = prepared(passphrase);
    let mut key = SecretArray::<KEY_LEN>::zeroed();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(prepared.as_bytes(), salt, key.expose_mut())
        .map_err(|_| OpenError::Refused)?;
    Ok(RestKey::from_bytes(key.expose()))
}

/// RFC 8265, section 4.2.2. The buffer never grows, so no copy is left behind: NFC makes no text more than three times
/// as long (Unicode Standard Annex 15, section 9).
fn prepared(passphrase: &str) -> Zeroizing<String> {
    let spaced = passphrase.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter });
    let mut text = Zeroizing::new(String::with_capacity(3 * passphrase.len()));
    text.extend(spaced.nfc());
    text
}

/// Header and place in one, so that neither can be changed.
fn bound(header: &[u8; HEADER_LEN], place: &[u8]) -> Vec<u8> {
    [header.as_slice(), place].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &[u8] = b"here";

    fn sealed() -> Vec<u8> {
        seal("amber lantern", Cost::LEAST, PLACE, b"content").unwrap()
    }

    #[test]
    fn it_opens_with_its_passphrase_in_its_place_and_not_otherwise() {
        let sealed = sealed();
        assert_eq!(open("amber lantern", PLACE, &sealed).unwrap().as_slice(), b"content");
        for (wrong, place) in
            [("amber lanterN", PLACE), ("amber lantern ", PLACE), ("", PLACE), ("amber lantern", b"there")]
        {
            assert_eq!(open(wrong, place, &sealed), Err(OpenError::Refused), "{wrong:?}");
        }
    }

    #[test]
    fn every_keyboards_spelling_is_one_passphrase() {
        let sealed = seal("caf\u{e9}\u{3000}\u{ac00}", Cost::LEAST, PLACE, b"content").unwrap();
        assert!(open("cafe\u{301}\u{a0}\u{1100}\u{1161}", PLACE, &sealed).is_ok(), "composed or not");
        assert!(open("cafe \u{ac00}", PLACE, &sealed).is_err(), "an accent counts");
        assert!(open("CAF\u{c9} \u{ac00}", PLACE, &sealed).is_err(), "case counts");
    }

    #[test]
    fn a_changed_or_cut_text_does_not_open() {
        let sealed = sealed();
        // A changed number of the header that is still within its bounds derives another key: its lowest bytes do.
        for at in (0..sealed.len()).filter(|at| !(MAGIC.len()..MAGIC.len() + 12).contains(at)) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open("amber lantern", PLACE, &changed), Err(OpenError::Refused), "byte {at}");
        }
        for len in 0..sealed.len() {
            assert_eq!(open("amber lantern", PLACE, &sealed[..len]), Err(OpenError::Refused), "cut to {len}");
        }
    }

    #[test]
    fn costs_have_bounds_on_both_sides() {
        let sealed = sealed();
        assert_eq!(cost_of(&sealed), Some(Cost::LEAST));
        for (field, value) in [(0, 0), (0, u32::MAX), (1, 0), (1, 17), (2, 0), (2, 17)] {
            let mut changed = sealed.clone();
            changed[MAGIC.len() + 4 * field..][..4].copy_from_slice(&u32::to_be_bytes(value));
            assert_eq!(cost_of(&changed), None, "field {field} = {value}");
            assert_eq!(open("amber lantern", PLACE, &changed), Err(OpenError::Refused), "nothing is derived");
        }
    }

    #[test]
    fn what_people_open_costs_what_it_should() {
        let sealed = seal("x", Cost::INTERACTIVE, PLACE, b"").unwrap();
        assert_eq!(cost_of(&sealed), Some(Cost { memory_kib: 131_072, passes: 5, lanes: 1 }));
    }
}
