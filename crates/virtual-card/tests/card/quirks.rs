//! Habits of cards in the field: readers get along with them.

use emv::issuer::{IssuerMasterKey, derive_card_key_a, dynamic_verification_code};
use emv::{CardError, Interface};
use virtual_card::{Misbehaviour, PresentedCard, Profile, Quirk, VirtualCard};

use crate::support::{Ending, pay, presented, profile, read, readable, terminal, verify};

fn with(profile: &Profile, quirk: Quirk) -> Profile {
    let mut profile = profile.clone();
    profile.quirks.push(quirk);
    profile
}

#[test]
fn cards_with_quirks_pay_all_the_same() {
    let refused = [Quirk::FirstRefuses, Quirk::LockedOnce, Quirk::LongerName];
    for quirk in Quirk::ALL.into_iter().filter(|quirk| !refused.contains(quirk)) {
        for (plain, interface) in readable() {
            // A card that may serve both interfaces and has no directory cannot know which one it is on.
            let card = VirtualCard::new(with(&plain, quirk)).over(interface);
            let mut card = PresentedCard::new(card, Misbehaviour::default());
            match pay(&mut card, terminal(interface)) {
                Ending::Read(read) => {
                    assert_eq!(read.pan.expose_digits(), plain.pan, "{quirk:?} {}", plain.name);
                    assert!(!read.label.is_empty() && read.label.trim() == read.label, "{quirk:?} {}", plain.name);
                    verify(&plain, &read, &read.icc_data).unwrap_or_else(|error| panic!("{quirk:?}: {error}"));
                }
                Ending::Refused(error) => panic!("{quirk:?} {} {interface:?}: {error}", plain.name),
                Ending::Removed => panic!("removed"),
            }
        }
    }
}

/// Inserted, the directory's name has to be the application's (Book 1 section 12.4); readers of tapped cards go by what
/// they selected.
#[test]
fn an_application_that_calls_itself_otherwise_than_the_directory_does_is_not_paid_with_inserted() {
    for (plain, interface) in readable() {
        let mut card = presented(with(&plain, Quirk::LongerName));
        match (interface, pay(&mut card, terminal(interface))) {
            (Interface::Contact, Ending::Refused(error)) => {
                assert_eq!(error.code(), "card.malformed", "{}", plain.name);
            }
            (Interface::Contactless, Ending::Read(read)) => {
                verify(&plain, &read, &read.icc_data).unwrap_or_else(|error| panic!("{}: {error}", plain.name));
            }
            _ => panic!("{} {interface:?}", plain.name),
        }
    }
}

#[test]
fn an_application_that_refuses_leaves_the_next_one() {
    let two = with(&profile("two-apps"), Quirk::FirstRefuses);
    let paid = read(&mut presented(two.clone()), Interface::Contactless);
    assert_eq!(paid.label, "US DEBIT");
    let alone = with(&profile("visa"), Quirk::FirstRefuses);
    let ending = pay(&mut presented(alone), terminal(Interface::Contactless));
    assert!(matches!(ending, Ending::Refused(CardError::Refused)));
}

#[test]
fn a_locked_phone_asks_its_owner_and_pays_the_second_time() {
    for name in ["phone-visa", "phone-mastercard"] {
        let mut phone = presented(with(&profile(name), Quirk::LockedOnce));
        let ending = pay(&mut phone, terminal(Interface::Contactless));
        assert!(matches!(ending, Ending::Refused(CardError::SeePhone)), "{name}");
        phone.reset();
        let paid = read(&mut phone, Interface::Contactless);
        assert_eq!((paid.cryptogram.atc, paid.cdcvm), (1, true), "{name}: the refusal counted nothing");
    }
}

#[test]
fn a_stripe_only_card_gives_the_code_its_issuer_expects() {
    let profile = profile("mag-stripe-mode");
    let mut card = VirtualCard::new(profile.clone());
    let checksum = hex::decode("802A8E800400000899").unwrap();
    assert_eq!(card.respond(&checksum), [0x69, 0x85]);
    for command in ["00A4040007A000000004101000", "80A8000002830000"] {
        assert_eq!(card.respond(&hex::decode(command).unwrap()).last_chunk(), Some(&[0x90, 0x00]));
    }
    let record = card.respond(&hex::decode("00B2010C00").unwrap());
    let track = emv::tlv::find(&record[..record.len() - 2], emv::tag::Tag::TRACK_2_MAG_STRIPE).unwrap().to_vec();
    let issuer = IssuerMasterKey::new(profile.issuer_master_key_bytes());
    let key = derive_card_key_a(&issuer, &profile.pan, profile.psn).unwrap();
    let code = hex::encode_upper(dynamic_verification_code(&key, &track, 1, [0, 0, 0x08, 0x99]).to_be_bytes());
    let answer = hex::encode_upper(card.respond(&checksum));
    assert_eq!(answer, format!("770F9F6102{code}9F6002{code}9F360200019000"));
    assert_eq!(card.respond(&checksum), [0x69, 0x85], "once for each counter");
    // A card that makes cryptograms does not know the command.
    let mut other = VirtualCard::new(crate::support::profile("mastercard"));
    other.respond(&hex::decode("00A4040007A000000004101000").unwrap());
    other.respond(&hex::decode("80A8000002830000").unwrap());
    assert_eq!(other.respond(&checksum), [0x69, 0x85]);
}
