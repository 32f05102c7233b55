//! Reconciliation, 0500 and 0520: an acquirer's totals of a business day against the bank's own.
//!
//! The day is DE 15 (MMDD, UTC). From the bank's side of the ledger: a *debit* is what the acquirer's cards paid, at once
//! or by a completion; a *credit* is what came back to them by a refund; a reversal is the undoing of one of these. DE 66
//! of the answer is 1 when every total that the acquirer sent is the bank's, and 2 when one is not; the answer always has
//! the bank's own totals, and changes nothing.

use std::sync::Arc;

use iso8583::{Error, Message, Place};
use payment::Currency;

use super::{DONE, plain, response};
use crate::bank_front::account::AcquirerId;
use crate::bank_front::error::BankError;
use crate::bank_front::{BankFront, calendar};
use crate::storage::DbConnection;

/// DE 66: every total agrees.
const IN_BALANCE: &str = "1";
/// DE 66: one does not.
const OUT_OF_BALANCE: &str = "2";
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How many days back a day without a year may be.
const DAYS_BACK_MAX: i64 = 180;

/// Answers a 0500, 0501, 0520 or 0521.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message) -> Result<Message, BankError> {
    let asked = match Asked::read(message, front.now_ms()) {
        Ok(asked) => asked,
        Err(error) => return plain::format_error(message, &error),
    };
    let mut connection = front.db.reader().acquire().await?;
    let totals = Totals::of(&mut connection, &asked).await?;
    let mut answer = response(message, DONE)?.echoing(message, &[15, 50]);
    let mut in_balance = true;
    for (number, value) in totals.elements()? {
        in_balance &= !message.has(number) || message.text(number).is_ok_and(|sent| sent == value);
        answer = answer.with_text(number, value);
    }
    Ok(answer.with_text(66, if in_balance { IN_BALANCE } else { OUT_OF_BALANCE }))
}

/// Whose totals of which day, in which currency (DE 32, 15, and 50 or 49).
struct Asked {
    acquirer: AcquirerId,
    day_utc: i64,
    currency: Currency,
}

impl Asked {
    fn read(message: &Message, now_ms: i64) -> Result<Self, Error> {
        let wrong = |number| Error::Content { place: Place::Element(number) };
        let acquirer = plain::acquirer(message)?;
        let day = message.text(15)?;
        let today = calendar::day_utc(now_ms);
        // A day without a year is the last one of that name; tomorrow is today where the sun rises earlier.
        let day_utc = (today - DAYS_BACK_MAX..=today + 1).rev().find(|candidate| calendar::mmdd(*candidate) == day);
        let number = if message.has(50) { 50 } else { 49 };
        let numeric = u16::try_from(message.number(number)?).map_err(|_| wrong(number))?;
        Ok(Self {
            acquirer,
            day_utc: day_utc.ok_or(wrong(15))?,
            currency: Currency::from_numeric(numeric).map_err(|_| wrong(number))?,
        })
    }
}

/// How many, and how much in minor units.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    count: i64,
    minor: i64,
}

/// What moved on one day for one acquirer.
struct Totals {
    credits: Total,
    credit_reversals: Total,
    debits: Total,
    debit_reversals: Total,
    holds: i64,
}

impl Totals {
    async fn of(connection: &mut DbConnection, asked: &Asked) -> Result<Self, BankError> {
        let from_ms = asked.day_utc.checked_mul(DAY_MS).ok_or(BankError::Range)?;
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT phase, CASE WHEN refund_of IS NULL THEN 0 ELSE 1 END AS is_refund, COUNT(*),
             CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM transfer
             WHERE acquirer = $1 AND currency = $2 AND created_ms >= $3 AND created_ms < $4
             GROUP BY phase, is_refund",
        )
        .bind(&asked.acquirer)
        .bind(asked.currency.code())
        .bind(from_ms)
        .bind(from_ms.checked_add(DAY_MS).ok_or(BankError::Range)?)
        .fetch_all(connection)
        .await?;
        let total = |wanted: &str, of_refunds: i64| {
            let row = rows.iter().find(|(phase, is_refund, ..)| phase == wanted && *is_refund == of_refunds);
            row.map(|(_, _, count, minor)| Total { count: *count, minor: *minor }).unwrap_or_default()
        };
        Ok(Self {
            credits: total("posted", 1),
            credit_reversals: total("undone", 1),
            debits: total("posted", 0),
            debit_reversals: total("undone", 0),
            holds: total("pending", 0).count,
        })
    }

    /// The data elements: counts (DE 74 to 77 and 81), amounts (86 to 89), and what is to be settled (97).
    fn elements(&self) -> Result<Vec<(u8, String)>, BankError> {
        let Self { credits, credit_reversals, debits, debit_reversals, holds } = self;
        let count = |total: &Total| format!("{:010}", total.count);
        let amount = |total: &Total| format!("{:016}", total.minor);
        let net = (debits.minor.checked_sub(debit_reversals.minor))
            .and_then(|net| net.checked_sub(credits.minor))
            .and_then(|net| net.checked_add(credit_reversals.minor))
            .ok_or(BankError::Range)?;
        // Credit: the bank owes the acquirer.
        let sign = if net < 0 { 'D' } else { 'C' };
        Ok(vec![
            (74, count(credits)),
            (75, count(credit_reversals)),
            (76, count(debits)),
            (77, count(debit_reversals)),
            (81, format!("{holds:010}")),
            (86, amount(credits)),
            (87, amount(credit_reversals)),
            (88, amount(debits)),
            (89, amount(debit_reversals)),
            (97, format!("{sign}{:016}", net.unsigned_abs())),
        ])
    }
}
