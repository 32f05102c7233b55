//! The double seal from end to end: sealed by a device, routed by the server, opened by the bank.

use envelope::inner::{self, CardData, EntryMode, PinKind};
use envelope::outer::{self, DeviceSignature, Route, Routing};
use envelope::{
    BankSealingKeySecret, Capsule, Device, OpenError, Pan, PaymentServerSealingKeySecret, Pin, SecretBytes, SigningKey,
};
use proptest::prelude::*;

const REQUEST_ID: [u8; 16] = [0x11; 16];
const ATTEMPT_ID: [u8; 16] = [0x22; 16];
const ATTEMPT_HASH: [u8; 32] = [0x33; 32];

fn card() -> CardData {
    CardData {
        pan: Pan::parse("4761340000000050").expect("a PAN"),
        track2: Some(SecretBytes::copy_of(b"\x47\x61\x34\x00\x00\x00\x00\x50\xD2\x81\x22\x01\x00\x00\x0F")),
        expiry_yymm: *b"2812",
        psn: Some(1),
        aid: b"\xA0\x00\x00\x00\x03\x10\x10".to_vec(),
        entry_mode: EntryMode::ContactlessChip,
        icc_data: vec![0x9F, 0x26, 0x08, 1, 2, 3, 4, 5, 6, 7, 8].into(),
    }
}

fn routing(inner: Capsule) -> Routing {
    Routing {
        request_id: REQUEST_ID,
        attempt_id: ATTEMPT_ID,
        order_number: "A-1001".to_owned(),
        merchant_id: "tea-house".to_owned(),
        amount_minor: 1_250,
        currency: "CNY".to_owned(),
        wallet_nonce: [0x44; 32],
        route: Route::Card { issuer_iin: card().pan.iin() },
        inner,
    }
}

#[test]
fn a_payment_passes_both_seals() {
    let bank = BankSealingKeySecret::generate();
    let server = PaymentServerSealingKeySecret::generate();
    let device = SigningKey::<Device>::generate();
    let pin = Pin::from_ascii(b"1234").unwrap();

    let inner = inner::seal(bank.public(), &ATTEMPT_HASH, &card(), &pin, PinKind::CardPin).unwrap();
    let outer = outer::seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing(inner.clone())).unwrap();
    let signature = DeviceSignature::sign(&device, &REQUEST_ID, &ATTEMPT_ID, &outer);

    let received: Capsule = serde_json::from_str(&serde_json::to_string(&outer).unwrap()).unwrap();
    signature.verify(device.public(), &REQUEST_ID, &ATTEMPT_ID, &received).unwrap();
    let routed = outer::open(&server, &REQUEST_ID, &ATTEMPT_ID, &received).unwrap();
    assert_eq!(routed, routing(inner));

    let forwarded = Capsule::from_bytes(&routed.inner.to_bytes()).unwrap();
    let opened = inner::open(&bank, &ATTEMPT_HASH, &forwarded).unwrap();
    assert_eq!(opened.card.pan.expose_ascii(), b"4761340000000050");
    assert_eq!(opened.card.track2.as_ref().unwrap().expose(), card().track2.unwrap().expose());
    assert_eq!(&opened.card.expiry_yymm, b"2812");
    assert_eq!(opened.card.psn, Some(1));
    assert_eq!(opened.card.aid, card().aid);
    assert_eq!(opened.card.entry_mode, EntryMode::ContactlessChip);
    assert_eq!(*opened.card.icc_data, *card().icc_data);
    let pin = opened.verification.pin().expect("a PIN was sealed");
    assert_eq!(pin.kind, PinKind::CardPin);
    assert_eq!(pin.decipher(&opened.card.pan).unwrap().expose_ascii(), b"1234");
}

#[test]
fn a_capsule_for_a_retired_bank_key_is_told_from_a_broken_one() {
    let (retired, current) = (BankSealingKeySecret::generate(), BankSealingKeySecret::generate());
    let pin = Pin::from_ascii(b"1234").unwrap();
    let capsule = inner::seal(retired.public(), &ATTEMPT_HASH, &card(), &pin, PinKind::CardPin).unwrap();
    assert_eq!(inner::open(&current, &ATTEMPT_HASH, &capsule).err(), Some(OpenError::UnknownKid));
}

/// What a card is made of; the card itself is a secret, which proptest could not print.
#[derive(Debug)]
struct CardParts {
    pan: String,
    track2: Option<Vec<u8>>,
    expiry_yymm: [u8; 4],
    psn: Option<u8>,
    aid: Vec<u8>,
    entry_mode: EntryMode,
    icc_data: Vec<u8>,
}

impl CardParts {
    fn card(&self) -> CardData {
        CardData {
            pan: Pan::parse(&self.pan).expect("a PAN"),
            track2: self.track2.as_deref().map(SecretBytes::copy_of),
            expiry_yymm: self.expiry_yymm,
            psn: self.psn,
            aid: self.aid.clone(),
            entry_mode: self.entry_mode,
            icc_data: self.icc_data.clone().into(),
        }
    }
}

prop_compose! {
    /// Any card within its bounds.
    fn any_card()(
        pan in "[0-9]{8,19}",
        track2 in prop::option::of(prop::collection::vec(any::<u8>(), 1..=40)),
        year in "[0-9]{2}",
        month in 1..=12_u8,
        psn in prop::option::of(0..=99_u8),
        aid in prop::collection::vec(any::<u8>(), 0..=16),
        entry_mode in prop::sample::select(vec![
            EntryMode::ContactChip,
            EntryMode::ContactlessChip,
            EntryMode::ContactlessMagStripe,
            EntryMode::MagStripe,
        ]),
        icc_data in prop::collection::vec(any::<u8>(), 0..=512),
    ) -> CardParts {
        let expiry = format!("{year}{month:02}").into_bytes();
        CardParts {
            pan,
            track2,
            expiry_yymm: expiry.try_into().expect("four digits"),
            psn,
            aid,
            entry_mode,
            icc_data,
        }
    }
}

proptest! {
    #[test]
    fn every_card_and_pin_reaches_the_bank(
        parts in any_card(),
        digits in "[0-9]{4,12}",
        attempt_hash in any::<[u8; 32]>(),
        payment_pin in any::<bool>(),
    ) {
        let kind = if payment_pin { PinKind::PaymentPin } else { PinKind::CardPin };
        let bank = BankSealingKeySecret::generate();
        let pin = Pin::from_ascii(digits.as_bytes()).unwrap();
        let capsule = inner::seal(bank.public(), &attempt_hash, &parts.card(), &pin, kind).unwrap();
        prop_assert_eq!(capsule.ciphertext.len(), inner::INNER_PLAINTEXT_LEN + 16);
        let opened = inner::open(&bank, &attempt_hash, &capsule).unwrap();
        prop_assert_eq!(opened.card.pan.expose_ascii(), parts.pan.as_bytes());
        prop_assert_eq!(opened.card.track2.as_ref().map(SecretBytes::expose), parts.track2.as_deref());
        prop_assert_eq!(opened.card.expiry_yymm, parts.expiry_yymm);
        prop_assert_eq!(opened.card.psn, parts.psn);
        prop_assert_eq!(&opened.card.aid, &parts.aid);
        prop_assert_eq!(opened.card.entry_mode, parts.entry_mode);
        prop_assert_eq!(&*opened.card.icc_data, &parts.icc_data);
        let sealed_pin = opened.verification.pin().unwrap();
        prop_assert_eq!(sealed_pin.kind, kind);
        let opened_pin = sealed_pin.decipher(&opened.card.pan).unwrap();
        prop_assert_eq!(opened_pin.expose_ascii(), digits.as_bytes());
    }

    #[test]
    fn every_routing_reaches_the_server(
        ids in any::<([u8; 16], [u8; 16])>(),
        order_number in "\\PC{1,16}",
        merchant_id in "[a-z0-9-]{1,64}",
        amount_minor in any::<u64>(),
        currency in "[A-Z]{3}",
        wallet_nonce in any::<[u8; 32]>(),
        issuer_iin in "[0-9]{6,8}",
        ciphertext in prop::collection::vec(any::<u8>(), 16..=1040),
    ) {
        let routing = Routing {
            request_id: ids.0,
            attempt_id: ids.1,
            order_number,
            merchant_id,
            amount_minor,
            currency,
            wallet_nonce,
            route: Route::Card { issuer_iin },
            inner: Capsule { kid: "bank-seal.x".to_owned(), enc: [1; 32], ciphertext },
        };
        let server = PaymentServerSealingKeySecret::generate();
        let capsule = outer::seal(server.public(), &ids.0, &ids.1, &routing).unwrap();
        prop_assert_eq!(capsule.ciphertext.len(), outer::OUTER_PLAINTEXT_LEN + 16);
        prop_assert_eq!(outer::open(&server, &ids.0, &ids.1, &capsule), Ok(routing));
    }
}
