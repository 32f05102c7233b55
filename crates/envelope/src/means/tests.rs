//! What the means of paying must hold, and what must not open them.

use super::voucher::Voucher;
use super::*;
use crate::error::OpenError;
use crate::inner::{self, Content};
use crate::sealing_key::BankSealingKeySecret;
use crate::secret::SecretBytes;

const HASH: [u8; 32] = [7; 32];

fn voucher(customer_number: &str, code: &[u8]) -> Means {
    Means::Voucher(Voucher { customer_number: customer_number.to_owned(), code: SecretBytes::copy_of(code) })
}

#[test]
fn a_voucher_opens_for_its_bank_and_attempt_only() {
    let bank = BankSealingKeySecret::generate();
    let capsule = seal(bank.public(), &HASH, &voucher("K7M2C4", b"93817264")).unwrap();
    let Content::Means(Means::Voucher(opened)) = inner::open_any(&bank, &HASH, &capsule).unwrap() else {
        panic!("not a voucher");
    };
    assert_eq!(opened.customer_number, "K7M2C4");
    assert_eq!(opened.code.expose(), b"93817264");
    assert!(matches!(inner::open_any(&bank, &[8; 32], &capsule), Err(OpenError::Refused)));
    assert!(inner::open_any(&BankSealingKeySecret::generate(), &HASH, &capsule).is_err());
    // Where only a card will do, a voucher is nothing.
    assert!(matches!(inner::open(&bank, &HASH, &capsule), Err(OpenError::Refused)));
}

#[test]
fn a_means_is_as_long_as_a_card() {
    let bank = BankSealingKeySecret::generate();
    let short = seal(bank.public(), &HASH, &voucher("1", b"2")).unwrap();
    let long = seal(bank.public(), &HASH, &voucher(&"9".repeat(32), &[b'8'; 32])).unwrap();
    assert_eq!(short.to_bytes().len(), long.to_bytes().len());
    assert_eq!(short.ciphertext.len(), INNER_PLAINTEXT_LEN + 16);
}

#[test]
fn what_is_no_voucher_is_not_sealed() {
    let bank = BankSealingKeySecret::generate();
    for (number, code) in [("", b"1".as_slice()), ("1", b""), ("a b", b"1"), ("1", b"\n"), (&"1".repeat(33), b"1")] {
        assert!(seal(bank.public(), &HASH, &voucher(number, code)).is_err(), "{number:?}");
    }
}

#[test]
fn every_kind_has_a_code_of_its_own() {
    for code in 0..=u8::MAX {
        if let Some(kind) = MeansKind::from_code(code) {
            assert_eq!(kind.code(), code);
        }
    }
}

#[test]
fn other_plaintexts_are_refused() {
    let mut plaintext = vec![0; INNER_PLAINTEXT_LEN];
    write(&mut plaintext, &voucher("1", b"2")).unwrap();
    assert!(read(&plaintext).is_some());
    for (index, byte) in [(0, 1), (0, 3), (1, 0), (1, 250), (2, 0), (3, b' '), (1023, 1)] {
        let mut changed = plaintext.clone();
        changed[index] = byte;
        assert!(read(&changed).is_none(), "byte {index} = {byte}");
    }
}
