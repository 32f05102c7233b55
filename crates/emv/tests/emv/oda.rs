//! Published certificates and signatures: every one verifies, and none with a byte changed does.

use emv::oda::{self, CaKey, CaKeys, Chain, Fault, PublicKey};
use emv::tag::Tag;
use serde_json::Value;

use crate::{bytes, json};

/// One published card, with what a test may change.
#[derive(Clone)]
struct Card {
    rid: [u8; 5],
    keys: CaKeys,
    pan: String,
    today_yymm: [u8; 2],
    objects: Vec<(Tag, Vec<u8>)>,
    static_data: Vec<u8>,
}

const OBJECTS: [(&str, Tag); 6] = [
    ("issuer_cert_90", Tag::ISSUER_CERTIFICATE),
    ("issuer_rem_92", Tag::ISSUER_REMAINDER),
    ("issuer_exp_9F32", Tag::ISSUER_EXPONENT),
    ("icc_cert_9F46", Tag::CARD_CERTIFICATE),
    ("icc_rem_9F48", Tag::CARD_REMAINDER),
    ("icc_exp_9F47", Tag::CARD_EXPONENT),
];

impl Card {
    fn of(case: &Value) -> Self {
        let rid = case["rid"].as_str().map_or(vec![0xA0, 0, 0, 0, 4], |rid| hex::decode(rid).unwrap());
        let rid: [u8; 5] = rid.try_into().unwrap();
        let index = case["capk_index"].as_str().map_or(0x05, |index| u8::from_str_radix(index, 16).unwrap());
        let key = CaKey::new(rid, index, &bytes(&case["ca_modulus"]), &bytes(&case["ca_exponent"])).unwrap();
        let mut objects = vec![(Tag::CA_INDEX, vec![index])];
        for (name, tag) in OBJECTS {
            if case[name].is_string() {
                objects.push((tag, bytes(&case[name])));
            }
        }
        Self {
            rid,
            keys: CaKeys::none().with(key),
            pan: case["pan"].as_str().unwrap().to_owned(),
            today_yymm: [0x06, 0x01],
            objects,
            static_data: case["static_data"].as_str().map(|data| hex::decode(data).unwrap()).unwrap_or_default(),
        }
    }

    fn with<T>(&self, use_chain: impl FnOnce(&Chain<'_>) -> T) -> T {
        let object = |tag| self.objects.iter().find(|(present, _)| *present == tag).map(|(_, value)| value.as_slice());
        use_chain(&Chain {
            rid: self.rid,
            keys: &self.keys,
            pan_digits: &self.pan,
            today_yymm: self.today_yymm,
            object: &object,
            static_data: &self.static_data,
        })
    }

    #[allow(clippy::redundant_closure_for_method_calls, reason = "a method path fixes the lifetime too early")]
    fn issuer_key(&self) -> Result<PublicKey, Fault> {
        self.with(|chain| chain.issuer_key())
    }

    #[allow(clippy::redundant_closure_for_method_calls, reason = "a method path fixes the lifetime too early")]
    fn card_key(&self) -> Result<PublicKey, Fault> {
        self.with(|chain| chain.card_key())
    }

    fn without(&self, tag: Tag) -> Self {
        let mut card = self.clone();
        card.objects.retain(|(present, _)| *present != tag);
        card
    }
}

fn cases() -> Vec<Value> {
    json("vectors/oda_vectors.json")["cases"].as_array().unwrap().clone()
}

/// The cases whose static data is published: the chain of the other one ends at the issuer.
fn whole_cases() -> Vec<Value> {
    cases().into_iter().filter(|case| case["static_data"].is_string()).collect()
}

fn case(name: &str) -> Value {
    cases().into_iter().find(|case| case["name"] == name).unwrap()
}

fn is(key: &PublicKey, hexadecimal: &Value) -> bool {
    hex::encode_upper(key.modulus()) == hexadecimal.as_str().unwrap().to_uppercase()
}

#[test]
fn every_published_chain_verifies() {
    let mut checked = 0;
    for case in cases() {
        let card = Card::of(&case);
        let issuer = card.issuer_key().unwrap_or_else(|fault| panic!("{}: {fault:?}", case["name"]));
        assert!(is(&issuer, &case["expect_issuer"]["key"]), "{}", case["name"]);
        match case["method"].as_str().unwrap() {
            "SDA" => {
                let code = oda::verify_static(&issuer, &bytes(&case["ssad_93"]), &card.static_data).unwrap();
                assert_eq!(hex::encode(code), case["expect"]["dac"].as_str().unwrap());
            }
            _ if case["static_data"].is_null() => assert_eq!(card.card_key(), Err(Fault::CardCertificate)),
            method => {
                let key = card.card_key().unwrap_or_else(|fault| panic!("{}: {fault:?}", case["name"]));
                assert!(case["expect_icc"]["key"].as_str().is_none() || is(&key, &case["expect_icc"]["key"]));
                if method == "DDA" {
                    let terminal = bytes(&case["terminal_dynamic_data"]);
                    let number = oda::verify_dynamic(&key, &bytes(&case["sdad_9F4B"]), &terminal).unwrap();
                    assert_eq!(Some(hex::encode_upper(number).as_str()), case["expect"]["icc_dynamic_number"].as_str());
                }
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[test]
fn every_byte_of_a_chain_counts() {
    for case in whole_cases() {
        let card = Card::of(&case);
        let dynamic = case["method"] != "SDA";
        for at in 0..card.objects.len() {
            let (tag, value) = card.objects[at].clone();
            let fails = |card: &Card| if dynamic { card.card_key().is_err() } else { card.issuer_key().is_err() };
            for byte in 0..value.len() {
                let mut changed = card.clone();
                changed.objects[at].1[byte] ^= 0x01;
                assert!(fails(&changed), "{}: byte {byte} of {tag}", case["name"]);
            }
            let mut shorter = card.clone();
            assert!(shorter.objects[at].1.pop().is_none() || fails(&shorter), "{}: {tag} cut", case["name"]);
            let mut longer = card.clone();
            longer.objects[at].1.push(0xBB);
            assert!(fails(&longer), "{}: {tag} grown", case["name"]);
        }
        if dynamic {
            for byte in 0..card.static_data.len() {
                let mut changed = card.clone();
                changed.static_data[byte] ^= 0x80;
                assert_eq!(changed.card_key(), Err(Fault::CardCertificate), "{}: byte {byte}", case["name"]);
            }
        }
    }
}

#[test]
fn every_byte_of_a_signature_counts() {
    let case_sda = case("lumag_sda");
    let card = Card::of(&case_sda);
    let issuer = card.issuer_key().unwrap();
    let signed = bytes(&case_sda["ssad_93"]);
    for byte in 0..signed.len() {
        let mut changed = signed.clone();
        changed[byte] ^= 0x01;
        assert_eq!(oda::verify_static(&issuer, &changed, &card.static_data), Err(Fault::Signature), "{byte}");
    }
    for byte in 0..card.static_data.len() {
        let mut changed = card.static_data.clone();
        changed[byte] ^= 0x01;
        assert_eq!(oda::verify_static(&issuer, &signed, &changed), Err(Fault::Signature), "{byte}");
    }

    let case_dda = case("lumag_dda");
    let key = Card::of(&case_dda).card_key().unwrap();
    let (signed, terminal) = (bytes(&case_dda["sdad_9F4B"]), bytes(&case_dda["terminal_dynamic_data"]));
    for byte in 0..signed.len() {
        let mut changed = signed.clone();
        changed[byte] ^= 0x01;
        assert_eq!(oda::verify_dynamic(&key, &changed, &terminal), Err(Fault::Signature), "{byte}");
    }
    for byte in 0..terminal.len() {
        let mut changed = terminal.clone();
        changed[byte] ^= 0x01;
        assert_eq!(oda::verify_dynamic(&key, &signed, &changed), Err(Fault::Signature), "{byte}");
    }
    assert_eq!(oda::verify_dynamic(&key, &signed, &[]), Err(Fault::Signature));
    assert_eq!(oda::verify_static(&key, &signed, &terminal), Err(Fault::Signature), "another format");
    assert_eq!(oda::verify_combined(&key, &signed, &terminal, &[]), Err(Fault::Signature), "no cryptogram inside");
}

#[test]
fn a_chain_of_another_card_or_time_does_not_hold() {
    for case in whole_cases() {
        let card = Card::of(&case);
        let mut other = card.clone();
        other.pan.replace_range(0..1, if other.pan.starts_with('9') { "8" } else { "9" });
        assert_eq!(other.issuer_key(), Err(Fault::IssuerCertificate));
        let mut later = card.clone();
        later.today_yymm = [0x49, 0x01];
        assert_eq!(later.issuer_key(), Err(Fault::Expired));
        if case["method"] != "SDA" {
            let mut other = card.clone();
            let last = other.pan.len() - 1;
            other.pan.replace_range(last.., if other.pan.ends_with('1') { "2" } else { "1" });
            assert_eq!(other.card_key(), Err(Fault::CardCertificate), "same issuer, another number");
            let mut shorter = card.clone();
            shorter.pan.pop();
            assert_eq!(shorter.card_key(), Err(Fault::CardCertificate));
        }
    }
}

#[test]
fn what_is_missing_is_told_from_what_is_wrong() {
    let card = Card::of(&case("amex_test_cda"));
    for tag in [Tag::CA_INDEX, Tag::ISSUER_CERTIFICATE, Tag::ISSUER_EXPONENT, Tag::CARD_CERTIFICATE, Tag::CARD_EXPONENT]
    {
        assert_eq!(card.without(tag).card_key(), Err(Fault::Missing), "{tag}");
    }
    assert_eq!(card.without(Tag::ISSUER_REMAINDER).card_key(), Err(Fault::IssuerCertificate));
    assert_eq!(card.without(Tag::CARD_REMAINDER).card_key(), Err(Fault::CardCertificate));
    let mut stranger = card.clone();
    stranger.keys = CaKeys::schemes();
    assert_eq!(stranger.card_key(), Err(Fault::UnknownAuthority));
    stranger.keys = CaKeys::with_scheme_tests();
    assert!(stranger.card_key().is_ok(), "A1 is among the published test keys");
    stranger.rid = [0xA0, 0, 0, 0, 3];
    assert_eq!(stranger.card_key(), Err(Fault::UnknownAuthority));
}

#[test]
fn a_combined_signature_covers_number_and_cryptogram() {
    let mut checked = 0;
    for case in cases().iter().filter(|case| case["method"] == "CDA") {
        let published = || PublicKey::new(&bytes(&case["expect_icc"]["key"]), &bytes(&case["icc_exp_9F47"])).unwrap();
        let key = Card::of(case).card_key().unwrap_or_else(|_| published());
        let (signed, number) = (bytes(&case["sdad_9F4B"]), bytes(&case["terminal_dynamic_data"]));
        // What was exchanged is not published with the signature, only its hash: so a signature whose outer hash is
        // right must still be refused for want of the inner one.
        assert_eq!(oda::verify_combined(&key, &signed, &number, &[]), Err(Fault::Signature));
        // The outer hash alone is what dynamic data authentication checks.
        let dynamic = oda::verify_dynamic(&key, &signed, &number).unwrap();
        assert_eq!(Some(hex::encode_upper(dynamic).as_str()), case["expect"]["icc_dynamic_number"].as_str());
        let mut other = number.clone();
        other[3] ^= 0x01;
        assert_eq!(oda::verify_dynamic(&key, &signed, &other), Err(Fault::Signature));
        if case["sdad_invalid"].is_string() {
            assert_eq!(oda::verify_dynamic(&key, &bytes(&case["sdad_invalid"]), &number), Err(Fault::Signature));
        }
        checked += 1;
    }
    assert_eq!(checked, 3);
}
