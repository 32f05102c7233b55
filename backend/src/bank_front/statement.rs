//! Statements: what an account held before and after some business days, and each entry in between.

use payment::{Amount, Currency};

use super::account::{self, AccountId, AccountKind};
use super::error::BankError;
use super::settlement::{BusinessDate, business_day};
use crate::storage::DbConnection;

mod camt;
mod csv;

pub use camt::camt_053;
pub use csv::to_csv;

/// The most lines of one statement.
const LINES_MAX: usize = 200_000;

/// A statement. Amounts are minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Statement {
    /// Whose.
    pub account: AccountId,
    /// What the account is for.
    pub kind: AccountKind,
    /// In which currency.
    pub currency: Currency,
    /// The first business day.
    pub from: BusinessDate,
    /// The last business day.
    pub to: BusinessDate,
    /// When the first day began, in milliseconds since the Unix epoch.
    pub starts_ms: i64,
    /// When the last day ended, or will end.
    pub ends_ms: i64,
    /// What was posted before.
    pub opening_minor: i64,
    /// What was posted afterwards.
    pub closing_minor: i64,
    /// What was posted in between, in the order of the account.
    pub lines: Vec<StatementLine>,
}

/// A line of a statement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StatementLine {
    /// Its number in the account.
    pub sequence: i64,
    /// When it was posted, in milliseconds since the Unix epoch.
    pub posted_ms: i64,
    /// What it is.
    pub what: What,
    /// Whether it takes back an earlier line.
    pub reversal: Reversal,
    /// What it added to the account, in minor units; less than zero when it took away.
    pub amount_minor: i64,
    /// What the account held afterwards, in minor units.
    pub balance_minor: i64,
    /// The account on the other side.
    pub other_account: AccountId,
    /// What for, in the bank's words.
    pub purpose: String,
    /// The step of the ledger.
    pub transfer_id: String,
}

/// What moved money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A payment by card.
    Payment,
    /// Money back from a payment.
    Refund,
    /// What the bank took for payments.
    Fee,
    /// What left the bank to a merchant or an acquirer.
    Payout,
    /// Money paid in.
    Deposit,
}

impl What {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Fee => "fee",
            Self::Payout => "payout",
            Self::Deposit => "deposit",
        }
    }

    /// What a transfer with such accounts on its sides is.
    fn of(sides: [AccountKind; 2], is_refund: Refund) -> Self {
        let has = |kind| sides.contains(&kind);
        match is_refund {
            Refund::Yes => Self::Refund,
            Refund::No if has(AccountKind::Fees) => Self::Fee,
            Refund::No if has(AccountKind::Payouts) => Self::Payout,
            Refund::No if has(AccountKind::Opening) => Self::Deposit,
            Refund::No => Self::Payment,
        }
    }
}

/// Whether a line takes back an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reversal {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Whether a transfer is a refund.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refund {
    Yes,
    No,
}

#[derive(sqlx::FromRow)]
struct Row {
    account_sequence: i64,
    created_ms: i64,
    phase: String,
    refund_of: Option<String>,
    posted_minor: i64,
    other_account: AccountId,
    other_kind: String,
    purpose: String,
    transfer_id: String,
}

impl Statement {
    /// Reads an account's statement over the business days from one to another, both included.
    ///
    /// # Errors
    /// When there is no such account, the days are the wrong way round, or there are too many lines.
    pub async fn read(
        connection: &mut DbConnection,
        account_id: &AccountId,
        from: BusinessDate,
        to: BusinessDate,
    ) -> Result<Self, BankError> {
        let unknown = || BankError::NoAccount(account_id.to_string());
        let currency = account::currency_of(connection, account_id).await?.ok_or_else(unknown)?;
        let kind = account::kind_of(connection, account_id).await?.ok_or_else(unknown)?;
        if to < from {
            return Err(BankError::Malformed("the period"));
        }
        let starts_ms = business_day::hours(connection, from).await?.starts_ms;
        let ends_ms = business_day::hours(connection, to).await?.ends_ms;
        let opening_minor: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(entry.posted_minor), 0) AS BIGINT) FROM entry
             JOIN transfer ON transfer.transfer_id = entry.transfer_id
             WHERE entry.account_id = $1 AND transfer.created_ms < $2",
        )
        .bind(account_id)
        .bind(starts_ms)
        .fetch_one(&mut *connection)
        .await?;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT entry.account_sequence, transfer.created_ms, transfer.phase, transfer.refund_of,
             entry.posted_minor, other.account_id AS other_account, other.kind AS other_kind, transfer.purpose,
             transfer.transfer_id
             FROM entry JOIN transfer ON transfer.transfer_id = entry.transfer_id
             JOIN account AS other ON other.account_id <> entry.account_id
             AND other.account_id IN (transfer.debit_account, transfer.credit_account)
             WHERE entry.account_id = $1 AND entry.posted_minor <> 0
             AND transfer.created_ms >= $2 AND transfer.created_ms < $3
             ORDER BY entry.account_sequence LIMIT $4",
        )
        .bind(account_id)
        .bind(starts_ms)
        .bind(ends_ms)
        .bind(i64::try_from(LINES_MAX + 1).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
        if rows.len() > LINES_MAX {
            return Err(BankError::TooMany("lines of a statement"));
        }
        let mut balance_minor = opening_minor;
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            balance_minor = balance_minor.checked_add(row.posted_minor).ok_or(BankError::Range)?;
            let refund = if row.refund_of.is_some() { Refund::Yes } else { Refund::No };
            lines.push(StatementLine {
                sequence: row.account_sequence,
                posted_ms: row.created_ms,
                what: What::of([kind, AccountKind::parse(&row.other_kind)?], refund),
                reversal: if row.phase == "undone" { Reversal::Yes } else { Reversal::No },
                amount_minor: row.posted_minor,
                balance_minor,
                other_account: row.other_account,
                purpose: row.purpose,
                transfer_id: row.transfer_id,
            });
        }
        let account = account_id.clone();
        let closing_minor = balance_minor;
        Ok(Self { account, kind, currency, from, to, starts_ms, ends_ms, opening_minor, closing_minor, lines })
    }

    /// An amount of the statement as a decimal number with the currency's digits.
    pub fn decimal(&self, minor: i64) -> String {
        Amount::new(minor, self.currency).to_decimal()
    }
}

#[cfg(test)]
mod tests;
