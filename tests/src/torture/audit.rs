//! The audit, from outside: merchant's view, payers' views and the bank's own word on every attempt, against what
//! clients were told and where the money is.

use std::collections::BTreeMap;

use envelope::means::MeansKind;
use envelope::outer::Route;
use iso8583::Mti;
use payment::{AttemptId, BankResult};
use serde_json::Value;

use super::client::Clients;
use super::record::{AttemptRecord, Cancellation, RequestRecord, Stored, is_final};
use crate::hand::Letter;
use crate::line::{self, Line, Reference};
use crate::system::{MERCHANT, System};

/// What the bank says of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BankSays {
    /// It moved the money.
    Approved,
    /// It moved none, or moved it back, or knows nothing of it.
    NotPaid,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Requests that the server acknowledged.
    pub requests: usize,
    /// Of these, paid.
    pub paid: usize,
    /// Not paid, and an attempt at them was undone.
    pub reversed: usize,
    /// Honestly unknown, with an inquiry or a reversal in the queue.
    pub open: usize,
    /// Promises that did not hold: what somebody was told and is not so, money without a payment, a payment without
    /// money, a request without an end.
    pub lost: usize,
    /// Requests that took money more than once.
    pub doubled: usize,
    /// How each of the requests ended, by the merchant's view.
    pub ends: BTreeMap<String, usize>,
    /// How many payments each way of paying made, as the bank says.
    pub ways: BTreeMap<&'static str, usize>,
    /// What was found wrong, in words.
    pub findings: Vec<String>,
}

impl Verdict {
    fn lose(&mut self, finding: String) {
        self.lost += 1;
        self.findings.push(finding);
    }
}

/// Audits a run that has come to rest: `openings` are the accounts that were paid from, with what was on them before.
pub async fn audit(
    system: &System,
    clients: &[Clients],
    requests: &[RequestRecord],
    openings: &[(String, i64)],
) -> Verdict {
    let mut verdict = Verdict { requests: requests.len(), ..Verdict::default() };
    let mut line = Line::connect(system.folder(), &system.bank_address()).await;
    let mut spent = Spent::new();
    for (number, request) in requests.iter().enumerate() {
        let client = &clients[request.payer];
        let merchant = client.shown(&request.letter).await;
        let stan = u32::try_from(number % 900_000).expect("six digits");
        audit_request(&mut verdict, &mut line, stan, client, request, &merchant, &mut spent).await;
    }
    audit_ledger(&mut verdict, system, &spent, openings).await;
    verdict
}

/// What the bank took from each account, in minor units.
type Spent = BTreeMap<String, i64>;

/// One request, from all sides.
async fn audit_request(
    verdict: &mut Verdict,
    line: &mut Line,
    stan: u32,
    client: &Clients,
    request: &RequestRecord,
    merchant: &Value,
    spent: &mut Spent,
) {
    let id = request.letter.order.request_id;
    let status = merchant["status"].as_str().unwrap_or("nothing").to_owned();
    *verdict.ends.entry(status.clone()).or_default() += 1;
    let mut approved = Vec::new();
    let mut was_reversed = false;
    for record in &request.attempts {
        let says = ask_bank(line, stan, &request.letter, record).await;
        if says == BankSays::Approved {
            approved.push(record.attempt.id);
            *verdict.ways.entry(way(&record.attempt.routing.route)).or_default() += 1;
            *spent.entry(record.attempt.account.clone()).or_default() += request.letter.order.amount.minor();
        }
        let state = audit_attempt(verdict, client, &request.letter, record, says).await;
        was_reversed |= state.as_deref() == Some("reversed");
    }
    if approved.len() > 1 {
        verdict.doubled += 1;
        verdict.findings.push(format!("request {id} was paid by {approved:?}"));
    }
    let payer = match merchant["attempt_id"].as_str().and_then(|text| text.parse::<AttemptId>().ok()) {
        Some(attempt_id) if status == "paid" => Some(attempt_id),
        _ => None,
    };
    match (status.as_str(), payer) {
        ("paid", Some(attempt_id)) => {
            verdict.paid += 1;
            if !approved.contains(&attempt_id) {
                verdict.lose(format!("request {id} is paid by {attempt_id}, for which the bank took nothing"));
            }
        }
        // The bank may or may not have moved money: nobody has been told that it has not.
        ("outcome_unknown" | "needs_manual_review" | "in_flight", _) => verdict.open += 1,
        ("rejected" | "cancelled" | "expired" | "failed" | "reversed", _) => {
            verdict.reversed += usize::from(was_reversed);
            if !approved.is_empty() {
                verdict.lose(format!("request {id} is {status}, and the bank took money for {approved:?}"));
            }
        }
        _ => verdict.lose(format!("request {id} came to no end: {status}")),
    }
    if request.cancellation == Cancellation::Acknowledged && status != "cancelled" {
        verdict.lose(format!("request {id} was said to be cancelled and is {status}"));
    }
}

/// What paid, in a word.
const fn way(route: &Route) -> &'static str {
    match route {
        Route::Card { .. } => "card",
        Route::Means { kind: MeansKind::Voucher, .. } => "voucher",
        Route::Means { kind: MeansKind::Code, .. } => "code",
        Route::Means { .. } => "other",
    }
}

/// One attempt as its payer sees it, against what the payer was told and what the bank says; its state.
async fn audit_attempt(
    verdict: &mut Verdict,
    client: &Clients,
    letter: &Letter,
    record: &AttemptRecord,
    says: BankSays,
) -> Option<String> {
    let id = record.attempt.id;
    let path = format!("/v1/requests/{}/attempts/{id}", letter.order.request_id);
    let answer = client.payer("GET", &path, &[]).await;
    let state = answer.body["state"].as_str().map(str::to_owned);
    if record.stored == Stored::Acknowledged && state.is_none() {
        verdict.lose(format!("attempt {id} was acknowledged and is gone: {answer:?}"));
    }
    if let Some(told) = record.told.iter().find(|told| Some(told.as_str()) != state.as_deref()) {
        verdict.lose(format!("attempt {id} was said to be {told} and is {state:?}"));
    }
    match (state.as_deref(), says) {
        (Some("approved"), BankSays::NotPaid) => {
            verdict.lose(format!("attempt {id} is approved, and the bank took nothing"));
        }
        (Some("declined" | "reversed") | None, BankSays::Approved) => {
            verdict.lose(format!("attempt {id} is {state:?}, and the bank took money"));
        }
        (Some(open), _) if !is_final(open) && answer.body["deadline_ms"].is_null() && open != "needs_manual_review" => {
            verdict.lose(format!("attempt {id} is {open} without a deadline"));
        }
        _ => {}
    }
    state
}

/// Asks the bank by the attempt's own id, as its acquirer would after losing its counters.
async fn ask_bank(line: &mut Line, stan: u32, letter: &Letter, record: &AttemptRecord) -> BankSays {
    let nobodys = Reference::new(stan);
    let answer = line.ask(&line::about(Mti::INQUIRY, &nobodys, &record.attempt, letter, stan)).await;
    match line::outcome(&answer).map(|outcome| outcome.decision) {
        Some(BankResult::Approved { .. }) => BankSays::Approved,
        Some(BankResult::Declined { .. } | BankResult::Reversed) | None => BankSays::NotPaid,
    }
}

/// The books: they sum to zero, nothing is pending, and every account holds what its attempts say.
async fn audit_ledger(verdict: &mut Verdict, system: &System, spent: &Spent, openings: &[(String, i64)]) {
    let ledger = system.ledger().await;
    if !sums_are_zero(&ledger) {
        verdict.lose(format!("the ledger does not sum to zero: {}", ledger["sums"]));
    }
    let accounts = ledger["accounts"].as_array().cloned().unwrap_or_default();
    let of = |name: &str, key: &str| {
        let found = accounts.iter().find(|account| account["account"] == name);
        found.and_then(|account| account[key].as_i64()).unwrap_or(0)
    };
    for (name, opening_minor) in openings {
        let (posted, pending) = (of(name, "posted_minor"), of(name, "pending_minor"));
        let expected = opening_minor - spent.get(name).copied().unwrap_or(0);
        if posted != expected || pending != 0 {
            verdict.lose(format!("{name} holds {posted}, {pending} pending; its attempts say {expected}"));
        }
    }
    let received = of(&format!("merchant:{MERCHANT}"), "posted_minor");
    let paid: i64 = spent.values().sum();
    if received != paid {
        verdict.lose(format!("the merchant holds {received}; the attempts say {paid}"));
    }
}

/// Whether each currency of a ledger sums to zero.
pub fn sums_are_zero(ledger: &Value) -> bool {
    ledger["sums"].as_object().is_some_and(|sums| sums.values().all(|sum| sum == 0))
}
