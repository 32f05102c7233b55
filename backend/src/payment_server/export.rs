//! `tapseal payments`: the payment server's side of a reconciliation, from its database.
//!
//! It is read while the server runs, and nothing is changed.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use payment::AttemptState;

use super::{DatabaseOption, Error, lifecycle};
use crate::keys::DataFolder;
use crate::reconciliation::{self, Record, Status};
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
    /// The first day, YYYY-MM-DD. Days are those of UTC, by when the attempt was sent to the bank.
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

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    request_id: String,
    merchant_id: String,
    amount_minor: i64,
    currency: String,
    state: String,
    decline_code: Option<String>,
    rrn: String,
    forwarded_ms: i64,
}

/// Writes the payments.
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
    let begin_ms = |date: Date| {
        let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| Error::Row("a date"))?;
        Ok::<_, Error>(zoned.timestamp().as_millisecond())
    };
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT attempt.id AS id, attempt.request_id AS request_id, payment_request.merchant_id AS merchant_id,
         payment_request.amount_minor AS amount_minor, payment_request.currency AS currency, attempt.state AS state,
         attempt.decline_code AS decline_code, attempt.rrn AS rrn, attempt.forwarded_ms AS forwarded_ms
         FROM attempt JOIN payment_request ON payment_request.id = attempt.request_id
         WHERE attempt.forwarded_ms >= $1 AND attempt.forwarded_ms < $2
         AND payment_request.merchant_id = COALESCE($3, payment_request.merchant_id)
         AND attempt.bank_id = COALESCE($4, attempt.bank_id)
         ORDER BY attempt.forwarded_ms, attempt.id",
    )
    .bind(begin_ms(options.from)?)
    .bind(begin_ms(options.to.tomorrow().map_err(|_| Error::Row("a date"))?)?)
    .bind(options.merchant.as_ref().map(payment::MerchantId::as_str))
    .bind(&options.bank)
    .fetch_all(db.reader())
    .await?;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(status) = status(&row)? else { continue };
        let sent = Timestamp::from_millisecond(row.forwarded_ms).map_err(|_| Error::Row("attempt.forwarded_ms"))?;
        records.push(Record {
            business_date: sent.to_zoned(TimeZone::UTC).date().to_string(),
            merchant_id: row.merchant_id,
            request_id: row.request_id,
            attempt_id: row.id,
            status,
            amount_minor: row.amount_minor,
            currency: row.currency,
            reference: row.rrn,
        });
    }
    Ok(records)
}

/// What became of an attempt; none when the bank declined it, which is no payment.
fn status(row: &Row) -> Result<Option<Status>, Error> {
    Ok(match lifecycle::attempt_state(&row.state, row.decline_code.as_deref())? {
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
