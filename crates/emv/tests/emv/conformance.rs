//! Scripted cards of emv-utils: candidate lists. The script fails the test when another command is sent.

use emv::{ApplicationChoice, CardError, CardSession, Interface, ReadPurpose, Step, TerminalData};

use crate::{bytes, json};

/// Runs the script until the terminal would open an application, ask, or give up.
fn candidates(name: &str) -> Result<Vec<String>, CardError> {
    let file = json("vectors/emvutils_apdu_conformance.json");
    let case = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap().clone();
    let mut terminal = TerminalData::purchase(1, 978, 528, [0; 4], Interface::Contact);
    terminal.choice = ApplicationChoice::AskCardholder;
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    let script = case["exchanges"].as_array().unwrap();
    let mut directory = true;
    loop {
        // After its directory the scripted card knows nothing else; our list of known AIDs is another one.
        let scripted = script.iter().find(|exchange| bytes(&exchange["c"]) == c_apdu);
        if c_apdu[1] == 0xB2 || c_apdu.get(5) == Some(&0x31) {
            assert!(scripted.is_some(), "{name}: {} is not in the script", hex::encode_upper(&c_apdu));
        } else {
            directory = false;
        }
        let r_apdu = scripted.map_or(vec![0x6A, 0x82], |exchange| bytes(&exchange["r"]));
        match session.advance(&r_apdu)? {
            Step::Transmit { session: next, c_apdu: command, .. } => (session, c_apdu) = (*next, command),
            Step::Choose { applications, .. } => {
                assert!(directory, "{name}: the directory was enough");
                return Ok(applications.into_iter().map(|application| application.label).collect());
            }
            Step::Done(_) | Step::Inspected(_) => panic!("{name}: cannot be done"),
        }
    }
}

#[test]
fn a_blocked_card_is_named_so() {
    assert_eq!(candidates("candidate_pse_card_blocked"), Err(CardError::Blocked));
    assert_eq!(candidates("candidate_aid_card_blocked"), Err(CardError::Blocked));
}

#[test]
fn nothing_supported_is_no_application() {
    assert_eq!(candidates("candidate_nothing_found"), Err(CardError::NoApplication));
    assert_eq!(candidates("candidate_pse_app_not_supported"), Err(CardError::NoApplication));
}

#[test]
fn a_blocked_application_is_no_candidate() {
    assert_eq!(candidates("candidate_aid_blocked"), Err(CardError::Blocked));
}

#[test]
fn candidates_are_sorted_by_priority() {
    let sorted = candidates("candidate_sorted_app_priority").unwrap();
    assert_eq!(sorted, ["APP 1", "APP 2", "APP 3", "APP 4", "APP 5", "APP 6", "APP 7"]);
}

#[test]
fn an_application_that_needs_confirmation_is_asked_for() {
    assert_eq!(candidates("candidate_app_cardholder_confirmation").unwrap(), ["VISA CREDIT"]);
}

#[test]
fn a_single_supported_application_is_opened_at_once() {
    let (session, c_apdu) = after_directory("candidate_pse_app_supported");
    assert!(session.is_some());
    assert_eq!(hex::encode_upper(c_apdu), "00A4040007A000000003101000");
}

/// Runs a script's directory; gives the session that was not stopped for a choice, with its next command.
fn after_directory(name: &str) -> (Option<CardSession>, Vec<u8>) {
    let file = json("vectors/emvutils_apdu_conformance.json");
    let case = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap().clone();
    let (mut session, mut c_apdu) =
        CardSession::start(TerminalData::purchase(1, 978, 528, [0; 4], Interface::Contact), ReadPurpose::Pay);
    for exchange in case["exchanges"].as_array().unwrap() {
        assert_eq!(c_apdu, bytes(&exchange["c"]));
        match session.advance(&bytes(&exchange["r"])) {
            Ok(Step::Transmit { session: next, c_apdu: command, .. }) => (session, c_apdu) = (*next, command),
            _ => panic!("{name}: a directory is read"),
        }
    }
    (Some(session), c_apdu)
}

/// The seven applications of the published card, waiting for the cardholder.
fn seven_applications() -> (Box<emv::ChoosingSession>, Vec<String>) {
    let file = json("vectors/emvutils_apdu_conformance.json");
    let case =
        file["cases"].as_array().unwrap().iter().find(|case| case["name"] == "select_pse_setup").unwrap().clone();
    let (mut session, mut c_apdu) =
        CardSession::start(TerminalData::purchase(1, 978, 528, [0; 4], Interface::Contact), ReadPurpose::Pay);
    for exchange in case["exchanges"].as_array().unwrap() {
        assert_eq!(c_apdu, bytes(&exchange["c"]));
        match session.advance(&bytes(&exchange["r"])).unwrap_or_else(|error| panic!("{error}")) {
            Step::Transmit { session: next, c_apdu: command, .. } => (session, c_apdu) = (*next, command),
            Step::Choose { session, applications } => {
                return (session, applications.into_iter().map(|application| application.label).collect());
            }
            _ => panic!("seven applications must be offered"),
        }
    }
    panic!("the directory ends in a choice")
}

#[test]
fn selections_follow_the_scripts() {
    let file = json("vectors/emvutils_apdu_conformance.json");
    let cases = file["cases"].as_array().unwrap();
    let mut checked = 0;
    for case in cases.iter().filter(|case| case["stage"] == "select_application") {
        let remaining: Vec<String> = case["expected"]["remaining_candidates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| label.as_str().unwrap().to_owned())
            .collect();
        // Each case goes on from the last: here the applications before it are taken off first.
        let (choosing, mut labels) = seven_applications();
        let index = usize::try_from(case["index"].as_u64().unwrap()).unwrap();
        if index >= labels.len() {
            assert_eq!(choosing.select(index).err(), Some(CardError::NoSuchChoice));
            assert_eq!(remaining, labels);
            checked += 1;
            continue;
        }
        let command = bytes(&case["exchanges"][0]["c"]);
        let aid_ends = command[command.len() - 2];
        let wanted = if command.len() == 13 { "APP 7".to_owned() } else { format!("APP {aid_ends}") };
        let at = labels.iter().position(|label| *label == wanted).unwrap();
        labels.remove(at);
        let (session, c_apdu) = choosing.select(at).unwrap_or_else(|error| panic!("{error}"));
        // 6283 is an answer, not a request for more: the application is blocked whatever GET RESPONSE would give.
        let exchange = &case["exchanges"][0];
        assert_eq!(c_apdu, bytes(&exchange["c"]), "{case}");
        let step = session.advance(&bytes(&exchange["r"]));
        match (case["expected"]["outcome"].as_str().unwrap(), step) {
            ("OK", Ok(Step::Transmit { c_apdu, .. })) => assert_eq!(c_apdu[..2], [0x80, 0xA8], "{case}: it is open"),
            ("TRY_AGAIN" | "NOT_ACCEPTED", Ok(Step::Choose { applications, .. })) => {
                let offered: Vec<String> = applications.into_iter().map(|application| application.label).collect();
                assert_eq!(offered, labels, "{case}: the others are offered again");
            }
            ("CARD_ERROR", Err(CardError::Malformed { .. })) => {}
            ("CARD_BLOCKED", Err(CardError::Blocked)) => {}
            (outcome, step) => panic!("{outcome}: {case}: {}", step.is_ok()),
        }
        checked += 1;
    }
    assert_eq!(checked, 10);
}

#[test]
fn the_last_application_that_cannot_be_opened_ends_the_session() {
    let (session, _) = after_directory("candidate_pse_app_supported");
    let mismatch = hex::decode("6F1D8408A000000003101005A511500556205041598701015F2D046E6C656E9000").unwrap();
    assert_eq!(session.unwrap().advance(&mismatch).err(), Some(CardError::Malformed { at: "FCI" }));
    let (session, _) = after_directory("candidate_pse_app_supported");
    assert_eq!(session.unwrap().advance(&[0x62, 0x83]).err(), Some(CardError::Blocked));
    let (session, _) = after_directory("candidate_pse_app_supported");
    assert_eq!(session.unwrap().advance(&[0x6A, 0x82]).err(), Some(CardError::NoApplication));
}

/// Opens an application with this FCI and gives the session waiting for its processing options.
fn initiated(fci: &[u8]) -> (CardSession, Vec<u8>) {
    let mut terminal = TerminalData::purchase(123_456_789, 978, 528, [0; 4], Interface::Contact);
    terminal.capabilities = [0x60, 0xF0, 0xC8];
    terminal.choice = ApplicationChoice::Automatic;
    let (session, _) = CardSession::start(terminal, ReadPurpose::Pay);
    let Ok(Step::Transmit { session, .. }) = session.advance(&[0x6A, 0x82]) else { panic!("no directory") };
    match session.advance(&[fci, &[0x90, 0x00]].concat()) {
        Ok(Step::Transmit { session, c_apdu, .. }) => (*session, c_apdu),
        _ => panic!("the application must open"),
    }
}

#[test]
fn processing_options_follow_the_scripts() {
    let file = json("vectors/emvutils_apdu_conformance.json");
    let mut checked = 0;
    for case in file["cases"].as_array().unwrap() {
        if case["stage"] != "initiate_application_processing" {
            continue;
        }
        let (session, c_apdu) = initiated(&bytes(&case["fci"]));
        let exchange = &case["exchanges"][0];
        assert_eq!(c_apdu, bytes(&exchange["c"]), "{case}");
        match (session.advance(&bytes(&exchange["r"])), case["expected"]["afl"].as_str()) {
            (Ok(Step::Transmit { c_apdu, .. }), Some(afl)) => {
                let afl = hex::decode(afl).unwrap();
                assert_eq!(c_apdu, [0x00, 0xB2, afl[1], afl[0] | 0x04, 0x00], "{case}");
            }
            (Err(error), None) => assert_eq!(error, CardError::Refused),
            _ => panic!("{case}"),
        }
        checked += 1;
    }
    assert_eq!(checked, 4);
}

#[test]
fn records_follow_the_scripts() {
    let file = json("vectors/emvutils_apdu_conformance.json");
    let mut checked = 0;
    for case in file["cases"].as_array().unwrap() {
        if case["stage"] != "read_application_data" {
            continue;
        }
        let (session, _) = initiated(&hex::decode("6F128407A0000000031003A50750054465626974").unwrap());
        let afl = case["afl"].as_str().map(|afl| hex::decode(afl).unwrap()).unwrap_or_default();
        let length = u8::try_from(afl.len() + 2).unwrap();
        let mut r_apdu = [&[0x80, length, 0x7C, 0x00][..], &afl, &[0x90, 0x00]].concat();
        let mut session = session;
        let mut script = case["exchanges"].as_array().unwrap().iter();
        let ending = loop {
            match session.advance(&r_apdu) {
                Ok(Step::Transmit { session: next, c_apdu, .. }) if c_apdu[1] == 0xB2 => {
                    let exchange = script.next().unwrap_or_else(|| panic!("{case}: one record too many"));
                    assert_eq!(c_apdu, bytes(&exchange["c"]), "{case}");
                    (session, r_apdu) = (*next, bytes(&exchange["r"]));
                }
                Ok(Step::Transmit { c_apdu, .. }) => break Ok(c_apdu),
                Ok(_) => panic!("{case}: neither done nor asking"),
                Err(error) => break Err(error),
            }
        };
        if case["expected"]["outcome"] == "OK" {
            assert!(script.next().is_none(), "{case}: every record is read");
            assert_eq!(ending.unwrap()[..3], [0x80, 0xAE, 0x80], "{case}");
        } else {
            assert!(
                matches!(ending, Err(CardError::Malformed { .. } | CardError::Missing { .. })),
                "{case}: {ending:?}"
            );
        }
        checked += 1;
    }
    assert_eq!(checked, 7);
}
