//! The store's rows as a backup holds them: read page by page from one snapshot, and merged without losing what is newer.

use protocol::ipc::keep::{FormerIdentifier, FormerReason};
use sqlx::{FromRow, Sqlite, SqliteConnection, Transaction};

use super::Store;
use crate::backup::record::{AttemptLine, RequestLine};
use crate::error::Result;

/// How many rows are held at a time.
pub const PAGE: i64 = 200;
/// What is read or written at one moment.
type Tx = Transaction<'static, Sqlite>;

/// A request row.
#[derive(FromRow)]
struct RawRequest {
    request_id: String,
    order_jws: String,
    merchant_id: String,
    received_ms: i64,
    first_contact: i64,
    status: String,
    attempt_id: Option<String>,
    changed_ms: i64,
    postponed_ms: Option<i64>,
    postponed_until_ms: Option<i64>,
    seen_ms: Option<i64>,
    asked: i64,
    refunded_minor: i64,
    refunded_ms: Option<i64>,
}

impl From<RawRequest> for RequestLine {
    fn from(raw: RawRequest) -> Self {
        Self {
            request_id: raw.request_id,
            order_jws: raw.order_jws,
            merchant_id: raw.merchant_id,
            received_ms: raw.received_ms,
            first_contact: raw.first_contact != 0,
            status: raw.status,
            attempt_id: raw.attempt_id,
            changed_ms: raw.changed_ms,
            postponed_ms: raw.postponed_ms,
            postponed_until_ms: raw.postponed_until_ms,
            seen_ms: raw.seen_ms,
            asked: raw.asked != 0,
            refunded_minor: raw.refunded_minor,
            refunded_ms: raw.refunded_ms,
        }
    }
}

/// An attempt row, with its texts in full.
#[derive(FromRow)]
pub struct AttemptTexts {
    /// The attempt.
    pub attempt_id: String,
    /// The request.
    pub request_id: String,
    /// The wallet's part of the attempt hash.
    pub wallet_nonce: String,
    /// The keyset in force.
    pub keyset: String,
    /// The bank's certificate in force.
    pub bank_certificate: String,
    /// What is known of it.
    pub state: String,
    /// The code that belongs to the state.
    pub code: Option<String>,
    /// When an unknown outcome will be known.
    pub deadline_ms: Option<i64>,
    /// When it was made.
    pub created_ms: i64,
    /// When it was last heard of.
    pub changed_ms: i64,
}

/// A receipt row.
#[derive(FromRow)]
pub struct ReceiptText {
    /// The attempt.
    pub attempt_id: String,
    /// The request.
    pub request_id: String,
    /// The receipt's JSON.
    pub receipt: String,
    /// When the bank decided.
    pub decided_ms: i64,
}

/// One moment of the store, however long it is read.
pub struct Snapshot(Tx);

impl Store {
    /// The store as it is now: later writes do not show, and are not held up.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut db_tx = self.pool.begin().await?;
        // The snapshot is taken by the first read.
        sqlx::query("SELECT 1 FROM setting LIMIT 1").fetch_optional(&mut *db_tx).await?;
        Ok(Snapshot(db_tx))
    }

    /// A step of merging.
    pub async fn merging(&self) -> Result<Merging> {
        Ok(Merging(self.pool.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// How many receipts are kept, and how many of them were decided after `since_ms`.
    pub async fn count_receipts(&self, since_ms: u64) -> Result<(u64, u64)> {
        let (all, newer): (i64, i64) =
            sqlx::query_as("SELECT COUNT(*), COUNT(*) FILTER (WHERE decided_ms > $1) FROM receipt")
                .bind(crate::clock::signed(since_ms))
                .fetch_one(&self.pool)
                .await?;
        Ok((all.unsigned_abs(), newer.unsigned_abs()))
    }

    /// Identifiers that reached this person before and do not reach this device.
    pub async fn former_identifiers(&self) -> Result<Vec<FormerIdentifier>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT identifier, ended FROM former_identifier WHERE identifier NOT IN (SELECT identifier FROM identifier) \
             ORDER BY identifier LIMIT 100",
        )
        .fetch_all(&self.pool)
        .await?;
        let former = |(identifier, ended)| {
            let why = if ended == 0 { FormerReason::Backup } else { FormerReason::Ended };
            FormerIdentifier { identifier, why }
        };
        Ok(rows.into_iter().map(former).collect())
    }

    /// An identifier is not wanted any more.
    pub async fn forget_former_identifier(&self, identifier: &str) -> Result<()> {
        sqlx::query("DELETE FROM former_identifier WHERE identifier = $1").bind(identifier).execute(&self.pool).await?;
        Ok(())
    }

    /// Keeps the name of an identifier that reached this person before, and reaches this device no more.
    pub async fn keep_former_identifier(&self, identifier: &str, why: FormerReason) -> Result<()> {
        sqlx::query("INSERT INTO former_identifier (identifier, ended) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(identifier)
            .bind(i64::from(why == FormerReason::Ended))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets ended requests that nothing was tried for; how many there were.
    pub async fn clear_ended(&self) -> Result<u64> {
        let cleared = sqlx::query(
            "DELETE FROM request WHERE status IN ('rejected', 'cancelled', 'expired', 'undeliverable') \
             AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.request_id = request.request_id)",
        )
        .execute(&self.pool)
        .await?;
        Ok(cleared.rows_affected())
    }
}

impl Snapshot {
    /// A setting's value.
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT value FROM setting WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *self.0)
            .await?)
    }

    /// Every merchant that was decided about: id, decision, since when.
    pub async fn senders(&mut self) -> Result<Vec<(String, String, i64)>> {
        Ok(sqlx::query_as(
            "SELECT merchant_id, 'accepted', accepted_ms FROM accepted_merchant UNION ALL \
             SELECT merchant_id, 'blocked', blocked_ms FROM blocked_merchant ORDER BY 1, 2",
        )
        .fetch_all(&mut *self.0)
        .await?)
    }

    /// Identifiers that reach this device, or reached it before.
    pub async fn identifiers(&mut self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT identifier FROM identifier UNION SELECT identifier FROM former_identifier ORDER BY 1",
        )
        .fetch_all(&mut *self.0)
        .await?)
    }

    /// The next requests after an id.
    pub async fn requests(&mut self, after: &str) -> Result<Vec<RequestLine>> {
        let rows: Vec<RawRequest> = sqlx::query_as(
            "SELECT request_id, order_jws, merchant_id, received_ms, first_contact, status, attempt_id, changed_ms, \
             postponed_ms, postponed_until_ms, seen_ms, asked, refunded_minor, refunded_ms FROM request WHERE request_id > $1 ORDER BY request_id LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut *self.0)
        .await?;
        Ok(rows.into_iter().map(RequestLine::from).collect())
    }

    /// The next attempts after an id.
    pub async fn attempts(&mut self, after: &str) -> Result<Vec<AttemptTexts>> {
        Ok(sqlx::query_as(
            "SELECT attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, code, deadline_ms, created_ms, \
             changed_ms FROM attempt WHERE attempt_id > $1 ORDER BY attempt_id LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut *self.0)
        .await?)
    }

    /// The next receipts after an attempt's id.
    pub async fn receipts(&mut self, after: &str) -> Result<Vec<ReceiptText>> {
        Ok(sqlx::query_as(
            "SELECT attempt_id, request_id, receipt, decided_ms FROM receipt WHERE attempt_id > $1 \
             ORDER BY attempt_id LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut *self.0)
        .await?)
    }
}

/// A step of a merge: everything in it, or nothing.
pub struct Merging(Tx);

impl Merging {
    fn db(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }

    /// Ends the step.
    pub async fn commit(self) -> Result<()> {
        Ok(self.0.commit().await?)
    }

    /// A setting, unless there is one.
    pub async fn setting(&mut self, name: &str, value: &str) -> Result<()> {
        sqlx::query("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(self.db())
            .await?;
        Ok(())
    }

    /// A decision about a merchant, unless there is one.
    pub async fn sender(&mut self, merchant_id: &str, is_blocked: bool, since_ms: i64) -> Result<()> {
        let sql = if is_blocked {
            "INSERT INTO blocked_merchant (merchant_id, blocked_ms) SELECT $1, $2 \
             WHERE NOT EXISTS (SELECT 1 FROM accepted_merchant WHERE merchant_id = $1) ON CONFLICT DO NOTHING"
        } else {
            "INSERT INTO accepted_merchant (merchant_id, accepted_ms) SELECT $1, $2 \
             WHERE NOT EXISTS (SELECT 1 FROM blocked_merchant WHERE merchant_id = $1) ON CONFLICT DO NOTHING"
        };
        sqlx::query(sql).bind(merchant_id).bind(since_ms).execute(self.db()).await?;
        Ok(())
    }

    /// An identifier to be claimed again.
    pub async fn identifier(&mut self, identifier: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO former_identifier (identifier, ended) SELECT $1, 0 \
             WHERE NOT EXISTS (SELECT 1 FROM identifier WHERE identifier = $1) ON CONFLICT DO NOTHING",
        )
        .bind(identifier)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// A request; of one that is here already, only what was heard of it later. Whether it is new.
    pub async fn request(&mut self, line: &RequestLine) -> Result<bool> {
        let inserted = sqlx::query(
            "INSERT INTO request (request_id, order_jws, merchant_id, received_ms, first_contact, status, attempt_id, \
             changed_ms, postponed_ms, postponed_until_ms, seen_ms, asked, refunded_minor, refunded_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (request_id) DO NOTHING",
        )
        .bind(&line.request_id)
        .bind(&line.order_jws)
        .bind(&line.merchant_id)
        .bind(line.received_ms)
        .bind(i64::from(line.first_contact))
        .bind(&line.status)
        .bind(&line.attempt_id)
        .bind(line.changed_ms)
        .bind(line.postponed_ms)
        .bind(line.postponed_until_ms)
        .bind(line.seen_ms)
        .bind(i64::from(line.asked))
        .bind(line.refunded_minor)
        .bind(line.refunded_ms)
        .execute(self.db())
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(true);
        }
        sqlx::query(
            "UPDATE request SET status = $2, attempt_id = $3, changed_ms = $4, refunded_minor = max(refunded_minor, $5), \
             refunded_ms = coalesce(max(refunded_ms, $7), refunded_ms, $7) \
             WHERE request_id = $1 AND changed_ms < $4 AND order_jws = $6 AND status NOT IN ('paid', 'reversed')",
        )
        .bind(&line.request_id)
        .bind(&line.status)
        .bind(&line.attempt_id)
        .bind(line.changed_ms)
        .bind(line.refunded_minor)
        .bind(&line.order_jws)
        .bind(line.refunded_ms)
        .execute(self.db())
        .await?;
        Ok(false)
    }

    /// An attempt, unless it is here.
    pub async fn attempt(&mut self, line: &AttemptLine, keyset: &str, bank_certificate: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO attempt (attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, code, deadline_ms, \
             created_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (attempt_id) DO NOTHING",
        )
        .bind(&line.attempt_id)
        .bind(&line.request_id)
        .bind(&line.wallet_nonce)
        .bind(keyset)
        .bind(bank_certificate)
        .bind(&line.state)
        .bind(&line.code)
        .bind(line.deadline_ms)
        .bind(line.created_ms)
        .bind(line.changed_ms)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// A verified receipt, unless it is here; whether it is new. Its attempt is approved from now on.
    pub async fn receipt(
        &mut self,
        attempt_id: &str,
        request_id: &str,
        receipt: &str,
        decided_ms: i64,
    ) -> Result<bool> {
        sqlx::query("UPDATE attempt SET state = 'approved', code = NULL WHERE attempt_id = $1 AND state <> 'approved'")
            .bind(attempt_id)
            .execute(self.db())
            .await?;
        let inserted = sqlx::query(
            "INSERT INTO receipt (attempt_id, request_id, receipt, decided_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (attempt_id) DO NOTHING",
        )
        .bind(attempt_id)
        .bind(request_id)
        .bind(receipt)
        .bind(decided_ms)
        .execute(self.db())
        .await?;
        Ok(inserted.rows_affected() == 1)
    }
}
