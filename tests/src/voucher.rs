//! Vouchers for tests: a batch that a merchant made and its bank took, and one bought of it.

use serde_json::Value;

use crate::process;
use crate::system::{MERCHANT, System, texts};

/// The fixed part of the batch.
pub const BATCH: &str = "420001";

/// What a voucher's buyer is told once.
pub struct Bought {
    /// Names it.
    pub number: String,
    /// Spends it.
    pub code: String,
    /// Opens it when it is locked.
    pub backup: String,
}

/// The merchant makes two vouchers of fifty, and the bank takes them.
pub async fn make(system: &System) {
    assert_eq!(make_of(system, "2:50.00").await["total_minor"], 10_000);
}

/// The same with so many of so much, as `COUNT:AMOUNT`; what the merchant's tool said.
pub async fn make_of(system: &System, of: &str) -> Value {
    make_large_from(system, of, "500.00").await
}

/// The same, where this amount and more needs a card too.
pub async fn make_large_from(system: &System, of: &str, large_from: &str) -> Value {
    let (key, batch) = (file(system, "bank-key"), file(system, "batch.json"));
    bank(system, &["key", "--out", &key], "").await.success();
    let words = ["make", "--batch", BATCH, "--of", of, "--large-from", large_from, "--bank-key", &key, "--out", &batch];
    let made = merchant(system, &words).await;
    bank(system, &["import", &batch], "").await.success();
    made
}

/// A file in the deployment's folder.
pub fn file(system: &System, name: &str) -> String {
    system.folder().join(name).to_str().expect("temporary paths are plain").to_owned()
}

/// A command of the bank's about vouchers; codes are its input.
pub async fn bank(system: &System, words: &[&str], input: &str) -> process::Finished {
    let data = system.data();
    let mut arguments = texts(&["bank", "voucher"]);
    arguments.extend(texts(words));
    arguments.extend(texts(&["--data", &data, "--json"]));
    process::run("tapseal", &arguments, &[], input).await
}

/// A command of the merchant's about vouchers.
pub async fn merchant(system: &System, words: &[&str]) -> Value {
    let data = system.data();
    let mut arguments = texts(&["merchant", "vouchers"]);
    arguments.extend(texts(words));
    arguments.extend(texts(&["--data", &data, "--merchant", MERCHANT, "--json"]));
    process::run("tapseal", &arguments, &[], "").await.success()
}

/// One voucher, bought from the Visa cardholder's account.
pub async fn sell(system: &System) -> Bought {
    sell_to(system, "visa-0050", "5000").await
}

/// One voucher of so many minor units, bought from this account.
pub async fn sell_to(system: &System, account: &str, minor: &str) -> Bought {
    let words = ["sell", "--batch", BATCH, "--amount-minor", minor, "--account", account];
    let sold = bank(system, &words, "").await.success();
    let text = |name: &str| sold[name].as_str().expect("codes are handed over").to_owned();
    Bought { number: text("number"), code: text("code"), backup: text("backup") }
}
