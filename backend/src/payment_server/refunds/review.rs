//! The operator's tool for refunds in `needs_manual_review`: what the bank's word contradicts, and deciding.
//!
//! | decision | legal when | leads to |
//! |---|---|---|
//! | ask again | always | `pending`; the bank's answer is settled as usual |
//! | refunded, not refunded | there is written evidence, which the note tells of | `refunded`, `refused` |
//!
//! Asking again is the usual way: the bank keeps its word on a refund and gives back once, however often it is asked.

use payment::{RefundEvent, RefundId};
use serde_json::json;

use crate::clock::{now_ms, signed_ms};
use crate::payment_server::Error;
use crate::payment_server::lifecycle::{self, RefundEvidence};
use crate::storage::{Db, DbConnection};

/// What a person decides about a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RefundStep {
    /// Ask the bank again.
    AskAgain,
    /// The money is back.
    Refunded,
    /// Nothing was given back.
    NotRefunded,
}

impl RefundStep {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AskAgain => "ask_again",
            Self::Refunded => "refunded",
            Self::NotRefunded => "not_refunded",
        }
    }

    const fn event(self) -> RefundEvent {
        match self {
            Self::AskAgain => RefundEvent::ReviewedAskAgain,
            Self::Refunded => RefundEvent::ReviewedRefunded,
            Self::NotRefunded => RefundEvent::ReviewedNotRefunded,
        }
    }
}

/// A refund that waits for a person.
#[derive(sqlx::FromRow, serde::Serialize)]
struct Case {
    refund_id: String,
    request_id: String,
    merchant_id: String,
    amount_minor: i64,
    currency: String,
    stan: i64,
    rrn: String,
    contradiction: Option<String>,
}

/// The most cases that are listed.
const CASES_MAX: i64 = 500;

/// Prints every refund that waits for a person.
pub(in crate::payment_server) async fn list(db: &Db, json: bool) -> Result<(), Error> {
    let cases: Vec<Case> = sqlx::query_as(
        "SELECT refund.id AS refund_id, refund.request_id, request.merchant_id, refund.amount_minor, refund.currency, \
         refund.stan, refund.rrn, refund.contradiction \
         FROM refund JOIN payment_request AS request ON request.id = refund.request_id \
         WHERE refund.state = 'needs_manual_review' ORDER BY refund.changed_ms, refund.id LIMIT $1",
    )
    .bind(CASES_MAX)
    .fetch_all(db.reader())
    .await?;
    if json {
        println!("{}", json!({ "refunds": cases }));
        return Ok(());
    }
    for case in &cases {
        let what = case.contradiction.as_deref().unwrap_or("-");
        println!("{}  {:<20} {:>12} {}  {what}", case.refund_id, case.merchant_id, case.amount_minor, case.currency);
    }
    println!("{} waiting for a decision", cases.len());
    Ok(())
}

/// Decides what follows on a refund, in one step with who decided it and why.
pub(in crate::payment_server) async fn decide(
    db: &Db,
    id: RefundId,
    step: RefundStep,
    has_evidence: bool,
    (by, note): (String, String),
) -> Result<&'static str, Error> {
    if step != RefundStep::AskAgain && !has_evidence {
        return Err(Error::Review("without the bank's word, written evidence is needed, told of in a note".to_owned()));
    }
    let state = db
        .write(move |db_tx| {
            Box::pin(async move {
                let now_ms = now_ms();
                let evidence = RefundEvidence::default();
                let state = lifecycle::apply_to_refund(db_tx, id, step.event(), &evidence, now_ms).await?;
                store(db_tx, id, step, (&by, &note), now_ms).await?;
                Ok::<_, Error>(state)
            })
        })
        .await?;
    Ok(state.name())
}

async fn store(
    db_tx: &mut DbConnection,
    id: RefundId,
    step: RefundStep,
    (by, note): (&str, &str),
    now_ms: u64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO refund_decision (refund_id, seq, decision, decided_by, note, decided_ms) VALUES ($1, \
         (SELECT COALESCE(MAX(seq), 0) + 1 FROM refund_decision WHERE refund_id = $1), $2, $3, $4, $5)",
    )
    .bind(id.to_string())
    .bind(step.as_str())
    .bind(by)
    .bind(note)
    .bind(signed_ms(now_ms))
    .execute(db_tx)
    .await?;
    Ok(())
}
