//! Prepaid vouchers' numbers: a fixed part that names the batch, a variable part, and two check digits.
//!
//! The check digits are those of ISO/IEC 7064, MOD 97-10, as an IBAN and a LEI have them: every single wrong digit, every
//! swap of neighbours and nearly every other slip is caught before anybody is asked, and costs no try.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits of the fixed part: the batch.
pub const FIXED_DIGITS: usize = 6;
/// Digits of the variable part.
pub const VARIABLE_DIGITS: usize = 8;
/// Check digits (ISO/IEC 7064, MOD 97-10).
pub const CHECK_DIGITS: usize = 2;
/// Digits of a whole number.
pub const NUMBER_DIGITS: usize = FIXED_DIGITS + VARIABLE_DIGITS + CHECK_DIGITS;
/// Digits of a payment code, its check digits included.
pub const CODE_DIGITS: usize = 10;
/// Digits in a group, as numbers are printed and read out.
pub const GROUP_DIGITS: usize = 4;
/// The smallest and the largest check digits there are.
const CHECK_MIN: u32 = 2;
const CHECK_MAX: u32 = 98;
/// Variable parts there are: the first that has a digit too many.
pub const VARIABLE_BOUND: u32 = 100_000_000;

/// A text that is no voucher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoucherNumberError {
    /// Another count of digits, or something that is none.
    #[error("a voucher number has sixteen digits")]
    Digits,
    /// The check digits do not fit: it was mistyped.
    #[error("the voucher number is mistyped")]
    CheckDigits,
    /// It could be taken for a card number.
    #[error("this could be a card number, and is no voucher number")]
    CardNumber,
}

/// The fixed part of a batch's numbers: six digits that name it at its bank.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedPart(String);

impl FixedPart {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FixedPart {
    type Err = VoucherNumberError;

    fn from_str(text: &str) -> Result<Self, VoucherNumberError> {
        let is_part = text.len() == FIXED_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        is_part.then(|| Self(text.to_owned())).ok_or(VoucherNumberError::Digits)
    }
}

impl fmt::Display for FixedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A voucher's number (the customer number of the one who holds it). It names a voucher and opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoucherNumber(String);

impl VoucherNumber {
    /// The number of a batch with this variable part, of which the caller draws another when there is none: a number
    /// that passes for a card's (ISO/IEC 7812-1, annex B) is never given out.
    pub fn from_parts(fixed: &FixedPart, variable: u32) -> Option<Self> {
        if variable >= VARIABLE_BOUND {
            return None;
        }
        let without = format!("{fixed}{variable:08}");
        let number = format!("{without}{:02}", check_digits(without.bytes())?);
        (!passes_luhn(&number)).then_some(Self(number))
    }

    /// The sixteen digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fixed part.
    pub fn fixed_part(&self) -> FixedPart {
        FixedPart(self.0[..FIXED_DIGITS].to_owned())
    }

    /// The last four digits, for people.
    pub fn last_four(&self) -> &str {
        &self.0[NUMBER_DIGITS - GROUP_DIGITS..]
    }

    /// What a receipt calls the voucher, such as `voucher ••1234`.
    pub fn label(&self) -> String {
        format!("voucher ••{}", self.last_four())
    }

    /// The digits in groups of four, as they are printed.
    pub fn grouped(&self) -> String {
        grouped(&self.0)
    }

    /// Whether a payment code as a person types it can be this voucher's: so many digits, and check digits over the
    /// number's other digits and the code. What cannot be is a slip, and nobody need be asked.
    pub fn may_have_code(&self, typed: &str) -> bool {
        // The bound comes first: at most one separator before each digit.
        if typed.len() > CODE_DIGITS * 2 {
            return false;
        }
        let digits = || typed.bytes().filter(|byte| !matches!(byte, b' ' | b'-'));
        let parts = self.0.bytes().take(NUMBER_DIGITS - CHECK_DIGITS);
        digits().count() == CODE_DIGITS && has_right_check_digits(parts.chain(digits()))
    }
}

impl FromStr for VoucherNumber {
    type Err = VoucherNumberError;

    /// Reads a number as a person types it: groups may have spaces or hyphens between them.
    fn from_str(text: &str) -> Result<Self, VoucherNumberError> {
        let digits = typed_digits(text, NUMBER_DIGITS).ok_or(VoucherNumberError::Digits)?;
        if !has_right_check_digits(digits.bytes()) {
            return Err(VoucherNumberError::CheckDigits);
        }
        if passes_luhn(&digits) {
            return Err(VoucherNumberError::CardNumber);
        }
        Ok(Self(digits))
    }
}

impl fmt::Display for VoucherNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for VoucherNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for VoucherNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for FixedPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FixedPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The check digits of ASCII digits without them, as a number from 2 to 98 (ISO/IEC 7064, MOD 97-10); none when
/// something is no digit.
pub fn check_digits(digits: impl IntoIterator<Item = u8>) -> Option<u32> {
    let remainder = remainder(digits)?;
    Some(98 - remainder * 100 % 97)
}

/// Whether the last two of these ASCII digits are the check digits of those before them. 00, 01 and 99 are nobody's, though
/// they leave the same remainder as 97, 98 and 02.
pub fn has_right_check_digits(digits: impl IntoIterator<Item = u8>) -> bool {
    let mut check = 0;
    let digits = digits.into_iter().inspect(|digit| check = check % 10 * 10 + u32::from(digit.wrapping_sub(b'0')));
    remainder(digits) == Some(1) && (CHECK_MIN..=CHECK_MAX).contains(&check)
}

/// Digits in groups of four with spaces between them.
pub fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / GROUP_DIGITS);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % GROUP_DIGITS == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn remainder(digits: impl IntoIterator<Item = u8>) -> Option<u32> {
    digits
        .into_iter()
        .try_fold(0, |remainder, digit| digit.is_ascii_digit().then(|| (remainder * 10 + u32::from(digit - b'0')) % 97))
}

/// Exactly so many digits, without the spaces and hyphens that people put between them.
fn typed_digits(text: &str, count: usize) -> Option<String> {
    // The bound comes first: at most one separator before each digit.
    if text.len() > count * 2 {
        return None;
    }
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    (digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// Whether digits pass the check of card numbers (ISO/IEC 7812-1, annex B).
fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = (digits.bytes().rev().enumerate())
        .map(|(at, digit)| match (at % 2, u32::from(digit - b'0')) {
            (0, digit) => digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(variable: u32) -> Option<VoucherNumber> {
        VoucherNumber::from_parts(&"420001".parse().unwrap(), variable)
    }

    #[test]
    fn check_digits_are_those_of_the_standard() {
        // ISO/IEC 7064, MOD 97-10: 794 has the check digits 44; GB82 WEST 1234 5698 7654 32 is Wikipedia's IBAN, its
        // letters as numbers.
        assert_eq!(check_digits(*b"794"), Some(44));
        assert!(has_right_check_digits(*b"79444"));
        assert!(has_right_check_digits(*b"3214282912345698765432161182"));
        assert!(!has_right_check_digits(*b"3214282912345698765432161183"));
        assert_eq!(check_digits(*b"79a"), None);
        assert!(!has_right_check_digits(*b""));
    }

    #[test]
    fn every_wrong_digit_and_every_swap_of_neighbours_is_caught() {
        for variable in [0, 1, 12_345_678, 99_999_998, 31_415_926] {
            let Some(number) = number(variable) else { continue };
            let digits = number.as_str().as_bytes();
            for at in 0..digits.len() {
                for wrong in b'0'..=b'9' {
                    let mut typed = digits.to_vec();
                    typed[at] = wrong;
                    let typed = String::from_utf8(typed).unwrap();
                    assert_eq!(typed.parse::<VoucherNumber>().is_ok(), wrong == digits[at], "{typed}");
                }
                if at > 0 && digits[at] != digits[at - 1] {
                    let mut typed = digits.to_vec();
                    typed.swap(at, at - 1);
                    let typed = String::from_utf8(typed).unwrap();
                    assert_eq!(typed.parse::<VoucherNumber>(), Err(VoucherNumberError::CheckDigits), "{typed}");
                }
            }
        }
    }

    #[test]
    fn a_code_typed_wrong_or_beside_another_number_is_known() {
        let number = number(12_345_678).unwrap();
        let parts = || number.as_str().bytes().take(NUMBER_DIGITS - CHECK_DIGITS);
        let check = check_digits(parts().chain(*b"27182818")).unwrap();
        let code = format!("2718 2818-{check:02}");
        assert!(number.may_have_code(&code));
        for wrong in [code.replace('7', "8"), code.replace("27", "72"), code.replace('-', "0"), "x".repeat(10)] {
            assert!(!number.may_have_code(&wrong), "{wrong}");
        }
        assert!(!number.may_have_code("") && !number.may_have_code(&"1 ".repeat(20)));
    }

    #[test]
    fn check_digits_that_nothing_has_are_wrong_though_they_leave_the_right_remainder() {
        let without =
            |check: u32| (0..1_000_u32).find(|n| check_digits(format!("{n}").bytes()) == Some(check)).unwrap();
        for (given, like) in [(97, "00"), (98, "01"), (2, "99")] {
            let digits = without(given);
            assert!(has_right_check_digits(format!("{digits}{given:02}").bytes()));
            assert_eq!(remainder(format!("{digits}{like}").bytes()), Some(1), "{like}");
            assert!(!has_right_check_digits(format!("{digits}{like}").bytes()), "{like}");
        }
        // The same of a code: nobody need be asked about it.
        let number = number(12_345_678).unwrap();
        let parts =
            |code: &str| number.as_str().bytes().take(NUMBER_DIGITS - CHECK_DIGITS).chain(code.to_owned().into_bytes());
        let random = |check| {
            (0..1_000_u32).map(|n| format!("{n:08}")).find(|code| check_digits(parts(code)) == Some(check)).unwrap()
        };
        for (given, like) in [(97, "00"), (98, "01"), (2, "99")] {
            let code = random(given);
            assert!(number.may_have_code(&format!("{code}{given:02}")));
            assert!(!number.may_have_code(&format!("{code}{like}")), "{code}{like}");
        }
    }

    #[test]
    fn no_number_passes_for_a_card() {
        let made: Vec<_> = (0..2_000).map(|step| number(step * 49_999)).collect();
        assert!(made.iter().any(Option::is_none) && made.iter().any(Option::is_some));
        for number in made.into_iter().flatten() {
            assert!(!passes_luhn(number.as_str()));
            assert_eq!(number.as_str().parse(), Ok(number.clone()));
        }
        assert!(passes_luhn("4761340000000050"));
        assert_eq!(number(VARIABLE_BOUND), None);
    }

    #[test]
    fn a_number_is_read_as_people_type_it() {
        let number = (0..).find_map(number).unwrap();
        assert_eq!(number.grouped().len(), NUMBER_DIGITS + 3);
        assert_eq!(number.grouped().parse(), Ok(number.clone()));
        assert_eq!(number.grouped().replace(' ', "-").parse(), Ok(number.clone()));
        assert_eq!((number.fixed_part().as_str(), number.last_four().len()), ("420001", 4));
        for wrong in ["", "1", &number.as_str()[1..], &format!("{number}0"), &"1 ".repeat(40), "４２００"] {
            assert_eq!(wrong.parse::<VoucherNumber>(), Err(VoucherNumberError::Digits), "{wrong}");
        }
        for wrong in ["", "42000", "4200011", "42000x"] {
            assert!(wrong.parse::<FixedPart>().is_err(), "{wrong}");
        }
    }
}
