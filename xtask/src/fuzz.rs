//! The `fuzz` verb: LLVM's coverage-guided engine on every parser of what others wrote.
//!
//! The engine is the crate `libfuzzer-sys`; the coverage counters are flags that the stable compiler takes too. The
//! kept inputs in `tests/fuzz/corpus` are read and never written, unless they are to be minimised.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::failure::Failure;
use crate::invocation::{command, output_of, run as run_to_end, show};
use crate::progress::Progress;
use crate::repository::{cargo, root, target_folder};
use crate::setup;

/// The longest input that is tried, in bytes. The engine begins with short ones.
const INPUT_BYTES_MAX: u32 = 8 * 1024;

/// The longest one input may take, in seconds. What takes longer is a finding.
const INPUT_LIMIT_S: u32 = 10;

/// What makes the compiler count coverage (Clang's `SanitizerCoverage`, which libFuzzer reads).
const COVERAGE_FLAGS: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// What to fuzz, and for how long.
#[derive(Args)]
pub struct Options {
    /// Only these parsers: the names of the folders in tests/fuzz/corpus.
    targets: Vec<String>,
    /// How long to try new inputs, for each parser.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Afterwards keep the fewest inputs that reach as much, in tests/fuzz/corpus.
    #[arg(long)]
    minimise: bool,
}

/// The engine and the folders it works in.
struct Engine {
    program: PathBuf,
    /// Below cargo's target folder: what was found, and inputs that reached new code.
    folder: PathBuf,
}

/// Builds the engine and runs it on each parser.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_demo()?;
    let known = targets()?;
    if let Some(unknown) = options.targets.iter().find(|target| !known.contains(target)) {
        return Err(Failure::unexpected(format!("`{unknown}`"), format!("the parsers are {}", known.join(", "))));
    }
    let engine = Engine::build()?;
    let wanted = if options.targets.is_empty() { known } else { options.targets.clone() };
    for target in &wanted {
        let progress = Progress::start(format!("{target}, {} s", options.seconds));
        let tried = engine.try_inputs(target, options.seconds, &progress);
        progress.end(if tried.is_ok() { "ok" } else { "FAILED" });
        println!("{target:<14} {}", tried?);
        if options.minimise {
            engine.minimise(target)?;
        }
    }
    println!("Nothing was found in {} parsers, {} s each.", wanted.len(), options.seconds);
    Ok(())
}

/// Every parser that has a corpus.
fn targets() -> Result<Vec<String>, Failure> {
    let corpora = kept("");
    let entries = std::fs::read_dir(&corpora).map_err(Failure::file(&corpora))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>();
    names.sort();
    Ok(names)
}

/// The kept inputs of a parser.
fn kept(target: &str) -> PathBuf {
    root().join("tests/fuzz/corpus").join(target)
}

impl Engine {
    fn build() -> Result<Self, Failure> {
        let folder = target_folder()?.join("fuzz");
        let host = host()?;
        let mut build = cargo(["build", "--quiet", "--profile=fuzz", "--package=fuzz", "--features=engine"]);
        // With a target named, the flags reach neither build scripts nor macros.
        build.args(["--bin=fuzz-engine", "--target", &host]).arg("--target-dir").arg(&folder);
        build.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", COVERAGE_FLAGS.join(" "));
        show(build)?;
        let program = folder.join(host).join("fuzz").join(format!("fuzz-engine{}", std::env::consts::EXE_SUFFIX));
        Ok(Self { program, folder })
    }

    /// Tries the kept inputs and new ones made of them, up to the first that breaks a promise; tells how many there
    /// were and how far they reached.
    fn try_inputs(&self, target: &str, seconds: u32, progress: &Progress) -> Result<String, Failure> {
        let found = self.folder("findings")?;
        let reached = self.reached(target)?;
        let mut engine = self.command(target);
        engine.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={INPUT_LIMIT_S}"));
        engine.arg(format!("-artifact_prefix={}/{target}-", found.display()));
        engine.arg(reached).arg(kept(target));
        let printed = run_to_end(engine, progress).inspect_err(|_| {
            let found = found.display();
            eprintln!(
                "The input stands in {found}. Put into tests/fuzz/corpus/{target}, `cargo test -p fuzz` tells too."
            );
        })?;
        tally(&printed.lines).ok_or_else(|| Failure::unexpected("the engine", printed.lines.join("\n")))
    }

    /// Replaces the kept inputs by the fewest, of them and of those that reached new code, that reach as much.
    fn minimise(&self, target: &str) -> Result<(), Failure> {
        let fewest = self.folder(&format!("fewest/{target}"))?;
        std::fs::remove_dir_all(&fewest).and_then(|()| std::fs::create_dir(&fewest)).map_err(Failure::file(&fewest))?;
        let mut merge = self.command(target);
        merge.arg("-merge=1").arg(&fewest).arg(self.reached(target)?).arg(kept(target));
        let progress = Progress::start(format!("{target}, minimising"));
        let merged = run_to_end(merge, &progress);
        progress.end(if merged.is_ok() { "ok" } else { "FAILED" });
        merged?;
        replace_files(&kept(target), &fewest)
    }

    fn command(&self, target: &str) -> Command {
        let mut engine = command(&self.program, [format!("-max_len={INPUT_BYTES_MAX}")]);
        engine.env("FUZZ_TARGET", target);
        engine
    }

    fn reached(&self, target: &str) -> Result<PathBuf, Failure> {
        self.folder(&format!("reached/{target}"))
    }

    fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
        Ok(folder)
    }
}

/// The engine's last word, such as `#2000 DONE cov: 226 ft: 632 corp: 75/1203b lim: 40 exec/s: 0 rss: 28Mb`.
fn tally(lines: &[String]) -> Option<String> {
    let words = lines.iter().rev().find(|line| line.contains("DONE"))?.split_whitespace().collect::<Vec<_>>();
    let inputs = words.first()?.strip_prefix('#')?;
    let value = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
    let (edges, speed) = (value("cov:")?, value("exec/s:")?);
    Some(format!("{inputs:>9} inputs, {speed:>6} a second, {edges:>5} edges reached"))
}

/// The compiler's name for this machine.
fn host() -> Result<String, Failure> {
    let version = output_of(command("rustc", ["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::unexpected("rustc -vV", version.clone()))
}

/// Makes the files of one folder those of another.
fn replace_files(old: &Path, new: &Path) -> Result<(), Failure> {
    let list = |folder: &Path| std::fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>());
    for entry in list(old).map_err(Failure::file(old))? {
        std::fs::remove_file(entry.path()).map_err(Failure::file(old))?;
    }
    for entry in list(new).map_err(Failure::file(new))? {
        std::fs::copy(entry.path(), old.join(entry.file_name())).map_err(Failure::file(old))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: &str = "#2000\tDONE   cov: 226 ft: 632 corp: 75/1203b lim: 40 exec/s: 666 rss: 28Mb";

    #[test]
    fn the_last_word_of_the_engine_is_told() {
        let lines =
            ["#79 INITED cov: 204 ft: 496 corp: 36/491b exec/s: 0 rss: 28Mb", DONE, "Done 2000 runs in 0 second(s)"];
        let told = tally(&lines.map(str::to_owned)).unwrap();
        assert_eq!(
            told.split_whitespace().collect::<Vec<_>>().join(" "),
            "2000 inputs, 666 a second, 226 edges reached"
        );
        assert!(tally(&["no engine".to_owned()]).is_none());
    }

    #[test]
    fn every_corpus_is_a_target() {
        let targets = targets().unwrap();
        assert!(
            ["cvm", "dol", "records", "replay", "tlv", "tracks"].iter().all(|name| targets.iter().any(|t| t == name))
        );
        assert!(targets.iter().all(|target| kept(target).is_dir()));
    }

    #[test]
    fn a_minimised_corpus_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        for (path, name) in [(&old, "one"), (&old, "two"), (&new, "two"), (&new, "three")] {
            std::fs::create_dir_all(path).unwrap();
            std::fs::write(path.join(name), name).unwrap();
        }
        replace_files(&old, &new).unwrap();
        let mut names = std::fs::read_dir(&old).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        names.sort();
        assert_eq!(names, ["three", "two"]);
    }
}
