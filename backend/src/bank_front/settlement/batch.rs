//! A settlement batch: one account, one business day, its totals, and what was paid out.

use payment::{Amount, Currency};

use super::business_day::{self, BusinessDate, EndedDay};
use super::line::{self, Line, LineKind, Ripe, Unsettled};
use super::terms::TermsHistory;
use crate::bank_front::account::{self, AccountId, AccountKind};
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::{self, Movement, TransferId};
use crate::storage::DbConnection;

/// A batch. Amounts are minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Batch {
    /// Its number, in the order batches were made.
    pub number: i64,
    /// Whose it is.
    pub account: AccountId,
    /// Of which day.
    pub business_date: BusinessDate,
    /// In which currency.
    pub currency: Currency,
    /// What it adds up to.
    #[serde(flatten)]
    pub totals: BatchTotals,
    /// The position before it.
    pub brought_minor: i64,
    /// What was paid out of position and net.
    pub paid_out_minor: i64,
    /// The position after it.
    pub carried_minor: i64,
}

/// What the lines of a batch add up to. Amounts are minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, sqlx::FromRow)]
pub struct BatchTotals {
    /// How many sales.
    pub sales: i64,
    /// Their sum.
    pub gross_minor: i64,
    /// How many refunds.
    pub refunds: i64,
    /// Their sum.
    pub refunded_minor: i64,
    /// How many sales were undone.
    pub sale_reversals: i64,
    /// Their sum.
    pub sales_reversed_minor: i64,
    /// How many refunds were undone.
    pub refund_reversals: i64,
    /// Their sum.
    pub refunds_reversed_minor: i64,
    /// Fees taken, less fees given back.
    pub fee_minor: i64,
    /// What the account is owed for all this; less than zero when it owes.
    pub net_minor: i64,
}

impl BatchTotals {
    fn of(lines: &[Unsettled]) -> Result<Self, BankError> {
        let mut totals = Self::default();
        for line in lines {
            let (count, sum) = match line.kind {
                LineKind::Sale => (&mut totals.sales, &mut totals.gross_minor),
                LineKind::Refund => (&mut totals.refunds, &mut totals.refunded_minor),
                LineKind::SaleReversal => (&mut totals.sale_reversals, &mut totals.sales_reversed_minor),
                LineKind::RefundReversal => (&mut totals.refund_reversals, &mut totals.refunds_reversed_minor),
            };
            *count += 1;
            *sum = sum.checked_add(line.amount_minor).ok_or(BankError::Range)?;
            totals.fee_minor = totals.fee_minor.checked_add(line.fee_minor).ok_or(BankError::Range)?;
        }
        let net = i128::from(totals.gross_minor)
            - i128::from(totals.refunded_minor)
            - i128::from(totals.sales_reversed_minor)
            + i128::from(totals.refunds_reversed_minor)
            - i128::from(totals.fee_minor);
        totals.net_minor = i64::try_from(net).map_err(|_| BankError::Range)?;
        Ok(totals)
    }
}

impl Batch {
    /// Makes an account's batch of a day, with its fee and its payout, unless it is made already or there is nothing to
    /// settle. All of it in one database transaction.
    pub(super) async fn make(
        db_tx: &mut DbConnection,
        account_id: &AccountId,
        day: EndedDay,
        now_ms: i64,
    ) -> Result<(), BankError> {
        if exists(db_tx, account_id, day.date).await? {
            return Ok(());
        }
        let history = TermsHistory::of(db_tx, account_id).await?;
        let ripe = Ripe::of(db_tx, account_id, &history, day.ends_ms).await?;
        let totals = BatchTotals::of(&ripe.lines)?;
        let brought_minor = carried(db_tx, account_id).await?;
        let position = brought_minor.checked_add(totals.net_minor).ok_or(BankError::Range)?;
        let terms = history.at(day.ends_ms);
        let is_paid_out = position > 0 && position >= terms.payout_least_minor && terms.payout.is_due(day.date);
        if ripe.lines.is_empty() && !is_paid_out {
            return Ok(());
        }
        let (paid_out_minor, carried_minor) = if is_paid_out { (position, 0) } else { (0, position) };
        let currency = account::currency_of(db_tx, account_id).await?;
        let batch = Self {
            number: next_number(db_tx).await?,
            account: account_id.clone(),
            business_date: day.date,
            currency: currency.ok_or_else(|| BankError::NoAccount(account_id.to_string()))?,
            totals,
            brought_minor,
            paid_out_minor,
            carried_minor,
        };
        let moved = Moved { fee: batch.take_fee(db_tx, now_ms).await?, payout: batch.pay_out(db_tx, now_ms).await? };
        batch.insert(db_tx, &moved, ripe.settled_sequence, now_ms).await?;
        line::insert(db_tx, batch.number, &ripe.lines).await
    }

    async fn take_fee(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Option<TransferId>, BankError> {
        let fees = AccountId::fees(self.currency);
        let (debit, credit) = match self.totals.fee_minor {
            0 => return Ok(None),
            1.. => (self.account.clone(), fees.clone()),
            // More was given back, with reversed sales of earlier batches, than was taken.
            ..0 => (fees.clone(), self.account.clone()),
        };
        account::open(db_tx, &fees, AccountKind::Fees, self.currency, now_ms).await?;
        let minor = self.totals.fee_minor.checked_abs().ok_or(BankError::Range)?;
        self.move_money(db_tx, debit, credit, minor, "fee", now_ms).await.map(Some)
    }

    async fn pay_out(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Option<TransferId>, BankError> {
        if self.paid_out_minor == 0 {
            return Ok(None);
        }
        let payouts = AccountId::payouts(self.currency);
        account::open(db_tx, &payouts, AccountKind::Payouts, self.currency, now_ms).await?;
        self.move_money(db_tx, self.account.clone(), payouts, self.paid_out_minor, "payout", now_ms).await.map(Some)
    }

    async fn move_money(
        &self,
        db_tx: &mut DbConnection,
        debit: AccountId,
        credit: AccountId,
        minor: i64,
        what: &str,
        now_ms: i64,
    ) -> Result<TransferId, BankError> {
        let purpose = format!("batch {} {what}", self.number);
        let movement = Movement { debit, credit, amount: Amount::new(minor, self.currency), purpose, acquirer: None };
        ledger::settle(db_tx, &movement, now_ms).await
    }

    async fn insert(
        &self,
        db_tx: &mut DbConnection,
        moved: &Moved,
        settled_sequence: i64,
        now_ms: i64,
    ) -> Result<(), BankError> {
        sqlx::query(
            "INSERT INTO settlement_batch (batch_number, account_id, business_date, currency, sales, gross_minor,
             refunds, refunded_minor, sale_reversals, sales_reversed_minor, refund_reversals, refunds_reversed_minor,
             fee_minor, net_minor, brought_minor, paid_out_minor, carried_minor, fee_transfer, payout_transfer,
             settled_sequence, made_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        )
        .bind(self.number)
        .bind(&self.account)
        .bind(self.business_date.to_string())
        .bind(self.currency.code())
        .bind(self.totals.sales)
        .bind(self.totals.gross_minor)
        .bind(self.totals.refunds)
        .bind(self.totals.refunded_minor)
        .bind(self.totals.sale_reversals)
        .bind(self.totals.sales_reversed_minor)
        .bind(self.totals.refund_reversals)
        .bind(self.totals.refunds_reversed_minor)
        .bind(self.totals.fee_minor)
        .bind(self.totals.net_minor)
        .bind(self.brought_minor)
        .bind(self.paid_out_minor)
        .bind(self.carried_minor)
        .bind(&moved.fee)
        .bind(&moved.payout)
        .bind(settled_sequence)
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    /// Every batch of a day, by number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_of(connection: &mut DbConnection, date: BusinessDate) -> Result<Vec<Self>, BankError> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT * FROM settlement_batch WHERE business_date = $1 ORDER BY batch_number")
                .bind(date.to_string())
                .fetch_all(connection)
                .await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    /// The lines it is made of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lines(&self, connection: &mut DbConnection) -> Result<Vec<Line>, BankError> {
        line::of_batch(connection, self.number).await
    }
}

/// What the batch itself moved.
struct Moved {
    fee: Option<TransferId>,
    payout: Option<TransferId>,
}

#[derive(sqlx::FromRow)]
struct Row {
    batch_number: i64,
    account_id: AccountId,
    business_date: String,
    currency: String,
    #[sqlx(flatten)]
    totals: BatchTotals,
    brought_minor: i64,
    paid_out_minor: i64,
    carried_minor: i64,
}

impl TryFrom<Row> for Batch {
    type Error = BankError;

    fn try_from(row: Row) -> Result<Self, BankError> {
        Ok(Self {
            number: row.batch_number,
            account: row.account_id,
            business_date: business_day::stored(&row.business_date)?,
            currency: row.currency.parse().map_err(|_| BankError::Stored("settlement_batch.currency"))?,
            totals: row.totals,
            brought_minor: row.brought_minor,
            paid_out_minor: row.paid_out_minor,
            carried_minor: row.carried_minor,
        })
    }
}

async fn exists(db_tx: &mut DbConnection, account_id: &AccountId, date: BusinessDate) -> Result<bool, BankError> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT batch_number FROM settlement_batch WHERE account_id = $1 AND business_date = $2")
            .bind(account_id)
            .bind(date.to_string())
            .fetch_optional(db_tx)
            .await?;
    Ok(found.is_some())
}

/// The position an account's last batch carried on.
async fn carried(db_tx: &mut DbConnection, account_id: &AccountId) -> Result<i64, BankError> {
    let carried: Option<i64> = sqlx::query_scalar(
        "SELECT carried_minor FROM settlement_batch WHERE account_id = $1 ORDER BY batch_number DESC LIMIT 1",
    )
    .bind(account_id)
    .fetch_optional(db_tx)
    .await?;
    Ok(carried.unwrap_or(0))
}

async fn next_number(db_tx: &mut DbConnection) -> Result<i64, BankError> {
    let last: Option<i64> =
        sqlx::query_scalar("SELECT MAX(batch_number) FROM settlement_batch").fetch_one(db_tx).await?;
    last.unwrap_or(0).checked_add(1).ok_or(BankError::Range)
}
