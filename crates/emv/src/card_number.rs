//! The primary account number as a secret: it has no Debug, Display, Clone or equality operator.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Fewest digits of a payment card's PAN (ISO/IEC 7812-1 allows 10; schemes use 12 to 19).
pub const DIGITS_MIN: usize = 12;

/// Most digits of a PAN.
pub const DIGITS_MAX: usize = 19;

/// A PAN. Published transcripts blank digits with F; those are kept, and [`CardNumber::is_complete`] is false.
pub struct CardNumber(Zeroizing<String>);

impl CardNumber {
    /// Reads tag 5A: `cn`, padded right with F.
    pub fn from_compressed(value: &[u8]) -> Option<Self> {
        let mut digits = Zeroizing::new(String::with_capacity(2 * DIGITS_MAX));
        if value.len() > DIGITS_MAX.div_ceil(2) {
            return None;
        }
        for byte in value {
            for nibble in [byte >> 4, byte & 0x0F] {
                digits.push(char::from_digit(u32::from(nibble), 16)?.to_ascii_uppercase());
            }
        }
        Self::from_digits(digits.trim_end_matches('F'))
    }

    /// Takes digits, or F where a transcript blanked one.
    pub fn from_digits(digits: &str) -> Option<Self> {
        let plausible = (6..=DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'F')
            && digits.bytes().any(|byte| byte.is_ascii_digit());
        plausible.then(|| Self(Zeroizing::new(digits.to_owned())))
    }

    /// A second copy, for a second owner; named so that copying a secret is never an accident.
    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// The digits. The name marks every place where they leave this type.
    pub fn expose_digits(&self) -> &str {
        &self.0
    }

    /// Whether every digit is known and the length is that of a payment card.
    pub fn is_complete(&self) -> bool {
        self.0.len() >= DIGITS_MIN && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// First six and last four, the rest as `*`: the most that may be shown. Short numbers show less.
    pub fn masked(&self) -> String {
        let length = self.0.len();
        let head = if length >= DIGITS_MIN { 6 } else { 0 };
        let tail = length.saturating_sub(4).max(head);
        format!("{}{}{}", &self.0[..head], "*".repeat(tail - head), &self.0[tail..])
    }

    /// The issuer identification number: the first six digits.
    pub fn issuer_prefix(&self) -> &str {
        &self.0[..6]
    }

    /// Whether both are the same number, compared in constant time.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_all_but_six_and_four() {
        let pan = CardNumber::from_compressed(&[0x47, 0x61, 0x34, 0x00, 0x00, 0x00, 0x00, 0x50]).unwrap();
        assert_eq!(pan.masked(), "476134******0050");
        assert!(pan.is_complete());
        let amex = CardNumber::from_compressed(&[0x37, 0x42, 0x45, 0x00, 0x17, 0x41, 0x00, 0x7F]).unwrap();
        assert_eq!(amex.expose_digits(), "374245001741007");
        assert_eq!(CardNumber::from_digits("1500001111").unwrap().masked(), "******1111");
    }

    #[test]
    fn refuses_what_is_no_number() {
        assert!(CardNumber::from_compressed(&[0xFF; 8]).is_none());
        assert!(CardNumber::from_compressed(&[0x47, 0x6A]).is_none());
        assert!(CardNumber::from_digits("12345678901234567890").is_none());
        assert!(!CardNumber::from_digits("436356FFFFFF3033").unwrap().is_complete());
    }
}
