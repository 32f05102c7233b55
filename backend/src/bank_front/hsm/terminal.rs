//! What the payer's device found wrong with the card, in its terminal verification results (Book 3 annex C5).
//!
//! The card's cryptogram covers them, so they are what the card was told too. A device that finds one of these asks
//! for a payment all the same: it does not decide, the issuer does (as its denial action code would have).

use emv::issuer::IccData;
use emv::tag::Tag;
use payment::DeclineCode;

/// Byte 1: static, dynamic or combined data authentication failed: the card's data is not as its issuer signed it.
const NOT_AUTHENTIC: u8 = 0x4C;
/// Byte 1: the card's data for that was not there to begin with. Then the cryptogram alone has to do.
const DATA_MISSING: u8 = 0x20;
/// Byte 1: the card is on a list of those not to be taken.
const LISTED: u8 = 0x10;
/// Byte 2: the application has expired.
const EXPIRED: u8 = 0x40;
/// Byte 2: it is not effective yet.
const NOT_YET_EFFECTIVE: u8 = 0x20;
/// Byte 2: the service asked for is not allowed for the card.
const NOT_ALLOWED: u8 = 0x10;

/// What to refuse with, if the results say that something is wrong.
pub(super) fn objection(fields: &IccData<'_>) -> Option<DeclineCode> {
    let Ok(results) = fields.array::<5>(Tag::TVR) else { return Some(DeclineCode::Cryptogram) };
    let says = |byte: usize, bits: u8| results[byte - 1] & bits != 0;
    [
        (says(1, NOT_AUTHENTIC) && !says(1, DATA_MISSING), DeclineCode::Cryptogram),
        (says(1, LISTED), DeclineCode::CardBlocked),
        (says(2, EXPIRED), DeclineCode::CardExpired),
        (says(2, NOT_YET_EFFECTIVE), DeclineCode::DoNotHonour),
        (says(2, NOT_ALLOWED), DeclineCode::NotPermitted),
    ]
    .into_iter()
    .find_map(|(holds, code)| holds.then_some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_has_its_code_and_the_harmless_ones_none() {
        for (results, expected) in [
            ("0000000000", None),
            // Not performed, offline PIN bits, floor limit, no issuer authentication yet.
            ("8000FC8000", None),
            ("4000000000", Some(DeclineCode::Cryptogram)),
            ("0800000000", Some(DeclineCode::Cryptogram)),
            ("0400000000", Some(DeclineCode::Cryptogram)),
            ("2400000000", None),
            ("1000000000", Some(DeclineCode::CardBlocked)),
            ("0040000000", Some(DeclineCode::CardExpired)),
            ("0020000000", Some(DeclineCode::DoNotHonour)),
            ("0010000000", Some(DeclineCode::NotPermitted)),
            ("0840000000", Some(DeclineCode::Cryptogram)),
            ("00000000", Some(DeclineCode::Cryptogram)),
        ] {
            let mut de55 = Vec::new();
            emv::tlv::write(&mut de55, Tag::TVR, &hex::decode(results).unwrap());
            assert_eq!(objection(&IccData::parse(&de55).unwrap()), expected, "{results}");
        }
    }
}
