//! Opening a capsule and checking what is in it, before the bank's books are asked anything.

use emv::Scheme;
use emv::issuer::{Verified, verify_arqc};
use envelope::{Capsule, inner};
use payment::{Amount, AttemptHash, DeclineCode};
use subtle::ConstantTimeEq;

use super::{Hsm, issuer_authentication_data};
use crate::bank_front::calendar;
use crate::bank_front::card::PanReference;
use crate::bank_front::decision::{Presented, PresentedPin};

/// How many days the card's date may be away from the bank's: midnight and time zones.
const DATE_DAYS_OFF_MAX: i64 = 1;

/// What came with an attempt, before anything of it is believed.
pub struct Presentation<'a> {
    /// Data element 126.
    pub capsule: &'a [u8],
    /// The hash this bank derived for the attempt from the merchant-signed order.
    pub attempt_hash: AttemptHash,
    /// The order's amount.
    pub amount: Amount,
    /// Now, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// What the security module tells of a capsule that opened, with a cryptogram that is right.
pub struct Examined {
    /// The card's stored name.
    pub pan_reference: PanReference,
    /// The scheme and the last four digits, such as `visa ••0050`.
    pub card_label: String,
    /// Counter, expiry and PIN, for the decision.
    pub presented: Presented,
    /// Data element 55 of an approval: the issuer's answer to the card.
    pub issuer_answer: Vec<u8>,
}

/// What to refuse with, and the card when it was read that far.
pub struct Refused {
    /// Why.
    pub code: DeclineCode,
    /// The card's label, empty when the capsule did not open.
    pub card_label: String,
}

impl From<DeclineCode> for Refused {
    fn from(code: DeclineCode) -> Self {
        Self { code, card_label: String::new() }
    }
}

impl Hsm {
    /// Opens the capsule and checks seal, scheme, cryptogram and its binding to the attempt.
    ///
    /// # Errors
    /// The refusal: a retired key, a seal or an order that does not match, a card of another bank,
    /// or a cryptogram that is not right for this attempt.
    pub fn examine(&self, presentation: &Presentation<'_>) -> Result<Examined, Refused> {
        let capsule = Capsule::from_bytes(presentation.capsule).map_err(|_| DeclineCode::OrderMismatch)?;
        let epoch = self.epoch(&capsule.kid, presentation.now_ms).ok_or(DeclineCode::RetiredKey)?;
        let opened = inner::open(&epoch.secret, presentation.attempt_hash.as_bytes(), &capsule)
            .map_err(|_| DeclineCode::OrderMismatch)?;
        let card = &opened.card;
        let scheme = Scheme::of_aid(&card.aid);
        let card_label = format!("{} ••{}", scheme.code(), card.pan.last_four());
        let refuse = |code| Refused { code, card_label: card_label.clone() };

        let issuer_key = self.issuer_key(&card.pan).ok_or_else(|| refuse(DeclineCode::UnknownCard))?;
        if !scheme_issues(scheme, card.pan.expose_ascii()) || !tracks_agree(card) {
            return Err(refuse(DeclineCode::Cryptogram));
        }
        let pan_digits = std::str::from_utf8(card.pan.expose_ascii()).map_err(|_| refuse(DeclineCode::Format))?;
        let verified = verify_arqc(issuer_key, pan_digits, card.psn, &card.icc_data)
            .map_err(|_| refuse(DeclineCode::Cryptogram))?;
        if !is_bound(&verified, &card.aid, presentation) {
            return Err(refuse(DeclineCode::Cryptogram));
        }
        let pin = opened
            .pin()
            .map_or(PresentedPin::Malformed, |pin| PresentedPin::Value(self.pin_keys.value(&card.pan, &pin)));
        Ok(Examined {
            pan_reference: self.reference(&card.pan),
            presented: Presented { atc: verified.atc, expiry_yymm: card.expiry_yymm, pin },
            issuer_answer: issuer_authentication_data(&verified),
            card_label,
        })
    }
}

/// Whether the values under the cryptogram are those of this attempt.
fn is_bound(verified: &Verified, aid: &[u8], presentation: &Presentation<'_>) -> bool {
    let expected = emv::derive_unpredictable_number(presentation.attempt_hash.as_bytes());
    let amount = presentation.amount;
    verified.unpredictable_number == expected
        && u64::try_from(amount.minor()).is_ok_and(|minor| minor == verified.amount_minor)
        && verified.currency_numeric == amount.currency().numeric()
        && verified.aid == aid
        && calendar::days_apart(verified.date_yymmdd, presentation.now_ms).is_some_and(|days| days <= DATE_DAYS_OFF_MAX)
}

/// Whether a card number can belong to the scheme whose application was used: the brands must not
/// be mixed up, or one brand's weaker rules would guard the other's cards (Basin et al., 2021).
fn scheme_issues(scheme: Scheme, pan: &[u8]) -> bool {
    let prefix =
        |digits: usize| pan.iter().take(digits).fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    match scheme {
        Scheme::Visa => prefix(1) == 4,
        Scheme::Mastercard => {
            // Mastercard 51-55 and 2221-2720; Maestro 50 and 56-69 (ISO/IEC 7812 ranges).
            (50..=69).contains(&prefix(2)) || (2221..=2720).contains(&prefix(4))
        }
        Scheme::UnionPay => matches!(prefix(2), 62 | 81),
        Scheme::Amex => matches!(prefix(2), 34 | 37),
        Scheme::Discover => matches!(prefix(2), 30 | 36 | 38 | 60 | 64 | 65),
        Scheme::Jcb => (3528..=3589).contains(&prefix(4)),
        // No cryptogram profile of theirs is known here, so their cards are refused as a whole.
        _ => false,
    }
}

/// Whether Track 2, if it was read, names the same card number.
fn tracks_agree(card: &inner::CardData) -> bool {
    card.track2.as_ref().is_none_or(|track2| track2_names(track2.expose(), card.pan.expose_ascii()))
}

/// Track 2 comes as characters (ISO/IEC 7813) or as the packed equivalent of tag 57.
fn track2_names(track2: &[u8], pan: &[u8]) -> bool {
    let is_separator = |c: &u8| matches!(c, b'D' | b'=');
    if track2.iter().all(|c| c.is_ascii_digit() || is_separator(c)) {
        let digits = track2.split(is_separator).next().unwrap_or_default();
        return digits.ct_eq(pan).into();
    }
    emv::Track2::parse(track2).is_some_and(|track2| track2.card_number().expose_digits().as_bytes().ct_eq(pan).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn track_2_is_compared_in_both_its_forms() {
        let pan = b"4761340000000050";
        let packed = hex::decode("4761340000000050D31122011125234F").unwrap();
        assert!(track2_names(&packed, pan));
        assert!(track2_names(b"4761340000000050D31122011125234", pan));
        assert!(track2_names(b"4761340000000050=31122011125234", pan));
        assert!(!track2_names(&packed, b"4761340000000051"));
        assert!(!track2_names(b"4761340000000050=3112", b"4761340000000051"));
        assert!(!track2_names(&[0xff, 0x00], pan));
    }

    #[test]
    fn a_number_of_one_scheme_is_refused_under_another() {
        for (scheme, pan, issues) in [
            (Scheme::Visa, "4761340000000050", true),
            (Scheme::Visa, "5413330089099049", false),
            (Scheme::Mastercard, "5413330089099049", true),
            (Scheme::Mastercard, "2221000000000009", true),
            (Scheme::Mastercard, "2220990000000000", false),
            (Scheme::Mastercard, "4761340000000050", false),
            (Scheme::UnionPay, "6235000000000000", true),
            (Scheme::Other, "4761340000000050", false),
        ] {
            assert_eq!(scheme_issues(scheme, pan.as_bytes()), issues, "{scheme:?} {pan}");
        }
    }
}
