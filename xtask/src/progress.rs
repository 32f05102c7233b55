//! One line of progress for one long step: a spinner on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// How much of a program's last line fits beside the step's name.
const LAST_LINE_CHARS_MAX: usize = 90;

/// The progress of one step, on stderr.
pub struct Progress {
    what: String,
    started: Instant,
    /// None where nobody watches a terminal.
    spinner: Option<ProgressBar>,
}

impl Progress {
    /// Starts telling about one step.
    pub fn start(what: impl Into<String>) -> Self {
        let what = what.into();
        let spinner = std::io::stderr().is_terminal().then(|| spinner(&what));
        if spinner.is_none() {
            eprintln!("… {what}");
        }
        Self { what, started: Instant::now(), spinner }
    }

    /// What the program behind the step printed last.
    pub fn line(&self, line: &str) {
        if let Some(bar) = &self.spinner
            && !line.trim().is_empty()
        {
            let last = line.trim().chars().take(LAST_LINE_CHARS_MAX).collect::<String>();
            bar.set_message(format!("{}  {last}", self.what));
        }
    }

    /// Ends the step with a closing word, such as `ok`.
    pub fn end(self, word: &str) {
        let seconds = self.started.elapsed().as_secs_f32();
        let closing = format!("{} {}  {word}, {seconds:.1} s", if word == "FAILED" { "✗" } else { "✓" }, self.what);
        if let Some(bar) = self.spinner {
            bar.finish_and_clear();
        }
        eprintln!("{closing}");
    }
}

fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} [{elapsed_precise}] {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(TICK);
    bar
}
