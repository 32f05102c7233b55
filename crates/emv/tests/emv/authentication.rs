//! Offline data authentication within a session: a captured card that signs its cryptogram, and what goes wrong.

use emv::oda::{Fault, Method};
use emv::tag::Tag;
use emv::{
    ApplicationChoice, CaKeys, CardError, CardRead, CardSession, CardholderVerification, DataAuthentication,
    DataAuthenticity, Interface, ReadPurpose, Step, TerminalData, tlv,
};

use crate::replay::Transcript;

/// The terminal of the transcript: the same payment, so that the card's signature holds.
fn terminal(how_much: DataAuthentication) -> TerminalData {
    let mut terminal = TerminalData::purchase(12_000, 36, 36, [0x32, 0x72, 0x73, 0xB9], Interface::Contactless)
        .at([14, 10, 31], [12, 0, 0]);
    terminal.terminal_type = 0xEA;
    terminal.choice = ApplicationChoice::Automatic;
    terminal.authenticating(how_much, CaKeys::with_scheme_tests())
}

/// Pays with the captured Amex card; `change` may alter any answer. Gives the commands too.
fn pay(
    terminal: TerminalData,
    change: impl Fn(&[u8], &mut Vec<u8>),
) -> (Result<Box<CardRead>, CardError>, Vec<Vec<u8>>) {
    let mut transcript = Transcript::new(crate::json("traces/bertlv_contactless_amex_cda.json"));
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    let mut sent = Vec::new();
    loop {
        sent.push(c_apdu.clone());
        let mut r_apdu = transcript.answer(&c_apdu).unwrap_or_else(|_| panic!("removed"));
        change(&c_apdu, &mut r_apdu);
        match session.advance(&r_apdu) {
            Ok(Step::Transmit { session: next, c_apdu: command, .. }) => (session, c_apdu) = (*next, command),
            Ok(Step::Done(read)) => return (Ok(read), sent),
            Ok(_) => panic!("it neither asks nor looks"),
            Err(error) => return (Err(error), sent),
        }
    }
}

fn last(sent: &[Vec<u8>]) -> String {
    hex::encode_upper(sent.last().unwrap())
}

#[test]
fn the_captured_amex_card_signs_its_cryptogram() {
    let (read, sent) = pay(terminal(DataAuthentication::WithoutExtraExchange), |_, _| {});
    let read = read.unwrap_or_else(|error| panic!("{error}"));
    // Exactly the command of the transcript, TVR included: online PIN entered, floor limit exceeded, nothing failed.
    assert_eq!(last(&sent), "80AE90001D00000001200000000000000000360000048000003614103100327273B900");
    assert_eq!(read.authenticity, DataAuthenticity::Passed(Method::Cda));
    assert_eq!(hex::encode_upper(read.cryptogram.value), "51F4F65DDE43732D");
    assert_eq!((read.cryptogram.atc, read.cryptogram.cid), (6, 0x80));
    assert_eq!((read.verification, read.no_online_pin), (CardholderVerification::OnlinePin, None));
    assert_eq!((read.tvr, read.tsi), ([0x00, 0x00, 0x04, 0x80, 0x00], [0xE8, 0x00]));
    assert_eq!(tlv::find(&read.icc_data, Tag::CRYPTOGRAM).unwrap(), read.cryptogram.value);
    assert_eq!(tlv::find(&read.icc_data, Tag::TVR).unwrap(), read.tvr);
}

#[test]
fn a_signature_that_does_not_hold_is_a_forgery() {
    for at in [30, 60, 100, 136] {
        let (read, _) = pay(terminal(DataAuthentication::WithoutExtraExchange), |c_apdu, r_apdu| {
            if c_apdu[1] == 0xAE {
                r_apdu[at] ^= 0x01;
            }
        });
        assert_eq!(read.err(), Some(CardError::Forged), "byte {at}");
    }
    let mut other = terminal(DataAuthentication::WithoutExtraExchange);
    other.amount_minor += 1;
    assert_eq!(pay(other, |_, _| {}).0.err(), Some(CardError::Forged), "a signature made for another amount");
}

/// Makes GENERATE AC answer in clear, as a card that was not asked to sign does.
fn in_clear(c_apdu: &[u8], r_apdu: &mut Vec<u8>) {
    if c_apdu[1] == 0xAE && c_apdu[2] == 0x80 {
        *r_apdu = hex::decode("8012800006112233445566778806010103A000009000").unwrap();
    }
}

#[test]
fn a_chain_that_does_not_hold_leaves_the_cryptogram_in_clear() {
    for (record, fault) in [(2, Fault::CardCertificate), (4, Fault::CardCertificate), (5, Fault::IssuerCertificate)] {
        let (read, sent) = pay(terminal(DataAuthentication::WithoutExtraExchange), |c_apdu, r_apdu| {
            if c_apdu[1] == 0xB2 && c_apdu[2] == record && c_apdu[3] == 0x0C {
                let at = if record == 2 { r_apdu.len() - 10 } else { 20 };
                r_apdu[at] ^= 0x01;
            }
            in_clear(c_apdu, r_apdu);
        });
        let read = read.unwrap_or_else(|error| panic!("record {record}: {error}"));
        assert_eq!(read.authenticity, DataAuthenticity::Failed(Method::Cda, fault), "record {record}");
        assert_eq!(read.tvr[0], 0x04, "combined authentication failed");
        assert!(last(&sent).starts_with("80AE80"), "no signature is asked for then");
        assert_eq!(tlv::find(&read.icc_data, Tag::TVR).unwrap(), read.tvr, "the card was told");
    }
}

#[test]
fn time_keys_and_ability_decide() {
    let authenticity = |terminal: TerminalData| {
        let read = pay(terminal, in_clear).0.unwrap_or_else(|error| panic!("{error}"));
        (read.authenticity, read.tvr[0])
    };
    let later = terminal(DataAuthentication::WithoutExtraExchange).at([26, 11, 25], [0; 3]);
    assert_eq!(authenticity(later), (DataAuthenticity::Failed(Method::Cda, Fault::Expired), 0x04));
    let mut stranger = terminal(DataAuthentication::WithoutExtraExchange);
    stranger.ca_keys = CaKeys::schemes();
    assert_eq!(authenticity(stranger), (DataAuthenticity::Failed(Method::Cda, Fault::UnknownAuthority), 0x04));
    let mut keyless = terminal(DataAuthentication::Full);
    keyless.ca_keys = CaKeys::none();
    assert_eq!(authenticity(keyless), (DataAuthenticity::NotPerformed, 0x80));
    assert_eq!(authenticity(terminal(DataAuthentication::None)), (DataAuthenticity::NotPerformed, 0x80));
    // Without combined authentication on the terminal's side, the card's static data is checked.
    let mut only_static = terminal(DataAuthentication::None);
    only_static.capabilities[2] = 0x80;
    assert_eq!(authenticity(only_static), (DataAuthenticity::Passed(Method::Sda), 0x02));
    assert_eq!(TerminalData::purchase(1, 36, 36, [0; 4], Interface::Contact).capabilities, [0x20, 0x48, 0x88]);
}

#[test]
fn static_data_is_checked_record_by_record() {
    let mut only_static = terminal(DataAuthentication::None);
    only_static.capabilities[2] = 0x80;
    for (record, file, fault) in
        [(2, 0x0C, Fault::Signature), (3, 0x14, Fault::Signature), (2, 0x14, Fault::IssuerCertificate)]
    {
        let (read, _) = pay(only_static.clone(), |c_apdu, r_apdu| {
            if c_apdu[1] == 0xB2 && c_apdu[2] == record && c_apdu[3] == file {
                let at = r_apdu.len() - 5;
                r_apdu[at] ^= 0x01;
            }
            in_clear(c_apdu, r_apdu);
        });
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.authenticity, DataAuthenticity::Failed(Method::Sda, fault), "{record} {file:02X}");
        assert_eq!(read.tvr[0], 0x42, "selected and failed");
    }
}

#[test]
fn a_card_that_does_not_sign_when_asked_is_not_believed() {
    let answering = |answer: &'static str| {
        pay(terminal(DataAuthentication::WithoutExtraExchange), move |c_apdu, r_apdu| {
            if c_apdu[1] == 0xAE {
                *r_apdu = hex::decode(answer).unwrap();
            }
        })
        .0
    };
    let read = answering("8012800006112233445566778806010103A000009000").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.authenticity, DataAuthenticity::Failed(Method::Cda, Fault::Signature));
    assert_eq!(read.tvr[0], 0x04);
    // The card had made its cryptogram before, so that is what the bank gets to see.
    assert_eq!(tlv::find(&read.icc_data, Tag::TVR).unwrap()[0], 0x00);
    assert_eq!(answering("8012000006112233445566778806010103A000009000").err(), Some(CardError::DeclinedOffline));
    assert_eq!(answering("770A9F2701809F360200069F9000").err(), Some(CardError::Missing { item: "9F26" }));
    assert_eq!(answering("77109F2701809F360200069F4B04000000009000").err(), Some(CardError::Forged));
}
