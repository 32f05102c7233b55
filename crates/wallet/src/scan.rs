//! Finding a payment code in a picture: PNG, JPEG or WebP, of bounded size, within bounded time.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::{self, FilterType};
use image::{GrayImage, ImageReader, Limits};
use protocol::ipc::RequestView;
use protocol::{ErrorCode, Problem, mpm};

use crate::error::{Result, WalletError};
use crate::inbox::{Goal, Link};
use crate::merchant_code;
use crate::wallet::Wallet;

/// The largest picture, in bytes.
pub(crate) const PICTURE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The longest side of a picture, in pixels.
const SIDE_MAX: u32 = 10_000;
/// How much memory a picture may take once it is decoded, in bytes.
const DECODED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The longest side that is searched, in pixels: a larger picture is made smaller first.
const SEARCHED_SIDE_MAX: u32 = 1_600;
/// Below this side, a picture is made larger too, in pixels.
const SMALL_SIDE: u32 = 800;
/// When no further way of looking is begun.
const LOOKING_MAX: Duration = Duration::from_secs(4);
/// How much noise is smoothed away before another look, as a standard deviation in pixels.
const SMOOTHING: f32 = 1.2;

impl Wallet {
    /// Finds a request in a picture of a QR. Shows it; never acts.
    pub async fn scan_image(&self, image: String) -> std::result::Result<RequestView, Problem> {
        if image.len() > PICTURE_BYTES_MAX.div_ceil(3) * 4 {
            return Err(unreadable("the picture is larger than 8 MiB").into());
        }
        let picture =
            STANDARD.decode(image.trim()).map_err(|_| unreadable("it is not base64")).map_err(Problem::from)?;
        let host = self.core.trust.server_host().to_owned();
        let searching = tokio::task::spawn_blocking(move || payment_code(&picture, &host, LOOKING_MAX));
        let code = searching.await.map_err(|_| WalletError::Code(ErrorCode::CodeUnreadable))??;
        self.open_link(code).await
    }
}

/// The texts of the codes in a picture; looking ends early once one `is_wanted`.
pub(crate) fn texts_of(picture: &[u8], is_wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    Ok(texts_in(&decoded(picture)?, LOOKING_MAX, is_wanted))
}

fn unreadable(why: &str) -> WalletError {
    WalletError::Detailed(ErrorCode::CodeUnreadable, why.to_owned())
}

/// The one payment code in a picture. Of several that lead to different requests none is chosen.
fn payment_code(picture: &[u8], server_host: &str, looking_max: Duration) -> Result<String> {
    let texts = texts_in(&decoded(picture)?, looking_max, |text| is_ours(text, server_host));
    let mut ours = texts.iter().filter_map(|text| Some((place(text, server_host)?, text)));
    let Some((first_place, first)) = ours.next() else {
        let code = if texts.is_empty() { ErrorCode::CodeUnreadable } else { ErrorCode::LinkInvalid };
        return Err(WalletError::Code(code));
    };
    let mut chosen = first;
    for (place, text) in ours {
        if place != first_place {
            return Err(unreadable("there is more than one payment code; show one alone"));
        }
        // Of two codes of one request, the one that can be checked against its order.
        if mpm::looks_like_a_code(text) {
            chosen = text;
        }
    }
    Ok(chosen.clone())
}

/// Whether a text leads to our server, as a link or as a merchant-presented code.
fn is_ours(text: &str, server_host: &str) -> bool {
    place(text, server_host).is_some()
}

/// Where a text leads: a screen may show the same request in two codes.
fn place(text: &str, server_host: &str) -> Option<(Goal, String)> {
    let link = match merchant_code::read(text) {
        Ok(Some(code)) => Link::parse(&merchant_code::link(&code), server_host),
        Ok(None) => Link::parse(text, server_host),
        Err(_) => return None,
    };
    link.ok().map(|link| (link.goal, link.token))
}

/// The picture in shades of grey, no larger than is searched.
fn decoded(picture: &[u8]) -> Result<GrayImage> {
    let fault = |_| unreadable("it is not a PNG, JPEG or WebP picture, or too large");
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    let mut reader =
        ImageReader::new(Cursor::new(picture)).with_guessed_format().map_err(|error| unreadable(&error.to_string()))?;
    reader.limits(limits);
    let decoded = reader.decode().map_err(fault)?;
    let side = decoded.width().max(decoded.height());
    let searched =
        if side > SEARCHED_SIDE_MAX { decoded.thumbnail(SEARCHED_SIDE_MAX, SEARCHED_SIDE_MAX) } else { decoded };
    Ok(searched.into_luma8())
}

/// The texts of the codes in a picture, looked for in one way after the other until one `is_wanted`, or time is up.
fn texts_in(picture: &GrayImage, looking_max: Duration, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let started = Instant::now();
    let ways: [fn(&GrayImage) -> GrayImage; 6] = [GrayImage::clone, larger, smoothed, stretched, inverted, smaller];
    let mut found = BTreeSet::new();
    for way in ways {
        found.extend(codes(&way(picture)));
        if found.iter().any(|text| is_wanted(text)) || started.elapsed() > looking_max {
            break;
        }
    }
    found.into_iter().collect()
}

/// The texts of the codes that a single look finds.
fn codes(picture: &GrayImage) -> Vec<String> {
    let (width, height) = picture.dimensions();
    let (Ok(columns), Ok(rows)) = (usize::try_from(width), usize::try_from(height)) else { return Vec::new() };
    let pixels = picture.as_raw();
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(columns, rows, |x, y| pixels[y * columns + x]);
    let grids = prepared.detect_grids();
    grids.iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

/// A small picture, three times as large: modules of one or two pixels are too few.
fn larger(picture: &GrayImage) -> GrayImage {
    let (width, height) = picture.dimensions();
    let times = if width.max(height) < SMALL_SIDE { 3 } else { 1 };
    imageops::resize(picture, width * times, height * times, FilterType::CatmullRom)
}

/// Without the noise of a dark sensor.
fn smoothed(picture: &GrayImage) -> GrayImage {
    imageops::blur(&stretched(picture), SMOOTHING)
}

/// From the darkest to the lightest shade in use: what was photographed in the dark has few.
fn stretched(picture: &GrayImage) -> GrayImage {
    let shades = picture.as_raw();
    let darkest = shades.iter().copied().min().unwrap_or(0);
    let span = u32::from(shades.iter().copied().max().unwrap_or(0).saturating_sub(darkest)).max(1);
    let mut stretched = picture.clone();
    for pixel in stretched.iter_mut() {
        let shade = u32::from(pixel.saturating_sub(darkest)) * 255 / span;
        *pixel = u8::try_from(shade).unwrap_or(u8::MAX);
    }
    stretched
}

/// Light on dark becomes dark on light.
fn inverted(picture: &GrayImage) -> GrayImage {
    let mut inverted = picture.clone();
    imageops::invert(&mut inverted);
    inverted
}

/// Half as large: averages noise away where modules have many pixels.
fn smaller(picture: &GrayImage) -> GrayImage {
    let (width, height) = picture.dimensions();
    imageops::thumbnail(picture, (width / 2).max(1), (height / 2).max(1))
}

#[cfg(test)]
mod tests;
