//! One SQLite database: a writer that groups commits, and readers apart.
//!
//! A payment needs several durable steps, and the cost of a step is its `fsync`. Steps that wait
//! together therefore share one commit: while one commit is being synced the next steps queue up,
//! and the busier the server the larger the group. An answer leaves only after its commit.
//!
//! **Invariant:** every write goes through [`Db::write`], inside `BEGIN IMMEDIATE`; a deferred
//! transaction that reads and then writes would get `SQLITE_BUSY_SNAPSHOT` at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, oneshot};

mod readers;
mod sqlite;

pub use readers::{Reader, Readers};
use sqlite::SqliteOptions;
pub use sqlite::{SqliteConnection as DbConnection, SqliteRow as DbRow};

/// The most steps that share one commit.
const GROUP_STEPS_MAX: usize = 64;
/// The most steps that may wait for the writer; a caller beyond that waits for a place.
const QUEUE_STEPS_MAX: usize = 4_096;
/// How long a connection waits for another process's lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Result codes after which the writer may go on: the lock was busy, or the disk was full.
/// After any other failed commit what is durable is unknown, and the writer stops (SQLite, "Result Codes").
const RECOVERABLE_COMMIT_CODES: [&str; 2] = ["5", "13"];

/// A database. Clones share it.
#[derive(Clone)]
pub struct Db {
    readers: Arc<Readers>,
    writer: mpsc::Sender<Box<dyn QueuedStep>>,
    writer_ended: Arc<WriterEnded>,
}

/// Set once the writer has stopped for good.
#[derive(Default)]
struct WriterEnded(AtomicBool);

impl Db {
    /// Opens or creates the database at `path`, brings its schema up to date and starts the writer.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged (`quick_check`), or a migration fails.
    pub async fn open(path: &Path, migrations: &sqlx::migrate::Migrator) -> Result<Self, sqlx::Error> {
        migrate(path, migrations).await?;
        // The writer first: it makes the files beside the database that a reader may not make.
        let connection = SqliteOptions::to_write(path, LOCK_WAIT).connect().await?;
        let readers = Arc::new(Readers::open(path, LOCK_WAIT)?);
        let (writer, steps) = mpsc::channel(QUEUE_STEPS_MAX);
        let writer_ended = Arc::new(WriterEnded::default());
        let ended = Arc::clone(&writer_ended);
        let context = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("database-writer".to_owned())
            .spawn(move || {
                // A step may start a timer or a task.
                let _context = context.enter();
                futures::executor::block_on(write_groups(connection, steps, ended));
            })
            .map_err(sqlx::Error::Io)?;
        Ok(Self { readers, writer, writer_ended })
    }

    /// Connections for reading. A write through them is refused by the database.
    pub fn reader(&self) -> &Readers {
        &self.readers
    }

    /// Whether writes can still succeed; false after a failed commit left durability unknown.
    pub fn is_writable(&self) -> bool {
        !self.writer_ended.0.load(Ordering::Acquire)
    }

    /// Runs `step` durably: its effects and its answer are there only after the group's commit.
    ///
    /// A step that fails is undone alone; its neighbours in the group are not touched. A step runs even
    /// when its caller has gone away.
    ///
    /// # Errors
    /// The step's own error, or the database's when the commit failed or the writer has stopped.
    pub async fn write<T, E, F>(&self, step: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut DbConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { step: Some(step), outcome: None, reply };
        if self.writer.send(Box::new(waiting)).await.is_err() {
            return Err(sqlx::Error::WorkerCrashed.into());
        }
        answer.await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()))
    }
}

/// Checks the file, creating it if need be, and brings its schema up to date.
async fn migrate(path: &Path, migrations: &sqlx::migrate::Migrator) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(LOCK_WAIT);
    let mut connection = options.connect().await?;
    let intact: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
    if intact != "ok" {
        return Err(sqlx::Error::Protocol(format!("the database is damaged: {intact}")));
    }
    migrations.run(&mut connection).await?;
    connection.close().await
}

/// A step in the writer's queue, whatever it returns.
trait QueuedStep: Send {
    /// Runs the step; whether its effects shall be kept.
    fn run<'c>(&'c mut self, connection: &'c mut DbConnection) -> BoxFuture<'c, bool>;
    /// Answers the caller, now that the group's fate is known.
    fn answer(self: Box<Self>, commit_failure: Option<&str>);
}

struct Waiting<T, E, F> {
    step: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> QueuedStep for Waiting<T, E, F>
where
    F: for<'c> FnOnce(&'c mut DbConnection) -> BoxFuture<'c, Result<T, E>> + Send,
    T: Send,
    E: From<sqlx::Error> + Send,
{
    fn run<'c>(&'c mut self, connection: &'c mut DbConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(step) = self.step.take() else { return false };
            let outcome = step(connection).await;
            let keep = outcome.is_ok();
            self.outcome = Some(outcome);
            keep
        })
    }

    fn answer(self: Box<Self>, commit_failure: Option<&str>) {
        let failed = |text: &str| Err(sqlx::Error::Protocol(text.to_owned()).into());
        let answer = match (self.outcome, commit_failure) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(_)) | None, Some(failure)) => failed(failure),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => failed("the step did not run"),
        };
        // A caller that has gone away does not want its answer; the step is durable all the same.
        let _ = self.reply.send(answer);
    }
}

/// The writer: takes whatever waits, runs it as one group, commits, answers.
async fn write_groups(
    mut connection: DbConnection,
    mut steps: mpsc::Receiver<Box<dyn QueuedStep>>,
    ended: Arc<WriterEnded>,
) {
    let mut group = Vec::with_capacity(GROUP_STEPS_MAX);
    while steps.recv_many(&mut group, GROUP_STEPS_MAX).await > 0 {
        let result = commit_group(&mut connection, &mut group).await;
        let failure = result.as_ref().err().map(ToString::to_string);
        if result.is_ok() {
            tracing::debug!(steps = group.len(), "a group is durable");
        }
        for step in group.drain(..) {
            step.answer(failure.as_deref());
        }
        if let Err(error) = result
            && !is_recoverable(&error)
        {
            tracing::error!(%error, "a commit failed; the writer stops, because what is durable is unknown");
            break;
        }
    }
    ended.0.store(true, Ordering::Release);
    // Closing checkpoints the write-ahead log; a failure leaves the log for the next start.
    let _ = connection.close().await;
}

async fn commit_group(connection: &mut DbConnection, group: &mut [Box<dyn QueuedStep>]) -> Result<(), sqlx::Error> {
    let mut db_tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    for step in group {
        sqlx::query("SAVEPOINT step").execute(&mut *db_tx).await?;
        if !step.run(&mut db_tx).await {
            sqlx::query("ROLLBACK TO step").execute(&mut *db_tx).await?;
        }
        sqlx::query("RELEASE step").execute(&mut *db_tx).await?;
    }
    db_tx.commit().await
}

fn is_recoverable(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| {
        // Extended codes carry the primary code in their low byte.
        let primary = code.parse::<u32>().map(|code| (code & 0xff).to_string());
        primary.is_ok_and(|primary| RECOVERABLE_COMMIT_CODES.contains(&primary.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static NO_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

    async fn open(folder: &tempfile::TempDir) -> Db {
        let db = Db::open(&folder.path().join("test.db"), &NO_MIGRATIONS).await.unwrap();
        db.write(|db_tx| {
            Box::pin(async move {
                sqlx::query("CREATE TABLE IF NOT EXISTS entry (n BIGINT PRIMARY KEY)").execute(db_tx).await.map(drop)
            })
        })
        .await
        .unwrap();
        db
    }

    async fn insert(db: &Db, n: i64) -> Result<(), sqlx::Error> {
        db.write(move |db_tx| {
            Box::pin(
                async move { sqlx::query("INSERT INTO entry (n) VALUES ($1)").bind(n).execute(db_tx).await.map(drop) },
            )
        })
        .await
    }

    async fn count(db: &Db) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM entry").fetch_one(db.reader()).await.unwrap()
    }

    #[tokio::test]
    async fn a_failing_step_is_undone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder).await;
        let steps = (0..200).map(|n| insert(&db, n % 150));
        let results = futures::future::join_all(steps).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 150);
        assert_eq!(count(&db).await, 150);
    }

    #[tokio::test]
    async fn an_answered_step_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder).await;
        insert(&db, 1).await.unwrap();
        let again = open(&folder).await;
        assert_eq!(count(&again).await, 1);
    }

    #[tokio::test]
    async fn a_step_sees_the_steps_before_it_in_the_same_group() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder).await;
        let take_next = || {
            db.write(|db_tx| {
                Box::pin(async move {
                    let next: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM entry").fetch_one(&mut *db_tx).await?;
                    sqlx::query("INSERT INTO entry (n) VALUES ($1)").bind(next).execute(db_tx).await?;
                    Ok::<_, sqlx::Error>(next)
                })
            })
        };
        let mut taken = futures::future::try_join_all((0..100).map(|_| take_next())).await.unwrap();
        taken.sort_unstable();
        assert_eq!(taken, (0..100).collect::<Vec<i64>>());
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder).await;
        assert!(sqlx::query("INSERT INTO entry (n) VALUES (9)").execute(db.reader()).await.is_err());
        assert!(db.is_writable());
    }

    #[tokio::test]
    async fn a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        std::fs::write(&path, vec![0x5a; 8_192]).unwrap();
        assert!(Db::open(&path, &NO_MIGRATIONS).await.is_err());
    }
}
