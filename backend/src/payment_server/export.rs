//! `tapseal payments`: the payment server's side of a reconciliation, from its database.
//!
//! It is read while the server runs, and nothing is changed.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use payment::{AttemptState, RefundState};

use super::{DatabaseOption, Error, lifecycle};
use crate::keys::DataFolder;
use crate::reconciliation::{self, Record, Status, Subject};
use crate::storage::Db;

/// Which payments, and where to write them.
#[derive(Debug, clap::Args)]
pub struct ExportOptions {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// Where the database is.
    #[command(flatten)]
    database: DatabaseOption,
    /// The first day, YYYY-MM-DD. Days are those of UTC, by when the attempt or refund was sent to the bank.
    #[arg(long)]
    from: Date,
    /// The last day.
    #[arg(long)]
    to: Date,
    /// Only those to this merchant.
    #[arg(long)]
    merchant: Option<payment::MerchantId>,
    /// Only those that went to this bank.
    #[arg(long)]
    bank: Option<String>,
    /// Write to this file; printed when absent.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// An attempt or a refund that went to a bank.
#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    request_id: String,
    merchant_id: String,
    amount_minor: i64,
    currency: String,
    state: String,
    code: Option<String>,
    rrn: String,
    sent_ms: i64,
}

/// Writes the payments and refunds.
///
/// # Errors
/// When the database cannot be read, or the file not written.
pub async fn export(options: &ExportOptions) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let db = options.database.open(&DataFolder::new(&options.data)).await?;
    let text = reconciliation::write(&records(&db, options).await?)?;
    match &options.out {
        Some(path) => std::fs::write(path, text)?,
        None => print!("{text}"),
    }
    Ok(())
}

async fn records(db: &Db, options: &ExportOptions) -> Result<Vec<Record>, Error> {
    let attempts = rows(
        db,
        options,
        "SELECT attempt.id AS id, attempt.request_id AS request_id, payment_request.merchant_id AS merchant_id,
         payment_request.amount_minor AS amount_minor, payment_request.currency AS currency, attempt.state AS state,
         attempt.decline_code AS code, attempt.rrn AS rrn, attempt.forwarded_ms AS sent_ms
         FROM attempt JOIN payment_request ON payment_request.id = attempt.request_id
         WHERE attempt.forwarded_ms >= $1 AND attempt.forwarded_ms < $2
         AND payment_request.merchant_id = COALESCE($3, payment_request.merchant_id)
         AND attempt.bank_id = COALESCE($4, attempt.bank_id)
         ORDER BY attempt.forwarded_ms, attempt.id",
    );
    let refunds = rows(
        db,
        options,
        "SELECT refund.id AS id, refund.request_id AS request_id, payment_request.merchant_id AS merchant_id,
         refund.amount_minor AS amount_minor, refund.currency AS currency, refund.state AS state, refund.code AS code,
         refund.rrn AS rrn, refund.sent_ms AS sent_ms
         FROM refund JOIN payment_request ON payment_request.id = refund.request_id
         WHERE refund.sent_ms >= $1 AND refund.sent_ms < $2
         AND payment_request.merchant_id = COALESCE($3, payment_request.merchant_id)
         AND refund.bank_id = COALESCE($4, refund.bank_id)
         ORDER BY refund.sent_ms, refund.id",
    );
    let mut records = Vec::new();
    for row in attempts.await? {
        if let Some(status) = attempt_status(&row)? {
            records.push(row.record(Subject::Payment, status)?);
        }
    }
    for row in refunds.await? {
        if let Some(status) = refund_status(&row)? {
            records.push(row.record(Subject::Refund, status)?);
        }
    }
    Ok(records)
}

/// What a statement finds for these days, merchant and bank.
async fn rows(db: &Db, options: &ExportOptions, statement: &'static str) -> Result<Vec<Row>, Error> {
    let begin_ms = |date: Date| {
        let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| Error::Row("a date"))?;
        Ok::<_, Error>(zoned.timestamp().as_millisecond())
    };
    let rows = sqlx::query_as(statement)
        .bind(begin_ms(options.from)?)
        .bind(begin_ms(options.to.tomorrow().map_err(|_| Error::Row("a date"))?)?)
        .bind(options.merchant.as_ref().map(payment::MerchantId::as_str))
        .bind(&options.bank)
        .fetch_all(db.reader())
        .await?;
    Ok(rows)
}

impl Row {
    fn record(self, subject: Subject, status: Status) -> Result<Record, Error> {
        let sent = Timestamp::from_millisecond(self.sent_ms).map_err(|_| Error::Row("the time it was sent"))?;
        Ok(Record {
            business_date: sent.to_zoned(TimeZone::UTC).date().to_string(),
            subject,
            merchant_id: self.merchant_id,
            request_id: self.request_id,
            id: self.id,
            status,
            amount_minor: self.amount_minor,
            currency: self.currency,
            reference: self.rrn,
        })
    }
}

/// What became of an attempt; none when the bank declined it, which is no payment.
fn attempt_status(row: &Row) -> Result<Option<Status>, Error> {
    Ok(match lifecycle::attempt_state(&row.state, row.code.as_deref())? {
        AttemptState::Approved => Some(Status::Paid),
        AttemptState::Reversed => Some(Status::Reversed),
        AttemptState::Declined { .. } | AttemptState::Sealed => None,
        AttemptState::Received
        | AttemptState::Forwarded
        | AttemptState::NoAnswer
        | AttemptState::Inquiring
        | AttemptState::NotFound
        | AttemptState::Reversing
        | AttemptState::NeedsManualReview => Some(Status::Unknown),
    })
}

/// What became of a refund; none when the bank refused it, which gave nothing back.
fn refund_status(row: &Row) -> Result<Option<Status>, Error> {
    Ok(match lifecycle::refund_state(&row.state, row.code.as_deref())? {
        RefundState::Refunded => Some(Status::Refunded),
        RefundState::Refused { .. } => None,
        RefundState::Pending | RefundState::NeedsManualReview => Some(Status::Unknown),
    })
}
