//! The audit, from outside: merchant's view, payers' views and the front's own word on every attempt, against what
//! clients were told and where the money is.

use std::collections::BTreeMap;

use envelope::means::MeansKind;
use envelope::outer::Route;
use iso8583::Mti;
use payment::{AttemptId, BankResult};
use serde_json::Value;

use super::client::Clients;
use super::record::{AttemptRecord, Cancellation, RefundRecord, RequestRecord, Stored, is_final};
use crate::hand::Letter;
use crate::line::{self, Line, Reference};
use crate::operator::Operator;
use crate::system::{MERCHANT, System};

pub mod keeper;
pub mod operator;

/// What the front that decided says of an attempt: the bank, or the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FrontSays {
    /// It moved the money, and under this number.
    Approved(String),
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
    /// How many payments each way of paying made, as its front says.
    pub ways: BTreeMap<&'static str, usize>,
    /// Refunds that gave money back.
    pub refunds: usize,
    /// Cards that the vault released.
    pub releases: usize,
    /// What was taken, as the fronts say.
    pub taken: Vec<Taken>,
    /// What was found wrong, in words.
    pub findings: Vec<String>,
}

/// Money that a front took for an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The attempt.
    pub attempt: AttemptId,
    /// What paid.
    pub way: &'static str,
    /// What was paid from, as the payer books it.
    pub account: String,
    /// Under which number.
    pub approval_code: String,
    /// How much, less what was given back, in minor units.
    pub minor: i64,
}

impl Verdict {
    fn lose(&mut self, finding: String) {
        self.lost += 1;
        self.findings.push(finding);
    }
}

/// Audits a run that has come to rest: `openings` are the bank's accounts that were paid from, with what was on them
/// before.
pub async fn audit(
    system: &System,
    operator: Option<&Operator>,
    clients: &[Clients],
    requests: &[RequestRecord],
    openings: &[(String, i64)],
) -> Verdict {
    let mut verdict = Verdict { requests: requests.len(), ..Verdict::default() };
    let mut lines = Lines::connect(system, operator).await;
    for (number, request) in requests.iter().enumerate() {
        let client = &clients[request.payer];
        let merchant = client.shown(&request.letter).await;
        lines.stan = u32::try_from(number % 900_000).expect("six digits");
        audit_request(&mut verdict, &mut lines, client, request, &merchant).await;
    }
    audit_ledger(&mut verdict, system, openings).await;
    verdict
}

/// Lines to every front, and the trace number of the next question.
struct Lines {
    bank: Line,
    operator: Option<Line>,
    stan: u32,
}

impl Lines {
    async fn connect(system: &System, operator: Option<&Operator>) -> Self {
        let bank = Line::connect(system.folder(), &system.bank_address()).await;
        let operator = match operator {
            Some(operator) => Some(Line::connect(system.folder(), &operator.address()).await),
            None => None,
        };
        Self { bank, operator, stan: 0 }
    }

    /// Asks the front that decides by the attempt's own id, as its acquirer would after losing its counters.
    async fn ask(&mut self, letter: &Letter, record: &AttemptRecord) -> FrontSays {
        let line = match &record.attempt.routing.route {
            Route::Means { kind: MeansKind::Carrier, .. } => self.operator.as_mut().expect("an operator took part"),
            Route::Card { .. } | Route::Means { .. } => &mut self.bank,
        };
        let nobodys = Reference::new(self.stan);
        let answer = line.ask(&line::about(Mti::INQUIRY, &nobodys, &record.attempt, letter, self.stan)).await;
        match line::outcome(&answer).map(|outcome| outcome.decision) {
            Some(BankResult::Approved { approval_code }) => FrontSays::Approved(approval_code),
            Some(BankResult::Declined { .. } | BankResult::Reversed) | None => FrontSays::NotPaid,
        }
    }
}

/// One request, from all sides.
async fn audit_request(
    verdict: &mut Verdict,
    lines: &mut Lines,
    client: &Clients,
    request: &RequestRecord,
    merchant: &Value,
) {
    let id = request.letter.order.request_id;
    let status = merchant["status"].as_str().unwrap_or("nothing").to_owned();
    *verdict.ends.entry(status.clone()).or_default() += 1;
    let mut given_back = 0;
    for refund in &request.refunds {
        given_back += audit_refund(verdict, client, refund).await;
    }
    let mut approved = Vec::new();
    let mut was_reversed = false;
    for record in &request.attempts {
        let says = lines.ask(&request.letter, record).await;
        if let FrontSays::Approved(approval_code) = &says {
            approved.push(record.attempt.id);
            let way = way(&record.attempt.routing.route);
            *verdict.ways.entry(way).or_default() += 1;
            verdict.taken.push(Taken {
                attempt: record.attempt.id,
                way,
                account: record.attempt.account.clone(),
                approval_code: approval_code.clone(),
                minor: request.letter.order.amount.minor() - given_back,
            });
        }
        let state = audit_attempt(verdict, client, &request.letter, record, &says).await;
        was_reversed |= state.as_deref() == Some("reversed");
    }
    if given_back > 0 && approved.is_empty() {
        verdict.lose(format!("request {id} was given back {given_back}, and nobody took money for it"));
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
        Route::Means { kind: MeansKind::Alias, .. } => "alias",
        Route::Means { kind: MeansKind::Carrier, .. } => "carrier",
    }
}

/// One attempt as its payer sees it, against what the payer was told and what the bank says; its state.
async fn audit_attempt(
    verdict: &mut Verdict,
    client: &Clients,
    letter: &Letter,
    record: &AttemptRecord,
    says: &FrontSays,
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
        (Some("approved"), FrontSays::NotPaid) => {
            verdict.lose(format!("attempt {id} is approved, and the bank took nothing"));
        }
        (Some("declined" | "reversed") | None, FrontSays::Approved(_)) => {
            verdict.lose(format!("attempt {id} is {state:?}, and the bank took money"));
        }
        (Some(open), _) if !is_final(open) && answer.body["deadline_ms"].is_null() && open != "needs_manual_review" => {
            verdict.lose(format!("attempt {id} is {open} without a deadline"));
        }
        _ => {}
    }
    state
}

/// One refund, as the merchant sees it; what it gave back, in minor units.
async fn audit_refund(verdict: &mut Verdict, client: &Clients, record: &RefundRecord) -> i64 {
    let order = &record.refund.order;
    let answer = client.shown_refund(&record.refund).await;
    match (answer.body["status"].as_str(), record.stored) {
        (Some("refunded"), _) => {
            verdict.refunds += 1;
            order.amount.minor()
        }
        (Some("refused"), _) | (None, Stored::Unheard) => 0,
        (other, stored) => {
            verdict.lose(format!("refund {} ({stored:?}) came to no end: {other:?}", order.refund_id));
            0
        }
    }
}

/// The books: they sum to zero, nothing is pending, and every account holds what its attempts say.
async fn audit_ledger(verdict: &mut Verdict, system: &System, openings: &[(String, i64)]) {
    let mut spent = BTreeMap::<String, i64>::new();
    for taken in verdict.taken.iter().filter(|taken| taken.way != "carrier") {
        *spent.entry(taken.account.clone()).or_default() += taken.minor;
    }
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
