//! What the bank never answered: ask, and undo. The queue is the attempts' own rows.
//!
//! ```text
//! forwarded ─(overdue)→ no_answer ─→ inquiring ─(outcome)→ approved | declined
//!                                     │ not found, or no answer twice
//!                                     └→ reversing ─(0420, 0421 … until 0430)→ reversed
//! ```
//!
//! | state at start | what is done |
//! |---|---|
//! | `forwarded` | counts as unanswered: whether it was sent is not known |
//! | `no_answer`, `inquiring` | asked (again) |
//! | `not_found`, `reversing` | reversed (again) until the bank acknowledges |

use std::time::Duration;

use futures::{StreamExt, stream};
use iso8583::Mti;
use payment::{AttemptEvent, AttemptId, AttemptState};

use super::bank_evidence::{KnownAttempt, Verdict, icc_response, judge_inquiry, judge_reversal};
use super::bank_link::BankLink;
use super::bank_messages::{self, Original, Reference};
use super::lifecycle::{self, Evidence, attempt_state};
use super::{App, Error, attempts};
use crate::clock::{now_ms, signed_ms};
use crate::keys::BankId;

/// Inquiries without an answer before the server undoes the attempt.
const INQUIRIES_MAX: i64 = 2;
/// The wait between two messages about one attempt; it doubles.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest wait between two messages.
const WAIT_MS_MAX: i64 = 60_000;
/// How many attempts are taken up together, and how many at once.
const BATCH_MAX: i64 = 256;
const AT_ONCE_MAX: usize = 16;
/// How often the queue is looked at without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(sqlx::FromRow)]
struct Due {
    id: String,
    state: String,
    decline_code: Option<String>,
    tries: i64,
}

/// What an earlier run left in flight is unanswered now, and the queue takes it from there.
pub(super) async fn recover(app: &App) -> Result<(), Error> {
    let left: Vec<(String, String)> =
        sqlx::query_as("SELECT id, request_id FROM attempt WHERE state IN ('received', 'forwarded')")
            .fetch_all(app.db.reader())
            .await?;
    for (id, request_id) in left {
        let id: AttemptId = id.parse().map_err(|_| Error::Row("attempt"))?;
        let request_id = request_id.parse().map_err(|_| Error::Row("attempt"))?;
        tracing::warn!(attempt_id = %id, "found in flight at start");
        app.change_attempt(request_id, id, AttemptEvent::AnswerOverdue, Evidence::default(), now_ms()).await?;
    }
    Ok(())
}

/// Drives one bank's part of the queue until the server stops, so that no bank waits for another's answers.
pub(super) async fn run(app: App, bank: BankId) {
    let Some(line) = app.banks.of(&bank) else { return };
    loop {
        if let Err(error) = drive_due(&app, &bank, line).await {
            tracing::error!(%error, "the queue of inquiries could not be read");
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = line.inquiries_woken() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn drive_due(app: &App, bank: &BankId, line: &BankLink) -> Result<(), Error> {
    // While the line is down nothing can be asked, and not asking must not count as not being answered.
    if !line.is_up() {
        return Ok(());
    }
    let due: Vec<Due> = sqlx::query_as(
        "SELECT id, state, decline_code, tries FROM attempt \
         WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing') \
         AND bank_id = $1 AND due_ms <= $2 ORDER BY due_ms LIMIT $3",
    )
    .bind(bank.as_str())
    .bind(signed_ms(now_ms()))
    .bind(BATCH_MAX)
    .fetch_all(app.db.reader())
    .await?;
    stream::iter(due)
        .for_each_concurrent(AT_ONCE_MAX, |due| async move {
            let id = due.id.clone();
            match drive(app, due).await {
                Ok(()) => {}
                // The attempt's own answer came in between.
                Err(Error::Transition(refused)) => tracing::info!(%refused, attempt_id = id, "settled meanwhile"),
                Err(error) => tracing::error!(%error, attempt_id = id, "an unanswered attempt could not be driven on"),
            }
        })
        .await;
    Ok(())
}

/// One move of one attempt.
async fn drive(app: &App, due: Due) -> Result<(), Error> {
    let id: AttemptId = due.id.parse().map_err(|_| Error::Row("attempt"))?;
    let known = app.known_attempt(id).await?;
    match attempt_state(&due.state, due.decline_code.as_deref())? {
        // Its driver died without ending the process.
        AttemptState::Forwarded => advance(app, &known, AttemptEvent::AnswerOverdue, None).await,
        AttemptState::NoAnswer => inquire(app, &known, 0).await,
        AttemptState::Inquiring if due.tries < INQUIRIES_MAX => inquire(app, &known, due.tries).await,
        AttemptState::Inquiring | AttemptState::NotFound => reverse(app, &known, 0).await,
        AttemptState::Reversing => reverse(app, &known, due.tries).await,
        AttemptState::Sealed
        | AttemptState::Received
        | AttemptState::Approved
        | AttemptState::Declined { .. }
        | AttemptState::Reversed
        | AttemptState::NeedsManualReview => Err(Error::Row("attempt")),
    }
}

async fn advance(app: &App, known: &KnownAttempt, event: AttemptEvent, outcome: Option<String>) -> Result<(), Error> {
    advance_with(app, known, event, Evidence { outcome, ..Evidence::default() }).await
}

async fn advance_with(app: &App, known: &KnownAttempt, event: AttemptEvent, evidence: Evidence) -> Result<(), Error> {
    let state = app.change_attempt(known.request_id, known.attempt_id, event, evidence, now_ms()).await?;
    tracing::info!(attempt_id = %known.attempt_id, state = state.name(), "an unanswered attempt moved on");
    Ok(())
}

/// Stores that a message is about to be sent, counts it, and draws its trace number.
async fn count_try(app: &App, known: &KnownAttempt, event: AttemptEvent, tries: i64) -> Result<Reference, Error> {
    let (attempt_id, rrn) = (known.attempt_id, known.reference.rrn.clone());
    let doublings = u32::try_from(tries).unwrap_or(u32::MAX);
    let wait_ms = FIRST_WAIT_MS.saturating_mul(2_i64.saturating_pow(doublings)).min(WAIT_MS_MAX);
    // The next try is due after this one's own time is up.
    let answer_ms = i64::try_from(app.answer_timeout.as_millis()).unwrap_or(i64::MAX);
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                let now_ms = now_ms();
                lifecycle::apply_to_attempt(db_tx, attempt_id, event, &Evidence::default(), now_ms).await?;
                sqlx::query("UPDATE attempt SET tries = $1, due_ms = $2 WHERE id = $3")
                    .bind(tries + 1)
                    .bind(signed_ms(now_ms).saturating_add(answer_ms).saturating_add(wait_ms))
                    .bind(attempt_id.to_string())
                    .execute(&mut *db_tx)
                    .await?;
                let stan = attempts::next_stan(db_tx).await?;
                Ok::<_, Error>(Reference { stan, rrn, sent_ms: now_ms })
            })
        })
        .await
}

fn original(known: &KnownAttempt) -> Original<'_> {
    Original {
        reference: &known.reference,
        request_id: known.request_id,
        attempt_id: known.attempt_id,
        merchant_id: &known.merchant_id,
        amount: known.amount,
    }
}

/// The line an attempt went out on. It is there: only a connected bank's part of the queue is driven.
fn line<'a>(app: &'a App, known: &KnownAttempt) -> Result<&'a BankLink, Error> {
    app.banks.of(&known.bank).ok_or(Error::Row("attempt"))
}

async fn inquire(app: &App, known: &KnownAttempt, tries: i64) -> Result<(), Error> {
    let own = count_try(app, known, AttemptEvent::InquiryStarted, tries).await?;
    let message = bank_messages::inquiry(&original(known), &own)?;
    let Ok(exchange) = line(app, known)?.exchange(&message).await else { return Ok(()) };
    let verdict = judge_inquiry(&app.keys, known, &exchange.answer);
    let icc_response = icc_response(&verdict, &exchange.answer);
    let evidence = |outcome| Evidence { outcome, icc_response, exchange: None };
    match verdict {
        Verdict::Approved { outcome } => {
            advance_with(app, known, AttemptEvent::Approved, evidence(Some(outcome))).await
        }
        Verdict::Declined { code, outcome } => {
            advance_with(app, known, AttemptEvent::Declined(code), evidence(outcome)).await
        }
        Verdict::NotFound => {
            advance(app, known, AttemptEvent::NotFound, None).await?;
            // The bank must close the id: the original may still be on its way.
            reverse(app, known, 0).await
        }
        // Undone already; the reversal gets the acknowledgement.
        Verdict::Reversed { .. } => reverse(app, known, 0).await,
        Verdict::Contradiction { what } => contradiction(app, known, what).await,
        Verdict::Undecided => Ok(()),
    }
}

async fn reverse(app: &App, known: &KnownAttempt, tries: i64) -> Result<(), Error> {
    let own = count_try(app, known, AttemptEvent::ReversalStarted, tries).await?;
    let mti = if tries == 0 { Mti::REVERSAL_ADVICE } else { Mti::REVERSAL_ADVICE_REPEAT };
    let message = bank_messages::reversal_advice(&original(known), &own, mti)?;
    let Ok(exchange) = line(app, known)?.exchange(&message).await else { return Ok(()) };
    match judge_reversal(&app.keys, known, &exchange.answer) {
        Verdict::Reversed { outcome } => advance(app, known, AttemptEvent::ReversalAcknowledged, Some(outcome)).await,
        // Nothing was approved, or the bank never saw it.
        Verdict::Declined { outcome, .. } => advance(app, known, AttemptEvent::ReversalAcknowledged, outcome).await,
        Verdict::NotFound => advance(app, known, AttemptEvent::ReversalAcknowledged, None).await,
        Verdict::Approved { .. } => contradiction(app, known, "approval after a reversal").await,
        Verdict::Contradiction { what } => contradiction(app, known, what).await,
        Verdict::Undecided => Ok(()),
    }
}

async fn contradiction(app: &App, known: &KnownAttempt, what: &'static str) -> Result<(), Error> {
    tracing::error!(what, attempt_id = %known.attempt_id, "the bank contradicts the attempt");
    advance(app, known, AttemptEvent::Contradiction, None).await
}
