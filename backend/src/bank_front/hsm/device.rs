//! Whether a phone or watch verified its owner: told by the card's own words under its cryptogram, never by those
//! beside it.
//!
//! A terminal learns it from tags that no cryptogram covers (Visa's card transaction qualifiers 9F6C above all), and
//! whoever sits between card and terminal can set them: that is the known way around a card's PIN (Basin, Sasse and
//! Toro-Pozo, "The EMV Standard: Break, Fix, Verify", IEEE S&P 2021). So the bank looks at the issuer application data
//! and the interchange profile, which the cryptogram it has just checked covers.

use emv::issuer::{CryptogramVersion, IccData};
use emv::tag::Tag;

/// Whether the card says under its cryptogram that the device has verified its owner. `fields` are those of a DE 55
/// whose cryptogram of this version is right.
///
/// Which bits say so is Visa's and Mastercard's own affair and in no public document; the simulator reads them as
/// their cards tell that an offline PIN was verified, which is what a device stands in for.
pub(super) fn has_verified_owner(version: CryptogramVersion, fields: &IccData<'_>) -> bool {
    let Ok(iad) = fields.get(Tag::IAD) else { return false };
    match version {
        // 06 DKI CVN, then the CVR, 03 and three bytes: byte 2 bit 3 performed, bit 2 failed.
        CryptogramVersion::Visa10 | CryptogramVersion::Visa18 | CryptogramVersion::Visa34 => {
            iad.first() == Some(&0x06) && iad.get(4).is_some_and(|cvr| cvr & 0x06 == 0x04)
        }
        // KDI CVN, then the CVR: byte 1 bit 3 performed, bit 1 successful. The profile says that the device can
        // (82 byte 1 bit 2; Book C-2, "on device cardholder verification is supported").
        CryptogramVersion::MChip16
        | CryptogramVersion::MChip17
        | CryptogramVersion::MChip18
        | CryptogramVersion::MChip19
        | CryptogramVersion::MChip20
        | CryptogramVersion::MChip21 => {
            let can = fields.array::<2>(Tag::AIP).is_ok_and(|profile| profile[0] & 0x02 != 0);
            can && iad.get(2).is_some_and(|cvr| cvr & 0x05 == 0x05)
        }
        // Visa 17 covers one byte of its CVR only; the others have no phones here.
        CryptogramVersion::Visa17
        | CryptogramVersion::Interac133
        | CryptogramVersion::UnionPay01
        | CryptogramVersion::CommonCore5 => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: CryptogramVersion, aip: &str, iad: &str, expected: bool) {
        let iad = hex::decode(iad).unwrap();
        let mut de55 = Vec::new();
        emv::tlv::write(&mut de55, Tag::AIP, &hex::decode(aip).unwrap());
        emv::tlv::write(&mut de55, Tag::IAD, &iad);
        let fields = IccData::parse(&de55).unwrap();
        assert_eq!(has_verified_owner(version, &fields), expected, "{version:?} {}", hex::encode(iad));
    }

    #[test]
    fn only_a_verification_that_was_made_and_did_not_fail_counts() {
        check(CryptogramVersion::Visa18, "0000", "06011203A40000", true);
        check(CryptogramVersion::Visa18, "0000", "06011203A00000", false);
        check(CryptogramVersion::Visa18, "0000", "06011203A60000", false);
        check(CryptogramVersion::Visa18, "0000", "06011203", false);
        check(CryptogramVersion::Visa17, "0000", "06011103A40000", false);
        check(CryptogramVersion::MChip20, "1A80", "0114A5000000000000000000000000000000", true);
        check(CryptogramVersion::MChip20, "1880", "0114A5000000000000000000000000000000", false);
        check(CryptogramVersion::MChip20, "1A80", "0114A4000000000000000000000000000000", false);
        check(CryptogramVersion::MChip20, "1A80", "0114A0000000000000000000000000000000", false);
    }
}
