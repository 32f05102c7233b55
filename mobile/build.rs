//! Generates the plugin's permissions and points Tauri at its Android and iOS parts.

/// The three commands, and nothing else.
const COMMANDS: &[&str] = &["open", "transceive", "close"];

fn main() {
    tauri_plugin::Builder::new(COMMANDS).android_path("android").ios_path("ios").build();
}
