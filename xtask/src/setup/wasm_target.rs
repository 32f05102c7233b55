//! The `wasm32-unknown-unknown` target: rustup's where it can be fetched, else Debian's sources of it.

use std::path::Path;

use crate::failure::Failure;
use crate::invocation::{command, find, output_of, run};
use crate::progress::Progress;
use crate::setup::packages;

/// The target the screens are built for.
const TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that one of the two ways to build for the target is there.
pub fn install() -> Result<(), Failure> {
    if toolchain_has_target()? || packages::has(packages::DEBIAN_WASM)? {
        return Ok(());
    }
    if find("rustup").is_some() {
        let progress = Progress::start(format!("rustup target add {TARGET}"));
        let added = run(command("rustup", ["target", "add", TARGET]), &progress);
        progress.end(if added.is_ok() { "ok" } else { "not to be had, trying Debian's" });
        if added.is_ok() {
            return Ok(());
        }
    }
    packages::install(&[packages::DEBIAN_WASM])
}

fn toolchain_has_target() -> Result<bool, Failure> {
    let sysroot = output_of(command("rustc", ["--print", "sysroot"]))?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib").is_dir())
}
