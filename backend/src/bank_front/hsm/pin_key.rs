//! How a PIN is verified without being stored: the Visa PIN verification value for four digits, the
//! IBM 3624 offset for longer ones.
//!
//! Both are described in IBM's z/OS ICSF Application Programmer's Guide, "PIN formats and algorithms"
//! (VISA-PVV and IBM-PINO): the value covers four digits whatever the PIN's length, so only the
//! offset tells two longer PINs with the same beginning apart.

use des::TdesEde2;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use envelope::{Pan, Pin};
use zeroize::Zeroizing;

use crate::bank_front::card::PinValue;

/// Digits of a PIN that the Visa value covers.
const PVV_DIGITS: usize = 4;
/// Digits of the card number that enter the Visa value: the rightmost, without the check digit.
const PVV_PAN_DIGITS: usize = 11;
/// Digits of the card number that are the validation data of the offset: the rightmost, without
/// the check digit.
const VALIDATION_PAN_DIGITS: usize = 12;
/// The nibble that fills the validation data.
const VALIDATION_PAD: u8 = 0x0f;
/// The decimalisation table: which digit each nibble becomes.
const DECIMALISATION: [u8; NIBBLES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5];
/// Nibbles of a block.
const NIBBLES: usize = 16;

/// The keys by which PINs are verified, one for each method. Wiped when dropped.
pub(super) struct PinKeys {
    /// The PIN verification key pair (PVK) of the Visa value.
    pub(super) pvv: Zeroizing<[u8; 16]>,
    /// That key's index (PVKI), 0 to 9.
    pub(super) pvv_index: u8,
    /// The PIN verification key of the IBM 3624 offset.
    pub(super) offset: Zeroizing<[u8; 16]>,
}

impl PinKeys {
    /// What is stored of a PIN of a card, or compared with what is.
    pub(super) fn value(&self, pan: &Pan, pin: &Pin) -> PinValue {
        let padded = Zeroizing::new(pin_digits(pin));
        let digits = &padded[..pin.len()];
        if digits.len() == PVV_DIGITS {
            return PinValue::visa_pvv(self.visa_pvv(pan, digits));
        }
        let natural = natural_pin(&self.offset, &DECIMALISATION, &validation_data(pan));
        PinValue::ibm3624_offset(&offset(digits, &natural)[..digits.len()])
    }

    fn visa_pvv(&self, pan: &Pan, pin: &[u8]) -> [u8; PVV_DIGITS] {
        let rightmost = rightmost_digits(pan, PVV_PAN_DIGITS);
        // A shorter card number is filled with zeros on the left.
        let mut nibbles = Zeroizing::new([0; NIBBLES]);
        for (nibble, digit) in nibbles[PVV_PAN_DIGITS - rightmost.len()..].iter_mut().zip(rightmost) {
            *nibble = digit - b'0';
        }
        nibbles[PVV_PAN_DIGITS] = self.pvv_index;
        nibbles[PVV_PAN_DIGITS + 1..].copy_from_slice(pin);
        first_decimals(&encipher(&self.pvv, &nibbles))
    }
}

/// The PIN's digits as numbers, zeros behind them.
fn pin_digits(pin: &Pin) -> [u8; NIBBLES] {
    let mut digits = [0; NIBBLES];
    for (digit, ascii) in digits.iter_mut().zip(pin.expose_ascii()) {
        *digit = ascii - b'0';
    }
    digits
}

/// The rightmost digits of a card number without its check digit, at most `count`.
fn rightmost_digits(pan: &Pan, count: usize) -> &[u8] {
    let pan = pan.expose_ascii();
    let without_check_digit = &pan[..pan.len() - 1];
    &without_check_digit[without_check_digit.len().saturating_sub(count)..]
}

fn validation_data(pan: &Pan) -> Zeroizing<[u8; NIBBLES]> {
    let mut nibbles = Zeroizing::new([VALIDATION_PAD; NIBBLES]);
    for (nibble, digit) in nibbles.iter_mut().zip(rightmost_digits(pan, VALIDATION_PAN_DIGITS)) {
        *nibble = digit - b'0';
    }
    nibbles
}

/// The natural (also: intermediate) PIN: the enciphered validation data, decimalised by the table.
fn natural_pin(key: &[u8; 16], table: &[u8; NIBBLES], validation: &[u8; NIBBLES]) -> Zeroizing<[u8; NIBBLES]> {
    let enciphered = encipher(key, validation);
    let mut digits = Zeroizing::new([0; NIBBLES]);
    for (digit, nibble) in digits.iter_mut().zip(enciphered.iter()) {
        *digit = table[usize::from(*nibble)];
    }
    digits
}

/// What takes the natural PIN to the PIN, digit by digit, modulo ten.
fn offset(pin: &[u8], natural: &[u8; NIBBLES]) -> [u8; NIBBLES] {
    let mut offset = [0; NIBBLES];
    for ((digit, pin), natural) in offset.iter_mut().zip(pin).zip(natural) {
        *digit = (pin + 10 - natural) % 10;
    }
    offset
}

/// Triple DES over a block given, and returned, as nibbles.
fn encipher(key: &[u8; 16], nibbles: &[u8; NIBBLES]) -> Zeroizing<[u8; NIBBLES]> {
    let mut block = [0; 8];
    for (byte, pair) in block.iter_mut().zip(nibbles.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    let mut block = block.into();
    TdesEde2::new(key.into()).encrypt_block(&mut block);
    let mut enciphered = Zeroizing::new([0; NIBBLES]);
    for (pair, byte) in enciphered.chunks_exact_mut(2).zip(block) {
        pair[0] = byte >> 4;
        pair[1] = byte & 0x0f;
    }
    enciphered
}

/// The first four decimal digits of the nibbles; when there are fewer, letters follow with ten taken
/// off.
fn first_decimals(nibbles: &[u8; NIBBLES]) -> [u8; PVV_DIGITS] {
    let decimal = nibbles.iter().filter(|nibble| **nibble < 10).copied();
    let letters = nibbles.iter().filter(|nibble| **nibble >= 10).map(|nibble| nibble - 10);
    let mut pvv = [0; PVV_DIGITS];
    for (digit, nibble) in pvv.iter_mut().zip(decimal.chain(letters)) {
        *digit = nibble;
    }
    pvv
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const VECTORS: &str = include_str!("../../../tests/data/pin_pvv_ibm3624_psec.json");
    const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";

    fn key(text: &str) -> Zeroizing<[u8; 16]> {
        let mut bytes = Zeroizing::new([0; 16]);
        hex::decode_to_slice(text, &mut *bytes).unwrap();
        bytes
    }

    fn value(pvv_key: &str, pan: &str, pin: &str) -> PinValue {
        let keys = PinKeys { pvv: key(pvv_key), pvv_index: 1, offset: key(KEY) };
        keys.value(&Pan::parse(pan).unwrap(), &Pin::from_ascii(pin.as_bytes()).unwrap())
    }

    fn nibbles(text: &str) -> Vec<u8> {
        text.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect()
    }

    #[derive(Deserialize)]
    struct Vectors {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        #[serde(rename = "fn")]
        function: String,
        #[serde(rename = "in")]
        input: Input,
        out: Option<String>,
    }

    #[derive(Deserialize)]
    struct Input {
        pvk: String,
        pan: String,
        #[serde(default)]
        pvki: String,
        #[serde(default)]
        pin: String,
        #[serde(default)]
        offset: String,
        #[serde(default)]
        conversion_table: String,
        #[serde(default)]
        pan_verify_offset: usize,
        #[serde(default)]
        pan_verify_length: usize,
        #[serde(default)]
        pan_pad: String,
    }

    impl Input {
        fn natural_pin(&self) -> Zeroizing<[u8; NIBBLES]> {
            let part = &self.pan[self.pan_verify_offset..self.pan_verify_offset + self.pan_verify_length];
            let validation = format!("{part}{}", self.pan_pad.repeat(NIBBLES - part.len()));
            let table = nibbles(&self.conversion_table).try_into().unwrap();
            natural_pin(&key(&self.pvk), &table, &nibbles(&validation).try_into().unwrap())
        }
    }

    #[test]
    fn published_vectors_come_out() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        let (mut pvvs, mut offsets, mut pins, mut refused) = (0, 0, 0, 0);
        for Case { function, input, out } in &vectors.cases {
            // Keys of half a length, letters for digits and the like: our types cannot say them.
            let Some(expected) = out else {
                refused += 1;
                continue;
            };
            match function.as_str() {
                "pin.generate_visa_pvv" => {
                    assert_eq!(input.pvki, "1");
                    let expected = PinValue::visa_pvv(nibbles(expected).try_into().unwrap());
                    assert_eq!(value(&input.pvk, &input.pan, &input.pin), expected);
                    pvvs += 1;
                }
                "pin.generate_ibm3624_offset" => {
                    let found = offset(&nibbles(&input.pin), &input.natural_pin());
                    assert_eq!(found[..input.pin.len()], nibbles(expected), "{}", input.pin);
                    offsets += 1;
                }
                "pin.generate_ibm3624_pin" => {
                    // The PIN is the natural PIN plus the offset, so its offset is the one given.
                    let found = offset(&nibbles(expected), &input.natural_pin());
                    assert_eq!(found[..expected.len()], nibbles(&input.offset), "{expected}");
                    pins += 1;
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!((pvvs, offsets, pins, refused), (2, 7, 6, 27));
    }

    // The public test card of a captured contact Visa.
    #[test]
    fn the_value_of_a_test_card_comes_out() {
        let found = value("C1D0F8FB4958670DBA40AB1F3752EF0D", "4761340000000050", "1234");
        assert_eq!(found, PinValue::visa_pvv([6, 0, 5, 8]));
    }

    #[test]
    fn every_digit_of_a_long_pin_counts() {
        const PAN: &str = "4761340000000050";
        let right = value(KEY, PAN, "739182640517");
        assert_eq!(right, value(KEY, PAN, "739182640517"));
        for place in 0..12 {
            let mut wrong = b"739182640517".to_vec();
            wrong[place] = b'0' + (wrong[place] - b'0' + 1) % 10;
            assert_ne!(right, value(KEY, PAN, std::str::from_utf8(&wrong).unwrap()), "digit {place}");
        }
        for length in 4..12 {
            assert_ne!(right, value(KEY, PAN, &"739182640517"[..length]), "{length} digits");
        }
        assert_ne!(right, value(KEY, "4761340000000068", "739182640517"), "another card");
    }

    #[test]
    fn letters_follow_when_digits_run_out() {
        let few = nibbles("abcdefaabbccd1ff").try_into().unwrap();
        assert_eq!(first_decimals(&few), [1, 0, 1, 2]);
    }
}
