//! What an acquirer brought to the bank on one business day, as reconciliation messages compare it (0500/0510).

use payment::Currency;

use super::business_day::{self, BusinessDate};
use crate::bank_front::account::AcquirerId;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// How many, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// Their sum, in minor units.
    pub minor: i64,
}

/// An acquirer's day in one currency, seen from the cardholders' accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct AcquirerTotals {
    /// Debits posted: payments and captures (DE 76 and 88).
    pub debits: Sum,
    /// Debits undone (DE 77 and 89).
    pub debit_reversals: Sum,
    /// Credits posted: refunds (DE 74 and 86).
    pub credits: Sum,
    /// Credits undone (DE 75 and 87).
    pub credit_reversals: Sum,
}

impl AcquirerTotals {
    /// What the bank owes the acquirer, in minor units; less than zero when it is owed (DE 97).
    pub fn net_minor(&self) -> i64 {
        self.debits.minor - self.debit_reversals.minor - self.credits.minor + self.credit_reversals.minor
    }
}

/// What an acquirer brought on a business day, closed or not. A movement counts for the day in which it happened.
///
/// # Errors
/// When the database fails.
pub async fn of_acquirer(
    connection: &mut DbConnection,
    acquirer: &AcquirerId,
    currency: Currency,
    date: BusinessDate,
) -> Result<AcquirerTotals, BankError> {
    let hours = business_day::hours(connection, date).await?;
    let rows: Vec<(String, bool, i64, i64)> = sqlx::query_as(
        "SELECT phase, refund_of IS NOT NULL, COUNT(*), CAST(SUM(amount_minor) AS BIGINT) FROM transfer
         WHERE acquirer = $1 AND currency = $2 AND created_ms >= $3 AND created_ms < $4
         AND phase IN ('posted', 'undone')
         GROUP BY phase, refund_of IS NOT NULL",
    )
    .bind(acquirer)
    .bind(currency.code())
    .bind(hours.starts_ms)
    .bind(hours.ends_ms)
    .fetch_all(connection)
    .await?;
    let mut totals = AcquirerTotals::default();
    for (phase, is_refund, count, minor) in rows {
        let place = match (phase.as_str(), is_refund) {
            ("posted", false) => &mut totals.debits,
            ("undone", false) => &mut totals.debit_reversals,
            ("posted", true) => &mut totals.credits,
            _ => &mut totals.credit_reversals,
        };
        *place = Sum { count, minor };
    }
    Ok(totals)
}
