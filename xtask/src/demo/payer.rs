//! The payer: claims an e-mail address, finds the request in the inbox, pays by card and PIN, and keeps a receipt that
//! somebody else verifies.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::demo::alias::{self, Authenticator};
use crate::demo::card::Card;
use crate::demo::carrier::{self, Subscriber};
use crate::demo::code::CodePayer;
use crate::demo::narrator::Narrator;
use crate::demo::voucher::Bought;
use crate::demo::{Stage, mail, text};
use crate::failure::Failure;
use crate::invocation::{Listening, command, converse, converse_in_turns, json_of, output_of};
use crate::processes::Running;
use crate::repository;

/// How long a request may take to reach the inbox.
const DELIVERY_LIMIT: Duration = Duration::from_secs(20);

/// How long a payment may take: reading, sealing and the bank's answer time-out, with room.
const PAYMENT_LIMIT: Duration = Duration::from_mins(2);

const POLL: Duration = Duration::from_millis(100);

/// Stands behind the simulated cards that have certificates. Only a wallet that is given it believes them.
const TEST_AUTHORITY: &str = "crates/virtual-card/keys/test_ca.txt";

/// The payer's wallet.
pub struct Payer<'s> {
    stage: &'s Stage,
    card: &'s Card,
    home: PathBuf,
}

impl<'s> Payer<'s> {
    /// A payer with a fresh wallet and this card.
    pub fn new(stage: &'s Stage, card: &'s Card) -> Self {
        Self { stage, card, home: stage.folder.join("wallet") }
    }

    /// A call of the headless wallet. The demo's keys are in a file, by explicit choice: they are thrown away.
    fn wallet<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut wallet = self.stage.wallet();
        wallet.args(["--json", "--key-store", "file"]);
        wallet.arg("--home").arg(&self.home).arg("--trust").arg(self.stage.trust());
        wallet.arg("--ca-keys").arg(repository::root().join(TEST_AUTHORITY));
        wallet.args(arguments);
        wallet
    }

    /// Registers the device and proves that the address is the payer's, with the code from the mail.
    pub fn register(&self, address: &str, mail_folder: &Path, narrator: &mut Narrator) -> Result<(), Failure> {
        output_of(self.wallet(["register"]))?;
        output_of(self.wallet(["claim", address]))?;
        let code = mail::wait_for_code(mail_folder, address)?;
        output_of(self.wallet(["confirm", address, &code]))?;
        let sentence = format!("the wallet has claimed {address} with the code from its mail");
        narrator.stage("wallet", &[("identifier", json!(address))], &sentence);
        Ok(())
    }

    /// Waits until the request is in the inbox.
    pub fn see_in_inbox(&self, request: &str, narrator: &mut Narrator) -> Result<(), Failure> {
        let deadline = Instant::now() + DELIVERY_LIMIT;
        loop {
            let inbox = json_of(self.wallet(["inbox"]))?;
            if contains_text(&inbox, request) {
                narrator.stage("inbox", &[("request", json!(request))], "the sealed request is in the wallet's inbox");
                output_of(self.wallet(["accept-sender", request]))?;
                narrator.stage(
                    "sender",
                    &[("request", json!(request))],
                    "the payer accepts a sender they did not know",
                );
                return Ok(());
            }
            if Instant::now() > deadline {
                let hint = format!(": {inbox}");
                let limit_s = DELIVERY_LIMIT.as_secs();
                return Err(Failure::Late { what: "the request in the inbox".into(), limit_s, hint });
            }
            std::thread::sleep(POLL);
        }
    }

    /// Pays with card and PIN, telling every stage the wallet tells.
    pub fn pay(&self, request: &str, narrator: &mut Narrator) -> Result<(), Failure> {
        let call = self.wallet(["pay", request, "--reader", &self.card.reader, "--pin-stdin"]);
        Self::follow(call, &self.card.pin, narrator)
    }

    /// Pays with a voucher and its code.
    pub fn pay_by_voucher(&self, request: &str, bought: &Bought, narrator: &mut Narrator) -> Result<(), Failure> {
        let Bought { number, code, bank } = bought;
        let call = self.wallet(["pay", request, "--voucher", number, "--voucher-bank", bank]);
        Self::follow(call, code, narrator)
    }

    /// Tells every stage the wallet tells; the secret is a line of its input.
    fn follow(call: Command, secret: &str, narrator: &mut Narrator) -> Result<(), Failure> {
        let mut last = Value::Null;
        converse(call, &format!("{secret}\n"), PAYMENT_LIMIT, |line| {
            let Ok(told) = serde_json::from_str::<Value>(line) else { return };
            // The last stage is told after the receipt has been verified by somebody else.
            if told["stage"] != "receipt" {
                narrator.pass_on(&told);
            }
            last = told;
        })?;
        if last["stage"] == "receipt" && last["verified"] == true {
            return Ok(());
        }
        Err(Failure::unexpected("tapseal-wallet pay", last.to_string()))
    }

    /// Enrols the card at the vault, pays by alias, and has everything forgotten.
    pub fn pay_by_alias(&self, request: &str, narrator: &mut Narrator) -> Result<(), Failure> {
        let call = self.wallet(["alias", "enrol", alias::NAME, "--reader", &self.card.reader]);
        let (mut view, mut authenticator) = (Value::Null, None);
        converse_in_turns(call, "", PAYMENT_LIMIT, Listening::ToAnswers, |line| {
            view = serde_json::from_str::<Value>(line).ok()?;
            if view["stage"] != "second_factor" {
                return None;
            }
            let set_up = authenticator.insert(Authenticator::of(&view).ok()?);
            Some(format!("{}\n{}\n", alias::PASSWORD, set_up.code()))
        })?;
        alias::tell_kept(&view, narrator)?;
        let mut authenticator =
            authenticator.ok_or_else(|| Failure::unexpected("tapseal-wallet alias enrol", "no second factor"))?;
        let secrets = format!("{}\n{}", alias::PASSWORD, authenticator.code());
        Self::follow(self.wallet(["pay", request, "--alias", alias::NAME]), &secrets, narrator)?;
        alias::forget(self.wallet([]), &mut authenticator, narrator)
    }

    /// Enrols the wallet with the operator: what the telephone says is typed when the wallet asks for it.
    pub fn enrol(&self, subscriber: &Subscriber, narrator: &mut Narrator) -> Result<(), Failure> {
        let call = self.wallet(["carrier", "enrol", carrier::OPERATOR, carrier::TELEPHONE, "--name", carrier::NAME]);
        let (mut last, mut failed) = (Value::Null, None);
        converse_in_turns(call, &Subscriber::pin(), PAYMENT_LIMIT, Listening::ToAnswers, |line| {
            last = serde_json::from_str::<Value>(line).ok()?;
            if last["stage"] != "code_sent" {
                return None;
            }
            let code = subscriber.code(narrator).map_err(|failure| failed = Some(failure)).unwrap_or_default();
            Some(format!("{code}\n"))
        })?;
        match failed {
            Some(failure) => Err(failure),
            None if last["phone_bills"].is_array() => {
                narrator.stage("enrolled", &[], "the operator certified the wallet's own key: it signs every payment");
                Ok(())
            }
            None => Err(Failure::unexpected("tapseal-wallet carrier enrol", last.to_string())),
        }
    }

    /// Pays on the phone bill.
    pub fn pay_on_bill(&self, request: &str, narrator: &mut Narrator) -> Result<(), Failure> {
        Self::follow(self.wallet(["pay", request, "--carrier"]), Subscriber::pin().trim(), narrator)
    }

    /// The newest receipt, whole.
    pub fn newest_receipt(&self) -> Result<Value, Failure> {
        let receipts = json_of(self.wallet(["receipts"]))?;
        let newest = receipts.as_array().and_then(|receipts| receipts.first());
        let newest = newest.ok_or_else(|| Failure::unexpected("tapseal-wallet receipts", receipts.to_string()))?;
        json_of(self.wallet(["receipt", text(newest, "attempt_id", "tapseal-wallet receipts")?]))
    }

    /// Has a proof verified by a wallet that knows nothing but the pinned trust.
    pub fn verify_proof(&self, proof: &Path, narrator: &mut Narrator) -> Result<(), Failure> {
        let mut verify = self.as_stranger();
        verify.arg("verify-proof").arg(proof);
        output_of(verify)?;
        narrator.stage(
            "proof",
            &[("verified", json!(true))],
            "the payer's own signature over the payment VERIFIED offline",
        );
        Ok(())
    }

    /// Pays by code: what the telephone says is typed when the wallet asks for it.
    pub fn pay_by_code(&self, request: &str, payer: &CodePayer, narrator: &mut Narrator) -> Result<(), Failure> {
        payer.wait_until_known(|identity_code| self.wallet(["code-terminals", identity_code]))?;
        let call = self.wallet(["pay", request, "--code"]);
        let (mut last, mut failed) = (Value::Null, None);
        converse_in_turns(call, &payer.first_lines(), PAYMENT_LIMIT, Listening::ToAnswers, |line| {
            let told = serde_json::from_str::<Value>(line).ok()?;
            let is_sent = told["stage"] == "code_sent";
            if told["stage"] != "receipt" {
                narrator.pass_on(&told);
            }
            last = told;
            if !is_sent {
                return None;
            }
            match payer.code(narrator) {
                Ok(code) => Some(format!("{code}\n")),
                Err(failure) => {
                    failed = Some(failure);
                    Some("\n".to_owned())
                }
            }
        })?;
        match failed {
            Some(failure) => Err(failure),
            None if last["stage"] == "receipt" && last["verified"] == true => Ok(()),
            None => Err(Failure::unexpected("tapseal-wallet pay --code", last.to_string())),
        }
    }

    /// Opens the wallet window on the same wallet, for a person to pay in.
    pub fn open_window(&self, narrator: &mut Narrator) -> Result<Running, Failure> {
        let mut window = command(self.stage.program("tapseal-app"), [""; 0]);
        window.env("TAPSEAL_HOME", &self.home).env("TAPSEAL_TRUST", self.stage.trust());
        window.env("TAPSEAL_CA_KEYS", repository::root().join(TEST_AUTHORITY));
        window.env("TAPSEAL_KEY_STORE", "file").env("TAPSEAL_READER", &self.card.reader);
        let running = Running::start("tapseal-app", window, &self.stage.log("window"))?;
        narrator.stage("window", &[], "the wallet window is open");
        Narrator::remark(&format!("Pay the request in the window. The test card's PIN is {}.", self.card.pin));
        Ok(running)
    }

    /// Saves the newest receipt and has it verified by a wallet that knows nothing but the pinned trust. What the receipt
    /// says.
    pub fn verify_receipt(&self, narrator: &mut Narrator) -> Result<Value, Failure> {
        let receipts = json_of(self.wallet(["receipts"]))?;
        let newest = receipts.as_array().and_then(|receipts| receipts.first());
        let newest = newest.ok_or_else(|| Failure::unexpected("tapseal-wallet receipts", receipts.to_string()))?;
        let attempt = text(newest, "attempt_id", "tapseal-wallet receipts")?;
        let file = self.stage.folder.join("receipt.json");
        let mut save = self.wallet(["receipt", attempt, "--out"]);
        save.arg(&file);
        output_of(save)?;
        let verdict = json_of(self.verify_as_stranger(&file))?;
        if verdict["verified"] != true {
            return Err(Failure::unexpected("tapseal-wallet verify", verdict.to_string()));
        }
        let bytes = std::fs::metadata(&file).map_err(Failure::file(&file))?.len();
        narrator.stage(
            "receipt",
            &[
                ("verified", json!(true)),
                ("attempt", json!(attempt)),
                ("receipt_bytes", json!(bytes)),
                ("offline", json!(true)),
            ],
            &format!("receipt of {bytes} bytes VERIFIED offline by a second wallet that only has trust.json"),
        );
        Ok(newest.clone())
    }

    fn verify_as_stranger(&self, file: &Path) -> Command {
        let mut verify = self.as_stranger();
        verify.arg("verify").arg(file);
        verify
    }

    fn as_stranger(&self) -> Command {
        let mut stranger = self.stage.wallet();
        stranger.args(["--json", "--key-store", "file"]);
        stranger.arg("--home").arg(self.stage.folder.join("stranger")).arg("--trust").arg(self.stage.trust());
        stranger
    }
}

/// Whether a text stands anywhere in a document.
fn contains_text(document: &Value, wanted: &str) -> bool {
    match document {
        Value::String(text) => text == wanted,
        Value::Array(items) => items.iter().any(|item| contains_text(item, wanted)),
        Value::Object(members) => members.values().any(|member| contains_text(member, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_wherever_the_inbox_names_it() {
        let inbox = json!({ "requests": [{ "id": "one" }, { "id": "two" }] });
        assert!(contains_text(&inbox, "two"));
        assert!(!contains_text(&inbox, "three"));
    }
}
