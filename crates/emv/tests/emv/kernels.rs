//! Contactless payments scheme by scheme: what the card is told, how its holder is verified, what the bank gets.

use emv::tag::Tag;
use emv::{CardError, CardholderVerification, Interface, Kernel, NoOnlinePin, Outcome, Scheme, tlv};

use crate::scripted::{Scripted, ascii, object};

const TRACK_2: &str = "D3012201000000000F";
const CDOL1: &str = "9F02069F03069F1A0295055F2A029A039C019F37049F35019F3403";
const PIN_LIST: &str = "000000000000000042031E031F03";

/// Account data of a card: 57 and 5F34.
fn account(pan: &str) -> String {
    let padding =
        if pan.len().is_multiple_of(2) { TRACK_2.to_owned() } else { TRACK_2[..TRACK_2.len() - 1].to_owned() };
    object("57", &format!("{pan}{padding}")) + &object("5F34", "01")
}

/// A cryptogram in a template 77, with more objects.
fn in_options(pan: &str, aip: &str, more: &str) -> String {
    let cryptogram = object("9F26", "1122334455667788") + &object("9F27", "80") + &object("9F36", "002A");
    object("77", &(object("82", aip) + &account(pan) + &cryptogram + &object("9F10", "06011203A00000") + more))
}

/// A card that is asked with GENERATE AC: one record with CDOL1, CVM list and more objects.
fn generating(aid: &'static str, kernel: &'static str, pan: &str, aip: &str, pdol: &str, more: &str) -> Scripted {
    let record = account(pan) + &object("5F24", "301231") + &object("8C", CDOL1) + &object("8E", PIN_LIST) + more;
    let ac = object("9F27", "80") + &object("9F36", "002A") + &object("9F26", "1122334455667788");
    Scripted {
        aid,
        kernel,
        fci: object("50", &ascii("TEST")) + &if pdol.is_empty() { String::new() } else { object("9F38", pdol) },
        options: object("77", &(object("82", aip) + &object("94", "08010100"))),
        records: vec![object("70", &record)],
        cryptogram: object("77", &(ac + &object("9F10", "0114A0000000000000000000000000000000"))),
        ..Scripted::default()
    }
}

fn value(icc_data: &[u8], tag: u32) -> Option<String> {
    tlv::find(icc_data, Tag(tag)).map(hex::encode_upper)
}

#[test]
fn mastercard_in_emv_mode() {
    let more = object("9F6E", "08400000303000") + &object("9F24", &ascii("5001BO8B9NXVVIXCT0HAJU98I512Z"));
    let card = generating("A0000000041010", "02", "5413330089020011", "1880", "9F3501", &more);
    let (ending, sent) = card.pay(Interface::Contactless);
    let read = ending.paid();
    assert_eq!(sent[2], "80A8000003830134".to_owned() + "00");
    assert!(sent.last().unwrap().starts_with("80AE80"), "no key, so no signature: {sent:?}");
    assert_eq!((read.scheme, read.kernel), (Scheme::Mastercard, Kernel::Mastercard));
    assert_eq!((read.verification, read.no_online_pin), (CardholderVerification::OnlinePin, None));
    assert_eq!(value(&read.icc_data, 0x9F34).as_deref(), Some("420300"));
    assert_eq!(value(&read.icc_data, 0x9F53).as_deref(), Some("52"));
    assert_eq!(value(&read.icc_data, 0x9F6E).as_deref(), Some("08400000303000"));
    assert!(value(&read.icc_data, 0x9F24).is_some());
    assert!(value(&read.icc_data, 0x57).is_none() && value(&read.icc_data, 0x5A).is_none());
}

#[test]
fn a_phone_of_each_scheme_verifies_its_owner() {
    let mobile = object("9F71", "010002");
    let status = object("9F50", "4B");
    let cards = [
        generating("A0000000041010", "02", "5413330089020011", "1A80", "", ""),
        generating("A00000002501", "04", "374245001741007", "1880", "", &mobile),
        generating("A0000000651010", "05", "3566002020360505", "1800", "", &status),
        generating("A0000000651010", "05", "3566002020360505", "1A00", "", ""),
        generating("A0000002771010", "", "4500600000000001", "1A00", "", ""),
        qualified("A0000000031010", "03", "4761340000000050", "9F6C", "0080"),
        qualified("A000000333010101", "07", "6228000100001117", "9F6C", "0080"),
        qualified("A0000001523010", "06", "6510000000000216", "9F71", "0080"),
        qualified("A0000001523010", "0006", "36070500001020", "9F71", "0080"),
    ];
    for card in cards {
        let read = card.pay(Interface::Contactless).0.paid();
        assert!(read.cdcvm, "{}", card.aid);
        assert_eq!(read.verification, CardholderVerification::ConsumerDevice, "{}", card.aid);
        assert_eq!(read.no_online_pin, Some(NoOnlinePin::DeviceVerified), "{}", card.aid);
        let results = value(&read.icc_data, 0x9F34).unwrap();
        assert!(results == "010002" || results == "1F0002", "{}: {results}", card.aid);
        assert_eq!(card.look().verification, CardholderVerification::ConsumerDevice);
    }
}

/// A card that puts its cryptogram into the processing options.
fn qualified(aid: &'static str, kernel: &'static str, pan: &str, tag: &str, qualifiers: &str) -> Scripted {
    Scripted {
        aid,
        kernel,
        fci: object("50", &ascii("TEST")) + &object("9F38", "9F66049F02069F37045F2A02"),
        options: in_options(pan, "2000", &object(tag, qualifiers)),
        ..Scripted::default()
    }
}

#[test]
fn visa_unionpay_and_discover_are_told_the_qualifiers() {
    for (aid, kernel, pan, tag) in [
        ("A0000000031010", "03", "4761340000000050", "9F6C"),
        ("A000000333010101", "07", "6228000100001117", "9F6C"),
        ("A0000001523010", "06", "6510000000000216", "9F71"),
    ] {
        let (ending, sent) = qualified(aid, kernel, pan, tag, "8000").pay(Interface::Contactless);
        let read = ending.paid();
        assert_eq!(sent.last().unwrap(), "80A8000012831026C04000000000001000DEADBEEF097800", "{aid}");
        assert_eq!(read.verification, CardholderVerification::OnlinePin, "{aid}");
        assert_eq!((read.exchanges, read.track2.is_some()), (3, true));
        assert_eq!(value(&read.icc_data, 0x9F10).as_deref(), Some("06011203A00000"));
    }
    let none =
        qualified("A0000000031010", "03", "4761340000000050", "9F6C", "0000").pay(Interface::Contactless).0.paid();
    assert_eq!(none.verification, CardholderVerification::NotRequired);
    assert_eq!(none.no_online_pin, Some(NoOnlinePin::NotInList));
    let signed =
        qualified("A0000000031010", "03", "4761340000000050", "9F6C", "4000").pay(Interface::Contactless).0.paid();
    assert_eq!(signed.verification, CardholderVerification::Signature);
}

#[test]
fn a_unionpay_card_may_still_have_records() {
    let mut card = qualified("A000000333010101", "07", "6228000100001117", "9F6C", "8000");
    card.options = in_options("6228000100001117", "2000", &(object("9F6C", "8000") + &object("94", "08010100")));
    card.records =
        vec![object("70", &(object("5F24", "311231") + &object("9F63", "30303030303030303030303030303030")))];
    let read = card.pay(Interface::Contactless).0.paid();
    assert_eq!((&read.expiry_yymm, read.exchanges), (b"3112", 4));
    assert_eq!(value(&read.icc_data, 0x9F63).as_deref(), Some("30303030303030303030303030303030"));
}

#[test]
fn amex_is_told_what_the_reader_can_do() {
    let card = generating("A00000002501", "04", "374245001741007", "1880", "9F6D019F6E049F3501", "");
    let (ending, sent) = card.pay(Interface::Contactless);
    assert_eq!(sent[2], "80A80000088306C818C04003".to_owned() + "34" + "00");
    let read = ending.paid();
    assert_eq!(read.verification, CardholderVerification::OnlinePin);
    assert_eq!(read.pan.expose_digits(), "374245001741007");
    assert!(value(&read.icc_data, 0x9F6E).is_none(), "the reader's own is not for the bank");
}

#[test]
fn jcb_is_told_options_and_profile() {
    let card = generating("A0000000651010", "05", "3566002020360505", "1800", "9F52019F5303", "");
    let (ending, sent) = card.pay(Interface::Contactless);
    assert_eq!(sent[2], "80A8000006830422B0000000");
    assert_eq!(ending.paid().verification, CardholderVerification::OnlinePin);
    let told = |status: &str| {
        let card = generating("A0000000651010", "05", "3566002020360505", "1800", "", &object("9F50", status));
        card.pay(Interface::Contactless).0.paid().verification
    };
    assert_eq!(told("50"), CardholderVerification::OnlinePin);
    assert_eq!(told("4E"), CardholderVerification::NotRequired);
    assert_eq!(told("53"), CardholderVerification::Signature);
}

#[test]
fn interac_is_told_its_own_values() {
    let pdol = "9F59039F5A019F58019F1A029F5D06";
    let card = generating("A0000002771010", "", "4500600000000001", "1800", pdol, "");
    let (ending, sent) = card.pay(Interface::Contactless);
    assert_eq!(sent[2], "80A800000F830DC88000000102760000000000".to_owned() + "0000");
    let read = ending.paid();
    assert_eq!((read.scheme, read.kernel), (Scheme::Interac, Kernel::Interac));
    assert_eq!(value(&read.icc_data, 0x9F59).as_deref(), Some("C88000"));
}

#[test]
fn stripes_over_the_air_are_refused_with_their_reason() {
    let stripe = object("9F6B", "5413330056003511D1412101067750500F") + &object("9F62", "000000000038");
    let record = object("70", &stripe);
    for (aid, kernel, aip) in [
        ("A0000000041010", "02", "0000"),
        ("A0000000041010", "02", "0080"),
        ("A00000002501", "04", "0000"),
        ("A0000000031010", "03", "0080"),
        ("A0000000651010", "05", "0000"),
    ] {
        let card = Scripted {
            aid,
            kernel,
            fci: object("50", &ascii("STRIPE")),
            options: object("77", &(object("82", aip) + &object("94", "08010100"))),
            records: vec![record.clone()],
            ..Scripted::default()
        };
        let (ending, sent) = card.pay(Interface::Contactless);
        assert_eq!(ending.failed(), CardError::MagStripeOnly, "{aid} {aip}");
        assert!(!sent.iter().any(|command| command.starts_with("80AE") || command.starts_with("802A")));
        let looked = card.look();
        assert_eq!(looked.outcome, Outcome::MagStripeOnly);
        assert_eq!(looked.pan.as_ref().unwrap().expose_digits(), "5413330056003511");
    }
}

#[test]
fn a_card_that_wants_to_be_inserted_says_so() {
    let mut card = qualified("A0000000031010", "03", "4761340000000050", "9F6C", "8000");
    card.options = "6984".to_owned();
    assert_eq!(card.pay(Interface::Contactless).0.failed(), CardError::InsertInstead);
    assert_eq!(CardError::InsertInstead.code(), "card.insert_instead");
    card.options = "6986".to_owned();
    assert_eq!(card.pay(Interface::Contactless).0.failed(), CardError::SeePhone);
    card.options = "6985".to_owned();
    assert_eq!(card.pay(Interface::Contactless).0.failed(), CardError::Refused);
}

#[test]
fn the_issuers_denial_code_ends_a_payment_before_the_counter_is_used() {
    for (code, denied) in [("0000000000", false), ("0000000080", false), ("0000008000", true), ("8000000000", true)] {
        let card = generating("A0000000041010", "02", "5413330089020011", "1880", "", &object("9F0E", code));
        let (ending, sent) = card.pay(Interface::Contactless);
        assert_eq!(sent.iter().any(|command| command.starts_with("80AE")), !denied, "{code}");
        if denied {
            assert_eq!(ending.failed(), CardError::DeclinedOffline, "{code}");
        } else {
            ending.paid();
        }
    }
}

#[test]
fn de_55_stays_within_its_field() {
    let long =
        object("9F24", &"31".repeat(29)) + &object("9F6E", &"00".repeat(32)) + &object("5F20", &ascii("DOE/JANE"));
    let card = generating("A0000000041010", "02", "5413330089020011", "1880", "", &long);
    let read = card.pay(Interface::Contactless).0.paid();
    assert!(read.icc_data.len() <= 255, "{}", read.icc_data.len());
    for needed in [0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A, 0x9F34, 0x84]
    {
        assert!(value(&read.icc_data, needed).is_some(), "{needed:X}");
    }
    assert!(!hex::encode_upper(&read.icc_data).contains(&ascii("DOE")));
}

#[test]
fn serial_number_and_counter_go_along_when_there_are_some() {
    let card = generating("A0000000651010", "05", "3566002020360505", "1800", "", "");
    let mut terminal = crate::scripted::terminal(Interface::Contactless);
    terminal.device_serial = Some(*b"TAPSEAL1");
    terminal.sequence_counter = Some(1234);
    let read = crate::scripted::run(terminal, emv::ReadPurpose::Pay, |c_apdu| card.answer(c_apdu)).0.paid();
    assert_eq!(value(&read.icc_data, 0x9F1E), Some(ascii("TAPSEAL1")));
    assert_eq!(value(&read.icc_data, 0x9F41).as_deref(), Some("00001234"));
    let without = card.pay(Interface::Contactless).0.paid();
    assert!(value(&without.icc_data, 0x9F1E).is_none() && value(&without.icc_data, 0x9F41).is_none());
}
