//! A specification: the table of data elements plus how digits and bytes are written.

use crate::element::{Element, Format, Length, de, standard};

/// How digits (message type, length prefixes, numeric data elements) are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitEncoding {
    /// One ASCII character a digit.
    Ascii,
    /// Two digits a byte. An odd count is padded with a zero on the left, track data with `F`
    /// on the right; a length prefix still counts digits. The separator of track data is `D`.
    Bcd,
}

/// How bytes (bitmaps and binary data elements) are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryEncoding {
    /// As they are.
    Raw,
    /// Two hexadecimal ASCII characters a byte; a length prefix counts characters.
    Hex,
}

/// What both ends of a link must agree on before the first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// How digits are written.
    pub digits: DigitEncoding,
    /// How bytes are written.
    pub binary: BinaryEncoding,
    /// Rows that replace those of [`crate::ELEMENTS`], ascending by number.
    pub replaced: &'static [Element],
}

impl Spec {
    /// ASCII digits, bytes as they are: the commonest spoken form.
    pub const ASCII: Self = Self { digits: DigitEncoding::Ascii, binary: BinaryEncoding::Raw, replaced: &[] };
    /// Everything printable: bytes and bitmaps in hexadecimal.
    pub const ASCII_HEX: Self = Self { digits: DigitEncoding::Ascii, binary: BinaryEncoding::Hex, replaced: &[] };
    /// Packed digits, bytes as they are.
    pub const BCD: Self = Self { digits: DigitEncoding::Bcd, binary: BinaryEncoding::Raw, replaced: &[] };
    /// [`Spec::BCD`] with currency codes (data elements 49 to 51) as characters: they may be letters, which are not
    /// packed. So jPOS's `ISO87BPackager` has it.
    pub const BCD_CURRENCY_CHARACTERS: Self =
        Self { digits: DigitEncoding::Bcd, binary: BinaryEncoding::Raw, replaced: &CURRENCY_CHARACTERS };
    /// What the payment server and the bank front speak: [`Spec::ASCII`] with the private
    /// composites of [`crate::private`] in data elements 126 and 127.
    pub const TAPSEAL: Self =
        Self { digits: DigitEncoding::Ascii, binary: BinaryEncoding::Raw, replaced: &TAPSEAL_ELEMENTS };

    /// The row of a data element, if the specification has it.
    pub fn element(&self, number: u8) -> Option<&'static Element> {
        self.replaced.iter().find(|element| element.number == number).or_else(|| standard(number))
    }
}

/// Data elements 126 and 127 are reserved for private use by the standard.
static TAPSEAL_ELEMENTS: [Element; 2] = [
    de(126, Format::B, Length::Llll(crate::private::CAPSULE_BYTES_MAX), "Inner capsule"),
    de(127, Format::B, Length::Lllll(crate::private::COMPOSITE_BYTES_MAX), "Tapseal composite"),
];

/// Currency codes are `a or n 3` in the standard.
static CURRENCY_CHARACTERS: [Element; 3] = [
    de(49, Format::An, Length::Fixed(3), "Currency code, transaction, ISO 4217"),
    de(50, Format::An, Length::Fixed(3), "Currency code, settlement"),
    de(51, Format::An, Length::Fixed(3), "Currency code, cardholder billing"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_rows_replace_only_themselves() {
        assert_eq!(Spec::ASCII.element(127).unwrap().length, Length::Lll(999));
        assert_eq!(Spec::TAPSEAL.element(127).unwrap().format, Format::B);
        assert_eq!(Spec::TAPSEAL.element(55), Spec::ASCII.element(55));
        assert_eq!(Spec::BCD_CURRENCY_CHARACTERS.element(49).unwrap().format, Format::An);
        assert_eq!(Spec::BCD_CURRENCY_CHARACTERS.element(48), Spec::BCD.element(48));
        assert_eq!(Spec::TAPSEAL.element(65), None);
        assert_eq!(Spec::TAPSEAL.element(1), None);
        assert!(TAPSEAL_ELEMENTS.is_sorted_by_key(|element| element.number));
    }
}
