//! The phone bill: an operator with a subscriber, whose mobile gets the code that enrols the wallet and is told what it bought.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::demo::code::{late, newest_code};
use crate::demo::narrator::Narrator;
use crate::demo::parties::tapseal;
use crate::demo::{Stage, text};
use crate::failure::Failure;
use crate::invocation::{command, converse};

/// The operator's id, and how it is made.
pub const OPERATOR: &str = "north";
pub const OPERATOR_ENTRY: &str = "north:North Telecom";
/// The subscriber.
pub const TELEPHONE: &str = "+12025550177";
pub const NAME: &str = "Ada Example";
const PIN: &str = "2580";
/// What may stand on its bill, in minor units.
const LIMIT_MINOR: &str = "10000";

/// How long opening a subscriber and a text message may take.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// A subscriber whose wallet is to be enrolled.
pub struct Subscriber {
    texts: PathBuf,
}

/// Where the operator's text messages are written.
pub fn texts_folder(stage: &Stage) -> PathBuf {
    stage.folder.join("operator-texts")
}

impl Subscriber {
    /// Opens a subscriber at the operator's counter.
    pub fn open(stage: &Stage, narrator: &mut Narrator) -> Result<Self, Failure> {
        let mut call = command(stage.program("tapseal"), ["carrier", "subscriber", "open", TELEPHONE, "--name", NAME]);
        call.args(["--limit-minor", LIMIT_MINOR, "--json", "--data"]).arg(&stage.folder);
        converse(call, &format!("{PIN}\n"), WAIT_LIMIT, |_| {})?;
        narrator.stage(
            "subscriber",
            &[("operator", json!(OPERATOR)), ("limit_minor", json!(10_000))],
            "the operator has a subscriber with a name, a PIN and a credit limit",
        );
        Ok(Self { texts: texts_folder(stage) })
    }

    /// What is typed before the code, and what pays.
    pub fn pin() -> String {
        format!("{PIN}\n")
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

/// Makes sure that the operator's books are in order and that it owes the merchant something; writes the proof of this
/// purchase.
pub fn check_books(stage: &Stage, confirmation: &str, narrator: &mut Narrator) -> Result<PathBuf, Failure> {
    let printed = tapseal(stage, &["carrier", "ledger", "--json", "--data"], |call| {
        call.arg(&stage.folder);
    })?;
    let ledger: Value = serde_json::from_str(printed.trim())
        .map_err(|_| Failure::unexpected("tapseal carrier ledger", printed.clone()))?;
    let accounts = ledger["accounts"].as_array().into_iter().flatten();
    let posted = |account: &Value| account["posted_minor"].as_i64().unwrap_or_default();
    let sum: i64 = accounts.clone().map(posted).sum();
    let owed: i64 = accounts
        .filter(|account| account["account"].as_str().is_some_and(|id| id.starts_with("merchant:")))
        .map(posted)
        .sum();
    if sum != 0 || owed >= 0 || ledger["faults"].as_array().is_none_or(|faults| !faults.is_empty()) {
        return Err(Failure::unexpected("the operator's ledger", ledger.to_string()));
    }
    narrator.stage(
        "bill",
        &[("operator", json!(OPERATOR)), ("confirmation_number", json!(confirmation)), ("owed_minor", json!(-owed))],
        &format!("purchase {confirmation} is on the phone bill, and the operator's ledger sums to zero"),
    );
    let proof = stage.folder.join("proof.json");
    tapseal(stage, &["carrier", "prove", confirmation, "--data"], |call| {
        call.arg(&stage.folder).arg("--out").arg(&proof);
    })?;
    Ok(proof)
}

/// The confirmation number that a receipt has.
pub fn confirmation_of(receipt: &Value) -> Result<String, Failure> {
    text(receipt, "approval_code", "tapseal-wallet receipt").map(str::to_owned)
}
