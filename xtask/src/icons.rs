//! The `icons` verb: every platform's icons, drawn from the SVG files in `icons/`.

use std::fs;
use std::path::Path;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::failure::Failure;
use crate::repository::root;

/// Up to this many pixels the mark is drawn from the source that was made for small sizes.
const SMALL_PX_MAX: u32 = 24;
/// The resources of the Android project.
const ANDROID: &str = "src-tauri/gen/android/app/src/main/res";
/// Android's densities and how many pixels each makes of a dp, in quarters.
const DENSITIES: [(&str, u32); 5] = [("mdpi", 4), ("hdpi", 6), ("xhdpi", 8), ("xxhdpi", 12), ("xxxhdpi", 16)];
/// How many sizes a Windows icon has.
const ICO_COUNT: u8 = 7;
/// The sizes in a Windows icon, in pixels.
const ICO_SIZES: [u32; ICO_COUNT as usize] = [16, 20, 24, 32, 48, 64, 256];
/// The sizes in a macOS icon: Apple's type of the entry, and its pixels.
const ICNS_SIZES: [(&[u8; 4], u32); 7] =
    [(b"icp4", 16), (b"icp5", 32), (b"ic07", 128), (b"ic08", 256), (b"ic09", 512), (b"ic10", 1024), (b"ic11", 32)];
/// The header of a Windows icon and each entry of its directory, in bytes.
const ICO_HEADER_BYTES: usize = 6;
const ICO_ENTRY_BYTES: usize = 16;

/// One file to draw: its source without `.svg`, its size in pixels, and its name below the project's root.
struct Picture {
    source: &'static str,
    px: u32,
    file: String,
}

impl Picture {
    fn new(source: &'static str, px: u32, file: impl Into<String>) -> Self {
        Self { source, px, file: file.into() }
    }
}

/// Draws them all.
pub fn run() -> Result<(), Failure> {
    let root = root();
    for picture in pictures() {
        write(&root.join(&picture.file), &png(&root, picture.source, picture.px)?)?;
    }
    write(&root.join("icons/icon.ico"), &ico(&root)?)?;
    write(&root.join("icons/icon.icns"), &icns(&root)?)
}

/// Every PNG.
fn pictures() -> Vec<Picture> {
    let mut pictures = vec![
        Picture::new("app", 32, "icons/32x32.png"),
        Picture::new("app", 128, "icons/128x128.png"),
        Picture::new("app", 256, "icons/128x128@2x.png"),
        Picture::new("app", 512, "icons/icon.png"),
        Picture::new("app-small", 16, "icons/16x16.png"),
        Picture::new("app-full", 1024, "icons/ios/AppIcon.appiconset/AppIcon-1024.png"),
    ];
    for (density, quarters) in DENSITIES {
        let of_dp = |dp: u32| dp * quarters / 4;
        let file = |name: &str| format!("{ANDROID}/mipmap-{density}/{name}.png");
        pictures.push(Picture::new("app", of_dp(48), file("ic_launcher")));
        pictures.push(Picture::new("round", of_dp(48), file("ic_launcher_round")));
        pictures.push(Picture::new("foreground", of_dp(108), file("ic_launcher_foreground")));
    }
    pictures
}

/// A source drawn as a square picture.
fn draw(root: &Path, source: &str, px: u32) -> Result<Pixmap, Failure> {
    let path = root.join("icons").join(format!("{source}.svg"));
    let what = path.display().to_string();
    let svg = fs::read(&path).map_err(Failure::io(what.clone()))?;
    let tree = Tree::from_data(&svg, &Options::default())
        .map_err(|error| Failure::unexpected(what.clone(), error.to_string()))?;
    let mut pixmap = Pixmap::new(px, px).ok_or_else(|| Failure::unexpected(what, "a size of nothing"))?;
    #[expect(clippy::cast_precision_loss, reason = "an icon has at most 1024 pixels")]
    let scale = px as f32 / tree.size().width();
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    Ok(pixmap)
}

fn png(root: &Path, source: &str, px: u32) -> Result<Vec<u8>, Failure> {
    draw(root, source, px)?.encode_png().map_err(|error| Failure::unexpected(source, error.to_string()))
}

/// A Windows icon: a header, a directory, and PNG files, which Windows has read since Vista.
fn ico(root: &Path) -> Result<Vec<u8>, Failure> {
    let files = ICO_SIZES.map(|px| (px, png(root, if px <= SMALL_PX_MAX { "app-small" } else { "app" }, px)));
    let mut directory = Vec::from([0, 0, 1, 0, ICO_COUNT, 0]);
    let mut body = Vec::new();
    for (px, file) in files {
        let file = file?;
        let offset = ICO_HEADER_BYTES + ICO_ENTRY_BYTES * ICO_SIZES.len() + body.len();
        // A size of 256 is written as nothing; one plane, 32 bits a pixel.
        let side = u8::try_from(px % 256).expect("a remainder of 256 fits a byte");
        directory.extend([side, side, 0, 0, 1, 0, 32, 0]);
        directory.extend(count_of(file.len()).to_le_bytes());
        directory.extend(count_of(offset).to_le_bytes());
        body.extend(file);
    }
    directory.extend(body);
    Ok(directory)
}

/// A macOS icon: a magic word, its length, and one PNG file an entry.
fn icns(root: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    for (kind, px) in ICNS_SIZES {
        let file = png(root, if px <= SMALL_PX_MAX { "app-small" } else { "app-mac" }, px)?;
        body.extend(kind);
        body.extend((count_of(file.len()) + 8).to_be_bytes());
        body.extend(file);
    }
    let mut whole = Vec::from(*b"icns");
    whole.extend((count_of(body.len()) + 8).to_be_bytes());
    whole.extend(body);
    Ok(whole)
}

/// A number of bytes as both formats write it.
fn count_of(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("an icon is far smaller than four gigabytes")
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(Failure::io(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far a channel may be off on another processor.
    const CHANNEL_TOLERANCE: u8 = 8;

    #[test]
    fn what_is_committed_was_drawn_from_its_source() {
        let root = root();
        for picture in pictures() {
            let drawn = draw(&root, picture.source, picture.px).unwrap();
            let committed = Pixmap::load_png(root.join(&picture.file)).unwrap();
            assert_eq!(committed.width(), picture.px, "{}", picture.file);
            let is_same = drawn.data().iter().zip(committed.data()).all(|(a, b)| a.abs_diff(*b) <= CHANNEL_TOLERANCE);
            assert!(is_same, "{} is another picture: run `cargo xtask icons`", picture.file);
        }
    }

    #[test]
    fn what_must_not_be_seen_through_is_not() {
        let full = draw(&root(), "app-full", 64).unwrap();
        assert!(full.pixels().iter().all(|pixel| pixel.alpha() == 255), "the App Store takes no transparency");
    }

    #[test]
    fn what_a_launcher_may_cut_off_is_empty() {
        let foreground = draw(&root(), "foreground", 108).unwrap();
        let is_far = |index: usize| {
            let (x, y) = (index % 108, index / 108);
            x.abs_diff(54).pow(2) + y.abs_diff(54).pow(2) > 33 * 33
        };
        let far = foreground.pixels().iter().enumerate().filter(|(index, _)| is_far(*index));
        assert_eq!(far.filter(|(_, pixel)| pixel.alpha() > 0).count(), 0);
    }
}
