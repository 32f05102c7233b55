//! Every transcript read through the session.

use emv::{CardError, CardSession, Inspection, Interface, Outcome, ReadPurpose, Scheme, Step, TerminalData};
use serde_json::Value;

use crate::replay::{Removed, Transcript};

/// How reading a transcript ended.
enum Ending {
    Inspected(Box<Inspection>),
    Failed(CardError),
    Removed,
}

fn inspect(name: &str) -> (Ending, Value) {
    let mut transcript = Transcript::new(crate::json(&format!("traces/{name}.json")));
    let interface = match transcript.document["interface"].as_str() {
        Some("contact") => Interface::Contact,
        _ => Interface::Contactless,
    };
    let terminal = TerminalData::purchase(1234, 156, 156, [1, 2, 3, 4], interface).at([26, 11, 22], [12, 0, 0]);
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Inspect);
    let ending = loop {
        let r_apdu = match transcript.answer(&c_apdu) {
            Ok(r_apdu) => r_apdu,
            Err(Removed) => break Ending::Removed,
        };
        match session.advance(&r_apdu) {
            Ok(Step::Transmit { session: next, c_apdu: command, .. }) => (session, c_apdu) = (*next, command),
            Ok(Step::Inspected(inspection)) => break Ending::Inspected(inspection),
            Ok(Step::Choose { .. } | Step::Done(_)) => panic!("{name}: an inspection neither asks nor pays"),
            Err(error) => break Ending::Failed(error),
        }
    };
    (ending, transcript.document)
}

fn inspected(name: &str) -> (Box<Inspection>, Value) {
    match inspect(name) {
        (Ending::Inspected(inspection), document) => (inspection, document),
        (Ending::Failed(error), _) => panic!("{name}: {error}"),
        (Ending::Removed, _) => panic!("{name}: removed"),
    }
}

/// YYMM of the expiry the document gives: its own test's before the extraction's, since both agree except in
/// one transcript, which has its own test.
fn documented_expiry(document: &Value) -> Option<String> {
    let (expected, derived) = (&document["expected"], &document["derived"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    text(&expected["expiry_yymmdd"])
        .or_else(|| text(&expected["expiry"]).map(|date| date[2..].replace('-', "")))
        .or_else(|| text(&derived["expiry_yymmdd"]))
        .or_else(|| text(&derived["track2_expiry_yymm"]))
        .map(|date| date[..4].to_owned())
}

/// A field both blocks may give.
fn documented<'a>(document: &'a Value, field: &str) -> Option<&'a str> {
    document["expected"][field].as_str().or_else(|| document["derived"][field].as_str())
}

/// Reads a transcript and compares every value its document gives.
fn check(name: &str, outcome: Outcome) {
    let (read, document) = inspected(name);
    assert_eq!(read.outcome, outcome, "{name}: outcome, {:?}", read.trouble);
    let pan = documented(&document, "pan");
    assert_eq!(read.pan.as_ref().map(emv::CardNumber::expose_digits), pan, "{name}: pan");
    let expiry = read.expiry_yymm.map(|expiry| String::from_utf8(expiry.to_vec()).unwrap());
    assert_eq!(expiry, documented_expiry(&document), "{name}: expiry");
    if let Some(label) = documented(&document, "label") {
        assert_eq!(read.application.label, label, "{name}: label");
    }
    if let Some(preferred) = documented(&document, "preferred_name") {
        assert_eq!(read.application.preferred_name.as_deref(), Some(preferred), "{name}: preferred name");
    }
    if let Some(aid) = documented(&document, "df_name") {
        assert_eq!(hex::encode_upper(&read.application.aid), aid, "{name}: aid");
    }
    if let Some(psn) = documented(&document, "psn") {
        assert_eq!(read.psn.map(|psn| format!("{psn:02}")).as_deref(), Some(psn), "{name}: psn");
    }
    if let Some(track2) = documented(&document, "track2") {
        let read = read.track2.as_ref().map(emv::Track2::expose);
        assert_eq!(read, Some(track2.trim_end_matches('F')), "{name}: track 2");
    }
    if let Some(ac) = documented(&document, "ac").or_else(|| document["expected"]["first_ac"]["ac"].as_str()) {
        let given = read.cryptogram.as_ref().map(|cryptogram| hex::encode_upper(cryptogram.value));
        assert_eq!(given.as_deref(), Some(ac), "{name}: cryptogram");
    }
}

#[test]
fn every_card_is_of_the_scheme_its_source_says() {
    let mut checked = 0;
    for entry in std::fs::read_dir(crate::data_file("traces")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        let (Ending::Inspected(read), document) = inspect(&name) else { continue };
        let Some(scheme) = document["expected"]["scheme"].as_str() else { continue };
        let expected = match scheme {
            "MASTER_CARD" | "MasterCard" => Scheme::Mastercard,
            // The purse is one of girocard's.
            "GELDKARTE" => Scheme::Girocard,
            visa if visa.starts_with("VISA") => Scheme::Visa,
            other => panic!("{name}: {other}"),
        };
        assert_eq!(read.scheme, expected, "{name}");
        checked += 1;
    }
    assert_eq!(checked, 11);
}

#[test]
fn contactless_cards_with_their_cryptogram_in_the_processing_options() {
    check("a7_visa_credit_us", Outcome::Arqc);
    check("tec_visa_auspost_exp1708_3033", Outcome::Arqc);
    check("tec_visa_exp2402_5406", Outcome::Arqc);
    check("hce_visa_debit_anon", Outcome::Arqc);
    check("upi_card_image_0031_qpboc", Outcome::Arqc);
}

#[test]
fn cards_that_generate_a_cryptogram() {
    check("bertlv_contact_visa", Outcome::Arqc);
    check("upi_card_image_0031_contact", Outcome::Arqc);
    check("hce_mastercard_debit_anon", Outcome::Arqc);
    check("synthetic_discover_from_de55", Outcome::Arqc);
}

#[test]
fn cards_whose_cryptogram_is_not_in_the_transcript() {
    check("bertlv_contactless_mastercard", Outcome::NoCryptogram);
    check("tec_bug20_full", Outcome::NoCryptogram);
    check("devnied_FailPpseVisaAid", Outcome::NoCryptogram);
}

#[test]
fn a_cryptogram_inside_a_signature_is_asked_for_when_only_looking() {
    // Its certificates are past their time, so it is first asked without a signature, which the transcript lacks.
    let (read, _) = inspected("bertlv_contactless_amex_cda");
    assert_eq!((read.outcome, read.trouble), (Outcome::Arqc, Some(CardError::Forged)));
    assert!(read.cryptogram.is_none(), "made for another payment, so its signature cannot hold");
    assert_eq!(read.pan.as_ref().unwrap().expose_digits(), "374245001741007");
    assert_eq!(read.psn, Some(0));
}

#[test]
fn mag_stripe_mode_is_recognised() {
    check("bertlv_contactless_mastercard_msd", Outcome::MagStripeOnly);
    // Tag 56 is garbage in this one; the stripe data 9F6B is good.
    check("devnied_MasterCardPpse3", Outcome::MagStripeOnly);
}

#[test]
fn a_refused_pdol_is_tried_bare_when_only_looking() {
    for name in ["devnied_VisaCardPpse", "devnied_VisaCardPpseNoOptions", "devnied_VisaCardNullTransaction"] {
        let (read, document) = inspected(name);
        assert_eq!(read.pan.as_ref().unwrap().expose_digits(), documented(&document, "pan").unwrap(), "{name}");
        assert_eq!(read.expiry_yymm.as_ref().unwrap(), b"1509", "{name}");
        assert_eq!(read.application.label, "CB", "{name}: label of the directory, the FCI has none");
    }
}

#[test]
fn expiry_5f24_goes_before_track_2() {
    // The source's own test reads Track 2 (1806); the record's 5F24 says 170630, and 5F24 is the standard's date.
    let (read, _) = inspected("devnied_VisaCardPpse3");
    assert_eq!(read.pan.as_ref().unwrap().expose_digits(), "4999999999999999");
    assert_eq!(read.expiry_yymm.as_ref().unwrap(), b"1706");
    assert_eq!(read.outcome, Outcome::ApprovedOffline);
    assert_eq!(read.application.label, "CB", "a card without any label is named after its scheme");
}

#[test]
fn records_in_the_wrong_template_are_read() {
    let (read, _) = inspected("devnied_MasterCardPpse");
    assert_eq!(read.pan.as_ref().unwrap().expose_digits(), "5599999999999999");
    assert_eq!(read.applications.len(), 2);
    assert_eq!(read.applications[1].scheme, Scheme::Mastercard);
}

#[test]
fn the_contact_directory_may_be_empty() {
    let (read, _) = inspected("devnied_VisaCardPse");
    assert_eq!(read.pan.as_ref().unwrap().expose_digits(), "4979670123453600");
    assert_eq!(read.expiry_yymm.as_ref().unwrap(), b"1602");
    assert_eq!(read.application.preferred_name.as_deref(), Some("TRANSACTION CB"));
}

#[test]
fn a_card_that_refuses_every_application_is_named_so() {
    let (read, _) = inspected("devnied_FailErrorCard");
    assert_eq!(read.outcome, Outcome::Refused);
    assert_eq!(read.trouble, Some(CardError::Refused));
    assert!(read.pan.is_none());
    assert_eq!(read.applications.len(), 2);
}

#[test]
fn partial_transcripts_give_what_they_have() {
    let (amex, _) = inspected("bertlv_contact_amex_dda_partial");
    assert_eq!(amex.pan.as_ref().unwrap().expose_digits(), "374245455400001");
    assert_eq!(amex.expiry_yymm.as_ref().unwrap(), b"2012");
    let (jcb, _) = inspected("bertlv_contact_jcb_sda_partial");
    assert_eq!((jcb.application.scheme, jcb.application.label.as_str()), (Scheme::Jcb, "JCB Credit"));
    // T=0: the length is asked for again, or the rest fetched; both transcripts end at the application.
    for name in ["devnied_wrapper_SW_6C", "devnied_wrapper_SW_61"] {
        check(name, Outcome::Refused);
    }
}

#[test]
fn a_purse_outside_the_standard_is_named() {
    let (read, _) = inspected("devnied_GeldKartePpse");
    assert_eq!((read.outcome, read.application.label.as_str()), (Outcome::Refused, "girocard"));
    assert_eq!(hex::encode_upper(&read.application.aid), "D27600002547410100");
    assert_eq!(read.pan.as_ref().unwrap().expose_digits(), "1500001111");
    assert_eq!(read.expiry_yymm.as_ref().unwrap(), b"1712");
}

#[test]
fn a_card_with_nothing_to_select_has_no_application() {
    assert!(matches!(inspect("devnied_UnknownCard").0, Ending::Failed(CardError::NoApplication)));
}

#[test]
fn a_card_lost_midway_is_the_readers_to_report() {
    for name in ["tec_connection_lost_before_PPSE_response", "tec_connection_lost_before_GPO_response"] {
        assert!(matches!(inspect(name).0, Ending::Removed), "{name}");
    }
}

#[test]
fn masked_digits_of_a_published_card_stay_masked() {
    let (read, document) = inspected("tec_visa_auspost_exp1708_3033");
    let pan = read.pan.as_ref().unwrap();
    assert_eq!(Some(pan.masked().replace('*', "F").as_str()), document["expected"]["pan_masked"].as_str());
    assert!(!pan.is_complete());
}

#[test]
fn every_transcript_is_covered() {
    let mut names: Vec<String> = std::fs::read_dir(crate::data_file("traces"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 30);
    let source = include_str!("traces.rs");
    for name in names {
        assert!(source.contains(&format!("\"{name}\"")), "{name} has no test");
    }
}
