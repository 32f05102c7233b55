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
//!
//! There is no limit to the tries. Answers that come when nobody waits for them any more are taken by
//! [`late_answer`](super::late_answer), and the deadline that people are shown is looked after by
//! [`overdue`](super::overdue).

use std::time::Duration;

use futures::{StreamExt, stream};
use iso8583::Mti;
use payment::{AttemptEvent, AttemptId, AttemptState};

use super::bank_evidence::{KnownAttempt, Verdict, icc_response, judge_inquiry, judge_reversal};
use super::bank_link::BankLink;
use super::bank_messages::{self, Original, Reference};
use super::bank_words::{self, Word};
use super::lifecycle::{self, Evidence, attempt_state};
use super::{App, Error, attempts};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, BankId};

/// Inquiries without an answer before the server undoes the attempt.
const INQUIRIES_MAX: i64 = 2;
/// The wait between two messages about one attempt; it doubles.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest wait between two messages.
const WAIT_MS_MAX: i64 = 60_000;
/// A wait is longer by up to this part of itself, drawn anew each time, so that what a bank's outage left behind does
/// not come back all at once.
const JITTER_DIVISOR: i64 = 4;
/// An operator is alarmed at this many tries without an answer, and whenever they have doubled: few alarms, and never
/// an end to the tries.
const ALARM_TRIES: i64 = 8;
/// How many attempts are taken up together, and how many at once.
const BATCH_MAX: i64 = 256;
const AT_ONCE_MAX: usize = 16;
/// How long a server holds an attempt beyond the waits for its bank's answers.
const LEASE_MARGIN_MS: i64 = 10_000;
/// How often the queue is looked at without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(sqlx::FromRow)]
struct Due {
    id: String,
    state: String,
    decline_code: Option<String>,
    tries: i64,
}

/// What a server left in flight that lives no more is unanswered now, and the queue takes it from there.
pub(super) async fn recover(app: &App) -> Result<(), Error> {
    let left: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, request_id FROM attempt WHERE state IN ('received', 'forwarded') AND NOT EXISTS \
         (SELECT 1 FROM replica WHERE replica.id = attempt.leased_by AND replica.alive_until_ms > $1)",
    )
    .bind(signed_ms(now_ms()))
    .fetch_all(app.db.reader())
    .await?;
    for (id, request_id) in left {
        let id: AttemptId = id.parse().map_err(|_| Error::Row("attempt"))?;
        let request_id = request_id.parse().map_err(|_| Error::Row("attempt"))?;
        tracing::warn!(attempt_id = %id, "found in flight without a server that waits for it");
        match app.change_attempt(request_id, id, AttemptEvent::AnswerOverdue, Evidence::default(), now_ms()).await {
            // Another server was faster.
            Ok(_) | Err(Error::Transition(_)) => {}
            Err(error) => return Err(error),
        }
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
    let due: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM attempt \
         WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing') \
         AND bank_id = $1 AND due_ms <= $2 AND (leased_by = $3 OR lease_until_ms <= $2 OR NOT EXISTS \
         (SELECT 1 FROM replica WHERE replica.id = attempt.leased_by AND replica.alive_until_ms > $2)) \
         ORDER BY due_ms LIMIT $4",
    )
    .bind(bank.as_str())
    .bind(signed_ms(now_ms()))
    .bind(app.replica.id())
    .bind(BATCH_MAX)
    .fetch_all(app.db.reader())
    .await?;
    stream::iter(due)
        .for_each_concurrent(AT_ONCE_MAX, |id| async move {
            let driven = match lease(app, &id).await {
                Ok(Some(due)) => drive(app, due).await,
                // Another server has taken it up, or its answer came in between.
                Ok(None) => return,
                Err(error) => Err(error),
            };
            match driven {
                Ok(()) => {}
                // The attempt's own answer came in between.
                Err(Error::Transition(refused)) => tracing::info!(%refused, attempt_id = id, "settled meanwhile"),
                Err(error) => tracing::error!(%error, attempt_id = id, "an unanswered attempt could not be driven on"),
            }
        })
        .await;
    Ok(())
}

/// Takes an attempt up that is due, so that no other server does. What a dead server held is anybody's.
async fn lease(app: &App, id: &str) -> Result<Option<Due>, Error> {
    let (id, replica) = (id.to_owned(), app.replica.id().to_owned());
    // An inquiry and the reversal after it, and time to record both.
    let answer_ms = i64::try_from(app.answer_timeout.as_millis()).unwrap_or(i64::MAX);
    let lease_ms = answer_ms.saturating_mul(2).saturating_add(LEASE_MARGIN_MS);
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                let now_ms = signed_ms(now_ms());
                Ok(sqlx::query_as(
                    "UPDATE attempt SET leased_by = $1, lease_until_ms = $2 WHERE id = $3 \
                     AND state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing') \
                     AND due_ms <= $4 AND (leased_by = $1 OR lease_until_ms <= $4 OR NOT EXISTS \
                     (SELECT 1 FROM replica WHERE replica.id = attempt.leased_by AND replica.alive_until_ms > $4)) \
                     RETURNING id, state, decline_code, tries",
                )
                .bind(replica)
                .bind(now_ms.saturating_add(lease_ms))
                .bind(id)
                .bind(now_ms)
                .fetch_optional(db_tx)
                .await?)
            })
        })
        .await
}

/// One move of one attempt.
async fn drive(app: &App, due: Due) -> Result<(), Error> {
    let id: AttemptId = due.id.parse().map_err(|_| Error::Row("attempt"))?;
    let known = app.known_attempt(id).await?;
    match attempt_state(&due.state, due.decline_code.as_deref())? {
        // Its driver died without ending the process.
        AttemptState::Forwarded => advance(app, &known, AttemptEvent::AnswerOverdue, Evidence::default()).await,
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

async fn advance(app: &App, known: &KnownAttempt, event: AttemptEvent, evidence: Evidence) -> Result<(), Error> {
    let state = app.change_attempt(known.request_id, known.attempt_id, event, evidence, now_ms()).await?;
    tracing::info!(attempt_id = %known.attempt_id, state = state.name(), "an unanswered attempt moved on");
    Ok(())
}

/// A message that is about to be sent.
#[derive(Clone, Copy)]
struct Try {
    event: AttemptEvent,
    mti: Mti,
    /// How many were sent before it in the present state.
    earlier: i64,
    meaning: &'static str,
}

impl Try {
    /// How long the next one waits after this one's own time is up.
    fn wait_ms(self) -> i64 {
        wait_ms(self.earlier)
    }

    fn is_alarming(self) -> bool {
        is_alarming(self.earlier)
    }
}

/// How long a message waits after its own time is up when so many were sent before it.
pub(super) fn wait_ms(earlier: i64) -> i64 {
    let doublings = u32::try_from(earlier).unwrap_or(u32::MAX);
    let wait_ms = FIRST_WAIT_MS.saturating_mul(2_i64.saturating_pow(doublings)).min(WAIT_MS_MAX);
    let drawn = i64::from(u16::from_be_bytes(keys::random())) * (wait_ms / JITTER_DIVISOR) / i64::from(u16::MAX);
    wait_ms + drawn
}

/// Whether an operator is told of a message when so many were sent before it.
pub(super) const fn is_alarming(earlier: i64) -> bool {
    let tries = earlier + 1;
    tries >= ALARM_TRIES && tries % ALARM_TRIES == 0 && (tries / ALARM_TRIES).count_ones() == 1
}

/// Stores that a message is about to be sent, counts it, and draws its trace number.
async fn count_try(app: &App, known: &KnownAttempt, this: Try) -> Result<Reference, Error> {
    let (attempt_id, rrn) = (known.attempt_id, known.reference.rrn.clone());
    if this.is_alarming() {
        tracing::error!(%attempt_id, tries = this.earlier + 1, "ALARM: the bank has not acknowledged; it is sent again");
    }
    // The next try is due after this one's own time is up.
    let answer_ms = i64::try_from(app.answer_timeout.as_millis()).unwrap_or(i64::MAX);
    let wait_ms = answer_ms.saturating_add(this.wait_ms());
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                let now_ms = now_ms();
                let stan = attempts::next_stan(db_tx).await?;
                let word = Some(Word::sent(this.mti, stan, this.meaning));
                let evidence = Evidence { word, ..Evidence::default() };
                lifecycle::apply_to_attempt(db_tx, attempt_id, this.event, &evidence, now_ms).await?;
                sqlx::query("UPDATE attempt SET tries = $1, due_ms = $2 WHERE id = $3")
                    .bind(this.earlier + 1)
                    .bind(signed_ms(now_ms).saturating_add(wait_ms))
                    .bind(attempt_id.to_string())
                    .execute(&mut *db_tx)
                    .await?;
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

async fn inquire(app: &App, known: &KnownAttempt, earlier: i64) -> Result<(), Error> {
    let this = Try { event: AttemptEvent::InquiryStarted, mti: Mti::INQUIRY, earlier, meaning: "what became of it?" };
    let own = count_try(app, known, this).await?;
    let message = bank_messages::inquiry(&original(known), &own)?;
    let Ok(exchange) = line(app, known)?.exchange(&message).await else { return Ok(()) };
    let verdict = judge_inquiry(&app.keys, known, &exchange.answer);
    let icc_response = icc_response(&verdict, &exchange.answer);
    let word = Word::received(&exchange.answer, bank_words::meaning(&verdict));
    let evidence = |outcome| Evidence { outcome, icc_response, word: Some(word.clone()), ..Evidence::default() };
    match verdict {
        Verdict::Approved { outcome } => advance(app, known, AttemptEvent::Approved, evidence(Some(outcome))).await,
        Verdict::Declined { code, outcome } => {
            advance(app, known, AttemptEvent::Declined(code), evidence(outcome)).await
        }
        Verdict::NotFound => {
            advance(app, known, AttemptEvent::NotFound, evidence(None)).await?;
            // The bank must close the id: the original may still be on its way.
            reverse(app, known, 0).await
        }
        // Undone already; the reversal gets the acknowledgement.
        Verdict::Reversed { .. } => {
            app.write_word(known.attempt_id, word).await?;
            reverse(app, known, 0).await
        }
        Verdict::Contradiction { what } => contradiction(app, known, what, word).await,
        Verdict::Undecided => app.write_word(known.attempt_id, word).await,
    }
}

async fn reverse(app: &App, known: &KnownAttempt, earlier: i64) -> Result<(), Error> {
    let mti = if earlier == 0 { Mti::REVERSAL_ADVICE } else { Mti::REVERSAL_ADVICE_REPEAT };
    let this = Try { event: AttemptEvent::ReversalStarted, mti, earlier, meaning: "undo it" };
    let own = count_try(app, known, this).await?;
    let message = bank_messages::reversal_advice(&original(known), &own, mti)?;
    let Ok(exchange) = line(app, known)?.exchange(&message).await else { return Ok(()) };
    // A late approval may have come while this was on its way.
    let known = &app.known_attempt(known.attempt_id).await?;
    let verdict = judge_reversal(&app.keys, known, &exchange.answer);
    let is_bare = matches!(verdict, Verdict::NotFound);
    let meaning = if is_bare { bank_words::ACKNOWLEDGED } else { bank_words::meaning(&verdict) };
    let word = Word::received(&exchange.answer, meaning);
    if let Some(acknowledged) = known.acknowledges(&verdict) {
        let evidence = Evidence {
            outcome: acknowledged.outcome,
            word: Some(word),
            judged_by: Some(known.approval),
            ..Evidence::default()
        };
        return advance(app, known, AttemptEvent::ReversalAcknowledged, evidence).await;
    }
    match verdict {
        Verdict::Approved { .. } => contradiction(app, known, "approval after a reversal", word).await,
        Verdict::Contradiction { what } => contradiction(app, known, what, word).await,
        // Without its signature a bank that has approved in between has not undone that.
        Verdict::Declined { .. } | Verdict::NotFound | Verdict::Reversed { .. } | Verdict::Undecided => {
            app.write_word(known.attempt_id, word).await
        }
    }
}

async fn contradiction(app: &App, known: &KnownAttempt, what: &'static str, word: Word) -> Result<(), Error> {
    tracing::error!(what, attempt_id = %known.attempt_id, "ALARM: the bank contradicts the attempt; a person must decide");
    let evidence = Evidence { word: Some(word), ..Evidence::default() };
    advance(app, known, AttemptEvent::Contradiction, evidence).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nth(earlier: i64) -> Try {
        Try { event: AttemptEvent::ReversalStarted, mti: Mti::REVERSAL_ADVICE, earlier, meaning: "undo it" }
    }

    #[test]
    fn waits_double_up_to_a_minute_and_differ_by_less_than_a_quarter() {
        for (earlier, least_ms) in [(0, 1_000), (1, 2_000), (5, 32_000), (6, 60_000), (1_000_000, 60_000)] {
            for _ in 0..50 {
                let wait_ms = nth(earlier).wait_ms();
                assert!((least_ms..=least_ms + least_ms / JITTER_DIVISOR).contains(&wait_ms), "{earlier}: {wait_ms}");
            }
        }
        assert!((0..50).map(|_| nth(6).wait_ms()).collect::<std::collections::BTreeSet<_>>().len() > 10);
    }

    #[test]
    fn alarms_are_few_however_often_it_is_tried() {
        let alarms: Vec<i64> =
            (0..1_000).filter(|earlier| nth(*earlier).is_alarming()).map(|earlier| earlier + 1).collect();
        assert_eq!(alarms, [8, 16, 32, 64, 128, 256, 512]);
    }
}
