//! The double seal from end to end: sealed by a device, routed by the server, opened by the bank.

use envelope::inner::{self, CardData, EntryMode, PinKind};
use envelope::outer::{self, DeviceSignature, Routing};
use envelope::{
    BankSealingKeySecret, Capsule, Device, OpenError, Pan, PaymentServerSealingKeySecret, Pin, SecretBytes, SigningKey,
};

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
        issuer_iin: card().pan.iin(),
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
    assert_eq!(opened.pin_kind, PinKind::CardPin);
    assert_eq!(opened.pin().unwrap().expose_ascii(), b"1234");
}

#[test]
fn a_capsule_for_a_retired_bank_key_is_told_from_a_broken_one() {
    let (retired, current) = (BankSealingKeySecret::generate(), BankSealingKeySecret::generate());
    let pin = Pin::from_ascii(b"1234").unwrap();
    let capsule = inner::seal(retired.public(), &ATTEMPT_HASH, &card(), &pin, PinKind::CardPin).unwrap();
    assert_eq!(inner::open(&current, &ATTEMPT_HASH, &capsule).err(), Some(OpenError::UnknownKid));
}
