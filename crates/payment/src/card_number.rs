//! Whether a text hides a card number: its digits, of whatever script and however they are set apart.

/// The zeros of Unicode's decimal digits (general category Nd); the nine that follow each are its other digits (the Unicode
/// Standard, section 4.6).
const ZEROS: [u32; 66] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
    0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50,
    0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950,
    0x1FBF0,
];
/// The Han numerals that people write numbers with, zero to nine.
const HAN: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
/// Lengths of the card numbers that banks issue (ISO/IEC 7812-1 allows 19 digits at most).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// Whether digits of this text, one after the other whatever is between them, are a card number of usual length with a
/// right check digit (ISO/IEC 7812-1, annex B).
#[must_use]
pub fn hides_card_number(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(digit).collect();
    CARD_DIGITS.into_iter().any(|length| digits.windows(length).any(has_check_digit))
}

/// The value of a decimal digit.
fn digit(letter: char) -> Option<u32> {
    let code = u32::from(letter);
    let of_script = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value <= 9));
    of_script.or_else(|| HAN.iter().position(|numeral| *numeral == letter).and_then(|value| u32::try_from(value).ok()))
}

fn has_check_digit(digits: &[u32]) -> bool {
    let value = |(place, digit): (usize, &u32)| match (place % 2, *digit) {
        (0, digit) => digit,
        (_, digit @ 0..=4) => digit * 2,
        (_, digit) => digit * 2 - 9,
    };
    digits.iter().rev().enumerate().map(value).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_found_in_every_script_and_behind_every_separator() {
        for text in [
            "4761340000000050",
            "4761 3400-0000.0050",
            "my card 4761340000000050 really",
            "a4b7c6d1e3f4g0h0i0j0k0l0m0n0o5p0",
            "٤٧٦١٣٤٠٠٠٠٠٠٠٠٥٠",
            "४७६१३४००००००००५०",
            "四七六一三四〇〇〇〇〇〇〇〇五〇",
            "４７６１ ３４００ ００００ ００５０",
            "47613400000000501",
            "6703444444444449",
        ] {
            assert!(hides_card_number(text), "{text}");
        }
        for text in ["4761340000000051", "anna 1984-02-17", "1234567890", "", "王小明", "٤٧٦١"] {
            assert!(!hides_card_number(text), "{text}");
        }
    }

    #[test]
    fn the_table_names_zeros_that_are_ten_apart_at_least() {
        assert!(ZEROS.windows(2).all(|two| two[0] + 10 <= two[1]));
        let digits = ZEROS.iter().map(|zero| char::from_u32(*zero).unwrap());
        assert!(digits.into_iter().all(char::is_numeric));
    }
}
