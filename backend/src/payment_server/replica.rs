//! This server among those that share its database: that it lives, what it holds, and what the others tell.
//!
//! A server says every few seconds that it lives. What it holds is its own for as long as that is true: an attempt it has
//! sent to the bank is never asked about by another that has just started. Once its time is over it counts as dead, and
//! what it held is driven on by whoever looks first. Should it live after all, its bank's answer is a late one, for
//! which there are rules already ([`late_answer`](super::late_answer)).
//!
//! A file has one server. So whatever an earlier run left in it is nobody's at once, and there is nobody to tell.

use std::time::Duration;

use futures::FutureExt;

use super::{App, Error, inquiry};
use crate::clock::{now_ms, signed_ms};
use crate::keys;
use crate::storage::{Db, DbConnection, Heard, News};

/// How often a server says that it lives.
const BEAT_EVERY: Duration = Duration::from_secs(2);
/// How long it counts as living after it said so: several beats may fail, and clocks may differ by some of it.
const ALIVE_MS: i64 = 10_000;
/// How long a dead server is remembered, for whoever looks into the table.
const REMEMBERED_MS: i64 = 24 * 60 * 60 * 1_000;

/// Who this server is among its equals.
pub(super) struct Replica {
    id: String,
}

impl Replica {
    /// Enters this server among those that live.
    pub(super) async fn enter(db: &Db) -> Result<Self, Error> {
        let id = hex::encode(keys::random::<16>());
        let (own, is_shared) = (id.clone(), db.is_shared());
        db.write(move |db_tx| enter_step(db_tx, own, is_shared).boxed()).await?;
        Ok(Self { id })
    }

    /// Its name, which no other run of any server has.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Takes it out again, so that nobody waits for its time to be over.
    pub(super) async fn leave(&self, db: &Db) -> Result<(), Error> {
        let id = self.id.clone();
        db.write(move |db_tx| {
            async move {
                sqlx::query("DELETE FROM replica WHERE id = $1").bind(id).execute(db_tx).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

async fn enter_step(db_tx: &mut DbConnection, id: String, is_shared: bool) -> Result<(), Error> {
    let now_ms = signed_ms(now_ms());
    // A file's earlier server is gone, whatever it said last.
    let forgotten_ms = if is_shared { now_ms - REMEMBERED_MS } else { i64::MAX };
    sqlx::query("DELETE FROM replica WHERE alive_until_ms <= $1").bind(forgotten_ms).execute(&mut *db_tx).await?;
    sqlx::query("INSERT INTO replica (id, started_ms, alive_until_ms) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(now_ms)
        .bind(if is_shared { now_ms + ALIVE_MS } else { i64::MAX })
        .execute(db_tx)
        .await?;
    Ok(())
}

/// Says that this server lives, and looks after what dead ones left, until the server stops.
pub(super) async fn run(app: App) {
    if !app.db.is_shared() {
        return;
    }
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = tokio::time::sleep(BEAT_EVERY) => {}
        }
        if let Err(error) = beat(&app).await {
            tracing::error!(%error, "this server could not say that it lives");
        } else if let Err(error) = inquiry::recover(&app).await {
            tracing::error!(%error, "what a dead server left could not be looked for");
        }
    }
}

async fn beat(app: &App) -> Result<(), Error> {
    let id = app.replica.id.clone();
    app.db
        .write(move |db_tx| {
            async move {
                let now_ms = signed_ms(now_ms());
                sqlx::query(
                    "INSERT INTO replica (id, started_ms, alive_until_ms) VALUES ($1, $2, $3) \
                     ON CONFLICT (id) DO UPDATE SET alive_until_ms = excluded.alive_until_ms",
                )
                .bind(id)
                .bind(now_ms)
                .bind(now_ms + ALIVE_MS)
                .execute(db_tx)
                .await?;
                Ok(())
            }
            .boxed()
        })
        .await
}

/// Wakes whoever waits here for what another server has changed, until the server stops.
pub(super) async fn listen(app: App) {
    let mut news = app.db.news();
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            heard = news.next() => match heard {
                Heard::News(news) => hear(&app, &news).await,
                Heard::Gap => wake_everybody(&app).await,
            },
        }
    }
}

async fn hear(app: &App, news: &News) {
    match &*news.kind {
        "device" => news.id.parse().map(|device| app.device_watchers.tell(device)).unwrap_or_default(),
        "attempt" => news.id.parse().map(|attempt| app.attempt_watchers.tell(attempt)).unwrap_or_default(),
        "journal" => news.id.parse().map(|merchant| app.journal_watchers.tell(merchant)).unwrap_or_default(),
        "bank_certificate" => recall(app, &news.id).await,
        other => tracing::warn!(kind = other, "news of a kind that is not known here"),
    }
}

/// Nobody listened for a while: whoever waits looks once.
async fn wake_everybody(app: &App) {
    app.device_watchers.tell_all();
    app.attempt_watchers.tell_all();
    app.journal_watchers.tell_all();
    app.outbox_wake.notify_one();
    for (bank, _) in app.banks.iter() {
        recall(app, bank.as_str()).await;
    }
}

async fn recall(app: &App, bank: &str) {
    let Ok(bank) = bank.parse() else { return };
    if let Err(error) = app.keys.recall(&bank, &app.db, now_ms()).await {
        tracing::warn!(%error, %bank, "a bank's certificates could not be read again");
    }
}
