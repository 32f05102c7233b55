//! Grants the window exactly the protocol's commands, and keeps a fresh clone buildable before the screens are.

use std::fs;
use std::path::Path;

/// Where the screens' bundle lands; `tauri.conf.json` names the same folder.
const SCREENS: &str = "../ui/dist";

/// What the window shows when the screens were not built. The bundle's own page replaces it.
const NO_SCREENS: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Tapseal</title>\
<h1>The screens are not built yet</h1><p>Run <code>cargo xtask setup</code>, then build again.</p></html>\n";

fn main() {
    let index = Path::new(SCREENS).join("index.html");
    if !index.exists() {
        fs::create_dir_all(SCREENS).expect("the ui folder is writable");
        fs::write(&index, NO_SCREENS).expect("the ui folder is writable");
    }
    // The bundle is compiled into the program, so a new bundle means a new program.
    println!("cargo::rerun-if-changed={SCREENS}");
    println!("cargo::rerun-if-changed=isolation");

    let commands = tauri_build::AppManifest::new().commands(protocol::ipc::COMMAND_NAMES);
    let attributes = tauri_build::Attributes::new().app_manifest(commands);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
        std::process::exit(1);
    }
}
