//! Bills: what stands on a subscriber's, line by line; the month's end; paying.
//!
//! A bill is the entries of the subscriber's account from one of them to another. Closing a month only notes where it ended,
//! so every line stands on exactly one bill, and the closing of one is the opening of the next.

use payment::{Amount, Currency};

use super::error::CarrierError;
use super::ledger::{self, Account, Kind, NewPosting};
use super::month::{self, Month};
use super::subscriber::{self, Subscriber};
use crate::storage::DbConnection;

/// Most lines of one bill that are told.
const LINES_MAX: i64 = 10_000;

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct BillLine {
    /// Its place in the subscriber's account.
    pub account_sequence: i64,
    /// What it is.
    pub kind: String,
    /// To whom and for which order, or how it was paid.
    pub narrative: String,
    /// What the purchase is looked up by.
    pub confirmation_number: Option<String>,
    /// What it adds to the bill, in minor units.
    pub amount_minor: i64,
    /// When, in milliseconds since the Unix epoch.
    pub posted_ms: i64,
}

/// A bill as it is told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Statement {
    /// Which month; none for the bill that is still open.
    pub period: Option<String>,
    /// The currency.
    pub currency: Currency,
    /// What was owed before, in minor units.
    pub opening_minor: i64,
    /// Everything since.
    pub lines: Vec<BillLine>,
    /// What is owed afterwards, in minor units.
    pub closing_minor: i64,
}

#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
struct Closed {
    after_sequence: i64,
    last_sequence: i64,
    opening_minor: i64,
    closing_minor: i64,
}

/// A month's bill, or the one that is open.
///
/// # Errors
/// [`CarrierError::Malformed`] when that month was not closed.
pub async fn statement(
    connection: &mut DbConnection,
    subscriber: &Subscriber,
    period: Option<Month>,
) -> Result<Statement, CarrierError> {
    let currency = subscriber.credit_limit.currency();
    let account = Account::of_subscriber(&subscriber.subscriber_id);
    let (after, last, opening_minor) = if let Some(month) = period {
        let closed: Option<Closed> = sqlx::query_as(
            "SELECT after_sequence, last_sequence, opening_minor, closing_minor FROM bill
             WHERE subscriber_id = $1 AND period = $2",
        )
        .bind(&subscriber.subscriber_id)
        .bind(month.to_string())
        .fetch_optional(&mut *connection)
        .await?;
        let closed = closed.ok_or(CarrierError::Malformed("that month was not closed yet"))?;
        (closed.after_sequence, closed.last_sequence, closed.opening_minor)
    } else {
        let newest = newest(connection, &subscriber.subscriber_id).await?;
        let closed = newest.map(|(_, closed)| closed).unwrap_or_default();
        (closed.last_sequence, i64::MAX, closed.closing_minor)
    };
    let lines: Vec<BillLine> = sqlx::query_as(
        "SELECT entry.account_sequence, posting.kind, posting.narrative, posting.confirmation_number, entry.amount_minor,
         posting.posted_ms FROM entry JOIN posting ON posting.posting_id = entry.posting_id
         WHERE entry.account = $1 AND entry.currency = $2 AND entry.account_sequence > $3 AND entry.account_sequence <= $4
         ORDER BY entry.account_sequence LIMIT $5",
    )
    .bind(&account)
    .bind(currency.code())
    .bind(after)
    .bind(last)
    .bind(LINES_MAX)
    .fetch_all(connection)
    .await?;
    let closing_minor = sum(opening_minor, lines.iter().map(|line| line.amount_minor))?;
    Ok(Statement { period: period.map(|month| month.to_string()), currency, opening_minor, lines, closing_minor })
}

/// Closes a month for every subscriber that has no bill of it; how many bills that made.
///
/// # Errors
/// [`CarrierError::MonthNotOver`], or [`CarrierError::Malformed`] when a later one is closed.
pub async fn close(db_tx: &mut DbConnection, month: Month, now_ms: i64) -> Result<usize, CarrierError> {
    let ends_ms = month.ends_ms()?;
    if now_ms < ends_ms {
        return Err(CarrierError::MonthNotOver(month.to_string()));
    }
    let (mut made, mut after) = (0, String::new());
    loop {
        let subscribers = subscriber::list(db_tx, &after).await?;
        let Some(last) = subscribers.last() else { return Ok(made) };
        after = last.number.to_string();
        for subscriber in &subscribers {
            made += usize::from(close_one(db_tx, subscriber, month, ends_ms, now_ms).await?);
        }
    }
}

async fn close_one(
    db_tx: &mut DbConnection,
    subscriber: &Subscriber,
    month: Month,
    ends_ms: i64,
    now_ms: i64,
) -> Result<bool, CarrierError> {
    let before = match newest(db_tx, &subscriber.subscriber_id).await? {
        Some((period, _)) if period == month.to_string() => return Ok(false),
        Some((period, _)) if period > month.to_string() => {
            return Err(CarrierError::Malformed("a later month is closed already"));
        }
        newest => newest.map(|(_, closed)| closed).unwrap_or_default(),
    };
    let currency = subscriber.credit_limit.currency();
    let (last_sequence, moved): (i64, i64) = sqlx::query_as(
        "SELECT COALESCE(MAX(entry.account_sequence), $3), CAST(COALESCE(SUM(entry.amount_minor), 0) AS BIGINT) FROM entry
         JOIN posting ON posting.posting_id = entry.posting_id
         WHERE entry.account = $1 AND entry.currency = $2 AND entry.account_sequence > $3 AND posting.posted_ms < $4",
    )
    .bind(Account::of_subscriber(&subscriber.subscriber_id))
    .bind(currency.code())
    .bind(before.last_sequence)
    .bind(ends_ms)
    .fetch_one(&mut *db_tx)
    .await?;
    sqlx::query(
        "INSERT INTO bill (subscriber_id, period, currency, after_sequence, last_sequence, opening_minor, closing_minor,
         closed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&subscriber.subscriber_id)
    .bind(month.to_string())
    .bind(currency.code())
    .bind(before.last_sequence)
    .bind(last_sequence)
    .bind(before.closing_minor)
    .bind(sum(before.closing_minor, [moved])?)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(true)
}

async fn newest(connection: &mut DbConnection, subscriber_id: &str) -> Result<Option<(String, Closed)>, CarrierError> {
    let row: Option<(String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT period, after_sequence, last_sequence, opening_minor, closing_minor FROM bill
         WHERE subscriber_id = $1 ORDER BY period DESC LIMIT 1",
    )
    .bind(subscriber_id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(period, after_sequence, last_sequence, opening_minor, closing_minor)| {
        (period, Closed { after_sequence, last_sequence, opening_minor, closing_minor })
    }))
}

/// A subscriber pays; what it still owes.
///
/// # Errors
/// [`CarrierError::AboveOwed`] when it owes less, [`CarrierError::Malformed`] when it pays nothing.
pub async fn pay(
    db_tx: &mut DbConnection,
    subscriber: &Subscriber,
    amount_minor: i64,
    now_ms: i64,
) -> Result<Amount, CarrierError> {
    let currency = subscriber.credit_limit.currency();
    let account = Account::of_subscriber(&subscriber.subscriber_id);
    let owed = ledger::balance(db_tx, &account, currency).await?;
    if amount_minor <= 0 {
        return Err(CarrierError::Malformed("nothing is paid"));
    }
    if amount_minor > owed {
        return Err(CarrierError::AboveOwed);
    }
    let posting = NewPosting {
        kind: Kind::BillPayment,
        currency,
        acquirer: None,
        narrative: &format!("Payment received {}", month::minute(now_ms)),
        confirmation: None,
        entries: &[(Account::collections(), amount_minor), (account, -amount_minor)],
    };
    posting.insert(db_tx, now_ms).await?;
    Ok(Amount::new(owed - amount_minor, currency))
}

fn sum(opening: i64, amounts: impl IntoIterator<Item = i64>) -> Result<i64, CarrierError> {
    amounts.into_iter().try_fold(opening, i64::checked_add).ok_or(CarrierError::Range)
}
