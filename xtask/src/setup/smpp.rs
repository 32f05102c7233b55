//! The short message centre of the tests, npm's `smpp`, in cargo's target folder.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::invocation::{command, run};
use crate::progress::Progress;
use crate::repository::{root, target_folder};

/// What it is made of, below the repository's root.
const SOURCES: [&str; 2] = ["package.json", "smsc.js"];
/// A file in its folder that holds what it was made of.
const INSTALLED: &str = "installed";

/// Where it is with its library, once it is installed.
pub fn folder() -> Result<PathBuf, Failure> {
    Ok(target_folder()?.join("smpp"))
}

/// Installs it unless it is there as it should be.
pub fn install() -> Result<(), Failure> {
    let folder = folder()?;
    std::fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
    let mut wanted = Vec::new();
    for name in SOURCES {
        let source = root().join("tests/clients/smpp").join(name);
        let text = std::fs::read(&source).map_err(Failure::file(&source))?;
        let copy = folder.join(name);
        std::fs::write(&copy, &text).map_err(Failure::file(&copy))?;
        wanted.extend(text);
    }
    let stamp = folder.join(INSTALLED);
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let progress = Progress::start("npm install smpp");
    let mut npm = command("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]);
    npm.current_dir(&folder);
    let done = run(npm, &progress);
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done?;
    std::fs::write(&stamp, wanted).map_err(Failure::file(&stamp))
}
