//! Cards of the test deployment, presented in clear by an acquirer that shares its keys.

use std::sync::LazyLock;

use emv::Interface;
use envelope::SecretBytes;
use envelope::pin_block::{self as format_4, PinKey};
use payment::AttemptHash;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use virtual_card::{Profile, VirtualCard};

use super::*;
use crate::bank_front::decision::StripeSays;
use crate::bank_front::hsm::ZoneKeyKind;
use crate::bank_front::hsm::dukpt::{AesBase, TdesBase};
use crate::bank_front::hsm::pin_block;
use crate::bank_front::hsm::pin_block::PinFormat;
use crate::bank_front::hsm::testing::{ACQUIRER, BASE, BASE_AES, MODERN, Shared};
use crate::bank_front::tests::support::{NOW_MS, read_card, usd};

const AMOUNT_MINOR: i64 = 1_280;

/// What a terminal read from a built-in card.
struct Read {
    pan: Pan,
    track2: SecretBytes,
    expiry_yymm: [u8; 4],
    psn: Option<u8>,
    icc_data: Vec<u8>,
}

fn chip(name: &str) -> Read {
    let mut card = VirtualCard::new(Profile::built_in(name).unwrap()).over(Interface::Contact);
    let read = read_card(&mut card, Interface::Contact, usd(AMOUNT_MINOR), &AttemptHash::from_bytes([7; 32]));
    Read {
        pan: Pan::parse(read.pan.expose_digits()).unwrap(),
        track2: SecretBytes::copy_of(read.track2.as_ref().unwrap().expose().as_bytes()),
        expiry_yymm: read.expiry_yymm,
        psn: read.psn,
        icc_data: read.icc_data.clone(),
    }
}

impl Read {
    fn presentation<'a>(&'a self, entry: ClearEntry, pin: Option<&'a [u8]>) -> ClearPresentation<'a> {
        ClearPresentation {
            pan: Some(&self.pan),
            track2: Some(self.track2.expose()),
            expiry_yymm: Some(self.expiry_yymm),
            psn: self.psn,
            entry,
            icc_data: &self.icc_data,
            pin: pin.map(|block| ClearPin { block, control: Some("2001000100000000") }),
            amount: usd(AMOUNT_MINOR),
            card_order: None,
            acquirer: ACQUIRER,
            now_ms: NOW_MS,
        }
    }
}

fn refusal(examined: Result<Examined, Refused>) -> DeclineCode {
    examined.err().expect("a refusal").code
}

#[test]
fn a_chip_with_its_pin_is_the_same_card_as_in_a_capsule() {
    let shared = Shared::new();
    for name in ["visa", "mastercard", "unionpay", "amex", "discover", "jcb"] {
        let read = chip(name);
        let pin = Profile::built_in(name).unwrap().pin;
        let block = shared.block(PinFormat::Iso0, &pin, &read.pan);
        let examined = shared.hsm.examine_clear(&read.presentation(ClearEntry::Chip, Some(&block)));
        let examined = examined.unwrap_or_else(|refused| panic!("{name}: {}", refused.code));
        let stored = shared.hsm.personalise(&read.pan, &Pin::from_ascii(pin.as_bytes()).unwrap());
        assert!(examined.pan_reference == stored.pan_reference);
        assert!(matches!(examined.presented.proof, Proof::Chip { .. }));
        let Cardholder::Pin(value) = examined.presented.cardholder else { panic!("{name}") };
        assert_eq!(value, stored.pin_value);
        assert!(examined.issuer_answer.approve.starts_with(&[0x91]), "{name}");
        assert!(examined.card_label.ends_with(&stored.last_four));
    }
}

#[test]
fn a_number_may_come_in_track_2_or_by_itself() {
    let shared = Shared::new();
    let read = chip("visa");
    let block = shared.block(PinFormat::Iso0, "1234", &read.pan);
    let full = || read.presentation(ClearEntry::Chip, Some(&block));
    let only_track = ClearPresentation { pan: None, expiry_yymm: None, ..full() };
    let only_number = ClearPresentation { track2: None, ..full() };
    let sequence_in_chip_data = ClearPresentation { psn: None, ..full() };
    for presentation in [only_track, only_number, sequence_in_chip_data] {
        assert!(shared.hsm.examine_clear(&presentation).is_ok());
    }
    let nothing = ClearPresentation { pan: None, track2: None, ..full() };
    assert_eq!(refusal(shared.hsm.examine_clear(&nothing)), DeclineCode::Format);
}

#[test]
fn fields_that_do_not_name_one_card_are_refused() {
    let shared = Shared::new();
    let read = chip("visa");
    let full = || read.presentation(ClearEntry::Chip, None);
    let other = Pan::parse("4761340000000068").unwrap();
    for wrong in [
        ClearPresentation { pan: Some(&other), ..full() },
        ClearPresentation { pan: Some(&other), track2: None, ..full() },
        ClearPresentation { track2: Some(b"4761340000000068=31122011234"), ..full() },
        ClearPresentation { track2: Some(b"4761340000000050"), ..full() },
        ClearPresentation { track2: Some(b"=3112"), pan: None, ..full() },
        ClearPresentation { track2: Some(b""), ..full() },
        ClearPresentation { psn: Some(9), ..full() },
        ClearPresentation { expiry_yymm: Some(*b"31x2"), ..full() },
        ClearPresentation { icc_data: b"", ..full() },
        ClearPresentation { icc_data: b"\x9f\x02", ..full() },
    ] {
        let code = refusal(shared.hsm.examine_clear(&wrong));
        assert!(matches!(code, DeclineCode::Format | DeclineCode::Cryptogram), "{code}");
    }
}

#[test]
fn a_cryptogram_binds_amount_currency_and_day() {
    let shared = Shared::new();
    let read = chip("mastercard");
    let full = || read.presentation(ClearEntry::Chip, None);
    assert!(shared.hsm.examine_clear(&full()).is_ok());
    let day_ms = 24 * 60 * 60 * 1_000;
    let mut changed = read.icc_data.clone();
    let cryptogram = changed.windows(3).position(|window| window == [0x9F, 0x26, 0x08]).unwrap() + 3;
    changed[cryptogram] ^= 1;
    for wrong in [
        ClearPresentation { amount: usd(AMOUNT_MINOR + 1), ..full() },
        ClearPresentation { amount: Amount::new(AMOUNT_MINOR, "EUR".parse().unwrap()), ..full() },
        ClearPresentation { now_ms: NOW_MS + 3 * day_ms, ..full() },
        ClearPresentation { now_ms: NOW_MS - 3 * day_ms, ..full() },
        ClearPresentation { icc_data: &changed, ..full() },
    ] {
        assert_eq!(refusal(shared.hsm.examine_clear(&wrong)), DeclineCode::Cryptogram);
    }
}

#[test]
fn a_pin_block_that_is_not_one_is_a_malformed_pin_and_nothing_more() {
    let shared = Shared::new();
    let read = chip("visa");
    let other_card = shared.block(PinFormat::Iso0, "1234", &Pan::parse("4761341111111150").unwrap());
    for block in [&other_card[..], &[0; 8], &[0; 7], &[0; 16], &[]] {
        let examined = shared.hsm.examine_clear(&read.presentation(ClearEntry::Chip, Some(block))).ok().unwrap();
        assert!(matches!(examined.presented.cardholder, Cardholder::MalformedPin), "{block:?}");
    }
    let block = shared.block(PinFormat::Iso0, "1234", &read.pan);
    let full = || read.presentation(ClearEntry::Chip, Some(&block));
    let stranger = ClearPresentation { acquirer: "7", ..full() };
    let examined = shared.hsm.examine_clear(&stranger).ok().unwrap();
    assert!(matches!(examined.presented.cardholder, Cardholder::MalformedPin), "no key is shared");
    let control = Some(ClearPin { block: &block, control: Some("9999999999999999") });
    let unread = ClearPresentation { pin: control, ..full() };
    assert_eq!(refusal(shared.hsm.examine_clear(&unread)), DeclineCode::Format);
    let stated = Some(ClearPin { block: &block, control: Some("2001030100000000") });
    let examined = shared.hsm.examine_clear(&ClearPresentation { pin: stated, ..full() }).ok().unwrap();
    assert!(matches!(examined.presented.cardholder, Cardholder::MalformedPin), "format 0 is not format 3");
}

#[test]
fn a_stripe_and_a_typed_number_bring_nothing_of_a_chip() {
    let shared = Shared::new();
    let read = chip("visa");
    let stripe = b"4761340000000050=31122010000049700000";
    let swiped = || ClearPresentation {
        track2: Some(stripe),
        psn: None,
        icc_data: b"",
        ..read.presentation(ClearEntry::Stripe, None)
    };
    let examined = shared.hsm.examine_clear(&swiped()).ok().unwrap();
    assert!(matches!(examined.presented.proof, Proof::Stripe(StripeSays::HasChip)));
    for wrong in [
        ClearPresentation { icc_data: &read.icc_data, ..swiped() },
        ClearPresentation { track2: Some(b"4761340000000050=31122010000049800000"), ..swiped() },
        // The chip's image of the stripe makes no stripe.
        ClearPresentation { track2: Some(read.track2.expose()), ..swiped() },
        ClearPresentation { entry: ClearEntry::ContactlessStripe, ..swiped() },
    ] {
        assert_eq!(refusal(shared.hsm.examine_clear(&wrong)), DeclineCode::Cryptogram);
    }
    let typed = || ClearPresentation { track2: None, entry: ClearEntry::Manual, ..swiped() };
    assert!(matches!(shared.hsm.examine_clear(&typed()).ok().unwrap().presented.proof, Proof::Keyed));
    for wrong in [
        ClearPresentation { track2: Some(stripe), ..typed() },
        ClearPresentation { icc_data: &read.icc_data, ..typed() },
        ClearPresentation { expiry_yymm: None, ..typed() },
    ] {
        assert_eq!(refusal(shared.hsm.examine_clear(&wrong)), DeclineCode::Format);
    }
    let stranger = Pan::parse("9999990000000008").unwrap();
    let unknown = ClearPresentation { pan: Some(&stranger), ..typed() };
    assert_eq!(refusal(shared.hsm.examine_clear(&unknown)), DeclineCode::UnknownCard);
}

/// What became of the PIN of a Visa chip that came with this block and this DE 53 from this acquirer.
fn pin_of(shared: &Shared, acquirer: &str, block: &[u8], control: &str) -> Result<Cardholder, DeclineCode> {
    let read = chip("visa");
    let pin = Some(ClearPin { block, control: Some(control) });
    let presentation = ClearPresentation { pin, acquirer, ..read.presentation(ClearEntry::Chip, None) };
    let examined = shared.hsm.examine_clear(&presentation).map_err(|refused| refused.code)?;
    Ok(examined.presented.cardholder)
}

fn is_right(found: &Result<Cardholder, DeclineCode>, shared: &Shared) -> bool {
    let pan = Pan::parse("4761340000000050").unwrap();
    let right = shared.hsm.personalise(&pan, &Pin::from_ascii(b"1234").unwrap()).pin_value;
    matches!(found, Ok(Cardholder::Pin(value)) if *value == right)
}

fn is_malformed(found: &Result<Cardholder, DeclineCode>) -> bool {
    matches!(found, Ok(Cardholder::MalformedPin))
}

#[test]
fn a_terminal_uses_each_of_its_keys_once() {
    let shared = Shared::new();
    let (pan, pin) = (Pan::parse("4761340000000050").unwrap(), Pin::from_ascii(b"1234").unwrap());
    let block = |ksn: &str| {
        let key = TdesBase::new(BASE.into()).pin_key(&hex::decode(ksn).unwrap().try_into().unwrap());
        pin_block::encipher(&key, PinFormat::Iso0, &pin, &pan).unwrap().to_vec()
    };
    let aes_block = |ksn: &str| {
        let key = AesBase::new(&BASE_AES).unwrap().pin_key(&hex::decode(ksn).unwrap().try_into().unwrap()).unwrap();
        format_4::encipher(&key, &pin, &pan).unwrap().to_bytes().to_vec()
    };
    let tdes = "FFFF9876543210E00008";
    assert!(is_malformed(&pin_of(&shared, ACQUIRER, &block("FFFF9876543210E00007"), tdes)), "the key of another");
    for (block, ksn) in [(block(tdes), tdes), (aes_block("123456789012345600000008"), "123456789012345600000008")] {
        assert!(is_right(&pin_of(&shared, ACQUIRER, &block, ksn), &shared), "a wrong block used nothing up");
        assert_eq!(pin_of(&shared, ACQUIRER, &block, ksn).err(), Some(DeclineCode::Replay));
    }
    let earlier = "FFFF9876543210E00007";
    assert_eq!(pin_of(&shared, ACQUIRER, &block(earlier), earlier).err(), Some(DeclineCode::Replay));
    let later = "FFFF9876543210E00010";
    assert!(is_right(&pin_of(&shared, ACQUIRER, &block(later), later), &shared));
    assert!(is_malformed(&pin_of(&shared, MODERN, &block(later), later)), "no base key is shared");
    let skipped = "FFFF9876543210E007FF";
    assert_eq!(pin_of(&shared, ACQUIRER, &block(later), skipped).err(), Some(DeclineCode::Format));
}

#[test]
fn format_4_comes_under_an_aes_key() {
    let shared = Shared::new();
    let (pan, pin) = (Pan::parse("4761340000000050").unwrap(), Pin::from_ascii(b"1234").unwrap());
    shared.hsm.new_zone_key(MODERN, ZoneKeyKind::PinAes).unwrap();
    let key = shared.hsm.zone(MODERN).unwrap().pin_aes.current().unwrap();
    let block = format_4::encipher(&PinKey::from_bytes(&*key).unwrap(), &pin, &pan).unwrap().to_bytes();
    assert!(is_right(&pin_of(&shared, MODERN, &block, "2002040100000000"), &shared));
    assert!(is_malformed(&pin_of(&shared, MODERN, &block, "2001000100000000")), "it is not format 0");
    assert!(is_malformed(&pin_of(&shared, ACQUIRER, &block, "2002040100000000")), "no AES key is shared");
}

/// One bank for every case: what is presented changes nothing of it but terminals' counters.
static BANK: LazyLock<(Shared, Read)> = LazyLock::new(|| (Shared::new(), chip("visa")));

fn entry() -> impl Strategy<Value = ClearEntry> {
    proptest::sample::select(vec![
        ClearEntry::Manual,
        ClearEntry::Stripe,
        ClearEntry::Chip,
        ClearEntry::ContactlessChip,
        ClearEntry::ContactlessStripe,
    ])
}

/// Chip data of the card, cut and changed.
fn icc_data() -> impl Strategy<Value = Vec<u8>> {
    (any::<Index>(), vec((any::<Index>(), any::<u8>()), 0..4)).prop_map(|(cut, changes)| {
        let mut bytes = BANK.1.icc_data.clone();
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn whatever_an_acquirer_sends_is_read_or_refused(
        entry in entry(),
        track2 in option::of("(4761340000000050)?[0-9=D]{0,40}|.{0,40}"),
        has_number in any::<bool>(),
        expiry_yymm in option::of(any::<[u8; 4]>()),
        psn in option::of(any::<u8>()),
        icc_data in icc_data(),
        block in vec(any::<u8>(), 0..=20),
        control in option::of("20(0100|0103|0204)0100000000|FFFF9876543210E0000[1-9]|[0-9A-F]{24}|.{0,30}"),
        acquirer in "0{0,4}4[23]|.{0,12}",
    ) {
        let (shared, read) = &*BANK;
        let presentation = ClearPresentation {
            pan: has_number.then_some(&read.pan),
            track2: track2.as_deref().map(str::as_bytes),
            expiry_yymm,
            psn,
            entry,
            icc_data: &icc_data,
            pin: Some(ClearPin { block: &block, control: control.as_deref() }),
            amount: usd(AMOUNT_MINOR),
            card_order: None,
            acquirer: &acquirer,
            now_ms: NOW_MS,
        };
        // Nobody here has a key, so no block is a PIN.
        if let Ok(examined) = shared.hsm.examine_clear(&presentation) {
            prop_assert!(matches!(examined.presented.cardholder, Cardholder::MalformedPin));
        }
    }
}
