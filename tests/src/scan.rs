//! Scanning what is on a screen, as somebody else's program does it: zbar.

use std::path::Path;
use std::process::Command;

/// What every code in a picture says, as `zbarimg` reads it.
///
/// # Panics
/// When `zbarimg` is not installed.
pub fn zbar(picture: &Path) -> Vec<String> {
    let output = Command::new("zbarimg").args(["--quiet", "--raw", "--nodbus"]).arg(picture).output();
    let output = output.expect("zbarimg is installed: run `cargo xtask setup`");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
