//! Verification against Wycheproof, and keys and identifiers that must not fit.

use serde_json::Value;

use super::{BankRoot, Device, Merchant, OperatorRoot, SIGNATURE_LEN, SigningKey, VerifyingKey};
use crate::error::KeyError;

const ED25519: &str = include_str!("../../tests/data/wycheproof_ed25519_test.json");

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("text")).expect("hexadecimal")
}

#[test]
fn wycheproof_ed25519() {
    let file: Value = serde_json::from_str(ED25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let public: [u8; 32] = bytes(&group["publicKey"]["pk"]).try_into().unwrap();
        let key = VerifyingKey::<Device>::from_bytes(&public);
        for case in group["tests"].as_array().unwrap() {
            let verified = key.as_ref().is_ok_and(|key| {
                <[u8; SIGNATURE_LEN]>::try_from(bytes(&case["sig"]))
                    .is_ok_and(|signature| key.verifies(&bytes(&case["msg"]), &signature))
            });
            assert_eq!(verified, case["result"] == "valid", "{}", case["tcId"]);
            if verified { valid += 1 } else { invalid += 1 }
        }
    }
    assert_eq!(valid + invalid, file["numberOfTests"].as_u64().unwrap());
    assert_eq!((valid, invalid), (88, 63));
}

#[test]
fn a_key_of_small_order_is_refused() {
    // The identity, the point of order two, and a point of order four (RFC 7748 encodings of y = 1, -1, 0).
    let mut minus_one = [0xFF; 32];
    (minus_one[0], minus_one[31]) = (0xEC, 0x7F);
    let mut one = [0; 32];
    one[0] = 1;
    for weak in [one, minus_one, [0; 32]] {
        assert_eq!(VerifyingKey::<Merchant>::from_bytes(&weak), Err(KeyError::Weak));
    }
}

#[test]
fn bytes_off_the_curve_are_refused() {
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    assert_eq!(VerifyingKey::<Merchant>::from_bytes(&off_curve), Err(KeyError::Encoding));
}

#[test]
fn the_same_seed_has_another_kid_in_every_role() {
    let seed = [7; 32];
    let kids = [
        SigningKey::<OperatorRoot>::from_bytes(&seed).kid().to_owned(),
        SigningKey::<BankRoot>::from_bytes(&seed).kid().to_owned(),
        SigningKey::<Merchant>::from_bytes(&seed).kid().to_owned(),
        SigningKey::<super::BankOutcome>::from_bytes(&seed).kid().to_owned(),
        SigningKey::<Device>::from_bytes(&seed).kid().to_owned(),
    ];
    let unique: std::collections::HashSet<&String> = kids.iter().collect();
    assert_eq!(unique.len(), kids.len());
}

#[test]
fn a_jwk_of_another_role_is_refused() {
    let jwk = SigningKey::<Device>::generate().public().to_jwk();
    assert_eq!(VerifyingKey::<Merchant>::from_jwk(&jwk), Err(KeyError::WrongRole));
    let sealing = crate::DeviceSealingKeySecret::generate().public().to_jwk();
    assert_eq!(VerifyingKey::<Device>::from_jwk(&sealing), Err(KeyError::WrongRole));
    assert_eq!(crate::BankSealingKey::from_jwk(&sealing), Err(KeyError::WrongRole));
    assert_eq!(crate::BankSealingKey::from_jwk(&jwk), Err(KeyError::WrongRole));
}

#[test]
fn a_fingerprint_is_sixteen_groups_of_four() {
    let fingerprint = SigningKey::<BankRoot>::from_bytes(&[7; 32]).public().fingerprint();
    let groups: Vec<&str> = fingerprint.split(' ').collect();
    assert_eq!(groups.len(), 16);
    assert!(
        groups.iter().all(|group| group.len() == 4
            && group.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_lowercase()))
    );
}

#[test]
fn a_key_survives_its_file_form() {
    let key = SigningKey::<Merchant>::generate();
    let again = SigningKey::<Merchant>::from_bytes(key.expose_bytes());
    assert_eq!(again.public(), key.public());
    assert_eq!(VerifyingKey::from_base64url(&key.public().to_base64url()).as_ref(), Ok(key.public()));
    let json = serde_json::to_string(key.public()).unwrap();
    let read: VerifyingKey<Merchant> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, *key.public());
}
