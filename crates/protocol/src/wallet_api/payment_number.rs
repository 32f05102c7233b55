//! One-time payment numbers: what a payer tells a shop instead of a phone number or an address.

use payment::{Amount, MerchantId, RequestId};
use serde::{Deserialize, Serialize};

/// The shortest and the longest life of a number, in minutes.
pub const PAYMENT_NUMBER_MINUTES: std::ops::RangeInclusive<u32> = 1..=60;
/// Digits of a number: nine drawn at random and a check digit.
pub const PAYMENT_NUMBER_DIGITS: usize = 10;

/// The check digit of the digits before it (ISO/IEC 7064, MOD 11,10): every single wrong digit and nearly every
/// exchange of two neighbours is noticed before anybody is asked. None when there is a character that is no digit.
pub fn payment_number_check_digit(digits: &str) -> Option<char> {
    payment::identity_code::check_digit(digits)
}

/// The ten digits of a payment number, without what people put between them; none when it cannot be one.
pub fn payment_number_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '\u{a0}')).collect();
    if digits.len() != PAYMENT_NUMBER_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (drawn, check) = digits.split_at(PAYMENT_NUMBER_DIGITS - 1);
    let fits = payment_number_check_digit(drawn).is_some_and(|digit| check.starts_with(digit));
    fits.then_some(digits)
}

/// A number's digits as people read them: `4821 7730 15`.
pub fn payment_number_grouped(digits: &str) -> String {
    let groups: Vec<&str> =
        digits.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(" ")
}

/// Body of `POST /v1/payment-numbers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatePaymentNumber {
    /// The most that may be asked for under it, and in which currency; none for any amount.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::merchant_api::AmountSchema>))]
    pub max: Option<Amount>,
    /// The only merchant that may use it; none for the first one to do so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub merchant_id: Option<MerchantId>,
    /// How long it can be used: 1 to 60.
    pub minutes: u32,
}

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PaymentNumberStatus {
    /// A shop can use it.
    Open,
    /// A request came under it; it serves no second time.
    Used,
    /// Its time ran out.
    Expired,
    /// The payer took it back.
    Revoked,
}

/// A payment number as its wallet sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentNumberView {
    /// Its id, to take it back.
    pub id: String,
    /// The ten digits; only in the answer that made it. The server keeps a keyed hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<String>,
    /// The most that may be asked for under it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::merchant_api::AmountSchema>))]
    pub max: Option<Amount>,
    /// The merchant it is for, or that used it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub merchant_id: Option<MerchantId>,
    /// When it was made.
    pub created_ms: u64,
    /// When its time runs out.
    pub expires_ms: u64,
    /// What became of it.
    pub status: PaymentNumberStatus,
    /// The request that came under it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub request_id: Option<RequestId>,
}

/// Answer of `GET /v1/payment-numbers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentNumbersView {
    /// Newest first, at most fifty.
    pub numbers: Vec<PaymentNumberView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_wrong_digit_is_noticed() {
        let drawn = "482177301";
        let number = format!("{drawn}{}", payment_number_check_digit(drawn).unwrap());
        assert_eq!(payment_number_digits(&number).as_deref(), Some(number.as_str()));
        for place in 0..number.len() {
            for digit in '0'..='9' {
                let mut other: Vec<char> = number.chars().collect();
                other[place] = digit;
                let other: String = other.into_iter().collect();
                assert_eq!(payment_number_digits(&other).is_some(), other == number, "{other}");
            }
        }
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        let drawn = "482177301";
        let number = format!("{drawn}{}", payment_number_check_digit(drawn).unwrap());
        let grouped = payment_number_grouped(&number);
        assert_eq!(grouped.split(' ').map(str::len).collect::<Vec<_>>(), [4, 4, 2]);
        for text in [grouped.clone(), grouped.replace(' ', "-"), grouped.replace(' ', "\u{a0}")] {
            assert_eq!(payment_number_digits(&text).as_deref(), Some(number.as_str()), "{text}");
        }
        for wrong in ["", "482177301", "48217730155", "４８２１７７３０１５", "482177301x"] {
            assert_eq!(payment_number_digits(wrong), None, "{wrong}");
        }
    }
}
