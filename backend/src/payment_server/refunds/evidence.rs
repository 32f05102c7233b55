//! What a bank's answer to a refund is worth: only an outcome that it signed about exactly our refund decides anything.

use iso8583::Message;
use iso8583::private::Composite;
use payment::{
    Amount, AttemptId, DeclineCode, MerchantId, RefundEvent, RefundHash, RefundId, RefundOutcome, RefundResult,
    RequestId,
};

use crate::clock::unsigned_ms;
use crate::keys::BankId;
use crate::payment_server::bank_evidence::{RESPONSE_APPROVED, RESPONSE_NOT_FOUND, echo_mismatch};
use crate::payment_server::bank_messages::Reference;
use crate::payment_server::keyset::ServerKeys;
use crate::payment_server::lifecycle::RefundEvidence;
use crate::payment_server::{App, Error};

/// What the server knows of a refund, which the bank's word must be about.
pub(super) struct KnownRefund {
    pub(super) id: RefundId,
    pub(super) request_id: RequestId,
    pub(super) attempt_id: AttemptId,
    pub(super) bank: BankId,
    pub(super) merchant_id: MerchantId,
    pub(super) amount: Amount,
    pub(super) refund_jws: String,
    pub(super) refund_hash: RefundHash,
    /// The refund's own.
    pub(super) reference: Reference,
    /// That of the attempt that paid.
    pub(super) original: Reference,
}

#[derive(sqlx::FromRow)]
struct Row {
    request_id: String,
    attempt_id: String,
    bank_id: String,
    merchant_id: String,
    amount_minor: i64,
    currency: String,
    refund_jws: String,
    refund_hash: String,
    stan: i64,
    rrn: String,
    sent_ms: i64,
    original_stan: i64,
    original_rrn: String,
    original_sent_ms: i64,
}

impl KnownRefund {
    /// The facts of a refund, from its rows.
    pub(super) async fn read(app: &App, id: RefundId) -> Result<Self, Error> {
        const WRONG: Error = Error::Row("refund");
        let row: Row = sqlx::query_as(
            "SELECT refund.request_id, refund.attempt_id, refund.bank_id, request.merchant_id, refund.amount_minor, \
             refund.currency, refund.refund_jws, refund.refund_hash, refund.stan, refund.rrn, refund.sent_ms, \
             attempt.stan AS original_stan, attempt.rrn AS original_rrn, attempt.forwarded_ms AS original_sent_ms \
             FROM refund JOIN payment_request AS request ON request.id = refund.request_id \
             JOIN attempt ON attempt.id = refund.attempt_id WHERE refund.id = $1",
        )
        .bind(id.to_string())
        .fetch_one(app.db.reader())
        .await?;
        let reference = |stan: i64, rrn, sent_ms| {
            let stan = u32::try_from(stan).map_err(|_| WRONG)?;
            Ok::<_, Error>(Reference { stan, rrn, sent_ms: unsigned_ms(sent_ms) })
        };
        Ok(Self {
            id,
            request_id: row.request_id.parse().map_err(|_| WRONG)?,
            attempt_id: row.attempt_id.parse().map_err(|_| WRONG)?,
            bank: row.bank_id.parse().map_err(|_| WRONG)?,
            merchant_id: row.merchant_id.parse().map_err(|_| WRONG)?,
            amount: Amount::new(row.amount_minor, row.currency.parse().map_err(|_| WRONG)?),
            refund_jws: row.refund_jws,
            refund_hash: row.refund_hash.parse().map_err(|_| WRONG)?,
            reference: reference(row.stan, row.rrn, row.sent_ms)?,
            original: reference(row.original_stan, row.original_rrn, row.original_sent_ms)?,
        })
    }
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The money is back; the signed outcome says so.
    Refunded { outcome: String },
    /// Nothing was given back; the signed outcome says so.
    Refused { code: DeclineCode, outcome: String },
    /// The bank speaks of another amount, order or merchant, or against itself, or refuses without signing.
    Contradiction { what: &'static str, outcome: Option<String> },
    /// Nothing that could be relied on: it is asked again.
    Undecided,
}

impl Verdict {
    /// What it means for the refund, and what to keep of it.
    pub(super) fn event(self) -> Option<(RefundEvent, RefundEvidence)> {
        let none = RefundEvidence::default;
        match self {
            Self::Refunded { outcome } => {
                Some((RefundEvent::Refunded, RefundEvidence { outcome: Some(outcome), ..none() }))
            }
            Self::Refused { code, outcome } => {
                Some((RefundEvent::Refused(code), RefundEvidence { outcome: Some(outcome), ..none() }))
            }
            Self::Contradiction { what, outcome } => {
                Some((RefundEvent::Contradiction, RefundEvidence { contradiction: Some((what, outcome)), ..none() }))
            }
            Self::Undecided => None,
        }
    }
}

/// Judges a 0210 to a refund.
pub(super) fn judge(keys: &ServerKeys, known: &KnownRefund, answer: &Message) -> Verdict {
    let outcome = Composite::of(answer).ok().and_then(|composite| composite.outcome);
    if let Some(what) = echo_mismatch(known.amount, &known.merchant_id, answer) {
        return Verdict::Contradiction { what, outcome };
    }
    let Ok(response) = answer.text(39) else { return Verdict::Undecided };
    match outcome {
        Some(jws) => judge_outcome(keys, known, jws, response),
        // What it could not read, or knows nothing of, it signs nothing about; asking again would not help.
        None if [DeclineCode::Format.response_code(), RESPONSE_NOT_FOUND].contains(&response) => {
            Verdict::Contradiction { what: "unsigned refusal", outcome: None }
        }
        None => Verdict::Undecided,
    }
}

fn judge_outcome(keys: &ServerKeys, known: &KnownRefund, jws: String, response: &str) -> Verdict {
    let Some(outcome) = keys.verified_refund_outcome(&jws) else {
        return Verdict::Contradiction { what: "outcome signature", outcome: Some(jws) };
    };
    if let Some(what) = outcome_mismatch(known, &outcome) {
        return Verdict::Contradiction { what, outcome: Some(jws) };
    }
    let said = match &outcome.decision {
        RefundResult::Refunded { .. } => RESPONSE_APPROVED,
        RefundResult::Refused { code } => code.response_code(),
    };
    if response != said {
        return Verdict::Contradiction { what: "response code", outcome: Some(jws) };
    }
    match outcome.decision {
        RefundResult::Refunded { .. } => Verdict::Refunded { outcome: jws },
        RefundResult::Refused { code } => Verdict::Refused { code, outcome: jws },
    }
}

/// The first member of a signed outcome that is not about our refund.
fn outcome_mismatch(known: &KnownRefund, outcome: &RefundOutcome) -> Option<&'static str> {
    let rules = [
        ("outcome bank", outcome.bank_id == known.bank.as_str()),
        ("outcome refund", outcome.refund_id == known.id),
        ("outcome refund hash", outcome.refund_hash == known.refund_hash),
        ("outcome request", outcome.request_id == known.request_id),
        ("outcome attempt", outcome.attempt_id == known.attempt_id),
        ("outcome merchant", outcome.merchant_id == known.merchant_id),
        ("outcome amount", outcome.amount == known.amount),
        ("outcome reference", outcome.rrn == known.reference.rrn),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}
