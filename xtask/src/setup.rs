//! The `setup` verb, and the parts of it that the other verbs run by themselves. Everything is skipped when present.

mod packages;
pub mod python;
mod tools;
mod wasm_target;

use clap::Args;

use crate::failure::Failure;

/// What to install.
#[derive(Args)]
pub struct Options {
    /// Only what `demo --headless` needs: a C compiler and the PC/SC library.
    #[arg(long)]
    headless: bool,
}

/// Installs everything, saying what it does.
pub fn run(options: &Options) -> Result<(), Failure> {
    if options.headless {
        for_demo()?;
    } else {
        for_everything()?;
    }
    println!("Ready. Next: `cargo xtask demo`, or `cargo xtask test`.");
    Ok(())
}

/// What the servers, the bank, the card and the headless wallet are built from.
pub fn for_demo() -> Result<(), Failure> {
    packages::install(&[packages::BUILD])
}

/// What the screens are built with.
pub fn for_ui() -> Result<(), Failure> {
    wasm_target::install()
}

/// What the wallet window is built from, its screens included.
pub fn for_window() -> Result<(), Failure> {
    packages::install(&[packages::BUILD, packages::WINDOW, packages::FONTS])?;
    wasm_target::install()
}

/// Whether we may start a system service, such as the smart-card one.
pub fn may_start_services() -> bool {
    packages::is_root()
}

/// What the screenshots are taken with.
pub fn for_screenshots() -> Result<(), Failure> {
    packages::install(&[packages::BUILD, packages::FONTS, packages::PICTURES])?;
    wasm_target::install()
}

/// What the tests need beside that.
pub fn for_everything() -> Result<(), Failure> {
    let needed = [packages::BUILD, packages::WINDOW, packages::FONTS, packages::CARD];
    packages::install(&[&needed[..], &[packages::WITNESSES, packages::TESTS]].concat())?;
    wasm_target::install()?;
    tools::install()?;
    python::install()
}
