//! Connections for reading, handed out one at a time.
//!
//! On SQLite a read is a function call that never waits for a writer, so nobody queues here: there are as many
//! connections as were ever read through at once. The one used last is the next to be used, because its memory is warm.
//! On PostgreSQL sessions are few and come from a pool; a read whose session was lost is made again on another.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use sqlx::postgres::PgPool;
use sqlx::{Connection, Describe, Either, Error, Execute, Executor, SqlStr};
use tokio::time::Instant;

use super::database::{DbConnection, DbResult, Link, Servers, Wanted, in_parts, parts};
use super::postgres::{self, CONNECT_DEADLINE, PostgresConnection};
use super::sqlite::SqliteConnection;
use super::statement::DbStatement;
use super::value::{DbArguments, DbRow, DbType};

/// The most connections to a file that are kept open while nobody reads.
const IDLE_MAX: usize = 16;

/// The readers of one database. A write through them is refused by it.
pub struct Readers(Source);

enum Source {
    File { path: PathBuf, lock_wait: Duration, idle: Mutex<Vec<DbConnection>> },
    Server(PgPool),
}

/// A connection on loan.
pub struct Reader<'r> {
    readers: &'r Readers,
    /// There until it is given back.
    connection: Option<DbConnection>,
}

impl Readers {
    /// Readers of the file at `path`, of which the first is opened at once.
    pub(super) fn of_file(path: &Path, lock_wait: Duration) -> Result<Self, Error> {
        let readers = Self(Source::File { path: path.to_owned(), lock_wait, idle: Mutex::default() });
        let first = DbConnection::new(Link::Sqlite(SqliteConnection::to_read(path, lock_wait)?));
        readers.give_back(first);
        Ok(readers)
    }

    /// Readers of a server, through this pool.
    pub(super) const fn of_server(pool: PgPool) -> Self {
        Self(Source::Server(pool))
    }

    /// A connection for several reads.
    ///
    /// # Errors
    /// When a new connection is needed and cannot be opened.
    pub async fn acquire(&self) -> Result<Reader<'_>, Error> {
        let until = Instant::now() + CONNECT_DEADLINE;
        loop {
            let mut reader = self.take().await?;
            // Several reads on one connection cannot be made again, so it is asked first whether it stands.
            match reader.ping().await {
                Ok(()) => return Ok(reader),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => {}
            }
        }
    }

    async fn take(&self) -> Result<Reader<'_>, Error> {
        let connection = match &self.0 {
            Source::File { path, lock_wait, idle } => {
                let warm = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                match warm {
                    Some(connection) => connection,
                    None => DbConnection::new(Link::Sqlite(SqliteConnection::to_read(path, *lock_wait)?)),
                }
            }
            Source::Server(pool) => DbConnection::new(Link::Postgres(PostgresConnection::of(pool).await?)),
        };
        Ok(Reader { readers: self, connection: Some(connection) })
    }

    fn give_back(&self, mut connection: DbConnection) {
        // One that is still in a transaction would show its next reader an old state.
        let is_at_rest = connection.is_at_rest();
        match (&self.0, &mut connection.link) {
            (Source::File { idle, .. }, _) => {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                if is_at_rest && idle.len() < IDLE_MAX {
                    idle.push(connection);
                }
            }
            (Source::Server(_), Link::Postgres(session)) if !is_at_rest => session.give_up(),
            // Its pool takes it back.
            (Source::Server(_), _) => {}
        }
    }

    /// One read, made again on another connection while the ones it gets turn out to be lost.
    async fn read(&self, sql: SqlStr, arguments: DbArguments, wanted: Wanted) -> Result<(Vec<DbRow>, DbResult), Error> {
        let until = Instant::now() + CONNECT_DEADLINE;
        loop {
            let answered = self.take().await?.run(sql.clone(), &arguments, wanted).await;
            match answered {
                Err(error) if self.is_remote() && postgres::is_lost(&error) && Instant::now() < until => {
                    tracing::debug!(%error, "a read is made again");
                }
                answered => return answered,
            }
        }
    }

    const fn is_remote(&self) -> bool {
        matches!(self.0, Source::Server(_))
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Deref for Reader<'_> {
    type Target = DbConnection;

    fn deref(&self) -> &DbConnection {
        self.connection.as_ref().expect("it is there until it is given back")
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut DbConnection {
        self.connection.as_mut().expect("it is there until it is given back")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.give_back(connection);
        }
    }
}

impl<'r> Executor<'r> for &'r Readers {
    type Database = Servers;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<DbResult, DbRow>, Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Servers>,
    {
        let answered = async move {
            let (sql, arguments) = parts(query)?;
            self.read(sql, arguments, Wanted::Everything).await
        };
        stream::once(answered).flat_map(in_parts).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DbRow>, Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Servers>,
    {
        Box::pin(async move {
            let (sql, arguments) = parts(query)?;
            self.read(sql, arguments, Wanted::Everything).await.map(|(rows, _)| rows)
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<DbRow>, Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Servers>,
    {
        Box::pin(async move {
            let (sql, arguments) = parts(query)?;
            let (rows, _) = self.read(sql, arguments, Wanted::FirstRow).await?;
            Ok(rows.into_iter().next())
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [DbType]) -> BoxFuture<'e, Result<DbStatement, Error>>
    where
        'r: 'e,
    {
        Box::pin(async move { self.take().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Servers>, Error>>
    where
        'r: 'e,
    {
        Box::pin(async move { self.take().await?.describe(sql).await })
    }
}
