//! PINs and PANs: what is refused, and what a masked number shows.

use envelope::{DigitsError, LinkKey, Pan, Pin};
use subtle::ConstantTimeEq;

#[test]
fn a_pin_takes_digits_only_and_twelve_of_them() {
    let mut pin = Pin::new();
    for wrong in 10..=u8::MAX {
        assert_eq!(pin.push(wrong), Err(DigitsError::NotADigit));
    }
    assert!(pin.is_empty() && !pin.pop());
    for digit in 0..12 {
        assert_eq!(pin.is_complete(), digit >= 4);
        assert_eq!(pin.push(digit % 10), Ok(()));
    }
    assert_eq!(pin.push(1), Err(DigitsError::Length));
    assert_eq!(pin.expose_ascii(), b"012345678901");
    assert!(pin.pop());
    assert_eq!((pin.len(), pin.expose_ascii()), (11, &b"01234567890"[..]));
    pin.clear();
    assert!(pin.is_empty());
    assert_eq!(pin.expose_ascii(), b"");
}

#[test]
fn a_pin_of_another_length_or_alphabet() {
    for wrong in [&b""[..], b"123", b"1234567890123"] {
        assert_eq!(Pin::from_ascii(wrong).err(), Some(DigitsError::Length));
    }
    for wrong in [&b"12a4"[..], b"12 4", b"123\xFF", b"-123", b"12:4"] {
        assert_eq!(Pin::from_ascii(wrong).err(), Some(DigitsError::NotADigit));
    }
}

#[test]
fn pins_compare_by_all_their_digits() {
    let same = |one: &[u8], other: &[u8]| {
        let pin = |digits| Pin::from_ascii(digits).expect("a PIN");
        bool::from(pin(one).ct_eq(&pin(other)))
    };
    assert!(same(b"1234", b"1234"));
    assert!(!same(b"1234", b"1235"));
    assert!(!same(b"1234", b"12340"));
    assert!(!same(b"0000", b"00000"));
}

#[test]
fn a_pan_of_another_length_or_alphabet() {
    for wrong in ["", "1234567", "12345678901234567890"] {
        assert_eq!(Pan::parse(wrong).err(), Some(DigitsError::Length));
    }
    for wrong in ["4761340000000O50", "4761 34000000050", "４７６１３４"] {
        assert_eq!(Pan::parse(wrong).err(), Some(DigitsError::NotADigit));
    }
}

#[test]
fn a_masked_pan_hides_the_middle() {
    for (pan, masked, iin) in [
        ("4761340000000050", "476134******0050", "47613400"),
        ("6212345678901234567", "621234*********4567", "62123456"),
        ("37144963539843", "371449****9843", "371449"),
        ("3714496353984", "*********3984", "371449"),
        ("12345678", "****5678", "123456"),
    ] {
        let pan = Pan::parse(pan).unwrap();
        assert_eq!(pan.masked(), masked);
        assert_eq!(pan.iin(), iin);
        assert_eq!(pan.last_four(), masked[masked.len() - 4..]);
    }
}

#[test]
fn the_check_digit() {
    for right in ["4761340000000050", "5555555555554444", "378282246310005", "6011111111111117"] {
        assert!(Pan::parse(right).unwrap().has_valid_check_digit(), "{right}");
        for wrong in (0..10).map(|digit| format!("{}{digit}", &right[..right.len() - 1])) {
            let valid = Pan::parse(&wrong).unwrap().has_valid_check_digit();
            assert_eq!(valid, wrong == right, "{wrong}");
        }
    }
}

#[test]
fn a_link_fragment_that_is_not_a_key() {
    let fragment = LinkKey::generate().expose_fragment();
    assert_eq!(fragment.len(), 43);
    assert_eq!(LinkKey::from_fragment(&fragment).ok().unwrap().expose_fragment(), fragment);
    for wrong in [
        String::new(),
        fragment[1..].to_owned(),
        format!("{}A", *fragment),
        format!("{}=", *fragment),
        format!("#{}", *fragment),
        fragment.replacen(|_| true, "+", 1),
        "A".repeat(1_000_000),
    ] {
        assert!(LinkKey::from_fragment(&wrong).is_err());
    }
}
