//! A merchant has the message sent once more: seldom, and only to where it went first.

use payment::{MerchantId, RequestId};
use protocol::merchant_api::{Channel, DeliveryView};
use protocol::{ErrorCode, Problem};

use super::super::{Error, lifecycle};
use super::Purpose;
use super::reminder::again;
use crate::clock::signed_ms;
use crate::storage::DbConnection;

/// How often a request's message is sent again by its merchant's wish.
const RESENDS_MAX: i64 = 3;
/// The least time between two of them, in milliseconds: a minute.
const PAUSE_MS: i64 = 60 * 1_000;

/// Stores the message once more, inside the caller's step.
pub(in super::super) async fn insert(
    db_tx: &mut DbConnection,
    request_id: RequestId,
    merchant_id: &MerchantId,
    channel: Channel,
    now_ms: u64,
) -> Result<DeliveryView, Error> {
    // Whether anything goes to a device is not the merchant's to know, nor to ask for.
    let none = || {
        let problem = Problem::new(ErrorCode::InvalidInput).with_detail("the request was not sent over this channel");
        Error::RefusedWith(Box::new(problem))
    };
    let open: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT state, state_attempt_id FROM payment_request WHERE id = $1")
            .bind(request_id.to_string())
            .fetch_optional(&mut *db_tx)
            .await?;
    let (state, attempt_id) = open.ok_or(ErrorCode::NotFound)?;
    let state = lifecycle::request_state(&state, attempt_id.as_deref())?;
    if let Some(code) = super::super::problem::why_not_open(&state) {
        return Err(code.into());
    }
    let (resent, last_ms): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(MAX(created_ms), 0) AS BIGINT) FROM delivery \
         WHERE request_id = $1 AND purpose = 'resend'",
    )
    .bind(request_id.to_string())
    .fetch_one(&mut *db_tx)
    .await?;
    if resent >= RESENDS_MAX || (resent > 0 && signed_ms(now_ms) < last_ms + PAUSE_MS) {
        return Err(ErrorCode::RateLimited.into());
    }
    again(db_tx, request_id, merchant_id, Purpose::Resend, Some(channel), now_ms).await?.ok_or_else(none)
}
