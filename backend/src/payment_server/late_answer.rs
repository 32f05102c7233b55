//! Answers that nobody waits for any more: late ones, repeated ones, and those of an earlier run.
//!
//! | answer | attempt | what follows |
//! |---|---|---|
//! | approval | in flight, unanswered or asked about | it is settled as if it had come in time |
//! | approval | to be undone, undone or declined | `late_approval`: it is undone (again), until the bank signs that; merchant and payer are told |
//! | approval | undone by a word of the bank that is newer | nothing: it is the approval that was undone |
//! | refusal | in flight, unanswered or asked about | it is settled |
//! | acknowledged reversal | being reversed | it is settled |
//! | anything else | | nothing; it is a repeat, or says what is known |
//!
//! Each is written down with its attempt, whatever follows.

use iso8583::{Message, Mti};
use payment::{AttemptEvent, AttemptId, AttemptState, BankResult, Outcome};

use super::bank_evidence::{KnownAttempt, Verdict, judge_financial, judge_inquiry, judge_reversal};
use super::bank_words::{self, Word};
use super::lifecycle::{Evidence, attempt_state};
use super::{App, Error, refunds};
use crate::clock::now_ms;
use crate::keys::BankId;

/// Takes an answer of a bank that nobody waits for.
pub(super) async fn take(app: App, bank: BankId, answer: Message) {
    let rrn = answer.text(37).unwrap_or_default().to_owned();
    if let Err(error) = settle(&app, &bank, &rrn, &answer).await {
        // The attempt is where it was, and the queue drives it on.
        tracing::warn!(%error, %bank, rrn, mti = %answer.mti(), "a late answer could not be taken");
    }
}

async fn settle(app: &App, bank: &BankId, rrn: &str, answer: &Message) -> Result<(), Error> {
    let Some((known, state, stored)) = find(app, bank, rrn).await? else {
        if refunds::take_late(app, bank, rrn, answer).await? {
            return Ok(());
        }
        tracing::warn!(%bank, rrn, mti = %answer.mti(), "an answer to nothing we sent is ignored");
        return Ok(());
    };
    let verdict = match answer.mti() {
        Mti::FINANCIAL_ANSWER => judge_financial(&app.keys, &known, answer),
        Mti::INQUIRY_ANSWER => judge_inquiry(&app.keys, &known, answer),
        Mti::REVERSAL_ADVICE_ANSWER => judge_reversal(&app.keys, &known, answer),
        _ => return Ok(()),
    };
    let word = Word::received(answer, bank_words::meaning(&verdict));
    let event = event(app, answer.mti(), &verdict, state, &known, stored.as_deref());
    let Some((event, outcome)) = event else {
        tracing::info!(attempt_id = %known.attempt_id, state = state.name(), "a late answer changes nothing");
        return app.write_word(known.attempt_id, word).await;
    };
    if event == AttemptEvent::LateApproval {
        tracing::error!(attempt_id = %known.attempt_id, state = state.name(), "ALARM: the bank approved late; undoing");
    }
    let judged_by = (event == AttemptEvent::ReversalAcknowledged).then_some(known.approval);
    let evidence = Evidence { outcome, word: Some(word), judged_by, ..Evidence::default() };
    app.change_attempt(known.request_id, known.attempt_id, event, evidence, now_ms()).await?;
    if let Some(line) = app.banks.of(bank) {
        line.wake_inquiries();
    }
    Ok(())
}

/// What a late answer means for its attempt, and the outcome to keep.
fn event(
    app: &App,
    mti: Mti,
    verdict: &Verdict,
    state: AttemptState,
    known: &KnownAttempt,
    stored: Option<&str>,
) -> Option<(AttemptEvent, Option<String>)> {
    let is_waiting = matches!(state, AttemptState::Forwarded | AttemptState::NoAnswer | AttemptState::Inquiring);
    if mti == Mti::REVERSAL_ADVICE_ANSWER {
        let acknowledged = known.acknowledges(verdict).filter(|_| state == AttemptState::Reversing)?;
        return Some((AttemptEvent::ReversalAcknowledged, acknowledged.outcome));
    }
    match verdict {
        Verdict::Approved { outcome } if is_waiting => Some((AttemptEvent::Approved, Some(outcome.clone()))),
        Verdict::Declined { code, outcome } if is_waiting => Some((AttemptEvent::Declined(*code), outcome.clone())),
        Verdict::Contradiction { .. } if is_waiting => Some((AttemptEvent::Contradiction, None)),
        Verdict::Approved { outcome } if can_be_revived(state) => {
            let approval = app.keys.verified_outcome(outcome)?;
            let undone = stored.and_then(|stored| app.keys.verified_outcome(stored));
            let is_news = undone.is_none_or(|undone| is_newer(&approval, &undone));
            // Told twice, it is undone once.
            (is_news && !known.is_being_undone_again(state)).then_some((AttemptEvent::LateApproval, None))
        }
        Verdict::Approved { .. }
        | Verdict::Declined { .. }
        | Verdict::Reversed { .. }
        | Verdict::NotFound
        | Verdict::Contradiction { .. }
        | Verdict::Undecided => None,
    }
}

const fn can_be_revived(state: AttemptState) -> bool {
    matches!(
        state,
        AttemptState::NotFound | AttemptState::Reversing | AttemptState::Reversed | AttemptState::Declined { .. }
    )
}

/// An approval from before the bank undid it is the one that was undone. The bank's clock is compared with itself.
fn is_newer(approval: &Outcome, known: &Outcome) -> bool {
    known.decision != BankResult::Reversed || approval.decided_ms > known.decided_ms
}

/// The attempt with this reference at this bank: what is known of it, its state, and the outcome kept with it.
async fn find(
    app: &App,
    bank: &BankId,
    rrn: &str,
) -> Result<Option<(KnownAttempt, AttemptState, Option<String>)>, Error> {
    let row: Option<(String, String, Option<String>, Option<String>)> =
        sqlx::query_as("SELECT id, state, decline_code, outcome FROM attempt WHERE rrn = $1 AND bank_id = $2")
            .bind(rrn)
            .bind(bank.as_str())
            .fetch_optional(app.db.reader())
            .await?;
    let Some((id, state, code, outcome)) = row else { return Ok(None) };
    let id: AttemptId = id.parse().map_err(|_| Error::Row("attempt"))?;
    Ok(Some((app.known_attempt(id).await?, attempt_state(&state, code.as_deref())?, outcome)))
}
