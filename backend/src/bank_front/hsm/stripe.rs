//! The magnetic stripe as its issuer sees it: track 2, and the value by which the issuer knows its own stripe.
//!
//! Anyone can copy a stripe; nobody can make one, or change its expiry or service code, without the card verification
//! value (CVV, also CVC 1) over them: IBM z/OS ICSF Application Programmer's Guide, "Card verification value". The
//! chip's image of the stripe has another value (iCVV, with service code 999), so what was read from a chip makes no
//! stripe.

use des::cipher::{BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use emv::stripe::ServiceCode;
use envelope::inner::CardData;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::bank_front::decision::StripeSays;

/// Digits of the value.
const CVV_DIGITS: usize = 3;
/// Digits that are enciphered, zeros behind them.
const INPUT_DIGITS: usize = 32;
/// Where the value is in the discretionary data: behind the index and the value of the PIN (PVKI and PVV).
const CVV_AT: usize = 5;

/// What a genuine stripe says.
pub(super) fn read(key: &[u8; 16], card: &CardData) -> Option<StripeSays> {
    let track2 = card.track2.as_ref()?.expose();
    let separator = track2.iter().position(|character| matches!(character, b'D' | b'='))?;
    let (pan, rest) = track2.split_at(separator);
    let (expiry, rest) = rest.get(1..)?.split_at_checked(4)?;
    let (service_code, discretionary) = rest.split_at_checked(3)?;
    let given = discretionary.get(CVV_AT..CVV_AT + CVV_DIGITS)?;
    let agree = bool::from(pan.ct_eq(card.pan.expose_ascii())) && expiry == card.expiry_yymm;
    let expected = verification_value(key, pan, expiry, service_code)?;
    let says = ServiceCode::parse(std::str::from_utf8(service_code).ok()?)?;
    if !agree || !bool::from(expected.ct_eq(given)) {
        return None;
    }
    Some(match (says.allows_goods(), says.has_chip()) {
        (false, _) => StripeSays::CashOnly,
        (true, true) => StripeSays::HasChip,
        (true, false) => StripeSays::NoChip,
    })
}

/// The value over a card number, its expiry and its service code, in ASCII digits; nothing when they are none.
fn verification_value(key: &[u8; 16], pan: &[u8], expiry: &[u8], service_code: &[u8]) -> Option<[u8; CVV_DIGITS]> {
    let digits = [pan, expiry, service_code].concat();
    let digits = Zeroizing::new(digits);
    if digits.len() > INPUT_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut packed = Zeroizing::new([0_u8; INPUT_DIGITS / 2]);
    for (at, digit) in digits.iter().enumerate() {
        packed[at / 2] |= (digit - b'0') << if at % 2 == 0 { 4 } else { 0 };
    }
    let (first, second) = packed.split_at(8);
    let mut block = <[u8; 8]>::try_from(first).ok()?.into();
    let left: [u8; 8] = key[..8].try_into().ok()?;
    Des::new(&left.into()).encrypt_block(&mut block);
    for (byte, other) in block.iter_mut().zip(second) {
        *byte ^= other;
    }
    TdesEde2::new(key.into()).encrypt_block(&mut block);
    let nibbles = block.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let decimal = nibbles.clone().filter(|nibble| *nibble < 10);
    let letters = nibbles.filter(|nibble| *nibble >= 10).map(|nibble| nibble - 10);
    let mut value = [0; CVV_DIGITS];
    for (place, digit) in value.iter_mut().zip(decimal.chain(letters)) {
        *place = b'0' + digit;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use envelope::inner::EntryMode;
    use envelope::{Pan, SecretBytes};

    use super::*;

    const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";

    fn key(text: &str) -> [u8; 16] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn card(track2: &str) -> CardData {
        CardData {
            pan: Pan::parse("4456539999990003").unwrap(),
            track2: Some(SecretBytes::copy_of(track2.as_bytes())),
            expiry_yymm: *b"3112",
            psn: None,
            aid: Vec::new(),
            entry_mode: EntryMode::MagStripe,
            icc_data: Vec::new().into(),
        }
    }

    #[test]
    fn values_are_those_of_an_independent_implementation() {
        // Made with psec 1.3.0 (PyPI), `psec.cvv.generate_cvv`.
        for (cvk, pan, expiry, service_code, expected) in [
            (KEY, "4123456789012345", "8701", "101", "561"),
            ("41414141414141414242424242424242", "5555555551234567", "2012", "220", "135"),
            (KEY, "4456539999990003", "3112", "101", "794"),
            (KEY, "6205500000000000004", "3112", "101", "140"),
            (KEY, "36438936438936", "3112", "999", "716"),
        ] {
            let value =
                verification_value(&key(cvk), pan.as_bytes(), expiry.as_bytes(), service_code.as_bytes()).unwrap();
            assert_eq!(value, expected.as_bytes(), "{pan}");
        }
        assert!(verification_value(&key(KEY), b"40000x9999990005", b"3112", b"101").is_none());
        assert!(verification_value(&key(KEY), &[b'4'; 26], b"3112", b"101").is_none());
    }

    #[test]
    fn a_stripe_is_believed_only_as_its_issuer_wrote_it() {
        let good = "4456539999990003D31121010000079400000";
        assert_eq!(read(&key(KEY), &card(good)), Some(StripeSays::NoChip));
        assert_eq!(read(&key(KEY), &card(&good.replace('D', "="))), Some(StripeSays::NoChip));
        for changed in [
            // Another value, expiry, service code or number; cut; and the chip's image of a stripe.
            "4456539999990003D31121010000079500000",
            "4456539999990003D32121010000079400000",
            "4456539999990003D31122010000079400000",
            "4456539999990011D31121010000079400000",
            "4456539999990003D311210100000",
            "4456539999990003D3112",
            "4456539999990003",
            "4456539999990003D31122010000000000",
        ] {
            assert_eq!(read(&key(KEY), &card(changed)), None, "{changed}");
        }
        let mut other = card(good);
        other.expiry_yymm = *b"3212";
        assert_eq!(read(&key(KEY), &other), None, "an expiry sealed beside the track");
        assert_eq!(read(&key("41414141414141414242424242424242"), &card(good)), None);
        assert_eq!(read(&key(KEY), &CardData { track2: None, ..card(good) }), None);
    }
}
