//! What the means of paying must hold, and what must not open them.

use super::carrier::{CarrierEnrolment, CarrierPayment, SubscriberClaim};
use super::voucher::Voucher;
use super::*;
use crate::error::OpenError;
use crate::inner::{self, Content};
use crate::sealing_key::BankSealingKeySecret;
use crate::secret::SecretBytes;
use crate::signing_key::{SigningKey, Subscriber};
use crate::subscriber::SubscriberSignature;

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

mod alias {
    use super::*;
    use crate::kept_card::testing::card;
    use crate::means::alias::{Alias, Release};
    use crate::signing_key::{SigningKey, VaultRelease};

    fn release() -> Release {
        Release {
            vault_id: "card-vault".to_owned(),
            entry_id: [1; 16],
            release_id: [2; 16],
            amount_minor: 1_280,
            currency: *b"USD",
            expires_ms: 1_795_000_120_000,
        }
    }

    fn opened(key: &SigningKey<VaultRelease>) -> Box<Alias> {
        let bank = BankSealingKeySecret::generate();
        let means = Means::Alias(Box::new(Alias::sign(key, "first", &HASH, card(), release())));
        let capsule = seal(bank.public(), &HASH, &means).unwrap();
        assert_eq!(capsule.ciphertext.len(), INNER_PLAINTEXT_LEN + 16, "as long as a card");
        match inner::open_any(&bank, &HASH, &capsule).unwrap() {
            Content::Means(Means::Alias(alias)) => alias,
            _ => panic!("not a released card"),
        }
    }

    #[test]
    fn a_release_says_what_the_vault_signed_and_nothing_else() {
        let key = SigningKey::generate();
        let word = opened(&key).word;
        assert_eq!(word.release, release());
        assert!(word.verify(key.public(), "first", &HASH).is_ok());
        assert!(word.verify(SigningKey::generate().public(), "first", &HASH).is_err(), "another vault");
        assert!(word.verify(key.public(), "second", &HASH).is_err(), "another bank");
        assert!(word.verify(key.public(), "first", &[8; 32]).is_err(), "another attempt");
        let changes: [fn(&mut Release); 6] = [
            |release| release.vault_id = "card-vaul".to_owned(),
            |release| release.entry_id[0] ^= 1,
            |release| release.release_id[0] ^= 1,
            |release| release.amount_minor -= 1,
            |release| release.currency = *b"EUR",
            |release| release.expires_ms += 1,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = word.clone();
            change(&mut changed.release);
            assert!(changed.verify(key.public(), "first", &HASH).is_err(), "{number}");
        }
    }

    #[test]
    fn a_word_about_one_card_is_not_one_about_another() {
        let key = SigningKey::generate();
        let other = {
            let mut bytes = card().to_bytes();
            bytes[3] ^= 1;
            crate::KeptCard::from_bytes(&bytes).unwrap()
        };
        let mut alias = Alias::sign(&key, "first", &HASH, card(), release());
        alias.card = other;
        let bank = BankSealingKeySecret::generate();
        let capsule = seal(bank.public(), &HASH, &Means::Alias(Box::new(alias))).unwrap();
        let Content::Means(Means::Alias(opened)) = inner::open_any(&bank, &HASH, &capsule).unwrap() else {
            panic!("not a released card");
        };
        assert!(opened.word.verify(key.public(), "first", &HASH).is_err());
    }
}
fn who(number: &str, name: &str, pin: &[u8]) -> SubscriberClaim {
    SubscriberClaim { number: number.to_owned(), name: name.to_owned(), pin: SecretBytes::copy_of(pin) }
}

#[test]
fn every_step_with_an_operator_opens_as_it_was_sealed_and_is_as_long_as_a_card() {
    let operator = BankSealingKeySecret::generate();
    let key = SigningKey::<Subscriber>::generate();
    let signature = SubscriberSignature::of_enrolment(&key, &HASH);
    let name = "N".repeat(carrier::NAME_LEN_MAX);
    let long = || who("+123456789012345", &name, b"12345678");
    let enrolment = CarrierEnrolment {
        who: long(),
        code: SecretBytes::copy_of(b"123456"),
        key: key.public().to_bytes(),
        signature,
    };
    let steps = [
        Carrier::Ask(who("+12025550143", "Ann", b"1234")),
        Carrier::Enrol(enrolment),
        Carrier::Pay(CarrierPayment { who: long(), serial: [9; 16], signature }),
    ];
    for step in steps.map(Means::Carrier) {
        let capsule = seal(operator.public(), &HASH, &step).unwrap();
        assert_eq!(capsule.ciphertext.len(), INNER_PLAINTEXT_LEN + 16);
        let Content::Means(Means::Carrier(opened)) = inner::open_any(&operator, &HASH, &capsule).unwrap() else {
            panic!("not a step with an operator");
        };
        let Means::Carrier(sealed) = &step else { unreachable!() };
        assert_eq!((&opened.who().number, &opened.who().name), (&sealed.who().number, &sealed.who().name));
        assert_eq!(opened.who().pin.expose(), sealed.who().pin.expose());
        match (opened, sealed) {
            (Carrier::Ask(_), Carrier::Ask(_)) => {}
            (Carrier::Enrol(one), Carrier::Enrol(other)) => {
                assert_eq!((one.key, one.code.expose()), (other.key, other.code.expose()));
                assert_eq!(one.signature, other.signature);
            }
            (Carrier::Pay(one), Carrier::Pay(other)) => {
                assert_eq!((one.serial, one.signature), (other.serial, other.signature));
            }
            _ => panic!("another step"),
        }
        assert!(inner::open_any(&operator, &[8; 32], &capsule).is_err(), "it is of one hash");
    }
}

#[test]
fn what_names_no_subscriber_is_not_sealed() {
    let operator = BankSealingKeySecret::generate();
    for (number, name, pin) in [
        ("12025550143", "Ann", b"1234".as_slice()),
        ("+", "Ann", b"1234"),
        ("+1202555014x", "Ann", b"1234"),
        ("+12025550143", "", b"1234"),
        ("+12025550143", "Ann", b"123"),
        ("+12025550143", "Ann", b"123456789"),
        ("+12025550143", "Ann", b"12a4"),
    ] {
        let step = Means::Carrier(Carrier::Ask(who(number, name, pin)));
        assert!(seal(operator.public(), &HASH, &step).is_err(), "{number} {name}");
    }
}

#[test]
fn an_enrolments_hash_is_of_one_operator_and_one_try() {
    let hash = carrier::enrolment_hash("north", &[1; 16], &[2; 32]);
    assert_ne!(hash, carrier::enrolment_hash("south", &[1; 16], &[2; 32]));
    assert_ne!(hash, carrier::enrolment_hash("north", &[2; 16], &[2; 32]));
    assert_ne!(hash, carrier::enrolment_hash("north", &[1; 16], &[3; 32]));
}
