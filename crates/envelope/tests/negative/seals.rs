//! Both seals under every change an adversary between the parties could make.

use std::collections::HashSet;

use envelope::inner::{self, CardData, EntryMode, PinKind};
use envelope::outer::{self, DeviceSignature, Route, Routing};
use envelope::{
    BankSealingKey, BankSealingKeySecret, Capsule, Device, OpenError, Pan, PaymentServerSealingKeySecret, Pin,
    SealError, SignatureError, SigningKey,
};

const REQUEST_ID: [u8; 16] = [0x11; 16];
const ATTEMPT_ID: [u8; 16] = [0x22; 16];
const HASH: [u8; 32] = [0x33; 32];

fn inner_to(bank: &BankSealingKey) -> Capsule {
    let card = CardData {
        pan: Pan::parse("4761340000000050").expect("a PAN"),
        track2: None,
        expiry_yymm: *b"2812",
        psn: Some(1),
        aid: b"\xA0\x00\x00\x00\x03\x10\x10".to_vec(),
        entry_mode: EntryMode::ContactlessChip,
        icc_data: vec![0x9F, 0x36, 0x02, 0x00, 0x01].into(),
    };
    let pin = Pin::from_ascii(b"1234").expect("a PIN");
    inner::seal(bank, &HASH, &card, &pin, PinKind::CardPin).expect("sealed")
}

struct Sealed {
    bank: BankSealingKeySecret,
    server: PaymentServerSealingKeySecret,
    inner: Capsule,
    outer: Capsule,
}

fn sealed() -> Sealed {
    let bank = BankSealingKeySecret::generate();
    let server = PaymentServerSealingKeySecret::generate();
    let inner = inner_to(bank.public());
    let routing = Routing {
        request_id: REQUEST_ID,
        attempt_id: ATTEMPT_ID,
        order_number: "A-1001".to_owned(),
        merchant_id: "tea-house".to_owned(),
        amount_minor: 1_250,
        currency: "CNY".to_owned(),
        wallet_nonce: [0x44; 32],
        route: Route::Card { issuer_iin: "47613400".to_owned() },
        inner: inner.clone(),
    };
    let outer = outer::seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing).expect("sealed");
    Sealed { bank, server, inner, outer }
}

impl Sealed {
    fn open_inner(&self, capsule: &Capsule) -> Option<OpenError> {
        inner::open(&self.bank, &HASH, capsule).err()
    }

    fn open_outer(&self, capsule: &Capsule) -> Option<OpenError> {
        outer::open(&self.server, &REQUEST_ID, &ATTEMPT_ID, capsule).err()
    }
}

/// `capsule` with one bit flipped in each byte of each field in turn; the bit wanders, so that all eight occur.
fn every_byte_flipped(capsule: &Capsule) -> Vec<(Capsule, OpenError)> {
    let mut changed = Vec::new();
    for place in 0..capsule.kid.len() {
        // Bit 7 would not be text any more; a capsule off the wire is refused before that.
        let mut kid = capsule.kid.clone().into_bytes();
        kid[place] ^= 1 << (place % 7);
        let kid = String::from_utf8(kid).expect("still ASCII");
        let capsule = Capsule { kid, ..capsule.clone() };
        changed.push((capsule, OpenError::UnknownKid));
    }
    for bit in 0..256 {
        let mut capsule = capsule.clone();
        capsule.enc[bit / 8] ^= 1 << (bit % 8);
        changed.push((capsule, OpenError::Refused));
    }
    for place in 0..capsule.ciphertext.len() {
        let mut capsule = capsule.clone();
        capsule.ciphertext[place] ^= 1 << (place % 8);
        changed.push((capsule, OpenError::Refused));
    }
    changed
}

#[test]
fn a_flipped_bit_in_any_byte_of_the_inner_capsule() {
    let sealed = sealed();
    let changed = every_byte_flipped(&sealed.inner);
    assert_eq!(changed.len(), sealed.inner.kid.len() + 256 + 1024 + 16);
    for (index, (capsule, error)) in changed.into_iter().enumerate() {
        assert_eq!(sealed.open_inner(&capsule), Some(error), "{index}");
    }
    assert_eq!(sealed.open_inner(&sealed.inner), None);
}

#[test]
fn a_flipped_bit_in_any_byte_of_the_outer_capsule() {
    let sealed = sealed();
    let changed = every_byte_flipped(&sealed.outer);
    assert_eq!(changed.len(), sealed.outer.kid.len() + 256 + 2048 + 16);
    for (index, (capsule, error)) in changed.into_iter().enumerate() {
        assert_eq!(sealed.open_outer(&capsule), Some(error), "{index}");
    }
    assert_eq!(sealed.open_outer(&sealed.outer), None);
}

#[test]
fn a_flipped_bit_anywhere_in_the_additional_data() {
    let sealed = sealed();
    for bit in 0..256 {
        let mut hash = HASH;
        hash[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(inner::open(&sealed.bank, &hash, &sealed.inner).err(), Some(OpenError::Refused), "{bit}");
    }
    for bit in 0..128 {
        let flip = |mut id: [u8; 16]| {
            id[bit / 8] ^= 1 << (bit % 8);
            id
        };
        for (request_id, attempt_id) in [(flip(REQUEST_ID), ATTEMPT_ID), (REQUEST_ID, flip(ATTEMPT_ID))] {
            assert_eq!(
                outer::open(&sealed.server, &request_id, &attempt_id, &sealed.outer).err(),
                Some(OpenError::Refused),
                "{bit}"
            );
        }
    }
}

#[test]
fn a_ciphertext_cut_at_any_length_or_extended() {
    let sealed = sealed();
    for len in 0..sealed.inner.ciphertext.len() {
        let mut capsule = sealed.inner.clone();
        capsule.ciphertext.truncate(len);
        assert_eq!(sealed.open_inner(&capsule), Some(OpenError::Refused), "{len}");
    }
    for len in 0..sealed.outer.ciphertext.len() {
        let mut capsule = sealed.outer.clone();
        capsule.ciphertext.truncate(len);
        assert_eq!(sealed.open_outer(&capsule), Some(OpenError::Refused), "{len}");
    }
    for byte in [0, 1, 0xFF] {
        let mut capsule = sealed.inner.clone();
        capsule.ciphertext.push(byte);
        assert_eq!(sealed.open_inner(&capsule), Some(OpenError::Refused));
        let mut capsule = sealed.outer.clone();
        capsule.ciphertext.insert(0, byte);
        assert_eq!(sealed.open_outer(&capsule), Some(OpenError::Refused));
    }
}

#[test]
fn another_key_under_the_right_name() {
    let sealed = sealed();
    let other = BankSealingKeySecret::generate();
    assert_eq!(inner::open(&other, &HASH, &sealed.inner).err(), Some(OpenError::UnknownKid));
    let renamed = Capsule { kid: other.kid().to_owned(), ..sealed.inner.clone() };
    assert_eq!(inner::open(&other, &HASH, &renamed).err(), Some(OpenError::Refused));
    let other = PaymentServerSealingKeySecret::generate();
    let renamed = Capsule { kid: other.kid().to_owned(), ..sealed.outer.clone() };
    assert_eq!(outer::open(&other, &REQUEST_ID, &ATTEMPT_ID, &renamed).err(), Some(OpenError::Refused));
}

#[test]
fn the_parts_of_two_capsules_do_not_mix() {
    let sealed = sealed();
    let second = inner_to(sealed.bank.public());
    for mixed in [
        Capsule { enc: second.enc, ..sealed.inner.clone() },
        Capsule { ciphertext: second.ciphertext, ..sealed.inner.clone() },
    ] {
        assert_eq!(sealed.open_inner(&mixed), Some(OpenError::Refused));
    }
}

/// The points of small order and their non-canonical forms (RFC 7748 has no list; these are the well-known seven).
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn points_of_small_order() {
    let sealed = sealed();
    for point in SMALL_ORDER {
        let point: [u8; 32] = hex::decode(point).unwrap().try_into().unwrap();
        let capsule = Capsule { enc: point, ..sealed.inner.clone() };
        assert_eq!(sealed.open_inner(&capsule), Some(OpenError::Refused));
        let recipient = envelope::DeviceSealingKey::from_bytes(point);
        assert_eq!(envelope::request::seal_to_device(&recipient, b"", b"").err(), Some(SealError::UnusableKey));
    }
}

#[test]
fn no_two_seals_share_their_ephemeral_key() {
    let bank = BankSealingKeySecret::generate();
    let encs: HashSet<[u8; 32]> = (0..200).map(|_| inner_to(bank.public()).enc).collect();
    assert_eq!(encs.len(), 200);
}

#[test]
fn every_seal_has_the_same_size() {
    let sealed = sealed();
    assert_eq!(sealed.inner.ciphertext.len(), 1024 + 16);
    assert_eq!(sealed.outer.ciphertext.len(), 2048 + 16);
}

#[test]
fn a_submission_signed_for_something_else() {
    let sealed = sealed();
    let device = SigningKey::<Device>::generate();
    let signature = DeviceSignature::sign(&device, &REQUEST_ID, &ATTEMPT_ID, &sealed.outer);
    let wrong = Err(SignatureError::Wrong);
    let verify = |signature: &DeviceSignature, request, attempt, capsule: &Capsule| {
        signature.verify(device.public(), request, attempt, capsule)
    };
    assert_eq!(verify(&signature, &REQUEST_ID, &ATTEMPT_ID, &sealed.outer), Ok(()));
    assert_eq!(verify(&signature, &ATTEMPT_ID, &REQUEST_ID, &sealed.outer), wrong);
    assert_eq!(verify(&signature, &[0; 16], &ATTEMPT_ID, &sealed.outer), wrong);
    assert_eq!(verify(&signature, &REQUEST_ID, &[0; 16], &sealed.outer), wrong);
    assert_eq!(verify(&signature, &REQUEST_ID, &ATTEMPT_ID, &sealed.inner), wrong);
    for (capsule, _) in every_byte_flipped(&sealed.outer).into_iter().step_by(7) {
        assert_eq!(verify(&signature, &REQUEST_ID, &ATTEMPT_ID, &capsule), wrong);
    }
    let other = SigningKey::<Device>::generate();
    assert_eq!(signature.verify(other.public(), &REQUEST_ID, &ATTEMPT_ID, &sealed.outer), wrong);
    for bit in 0..512 {
        let mut bytes = signature.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = DeviceSignature::from_bytes(bytes);
        assert_eq!(verify(&changed, &REQUEST_ID, &ATTEMPT_ID, &sealed.outer), wrong, "{bit}");
    }
    for text in ["", "AA", &signature.to_base64url()[1..], &(signature.to_base64url() + "=")] {
        assert_eq!(DeviceSignature::from_base64url(text), Err(SignatureError::Malformed));
    }
}
