//! The software card and the reader's session, joined: what one makes, the issuer's side accepts.

use emv::issuer::{self, CryptogramVersion, IssuerDecision, IssuerError, IssuerMasterKey};
use emv::tag::Tag;
use emv::{
    ApplicationChoice, CardError, CardSession, CardholderVerification, Interface, Outcome, ReadPurpose, Step, tlv,
};
use virtual_card::{BUILT_IN, CardRemoved, Counter, Misbehaviour, PresentedCard, RefusedBy, VirtualCard};

use crate::support::{Ending, pay, presented, profile, read, readable, terminal, verify};

const INTERFACES: [Interface; 2] = [Interface::Contact, Interface::Contactless];
/// Most commands any built-in card needs: directories with two applications, and records with certificates.
const EXCHANGES_MAX: u32 = 24;

/// DE 55 with the last byte of one object changed.
fn changed(icc_data: &[u8], tag: Tag) -> Vec<u8> {
    let mut out = Vec::new();
    for object in tlv::read(icc_data, tlv::Mode::Strict).unwrap() {
        let mut value = object.value.to_vec();
        if object.tag == tag {
            *value.last_mut().unwrap() ^= 0x01;
        }
        tlv::write(&mut out, object.tag, &value);
    }
    out
}

#[test]
fn every_profile_gives_an_arqc_its_issuer_accepts() {
    for (profile, interface) in readable() {
        let name = profile.name.as_str();
        let mut card = presented(profile.clone());
        let read = read(&mut card, interface);
        assert_eq!(read.scheme, profile.scheme(), "{name}");
        assert_eq!(read.pan.expose_digits(), profile.pan);
        assert_eq!(std::str::from_utf8(&read.expiry_yymm).unwrap(), profile.expiry_yymm);
        assert_eq!((read.psn, read.interface), (Some(profile.psn), interface));
        let expected = if name.starts_with("phone-") {
            CardholderVerification::ConsumerDevice
        } else {
            CardholderVerification::OnlinePin
        };
        assert_eq!(read.verification, expected, "{name} {interface:?}");
        assert_eq!(read.exchanges, card.answered());
        assert!(read.exchanges <= EXCHANGES_MAX, "{name} {interface:?} took {} exchanges", read.exchanges);
        let verified = verify(&profile, &read, &read.icc_data).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((verified.amount_minor, verified.currency_numeric, verified.atc), (12_345, 978, 1), "{name}");
        assert_eq!(verified.unpredictable_number, [0x5A; 4]);
        assert_eq!(verified.date_yymmdd, [0x26, 0x11, 0x22]);
        assert_ne!(issuer::arpc(&verified, IssuerDecision::Approve), issuer::arpc(&verified, IssuerDecision::Decline));
    }
}

#[test]
fn cards_that_must_be_refused_are_refused_with_their_code() {
    let mut refused = 0;
    for (name, _) in BUILT_IN {
        let profile = profile(name);
        let Some(refusal) = profile.refusal.clone().filter(|refusal| refusal.by == RefusedBy::Reader) else { continue };
        for interface in profile.interfaces() {
            match pay(&mut presented(profile.clone()), terminal(interface)) {
                Ending::Refused(error) => assert_eq!(error.code(), refusal.code, "{name} {interface:?}"),
                Ending::Read(_) | Ending::Removed => panic!("{name} {interface:?} must be refused"),
            }
            refused += 1;
        }
    }
    assert_eq!(refused, 3);
}

#[test]
fn a_t0_card_makes_the_reader_ask_again() {
    let mut card = presented(profile("contact-t0"));
    let exchanges = read(&mut card, Interface::Contact).exchanges;
    let same_without = {
        let mut profile = profile("contact-t0");
        profile.contact_protocol = virtual_card::ContactProtocol::T1;
        read(&mut presented(profile), Interface::Contact).exchanges
    };
    // Every command that gives data is asked for again: three selections and options and cryptogram by 61xx,
    // records by 6Cxx.
    assert!(exchanges >= 2 * same_without - 1, "{exchanges} {same_without}");
}

#[test]
fn one_changed_value_breaks_the_cryptogram() {
    for (profile, interface) in readable() {
        let name = profile.name.as_str();
        let read = read(&mut presented(profile.clone()), interface);
        for tag in [
            Tag::AMOUNT_AUTHORISED,
            Tag::TRANSACTION_CURRENCY,
            Tag::TRANSACTION_DATE,
            Tag::UNPREDICTABLE_NUMBER,
            Tag::TERMINAL_COUNTRY,
            Tag::TVR,
            Tag::AIP,
            Tag::ATC,
            Tag::CRYPTOGRAM,
        ] {
            let answer = verify(&profile, &read, &changed(&read.icc_data, tag));
            assert!(matches!(answer, Err(IssuerError::Mismatch)), "{name} {interface:?} {tag}");
        }
        let other = IssuerMasterKey::new([0x11; 16]);
        assert!(issuer::verify_arqc(&other, read.pan.expose_digits(), read.psn, &read.icc_data).is_err());
    }
}

#[test]
fn every_cryptogram_version_a_profile_may_name_verifies() {
    let versions = [
        ("visa", "06010A03A00000", CryptogramVersion::Visa10),
        ("visa", "06011203A00000", CryptogramVersion::Visa18),
        ("visa", "1F220103A0000000", CryptogramVersion::Visa34),
        ("mastercard", "0110A0000000000000000000000000000000", CryptogramVersion::MChip16),
        ("mastercard", "0111A0000000000000000000000000000000", CryptogramVersion::MChip17),
        ("mastercard", "0115A0000000000000000000000000000000", CryptogramVersion::MChip21),
    ];
    for (name, iad, version) in versions {
        let mut profile = profile(name);
        iad.clone_into(&mut profile.applications[0].issuer_application_data);
        for interface in INTERFACES {
            let read = read(&mut presented(profile.clone()), interface);
            let verified = verify(&profile, &read, &read.icc_data).unwrap_or_else(|error| panic!("{iad}: {error}"));
            assert_eq!(verified.version, version);
        }
    }
}

#[test]
fn the_counter_grows_with_every_payment_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("atc");
    for run in 0..2_u16 {
        let counter = Counter::in_file(&file).unwrap();
        let mut card =
            PresentedCard::new(VirtualCard::new(profile("visa")).with_counter(counter), Misbehaviour::default());
        for payment in 1..=2 {
            card.reset();
            assert_eq!(read(&mut card, Interface::Contactless).cryptogram.atc, run * 2 + payment);
        }
    }
    std::fs::write(&file, "65535").unwrap();
    let spent = VirtualCard::new(profile("visa")).with_counter(Counter::in_file(&file).unwrap());
    let ending = pay(&mut PresentedCard::new(spent, Misbehaviour::default()), terminal(Interface::Contactless));
    assert!(matches!(ending, Ending::Refused(CardError::Refused)));
    std::fs::write(&file, "many").unwrap();
    assert!(Counter::in_file(&file).is_err());
}

#[test]
fn card_removed_at_every_exchange_never_gives_a_read() {
    for (profile, interface) in readable() {
        let name = profile.name.as_str();
        let needed = read(&mut presented(profile.clone()), interface).exchanges;
        for removed_after in 0..needed {
            let misbehaviour = Misbehaviour { remove_after: Some(removed_after), ..Misbehaviour::default() };
            let mut card = PresentedCard::new(VirtualCard::new(profile.clone()), misbehaviour);
            assert!(matches!(pay(&mut card, terminal(interface)), Ending::Removed), "{name} {removed_after}");
            assert_eq!(card.transmit(&[0x00, 0xA4, 0x04, 0x00]), Err(CardRemoved));
        }
    }
}

#[test]
fn a_card_over_one_interface_has_only_its_own_directory() {
    let ppse = [&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], emv::application::PPSE, &[0x00]].concat();
    let pse = [&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], emv::application::PSE, &[0x00]].concat();
    let mut inserted = VirtualCard::new(profile("visa")).over(Interface::Contact);
    assert_eq!(inserted.respond(&ppse), [0x6A, 0x82]);
    assert_eq!(inserted.respond(&pse).last_chunk(), Some(&[0x90, 0x00]));
    let mut tapped = VirtualCard::new(profile("visa")).over(Interface::Contactless);
    assert_eq!(tapped.respond(&pse), [0x6A, 0x82]);
    assert_ne!(inserted.atr(), tapped.atr());
}

#[test]
fn the_card_keeps_the_order_of_the_standard() {
    let mut card = VirtualCard::new(profile("mastercard"));
    let select = [0x00, 0xA4, 0x04, 0x00, 0x07, 0xA0, 0x00, 0x00, 0x00, 0x04, 0x10, 0x10, 0x00];
    let options = [0x80, 0xA8, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00];
    let record = [0x00, 0xB2, 0x01, 0x0C, 0x00];
    assert_eq!(card.respond(&options), [0x69, 0x85]);
    assert_eq!(card.respond(&record), [0x69, 0x85]);
    assert_eq!(card.respond(&select).last_chunk(), Some(&[0x90, 0x00]));
    assert_eq!(card.respond(&record), [0x69, 0x85]);
    assert_eq!(card.respond(&options).last_chunk(), Some(&[0x90, 0x00]));
    assert_eq!(card.respond(&options), [0x69, 0x85], "options are given once a selection");
    assert_eq!(card.respond(&record).last_chunk(), Some(&[0x90, 0x00]));
    assert_eq!(card.respond(&[0x00, 0xB2, 0x09, 0x0C, 0x00]), [0x6A, 0x83]);
    assert_eq!(card.respond(&[0x80, 0xAE, 0x80, 0x00, 0x01, 0x00, 0x00]), [0x67, 0x00]);
    assert_eq!(card.respond(&[0x80, 0xCA, 0x9F, 0x36, 0x00]), [0x9F, 0x36, 0x02, 0x00, 0x01, 0x90, 0x00]);
    assert_eq!(card.respond(&[0x00, 0x20, 0x00, 0x80, 0x00]), [0x6D, 0x00], "there is no PIN in the card");
    assert_eq!(card.respond(&[0xFF, 0x00, 0x00, 0x00, 0x00]), [0x6E, 0x00]);
    assert_eq!(card.respond(&[0x00]), [0x67, 0x00]);
    card.reset();
    assert_eq!(card.respond(&options), [0x69, 0x85]);
}

#[test]
fn several_applications_are_offered_and_the_chosen_one_pays() {
    let mut both = profile("visa");
    let mut second = both.applications[0].clone();
    second.aid = "A0000000032010".to_owned();
    second.label = "VISA ELECTRON".to_owned();
    second.priority = 2;
    both.applications.push(second);
    let mut card = VirtualCard::new(both.clone());
    let mut terminal = terminal(Interface::Contactless);
    terminal.choice = ApplicationChoice::AskCardholder;
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    let read = loop {
        match session.advance(&card.respond(&c_apdu)).unwrap_or_else(|error| panic!("{error}")) {
            Step::Transmit { session: next, c_apdu: command, .. } => (session, c_apdu) = (*next, command),
            Step::Choose { session: choosing, applications } => {
                let labels: Vec<_> = applications.iter().map(|application| application.label.as_str()).collect();
                assert_eq!(labels, ["VISA CREDIT", "VISA ELECTRON"]);
                (session, c_apdu) = choosing.select(1).unwrap_or_else(|error| panic!("{error}"));
            }
            Step::Done(read) => break read,
            Step::Inspected(_) => panic!("a payment does not inspect"),
        }
    };
    assert_eq!((read.label.as_str(), read.applications.len()), ("VISA ELECTRON", 2));
    assert!(verify(&both, &read, &read.icc_data).is_ok());
}

#[test]
fn a_card_without_a_directory_is_found_by_its_aid() {
    let mut card = VirtualCard::new(profile("mastercard")).over(Interface::Contact);
    // Tapped terminal, inserted card: no PPSE, so the known AIDs are tried.
    let (mut session, mut c_apdu) = CardSession::start(terminal(Interface::Contactless), ReadPurpose::Inspect);
    let inspection = loop {
        match session.advance(&card.respond(&c_apdu)).unwrap_or_else(|error| panic!("{error}")) {
            Step::Transmit { session: next, c_apdu: command, .. } => (session, c_apdu) = (*next, command),
            Step::Inspected(inspection) => break inspection,
            Step::Choose { .. } | Step::Done(_) => panic!("an inspection neither asks nor pays"),
        }
    };
    assert_eq!((inspection.outcome, inspection.application.label.as_str()), (Outcome::Arqc, "MASTERCARD"));
}

#[test]
fn the_stripe_and_the_chip_s_image_of_it_have_their_own_values() {
    let visa = profile("visa");
    let [track1, track2] = visa.stripe(None).unwrap();
    assert_eq!(track1, "%B4761340000000050^TAPSEAL/TEST^31122010000049700?");
    assert_eq!(track2, ";4761340000000050=31122010000049700?");
    let read = read(&mut presented(visa.clone()), Interface::Contactless);
    assert_eq!(read.track2.unwrap().expose(), "4761340000000050D31122010000077800");
    let [_, without_chip] = visa.stripe(Some("101")).unwrap();
    assert!(without_chip.starts_with(";4761340000000050=3112101"));
    assert!(visa.stripe(Some("10")).is_err());
}
