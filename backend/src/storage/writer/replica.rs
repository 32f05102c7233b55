//! The writer of one of several replicas: its groups wait for those of the others, and a lost connection is told apart
//! into what did not happen, what did, and what nobody can say in time.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;
use sqlx::{Connection, Error, SqlSafeStr};
use tokio::time::{Instant, sleep, timeout_at};

use super::{DbConnection, GROUP_STEPS_MAX, Link, QueuedStep, Steps, WriterState, run_steps};
use crate::clock::{now_ms, signed_ms};
use crate::storage::news;
use crate::storage::postgres::{self, CONNECT_DEADLINE, PostgresConnection};

/// Begins a group. Whoever holds the lock is the one writer, until its transaction has ended one way or the other.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(1415672947, 1)";
/// How long a group whose commit was not answered is looked for.
const LOOK_FOR_GROUP: Duration = Duration::from_secs(15);
/// The wait between two tries to reach the server.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// Marks of writers that have not written for so long are removed.
const MARK_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How a group failed.
enum Failure {
    /// Nothing of it happened.
    NotDone(Error),
    /// The server was lost while it committed, and is not there to be asked.
    Unknown(Error),
}

/// What a replica writes with.
pub(in crate::storage) struct ReplicaWriter {
    pool: PgPool,
    /// This writer's name in the marks and in the news.
    name: String,
    /// The number of the group that is being written.
    group_number: i64,
    connection: Option<DbConnection>,
    state: Arc<WriterState>,
}

impl ReplicaWriter {
    /// A writer that has written nothing. Its table of marks is there afterwards.
    pub(in crate::storage) async fn new(pool: PgPool, name: String, state: Arc<WriterState>) -> Result<Self, Error> {
        let mut writer = Self { pool, name, group_number: 0, connection: None, state };
        let mut connection = writer.connected().await?;
        let mut db_tx = connection.begin_with(BEGIN.into_sql_str()).await?;
        db_tx
            .command(
                "CREATE TABLE IF NOT EXISTS write_group \
                 (writer TEXT NOT NULL PRIMARY KEY, last_group BIGINT NOT NULL, written_ms BIGINT NOT NULL)",
            )
            .await?;
        sqlx::query("DELETE FROM write_group WHERE written_ms < $1")
            .bind(signed_ms(now_ms()) - MARK_KEPT_MS)
            .execute(&mut *db_tx)
            .await?;
        db_tx.commit().await?;
        writer.connection = Some(connection);
        Ok(writer)
    }

    /// Writes until nobody has steps any more.
    pub(in crate::storage) async fn run(mut self, mut steps: Steps) {
        let mut group = Vec::with_capacity(GROUP_STEPS_MAX);
        while steps.recv_many(&mut group, GROUP_STEPS_MAX).await > 0 {
            self.group_number += 1;
            let began = Instant::now();
            let failure = match self.commit_group(&mut group).await {
                Ok(()) => {
                    self.state.written(group.len(), began.elapsed());
                    None
                }
                Err(Failure::NotDone(error)) => {
                    tracing::warn!(%error, steps = group.len(), "a group was not written");
                    Some(error.to_string())
                }
                Err(Failure::Unknown(error)) => {
                    tracing::error!(%error, steps = group.len(), "whether a group was written is not known");
                    Some(format!("whether it was written is not known: {error}"))
                }
            };
            for step in group.drain(..) {
                step.answer(failure.as_deref());
            }
        }
    }

    async fn commit_group(&mut self, group: &mut [Box<dyn QueuedStep>]) -> Result<(), Failure> {
        let mut connection = self.idle_connection().await.map_err(Failure::NotDone)?;
        let mark = (self.name.as_str(), self.group_number);
        match write_group(&mut connection, group, mark).await {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(Failure::NotDone(error)) => {
                give_up(connection);
                Err(Failure::NotDone(error))
            }
            Err(Failure::Unknown(error)) => {
                give_up(connection);
                self.look_for_group(error).await
            }
        }
    }

    /// The connection of the group before, if it is still of use, or another.
    async fn idle_connection(&mut self) -> Result<DbConnection, Error> {
        if let Some(mut connection) = self.connection.take() {
            // The server may have restarted since: then nothing is lost by finding out now.
            if connection.ping().await.is_ok() {
                return Ok(connection);
            }
            give_up(connection);
        }
        self.connected().await
    }

    async fn connected(&mut self) -> Result<DbConnection, Error> {
        let until = Instant::now() + CONNECT_DEADLINE;
        loop {
            let error = match PostgresConnection::of(&self.pool).await {
                Ok(session) => {
                    let mut connection = DbConnection::new(Link::Postgres(session));
                    match connection.ping().await {
                        Ok(()) => {
                            self.state.set_writable(true);
                            return Ok(connection);
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.state.set_writable(false);
            if Instant::now() >= until {
                return Err(error);
            }
            sleep(TRY_AGAIN).await;
        }
    }

    /// What became of a group whose commit was not answered. The lock is free only once the lost transaction has ended,
    /// so a mark that is not there by then never comes.
    async fn look_for_group(&mut self, lost: Error) -> Result<(), Failure> {
        tracing::warn!(error = %lost, "a commit was not answered; looking for its group");
        let until = Instant::now() + LOOK_FOR_GROUP;
        while let Ok(looked) = timeout_at(until, self.last_group()).await {
            match looked {
                Ok(last_group) if last_group == Some(self.group_number) => return Ok(()),
                Ok(_) => return Err(Failure::NotDone(lost)),
                Err(error) => tracing::warn!(%error, "the group could not be looked for"),
            }
            sleep(TRY_AGAIN).await;
        }
        Err(Failure::Unknown(lost))
    }

    async fn last_group(&mut self) -> Result<Option<i64>, Error> {
        let mut connection = self.connected().await?;
        let mut db_tx = connection.begin_with(BEGIN.into_sql_str()).await?;
        let last_group = sqlx::query_scalar("SELECT last_group FROM write_group WHERE writer = $1")
            .bind(&self.name)
            .fetch_optional(&mut *db_tx)
            .await?;
        db_tx.commit().await?;
        self.connection = Some(connection);
        Ok(last_group)
    }
}

/// One group from its begin to its commit. What fails before the commit was sent did not happen.
async fn write_group(
    connection: &mut DbConnection,
    group: &mut [Box<dyn QueuedStep>],
    mark: (&str, i64),
) -> Result<(), Failure> {
    connection.news.clear();
    let mut db_tx = connection.begin_with(BEGIN.into_sql_str()).await.map_err(Failure::NotDone)?;
    run_steps(&mut db_tx, group).await.map_err(Failure::NotDone)?;
    leave_mark(&mut db_tx, mark).await.map_err(Failure::NotDone)?;
    db_tx.commit().await.map_err(|error| {
        if postgres::leaves_commit_unknown(&error) { Failure::Unknown(error) } else { Failure::NotDone(error) }
    })
}

/// Writes down that this group is the writer's last, and has the others told once it is durable.
async fn leave_mark(db_tx: &mut DbConnection, (writer, group_number): (&str, i64)) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO write_group (writer, last_group, written_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (writer) DO UPDATE SET last_group = $2, written_ms = $3",
    )
    .bind(writer)
    .bind(group_number)
    .bind(signed_ms(now_ms()))
    .execute(&mut *db_tx)
    .await?;
    for news in std::mem::take(&mut db_tx.news) {
        let payload = news::written(writer, &news);
        sqlx::query("SELECT pg_notify('tapseal', $1)").bind(payload).execute(&mut *db_tx).await?;
    }
    Ok(())
}

fn give_up(mut connection: DbConnection) {
    if let Link::Postgres(session) = &mut connection.link {
        session.give_up();
    }
}
