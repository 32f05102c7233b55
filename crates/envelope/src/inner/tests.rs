//! Plaintexts that are sealed rightly but are not what a wallet of ours would write, and cards that are not sealed.

use super::{
    CardData, EntryMode, INNER_PLAINTEXT_LEN, OpenError, PinKind, SealError, Sender, Verification, Written, open, seal,
    seal_without_pin,
};
use crate::capsule::Capsule;
use crate::encoding::Writer;
use crate::error::PinBlockError;
use crate::pan::Pan;
use crate::pin::Pin;
use crate::pin_block::EncipheredPinBlock;
use crate::sealing_key::{BankSealingKeySecret, PaymentServerSealingKeySecret};
use crate::secret::SecretBytes;
use crate::suite::{INNER_LABEL, OUTER_LABEL, REQUEST_LABEL};

const HASH: [u8; 32] = [0x33; 32];

fn card() -> CardData {
    CardData {
        pan: Pan::parse("4761340000000050").expect("a PAN"),
        track2: None,
        expiry_yymm: *b"2812",
        psn: Some(1),
        aid: b"\xA0\x00\x00\x00\x03\x10\x10".to_vec(),
        entry_mode: EntryMode::ContactChip,
        icc_data: vec![0x9F, 0x36, 0x02, 0x00, 0x01].into(),
    }
}

fn pin() -> Pin {
    Pin::from_ascii(b"1234").expect("a PIN")
}

/// The plaintext of [`card`], with a PIN block that does not matter here.
fn plaintext() -> Vec<u8> {
    let mut plaintext = vec![0; INNER_PLAINTEXT_LEN];
    let block = EncipheredPinBlock::from_bytes([0xEE; 16]);
    plaintext[0] = super::VERSION;
    let mut writer = Writer::new(&mut plaintext[1..]);
    super::write(&mut writer, &card(), &Written::Pin(PinKind::CardPin, &block)).expect("it fits");
    plaintext
}

/// Seals bytes as they are, under a label, to a key.
fn sealed_raw(secret: &BankSealingKeySecret, label: &[u8], plaintext: &[u8]) -> Capsule {
    let sender = Sender::to(&secret.public().to_bytes(), label).expect("a key");
    Capsule::seal(secret.public(), sender, &HASH, plaintext).expect("sealed")
}

/// What opening such a plaintext gives.
fn opened(plaintext: &[u8]) -> Result<(), OpenError> {
    let secret = BankSealingKeySecret::generate();
    open(&secret, &HASH, &sealed_raw(&secret, INNER_LABEL, plaintext)).map(|_| ())
}

/// [`plaintext`] with one byte replaced.
fn with(place: usize, byte: u8) -> Vec<u8> {
    let mut plaintext = plaintext();
    assert_ne!(plaintext[place], byte, "the case must change something");
    plaintext[place] = byte;
    plaintext
}

// Where the fields of `plaintext()` begin.
const ENTRY_MODE: usize = 1;
const PIN_KIND: usize = 2;
const PSN: usize = 3;
const EXPIRY: usize = 4;
const PAN_LEN: usize = 8;
const PAN: usize = 9;
const TRACK2_LEN: usize = 25;
const AID_LEN: usize = 26;
const ICC_LEN: usize = 34;
const PADDING: usize = 36 + 5 + 16;

#[test]
fn the_layout_is_as_the_cases_below_assume() {
    let plaintext = plaintext();
    assert_eq!(plaintext[PAN_LEN], 16);
    assert_eq!(&plaintext[PAN..TRACK2_LEN], b"4761340000000050");
    assert_eq!(plaintext[TRACK2_LEN], 0);
    assert_eq!(plaintext[AID_LEN], 7);
    assert_eq!(plaintext[ICC_LEN..ICC_LEN + 2], [0, 5]);
    assert_eq!(plaintext[PADDING - 1], 0xEE);
    assert!(plaintext[PADDING..].iter().all(|byte| *byte == 0));
    assert_eq!(opened(&plaintext), Ok(()));
}

#[test]
fn another_version_is_refused() {
    for version in (0..=u8::MAX).filter(|version| *version != 1) {
        assert_eq!(opened(&with(0, version)), Err(OpenError::Refused), "{version}");
    }
}

#[test]
fn foreign_codes_are_refused() {
    for (place, byte) in [
        (ENTRY_MODE, 0),
        (ENTRY_MODE, 1),
        (ENTRY_MODE, 0xFF),
        (PIN_KIND, 0),
        (PIN_KIND, 4),
        (PIN_KIND, 0xFF),
        (PSN, 100),
        (PSN, 0xFE),
        (EXPIRY, b'x'),
        (EXPIRY + 2, b'2'),
        (PAN, b'A'),
        (PAN + 15, 0),
    ] {
        assert_eq!(opened(&with(place, byte)), Err(OpenError::Refused), "{place} {byte}");
    }
}

#[test]
fn wrong_lengths_are_refused() {
    for (place, byte) in [
        (PAN_LEN, 0),
        (PAN_LEN, 7),
        (PAN_LEN, 20),
        (PAN_LEN, 0xFF),
        (TRACK2_LEN, 41),
        (TRACK2_LEN, 0xFF),
        (AID_LEN, 17),
        (AID_LEN, 0xFF),
        (ICC_LEN, 0x03),
        (ICC_LEN, 0xFF),
    ] {
        assert_eq!(opened(&with(place, byte)), Err(OpenError::Refused), "{place} {byte}");
    }
}

#[test]
fn padding_that_says_something_is_refused() {
    for place in [PADDING, PADDING + 1, 512, INNER_PLAINTEXT_LEN - 1] {
        assert_eq!(opened(&with(place, 1)), Err(OpenError::Refused), "{place}");
    }
}

#[test]
fn another_size_is_refused() {
    let whole = plaintext();
    for len in [0, 1, PADDING, INNER_PLAINTEXT_LEN - 1] {
        assert_eq!(opened(&whole[..len]), Err(OpenError::Refused), "{len}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_eq!(opened(&longer), Err(OpenError::Refused));
}

#[test]
fn another_layers_label_is_refused() {
    let secret = BankSealingKeySecret::generate();
    for label in [OUTER_LABEL, REQUEST_LABEL, b"tapseal/2 inner", b""] {
        let capsule = sealed_raw(&secret, label, &plaintext());
        assert_eq!(open(&secret, &HASH, &capsule).err(), Some(OpenError::Refused));
    }
}

#[test]
fn the_same_bytes_in_another_role_do_not_open() {
    let bank = BankSealingKeySecret::generate();
    let server = PaymentServerSealingKeySecret::from_bytes(bank.expose_bytes());
    let mut capsule = seal(bank.public(), &HASH, &card(), &pin(), PinKind::CardPin).unwrap();
    let ids = ([1; 16], [2; 16]);
    assert_eq!(crate::outer::open(&server, &ids.0, &ids.1, &capsule).err(), Some(OpenError::UnknownKid));
    server.kid().clone_into(&mut capsule.kid);
    assert_eq!(crate::outer::open(&server, &ids.0, &ids.1, &capsule).err(), Some(OpenError::Refused));
}

#[test]
fn the_pin_key_is_bound_to_the_capsule() {
    // A PIN block copied from another capsule deciphers to noise under this capsule's key.
    let secret = BankSealingKeySecret::generate();
    let capsule = seal(secret.public(), &HASH, &card(), &pin(), PinKind::CardPin).unwrap();
    let first = open(&secret, &HASH, &capsule).unwrap();
    let mut plaintext = plaintext();
    let copied = first.verification.pin().unwrap();
    plaintext[PADDING - 16..PADDING].copy_from_slice(&copied.block.to_bytes());
    let forged = open(&secret, &HASH, &sealed_raw(&secret, INNER_LABEL, &plaintext)).unwrap();
    let pasted = forged.verification.pin().unwrap();
    assert_eq!(pasted.block, copied.block);
    assert_eq!(pasted.decipher(&forged.card.pan).err(), Some(PinBlockError::Format));
}

#[test]
fn a_capsule_without_a_pin_says_so_and_looks_like_any_other() {
    let secret = BankSealingKeySecret::generate();
    let without = seal_without_pin(secret.public(), &HASH, &card()).unwrap();
    let with = seal(secret.public(), &HASH, &card(), &pin(), PinKind::CardPin).unwrap();
    assert_eq!(without.ciphertext.len(), with.ciphertext.len(), "the size must not tell whether there is a PIN");
    let opened = open(&secret, &HASH, &without).unwrap();
    assert!(matches!(opened.verification, Verification::Device));
    assert!(opened.verification.pin().is_none());
    assert_eq!(opened.card.pan.expose_ascii(), b"4761340000000050");
    let wrong = CardData { psn: Some(100), ..card() };
    assert!(seal_without_pin(secret.public(), &HASH, &wrong).is_err());
}

#[test]
fn a_capsule_says_one_thing_about_the_pin() {
    // The code of "no PIN" over a block that is there, as somebody would write who hides one.
    assert_eq!(opened(&with(PIN_KIND, 3)), Err(OpenError::Refused));
    let mut nothing = with(PIN_KIND, 3);
    nothing[PADDING - 16..PADDING].fill(0);
    assert_eq!(opened(&nothing), Ok(()));
    nothing[PADDING - 1] = 1;
    assert_eq!(opened(&nothing), Err(OpenError::Refused));
}

#[test]
fn the_plaintext_holds_no_pin_digits() {
    let mut pin = Pin::new();
    for digit in [9, 7, 3, 1, 9, 7, 3, 1, 9, 7, 3, 1] {
        pin.push(digit).unwrap();
    }
    let secret = BankSealingKeySecret::generate();
    let capsule = seal(secret.public(), &HASH, &card(), &pin, PinKind::CardPin).unwrap();
    let receiver = capsule.receiver(&secret, INNER_LABEL).unwrap();
    let plaintext = receiver.open(&HASH, &capsule.ciphertext).unwrap();
    assert!(!plaintext.windows(12).any(|part| part == pin.expose_ascii()));
    assert!(!plaintext.windows(6).any(|part| part == [0x97, 0x31, 0x97, 0x31, 0x97, 0x31]));
}

/// What sealing a changed card gives.
fn refused(change: impl FnOnce(&mut CardData)) -> Option<SealError> {
    let mut card = card();
    change(&mut card);
    let bank = BankSealingKeySecret::generate();
    seal(bank.public(), &HASH, &card, &pin(), PinKind::CardPin).err()
}

#[test]
fn a_malformed_card_is_not_sealed() {
    let expiry = Some(SealError::Malformed("the expiry"));
    for wrong in [b"2813", b"2800", b"28 1", b"abcd"] {
        assert_eq!(refused(|card| card.expiry_yymm = *wrong), expiry);
    }
    assert_eq!(refused(|card| card.psn = Some(100)), Some(SealError::Malformed("the card sequence number")));
    assert_eq!(refused(|card| card.track2 = Some(SecretBytes::copy_of(b""))), Some(SealError::Malformed("Track 2")));
    assert_eq!(refused(|card| card.track2 = Some(SecretBytes::copy_of(&[1; 41]))), Some(SealError::TooLong("Track 2")));
    assert_eq!(refused(|card| card.aid = vec![1; 17]), Some(SealError::TooLong("the AID")));
    assert_eq!(refused(|card| card.icc_data = vec![1; 513].into()), Some(SealError::TooLong("the ICC data")));
}

#[test]
fn the_largest_card_fits() {
    let secret = BankSealingKeySecret::generate();
    let mut card = card();
    card.pan = Pan::parse("6212345678901234567").unwrap();
    card.track2 = Some(SecretBytes::copy_of(&[0xD2; 40]));
    card.aid = vec![0xA0; 16];
    card.icc_data = vec![0x9F; 512].into();
    card.psn = None;
    let capsule = seal(secret.public(), &HASH, &card, &pin(), PinKind::PaymentPin).unwrap();
    let opened = open(&secret, &HASH, &capsule).unwrap();
    assert_eq!(*opened.card.icc_data, *card.icc_data);
    assert_eq!(opened.card.psn, None);
    assert_eq!(opened.verification.pin().unwrap().kind, PinKind::PaymentPin);
}

#[test]
fn an_unfinished_pin_is_not_sealed() {
    let bank = BankSealingKeySecret::generate();
    let sealed = seal(bank.public(), &HASH, &card(), &Pin::new(), PinKind::CardPin);
    assert_eq!(sealed.err(), Some(SealError::Malformed("the PIN")));
}

#[test]
fn every_entry_mode_has_its_digits() {
    for (mode, digits) in [
        (EntryMode::ContactChip, "051"),
        (EntryMode::ContactlessChip, "071"),
        (EntryMode::ContactlessMagStripe, "091"),
        (EntryMode::MagStripe, "021"),
    ] {
        assert_eq!(mode.de22(), digits);
        assert_eq!(EntryMode::from_de22(digits), Some(mode));
        assert_eq!(EntryMode::from_code(mode.code()), Some(mode));
    }
    for digits in ["", "05", "0510", "010", "901"] {
        assert_eq!(EntryMode::from_de22(digits), None);
    }
}
