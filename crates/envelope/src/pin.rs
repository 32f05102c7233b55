//! The PIN: a secret built digit by digit in one place and wiped when dropped.

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

use crate::error::DigitsError;
use crate::secret::SecretArray;

/// Fewest digits of a PIN (ISO 9564-1, section 8.1).
pub(crate) const PIN_LEN_MIN: usize = 4;
/// Most digits of a PIN (ISO 9564-1, section 8.1).
pub(crate) const PIN_LEN_MAX: usize = 12;

/// A PIN of 4 to 12 digits, or the beginning of one while it is typed.
pub struct Pin {
    /// ASCII digits; zero bytes behind them.
    digits: SecretArray<PIN_LEN_MAX>,
    len: usize,
}

impl Pin {
    /// No digit yet.
    #[allow(clippy::new_without_default, reason = "an empty PIN is the beginning of one, not a sensible default")]
    pub fn new() -> Self {
        Self { digits: SecretArray::zeroed(), len: 0 }
    }

    /// A whole PIN from its ASCII digits; the caller wipes its own copy.
    pub fn from_ascii(digits: &[u8]) -> Result<Self, DigitsError> {
        if !(PIN_LEN_MIN..=PIN_LEN_MAX).contains(&digits.len()) {
            return Err(DigitsError::Length);
        }
        let mut pin = Self::new();
        for digit in digits {
            pin.push(digit.wrapping_sub(b'0'))?;
        }
        Ok(pin)
    }

    /// Adds a digit (0 to 9). A thirteenth is refused.
    pub fn push(&mut self, digit: u8) -> Result<(), DigitsError> {
        if digit > 9 {
            return Err(DigitsError::NotADigit);
        }
        let place = self.digits.expose_mut().get_mut(self.len).ok_or(DigitsError::Length)?;
        *place = b'0' + digit;
        self.len += 1;
        Ok(())
    }

    /// Takes the last digit back; whether there was one.
    pub fn pop(&mut self) -> bool {
        let Some(last) = self.len.checked_sub(1) else {
            return false;
        };
        self.digits.expose_mut()[last].zeroize();
        self.len = last;
        true
    }

    /// Forgets all digits.
    pub fn clear(&mut self) {
        self.digits.expose_mut().zeroize();
        self.len = 0;
    }

    /// How many digits there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no digit yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there are enough digits for a PIN block.
    pub fn is_complete(&self) -> bool {
        self.len >= PIN_LEN_MIN
    }

    /// The ASCII digits, for the bank's verification only.
    pub fn expose_ascii(&self) -> &[u8] {
        &self.digits.expose()[..self.len]
    }
}

impl ConstantTimeEq for Pin {
    /// Compares all twelve places, so that the time does not tell the length or a common prefix.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.digits.expose().ct_eq(other.digits.expose()) & self.len.ct_eq(&other.len)
    }
}
