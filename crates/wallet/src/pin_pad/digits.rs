//! Digits drawn as strokes: antialiased, dark ink on nothing, so that a dark theme only has to invert them.
//!
//! Every drawing differs a little in place, size and weight, so that two equal digits are never two equal
//! files: a table of checksums does not read the pad.

use tiny_skia::{Color, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

/// Width and height of a key's picture, in pixels: twice the 48 it is shown at.
const SIDE: u32 = 96;
/// The digit's box inside the picture, in pixels.
const GLYPH_HEIGHT: f32 = 52.0;
/// Weight of the stroke, in units of the glyph's height.
const STROKE: f32 = 0.115;
/// How far a drawing may be moved, in pixels.
const SHIFT_MAX: f32 = 4.0;
/// How much larger or smaller a drawing may be.
const SCALE_SPREAD: f32 = 0.06;

/// A picture of the digit as PNG; `random` gives the bytes that vary it.
pub fn png(digit: u8, mut random: impl FnMut() -> u8) -> Vec<u8> {
    let mut spread = || f32::from(random()) / 127.5 - 1.0;
    let height = GLYPH_HEIGHT * (1.0 + SCALE_SPREAD * spread());
    let middle = f32::from(u8::try_from(SIDE / 2).unwrap_or(u8::MAX));
    // Glyphs are drawn in a box of 0.6 by 1.
    let left = middle - 0.3 * height + SHIFT_MAX * spread();
    let top = middle - 0.5 * height + SHIFT_MAX * spread();
    let stroke = Stroke {
        width: STROKE * (1.0 + 0.12 * spread()),
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        ..Stroke::default()
    };
    let mut paint = Paint::default();
    paint.set_color(Color::BLACK);
    let mut picture = Pixmap::new(SIDE, SIDE).expect("the side is not zero");
    let place = Transform::from_row(height, 0.0, 0.0, height, left, top);
    picture.stroke_path(&glyph(digit), &paint, &stroke, place, None);
    picture.encode_png().expect("a picture in memory can always be encoded")
}

/// The strokes of a digit in a box 0.6 wide and 1 high, y downwards.
fn glyph(digit: u8) -> Path {
    let mut pen = PathBuilder::new();
    match digit {
        0 => {
            pen.move_to(0.3, 0.0);
            pen.cubic_to(0.68, 0.0, 0.68, 1.0, 0.3, 1.0);
            pen.cubic_to(-0.08, 1.0, -0.08, 0.0, 0.3, 0.0);
            pen.close();
        }
        1 => {
            pen.move_to(0.12, 0.2);
            pen.line_to(0.36, 0.0);
            pen.line_to(0.36, 1.0);
        }
        2 => {
            pen.move_to(0.04, 0.24);
            pen.cubic_to(0.08, -0.08, 0.58, -0.08, 0.56, 0.27);
            pen.cubic_to(0.55, 0.5, 0.2, 0.72, 0.02, 1.0);
            pen.line_to(0.58, 1.0);
        }
        3 => {
            pen.move_to(0.06, 0.14);
            pen.cubic_to(0.18, -0.06, 0.54, -0.04, 0.54, 0.24);
            pen.cubic_to(0.54, 0.42, 0.38, 0.47, 0.22, 0.47);
            pen.cubic_to(0.42, 0.47, 0.58, 0.54, 0.58, 0.74);
            pen.cubic_to(0.58, 1.06, 0.14, 1.08, 0.02, 0.84);
        }
        4 => {
            pen.move_to(0.44, 1.0);
            pen.line_to(0.44, 0.0);
            pen.line_to(0.0, 0.7);
            pen.line_to(0.6, 0.7);
        }
        5 => {
            pen.move_to(0.52, 0.0);
            pen.line_to(0.12, 0.0);
            pen.line_to(0.07, 0.44);
            pen.cubic_to(0.26, 0.3, 0.58, 0.38, 0.58, 0.68);
            pen.cubic_to(0.58, 1.06, 0.14, 1.08, 0.02, 0.86);
        }
        6 => {
            pen.move_to(0.46, 0.0);
            pen.cubic_to(0.2, 0.2, 0.03, 0.44, 0.03, 0.68);
            pen.cubic_to(0.03, 1.1, 0.58, 1.1, 0.58, 0.69);
            pen.cubic_to(0.58, 0.32, 0.1, 0.32, 0.05, 0.62);
        }
        7 => {
            pen.move_to(0.02, 0.0);
            pen.line_to(0.58, 0.0);
            pen.line_to(0.2, 1.0);
        }
        8 => {
            pen.move_to(0.3, 0.47);
            pen.cubic_to(-0.04, 0.4, 0.0, 0.0, 0.3, 0.0);
            pen.cubic_to(0.6, 0.0, 0.64, 0.4, 0.3, 0.47);
            pen.cubic_to(-0.1, 0.55, -0.06, 1.0, 0.3, 1.0);
            pen.cubic_to(0.66, 1.0, 0.7, 0.55, 0.3, 0.47);
            pen.close();
        }
        _ => {
            pen.move_to(0.14, 1.0);
            pen.cubic_to(0.4, 0.8, 0.57, 0.56, 0.57, 0.32);
            pen.cubic_to(0.57, -0.1, 0.02, -0.1, 0.02, 0.31);
            pen.cubic_to(0.02, 0.68, 0.5, 0.68, 0.55, 0.38);
        }
    }
    pen.finish().expect("every glyph has strokes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_drawn_inside_its_picture_on_nothing() {
        for digit in 0..=9 {
            for extreme in [0, 255] {
                let picture = Pixmap::decode_png(&png(digit, || extreme)).unwrap();
                assert_eq!((picture.width(), picture.height()), (SIDE, SIDE));
                let inked = picture.pixels().iter().filter(|pixel| pixel.alpha() > 127).count();
                assert!((150..3000).contains(&inked), "digit {digit}: {inked} pixels");
                let side = usize::try_from(SIDE).unwrap();
                let on_edge = |index: usize| {
                    let (x, y) = (index % side, index / side);
                    x == 0 || y == 0 || x == side - 1 || y == side - 1
                };
                let edge_inked =
                    picture.pixels().iter().enumerate().any(|(index, pixel)| on_edge(index) && pixel.alpha() > 0);
                assert!(!edge_inked, "digit {digit} touches the edge");
            }
        }
    }

    #[test]
    fn digits_look_different() {
        let pictures: Vec<Vec<u8>> =
            (0..=9).map(|digit| Pixmap::decode_png(&png(digit, || 128)).unwrap().take()).collect();
        for (index, one) in pictures.iter().enumerate() {
            for other in &pictures[..index] {
                let differing = one.iter().zip(other).filter(|(a, b)| a.abs_diff(**b) > 127).count();
                assert!(differing > 100, "two digits look alike");
            }
        }
    }
}
