//! Where things stand in the source tree and in cargo's target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::invocation;

/// The top folder of the source tree.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The folder cargo builds into, wherever the person's own settings put it.
pub fn target_folder() -> Result<PathBuf, Failure> {
    let metadata = invocation::json_of(cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
    match metadata["target_directory"].as_str() {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => Err(Failure::unexpected("cargo metadata", "no target_directory")),
    }
}

/// The debug build of one of our programs.
pub fn program(target: &Path, name: &str) -> PathBuf {
    target.join("debug").join(file_name(name))
}

/// The release build of one of our programs.
pub fn release_program(target: &Path, name: &str) -> PathBuf {
    target.join("release").join(file_name(name))
}

fn file_name(program: &str) -> String {
    format!("{program}{}", std::env::consts::EXE_SUFFIX)
}

/// A cargo command that runs at the top of the tree.
pub fn cargo<I, S>(arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    // Cargo tells programs it runs which cargo it is, so that one toolchain builds everything.
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = invocation::command(&program, arguments);
    command.current_dir(root());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }
}
