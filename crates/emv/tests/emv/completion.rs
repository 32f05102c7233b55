//! Finishing an inserted card after the bank's answer: two captured cards and a scripted one.

use emv::{
    ApplicationChoice, CardError, CardRead, CardSession, Completion, CompletionResult, CompletionStep, CryptogramKind,
    Interface, IssuerAnswer, IssuerAuthentication, OnlineDecision, ReadPurpose, Step, TerminalData, tlv,
};

use crate::replay::Transcript;

/// Reads a card to pay; `card` answers each command.
fn read(terminal: TerminalData, mut card: impl FnMut(&[u8]) -> Vec<u8>) -> Box<CardRead> {
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    loop {
        match session.advance(&card(&c_apdu)).unwrap_or_else(|error| panic!("{error}")) {
            Step::Transmit { session: next, c_apdu: command, .. } => (session, c_apdu) = (*next, command),
            Step::Choose { session: choosing, .. } => (session, c_apdu) = choosing.select(0).unwrap(),
            Step::Done(read) => return read,
            Step::Inspected(_) => panic!("a payment does not inspect"),
        }
    }
}

/// Finishes a card; gives the result with the commands it was sent.
fn finish(
    completion: Completion,
    answer: &IssuerAnswer,
    mut card: impl FnMut(&[u8]) -> Vec<u8>,
) -> (Result<CompletionResult, CardError>, Vec<String>) {
    let mut sent = Vec::new();
    let mut step = completion.start(answer);
    loop {
        match step {
            Ok(CompletionStep::Transmit { completion, c_apdu }) => {
                sent.push(hex::encode_upper(&c_apdu));
                step = completion.advance(&card(&c_apdu));
            }
            Ok(CompletionStep::Done(result)) => return (Ok(result), sent),
            Err(error) => return (Err(error), sent),
        }
    }
}

#[test]
fn the_captured_visa_card_gives_its_tc() {
    let mut transcript = Transcript::new(crate::json("traces/bertlv_contact_visa.json"));
    let mut terminal =
        TerminalData::purchase(1000, 36, 36, [0xD3, 0x17, 0x3A, 0x1F], Interface::Contact).at([12, 3, 16], [10, 0, 0]);
    terminal.choice = ApplicationChoice::Automatic;
    // The terminal of the transcript took no PIN.
    terminal.capabilities[1] = 0x08;
    let read = read(terminal, |c_apdu| transcript.answer(c_apdu).unwrap_or_else(|_| panic!("removed")));
    assert_eq!(hex::encode_upper(read.cryptogram.value), "7CB3BA090724C524");
    // The terminal of the transcript sent eight bytes and was answered 6700; its second GENERATE AC says so in 95.
    let de55 = hex::decode("91081122334455667788").unwrap();
    let answer = IssuerAnswer::from_icc_data(OnlineDecision::Approved, &de55).unwrap();
    let (result, sent) = finish(*read.completion.unwrap(), &answer, |c_apdu| {
        transcript.answer(c_apdu).unwrap_or_else(|_| panic!("removed"))
    });
    let result = result.unwrap();
    assert_eq!(sent[0], "00820000081122334455667788");
    assert_eq!(sent[1], "80AE40001F303000000000100000000000000000368000008040003612031600D3173A1F00");
    let cryptogram = result.cryptogram.unwrap();
    assert_eq!(
        (cryptogram.kind, hex::encode_upper(cryptogram.value).as_str()),
        (CryptogramKind::Tc, "BB31D191BCED0CF2")
    );
    assert_eq!(result.issuer_authentication, IssuerAuthentication::Failed);
    assert_eq!((result.tvr, result.tsi[0] & 0x10), ([0x80, 0x00, 0x00, 0x80, 0x40], 0x10));
}

#[test]
fn the_captured_unionpay_card_believes_its_bank() {
    let mut transcript = Transcript::new(crate::json("traces/upi_card_image_0031_contact.json"));
    let mut terminal =
        TerminalData::purchase(1000, 156, 156, [1, 2, 3, 4], Interface::Contact).at([15, 3, 16], [10, 0, 0]);
    terminal.choice = ApplicationChoice::Automatic;
    let read = read(terminal, |c_apdu| transcript.answer(c_apdu).unwrap_or_else(|_| panic!("removed")));
    let external = transcript.document["exchanges"].as_array().unwrap().iter().find_map(|exchange| {
        exchange["c"].as_str().filter(|command| command.starts_with("00820000")).map(str::to_owned)
    });
    let external = external.unwrap();
    let de55 = hex::decode(format!("910A{}", &external[10..30])).unwrap();
    let answer = IssuerAnswer::from_icc_data(OnlineDecision::Approved, &de55).unwrap();
    let (result, sent) = finish(*read.completion.unwrap(), &answer, |c_apdu| {
        transcript.answer(c_apdu).unwrap_or_else(|_| panic!("removed"))
    });
    let result = result.unwrap();
    assert_eq!(sent.len(), 2);
    assert_eq!(result.issuer_authentication, IssuerAuthentication::Passed);
    assert_eq!(result.cryptogram.unwrap().kind, CryptogramKind::Tc);
    assert_eq!(result.tvr[4], 0);
}

/// A contact card with one record; `aip` decides where tag 91 goes.
fn scripted(aip: [u8; 2], cdol2: &'static str) -> impl FnMut(&[u8]) -> Vec<u8> {
    move |c_apdu| match c_apdu[1] {
        0xA4 if c_apdu[5] == 0x31 => vec![0x6A, 0x82],
        0xA4 if c_apdu[5..].starts_with(&[0xA0, 0, 0, 0, 3]) => {
            hex::decode("6F168407A0000000031010A50B50095649534120544553549000").unwrap()
        }
        0xA4 => vec![0x6A, 0x82],
        0xA8 => [&[0x80, 6][..], &aip, &[0x08, 1, 1, 0, 0x90, 0x00]].concat(),
        0xB2 => {
            let mut inner = hex::decode("5A0847613400000000505F24033012315F280202768C039F3704").unwrap();
            tlv::write(&mut inner, emv::tag::Tag::CDOL2, &hex::decode(cdol2).unwrap());
            let mut record = Vec::new();
            tlv::write(&mut record, emv::tag::Tag::RECORD_TEMPLATE, &inner);
            [record.as_slice(), &[0x90, 0x00]].concat()
        }
        0xAE if c_apdu[2] == 0x80 => cryptogram(0x80),
        _ => vec![0x6D, 0x00],
    }
}

fn cryptogram(cid: u8) -> Vec<u8> {
    [&[0x80, 0x12, cid, 0x00, 0x2A][..], &[0x11; 8], &[6, 1, 10, 3, 0, 0, 0], &[0x90, 0x00]].concat()
}

pub fn waiting(aip: [u8; 2], cdol2: &'static str) -> Completion {
    let mut terminal = TerminalData::purchase(1000, 978, 276, [9; 4], Interface::Contact).at([26, 11, 25], [0; 3]);
    terminal.choice = ApplicationChoice::Automatic;
    let read = read(terminal, scripted(aip, cdol2));
    *read.completion.unwrap()
}

/// Answers GENERATE AC as asked, and every other command with `other`.
fn obedient(other: [u8; 2]) -> impl FnMut(&[u8]) -> Vec<u8> {
    move |c_apdu| match c_apdu[1] {
        0xAE => cryptogram(c_apdu[2]),
        _ => other.to_vec(),
    }
}

fn answer(decision: OnlineDecision, de55: &str) -> IssuerAnswer {
    IssuerAnswer::from_icc_data(decision, &hex::decode(de55).unwrap()).unwrap()
}

/// A script template with its commands; `identifier` may be empty.
fn script(template: &str, identifier: &str, commands: &[&str]) -> String {
    let object = |tag: &str, value: &str| format!("{tag}{:02X}{value}", value.len() / 2);
    let identifier = if identifier.is_empty() { String::new() } else { object("9F18", identifier) };
    let commands: String = commands.iter().map(|command| object("86", command)).collect();
    object(template, &(identifier + &commands))
}

const CDOL2: &str = "8A029110950591089F3704";

#[test]
fn a_tapped_card_is_gone() {
    let mut terminal = TerminalData::purchase(1000, 978, 276, [9; 4], Interface::Contactless).at([26, 11, 25], [0; 3]);
    terminal.choice = ApplicationChoice::Automatic;
    assert!(read(terminal, scripted([0x04, 0x00], CDOL2)).completion.is_none());
}

#[test]
fn each_decision_asks_for_its_own_cryptogram() {
    for (decision, p1, code, kind) in [
        (OnlineDecision::Approved, "40", "3030", CryptogramKind::Tc),
        (OnlineDecision::Declined, "00", "3035", CryptogramKind::Aac),
        (OnlineDecision::UnableToGoOnline, "00", "5A33", CryptogramKind::Aac),
    ] {
        let (result, sent) = finish(waiting([0, 0], "8A02"), &IssuerAnswer::bare(decision), obedient([0x90, 0x00]));
        assert_eq!(sent, [format!("80AE{p1}0002{code}00")]);
        let result = result.unwrap();
        assert_eq!(result.cryptogram.unwrap().kind, kind);
        assert_eq!(result.issuer_authentication, IssuerAuthentication::NotPerformed);
        assert!(result.script_results.is_empty() && result.trouble.is_none());
    }
    let own = IssuerAnswer::bare(OnlineDecision::Declined).with_response_code(*b"51");
    assert_eq!(finish(waiting([0, 0], "8A02"), &own, obedient([0x90, 0x00])).1, ["80AE000002353100"]);
    let unusable = IssuerAnswer::bare(OnlineDecision::Declined).with_response_code([0xFF, 0x00]);
    assert_eq!(finish(waiting([0, 0], "8A02"), &unusable, obedient([0x90, 0x00])).1, ["80AE000002303500"]);
}

#[test]
fn account_data_does_not_wait_for_the_bank() {
    // The list asks for the card number and the country code: only the second is still there.
    let (_, sent) =
        finish(waiting([0, 0], "5A085F2802"), &IssuerAnswer::bare(OnlineDecision::Approved), obedient([0x90, 0x00]));
    assert_eq!(sent, ["80AE40000A0000000000000000027600"]);
}

#[test]
fn issuer_authentication_goes_where_the_card_wants_it() {
    let approved = answer(OnlineDecision::Approved, "910A11223344556677883030");
    let (result, sent) = finish(waiting([0x04, 0], "8A02"), &approved, obedient([0x90, 0x00]));
    assert_eq!(sent, ["008200000A11223344556677883030", "80AE400002303000"]);
    let result = result.unwrap();
    assert_eq!(result.issuer_authentication, IssuerAuthentication::Passed);
    assert_eq!((result.tvr[4], result.tsi), (0x00, [0x38, 0x00]));

    let (result, sent) = finish(waiting([0, 0], "8A02910A9F3704"), &approved, obedient([0x90, 0x00]));
    assert_eq!(sent, ["80AE40001030301122334455667788303009090909".to_owned() + "00"]);
    let result = result.unwrap();
    assert_eq!(result.issuer_authentication, IssuerAuthentication::WithCryptogram);
    assert_eq!(result.tsi, [0x28, 0x00], "the terminal itself performed nothing");

    let (result, sent) =
        finish(waiting([0x04, 0], "8A02"), &IssuerAnswer::bare(OnlineDecision::Approved), obedient([0x90, 0x00]));
    assert_eq!((sent.len(), result.unwrap().issuer_authentication), (1, IssuerAuthentication::NotPerformed));
}

#[test]
fn a_card_that_does_not_believe_its_bank_is_still_asked_for_what_the_bank_decided() {
    let approved = answer(OnlineDecision::Approved, "910A11223344556677883030");
    let (result, sent) = finish(waiting([0x04, 0], "8A029505"), &approved, |c_apdu| match c_apdu[1] {
        0xAE => cryptogram(0x00),
        _ => vec![0x63, 0x00],
    });
    assert_eq!(sent[1], "80AE40000730308000008040".to_owned() + "00");
    let result = result.unwrap();
    assert_eq!(result.issuer_authentication, IssuerAuthentication::Failed);
    assert_eq!(result.cryptogram.unwrap().kind, CryptogramKind::Aac, "the caller takes the payment back");
}

#[test]
fn scripts_run_before_and_after() {
    let before = script("71", "00000001", &["842400000401020304"]);
    // An identifier after a command is against the format.
    let broken =
        "72".to_owned() + &script("72", "", &["841600000401020304"])[2..].replacen("0B", "12", 1) + "9F180400000002";
    let answered = answer(OnlineDecision::Approved, &(before + &broken));
    let (result, sent) = finish(waiting([0, 0], "8A02"), &answered, obedient([0x90, 0x00]));
    assert_eq!(sent, ["842400000401020304", "80AE400002303000"]);
    let result = result.unwrap();
    assert_eq!(result.script_results, [[0x20, 0, 0, 0, 1], [0x00, 0, 0, 0, 0]]);
    assert_eq!((result.tvr[4], result.tsi[0] & 0x04), (0x10, 0x04));

    let after = script("72", "00000002", &["841600000401020304", "841E0000"]);
    let (result, sent) =
        finish(waiting([0, 0], "8A02"), &answer(OnlineDecision::Declined, &after), obedient([0x62, 0x83]));
    assert_eq!(sent, ["80AE000002303500", "841600000401020304", "841E0000"]);
    assert_eq!(result.unwrap().script_results, [[0x20, 0, 0, 0, 2]]);
}

#[test]
fn a_script_stops_at_the_command_that_failed() {
    let two = script("71", "AABBCCDD", &["841E0000", "84160000", "84180000"]) + &script("71", "", &["84240000"]);
    let mut scripted = 0;
    let card = |c_apdu: &[u8]| {
        if c_apdu[1] == 0xAE {
            return cryptogram(c_apdu[2]);
        }
        scripted += 1;
        if scripted == 2 { vec![0x69, 0x82] } else { vec![0x90, 0x00] }
    };
    let (result, sent) = finish(waiting([0, 0], "9505"), &answer(OnlineDecision::Approved, &two), card);
    assert_eq!(sent, ["841E0000", "84160000", "84240000", "80AE400005800000802000"]);
    let result = result.unwrap();
    assert_eq!(result.script_results, [[0x12, 0xAA, 0xBB, 0xCC, 0xDD], [0x20, 0, 0, 0, 0]]);
    assert_eq!(result.tvr[4], 0x20);
}

#[test]
fn no_script_can_cost_a_pin_try_or_make_another_cryptogram() {
    for command in ["0020008008241234FFFFFFFFFF", "0021008000", "80AE000002303500", "84AE4000"] {
        let de55 = script("71", "", &[command]);
        let (result, sent) =
            finish(waiting([0, 0], "8A02"), &answer(OnlineDecision::Approved, &de55), obedient([0x90, 0x00]));
        assert_eq!(sent, ["80AE400002303000"], "{command}");
        let result = result.unwrap();
        assert_eq!((result.script_results.as_slice(), result.tvr[4]), (&[[0; 5]][..], 0x20), "{command}");
    }
}

#[test]
fn scripts_that_cannot_be_parsed_are_not_performed() {
    for template in
        ["", "8600", "860384240000", "8606842400000401", "9F1803010203", "9F180400000001", "9F18040000000150024142"]
    {
        let length = template.len() / 2;
        let answered = IssuerAnswer::from_icc_data(
            OnlineDecision::Approved,
            &hex::decode(format!("72{length:02X}{template}")).unwrap(),
        );
        let (result, sent) = finish(waiting([0, 0], "8A02"), &answered.unwrap(), obedient([0x90, 0x00]));
        assert_eq!(sent.len(), 1, "{template}");
        let result = result.unwrap();
        assert_eq!((result.script_results[0][0], result.tvr[4]), (0x00, 0x10), "{template}");
    }
}

#[test]
fn answers_beyond_the_bounds_are_refused() {
    let too_long = "91".to_owned() + "FF" + &"00".repeat(255);
    let many: String = (0..3).map(|_| script("72", "", &["84240000"; 11])).collect();
    for de55 in [
        "910711223344556677",
        "91111122334455667788112233445566778899",
        "9108112233445566778891081122334455667788",
        "9108112233",
        "7200".repeat(9).as_str(),
        too_long.as_str(),
        many.as_str(),
        "91",
    ] {
        let bytes = hex::decode(de55).unwrap();
        assert!(IssuerAnswer::from_icc_data(OnlineDecision::Approved, &bytes).is_err(), "{de55}");
        assert!(
            IssuerAnswer::from_icc_data(OnlineDecision::UnableToGoOnline, &bytes).is_ok(),
            "an answer that never came is not read"
        );
    }
    let other = answer(OnlineDecision::Approved, "8A0230309F3602002A");
    assert_eq!(other, IssuerAnswer::bare(OnlineDecision::Approved));
}

#[test]
fn a_card_that_gives_no_second_cryptogram_is_said_so() {
    let after = "7206860484240000";
    let approved = answer(OnlineDecision::Approved, after);
    for (r_apdu, trouble) in [
        (vec![0x69, 0x85], None),
        (cryptogram(0x80), Some(CardError::Malformed { at: "cryptogram type" })),
        (vec![0x90, 0x00], Some(CardError::Malformed { at: "GENERATE AC answer" })),
    ] {
        let (result, sent) = finish(waiting([0, 0], "8A02"), &approved, |_| r_apdu.clone());
        let result = result.unwrap();
        assert_eq!(sent.len(), 1, "no script after a cryptogram that never came");
        assert!(result.cryptogram.is_none() && result.trouble.is_some());
        assert_eq!(result.script_results, [[0; 5]]);
        if trouble.is_some() {
            assert_eq!(result.trouble, trouble);
        }
    }
    let (result, _) =
        finish(waiting([0, 0], "8A02"), &IssuerAnswer::bare(OnlineDecision::Declined), |_| cryptogram(0x40));
    assert_eq!(result.unwrap().trouble, Some(CardError::Malformed { at: "cryptogram type" }));
}

#[test]
fn a_card_that_never_ends_is_left() {
    let approved = answer(OnlineDecision::Approved, "910A11223344556677883030");
    let (result, sent) = finish(waiting([0x04, 0], "8A02"), &approved, |_| vec![0x61, 0x10]);
    assert_eq!(result.err(), Some(CardError::TooManyExchanges));
    assert!(sent.len() <= 20);
    let (result, _) = finish(waiting([0x04, 0], "8A02"), &approved, |_| vec![0x90]);
    assert_eq!(result.err(), Some(CardError::Malformed { at: "status word" }));
}
