//! SQLite as a database of sqlx whose statements run on the calling thread.
//!
//! sqlx's own SQLite driver gives each connection a thread and sends it every statement through a channel: two thread
//! switches, some twenty microseconds, for statements that take three. A step of a payment is twenty statements, so
//! the switches cost more than everything else together. Here a statement is a function call. What is written against
//! sqlx stays as it is (queries and rows), and so does the SQL: PostgreSQL takes the same text.
//!
//! A caller waits in its own thread for what it asked: the writer has a thread of its own, and readers find what they
//! look for by a key, in memory or on a fast disk. A report over a whole table belongs into a tool's own process.
//!
//! Rows are read to the end at once, so `fetch` holds all of them: bound it, or go page by page.

use std::path::Path;
use std::time::Duration;

use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream, StreamExt};
use rusqlite::types::Value;
use sqlx::database::Database;
use sqlx::{Describe, Either, Error, Execute, Executor, SqlStr, Transaction};

mod failure;
mod options;
mod statement;
mod transaction;
mod value;

pub use options::SqliteOptions;
pub use statement::SqliteStatement;
pub use transaction::SqliteTransactions;
pub use value::{SqliteArguments, SqliteColumn, SqliteRow, SqliteType, SqliteValue, SqliteValueRef};

/// The database, as sqlx names one.
#[derive(Debug)]
pub struct Sqlite;

impl Database for Sqlite {
    type Connection = SqliteConnection;
    type TransactionManager = SqliteTransactions;
    type Row = SqliteRow;
    type QueryResult = SqliteResult;
    type Column = SqliteColumn;
    type TypeInfo = SqliteType;
    type Value = SqliteValue;
    type ValueRef<'r> = SqliteValueRef<'r>;
    type Arguments = SqliteArguments;
    type ArgumentBuffer = Vec<Value>;
    type Statement = SqliteStatement;

    const NAME: &'static str = "SQLite";
    const URL_SCHEMES: &'static [&'static str] = &["sqlite"];
}

/// A connection. Its statements run where they are called.
pub struct SqliteConnection {
    handle: rusqlite::Connection,
    transaction_depth: usize,
}

impl std::fmt::Debug for SqliteConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteConnection").finish_non_exhaustive()
    }
}

/// What a statement did.
#[derive(Debug, Default)]
pub struct SqliteResult {
    rows_affected: u64,
}

impl SqliteResult {
    /// How many rows it inserted, changed or deleted.
    pub const fn rows_affected(&self) -> u64 {
        self.rows_affected
    }
}

impl Extend<Self> for SqliteResult {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, results: T) {
        self.rows_affected += results.into_iter().map(|result| result.rows_affected).sum::<u64>();
    }
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Everything,
    FirstRow,
}

impl SqliteConnection {
    const fn new(handle: rusqlite::Connection) -> Self {
        Self { handle, transaction_depth: 0 }
    }

    /// A connection that only reads the file at `path`, which is there already.
    pub fn to_read(path: &Path, lock_wait: Duration) -> Result<Self, Error> {
        SqliteOptions::to_read(path, lock_wait).open().map(Self::new).map_err(failure::of)
    }

    /// Whether no transaction is open.
    pub fn is_at_rest(&self) -> bool {
        self.transaction_depth == 0 && self.handle.is_autocommit()
    }

    /// A database of its own in memory, with a schema: for tests that ask what one step does.
    #[cfg(test)]
    pub fn in_memory(migrations: &sqlx::migrate::Migrator) -> Self {
        let connection = Self::new(rusqlite::Connection::open_in_memory().unwrap());
        connection.command("PRAGMA foreign_keys = ON").unwrap();
        for migration in migrations.iter() {
            connection.command(migration.sql.as_str()).unwrap();
        }
        connection
    }

    /// Runs statements without arguments or rows.
    fn command(&self, sql: &str) -> Result<(), Error> {
        self.handle.execute_batch(sql).map_err(failure::of)
    }

    /// Runs a statement: its rows, and what it did.
    fn run(&self, sql: &str, arguments: &[Value], wanted: Wanted) -> Result<(Vec<SqliteRow>, SqliteResult), Error> {
        let mut statement = self.handle.prepare_cached(sql).map_err(failure::of)?;
        value::bind(&mut statement, arguments)?;
        let only_reads = statement.readonly();
        let columns = value::columns(&statement);
        let mut rows = Vec::new();
        let mut found = statement.raw_query();
        while let Some(row) = found.next().map_err(failure::of)? {
            rows.push(SqliteRow::read(row, &columns)?);
            if wanted == Wanted::FirstRow && only_reads {
                break;
            }
        }
        drop(found);
        let rows_affected = if only_reads { 0 } else { self.handle.changes() };
        Ok((rows, SqliteResult { rows_affected }))
    }

    /// The same, of what sqlx calls a query.
    fn answer<'q>(
        &self,
        mut query: impl Execute<'q, Sqlite>,
        wanted: Wanted,
    ) -> Result<(Vec<SqliteRow>, SqliteResult), Error> {
        let arguments = query.take_arguments().map_err(Error::Encode)?.unwrap_or_default();
        self.run(query.sql().as_str(), arguments.values(), wanted)
    }
}

impl<'c> Executor<'c> for &'c mut SqliteConnection {
    type Database = Sqlite;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<SqliteResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        Box::pin(async move { self.answer(query, Wanted::Everything).map(|(_, result)| result) })
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<SqliteResult, SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let answered = async move { self.answer(query, Wanted::Everything) };
        stream::once(answered)
            .flat_map(|answered| {
                let parts: Vec<Result<_, Error>> = match answered {
                    Ok((rows, result)) => {
                        rows.into_iter().map(Either::Right).chain([Either::Left(result)]).map(Ok).collect()
                    }
                    Err(error) => vec![Err(error)],
                };
                stream::iter(parts)
            })
            .boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        Box::pin(async move { self.answer(query, Wanted::Everything).map(|(rows, _)| rows) })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        Box::pin(async move {
            let (rows, _) = self.answer(query, Wanted::FirstRow)?;
            Ok(rows.into_iter().next())
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, _: &'e [SqliteType]) -> BoxFuture<'e, Result<SqliteStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(future::ready(SqliteStatement::prepare(self, sql)))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Sqlite>, Error>>
    where
        'c: 'e,
    {
        Box::pin(future::ready(SqliteStatement::prepare(self, sql).map(SqliteStatement::into_description)))
    }
}

impl sqlx::Connection for SqliteConnection {
    type Database = Sqlite;
    type Options = SqliteOptions;

    async fn close(self) -> Result<(), Error> {
        self.handle.close().map_err(|(_, error)| failure::of(error))
    }

    async fn close_hard(self) -> Result<(), Error> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn begin(&mut self) -> impl Future<Output = Result<Transaction<'_, Sqlite>, Error>> + Send + '_ {
        Transaction::begin(self, None)
    }

    fn shrink_buffers(&mut self) {}

    async fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn should_flush(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
