//! Working keys that change while messages are on their way.

use super::*;

const MASTER: tdes::Key = [0x0B; 16];

fn zone() -> Zone {
    let master = Zeroizing::new(MASTER);
    Zone { master, pin: WorkingKey::starting_with(None), mac: WorkingKey::starting_with(None) }
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
fn a_master_key_of_equal_halves_is_refused() {
    let setup = |master| ZoneSetup { acquirer: "42", master };
    assert!(matches!(StoredZone::new(&setup(&MASTER)), Err(BankError::WeakKey)));
    let mut parity_only = MASTER;
    parity_only[8] ^= 1;
    assert!(matches!(StoredZone::new(&setup(&parity_only)), Err(BankError::WeakKey)));
    let mut two = MASTER;
    two[8] ^= 2;
    assert!(StoredZone::new(&setup(&two)).is_ok());
}
