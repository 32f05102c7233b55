//! QR codes to show: dark on white with their quiet zone, whatever the theme.

use qrcode::bits::Bits;
use qrcode::render::svg;
use qrcode::types::{QrError, QrResult};
use qrcode::{EcLevel, QrCode, Version};

/// The smallest side, in pixels.
const SIDE_MIN: u32 = 240;

/// Says that what follows is UTF-8 (AIM ECI designator 26): without it a reader guesses, and guesses `é` to be Chinese.
const ECI_UTF8: u32 = 26;
/// The largest version of a code.
const VERSION_MAX: i16 = 40;

/// How much of a code may be unreadable (ISO/IEC 18004, section 7.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// About 7 %: for long texts on clean screens.
    Little,
    /// About 15 %: for screens with reflections, and for print.
    Some,
}

/// A QR code as SVG; empty when the text is too long for one.
pub fn svg(text: &str, damage: Damage) -> String {
    let level = match damage {
        Damage::Little => EcLevel::L,
        Damage::Some => EcLevel::M,
    };
    match code(text, level) {
        Ok(code) => code
            .render::<svg::Color<'_>>()
            .min_dimensions(SIDE_MIN, SIDE_MIN)
            .dark_color(svg::Color("#000000"))
            .light_color(svg::Color("#ffffff"))
            .build(),
        Err(error) => {
            tracing::warn!(%error, "a text does not fit a QR code");
            String::new()
        }
    }
}

/// The smallest code that holds the text.
fn code(text: &str, level: EcLevel) -> QrResult<QrCode> {
    if text.is_ascii() {
        return QrCode::with_error_correction_level(text, level);
    }
    for version in 1..=VERSION_MAX {
        match with_designator(text, Version::Normal(version), level) {
            Err(QrError::DataTooLong) => {}
            code => return code,
        }
    }
    Err(QrError::DataTooLong)
}

fn with_designator(text: &str, version: Version, level: EcLevel) -> QrResult<QrCode> {
    let mut bits = Bits::new(version);
    bits.push_eci_designator(ECI_UTF8)?;
    // As bytes throughout: some of them would pass for Shift JIS, which the designator rules out.
    bits.push_byte_data(text.as_bytes())?;
    bits.push_terminator(level)?;
    QrCode::with_bits(bits, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_language_are_read_back() {
        for text in ["https://pay.example/r/token#key", "Blue Door Café", "蓝门咖啡", "Дверь"] {
            let code = code(text, EcLevel::M).unwrap();
            let colours = code.to_colors();
            let grid =
                rqrr::SimpleGrid::from_func(code.width(), |x, y| colours[y * code.width() + x] == qrcode::Color::Dark);
            assert_eq!(rqrr::Grid::new(grid).decode().unwrap().1, text);
        }
    }

    #[test]
    fn a_text_that_no_code_holds_has_none() {
        assert_eq!(svg(&"é".repeat(2_000), Damage::Some), "");
        assert!(svg("é", Damage::Little).contains("<svg"));
    }
}
