//! Format 4 against published blocks, and fields that must be refused.

use proptest::prelude::*;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{
    EncipheredPinBlock, PIN_BLOCK_LEN, Pan, Pin, PinBlockError, PinKey, decipher, decipher_field, encipher,
    encipher_field, pin_of_field, write_pan_field, write_pin_field,
};

const PSEC: &str = include_str!("../../tests/data/pinblock_iso9564_psec.json");

fn pin_field(pin: &Pin, fill: [u8; 8]) -> Result<[u8; PIN_BLOCK_LEN], PinBlockError> {
    let mut field = [0; PIN_BLOCK_LEN];
    write_pin_field(pin, fill, &mut field)?;
    Ok(field)
}

fn pan_field(digits: &[u8]) -> [u8; PIN_BLOCK_LEN] {
    let mut field = [0; PIN_BLOCK_LEN];
    write_pan_field(digits, &mut field);
    field
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal")
}

fn block(text: &str) -> [u8; PIN_BLOCK_LEN] {
    unhex(text).try_into().expect("16 bytes")
}

/// One psec case through our functions; the outcome as psec writes it, or `None` for a refusal.
fn run(function: &str, input: &Value) -> Option<String> {
    let text = |member: &str| input[member].as_str().expect("text");
    match function {
        "pinblock.encode_pin_field_iso_4" => {
            let pin = Pin::from_ascii(text("pin").as_bytes()).ok()?;
            Some(hex::encode_upper(pin_field(&pin, [0; 8]).ok()?))
        }
        "pinblock.encode_pan_field_iso_4" => {
            let digits = text("pan").as_bytes();
            // psec also takes PANs shorter than any card's, to show the leading zeros.
            let accepted = Pan::from_ascii(digits).is_ok() || digits == b"1";
            accepted.then(|| hex::encode_upper(pan_field(digits)))
        }
        "pinblock.encipher_pinblock_iso_4" => {
            let key = PinKey::from_bytes(&unhex(text("key"))).ok()?;
            let pin = Pin::from_ascii(text("pin").as_bytes()).ok()?;
            let pan = Pan::parse(text("pan")).ok()?;
            Some(hex::encode_upper(encipher(&key, &pin, &pan).ok()?.to_bytes()))
        }
        "pinblock.decode_pin_field_iso_4" => {
            let field = unhex(text("pin_field")).try_into().ok()?;
            let pin = pin_of_field(&field).ok()?;
            Some(String::from_utf8(pin.expose_ascii().to_vec()).expect("digits"))
        }
        "pinblock.decipher_pinblock_iso_4" => {
            let key = PinKey::from_bytes(&unhex(text("key"))).ok()?;
            let mut field = block(text("pin_block"));
            decipher_field(&key, &mut field, text("pan").as_bytes());
            let pin = pin_of_field(&field).ok()?;
            Some(String::from_utf8(pin.expose_ascii().to_vec()).expect("digits"))
        }
        other => panic!("an unknown function {other}"),
    }
}

#[test]
fn psec_format_4() {
    let file: Value = serde_json::from_str(PSEC).unwrap();
    let (mut answered, mut refused) = (0, 0);
    for case in file["cases"].as_array().unwrap() {
        let function = case["fn"].as_str().unwrap();
        if !function.ends_with("iso_4") {
            continue;
        }
        let outcome = run(function, &case["in"]);
        let expected = case["out"].as_str().map(str::to_owned);
        assert_eq!(outcome, expected, "{function} {}", case["in"]);
        if expected.is_some() { answered += 1 } else { refused += 1 }
    }
    assert_eq!((answered, refused), (14, 18));
}

#[test]
fn aes_dukpt_supplement_block() {
    // The format 4 example of ANSI X9.24-3-2017: fixed random part, 128-bit key.
    let key = PinKey::from_bytes(&unhex("AF8CB133A78F8DC2D1359F18527593FB")).unwrap();
    let pin = Pin::from_ascii(b"1234").unwrap();
    let pan = Pan::parse("4111111111111111").unwrap();
    let mut field = pin_field(&pin, unhex("2F69ADDE2E9E7ACE").try_into().unwrap()).unwrap();
    assert_eq!(field, block("441234AAAAAAAAAA2F69ADDE2E9E7ACE"));
    assert_eq!(pan_field(pan.expose_ascii()), block("44111111111111111000000000000000"));
    encipher_field(&key, &mut field, pan.expose_ascii());
    assert_eq!(field, block("A912150391AB65A67E52883D81CE2D15"));
    let enciphered = EncipheredPinBlock::from_bytes(field);
    assert!(bool::from(decipher(&key, &enciphered, &pan).unwrap().ct_eq(&pin)));
}

#[test]
fn a_key_of_another_length_is_refused() {
    for len in (0..=64).filter(|len| *len != 16 && *len != 32) {
        assert_eq!(PinKey::from_bytes(&vec![1; len]).err(), Some(PinBlockError::KeyLength), "{len}");
    }
}

#[test]
fn an_unfinished_pin_is_refused() {
    let key = PinKey::from_bytes(&[1; 32]).unwrap();
    let pan = Pan::parse("4761340000000050").unwrap();
    let mut pin = Pin::new();
    for digit in 0..3 {
        assert_eq!(encipher(&key, &pin, &pan), Err(PinBlockError::PinTooShort));
        pin.push(digit).unwrap();
    }
    assert_eq!(encipher(&key, &pin, &pan), Err(PinBlockError::PinTooShort));
    pin.push(3).unwrap();
    encipher(&key, &pin, &pan).unwrap();
}

#[test]
fn every_wrong_nibble_of_the_pin_field_is_refused() {
    let right = block("441234AAAAAAAAAA0000000000000000");
    let mut refused = 0;
    for place in 0..16 {
        for nibble in 0..16_u8 {
            let mut field = right;
            let byte = &mut field[place / 2];
            *byte = if place % 2 == 0 { (*byte & 0x0F) | (nibble << 4) } else { (*byte & 0xF0) | nibble };
            let is_digit_place = (2..6).contains(&place);
            let accepted = field == right || (is_digit_place && nibble <= 9);
            assert_eq!(pin_of_field(&field).is_ok(), accepted, "{place} {nibble}");
            refused += usize::from(!accepted);
        }
    }
    assert_eq!(refused, 12 * 15 + 4 * 6);
}

/// The published block of the test above: fixed, so that what follows cannot fail by chance.
const PUBLISHED: &str = "A912150391AB65A67E52883D81CE2D15";
const PUBLISHED_KEY: &str = "AF8CB133A78F8DC2D1359F18527593FB";

#[test]
fn every_flipped_bit_of_a_block_is_a_format_error() {
    let key = PinKey::from_bytes(&unhex(PUBLISHED_KEY)).unwrap();
    let pan = Pan::parse("4111111111111111").unwrap();
    for bit in 0..128 {
        let mut changed = block(PUBLISHED);
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            decipher(&key, &EncipheredPinBlock::from_bytes(changed), &pan).err(),
            Some(PinBlockError::Format),
            "{bit}"
        );
    }
}

#[test]
fn a_block_for_another_pan_is_a_format_error() {
    let key = PinKey::from_bytes(&unhex(PUBLISHED_KEY)).unwrap();
    let published = EncipheredPinBlock::from_bytes(block(PUBLISHED));
    for pan in (0..200).map(|account| format!("41111111111{account:05}")) {
        assert_eq!(decipher(&key, &published, &Pan::parse(&pan).unwrap()).err(), Some(PinBlockError::Format), "{pan}");
    }
}

#[test]
fn a_block_under_another_key_is_a_format_error() {
    let pan = Pan::parse("4111111111111111").unwrap();
    let published = EncipheredPinBlock::from_bytes(block(PUBLISHED));
    let right = unhex(PUBLISHED_KEY);
    for bit in 0..128 {
        let mut key = right.clone();
        key[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            decipher(&PinKey::from_bytes(&key).unwrap(), &published, &pan).err(),
            Some(PinBlockError::Format),
            "{bit}"
        );
    }
}

proptest! {
    #[test]
    fn every_pin_comes_back(
        digits in "[0-9]{4,12}",
        pan in "[0-9]{8,19}",
        long_key in any::<[u8; 32]>(),
        short in any::<bool>(),
    ) {
        let key = PinKey::from_bytes(if short { &long_key[..16] } else { &long_key }).unwrap();
        let pin = Pin::from_ascii(digits.as_bytes()).unwrap();
        let pan = Pan::parse(&pan).unwrap();
        let first = encipher(&key, &pin, &pan).unwrap();
        let second = encipher(&key, &pin, &pan).unwrap();
        prop_assert_ne!(first, second);
        for enciphered in [first, second] {
            let deciphered = decipher(&key, &enciphered, &pan).unwrap();
            prop_assert_eq!(deciphered.expose_ascii(), digits.as_bytes());
        }
    }

    #[test]
    fn any_field_is_read_or_refused(field in any::<[u8; PIN_BLOCK_LEN]>()) {
        if let Ok(pin) = pin_of_field(&field) {
            let again = pin_field(&pin, field[8..].try_into().unwrap()).unwrap();
            prop_assert_eq!(again, field);
        }
    }
}
