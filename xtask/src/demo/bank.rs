//! The bank's books after the payment.

use serde_json::{Value, json};

use crate::demo::Stage;
use crate::demo::narrator::Narrator;
use crate::demo::parties::tapseal;
use crate::failure::Failure;

/// Makes sure that every currency's ledger sums to zero, and that money moved at all.
pub fn check_ledger(stage: &Stage, narrator: &mut Narrator) -> Result<(), Failure> {
    let printed = tapseal(stage, &["bank", "ledger", "--json", "--data"], |call| {
        call.arg(&stage.folder);
    })?;
    let ledger = serde_json::from_str::<Value>(printed.trim())
        .map_err(|_| Failure::unexpected("tapseal bank ledger", printed.clone()))?;
    let transfers = check(&ledger)?;
    narrator.stage(
        "ledger",
        &[("sums", json!(ledger["sums"])), ("transfers", json!(transfers))],
        &format!("the bank's ledger sums to zero over {transfers} transfers"),
    );
    Ok(())
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
