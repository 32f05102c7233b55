//! Paying by code: a person is bound at the bank's counter, and reads the code on a telephone of paper.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::demo::narrator::Narrator;
use crate::demo::parties::tapseal;
use crate::demo::{Stage, text};
use crate::failure::Failure;
use crate::invocation::{command, converse, json_of};

/// Who pays: what the bank calls it, its telephone, and what it chose.
const CUSTOMER: &str = "ada-0001";
const TELEPHONE: &str = "+12025550143";
const PASSWORD: &str = "Quickset hedge 77";
/// The account it pays from, and what that holds, in minor units.
const ACCOUNT: &str = "ada-savings";
const OPENING_MINOR: &str = "50000";

/// How long the bank may take to tell the payment server, and a text message to come.
const WAIT_LIMIT: Duration = Duration::from_secs(20);
/// How long binding may take: a password is hashed.
const BIND_LIMIT: Duration = Duration::from_secs(30);
/// The pause between two looks. The payment server counts looks at identity codes: 20 s of them stay below its bound.
const POLL: Duration = Duration::from_secs(1);

/// A person that pays by code.
pub struct CodePayer {
    identity_code: String,
    texts: PathBuf,
}

/// Where the bank's text messages are written.
pub fn texts_folder(stage: &Stage) -> PathBuf {
    stage.folder.join("texts")
}

impl CodePayer {
    /// Opens an account at a bank and binds a person to it and to a telephone.
    pub fn bind(stage: &Stage, bank: &str, narrator: &mut Narrator) -> Result<Self, Failure> {
        let folder = |call: &mut std::process::Command| {
            call.arg("--data").arg(&stage.folder).args(["--bank", bank]);
        };
        tapseal(stage, &["bank", "account", "open", ACCOUNT], folder)?;
        tapseal(stage, &["bank", "account", "deposit", ACCOUNT, "--amount-minor", OPENING_MINOR], folder)?;
        let mut call = command(stage.program("tapseal"), ["bank", "bind", "open", CUSTOMER]);
        folder(&mut call);
        call.args(["--json", "--account", ACCOUNT, "--to", TELEPHONE]);
        let mut bound = Value::Null;
        converse(call, &format!("{PASSWORD}\n"), BIND_LIMIT, |line| {
            bound = serde_json::from_str(line).unwrap_or_default();
        })?;
        let identity_code = text(&bound, "identity_code", "tapseal bank bind")?.to_owned();
        let sentence =
            format!("the bank has bound a person to an account and a telephone: identity code {identity_code}");
        narrator.stage("bound", &[("identity_code", json!(identity_code))], &sentence);
        Ok(Self { identity_code, texts: texts_folder(stage) })
    }

    /// Waits until the payment server knows which bank the person pays by.
    pub fn wait_until_known(&self, terminals: impl Fn(&str) -> std::process::Command) -> Result<(), Failure> {
        let deadline = Instant::now() + WAIT_LIMIT;
        let masked = format!("••{}", &TELEPHONE[TELEPHONE.len() - 2..]);
        loop {
            let told = json_of(terminals(&self.identity_code))?;
            // Until then the answer is made up.
            if told["terminals"][0]["masked"] == masked.as_str() {
                return Ok(());
            }
            late(deadline, "the bank's word on the payer")?;
            std::thread::sleep(POLL);
        }
    }

    /// What is typed before the code.
    pub fn first_lines(&self) -> String {
        format!("{}\n{PASSWORD}\n", self.identity_code)
    }

    /// Waits for the text message and reads the code in it.
    pub fn code(&self, narrator: &mut Narrator) -> Result<String, Failure> {
        let deadline = Instant::now() + WAIT_LIMIT;
        loop {
            if let Some((code, told)) = newest_code(&self.texts)? {
                narrator.stage("telephone", &[("to", json!(TELEPHONE))], &format!("the telephone says: {told}"));
                return Ok(code);
            }
            late(deadline, "the text message with the code")?;
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Fails once it is too late.
pub fn late(deadline: Instant, what: &str) -> Result<(), Failure> {
    if Instant::now() < deadline {
        return Ok(());
    }
    Err(Failure::Late { what: what.to_owned(), limit_s: WAIT_LIMIT.as_secs(), hint: String::new() })
}

/// The code of the newest message that has one, and the message.
pub fn newest_code(folder: &Path) -> Result<Option<(String, String)>, Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(None) };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    for file in files.iter().rev().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let message = std::fs::read_to_string(file).map_err(Failure::file(file))?;
        let message: Value = serde_json::from_str(&message).unwrap_or_default();
        let told = message["text"].as_str().unwrap_or_default();
        let mut numbers = told.split(|letter: char| !letter.is_ascii_digit());
        if let Some(code) = numbers.find(|digits| digits.len() == 6) {
            return Ok(Some((code.to_owned(), told.to_owned())));
        }
    }
    Ok(None)
}
