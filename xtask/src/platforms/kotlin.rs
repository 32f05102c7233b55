//! Compiles the Kotlin plugin with Tauri's own Android API against a real Android framework, and runs its tests.
//!
//! Maven does it, by `mobile/android/jvm/pom.xml`; Tauri's sources are those of the `tauri` crate that we build with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::invocation::{command, json_of, run};
use crate::progress::Progress;
use crate::repository::{cargo, root, target_folder};
use crate::setup;

/// What Maven writes again each time: what a removed source left there would still be found.
const MADE: &[&str] = &["classes", "test-classes", "surefire-reports"];

/// Compiles and tests, and says how many tests ran.
pub fn test(progress: &Progress) -> Result<String, Failure> {
    setup::for_native_parts()?;
    let folder = target_folder()?.join("kotlin");
    for made in MADE.iter().map(|made| folder.join(made)).filter(|made| made.exists()) {
        fs::remove_dir_all(&made).map_err(Failure::file(&made))?;
    }
    let mut maven = command("mvn", ["--batch-mode", "--no-transfer-progress", "test"]);
    maven.arg("--file").arg(root().join("mobile/android/jvm/pom.xml"));
    maven.arg(format!("-Dtauri.android={}", tauri_android()?.display()));
    maven.arg(format!("-Dbuild.folder={}", folder.display()));
    let printed = run(maven, progress)?;
    let total = printed.lines.iter().rev().find_map(|line| closing_line(line));
    // Maven ends well when it finds no test at all.
    total.ok_or_else(|| Failure::unexpected("Maven", printed.lines.join("\n")))
}

/// Tauri's Android API, where cargo unpacked it.
fn tauri_android() -> Result<PathBuf, Failure> {
    let metadata = json_of(cargo(["metadata", "--format-version", "1", "--locked"]))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifest = packages
        .filter(|package| package["name"] == "tauri")
        .find_map(|package| package["manifest_path"].as_str())
        .ok_or_else(|| Failure::unexpected("cargo metadata", "no package `tauri`"))?;
    let sources = Path::new(manifest).with_file_name("mobile").join("android/src/main/java");
    if sources.is_dir() {
        Ok(sources)
    } else {
        Err(Failure::missing(sources.display().to_string(), "Is this another version of Tauri?"))
    }
}

/// The line that sums up all test classes, such as `[INFO] Tests run: 38, Failures: 0, Errors: 0, Skipped: 0`.
fn closing_line(line: &str) -> Option<String> {
    let counts = line.split_once("Tests run: ")?.1;
    // A single class's line goes on with its time.
    let is_total = !counts.contains("Time elapsed");
    let ran = counts.split(',').next()?.trim().parse::<u32>().ok()?;
    (is_total && ran > 0).then(|| format!("Tests run: {counts}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sum_of_all_classes_closes_the_run() {
        let one = "[INFO] Tests run: 20, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 8.2 s -- in org.DeskTest";
        assert_eq!(closing_line(one), None);
        let all = "[INFO] Tests run: 38, Failures: 0, Errors: 0, Skipped: 0";
        assert_eq!(closing_line(all).as_deref(), Some("Tests run: 38, Failures: 0, Errors: 0, Skipped: 0"));
        assert_eq!(closing_line("[INFO] Tests run: 0, Failures: 0, Errors: 0, Skipped: 0"), None);
    }
}
