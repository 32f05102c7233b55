//! The servers' database as sqlx names one: one type over SQLite and PostgreSQL, with the same SQL, rows and values.
//!
//! Which of the two it is is decided when it is opened and never asked again: arguments, rows and values are owned and
//! belong to neither. SQLite's statements are function calls (ADR 20); PostgreSQL's go through sqlx's own driver, whose
//! rows are taken over by their column's type (ADR 21).
//!
//! Rows are read to the end at once, so `fetch` holds all of them: bound it, or go page by page.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use log::LevelFilter;
use sqlx::database::Database;
use sqlx::{ConnectOptions, Describe, Either, Error, Execute, Executor, SqlStr, Transaction};
use url::Url;

use super::news::News;
use super::postgres::PostgresConnection;
use super::sqlite::SqliteConnection;
use super::statement::DbStatement;
use super::transaction::DbTransactions;
use super::value::{DbArguments, DbColumn, DbRow, DbType, DbValue, DbValueRef, Value};

/// The database, as sqlx names one.
#[derive(Debug)]
pub struct Servers;

impl Database for Servers {
    type Connection = DbConnection;
    type TransactionManager = DbTransactions;
    type Row = DbRow;
    type QueryResult = DbResult;
    type Column = DbColumn;
    type TypeInfo = DbType;
    type Value = DbValue;
    type ValueRef<'r> = DbValueRef<'r>;
    type Arguments = DbArguments;
    type ArgumentBuffer = Vec<Value>;
    type Statement = DbStatement;

    const NAME: &'static str = "SQLite or PostgreSQL";
    const URL_SCHEMES: &'static [&'static str] = &["sqlite", "postgres", "postgresql"];
}

/// A connection, and in the writer the step that runs on it.
pub struct DbConnection {
    pub(super) link: Link,
    /// What this step has to tell other replicas once it is durable.
    pub(super) news: Vec<News>,
}

/// What a connection is to.
pub(super) enum Link {
    Sqlite(SqliteConnection),
    Postgres(PostgresConnection),
}

impl std::fmt::Debug for DbConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DbConnection").finish_non_exhaustive()
    }
}

/// What a statement did.
#[derive(Debug, Default)]
pub struct DbResult {
    rows_affected: u64,
}

impl DbResult {
    pub(super) const fn new(rows_affected: u64) -> Self {
        Self { rows_affected }
    }

    /// How many rows it inserted, changed or deleted.
    pub const fn rows_affected(&self) -> u64 {
        self.rows_affected
    }
}

impl Extend<Self> for DbResult {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, results: T) {
        self.rows_affected += results.into_iter().map(|result| result.rows_affected).sum::<u64>();
    }
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Everything,
    FirstRow,
}

impl DbConnection {
    pub(super) const fn new(link: Link) -> Self {
        Self { link, news: Vec::new() }
    }

    /// Tells every other replica, once this step is durable, that something about `id` has changed. It is a hint: it
    /// may be lost, and whoever waits looks for itself now and then. On SQLite there are no others.
    pub fn tell(&mut self, kind: &'static str, id: &str) {
        let news = News { kind: kind.into(), id: id.into() };
        if matches!(self.link, Link::Postgres(_)) && !self.news.contains(&news) {
            self.news.push(news);
        }
    }

    /// Whether no transaction is open.
    pub(super) fn is_at_rest(&self) -> bool {
        match &self.link {
            Link::Sqlite(file) => file.is_at_rest(),
            Link::Postgres(session) => session.is_at_rest(),
        }
    }

    /// A database of its own in memory, with a schema: for tests that ask what one step does.
    #[cfg(test)]
    pub fn in_memory(migrations: &sqlx::migrate::Migrator) -> Self {
        let file = SqliteConnection::in_memory();
        for migration in migrations.iter() {
            file.command(migration.sql.as_str()).unwrap();
        }
        Self::new(Link::Sqlite(file))
    }

    /// Runs statements without arguments or rows.
    pub(super) async fn command(&mut self, sql: &'static str) -> Result<(), Error> {
        match &mut self.link {
            Link::Sqlite(file) => file.command(sql),
            Link::Postgres(session) => session.command(sql).await,
        }
    }

    /// Runs a statement: its rows, and what it did.
    pub(super) async fn run(
        &mut self,
        sql: SqlStr,
        arguments: &DbArguments,
        wanted: Wanted,
    ) -> Result<(Vec<DbRow>, DbResult), Error> {
        match &mut self.link {
            Link::Sqlite(file) => file.run(sql.as_str(), arguments.values(), wanted),
            Link::Postgres(session) => session.run(sql, arguments.values(), wanted).await,
        }
    }

    async fn answer<'q>(
        &mut self,
        query: impl Execute<'q, Servers>,
        wanted: Wanted,
    ) -> Result<(Vec<DbRow>, DbResult), Error> {
        let (sql, arguments) = parts(query)?;
        self.run(sql, &arguments, wanted).await
    }

    async fn prepared(&mut self, sql: SqlStr) -> Result<DbStatement, Error> {
        match &mut self.link {
            Link::Sqlite(file) => file.prepare(sql),
            Link::Postgres(session) => session.prepare(sql).await,
        }
    }
}

/// The text and the arguments of what sqlx calls a query.
pub(super) fn parts<'q>(mut query: impl Execute<'q, Servers>) -> Result<(SqlStr, DbArguments), Error> {
    let arguments = query.take_arguments().map_err(Error::Encode)?.unwrap_or_default();
    Ok((query.sql(), arguments))
}

/// An answer, part by part.
pub(super) fn in_parts(
    answered: Result<(Vec<DbRow>, DbResult), Error>,
) -> impl futures::Stream<Item = Result<Either<DbResult, DbRow>, Error>> {
    let parts: Vec<Result<_, Error>> = match answered {
        Ok((rows, result)) => rows.into_iter().map(Either::Right).chain([Either::Left(result)]).map(Ok).collect(),
        Err(error) => vec![Err(error)],
    };
    stream::iter(parts)
}

impl<'c> Executor<'c> for &'c mut DbConnection {
    type Database = Servers;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DbResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Servers>,
    {
        Box::pin(async move { self.answer(query, Wanted::Everything).await.map(|(_, result)| result) })
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<DbResult, DbRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Servers>,
    {
        let answered = async move { self.answer(query, Wanted::Everything).await };
        stream::once(answered).flat_map(in_parts).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DbRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Servers>,
    {
        Box::pin(async move { self.answer(query, Wanted::Everything).await.map(|(rows, _)| rows) })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<DbRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Servers>,
    {
        Box::pin(async move {
            let (rows, _) = self.answer(query, Wanted::FirstRow).await?;
            Ok(rows.into_iter().next())
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, _: &'e [DbType]) -> BoxFuture<'e, Result<DbStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(self.prepared(sql))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Servers>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.prepared(sql).await.map(DbStatement::into_description) })
    }
}

impl sqlx::Connection for DbConnection {
    type Database = Servers;
    type Options = OpenedByAddress;

    async fn close(self) -> Result<(), Error> {
        match self.link {
            Link::Sqlite(file) => file.close(),
            Link::Postgres(session) => session.close().await,
        }
    }

    async fn close_hard(self) -> Result<(), Error> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Error> {
        match &mut self.link {
            Link::Sqlite(_) => Ok(()),
            Link::Postgres(session) => session.ping().await,
        }
    }

    fn begin(&mut self) -> impl Future<Output = Result<Transaction<'_, Servers>, Error>> + Send + '_ {
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

/// How sqlx would open a connection by itself; here that is done by [`super::Address`].
#[derive(Debug, Clone)]
pub struct OpenedByAddress;

impl std::str::FromStr for OpenedByAddress {
    type Err = Error;

    fn from_str(_: &str) -> Result<Self, Error> {
        Err(Error::Configuration("a database is opened by its address".into()))
    }
}

impl ConnectOptions for OpenedByAddress {
    type Connection = DbConnection;

    fn from_url(url: &Url) -> Result<Self, Error> {
        url.as_str().parse()
    }

    async fn connect(&self) -> Result<DbConnection, Error> {
        Err(Error::Configuration("a database is opened by its address".into()))
    }

    fn log_statements(self, _: LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: LevelFilter, _: Duration) -> Self {
        self
    }
}

#[cfg(test)]
mod tests;
