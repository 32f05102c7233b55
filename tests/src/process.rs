//! Child processes: started with a ready line, logged to a file, and killed when dropped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a program may take to say it is ready.
const READY_WAIT: Duration = Duration::from_secs(30);
/// How long a program may take to end after a polite request.
const STOP_WAIT: Duration = Duration::from_secs(15);
/// How long a command may run.
const COMMAND_WAIT: Duration = Duration::from_mins(2);

/// The program `name`, built beside this test.
///
/// # Panics
/// When it is not there: build the workspace's programs first (`cargo xtask test` does).
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let found = own.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built; run `cargo build --workspace` first"))
}

/// A running program.
pub struct Running {
    child: Child,
    name: &'static str,
    /// The first line it printed, as JSON.
    pub ready: Value,
}

impl Running {
    /// Starts `program` and waits for its ready line; everything it says on stderr goes to `log`.
    pub async fn start(name: &'static str, arguments: &[String], log: &Path) -> Self {
        Self::start_in(name, arguments, &[], log).await
    }

    /// The same, with more in its environment.
    pub async fn start_in(
        name: &'static str,
        arguments: &[String],
        environment: &[(&str, String)],
        log: &Path,
    ) -> Self {
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
        let mut child = Command::new(program(name))
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let first = tokio::time::timeout(READY_WAIT, lines.next_line()).await;
        let Ok(Ok(Some(line))) = first else {
            panic!("{name} {arguments:?} did not get ready: {}", std::fs::read_to_string(log).unwrap_or_default());
        };
        let ready = serde_json::from_str(&line).expect("the ready line is JSON");
        let copy = log.with_extension("out");
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                append_line(&copy, &line);
            }
        });
        Self { child, name, ready }
    }

    /// The address it listens on.
    pub fn address(&self) -> String {
        self.ready["addr"].as_str().expect("the ready line names the address").to_owned()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the program is running")
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a running program can be killed");
    }

    /// Asks it to end with SIGTERM and waits for a clean exit.
    pub async fn stop(mut self) {
        let asked = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status().await;
        assert!(asked.is_ok_and(|status| status.success()), "{} can be asked to end", self.name);
        let ended = tokio::time::timeout(STOP_WAIT, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("{} does not end on SIGTERM", self.name));
        assert!(status.expect("it can be waited for").success(), "{} ends cleanly", self.name);
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) {
        let ended = tokio::time::timeout(COMMAND_WAIT, self.child.wait()).await;
        assert!(ended.is_ok(), "{} was expected to end", self.name);
    }
}

fn append_line(path: &Path, line: &str) {
    use std::io::Write;
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    if let Ok(mut file) = file {
        // A copy for the tests that search output; the program does not depend on it.
        let _ = writeln!(file, "{line}");
    }
}

/// What a finished command left behind.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Each line of stdout that is JSON.
    pub lines: Vec<Value>,
    /// All of stdout.
    pub output: String,
    /// All of stderr.
    pub errors: String,
}

impl Finished {
    /// The last line, as JSON.
    pub fn answer(&self) -> &Value {
        self.lines.last().unwrap_or_else(|| panic!("no JSON in the output: {self:?}"))
    }

    /// The answer, after checking that the command succeeded.
    pub fn success(self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        self.lines.into_iter().last().unwrap_or(Value::Null)
    }
}

/// Runs `program` to its end, with `input` on stdin.
pub async fn run(name: &str, arguments: &[String], environment: &[(&str, String)], input: &str) -> Finished {
    let child = spawn(name, arguments, environment, input).await;
    finish(name, child).await
}

/// Starts `program` with `input` on stdin and stdout piped.
pub async fn spawn(name: &str, arguments: &[String], environment: &[(&str, String)], input: &str) -> Child {
    use tokio::io::AsyncWriteExt;
    let mut child = Command::new(program(name))
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A program that does not read its input may have closed it already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child
}

/// Waits for a started program's end and collects what it said.
pub async fn finish(name: &str, child: Child) -> Finished {
    let output = tokio::time::timeout(COMMAND_WAIT, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("{name} did not end")).expect("output can be read");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Finished {
        code: output.status.code().unwrap_or(-1),
        lines: text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        output: text,
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
