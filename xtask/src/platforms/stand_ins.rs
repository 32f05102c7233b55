//! Programs that stand in for the compilers of other systems while types are checked.
//!
//! Build scripts compile C (SQLite, ring) and ask where a system's kit lies. A type check reads none of what they make,
//! so each stand-in makes the file it was asked for, empty, and ends well. A real program, where there is one, is left
//! to do its work.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::types::System;
use crate::failure::Failure;
use crate::invocation::find;

/// One script under many names.
const SCRIPT: &str = include_str!("stand_ins/stand-in.sh");

/// What build scripts call by name, for all systems together.
const NAMES: &[&str] = &["cc", "c++", "ar", "xcrun", "swift", "x86_64-w64-mingw32-windres", "x86_64-w64-mingw32-ar"];

/// A folder of stand-ins.
pub struct StandIns {
    folder: PathBuf,
}

/// Writes the stand-ins into a folder, each in a folder of its own so that the path can take one without the others.
pub fn make(folder: &Path) -> Result<StandIns, Failure> {
    for name in NAMES {
        let own = folder.join(name);
        fs::create_dir_all(&own).map_err(Failure::file(&own))?;
        let program = own.join(name);
        fs::write(&program, SCRIPT).map_err(Failure::file(&program))?;
        make_executable(&program)?;
    }
    Ok(StandIns { folder: folder.to_owned() })
}

impl StandIns {
    /// Lets the command find a stand-in for everything that this machine does not have, and says which.
    pub fn enter(&self, system: System, command: &mut Command) -> Result<String, Failure> {
        let missing = missing(system, |program| find(program).is_some(), |variable| env::var_os(variable).is_some());
        for (variable, program) in &missing.variables {
            command.env(variable, self.folder.join(program).join(program));
        }
        let own = missing.programs.iter().map(|program| self.folder.join(program));
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(own.chain(env::split_paths(&path)));
        command.env("PATH", path.map_err(|error| Failure::unexpected("the search path", error.to_string()))?);
        Ok(missing.told())
    }
}

/// What has to be stood in for.
#[derive(Debug, PartialEq, Eq)]
struct Missing {
    /// Variables of the `cc` crate, and the stand-in each names.
    variables: Vec<(String, &'static str)>,
    /// Programs called by name.
    programs: Vec<&'static str>,
}

impl Missing {
    fn told(&self) -> String {
        if self.variables.is_empty() && self.programs.is_empty() {
            "with this system's own compilers".to_owned()
        } else {
            "compilers of C and system kits stood in for".to_owned()
        }
    }
}

fn missing(system: System, is_there: impl Fn(&str) -> bool, is_set: impl Fn(&str) -> bool) -> Missing {
    let (compiler, programs): (Option<&str>, &[&'static str]) = match system {
        // The NDK's compilers are on nobody's path; whoever has them names them by the variables.
        System::Android => (None, &[]),
        System::Ios => (Some("xcrun"), &["xcrun", "swift"]),
        System::MacOs => (Some("xcrun"), &["xcrun"]),
        System::Windows => (Some("x86_64-w64-mingw32-gcc"), &["x86_64-w64-mingw32-windres", "x86_64-w64-mingw32-ar"]),
    };
    let has_compiler = compiler.is_some_and(&is_there);
    let target = system.target().replace('-', "_");
    let variables = [("CC", "cc"), ("CXX", "c++"), ("AR", "ar")];
    let variables = variables.into_iter().map(|(kind, program)| (format!("{kind}_{target}"), program));
    Missing {
        variables: variables.filter(|(variable, _)| !has_compiler && !is_set(variable)).collect(),
        programs: programs.iter().copied().filter(|program| !is_there(program)).collect(),
    }
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).map_err(Failure::file(program))
}

#[cfg(not(unix))]
fn make_executable(_program: &Path) -> Result<(), Failure> {
    Err(Failure::missing("a Unix shell", "Other systems' types are checked on Linux or macOS."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_stood_in_for() {
        let nothing = Missing { variables: Vec::new(), programs: Vec::new() };
        assert_eq!(missing(System::Ios, |_| true, |_| false), nothing);
        assert_eq!(missing(System::Android, |_| false, |_| true), nothing);
    }

    #[test]
    fn every_stand_in_that_is_named_is_made() {
        for system in [System::Android, System::Ios, System::MacOs, System::Windows] {
            let missing = missing(system, |_| false, |_| false);
            assert_eq!(missing.variables.len(), 3, "{system:?}");
            let named = missing.variables.iter().map(|(_, program)| program).chain(&missing.programs);
            assert!(named.into_iter().all(|program| NAMES.contains(program)), "{missing:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_stand_in_makes_the_file_it_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).unwrap();
        let wanted = folder.path().join("sqlite3.o");
        let run = |program: &str, arguments: &[&str]| {
            Command::new(folder.path().join(program).join(program)).args(arguments).output().unwrap()
        };
        assert!(run("cc", &["-c", "sqlite3.c", "-o", wanted.to_str().unwrap()]).status.success());
        assert!(wanted.is_file());
        let library = folder.path().join("libsqlite3.a");
        assert!(run("ar", &["cq", library.to_str().unwrap(), "sqlite3.o"]).status.success());
        assert!(library.is_file());
        assert!(!run("xcrun", &["--show-sdk-path", "--sdk", "iphoneos"]).stdout.is_empty());
    }
}
