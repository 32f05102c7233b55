//! Windows programs on this machine, through wine, in a prefix of our own.

use std::path::Path;
use std::process::Command;

use crate::invocation::command;

/// A call of a Windows program. Its prefix lies in cargo's target folder and is made at the first call, so neither the
/// person's own prefix nor their menus are touched.
pub fn run(program: &Path, target: &Path) -> Command {
    let mut wine = command("wine", [program]);
    wine.env("WINEPREFIX", target.join("wine"))
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", "mscoree=;mshtml=;winemenubuilder.exe=");
    wine.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    wine
}
