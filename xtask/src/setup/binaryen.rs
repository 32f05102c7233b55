//! binaryen's `wasm-opt` from npm, in cargo's target folder: Debian's is older than what the compiler writes.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::invocation::{command, find, run};
use crate::progress::Progress;
use crate::repository::target_folder;

/// The package, in the version the module's size was measured with.
const PACKAGE: &str = "binaryen@132.0.0";

/// Where `wasm-opt` is below cargo's target folder, once it is installed.
pub fn program(target: &Path) -> PathBuf {
    target.join("binaryen/node_modules/.bin/wasm-opt")
}

/// Installs it unless it is there. Without npm the module is larger, and works.
pub fn install() -> Result<(), Failure> {
    let target = target_folder()?;
    if program(&target).is_file() || find("npm").is_none() {
        return Ok(());
    }
    let folder = target.join("binaryen");
    std::fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
    let progress = Progress::start(format!("npm install {PACKAGE}"));
    let mut npm = command("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]);
    npm.arg("--prefix").arg(&folder).arg(PACKAGE);
    let done = run(npm, &progress);
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done.map(|_| ())
}
