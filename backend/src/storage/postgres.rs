//! PostgreSQL through sqlx's own driver.
//!
//! Every wait has an end on both sides: the server ends a statement, a wait for a lock and an abandoned transaction by
//! itself, and here a call that is not answered counts as a lost connection, which is then never used again.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{Column, ConnectOptions, Either, Error, Executor, Postgres, Row, SqlStr, Statement, TypeInfo};
use sqlx_core::arguments::Arguments;
use sqlx_core::transaction::TransactionManager;
use tokio::time::timeout;

use super::database::{DbResult, Wanted};
use super::statement::DbStatement;
use super::value::{self, DbColumn, DbRow, DbType, Value};

mod failure;

pub(super) use failure::{is_lost, is_passing, leaves_commit_unknown};

/// How long a call may take before its connection counts as lost. Longer than anything the server allows itself.
const CALL_DEADLINE: Duration = Duration::from_secs(20);
/// How long somebody waits for a connection, new or not: a server that restarts is back within it.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How many prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 512;

/// What each session is told about itself. `READ COMMITTED` is wanted: a group's first statement waits for the writers'
/// lock, and under a higher level its snapshot would be from before that wait.
const SESSION: [(&str, &str); 7] = [
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// What sessions may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// At most `sessions_max` sessions of the server, which are opened when they are needed.
pub(super) fn pool(options: &PgConnectOptions, access: Access, sessions_max: u32) -> PgPool {
    let read_only = if access == Access::Read { "on" } else { "off" };
    let options = options
        .clone()
        .options(SESSION)
        .options([("default_transaction_read_only", read_only)])
        .statement_cache_capacity(STATEMENTS_MAX)
        // What sqlx would log is the statement; the server's own log has it with its time.
        .disable_statement_logging();
    PgPoolOptions::new()
        .max_connections(sessions_max)
        .acquire_timeout(CONNECT_DEADLINE)
        // A dead session is noticed by its first use, which is repeated on another.
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// sqlx's own way to begin and end them.
type Transactions = <Postgres as sqlx::Database>::TransactionManager;

/// A session on loan from its pool.
pub(super) struct PostgresConnection {
    session: PoolConnection<Postgres>,
    /// Nothing more is asked through it.
    is_lost: bool,
}

impl PostgresConnection {
    /// A session of this pool.
    pub(super) async fn of(pool: &PgPool) -> Result<Self, Error> {
        Ok(Self { session: pool.acquire().await.map_err(failure::of)?, is_lost: false })
    }

    /// Begins a transaction, or sets a savepoint in the one that is open.
    pub(super) async fn begin(&mut self, statement: Option<SqlStr>) -> Result<(), Error> {
        let answered = timeout(CALL_DEADLINE, Transactions::begin(&mut self.session, statement)).await;
        self.noted(answered)
    }

    /// Commits the innermost transaction.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        let answered = timeout(CALL_DEADLINE, Transactions::commit(&mut self.session)).await;
        self.noted(answered)
    }

    /// Undoes the innermost transaction.
    pub(super) async fn roll_back(&mut self) -> Result<(), Error> {
        let answered = timeout(CALL_DEADLINE, Transactions::rollback(&mut self.session)).await;
        self.noted(answered)
    }

    /// Has it undone before anything else is asked.
    pub(super) fn start_roll_back(&mut self) {
        Transactions::start_rollback(&mut self.session);
    }

    /// How many transactions are open, one in the other.
    pub(super) fn transaction_depth(&self) -> usize {
        Transactions::get_transaction_depth(&self.session)
    }

    /// Whether no transaction is open.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.is_lost && self.transaction_depth() == 0
    }

    /// Has the session closed instead of given back.
    pub(super) fn give_up(&mut self) {
        self.is_lost = true;
        self.session.close_on_drop();
    }

    /// Runs statements without arguments or rows, in one exchange.
    pub(super) async fn command(&mut self, sql: &'static str) -> Result<(), Error> {
        let answered = timeout(CALL_DEADLINE, self.session.execute(sqlx::raw_sql(sql))).await;
        self.noted(answered).map(drop)
    }

    /// Runs a statement: its rows, and what it did.
    pub(super) async fn run(
        &mut self,
        sql: SqlStr,
        arguments: &[Value],
        wanted: Wanted,
    ) -> Result<(Vec<DbRow>, DbResult), Error> {
        let query = sqlx::query_with(sql, bound(arguments)?);
        let session = &mut self.session;
        let answer = async move {
            if wanted == Wanted::FirstRow {
                let row = session.fetch_optional(query).await?;
                return Ok((row.into_iter().collect(), 0));
            }
            let mut parts = session.fetch_many(query);
            let (mut rows, mut rows_affected) = (Vec::new(), 0);
            while let Some(part) = futures::TryStreamExt::try_next(&mut parts).await? {
                match part {
                    Either::Left(result) => rows_affected += result.rows_affected(),
                    Either::Right(row) => rows.push(row),
                }
            }
            Ok((rows, rows_affected))
        };
        let answered = timeout(CALL_DEADLINE, answer).await;
        let (rows, rows_affected): (Vec<PgRow>, u64) = self.noted(answered)?;
        Ok((taken_over(&rows)?, DbResult::new(rows_affected)))
    }

    /// Has the server understand a statement.
    pub(super) async fn prepare(&mut self, sql: SqlStr) -> Result<DbStatement, Error> {
        let prepared = self.session.prepare(sql.clone()).await.map_err(failure::of)?;
        let parameters = match prepared.parameters() {
            Some(Either::Left(types)) => types.len(),
            Some(Either::Right(count)) => count,
            None => 0,
        };
        Ok(DbStatement::new(sql, parameters, value::columns(prepared.columns().iter().map(Column::name))))
    }

    /// Asks whether the server is there.
    pub(super) async fn ping(&mut self) -> Result<(), Error> {
        self.command("").await
    }

    /// Closes the session.
    pub(super) async fn close(self) -> Result<(), Error> {
        self.session.close().await.map_err(failure::of)
    }

    fn noted<T>(&mut self, answered: Result<Result<T, Error>, tokio::time::error::Elapsed>) -> Result<T, Error> {
        let answered = answered.unwrap_or_else(|_| Err(Error::Io(std::io::ErrorKind::TimedOut.into())));
        answered.map_err(|error| {
            let error = failure::of(error);
            if is_lost(&error) {
                self.give_up();
            }
            error
        })
    }
}

/// Brings the schema up to date. Replicas that start together wait for each other.
pub(super) async fn migrate(pool: &PgPool, migrations: &sqlx::migrate::Migrator) -> Result<(), Error> {
    let mut session = pool.acquire().await.map_err(failure::of)?;
    // A step may wait for what other replicas hold, or rewrite a table.
    session.execute("SET statement_timeout = 0; SET lock_timeout = '60s'").await.map_err(failure::of)?;
    let migrated = migrations.run(&mut *session).await;
    session.close_on_drop();
    migrated.map_err(Error::from)
}

/// Warns when the server may forget what it said was durable.
pub(super) async fn warn_of_forgetfulness(pool: &PgPool) -> Result<(), Error> {
    let settings: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, setting FROM pg_settings WHERE setting = 'off' AND name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
    )
    .fetch_all(pool)
    .await
    .map_err(failure::of)?;
    for (name, setting) in settings {
        tracing::warn!(name, setting, "PostgreSQL may lose what it has committed");
    }
    Ok(())
}

/// Arguments as sqlx's driver takes them; PostgreSQL prepares by their types.
fn bound(arguments: &[Value]) -> Result<PgArguments, Error> {
    let mut taken = PgArguments::default();
    for argument in arguments {
        let added = match argument {
            Value::Null(DbType::Integer) => taken.add(None::<i64>),
            Value::Null(DbType::Real) => taken.add(None::<f64>),
            Value::Null(DbType::Blob) => taken.add(None::<Vec<u8>>),
            Value::Null(DbType::Text | DbType::Null) => taken.add(None::<String>),
            Value::Integer(number) => taken.add(*number),
            Value::Real(number) => taken.add(*number),
            Value::Text(text) => taken.add(text),
            Value::Blob(bytes) => taken.add(bytes),
        };
        added.map_err(Error::Encode)?;
    }
    Ok(taken)
}

/// Rows with owned values.
fn taken_over(rows: &[PgRow]) -> Result<Vec<DbRow>, Error> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[DbColumn]> = value::columns(first.columns().iter().map(Column::name));
    rows.iter()
        .map(|row| {
            let values = row.columns().iter().map(|column| value_of(row, column)).collect::<Result<_, Error>>()?;
            Ok(DbRow::new(&columns, values))
        })
        .collect()
}

fn value_of(row: &PgRow, column: &sqlx::postgres::PgColumn) -> Result<Value, Error> {
    let at = column.ordinal();
    let value = match column.type_info().name() {
        "INT8" => row.try_get::<Option<i64>, _>(at)?.map(Value::Integer),
        "INT4" => row.try_get::<Option<i32>, _>(at)?.map(|number| Value::Integer(number.into())),
        "INT2" => row.try_get::<Option<i16>, _>(at)?.map(|number| Value::Integer(number.into())),
        "BOOL" => row.try_get::<Option<bool>, _>(at)?.map(|is_so| Value::Integer(is_so.into())),
        "FLOAT8" => row.try_get::<Option<f64>, _>(at)?.map(Value::Real),
        "TEXT" | "VARCHAR" | "NAME" => row.try_get::<Option<String>, _>(at)?.map(Value::Text),
        "BYTEA" => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Value::Blob),
        "VOID" => None,
        other => return Err(Error::Protocol(format!("a column of type {other} is not read here: cast it"))),
    };
    Ok(value.unwrap_or(Value::Null(DbType::Null)))
}
