//! The empty Tauri program the window is measured beside: one page with one block of colour, in the versions of our
//! lockfile and with our release profile.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{release_program, root};

/// The program's name.
const NAME: &str = "hello-window";
const MANIFEST: &str = r#"[package]
name = "hello-window"
version = "0.1.0"
edition = "2024"

[workspace]

[dependencies]
tauri = { version = "2.12", features = ["custom-protocol"] }

[build-dependencies]
tauri-build = "2.7"

[profile.release]
lto = "thin"
codegen-units = 4
strip = "debuginfo"
"#;
const MAIN: &str = r#"fn main() {
    tauri::Builder::default().run(tauri::generate_context!()).expect("the system shows a window");
}
"#;
const BUILD: &str = "fn main() {\n    tauri_build::build();\n}\n";
const PAGE: &str = r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Hello</title>
<style>body { margin: 0; background: #1a7f37; color: #fff; font: 24px system-ui }</style>
<h1>Hello</h1></html>
"#;

/// Writes and builds the program below cargo's target folder, and answers where it is.
pub fn build(target: &Path) -> Result<PathBuf, Failure> {
    let folder = target.join(NAME);
    let configuration = serde_json::json!({
        "productName": "Hello",
        "identifier": "org.tapseal.hello",
        "build": { "frontendDist": "page" },
        "app": { "windows": [{ "title": "Hello", "width": 390, "height": 780 }] },
        "bundle": { "icon": [root().join("icons/32x32.png"), root().join("icons/icon.png")] },
    });
    let files = [
        ("Cargo.toml", MANIFEST.to_owned()),
        ("build.rs", BUILD.to_owned()),
        ("src/main.rs", MAIN.to_owned()),
        ("page/index.html", PAGE.to_owned()),
        ("tauri.conf.json", configuration.to_string()),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(Failure::file(parent))?;
        fs::write(&path, text).map_err(Failure::file(&path))?;
    }
    // The same versions of everything; what the program does not use falls out.
    let lock = folder.join("Cargo.lock");
    fs::copy(root().join("Cargo.lock"), &lock).map_err(Failure::file(&lock))?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = command(cargo, ["build", "--release"]);
    build.current_dir(&folder).env("CARGO_TARGET_DIR", target);
    show(build)?;
    Ok(release_program(target, NAME))
}
