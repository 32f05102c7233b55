//! The banks' books after the payment.

use serde_json::{Value, json};

use crate::demo::Stage;
use crate::demo::narrator::Narrator;
use crate::demo::parties::tapseal;
use crate::failure::Failure;

/// The ids of the banks, the first bank first.
pub fn names(count: u8) -> Vec<&'static str> {
    ["first", "second"].into_iter().take(count.into()).collect()
}

/// Makes sure that every ledger sums to zero in every currency, and that money moved at the last bank, whose card
/// paid, and at no other.
pub fn check_ledgers(stage: &Stage, banks: &[&str], narrator: &mut Narrator) -> Result<(), Failure> {
    let Some((paying, others)) = banks.split_last() else { return Ok(()) };
    for bank in others {
        let ledger = ledger(stage, bank)?;
        check(&ledger)?;
        if received(&ledger) != 0 {
            return Err(Failure::unexpected("the other bank's ledger", ledger.to_string()));
        }
    }
    let ledger = ledger(stage, paying)?;
    let transfers = check(&ledger)?;
    if received(&ledger) == 0 {
        return Err(Failure::unexpected("the bank's ledger", format!("the merchant has nothing: {ledger}")));
    }
    narrator.stage(
        "ledger",
        &[("bank", json!(paying)), ("sums", json!(ledger["sums"])), ("transfers", json!(transfers))],
        &format!("the ledger of the bank {paying} sums to zero over {transfers} transfers"),
    );
    Ok(())
}

fn ledger(stage: &Stage, bank: &str) -> Result<Value, Failure> {
    let printed = tapseal(stage, &["bank", "ledger", "--json", "--bank", bank, "--data"], |call| {
        call.arg(&stage.folder);
    })?;
    serde_json::from_str(printed.trim()).map_err(|_| Failure::unexpected("tapseal bank ledger", printed.clone()))
}

/// What the merchants hold, in minor units of whatever they hold.
fn received(ledger: &Value) -> i64 {
    let accounts = ledger["accounts"].as_array().into_iter().flatten();
    let merchants =
        accounts.filter(|account| account["account"].as_str().is_some_and(|id| id.starts_with("merchant:")));
    merchants.filter_map(|account| account["posted_minor"].as_i64()).sum()
}

fn check(ledger: &Value) -> Result<u64, Failure> {
    let wrong = || Failure::unexpected("the bank's ledger", ledger.to_string());
    let sums = ledger["sums"].as_object().filter(|sums| !sums.is_empty()).ok_or_else(wrong)?;
    let transfers = ledger["transfers"].as_u64().filter(|&transfers| transfers > 0).ok_or_else(wrong)?;
    if sums.values().all(|sum| sum.as_i64() == Some(0)) { Ok(transfers) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_merchants_are_counted() {
        let account = |id: &str, minor: i64| json!({ "account": id, "posted_minor": minor });
        let accounts =
            [account("merchant:blue-door", 1280), account("merchant:red-door", 5), account("opening:USD", -9)];
        assert_eq!(received(&json!({ "accounts": accounts })), 1285);
        assert_eq!(received(&json!({ "accounts": [] })), 0);
    }

    #[test]
    fn only_a_moved_and_balanced_ledger_passes() {
        assert_eq!(check(&json!({ "sums": { "USD": 0 }, "transfers": 3 })).ok(), Some(3));
        for bad in [
            json!({ "sums": { "USD": 0, "EUR": -1 }, "transfers": 3 }),
            json!({ "sums": { "USD": 0 }, "transfers": 0 }),
            json!({ "sums": {}, "transfers": 3 }),
            json!({ "sums": { "USD": "0" }, "transfers": 3 }),
        ] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }
}
