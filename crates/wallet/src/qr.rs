//! QR codes to show: dark on white with their quiet zone, whatever the theme.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// The smallest side, in pixels.
const SIDE_MIN: u32 = 240;

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
    match QrCode::with_error_correction_level(text, level) {
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
