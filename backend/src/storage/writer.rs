//! The writer: takes whatever steps wait, runs them as one group, commits, answers.
//!
//! A group is one transaction with a savepoint for each step, so a step that fails is undone alone. Groups of several
//! replicas follow one another, because each takes the writers' lock first: what appends to the journal's one chain is
//! serial anyhow, and a step may then read and write without a thought for others (ADR 21).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::{Connection, Error, SqlSafeStr};
use tokio::sync::{mpsc, oneshot};

use super::database::{DbConnection, Link};

mod replica;

pub(super) use replica::ReplicaWriter;

/// The most steps that share one commit. PostgreSQL remembers as many savepoints of a transaction without effort
/// (`PGPROC_MAX_CACHED_SUBXIDS`).
const GROUP_STEPS_MAX: usize = 64;

/// Result codes after which SQLite's writer may go on: the lock was busy, or the disk was full.
/// After any other failed commit what is durable is unknown, and the writer stops (SQLite, "Result Codes").
const RECOVERABLE_COMMIT_CODES: [&str; 2] = ["5", "13"];

/// Steps on their way to the writer.
pub(super) type Steps = mpsc::Receiver<Box<dyn QueuedStep>>;

/// How the writer does: whether writes can succeed at present, and what it has written.
pub(super) struct WriterState {
    is_writable: AtomicBool,
    groups: AtomicU64,
    steps: AtomicU64,
    took_us: AtomicU64,
}

/// What a writer has written since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Groups that are durable.
    pub count: u64,
    /// Steps in them.
    pub steps: u64,
    /// Time they took, their commits included.
    pub took: Duration,
}

impl WriterState {
    pub(super) const fn new() -> Self {
        let (groups, steps, took_us) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { is_writable: AtomicBool::new(true), groups, steps, took_us }
    }

    pub(super) fn is_writable(&self) -> bool {
        self.is_writable.load(Ordering::Acquire)
    }

    fn set_writable(&self, is_so: bool) {
        self.is_writable.store(is_so, Ordering::Release);
    }

    /// Counts a group that is durable now.
    fn written(&self, steps: usize, took: Duration) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.steps.fetch_add(u64::try_from(steps).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.took_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        tracing::debug!(steps, "a group is durable");
    }

    pub(super) fn groups(&self) -> Groups {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Groups { count: of(&self.groups), steps: of(&self.steps), took: Duration::from_micros(of(&self.took_us)) }
    }
}

/// A step in the writer's queue, whatever it returns.
pub(super) trait QueuedStep: Send {
    /// Runs the step; whether its effects shall be kept.
    fn run<'c>(&'c mut self, connection: &'c mut DbConnection) -> BoxFuture<'c, bool>;
    /// Takes back a success: the database did not keep the step's effects.
    fn undone(&mut self, why: &str);
    /// Answers the caller, now that the group's fate is known.
    fn answer(self: Box<Self>, group_failure: Option<&str>);
}

/// A step, its outcome once it ran, and who waits for it.
pub(super) struct Waiting<T, E, F> {
    step: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Waiting<T, E, F> {
    /// A step that has not run.
    pub(super) const fn new(step: F, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { step: Some(step), outcome: None, reply }
    }
}

impl<T, E, F> QueuedStep for Waiting<T, E, F>
where
    F: for<'c> FnOnce(&'c mut DbConnection) -> BoxFuture<'c, Result<T, E>> + Send,
    T: Send,
    E: From<Error> + Send,
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

    fn undone(&mut self, why: &str) {
        self.outcome = Some(Err(Error::Protocol(why.to_owned()).into()));
    }

    fn answer(self: Box<Self>, group_failure: Option<&str>) {
        let failed = |text: &str| Err(Error::Protocol(text.to_owned()).into());
        let answer = match (self.outcome, group_failure) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(_)) | None, Some(failure)) => failed(failure),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => failed("the step did not run"),
        };
        // A caller that has gone away does not want its answer; the step is durable all the same.
        let _ = self.reply.send(answer);
    }
}

/// Runs the steps of a group, each in its own savepoint.
async fn run_steps(connection: &mut DbConnection, group: &mut [Box<dyn QueuedStep>]) -> Result<(), Error> {
    for step in group {
        connection.command("SAVEPOINT step").await?;
        let news_before = connection.news.len();
        if step.run(connection).await {
            let Err(error) = connection.command("RELEASE step").await else { continue };
            // The step went on after a statement of it was refused, and PostgreSQL has kept nothing of it since.
            tracing::error!(%error, "a step went on after a failure");
            step.undone("the step went on after a failure and was not kept");
        }
        connection.news.truncate(news_before);
        connection.command("ROLLBACK TO step; RELEASE step").await?;
    }
    Ok(())
}

/// Writes a file until nobody has steps for it, or a commit's outcome is unknown.
pub(super) async fn write_file(mut connection: DbConnection, mut steps: Steps, state: Arc<WriterState>) {
    let mut group = Vec::with_capacity(GROUP_STEPS_MAX);
    while steps.recv_many(&mut group, GROUP_STEPS_MAX).await > 0 {
        let began = Instant::now();
        let result = commit_group(&mut connection, &mut group).await;
        let failure = result.as_ref().err().map(ToString::to_string);
        if result.is_ok() {
            state.written(group.len(), began.elapsed());
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
    state.set_writable(false);
    // Closing checkpoints the write-ahead log; a failure leaves the log for the next start.
    let _ = connection.close().await;
}

async fn commit_group(connection: &mut DbConnection, group: &mut [Box<dyn QueuedStep>]) -> Result<(), Error> {
    let mut db_tx = connection.begin_with("BEGIN IMMEDIATE".into_sql_str()).await?;
    run_steps(&mut db_tx, group).await?;
    db_tx.commit().await
}

fn is_recoverable(error: &Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| {
        // Extended codes carry the primary code in their low byte.
        let primary = code.parse::<u32>().map(|code| (code & 0xff).to_string());
        primary.is_ok_and(|primary| RECOVERABLE_COMMIT_CODES.contains(&primary.as_str()))
    })
}
