//! Confirmation numbers: what a purchase on a phone bill is looked up by, later, by payer and merchant.
//!
//! It is the approval code of the signed outcome (ISO 8583 DE 38), so it stands on every receipt without a field of its
//! own: five characters drawn at random, and one that tells a slip.

use std::fmt;
use std::str::FromStr;

use crate::id::InvalidId;

/// Its characters: none that is mistaken for another.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Characters that are drawn; one more is the check character.
pub const CONFIRMATION_DRAWN: usize = 5;

/// What a purchase is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfirmationNumber(String);

impl ConfirmationNumber {
    /// The number made of these random bytes.
    pub fn from_random(random: &[u8; CONFIRMATION_DRAWN]) -> Self {
        let drawn = random.map(|byte| byte % 32);
        let places = drawn.into_iter().chain([check_place(&drawn)]);
        Self(places.map(|place| char::from(ALPHABET[usize::from(place)])).collect())
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The place in the alphabet of the check character of the places before it: the hybrid system of ISO/IEC 7064 with 32
/// characters, MOD 33,32. Every single wrong character is noticed, and nearly every exchange of two neighbours.
fn check_place(drawn: &[u8]) -> u8 {
    let product = drawn.iter().fold(32, |product: u8, place| {
        let sum = (product + place) % 32;
        (if sum == 0 { 32 } else { sum }) * 2 % 33
    });
    (33 - product) % 32
}

impl FromStr for ConfirmationNumber {
    type Err = InvalidId;

    /// Reads a number in either case, with spaces or hyphens in it.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const WRONG: InvalidId = InvalidId::named("confirmation number");
        let plain: String =
            text.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect::<String>().to_ascii_uppercase();
        let place =
            |letter: u8| ALPHABET.iter().position(|known| *known == letter).and_then(|at| u8::try_from(at).ok());
        let places: Vec<u8> = plain.bytes().map(place).collect::<Option<_>>().ok_or(WRONG)?;
        match places.split_last() {
            Some((check, drawn)) if drawn.len() == CONFIRMATION_DRAWN && check_place(drawn) == *check => {
                Ok(Self(plain))
            }
            _ => Err(WRONG),
        }
    }
}

impl fmt::Display for ConfirmationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_wrong_character_is_noticed() {
        for seed in 0..=u8::MAX {
            let number = ConfirmationNumber::from_random(&[seed, seed.wrapping_mul(7), 3, seed ^ 0x55, 31]);
            assert_eq!(number.as_str().to_lowercase().parse(), Ok(number.clone()));
            for place in 0..=CONFIRMATION_DRAWN {
                for letter in ALPHABET {
                    let mut other = number.as_str().as_bytes().to_vec();
                    other[place] = *letter;
                    let other = String::from_utf8(other).unwrap();
                    assert_eq!(
                        other.parse::<ConfirmationNumber>().is_ok(),
                        other == number.as_str(),
                        "{number} {other}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in ["", "22222", "2222222", "10IO00", "ääääää"] {
            assert!(wrong.parse::<ConfirmationNumber>().is_err(), "{wrong}");
        }
    }
}
