//! The history's rows: one a receipt, and the two indexes they are searched by.

use payment::{Amount, AttemptId, Currency, MerchantId};
use protocol::ipc::history::{HistoryLine, HistoryQuery, PayeeChoice, RefundFilter};
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

use super::Store;
use crate::clock::{signed, unsigned};
use crate::error::{Result, WalletError};
use crate::history::entry::HistoryEntry;
use crate::history::terms::{self, Terms};

/// How many receipts one moment has place for in [`row_id`].
const MOMENT: i64 = 65_536;
/// The latest time that has a place, in ms since the Unix epoch: about the year 4000.
const TIME_MS_MAX: i64 = 1 << 46;
/// How many payees and methods can be chosen from.
const CHOICES_MAX: i64 = 200;

/// The receipts of one month and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthRow {
    /// Months since year 0.
    pub month: i64,
    /// How many.
    pub count: i64,
    /// What was paid.
    pub paid: Amount,
    /// What was given back, in minor units.
    pub refunded_minor: i64,
}

/// A line and its place.
#[derive(Clone, Debug)]
pub struct LineRow {
    /// Its place: newer lines have higher ones.
    pub id: i64,
    /// The line.
    pub line: HistoryLine,
}

#[derive(FromRow)]
struct RawLine {
    id: i64,
    attempt_id: String,
    currency: String,
    minor: i64,
    refunded_minor: i64,
    payee: String,
    order_number: String,
    card_label: String,
}

impl TryFrom<RawLine> for LineRow {
    type Error = WalletError;

    fn try_from(raw: RawLine) -> Result<Self> {
        let unreadable = || WalletError::Row("history entry");
        let currency: Currency = raw.currency.parse().map_err(|_| unreadable())?;
        let line = HistoryLine {
            attempt_id: raw.attempt_id.parse().map_err(|_| unreadable())?,
            amount: Amount::new(raw.minor, currency),
            payee: raw.payee,
            order_number: raw.order_number,
            decided_ms: unsigned(raw.id / MOMENT),
            method: raw.card_label,
            refunded_minor: raw.refunded_minor,
        };
        Ok(Self { id: raw.id, line })
    }
}

/// The first place of a moment.
fn row_id(time_ms: u64) -> i64 {
    signed(time_ms).min(TIME_MS_MAX) * MOMENT
}

/// Enters a receipt, once, in the step that stores it or finds it stored.
pub(super) async fn enter(step: &mut SqliteConnection, entry: &HistoryEntry) -> Result<()> {
    let first = row_id(entry.decided_ms);
    let (taken,): (Option<i64>,) = sqlx::query_as("SELECT max(id) FROM history WHERE id >= $1 AND id < $2")
        .bind(first)
        .bind(first + MOMENT)
        .fetch_one(&mut *step)
        .await?;
    let id = taken.map_or(first, |taken| taken + 1);
    if id >= first + MOMENT {
        return Err(WalletError::Row("moment with too many receipts"));
    }
    let entered = sqlx::query(
        "INSERT INTO history (id, attempt_id, request_id, month, currency, minor, refunded_minor, merchant_id, payee, \
         order_number, card_label) VALUES ($1, $2, $3, $4, $5, $6, \
         coalesce((SELECT refunded_minor FROM request WHERE request_id = $3), 0), $7, $8, $9, $10) \
         ON CONFLICT (attempt_id) DO NOTHING",
    )
    .bind(id)
    .bind(entry.attempt_id.to_string())
    .bind(entry.request_id.to_string())
    .bind(entry.month)
    .bind(entry.amount.currency().code())
    .bind(entry.amount.minor())
    .bind(entry.merchant_id.as_str())
    .bind(&entry.payee)
    .bind(&entry.order_number)
    .bind(&entry.card_label)
    .execute(&mut *step)
    .await?;
    if entered.rows_affected() == 0 {
        return Ok(());
    }
    sqlx::query("INSERT INTO history_text (rowid, text) VALUES ($1, $2)")
        .bind(id)
        .bind(&entry.text)
        .execute(&mut *step)
        .await?;
    sqlx::query("INSERT INTO history_gram (rowid, grams) VALUES ($1, $2)")
        .bind(id)
        .bind(terms::grams(&entry.text))
        .execute(&mut *step)
        .await?;
    Ok(())
}

/// What a query asks of the database, with its words told apart.
pub struct Find<'a> {
    query: &'a HistoryQuery,
    terms: Terms,
    /// Only lines older than this one.
    before: Option<i64>,
}

impl<'a> Find<'a> {
    /// Reads a query.
    pub fn new(query: &'a HistoryQuery) -> Self {
        Self { query, terms: Terms::parse(&query.text), before: None }
    }

    /// The same, from the line after this place on.
    #[must_use]
    pub fn before(self, id: i64) -> Self {
        Self { before: Some(id), ..self }
    }

    /// `SELECT columns FROM` the entries that answer, and the place they are ordered by. The index that is searched
    /// comes first: it gives its rows in their order, so a page needs no sorting and reads no further than it goes.
    fn select(&self, columns: &'static str) -> (QueryBuilder<Sqlite>, &'static str) {
        let mut sql = QueryBuilder::new("SELECT ");
        sql.push(columns);
        let (long, short) = (self.terms.long_expression(), self.terms.short_expression());
        let place = match (long, short) {
            (Some(long), short) => {
                sql.push(" FROM history_text AS t CROSS JOIN history AS h ON h.id = t.rowid WHERE history_text MATCH ");
                sql.push_bind(long);
                if let Some(short) = short {
                    sql.push(" AND h.id IN (SELECT rowid FROM history_gram WHERE history_gram MATCH ");
                    sql.push_bind(short).push(")");
                }
                "t.rowid"
            }
            (None, Some(short)) => {
                sql.push(" FROM history_gram AS t CROSS JOIN history AS h ON h.id = t.rowid WHERE history_gram MATCH ");
                sql.push_bind(short);
                "t.rowid"
            }
            (None, None) => {
                sql.push(" FROM history AS h WHERE 1 = 1");
                "h.id"
            }
        };
        self.narrow(&mut sql, place);
        (sql, place)
    }

    fn narrow(&self, sql: &mut QueryBuilder<Sqlite>, place: &'static str) {
        let query = self.query;
        if let Some(from_ms) = query.from_ms {
            sql.push(" AND ").push(place).push(" >= ").push_bind(row_id(from_ms));
        }
        if let Some(to_ms) = query.to_ms {
            sql.push(" AND ").push(place).push(" < ").push_bind(row_id(to_ms));
        }
        if let Some(before) = self.before {
            sql.push(" AND ").push(place).push(" < ").push_bind(before);
        }
        if let Some(currency) = query.currency {
            sql.push(" AND h.currency = ").push_bind(currency.code());
        }
        if let Some(payee) = &query.payee {
            sql.push(" AND h.merchant_id = ").push_bind(payee.as_str().to_owned());
        }
        if let Some(method) = &query.method {
            sql.push(" AND h.card_label = ").push_bind(method.clone());
        }
        match query.refunds {
            RefundFilter::Any => {}
            RefundFilter::Refunded => drop(sql.push(" AND h.refunded_minor > 0")),
            RefundFilter::Untouched => drop(sql.push(" AND h.refunded_minor = 0")),
        }
    }
}

/// A line's columns.
const LINE: &str = "h.id AS id, h.attempt_id AS attempt_id, h.currency AS currency, h.minor AS minor, \
    h.refunded_minor AS refunded_minor, h.payee AS payee, h.order_number AS order_number, h.card_label AS card_label";

impl Store {
    /// The months of what answers, newest first, a row for each currency.
    pub async fn history_months(&self, find: &Find<'_>) -> Result<Vec<MonthRow>> {
        let columns = "h.month, h.currency, count(*), sum(h.minor), sum(h.refunded_minor)";
        let (mut sql, _) = find.select(columns);
        sql.push(" GROUP BY h.month, h.currency ORDER BY h.month DESC, h.currency");
        let rows: Vec<(i64, String, i64, i64, i64)> = sql.build_query_as().fetch_all(&self.pool).await?;
        let read = |(month, currency, count, minor, refunded_minor): (i64, String, i64, i64, i64)| {
            let currency = currency.parse().map_err(|_| WalletError::Row("history entry"))?;
            Ok(MonthRow { month, count, paid: Amount::new(minor, currency), refunded_minor })
        };
        rows.into_iter().map(read).collect()
    }

    /// Lines of what answers, newest first, after as many as are passed over.
    pub async fn history_lines(&self, find: &Find<'_>, passed_over: u32, count: u32) -> Result<Vec<LineRow>> {
        let (mut sql, place) = find.select(LINE);
        sql.push(" ORDER BY ").push(place).push(" DESC LIMIT ").push_bind(i64::from(count));
        sql.push(" OFFSET ").push_bind(i64::from(passed_over));
        let rows: Vec<RawLine> = sql.build_query_as().fetch_all(&self.pool).await?;
        rows.into_iter().map(LineRow::try_from).collect()
    }

    /// The currencies of the history.
    pub async fn history_currencies(&self) -> Result<Vec<Currency>> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT DISTINCT currency FROM history ORDER BY currency").fetch_all(&self.pool).await?;
        rows.into_iter().map(|(code,)| code.parse().map_err(|_| WalletError::Row("history entry"))).collect()
    }

    /// The payees of the history, those paid most often first, under the name of their latest receipt.
    pub async fn history_payees(&self) -> Result<Vec<PayeeChoice>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT g.merchant_id, h.payee FROM (SELECT merchant_id, max(id) AS latest, count(*) AS times FROM history \
             GROUP BY merchant_id ORDER BY times DESC, merchant_id LIMIT $1) AS g JOIN history AS h ON h.id = g.latest \
             ORDER BY g.times DESC, g.merchant_id",
        )
        .bind(CHOICES_MAX)
        .fetch_all(&self.pool)
        .await?;
        let read = |(merchant_id, name): (String, String)| {
            let merchant_id: MerchantId = merchant_id.parse().map_err(|_| WalletError::Row("history entry"))?;
            Ok(PayeeChoice { merchant_id, name })
        };
        rows.into_iter().map(read).collect()
    }

    /// What was paid with, most used first.
    pub async fn history_methods(&self) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT card_label FROM history GROUP BY card_label ORDER BY count(*) DESC, card_label LIMIT $1",
        )
        .bind(CHOICES_MAX)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(label,)| label).collect())
    }

    /// Some receipts whose label begins so, newest first, older than a place: their own places and attempts.
    pub async fn receipts_labelled(&self, beginning: &str, before: Option<i64>) -> Result<Vec<(i64, AttemptId)>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, attempt_id FROM history WHERE id < $1 AND substr(card_label, 1, $2) = $3 ORDER BY id DESC LIMIT 100",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::try_from(beginning.len()).unwrap_or(i64::MAX))
        .bind(beginning)
        .fetch_all(&self.pool)
        .await?;
        let read = |(id, attempt_id): (i64, String)| {
            Ok((id, attempt_id.parse().map_err(|_| WalletError::Row("history entry"))?))
        };
        rows.into_iter().map(read).collect()
    }

    /// What was given back of the request of a receipt, in minor units.
    pub async fn refunded_of(&self, attempt_id: AttemptId) -> Result<Option<i64>> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT refunded_minor FROM history WHERE attempt_id = $1")
            .bind(attempt_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|(minor,)| minor))
    }

    /// How many receipts wait to be entered.
    pub async fn history_waiting(&self) -> Result<u32> {
        let (count,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM receipt WHERE indexed = 0").fetch_one(&self.pool).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Some receipts that wait to be entered: their attempts and texts.
    pub async fn unentered_receipts(&self, limit: i64) -> Result<Vec<(String, String)>> {
        let rows = sqlx::query_as("SELECT attempt_id, receipt FROM receipt WHERE indexed = 0 LIMIT $1");
        Ok(rows.bind(limit).fetch_all(&self.pool).await?)
    }

    /// Enters receipts that waited, and remembers those that do not verify; all of them or none.
    pub async fn enter_receipts(&self, entries: &[HistoryEntry], unverified: &[String]) -> Result<()> {
        let mut step = self.pool.begin().await?;
        for entry in entries {
            enter(&mut step, entry).await?;
            mark(&mut step, &entry.attempt_id.to_string(), 1).await?;
        }
        for attempt_id in unverified {
            mark(&mut step, attempt_id, 2).await?;
        }
        Ok(step.commit().await?)
    }

    /// Some entries after a place, oldest first: place and month.
    pub async fn history_dates(&self, after: i64, limit: i64) -> Result<Vec<(i64, u64, i64)>> {
        let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT id, month FROM history WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(id, month)| (id, unsigned(id / MOMENT), month)).collect())
    }

    /// Moves entries to other months.
    pub async fn move_to_months(&self, moved: &[(i64, i64)]) -> Result<()> {
        let mut step = self.pool.begin().await?;
        for (id, month) in moved {
            sqlx::query("UPDATE history SET month = $2 WHERE id = $1").bind(id).bind(month).execute(&mut *step).await?;
        }
        Ok(step.commit().await?)
    }
}

async fn mark(step: &mut SqliteConnection, attempt_id: &str, indexed: i64) -> Result<()> {
    sqlx::query("UPDATE receipt SET indexed = $2 WHERE attempt_id = $1")
        .bind(attempt_id)
        .bind(indexed)
        .execute(&mut *step)
        .await?;
    Ok(())
}
