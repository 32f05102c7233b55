//! Paying by code: a payer bound at the bank, and a wallet that is typed at while it waits.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use crate::payer::Payer;
use crate::post::Smsc;
use crate::process::{self, Finished};
use crate::system::{System, texts};

/// What the payers of tests chose.
pub const PASSWORD: &str = "Quickset hedge 77";

/// Binds a person to the Visa cardholder's account and a telephone; its identity code.
pub async fn bind(system: &System, customer: &str, phone: &str) -> String {
    bind_to(system, customer, "visa-0050", &[phone]).await
}

/// The same with another account and several terminals.
pub async fn bind_to(system: &System, customer: &str, account: &str, terminals: &[&str]) -> String {
    let data = system.data();
    let mut words = vec!["bank", "bind", "open", customer, "--data", &data, "--json", "--account", account];
    words.extend(terminals.iter().flat_map(|terminal| ["--to", terminal]));
    let bound = process::run("tapseal", &texts(&words), &[], &format!("{PASSWORD}\n")).await.success();
    bound["identity_code"].as_str().expect("a payer has an identity code").to_owned()
}

/// What reaches telephones: over a short message centre where one is expected, else as files of the bank's.
pub enum Telephones {
    /// npm's centre.
    Centre(Box<Smsc>),
    /// The folder of a bank without a centre.
    Folder(PathBuf),
}

impl Telephones {
    /// Those of this test, and what the bank is told of them.
    pub async fn new(folder: PathBuf) -> (Self, Vec<String>) {
        if let Some(centre) = Smsc::start().await {
            let arguments = texts(&["--codes-sms", &centre.url()]);
            return (Self::Centre(Box::new(centre)), arguments);
        }
        let arguments = texts(&["--codes-dir", folder.to_str().expect("temporary paths are plain")]);
        (Self::Folder(folder), arguments)
    }

    /// Every text that reached this number.
    pub fn texts_to(&self, phone: &str) -> Vec<String> {
        let of = |message: &Value| {
            let to =
                message["to"].as_str().unwrap_or_default().trim_start_matches('+') == phone.trim_start_matches('+');
            to.then(|| message["text"].as_str().unwrap_or_default().to_owned())
        };
        match self {
            Self::Centre(centre) => centre.all("submitted").iter().filter_map(of).collect(),
            Self::Folder(folder) => {
                let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
                let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
                files.sort();
                let read = |path: &PathBuf| serde_json::from_slice::<Value>(&std::fs::read(path).ok()?).ok();
                files.iter().filter_map(read).filter_map(|message| of(&message)).collect()
            }
        }
    }

    /// Waits for the code that comes after so many others; and the text around it.
    pub async fn code(&self, system: &System, phone: &str, before: usize) -> (String, String) {
        system.wait_until("the code is on the telephone", async || self.codes_to(phone).len() > before).await;
        self.codes_to(phone).remove(before)
    }

    /// Every code that reached this number, with the text around it.
    pub fn codes_to(&self, phone: &str) -> Vec<(String, String)> {
        self.texts_to(phone).into_iter().filter_map(|text| Some((code_in(&text)?, text))).collect()
    }
}

fn code_in(text: &str) -> Option<String> {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
    numbers.find(|digits| digits.len() == 6).map(str::to_owned)
}

/// A wallet that pays by code and waits for what is typed.
pub struct Typing {
    child: Child,
    stdin: ChildStdin,
}

impl Typing {
    /// Begins to pay with identity code and password.
    pub async fn begin(payer: &Payer, request: &str, words: &[&str], identity: &str, password: &str) -> Self {
        let mut typing = Self::start(payer, &[&["pay", request, "--code"], words].concat());
        typing.line(identity).await;
        typing.line(password).await;
        typing
    }

    /// Starts the wallet with these words, to be typed at.
    pub fn start(payer: &Payer, words: &[&str]) -> Self {
        let mut arguments = payer.base_arguments();
        arguments.extend(texts(words));
        let mut child = Command::new(process::program("tapseal-wallet"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        Self { child, stdin }
    }

    /// Types a line. A wallet that has ended does not read it.
    pub async fn line(&mut self, text: &str) {
        let _ = self.stdin.write_all(format!("{text}\n").as_bytes()).await;
    }

    /// Waits for the end.
    pub async fn end(self) -> Finished {
        drop(self.stdin);
        process::finish("tapseal-wallet", self.child).await
    }
}
