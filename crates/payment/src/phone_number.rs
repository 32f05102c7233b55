//! Telephone numbers in international form, and what kind of line is behind one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::InvalidId;

/// Fewest and most digits of a number, country code included (ITU-T E.164, clause 6.2.1; shorter ones are services).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Digits that a label shows.
const SHOWN_DIGITS: usize = 4;

/// A telephone number: `+` and its digits (ITU-T E.164).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number, from its `+` on.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What receipts and merchants see of it: the last four digits.
    pub fn masked(&self) -> String {
        format!("••{}", &self.0[self.0.len() - SHOWN_DIGITS..])
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidId;

    /// Reads a number as people write it, with spaces, hyphens, dots or brackets between its digits.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const WRONG: InvalidId = InvalidId::named("telephone number");
        let plain: String =
            text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '.' | '(' | ')' | '\u{a0}')).collect();
        let digits = plain.strip_prefix('+').ok_or(WRONG)?;
        let fits = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits && !digits.starts_with('0') { Ok(Self(plain)) } else { Err(WRONG) }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is behind a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A mobile telephone: it takes text messages.
    Mobile,
    /// A line in a house: what there is to tell stands in its monthly statement.
    Fixed,
}

impl LineKind {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Fixed => "fixed",
        }
    }
}

impl FromStr for LineKind {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let known = [Self::Mobile, Self::Fixed].into_iter().find(|kind| kind.as_str() == text);
        known.ok_or(InvalidId::named("kind of line: mobile or fixed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it_and_shown_by_its_end() {
        let number: PhoneNumber = "+1 (202) 555-0143".parse().unwrap();
        assert_eq!((number.as_str(), number.masked().as_str()), ("+12025550143", "••0143"));
        for wrong in
            ["", "+", "12025550143", "+0202555014", "+123456", "+1234567890123456", "+12 02x55", "++12025550143"]
        {
            assert!(wrong.parse::<PhoneNumber>().is_err(), "{wrong}");
        }
    }
}
