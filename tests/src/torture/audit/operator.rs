//! The operator's books against what the payers hold: each bill's lines, the merchant's account, and what mobiles were told.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Verdict;
use crate::operator::Operator;
use crate::system::{MERCHANT, System};
use crate::torture::purse::{Bill, Purse};

/// Audits the operator: what the verdict says was taken on phone bills stands on them, and nothing else.
pub async fn audit(verdict: &mut Verdict, system: &System, operator: &Operator, purses: &[Purse]) {
    let ledger = operator.tool(system, &["ledger"], "").await;
    if ledger.code != 0 {
        verdict.lose(format!("the operator's books are broken: {ledger:?}"));
        return;
    }
    let accounts = ledger.answer()["accounts"].as_array().cloned().unwrap_or_default();
    let posted = |account: &&Value| account["posted_minor"].as_i64().unwrap_or(0);
    let sum: i64 = accounts.iter().map(|account| posted(&account)).sum();
    let merchant: i64 = accounts.iter().filter(|account| is_merchants(account)).map(|account| posted(&account)).sum();
    let taken: i64 = verdict.taken.iter().filter(|taken| taken.way == "carrier").map(|taken| taken.minor).sum();
    if sum != 0 || merchant != -taken {
        verdict
            .lose(format!("the operator's books sum to {sum}; the merchant has {merchant}, the attempts say {taken}"));
    }
    for bill in purses.iter().filter_map(Purse::bill) {
        audit_bill(verdict, system, operator, bill).await;
    }
}

fn is_merchants(account: &Value) -> bool {
    account["account"].as_str().is_some_and(|name| name == format!("merchant:{MERCHANT}"))
}

/// One bill: each payment with its own number, less what was given back; what was undone cancels out.
async fn audit_bill(verdict: &mut Verdict, system: &System, operator: &Operator, bill: &Bill) {
    let statement = operator.tool(system, &["statement", bill.number()], "").await.success();
    let mut on_bill = BTreeMap::<String, i64>::new();
    for line in statement["lines"].as_array().expect("a bill has lines") {
        let number = line["confirmation_number"].as_str().unwrap_or("no number").to_owned();
        *on_bill.entry(number).or_default() += line["amount_minor"].as_i64().expect("an amount");
    }
    let account = bill.account();
    let held = verdict.taken.iter().filter(|taken| taken.account == account);
    let held: BTreeMap<String, i64> = held.map(|taken| (taken.approval_code.clone(), taken.minor)).collect();
    for (number, minor) in &held {
        if on_bill.remove(number) != Some(*minor) {
            verdict.lose(format!(
                "{account}: the payer holds {number} over {minor}, and the bill says otherwise: {statement}"
            ));
        }
    }
    // What nobody holds was taken off again.
    for (number, minor) in on_bill.iter().filter(|(_, minor)| **minor != 0) {
        verdict.lose(format!("{account}: {number} over {minor} is on the bill, and no payer holds it"));
    }
    let told = || {
        let texts = operator.texts_to(system, bill.number());
        held.keys().filter(|number| !texts.iter().any(|text| text.contains(*number))).count()
    };
    // A text that was cut off comes again after a while.
    system.wait_until("the mobile is told of every purchase", async || told() == 0).await;
}
