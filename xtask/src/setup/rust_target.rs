//! Targets beside this machine's own: rustup's where they can be fetched, else Debian's sources of the library.

use std::path::Path;

use crate::failure::Failure;
use crate::invocation::{command, find, output_of, run};
use crate::progress::Progress;
use crate::setup::packages;

/// The target the screens are built for.
const WASM: &str = "wasm32-unknown-unknown";

/// Makes sure that one of the two ways to build the screens is there.
pub fn install_wasm() -> Result<(), Failure> {
    if toolchain_has(WASM)? || packages::has(packages::DEBIAN_RUST)? || add(WASM) {
        return Ok(());
    }
    packages::install(&[packages::DEBIAN_RUST])
}

/// Whether the toolchain has the target's standard library.
pub fn toolchain_has(target: &str) -> Result<bool, Failure> {
    let sysroot = output_of(command("rustc", ["--print", "sysroot"]))?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(target).join("lib").is_dir())
}

/// Fetches the target's standard library, and says whether that went well.
pub fn add(target: &str) -> bool {
    if find("rustup").is_none() {
        return false;
    }
    let progress = Progress::start(format!("rustup target add {target}"));
    let added = run(command("rustup", ["target", "add", target]), &progress);
    progress.end(if added.is_ok() { "ok" } else { "not to be had, trying Debian's" });
    added.is_ok()
}
