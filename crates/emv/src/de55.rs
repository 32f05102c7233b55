//! DE 55: which data objects each scheme wants to see, as far as that is public (ISO 8583 field 55).
//!
//! The list decides alone what leaves the card towards the bank in clear TLV, so what must never be in it is simply not
//! there: no 5A, no 57, no 5F20, no track.

use crate::application::Scheme;
use crate::tag::Tag;

/// What every scheme wants: the cryptogram and everything it may cover, then how the payment was made.
const COMMON: [Tag; 20] = [
    Tag::CRYPTOGRAM,
    Tag::CID,
    Tag::IAD,
    Tag::UNPREDICTABLE_NUMBER,
    Tag::ATC,
    Tag::TVR,
    Tag::TRANSACTION_DATE,
    Tag::TRANSACTION_TYPE,
    Tag::AMOUNT_AUTHORISED,
    Tag::TRANSACTION_CURRENCY,
    Tag::AIP,
    Tag::TERMINAL_COUNTRY,
    Tag::AMOUNT_OTHER,
    Tag::TERMINAL_CAPABILITIES,
    Tag::CVM_RESULTS,
    Tag::TERMINAL_TYPE,
    Tag::DF_NAME,
    Tag::PAN_SEQUENCE,
    Tag::TERMINAL_APPLICATION_VERSION,
    Tag::SEQUENCE_COUNTER,
];

/// What a scheme wants besides, in the order it is written.
fn extra(scheme: Scheme) -> &'static [Tag] {
    match scheme {
        Scheme::Visa => &[Tag::DEVICE_SERIAL, Tag::FORM_FACTOR, Tag::CUSTOMER_DATA, Tag::ACCOUNT_REFERENCE],
        Scheme::Mastercard => &[Tag::DEVICE_SERIAL, Tag::CATEGORY_OR_PROFILE, Tag::FORM_FACTOR, Tag::ACCOUNT_REFERENCE],
        Scheme::Amex => &[Tag::DEVICE_SERIAL, Tag::DEVICE_VERIFICATION, Tag::ACCOUNT_REFERENCE],
        Scheme::UnionPay => &[Tag::DEVICE_SERIAL, Tag::PRODUCT, Tag::FORM_FACTOR, Tag::ACCOUNT_REFERENCE],
        Scheme::Discover => {
            &[Tag::DEVICE_SERIAL, Tag::CATEGORY_OR_PROFILE, Tag::DEVICE_VERIFICATION, Tag::CUSTOMER_DATA]
        }
        Scheme::Jcb => &[Tag::DEVICE_SERIAL, Tag::CATEGORY_OR_PROFILE, Tag::FORM_FACTOR],
        Scheme::Interac => &[Tag::DEVICE_SERIAL, Tag::MERCHANT_TYPE, Tag::TERMINAL_INFORMATION, Tag::INTERAC_TYPE],
        Scheme::CartesBancaires | Scheme::Eftpos | Scheme::Girocard | Scheme::RuPay => {
            &[Tag::DEVICE_SERIAL, Tag::FORM_FACTOR]
        }
        Scheme::Other => &[],
    }
}

/// Data objects that are the card's: they go as the card gave them, or not at all.
pub(crate) fn is_from_card(scheme: Scheme, tag: Tag) -> bool {
    match tag {
        Tag::PAN_SEQUENCE | Tag::CUSTOMER_DATA | Tag::ACCOUNT_REFERENCE | Tag::PRODUCT | Tag::DEVICE_VERIFICATION => {
            true
        }
        // To Amex cards 9F6E is the reader's.
        Tag::FORM_FACTOR => scheme != Scheme::Amex,
        _ => false,
    }
}

/// The data objects for a scheme's DE 55, in order.
pub fn tags(scheme: Scheme) -> impl Iterator<Item = Tag> {
    COMMON.into_iter().chain(extra(scheme).iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMES: [Scheme; 12] = [
        Scheme::Visa,
        Scheme::Mastercard,
        Scheme::Amex,
        Scheme::UnionPay,
        Scheme::Discover,
        Scheme::Jcb,
        Scheme::Interac,
        Scheme::CartesBancaires,
        Scheme::Eftpos,
        Scheme::Girocard,
        Scheme::RuPay,
        Scheme::Other,
    ];

    #[test]
    fn no_account_data_is_ever_listed() {
        for scheme in SCHEMES {
            let listed: Vec<Tag> = tags(scheme).collect();
            for secret in [0x5A, 0x57, 0x56, 0x5F20, 0x9F6B, 0x9F1F, 0x9F20, 0x9F0B] {
                assert!(!listed.contains(&Tag(secret)), "{scheme:?} {}", Tag(secret));
            }
            let mut once = listed.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), listed.len(), "{scheme:?} names a tag twice");
        }
    }
}
