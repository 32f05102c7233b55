//! What cards in the field do against the standard or at its edge, one test for each.

use emv::tag::Tag;
use emv::{CardError, Interface, Outcome, ReadPurpose, Scheme, tlv};

use crate::scripted::{Scripted, ascii, object, run, terminal};

const ACCOUNT: &str = "57114761340000000050D3012201000000000F5F340101";

/// A qVSDC card that works.
fn visa() -> Scripted {
    let ac = "9F26081122334455667788".to_owned() + "9F270180" + "9F3602002A" + "9F100706011203A00000" + "9F6C028000";
    Scripted {
        aid: "A0000000031010",
        kernel: "03",
        fci: object("50", &ascii("VISA")) + &object("9F38", "9F66049F02069F3704"),
        options: object("77", &("82022000".to_owned() + ACCOUNT + &ac)),
        ..Scripted::default()
    }
}

/// A card with records that is asked with GENERATE AC.
fn records() -> Scripted {
    let lists = object("8C", "9F02069F37049505") + &object("8D", "8A029F3704");
    Scripted {
        aid: "A0000000041010",
        kernel: "02",
        fci: object("50", &ascii("MASTERCARD")),
        options: "770A82021880".to_owned() + "940408010200",
        records: vec![
            object("70", &("5A0854133300890200115F2403301231".to_owned() + &lists)),
            object("70", &object("5F20", &ascii("A/B"))),
        ],
        cryptogram: "8012".to_owned() + "80" + "002A" + "1122334455667788" + "06010A03A00000",
        ..Scripted::default()
    }
}

#[test]
fn a_refused_directory_is_no_directory() {
    for sw in [[0x67, 0x00], [0x69, 0x85], [0x6A, 0x82], [0x6A, 0x81], [0x6D, 0x00], [0x6F, 0x00], [0x62, 0x83]] {
        let card = visa();
        let (ending, sent) = run(terminal(Interface::Contactless), ReadPurpose::Pay, |c_apdu| {
            if c_apdu.get(5) == Some(&0x32) { sw.to_vec() } else { card.answer(c_apdu) }
        });
        assert_eq!(ending.paid().scheme, Scheme::Visa, "{sw:02X?}");
        assert_eq!(sent[1], "00A4040007A000000003101000", "the AID itself");
    }
}

#[test]
fn a_directory_that_cannot_be_read_is_no_directory() {
    for directory in ["9000", "6F009000", "6F03840100", "00", "A53FBF0C"] {
        let card = visa();
        let directory =
            hex::decode(directory.to_owned() + if directory.ends_with("9000") { "" } else { "9000" }).unwrap();
        let (ending, _) = run(terminal(Interface::Contactless), ReadPurpose::Pay, |c_apdu| {
            if c_apdu.get(5) == Some(&0x32) { directory.clone() } else { card.answer(c_apdu) }
        });
        assert_eq!(ending.paid().scheme, Scheme::Visa);
    }
}

#[test]
fn an_application_that_is_blocked_but_opens_can_be_looked_at_only() {
    for sw in [[0x62, 0x83], [0x62, 0x85]] {
        let card = visa();
        let blocked = |c_apdu: &[u8]| {
            let mut answer = card.answer(c_apdu);
            if c_apdu[1] == 0xA4 && c_apdu[5] == 0xA0 && answer.len() > 2 {
                let end = answer.len() - 2;
                answer[end..].copy_from_slice(&sw);
            }
            answer
        };
        let (paid, _) = run(terminal(Interface::Contactless), ReadPurpose::Pay, blocked);
        assert_eq!(paid.failed(), CardError::Blocked);
        let looked = run(terminal(Interface::Contactless), ReadPurpose::Inspect, blocked).0.looked();
        assert_eq!(looked.pan.as_ref().unwrap().expose_digits(), "4761340000000050");
    }
}

#[test]
fn processing_options_refused_lead_to_the_next_application() {
    for sw in ["6985", "6700"] {
        let second = visa();
        let mut first = records();
        first.options = sw.to_owned();
        let two = object(
            "6F",
            &(object("84", &ascii("2PAY.SYS.DDF01"))
                + &object(
                    "A5",
                    &object(
                        "BF0C",
                        &(object("61", "4F07A0000000041010870101") + &object("61", "4F07A0000000031010870102")),
                    ),
                )),
        );
        let mut open = "";
        let (ending, _) = run(terminal(Interface::Contactless), ReadPurpose::Pay, |c_apdu| {
            if c_apdu.get(5) == Some(&0x32) {
                return hex::decode(two.clone() + "9000").unwrap();
            }
            if c_apdu[1] == 0xA4 {
                open = if c_apdu[9] == 0x04 { "first" } else { "second" };
            }
            if open == "first" { first.answer(c_apdu) } else { second.answer(c_apdu) }
        });
        let read = ending.paid();
        assert_eq!((read.scheme, read.applications.len()), (Scheme::Visa, 2), "{sw}");
    }
}

#[test]
fn records_that_are_not_there_are_passed_over() {
    for sw in ["6A83", "6A86"] {
        let mut card = records();
        card.records[1] = sw.to_owned();
        assert_eq!(card.pay(Interface::Contactless).0.paid().pan.masked(), "541333******0011");
    }
    let mut card = records();
    card.records[1] = "6281".to_owned();
    assert!(matches!(card.pay(Interface::Contactless).0.failed(), CardError::UnexpectedStatus { .. }));
    assert_eq!(card.look().outcome, Outcome::Arqc);
}

#[test]
fn records_may_come_in_template_77() {
    let mut card = records();
    card.records[0] = "77".to_owned() + &card.records[0][2..];
    assert_eq!(card.pay(Interface::Contactless).0.paid().pan.masked(), "541333******0011");
}

#[test]
fn processing_options_without_records_are_enough() {
    let (ending, sent) = visa().pay(Interface::Contactless);
    assert!(sent.iter().all(|command| !command.starts_with("00B2")));
    assert_eq!(&ending.paid().expiry_yymm, b"3012", "from Track 2");
    let mut empty_locator = visa();
    let inner = tlv::find(&hex::decode(&visa().options).unwrap(), Tag(0x77)).map(hex::encode_upper).unwrap();
    empty_locator.options = object("77", &(inner + "9400"));
    empty_locator.pay(Interface::Contactless).0.paid();
}

#[test]
fn a_card_may_call_itself_otherwise_over_the_air() {
    let card = visa();
    let renamed = |c_apdu: &[u8]| {
        if c_apdu[1] == 0xA4 && c_apdu.get(5) == Some(&0xA0) {
            return hex::decode(object("6F", &(object("84", "A000000003101001") + &object("A5", &card.fci))) + "9000")
                .unwrap();
        }
        card.answer(c_apdu)
    };
    let read = run(terminal(Interface::Contactless), ReadPurpose::Pay, renamed).0.paid();
    assert_eq!(hex::encode_upper(&read.aid), "A000000003101001");
    assert_eq!(tlv::find(&read.icc_data, Tag::DF_NAME).unwrap(), read.aid);
}

#[test]
fn labels_are_found_where_they_are() {
    let label = |card: &Scripted| card.look().application.label.clone();
    let mut card = visa();
    card.fci = object("50", &ascii("VISA CREDIT     "));
    assert_eq!(label(&card), "VISA CREDIT", "spaces at the end");
    card.fci = object("9F38", "9F6604");
    assert_eq!(label(&card), "Visa", "no label at all");
    card.entry = object("50", &ascii("FROM DIRECTORY"));
    assert_eq!(label(&card), "FROM DIRECTORY");
    card.fci = object("50", "") + &object("9F12", &ascii("My Visa"));
    assert_eq!(card.look().application.preferred_name.as_deref(), Some("My Visa"));
}

#[test]
fn numbers_have_fifteen_to_nineteen_digits_and_filler() {
    for (packed, digits) in [
        ("374245001741007F", "374245001741007"),
        ("4761340000000050FFFF", "4761340000000050"),
        ("123456789012345678", "123456789012345678"),
        ("6212345678901234567F", "6212345678901234567"),
        ("36070500001020", "36070500001020"),
    ] {
        let mut card = records();
        card.records[0] = card.records[0].replace("5A085413330089020011", &object("5A", packed));
        // The template's length has changed with the number.
        let inner = card.records[0][4..].to_owned();
        card.records[0] = object("70", &inner);
        assert_eq!(card.pay(Interface::Contactless).0.paid().pan.expose_digits(), digits);
    }
}

#[test]
fn the_date_of_the_record_goes_before_track_2() {
    let mut card = records();
    let inner = object("57", "5413330089020011D1912201000000000F");
    card.records[1] = object("70", &inner);
    let read = card.pay(Interface::Contactless).0.paid();
    assert_eq!(&read.expiry_yymm, b"3012");
    assert_eq!(&read.track2.unwrap().expiry_yymm().unwrap(), b"1912");
}

#[test]
fn garbage_in_track_1_does_not_hide_track_2() {
    let record =
        object("70", &(object("56", &"FF".repeat(52)) + &object("9F6B", "5200000000000000D19112010000000000000F")));
    let card = Scripted {
        aid: "A0000000041010",
        kernel: "02",
        options: "770A82020000".to_owned() + "940408010100",
        records: vec![record],
        ..Scripted::default()
    };
    let read = card.look();
    assert_eq!(read.pan.as_ref().unwrap().expose_digits(), "5200000000000000");
    assert_eq!((read.outcome, read.expiry_yymm), (Outcome::MagStripeOnly, Some(*b"1911")));
    let only_first = Scripted {
        records: vec![object("70", &object("56", &ascii("B5211111111111111^A/B^1608202000")))],
        ..card.clone()
    };
    assert_eq!(only_first.look().pan.as_ref().unwrap().expose_digits(), "5211111111111111");
}

#[test]
fn names_in_other_alphabets_are_no_obstacle() {
    let mut card = records();
    card.records[1] = object("70", &object("5F20", "D5C5C8FD2FB2E2CAD4"));
    card.fci = object("50", &ascii("PBOC CREDIT")) + &object("9F11", "07") + &object("9F12", "D2F8C1AA");
    let read = card.look();
    assert_eq!((read.application.label.as_str(), read.application.preferred_name.as_deref()), ("PBOC CREDIT", None));
    card.pay(Interface::Contactless).0.paid();
}

#[test]
fn lists_may_ask_for_anything() {
    // Amex, M/Chip, JCB, UnionPay, Interac and merchant names: what is unknown becomes zeros of the length asked for.
    for (pdol, data) in [
        ("9F3501", "34"),
        ("9F5C08", "0000000000000000"),
        ("9F5201", "00"),
        ("9F7A01", "00"),
        ("9F59039F5A01", "00000000"),
        ("DF81290C", "000000000000000000000000"),
        ("9F1D089F3303", "0000000000000000204888"),
        ("6F03", "000000"),
        ("9A059F2103", "0000261125102030"),
    ] {
        let mut card = visa();
        card.fci = object("9F38", pdol);
        let (_, sent) = card.pay(Interface::Contactless);
        assert!(sent[2].contains(&format!("83{:02X}{data}", data.len() / 2)), "{pdol}: {}", sent[2]);
    }
    let mut named = terminal(Interface::Contactless);
    named.merchant_name = "Corner shop with a long name".to_owned();
    let mut card = visa();
    card.fci = object("9F38", "9F4E14");
    let (_, sent) = run(named, ReadPurpose::Pay, |c_apdu| card.answer(c_apdu));
    assert!(sent[2].contains(&ascii("Corner shop with a lo")[..40]), "{}", sent[2]);
}

#[test]
fn us_common_debit_may_be_second() {
    let mut card = visa();
    card.entry = object("42", "476134") + &object("5F55", "5553");
    let read = card.look();
    assert_eq!(read.applications[0].scheme, Scheme::Visa);
    assert_eq!(Scheme::of_aid(&hex::decode("A0000000980840").unwrap()), Scheme::Visa);
    assert_eq!(Scheme::of_aid(&hex::decode("A0000000042203").unwrap()), Scheme::Mastercard);
    assert_eq!(Scheme::of_aid(&hex::decode("A0000001524010").unwrap()), Scheme::Discover);
    assert_eq!(Scheme::of_aid(&hex::decode("A00000038410").unwrap()), Scheme::Eftpos);
}

#[test]
fn a_directory_in_file_2_with_priorities_reversed() {
    let card = Scripted { aid: "A0000000031010", ..records() };
    let answer = |c_apdu: &[u8]| match (c_apdu[1], c_apdu.get(5), c_apdu[2], c_apdu[3]) {
        (0xA4, Some(0x31), ..) => hex::decode("6F15840E315041592E5359532E4444463031A5038801029000").unwrap(),
        (0xB2, _, 1, 0x14) => {
            let first = object("61", &("4F07A0000000041010".to_owned() + &object("50", &ascii("SECOND")) + "870102"));
            let second = object("61", &("4F07A0000000031010".to_owned() + &object("50", &ascii("FIRST")) + "870101"));
            hex::decode(object("70", &(first + &second)) + "9000").unwrap()
        }
        (0xB2, _, _, 0x14) => vec![0x6A, 0x83],
        _ => card.answer(c_apdu),
    };
    let read = run(terminal(Interface::Contact), ReadPurpose::Pay, answer).0.paid();
    assert_eq!((read.scheme, read.applications[0].label.as_str()), (Scheme::Visa, "FIRST"));
}

#[test]
fn a_look_goes_on_to_the_application_that_tells_its_number() {
    let mut silent = records();
    silent.records = vec![];
    let talking = visa();
    let two = object(
        "6F",
        &(object("84", &ascii("2PAY.SYS.DDF01"))
            + &object(
                "A5",
                &object(
                    "BF0C",
                    &(object("61", "4F07A0000000041010870101") + &object("61", "4F07A0000000031010870102")),
                ),
            )),
    );
    for second_talks in [true, false] {
        let mut open = 0;
        let looked = run(terminal(Interface::Contactless), ReadPurpose::Inspect, |c_apdu| {
            if c_apdu.get(5) == Some(&0x32) {
                return hex::decode(two.clone() + "9000").unwrap();
            }
            if c_apdu[1] == 0xA4 {
                open = c_apdu[9];
            }
            match open {
                0x04 => silent.answer(c_apdu),
                _ if second_talks => talking.answer(c_apdu),
                _ => vec![0x6A, 0x82],
            }
        });
        let looked = looked.0.looked();
        if second_talks {
            assert_eq!((looked.outcome, looked.application.scheme), (Outcome::Arqc, Scheme::Visa));
        } else {
            assert_eq!((looked.outcome, looked.application.scheme), (Outcome::NoCryptogram, Scheme::Mastercard));
        }
    }
}

#[test]
fn time_may_stand_in_the_middle_of_a_list() {
    let mut card = records();
    card.records[0] = card.records[0].replace("8C089F02069F37049505", "8C0B9F02069F21039F37049505");
    let inner = card.records[0][4..].to_owned();
    card.records[0] = object("70", &inner);
    let (ending, sent) = card.pay(Interface::Contactless);
    ending.paid();
    assert!(sent.last().unwrap().contains("000000001000102030DEADBEEF"), "{sent:?}");
}

#[test]
fn a_card_of_many_parts_over_t0() {
    // Every answer comes as 61xx and is fetched, and READ RECORD first says its length.
    let card = records();
    let mut waiting: Vec<u8> = Vec::new();
    let (ending, sent) = run(terminal(Interface::Contactless), ReadPurpose::Pay, |c_apdu| {
        if c_apdu[1] == 0xC0 {
            return std::mem::take(&mut waiting);
        }
        let answer = card.answer(c_apdu);
        if answer.len() <= 2 {
            return answer;
        }
        let length = u8::try_from(answer.len() - 2).unwrap();
        if c_apdu[1] == 0xB2 && *c_apdu.last().unwrap() == 0x00 {
            return vec![0x6C, length];
        }
        if c_apdu[1] == 0xB2 {
            return answer;
        }
        waiting = answer;
        vec![0x61, length]
    });
    ending.paid();
    assert!(sent.iter().any(|command| command.starts_with("00C00000")));
}

#[test]
fn an_inserted_card_must_give_all_that_is_mandatory() {
    let lists = object("8C", "9F02069F37049505") + &object("8D", "8A029F3704");
    let number = "5A085413330089020011";
    let date = "5F2403301231";
    for (record, item) in [
        (object("57", "5413330089020011D3012201000000000F") + date + &lists, Some("5A")),
        (number.to_owned() + &lists + &object("57", "5413330089020011D3012201000000000F"), Some("5F24")),
        (number.to_owned() + date + &object("8C", "9F0206"), Some("8D")),
        (number.to_owned() + date + &object("8D", "8A02"), Some("8C")),
        (number.to_owned() + date + &lists, None),
    ] {
        let mut card = records();
        card.records[0] = object("70", &record);
        let (ending, sent) = card.pay(Interface::Contact);
        match item {
            Some(item) => {
                assert_eq!(ending.failed(), CardError::Missing { item });
                assert!(!sent.iter().any(|command| command.starts_with("80AE")), "its counter is not used");
            }
            None => assert!(ending.paid().completion.is_some()),
        }
        // Over the air only the first list is needed.
        if item != Some("8C") {
            card.pay(Interface::Contactless).0.paid();
        }
    }
}

#[test]
fn a_look_takes_records_with_warnings_and_without_template() {
    let mut card = records();
    let bare = "5A0854133300890200115F2403301231";
    card.records[0] = bare.to_owned();
    assert_eq!(card.look().pan.as_ref().unwrap().expose_digits(), "5413330089020011");
    assert_eq!(card.pay(Interface::Contactless).0.failed(), CardError::Malformed { at: "record" });
    let whole = records();
    let warned = |c_apdu: &[u8]| {
        let mut answer = whole.answer(c_apdu);
        if c_apdu[1] == 0xB2 && answer.len() > 2 {
            let end = answer.len() - 2;
            answer[end..].copy_from_slice(&[0x62, 0x82]);
        }
        answer
    };
    let looked = run(terminal(Interface::Contactless), ReadPurpose::Inspect, warned).0.looked();
    assert_eq!(looked.pan.as_ref().unwrap().expose_digits(), "5413330089020011");
    assert!(matches!(
        run(terminal(Interface::Contactless), ReadPurpose::Pay, warned).0.failed(),
        CardError::UnexpectedStatus { .. }
    ));
}

#[test]
fn a_list_may_ask_for_a_hash_over_another() {
    let with = |tdol: &str| {
        let mut card = records();
        let tdol = if tdol.is_empty() { String::new() } else { object("97", tdol) };
        let lists = object("8C", "98149505") + &object("8D", "8A029F3704") + &tdol;
        card.records[0] = object("70", &("5A0854133300890200115F2403301231".to_owned() + &lists));
        let (ending, sent) = card.pay(Interface::Contactless);
        ending.paid();
        sent.last().unwrap().clone()
    };
    // SHA-1 of amount and unpredictable number, and of nothing.
    assert_eq!(with("9F02069F3704"), "80AE8000190BDCC033357EE02D42432C59758694A1311DBEF3800000800000");
    assert_eq!(with(""), "80AE800019DA39A3EE5E6B4B0D3255BFEF95601890AFD80709800000808000");
}
