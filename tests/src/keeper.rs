//! A vault beside the system, its owner's authenticator, and enrolling from the wallet.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::payer::Payer;
use crate::process::{self, Finished, Running};
use crate::system::{System, free_port, texts};

/// The vault's id.
pub const VAULT: &str = "card-keeper";
/// What the owners of these tests chose.
pub const PASSWORD: &str = "Quickset hedge 77";
/// How long a step of the second factor is, in seconds (RFC 6238).
const STEP_S: u64 = 30;
/// How long it may take until a code is checked, in seconds.
const CHECK_S: u64 = 10;

/// A vault: a party of its own, in a folder of its own.
pub struct Keeper {
    folder: TempDir,
    port: u16,
    /// Stopped while there is none.
    pub running: Option<Running>,
}

impl Keeper {
    /// Sets a vault up that pins the system's banks, and has the operator list it. The payment server starts after this.
    pub async fn found(system: &System) -> Self {
        let keeper = Self { folder: TempDir::new().expect("a folder for the vault"), port: free_port(), running: None };
        let (trust, url) = (plain(&system.trust()), format!("https://127.0.0.1:{}", keeper.port));
        let mut init = texts(&["vault", "init", "--json", "--id", VAULT, "--name", "Card Keeper", "--url", &url]);
        init.extend(texts(&["--trust", &trust, "--data", &keeper.data()]));
        process::run("tapseal", &init, &[], "").await.success();
        system.tapseal(&["keys", "add-vault", "--dir", &system.data(), &keeper.entry()]).await.success();
        keeper
    }

    /// Starts it, to abort at this point if one is named.
    pub async fn serve(&mut self, crash_at: Option<&str>) {
        if let Some(running) = self.running.take() {
            running.kill().await;
        }
        let mut arguments = self.arguments();
        arguments.extend(crash_at.iter().flat_map(|point| texts(&["--crash-at", point])));
        self.running = Some(Running::start("tapseal", &arguments, &self.folder.path().join("vault.log")).await);
    }

    /// What it is started with.
    pub fn arguments(&self) -> Vec<String> {
        let listen = format!("127.0.0.1:{}", self.port);
        texts(&["vault", "serve", "--data", &self.data(), "--listen", &listen])
    }

    /// Waits until it has killed itself.
    pub async fn crashed(&mut self) {
        self.running.take().expect("it runs").ended().await;
    }

    /// Has the bank believe it, and the Visa cardholder allow it so much a payment.
    pub async fn admit(&self, system: &System, limit_minor: &str) {
        self.admit_key(system).await;
        self.allow(system, "0050", limit_minor).await;
    }

    /// Has the bank believe it.
    pub async fn admit_key(&self, system: &System) {
        let data = system.data();
        let at_bank = ["bank", "alias", "admit", &self.entry(), "--data", &data, "--json"];
        system.tapseal(&at_bank).await.success();
    }

    /// Has the holder of the card with these last digits allow it so much a payment.
    pub async fn allow(&self, system: &System, last_four: &str, limit_minor: &str) {
        let data = system.data();
        let allow = ["bank", "alias", "allow", last_four, "--vault-id", VAULT, "--limit-minor", limit_minor];
        system.tapseal(&[&allow[..], &["--data", &data, "--json"]].concat()).await.success();
    }

    /// Runs one of its tools.
    pub async fn tool(&self, words: &[&str]) -> Finished {
        let mut arguments = texts(&["vault"]);
        arguments.extend(texts(words));
        arguments.extend(texts(&["--data", &self.data(), "--json"]));
        process::run("tapseal", &arguments, &[], "").await
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A folder that `vault init` makes.
    fn data(&self) -> String {
        plain(&self.folder.path().join("vault"))
    }

    fn entry(&self) -> String {
        format!("{}/vault.json", self.data())
    }
}

fn plain(path: &Path) -> String {
    path.to_str().expect("temporary paths are plain").to_owned()
}

/// An authenticator: what it was set up with, and the last step whose code it gave.
pub struct Authenticator {
    secret: Vec<u8>,
    last_step: u64,
}

impl Authenticator {
    fn of(address: &str) -> Self {
        let secret = address.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret");
        Self { secret: from_base32(secret), last_step: 0 }
    }

    /// One that is set up with a secret as it is typed, in groups.
    pub fn typed(secret: &str) -> Self {
        Self { secret: from_base32(&secret.replace(' ', "")), last_step: 0 }
    }

    /// One that is set up with this secret.
    pub fn with(secret: &[u8]) -> Self {
        Self { secret: secret.to_vec(), last_step: 0 }
    }

    /// The code of this step, if it was not used yet and nothing later was.
    pub fn unused(&mut self, when: When) -> Option<String> {
        let step = now_s() / STEP_S - 1 + when as u64;
        if step <= self.last_step {
            return None;
        }
        self.last_step = step;
        Some(self.code_at(step))
    }

    /// What it was set up with.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// A code that was not used yet: of the step before, of now, or of the next, waiting if those are used up.
    pub async fn code(&mut self) -> String {
        self.code_from(1).await
    }

    /// The same for a page it is typed into: it holds for a whole step at least, however long typing takes.
    pub async fn lasting_code(&mut self) -> String {
        self.code_from(0).await
    }

    /// A code that was not used yet, of so many steps before now at most; none of an earlier step when that is about to be too old.
    async fn code_from(&mut self, steps_before: u64) -> String {
        loop {
            let now_s = now_s();
            let now = now_s / STEP_S;
            let is_late = STEP_S - now_s % STEP_S < CHECK_S;
            let earliest = if is_late { now } else { now - steps_before };
            let step = earliest.max(self.last_step + 1);
            if step <= now + 1 {
                self.last_step = step;
                return self.code_at(step);
            }
            tokio::time::sleep(Duration::from_secs(STEP_S - now_s % STEP_S)).await;
        }
    }

    /// Password and such a code, as they are typed.
    pub async fn lines(&mut self) -> String {
        format!("{PASSWORD}\n{}\n", self.code().await)
    }

    fn code_at(&self, step: u64) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        let hash = mac.chain_update(step.to_be_bytes()).finalize().into_bytes();
        let offset = usize::from(hash[hash.len() - 1] & 0x0f);
        let binary = u32::from_be_bytes([hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
        format!("{:08}", binary % 100_000_000)
    }
}

/// Which step's code, of those that a vault takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The step before.
    Before,
    /// The step of now.
    Now,
    /// The next step.
    Next,
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock past 1970").as_secs()
}

/// RFC 4648, section 6.
fn from_base32(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        _ => letter - b'2' + 26,
    };
    let bits = |letter: u8| (0..5).rev().map(move |place| value(letter) >> place & 1);
    let bits: Vec<u8> = text.bytes().flat_map(bits).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// Enrols the card at this reader: how it ended, and the authenticator that was set up on the way.
pub async fn enrol(payer: &Payer, name: &str, reader: &str) -> (Finished, Authenticator) {
    let mut arguments = payer.base_arguments();
    arguments.extend(texts(&["alias", "enrol", name, "--reader", reader]));
    let mut child = Command::new(program())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let mut errors = child.stderr.take().expect("stderr is piped");
    let (mut told, mut output, mut authenticator) = (Vec::new(), String::new(), None);
    while let Some(line) = lines.next_line().await.expect("output can be read") {
        let value: Value = serde_json::from_str(&line).expect("every line is JSON");
        if let Some(address) = value["address"].as_str() {
            let set_up = authenticator.insert(Authenticator::of(address));
            let typed = set_up.lines().await;
            stdin.write_all(typed.as_bytes()).await.expect("the wallet reads");
        }
        output.push_str(&line);
        told.push(value);
    }
    let mut said = String::new();
    errors.read_to_string(&mut said).await.expect("errors can be read");
    let status = child.wait().await.expect("it can be waited for");
    let finished = Finished { code: status.code().unwrap_or(-1), lines: told, output, errors: said };
    let authenticator = authenticator.unwrap_or_else(|| panic!("no second factor was shown: {finished:?}"));
    (finished, authenticator)
}

fn program() -> PathBuf {
    process::program("tapseal-wallet")
}
