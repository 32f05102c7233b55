//! The `setup` verb, and the parts of it that the other verbs run by themselves. Everything is skipped when present.

pub mod binaryen;
mod compiler;
pub mod jpos;
mod mail_server;
pub mod npm;
mod packages;
pub mod python;
mod rust_target;
mod tools;

use clap::Args;
pub use compiler::compiler_for;

use crate::failure::Failure;
use crate::invocation::find;

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

/// What a run on PostgreSQL needs beside that.
pub fn for_database() -> Result<(), Failure> {
    packages::install(&[packages::DATABASE])
}

/// What the screens are built with.
pub fn for_ui() -> Result<(), Failure> {
    rust_target::install_wasm()?;
    binaryen::install()
}

/// What the wallet window is built from, its screens included.
pub fn for_window() -> Result<(), Failure> {
    packages::install(&[packages::BUILD, packages::WINDOW, packages::FONTS])?;
    rust_target::install_wasm()
}

/// Whether we may start a system service, such as the smart-card one.
pub fn may_start_services() -> bool {
    packages::is_root()
}

/// What the screenshots are taken with.
pub fn for_screenshots() -> Result<(), Failure> {
    packages::install(&[packages::BUILD, packages::FONTS, packages::PICTURES])?;
    rust_target::install_wasm()
}

/// What the Debian package is made and tested with.
pub fn for_package() -> Result<(), Failure> {
    packages::install(&[packages::PACKAGE])
}

/// What the Windows programs are linked and run with.
pub fn for_windows_build() -> Result<(), Failure> {
    packages::install(&[packages::BUILD, packages::WINDOWS])
}

/// What the phones' native parts are checked with.
pub fn for_native_parts() -> Result<(), Failure> {
    if find("mvn").is_none() {
        packages::install(&[packages::KOTLIN])?;
    }
    if find("python3").is_none() {
        packages::install(&[packages::WITNESSES])?;
    }
    python::install()
}

/// What the tests need beside that.
pub fn for_everything() -> Result<(), Failure> {
    let needed = [packages::BUILD, packages::WINDOW, packages::FONTS, packages::CARD, packages::PICTURES];
    packages::install(&[&needed[..], &[packages::WITNESSES, packages::TESTS, packages::DATABASE]].concat())?;
    rust_target::install_wasm()?;
    tools::install()?;
    python::install()?;
    if find("mvn").is_none() {
        packages::install(&[packages::KOTLIN])?;
    }
    jpos::install()?;
    if find("node").is_none() || find("npm").is_none() {
        packages::install(&[packages::NODE])?;
    }
    npm::SMPP.install()?;
    npm::AXE.install()?;
    mail_server::install()
}

/// Whether the tests may run a mail server of their own: it is installed, and changes its user as root does.
pub fn has_mail_server() -> Result<bool, Failure> {
    Ok(packages::is_root() && packages::has(packages::MAIL)?)
}
