//! Payment identifiers in the one form they are stored and compared in.
//!
//! An e-mail address is written in lower case with its domain as A-labels (RFC 5891); what stands behind a `+` stays.
//! The local part is case-sensitive by the letter of RFC 5321, section 2.3.11, and at no provider in fact: two people
//! must not be told apart by a capital. A phone number is E.164; without its country it could be anybody's.

use phonenumber::Mode;
use protocol::ErrorCode;
use protocol::merchant_api::PayerIdentifier;
use protocol::wallet_api::payment_number_digits;

use super::Error;

/// The longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3).
const EMAIL_BYTES_MAX: usize = 254;
/// The longest local part, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_PART_BYTES_MAX: usize = 64;
/// The longest phone number that is looked at, with what people put between the digits.
const PHONE_BYTES_MAX: usize = 40;
/// Digits of an E.164 number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The identifier in its one form.
///
/// # Errors
/// `invalid_input` for what can be nobody's; `payment_number_invalid` for digits that are no payment number.
pub(super) fn normalized(identifier: PayerIdentifier) -> Result<PayerIdentifier, Error> {
    match identifier {
        PayerIdentifier::Email(address) => {
            email(address.trim()).map(PayerIdentifier::Email).ok_or_else(|| ErrorCode::InvalidInput.into())
        }
        PayerIdentifier::Phone(number) => {
            phone(number.trim()).map(PayerIdentifier::Phone).ok_or_else(|| ErrorCode::InvalidInput.into())
        }
        PayerIdentifier::PaymentNumber(number) => payment_number_digits(&number)
            .map(PayerIdentifier::PaymentNumber)
            .ok_or_else(|| ErrorCode::PaymentNumberInvalid.into()),
        PayerIdentifier::Counter(id) => Ok(PayerIdentifier::Counter(id)),
    }
}

/// The kind's stable name, and the identifier.
pub(super) const fn parts(identifier: &PayerIdentifier) -> (&'static str, &String) {
    match identifier {
        PayerIdentifier::Email(value) => ("email", value),
        PayerIdentifier::Phone(value) => ("phone", value),
        PayerIdentifier::PaymentNumber(value) => ("payment_number", value),
        PayerIdentifier::Counter(value) => ("counter", value),
    }
}

fn email(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    // A host that is only a number or has no dot is no mail domain of the internet's.
    let is_public = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    let fits = local.is_ascii() && local.len() <= LOCAL_PART_BYTES_MAX && is_public;
    let address = format!("{}@{domain}", local.to_ascii_lowercase());
    let parsed: Result<lettre::Address, _> = address.parse();
    (fits && address.len() <= EMAIL_BYTES_MAX && parsed.is_ok()).then_some(address)
}

fn phone(number: &str) -> Option<String> {
    if number.len() > PHONE_BYTES_MAX || !number.starts_with('+') {
        return None;
    }
    let plain = |letter: char| letter.is_ascii_digit() || matches!(letter, '+' | ' ' | '-' | '.' | '(' | ')' | '/');
    let parsed = phonenumber::parse(None, number).ok().filter(|_| number.chars().all(plain))?;
    let e164 = parsed.format().mode(Mode::E164).to_string();
    let digits = e164.strip_prefix('+')?;
    let fits = PHONE_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(e164)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Option<String> {
        match normalized(PayerIdentifier::Email(text.into())) {
            Ok(PayerIdentifier::Email(address)) => Some(address),
            _ => None,
        }
    }

    fn phone(text: &str) -> Option<String> {
        match normalized(PayerIdentifier::Phone(text.into())) {
            Ok(PayerIdentifier::Phone(number)) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn an_address_has_one_form() {
        for (given, expected) in [
            (" Ann@Example.org ", "ann@example.org"),
            ("ann+shop@example.org", "ann+shop@example.org"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
            ("ann@例子.中国", "ann@xn--fsqu00a.xn--fiqs8s"),
        ] {
            assert_eq!(email(given).as_deref(), Some(expected), "{given}");
        }
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "",
            "ann",
            "ann@",
            "@example.org",
            "ann@example",
            "ann@example..org",
            "ann@exa mple.org",
            "安@example.org",
            "ann@example.org\r\nBcc: eve@example.org",
            long.as_str(),
        ] {
            assert_eq!(email(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_phone_number_has_one_form() {
        for (given, expected) in [
            ("+1 (202) 555-0100", "+12025550100"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+86 138 0013 8000", "+8613800138000"),
            // An Italian number keeps its zero.
            ("+39 06 698 12345", "+390669812345"),
        ] {
            assert_eq!(phone(given).as_deref(), Some(expected), "{given}");
        }
        for bad in ["12025550100", "020 7946 0958", "+0123456789", "+12", "+1234567890123456789", "+1202555010a", "+"] {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }

    #[test]
    fn digits_that_are_no_payment_number_get_the_one_answer_for_numbers() {
        let refused = normalized(PayerIdentifier::PaymentNumber("1234567890".into()));
        assert!(matches!(refused, Err(Error::Refused(ErrorCode::PaymentNumberInvalid))), "{refused:?}");
    }
}
