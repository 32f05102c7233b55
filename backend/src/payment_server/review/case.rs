//! A case: an attempt in review, everything that was said about it, and what may be decided.

use payment::review::{BankWord, Decision, Grounds, Known, Reversal};
use payment::{AttemptId, AttemptState};
use serde::Serialize;

use super::super::Error;
use super::super::bank_evidence::{KnownAttempt, Verdict, judge_outcome};
use super::super::bank_words::ACKNOWLEDGED;
use super::super::keyset::ServerKeys;
use super::super::lifecycle::attempt_state;
use crate::storage::Db;

/// The most cases of one list.
const CASES_MAX: i64 = 1_000;

/// One line of the list.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct Summary {
    pub(super) attempt_id: String,
    pub(super) request_id: String,
    pub(super) merchant_id: String,
    pub(super) order_number: String,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) forwarded_ms: i64,
}

/// A message as it was written down.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct Said {
    pub(super) time_ms: i64,
    pub(super) direction: String,
    pub(super) mti: String,
    pub(super) stan: String,
    pub(super) response_code: Option<String>,
    pub(super) meaning: String,
    #[serde(skip)]
    outcome: Option<String>,
}

/// Whether a decision is legal.
#[derive(Debug, Serialize)]
pub(super) struct StepView {
    /// The decision.
    pub(super) step: &'static str,
    /// Legal, legal with written evidence told of in a note, or why not.
    pub(super) legal: String,
}

/// Everything about one case.
pub(super) struct Case {
    pub(super) attempt_id: AttemptId,
    pub(super) known_attempt: KnownAttempt,
    pub(super) state: AttemptState,
    pub(super) said: Vec<Said>,
    pub(super) known: Known,
    /// The signed outcome the bank's last word stands in.
    pub(super) outcome: Option<String>,
}

/// Every attempt that waits for a person, oldest first.
pub(super) async fn list(db: &Db) -> Result<Vec<Summary>, Error> {
    let summaries = sqlx::query_as(
        "SELECT attempt.id AS attempt_id, request.id AS request_id, request.merchant_id, request.order_number, \
         request.amount_minor, request.currency, attempt.forwarded_ms \
         FROM attempt JOIN payment_request AS request ON request.id = attempt.request_id \
         WHERE attempt.state = 'needs_manual_review' ORDER BY attempt.forwarded_ms LIMIT $1",
    )
    .bind(CASES_MAX)
    .fetch_all(db.reader())
    .await?;
    Ok(summaries)
}

impl Case {
    /// Reads a case and judges anew all that the bank has signed: nothing is believed because it was written down.
    pub(super) async fn read(db: &Db, keys: &ServerKeys, attempt_id: AttemptId) -> Result<Option<Self>, Error> {
        let row: Option<(String, Option<String>, Option<String>, i64)> =
            sqlx::query_as("SELECT state, decline_code, outcome, forwarded_ms FROM attempt WHERE id = $1")
                .bind(attempt_id.to_string())
                .fetch_optional(db.reader())
                .await?;
        let Some((state, code, stored, _)) = row else { return Ok(None) };
        let known_attempt = KnownAttempt::read(db, attempt_id).await?;
        let said: Vec<Said> = sqlx::query_as(
            "SELECT time_ms, direction, mti, stan, response_code, meaning, outcome FROM bank_word \
             WHERE attempt_id = $1 ORDER BY seq",
        )
        .bind(attempt_id.to_string())
        .fetch_all(db.reader())
        .await?;
        let (mut known, mut outcome) = (Known::default(), None);
        // What is kept with the attempt was said first.
        if let Some(jws) = &stored {
            take_word(keys, &known_attempt, jws, &mut known, &mut outcome);
        }
        for word in &said {
            match &word.outcome {
                Some(jws) => take_word(keys, &known_attempt, jws, &mut known, &mut outcome),
                None if word.meaning == ACKNOWLEDGED => known.reversal = Reversal::Acknowledged,
                None => {}
            }
        }
        let state = attempt_state(&state, code.as_deref())?;
        Ok(Some(Self { attempt_id, known_attempt, state, said, known, outcome }))
    }

    /// What may be decided, and what not and why.
    pub(super) fn options(&self) -> Vec<StepView> {
        let words = |decision| match (
            self.known.step(decision, Grounds::None),
            self.known.step(decision, Grounds::WrittenEvidence),
        ) {
            (Ok(_), _) => "legal".to_owned(),
            (Err(_), Ok(_)) => "legal with --evidence and a --note that tells of it".to_owned(),
            (Err(illegal), Err(_)) => format!("not legal: {illegal}"),
        };
        Decision::ALL.map(|decision| StepView { step: decision.as_str(), legal: words(decision) }).into()
    }
}

/// The bank's last word is the last of its signed outcomes that verifies and is about exactly this attempt.
fn take_word(keys: &ServerKeys, attempt: &KnownAttempt, jws: &str, known: &mut Known, outcome: &mut Option<String>) {
    let word = match judge_outcome(keys, attempt, jws.to_owned(), None) {
        Verdict::Approved { .. } => BankWord::Approved,
        Verdict::Declined { code, .. } => BankWord::Declined(code),
        Verdict::Reversed { .. } => BankWord::Reversed,
        Verdict::NotFound | Verdict::Contradiction { .. } | Verdict::Undecided => return,
    };
    *known = Known { word, reversal: Reversal::Unacknowledged };
    *outcome = Some(jws.to_owned());
}
