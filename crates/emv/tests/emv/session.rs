//! Sessions that pay, with scripted cards.

use emv::tag::Tag;
use emv::{
    CardError, CardRead, CardSession, CardholderVerification, CryptogramKind, Interface, Phase, ReadPurpose, Scheme,
    Step, TerminalData, tlv,
};

const PPSE: &str =
    "6F35840E325041592E5359532E4444463031A523BF0C20611E4F07A0000000031010500B56495341204352454449548701019F2A0103";

fn terminal(interface: Interface) -> TerminalData {
    TerminalData::purchase(123_456, 978, 276, [0xDE, 0xAD, 0xBE, 0xEF], interface).at([26, 11, 22], [10, 0, 0])
}

fn ok(objects: &[u8]) -> Vec<u8> {
    [objects, &[0x90, 0x00]].concat()
}

fn template(tag: Tag, parts: &[(Tag, &[u8])]) -> Vec<u8> {
    let mut inner = Vec::new();
    for (tag, value) in parts {
        tlv::write(&mut inner, *tag, value);
    }
    let mut out = Vec::new();
    tlv::write(&mut out, tag, &inner);
    out
}

/// Runs a session over a card given as a function, with the commands it was sent.
fn run(interface: Interface, card: impl Fn(&[u8]) -> Vec<u8>) -> (Result<Box<CardRead>, CardError>, Vec<Vec<u8>>) {
    let (mut session, mut c_apdu) = CardSession::start(terminal(interface), ReadPurpose::Pay);
    let mut sent = Vec::new();
    loop {
        sent.push(c_apdu.clone());
        match session.advance(&card(&c_apdu)) {
            Ok(Step::Transmit { session: next, c_apdu: command, .. }) => (session, c_apdu) = (*next, command),
            Ok(Step::Choose { session: choosing, .. }) => (session, c_apdu) = choosing.select(0).unwrap(),
            Ok(Step::Done(read)) => return (Ok(read), sent),
            Ok(Step::Inspected(_)) => panic!("a payment does not inspect"),
            Err(error) => return (Err(error), sent),
        }
    }
}

/// A qVSDC card whose processing options are `options`.
fn qvsdc(options: Vec<u8>) -> impl Fn(&[u8]) -> Vec<u8> {
    move |c_apdu| match (c_apdu[1], c_apdu.get(5)) {
        (0xA4, Some(0x32)) => ok(&hex::decode(PPSE).unwrap()[..]),
        (0xA4, _) => ok(&fci()),
        (0xA8, _) => ok(&options),
        _ => vec![0x6D, 0x00],
    }
}

fn fci() -> Vec<u8> {
    let pdol = hex::decode("9F66049F02069F37045F2A029A039C0195059F1A02").unwrap();
    let proprietary = template(Tag::FCI_PROPRIETARY, &[(Tag::LABEL, b"VISA CREDIT  "), (Tag::PDOL, &pdol)]);
    let proprietary = &tlv::read(&proprietary, tlv::Mode::Strict).unwrap()[0];
    template(
        Tag::FCI_TEMPLATE,
        &[(Tag::DF_NAME, &[0xA0, 0, 0, 0, 3, 0x10, 0x10]), (Tag::FCI_PROPRIETARY, proprietary.value)],
    )
}

fn options(cid: u8, ctq: [u8; 2]) -> Vec<u8> {
    template(
        Tag::RESPONSE_FORMAT_2,
        &[
            (Tag::AIP, &[0x00, 0x00]),
            (Tag::TRACK_2, &hex::decode("4761340000000050D3012201000000000F").unwrap()),
            (Tag::PAN_SEQUENCE, &[0x01]),
            (Tag::IAD, &hex::decode("06011203A00000").unwrap()),
            (Tag::CRYPTOGRAM, &[0x11; 8]),
            (Tag::CID, &[cid]),
            (Tag::ATC, &[0x00, 0x2A]),
            (Tag::CTQ, &ctq),
        ],
    )
}

#[test]
fn a_tap_gives_exactly_the_values_sent() {
    let (read, sent) = run(Interface::Contactless, qvsdc(options(0x80, [0x80, 0x00])));
    let read = read.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((read.scheme, read.label.as_str(), read.exchanges), (Scheme::Visa, "VISA CREDIT", 3));
    assert_eq!(read.pan.expose_digits(), "4761340000000050");
    assert_eq!((&read.expiry_yymm, read.psn), (b"3012", Some(1)));
    assert_eq!((read.cryptogram.kind, read.cryptogram.atc), (CryptogramKind::Arqc, 42));
    assert_eq!((read.verification, read.cdcvm), (CardholderVerification::OnlinePin, false));
    let command = &sent[2];
    assert_eq!(hex::encode_upper(command), "80A800001D831B26C04000000000123456DEADBEEF0978261122000000000000027600");
    let value = |tag| tlv::find(&read.icc_data, tag).map(hex::encode_upper).unwrap();
    assert_eq!(value(Tag::AMOUNT_AUTHORISED), "000000123456");
    assert_eq!(value(Tag::UNPREDICTABLE_NUMBER), "DEADBEEF");
    assert_eq!(value(Tag::TVR), "0000000000");
    assert_eq!(value(Tag::DF_NAME), "A0000000031010");
    assert_eq!(value(Tag::TERMINAL_COUNTRY), "0276");
    assert!(!hex::encode_upper(&read.icc_data).contains("4761340000000050"), "DE 55 holds no PAN");
}

#[test]
fn a_phone_that_verified_its_owner_says_so() {
    let (read, _) = run(Interface::Contactless, qvsdc(options(0x80, [0x00, 0x80])));
    assert!(read.unwrap_or_else(|error| panic!("{error}")).cdcvm);
}

#[test]
fn a_card_that_declines_or_approves_by_itself_cannot_pay() {
    let (read, _) = run(Interface::Contactless, qvsdc(options(0x00, [0; 2])));
    assert_eq!(read.err(), Some(CardError::DeclinedOffline));
    let (read, _) = run(Interface::Contactless, qvsdc(options(0x40, [0; 2])));
    assert_eq!(read.err(), Some(CardError::Malformed { at: "cryptogram type" }));
}

#[test]
fn a_stripe_over_the_air_is_refused() {
    let stripe = template(
        Tag::RESPONSE_FORMAT_2,
        &[(Tag::AIP, &[0x00, 0x80]), (Tag::TRACK_2, &hex::decode("4761340000000050D3012201000000000F").unwrap())],
    );
    let (read, _) = run(Interface::Contactless, qvsdc(stripe));
    assert_eq!(read.err(), Some(CardError::MagStripeOnly));
}

#[test]
fn a_pan_that_contradicts_itself_is_refused() {
    let mut parts = options(0x80, [0; 2]);
    let inner = tlv::read(&parts, tlv::Mode::Strict).unwrap()[0].value.to_vec();
    parts.clear();
    let mut inner = inner;
    tlv::write(&mut inner, Tag::PAN, &hex::decode("4761340000000068").unwrap());
    tlv::write(&mut parts, Tag::RESPONSE_FORMAT_2, &inner);
    let (read, _) = run(Interface::Contactless, qvsdc(parts));
    assert_eq!(read.err(), Some(CardError::Malformed { at: "57 against 5A" }));
}

#[test]
fn refusals_become_typed_errors() {
    let refusing = |sw: [u8; 2]| {
        move |c_apdu: &[u8]| match (c_apdu[1], c_apdu.get(5)) {
            (0xA4, Some(0x32)) => ok(&hex::decode(PPSE).unwrap()[..]),
            (0xA4, _) => ok(&fci()),
            _ => sw.to_vec(),
        }
    };
    assert_eq!(run(Interface::Contactless, refusing([0x69, 0x85])).0.err(), Some(CardError::Refused));
    assert_eq!(run(Interface::Contactless, refusing([0x69, 0x86])).0.err(), Some(CardError::SeePhone));
    assert!(matches!(
        run(Interface::Contactless, refusing([0x6F, 0x00])).0.err(),
        Some(CardError::UnexpectedStatus { .. })
    ));
    assert_eq!(run(Interface::Contactless, |_| vec![0x61, 0x10]).0.err(), Some(CardError::TooManyExchanges));
    assert_eq!(run(Interface::Contactless, |_| vec![0x90]).0.err(), Some(CardError::Malformed { at: "status word" }));
    assert_eq!(run(Interface::Contact, |_| vec![0x6A, 0x82]).0.err(), Some(CardError::NoApplication));
}

#[test]
fn no_command_can_cost_a_pin_try_or_force_a_decline() {
    let allowed = |c_apdu: &Vec<u8>| match c_apdu[1] {
        0xA4 | 0xB2 | 0xA8 | 0xC0 => true,
        0xAE => c_apdu[2] == 0x80,
        _ => false,
    };
    for interface in [Interface::Contact, Interface::Contactless] {
        for card in [vec![0x90, 0x00], vec![0x6A, 0x82]] {
            let (_, sent) = run(interface, |_| card.clone());
            assert!(sent.iter().all(allowed));
        }
    }
}

#[test]
fn a_choice_outside_the_list_is_refused() {
    let directory = "6F4D840E325041592E5359532E4444463031A53BBF0C3861164F07A0000000421010870101500243429F2803400200611E4F07A0000000041010870102500A4D4153544552434152449F28034002009000";
    let mut terminal = terminal(Interface::Contactless);
    terminal.choice = emv::ApplicationChoice::AskCardholder;
    let (session, _) = CardSession::start(terminal, ReadPurpose::Pay);
    assert_eq!(session.phase(), Phase::SelectingDirectory);
    match session.advance(&hex::decode(directory).unwrap()) {
        Ok(Step::Choose { session, applications }) => {
            assert_eq!(applications.len(), 2);
            assert_eq!(session.select(2).err(), Some(CardError::NoSuchChoice));
        }
        _ => panic!("two applications must be offered"),
    }
}

#[test]
fn an_amount_beyond_twelve_digits_is_refused() {
    let terminal = TerminalData::purchase(1_000_000_000_000, 978, 276, [0; 4], Interface::Contactless);
    let (session, _) = CardSession::start(terminal, ReadPurpose::Pay);
    let Ok(Step::Transmit { session, .. }) = session.advance(&ok(&hex::decode(PPSE).unwrap())) else {
        panic!("directory")
    };
    assert!(matches!(session.advance(&ok(&fci())), Err(CardError::Unsupported { .. })));
}
