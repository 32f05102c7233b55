//! A payment to its end on an inserted card: the bank's answer, scripts, the second GENERATE AC.

use emv::completion::{CompletionResult, CompletionStep, IssuerAnswer, IssuerAuthentication, OnlineDecision};
use emv::issuer::{self, IccData, IssuerDecision, IssuerMasterKey, Script, ScriptCommand, ScriptTiming};
use emv::tag::Tag;
use emv::{CardRead, CryptogramKind, Interface, tlv};
use virtual_card::{PresentedCard, Profile};

use crate::support::{presented, profile, read, readable, terminal, verify};

/// Every card with contacts that pays.
fn inserted() -> Vec<Profile> {
    let contact =
        readable().into_iter().filter(|(profile, interface)| *interface == Interface::Contact && profile.pays());
    contact.map(|(profile, _)| profile).collect()
}

/// The bank's DE 55: 91, then scripts.
fn answer_to(profile: &Profile, read: &CardRead, decision: IssuerDecision, scripts: &[Script]) -> Vec<u8> {
    let verified = verify(profile, read, &read.icc_data).unwrap();
    let mut out = Vec::new();
    tlv::write(&mut out, Tag::ISSUER_AUTHENTICATION, &issuer::arpc(&verified, decision));
    if !scripts.is_empty() {
        let key = IssuerMasterKey::new(profile.issuer_script_key_bytes());
        let who = (profile.pan.as_str(), Some(profile.psn));
        out.extend(issuer::scripts(&verified, &key, who, scripts).unwrap());
    }
    out
}

fn finish(card: &mut PresentedCard, read: CardRead, decision: OnlineDecision, de55: &[u8]) -> CompletionResult {
    let answer = IssuerAnswer::from_icc_data(decision, de55).unwrap();
    let mut step = read.completion.expect("an inserted card can be finished").start(&answer).unwrap();
    loop {
        match step {
            CompletionStep::Transmit { completion, c_apdu } => {
                step = completion.advance(&card.transmit(&c_apdu).unwrap()).unwrap();
            }
            CompletionStep::Done(result) => return result,
        }
    }
}

fn kind(result: &CompletionResult) -> Option<CryptogramKind> {
    result.cryptogram.as_ref().map(|cryptogram| cryptogram.kind)
}

fn put_data(value: u8) -> ScriptCommand {
    ScriptCommand::PutData { tag: 0x9F58, value: vec![value] }
}

fn script(timing: ScriptTiming, commands: Vec<ScriptCommand>) -> Script {
    Script { timing, identifier: [0xA1, 0xB2, 0xC3, timing as u8], commands }
}

/// GET DATA; `None` when the card has no such value.
fn get_data(card: &mut PresentedCard, tag: u16) -> Option<Vec<u8>> {
    let [p1, p2] = tag.to_be_bytes();
    let r_apdu = exchange(card, &[0x80, 0xCA, p1, p2, 0x00]);
    let data = r_apdu.strip_suffix(&[0x90, 0x00])?;
    tlv::read(data, tlv::Mode::Strict).unwrap().first().map(|object| object.value.to_vec())
}

/// One command, with what T=0 needs to get its whole answer.
fn exchange(card: &mut PresentedCard, c_apdu: &[u8]) -> Vec<u8> {
    let answer = card.transmit(c_apdu).unwrap();
    match *answer {
        [0x6C, right] => card.transmit(&[&c_apdu[..4], &[right]].concat()).unwrap(),
        _ => answer,
    }
}

#[test]
fn an_approved_payment_ends_with_a_tc_the_issuer_can_check() {
    let cards = inserted();
    assert!(cards.len() >= 10, "{}", cards.len());
    for profile in cards {
        let name = profile.name.as_str();
        let mut card = presented(profile.clone());
        let read = *read(&mut card, Interface::Contact);
        let (aid, first_icc_data) = (read.aid.clone(), read.icc_data.clone());
        let verified = verify(&profile, &read, &read.icc_data).unwrap();
        let de55 = answer_to(&profile, &read, IssuerDecision::Approve, &[]);
        let result = finish(&mut card, read, OnlineDecision::Approved, &de55);
        assert_eq!(kind(&result), Some(CryptogramKind::Tc), "{name}");
        assert!(
            matches!(result.issuer_authentication, IssuerAuthentication::Passed | IssuerAuthentication::WithCryptogram),
            "{name} {:?}",
            result.issuer_authentication
        );
        assert_eq!(result.tvr[4], 0, "{name}");
        assert_eq!(get_data(&mut card, 0x9F13), Some(vec![0x00, 0x01]), "{name}: the issuer was there");

        // The TC covers the same values as the ARQC, but for its own verification results and the terminal's.
        let tc = result.cryptogram.unwrap();
        assert_ne!(tc.value, verified.arqc());
        let mut fields = Vec::new();
        for object in tlv::read(&first_icc_data, tlv::Mode::Strict).unwrap() {
            let value = match object.tag {
                Tag::IAD => &tc.iad,
                Tag::TVR => &result.tvr[..],
                _ => object.value,
            };
            tlv::write(&mut fields, object.tag, value);
        }
        let version = verified.version;
        let issuer = IssuerMasterKey::new(profile.issuer_master_key_bytes());
        let key = version.card_key(&issuer, &profile.pan, profile.psn).unwrap();
        let session = version.session_key(&key, verified.atc, verified.unpredictable_number);
        let input = version.input(&IccData::parse(&fields).unwrap()).unwrap();
        assert_eq!(session.mac(&input, version.padding()), tc.value, "{name} {}", hex::encode(aid));
    }
}

#[test]
fn a_declined_payment_ends_with_an_aac() {
    for profile in inserted() {
        let mut card = presented(profile.clone());
        let read = *read(&mut card, Interface::Contact);
        let de55 = answer_to(&profile, &read, IssuerDecision::Decline, &[]);
        let result = finish(&mut card, read, OnlineDecision::Declined, &de55);
        assert_eq!(kind(&result), Some(CryptogramKind::Aac), "{}", profile.name);
        assert_eq!(result.tvr[4], 0, "the issuer is believed all the same");
    }
}

#[test]
fn a_bank_that_was_not_reached_leaves_an_aac() {
    for profile in inserted() {
        let mut card = presented(profile.clone());
        let read = *read(&mut card, Interface::Contact);
        let result = finish(&mut card, read, OnlineDecision::UnableToGoOnline, &[]);
        assert_eq!(kind(&result), Some(CryptogramKind::Aac), "{}", profile.name);
        assert_eq!(get_data(&mut card, 0x9F13), Some(vec![0, 0]), "no issuer answered");
    }
}

#[test]
fn a_false_answer_is_not_believed() {
    for profile in inserted() {
        let mut card = presented(profile.clone());
        let read = *read(&mut card, Interface::Contact);
        let mut de55 = answer_to(&profile, &read, IssuerDecision::Approve, &[]);
        de55[2] ^= 0x01;
        let result = finish(&mut card, read, OnlineDecision::Approved, &de55);
        assert_eq!(kind(&result), Some(CryptogramKind::Aac), "{}", profile.name);
        if result.issuer_authentication != IssuerAuthentication::WithCryptogram {
            assert_eq!(result.issuer_authentication, IssuerAuthentication::Failed, "{}", profile.name);
            assert_eq!(result.tvr[4] & 0x40, 0x40);
        }
    }
}

#[test]
fn scripts_before_and_after_change_the_card() {
    for profile in inserted() {
        let name = profile.name.as_str();
        let mut card = presented(profile.clone());
        let read = *read(&mut card, Interface::Contact);
        let scripts = [
            script(ScriptTiming::AfterFinal, vec![put_data(7)]),
            script(ScriptTiming::BeforeFinal, vec![put_data(5), put_data(6)]),
        ];
        let de55 = answer_to(&profile, &read, IssuerDecision::Approve, &scripts);
        let result = finish(&mut card, read, OnlineDecision::Approved, &de55);
        assert_eq!(kind(&result), Some(CryptogramKind::Tc), "{name}");
        assert_eq!(result.script_results, [[0x20, 0xA1, 0xB2, 0xC3, 0], [0x20, 0xA1, 0xB2, 0xC3, 1]], "{name}");
        assert_eq!(get_data(&mut card, 0x9F58), Some(vec![7]), "{name}");
    }
}

#[test]
fn a_script_with_a_wrong_mac_changes_nothing() {
    for profile in inserted() {
        let name = profile.name.as_str();
        let mut card = presented(profile.clone());
        let read = *read(&mut card, Interface::Contact);
        let scripts = [script(ScriptTiming::BeforeFinal, vec![put_data(5)])];
        let mut de55 = answer_to(&profile, &read, IssuerDecision::Approve, &scripts);
        *de55.last_mut().unwrap() ^= 0x80;
        let result = finish(&mut card, read, OnlineDecision::Approved, &de55);
        assert_eq!(result.script_results, [[0x11, 0xA1, 0xB2, 0xC3, 0]], "{name}: failed at its first command");
        assert_eq!(result.tvr[4] & 0x20, 0x20, "{name}");
        assert_eq!(get_data(&mut card, 0x9F58), None, "{name}");
    }
}

#[test]
fn a_blocked_application_gives_no_more_cryptograms_until_it_is_unblocked() {
    let profile = profile("visa");
    let mut card = presented(profile.clone());
    let first = *read(&mut card, Interface::Contact);
    let block = [script(ScriptTiming::BeforeFinal, vec![ScriptCommand::ApplicationBlock])];
    let de55 = answer_to(&profile, &first, IssuerDecision::Approve, &block);
    let result = finish(&mut card, first, OnlineDecision::Approved, &de55);
    assert_eq!(kind(&result), Some(CryptogramKind::Aac), "a blocked application approves nothing");
    card.reset();
    match crate::support::pay(&mut card, terminal(Interface::Contact)) {
        crate::support::Ending::Refused(error) => assert_eq!(error.code(), "card.blocked"),
        _ => panic!("a blocked application must be refused"),
    }
    let card_block = [script(ScriptTiming::AfterFinal, vec![ScriptCommand::CardBlock])];
    let mut other = presented(profile.clone());
    let second = *read(&mut other, Interface::Contact);
    let de55 = answer_to(&profile, &second, IssuerDecision::Decline, &card_block);
    finish(&mut other, second, OnlineDecision::Declined, &de55);
    other.reset();
    match crate::support::pay(&mut other, terminal(Interface::Contact)) {
        crate::support::Ending::Refused(error) => assert_eq!(error.code(), "card.blocked"),
        _ => panic!("a blocked card must be refused"),
    }
}

#[test]
fn a_pin_in_the_card_is_counted_and_given_back_by_script() {
    let profile = profile("unionpay");
    let mut card = presented(profile.clone());
    let first = *read(&mut card, Interface::Contact);
    assert_eq!(get_data(&mut card, 0x9F17), Some(vec![3]));
    let verify = |card: &mut PresentedCard, block: [u8; 8]| {
        let c_apdu = [&[0x00, 0x20, 0x00, 0x80, 0x08][..], &block].concat();
        card.transmit(&c_apdu).unwrap()
    };
    let (wrong, right) =
        ([0x26, 0x65, 0x43, 0x21, 0xFF, 0xFF, 0xFF, 0xFF], [0x26, 0x12, 0x34, 0x56, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(verify(&mut card, [0x06, 0x12, 0x34, 0x56, 0xFF, 0xFF, 0xFF, 0xFF]), [0x6A, 0x80], "no format 2 block");
    assert_eq!(verify(&mut card, wrong), [0x63, 0xC2]);
    assert_eq!(verify(&mut card, right), [0x90, 0x00]);
    for tries_left in [2, 1, 0] {
        assert_eq!(verify(&mut card, wrong), [0x63, 0xC0 | tries_left]);
    }
    assert_eq!(verify(&mut card, right), [0x69, 0x83]);
    let unblock = [script(ScriptTiming::AfterFinal, vec![ScriptCommand::PinUnblock])];
    let de55 = answer_to(&profile, &first, IssuerDecision::Approve, &unblock);
    finish(&mut card, first, OnlineDecision::Approved, &de55);
    assert_eq!(get_data(&mut card, 0x9F17), Some(vec![3]));
}

#[test]
fn the_log_names_the_last_payments() {
    let mut card = presented(profile("unionpay"));
    for _ in 0..2 {
        card.reset();
        read(&mut card, Interface::Contact);
    }
    assert_eq!(get_data(&mut card, 0x9F4F).map(|format| format.len()), Some(13));
    let newest = card.transmit(&[0x00, 0xB2, 0x01, 0x5C, 0x00]).unwrap();
    assert_eq!(newest, hex::decode("00000001234509782611220000029000").unwrap());
    assert_eq!(card.transmit(&[0x00, 0xB2, 0x03, 0x5C, 0x00]).unwrap(), [0x6A, 0x83]);
}

#[test]
fn commands_out_of_order_are_refused() {
    let profile = profile("visa");
    let mut card = presented(profile.clone());
    let authenticate = [&[0x00, 0x82, 0x00, 0x00, 0x08][..], &[0; 8]].concat();
    let block = [&[0x84, 0x1E, 0x00, 0x00, 0x08][..], &[0; 8]].concat();
    assert_eq!(card.transmit(&authenticate).unwrap(), [0x69, 0x85], "nothing is selected");
    let first = read(&mut card, Interface::Contact);
    assert_eq!(card.transmit(&[0x84, 0x1E, 0x00, 0x00, 0x00]).unwrap(), [0x69, 0x87], "no MAC");
    assert_eq!(card.transmit(&block).unwrap(), [0x69, 0x88], "a wrong MAC");
    assert_eq!(card.transmit(&authenticate).unwrap(), [0x63, 0x00]);
    let right = answer_to(&profile, &first, IssuerDecision::Approve, &[]);
    let again = [&[0x00, 0x82, 0x00, 0x00, 0x08][..], &right[2..]].concat();
    assert_eq!(card.transmit(&again).unwrap(), [0x69, 0x85], "there is one try for each payment");
    let challenges = [(); 2].map(|()| card.transmit(&[0x00, 0x84, 0x00, 0x00, 0x00]).unwrap());
    assert_eq!(challenges[0].len(), 10);
    assert_ne!(challenges[0], challenges[1]);
}
