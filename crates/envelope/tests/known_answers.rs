//! The libraries below the seal against published vectors: RFC 9180 in all modes, Wycheproof for the parts.

use aes_gcm::aead::{Aead as _, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce};
use hpke::aead::{Aead, AesGcm128, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, PskBundle, Serializable};
use serde_json::Value;

type Kem = X25519HkdfSha256;
type PublicKey = <Kem as hpke::Kem>::PublicKey;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;

fn bytes(value: &Value, member: &str) -> Vec<u8> {
    hex::decode(value[member].as_str().expect(member)).expect("hexadecimal")
}

fn array(value: &Value, member: &str) -> [u8; 32] {
    bytes(value, member).try_into().expect("32 bytes")
}

fn cases(json: &str) -> Vec<(Value, Value)> {
    let file: Value = serde_json::from_str(json).expect("JSON");
    let cases: Vec<(Value, Value)> = file["testGroups"]
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|group| {
            let tests = group["tests"].as_array().expect("tests").clone();
            tests.into_iter().map(move |case| (group.clone(), case))
        })
        .collect();
    assert_eq!(Some(cases.len() as u64), file["numberOfTests"].as_u64());
    cases
}

/// Gives out the vector's `ikmE` once, in the place of randomness.
struct Once(Option<Vec<u8>>);

impl TryRng for Once {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        panic!("only 32 bytes are asked for");
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        panic!("only 32 bytes are asked for");
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        dst.copy_from_slice(&self.0.take().expect("asked for once"));
        Ok(())
    }
}

impl TryCryptoRng for Once {}

#[derive(Default, Debug, PartialEq, Eq)]
struct Ran {
    encryptions: usize,
    exports: usize,
}

/// Both directions of one vector, in whatever mode it has. Returns how much was compared.
fn check_hpke<A: Aead>(vector: &Value) -> Ran {
    let public = |member| PublicKey::from_bytes(&bytes(vector, member)).expect("a public key");
    let private = |member| PrivateKey::from_bytes(&bytes(vector, member)).expect("a private key");
    let info = bytes(vector, "info");
    let mode = vector["mode"].as_u64().expect("a mode");
    let (psk, psk_id) =
        if mode & 1 == 1 { (bytes(vector, "psk"), bytes(vector, "psk_id")) } else { (Vec::new(), Vec::new()) };
    let bundle = || PskBundle::new(&psk, &psk_id).expect("a PSK");
    let (to, from) = match mode {
        0 => (OpModeS::<Kem>::Base, OpModeR::<Kem>::Base),
        1 => (OpModeS::Psk(bundle()), OpModeR::Psk(bundle())),
        2 => (OpModeS::Auth((private("skSm"), public("pkSm"))), OpModeR::Auth(public("pkSm"))),
        3 => {
            (OpModeS::AuthPsk((private("skSm"), public("pkSm")), bundle()), OpModeR::AuthPsk(public("pkSm"), bundle()))
        }
        other => panic!("mode {other}"),
    };
    let (_, derived) = Kem::derive_keypair(&bytes(vector, "ikmR"));
    assert_eq!(derived, public("pkRm"));

    let mut rng = Once(Some(bytes(vector, "ikmE")));
    let (enc, mut sender) = hpke::setup_sender_with_rng::<A, HkdfSha256, Kem>(&to, &public("pkRm"), &info, &mut rng)
        .expect("encapsulation");
    assert_eq!(enc.to_bytes().to_vec(), bytes(vector, "enc"));
    let mut receiver =
        hpke::setup_receiver::<A, HkdfSha256, Kem>(&from, &private("skRm"), &enc, &info).expect("decapsulation");

    let mut ran = Ran::default();
    let encryptions = vector["encryptions"].as_array().expect("encryptions");
    for seq in 0..=256_u64 {
        // The numbers between those published are passed by sealing something.
        let Some(encryption) = encryptions.iter().find(|one| one["seq"] == seq) else {
            let ciphertext = sender.seal(b"between", b"").expect("sealed");
            receiver.open(&ciphertext, b"").expect("opened");
            continue;
        };
        let (aad, plaintext) = (bytes(encryption, "aad"), bytes(encryption, "pt"));
        let ciphertext = sender.seal(&plaintext, &aad).expect("sealed");
        assert_eq!(ciphertext, bytes(encryption, "ct"), "sequence number {seq}");
        assert_eq!(receiver.open(&ciphertext, &aad).expect("opened"), plaintext);
        ran.encryptions += 1;
    }
    for export in vector["exports"].as_array().expect("exports") {
        let context = bytes(export, "exporter_context");
        let expected = bytes(export, "exported_value");
        let mut exported = vec![0; expected.len()];
        sender.export(&context, &mut exported).expect("exported");
        assert_eq!(exported, expected);
        receiver.export(&context, &mut exported).expect("exported");
        assert_eq!(exported, expected);
        ran.exports += 1;
    }
    ran
}

#[test]
fn rfc9180_in_every_mode() {
    let json = include_str!("data/rfc9180_x25519_hkdfsha256_aesgcm.json");
    let vectors: Vec<Value> = serde_json::from_str(json).unwrap();
    assert_eq!(vectors.len(), 8);
    for vector in &vectors {
        assert_eq!((&vector["kem_id"], &vector["kdf_id"]), (&32.into(), &1.into()));
        let ran = match vector["aead_id"].as_u64() {
            Some(1) => check_hpke::<AesGcm128>(vector),
            Some(2) => check_hpke::<AesGcm256>(vector),
            other => panic!("AEAD {other:?}"),
        };
        let expected = Ran { encryptions: 11, exports: 3 };
        assert_eq!(ran, expected);
    }
}

#[test]
fn wycheproof_x25519() {
    let (mut valid, mut acceptable) = (0, 0);
    for (_, case) in cases(include_str!("data/wycheproof_x25519_test.json")) {
        let secret = x25519_dalek::StaticSecret::from(array(&case, "private"));
        let public = x25519_dalek::PublicKey::from(array(&case, "public"));
        let shared = secret.diffie_hellman(&public);
        assert_eq!(*shared.as_bytes(), array(&case, "shared"), "{}", case["tcId"]);
        assert_eq!(shared.was_contributory(), *shared.as_bytes() != [0; 32], "{}", case["tcId"]);
        match case["result"].as_str() {
            Some("valid") => valid += 1,
            Some("acceptable") => acceptable += 1,
            other => panic!("result {other:?}"),
        }
    }
    assert_eq!((valid, acceptable), (264, 254));
}

/// One direction of a cipher: a nonce, then message or ciphertext with its additional data.
type Direction<'a> = &'a dyn Fn(&[u8], Payload) -> Option<Vec<u8>>;

#[test]
fn wycheproof_aes_gcm() {
    let (mut aes128, mut aes256, mut other_sizes) = (0, 0, 0);
    for (group, case) in cases(include_str!("data/wycheproof_aes_gcm_test.json")) {
        let sizes = [&group["keySize"], &group["ivSize"], &group["tagSize"]].map(|size| size.as_u64().unwrap());
        let key = bytes(&case, "key");
        let message = bytes(&case, "msg");
        let aad = bytes(&case, "aad");
        let sealed = [bytes(&case, "ct"), bytes(&case, "tag")].concat();
        let iv = bytes(&case, "iv");
        let run = |seal: Direction, open: Direction| {
            let opened = open(&iv, Payload { msg: &sealed, aad: &aad });
            if case["result"] == "valid" {
                assert_eq!(opened.as_ref(), Some(&message), "{}", case["tcId"]);
                let again = seal(&iv, Payload { msg: &message, aad: &aad });
                assert_eq!(again, Some(sealed.clone()), "{}", case["tcId"]);
            } else {
                assert_eq!(opened, None, "{}", case["tcId"]);
            }
        };
        match sizes {
            [128, 96, 128] => {
                let cipher = Aes128Gcm::new_from_slice(&key).unwrap();
                run(&|iv, payload| cipher.encrypt(&Nonce::try_from(iv).unwrap(), payload).ok(), &|iv, payload| {
                    cipher.decrypt(&Nonce::try_from(iv).unwrap(), payload).ok()
                });
                aes128 += 1;
            }
            [256, 96, 128] => {
                let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
                run(&|iv, payload| cipher.encrypt(&Nonce::try_from(iv).unwrap(), payload).ok(), &|iv, payload| {
                    cipher.decrypt(&Nonce::try_from(iv).unwrap(), payload).ok()
                });
                aes256 += 1;
            }
            // HPKE has 96-bit nonces and 128-bit tags only (RFC 9180, section 7.3); AES-192 it has not.
            _ => other_sizes += 1,
        }
    }
    assert_eq!((aes128, aes256, other_sizes), (67, 66, 183));
}

#[test]
fn wycheproof_hkdf_sha256() {
    let (mut valid, mut invalid) = (0, 0);
    for (_, case) in cases(include_str!("data/wycheproof_hkdf_sha256_test.json")) {
        let hkdf = hkdf::Hkdf::<sha2::Sha256>::new(Some(&bytes(&case, "salt")), &bytes(&case, "ikm"));
        let size = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
        let mut okm = vec![0; size];
        let expanded = hkdf.expand(&bytes(&case, "info"), &mut okm).is_ok();
        if case["result"] == "valid" {
            assert!(expanded, "{}", case["tcId"]);
            assert_eq!(okm, bytes(&case, "okm"), "{}", case["tcId"]);
            valid += 1;
        } else {
            assert!(!expanded, "{}", case["tcId"]);
            invalid += 1;
        }
    }
    assert_eq!((valid, invalid), (83, 3));
}
