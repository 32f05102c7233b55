//! Pictures as people take them: turned, dark, small, noisy, with other codes beside ours.

use image::{DynamicImage, ImageFormat, Luma};
use qrcode::{EcLevel, QrCode};

use super::*;

const HOST: &str = "pay.example";
const TOKEN: &str = "AAECAwQFBgcICQoLDA0ODw";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Every way of looking is tried, however slow the machine.
const NO_HURRY: Duration = Duration::from_mins(10);

fn link() -> String {
    format!("https://{HOST}/r/{TOKEN}#{KEY}")
}

/// A code with modules of so many pixels, on white.
fn drawn(text: &str, module: u32) -> GrayImage {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
    let (width, quiet) = (u32::try_from(code.width()).unwrap(), 4);
    let colours = code.to_colors();
    let side = (width + 2 * quiet) * module;
    GrayImage::from_fn(side, side, |x, y| {
        let (column, row) = ((x / module).wrapping_sub(quiet), (y / module).wrapping_sub(quiet));
        let inside = column < width && row < width;
        let dark = inside && colours[usize::try_from(row * width + column).unwrap()] == qrcode::Color::Dark;
        Luma([if dark { 0 } else { 255 }])
    })
}

/// The picture turned by so many degrees around its middle, on a larger sheet.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of a small picture"
)]
fn turned(picture: &GrayImage, degrees: f32) -> GrayImage {
    let (side, sheet) = (picture.width() as f32, picture.width() * 3 / 2);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = sheet as f32 / 2.0;
    GrayImage::from_fn(sheet, sheet, |x, y| {
        let (dx, dy) = (x as f32 - middle, y as f32 - middle);
        let (from_x, from_y) = (dx * cos + dy * sin + side / 2.0, dy * cos - dx * sin + side / 2.0);
        let inside = from_x >= 0.0 && from_y >= 0.0 && from_x < side && from_y < side;
        if inside { *picture.get_pixel(from_x as u32, from_y as u32) } else { Luma([255]) }
    })
}

/// Only this share of the light, in per cent, and everything a little grey.
fn darkened(picture: &GrayImage, percent: u32) -> GrayImage {
    let mut dark = picture.clone();
    for pixel in dark.iter_mut() {
        *pixel = u8::try_from(u32::from(*pixel) * percent / 100 + 8).unwrap();
    }
    dark
}

/// With noise of this strength, the same in every run.
fn noisy(picture: &GrayImage, strength: i32) -> GrayImage {
    let mut noisy = picture.clone();
    let mut state: u32 = 12_345;
    for pixel in noisy.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = i32::try_from(state >> 24).unwrap() * 2 * strength / 255 - strength;
        *pixel = u8::try_from((i32::from(*pixel) + noise).clamp(0, 255)).unwrap();
    }
    noisy
}

fn beside(left: &GrayImage, right: &GrayImage) -> GrayImage {
    let height = left.height().max(right.height());
    let mut both = GrayImage::from_pixel(left.width() + right.width() + 20, height, Luma([255]));
    imageops::replace(&mut both, left, 0, 0);
    imageops::replace(&mut both, right, i64::from(left.width() + 20), 0);
    both
}

fn encoded(picture: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(picture.clone()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn found(picture: &GrayImage) -> std::result::Result<String, ErrorCode> {
    payment_code(&encoded(picture, ImageFormat::Png), HOST, NO_HURRY).map_err(|error| error.code())
}

#[test]
fn a_code_is_found_as_it_is_photographed() {
    let code = drawn(&link(), 6);
    let pictures = [
        ("straight", code.clone()),
        ("on its side", imageops::rotate90(&code)),
        ("on its head", imageops::rotate180(&code)),
        ("turned a little", turned(&code, 17.0)),
        ("turned much", turned(&code, 45.0)),
        ("in the dark", darkened(&code, 12)),
        ("with noise", noisy(&code, 70)),
        ("in the dark with noise", noisy(&darkened(&code, 25), 12)),
        ("small", drawn(&link(), 2)),
        ("large", drawn(&link(), 40)),
        ("light on dark", inverted(&code)),
    ];
    for (how, picture) in pictures {
        assert_eq!(found(&picture), Ok(link()), "{how}");
    }
}

#[test]
fn each_format_is_read() {
    let code = drawn(&link(), 6);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        assert_eq!(payment_code(&encoded(&code, format), HOST, NO_HURRY).ok(), Some(link()), "{format:?}");
    }
}

#[test]
fn our_code_is_found_beside_others_and_none_is_chosen_of_two() {
    let ours = drawn(&link(), 5);
    let other = drawn("https://menu.example/today", 5);
    assert_eq!(found(&beside(&other, &ours)), Ok(link()));
    let second = drawn(&link().replace(TOKEN, "BBECAwQFBgcICQoLDA0ODw"), 5);
    assert_eq!(found(&beside(&ours, &second)), Err(ErrorCode::CodeUnreadable));
    assert_eq!(found(&beside(&ours, &ours)), Ok(link()), "the same twice is one");
}

#[test]
fn what_is_no_payment_code_says_so() {
    let empty = GrayImage::from_pixel(300, 300, Luma([255]));
    assert_eq!(found(&empty), Err(ErrorCode::CodeUnreadable));
    assert_eq!(found(&drawn("https://menu.example/today", 5)), Err(ErrorCode::LinkInvalid));
    let elsewhere = link().replace(HOST, "evil.example");
    assert_eq!(found(&drawn(&elsewhere, 5)), Err(ErrorCode::LinkInvalid), "a link cannot send the wallet elsewhere");
    let code = |bytes: &[u8]| payment_code(bytes, HOST, NO_HURRY).unwrap_err().code();
    assert_eq!(code(b"not a picture"), ErrorCode::CodeUnreadable);
    assert_eq!(code(&[]), ErrorCode::CodeUnreadable);
    let png = encoded(&empty, ImageFormat::Png);
    assert_eq!(code(&png[..png.len() / 2]), ErrorCode::CodeUnreadable, "a picture that was cut off");
}

/// A PNG of a few bytes that claims to be 60,000 pixels wide and high: it must not be unpacked.
#[test]
fn a_picture_that_unpacks_to_gigabytes_is_refused() {
    let mut png = encoded(&GrayImage::new(1, 1), ImageFormat::Png);
    png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    let checked = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checked.to_be_bytes());
    let started = Instant::now();
    assert!(payment_code(&png, HOST, NO_HURRY).is_err());
    assert!(started.elapsed() < Duration::from_secs(1));
}

/// The checksum of a PNG chunk (RFC 2083, section 3.4).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
