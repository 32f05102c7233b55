//! The end of the bank's day: what merchants and acquirers sold is settled, once, and what they are owed is paid out.
//!
//! A day is closed in steps that can be interrupted anywhere and begun again: its end is noted, then each account
//! gets its batch in a database transaction of its own, what is left on ended vouchers goes back, then the day is closed. A batch that is there already is
//! left as it is, so closing a day twice changes nothing.
//!
//! A batch takes what an account's entries say that is in no batch yet: sales, refunds, and reversals of both.
//! Whatever comes after the end of a day, such as the reversal of a sale that was paid out, is of a later batch. A
//! position below zero is carried on to the next batch, and never paid out.
//!
//! **Invariant:** a transfer is settled at most once, and a sale's fee is given back when the sale is reversed.
//!
//! **Invariant:** what an account holds is what its last batch carried on and what is not settled yet.

use super::account::{AccountId, AccountKind};
use super::error::BankError;
use super::voucher;
use crate::storage::{Db, DbConnection};

mod audit;
mod batch;
pub mod business_day;
mod line;
pub mod terms;
mod totals;

pub use audit::audit;
pub use batch::Batch;
pub use business_day::{BusinessDate, Early, Hours};
use business_day::{Closed, EndedDay};
pub use line::{Line, LineKind};
pub use terms::{FeePlan, PayoutSchedule, Terms};
pub use totals::{AcquirerTotals, Sum, of_acquirer};

/// The most days closed in one go: ten years.
const DAYS_MAX: i64 = 3_660;

/// Closes a business day, and every day before it that is still open; the batches of the day itself.
///
/// # Errors
/// [`BankError::DayNotOver`] when the day's cut-off is still to come and it may not be ended early. What was done
/// before an error stays, and is not done again.
pub async fn close(db: &Db, date: BusinessDate, early: Early, now_ms: i64) -> Result<Vec<Batch>, BankError> {
    let first = db.write(move |db_tx| Box::pin(first_open(db_tx, date))).await?;
    if let Some(mut day) = first {
        if date.days_since(day) > DAYS_MAX {
            return Err(BankError::TooMany("business days"));
        }
        while day <= date {
            let early = if day == date { early } else { Early::Refused };
            close_one(db, day, early, now_ms).await?;
            day = day.next()?;
        }
    }
    Batch::all_of(&mut *db.reader().acquire().await?, date).await
}

/// The first day that is not closed, when it is not after `date`.
async fn first_open(db_tx: &mut DbConnection, date: BusinessDate) -> Result<Option<BusinessDate>, BankError> {
    let first = match business_day::last(db_tx).await? {
        Some(EndedDay { date, is_closed: Closed::NotYet, .. }) => date,
        Some(EndedDay { date, is_closed: Closed::Yes, .. }) => date.next()?,
        None => {
            let oldest: Option<i64> =
                sqlx::query_scalar("SELECT MIN(created_ms) FROM transfer").fetch_one(&mut *db_tx).await?;
            match oldest {
                Some(created_ms) => business_day::current(db_tx, created_ms).await?,
                None => date,
            }
        }
    };
    Ok((first <= date).then_some(first))
}

async fn close_one(db: &Db, date: BusinessDate, early: Early, now_ms: i64) -> Result<(), BankError> {
    let day = db.write(move |db_tx| Box::pin(business_day::end(db_tx, date, early, now_ms))).await?;
    if day.is_closed == Closed::Yes {
        return Ok(());
    }
    for account_id in settled_accounts(&mut *db.reader().acquire().await?).await? {
        db.write(move |db_tx| Box::pin(async move { Batch::make(db_tx, &account_id, day, now_ms).await })).await?;
    }
    for number in voucher::to_return(&mut *db.reader().acquire().await?).await? {
        db.write(move |db_tx| Box::pin(async move { voucher::return_rest(db_tx, &number, now_ms).await })).await?;
    }
    db.write(move |db_tx| Box::pin(business_day::close(db_tx, date, now_ms))).await
}

/// Every account that is settled, in the order its batches are made.
///
/// # Errors
/// When the database fails.
pub async fn settled_accounts(connection: &mut DbConnection) -> Result<Vec<AccountId>, BankError> {
    Ok(sqlx::query_scalar("SELECT account_id FROM account WHERE kind IN ($1, $2) ORDER BY account_id")
        .bind(AccountKind::Merchant.as_str())
        .bind(AccountKind::Acquirer.as_str())
        .fetch_all(connection)
        .await?)
}

#[cfg(test)]
mod tests;
