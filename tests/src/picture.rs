//! Codes as pictures: the SVG of a code drawn as a PNG, and a PNG's code read by a reader of its own.

use std::path::Path;

use image::{GrayImage, Luma};

/// Pixels of the picture for each of the drawing's.
const SCALE: u32 = 3;

/// Draws a code's SVG: a white sheet with dark rectangles, each as `Mx yhWvHH-xV-y`.
///
/// # Panics
/// When the drawing is not one of a code.
pub fn write_png(svg: &str, file: &Path) {
    let attribute = |name: &str| {
        let value = svg.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
        value.unwrap_or_else(|| panic!("the drawing has a {name}")).0
    };
    let side: u32 = attribute("width").parse().expect("a width is a number");
    let mut picture = GrayImage::from_pixel(side * SCALE, side * SCALE, Luma([255]));
    for rectangle in attribute("d").split('M').filter(|text| !text.is_empty()) {
        let numbers: Vec<u32> = rectangle
            .split(|letter: char| !letter.is_ascii_digit())
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().expect("a number"))
            .collect();
        let [left, top, width, height, ..] = numbers[..] else { panic!("not a rectangle: {rectangle}") };
        for y in top * SCALE..(top + height) * SCALE {
            for x in left * SCALE..(left + width) * SCALE {
                picture.put_pixel(x, y, Luma([0]));
            }
        }
    }
    picture.save(file).expect("the picture can be written");
}

/// The text of the one code in a picture.
///
/// # Panics
/// When there is none, or more than one.
pub fn read_code(file: &Path) -> String {
    let picture = image::open(file).expect("a picture").into_luma8();
    let (width, height) = (usize::try_from(picture.width()), usize::try_from(picture.height()));
    let (width, height) = (width.expect("a small picture"), height.expect("a small picture"));
    let pixels = picture.as_raw();
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let grids = prepared.detect_grids();
    assert_eq!(grids.len(), 1, "one code in {}", file.display());
    grids[0].decode().expect("the code can be read").1
}
