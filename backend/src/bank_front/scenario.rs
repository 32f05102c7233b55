//! Scripted misfortune: how a bank misbehaves, on demand.
//!
//! A script is a TOML file of rules ([`script`]); each says which messages it is for ([`rule`]) and what is done to
//! them ([`deed`]). The first rule that takes a message decides. `docs/bank-scenarios.md` describes every deed.
//!
//! The switch is a file in the bank's folder, looked at for each message, so that a test or a person can turn it while
//! the bank runs: `tapseal bank scenario --data DIR silent`. What a script has counted is kept in memory only; a
//! script that is set again counts from the beginning.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use iso8583::Message;

use super::error::BankError;
use super::file;

pub mod deed;
pub mod rule;
pub mod script;
mod shorthand;

use deed::Deed;
use rule::Tally;
use script::Script;

/// The switch's file within the bank's folder.
const FILE_NAME: &str = "scenario";
/// What the name of a file with a script ends with; other names are words.
const SCRIPT_EXTENSION: &str = "toml";
/// The most debits that are put aside for their reversals.
const ASIDE_MAX: usize = 1_024;

/// The switch of one bank.
#[derive(Debug)]
pub struct Switch {
    path: PathBuf,
    stage: Mutex<Stage>,
    /// Beside the stage, because every look at the clock asks for it.
    clock_skew_ms: AtomicI64,
    /// Debits whose reversals have not come yet.
    aside: Mutex<HashMap<String, Message>>,
}

/// The script that is played now, and what it has counted.
#[derive(Debug, Default)]
struct Stage {
    text: Option<String>,
    script: Arc<Script>,
    tallies: Vec<Tally>,
    since_ms: i64,
}

impl Switch {
    /// The switch in a bank's folder.
    pub fn of(bank_dir: &Path) -> Self {
        Self {
            path: bank_dir.join(FILE_NAME),
            stage: Mutex::default(),
            clock_skew_ms: AtomicI64::new(0),
            aside: Mutex::default(),
        }
    }

    /// Turns the switch to a word or to a script's file, until it is turned again; `none` turns it off. What is wrong
    /// is told before anything changes.
    pub fn set(&self, what: &str) -> Result<(), BankError> {
        let text = match what {
            "none" => return self.clear(),
            file if is_script_file(file) => {
                std::fs::read_to_string(file).map_err(|error| BankError::file(Path::new(file), error))?
            }
            word => shorthand::script_of(word)?,
        };
        Script::parse(&text)?;
        // The same script set again counts from the beginning: nothing in the text may be the same.
        let stamped = format!("# set {:016x}\n{text}", stamp());
        file::replace(&self.path, stamped.as_bytes())
    }

    /// Turns the switch off.
    pub fn clear(&self) -> Result<(), BankError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BankError::file(&self.path, error)),
            _ => Ok(()),
        }
    }

    /// The script as it stands in the file, without the line that says when it was set; none when the switch is off.
    pub fn shown(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        Some(text.split_once('\n').map_or_else(String::new, |(_, script)| script.to_owned()))
    }

    /// What the script wants done with a message. A file that is absent or makes no sense is no script.
    pub(super) fn deed_for(&self, message: &Message, now_ms: i64) -> Deed {
        let text = std::fs::read_to_string(&self.path).ok();
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if stage.text != text {
            *stage = Stage::begin(text, now_ms);
            self.clock_skew_ms.store(stage.script.clock_skew_ms, Ordering::Relaxed);
        }
        stage.deed_for(message, now_ms)
    }

    /// How far the bank's clock is ahead, in milliseconds.
    pub(super) fn clock_skew_ms(&self) -> i64 {
        self.clock_skew_ms.load(Ordering::Relaxed)
    }

    /// Puts a debit aside until its reversal comes; whether there was room.
    pub(super) fn put_aside(&self, reference: &str, debit: Message) -> bool {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = aside.len() < ASIDE_MAX;
        if has_room {
            aside.insert(reference.to_owned(), debit);
        }
        has_room
    }

    /// The debit that was put aside under a reference.
    pub(super) fn take_aside(&self, reference: &str) -> Option<Message> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner).remove(reference)
    }
}

impl Stage {
    fn begin(text: Option<String>, now_ms: i64) -> Self {
        let parsed = text.as_deref().map(Script::parse).transpose();
        let script = parsed.unwrap_or_else(|error| {
            tracing::warn!(%error, "the scenario file is ignored");
            None
        });
        let script = Arc::new(script.unwrap_or_default());
        Self { tallies: vec![Tally::default(); script.rules.len()], text, script, since_ms: now_ms }
    }

    fn deed_for(&mut self, message: &Message, now_ms: i64) -> Deed {
        let elapsed_ms = now_ms.saturating_sub(self.since_ms);
        let script = Arc::clone(&self.script);
        for (number, (rule, tally)) in (0_u64..).zip(script.rules.iter().zip(&mut self.tallies)) {
            if rule.when.takes(message, elapsed_ms, script.seed.wrapping_add(number), tally) {
                return rule.deed.clone();
            }
        }
        Deed::Honest
    }
}

fn is_script_file(what: &str) -> bool {
    Path::new(what).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(SCRIPT_EXTENSION))
}

/// A number that no earlier call in any process gave.
fn stamp() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 8];
    getrandom::fill(&mut random).expect("the operating system has randomness");
    u64::from_be_bytes(random).wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    fn debit() -> Message {
        Message::new(Mti::FINANCIAL_REQUEST)
    }

    #[test]
    fn the_switch_keeps_what_it_was_told_until_it_is_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let switch = Switch::of(folder.path());
        assert_eq!(switch.deed_for(&debit(), 0), Deed::Honest);
        switch.set("debit_lost").unwrap();
        assert_eq!(switch.deed_for(&debit(), 0), Deed::Silent);
        for wrong in ["sleepy", "slow:", "no-such-file.toml"] {
            assert!(switch.set(wrong).is_err(), "{wrong}");
        }
        assert_eq!(switch.deed_for(&debit(), 0), Deed::Silent);
        switch.set("none").unwrap();
        switch.set("none").unwrap();
        assert_eq!(switch.deed_for(&debit(), 0), Deed::Honest);
        assert_eq!(switch.shown(), None);
    }

    #[test]
    fn a_script_comes_from_a_file_and_is_shown_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[rule]]\nwhen = { nth = 2 }\ndo = \"cut\"\n";
        let file = folder.path().join("second.toml");
        std::fs::write(&file, text).unwrap();
        let switch = Switch::of(folder.path());
        switch.set(file.to_str().unwrap()).unwrap();
        assert_eq!(switch.shown().unwrap(), text);
        assert_eq!([(); 3].map(|()| switch.deed_for(&debit(), 0)), [Deed::Honest, Deed::Cut, Deed::Honest]);
        // Set again, it counts again.
        switch.set(file.to_str().unwrap()).unwrap();
        assert_eq!([(); 2].map(|()| switch.deed_for(&debit(), 0)), [Deed::Honest, Deed::Cut]);
    }

    #[test]
    fn the_first_rule_that_takes_a_message_decides() {
        let folder = tempfile::tempdir().unwrap();
        let switch = Switch::of(folder.path());
        let text = "clock_skew_ms = 5\n[[rule]]\nwhen = { times = 1 }\ndo = \"twice\"\n[[rule]]\ndo = \"silent\"\n";
        let file = folder.path().join("two.toml");
        std::fs::write(&file, text).unwrap();
        switch.set(file.to_str().unwrap()).unwrap();
        assert_eq!([(); 2].map(|()| switch.deed_for(&debit(), 0)), [Deed::Twice, Deed::Silent]);
        assert_eq!(switch.clock_skew_ms(), 5);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_no_script() {
        let folder = tempfile::tempdir().unwrap();
        let switch = Switch::of(folder.path());
        std::fs::write(folder.path().join(FILE_NAME), "[[rule]]\ndo = \"dance\"\n").unwrap();
        assert_eq!(switch.deed_for(&debit(), 0), Deed::Honest);
    }
}
