//! A display of our own, and what stands on it: Xvfb keeps its picture in a file (`-fbdir`), so looking at it takes
//! nothing from the program that draws.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// As large as the window.
const SCREEN: &str = "390x780x24";
/// One pixel in so many is looked at, across and down.
const STEP: usize = 2;
/// Pictures are alike when fewer than one in so many of the pixels looked at differ: a clock that ticks is no change.
const DIFFERING: usize = 100;
/// Numbers in the head of an XWD file.
const HEAD_NUMBERS: usize = 25;

/// A running display.
pub struct Display {
    server: Child,
    number: String,
    picture: PathBuf,
}

/// What stood on the display, in fewer pixels.
pub struct Picture {
    pixels: Vec<[u8; 4]>,
}

/// Where the pixels are in the file.
struct Layout {
    start: u64,
    width: usize,
    height: usize,
    line_bytes: usize,
}

impl Display {
    /// Starts one that keeps its picture in `folder`.
    pub fn start(folder: &Path) -> Self {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-fbdir"]).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().expect("Xvfb starts; run `cargo xtask setup`");
        let mut number = String::new();
        let output = server.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut number).expect("the display says its number");
        Self { server, number: format!(":{}", number.trim()), picture: folder.join("Xvfb_screen0") }
    }

    /// Makes a program show itself here.
    pub fn enter(&self, command: &mut Command) {
        command.env_remove("WAYLAND_DISPLAY").env("DISPLAY", &self.number);
        command.env("GDK_BACKEND", "x11").env("NO_AT_BRIDGE", "1");
    }

    /// What stands there now.
    pub fn look(&self) -> Picture {
        let (layout, bytes) = self.read();
        let rows = (0..layout.height).step_by(STEP);
        let pixels = rows.flat_map(|row| {
            let (bytes, layout) = (&bytes, &layout);
            (0..layout.width).step_by(STEP).map(move |column| pixel(bytes, layout, row, column))
        });
        Picture { pixels: pixels.collect() }
    }

    /// Waits until the display looks like `picture`.
    pub fn wait_until_like(&self, picture: &Picture, limit: Duration) {
        let started = Instant::now();
        while !self.look().is_like(picture) {
            assert!(started.elapsed() < limit, "the display does not empty");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Keeps what stands there as a PNG.
    pub fn save(&self, path: &Path) {
        let (layout, bytes) = self.read();
        let size = |value: usize| u32::try_from(value).expect("a display is small");
        let picture = image::RgbImage::from_fn(size(layout.width), size(layout.height), |column, row| {
            // Blue first, as a little-endian display of 24 bits keeps them.
            let [blue, green, red, _] = pixel(&bytes, &layout, row as usize, column as usize);
            image::Rgb([red, green, blue])
        });
        picture.save(path).expect("the picture can be written");
    }

    fn read(&self) -> (Layout, Vec<u8>) {
        let file = File::open(&self.picture).expect("the display keeps its picture");
        let mut head = [0; HEAD_NUMBERS * 4];
        file.read_exact_at(&mut head, 0).expect("the picture has a head");
        let number = |place: usize| {
            let bytes = head[place * 4..place * 4 + 4].try_into().expect("four bytes");
            u32::from_be_bytes(bytes) as usize
        };
        // XWDFile.h: header_size 0, pixmap_width 4, pixmap_height 5, bytes_per_line 12, ncolors 19; a colour has 12 bytes.
        let layout = Layout {
            start: (number(0) + number(19) * 12) as u64,
            width: number(4),
            height: number(5),
            line_bytes: number(12),
        };
        let mut bytes = vec![0; layout.line_bytes * layout.height];
        file.read_exact_at(&mut bytes, layout.start).expect("the picture has pixels");
        (layout, bytes)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It ends with us, whatever failed.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Picture {
    /// Whether two pictures differ in so little that nothing has changed.
    pub fn is_like(&self, other: &Self) -> bool {
        let differing = self.pixels.iter().zip(&other.pixels).filter(|(ours, theirs)| ours != theirs).count();
        differing < self.pixels.len() / DIFFERING
    }
}

fn pixel(bytes: &[u8], layout: &Layout, row: usize, column: usize) -> [u8; 4] {
    let start = row * layout.line_bytes + column * 4;
    bytes[start..start + 4].try_into().expect("a pixel has four bytes")
}
