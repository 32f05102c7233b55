//! The jPOS client of the tests, compiled with its libraries in cargo's target folder.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::invocation::{command, run};
use crate::progress::Progress;
use crate::repository::{root, target_folder};

/// What it is made of, below the repository's root.
const SOURCES: [&str; 2] = ["pom.xml", "src/main/java/org/tapseal/clients/JposClient.java"];
/// A file in its folder that holds what it was made of.
const INSTALLED: &str = "installed";

/// Where its classes and libraries are, once they are installed.
pub fn folder() -> Result<PathBuf, Failure> {
    Ok(target_folder()?.join("jpos"))
}

/// Compiles it unless it is there as it should be.
pub fn install() -> Result<(), Failure> {
    let folder = folder()?;
    let client = root().join("tests/clients/jpos");
    let mut wanted = Vec::new();
    for source in SOURCES.map(|source| client.join(source)) {
        wanted.extend(std::fs::read(&source).map_err(Failure::file(&source))?);
    }
    let stamp = folder.join(INSTALLED);
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let progress = Progress::start("mvn package, with jPOS");
    let mut maven = command("mvn", ["--batch-mode", "--no-transfer-progress", "--quiet", "package"]);
    maven.arg("--file").arg(client.join("pom.xml"));
    maven.arg(format!("-Dbuild.folder={}", folder.display()));
    let done = run(maven, &progress);
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done?;
    std::fs::write(&stamp, wanted).map_err(Failure::file(&stamp))
}
