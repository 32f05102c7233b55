//! One run of another program: never through a shell, always with a limit, with its output kept.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::failure::Failure;
use crate::processes::Running;
use crate::progress::Progress;

/// The longest a build or a whole test run may take: past it something hangs.
pub const STEP_LIMIT: Duration = Duration::from_hours(1);

/// The longest one call of a small program may take.
const CALL_LIMIT: Duration = Duration::from_mins(2);

/// What a program that ended well printed.
pub struct Printed {
    /// Standard output and standard error, in the order they came, one entry a line.
    pub lines: Vec<String>,
}

/// How a command reads in a message.
pub fn line_of(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A command with the given arguments.
pub fn command<I, S>(program: impl AsRef<OsStr>, arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs to the end with standard input closed, showing the last line printed as progress.
///
/// Fails with the whole output when the program does.
pub fn run(mut command: Command, progress: &Progress) -> Result<Printed, Failure> {
    let line = line_of(&command);
    let (reader, writer) = std::io::pipe().map_err(Failure::io("making a pipe"))?;
    let errors = writer.try_clone().map_err(Failure::io("making a pipe"))?;
    command.stdin(Stdio::null()).stdout(writer).stderr(errors);
    // Spawning takes the command, and with it our copies of the writing end: else the reader would never see the end.
    let running = Running::spawn(&line, command)?;
    let mut lines = Vec::new();
    let ended_in_time = within(STEP_LIMIT, &running, || {
        for_each_line(reader, |printed| {
            progress.line(printed);
            lines.push(printed.to_owned());
        });
    });
    if !ended_in_time {
        return Err(late(&line, STEP_LIMIT, &lines.join("\n")));
    }
    let status = running.wait()?;
    if status.success() {
        Ok(Printed { lines })
    } else {
        Err(Failure::Program { line, status: status.to_string(), output: lines.join("\n") })
    }
}

/// Runs to the end with `input` on standard input, handing over each line of standard output as it comes.
///
/// Standard error is told only on failure.
pub fn converse(command: Command, input: &str, limit: Duration, mut on_line: impl FnMut(&str)) -> Result<(), Failure> {
    converse_in_turns(command, input, limit, Listening::ToNothingMore, |line| {
        on_line(line);
        None
    })
}

/// Whether a program still reads when the first input is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// It reads to the end of the first input.
    ToNothingMore,
    /// Its lines may be answered.
    ToAnswers,
}

/// The same with a program whose lines are answered by further input.
pub fn converse_in_turns(
    mut command: Command,
    input: &str,
    limit: Duration,
    listening: Listening,
    mut on_line: impl FnMut(&str) -> Option<String>,
) -> Result<(), Failure> {
    let line = line_of(&command);
    let (reader, writer) = std::io::pipe().map_err(Failure::io("making a pipe"))?;
    let (its_input, mut our_input) = std::io::pipe().map_err(Failure::io("making a pipe"))?;
    let mut errors = tempfile::tempfile().map_err(Failure::io("making a file"))?;
    command.stdin(its_input).stdout(writer).stderr(errors.try_clone().map_err(Failure::io("copying a handle"))?);
    let running = Running::spawn(&line, command)?;
    // A program that reads no input may be gone already; what it says then is the better message.
    let _ = our_input.write_all(input.as_bytes());
    let mut our_input = (listening == Listening::ToAnswers).then_some(our_input);
    let mut printed_lines = String::new();
    let ended_in_time = within(limit, &running, || {
        for_each_line(reader, |printed| {
            if let (Some(answer), Some(input)) = (on_line(printed), &mut our_input) {
                let _ = input.write_all(answer.as_bytes());
            }
            printed_lines.push_str(printed);
            printed_lines.push('\n');
        });
    });
    if !ended_in_time {
        return Err(late(&line, limit, &printed_lines));
    }
    let status = running.wait()?;
    if status.success() {
        return Ok(());
    }
    let _ = errors.rewind();
    let _ = errors.read_to_string(&mut printed_lines);
    Err(Failure::Program { line, status: status.to_string(), output: printed_lines })
}

/// Runs to the end and gives back standard output.
pub fn output_of(command: Command) -> Result<String, Failure> {
    let mut text = String::new();
    converse(command, "", CALL_LIMIT, |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    Ok(text)
}

/// Runs to the end and reads standard output as one JSON document.
pub fn json_of(command: Command) -> Result<serde_json::Value, Failure> {
    let line = line_of(&command);
    let text = output_of(command)?;
    serde_json::from_str(text.trim()).map_err(|_| Failure::unexpected(format!("`{line}`"), text))
}

/// Runs to the end on our own terminal, for output a person should watch.
pub fn show(mut command: Command) -> Result<(), Failure> {
    let line = line_of(&command);
    let status = command.status().map_err(Failure::io(format!("starting `{line}`")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Program { line, status: status.to_string(), output: "what it said stands above".to_owned() })
}

/// Folders programs are looked for in: the search path, cargo's own, and where Debian keeps daemons.
pub fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).collect::<Vec<_>>();
    let cargo_home =
        std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    folders.extend(cargo_home.map(|home| home.join("bin")));
    folders.push(PathBuf::from("/usr/sbin"));
    folders
}

/// Where a program of this name stands, if it is installed.
pub fn find(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    search_path().into_iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// Does `work`, which ends when the program does, and stops the program past the limit. Says whether it ended by itself.
fn within(limit: Duration, running: &Running, work: impl FnOnce()) -> bool {
    let (done, ended) = mpsc::channel::<()>();
    let stopper = running.stopper();
    let watch = std::thread::spawn(move || {
        let overdue = ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if overdue {
            stopper.stop();
        }
        !overdue
    });
    work();
    drop(done);
    watch.join().unwrap_or(true)
}

fn for_each_line(reader: impl Read, mut each: impl FnMut(&str)) {
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        each(String::from_utf8_lossy(&line).trim_end());
    }
}

fn late(line: &str, limit: Duration, output: &str) -> Failure {
    Failure::Late { what: format!("the end of `{line}`"), limit_s: limit.as_secs(), hint: format!("\n{output}") }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_tells_everything_it_printed() {
        let shell = command("sh", ["-c", "echo out; echo err >&2; exit 3"]);
        let Err(Failure::Program { status, output, .. }) = run(shell, &Progress::start("a test")) else {
            panic!("exit 3 was taken for success");
        };
        assert!(status.contains('3'), "{status}");
        assert!(output.contains("out") && output.contains("err"), "{output}");
    }

    #[test]
    fn standard_input_is_closed() {
        let printed = run(command("cat", [""; 0]), &Progress::start("a test")).unwrap();
        assert!(printed.lines.is_empty());
    }

    #[test]
    fn input_reaches_the_program_and_its_lines_come_back() {
        let mut lines = Vec::new();
        let sort = command("sort", [""; 0]);
        converse(sort, "b\na\n", CALL_LIMIT, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["a", "b"]);
    }

    #[test]
    fn a_program_past_its_limit_is_stopped_with_its_children() {
        let shell = command("sh", ["-c", "echo begun; sleep 600; true"]);
        let failure = converse(shell, "", Duration::from_millis(100), |_| {}).unwrap_err();
        assert!(matches!(failure, Failure::Late { .. }), "{failure}");
    }

    #[test]
    fn a_program_that_is_not_there_is_not_found() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-as-this").is_none());
    }
}
