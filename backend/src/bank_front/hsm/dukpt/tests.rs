//! The examples of both standards, as openemv/dukpt tests them.

use envelope::pin_block::{self as format_4, EncipheredPinBlock};
use envelope::{Pan, Pin};
use serde_json::Value;

use super::*;
use crate::bank_front::hsm::pin_block::{self, PinFormat};

const EXAMPLES: &str = include_str!("../../../../tests/data/dukpt_openemv.json");

fn examples(name: &str) -> Value {
    let file: Value = serde_json::from_str(EXAMPLES).unwrap();
    file["sets"][name].clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn list<'a>(set: &'a Value, name: &str) -> &'a [Value] {
    set[name].as_array().unwrap()
}

fn upper(bytes: impl AsRef<[u8]>) -> String {
    hex::encode_upper(bytes)
}

#[test]
fn triple_des_examples_come_out() {
    let set = examples("dukpt_tdes_test.c");
    let base = TdesBase::new(Zeroizing::new(bytes(&set["bdk"]).try_into().unwrap()));
    let first: [u8; 10] = bytes(&set["iksn"]).try_into().unwrap();
    assert_eq!(upper(*base.initial_key(&first)), set["ik_verify"].as_str().unwrap());
    let pan = Pan::parse(set["pan"].as_str().unwrap()).unwrap();
    let mut blocks = 0;
    for (at, text) in list(&set, "ksn_verify").iter().enumerate() {
        let ksn: [u8; 10] = bytes(text).try_into().unwrap();
        let key = tdes::future_key(base.initial_key(&ksn), &ksn);
        assert_eq!(upper(*key), list(&set, "txn_key_verify")[at].as_str().unwrap());
        let block = bytes(&list(&set, "encrypted_pinblock_verify")[at]).try_into().unwrap();
        let pin = pin_block::decipher(&base.pin_key(&ksn), block, &pan, Some(PinFormat::Iso0)).unwrap();
        assert_eq!(pin.expose_ascii(), set["pin"].as_str().unwrap().as_bytes());
        blocks += 1;
    }
    assert_eq!(blocks, 12);
}

fn aes_examples(name: &str, pin_keys: &str, strength: aes::Strength) {
    let set = examples(name);
    let base = AesBase::new(&bytes(&set["bdk"])).unwrap();
    let id = bytes(&set["ikid"]).try_into().unwrap();
    assert_eq!(upper(&*base.initial_key(id)), set["ik_verify"].as_str().unwrap());
    for (at, text) in list(&set, "ksn_verify").iter().enumerate() {
        let ksn: [u8; 12] = bytes(text).try_into().unwrap();
        assert_eq!(upper(&*base.derivation_key(&ksn)), list(&set, "txn_key_verify")[at].as_str().unwrap());
        let key = base.working_key(&ksn, aes::Usage::PinEncryption, strength);
        assert_eq!(upper(&*key), list(&set, pin_keys)[at].as_str().unwrap());
    }
}

#[test]
fn aes_examples_come_out() {
    aes_examples("dukpt_aes128_test.c", "pin_key_aes128_verify", aes::Strength::Aes128);
    aes_examples("dukpt_aes256_test.c", "pin_key_aes128_verify", aes::Strength::Aes128);
    aes_examples("dukpt_aes256_test.c", "pin_key_aes256_verify", aes::Strength::Aes256);
}

#[test]
fn aes_pin_blocks_decipher_to_the_pin() {
    let set = examples("dukpt_aes128_test.c");
    let base = AesBase::new(&bytes(&set["bdk"])).unwrap();
    let pan = Pan::parse(set["pan"].as_str().unwrap()).unwrap();
    let blocks = list(&set, "encrypted_pinblock_verify");
    for (text, block) in list(&set, "ksn_verify").iter().zip(blocks) {
        let key = base.pin_key(&bytes(text).try_into().unwrap()).unwrap();
        let block = EncipheredPinBlock::from_bytes(bytes(block).try_into().unwrap());
        let pin = format_4::decipher(&key, &block, &pan).unwrap();
        assert_eq!(pin.expose_ascii(), set["pin"].as_str().unwrap().as_bytes());
    }
    assert_eq!(blocks.len(), 4);
}

#[test]
fn a_serial_number_tells_terminal_and_counter() {
    let ksn = Ksn::parse("FFFF9876543210E0000C").unwrap();
    assert_eq!(ksn.counter(), 12);
    assert_eq!(ksn.terminal(), Ksn::parse("FFFF9876543210E00001").unwrap().terminal());
    assert_ne!(ksn.terminal(), Ksn::parse("FFFF9876543210C00001").unwrap().terminal());
    let ksn = Ksn::parse("123456789012345600010004").unwrap();
    assert_eq!(ksn.counter(), 0x1_0004);
    assert_eq!(ksn.terminal(), Terminal::Aes(hex::decode("1234567890123456").unwrap().try_into().unwrap()));
    // Ten set bits at most, sixteen with AES, one at least.
    assert!(Ksn::parse("FFFF9876543210E003FF").is_some());
    assert!(Ksn::parse("12345678901234560000FFFF").is_some());
    for wrong in [
        "FFFF9876543210E007FF",
        "12345678901234560001FFFF",
        "FFFF9876543210E00000",
        "123456789012345600000000",
        "FFFF9876543210E000",
        "FFFF9876543210E0000X",
        "",
    ] {
        assert_eq!(Ksn::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_base_key_of_another_length_is_refused() {
    for len in (0..=64).filter(|len| *len != 16 && *len != 32) {
        assert!(AesBase::new(&vec![1; len]).is_none(), "{len}");
    }
}

#[test]
fn each_counter_has_a_key_of_its_own() {
    let pin = Pin::from_ascii(b"1234").unwrap();
    let pan = Pan::parse("4761340000000050").unwrap();
    let base = AesBase::new(&[7; 32]).unwrap();
    let ksn = |counter: u32| {
        let mut ksn = [3; 12];
        ksn[8..].copy_from_slice(&counter.to_be_bytes());
        ksn
    };
    let block = format_4::encipher(&base.pin_key(&ksn(5)).unwrap(), &pin, &pan).unwrap();
    for counter in (1..64).filter(|counter| *counter != 5) {
        assert!(format_4::decipher(&base.pin_key(&ksn(counter)).unwrap(), &block, &pan).is_err(), "{counter}");
    }
}
