//! Offline data authentication of the software card by the reader's session, and its failures.

use emv::oda::{CaKeys, DataAuthentication, DataAuthenticity, Fault, Method};
use emv::{CardRead, Interface};
use virtual_card::{OfflineAuthentication, PresentedCard, Profile, test_ca_keys};

use crate::support::{Ending, pay, presented, readable, terminal, verify};

/// Reads a card to pay, with this much authentication and these keys.
fn read(card: &mut PresentedCard, interface: Interface, how_much: DataAuthentication, keys: CaKeys) -> CardRead {
    match pay(card, terminal(interface).authenticating(how_much, keys)) {
        Ending::Read(read) => *read,
        Ending::Refused(error) => panic!("{error}"),
        Ending::Removed => panic!("removed"),
    }
}

/// Every built-in card that can be authenticated offline, and how.
fn authentic() -> Vec<(Profile, Interface, Method)> {
    let method = |profile: &Profile, interface| {
        Some(match profile.applications[0].over(interface)?.offline_authentication {
            OfflineAuthentication::None => return None,
            OfflineAuthentication::Sda => Method::Sda,
            OfflineAuthentication::Dda => Method::Dda,
            OfflineAuthentication::Cda => Method::Cda,
            OfflineAuthentication::FastDda => Method::FastDda,
        })
    };
    let cards = readable().into_iter();
    cards.filter_map(|(profile, interface)| Some((profile.clone(), interface, method(&profile, interface)?))).collect()
}

#[test]
fn every_method_is_shown_by_some_card_and_passes_with_the_test_authority() {
    let cards = authentic();
    for method in [Method::Sda, Method::Dda, Method::Cda, Method::FastDda] {
        let showing = cards.iter().filter(|(_, _, shown)| *shown == method).count();
        assert!(showing >= 2, "{method:?}: {showing}");
    }
    for (profile, interface, method) in cards {
        let mut card = presented(profile.clone());
        let read = read(&mut card, interface, DataAuthentication::Full, test_ca_keys());
        assert_eq!(read.authenticity, DataAuthenticity::Passed(method), "{} {interface:?}", profile.name);
        verify(&profile, &read, &read.icc_data).unwrap_or_else(|error| panic!("{}: {error}", profile.name));
        // The bank is told of no failure (TVR byte 1, bits 7, 4 and 3).
        assert_eq!(read.tvr[0] & 0x4C, 0, "{} {interface:?}", profile.name);
    }
}

#[test]
fn without_the_test_authority_no_card_is_believed_and_all_pay_online() {
    for (profile, interface, method) in authentic() {
        let mut card = presented(profile.clone());
        let read = read(&mut card, interface, DataAuthentication::Full, CaKeys::schemes());
        let expected = [DataAuthenticity::NotPerformed, DataAuthenticity::Failed(method, Fault::UnknownAuthority)];
        assert!(expected.contains(&read.authenticity), "{}: {:?}", profile.name, read.authenticity);
        verify(&profile, &read, &read.icc_data).unwrap_or_else(|error| panic!("{}: {error}", profile.name));
    }
}

#[test]
fn a_record_that_was_changed_on_its_way_is_found_out() {
    for (profile, interface, method) in authentic() {
        let mut card = presented(profile.clone());
        let terminal = terminal(interface).authenticating(DataAuthentication::Full, test_ca_keys());
        let authenticity = read_changed(&mut card, terminal, &profile);
        match method {
            // Signs nothing of the records.
            Method::FastDda => assert_eq!(authenticity, DataAuthenticity::Passed(method)),
            Method::Sda => {
                assert_eq!(authenticity, DataAuthenticity::Failed(method, Fault::Signature), "{}", profile.name);
            }
            Method::Dda | Method::Cda => {
                assert_eq!(authenticity, DataAuthenticity::Failed(method, Fault::CardCertificate), "{}", profile.name);
            }
        }
    }
}

/// Reads with the usage control changed in every record it is in.
fn read_changed(card: &mut PresentedCard, terminal: emv::TerminalData, profile: &Profile) -> DataAuthenticity {
    use emv::{CardSession, ReadPurpose, Step};
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    loop {
        let mut r_apdu = card.transmit(&c_apdu).unwrap();
        let usage = [0x9F, 0x07, 0x02, 0xFF, 0x00];
        if let Some(at) = r_apdu.windows(usage.len()).position(|window| window == usage) {
            r_apdu[at + 4] = 0x80;
        }
        match session.advance(&r_apdu).unwrap_or_else(|error| panic!("{}: {error}", profile.name)) {
            Step::Transmit { session: next, c_apdu: command, .. } => (session, c_apdu) = (*next, command),
            Step::Choose { session: choosing, .. } => (session, c_apdu) = choosing.select(0).unwrap(),
            Step::Done(read) => return read.authenticity,
            Step::Inspected(_) => panic!("a payment does not inspect"),
        }
    }
}

#[test]
fn a_terminal_that_wants_no_signature_gets_none_and_is_quicker() {
    for (profile, interface, method) in authentic() {
        let quick = read(&mut presented(profile.clone()), interface, DataAuthentication::None, CaKeys::none());
        let full = read(&mut presented(profile.clone()), interface, DataAuthentication::Full, test_ca_keys());
        assert_eq!(quick.authenticity, DataAuthenticity::NotPerformed);
        match method {
            Method::Sda | Method::Cda => assert_eq!(quick.exchanges, full.exchanges),
            Method::Dda => {
                assert_eq!(full.exchanges, quick.exchanges + if profile.name == "contact-t0" { 2 } else { 1 });
            }
            Method::FastDda => assert_eq!(full.exchanges, quick.exchanges + 3, "{}: its certificates", profile.name),
        }
    }
}
