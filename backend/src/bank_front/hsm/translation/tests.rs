//! Which translations there are, and that a PIN comes out as it went in.

use envelope::inner::{CardData, EntryMode, PinKind};
use envelope::keyset::BankTrust;
use envelope::pin_block::EncipheredPinBlock;
use payment::{AttemptHash, DeclineCode};

use super::*;
use crate::bank_front::hsm::ZoneKeyKind;
use crate::bank_front::hsm::testing::{ACQUIRER, MODERN, Shared};
use crate::bank_front::tests::support::{NOW_MS, usd};

const PAN: &str = "4761340000000050";
const HASH: [u8; 32] = [9; 32];

fn pan(digits: &str) -> Pan {
    Pan::parse(digits).unwrap()
}

fn pin(digits: &str) -> Pin {
    Pin::from_ascii(digits.as_bytes()).unwrap()
}

fn capsule(shared: &Shared, digits: &str) -> Vec<u8> {
    let trust = BankTrust { bank_id: "first".to_owned(), key: shared.hsm.root.public().clone() };
    let certificate = shared.hsm.certificate(NOW_MS).unwrap();
    let certificate = envelope::keyset::BankCertificate::verify(&certificate, &[trust], NOW_MS, 0).unwrap();
    let card = CardData {
        pan: pan(PAN),
        track2: None,
        expiry_yymm: *b"3112",
        psn: None,
        aid: Vec::new(),
        entry_mode: EntryMode::MagStripe,
        icc_data: Vec::new().into(),
    };
    let to = certificate.sealing_key_at(NOW_MS).unwrap();
    inner::seal(to, &HASH, &card, &pin(digits), PinKind::CardPin).unwrap().to_bytes()
}

fn presentation(capsule: &[u8]) -> Presentation<'_> {
    let attempt_hash = AttemptHash::from_bytes(HASH);
    Presentation { capsule, attempt_hash, amount: usd(1), card_order: None, now_ms: NOW_MS }
}

fn to(format: PinFormat, pan: &Pan) -> PinDestination<'_> {
    PinDestination { acquirer: ACQUIRER, format, pan }
}

#[test]
fn a_sealed_pin_goes_out_under_the_zone_key() {
    let shared = Shared::new();
    for digits in ["1234", "739182640517"] {
        let sealed = capsule(&shared, digits);
        for format in [PinFormat::Iso0, PinFormat::Iso3] {
            let source = PinSource::Capsule(&presentation(&sealed));
            let block = shared.hsm.translate_pin(&source, &to(format, &pan(PAN))).unwrap();
            let block = block.try_into().unwrap();
            let found = pin_block::decipher(&shared.pin_key, block, &pan(PAN), Some(format)).unwrap();
            assert_eq!(found.expose_ascii(), digits.as_bytes());
        }
    }
}

#[test]
fn a_block_goes_from_one_acquirer_to_another() {
    let shared = Shared::new();
    let block = shared.block(PinFormat::Iso3, "1234", &pan(PAN));
    let clear = |pan| PinSource::Clear { acquirer: ACQUIRER, pin: ClearPin { block: &block, control: None }, pan };
    let number = pan(PAN);
    let block = shared.hsm.translate_pin(&clear(&number), &to(PinFormat::Iso0, &number)).unwrap();
    let found = pin_block::decipher(&shared.pin_key, block.try_into().unwrap(), &number, Some(PinFormat::Iso0));
    assert_eq!(found.unwrap().expose_ascii(), b"1234");
}

#[test]
fn a_sealed_pin_stays_in_format_4_under_an_aes_key() {
    let shared = Shared::new();
    let (sealed, number) = (capsule(&shared, "1234"), pan(PAN));
    let source = PinSource::Capsule(&presentation(&sealed));
    let to = PinDestination { acquirer: MODERN, format: PinFormat::Iso4, pan: &number };
    assert_eq!(shared.hsm.translate_pin(&source, &to), Err(TranslationRefused::NoKey), "there is none yet");
    shared.hsm.new_zone_key(MODERN, ZoneKeyKind::PinAes).unwrap();
    let block = shared.hsm.translate_pin(&source, &to).unwrap();
    let key = shared.hsm.zone(MODERN).unwrap().pin_aes.current().unwrap();
    let block = EncipheredPinBlock::from_bytes(block.try_into().unwrap());
    let found = format_4::decipher(&PinKey::from_bytes(&*key).unwrap(), &block, &number).unwrap();
    assert_eq!(found.expose_ascii(), b"1234");
}

#[test]
fn what_would_part_a_pin_from_its_card_is_forbidden() {
    let shared = Shared::new();
    let sealed = capsule(&shared, "1234");
    let source = PinSource::Capsule(&presentation(&sealed));
    let (number, neighbour) = (pan(PAN), pan("4761340000000068"));
    let translate = |source: &PinSource<'_>, to: &PinDestination<'_>| shared.hsm.translate_pin(source, to).err();
    assert_eq!(translate(&source, &to(PinFormat::Iso1, &number)), Some(TranslationRefused::Forbidden));
    assert_eq!(translate(&source, &to(PinFormat::Iso0, &neighbour)), Some(TranslationRefused::Forbidden));
    let block = shared.block(PinFormat::Iso0, "1234", &number);
    let clear = |pan| PinSource::Clear { acquirer: ACQUIRER, pin: ClearPin { block: &block, control: None }, pan };
    assert_eq!(translate(&clear(&number), &to(PinFormat::Iso1, &number)), Some(TranslationRefused::Forbidden));
    assert_eq!(translate(&clear(&number), &to(PinFormat::Iso0, &neighbour)), Some(TranslationRefused::Forbidden));
    // Whoever lies about the number on both sides learns that the block is not for it, and no more.
    let liar = pan("4761341111111150");
    assert_eq!(translate(&clear(&liar), &to(PinFormat::Iso0, &liar)), Some(TranslationRefused::Block));
}

#[test]
fn nothing_is_translated_without_keys_on_both_sides() {
    let shared = Shared::new();
    let (sealed, number) = (capsule(&shared, "1234"), pan(PAN));
    let source = PinSource::Capsule(&presentation(&sealed));
    let stranger = PinDestination { acquirer: "7", format: PinFormat::Iso0, pan: &number };
    assert_eq!(shared.hsm.translate_pin(&source, &stranger), Err(TranslationRefused::NoKey));
    let cut = PinSource::Capsule(&presentation(&sealed[1..]));
    let refused = shared.hsm.translate_pin(&cut, &to(PinFormat::Iso0, &number));
    assert_eq!(refused, Err(TranslationRefused::Capsule));
    let of_another = Presentation { attempt_hash: AttemptHash::from_bytes([8; 32]), ..presentation(&sealed) };
    let refused = shared.hsm.translate_pin(&PinSource::Capsule(&of_another), &to(PinFormat::Iso0, &number));
    assert_eq!(refused, Err(TranslationRefused::Capsule));
    assert_eq!(shared.hsm.examine(&of_another).err().unwrap().code, DeclineCode::OrderMismatch);
}
