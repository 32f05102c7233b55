//! The Visa PIN verification value: four digits derived from card number and PIN under a key, by
//! which a PIN is verified without being stored.

use des::TdesEde2;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use envelope::{Pan, Pin};
use zeroize::Zeroizing;

use crate::bank_front::card::Pvv;
use crate::bank_front::decision::PresentedPin;

/// Digits of the card number that enter the value: the rightmost, without the check digit.
const PAN_DIGITS: usize = 11;
/// Digits of the PIN that enter the value.
const PIN_DIGITS: usize = 4;

/// A PIN verification key pair (PVK) and its index. Wiped when dropped.
pub(super) struct PinVerificationKey {
    key: Zeroizing<[u8; 16]>,
    index: u8,
}

impl PinVerificationKey {
    /// A key with its index (PVKI), 0 to 9.
    pub(super) fn new((key, index): (Zeroizing<[u8; 16]>, u8)) -> Self {
        Self { key, index }
    }

    /// The value of a PIN for a card. A PIN of another length has none: the value covers four
    /// digits, and would take every longer PIN with the same beginning.
    pub(super) fn verification_value(&self, pan: &Pan, pin: &Pin) -> PresentedPin {
        let Ok(pin) = <&[u8; PIN_DIGITS]>::try_from(pin.expose_ascii()) else {
            return PresentedPin::OtherLength;
        };
        let pan = pan.expose_ascii();
        let without_check_digit = &pan[..pan.len() - 1];
        let rightmost = &without_check_digit[without_check_digit.len().saturating_sub(PAN_DIGITS)..];
        // A shorter card number is filled with zeros on the left.
        let mut digits = Zeroizing::new([b'0'; 16]);
        digits[PAN_DIGITS - rightmost.len()..PAN_DIGITS].copy_from_slice(rightmost);
        digits[PAN_DIGITS] = b'0' + self.index;
        digits[PAN_DIGITS + 1..].copy_from_slice(pin);
        let block = self.encipher(&digits);
        Pvv::from_digits(decimalised(block)).map_or(PresentedPin::Malformed, PresentedPin::Pvv)
    }

    fn encipher(&self, digits: &[u8; 16]) -> [u8; 8] {
        let mut block = [0; 8];
        for (byte, pair) in block.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (pair[0] & 0x0f) << 4 | pair[1] & 0x0f;
        }
        let mut block = block.into();
        TdesEde2::new((&*self.key).into()).encrypt_block(&mut block);
        block.into()
    }
}

/// The first four decimal digits of the block's nibbles; when there are fewer, letters follow with
/// ten taken off.
fn decimalised(block: [u8; 8]) -> [u8; 4] {
    let nibbles = || block.into_iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let decimal = nibbles().filter(|nibble| *nibble < 10);
    let letters = nibbles().filter(|nibble| *nibble >= 10).map(|nibble| nibble - 10);
    let mut pvv = [0; 4];
    for (digit, nibble) in pvv.iter_mut().zip(decimal.chain(letters)) {
        *digit = b'0' + nibble;
    }
    pvv
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(key: &str, pan: &str, pin: &str) -> PresentedPin {
        let mut bytes = [0; 16];
        hex::decode_to_slice(key, &mut bytes).unwrap();
        PinVerificationKey::new((Zeroizing::new(bytes), 1))
            .verification_value(&Pan::parse(pan).unwrap(), &Pin::from_ascii(pin.as_bytes()).unwrap())
    }

    // The last is the public test card of a captured contact Visa; the others are published with
    // psec 1.3.0 (tests/test_pin.py).
    #[test]
    fn published_values_come_out() {
        const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";
        for (key, pan, pin, expected) in [
            (KEY, "1122334455667718", "0570", b"3144"),
            (KEY, "1122334455667708", "8299", b"4422"),
            ("C1D0F8FB4958670DBA40AB1F3752EF0D", "4761340000000050", "1234", b"6058"),
        ] {
            match value(key, pan, pin) {
                PresentedPin::Pvv(pvv) => assert!(pvv == Pvv::from_digits(*expected).unwrap()),
                PresentedPin::OtherLength | PresentedPin::Malformed => panic!("no value"),
            }
        }
    }

    #[test]
    fn a_longer_pin_has_no_value() {
        let longer = value("0123456789ABCDEFFEDCBA9876543210", "4761340000000050", "12345");
        assert!(matches!(longer, PresentedPin::OtherLength));
    }

    #[test]
    fn letters_follow_when_digits_run_out() {
        assert_eq!(decimalised([0xab, 0xcd, 0xef, 0xaa, 0xbb, 0xcc, 0xd1, 0xff]), *b"1012");
    }
}
