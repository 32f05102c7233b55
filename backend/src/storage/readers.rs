//! Connections for reading, handed out one at a time.
//!
//! A read is a function call that never waits for a writer, so nobody queues here: there are as many connections as
//! were ever read through at once. The one used last is the next to be used, because its memory is warm.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sqlx::{Describe, Either, Error, Execute, Executor, SqlStr};

use super::sqlite::{Sqlite, SqliteConnection, SqliteResult, SqliteRow, SqliteStatement, SqliteType};

/// The most connections that are kept open while nobody reads.
const IDLE_MAX: usize = 16;

/// The readers of one database. A write through them is refused by SQLite.
pub struct Readers {
    path: PathBuf,
    lock_wait: Duration,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection on loan.
pub struct Reader<'r> {
    readers: &'r Readers,
    /// There until it is given back.
    connection: Option<SqliteConnection>,
}

impl Readers {
    /// Readers of the file at `path`, of which the first is opened at once.
    pub(super) fn open(path: &Path, lock_wait: Duration) -> Result<Self, Error> {
        let readers = Self { path: path.to_owned(), lock_wait, idle: Mutex::default() };
        drop(readers.take()?);
        Ok(readers)
    }

    /// A connection for several reads.
    ///
    /// # Errors
    /// When a new connection is needed and cannot be opened.
    pub fn acquire(&self) -> impl Future<Output = Result<Reader<'_>, Error>> + Send {
        future::ready(self.take())
    }

    fn take(&self) -> Result<Reader<'_>, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::to_read(&self.path, self.lock_wait)?,
        };
        Ok(Reader { readers: self, connection: Some(connection) })
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Deref for Reader<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is there until it is given back")
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is there until it is given back")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is still in a transaction would show its next reader an old state.
        if let Some(connection) = self.connection.take().filter(SqliteConnection::is_at_rest)
            && idle.len() < IDLE_MAX
        {
            idle.push(connection);
        }
    }
}

impl<'r> Executor<'r> for &'r Readers {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<SqliteResult, SqliteRow>, Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let answered = async move {
            let mut reader = self.take()?;
            reader.fetch_many(query).try_collect::<Vec<_>>().await
        };
        stream::once(answered).map_ok(|parts| stream::iter(parts.into_iter().map(Ok))).try_flatten().boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<SqliteRow>, Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        Box::pin(async move { self.take()?.fetch_all(query).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        Box::pin(async move { self.take()?.fetch_optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteType],
    ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
    where
        'r: 'e,
    {
        Box::pin(async move { self.take()?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Sqlite>, Error>>
    where
        'r: 'e,
    {
        Box::pin(async move { self.take()?.describe(sql).await })
    }
}
