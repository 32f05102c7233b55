//! Single data objects of published tests: CVM lists, locators, directory answers, reader and device values.

use emv::cvm::{self, CvmConditions, CvmCurrency, Performed};
use emv::dol::Dol;
use emv::records;
use emv::tag::Tag;
use emv::{CardholderVerification, Interface, Kernel, Scheme, tlv};
use serde_json::Value;

use crate::{bytes, json};

fn cases(kind: &str) -> Vec<Value> {
    json("vectors/dol_cvm_tvr_track_samples.json")[kind]["cases"].as_array().unwrap().clone()
}

#[test]
fn verification_lists() {
    let mut checked = 0;
    for case in cases("cvm_list") {
        let list = bytes(&case["value"]);
        let with =
            |amount_minor| cvm::choose(Some(&list), CvmConditions { amount_minor, currency: CvmCurrency::Application });
        let Some(rules) = case["asserted"]["rules"].as_array() else {
            // Odd, too short, or without a rule: as good as no list.
            assert_eq!(with(1).performed, Performed::No, "{case}");
            checked += 1;
            continue;
        };
        assert_eq!(with(1).performed, Performed::Yes, "{case}");
        // Where amounts decide, X does so at its very value.
        if rules[0]["cond"] == "07" {
            let x = case["asserted"]["x"].as_u64().unwrap();
            assert_eq!(with(x + 1).verification, CardholderVerification::OnlinePin);
            assert_eq!(with(x - 1).verification, CardholderVerification::Failed, "signature is not taken here");
        }
        let first = rules
            .iter()
            .find(|rule| rule["cond"] == "03" && matches!(rule["cvm"].as_str().unwrap(), "42" | "02" | "1F"));
        if let Some(first) = first {
            let method = u8::from_str_radix(first["cvm"].as_str().unwrap(), 16).unwrap();
            assert_eq!(with(1).results[..2], [method, 0x03], "{case}");
        }
        checked += 1;
    }
    assert_eq!(checked, 8);
}

#[test]
fn file_locators() {
    for case in cases("afl_94") {
        let parsed = records::parse_afl(&bytes(&case["value"]));
        match case["asserted"].as_array() {
            Some(files) => {
                let read: Vec<_> = parsed.unwrap().iter().map(|record| (record.sfi, record.record)).collect();
                assert_eq!(read, [(1, 1), (2, 1), (3, 3), (3, 4)]);
                assert_eq!(files.len(), 3);
            }
            None => assert!(parsed.is_err(), "{case}"),
        }
    }
}

#[test]
fn objects_inside_answers() {
    for case in cases("fci") {
        let answer = bytes(&case["r"]);
        for (tag, value) in case["asserted"].as_object().unwrap() {
            let found = tlv::find(&answer[..answer.len() - 2], Tag(u32::from_str_radix(tag, 16).unwrap()));
            assert_eq!(found.map(hex::encode_upper).as_deref(), value.as_str(), "{tag}");
            assert!(Dol::parse(found.unwrap()).is_ok());
        }
    }
}

#[test]
fn amex_devices_and_readers() {
    // What this terminal says of itself is what the published decoder reads as EMV mode with CVM required.
    let own = cases("amex_9F6D").into_iter().find(|case| case["value"] == "C800").unwrap();
    assert_eq!(own["asserted"], serde_json::json!(["Expresspay Mobile - EMV", "CVM Required"]));
    let kernel = Kernel::of(Interface::Contactless, Some(&[0x04]), Scheme::Amex);
    assert_eq!(kernel, Kernel::Amex);
    let card = crate::scripted::Scripted {
        aid: "A00000002501",
        kernel: "04",
        fci: "9F38039F6D02".to_owned(),
        ..Default::default()
    };
    assert_eq!(card.pay(Interface::Contactless).1[2], "80A80000048302C80000");
}
