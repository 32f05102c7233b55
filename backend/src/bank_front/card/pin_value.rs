//! What the bank stores of a PIN: the value by which the HSM verifies it, and by which method.

use subtle::ConstantTimeEq;

use crate::bank_front::error::BankError;

/// Digits of the Visa PIN verification value.
const PVV_LEN: usize = 4;
/// Fewest digits of an offset: PINs of four digits have a Visa value.
const OFFSET_LEN_MIN: usize = 5;
/// Most digits of an offset: those of the longest PIN (ISO 9564-1, section 8.1).
const OFFSET_LEN_MAX: usize = 12;

/// The stored names of the methods.
const VISA_PVV: &str = "visa_pvv";
const IBM3624_OFFSET: &str = "ibm3624_offset";

/// A value that lets the HSM tell a right PIN from a wrong one. It is not the PIN, but it stays out
/// of every log all the same. Its length tells its method, and with it the PIN's length.
#[derive(Clone)]
pub struct PinValue {
    /// Digits as numbers; zeros behind them.
    digits: [u8; OFFSET_LEN_MAX],
    len: usize,
}

impl PinValue {
    /// A Visa PIN verification value, its digits as numbers.
    pub fn visa_pvv(digits: [u8; PVV_LEN]) -> Self {
        Self::of(&digits)
    }

    /// An IBM 3624 offset of a PIN of 5 to 12 digits, its digits as numbers.
    ///
    /// # Panics
    /// When there are fewer or more digits.
    pub fn ibm3624_offset(digits: &[u8]) -> Self {
        assert!((OFFSET_LEN_MIN..=OFFSET_LEN_MAX).contains(&digits.len()), "a PIN has at most 12 digits");
        Self::of(digits)
    }

    fn of(digits: &[u8]) -> Self {
        let mut value = Self { digits: [0; OFFSET_LEN_MAX], len: digits.len() };
        value.digits[..digits.len()].copy_from_slice(digits);
        value
    }

    /// The stored name of the method.
    pub(super) fn method(&self) -> &'static str {
        if self.len == PVV_LEN { VISA_PVV } else { IBM3624_OFFSET }
    }

    /// The stored digits.
    pub(in crate::bank_front) fn as_text(&self) -> String {
        self.digits[..self.len].iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    /// A stored value.
    pub(super) fn parse(method: &str, text: &str) -> Result<Self, BankError> {
        let stored = |what| BankError::Stored(what);
        if !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(stored("card.pin_value"));
        }
        let digits: Vec<u8> = text.bytes().map(|digit| digit - b'0').collect();
        match (method, digits.len()) {
            (VISA_PVV, PVV_LEN) | (IBM3624_OFFSET, OFFSET_LEN_MIN..=OFFSET_LEN_MAX) => Ok(Self::of(&digits)),
            (VISA_PVV | IBM3624_OFFSET, _) => Err(stored("card.pin_value")),
            _ => Err(stored("card.pin_method")),
        }
    }
}

impl PartialEq for PinValue {
    fn eq(&self, other: &Self) -> bool {
        (self.digits.ct_eq(&other.digits) & self.len.ct_eq(&other.len)).into()
    }
}

impl Eq for PinValue {}

impl std::fmt::Debug for PinValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinValue")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_value_is_read_back_and_a_mixed_up_one_is_refused() {
        for value in [PinValue::visa_pvv([6, 0, 5, 8]), PinValue::ibm3624_offset(&[6, 0, 5, 8, 0, 0])] {
            assert_eq!(PinValue::parse(value.method(), &value.as_text()).unwrap(), value);
        }
        for (method, text) in
            [(VISA_PVV, "60580"), (IBM3624_OFFSET, "6058"), (VISA_PVV, "605x"), ("", "6058"), (IBM3624_OFFSET, "")]
        {
            assert!(PinValue::parse(method, text).is_err(), "{method} {text}");
        }
        let thirteen = "1234567890123";
        assert!(PinValue::parse(IBM3624_OFFSET, thirteen).is_err());
    }

    #[test]
    fn zeros_behind_do_not_make_lengths_equal() {
        assert_ne!(PinValue::visa_pvv([0; 4]), PinValue::ibm3624_offset(&[0; 5]));
        assert_ne!(PinValue::ibm3624_offset(&[0; 5]), PinValue::ibm3624_offset(&[0; 6]));
    }

    #[test]
    fn debug_shows_no_digit() {
        assert_eq!(format!("{:?}", PinValue::visa_pvv([6, 0, 5, 8])), "PinValue");
    }
}
