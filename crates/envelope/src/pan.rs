//! The primary account number: a secret that shows itself only masked.

use subtle::{Choice, ConstantTimeEq};

use crate::error::DigitsError;
use crate::secret::SecretArray;

/// Fewest digits accepted (ISO/IEC 7812-1).
pub(crate) const PAN_LEN_MIN: usize = 8;
/// Most digits of a PAN (ISO/IEC 7812-1).
pub(crate) const PAN_LEN_MAX: usize = 19;

/// From this length on, six and four shown digits leave at least four hidden ones.
const MASK_LEN_MIN: usize = 14;
/// From this length on, issuers are told apart by eight digits (ISO/IEC 7812-1:2017).
const IIN8_PAN_LEN_MIN: usize = 16;

/// A card number of 8 to 19 digits. Wiped when dropped.
pub struct Pan {
    /// ASCII digits; zero bytes behind them.
    digits: SecretArray<PAN_LEN_MAX>,
    len: usize,
}

impl Pan {
    /// A PAN from its ASCII digits; the caller wipes its own copy. The check digit is another question:
    /// [`Pan::has_valid_check_digit`].
    pub fn from_ascii(digits: &[u8]) -> Result<Self, DigitsError> {
        if !(PAN_LEN_MIN..=PAN_LEN_MAX).contains(&digits.len()) {
            return Err(DigitsError::Length);
        }
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(DigitsError::NotADigit);
        }
        let mut secret = SecretArray::zeroed();
        secret.expose_mut()[..digits.len()].copy_from_slice(digits);
        Ok(Self { digits: secret, len: digits.len() })
    }

    /// A PAN from text.
    pub fn parse(text: &str) -> Result<Self, DigitsError> {
        Self::from_ascii(text.as_bytes())
    }

    /// The ASCII digits, for the seal and the bank only.
    pub fn expose_ascii(&self) -> &[u8] {
        &self.digits.expose()[..self.len]
    }

    /// How many digits there are.
    #[allow(clippy::len_without_is_empty, reason = "a PAN has at least eight digits")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The Luhn check digit (ISO/IEC 7812-1, annex B) is right.
    pub fn has_valid_check_digit(&self) -> bool {
        let sum: u32 = self
            .expose_ascii()
            .iter()
            .rev()
            .enumerate()
            .map(|(place, digit)| {
                let value = u32::from(digit - b'0');
                match (place % 2, value) {
                    (0, _) => value,
                    (_, 0..=4) => value * 2,
                    (_, _) => value * 2 - 9,
                }
            })
            .sum();
        sum.is_multiple_of(10)
    }

    /// The issuer's prefix: eight digits of a PAN of 16 or more, else six.
    pub fn iin(&self) -> String {
        let digits = if self.len >= IIN8_PAN_LEN_MIN { 8 } else { 6 };
        self.shown(0, digits)
    }

    /// The last four digits.
    pub fn last_four(&self) -> String {
        self.shown(self.len - 4, self.len)
    }

    /// First six and last four digits with stars between; of a PAN shorter than 14 digits only the last
    /// four, since ten shown digits would leave too few hidden.
    pub fn masked(&self) -> String {
        let shown_first = if self.len >= MASK_LEN_MIN { 6 } else { 0 };
        format!("{}{}{}", self.shown(0, shown_first), "*".repeat(self.len - shown_first - 4), self.last_four())
    }

    fn shown(&self, from: usize, to: usize) -> String {
        self.expose_ascii()[from..to].iter().map(|digit| char::from(*digit)).collect()
    }
}

impl ConstantTimeEq for Pan {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.digits.expose().ct_eq(other.digits.expose()) & self.len.ct_eq(&other.len)
    }
}
