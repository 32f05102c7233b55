//! What a batch is made of: sales, refunds and reversals, each a transfer that was not settled before.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use super::terms::TermsHistory;
use crate::bank_front::account::AccountId;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// The most lines of one batch.
const LINES_MAX: usize = 200_000;
/// Rows written with one statement: as many as its parameters allow on every database.
const ROWS_PER_STATEMENT: usize = 100;

/// What a line does to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Money came in for something sold.
    Sale,
    /// Some of it, or all, went back.
    Refund,
    /// A sale was undone.
    SaleReversal,
    /// A refund was undone.
    RefundReversal,
}

impl LineKind {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::SaleReversal => "sale_reversal",
            Self::RefundReversal => "refund_reversal",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Sale, Self::Refund, Self::SaleReversal, Self::RefundReversal]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(BankError::Stored("settlement_line.kind"))
    }
}

/// A line of a batch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// Its place in the batch, from 1.
    pub line_number: i64,
    /// What it does.
    pub kind: LineKind,
    /// How much, in minor units of the batch's currency.
    pub amount_minor: i64,
    /// The fee taken for it, or given back when less than zero, in minor units.
    pub fee_minor: i64,
    /// What it was for: an attempt's or a refund's id, or the reference of a client's message.
    pub purpose: String,
    /// The request that was paid, if it came from a payment server.
    pub request_id: Option<String>,
    /// Retrieval reference number (ISO 8583 DE 37), when it came over the link.
    pub rrn: Option<String>,
    /// When it happened, in milliseconds since the Unix epoch.
    pub occurred_ms: i64,
}

/// A transfer to be settled.
#[derive(Debug, Clone)]
pub(super) struct Unsettled {
    transfer_id: String,
    pub(super) kind: LineKind,
    pub(super) amount_minor: i64,
    pub(super) fee_minor: i64,
}

/// What an account has to be settled at the end of a day.
pub(super) struct Ripe {
    pub(super) lines: Vec<Unsettled>,
    /// Every entry up to this number is settled with these lines, or nothing to settle.
    pub(super) settled_sequence: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    account_sequence: i64,
    transfer_id: String,
    kind: String,
    amount_minor: i64,
    follows: Option<String>,
    created_ms: i64,
}

impl Ripe {
    /// What of an account is in no batch yet and happened before `ends_ms`.
    ///
    /// Only what moved between the account and a cardholder is settled; fees and payouts are settlement itself.
    pub(super) async fn of(
        db_tx: &mut DbConnection,
        account_id: &AccountId,
        terms: &TermsHistory,
        ends_ms: i64,
    ) -> Result<Self, BankError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT entry.account_sequence, transfer.transfer_id, transfer.amount_minor, transfer.follows,
             transfer.created_ms, CASE
             WHEN transfer.phase = 'posted' AND transfer.refund_of IS NULL THEN 'sale'
             WHEN transfer.phase = 'posted' THEN 'refund'
             WHEN transfer.refund_of IS NULL THEN 'sale_reversal' ELSE 'refund_reversal' END AS kind
             FROM entry JOIN transfer ON transfer.transfer_id = entry.transfer_id
             JOIN account AS other ON other.account_id <> entry.account_id
             AND other.account_id IN (transfer.debit_account, transfer.credit_account)
             WHERE entry.account_id = $1 AND entry.account_sequence > (
             SELECT COALESCE(MAX(settled_sequence), 0) FROM settlement_batch WHERE account_id = $1)
             AND transfer.phase IN ('posted', 'undone') AND other.kind = 'cardholder'
             AND NOT EXISTS (SELECT 1 FROM settlement_line WHERE settlement_line.transfer_id = transfer.transfer_id)
             ORDER BY entry.account_sequence LIMIT $2",
        )
        .bind(account_id)
        .bind(i64::try_from(LINES_MAX + 1).unwrap_or(i64::MAX))
        .fetch_all(&mut *db_tx)
        .await?;
        if rows.len() > LINES_MAX {
            return Err(BankError::TooMany("lines of a batch"));
        }
        let last: i64 = sqlx::query_scalar("SELECT entries FROM balance WHERE account_id = $1")
            .bind(account_id)
            .fetch_one(&mut *db_tx)
            .await?;
        let mut ripe = Self { lines: Vec::with_capacity(rows.len()), settled_sequence: last };
        let mut fees: HashMap<String, i64> = HashMap::with_capacity(rows.len());
        for row in rows {
            let fee_minor = if row.created_ms < ends_ms { row.fee(db_tx, terms, &fees).await? } else { None };
            let Some(fee_minor) = fee_minor else {
                // It is of a later day, and with it the search for what is not settled begins there.
                ripe.settled_sequence = ripe.settled_sequence.min(row.account_sequence - 1);
                continue;
            };
            fees.insert(row.transfer_id.clone(), fee_minor);
            ripe.lines.push(Unsettled {
                kind: LineKind::parse(&row.kind)?,
                transfer_id: row.transfer_id,
                amount_minor: row.amount_minor,
                fee_minor,
            });
        }
        Ok(ripe)
    }
}

impl Row {
    /// The fee of the line; none when it reverses something that is itself to be settled later.
    async fn fee(
        &self,
        db_tx: &mut DbConnection,
        terms: &TermsHistory,
        fees: &HashMap<String, i64>,
    ) -> Result<Option<i64>, BankError> {
        match LineKind::parse(&self.kind)? {
            LineKind::Sale => terms.at(self.created_ms).fee.fee_minor(self.amount_minor).map(Some),
            LineKind::Refund => Ok(Some(0)),
            LineKind::SaleReversal | LineKind::RefundReversal => {
                let original = self.follows.as_ref().ok_or(BankError::Stored("transfer.follows"))?;
                if let Some(fee_minor) = fees.get(original) {
                    return Ok(Some(-fee_minor));
                }
                let settled: Option<i64> =
                    sqlx::query_scalar("SELECT fee_minor FROM settlement_line WHERE transfer_id = $1")
                        .bind(original)
                        .fetch_optional(db_tx)
                        .await?;
                Ok(settled.map(|fee_minor| -fee_minor))
            }
        }
    }
}

/// Writes the lines of a batch, in their order.
pub(super) async fn insert(db_tx: &mut DbConnection, batch_number: i64, lines: &[Unsettled]) -> Result<(), BankError> {
    let mut numbers = 1_i64..;
    for rows in lines.chunks(ROWS_PER_STATEMENT) {
        let mut statement = QueryBuilder::new(
            "INSERT INTO settlement_line (batch_number, line_number, kind, transfer_id, amount_minor, fee_minor) ",
        );
        statement.push_values(rows.iter().zip(&mut numbers), |mut row, (line, number)| {
            row.push_bind(batch_number)
                .push_bind(number)
                .push_bind(line.kind.as_str())
                .push_bind(&line.transfer_id)
                .push_bind(line.amount_minor)
                .push_bind(line.fee_minor);
        });
        statement.build().execute(&mut *db_tx).await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct StoredLine {
    line_number: i64,
    kind: String,
    amount_minor: i64,
    fee_minor: i64,
    purpose: String,
    request_id: Option<String>,
    reference: Option<String>,
    created_ms: i64,
}

/// The lines of a batch, in their order.
pub(super) async fn of_batch(connection: &mut DbConnection, batch_number: i64) -> Result<Vec<Line>, BankError> {
    let rows: Vec<StoredLine> = sqlx::query_as(
        "SELECT line.line_number AS line_number, line.kind AS kind, line.amount_minor AS amount_minor,
         line.fee_minor AS fee_minor, transfer.purpose AS purpose,
         COALESCE(attempt.request_id, original.request_id) AS request_id, attempt.reference AS reference,
         transfer.created_ms AS created_ms
         FROM settlement_line AS line JOIN transfer ON transfer.transfer_id = line.transfer_id
         LEFT JOIN attempt ON attempt.attempt_id = transfer.purpose OR attempt.refund_id = transfer.purpose
         LEFT JOIN attempt AS original ON original.reference = attempt.refund_of
         WHERE line.batch_number = $1 ORDER BY line.line_number",
    )
    .bind(batch_number)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            // A reference is DE 7, 11, 37 and 41, with full stops between.
            let rrn = row.reference.as_deref().and_then(|reference| reference.split('.').nth(2)).map(str::to_owned);
            Ok(Line {
                line_number: row.line_number,
                kind: LineKind::parse(&row.kind)?,
                amount_minor: row.amount_minor,
                fee_minor: row.fee_minor,
                purpose: row.purpose,
                request_id: row.request_id,
                rrn,
                occurred_ms: row.created_ms,
            })
        })
        .collect()
}
