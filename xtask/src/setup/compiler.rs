//! The compiler for another system's types: rustup's where it can be fetched, else Debian's with the library's sources.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{packages, rust_target};
use crate::failure::Failure;
use crate::invocation::command;
use crate::repository::{self, root};

/// Debian's compiler and cargo (packages `rustc-web`, `cargo-web`).
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// What can build for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// The toolchain that everything else is built with; it has the target's standard library.
    Rustup,
    /// Debian's, which builds the standard library from source.
    Debian,
}

/// Makes sure that one of the two can build for the target.
pub fn compiler_for(target: &str) -> Result<Compiler, Failure> {
    if rust_target::toolchain_has(target)? || rust_target::add(target) {
        return Ok(Compiler::Rustup);
    }
    packages::install(&[packages::DEBIAN_RUST])?;
    Ok(Compiler::Debian)
}

impl Compiler {
    /// Its cargo, at the top of the tree.
    pub fn cargo(self) -> Command {
        match self {
            Self::Rustup => repository::cargo::<_, &str>([]),
            Self::Debian => {
                let mut cargo = command::<_, &str>(DEBIAN_CARGO, []);
                // Building the standard library is an unstable option of a stable compiler.
                cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC);
                cargo.current_dir(root());
                cargo
            }
        }
    }

    /// What it has to be told beside the target.
    pub const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Rustup => &[],
            Self::Debian => &["-Zbuild-std=std,panic_abort"],
        }
    }

    /// Where it builds, so that no two compilers share a folder.
    pub fn target_folder(self, target: &Path) -> PathBuf {
        match self {
            Self::Rustup => target.to_owned(),
            Self::Debian => target.join("platforms"),
        }
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rustup => "this toolchain",
            Self::Debian => "Debian's toolchain",
        })
    }
}
