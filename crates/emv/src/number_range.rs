//! Which scheme issued a card number, by its first digits (ISO/IEC 7812-1 and the schemes' own published ranges).
//!
//! A stripe has no application identifier, so the number is all there is to tell whose card it is. A chip has both,
//! and they must agree.

use crate::application::Scheme;

impl Scheme {
    /// The international scheme whose range a number of ASCII digits is in. The domestic ones have no ranges of their
    /// own that are told apart here: their applications sit on cards that carry an international number too.
    pub fn of_number(digits: &[u8]) -> Option<Self> {
        let prefix = |count: usize| {
            let digits = digits.get(..count).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
            Some(digits.iter().fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0')))
        };
        let (one, two, three, four) = (prefix(1)?, prefix(2)?, prefix(3)?, prefix(4)?);
        Some(match (one, two, three, four) {
            (4, ..) => Self::Visa,
            (_, 34 | 37, ..) => Self::Amex,
            (.., 3528..=3589) => Self::Jcb,
            // Discover itself, and Diners Club, which it owns.
            (.., 6011 | 3095) | (_, _, 644..=649 | 300..=305, _) | (_, 65 | 36 | 38 | 39, ..) => Self::Discover,
            (_, 62 | 81, ..) => Self::UnionPay,
            // Mastercard, then Maestro in what the others leave of its wide range.
            (_, 51..=55, ..) | (.., 2221..=2720) => Self::Mastercard,
            (_, 50 | 56..=59 | 61 | 63 | 66..=69, ..) => Self::Mastercard,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_belong_to_who_issued_them() {
        for (digits, scheme) in [
            ("4761340000000050", Some(Scheme::Visa)),
            ("5413330089020011", Some(Scheme::Mastercard)),
            ("2221000000000009", Some(Scheme::Mastercard)),
            ("2220990000000000", None),
            ("6759649826438453", Some(Scheme::Mastercard)),
            ("378282246310005", Some(Scheme::Amex)),
            ("3566002020360505", Some(Scheme::Jcb)),
            ("3527000000000000", None),
            ("6011000990139424", Some(Scheme::Discover)),
            ("36438936438936", Some(Scheme::Discover)),
            ("6205500000000000004", Some(Scheme::UnionPay)),
            ("9000000000000000", None),
            ("476", None),
            ("47x1340000000050", None),
        ] {
            assert_eq!(Scheme::of_number(digits.as_bytes()), scheme, "{digits}");
        }
    }
}
