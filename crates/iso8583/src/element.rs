//! The data elements of ISO 8583:1987, as one table.

/// Which characters a data element may hold, by the standard's own letters (section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `n`: digits.
    N,
    /// `x+n`: `C` or `D` for credit or debit, then digits.
    Xn,
    /// `an`: letters and digits, with spaces where a value is shorter than its field.
    An,
    /// `ans`: any printable ASCII character.
    Ans,
    /// `b`: bytes.
    B,
    /// `z`: digits and the field separator of magnetic stripe tracks (ISO 7813), `=` or, as it is packed, `D`.
    Z,
}

/// How long a data element is: characters, or bytes when its format is binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Always exactly this long.
    Fixed(usize),
    /// `LLVAR`: two digits of length, then at most this many.
    Ll(usize),
    /// `LLLVAR`: three digits of length, then at most this many.
    Lll(usize),
    /// `LLLLVAR`: four digits of length, then at most this many. Not in the 1987 standard, but
    /// the usual way to carry more than 999 in a private element.
    Llll(usize),
    /// `LLLLLVAR`: five digits of length, then at most this many. Ours, for the one private
    /// element that holds a whole signed order.
    Lllll(usize),
}

impl Length {
    /// Most digits of a length prefix.
    pub(crate) const PREFIX_DIGITS_MAX: usize = 5;

    /// Digits of the length prefix; zero when fixed.
    pub const fn prefix_digits(self) -> usize {
        match self {
            Self::Fixed(_) => 0,
            Self::Ll(_) => 2,
            Self::Lll(_) => 3,
            Self::Llll(_) => 4,
            Self::Lllll(_) => 5,
        }
    }

    /// The largest length allowed.
    pub const fn max(self) -> usize {
        match self {
            Self::Fixed(length) => length,
            Self::Ll(max) | Self::Lll(max) | Self::Llll(max) | Self::Lllll(max) => max,
        }
    }
}

/// One row of a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// The data element's number, 2 to 128.
    pub number: u8,
    /// What it may hold.
    pub format: Format,
    /// How long it is.
    pub length: Length,
    /// What the standard calls it.
    pub name: &'static str,
}

/// A row, in the order the table below reads best.
pub(crate) const fn de(number: u8, format: Format, length: Length, name: &'static str) -> Element {
    Element { number, format, length, name }
}

use Format::{An, Ans, B, N, Xn, Z};
use Length::{Fixed, Ll, Lll};

/// ISO 8583:1987, table 2, with data element 55 as EMV uses it and 54 at the 240 characters
/// of the 1993 edition. Ascending; data element 1 is the bitmap and 65 (a third bitmap) is not supported.
pub static ELEMENTS: [Element; 126] = [
    de(2, N, Ll(19), "Primary account number"),
    de(3, N, Fixed(6), "Processing code"),
    de(4, N, Fixed(12), "Amount, transaction"),
    de(5, N, Fixed(12), "Amount, settlement"),
    de(6, N, Fixed(12), "Amount, cardholder billing"),
    de(7, N, Fixed(10), "Transmission date and time, MMDDhhmmss UTC"),
    de(8, N, Fixed(8), "Amount, cardholder billing fee"),
    de(9, N, Fixed(8), "Conversion rate, settlement"),
    de(10, N, Fixed(8), "Conversion rate, cardholder billing"),
    de(11, N, Fixed(6), "System trace audit number"),
    de(12, N, Fixed(6), "Time, local transaction, hhmmss"),
    de(13, N, Fixed(4), "Date, local transaction, MMDD"),
    de(14, N, Fixed(4), "Date, expiration, YYMM"),
    de(15, N, Fixed(4), "Date, settlement"),
    de(16, N, Fixed(4), "Date, conversion"),
    de(17, N, Fixed(4), "Date, capture"),
    de(18, N, Fixed(4), "Merchant type"),
    de(19, N, Fixed(3), "Acquiring institution country code"),
    de(20, N, Fixed(3), "Primary account number extended, country code"),
    de(21, N, Fixed(3), "Forwarding institution country code"),
    de(22, N, Fixed(3), "Point of service entry mode"),
    de(23, N, Fixed(3), "Card sequence number"),
    de(24, N, Fixed(3), "Network international identifier"),
    de(25, N, Fixed(2), "Point of service condition code"),
    de(26, N, Fixed(2), "Point of service PIN capture code"),
    de(27, N, Fixed(1), "Authorization identification response length"),
    de(28, Xn, Fixed(9), "Amount, transaction fee"),
    de(29, Xn, Fixed(9), "Amount, settlement fee"),
    de(30, Xn, Fixed(9), "Amount, transaction processing fee"),
    de(31, Xn, Fixed(9), "Amount, settlement processing fee"),
    de(32, N, Ll(11), "Acquiring institution identification code"),
    de(33, N, Ll(11), "Forwarding institution identification code"),
    de(34, Ans, Ll(28), "Primary account number, extended"),
    de(35, Z, Ll(37), "Track 2 data"),
    de(36, Z, Lll(104), "Track 3 data"),
    de(37, An, Fixed(12), "Retrieval reference number"),
    de(38, An, Fixed(6), "Authorization identification response"),
    de(39, An, Fixed(2), "Response code"),
    de(40, An, Fixed(3), "Service restriction code"),
    de(41, Ans, Fixed(8), "Card acceptor terminal identification"),
    de(42, Ans, Fixed(15), "Card acceptor identification code"),
    de(43, Ans, Fixed(40), "Card acceptor name and location"),
    de(44, Ans, Ll(25), "Additional response data"),
    de(45, Ans, Ll(76), "Track 1 data"),
    de(46, Ans, Lll(999), "Additional data, ISO"),
    de(47, Ans, Lll(999), "Additional data, national"),
    de(48, Ans, Lll(999), "Additional data, private"),
    de(49, N, Fixed(3), "Currency code, transaction, ISO 4217 numeric"),
    de(50, N, Fixed(3), "Currency code, settlement"),
    de(51, N, Fixed(3), "Currency code, cardholder billing"),
    de(52, B, Fixed(8), "Personal identification number data"),
    de(53, N, Fixed(16), "Security related control information"),
    de(54, An, Lll(240), "Additional amounts"),
    de(55, B, Lll(255), "Integrated circuit card data, BER-TLV"),
    de(56, Ans, Lll(999), "Reserved, ISO"),
    de(57, Ans, Lll(999), "Reserved, national"),
    de(58, Ans, Lll(999), "Reserved, national"),
    de(59, Ans, Lll(999), "Reserved, national"),
    de(60, Ans, Lll(999), "Reserved, private"),
    de(61, Ans, Lll(999), "Reserved, private"),
    de(62, Ans, Lll(999), "Reserved, private"),
    de(63, Ans, Lll(999), "Reserved, private"),
    de(64, B, Fixed(8), "Message authentication code"),
    de(66, N, Fixed(1), "Settlement code"),
    de(67, N, Fixed(2), "Extended payment code"),
    de(68, N, Fixed(3), "Receiving institution country code"),
    de(69, N, Fixed(3), "Settlement institution country code"),
    de(70, N, Fixed(3), "Network management information code"),
    de(71, N, Fixed(4), "Message number"),
    de(72, N, Fixed(4), "Message number, last"),
    de(73, N, Fixed(6), "Date, action"),
    de(74, N, Fixed(10), "Credits, number"),
    de(75, N, Fixed(10), "Credits, reversal number"),
    de(76, N, Fixed(10), "Debits, number"),
    de(77, N, Fixed(10), "Debits, reversal number"),
    de(78, N, Fixed(10), "Transfer, number"),
    de(79, N, Fixed(10), "Transfer, reversal number"),
    de(80, N, Fixed(10), "Inquiries, number"),
    de(81, N, Fixed(10), "Authorizations, number"),
    de(82, N, Fixed(12), "Credits, processing fee amount"),
    de(83, N, Fixed(12), "Credits, transaction fee amount"),
    de(84, N, Fixed(12), "Debits, processing fee amount"),
    de(85, N, Fixed(12), "Debits, transaction fee amount"),
    de(86, N, Fixed(16), "Credits, amount"),
    de(87, N, Fixed(16), "Credits, reversal amount"),
    de(88, N, Fixed(16), "Debits, amount"),
    de(89, N, Fixed(16), "Debits, reversal amount"),
    de(90, N, Fixed(42), "Original data elements"),
    de(91, An, Fixed(1), "File update code"),
    de(92, An, Fixed(2), "File security code"),
    de(93, N, Fixed(5), "Response indicator"),
    de(94, An, Fixed(7), "Service indicator"),
    de(95, An, Fixed(42), "Replacement amounts"),
    de(96, B, Fixed(8), "Message security code"),
    de(97, Xn, Fixed(17), "Amount, net settlement"),
    de(98, Ans, Fixed(25), "Payee"),
    de(99, N, Ll(11), "Settlement institution identification code"),
    de(100, N, Ll(11), "Receiving institution identification code"),
    de(101, Ans, Ll(17), "File name"),
    de(102, Ans, Ll(28), "Account identification 1"),
    de(103, Ans, Ll(28), "Account identification 2"),
    de(104, Ans, Lll(100), "Transaction description"),
    de(105, Ans, Lll(999), "Reserved, ISO"),
    de(106, Ans, Lll(999), "Reserved, ISO"),
    de(107, Ans, Lll(999), "Reserved, ISO"),
    de(108, Ans, Lll(999), "Reserved, ISO"),
    de(109, Ans, Lll(999), "Reserved, ISO"),
    de(110, Ans, Lll(999), "Reserved, ISO"),
    de(111, Ans, Lll(999), "Reserved, ISO"),
    de(112, Ans, Lll(999), "Reserved, national"),
    de(113, Ans, Lll(999), "Reserved, national"),
    de(114, Ans, Lll(999), "Reserved, national"),
    de(115, Ans, Lll(999), "Reserved, national"),
    de(116, Ans, Lll(999), "Reserved, national"),
    de(117, Ans, Lll(999), "Reserved, national"),
    de(118, Ans, Lll(999), "Reserved, national"),
    de(119, Ans, Lll(999), "Reserved, national"),
    de(120, Ans, Lll(999), "Reserved, private"),
    de(121, Ans, Lll(999), "Reserved, private"),
    de(122, Ans, Lll(999), "Reserved, private"),
    de(123, Ans, Lll(999), "Reserved, private"),
    de(124, Ans, Lll(999), "Reserved, private"),
    de(125, Ans, Lll(999), "Reserved, private"),
    de(126, Ans, Lll(999), "Reserved, private"),
    de(127, Ans, Lll(999), "Reserved, private"),
    de(128, B, Fixed(8), "Message authentication code"),
];

/// The standard's row of a data element, by its place in the table.
pub(crate) fn standard(number: u8) -> Option<&'static Element> {
    // There is no row of data element 65.
    let at = match number {
        2..=64 => number - 2,
        66..=128 => number - 3,
        _ => return None,
    };
    ELEMENTS.get(usize::from(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_at_its_place() {
        for number in 0..=u8::MAX {
            let row = ELEMENTS.iter().find(|element| element.number == number);
            assert_eq!(standard(number), row, "DE {number}");
        }
    }

    #[test]
    fn the_table_is_ascending_and_its_lengths_fit_their_prefixes() {
        assert!(ELEMENTS.is_sorted_by(|a, b| a.number < b.number));
        for element in &ELEMENTS {
            let digits = element.length.prefix_digits();
            if digits > 0 {
                let most = 10usize.pow(u32::try_from(digits).unwrap()) - 1;
                assert!(element.length.max() <= most, "DE {}", element.number);
            }
            assert!(element.length.max() > 0);
        }
    }
}
