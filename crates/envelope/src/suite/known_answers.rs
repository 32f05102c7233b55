//! The crate's own sealing path against RFC 9180 and Wycheproof, not only the library below it.

use hkdf::Hkdf;
use hpke::rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use sha2::Sha256;

use super::{Receiver, Sender, derive_private, public_of};
use crate::error::{OpenError, SealError};
use crate::secret::SecretArray;

const RFC9180: &str = include_str!("../../tests/data/rfc9180_x25519_hkdfsha256_aesgcm.json");
const X25519: &str = include_str!("../../tests/data/wycheproof_x25519_test.json");
/// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180, section 5.1).
const HPKE_SUITE_ID: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x02";
const KEM_SUITE_ID: &[u8] = b"KEM\x00\x20";

fn bytes(value: &Value, member: &str) -> Vec<u8> {
    hex::decode(value[member].as_str().expect(member)).expect("hexadecimal")
}

fn array(value: &Value, member: &str) -> [u8; 32] {
    bytes(value, member).try_into().expect("32 bytes")
}

/// Gives out the vector's `ikmE` once, in the place of randomness.
struct Once(Option<[u8; 32]>);

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

#[test]
fn our_path_reproduces_the_base_mode_vector() {
    let vectors: Value = serde_json::from_str(RFC9180).unwrap();
    let base: Vec<&Value> =
        vectors.as_array().unwrap().iter().filter(|vector| vector["mode"] == 0 && vector["aead_id"] == 2).collect();
    assert_eq!(base.len(), 1);
    let vector = base[0];
    let info = bytes(vector, "info");
    let recipient = array(vector, "pkRm");
    let private = SecretArray::copy_of(&array(vector, "skRm"));
    assert_eq!(public_of(&private), recipient);
    let derived = derive_private(&SecretArray::copy_of(&array(vector, "ikmR")));
    // The vector gives the derived scalar unclamped; X25519 clamps it (RFC 7748, section 5).
    assert_eq!(public_of(&derived), recipient);

    let sender = || {
        let mut rng = Once(Some(array(vector, "ikmE")));
        Sender::with_rng(&recipient, &info, &mut rng).unwrap()
    };
    let enc = array(vector, "enc");
    let receiver = || Receiver::from(&private, &enc, &info).unwrap();

    let exports = vector["exports"].as_array().unwrap();
    assert_eq!(exports.len(), 3);
    for export in exports {
        let context = bytes(export, "exporter_context");
        let expected = array(export, "exported_value");
        assert_eq!(*sender().export(&context).expose(), expected);
        assert_eq!(*receiver().export(&context).expose(), expected);
    }

    // One context, one seal: of the vector's encryptions only the first can occur here.
    let first = &vector["encryptions"][0];
    assert_eq!(first["seq"], 0);
    let (aad, plaintext) = (bytes(first, "aad"), bytes(first, "pt"));
    let (sent_enc, ciphertext) = sender().seal(&aad, &plaintext).unwrap();
    assert_eq!(sent_enc, enc);
    assert_eq!(ciphertext, bytes(first, "ct"));
    assert_eq!(*receiver().open(&aad, &ciphertext).unwrap(), plaintext);
    // A later message of a longer context does not open as ours.
    let second = &vector["encryptions"][1];
    assert_eq!(receiver().open(&bytes(second, "aad"), &bytes(second, "ct")).err(), Some(OpenError::Refused));
}

/// RFC 9180, section 4: `LabeledExtract`.
fn labeled_extract(suite_id: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Hkdf<Sha256> {
    Hkdf::new(Some(salt), &[b"HPKE-v1", suite_id, label, ikm].concat())
}

/// RFC 9180, section 4: `LabeledExpand` to 32 bytes.
fn labeled_expand(prk: &Hkdf<Sha256>, suite_id: &[u8], label: &[u8], info: &[u8]) -> [u8; 32] {
    let mut okm = [0; 32];
    let labeled = [b"\x00\x20", b"HPKE-v1".as_slice(), suite_id, label, info].concat();
    prk.expand(&labeled, &mut okm).expect("32 bytes");
    okm
}

/// What the exporter must give for a Diffie-Hellman result, written out from RFC 9180 sections 4.1, 5.1 and 5.3.
fn expected_export(dh: &[u8; 32], enc: &[u8; 32], recipient: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let eae_prk = labeled_extract(KEM_SUITE_ID, b"", b"eae_prk", dh);
    let kem_context = [enc.as_slice(), recipient].concat();
    let shared = labeled_expand(&eae_prk, KEM_SUITE_ID, b"shared_secret", &kem_context);
    let psk_id_hash = Hkdf::<Sha256>::extract(Some(b""), &[b"HPKE-v1", HPKE_SUITE_ID, b"psk_id_hash"].concat()).0;
    let info_hash = Hkdf::<Sha256>::extract(Some(b""), &[b"HPKE-v1", HPKE_SUITE_ID, b"info_hash", info].concat()).0;
    let key_schedule_context = [&[0][..], &psk_id_hash[..], &info_hash[..]].concat();
    let secret = labeled_extract(HPKE_SUITE_ID, &shared, b"secret", b"");
    let exporter = labeled_expand(&secret, HPKE_SUITE_ID, b"exp", &key_schedule_context);
    let exporter = Hkdf::<Sha256>::from_prk(&exporter).expect("a full-length key");
    labeled_expand(&exporter, HPKE_SUITE_ID, b"sec", b"tapseal test")
}

#[test]
fn every_wycheproof_point_is_opened_right_or_refused() {
    let file: Value = serde_json::from_str(X25519).unwrap();
    let (mut derived, mut refused) = (0, 0);
    for case in file["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
        let enc = array(case, "public");
        let private = SecretArray::copy_of(&array(case, "private"));
        let shared = array(case, "shared");
        let receiver = Receiver::from(&private, &enc, b"label");
        if shared == [0; 32] {
            // RFC 9180, section 7.1.4: abort on the all-zero result, on both sides.
            assert_eq!(receiver.err(), Some(OpenError::Refused), "{}", case["tcId"]);
            assert_eq!(Sender::to(&enc, b"label").err(), Some(SealError::UnusableKey), "{}", case["tcId"]);
            refused += 1;
        } else {
            let expected = expected_export(&shared, &enc, &public_of(&private), b"label");
            let exported = receiver.ok().unwrap().export(b"tapseal test");
            assert_eq!(*exported.expose(), expected, "{}", case["tcId"]);
            derived += 1;
        }
    }
    assert_eq!((derived, refused), (487, 31));
}
