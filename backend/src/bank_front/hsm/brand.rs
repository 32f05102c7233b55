//! Whether an application may be on the card with this number.
//!
//! The brands must not be mixed up, or one brand's weaker rules would guard the other's cards (Basin, Sasse and
//! Toro-Pozo, "Card Brand Mixup Attack", USENIX Security 2021).

use emv::Scheme;

/// How a number and an application stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// The number is in the range of the application's scheme. The common debit applications of the United States
    /// are of this kind: each belongs to the scheme whose number the card has.
    SameScheme,
    /// A domestic application, which shares its card with an international brand: Interac, eftpos, Cartes
    /// Bancaires, girocard. Whether it is on this very card only the card's record can say.
    CoBadged,
    /// They do not belong together.
    Mixed,
}

impl Agreement {
    /// How this application and this number stand to each other.
    pub(super) fn of(aid: &[u8], pan: &[u8]) -> Self {
        match Scheme::of_aid(aid) {
            Scheme::Interac | Scheme::Eftpos | Scheme::CartesBancaires | Scheme::Girocard => Self::CoBadged,
            // Nothing is known of their numbers.
            Scheme::RuPay | Scheme::Other => Self::Mixed,
            scheme if Scheme::of_number(pan) == Some(scheme) => Self::SameScheme,
            _ => Self::Mixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_one_scheme_is_refused_under_another() {
        for (aid, pan, expected) in [
            ("A0000000031010", "4761340000000050", Agreement::SameScheme),
            ("A0000000031010", "5413330089099049", Agreement::Mixed),
            ("A0000000041010", "5413330089099049", Agreement::SameScheme),
            ("A0000000041010", "2221000000000009", Agreement::SameScheme),
            ("A0000000041010", "2220990000000000", Agreement::Mixed),
            ("A0000000041010", "4761340000000050", Agreement::Mixed),
            // Maestro's range leaves out what is UnionPay's and Discover's.
            ("A0000000043060", "6235000000000000", Agreement::Mixed),
            ("A000000333010101", "6235000000000000", Agreement::SameScheme),
            // Common debit of the United States: the brand's own.
            ("A0000000980840", "4000056655665556", Agreement::SameScheme),
            ("A0000000980840", "5413330089099049", Agreement::Mixed),
            ("A0000000042203", "5413330089099049", Agreement::SameScheme),
            ("A0000000042203", "4000056655665556", Agreement::Mixed),
            ("A0000001524010", "6011000990139424", Agreement::SameScheme),
            // Domestic applications on cards of any brand.
            ("A0000002771010", "4506000000000000", Agreement::CoBadged),
            ("A0000000421010", "5131000000000000", Agreement::CoBadged),
            ("A0000006581010", "4761340000000050", Agreement::Mixed),
            ("", "4761340000000050", Agreement::Mixed),
        ] {
            assert_eq!(Agreement::of(&hex::decode(aid).unwrap(), pan.as_bytes()), expected, "{aid} {pan}");
        }
    }
}
