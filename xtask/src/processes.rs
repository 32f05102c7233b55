//! Programs we start. Every one stands in a registry that a normal end, an error and Ctrl-C all empty:
//! nothing we started outlives us. Each leads a process group, so that what it starts ends with it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::invocation::line_of;

/// How long a program has to end by itself before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How often a program that should end is looked at.
const STOP_POLL: Duration = Duration::from_millis(10);

/// The exit code of a program ended by Ctrl-C, as shells count it.
const INTERRUPTED: i32 = 130;

/// Lines of a log shown when a program does not come up.
const LOG_LINES_SHOWN: usize = 30;

struct Registry {
    /// Set once an interrupt is being served: nothing new starts, and only the interrupt's thread ends us.
    closing: bool,
    next: u64,
    children: Vec<(u64, Child)>,
    folders: Vec<PathBuf>,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { closing: false, next: 0, children: Vec::new(), folders: Vec::new() });

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program that runs until this is dropped.
pub struct Running {
    ticket: u64,
    name: String,
    log: Option<PathBuf>,
}

/// Stops a program from another thread.
pub struct Stopper(u64);

impl Stopper {
    /// Stops the program if it still runs.
    pub fn stop(&self) {
        if let Some(child) = take(self.0) {
            stop(child);
        }
    }
}

impl Running {
    /// Starts a program as it is, under our watch.
    pub fn spawn(name: &str, command: Command) -> Result<Self, Failure> {
        register(name, command, None).map(|(running, _)| running)
    }

    /// Starts a program with everything it prints in `log`.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, Failure> {
        let (output, errors) = log_handles(log)?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        register(name, command, Some(log)).map(|(running, _)| running)
    }

    /// Starts a program that reads a file as its input, with everything it prints in `log`.
    pub fn start_with_input(name: &str, mut command: Command, input: File, log: &Path) -> Result<Self, Failure> {
        let (output, errors) = log_handles(log)?;
        command.stdin(input).stdout(output).stderr(errors);
        register(name, command, Some(log)).map(|(running, _)| running)
    }

    /// Starts a program and waits for its first line of output; the rest goes to `log`.
    pub fn start_until_line(
        name: &str,
        mut command: Command,
        log: &Path,
        limit: Duration,
    ) -> Result<(Self, String), Failure> {
        let (rest, errors) = log_handles(log)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let (running, output) = register(name, command, Some(log))?;
        let output = output.ok_or_else(|| Failure::unexpected(name, "no output pipe"))?;
        let first = running.first_line(output, rest, limit)?;
        Ok((running, first))
    }

    fn first_line(&self, output: ChildStdout, mut rest: File, limit: Duration) -> Result<String, Failure> {
        let (sender, receiver) = mpsc::channel();
        // Reads on after the first line, so that the program never blocks on a full pipe.
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            if let Some(first) = lines.next() {
                let _ = sender.send(first);
            }
            for line in lines {
                let _ = writeln!(rest, "{line}");
            }
        });
        receiver.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => self.late("its ready line", limit),
            RecvTimeoutError::Disconnected => Failure::unexpected(&self.name, self.log_tail()),
        })
    }

    /// What stops this program from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.ticket)
    }

    /// Waits for a program that is about to end, such as one that has closed its output.
    pub fn wait(&self) -> Result<ExitStatus, Failure> {
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            if let Some(status) = self.status()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(self.late("its end, after it closed its output", STOP_LIMIT));
            }
            std::thread::sleep(STOP_POLL);
        }
    }

    /// Whether the program still runs.
    pub fn is_alive(&self) -> bool {
        matches!(self.status(), Ok(None))
    }

    fn status(&self) -> Result<Option<ExitStatus>, Failure> {
        let mut registry = registry();
        match registry.children.iter_mut().find(|(ticket, _)| *ticket == self.ticket) {
            Some((_, child)) => child.try_wait().map_err(Failure::io(format!("waiting for {}", self.name))),
            None => Err(Failure::unexpected(&self.name, "it was stopped")),
        }
    }

    /// A failure that shows the end of this program's log.
    pub fn late(&self, what: &str, limit: Duration) -> Failure {
        let hint = format!("\n{}", self.log_tail());
        Failure::Late { what: format!("{}: {what}", self.name), limit_s: limit.as_secs(), hint }
    }

    /// The last lines the program wrote to its log.
    pub fn log_tail(&self) -> String {
        let Some(log) = &self.log else { return String::new() };
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines = text.lines().collect::<Vec<_>>();
        let from = lines.len().saturating_sub(LOG_LINES_SHOWN);
        format!("end of {}:\n{}", log.display(), lines[from..].join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper().stop();
    }
}

fn log_handles(log: &Path) -> Result<(File, File), Failure> {
    let file = File::create(log).map_err(Failure::file(log))?;
    let copy = file.try_clone().map_err(Failure::file(log))?;
    Ok((file, copy))
}

fn register(name: &str, mut command: Command, log: Option<&Path>) -> Result<(Running, Option<ChildStdout>), Failure> {
    lead_a_group(&mut command);
    // Held over the start, so that an interrupt finds a program either not started or in the registry.
    let mut registry = registry();
    if registry.closing {
        return Err(Failure::unexpected(name, "we are being interrupted"));
    }
    let mut child = command.spawn().map_err(Failure::io(format!("starting `{}`", line_of(&command))))?;
    let output = child.stdout.take();
    registry.next += 1;
    let ticket = registry.next;
    registry.children.push((ticket, child));
    Ok((Running { ticket, name: name.to_owned(), log: log.map(Path::to_owned) }, output))
}

fn take(ticket: u64) -> Option<Child> {
    let mut registry = registry();
    let place = registry.children.iter().position(|(other, _)| *other == ticket)?;
    Some(registry.children.remove(place).1)
}

/// Asks a program and what it started to end, and kills them when they do not in time.
fn stop(mut child: Child) {
    signal_group(&mut child, Ending::Ask);
    let deadline = Instant::now() + STOP_LIMIT;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            signal_group(&mut child, Ending::Kill);
            let _ = child.wait();
            return;
        }
        std::thread::sleep(STOP_POLL);
    }
}

#[derive(Clone, Copy)]
enum Ending {
    Ask,
    Kill,
}

#[cfg(unix)]
fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn signal_group(child: &mut Child, ending: Ending) {
    use rustix::process::{Pid, Signal, kill_process_group};
    // A child that has already been waited for may have left its number to somebody else.
    if matches!(child.try_wait(), Ok(None)) {
        let signal = match ending {
            Ending::Ask => Signal::TERM,
            Ending::Kill => Signal::KILL,
        };
        let _ = kill_process_group(Pid::from_child(child), signal);
    }
}

#[cfg(not(unix))]
fn lead_a_group(_command: &mut Command) {}

#[cfg(not(unix))]
fn signal_group(child: &mut Child, _ending: Ending) {
    let _ = child.kill();
}

/// A throw-away folder that Ctrl-C removes too.
pub fn throw_away_folder(prefix: &str) -> Result<tempfile::TempDir, Failure> {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().map_err(Failure::io("making a folder"))?;
    registry().folders.push(folder.path().to_owned());
    Ok(folder)
}

/// Never returns when an interrupt is being served: what stops under its hands looks like failures to everybody else.
pub fn leave_the_end_to_an_interrupt() {
    while registry().closing {
        std::thread::park();
    }
}

/// Makes Ctrl-C and a polite kill stop every program we started and remove every throw-away folder.
pub fn stop_all_on_interrupt() {
    let installed = ctrlc::set_handler(|| {
        let (children, folders) = {
            let mut registry = registry();
            registry.closing = true;
            (std::mem::take(&mut registry.children), std::mem::take(&mut registry.folders))
        };
        // The last one started leans on the earlier ones.
        children.into_iter().rev().for_each(|(_, child)| stop(child));
        for folder in folders {
            let _ = std::fs::remove_dir_all(folder);
        }
        eprintln!("\nInterrupted; everything we started is stopped.");
        std::process::exit(INTERRUPTED);
    });
    if let Err(error) = installed {
        eprintln!("Ctrl-C will not clean up: {error}");
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::invocation::command;

    const LIMIT: Duration = Duration::from_secs(10);

    fn log() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        (folder, log)
    }

    #[test]
    fn a_ready_line_is_read_and_the_program_ends_with_its_guard() {
        let (_folder, log) = log();
        let program = command("sh", ["-c", "echo ready; exec sleep 600"]);
        let (running, first) = Running::start_until_line("x", program, &log, LIMIT).unwrap();
        assert_eq!(first, "ready");
        assert!(running.is_alive());
        let ticket = running.ticket;
        drop(running);
        assert!(take(ticket).is_none());
    }

    #[test]
    fn a_program_that_dies_before_it_is_ready_shows_its_log() {
        let (_folder, log) = log();
        let program = command("sh", ["-c", "echo port is taken >&2; exit 1"]);
        let Err(failure) = Running::start_until_line("x", program, &log, LIMIT) else {
            panic!("a dead program was taken for ready");
        };
        assert!(failure.to_string().contains("port is taken"), "{failure}");
    }

    #[test]
    fn a_silent_program_is_late() {
        let (_folder, log) = log();
        let program = command("sleep", ["600"]);
        let Err(failure) = Running::start_until_line("x", program, &log, Duration::from_millis(50)) else {
            panic!("a silent program was taken for ready");
        };
        assert!(matches!(failure, Failure::Late { .. }), "{failure}");
    }
}
