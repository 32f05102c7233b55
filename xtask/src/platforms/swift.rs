//! Parses the Swift plugin: syntax only, because Swift and `CoreNFC` come with Xcode.

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::invocation::{command, run};
use crate::progress::Progress;
use crate::repository::root;
use crate::setup;

/// Parses every file and prints where one is wrong.
const PARSER: &str = include_str!("swift/parse.py");

/// Where the Swift sources lie, below the project's folder.
const SOURCES: &[&str] = &["mobile/ios"];

/// Parses all sources and says how many there are.
pub fn parse(progress: &Progress) -> Result<String, Failure> {
    let files = swift_files()?;
    setup::for_native_parts()?;
    let mut parser = command(setup::python::interpreter()?, ["-c", PARSER]);
    parser.args(&files);
    run(parser, progress)?;
    Ok(format!("{} files parse; nothing more is checked", files.len()))
}

fn swift_files() -> Result<Vec<PathBuf>, Failure> {
    let mut folders = SOURCES.iter().map(|source| root().join(source)).collect::<Vec<_>>();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Failure::file(&folder))? {
            let entry = entry.map_err(Failure::file(&folder))?;
            let path = entry.path();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if path.is_dir() && !is_hidden {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "swift") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_and_its_tests_are_among_the_sources() {
        let files = swift_files().unwrap();
        let has = |name: &str| files.iter().any(|file| file.ends_with(name));
        assert!(has("mobile/ios/Sources/CardReaderPlugin.swift") && has("mobile/ios/Package.swift"), "{files:?}");
        assert!(files.iter().all(|file| !file.to_string_lossy().contains("/.tauri/")));
    }
}
