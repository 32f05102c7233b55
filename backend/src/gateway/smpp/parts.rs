//! A text as the parts that travel: in the centre's alphabet where it has every letter, else in UCS-2, and with a user data
//! header in each part when there are several (3GPP TS 23.040, section 9.2.3.24.1).

use std::str::FromStr;

use rusmpp::extra::concatenation::{Concatenation, Concatenator};
use rusmpp::extra::encoding::gsm7bit::Gsm7BitUnpacked;
use rusmpp::extra::encoding::latin1::Latin1;
use rusmpp::extra::encoding::ucs2::Ucs2;
use rusmpp::pdus::SubmitSm;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, Npi, RegisteredDelivery, Ton};

use super::account::{Alphabet, Source};

/// Letters of one part, and what a header costs: seven bits a letter, of which the six octets of a header take seven.
const GSM7: (usize, usize) = (160, 7);
/// Octets of one part, and of a header.
const OCTETS: (usize, usize) = (140, 6);
/// The most parts of a message: ours have two, with a long name three.
const PARTS_MAX: usize = 6;
/// `esm_class`: store and forward, and with a user data header (SMPP 3.4, section 5.2.12).
const PLAIN: u8 = 0x00;
const WITH_HEADER: u8 = 0x40;
/// `registered_delivery`: a receipt for success and for failure (section 5.2.17).
const RECEIPT: u8 = 0x01;

/// The parts of a text; none when it is too long or the number is none.
pub(super) fn of(id: &str, from: &Source, alphabet: Alphabet, to: &str, text: &str) -> Option<Vec<SubmitSm>> {
    let (texts, coding) = encoded(alphabet, text)?;
    let total = u8::try_from(texts.len()).ok().filter(|total| usize::from(*total) <= PARTS_MAX)?;
    // The same message has the same reference: a phone that gets a part twice may know it.
    let reference = reference(id);
    let to = to.strip_prefix('+').unwrap_or(to);
    let destination: COctetString<1, 21> = COctetString::from_str(to).ok()?;
    let parts = texts.into_iter().zip(1_u8..).map(|(text, number)| {
        let (class, octets) = match total {
            1 => (PLAIN, text),
            _ => (WITH_HEADER, [&[5, 0, 3, reference, total, number], text.as_slice()].concat()),
        };
        let part = SubmitSm::builder()
            .source_addr_ton(from.ton)
            .source_addr_npi(from.npi)
            .source_addr(from.address.clone())
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .destination_addr(destination.clone())
            .esm_class(EsmClass::from(class))
            .registered_delivery(RegisteredDelivery::from(RECEIPT))
            .data_coding(coding)
            .short_message(OctetString::from_vec(octets).ok()?)
            .build();
        Some(part)
    });
    parts.collect()
}

fn encoded(alphabet: Alphabet, text: &str) -> Option<(Vec<Vec<u8>>, DataCoding)> {
    let short = match alphabet {
        Alphabet::Gsm7 => Gsm7BitUnpacked::new().concatenate(text, GSM7.0, GSM7.1).ok(),
        Alphabet::Latin1 => Latin1::new().concatenate(text, OCTETS.0, OCTETS.1).ok(),
    };
    let (parts, coding) = match short {
        Some(done) => done,
        None => Ucs2::new().concatenate(&plane_zero(text), OCTETS.0, OCTETS.1).ok()?,
    };
    Some(match parts {
        Concatenation::Single(part) => (vec![part], coding),
        Concatenation::Concatenated(parts) => (parts, coding),
    })
}

/// UCS-2 ends at U+FFFF: what lies beyond becomes the sign for a letter that is missing.
fn plane_zero(text: &str) -> String {
    text.chars().map(|letter| if u32::from(letter) > 0xFFFF { '\u{FFFD}' } else { letter }).collect()
}

fn reference(id: &str) -> u8 {
    id.bytes().fold(0, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<SubmitSm> {
        let from =
            Source { address: COctetString::from_str("Tapseal").unwrap(), ton: Ton::Alphanumeric, npi: Npi::Unknown };
        of("id", &from, Alphabet::Gsm7, "+8613800138000", text).unwrap()
    }

    fn octets(part: &SubmitSm) -> &[u8] {
        part.short_message().as_ref()
    }

    #[test]
    fn a_short_text_is_one_part_in_the_alphabet_of_gsm() {
        let parts = parts("Café_@");
        assert_eq!(parts.len(), 1);
        assert_eq!(octets(&parts[0]), [0x43, 0x61, 0x66, 0x05, 0x11, 0x00]);
        assert_eq!((u8::from(parts[0].esm_class), u8::from(parts[0].data_coding)), (0, 0));
        assert_eq!(parts[0].destination_addr.as_str(), "8613800138000");
    }

    #[test]
    fn chinese_goes_as_ucs_2_and_a_long_text_in_parts() {
        let text = "蓝门咖啡请您付款".repeat(10);
        let parts = parts(&text);
        assert_eq!(parts.len(), 2);
        let mut joined = Vec::new();
        for (part, number) in parts.iter().zip(1..) {
            assert_eq!((u8::from(part.esm_class), u8::from(part.data_coding)), (0x40, 8));
            assert!(octets(part).len() <= 140);
            assert_eq!(octets(part)[..6], [5, 0, 3, octets(&parts[0])[3], 2, number]);
            joined.extend(octets(part)[6..].chunks(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])));
        }
        assert_eq!(String::from_utf16(&joined).unwrap(), text);
    }

    #[test]
    fn a_hundred_and_sixty_letters_are_one_part_and_one_more_are_two() {
        assert_eq!(parts(&"a".repeat(160)).len(), 1);
        let two = parts(&"a".repeat(161));
        assert_eq!((two.len(), octets(&two[0]).len(), octets(&two[1]).len()), (2, 6 + 153, 6 + 8));
    }

    #[test]
    fn an_emoji_does_not_stop_a_message() {
        assert_eq!(octets(&parts("☕😀")[0]), [0x26, 0x15, 0xFF, 0xFD]);
    }
}
