//! Requests the wallet was sent.

use payment::{MerchantId, RequestId, RequestState};
use sqlx::FromRow;

use super::Store;
use crate::clock::{signed, unsigned};
use crate::error::{Result, WalletError};

/// How many ended requests the inbox still lists.
const ENDED_MAX: i64 = 50;
/// How many requests that can still be paid the inbox lists.
const OPEN_MAX: i64 = 200;

/// A request as kept. Its order is verified again before anybody sees it.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// The request.
    pub request_id: RequestId,
    /// The merchant-signed order.
    pub order_jws: String,
    /// Whether it was the first of its merchant.
    pub first_contact: bool,
    /// Whether it came by itself from a merchant that is not accepted.
    pub new_sender: bool,
    /// The request's state at the payment server, as last heard.
    pub state: RequestState,
    /// When the payer put it off.
    pub postponed_ms: Option<u64>,
    /// When it comes back by itself.
    pub postponed_until_ms: Option<u64>,
    /// When the server was told that it was seen.
    pub seen_ms: Option<u64>,
    /// What its merchant gave back of it, as last heard, in minor units.
    pub refunded_minor: i64,
    /// When the last of it was given back.
    pub refunded_ms: Option<u64>,
}

/// How a request came to this wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Into its inbox, unasked.
    ByItself,
    /// The payer opened its link, or told the number it came under.
    Asked,
}

#[derive(FromRow)]
struct RawRequest {
    request_id: String,
    order_jws: String,
    first_contact: i64,
    new_sender: i64,
    status: String,
    attempt_id: Option<String>,
    postponed_ms: Option<i64>,
    postponed_until_ms: Option<i64>,
    seen_ms: Option<i64>,
    refunded_minor: i64,
    refunded_ms: Option<i64>,
}

impl TryFrom<RawRequest> for RequestRow {
    type Error = WalletError;

    fn try_from(raw: RawRequest) -> Result<Self> {
        let unreadable = || WalletError::Row("request");
        let attempt_id = raw.attempt_id.map(|id| id.parse().map_err(|_| unreadable())).transpose()?;
        Ok(Self {
            request_id: raw.request_id.parse().map_err(|_| unreadable())?,
            order_jws: raw.order_jws,
            first_contact: raw.first_contact != 0,
            new_sender: raw.new_sender != 0,
            state: RequestState::from_parts(&raw.status, attempt_id).ok_or_else(unreadable)?,
            postponed_ms: raw.postponed_ms.map(unsigned),
            postponed_until_ms: raw.postponed_until_ms.map(unsigned),
            seen_ms: raw.seen_ms.map(unsigned),
            refunded_minor: raw.refunded_minor,
            refunded_ms: raw.refunded_ms.map(unsigned),
        })
    }
}

impl Store {
    /// Keeps a verified order; whether it is new. A second delivery of the same request changes nothing.
    pub async fn insert_request(
        &self,
        request_id: RequestId,
        merchant_id: &MerchantId,
        order_jws: &str,
        arrival: Arrival,
        now_ms: u64,
    ) -> Result<bool> {
        let inserted = sqlx::query(
            "INSERT INTO request (request_id, order_jws, merchant_id, received_ms, first_contact, status, changed_ms, asked) \
             SELECT $1, $2, $3, $4, NOT EXISTS (SELECT 1 FROM request WHERE merchant_id = $3), $5, $4, $6 \
             WHERE true ON CONFLICT (request_id) DO NOTHING",
        )
        .bind(request_id.to_string())
        .bind(order_jws)
        .bind(merchant_id.as_str())
        .bind(signed(now_ms))
        .bind(RequestState::Delivered.name())
        .bind(i64::from(arrival == Arrival::Asked))
        .execute(&self.pool)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// One request.
    pub async fn request(&self, request_id: RequestId) -> Result<Option<RequestRow>> {
        let row: Option<RawRequest> = sqlx::query_as(
            "SELECT request_id, order_jws, first_contact, status, attempt_id, postponed_ms, postponed_until_ms, seen_ms, refunded_minor, refunded_ms, \
             (asked = 0 AND merchant_id NOT IN (SELECT merchant_id FROM accepted_merchant)) AS new_sender \
             FROM request WHERE request_id = $1",
        )
        .bind(request_id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(RequestRow::try_from).transpose()
    }

    /// Requests of merchants that are not blocked: those not ended at the server, then the latest ended ones.
    pub async fn requests(&self) -> Result<Vec<RequestRow>> {
        let mut rows = self.requests_where(ENDED_NOT, OPEN_MAX).await?;
        rows.extend(self.requests_where(ENDED, ENDED_MAX).await?);
        Ok(rows)
    }

    async fn requests_where(&self, sql: &'static str, limit: i64) -> Result<Vec<RequestRow>> {
        let rows: Vec<RawRequest> = sqlx::query_as(sql).bind(limit).fetch_all(&self.pool).await?;
        rows.into_iter().map(RequestRow::try_from).collect()
    }

    /// Remembers the state the server told; whether it is another one than before.
    pub async fn set_request_state(&self, request_id: RequestId, state: RequestState, now_ms: u64) -> Result<bool> {
        let attempt_id = state.attempt_id().map(|id| id.to_string());
        let updated = sqlx::query(
            "UPDATE request SET status = $2, attempt_id = $3, changed_ms = $4 \
             WHERE request_id = $1 AND (status <> $2 OR coalesce(attempt_id, '') <> coalesce($3, ''))",
        )
        .bind(request_id.to_string())
        .bind(state.name())
        .bind(attempt_id)
        .bind(signed(now_ms))
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Remembers what the server told of money given back, in the history too; whether it is another amount than before.
    pub async fn set_refunded(
        &self,
        request_id: RequestId,
        refunded_minor: i64,
        refunded_ms: Option<u64>,
    ) -> Result<bool> {
        let mut step = self.pool.begin().await?;
        let updated = sqlx::query(
            "UPDATE request SET refunded_minor = $2, refunded_ms = $3 WHERE request_id = $1 AND refunded_minor <> $2",
        )
        .bind(request_id.to_string())
        .bind(refunded_minor)
        .bind(refunded_ms.map(signed))
        .execute(&mut *step)
        .await?;
        let is_news = updated.rows_affected() == 1;
        if is_news {
            sqlx::query("UPDATE history SET refunded_minor = $2 WHERE request_id = $1")
                .bind(request_id.to_string())
                .bind(refunded_minor)
                .execute(&mut *step)
                .await?;
        }
        step.commit().await?;
        Ok(is_news)
    }

    /// Puts a request off, until a time or for now.
    pub async fn postpone(&self, request_id: RequestId, until_ms: Option<u64>, now_ms: u64) -> Result<()> {
        sqlx::query("UPDATE request SET postponed_ms = $2, postponed_until_ms = $3 WHERE request_id = $1")
            .bind(request_id.to_string())
            .bind(signed(now_ms))
            .bind(until_ms.map(signed))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes putting off back.
    pub async fn bring_back(&self, request_id: RequestId) -> Result<()> {
        sqlx::query("UPDATE request SET postponed_ms = NULL, postponed_until_ms = NULL WHERE request_id = $1")
            .bind(request_id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Remembers that the server knows that the request was seen.
    pub async fn set_seen(&self, request_id: RequestId, now_ms: u64) -> Result<()> {
        sqlx::query("UPDATE request SET seen_ms = $2 WHERE request_id = $1 AND seen_ms IS NULL")
            .bind(request_id.to_string())
            .bind(signed(now_ms))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

const ENDED_NOT: &str = "\
    SELECT request_id, order_jws, first_contact, status, attempt_id, postponed_ms, postponed_until_ms, seen_ms, refunded_minor, refunded_ms, \
    (asked = 0 AND merchant_id NOT IN (SELECT merchant_id FROM accepted_merchant)) AS new_sender FROM request \
    WHERE merchant_id NOT IN (SELECT merchant_id FROM blocked_merchant) AND status NOT IN \
    ('paid', 'rejected', 'cancelled', 'expired', 'undeliverable', 'failed', 'reversed') \
    ORDER BY coalesce(postponed_ms, 0), received_ms DESC LIMIT $1";
const ENDED: &str = "\
    SELECT request_id, order_jws, first_contact, status, attempt_id, postponed_ms, postponed_until_ms, seen_ms, refunded_minor, refunded_ms, \
    (asked = 0 AND merchant_id NOT IN (SELECT merchant_id FROM accepted_merchant)) AS new_sender FROM request \
    WHERE merchant_id NOT IN (SELECT merchant_id FROM blocked_merchant) AND status IN \
    ('paid', 'rejected', 'cancelled', 'expired', 'undeliverable', 'failed', 'reversed') \
    ORDER BY changed_ms DESC LIMIT $1";
