//! The `test` verb: everything the continuous check runs, one named step after another, with a table at the end.

mod advisories;
pub mod desktop;
mod programs;
mod tally;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use desktop::Desktop;
use programs::TestProgram;
use tally::Tally;

use crate::failure::Failure;
use crate::invocation::{Printed, command, run as run_to_end};
use crate::postgres::Postgres;
use crate::progress::Progress;
use crate::repository::cargo;
use crate::setup;

/// How long each parser is fuzzed here. `cargo xtask fuzz` takes longer.
const FUZZ_SECONDS: &str = "3";

/// The systems whose types are checked here; see `docs/adr/0012-phones-without-a-phone.md` for what that costs.
const OTHER_SYSTEMS: &[&str] =
    &["platforms", "--only", "android", "--only", "ios", "--only", "macos", "--only", "windows"];

/// What cargo says of each crate while all is well.
const CARGO_PROGRESS: &[&str] = &["   Compiling ", "    Checking ", "  Downloaded ", " Downloading "];

/// The test programs of the payment server, which run once more on PostgreSQL, beside its unit tests.
const SERVER_TESTS: &[&str] = &[
    "payment_server",
    "card_payment",
    "refusals",
    "tampering",
    "unknown_outcomes",
    "manual_review",
    "several_banks",
    "refunds",
    "till",
    "webhooks",
    "deliveries",
    "identifiers",
    "payment_numbers",
    "first_contact",
    "left_alone",
    "scanners",
    "merchant_api",
    "torture",
];

/// Of its unit tests, those that run there too.
const SERVER_UNITS: &[&str] = &["storage::", "payment_server::"];

/// Which steps to run, and how.
#[derive(Args)]
pub struct Options {
    /// Only these steps, in the usual order.
    #[arg(long, value_enum)]
    only: Vec<Step>,
    /// Ask no network: advisories come from a snapshot, or are left out and said so.
    #[arg(long)]
    offline: bool,
    /// A snapshot of the `RustSec` advisory database, in place of fetching it.
    #[arg(long, env = "TAPSEAL_ADVISORY_DB")]
    advisory_db: Option<PathBuf>,
}

/// The steps, in the order they run: what is quick to fail comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Source format.
    Fmt,
    /// Bans, licences and sources of every dependency.
    Deny,
    /// Known vulnerabilities of every dependency.
    Audit,
    /// The syntax of the iOS part.
    Swift,
    /// The Android part, compiled and run over Android's own NFC classes.
    Kotlin,
    /// The screens as WebAssembly, which the window embeds.
    Ui,
    /// Every lint on every target, warnings counted as errors.
    Clippy,
    /// A few seconds of made-up input for every parser, guided by coverage.
    Fuzz,
    /// The window's types on Android, iOS, macOS and Windows.
    Platforms,
    /// Every program and test.
    Build,
    /// Unit, integration, whole-system and window tests.
    Test,
    /// The payment server's tests once more, on PostgreSQL.
    Postgres,
}

/// How a step ended.
enum Ending {
    Passed,
    Skipped(String),
    Failed,
}

/// One row of the table.
struct Row {
    step: Step,
    ending: Ending,
    took: Duration,
}

/// Runs the steps, prints what failing ones said, and closes with the count of tests.
pub fn run(options: &Options) -> ExitCode {
    if let Err(failure) = setup::for_everything() {
        eprintln!("{failure}");
        return ExitCode::FAILURE;
    }
    let mut tally = Tally::default();
    let mut rows = Vec::<Row>::new();
    let wanted = |step: &&Step| options.only.is_empty() || options.only.contains(step);
    for &step in Step::value_variants().iter().filter(wanted) {
        let started = Instant::now();
        let ending = if let Some(cause) = blocked_by(step, &rows) {
            Ending::Skipped(format!("{} failed", cause.name()))
        } else {
            take(step, options, &mut tally)
        };
        rows.push(Row { step, ending, took: started.elapsed() });
    }
    print_table(&rows);
    // The closing line counts tests; a run without them has none to close with.
    if rows.iter().any(|row| matches!(row.step, Step::Test | Step::Postgres)) {
        println!("{tally}");
    }
    let good = !tally.has_failures() && rows.iter().all(|row| !matches!(row.ending, Ending::Failed));
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Deny => "deny",
            Self::Audit => "audit",
            Self::Swift => "swift",
            Self::Kotlin => "kotlin",
            Self::Ui => "ui",
            Self::Clippy => "clippy",
            Self::Fuzz => "fuzz",
            Self::Platforms => "platforms",
            Self::Build => "build",
            Self::Test => "test",
            Self::Postgres => "postgres",
        }
    }

    /// The step without which this one can only repeat its failure.
    const fn needs(self) -> Option<Self> {
        match self {
            Self::Clippy | Self::Build => Some(Self::Ui),
            Self::Test | Self::Postgres => Some(Self::Build),
            Self::Fmt
            | Self::Deny
            | Self::Audit
            | Self::Swift
            | Self::Kotlin
            | Self::Ui
            | Self::Fuzz
            | Self::Platforms => None,
        }
    }
}

/// The earlier step whose failure leaves this one nothing to tell.
fn blocked_by(step: Step, rows: &[Row]) -> Option<Step> {
    let cause = step.needs()?;
    let row = rows.iter().find(|row| row.step == cause)?;
    (!matches!(row.ending, Ending::Passed)).then_some(cause)
}

fn take(step: Step, options: &Options, tally: &mut Tally) -> Ending {
    let progress = Progress::start(step.name());
    let done = match step {
        Step::Audit => {
            let Some(source) = advisories::source(options.offline, options.advisory_db.clone()) else {
                progress.end("SKIPPED");
                return Ending::Skipped("--offline, and no snapshot of the advisories".to_owned());
            };
            run_to_end(advisories::command(&source), &progress).map(drop)
        }
        Step::Test => run_tests(options, &progress, tally),
        Step::Postgres => run_server_tests(options, &progress, tally),
        Step::Kotlin => counted(plain(step, options, &progress), tally).map(drop),
        Step::Fmt | Step::Deny | Step::Swift | Step::Ui | Step::Clippy | Step::Fuzz | Step::Platforms | Step::Build => {
            plain(step, options, &progress).map(drop)
        }
    };
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    match done {
        Ok(()) => Ending::Passed,
        Err(failure) => {
            println!("\n─── {} ───\n{}\n", step.name(), without_progress(&failure.to_string()));
            Ending::Failed
        }
    }
}

/// A failure's text without the crates before it: hundreds of lines, behind which the one that counts would be lost.
fn without_progress(text: &str) -> String {
    let is_told = |line: &&str| !CARGO_PROGRESS.iter().any(|start| line.starts_with(start));
    text.lines().filter(is_told).collect::<Vec<_>>().join("\n")
}

fn plain(step: Step, options: &Options, progress: &Progress) -> Result<Printed, Failure> {
    let mut command = match step {
        Step::Fmt => cargo(["fmt", "--all", "--check"]),
        Step::Deny => cargo(["deny", "check", "bans", "licenses", "sources"]),
        Step::Clippy => {
            cargo(["clippy", "--workspace", "--all-targets", "--features=ui/workbench", "--", "--deny", "warnings"])
        }
        Step::Swift => ourselves(&["platforms", "--only", "swift"])?,
        Step::Kotlin => ourselves(&["platforms", "--only", "kotlin"])?,
        Step::Platforms => ourselves(OTHER_SYSTEMS)?,
        Step::Fuzz => ourselves(&["fuzz", "--seconds", FUZZ_SECONDS])?,
        // The same features as `cargo test --workspace`, so that nothing is built twice.
        Step::Build => cargo(["build", "--workspace", "--bins", "--tests"]),
        Step::Ui | Step::Audit | Step::Test | Step::Postgres => ourselves(&["ui", "--check-size", "--workbench"])?,
    };
    if options.offline {
        command.env("CARGO_NET_OFFLINE", "true");
    }
    run_to_end(command, progress)
}

/// One of our own verbs as a program of its own, so that what it prints can be kept.
fn ourselves(arguments: &[&str]) -> Result<Command, Failure> {
    let program = std::env::current_exe().map_err(Failure::io("finding ourselves"))?;
    Ok(command(program, arguments))
}

fn run_tests(options: &Options, progress: &Progress, tally: &mut Tally) -> Result<(), Failure> {
    let programs = TestProgram::build_all(options.offline)?.into_iter().map(|program| (program, &[][..])).collect();
    let desktop = Desktop::start()?;
    let ran = programs::run_all(programs, |command| desktop.enter(command), progress, tally);
    let mut examples = cargo(["test", "--workspace", "--doc"]);
    if options.offline {
        examples.env("CARGO_NET_OFFLINE", "true");
    }
    let documented = counted(run_to_end(examples, progress), tally);
    ran.and(documented.map(drop))
}

fn run_server_tests(options: &Options, progress: &Progress, tally: &mut Tally) -> Result<(), Failure> {
    let programs = TestProgram::build_all(options.offline)?.into_iter().filter_map(|program| {
        if program.is_unit("tapseal") {
            return Some((program, SERVER_UNITS));
        }
        SERVER_TESTS.iter().any(|name| program.is_integration(name)).then_some((program, &[][..]))
    });
    let programs = programs.collect();
    let server = Postgres::start()?;
    programs::run_all(
        programs,
        |command| {
            command.env("TAPSEAL_TEST_POSTGRES", server.address());
        },
        progress,
        tally,
    )
}

/// Adds the tests that a program closed with, however it ended.
fn counted(done: Result<Printed, Failure>, tally: &mut Tally) -> Result<Printed, Failure> {
    match &done {
        Ok(printed) => tally.count(printed.lines.iter().map(String::as_str)),
        Err(Failure::Program { output, .. }) => tally.count(output.lines()),
        Err(_) => {}
    }
    done
}

fn print_table(rows: &[Row]) {
    println!("\n{:<9} {:<8} {:>9}", "step", "result", "time");
    for row in rows {
        let (word, why) = match &row.ending {
            Ending::Passed => ("ok", ""),
            Ending::Failed => ("FAILED", ""),
            Ending::Skipped(why) => ("skipped", why.as_str()),
        };
        println!("{:<9} {word:<8} {:>7.1} s  {why}", row.step.name(), row.took.as_secs_f32());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: Step, ending: Ending) -> Row {
        Row { step, ending, took: Duration::ZERO }
    }

    #[test]
    fn a_failure_is_told_without_the_crates_before_it() {
        let said = "`cargo build` ended with exit status: 101\n   Compiling subtle v2.6.1\n    Checking ui v0.1.0\n\
                    error: linking with `cc` failed\n  |\n  = note: No space left on device";
        let told = "`cargo build` ended with exit status: 101\nerror: linking with `cc` failed\n  |\n  \
                    = note: No space left on device";
        assert_eq!(without_progress(said), told);
    }

    #[test]
    fn tests_do_not_run_on_a_failed_build() {
        assert_eq!(blocked_by(Step::Test, &[row(Step::Build, Ending::Failed)]), Some(Step::Build));
        assert_eq!(blocked_by(Step::Test, &[row(Step::Build, Ending::Passed)]), None);
        // With `--only test` there is no build step to wait for: cargo builds by itself.
        assert_eq!(blocked_by(Step::Test, &[]), None);
    }
}
