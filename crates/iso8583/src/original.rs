//! Data element 90: the reference by which an inquiry or a reversal names its original.

use crate::{Error, Mti, Place};

/// Characters of a data element 90.
const WIDTH: usize = 42;
/// The largest system trace audit number: six digits.
const STAN_MAX: u32 = 999_999;
/// Digits of a transmission date and time.
const TRANSMITTED_DIGITS: usize = 10;
/// The largest institution identification code: eleven digits.
const INSTITUTION_MAX: u64 = 99_999_999_999;

/// Original data elements, ISO 8583:1987 data element 90.
///
/// With the retrieval reference (data element 37) this is all a reversal needs, so the party
/// that sends it never has to know the card.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OriginalData {
    /// The original's message type.
    pub mti: Mti,
    /// The original's system trace audit number (data element 11), 0 to 999999.
    pub stan: u32,
    /// The original's transmission date and time (data element 7), `MMDDhhmmss`.
    pub transmitted: String,
    /// The original's acquirer (data element 32), at most eleven digits.
    pub acquirer: u64,
    /// The original's forwarding institution (data element 33), zero when there was none.
    pub forwarder: u64,
}

impl OriginalData {
    /// The 42 digits of the data element.
    pub fn to_text(&self) -> Result<String, Error> {
        let Self { mti, stan, transmitted, acquirer, forwarder } = self;
        // Each part is checked by itself: one too wide beside one too narrow would still add
        // up to 42 digits and name another original.
        let fits = *stan <= STAN_MAX
            && transmitted.len() == TRANSMITTED_DIGITS
            && transmitted.bytes().all(|c| c.is_ascii_digit())
            && *acquirer <= INSTITUTION_MAX
            && *forwarder <= INSTITUTION_MAX;
        if !fits {
            return Err(Error::Content { place: Place::Element(90) });
        }
        Ok(format!("{mti}{stan:06}{transmitted}{acquirer:011}{forwarder:011}"))
    }

    /// Reads the 42 digits of the data element.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Content { place: Place::Element(90) };
        if text.len() != WIDTH || !text.bytes().all(|c| c.is_ascii_digit()) {
            return Err(wrong());
        }
        Ok(Self {
            mti: Mti::parse(&text[..4])?,
            stan: text[4..10].parse().map_err(|_| wrong())?,
            transmitted: text[10..20].to_owned(),
            acquirer: text[20..31].parse().map_err(|_| wrong())?,
            forwarder: text[31..].parse().map_err(|_| wrong())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The reversal advice of the published message set, whose original is STAN 41.
    const TEXT: &str = "020000004103161015300000012345600000000000";

    #[test]
    fn reads_and_writes_the_same_42_digits() {
        let original = OriginalData::parse(TEXT).unwrap();
        assert_eq!(original.mti, Mti::FINANCIAL_REQUEST);
        assert_eq!(original.stan, 41);
        assert_eq!(original.transmitted, "0316101530");
        assert_eq!((original.acquirer, original.forwarder), (123_456, 0));
        assert_eq!(original.to_text().unwrap(), TEXT);
    }

    #[test]
    fn what_does_not_fit_is_refused_instead_of_shifted() {
        let original = OriginalData::parse(TEXT).unwrap();
        let wide = OriginalData { stan: 1_000_000, ..original.clone() };
        assert!(wide.to_text().is_err());
        let shifted = OriginalData { stan: 1_000_000, transmitted: "031610153".to_owned(), ..original.clone() };
        assert!(shifted.to_text().is_err());
        assert!(OriginalData { transmitted: "03161015xx".to_owned(), ..original }.to_text().is_err());
    }

    #[test]
    fn anything_but_42_digits_is_refused() {
        for text in ["", &TEXT[1..], "02000000410316101530000001234560000000000x"] {
            assert!(OriginalData::parse(text).is_err());
        }
    }
}
