//! A payer: a wallet folder of their own, and the `tapseal-wallet` program.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::card::Card;
use crate::process::{self, Finished};
use crate::system::{System, texts};

/// The PIN of the built-in test cards.
pub const PIN: &str = "1234";

/// Somebody with a wallet.
pub struct Payer {
    home: TempDir,
    trust: PathBuf,
}

impl Payer {
    /// A new wallet that pins what `system` published.
    pub fn new(system: &System) -> Self {
        Self { home: TempDir::new().expect("a folder for the wallet"), trust: system.trust() }
    }

    /// The wallet's folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The arguments every call begins with.
    pub fn base_arguments(&self) -> Vec<String> {
        let plain = |path: &Path| path.to_str().expect("temporary paths are plain").to_owned();
        let (home, trust) = (plain(self.home.path()), plain(&self.trust));
        texts(&["--json", "--home", &home, "--trust", &trust, "--key-store", "file"])
    }

    /// Runs `tapseal-wallet` with these words.
    pub async fn wallet(&self, words: &[&str], input: &str) -> Finished {
        let mut arguments = self.base_arguments();
        arguments.extend(texts(words));
        process::run("tapseal-wallet", &arguments, &[], input).await
    }

    /// Opens the link of a created request; answers the request's id.
    pub async fn open(&self, created: &Value) -> String {
        let link = created["link"].as_str().expect("a new request has a link");
        let view = self.wallet(&["open", link], "").await.success();
        view["request_id"].as_str().expect("a view names its request").to_owned()
    }

    /// Pays with `card` and `pin`.
    pub async fn pay(&self, request_id: &str, card: &Card, pin: &str) -> Finished {
        self.pay_at(request_id, &card.reader, pin).await
    }

    /// Pays at a reader given by name.
    pub async fn pay_at(&self, request_id: &str, reader: &str, pin: &str) -> Finished {
        let input = format!("{pin}\n");
        self.wallet(&["pay", request_id, "--reader", reader, "--pin-stdin"], &input).await
    }

    /// Starts paying and does not wait: for tests that kill the wallet.
    pub async fn start_paying(&self, request_id: &str, card: &Card, pin: &str) -> tokio::process::Child {
        let mut arguments = self.base_arguments();
        arguments.extend(texts(&["pay", request_id, "--reader", &card.reader, "--pin-stdin"]));
        process::spawn("tapseal-wallet", &arguments, &[], &format!("{pin}\n")).await
    }

    /// The request as the wallet shows it now.
    pub async fn show(&self, request_id: &str) -> Value {
        self.wallet(&["show", request_id], "").await.success()
    }
}

/// The error code of a command that failed.
pub fn code(finished: &Finished) -> String {
    let all = finished.lines.iter().rev();
    let named = all.filter_map(|line| line["code"].as_str().or_else(|| line["error"]["code"].as_str()));
    named.map(str::to_owned).next().unwrap_or_else(|| panic!("no error code in {finished:?}"))
}

/// What a failed command says about the money.
pub fn money_moved(finished: &Finished) -> String {
    let all = finished.lines.iter().rev();
    let named = all.filter_map(|line| line["money_moved"].as_str().or_else(|| line["error"]["money_moved"].as_str()));
    named.map(str::to_owned).next().unwrap_or_else(|| panic!("nothing about the money in {finished:?}"))
}
