//! Online identity codes: what a payer types where a name would tell who it is.
//!
//! A code is drawn at random by the bank, so nothing about the person can be read from it, and its last digit tells
//! a slip from a code before anybody is asked.

use std::fmt;
use std::str::FromStr;

use crate::id::InvalidId;

/// Digits of a code: eleven drawn at random and a check digit. A payment number has ten.
pub const IDENTITY_CODE_DIGITS: usize = 12;

/// The check digit of the digits before it (ISO/IEC 7064, MOD 11,10): every single wrong digit and nearly every
/// exchange of two neighbours is noticed. None when there is a character that is no digit.
pub fn check_digit(digits: &str) -> Option<char> {
    let mut product = 10;
    for digit in digits.chars() {
        let sum = (digit.to_digit(10)? + product) % 10;
        product = (if sum == 0 { 10 } else { sum }) * 2 % 11;
    }
    char::from_digit((11 - product) % 10, 10)
}

/// A payer's online identity code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityCode(String);

impl IdentityCode {
    /// The code made of these random bytes. The first digit is never zero, so that no program that takes it for a
    /// number shortens it; what is lost by that, and by taking bytes for digits, is less than one bit a digit.
    pub fn from_random(random: &[u8; IDENTITY_CODE_DIGITS - 1]) -> Self {
        let digit = |place: usize, byte: u8| char::from(if place == 0 { b'1' + byte % 9 } else { b'0' + byte % 10 });
        let mut digits: String = random.iter().enumerate().map(|(place, byte)| digit(place, *byte)).collect();
        digits.extend(check_digit(&digits));
        Self(digits)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits as people read them: `4821 7730 1592`.
    pub fn grouped(&self) -> String {
        [&self.0[..4], &self.0[4..8], &self.0[8..]].join(" ")
    }
}

impl FromStr for IdentityCode {
    type Err = InvalidId;

    /// Reads a code as people write it, with spaces or hyphens between its digits.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const WRONG: InvalidId = InvalidId::named("identity code");
        let digits: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '\u{a0}')).collect();
        if digits.len() != IDENTITY_CODE_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WRONG);
        }
        let (drawn, check) = digits.split_at(IDENTITY_CODE_DIGITS - 1);
        let fits = !digits.starts_with('0') && check_digit(drawn).is_some_and(|digit| check.starts_with(digit));
        if fits { Ok(Self(digits)) } else { Err(WRONG) }
    }
}

impl fmt::Display for IdentityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard's own example of MOD 11,10 (ISO/IEC 7064:2003, section 8): 0794 has the check digit 5.
    #[test]
    fn the_standards_example_has_its_check_digit() {
        assert_eq!(check_digit("0794"), Some('5'));
        assert_eq!(check_digit("07a4"), None);
    }

    #[test]
    fn every_single_wrong_digit_is_noticed() {
        let code = IdentityCode::from_random(&[3, 8, 2, 1, 7, 7, 3, 0, 1, 5, 9]);
        assert_eq!(code.grouped().parse(), Ok(code.clone()));
        for place in 0..IDENTITY_CODE_DIGITS {
            for digit in '0'..='9' {
                let mut other: Vec<char> = code.as_str().chars().collect();
                other[place] = digit;
                let other: String = other.into_iter().collect();
                assert_eq!(other.parse::<IdentityCode>().is_ok(), other == code.as_str(), "{other}");
            }
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for wrong in
            ["", "0", "48217730159", "4821773015922", "４８２１７７３０１５９２", "+8613800138000", "012345678905"]
        {
            assert!(wrong.parse::<IdentityCode>().is_err(), "{wrong}");
        }
        assert!(IdentityCode::from_random(&[255; 11]).as_str().starts_with(|digit: char| digit != '0'));
    }
}
