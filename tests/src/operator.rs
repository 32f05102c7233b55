//! A telephone operator beside the system's bank: added to the folder, with subscribers, connected to the payment server.

use std::path::PathBuf;

use serde_json::Value;

use crate::code::Typing;
use crate::payer::Payer;
use crate::process::{self, Finished, Running};
use crate::system::{MERCHANT, System, free_port, texts};
use crate::tap::Tap;

/// The PIN of every subscriber.
pub const PIN: &str = "2580";
/// Their name.
pub const NAME: &str = "Ann Example";

/// The operator, and its front while it runs.
pub struct Operator {
    port: u16,
    /// Between the payment server and its front, where the system's traffic is recorded.
    pub tap: Option<Tap>,
    front: Option<Running>,
}

impl Operator {
    /// The operator's id.
    pub const ID: &str = "north";

    /// Makes it in the system's folder. The payment server has a line to it from its next start on.
    pub async fn found(system: &mut System) -> Self {
        let merchant = format!("{MERCHANT}:Blue Door Café:5814:US:USD");
        let operator = format!("{}:North Telecom", Self::ID);
        let init = ["keys", "init", "--dir", &system.data(), "--merchant", &merchant, "--operator", &operator];
        system.tapseal(&init).await.success();
        let mut made = Self { port: free_port(), tap: None, front: None };
        if system.is_tapped() {
            made.tap = Some(Tap::between_server_and_operator(system.folder(), Self::ID, &made.address()).await);
        }
        let reached_at = made.tap.as_ref().map_or_else(|| made.address(), Tap::address);
        system.wish_for_server(&["--front", &format!("{}={reached_at}", Self::ID)]);
        made
    }

    /// Makes it, starts its front, and the payment server again with a line to it.
    pub async fn join(system: &mut System) -> Self {
        let mut made = Self::found(system).await;
        system.tapseal(&["migrate", "--data", &system.data()]).await.success();
        made.start(system).await;
        system.server.take().expect("it was started").stop().await;
        system.start_server().await;
        made.line_is(system, "up").await;
        made
    }

    /// Where its front listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What its front is started with.
    pub fn arguments(&self, system: &System) -> Vec<String> {
        texts(&["carrier-front", "--data", &system.data(), "--listen", &self.address()])
    }

    /// Starts (again) its front, at the same address.
    pub async fn start(&mut self, system: &System) {
        self.front = Some(Running::start("tapseal", &self.arguments(system), &system.log("carrier-front")).await);
    }

    /// The process id of its front.
    pub fn id(&self) -> u32 {
        self.front.as_ref().expect("it was started").id()
    }

    /// Kills its front as `kill -9` does.
    pub async fn kill(&mut self) {
        self.front.take().expect("it was started").kill().await;
    }

    /// Waits until the payment server's line to it is `up` or `down`.
    pub async fn line_is(&self, system: &System, state: &str) {
        let is = async || {
            let health = system.public_get("/v1/health").await;
            health.is_some_and(|health| health["banks"][Self::ID] == state)
        };
        system.wait_until(&format!("the operator's line is {state}"), is).await;
    }

    /// Runs one of the staff's tools.
    pub async fn tool(&self, system: &System, words: &[&str], input: &str) -> Finished {
        let mut arguments = texts(&["carrier"]);
        arguments.extend(texts(words));
        arguments.extend(texts(&["--data", &system.data(), "--json"]));
        process::run("tapseal", &arguments, &[], input).await
    }

    /// Opens a subscriber of the usual name and PIN.
    pub async fn subscriber(&self, system: &System, number: &str, line: &str, limit_minor: i64) {
        let limit = limit_minor.to_string();
        let words = ["subscriber", "open", number, "--name", NAME, "--line", line, "--limit-minor", &limit];
        self.tool(system, &words, &format!("{PIN}\n")).await.success();
    }

    /// What a subscriber owes, in minor units.
    pub async fn owed(&self, system: &System, number: &str) -> i64 {
        let shown = self.tool(system, &["subscriber", "show", number], "").await.success();
        shown["owed_minor"].as_i64().expect("a subscriber owes something or nothing")
    }

    /// Enrols a payer's wallet by the code that comes to its mobile.
    pub async fn enrol(&self, system: &System, payer: &Payer, number: &str) -> Finished {
        let known = self.codes(system, number).len();
        let words = ["carrier", "enrol", Self::ID, number, "--name", NAME];
        let mut typing = Typing::start(payer, &words);
        typing.line(PIN).await;
        typing.line(&self.code(system, number, known).await).await;
        typing.end().await
    }

    /// Waits for the code that comes to a mobile after so many others.
    pub async fn code(&self, system: &System, number: &str, before: usize) -> String {
        system.wait_until("the code has been texted", async || self.codes(system, number).len() > before).await;
        self.codes(system, number).remove(before)
    }

    /// Pays a request on the bill.
    pub async fn pay(&self, payer: &Payer, request: &str, pin: &str) -> Finished {
        payer.wallet(&["pay", request, "--carrier"], &format!("{pin}\n")).await
    }

    /// Every text to a number, oldest first.
    pub fn texts_to(&self, system: &System, number: &str) -> Vec<String> {
        let folder = system.folder().join("operators").join(Self::ID).join("texts");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        let texts = files.iter().filter_map(|file| serde_json::from_slice::<Value>(&std::fs::read(file).ok()?).ok());
        texts.filter(|text| text["to"] == number).filter_map(|text| Some(text["text"].as_str()?.to_owned())).collect()
    }

    /// Every code that was texted to a number, oldest first.
    pub fn codes(&self, system: &System, number: &str) -> Vec<String> {
        let code = |text: String| {
            let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
            numbers.find(|digits| digits.len() == 6).map(str::to_owned)
        };
        self.texts_to(system, number).into_iter().filter_map(code).collect()
    }
}
