//! What one replica tells the others: that something has changed, and about what. Only hints travel this way.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::broadcast;

/// The channel (PostgreSQL, "NOTIFY").
const CHANNEL: &str = "tapseal";
/// The most news a listener may be behind with; then it is told that it has missed some.
const BEHIND_MAX: usize = 1_024;
/// The first wait before listening again, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Something has changed about `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What the id is of.
    pub kind: Box<str>,
    /// Which.
    pub id: Box<str>,
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// This.
    News(News),
    /// That nobody listened for a while, so that anything may have changed.
    Gap,
}

/// Everybody in this process who wants to know.
#[derive(Clone)]
pub(super) struct Listeners(broadcast::Sender<Heard>);

impl Listeners {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(BEHIND_MAX))
    }

    pub(super) fn subscribe(&self) -> NewsStream {
        NewsStream(self.0.subscribe())
    }
}

/// News, one after the other.
pub struct NewsStream(broadcast::Receiver<Heard>);

impl NewsStream {
    /// The next, once there is one. On SQLite there never is: nobody else has the file's server.
    pub async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Ok(heard) => heard,
            Err(broadcast::error::RecvError::Lagged(_)) => Heard::Gap,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// How a step's news travels: who tells it, its kind, its id.
pub(super) fn written(writer: &str, news: &News) -> String {
    format!("{writer} {} {}", news.kind, news.id)
}

fn read(payload: &str) -> Option<(&str, News)> {
    let mut parts = payload.splitn(3, ' ');
    let (writer, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some((writer, News { kind: kind.into(), id: id.into() }))
}

/// Listens for as long as somebody is there to be told. A connection that was lost is followed by a [`Heard::Gap`].
pub(super) async fn listen(pool: PgPool, listeners: Listeners, own_writer: String) {
    let mut wait = FIRST_WAIT;
    loop {
        match PgListener::connect_with(&pool).await {
            Ok(mut listener) => {
                if listener.listen(CHANNEL).await.is_ok() {
                    wait = FIRST_WAIT;
                    // What was told before this moment was told to nobody here.
                    let _ = listeners.0.send(Heard::Gap);
                    hear(&mut listener, &listeners, &own_writer).await;
                }
            }
            Err(error) => tracing::warn!(%error, "no connection to hear other replicas on"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}

async fn hear(listener: &mut PgListener, listeners: &Listeners, own_writer: &str) {
    // `None` is sqlx's word for a connection that was lost; it would open another by itself at the next call.
    while let Ok(Some(notification)) = listener.try_recv().await {
        match read(notification.payload()) {
            Some((writer, _)) if writer == own_writer => {}
            Some((_, news)) => drop(listeners.0.send(Heard::News(news))),
            None => tracing::warn!("news in words that are not ours"),
        }
    }
    tracing::warn!("the connection to hear other replicas on was lost");
}
