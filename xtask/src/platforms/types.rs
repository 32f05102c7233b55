//! Type-checks the whole window, wallet included, for a system that is not this one.
//!
//! A check compiles no foreign code and links nothing, so it needs the target's standard library and nothing else of
//! the system. Build scripts do ask for compilers; where there is none, a stand-in makes them an empty file.

use super::stand_ins;
use crate::failure::Failure;
use crate::invocation::run;
use crate::progress::Progress;
use crate::repository::target_folder;
use crate::setup;

/// A system whose types are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Phones and tablets with Android, 64 bits.
    Android,
    /// iPhones.
    Ios,
    /// Macs with Apple's own chips.
    MacOs,
    /// Windows, 64 bits.
    Windows,
}

impl System {
    /// rustc's name of it.
    pub const fn target(self) -> &'static str {
        match self {
            Self::Android => "aarch64-linux-android",
            Self::Ios => "aarch64-apple-ios",
            Self::MacOs => "aarch64-apple-darwin",
            Self::Windows => "x86_64-pc-windows-gnu",
        }
    }

    /// What is checked: the window everywhere, and on desktops the command-line wallet too.
    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Android | Self::Ios => &["tapseal-app"],
            Self::MacOs | Self::Windows => &["tapseal-app", "wallet"],
        }
    }
}

/// Checks the types and says by which compiler.
pub fn check(system: System, progress: &Progress) -> Result<String, Failure> {
    let compiler = setup::compiler_for(system.target())?;
    let target_folder = target_folder()?;
    let mut cargo = compiler.cargo();
    cargo.args(["check", "--target", system.target()]).args(compiler.arguments());
    for package in system.packages() {
        cargo.args(["--package", package]);
    }
    // Two compilers in one folder would rebuild each other's work for ever.
    cargo.env("CARGO_TARGET_DIR", compiler.target_folder(&target_folder));
    // Only our own code: cargo lets no lint of a registry's crate through.
    cargo.env(flags_variable(system.target()), "--deny=warnings");
    let made = stand_ins::make(&target_folder.join("stand-ins"))?;
    let stood_in = made.enter(system, &mut cargo)?;
    run(cargo, progress)?;
    Ok(format!("types of {} for {}, {compiler}; {stood_in}", system.packages().join(" and "), system.target()))
}

/// Cargo's variable for the flags of one target, which leave what runs on this machine as it is.
fn flags_variable(target: &str) -> String {
    format!("CARGO_TARGET_{}_RUSTFLAGS", target.to_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_for_one_target_only() {
        assert_eq!(flags_variable("x86_64-pc-windows-gnu"), "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS");
    }
}
