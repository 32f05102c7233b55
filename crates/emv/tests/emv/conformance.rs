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
