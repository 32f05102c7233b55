//! What a bank's answer is worth: only a signed outcome about exactly our attempt decides anything.

use iso8583::Message;
use iso8583::private::Composite;
use payment::{
    Amount, AttemptHash, AttemptId, AttemptState, BankResult, DeclineCode, MerchantId, OrderHash, Outcome, RequestId,
};

use super::bank_messages::{Reference, merchant_code};
use super::bank_words::{self, Word};
use super::keyset::ServerKeys;
use super::{App, Error};
use crate::clock::{now_ms, unsigned_ms};
use crate::keys::BankId;
use crate::storage::Db;

/// DE 39: approved, or done.
pub(super) const RESPONSE_APPROVED: &str = "00";
/// DE 39: the bank never saw the original.
pub(super) const RESPONSE_NOT_FOUND: &str = "25";

/// What the server knows of an attempt, which the bank's word must be about.
pub(super) struct KnownAttempt {
    pub(super) request_id: RequestId,
    pub(super) attempt_id: AttemptId,
    /// The bank it is for, whose word alone counts.
    pub(super) bank: BankId,
    pub(super) order_hash: OrderHash,
    pub(super) attempt_hash: AttemptHash,
    pub(super) merchant_id: MerchantId,
    pub(super) amount: Amount,
    pub(super) reference: Reference,
    /// Whether the bank approved it after it was undone or declined.
    pub(super) approval: Approval,
}

/// Whether an approval came that must be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approval {
    /// None that came late.
    NotLate,
    /// It came after the attempt was to be undone, was undone or was declined.
    Late,
}

/// An acknowledged reversal.
pub(super) struct Acknowledged {
    /// What the bank signed about it.
    pub(super) outcome: Option<String>,
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The money moved; the signed outcome says so.
    Approved { outcome: String },
    /// No money moved.
    Declined { code: DeclineCode, outcome: Option<String> },
    /// The bank undid an approval.
    Reversed { outcome: String },
    /// The bank never saw the attempt.
    NotFound,
    /// The bank speaks of another amount, order or merchant, or against itself.
    Contradiction { what: &'static str },
    /// Nothing that could be relied on.
    Undecided,
}

impl App {
    /// The facts of an attempt.
    pub(super) async fn known_attempt(&self, id: AttemptId) -> Result<KnownAttempt, Error> {
        KnownAttempt::read(&self.db, id).await
    }

    /// Writes down what a bank said and what changes nothing.
    pub(super) async fn write_word(&self, id: AttemptId, word: Word) -> Result<(), Error> {
        self.db.write(move |db_tx| Box::pin(async move { bank_words::append(db_tx, id, &word, now_ms()).await })).await
    }
}

impl KnownAttempt {
    /// The facts of an attempt, from its rows.
    pub(super) async fn read(db: &Db, id: AttemptId) -> Result<Self, Error> {
        const WRONG: Error = Error::Row("attempt");
        let row: Row = sqlx::query_as(
            "SELECT attempt.request_id, attempt.bank_id, attempt.attempt_hash, attempt.stan, attempt.rrn, \
             attempt.forwarded_ms, attempt.late_approval_ms, \
             request.order_hash, request.merchant_id, request.amount_minor, request.currency \
             FROM attempt JOIN payment_request AS request ON request.id = attempt.request_id WHERE attempt.id = $1",
        )
        .bind(id.to_string())
        .fetch_one(db.reader())
        .await?;
        Ok(Self {
            request_id: row.request_id.parse().map_err(|_| WRONG)?,
            attempt_id: id,
            bank: row.bank_id.parse().map_err(|_| WRONG)?,
            order_hash: row.order_hash.parse().map_err(|_| WRONG)?,
            attempt_hash: row.attempt_hash.parse().map_err(|_| WRONG)?,
            merchant_id: row.merchant_id.parse().map_err(|_| WRONG)?,
            amount: Amount::new(row.amount_minor, row.currency.parse().map_err(|_| WRONG)?),
            reference: Reference {
                stan: u32::try_from(row.stan).map_err(|_| WRONG)?,
                rrn: row.rrn,
                sent_ms: unsigned_ms(row.forwarded_ms),
            },
            approval: row.late_approval_ms.map_or(Approval::NotLate, |_| Approval::Late),
        })
    }

    /// Whether an answer to a reversal acknowledges it, and the outcome it came with. Once the bank has approved what
    /// it had been told to undo, its bare word is not enough: it must sign that the money is back.
    pub(super) fn acknowledges(&self, verdict: &Verdict) -> Option<Acknowledged> {
        match verdict {
            Verdict::Reversed { outcome } => Some(Acknowledged { outcome: Some(outcome.clone()) }),
            // Nothing was approved, or the bank never saw it.
            Verdict::Declined { outcome, .. } if self.approval == Approval::NotLate => {
                Some(Acknowledged { outcome: outcome.clone() })
            }
            Verdict::NotFound if self.approval == Approval::NotLate => Some(Acknowledged { outcome: None }),
            Verdict::Declined { .. }
            | Verdict::NotFound
            | Verdict::Approved { .. }
            | Verdict::Contradiction { .. }
            | Verdict::Undecided => None,
        }
    }

    /// Whether the late approval is known already and on its way to be undone.
    pub(super) fn is_being_undone_again(&self, state: AttemptState) -> bool {
        self.approval == Approval::Late && state == AttemptState::Reversing
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    request_id: String,
    bank_id: String,
    attempt_hash: String,
    stan: i64,
    rrn: String,
    forwarded_ms: i64,
    late_approval_ms: Option<i64>,
    order_hash: String,
    merchant_id: String,
    amount_minor: i64,
    currency: String,
}

/// Judges a 0210.
pub(super) fn judge_financial(keys: &ServerKeys, known: &KnownAttempt, answer: &Message) -> Verdict {
    if let Some(what) = echo_mismatch(known.amount, &known.merchant_id, answer) {
        return Verdict::Contradiction { what };
    }
    let Ok(response) = answer.text(39) else { return Verdict::Undecided };
    match signed_outcome(answer) {
        Some(jws) => judge_outcome(keys, known, jws, Some(response)),
        // The bank could not read the message and so could not sign about it (DE 39 = 30).
        None if response == DeclineCode::Format.response_code() => {
            Verdict::Declined { code: DeclineCode::Format, outcome: None }
        }
        None => Verdict::Undecided,
    }
}

/// Judges a 0610: the stored outcome, or that there is none.
pub(super) fn judge_inquiry(keys: &ServerKeys, known: &KnownAttempt, answer: &Message) -> Verdict {
    match (answer.text(39), signed_outcome(answer)) {
        (Ok(RESPONSE_APPROVED), Some(jws)) => judge_outcome(keys, known, jws, None),
        (Ok(RESPONSE_NOT_FOUND), None) => Verdict::NotFound,
        _ => Verdict::Undecided,
    }
}

/// Judges a 0430: acknowledged or not, and the outcome that says what was undone.
pub(super) fn judge_reversal(keys: &ServerKeys, known: &KnownAttempt, answer: &Message) -> Verdict {
    match (answer.text(39), signed_outcome(answer)) {
        (Ok(RESPONSE_APPROVED), Some(jws)) => judge_outcome(keys, known, jws, None),
        // Nothing was there to undo: the bank keeps the id closed.
        (Ok(RESPONSE_APPROVED), None) => Verdict::NotFound,
        _ => Verdict::Undecided,
    }
}

/// What a decided answer says to the card, in hexadecimal. The server neither reads nor judges it: the card does, and
/// the money does not depend on it.
pub(super) fn icc_response(verdict: &Verdict, answer: &Message) -> Option<String> {
    let decided = matches!(verdict, Verdict::Approved { .. } | Verdict::Declined { .. });
    answer.binary(55).ok().filter(|icc_data| decided && !icc_data.is_empty()).map(hex::encode)
}

fn signed_outcome(answer: &Message) -> Option<String> {
    Composite::of(answer).ok()?.outcome
}

/// The first echoed field that is not what was sent.
pub(super) fn echo_mismatch(amount: Amount, merchant_id: &MerchantId, answer: &Message) -> Option<&'static str> {
    let minor = u64::try_from(amount.minor()).ok();
    let currency = u64::from(amount.currency().numeric());
    let rules = [
        ("echoed amount", answer.number(4).ok() == minor),
        ("echoed currency", answer.number(49).ok() == Some(currency)),
        ("echoed merchant", answer.text(42) == Ok(&merchant_code(merchant_id))),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}

pub(super) fn judge_outcome(keys: &ServerKeys, known: &KnownAttempt, jws: String, response: Option<&str>) -> Verdict {
    let Some(outcome) = keys.verified_outcome(&jws) else {
        return Verdict::Contradiction { what: "outcome signature" };
    };
    if let Some(what) = outcome_mismatch(known, &outcome) {
        return Verdict::Contradiction { what };
    }
    let said = match &outcome.decision {
        BankResult::Approved { .. } => RESPONSE_APPROVED,
        BankResult::Declined { code, .. } => code.response_code(),
        BankResult::Reversed => return Verdict::Reversed { outcome: jws },
    };
    if response.is_some_and(|response| response != said) {
        return Verdict::Contradiction { what: "response code" };
    }
    match outcome.decision {
        BankResult::Declined { code, .. } => Verdict::Declined { code, outcome: Some(jws) },
        BankResult::Approved { .. } | BankResult::Reversed => Verdict::Approved { outcome: jws },
    }
}

/// The first member of a signed outcome that is not about our attempt.
fn outcome_mismatch(known: &KnownAttempt, outcome: &Outcome) -> Option<&'static str> {
    let rules = [
        ("outcome bank", outcome.bank_id == known.bank.as_str()),
        ("outcome request", outcome.request_id == known.request_id),
        ("outcome attempt", outcome.attempt_id == known.attempt_id),
        ("outcome order", outcome.order_hash == known.order_hash),
        ("outcome attempt hash", outcome.attempt_hash == known.attempt_hash),
        ("outcome merchant", outcome.merchant_id == known.merchant_id),
        ("outcome amount", outcome.amount == known.amount),
        ("outcome reference", outcome.rrn == known.reference.rrn),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}
