//! Formats 0 and 3 against published blocks, and blocks that must be refused.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const PSEC: &str = include_str!("../../../../tests/data/pinblock_iso9564_psec.json");
const PAN: &str = "5555555551234567";

fn bytes(text: &Value) -> Option<[u8; BLOCK_LEN]> {
    hex::decode(text.as_str()?).ok()?.try_into().ok()
}

fn pan_of(input: &Value) -> Option<Pan> {
    Pan::parse(input["pan"].as_str()?).ok()
}

/// One psec case through our functions; the outcome as psec writes it, or `None` for a refusal.
fn run(function: &str, input: &Value) -> Option<String> {
    if function == "pinblock.encode_pinblock_iso_2" {
        // To a card only, in a script that changes its PIN.
        return emv::issuer::script_pin_block(input["pin"].as_str()?).ok().map(|block| hex::encode_upper(*block));
    }
    let (way, format) = function.rsplit_once("_pinblock_iso_")?;
    let format = PinFormat::of_number(format.parse().ok()?)?;
    if way.ends_with("encode") {
        let pin = Pin::from_ascii(input["pin"].as_str()?.as_bytes()).ok()?;
        let mut field = [0; BLOCK_LEN];
        write_field(format, &pin, &pan_of(input)?, &mut field).ok()?;
        return Some(hex::encode_upper(field));
    }
    let (found, pin) = read_field(&bytes(&input["pinblock"])?, &pan_of(input)?).ok()?;
    (found == format).then(|| String::from_utf8(pin.expose_ascii().to_vec()).unwrap())
}

#[test]
fn published_blocks_come_out() {
    let file: Value = serde_json::from_str(PSEC).unwrap();
    let (mut answered, mut refused, mut not_ours) = (0, 0, 0);
    for case in file["cases"].as_array().unwrap() {
        let function = case["fn"].as_str().unwrap();
        // Format 4 is envelope's, and nobody sends format 2 here.
        if function.ends_with("iso_4") || function == "pinblock.decode_pinblock_iso_2" {
            not_ours += 1;
            continue;
        }
        let outcome = run(function, &case["in"]);
        assert_eq!(outcome.as_deref(), case["out"].as_str(), "{case}");
        if outcome.is_some() { answered += 1 } else { refused += 1 }
    }
    assert_eq!((answered, refused, not_ours), (10, 19, 40));
}

#[test]
fn every_wrong_nibble_is_refused() {
    let pan = Pan::parse(PAN).unwrap();
    for (format, right) in [(PinFormat::Iso0, "041261AAAAEDCBA9"), (PinFormat::Iso3, "341261AAAAEDCBA9")] {
        let right: [u8; BLOCK_LEN] = hex::decode(right).unwrap().try_into().unwrap();
        let pan_nibbles = pan_field(&pan).unwrap();
        for place in 0..NIBBLES {
            for nibble in 0..16_u8 {
                let mut field = right;
                let written = nibble ^ pan_nibbles[place];
                let byte = &mut field[place / 2];
                *byte = if place % 2 == 0 { (*byte & 0x0F) | (written << 4) } else { (*byte & 0xF0) | written };
                let allowed = match place {
                    0 => nibble == format.number(),
                    1 => nibble == 4,
                    2..6 => nibble <= 9,
                    _ => nibble == 0xF || (format == PinFormat::Iso3 && nibble >= 0xA),
                };
                // Filled with F throughout, a block is right in either format.
                let other = place == 0 && matches!(nibble, 0 | 3);
                assert_eq!(read_field(&field, &pan).is_ok(), allowed || other, "{format:?} {place} {nibble}");
            }
        }
    }
}

#[test]
fn another_key_another_card_and_another_format_are_one_error() {
    let (key, pan) = ([0x42; 16], Pan::parse(PAN).unwrap());
    let pin = Pin::from_ascii(b"1234").unwrap();
    let block = encipher(&key, PinFormat::Iso0, &pin, &pan).unwrap();
    assert!(decipher(&key, block, &pan, Some(PinFormat::Iso0)).is_ok());
    let neighbour = Pan::parse("5555559551234567").unwrap();
    for wrong in [
        decipher(&key, block, &pan, Some(PinFormat::Iso3)),
        decipher(&[0x43; 16], [0; 8], &pan, None),
        decipher(&key, block, &neighbour, None),
        decipher(&key, block, &Pan::parse("555555555123").unwrap(), None),
    ] {
        assert_eq!(wrong.err(), Some(PinBlockError::Format));
    }
}

proptest! {
    #[test]
    fn every_pin_comes_back(digits in "[0-9]{4,12}", pan in "[0-9]{13,19}", key in any::<[u8; 16]>(), three in any::<bool>()) {
        let format = if three { PinFormat::Iso3 } else { PinFormat::Iso0 };
        let (pin, pan) = (Pin::from_ascii(digits.as_bytes()).unwrap(), Pan::parse(&pan).unwrap());
        let block = encipher(&key, format, &pin, &pan).unwrap();
        let found = decipher(&key, block, &pan, Some(format)).unwrap();
        prop_assert_eq!(found.expose_ascii(), digits.as_bytes());
    }
}
