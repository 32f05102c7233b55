//! Refunds: a merchant gives back of a paid request, in full or in parts, over the line of the bank that took the money.
//!
//! ```text
//! POST …/refunds ── stored with STAN and RRN, counted ──► queue ── 0200, then 0201 … ──► the bank's signed word
//! ```
//!
//! The refund order is whole in the row, and the bank answers a repeat as it answered the first time. So a refund whose
//! answer is lost is sent again until there is one: it is never undone, and nothing ends it but the bank's signed word or
//! a person.
//!
//! **Invariant:** what is given back of a request, is on its way back or is in review, is never more than what was paid:
//! it is counted in the step that stores the refund, and the bank counts for itself.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures::FutureExt;
use payment::{Amount, MerchantId, RefundId, RefundOrder, RefundState, RequestId, RequestState};
use protocol::merchant_api::{CreateRefund, RefundStatus, RefundView, RefundsView, Scope};
use protocol::{ErrorCode, Problem};

use super::auth::CallingMerchant;
use super::bank_messages::retrieval_reference;
use super::idempotency::{Answer, KeyedCall};
use super::lifecycle::{self, refund_state};
use super::payment_requests::{StoredRequest, parse_id};
use super::{App, Error, attempts};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::storage::DbConnection;

mod evidence;
mod queue;
pub mod review;

pub(super) use queue::{run, take_late};

/// The most refunds of one request.
const REFUNDS_MAX: i64 = 100;

#[derive(sqlx::FromRow)]
struct RefundRow {
    id: String,
    request_id: String,
    amount_minor: i64,
    currency: String,
    reason: Option<String>,
    refund_jws: String,
    state: String,
    code: Option<String>,
    outcome: Option<String>,
    created_ms: i64,
    changed_ms: i64,
}

impl RefundRow {
    fn view(self) -> Result<RefundView, Error> {
        const WRONG: Error = Error::Row("refund");
        let state = refund_state(&self.state, self.code.as_deref())?;
        Ok(RefundView {
            id: self.id,
            request_id: self.request_id.parse().map_err(|_| WRONG)?,
            amount: Amount::new(self.amount_minor, self.currency.parse().map_err(|_| WRONG)?),
            reason: self.reason,
            status: status_of(state),
            code: self.code,
            created_ms: unsigned_ms(self.created_ms),
            changed_ms: unsigned_ms(self.changed_ms),
            outcome: self.outcome,
        })
    }
}

const fn status_of(state: RefundState) -> RefundStatus {
    match state {
        RefundState::Pending => RefundStatus::Pending,
        RefundState::Refunded => RefundStatus::Refunded,
        RefundState::Refused { .. } => RefundStatus::Refused,
        RefundState::NeedsManualReview => RefundStatus::NeedsManualReview,
    }
}

/// Gives back of a paid request. The refund is stored and counted when this answers; what the bank says to it is an event
/// and is shown by the refund. The same refund again, under whatever idempotency key, is the same refund.
#[utoipa::path(post, path = "/v1/payment-requests/{id}/refunds", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = CreateRefund,
    responses((status = 201, body = RefundView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn create(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    call: KeyedCall,
) -> Result<Answer<RefundView>, Error> {
    let merchant = caller.require(Scope::RefundsWrite)?;
    if let Some(earlier) = call.earlier(&app, &merchant).await? {
        return Ok(earlier);
    }
    let request = app.merchants_request(&merchant, parse_id(&id)?).await?;
    let CreateRefund { refund } = call.json()?;
    let order = app.keys.verified_refund(&refund, now_ms())?;
    check(&order, &merchant, &request)?;
    let new = NewRefund { order, refund_jws: refund };
    let answer = call.once(&app, &merchant, StatusCode::CREATED, |db_tx| insert(db_tx, new).boxed()).await?;
    app.wake_devices_of(request.id).await;
    app.refunds_wake.notify_waiters();
    Ok(answer)
}

fn check(order: &RefundOrder, merchant: &MerchantId, request: &StoredRequest) -> Result<(), Error> {
    let rules = [
        ("the refund names another merchant", order.merchant_id == *merchant),
        ("the refund names another request", order.request_id == request.id),
        ("the refund is in another currency", order.amount.currency() == request.amount.currency()),
    ];
    match rules.into_iter().find(|(_, holds)| !holds) {
        Some((rule, _)) => Err(Error::RefusedWith(Box::new(Problem::new(ErrorCode::RefundInvalid).with_detail(rule)))),
        None => Ok(()),
    }
}

struct NewRefund {
    order: RefundOrder,
    refund_jws: String,
}

/// Counts and stores the refund with its STAN and RRN, before anything is sent.
async fn insert(db_tx: &mut DbConnection, new: NewRefund) -> Result<RefundView, Error> {
    let NewRefund { order, refund_jws } = new;
    if let Some(stored) = find(db_tx, order.refund_id).await? {
        let is_same = stored.refund_jws == refund_jws;
        return if is_same { stored.view() } else { Err(ErrorCode::RefundExists.into()) };
    }
    let (attempt_id, bank_id) = paying_attempt(db_tx, order.request_id).await?;
    count(db_tx, &order).await?;
    let now_ms = now_ms();
    let stan = attempts::next_stan(db_tx).await?;
    sqlx::query(
        "INSERT INTO refund (id, request_id, attempt_id, bank_id, amount_minor, currency, reason, refund_jws, \
         refund_hash, state, stan, rrn, sent_ms, created_ms, changed_ms, tries, due_ms, lease_until_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $13, 0, $13, 0)",
    )
    .bind(order.refund_id.to_string())
    .bind(order.request_id.to_string())
    .bind(attempt_id)
    .bind(bank_id)
    .bind(order.amount.minor())
    .bind(order.amount.currency().code())
    .bind(&order.reason)
    .bind(&refund_jws)
    .bind(order.hash().to_string())
    .bind(RefundState::Pending.name())
    .bind(i64::from(stan))
    .bind(retrieval_reference(now_ms, stan))
    .bind(signed_ms(now_ms))
    .execute(&mut *db_tx)
    .await?;
    lifecycle::append_refund_event(db_tx, order.request_id, order.refund_id, "refund.pending", now_ms).await?;
    find(db_tx, order.refund_id).await?.ok_or(Error::Row("refund"))?.view()
}

async fn find(db_tx: &mut DbConnection, id: RefundId) -> Result<Option<RefundRow>, Error> {
    Ok(sqlx::query_as("SELECT * FROM refund WHERE id = $1").bind(id.to_string()).fetch_optional(db_tx).await?)
}

/// The attempt that paid a request, and its bank. Nothing is given back of a request that is not paid.
async fn paying_attempt(db_tx: &mut DbConnection, request_id: RequestId) -> Result<(String, String), Error> {
    let (name, attempt_id): (String, Option<String>) =
        sqlx::query_as("SELECT state, state_attempt_id FROM payment_request WHERE id = $1")
            .bind(request_id.to_string())
            .fetch_one(&mut *db_tx)
            .await?;
    let RequestState::Paid { attempt_id } = lifecycle::request_state(&name, attempt_id.as_deref())? else {
        return Err(ErrorCode::RequestNotPaid.into());
    };
    let attempt_id = attempt_id.to_string();
    let bank_id =
        sqlx::query_scalar("SELECT bank_id FROM attempt WHERE id = $1").bind(&attempt_id).fetch_one(db_tx).await?;
    Ok((attempt_id, bank_id))
}

async fn count(db_tx: &mut DbConnection, order: &RefundOrder) -> Result<(), Error> {
    let counted = sqlx::query(
        "UPDATE payment_request SET refunds_counted_minor = refunds_counted_minor + $1 \
         WHERE id = $2 AND refunds_counted_minor + $1 <= amount_minor \
         AND (SELECT COUNT(*) FROM refund WHERE refund.request_id = payment_request.id) < $3",
    )
    .bind(order.amount.minor())
    .bind(order.request_id.to_string())
    .bind(REFUNDS_MAX)
    .execute(db_tx)
    .await?;
    if counted.rows_affected() == 1 { Ok(()) } else { Err(ErrorCode::RefundAboveRemaining.into()) }
}

/// A request's refunds, and what can still be given back.
#[utoipa::path(get, path = "/v1/payment-requests/{id}/refunds", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = RefundsView), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
) -> Result<Json<RefundsView>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let request = app.merchants_request(&merchant, parse_id(&id)?).await?;
    let rows: Vec<RefundRow> =
        sqlx::query_as("SELECT * FROM refund WHERE request_id = $1 ORDER BY created_ms, id LIMIT $2")
            .bind(request.id.to_string())
            .bind(REFUNDS_MAX)
            .fetch_all(app.db.reader())
            .await?;
    let is_paid = matches!(request.state, RequestState::Paid { .. });
    let left = if is_paid { request.amount.minor() - request.refunds_counted_minor } else { 0 };
    let of = |minor| Amount::new(minor, request.amount.currency());
    Ok(Json(RefundsView {
        refunds: rows.into_iter().map(RefundRow::view).collect::<Result<_, _>>()?,
        refunded: of(request.refunds_counted_minor),
        refundable: of(left),
    }))
}

/// A refund.
#[utoipa::path(get, path = "/v1/refunds/{id}", tag = "merchant", security(("api_key" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = RefundView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
) -> Result<Json<RefundView>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let view = app.refund(parse_id(&id)?).await?;
    app.merchants_request(&merchant, view.request_id).await?;
    Ok(Json(view))
}

impl App {
    /// A refund as its merchant sees it.
    pub(super) async fn refund(&self, id: RefundId) -> Result<RefundView, Error> {
        let row: Option<RefundRow> = sqlx::query_as("SELECT * FROM refund WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.db.reader())
            .await?;
        row.ok_or(ErrorCode::NotFound)?.view()
    }
}
