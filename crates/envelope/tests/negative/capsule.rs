//! Bytes and JSON that are not a capsule.

use envelope::{CAPSULE_CIPHERTEXT_LEN_MAX, Capsule, CapsuleError};
use proptest::prelude::*;

fn capsule() -> Capsule {
    Capsule { kid: "bank-seal.0123456789abcdefghijkl".to_owned(), enc: [7; 32], ciphertext: vec![9; 40] }
}

#[test]
fn cut_at_every_length() {
    let whole = capsule().to_bytes();
    assert_eq!(Capsule::from_bytes(&whole), Ok(capsule()));
    for len in 0..whole.len() {
        assert_eq!(Capsule::from_bytes(&whole[..len]), Err(CapsuleError), "{len}");
    }
}

#[test]
fn anything_behind_it() {
    for byte in 0..=u8::MAX {
        let extended = [capsule().to_bytes().as_slice(), &[byte]].concat();
        assert_eq!(Capsule::from_bytes(&extended), Err(CapsuleError));
    }
}

#[test]
fn another_version() {
    for version in (0..=u8::MAX).filter(|version| *version != 1) {
        let mut bytes = capsule().to_bytes();
        bytes[0] = version;
        assert_eq!(Capsule::from_bytes(&bytes), Err(CapsuleError), "{version}");
    }
}

#[test]
fn a_flipped_bit_is_another_capsule_or_none() {
    let bytes = capsule().to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = Capsule::from_bytes(&changed) {
            assert_ne!(read, capsule(), "{bit}");
        }
    }
}

#[test]
fn a_key_identifier_out_of_bounds() {
    for kid in [String::new(), "k".repeat(65), "a b".to_owned(), "a\n".to_owned(), "ключ".to_owned()] {
        let bytes = Capsule { kid, ..capsule() }.to_bytes();
        assert_eq!(Capsule::from_bytes(&bytes), Err(CapsuleError));
    }
    let longest = Capsule { kid: "k".repeat(64), ..capsule() };
    assert_eq!(Capsule::from_bytes(&longest.to_bytes()), Ok(longest));
}

#[test]
fn a_ciphertext_out_of_bounds() {
    for len in [0, 15, CAPSULE_CIPHERTEXT_LEN_MAX + 1] {
        let bytes = Capsule { ciphertext: vec![0; len], ..capsule() }.to_bytes();
        assert_eq!(Capsule::from_bytes(&bytes), Err(CapsuleError), "{len}");
    }
    // A length that says four gigabytes allocates nothing.
    let mut bytes = capsule().to_bytes();
    let at = bytes.len() - 40 - 4;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(Capsule::from_bytes(&bytes), Err(CapsuleError));
}

#[test]
fn json_that_is_not_one() {
    let enc = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let right = format!(r#"{{"kid":"k","enc":"{enc}","ciphertext":"CQkJCQkJCQkJCQkJCQkJCQ"}}"#);
    serde_json::from_str::<Capsule>(&right).unwrap();
    let wrong = [
        // Padding, the other alphabet, stray bits, white space.
        right.replace("CQkJCQkJCQkJCQkJCQkJCQ", "CQkJCQkJCQkJCQkJCQkJCQ=="),
        right.replace("CQkJCQkJCQkJCQkJCQkJCQ", "CQkJCQkJCQkJCQkJCQkJC+"),
        right.replace("CQkJCQkJCQkJCQkJCQkJCQ", "CQkJCQkJCQkJCQkJCQkJCR"),
        right.replace("CQkJCQkJCQkJCQkJCQkJCQ", " CQkJCQkJCQkJCQkJCQkJCQ"),
        // Too short for a tag.
        right.replace("CQkJCQkJCQkJCQkJCQkJCQ", "CQkJCQkJCQkJCQkJCQkJ"),
        right.replace(enc, &enc[1..]),
        right.replace(enc, &format!("{enc}A")),
        right.replace(enc, &format!("{}d", &enc[..42])),
        right.replace(r#""kid":"k""#, r#""kid":"""#),
        right.replace(r#""kid":"k""#, r#""kid":"k","kid":"k""#),
        right.replace(r#""kid":"k""#, r#""kid":"k","alg":"none""#),
        right.replace(r#""kid":"k","#, ""),
        right.replace("CQkJCQkJCQkJCQkJCQkJCQ", &"A".repeat(CAPSULE_CIPHERTEXT_LEN_MAX * 2)),
    ];
    for json in wrong {
        assert!(serde_json::from_str::<Capsule>(&json).is_err(), "{json:.200}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(capsule) = Capsule::from_bytes(&bytes) {
            prop_assert_eq!(capsule.to_bytes(), bytes);
        }
    }

    #[test]
    fn every_capsule_comes_back(
        kid in "[!-~]{1,64}",
        enc in any::<[u8; 32]>(),
        ciphertext in prop::collection::vec(any::<u8>(), 16..300),
    ) {
        let capsule = Capsule { kid, enc, ciphertext };
        prop_assert_eq!(&Capsule::from_bytes(&capsule.to_bytes()), &Ok(capsule.clone()));
        let json = serde_json::to_string(&capsule).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Capsule>(&json).unwrap(), &capsule);
    }
}
