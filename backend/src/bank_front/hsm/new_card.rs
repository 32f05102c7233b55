//! New cards: numbers in the bank's own ranges, and the keys and values that are put on a card. They are the
//! card's alone; the issuer's keys they are derived from stay here.

use emv::Scheme;
use emv::issuer::{CHIP_IMAGE_SERVICE_CODE, VerificationKey, derive_card_key_a};
use envelope::Pan;
use zeroize::Zeroizing;

use super::Hsm;
use crate::bank_front::error::BankError;

/// What a new card is given, in the form its profile holds it.
pub struct CardSecrets {
    /// Its key for cryptograms, hexadecimal.
    pub card_key: Zeroizing<String>,
    /// Its key for the MACs of scripts, hexadecimal.
    pub script_key: Zeroizing<String>,
    /// The value on its stripe (CVV).
    pub stripe_value: Zeroizing<String>,
    /// The value in its chip's image of the stripe (iCVV).
    pub chip_value: Zeroizing<String>,
}

impl Hsm {
    /// A number nobody chose, in the range of the first issuer of this scheme or of the one named, with its check digit
    /// (ISO/IEC 7812-1, annex B).
    ///
    /// # Errors
    /// When the bank has no such issuer.
    pub fn new_number(&self, scheme: Scheme, iin: Option<&str>) -> Result<Pan, BankError> {
        let fits = |known: &str| {
            iin.is_none_or(|wanted| wanted == known) && Scheme::of_number(padded(known).as_bytes()) == Some(scheme)
        };
        let issuer = self.issuers.iter().find(|issuer| fits(&issuer.iin)).ok_or(BankError::NoIssuer)?;
        let mut digits = Zeroizing::new(issuer.iin.clone());
        while digits.len() < number_length(scheme) - 1 {
            digits.push(random_digit());
        }
        let check = check_digit(&digits);
        digits.push(check);
        Pan::parse(&digits).map_err(|_| BankError::Malformed("a card number"))
    }

    /// A PIN nobody chose.
    pub fn new_pin(&self) -> Zeroizing<String> {
        Zeroizing::new((0..PIN_LENGTH).map(|_| random_digit()).collect())
    }

    /// The keys and values of a new card (EMV book 2, annex A1.4.1: option A, of which option B makes the same keys for
    /// numbers of up to 16 digits).
    ///
    /// # Errors
    /// When the bank is not the issuer of this number, or has no key for its stripes.
    pub fn card_secrets(
        &self,
        pan: &Pan,
        psn: u8,
        expiry_yymm: &str,
        service_code: &str,
    ) -> Result<CardSecrets, BankError> {
        let malformed = || BankError::Malformed("a card number");
        let issuer = self.issuer(pan).ok_or(BankError::NoIssuer)?;
        let digits = std::str::from_utf8(pan.expose_ascii()).map_err(|_| malformed())?;
        let derived = |key| {
            let card = derive_card_key_a(key, digits, psn).map_err(|_| malformed())?;
            Ok::<_, BankError>(Zeroizing::new(hex::encode_upper(card.expose())))
        };
        let verification = VerificationKey::new(**issuer.verification_key.as_ref().ok_or(BankError::NoIssuer)?);
        let value = |valued_as| {
            let value = Zeroizing::new(verification.value(digits, expiry_yymm, valued_as).ok_or_else(malformed)?);
            Ok::<_, BankError>(Zeroizing::new(value.iter().map(|digit| char::from(*digit)).collect::<String>()))
        };
        Ok(CardSecrets {
            card_key: derived(&issuer.key)?,
            script_key: derived(&issuer.script_key)?,
            stripe_value: value(service_code)?,
            chip_value: value(CHIP_IMAGE_SERVICE_CODE)?,
        })
    }
}

/// Digits of a PIN that the bank chooses.
const PIN_LENGTH: usize = 4;

/// Digits of a scheme's card numbers.
fn number_length(scheme: Scheme) -> usize {
    if scheme == Scheme::Amex { 15 } else { 16 }
}

/// A prefix as the beginning of a number.
fn padded(iin: &str) -> String {
    format!("{iin:0<16}")
}

fn random_digit() -> char {
    loop {
        let mut byte = [0];
        getrandom::fill(&mut byte).expect("the operating system has randomness");
        // The last six values of a byte would make some digits likelier than others.
        if byte[0] < 250 {
            return char::from(b'0' + byte[0] % 10);
        }
    }
}

/// The digit that makes a number whole: every second digit from the right is doubled, its own digits are added, and all
/// add up to a multiple of ten.
fn check_digit(digits: &str) -> char {
    let sum: u32 = (digits.bytes().rev().map(|byte| u32::from(byte - b'0')).enumerate())
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_known_test_numbers() {
        for number in ["4761340000000050", "5413330089020011", "378282246310005", "6228000100001117"] {
            let (digits, check) = number.split_at(number.len() - 1);
            assert_eq!(check_digit(digits).to_string(), check, "{number}");
        }
    }
}
