//! Builds the Windows programs from here with mingw-w64, and pays with the command-line one under wine.
//!
//! The window is linked and no more: it needs `WebView2`, which wine has not.

use std::path::Path;
use std::process::Command;

use super::types::System;
use crate::failure::Failure;
use crate::invocation::{command, output_of, run};
use crate::progress::Progress;
use crate::repository::target_folder;
use crate::{setup, wine};

/// What the programs' files are called.
const WALLET: &str = "tapseal-wallet.exe";
const WINDOW: &str = "tapseal-app.exe";

/// Links both programs, and lets the wallet pay at servers on this machine. Says what was done.
pub fn build_and_pay(progress: &Progress) -> Result<String, Failure> {
    setup::for_windows_build()?;
    let compiler = setup::compiler_for(System::Windows.target())?;
    let target = target_folder()?;
    let folder = compiler.target_folder(&target);
    let mut cargo = compiler.cargo();
    // For release: a debug build of the window's library has more symbols than a DLL can export.
    cargo.args(["build", "--release", "--bins", "--package=wallet", "--package=tapseal-app"]);
    cargo.args(["--target", System::Windows.target()]).args(compiler.arguments());
    cargo.env("CARGO_TARGET_DIR", &folder);
    run(cargo, progress)?;
    let programs = folder.join(System::Windows.target()).join("release");
    let wallet = programs.join(WALLET);
    let mut version = wine::Program::on_machine_in(&target, &wallet)?.call();
    version.arg("--version");
    let version = output_of(version)?;
    run(demo(&wallet)?, progress)?;
    let window = size_of(&programs.join(WINDOW))?;
    Ok(format!("{} paid under wine; {WINDOW} linked, {} MB", version.trim(), window / 1_000_000))
}

/// The demo as a program of its own, so that what it prints can be kept.
fn demo(wallet: &Path) -> Result<Command, Failure> {
    let ourselves = std::env::current_exe().map_err(Failure::io("finding ourselves"))?;
    let mut demo = command(ourselves, ["demo", "--headless", "--reader", "simulated", "--wallet"]);
    demo.arg(wallet);
    Ok(demo)
}

fn size_of(program: &Path) -> Result<u64, Failure> {
    Ok(program.metadata().map_err(Failure::file(program))?.len())
}
