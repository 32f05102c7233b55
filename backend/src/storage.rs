//! One database for a server: a writer that groups commits, and readers apart.
//!
//! It is a file (SQLite), or PostgreSQL that several replicas share; the SQL is the same (ADR 20, 21).
//!
//! A payment needs several durable steps, and the cost of a step is its `fsync`. Steps that wait
//! together therefore share one commit: while one commit is being synced the next steps queue up,
//! and the busier the server the larger the group. An answer leaves only after its commit.
//!
//! To see a test on PostgreSQL, give it a cluster of your own to make databases in:
//!
//! ```text
//! initdb -D pg -A trust -U tapseal && pg_ctl -D pg -o '-p 5599 -k /tmp -c fsync=off' start
//! TAPSEAL_TEST_POSTGRES=postgres://tapseal@127.0.0.1:5599/postgres cargo test -p tapseal payment_server
//! ```
//!
//! **Invariant:** every write goes through [`Db::write`], inside `BEGIN IMMEDIATE` or under the writers' lock; a deferred
//! transaction that reads and then writes would get `SQLITE_BUSY_SNAPSHOT` at once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

mod address;
mod database;
mod news;
mod postgres;
mod readers;
mod sqlite;
mod statement;
#[cfg(test)]
pub mod testing;
mod transaction;
mod value;
mod writer;

pub use address::Address;
pub use database::DbConnection;
use database::Link;
use news::Listeners;
pub use news::{Heard, News, NewsStream};
use postgres::Access;
pub use readers::{Reader, Readers};
use sqlite::SqliteConnection;
pub use value::DbRow;
pub use writer::Groups;
use writer::{QueuedStep, ReplicaWriter, Waiting, WriterState};

/// The most steps that may wait for the writer; a caller beyond that waits for a place.
const QUEUE_STEPS_MAX: usize = 4_096;
/// How long a connection waits for another process's lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// Sessions of a PostgreSQL server that one replica reads through, and writes and listens through: the writer's, the one
/// it had before and is closing, and the listener's.
const READING_SESSIONS_MAX: u32 = 16;
const WRITING_SESSIONS_MAX: u32 = 3;

/// A database. Clones share it.
#[derive(Clone)]
pub struct Db {
    readers: Arc<Readers>,
    writer: mpsc::Sender<Box<dyn QueuedStep>>,
    state: Arc<WriterState>,
    listeners: Listeners,
    /// What ends with the last clone.
    listening: Option<Arc<Listening>>,
}

/// The task that listens to other replicas.
struct Listening(tokio::task::JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Db {
    /// Opens the database at `address`, brings its schema up to date and starts the writer. A file is created.
    ///
    /// # Errors
    /// When it cannot be reached or opened, is damaged (`quick_check`), or a migration fails.
    pub async fn open(address: &Address, migrations: &sqlx::migrate::Migrator) -> Result<Self, sqlx::Error> {
        let (writer, steps) = mpsc::channel(QUEUE_STEPS_MAX);
        let state = Arc::new(WriterState::new());
        let listeners = Listeners::new();
        match address {
            Address::File(path) => {
                sqlite::migrate(path, migrations, LOCK_WAIT).await?;
                // The writer first: it makes the files beside the database that a reader may not make.
                let connection = DbConnection::new(Link::Sqlite(SqliteConnection::to_write(path, LOCK_WAIT)?));
                let readers = Arc::new(Readers::of_file(path, LOCK_WAIT)?);
                let context = tokio::runtime::Handle::current();
                let its_state = Arc::clone(&state);
                std::thread::Builder::new()
                    .name("database-writer".to_owned())
                    .spawn(move || {
                        // A step may start a timer or a task.
                        let _context = context.enter();
                        futures::executor::block_on(writer::write_file(connection, steps, its_state));
                    })
                    .map_err(sqlx::Error::Io)?;
                Ok(Self { readers, writer, state, listeners, listening: None })
            }
            Address::Server(server) => {
                let options = server.options();
                let pool = postgres::pool(options, Access::Write, WRITING_SESSIONS_MAX);
                postgres::migrate(&pool, migrations).await?;
                postgres::warn_of_forgetfulness(&pool).await?;
                let name = hex::encode(crate::keys::random::<8>());
                let replica_writer = ReplicaWriter::new(pool.clone(), name.clone(), Arc::clone(&state)).await?;
                tokio::spawn(replica_writer.run(steps));
                let listening = tokio::spawn(news::listen(pool, listeners.clone(), name));
                let readers = postgres::pool(options, Access::Read, READING_SESSIONS_MAX);
                let readers = Arc::new(Readers::of_server(readers));
                Ok(Self { readers, writer, state, listeners, listening: Some(Arc::new(Listening(listening))) })
            }
        }
    }

    /// Connections for reading. A write through them is refused by the database.
    pub fn reader(&self) -> &Readers {
        &self.readers
    }

    /// Whether writes can succeed at present: false while PostgreSQL is not there, and for good after a failed commit
    /// left a file's durability unknown.
    pub fn is_writable(&self) -> bool {
        self.state.is_writable()
    }

    /// What was written since this database was opened here.
    pub fn groups(&self) -> Groups {
        self.state.groups()
    }

    /// Whether other servers may share it.
    pub const fn is_shared(&self) -> bool {
        self.listening.is_some()
    }

    /// What other replicas tell from now on.
    pub fn news(&self) -> NewsStream {
        self.listeners.subscribe()
    }

    /// Runs `step` durably: its effects and its answer are there only after the group's commit.
    ///
    /// A step that fails is undone alone; its neighbours in the group are not touched. A step runs even
    /// when its caller has gone away. A step ends with the first error of the database it meets: PostgreSQL
    /// keeps nothing of one that goes on.
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
        let waiting = Waiting::new(step, reply);
        if self.writer.send(Box::new(waiting)).await.is_err() {
            return Err(sqlx::Error::WorkerCrashed.into());
        }
        answer.await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()))
    }
}

/// Whether the same call may succeed later: a lock was busy, a disk full, the writer behind, the server away.
pub fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) | sqlx::Error::Io(_) => true,
        error => sqlite::is_passing(error) || postgres::is_passing(error),
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Base;
    use super::*;

    static NO_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

    async fn open(base: &Base) -> Db {
        let db = base.open(&NO_MIGRATIONS).await;
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
        let base = Base::new().await;
        let db = open(&base).await;
        let steps = (0..200).map(|n| insert(&db, n % 150));
        let results = futures::future::join_all(steps).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 150);
        assert_eq!(count(&db).await, 150);
    }

    #[tokio::test]
    async fn an_answered_step_is_there_after_reopening() {
        let base = Base::new().await;
        let db = open(&base).await;
        insert(&db, 1).await.unwrap();
        let again = open(&base).await;
        assert_eq!(count(&again).await, 1);
    }

    #[tokio::test]
    async fn a_step_sees_the_steps_before_it_in_the_same_group() {
        let base = Base::new().await;
        let db = open(&base).await;
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
    async fn a_step_that_goes_on_after_a_failure_takes_nobody_with_it() {
        let base = Base::new().await;
        let db = open(&base).await;
        insert(&db, 1).await.unwrap();
        let goes_on = db.write(|db_tx| {
            Box::pin(async move {
                let again = sqlx::query("INSERT INTO entry (n) VALUES (1)").execute(&mut *db_tx).await;
                assert!(again.is_err());
                Ok::<_, sqlx::Error>(())
            })
        });
        let (before, goes_on, after) = futures::join!(insert(&db, 2), goes_on, insert(&db, 3));
        // PostgreSQL keeps nothing of such a step, so nobody may be told that it is durable.
        assert_eq!(goes_on.is_err(), db.is_shared());
        assert!(before.is_ok() && after.is_ok());
        assert_eq!(count(&db).await, 3);
        let groups = db.groups();
        assert!(groups.count >= 3 && groups.steps >= 5, "{groups:?}");
    }

    /// A step that loses the writer's session under it, as a killed server does; on a file it fails by itself.
    async fn lose_the_session(db: &Db) -> Result<(), sqlx::Error> {
        db.write(|db_tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO entry (n) VALUES (7)").execute(&mut *db_tx).await?;
                sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(db_tx).await.map(drop)
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_session_lost_before_its_commit_did_nothing_and_is_replaced() {
        let base = Base::new().await;
        let db = open(&base).await;
        let (lost, beside) = futures::join!(lose_the_session(&db), insert(&db, 8));
        let lost = lost.unwrap_err();
        assert_eq!(is_passing(&lost), db.is_shared(), "{lost}");
        // Whether the neighbour was in the same group or not, what it was told is so.
        assert_eq!(count(&db).await, i64::from(beside.is_ok()));
        insert(&db, 9).await.unwrap();
        assert!(db.is_writable());
    }

    #[tokio::test]
    async fn a_read_is_made_again_when_its_session_is_lost() {
        let base = Base::new().await;
        let db = open(&base).await;
        insert(&db, 1).await.unwrap();
        assert_eq!(count(&db).await, 1);
        if db.is_shared() {
            db.write(|db_tx| {
                Box::pin(async move {
                    let others = "SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                                  WHERE datname = current_database() AND pid <> pg_backend_pid()) AS ended";
                    let ended: i64 = sqlx::query_scalar(others).fetch_one(db_tx).await?;
                    assert!(ended >= 1);
                    Ok::<_, sqlx::Error>(())
                })
            })
            .await
            .unwrap();
        }
        assert_eq!(count(&db).await, 1);
        let mut reader = db.reader().acquire().await.unwrap();
        let found: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM entry").fetch_one(&mut *reader).await.unwrap();
        assert_eq!(found, 1);
    }

    #[tokio::test]
    async fn news_reach_the_others_with_the_commit_and_only_then() {
        let base = Base::new().await;
        let (here, there) = (open(&base).await, open(&base).await);
        let mut news = there.news();
        let tell = |n: i64| {
            here.write(move |db_tx| {
                Box::pin(async move {
                    db_tx.tell("entry", &n.to_string());
                    sqlx::query("INSERT INTO entry (n) VALUES ($1)").bind(n).execute(db_tx).await.map(drop)
                })
            })
        };
        tell(1).await.unwrap();
        assert!(tell(1).await.is_err());
        tell(2).await.unwrap();
        if here.is_shared() {
            let mut heard = Vec::new();
            while heard.len() < 2 {
                // The gap is from before it listened.
                match news.next().await {
                    Heard::News(news) => heard.push(news.id.to_string()),
                    Heard::Gap => {}
                }
            }
            assert_eq!(heard, ["1", "2"], "what was undone is not told");
        }
        assert_eq!(count(&there).await, 2);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let base = Base::new().await;
        let db = open(&base).await;
        assert!(sqlx::query("INSERT INTO entry (n) VALUES (9)").execute(db.reader()).await.is_err());
        assert!(db.is_writable());
    }

    #[tokio::test]
    async fn a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        std::fs::write(&path, vec![0x5a; 8_192]).unwrap();
        assert!(Db::open(&Address::File(path), &NO_MIGRATIONS).await.is_err());
    }
}
