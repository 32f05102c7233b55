//! Windows programs on this machine, through wine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::invocation::{command, output_of};

/// What wine of Debian 12 lacks.
const PROCESS_PRNG: &str = include_str!("wine/process_prng.c");

/// A Windows program, and wine's idea of a Windows machine to run it on. That lies in cargo's target folder, so neither the
/// person's own nor their menus are touched.
pub struct Program {
    file: PathBuf,
    prefix: PathBuf,
}

impl Program {
    /// The program in this file. The machine is made when it is not there.
    ///
    /// # Errors
    /// When wine or mingw-w64 is not installed, or the folder cannot be written.
    pub fn on_machine_in(target: &Path, file: &Path) -> Result<Self, Failure> {
        let prefix = target.join("wine");
        let library = prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
        if !library.exists() {
            output_of(call("wineboot", "--init", &prefix))?;
            let source = prefix.join("process_prng.c");
            fs::write(&source, PROCESS_PRNG).map_err(Failure::file(&source))?;
            let mut compile = command("x86_64-w64-mingw32-gcc", ["-shared", "-o"]);
            compile.arg(&library).arg(&source).arg("-ladvapi32");
            output_of(compile)?;
        }
        Ok(Self { file: file.to_owned(), prefix })
    }

    /// A call of it.
    pub fn call(&self) -> Command {
        call("wine", &self.file, &self.prefix)
    }
}

/// A call of one of wine's own programs. Nothing it starts is shown.
fn call(program: &str, argument: impl AsRef<OsStr>, prefix: &Path) -> Command {
    let mut wine = command(program, [argument]);
    wine.env("WINEPREFIX", prefix)
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", "mscoree=;mshtml=;winemenubuilder.exe=");
    wine.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    wine
}
