//! Track 1, format B: number, name, expiry and service code, all of them secret (ISO/IEC 7813 section 5.3).

use zeroize::Zeroizing;

use crate::card_number::{CardNumber, DIGITS_MAX};
use crate::stripe::{ServiceCode, StripeError};

/// Longest name on the track, in characters.
const NAME_CHARACTERS_MAX: usize = 26;

/// What track 1 says; the discretionary data is not kept.
pub struct Track1 {
    number: CardNumber,
    name: HolderName,
    expiry_yymm: Option<[u8; 4]>,
    service_code: Option<ServiceCode>,
}

/// The cardholder's name as the issuer wrote it, `SURNAME/GIVEN`. A secret: no Debug, Display or Clone.
pub struct HolderName(Zeroizing<String>);

impl HolderName {
    /// The name. The method's name marks every place where it leaves this type.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Track1 {
    /// Reads what is between the sentinels of a stripe.
    pub(super) fn parse(text: &str) -> Result<Self, StripeError> {
        Self::fields(text, |number| Some(number.len())).ok_or(StripeError::NotPayment)
    }

    /// Reads tag 56 of a card in mag-stripe mode: the same characters without sentinels. Some cards write filler
    /// between number and separator.
    pub fn from_chip(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        Self::fields(text, |number| number.find(|letter: char| !letter.is_ascii_digit()).or(Some(number.len())))
    }

    /// `digits` says how many characters of the first field are the number.
    fn fields(text: &str, digits: impl Fn(&str) -> Option<usize>) -> Option<Self> {
        // Only format B is defined for payment; A is reserved for the issuer's own use.
        let mut fields = text.strip_prefix('B')?.splitn(3, '^');
        let (number, name, rest) = (fields.next()?, fields.next()?, fields.next()?);
        if name.chars().count() > NAME_CHARACTERS_MAX {
            return None;
        }
        let number = number.get(..digits(number)?).filter(|number| number.len() <= DIGITS_MAX)?;
        // A separator stands in for an expiry or a service code the issuer does not give.
        let (expiry, rest) = field(rest, 4)?;
        let (code, _) = field(rest, 3)?;
        Some(Self {
            number: CardNumber::from_digits(number)?,
            name: HolderName(Zeroizing::new(name.trim().to_owned())),
            expiry_yymm: expiry.and_then(expiry_of),
            service_code: code.and_then(ServiceCode::parse),
        })
    }

    /// The card number.
    pub fn card_number(&self) -> &CardNumber {
        &self.number
    }

    /// The name.
    pub fn holder_name(&self) -> &HolderName {
        &self.name
    }

    /// Expiry, ASCII digits YYMM; `None` when it is no date.
    pub fn expiry_yymm(&self) -> Option<[u8; 4]> {
        self.expiry_yymm
    }

    /// Service code, when it is one.
    pub fn service_code(&self) -> Option<ServiceCode> {
        self.service_code
    }
}

/// A field of fixed length, or the separator in its place; gives what follows it too.
fn field(text: &str, length: usize) -> Option<(Option<&str>, &str)> {
    match text.strip_prefix('^') {
        Some(rest) => Some((None, rest)),
        None => Some((Some(text.get(..length)?), text.get(length..)?)),
    }
}

/// Four digits with a month in them.
pub(crate) fn expiry_of(text: &str) -> Option<[u8; 4]> {
    let expiry: [u8; 4] = text.as_bytes().try_into().ok()?;
    let month = match expiry {
        [_, _, tens, ones] if expiry.iter().all(u8::is_ascii_digit) => (tens - b'0') * 10 + (ones - b'0'),
        _ => return None,
    };
    (1..=12).contains(&month).then_some(expiry)
}
