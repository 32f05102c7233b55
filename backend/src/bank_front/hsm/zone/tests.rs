//! Working keys that change while messages are on their way.

use super::*;

const WEAK: tdes::Key = [0x0B; 16];

fn zone() -> Zone {
    StoredZone::new("42").unwrap().load().unwrap()
}

#[test]
fn nothing_is_authenticated_before_there_is_a_key() {
    let zone = zone();
    assert_eq!(zone.mac(b"message"), None);
    assert!(!zone.has_right_mac(b"message", [0; MAC_LEN]));
}

#[test]
fn the_key_before_still_works_until_the_new_one_has_been_right() {
    let zone = zone();
    let (first, second, third) = (tdes::generate(), tdes::generate(), tdes::generate());
    zone.change(ZoneKeyKind::Mac, first.clone());
    assert!(zone.has_right_mac(b"one", retail_mac(&first, b"one")));
    zone.change(ZoneKeyKind::Mac, second);
    assert!(zone.has_right_mac(b"two", retail_mac(&first, b"two")), "on its way");
    // The second never arrived; the acquirer asks again.
    zone.change(ZoneKeyKind::Mac, third.clone());
    assert!(zone.has_right_mac(b"three", retail_mac(&first, b"three")));
    assert_eq!(zone.mac(b"four"), Some(retail_mac(&third, b"four")));
    assert!(zone.has_right_mac(b"four", retail_mac(&third, b"four")));
    assert!(!zone.has_right_mac(b"five", retail_mac(&first, b"five")), "the new one is in use");
}

#[test]
fn every_changed_bit_of_a_message_or_its_mac_shows() {
    let zone = zone();
    zone.change(ZoneKeyKind::Mac, tdes::generate());
    let message = *b"0800822000000000";
    let mac = zone.mac(&message).unwrap();
    for bit in 0..8 * MAC_LEN {
        let mut changed = mac;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!zone.has_right_mac(&message, changed));
    }
    for bit in 0..8 * message.len() {
        let mut changed = message;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!zone.has_right_mac(&changed, mac));
    }
}

#[test]
fn an_acquirer_is_known_by_its_number_without_leading_zeros() {
    for (de32, name) in [("42", Some("42")), ("00000000042", Some("42")), ("0", None), ("", None), ("4x", None)] {
        assert_eq!(acquirer_name(de32), name);
    }
    assert_eq!(acquirer_name("123456789012"), None);
}

#[test]
fn a_key_of_equal_halves_or_of_another_length_is_refused() {
    let share = |key: SharedKey<'_>| StoredZone::new("42").unwrap().share(&key);
    assert!(matches!(share(SharedKey::Master(&WEAK)), Err(BankError::WeakKey)));
    assert!(matches!(share(SharedKey::Base(&WEAK)), Err(BankError::WeakKey)));
    let mut parity_only = WEAK;
    parity_only[8] ^= 1;
    assert!(matches!(share(SharedKey::Master(&parity_only)), Err(BankError::WeakKey)));
    let mut two = WEAK;
    two[8] ^= 2;
    assert!(share(SharedKey::Master(&two)).is_ok());
    assert!(matches!(share(SharedKey::BaseAes(&[1; 24])), Err(BankError::Malformed(_))));
}

#[test]
fn an_acquirer_has_one_key_of_each_kind_and_one_zone_master_key() {
    let mut stored = StoredZone::new("42").unwrap();
    let two = *tdes::generate();
    for (key, fits) in [
        (SharedKey::Base(&two), true),
        (SharedKey::BaseAes(&[1; 16]), true),
        (SharedKey::Master(&two), true),
        (SharedKey::MasterAes(&[1; 32]), false),
        (SharedKey::Master(&two), false),
        (SharedKey::BaseAes(&[1; 32]), false),
    ] {
        assert_eq!(stored.share(&key).is_ok(), fits);
    }
}

#[test]
fn an_aes_key_does_not_travel_under_triple_des() {
    let mut stored = StoredZone::new("42").unwrap();
    assert!(matches!(stored.load().unwrap().generate(ZoneKeyKind::Mac), Err(BankError::NoZoneKey(_))));
    stored.share(&SharedKey::Master(&tdes::generate())).unwrap();
    assert!(matches!(stored.load().unwrap().generate(ZoneKeyKind::PinAes), Err(BankError::NoZoneKey(_))));
    assert!(stored.load().unwrap().generate(ZoneKeyKind::Pin).is_ok());
    let mut modern = StoredZone::new("43").unwrap();
    modern.share(&SharedKey::MasterAes(&[7; 32])).unwrap();
    for (kind, header) in [
        (ZoneKeyKind::Pin, "D0112P0TB00N0000"),
        (ZoneKeyKind::PinAes, "D0144P0AB00N0000"),
        (ZoneKeyKind::Mac, "D0112M3TC00N0000"),
    ] {
        let (_, sent) = modern.load().unwrap().generate(kind).unwrap();
        let text = String::from_utf8(sent.cryptogram).unwrap();
        assert!(text.starts_with(header), "{text}");
        assert_eq!(text.len().to_string(), header[1..5].trim_start_matches('0'));
    }
}

#[test]
fn published_macs_come_out() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/data/retail_mac_psec.json")).unwrap();
    let mut checked = 0;
    for case in file["cases"].as_array().unwrap() {
        let input = &case["in"];
        // X9.19 pads with the first; cards' MACs with the second.
        let padding = match (case["fn"].as_str(), input["padding"].as_u64()) {
            (Some("mac.generate_retail_mac"), Some(1)) => Padding::Method1,
            (Some("mac.generate_retail_mac"), Some(2)) => Padding::Method2,
            _ => continue,
        };
        let bytes = |name: &str| hex::decode(input[name].as_str().unwrap()).unwrap();
        // The reference takes two keys and uses the first half of each.
        let key: tdes::Key = [&bytes("key1")[..8], &bytes("key2")[..8]].concat().try_into().unwrap();
        let length = input["length"].as_u64().map_or(MAC_LEN, |length| usize::try_from(length).unwrap());
        let mac = SessionKey::new(key).mac(&bytes("data"), padding);
        assert_eq!(Some(hex::encode_upper(&mac[..length]).as_str()), case["out"].as_str(), "{case}");
        assert!(padding == Padding::Method2 || retail_mac(&key, &bytes("data")) == mac);
        checked += 1;
    }
    assert_eq!(checked, 6);
}
