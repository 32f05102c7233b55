//! The magnetic stripe as its issuer sees it: track 2, and the value by which the issuer knows its own stripe.
//!
//! Anyone can copy a stripe; nobody can make one, or change its expiry or service code, without the card verification
//! value (CVV, also CVC 1) over them: IBM z/OS ICSF Application Programmer's Guide, "Card verification value". The
//! chip's image of the stripe has another value (iCVV, with service code 999), so what was read from a chip makes no
//! stripe.

use std::str;

use emv::issuer::VerificationKey;
use emv::stripe::ServiceCode;
use envelope::inner::CardData;
use subtle::ConstantTimeEq;

use crate::bank_front::decision::StripeSays;

/// Digits of the value.
const CVV_DIGITS: usize = 3;
/// Where the value is in the discretionary data: behind the index and the value of the PIN (PVKI and PVV).
const CVV_AT: usize = 5;

/// What a genuine stripe says.
pub(super) fn read(key: &[u8; 16], card: &CardData) -> Option<StripeSays> {
    let track2 = card.track2.as_ref()?.expose();
    let separator = track2.iter().position(|character| matches!(character, b'D' | b'='))?;
    let (pan, rest) = track2.split_at(separator);
    let (expiry, rest) = rest.get(1..)?.split_at_checked(4)?;
    let (service_code, discretionary) = rest.split_at_checked(3)?;
    let given = discretionary.get(CVV_AT..CVV_AT + CVV_DIGITS)?;
    let agree = bool::from(pan.ct_eq(card.pan.expose_ascii())) && expiry == card.expiry_yymm;
    let service_code = str::from_utf8(service_code).ok()?;
    let expected =
        VerificationKey::new(*key).value(str::from_utf8(pan).ok()?, str::from_utf8(expiry).ok()?, service_code)?;
    let says = ServiceCode::parse(service_code)?;
    if !agree || !bool::from(expected.ct_eq(given)) {
        return None;
    }
    Some(match (says.allows_goods(), says.has_chip()) {
        (false, _) => StripeSays::CashOnly,
        (true, true) => StripeSays::HasChip,
        (true, false) => StripeSays::NoChip,
    })
}

#[cfg(test)]
mod tests {
    use envelope::inner::EntryMode;
    use envelope::{Pan, SecretBytes};

    use super::*;

    const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";

    fn key(text: &str) -> [u8; 16] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn card(track2: &str) -> CardData {
        CardData {
            pan: Pan::parse("4456539999990003").unwrap(),
            track2: Some(SecretBytes::copy_of(track2.as_bytes())),
            expiry_yymm: *b"3112",
            psn: None,
            aid: Vec::new(),
            entry_mode: EntryMode::MagStripe,
            icc_data: Vec::new().into(),
        }
    }

    #[test]
    fn a_stripe_is_believed_only_as_its_issuer_wrote_it() {
        let good = "4456539999990003D31121010000079400000";
        assert_eq!(read(&key(KEY), &card(good)), Some(StripeSays::NoChip));
        assert_eq!(read(&key(KEY), &card(&good.replace('D', "="))), Some(StripeSays::NoChip));
        for changed in [
            // Another value, expiry, service code or number; cut; and the chip's image of a stripe.
            "4456539999990003D31121010000079500000",
            "4456539999990003D32121010000079400000",
            "4456539999990003D31122010000079400000",
            "4456539999990011D31121010000079400000",
            "4456539999990003D311210100000",
            "4456539999990003D3112",
            "4456539999990003",
            "4456539999990003D31122010000000000",
        ] {
            assert_eq!(read(&key(KEY), &card(changed)), None, "{changed}");
        }
        let mut other = card(good);
        other.expiry_yymm = *b"3212";
        assert_eq!(read(&key(KEY), &other), None, "an expiry sealed beside the track");
        assert_eq!(read(&key("41414141414141414242424242424242"), &card(good)), None);
        assert_eq!(read(&key(KEY), &CardData { track2: None, ..card(good) }), None);
    }
}
