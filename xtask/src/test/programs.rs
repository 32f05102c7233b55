//! The test programs, several side by side: most of them wait for servers, so they need fewer processors than there are
//! of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Deserialize;

use super::tally::Tally;
use crate::failure::Failure;
use crate::invocation::{Printed, STEP_LIMIT, command, converse, run};
use crate::progress::Progress;
use crate::repository::cargo;

/// How many run at once beyond one a processor.
const LANES_MORE: usize = 1;

/// What shares the one virtual card reader or fixed ports: these follow one another.
const ALONE: &[&str] = &["wallet", "card", "every_card", "quickstart"];

/// Where programs look for the card reader service: those that run beside the ones that pay at the reader see none, so
/// that they cannot take it from them (`pcsclite(7)`).
const READER_SERVICE: (&str, &str) = ("PCSCLITE_CSOCK_NAME", "/nonexistent");

/// A program of tests.
#[derive(Debug, PartialEq, Eq)]
pub struct TestProgram {
    /// The name of its target.
    name: String,
    kind: Kind,
    path: PathBuf,
    /// The folder of its package, where cargo would start it.
    folder: PathBuf,
}

/// What a program tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A crate, or whole programs, from outside: the slow ones.
    Integration,
    /// A crate from inside.
    Unit,
}

/// What cargo says of what it built, as far as it matters here.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl TestProgram {
    /// Builds every test program of the workspace.
    pub fn build_all(offline: bool) -> Result<Vec<Self>, Failure> {
        let mut build = cargo(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
        if offline {
            build.env("CARGO_NET_OFFLINE", "true");
        }
        let mut programs = Vec::new();
        converse(build, "", STEP_LIMIT, |line| programs.extend(Self::of_message(line)))?;
        // The slow ones first, so that the last lane is not left with one of them.
        programs.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(programs)
    }

    /// The program that one of cargo's messages speaks of, if it does.
    fn of_message(line: &str) -> Option<Self> {
        let artifact: Artifact = serde_json::from_str(line).ok()?;
        let path = artifact.executable.filter(|_| artifact.profile.test)?;
        let kind = if artifact.target.kind.iter().any(|kind| kind == "test") { Kind::Integration } else { Kind::Unit };
        let folder = artifact.manifest_path.parent().map(Path::to_owned)?;
        Some(Self { name: artifact.target.name, kind, path, folder })
    }

    /// Whether it is the integration test with this name.
    pub fn is_integration(&self, name: &str) -> bool {
        self.kind == Kind::Integration && self.name == name
    }

    /// Whether it holds the unit tests of the library with this name.
    pub fn is_unit(&self, name: &str) -> bool {
        self.kind == Kind::Unit && self.name == name
    }

    fn is_alone(&self) -> bool {
        ALONE.contains(&self.name.as_str())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut program = command(&self.path, arguments);
        program.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        program
    }
}

/// Runs programs with their arguments side by side, after `enter` has made each its surroundings; counts their tests,
/// and gives the whole output of those that failed.
pub fn run_all(
    programs: Vec<(TestProgram, &[&str])>,
    enter: impl Fn(&mut Command) + Sync,
    progress: &Progress,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let (alone, beside): (Vec<_>, Vec<_>) = programs.into_iter().partition(|(program, _)| program.is_alone());
    let [alone, beside] = [alone, beside].map(|mut queue| {
        queue.reverse();
        Mutex::new(queue)
    });
    let ended = Mutex::new(Vec::new());
    let lanes = thread::available_parallelism().map_or(1, usize::from) + LANES_MORE;
    let (take, ended_in) = (&take, &ended);
    thread::scope(|scope| {
        for lane in 0..lanes {
            let (alone, beside, enter) = (&alone, &beside, &enter);
            scope.spawn(move || {
                let queues = if lane == 0 { vec![alone, beside] } else { vec![beside] };
                while let Some((program, arguments)) = queues.iter().find_map(|queue| take(queue)) {
                    let mut command = program.command(arguments);
                    enter(&mut command);
                    if !program.is_alone() {
                        command.env(READER_SERVICE.0, READER_SERVICE.1);
                    }
                    let done = run(command, progress);
                    locked(ended_in).push((program.name, done));
                }
            });
        }
    });
    told(ended.into_inner().unwrap_or_else(PoisonError::into_inner), tally)
}

/// The next of a queue.
fn take<T>(queue: &Mutex<Vec<T>>) -> Option<T> {
    locked(queue).pop()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts what ran, and gathers what failed.
fn told(ended: Vec<(String, Result<Printed, Failure>)>, tally: &mut Tally) -> Result<(), Failure> {
    let (mut names, mut output) = (Vec::new(), String::new());
    for (name, done) in ended {
        match done {
            Ok(printed) => tally.count(printed.lines.iter().map(String::as_str)),
            Err(failure) => {
                let text = failure.to_string();
                tally.count(text.lines());
                output += &text;
                output.push('\n');
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    Err(Failure::Program { line: format!("tests of {}", names.join(", ")), status: "failures".to_owned(), output })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, kind: &str, test: bool, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","manifest_path":"/p/tests/Cargo.toml","target":{{"name":"{name}","kind":["{kind}"]}},"profile":{{"test":{test}}},"executable":{executable}}}"#
        )
    }

    #[test]
    fn only_what_holds_tests_is_a_test_program() {
        let found = TestProgram::of_message(&message("till", "test", true, r#""/t/till-1""#)).unwrap();
        assert!(found.is_integration("till") && !found.is_unit("till"));
        assert_eq!(found.folder, Path::new("/p/tests"));
        let unit = TestProgram::of_message(&message("tapseal", "lib", true, r#""/t/tapseal-1""#)).unwrap();
        assert!(unit.is_unit("tapseal"));
        assert_eq!(TestProgram::of_message(&message("tapseal", "bin", false, r#""/t/tapseal""#)), None);
        assert_eq!(TestProgram::of_message(&message("payment", "lib", true, "null")), None);
        assert_eq!(TestProgram::of_message("Compiling payment"), None);
    }

    #[cfg(unix)]
    #[test]
    fn side_by_side_all_run_and_a_failure_is_told_in_full() {
        let program = |name: &str, script: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(&path, mode).unwrap();
            let found = TestProgram { name: name.to_owned(), kind: Kind::Unit, path, folder: folder.path().to_owned() };
            (found, folder)
        };
        let good = program("good", "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'");
        let bad = program("bad", "echo why; echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored'; exit 1");
        let mut tally = Tally::default();
        let progress = Progress::start("programs");
        let ran = run_all(vec![(good.0, &[]), (bad.0, &[])], |_| {}, &progress, &mut tally);
        let Err(Failure::Program { line, output, .. }) = ran else { panic!("a failure was not told") };
        assert_eq!(line, "tests of bad");
        assert!(output.contains("why"), "{output}");
        assert_eq!(tally.to_string(), "3 passed, 1 failed, 0 skipped");
    }
}
