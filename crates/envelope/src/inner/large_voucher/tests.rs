//! What a large voucher must hold, and what must not open as one.

use super::*;
use crate::error::OpenError;
use crate::inner::{self, Content, EntryMode, ICC_DATA_LEN_MAX, Verification, is_plaintext};
use crate::means::{self, Means};
use crate::pan::Pan;
use crate::sealing_key::BankSealingKeySecret;
use crate::secret::SecretBytes;

const HASH: [u8; 32] = [7; 32];
const NUMBER: &str = "4200010123456789";

fn voucher(number: &str, code: &[u8]) -> Voucher {
    Voucher { customer_number: number.to_owned(), code: SecretBytes::copy_of(code) }
}

fn card(icc_data: Vec<u8>) -> CardData {
    CardData {
        pan: Pan::parse("4761340000000050").expect("a PAN"),
        track2: Some(SecretBytes::copy_of(&[0x47; 19])),
        expiry_yymm: *b"2812",
        psn: Some(1),
        aid: b"\xA0\x00\x00\x00\x03\x10\x10".to_vec(),
        entry_mode: EntryMode::ContactlessChip,
        icc_data: icc_data.into(),
    }
}

fn statement<'a>(customer_number: &'a str, attempt_hash: &'a [u8; 32], card_hash: &'a [u8; 32]) -> Statement<'a> {
    Statement { bank_id: "first", attempt_hash, customer_number, card_hash }
}

struct Sealed {
    bank: BankSealingKeySecret,
    device: SigningKey<Device>,
    capsule: Capsule,
}

fn sealed_with(voucher: &Voucher, card: &CardData) -> Sealed {
    let (bank, device) = (BankSealingKeySecret::generate(), SigningKey::<Device>::generate());
    let pin = Pin::from_ascii(b"1234").expect("a PIN");
    let signed = SignedByDevice::sign(&device, statement(&voucher.customer_number, &HASH, &card_hash(card)));
    let large = LargeVoucher { voucher, card, pin: &pin, pin_kind: PinKind::CardPin, signed: &signed };
    let capsule = seal(bank.public(), &HASH, &large).expect("sealed");
    Sealed { bank, device, capsule }
}

fn sealed() -> Sealed {
    sealed_with(&voucher(NUMBER, b"9381726455"), &card(vec![0x9F, 0x36, 0x02, 0x00, 0x01]))
}

fn opened(sealed: &Sealed) -> Opened {
    match inner::open_any(&sealed.bank, &HASH, &sealed.capsule) {
        Ok(Content::LargeVoucher(opened)) => *opened,
        Ok(Content::Card(_) | Content::Means(_)) => panic!("something else"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn voucher_card_pin_and_signature_come_together_for_one_bank_and_attempt() {
    let sealed = sealed();
    let Opened { voucher, card, signed } = opened(&sealed);
    assert_eq!((voucher.customer_number.as_str(), voucher.code.expose()), (NUMBER, b"9381726455".as_slice()));
    assert_eq!(card.card.pan.expose_ascii(), b"4761340000000050");
    let Verification::Pin(pin) = &card.verification else { panic!("no PIN") };
    assert_eq!(pin.decipher(&card.card.pan).expect("a PIN").expose_ascii(), b"1234");
    assert_eq!(signed.key(), sealed.device.public());
    assert_eq!(signed.verify(statement(NUMBER, &HASH, &card_hash(&card.card))), Ok(()));

    assert!(matches!(inner::open_any(&sealed.bank, &[8; 32], &sealed.capsule), Err(OpenError::Refused)));
    assert!(inner::open_any(&BankSealingKeySecret::generate(), &HASH, &sealed.capsule).is_err());
    // Where a card alone shall pay, it is nothing: the card must not be debited.
    assert!(matches!(inner::open(&sealed.bank, &HASH, &sealed.capsule), Err(OpenError::Refused)));
}

#[test]
fn a_signature_is_of_one_bank_attempt_voucher_and_cryptogram() {
    let (device, hash, other) = (SigningKey::<Device>::generate(), [1; 32], [2; 32]);
    let right = statement(NUMBER, &HASH, &hash);
    let signed = SignedByDevice::sign(&device, right);
    assert_eq!(signed.verify(right), Ok(()));
    for wrong in [
        Statement { bank_id: "second", ..right },
        Statement { attempt_hash: &other, ..right },
        Statement { customer_number: "4200010123456788", ..right },
        Statement { card_hash: &other, ..right },
        // What stands on the border of two texts belongs to one of them.
        Statement { bank_id: "first4", customer_number: &NUMBER[1..], ..right },
    ] {
        assert_eq!(signed.verify(wrong), Err(SignatureError::Wrong), "{wrong:?}");
    }
    let text = signed.signature_base64url();
    let read = SignedByDevice::from_base64url(device.public().clone(), &text).expect("a signature");
    assert_eq!(read.verify(right), Ok(()));
    let stranger = SigningKey::<Device>::generate().public().clone();
    let of_another = SignedByDevice::from_base64url(stranger, &text).expect("a signature");
    assert_eq!(of_another.verify(right), Err(SignatureError::Wrong));
    assert_eq!(SignedByDevice::from_base64url(device.public().clone(), &text[1..]), Err(SignatureError::Malformed));
}

#[test]
fn it_is_as_long_as_a_voucher_alone() {
    let sealed = sealed();
    let alone = Means::Voucher(voucher(NUMBER, b"9381726455"));
    let alone = means::seal(sealed.bank.public(), &HASH, &alone).expect("sealed");
    assert_eq!(sealed.capsule.to_bytes().len(), alone.to_bytes().len());
    // The longest of everything still fits.
    let longest = sealed_with(&voucher(&"9".repeat(32), &[b'8'; 32]), &card(vec![0xAA; ICC_DATA_LEN_MAX]));
    assert_eq!(longest.capsule.to_bytes().len(), alone.to_bytes().len());
    assert_eq!(opened(&longest).card.card.icc_data.len(), ICC_DATA_LEN_MAX);
}

#[test]
fn what_is_no_voucher_or_no_card_is_not_sealed() {
    let (bank, device) = (BankSealingKeySecret::generate(), SigningKey::<Device>::generate());
    let pin = Pin::from_ascii(b"1234").expect("a PIN");
    let signed = SignedByDevice::sign(&device, statement(NUMBER, &HASH, &[0; 32]));
    let refuses = |voucher: &Voucher, card: &CardData| {
        let large = LargeVoucher { voucher, card, pin: &pin, pin_kind: PinKind::CardPin, signed: &signed };
        seal(bank.public(), &HASH, &large).is_err()
    };
    assert!(refuses(&voucher("", b"1"), &card(vec![1])));
    assert!(refuses(&voucher("1", b"\n"), &card(vec![1])));
    assert!(refuses(&voucher("1", b"1"), &card(vec![1; ICC_DATA_LEN_MAX + 1])));
    assert!(refuses(&voucher("1", b"1"), &CardData { expiry_yymm: *b"2813", ..card(vec![1]) }));
}

/// A plaintext that can be read, and where its parts begin.
fn plaintext() -> Vec<u8> {
    let (device, voucher, card) = (SigningKey::<Device>::generate(), voucher("12", b"345"), card(vec![1, 2]));
    let signed = SignedByDevice::sign(&device, statement("12", &HASH, &card_hash(&card)));
    let pin = Pin::from_ascii(b"1234").expect("a PIN");
    let large = LargeVoucher { voucher: &voucher, card: &card, pin: &pin, pin_kind: PinKind::CardPin, signed: &signed };
    let block = pin_block::EncipheredPinBlock::from_bytes([0xEE; 16]);
    let mut plaintext = vec![0; INNER_PLAINTEXT_LEN];
    write(&mut plaintext, &large, &Written::Pin(PinKind::CardPin, &block)).expect("it fits");
    plaintext
}

#[test]
fn plaintexts_that_are_not_ours_are_refused() {
    const NUMBER_LEN: usize = 1;
    const CODE_LEN: usize = 4;
    const KEY: usize = 8;
    const CARD: usize = KEY + 32 + SIGNATURE_LEN;
    let good = plaintext();
    assert!(is_plaintext(&good));
    assert_eq!((good[NUMBER_LEN], good[CODE_LEN], good[CARD]), (2, 3, 7));
    let with = |place: usize, byte: u8| {
        let mut changed = good.clone();
        assert_ne!(changed[place], byte, "the case must change something");
        changed[place] = byte;
        changed
    };
    for (place, byte) in [
        (0, 0),
        (0, 1),
        (0, 2),
        (0, 4),
        (NUMBER_LEN, 0),
        (NUMBER_LEN, 33),
        (NUMBER_LEN + 1, b' '),
        (CODE_LEN, 0),
        (CODE_LEN + 1, 0xFF),
        (CARD, 0),
        (INNER_PLAINTEXT_LEN - 1, 1),
    ] {
        assert!(!is_plaintext(&with(place, byte)), "{place} {byte}");
    }
    // A key of small order would verify anything.
    let mut weak = good.clone();
    weak[KEY..KEY + 32].fill(0);
    assert!(!is_plaintext(&weak));
    assert!(!is_plaintext(&good[1..]) && !is_plaintext(&good[..INNER_PLAINTEXT_LEN - 1]) && !is_plaintext(&[]));
}
