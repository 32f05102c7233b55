//! What the payer's device found wrong with the card, in its terminal verification results (Book 3 annex C5).
//!
//! The card's cryptogram covers them, so they are what the card was told too. A device that finds one of these asks
//! for a payment all the same: it does not decide, the issuer does (as its denial action code would have).
//!
//! That offline data authentication failed (byte 1) is no objection: it also fails for want of the scheme's public key
//! on the device (Book 2 sections 5.1 and 6.1), and the cryptogram that was just checked proves more.

use emv::issuer::IccData;
use emv::tag::Tag;
use payment::DeclineCode;

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
            // Not authenticated offline, offline PIN bits, floor limit, no issuer authentication yet.
            ("EC00FC8000", None),
            ("1000000000", Some(DeclineCode::CardBlocked)),
            ("0040000000", Some(DeclineCode::CardExpired)),
            ("0020000000", Some(DeclineCode::DoNotHonour)),
            ("0010000000", Some(DeclineCode::NotPermitted)),
            ("1840000000", Some(DeclineCode::CardBlocked)),
            ("00000000", Some(DeclineCode::Cryptogram)),
        ] {
            let mut de55 = Vec::new();
            emv::tlv::write(&mut de55, Tag::TVR, &hex::decode(results).unwrap());
            assert_eq!(objection(&IccData::parse(&de55).unwrap()), expected, "{results}");
        }
    }
}
