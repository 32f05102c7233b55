//! Paying by alias: a vault keeps the card under a name, and the payer pays with name, password and a code of its device.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::demo::narrator::Narrator;
use crate::demo::parties::{free_port, tapseal};
use crate::demo::{Stage, text};
use crate::failure::Failure;
use crate::invocation::{command, converse};
use crate::processes::Running;

/// The vault, and its address in the operator's list.
const VAULT: &str = "card-keeper";
const VAULT_NAME: &str = "Card Keeper";
/// Who pays, and what it chose.
pub const NAME: &str = "王小明";
pub const PASSWORD: &str = "Quickset hedge 77";
/// The most one payment may take, in minor units.
const LIMIT_MINOR: &str = "20000";
/// How long the vault may take until it is ready: a key is derived.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long forgetting an alias may take.
const REMOVE_LIMIT: Duration = Duration::from_secs(30);
/// How long a step of the second factor is, in seconds (RFC 6238).
const STEP_S: u64 = 30;

/// A running vault: a party of its own, in a folder of its own.
pub struct Keeper {
    entry: PathBuf,
    _running: Running,
}

impl Keeper {
    /// Sets a vault up, has the operator list it, and starts it. The payment server starts after this.
    pub fn start(stage: &Stage, narrator: &mut Narrator) -> Result<Self, Failure> {
        let folder = stage.folder.join("vault");
        let port = free_port()?;
        let url = format!("https://127.0.0.1:{port}");
        let init = ["vault", "init", "--json", "--id", VAULT, "--name", VAULT_NAME, "--url", &url, "--data"];
        tapseal(stage, &init, |call| {
            call.arg(&folder).arg("--trust").arg(stage.trust());
        })?;
        let entry = folder.join("vault.json");
        tapseal(stage, &["keys", "add-vault", "--dir"], |call| {
            call.arg(&stage.folder).arg(&entry);
        })?;
        let mut serve = command(stage.program("tapseal"), ["vault", "serve", "--data"]);
        serve.arg(&folder).args(["--listen", &format!("127.0.0.1:{port}")]);
        let (running, _) = Running::start_until_line("vault", serve, &stage.log("vault"), READY_LIMIT)?;
        let sentence = "a vault, run by somebody else with keys of its own, is in the operator's signed list";
        narrator.stage("vault", &[("url", json!(url))], sentence);
        Ok(Self { entry, _running: running })
    }

    /// Has the bank believe the vault, and the cardholder allow it at the bank.
    pub fn admit(&self, stage: &Stage, bank: &str, last_four: &str, narrator: &mut Narrator) -> Result<(), Failure> {
        let folder = |call: &mut Command| {
            call.args(["--json", "--bank", bank, "--data"]).arg(&stage.folder);
        };
        tapseal(stage, &["bank", "alias", "admit"], |call| {
            folder(call);
            call.arg(&self.entry);
        })?;
        let allow = ["bank", "alias", "allow", last_four, "--vault-id", VAULT, "--limit-minor", LIMIT_MINOR];
        tapseal(stage, &allow, folder)?;
        let sentence = format!("the bank takes cards from the vault, and the cardholder allowed it for ••{last_four}");
        narrator.stage("allowed", &[("limit_minor", json!(LIMIT_MINOR))], &sentence);
        Ok(())
    }
}

/// The payer's authenticator: what it was set up with, and the last step whose code it gave.
pub struct Authenticator {
    secret: Vec<u8>,
    last_step: u64,
}

impl Authenticator {
    /// Set up by the address that the wallet shows once.
    pub fn of(told: &Value) -> Result<Self, Failure> {
        let address = text(told, "address", "tapseal-wallet alias enrol")?;
        let secret = address.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).map(from_base32);
        let secret = secret.ok_or_else(|| Failure::unexpected("tapseal-wallet alias enrol", "no secret"))?;
        Ok(Self { secret, last_step: 0 })
    }

    /// A code that was not used yet: of the step before, of now, or of the next, waiting if those are used up.
    pub fn code(&mut self) -> String {
        loop {
            let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let now = now_s / STEP_S;
            let step = (now - 1).max(self.last_step + 1);
            if step <= now + 1 {
                self.last_step = step;
                return code_at(&self.secret, step);
            }
            std::thread::sleep(Duration::from_secs(STEP_S - now_s % STEP_S));
        }
    }
}

/// RFC 6238 with SHA-256 and eight digits.
fn code_at(secret: &[u8], step: u64) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    let hash = mac.chain_update(step.to_be_bytes()).finalize().into_bytes();
    let offset = usize::from(hash[hash.len() - 1] & 0x0f);
    let binary = u32::from_be_bytes([hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
    format!("{:08}", binary % 100_000_000)
}

/// RFC 4648, section 6.
fn from_base32(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'2'..=b'7' => letter - b'2' + 26,
        _ => 0,
    };
    let bits = |letter: u8| (0..5).rev().map(move |place| value(letter) >> place & 1);
    let bits: Vec<u8> = text.bytes().flat_map(bits).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// What the owner sees of the alias.
pub fn tell_kept(view: &Value, narrator: &mut Narrator) -> Result<(), Failure> {
    let card = view["cards"].as_array().and_then(|cards| cards.first()).cloned().unwrap_or_default();
    let last_four = text(&card, "last_four", "tapseal-wallet alias")?;
    let sentence = format!("the vault keeps the card ••{last_four} under the name {NAME}; nobody else has seen it");
    narrator.stage("enrolled", &[("alias", json!(NAME)), ("last_four", json!(last_four))], &sentence);
    Ok(())
}

/// Has the vault forget everything, as its owner may at any time.
pub fn forget(mut wallet: Command, authenticator: &mut Authenticator, narrator: &mut Narrator) -> Result<(), Failure> {
    wallet.args(["alias", "remove", NAME]);
    converse(wallet, &format!("{PASSWORD}\n{}\n", authenticator.code()), REMOVE_LIMIT, |_| {})?;
    narrator.stage("forgotten", &[], "its owner had the vault forget the alias and the card");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_code_comes_out() {
        // RFC 6238, appendix B; RFC 4648, section 10.
        assert_eq!(code_at(b"12345678901234567890123456789012", 59 / STEP_S), "46119246");
        assert_eq!(from_base32("MZXW6YTBOI"), b"foobar");
    }
}
