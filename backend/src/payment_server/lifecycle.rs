//! Every change of a request or an attempt: state, journal entry and notice to the devices, in one db step.
//!
//! The machines are `payment::request` and `payment::attempt`; nothing else writes a state.

use payment::{
    AttemptEvent, AttemptId, AttemptState, DeclineCode, InvalidTransition, RequestEvent, RequestId, RequestState,
    ReviewStep, Standing,
};
use protocol::ErrorCode;

use protocol::wallet_api::ExchangeView;

use super::bank_evidence::Approval;
use super::bank_words::{self, Word};
use super::events::{self, Event};
use super::problem::why_not_open;
use super::{App, CrashPoint, Error, inbox};
use crate::clock::{signed_ms, unsigned_ms};
use crate::storage::DbConnection;

mod refund;

pub(super) use refund::{RefundEvidence, append_refund_event, apply_to_refund, refund_state};

/// What the bank gave with its word, to be kept with the attempt.
#[derive(Clone, Default)]
pub(super) struct Evidence {
    /// The signed outcome, a compact JWS.
    pub(super) outcome: Option<String>,
    /// What the bank says to the card, hexadecimal.
    pub(super) icc_response: Option<String>,
    /// The exchange that carried it, when it answered the financial request itself.
    pub(super) exchange: Option<ExchangeView>,
    /// The message it was said in, to be written down: any but the plain answer to the financial request.
    pub(super) word: Option<Word>,
    /// What an acknowledged reversal was judged by. An approval that came while it was being judged makes it void.
    pub(super) judged_by: Option<Approval>,
}

/// A request's state, from its row's two columns.
pub(super) fn request_state(name: &str, attempt_id: Option<&str>) -> Result<RequestState, Error> {
    let attempt_id = attempt_id.map(str::parse).transpose().map_err(|_| Error::Row("request"))?;
    RequestState::from_parts(name, attempt_id).ok_or(Error::Row("request"))
}

/// An attempt's state, from its row's two columns.
pub(super) fn attempt_state(name: &str, code: Option<&str>) -> Result<AttemptState, Error> {
    let code: Option<DeclineCode> = code.map(str::parse).transpose().map_err(|_| Error::Row("attempt"))?;
    AttemptState::from_parts(name, code).ok_or(Error::Row("attempt"))
}

/// Applies `event` to a request. A request that stays where it is gets no journal entry.
pub(super) async fn apply_to_request(
    db_tx: &mut DbConnection,
    id: RequestId,
    event: RequestEvent,
    now_ms: u64,
) -> Result<RequestState, Error> {
    let row: Option<(String, Option<String>, String)> =
        sqlx::query_as("SELECT state, state_attempt_id, merchant_id FROM payment_request WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *db_tx)
            .await?;
    let (name, attempt_id, merchant_id) = row.ok_or(ErrorCode::NotFound)?;
    let before = request_state(&name, attempt_id.as_deref())?;
    let after = before.apply(event)?;
    if after == before {
        return Ok(after);
    }
    let updated =
        sqlx::query("UPDATE payment_request SET state = $1, state_attempt_id = $2 WHERE id = $3 AND state = $4")
            .bind(after.name())
            .bind(after.attempt_id().map(|id| id.to_string()))
            .bind(id.to_string())
            .bind(before.name())
            .execute(&mut *db_tx)
            .await?;
    expect_one(updated.rows_affected(), "request")?;
    let kind = format!("request.{}", after.name());
    let entry = Event { kind, merchant_id: &merchant_id, request_id: id, attempt_id: after.attempt_id() };
    events::append(db_tx, &entry, now_ms).await?;
    inbox::append_state(db_tx, id).await?;
    Ok(after)
}

/// Ends an open request by its merchant's will: `event` says how. One that ended that way already stays as it is.
pub(super) async fn end_request(
    db_tx: &mut DbConnection,
    id: RequestId,
    event: RequestEvent,
    now_ms: u64,
) -> Result<RequestState, Error> {
    let state = request_of(db_tx, id).await?;
    match (event, why_not_open(&state)) {
        (RequestEvent::Cancelled, Some(ErrorCode::RequestCancelled))
        | (RequestEvent::Expired, Some(ErrorCode::RequestExpired)) => Ok(state),
        (_, Some(code)) => Err(code.into()),
        (_, None) => apply_to_request(db_tx, id, event, now_ms).await,
    }
}

/// Applies `event` to an attempt, and what follows from it to its request.
pub(super) async fn apply_to_attempt(
    db_tx: &mut DbConnection,
    id: AttemptId,
    event: AttemptEvent,
    evidence: &Evidence,
    now_ms: u64,
) -> Result<AttemptState, Error> {
    let row: Option<(String, Option<String>, String, Option<i64>)> =
        sqlx::query_as("SELECT state, decline_code, request_id, late_approval_ms FROM attempt WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *db_tx)
            .await?;
    let (name, code, request_id, late_approval_ms) = row.ok_or(ErrorCode::NotFound)?;
    let request_id: RequestId = request_id.parse().map_err(|_| Error::Row("attempt"))?;
    let before = attempt_state(&name, code.as_deref())?;
    if late_approval_ms.is_some() && evidence.judged_by == Some(Approval::NotLate) {
        return Err(InvalidTransition { state: before.name(), event: event.name() }.into());
    }
    let after = before.apply(event)?;
    store_attempt(db_tx, id, before, after, evidence, now_ms).await?;
    if let Some(word) = &evidence.word {
        bank_words::append(db_tx, id, word, now_ms).await?;
    }
    if event == AttemptEvent::LateApproval {
        note_late_approval(db_tx, id, now_ms).await?;
        append_attempt_event(db_tx, request_id, id, "late_approval", now_ms).await?;
    }
    if after != before {
        append_attempt_event(db_tx, request_id, id, after.name(), now_ms).await?;
    }
    let request = request_of(db_tx, request_id).await?;
    // A request that another attempt holds, or that has come to its end, is not moved; its devices look all the same.
    let is_held_by_it = request.attempt_id() == Some(id) && request.standing() != Standing::Final;
    match consequence(db_tx, request_id, id, event, now_ms).await? {
        Some(event @ RequestEvent::AttemptApprovedLate(_)) if request.is_open() => {
            apply_to_request(db_tx, request_id, event, now_ms).await?;
        }
        Some(RequestEvent::AttemptApprovedLate(_)) => inbox::append_state(db_tx, request_id).await?,
        Some(event) if is_held_by_it => {
            apply_to_request(db_tx, request_id, event, now_ms).await?;
        }
        Some(_) => inbox::append_state(db_tx, request_id).await?,
        None => {}
    }
    Ok(after)
}

/// A journal entry about an attempt.
pub(super) async fn append_attempt_event(
    db_tx: &mut DbConnection,
    request_id: RequestId,
    id: AttemptId,
    what: &str,
    now_ms: u64,
) -> Result<(), Error> {
    let merchant_id = events::merchant_of(db_tx, request_id).await?;
    let kind = format!("attempt.{what}");
    let entry = Event { kind, merchant_id: merchant_id.as_str(), request_id, attempt_id: Some(id) };
    events::append(db_tx, &entry, now_ms).await
}

async fn request_of(db_tx: &mut DbConnection, id: RequestId) -> Result<RequestState, Error> {
    let (name, attempt_id): (String, Option<String>) =
        sqlx::query_as("SELECT state, state_attempt_id FROM payment_request WHERE id = $1")
            .bind(id.to_string())
            .fetch_one(db_tx)
            .await?;
    request_state(&name, attempt_id.as_deref())
}

/// From now on only a reversal that the bank signed will do, and the request is not this attempt's to hold.
async fn note_late_approval(db_tx: &mut DbConnection, id: AttemptId, now_ms: u64) -> Result<(), Error> {
    sqlx::query("UPDATE attempt SET late_approval_ms = $1 WHERE id = $2")
        .bind(signed_ms(now_ms))
        .bind(id.to_string())
        .execute(db_tx)
        .await?;
    Ok(())
}

async fn store_attempt(
    db_tx: &mut DbConnection,
    id: AttemptId,
    before: AttemptState,
    after: AttemptState,
    evidence: &Evidence,
    now_ms: u64,
) -> Result<(), Error> {
    let exchange = evidence.exchange.as_ref();
    // A new state starts its own count of tries, due at once; whoever stays reschedules by itself.
    let updated = sqlx::query(
        "UPDATE attempt SET state = $1, decline_code = $2, outcome = COALESCE($3, outcome), \
         icc_response = COALESCE($12, icc_response), \
         response_mti = COALESCE($4, response_mti), response_code = COALESCE($5, response_code), \
         response_bytes = COALESCE($6, response_bytes), took_us = COALESCE($7, took_us), \
         request_bytes = COALESCE($8, request_bytes), \
         tries = CASE WHEN state = $1 THEN tries ELSE 0 END, due_ms = $9 WHERE id = $10 AND state = $11",
    )
    .bind(after.name())
    .bind(after.decline_code().map(DeclineCode::as_str))
    .bind(&evidence.outcome)
    .bind(exchange.map(|exchange| exchange.response_mti.clone()))
    .bind(exchange.map(|exchange| exchange.response_code.clone()))
    .bind(exchange.map(|exchange| i64::from(exchange.response_bytes)))
    .bind(exchange.map(|exchange| signed_ms(exchange.took_us)))
    .bind(exchange.map(|exchange| i64::from(exchange.request_bytes)))
    .bind(signed_ms(now_ms))
    .bind(id.to_string())
    .bind(before.name())
    .bind(&evidence.icc_response)
    .execute(&mut *db_tx)
    .await?;
    db_tx.tell("attempt", &id.to_string());
    expect_one(updated.rows_affected(), "attempt")
}

/// What an attempt's event means for its request.
async fn consequence(
    db_tx: &mut DbConnection,
    request_id: RequestId,
    id: AttemptId,
    event: AttemptEvent,
    now_ms: u64,
) -> Result<Option<RequestEvent>, Error> {
    Ok(match event {
        AttemptEvent::Approved | AttemptEvent::Reviewed(ReviewStep::AcceptApproval) => {
            Some(RequestEvent::AttemptApproved)
        }
        AttemptEvent::Declined(code) | AttemptEvent::Reviewed(ReviewStep::AcceptDecline(code)) => {
            let is_open = code.leaves_request_open();
            Some(if is_open { RequestEvent::AttemptDeclined } else { RequestEvent::AttemptRefused })
        }
        AttemptEvent::AnswerOverdue => Some(RequestEvent::AttemptUnanswered),
        AttemptEvent::Contradiction => Some(RequestEvent::ReviewNeeded),
        AttemptEvent::LateApproval => Some(RequestEvent::AttemptApprovedLate(id)),
        AttemptEvent::Reviewed(ReviewStep::Inquire | ReviewStep::Reverse) => Some(RequestEvent::ReviewReopened),
        AttemptEvent::ReversalAcknowledged | AttemptEvent::Reviewed(ReviewStep::CloseAsNotPaid) => {
            let expires_ms: i64 = sqlx::query_scalar("SELECT expires_ms FROM payment_request WHERE id = $1")
                .bind(request_id.to_string())
                .fetch_one(db_tx)
                .await?;
            let too_late = now_ms >= unsigned_ms(expires_ms);
            Some(if too_late { RequestEvent::AttemptReversedTooLate } else { RequestEvent::AttemptReversed })
        }
        AttemptEvent::Received
        | AttemptEvent::Forwarded
        | AttemptEvent::InquiryStarted
        | AttemptEvent::NotFound
        | AttemptEvent::ReversalStarted => None,
    })
}

/// The row that was read a moment ago in the same step must be the one that is written.
pub(super) fn expect_one(rows: u64, what: &'static str) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Row(what)) }
}

impl App {
    /// Wakes the streams of the devices that are told about a request, and the readers of its merchant's journal. Call it
    /// after the commit.
    pub(super) async fn wake_devices_of(&self, request_id: RequestId) {
        self.wake_journal_of(request_id).await;
        if self.device_watchers.is_idle() {
            return;
        }
        let devices: Result<Vec<String>, _> =
            sqlx::query_scalar("SELECT device_id FROM request_device WHERE request_id = $1")
                .bind(request_id.to_string())
                .fetch_all(self.db.reader())
                .await;
        // A stream that is not woken now reads the same entries at its next keep-alive.
        for device in devices.unwrap_or_default() {
            if let Ok(device) = device.parse() {
                self.device_watchers.tell(device);
            }
        }
    }

    /// [`apply_to_request`] in a step of its own.
    pub(super) async fn change_request(
        &self,
        id: RequestId,
        event: RequestEvent,
        now_ms: u64,
    ) -> Result<RequestState, Error> {
        let state = self
            .db
            .write(move |db_tx| Box::pin(async move { apply_to_request(db_tx, id, event, now_ms).await }))
            .await?;
        self.wake_devices_of(id).await;
        Ok(state)
    }

    /// [`apply_to_attempt`] in a step of its own; whoever waits for the attempt is told.
    pub(super) async fn change_attempt(
        &self,
        request_id: RequestId,
        id: AttemptId,
        event: AttemptEvent,
        evidence: Evidence,
        now_ms: u64,
    ) -> Result<AttemptState, Error> {
        let state = self
            .db
            .write(move |db_tx| Box::pin(async move { apply_to_attempt(db_tx, id, event, &evidence, now_ms).await }))
            .await?;
        if state.standing() == Standing::Final {
            self.crash_point(CrashPoint::AfterCommit);
        }
        self.attempt_watchers.tell(id);
        self.wake_devices_of(request_id).await;
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Db;
    use crate::storage::testing::Base;

    const REQUEST: RequestId = RequestId::from_bytes([7; 16]);
    const ATTEMPT: AttemptId = AttemptId::from_bytes([9; 16]);

    /// A request whose outcome is not known and whose attempt is being undone.
    async fn being_undone(base: &Base) -> Db {
        let db = base.open(&super::super::MIGRATIONS).await;
        let rows = [
            format!(
                "INSERT INTO payment_request (id, merchant_id, order_number, amount_minor, currency, order_jws, \
                 order_hash, created_ms, expires_ms, state, state_attempt_id) \
                 VALUES ('{REQUEST}', 'blue-door', 'A-1', 1, 'USD', '', '', 0, 9, 'outcome_unknown', '{ATTEMPT}')"
            ),
            "INSERT INTO device (id, signing_key, sealing_key, language, registered_ms) VALUES ('d', '', '', 'en', 0)"
                .to_owned(),
            format!(
                "INSERT INTO attempt (id, request_id, device_id, capsule_hash, attempt_hash, state, stan, rrn, \
                 forwarded_ms, request_bytes, inner_capsule_bytes, tries, due_ms, bank_id) \
                 VALUES ('{ATTEMPT}', '{REQUEST}', 'd', '', '', 'reversing', 1, 'r', 0, 0, 0, 1, 0, 'first')"
            ),
        ];
        for row in rows {
            let insert = async |row: String| {
                db.write(move |db_tx| {
                    Box::pin(async move { sqlx::query(sqlx::AssertSqlSafe(row)).execute(db_tx).await.map(drop) })
                })
                .await
            };
            insert(row).await.unwrap();
        }
        db
    }

    async fn apply(db: &Db, event: AttemptEvent, judged_by: Option<Approval>) -> Result<AttemptState, Error> {
        let evidence = Evidence { judged_by, ..Evidence::default() };
        db.write(move |db_tx| Box::pin(async move { apply_to_attempt(db_tx, ATTEMPT, event, &evidence, 1).await }))
            .await
    }

    #[tokio::test]
    async fn an_acknowledgement_judged_before_a_late_approval_is_void() {
        let base = Base::new().await;
        let db = being_undone(&base).await;
        assert_eq!(apply(&db, AttemptEvent::LateApproval, None).await.unwrap(), AttemptState::Reversing);
        let stale = apply(&db, AttemptEvent::ReversalAcknowledged, Some(Approval::NotLate)).await;
        assert!(matches!(stale, Err(Error::Transition(_))), "{stale:?}");
        let signed = apply(&db, AttemptEvent::ReversalAcknowledged, Some(Approval::Late)).await;
        assert_eq!(signed.unwrap(), AttemptState::Reversed);
    }

    #[tokio::test]
    async fn an_acknowledgement_without_a_late_approval_counts() {
        let base = Base::new().await;
        let db = being_undone(&base).await;
        let done = apply(&db, AttemptEvent::ReversalAcknowledged, Some(Approval::NotLate)).await;
        assert_eq!(done.unwrap(), AttemptState::Reversed);
    }
}
