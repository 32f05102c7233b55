//! Every change of a refund: its state, what its request counts as given back, journal entries and notices, in one db
//! step. The machine is `payment::refund`.

use payment::{DeclineCode, RefundEvent, RefundId, RefundState, RequestId};
use protocol::ErrorCode;

use super::expect_one;
use crate::clock::signed_ms;
use crate::payment_server::events::{self, Event};
use crate::payment_server::{App, Error, inbox};
use crate::storage::DbConnection;

/// What the bank gave with its word on a refund.
#[derive(Clone, Default)]
pub(in crate::payment_server) struct RefundEvidence {
    /// The signed outcome, a compact JWS, that verified.
    pub(in crate::payment_server) outcome: Option<String>,
    /// What of its word contradicts the order, and the outcome in it, verified or not.
    pub(in crate::payment_server) contradiction: Option<(&'static str, Option<String>)>,
}

/// A refund's state, from its row's two columns.
pub(in crate::payment_server) fn refund_state(name: &str, code: Option<&str>) -> Result<RefundState, Error> {
    let code = code.map(str::parse).transpose().map_err(|_| Error::Row("refund"))?;
    RefundState::from_parts(name, code).ok_or(Error::Row("refund"))
}

#[derive(sqlx::FromRow)]
struct Row {
    request_id: String,
    amount_minor: i64,
    state: String,
    code: Option<String>,
}

/// Applies `event` to a refund, and what follows from it to its request.
pub(in crate::payment_server) async fn apply_to_refund(
    db_tx: &mut DbConnection,
    id: RefundId,
    event: RefundEvent,
    evidence: &RefundEvidence,
    now_ms: u64,
) -> Result<RefundState, Error> {
    let row: Option<Row> = sqlx::query_as("SELECT request_id, amount_minor, state, code FROM refund WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut *db_tx)
        .await?;
    let row = row.ok_or(ErrorCode::NotFound)?;
    let request_id: RequestId = row.request_id.parse().map_err(|_| Error::Row("refund"))?;
    let before = refund_state(&row.state, row.code.as_deref())?;
    let after = before.apply(event)?;
    let (what, contradicting) = match &evidence.contradiction {
        Some((what, outcome)) => (Some(*what), outcome.as_deref()),
        None => (None, None),
    };
    let updated = sqlx::query(
        "UPDATE refund SET state = $1, code = $2, outcome = COALESCE($3, outcome), \
         contradiction = COALESCE($4, contradiction), contradicting_outcome = COALESCE($5, contradicting_outcome), \
         changed_ms = $6, due_ms = $6, lease_until_ms = 0 WHERE id = $7 AND state = $8",
    )
    .bind(after.name())
    .bind(after.decline_code().map(DeclineCode::as_str))
    .bind(&evidence.outcome)
    .bind(what)
    .bind(contradicting)
    .bind(signed_ms(now_ms))
    .bind(id.to_string())
    .bind(before.name())
    .execute(&mut *db_tx)
    .await?;
    expect_one(updated.rows_affected(), "refund")?;
    append_refund_event(db_tx, request_id, id, &format!("refund.{}", after.name()), now_ms).await?;
    match after {
        RefundState::Refunded => gave_back(db_tx, request_id, id, row.amount_minor, now_ms).await?,
        RefundState::Refused { .. } => stop_counting(db_tx, request_id, row.amount_minor).await?,
        RefundState::Pending | RefundState::NeedsManualReview => {}
    }
    Ok(after)
}

/// A journal entry about a refund.
pub(in crate::payment_server) async fn append_refund_event(
    db_tx: &mut DbConnection,
    request_id: RequestId,
    id: RefundId,
    kind: &str,
    now_ms: u64,
) -> Result<(), Error> {
    let merchant_id = events::merchant_of(db_tx, request_id).await?;
    let entry = Event { kind: kind.to_owned(), merchant_id: merchant_id.as_str(), request_id, attempt_id: None };
    events::append_about_refund(db_tx, &entry, id, now_ms).await
}

/// The request's own entry says whether it is given back in part or as a whole, and its payer is told.
async fn gave_back(
    db_tx: &mut DbConnection,
    request_id: RequestId,
    id: RefundId,
    minor: i64,
    now_ms: u64,
) -> Result<(), Error> {
    let (refunded_minor, amount_minor): (i64, i64) = sqlx::query_as(
        "UPDATE payment_request SET refunded_minor = refunded_minor + $1, refunded_ms = $3 WHERE id = $2 \
         RETURNING refunded_minor, amount_minor",
    )
    .bind(minor)
    .bind(request_id.to_string())
    .bind(signed_ms(now_ms))
    .fetch_one(&mut *db_tx)
    .await?;
    let kind = if refunded_minor == amount_minor { "request.refunded" } else { "request.partially_refunded" };
    append_refund_event(db_tx, request_id, id, kind, now_ms).await?;
    inbox::append_state(db_tx, request_id).await
}

/// Nothing was given back: as much can be given back by others.
async fn stop_counting(db_tx: &mut DbConnection, request_id: RequestId, minor: i64) -> Result<(), Error> {
    let updated = sqlx::query(
        "UPDATE payment_request SET refunds_counted_minor = refunds_counted_minor - $1 \
         WHERE id = $2 AND refunds_counted_minor >= $1",
    )
    .bind(minor)
    .bind(request_id.to_string())
    .execute(db_tx)
    .await?;
    expect_one(updated.rows_affected(), "request")
}

impl App {
    /// [`apply_to_refund`] in a step of its own; whoever waits for news is told.
    pub(in crate::payment_server) async fn change_refund(
        &self,
        request_id: RequestId,
        id: RefundId,
        event: RefundEvent,
        evidence: RefundEvidence,
        now_ms: u64,
    ) -> Result<RefundState, Error> {
        let state = self
            .db
            .write(move |db_tx| Box::pin(async move { apply_to_refund(db_tx, id, event, &evidence, now_ms).await }))
            .await?;
        self.wake_devices_of(request_id).await;
        Ok(state)
    }
}
