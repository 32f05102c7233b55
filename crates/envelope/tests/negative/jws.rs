//! Signed messages that must not be accepted, whatever they claim.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer;
use envelope::jws::{JWS_LEN_MAX, TYP_KEYSET, TYP_ORDER, TYP_OUTCOME, peek_kid, peek_payload_unverified, sign, verify};
use envelope::{Device, JwsError, Merchant, SigningKey};
use proptest::prelude::*;

const PAYLOAD: &[u8] = br#"{"order":1}"#;

/// A message with whatever header, rightly signed by `key`.
fn forged(key: &SigningKey<Merchant>, header: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(PAYLOAD));
    let signature = ed25519_dalek::SigningKey::from_bytes(key.expose_bytes()).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn check(key: &SigningKey<Merchant>, jws: &str) -> Result<Vec<u8>, JwsError> {
    verify(key.public(), TYP_ORDER, jws)
}

#[test]
fn the_forger_of_these_tests_signs_as_we_do() {
    let key = SigningKey::<Merchant>::generate();
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYP_ORDER}"}}"#, key.kid());
    assert_eq!(forged(&key, &header), sign(&key, TYP_ORDER, PAYLOAD));
    assert_eq!(check(&key, &forged(&key, &header)).as_deref(), Ok(PAYLOAD));
}

#[test]
fn another_algorithm() {
    let key = SigningKey::<Merchant>::generate();
    for alg in ["none", "None", "HS256", "ES256", "RS256", "Ed25519", "eddsa", "EdDSA ", ""] {
        let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"{TYP_ORDER}"}}"#, key.kid());
        let jws = forged(&key, &header);
        assert_eq!(check(&key, &jws), Err(JwsError::Algorithm), "{alg}");
        assert_eq!(peek_kid(&jws), Err(JwsError::Algorithm), "{alg}");
        assert_eq!(peek_payload_unverified(&jws), Err(JwsError::Algorithm), "{alg}");
    }
}

#[test]
fn no_signature_at_all() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, PAYLOAD);
    let unsigned = &jws[..=jws.rfind('.').unwrap()];
    assert_eq!(check(&key, unsigned), Err(JwsError::Malformed));
    let zeros = format!("{unsigned}{}", URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(check(&key, &zeros), Err(JwsError::Signature));
}

#[test]
fn a_mac_keyed_with_the_public_key() {
    // The old confusion: HS256 over the public key's bytes. The algorithm is refused before any key is used.
    let key = SigningKey::<Merchant>::generate();
    let header = format!(r#"{{"alg":"HS256","kid":"{}","typ":"{TYP_ORDER}"}}"#, key.kid());
    let mac = URL_SAFE_NO_PAD.encode([0xAB; 32]);
    let jws = format!("{}.{}.{mac}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(PAYLOAD));
    assert_eq!(check(&key, &jws), Err(JwsError::Algorithm));
}

#[test]
fn another_type() {
    let key = SigningKey::<Merchant>::generate();
    for typ in [TYP_OUTCOME, TYP_KEYSET, "JWT", ""] {
        let jws = sign(&key, typ, PAYLOAD);
        assert_eq!(check(&key, &jws), Err(JwsError::WrongType), "{typ}");
    }
}

#[test]
fn another_key_or_another_role() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&SigningKey::<Merchant>::generate(), TYP_ORDER, PAYLOAD);
    assert_eq!(check(&key, &jws), Err(JwsError::UnknownKid));
    // The very same key bytes in another role carry another kid.
    let device = SigningKey::<Device>::from_bytes(key.expose_bytes());
    let jws = sign(&device, TYP_ORDER, PAYLOAD);
    assert_eq!(check(&key, &jws), Err(JwsError::UnknownKid));
    // The right kid on another key's signature.
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYP_ORDER}"}}"#, key.kid());
    let jws = forged(&SigningKey::generate(), &header);
    assert_eq!(check(&key, &jws), Err(JwsError::Signature));
}

#[test]
fn a_header_with_missing_repeated_or_foreign_members() {
    let key = SigningKey::<Merchant>::generate();
    let kid = key.kid();
    for header in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        r#""EdDSA""#.to_owned(),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{TYP_ORDER}"}}"#),
        format!(r#"{{"kid":"{kid}","typ":"{TYP_ORDER}"}}"#),
        format!(r#"{{"alg":"EdDSA","alg":"none","kid":"{kid}","typ":"{TYP_ORDER}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","kid":"{kid}","typ":"{TYP_ORDER}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP_ORDER}","crit":["b64"],"b64":false}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP_ORDER}","jwk":{{"kty":"OKP"}}}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP_ORDER}","x5u":"https://evil.example"}}"#),
        format!(r#"{{"alg":null,"kid":"{kid}","typ":"{TYP_ORDER}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP_ORDER}"}}x"#),
    ] {
        assert_eq!(check(&key, &forged(&key, &header)), Err(JwsError::Malformed), "{header}");
    }
}

#[test]
fn any_changed_character() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, PAYLOAD);
    for place in 0..jws.len() {
        for other in ['A', 'Q', 'z', '_', '.', '=', ' ', '\n', '+', 'é'] {
            let changed: String =
                jws.char_indices().map(|(at, character)| if at == place { other } else { character }).collect();
            if changed != jws {
                assert!(check(&key, &changed).is_err(), "{place} {other:?}");
            }
        }
    }
}

#[test]
fn base64_that_is_not_canonical() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, PAYLOAD);
    let parts: Vec<&str> = jws.split('.').collect();
    // 64 bytes leave four stray bits in the last character: 'A', 'Q', 'g' and 'w' are the canonical ones.
    let last = parts[2].chars().last().unwrap();
    let stray = char::from(u8::try_from(u32::from(last)).unwrap() + 1);
    let signature = format!("{}{stray}", &parts[2][..parts[2].len() - 1]);
    for wrong in [
        format!("{}.{}.{signature}", parts[0], parts[1]),
        format!("{}.{}.{}==", parts[0], parts[1], parts[2]),
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        format!(" {jws}"),
        format!("{jws}\n"),
        format!("{}.{}\n.{}", parts[0], parts[1], parts[2]),
    ] {
        let refused = check(&key, &wrong).err();
        assert!(matches!(refused, Some(JwsError::Malformed | JwsError::Signature)), "{wrong} {refused:?}");
    }
}

#[test]
fn another_number_of_parts() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, PAYLOAD);
    let parts: Vec<&str> = jws.split('.').collect();
    for wrong in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        parts[0].to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{jws}."),
        format!(".{jws}"),
        format!("{jws}.{}", parts[2]),
        format!("{}.{}.{}.{}.{}", parts[0], parts[1], parts[2], parts[1], parts[2]),
    ] {
        assert_eq!(check(&key, &wrong), Err(JwsError::Malformed), "{wrong}");
    }
}

#[test]
fn cut_at_every_length() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, PAYLOAD);
    for len in 0..jws.len() {
        assert!(check(&key, &jws[..len]).is_err(), "{len}");
    }
}

#[test]
fn a_malleated_signature() {
    // S + L verifies under lax rules (RFC 8032, section 5.1.7 demands S < L).
    const L: [u8; 32] = [
        0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, PAYLOAD);
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let malleated = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert_eq!(check(&key, &malleated), Err(JwsError::Signature));
}

#[test]
fn an_oversized_message() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, &vec![b' '; JWS_LEN_MAX]);
    assert_eq!(check(&key, &jws), Err(JwsError::TooLong));
    assert_eq!(peek_kid(&jws), Err(JwsError::TooLong));
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYP_ORDER}"{}}}"#, key.kid(), " ".repeat(1000));
    assert_eq!(check(&key, &forged(&key, &header)), Err(JwsError::Malformed));
}

#[test]
fn peeking_tells_what_is_claimed() {
    let key = SigningKey::<Merchant>::generate();
    let jws = sign(&key, TYP_ORDER, PAYLOAD);
    assert_eq!(peek_kid(&jws).as_deref(), Ok(key.kid()));
    assert_eq!(peek_payload_unverified(&jws).as_deref(), Ok(PAYLOAD));
}

proptest! {
    #[test]
    fn every_payload_comes_back(payload in prop::collection::vec(any::<u8>(), 0..500)) {
        let key = SigningKey::<Merchant>::generate();
        let jws = sign(&key, TYP_ORDER, &payload);
        prop_assert_eq!(check(&key, &jws), Ok(payload));
    }

    #[test]
    fn any_text_is_refused(text in "[A-Za-z0-9_.=-]{0,200}") {
        let key = SigningKey::<Merchant>::generate();
        prop_assert!(check(&key, &text).is_err());
    }
}
