//! SQLite, with statements that are function calls on the calling thread.
//!
//! sqlx's own SQLite driver gives each connection a thread and sends it every statement through a channel: two thread
//! switches, some twenty microseconds, for statements that take three. A step of a payment is twenty statements, so
//! the switches cost more than everything else together. What is written against sqlx stays as it is.
//!
//! A caller waits in its own thread for what it asked: the writer has a thread of its own, and readers find what they
//! look for by a key, in memory or on a fast disk. A report over a whole table belongs into a tool's own process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Error, SqlStr};

use super::database::{DbResult, Wanted};
use super::statement::DbStatement;
use super::value::{self, DbColumn, DbRow, DbType, Value};

mod failure;
mod options;

pub(super) use failure::is_passing;
use options::SqliteOptions;

/// A connection to a file.
pub(super) struct SqliteConnection {
    handle: rusqlite::Connection,
    transaction_depth: usize,
}

impl SqliteConnection {
    const fn new(handle: rusqlite::Connection) -> Self {
        Self { handle, transaction_depth: 0 }
    }

    /// A connection that writes into the file at `path`, which is there already.
    pub(super) fn to_write(path: &Path, lock_wait: Duration) -> Result<Self, Error> {
        SqliteOptions::to_write(path, lock_wait).open().map(Self::new).map_err(failure::of)
    }

    /// A connection that only reads the file at `path`, which is there already.
    pub(super) fn to_read(path: &Path, lock_wait: Duration) -> Result<Self, Error> {
        SqliteOptions::to_read(path, lock_wait).open().map(Self::new).map_err(failure::of)
    }

    /// A database of its own in memory.
    #[cfg(test)]
    pub(super) fn in_memory() -> Self {
        let connection = Self::new(rusqlite::Connection::open_in_memory().unwrap());
        connection.command("PRAGMA foreign_keys = ON").unwrap();
        connection
    }

    /// Whether no transaction is open.
    pub(super) fn is_at_rest(&self) -> bool {
        self.transaction_depth == 0 && self.handle.is_autocommit()
    }

    /// Runs statements without arguments or rows.
    pub(super) fn command(&self, sql: &str) -> Result<(), Error> {
        self.handle.execute_batch(sql).map_err(failure::of)
    }

    /// Runs a statement: its rows, and what it did.
    pub(super) fn run(&self, sql: &str, arguments: &[Value], wanted: Wanted) -> Result<(Vec<DbRow>, DbResult), Error> {
        let mut statement = self.handle.prepare_cached(sql).map_err(failure::of)?;
        bind(&mut statement, arguments)?;
        let only_reads = statement.readonly();
        let columns = value::columns(statement.column_names().into_iter());
        let mut rows = Vec::new();
        let mut found = statement.raw_query();
        while let Some(row) = found.next().map_err(failure::of)? {
            rows.push(read(row, &columns)?);
            if wanted == Wanted::FirstRow && only_reads {
                break;
            }
        }
        drop(found);
        let rows_affected = if only_reads { 0 } else { self.handle.changes() };
        Ok((rows, DbResult::new(rows_affected)))
    }

    /// Has SQLite understand a statement.
    pub(super) fn prepare(&self, sql: SqlStr) -> Result<DbStatement, Error> {
        let (parameters, columns) = {
            let prepared = self.handle.prepare_cached(sql.as_str()).map_err(failure::of)?;
            (prepared.parameter_count(), value::columns(prepared.column_names().into_iter()))
        };
        Ok(DbStatement::new(sql, parameters, columns))
    }

    /// Begins a transaction, or sets a savepoint in the one that is open.
    pub(super) fn begin(&mut self, statement: Option<SqlStr>) -> Result<(), Error> {
        let depth = self.transaction_depth;
        match statement {
            Some(_) if depth > 0 => return Err(Error::InvalidSavePointStatement),
            Some(statement) => self.command(statement.as_str())?,
            None if depth == 0 => self.command("BEGIN")?,
            None => self.command(&format!("SAVEPOINT nested_{depth}"))?,
        }
        self.transaction_depth += 1;
        Ok(())
    }

    /// Commits the innermost transaction.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        match self.transaction_depth {
            0 => return Ok(()),
            1 => self.command("COMMIT")?,
            depth => self.command(&format!("RELEASE nested_{}", depth - 1))?,
        }
        self.transaction_depth -= 1;
        Ok(())
    }

    /// Undoes the innermost transaction.
    pub(super) fn roll_back(&mut self) -> Result<(), Error> {
        let undone = match self.transaction_depth {
            0 => return Ok(()),
            1 if self.handle.is_autocommit() => Ok(()),
            1 => self.command("ROLLBACK"),
            depth => self.command(&format!("ROLLBACK TO nested_{0}; RELEASE nested_{0}", depth - 1)),
        };
        self.transaction_depth -= 1;
        undone
    }

    /// How many transactions are open, one in the other.
    pub(super) const fn transaction_depth(&self) -> usize {
        self.transaction_depth
    }

    /// Closes the file.
    pub(super) fn close(self) -> Result<(), Error> {
        self.handle.close().map_err(|(_, error)| failure::of(error))
    }
}

/// Checks the file, creating it if need be, and brings its schema up to date.
pub(super) async fn migrate(
    path: &Path,
    migrations: &sqlx::migrate::Migrator,
    lock_wait: Duration,
) -> Result<(), Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(lock_wait);
    let mut connection = options.connect().await?;
    let intact: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
    if intact != "ok" {
        return Err(Error::Protocol(format!("the database is damaged: {intact}")));
    }
    migrations.run(&mut connection).await?;
    connection.close().await
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null(_) => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Binds arguments to parameters: `$7` is the seventh argument wherever it stands.
fn bind(statement: &mut rusqlite::Statement<'_>, arguments: &[Value]) -> Result<(), Error> {
    for index in 1..=statement.parameter_count() {
        let named = statement.parameter_name(index).and_then(|name| name.get(1..)).map(str::parse::<usize>);
        let number = named.unwrap_or(Ok(index)).map_err(|_| Error::Protocol("a parameter is not a number".into()))?;
        let argument = number.checked_sub(1).and_then(|at| arguments.get(at));
        let argument = argument.ok_or_else(|| Error::Protocol(format!("no argument for parameter {number}")))?;
        statement.raw_bind_parameter(index, argument).map_err(failure::of)?;
    }
    Ok(())
}

fn read(row: &rusqlite::Row<'_>, columns: &Arc<[DbColumn]>) -> Result<DbRow, Error> {
    let value = |ordinal| {
        Ok(match row.get_ref(ordinal).map_err(failure::of)? {
            ValueRef::Null => Value::Null(DbType::Null),
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => {
                let text = std::str::from_utf8(text).map_err(|error| Error::Decode(error.into()))?;
                Value::Text(text.to_owned())
            }
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        })
    };
    let values = (0..columns.len()).map(value).collect::<Result<_, Error>>()?;
    Ok(DbRow::new(columns, values))
}
