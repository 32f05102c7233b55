//! The voucher: made by the merchant, sold by the bank to the payer's account, and spent instead of a card.

use serde_json::{Value, json};

use crate::demo::narrator::Narrator;
use crate::demo::parties::tapseal;
use crate::demo::{Stage, merchant, text};
use crate::failure::Failure;

/// What every number of the demo's batch begins with.
const BATCH: &str = "420001";
/// What its vouchers are for.
const AMOUNT: &str = "50.00";
const AMOUNT_MINOR: &str = "5000";
/// The payer's account, and what is on it before.
const ACCOUNT: &str = "ada";
const DEPOSIT_MINOR: &str = "10000";

/// A voucher that the payer bought.
pub struct Bought {
    /// Its number.
    pub number: String,
    /// What spends it.
    pub code: String,
    /// The bank that sold it.
    pub bank: String,
}

/// Has the merchant make a batch and the bank sell one of it.
pub fn buy(stage: &Stage, bank: &str, narrator: &mut Narrator) -> Result<Bought, Failure> {
    let (key, batch) = (stage.folder.join("voucher-key"), stage.folder.join("vouchers.json"));
    of_bank(stage, bank, &["voucher", "key"], |call| {
        call.arg("--out").arg(&key);
    })?;
    tapseal(stage, &["merchant", "vouchers", "make", "--json", "--merchant", merchant::ID, "--data"], |call| {
        call.arg(&stage.folder).args(["--batch", BATCH, "--of", &format!("3:{AMOUNT}")]);
        call.arg("--bank-key").arg(&key).arg("--out").arg(&batch);
    })?;
    of_bank(stage, bank, &["voucher", "import"], |call| {
        call.arg(&batch);
    })?;
    narrator.stage(
        "vouchers",
        &[("batch", json!(BATCH)), ("vouchers", json!(3))],
        "the merchant made vouchers; only the bank can open their file",
    );
    of_bank(stage, bank, &["account", "open", ACCOUNT], |_| {})?;
    of_bank(stage, bank, &["account", "deposit", ACCOUNT, "--amount-minor", DEPOSIT_MINOR], |_| {})?;
    let sell = ["voucher", "sell", "--batch", BATCH, "--amount-minor", AMOUNT_MINOR, "--account", ACCOUNT];
    let printed = of_bank(stage, bank, &sell, |_| {})?;
    let sold: Value =
        serde_json::from_str(printed.trim()).map_err(|_| Failure::unexpected("bank voucher sell", "no JSON"))?;
    let number = text(&sold, "number", "bank voucher sell")?.to_owned();
    let code = text(&sold, "code", "bank voucher sell")?.to_owned();
    narrator.stage(
        "voucher",
        &[("number", json!(number)), ("amount_minor", json!(5_000))],
        &format!("the payer bought a voucher of {AMOUNT} USD by transfer; its code was handed over once"),
    );
    Ok(Bought { number, code, bank: bank.to_owned() })
}

fn of_bank(
    stage: &Stage,
    bank: &str,
    words: &[&str],
    add: impl FnOnce(&mut std::process::Command),
) -> Result<String, Failure> {
    tapseal(stage, &["bank"], |call| {
        call.args(words).args(["--json", "--bank", bank, "--data"]).arg(&stage.folder);
        add(call);
    })
}
