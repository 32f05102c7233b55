//! Processing restrictions and terminal risk management against the assertions of emv-utils.

use emv::restrictions::{self, Terminal};
use emv::risk::{self, Velocity};
use emv::tag::Tag;
use emv::tlv;
use serde_json::Value;

use crate::{bytes, json};

fn field<const N: usize>(value: &Value) -> [u8; N] {
    if value.is_null() { [0; N] } else { bytes(value).try_into().unwrap() }
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

#[test]
fn published_restrictions() {
    let file = json("vectors/emvutils_restrictions_trm.json");
    let cases = file["processing_restrictions"].as_array().unwrap();
    for case in cases {
        let (terminal, payment, card) = (&case["terminal_config"], &case["txn_params"], &case["icc"]);
        let objects: Vec<(Tag, Vec<u8>)> = card
            .as_object()
            .unwrap()
            .iter()
            .map(|(tag, value)| (Tag(u32::from_str_radix(tag, 16).unwrap()), bytes(value)))
            .collect();
        let found = restrictions::check(
            |tag| objects.iter().find(|(present, _)| *present == tag).map(|(_, value)| value.as_slice()),
            Terminal {
                version: field(&terminal["9F09"]),
                terminal_type: field::<1>(&terminal["9F35"])[0],
                transactions: bytes(&terminal["9F40"])[0],
                country: field(&terminal["9F1A"]),
                transaction_type: field::<1>(&payment["9C"])[0],
                today: field(&payment["9A"]),
            },
        );
        assert_eq!(hex::encode([0, found, 0, 0, 0]), case["tvr"].as_str().unwrap(), "{}", case["name"]);
    }
    assert_eq!(cases.len(), 5);
}

/// A purchase abroad or at home with one usage control.
fn usage(control: [u8; 2], issuer: &[u8], transaction_type: u8) -> u8 {
    let terminal = Terminal {
        version: [0, 2],
        terminal_type: 0x34,
        transactions: 0x60,
        country: [0x02, 0x76],
        transaction_type,
        today: [0x26, 0x11, 0x25],
    };
    restrictions::check(
        |tag| match tag {
            Tag::USAGE_CONTROL => Some(&control),
            Tag::ISSUER_COUNTRY if !issuer.is_empty() => Some(issuer),
            _ => None,
        },
        terminal,
    )
}

#[test]
fn usage_control_bit_by_bit() {
    let (home, abroad) = (&[0x02, 0x76][..], &[0x08, 0x40][..]);
    assert_eq!(usage([0xFF, 0xC0], home, 0x00), 0);
    for (control, issuer, transaction_type, allowed) in [
        ([0x21, 0x00], home, 0x00, true),
        ([0x09, 0x00], home, 0x00, true),
        ([0x11, 0x00], home, 0x00, false),
        ([0x11, 0x00], abroad, 0x00, true),
        ([0x05, 0x00], abroad, 0x00, true),
        ([0x29, 0x00], abroad, 0x00, false),
        ([0x81, 0x00], home, 0x01, true),
        ([0x41, 0x00], home, 0x01, false),
        ([0x41, 0x00], abroad, 0x01, true),
        ([0x21, 0x80], home, 0x09, true),
        ([0x21, 0x40], home, 0x09, false),
        ([0x01, 0x80], home, 0x09, false),
        // No country, no country bits; but the place counts.
        ([0x01, 0x00], &[][..], 0x00, true),
        ([0x02, 0x00], &[][..], 0x00, false),
        ([0x3E, 0x00], home, 0x00, false),
    ] {
        assert_eq!(usage(control, issuer, transaction_type) == 0, allowed, "{control:02X?} {issuer:02X?}");
    }
}

#[test]
fn dates_cross_the_century() {
    let at = |today: [u8; 3], effective: [u8; 3], expiry: [u8; 3]| {
        let terminal = Terminal {
            version: [0, 2],
            terminal_type: 0x34,
            transactions: 0,
            country: [0; 2],
            transaction_type: 0,
            today,
        };
        let (effective, expiry) = (Box::leak(Box::new(effective)), Box::leak(Box::new(expiry)));
        restrictions::check(
            |tag| match tag {
                Tag::EFFECTIVE_DATE => Some(&effective[..]),
                Tag::EXPIRY_DATE => Some(&expiry[..]),
                _ => None,
            },
            terminal,
        )
    };
    let today = [0x26, 0x11, 0x25];
    assert_eq!(at(today, today, today), 0x00);
    assert_eq!(at(today, [0x99, 0x12, 0x31], [0x26, 0x11, 0x24]), 0x40);
    assert_eq!(at(today, [0x26, 0x11, 0x26], [0x49, 0x12, 0x31]), 0x20);
    assert_eq!(at(today, [0x20, 0x01, 0x01], [0x98, 0x12, 0x31]), 0x40);
}

#[test]
fn published_risk_management() {
    let file = json("vectors/emvutils_restrictions_trm.json");
    let cases = file["terminal_risk_management"].as_array().unwrap();
    for case in cases {
        let card = &case["icc"];
        // What the same card spent here before: the log's latest entry for it.
        let before = case["txn_log"].as_array().unwrap().iter().rev().find(|entry| {
            let number = entry["pan"].as_str().unwrap().trim_end_matches('F');
            card["5A"].as_str().is_some_and(|pan| pan.trim_end_matches('F') == number)
        });
        let mut exchanges = case["exchanges"].as_array().unwrap().iter().map(|exchange| bytes(&exchange["r"]));
        let mut counter = |tag| {
            let answer = exchanges.next()?;
            tlv::find(&answer, tag).map(|value| u16::from_be_bytes(value.try_into().unwrap()))
        };
        let velocity = card["9F14"].is_string().then(|| Velocity {
            lower: field::<1>(&card["9F14"])[0],
            upper: field::<1>(&card["9F23"])[0],
            counter: counter(Tag::ATC),
            last_online: counter(Tag(0x9F13)),
        });
        let found = risk::manage(
            number(&case["txn_params"]["81"]),
            before.map_or(0, |entry| entry["amount"].as_u64().unwrap()),
            number(&case["terminal_config"]["9F1B"]),
            velocity,
        );
        let tvr = hex::encode([0, found.tvr_2, 0, found.tvr_4, 0]);
        assert_eq!(tvr, case["tvr"].as_str().unwrap(), "{}", case["name"]);
        assert_eq!(case["tsi"], "0800", "what a session sets for it");
    }
    assert_eq!(cases.len(), 7);
}
