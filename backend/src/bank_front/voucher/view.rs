//! Vouchers looked at: what became of each of a batch, and one's history.

use payment::{FixedPart, VoucherNumber};
use serde::Serialize;

use super::{PURPOSE_RETURNED, PURPOSE_SOLD, parse_number};
use crate::bank_front::account::AccountId;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;
use vouchers::{VoucherCounts, VoucherRecord};

/// A voucher as the bank's staff see it: no code, and nothing of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoucherView {
    /// Its number.
    pub number: VoucherNumber,
    /// What it was made for, in minor units.
    pub amount_minor: i64,
    /// The state: a stored one, or `spent` for an active one with nothing on it.
    pub state: String,
    /// The account it was bought from, once it was.
    pub bought_from: Option<AccountId>,
    /// What moved through its account, from the ledger's entries.
    #[serde(flatten)]
    pub counts: VoucherCounts,
}

impl VoucherView {
    /// What the bank says of it, for the merchant.
    pub fn record(&self) -> VoucherRecord {
        VoucherRecord {
            number: self.number.clone(),
            amount_minor: self.amount_minor,
            state: self.state.clone(),
            counts: self.counts,
        }
    }
}

#[derive(sqlx::FromRow)]
struct DbRow {
    number: String,
    amount_minor: i64,
    state: String,
    bought_from: Option<AccountId>,
    paid_in: i64,
    spent: i64,
    refunded: i64,
    returned: i64,
    balance: i64,
}

/// Every voucher of a batch, by number. What moved is summed from the ledger's transfers.
///
/// # Errors
/// When the database fails.
pub async fn of_batch(connection: &mut DbConnection, fixed: &FixedPart) -> Result<Vec<VoucherView>, BankError> {
    let rows: Vec<DbRow> = sqlx::query_as(
        "SELECT number, voucher.amount_minor AS amount_minor, state, bought_from,
         CAST(COALESCE(SUM(CASE WHEN moved.purpose = $2 AND moved.credit_account = account_id
         THEN moved.amount_minor ELSE 0 END), 0) AS BIGINT) AS paid_in,
         CAST(COALESCE(SUM(CASE WHEN moved.debit_account <> account_id OR moved.purpose = $3 THEN 0
         WHEN moved.phase = 'posted' THEN moved.amount_minor WHEN moved.phase = 'undone' THEN -moved.amount_minor
         ELSE 0 END), 0) AS BIGINT) AS spent,
         CAST(COALESCE(SUM(CASE WHEN moved.credit_account <> account_id OR moved.refund_of IS NULL THEN 0
         WHEN moved.phase = 'posted' THEN moved.amount_minor WHEN moved.phase = 'undone' THEN -moved.amount_minor
         ELSE 0 END), 0) AS BIGINT) AS refunded,
         CAST(COALESCE(SUM(CASE WHEN moved.purpose = $3 AND moved.debit_account = account_id
         THEN moved.amount_minor ELSE 0 END), 0) AS BIGINT) AS returned,
         CAST(COALESCE((SELECT posted_minor - pending_out_minor FROM balance
         WHERE balance.account_id = voucher.account_id), 0) AS BIGINT) AS balance
         FROM voucher LEFT JOIN transfer AS moved
         ON moved.transfer_id IN (SELECT transfer_id FROM entry WHERE entry.account_id = voucher.account_id)
         WHERE fixed_part = $1 GROUP BY number, voucher.amount_minor, state, bought_from, account_id ORDER BY number",
    )
    .bind(fixed.as_str())
    .bind(PURPOSE_SOLD)
    .bind(PURPOSE_RETURNED)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(VoucherView::try_from).collect()
}

impl TryFrom<DbRow> for VoucherView {
    type Error = BankError;

    fn try_from(row: DbRow) -> Result<Self, BankError> {
        let is_spent = row.state == "active" && row.balance <= 0;
        Ok(Self {
            number: parse_number(&row.number)?,
            amount_minor: row.amount_minor,
            state: if is_spent { "spent".to_owned() } else { row.state },
            bought_from: row.bought_from,
            counts: VoucherCounts {
                paid_in_minor: row.paid_in,
                spent_minor: row.spent,
                refunded_minor: row.refunded,
                returned_minor: row.returned,
                balance_minor: row.balance,
            },
        })
    }
}

/// Something that happened to a voucher: an event of its life, or money that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct HistoryLine {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What: an event's name, or the purpose of a movement.
    pub what: String,
    /// What it added to the voucher, in minor units; nothing for an event.
    pub minor: Option<i64>,
    /// The account it was bought from, or that was on the other side.
    pub other: Option<String>,
}

/// Everything that happened to a voucher, oldest first.
///
/// # Errors
/// [`BankError::NoVoucher`].
pub async fn history(connection: &mut DbConnection, number: &VoucherNumber) -> Result<Vec<HistoryLine>, BankError> {
    let account: Option<Option<String>> = sqlx::query_scalar("SELECT account_id FROM voucher WHERE number = $1")
        .bind(number.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let account = account.ok_or(BankError::NoVoucher)?.unwrap_or_default();
    let mut lines: Vec<HistoryLine> = sqlx::query_as(
        "SELECT at_ms, event AS what, CAST(NULL AS BIGINT) AS minor, CAST(NULL AS TEXT) AS other
         FROM voucher_event WHERE number = $1 ORDER BY ordinal",
    )
    .bind(number.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let moved: Vec<HistoryLine> = sqlx::query_as(
        "SELECT created_ms AS at_ms, purpose AS what, entry.posted_minor AS minor,
         CASE WHEN debit_account = $1 THEN credit_account ELSE debit_account END AS other
         FROM entry JOIN transfer ON transfer.transfer_id = entry.transfer_id
         WHERE entry.account_id = $1 ORDER BY account_sequence",
    )
    .bind(&account)
    .fetch_all(connection)
    .await?;
    lines.extend(moved);
    // Stable: what happened in one moment keeps its order.
    lines.sort_by_key(|line| line.at_ms);
    Ok(lines)
}
