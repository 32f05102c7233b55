//! The message type indicator: version, class, function and origin in four digits.

use crate::Error;

/// A message type indicator of ISO 8583:1987, section 3.
///
/// The constants are the message types Tapseal speaks; any other four digits parse too, so
/// that an unknown type can be answered with a format error instead of a dropped link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mti([u8; 4]);

impl Mti {
    /// 0100: authorization request.
    pub const AUTHORIZATION_REQUEST: Self = Self(*b"0100");
    /// 0110: answer to 0100.
    pub const AUTHORIZATION_ANSWER: Self = Self(*b"0110");
    /// 0200: financial request; the card is to be debited now.
    pub const FINANCIAL_REQUEST: Self = Self(*b"0200");
    /// 0201: the same financial request once more; the first may have arrived.
    pub const FINANCIAL_REPEAT: Self = Self(*b"0201");
    /// 0210: answer to 0200 and 0201.
    pub const FINANCIAL_ANSWER: Self = Self(*b"0210");
    /// 0220: financial advice; the completion of an authorization.
    pub const FINANCIAL_ADVICE: Self = Self(*b"0220");
    /// 0230: answer to 0220 and 0221.
    pub const FINANCIAL_ADVICE_ANSWER: Self = Self(*b"0230");
    /// 0400: reversal request; may be refused.
    pub const REVERSAL_REQUEST: Self = Self(*b"0400");
    /// 0401: the same reversal request once more.
    pub const REVERSAL_REPEAT: Self = Self(*b"0401");
    /// 0410: answer to 0400 and 0401.
    pub const REVERSAL_ANSWER: Self = Self(*b"0410");
    /// 0420: reversal advice; the sender has decided, the receiver must comply.
    pub const REVERSAL_ADVICE: Self = Self(*b"0420");
    /// 0421: the same reversal advice once more.
    pub const REVERSAL_ADVICE_REPEAT: Self = Self(*b"0421");
    /// 0430: answer to 0420 and 0421.
    pub const REVERSAL_ADVICE_ANSWER: Self = Self(*b"0430");
    /// 0500: the acquirer's totals of a business day, to be reconciled.
    pub const RECONCILIATION_REQUEST: Self = Self(*b"0500");
    /// 0510: answer to 0500 and 0501.
    pub const RECONCILIATION_ANSWER: Self = Self(*b"0510");
    /// 0520: the same totals as an advice.
    pub const RECONCILIATION_ADVICE: Self = Self(*b"0520");
    /// 0530: answer to 0520 and 0521.
    pub const RECONCILIATION_ADVICE_ANSWER: Self = Self(*b"0530");
    /// 0600: inquiry by reference. The class is *administrative* in ISO 8583:1987, whose content
    /// is left to the parties: here it asks what became of the original in data element 90.
    pub const INQUIRY: Self = Self(*b"0600");
    /// 0601: the same inquiry once more.
    pub const INQUIRY_REPEAT: Self = Self(*b"0601");
    /// 0610: answer to 0600 and 0601.
    pub const INQUIRY_ANSWER: Self = Self(*b"0610");
    /// 0800: network management: sign-on, echo, key change (data element 70).
    pub const NETWORK_REQUEST: Self = Self(*b"0800");
    /// 0810: answer to 0800.
    pub const NETWORK_ANSWER: Self = Self(*b"0810");

    /// Reads four ASCII digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::of_digits(text.as_bytes())
    }

    pub(crate) fn of_digits(digits: &[u8]) -> Result<Self, Error> {
        let digits: [u8; 4] = digits.try_into().map_err(|_| Error::BadMti)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(Error::BadMti) }
    }

    /// The four ASCII digits.
    pub const fn digits(self) -> [u8; 4] {
        self.0
    }

    /// The type that answers this one: its function digit (the third) plus one, whatever its
    /// origin digit said about repeats.
    pub fn answer(self) -> Result<Self, Error> {
        match self.0 {
            [version, class, b'0', b'0' | b'1'] => Ok(Self([version, class, b'1', b'0'])),
            [version, class, b'2', b'0' | b'1'] => Ok(Self([version, class, b'3', b'0'])),
            _ => Err(Error::NoAnswer { mti: self }),
        }
    }

    /// The type of a repeat of this message, whose origin digit (the fourth) is 1.
    #[must_use]
    pub const fn repeat(self) -> Self {
        let [version, class, function, _] = self.0;
        Self([version, class, function, b'1'])
    }

    /// The type of the first sending of this message: a repeat asks for what its original asked.
    #[must_use]
    pub const fn original(self) -> Self {
        let [version, class, function, origin] = self.0;
        let origin = if origin == b'1' { b'0' } else { origin };
        Self([version, class, function, origin])
    }

    /// Whether this type answers another.
    pub const fn is_answer(self) -> bool {
        matches!(self.0[2], b'1' | b'3')
    }
}

impl std::fmt::Display for Mti {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for digit in self.0 {
            write!(f, "{}", char::from(digit))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_its_answer() {
        for (request, answer) in [
            ("0100", "0110"),
            ("0200", "0210"),
            ("0201", "0210"),
            ("0400", "0410"),
            ("0420", "0430"),
            ("0421", "0430"),
            ("0600", "0610"),
            ("0800", "0810"),
        ] {
            let mti = Mti::parse(request).unwrap();
            assert_eq!(mti.answer().unwrap().to_string(), answer);
            assert!(!mti.is_answer());
            assert!(mti.answer().unwrap().is_answer());
        }
    }

    #[test]
    fn answers_are_not_answered() {
        let mti = Mti::FINANCIAL_ANSWER;
        assert_eq!(mti.answer(), Err(Error::NoAnswer { mti }));
    }

    #[test]
    fn a_repeat_and_its_original_find_each_other() {
        assert_eq!(Mti::FINANCIAL_REQUEST.repeat(), Mti::FINANCIAL_REPEAT);
        assert_eq!(Mti::REVERSAL_ADVICE_REPEAT.original(), Mti::REVERSAL_ADVICE);
        assert_eq!(Mti::FINANCIAL_REQUEST.original(), Mti::FINANCIAL_REQUEST);
    }

    #[test]
    fn anything_but_four_digits_is_refused() {
        for text in ["", "020", "02000", "02x0", "０２００"] {
            assert_eq!(Mti::parse(text), Err(Error::BadMti), "{text}");
        }
    }
}
