//! The standing session with a centre: bound again after every end, with growing pauses; receipts are stored as they come.

use std::collections::VecDeque;
use std::time::Duration;

use rusmpp::CommandStatus;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::receipt::Receipt;
use super::account::Account;
use super::link::{Link, Stored, Surroundings, Told};
use super::{Answer, Submit};
use crate::keys;

/// The pauses between two tries to bind: the first, and the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The most receipts that wait to be stored.
const RECEIPTS_MAX: usize = 256;
/// How many of them are stored at once: they share a commit.
const STORED_AT_ONCE_MAX: usize = 32;

/// Why a receipt was not stored.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// The session of one centre.
pub struct SmppSession {
    account: Account,
    submits: mpsc::Receiver<Submit>,
    again: VecDeque<Submit>,
}

impl SmppSession {
    pub(super) fn new(account: Account, submits: mpsc::Receiver<Submit>) -> Self {
        Self { account, submits, again: VecDeque::new() }
    }

    /// Keeps the session until the server stops. A receipt is acknowledged once `store` has stored it.
    pub async fn run<S, F>(mut self, shutdown: CancellationToken, store: S)
    where
        S: Fn(String, Receipt) -> F + Clone + Send + 'static,
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let (receipts, told) = mpsc::channel(RECEIPTS_MAX);
        let (acknowledge, mut stored) = mpsc::channel(RECEIPTS_MAX);
        let storing = tokio::spawn(store_receipts(store, self.account.name.clone(), told, acknowledge));
        let mut pause = PAUSE_MIN;
        while !shutdown.is_cancelled() {
            let ended = match Link::bind(&self.account).await {
                Ok(link) => {
                    tracing::info!(centre = self.account.name, "bound to a short message centre");
                    pause = PAUSE_MIN;
                    // Receipts of an earlier connection cannot be acknowledged on this one; the centre sends them again.
                    while stored.try_recv().is_ok() {}
                    let mut with = Surroundings {
                        account: &self.account,
                        submits: &mut self.submits,
                        again: &mut self.again,
                        receipts: &receipts,
                        stored: &mut stored,
                        shutdown: &shutdown,
                    };
                    link.serve(&mut with).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                tracing::warn!(centre = self.account.name, %error, "there is no session with a short message centre");
                self.rest(&shutdown, pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
        drop(receipts);
        // It ends once the receipts that came are stored.
        let _ = storing.await;
    }

    /// While there is no session everything is told at once that it was not sent, so that another gateway can take it.
    async fn rest(&mut self, shutdown: &CancellationToken, pause: Duration) {
        for submit in self.again.drain(..) {
            let _ = submit.answer.send(Answer::NotSent);
        }
        let jitter = Duration::from_millis(u64::from(keys::random::<1>()[0]));
        let until = Instant::now() + pause + jitter;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep_until(until) => return,
                Some(submit) = self.submits.recv() => {
                    let _ = submit.answer.send(Answer::NotSent);
                }
            }
        }
    }
}

async fn store_receipts<S, F>(
    store: S,
    centre: String,
    mut told: mpsc::Receiver<Told>,
    acknowledge: mpsc::Sender<Stored>,
) where
    S: Fn(String, Receipt) -> F,
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(STORED_AT_ONCE_MAX));
    while let Some(Told { receipt, sequence }) = told.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let (storing, acknowledge) = (store(centre.clone(), receipt), acknowledge.clone());
        tasks.spawn(async move {
            let status = match storing.await {
                Ok(()) => CommandStatus::EsmeRok,
                Err(error) => {
                    tracing::error!(%error, "a receipt could not be stored; its centre will send it again");
                    CommandStatus::EsmeRxTAppn
                }
            };
            // A connection that has ended has nothing to acknowledge on.
            let _ = acknowledge.try_send(Stored { sequence, status });
            drop(place);
        });
    }
    tasks.close();
    tasks.wait().await;
}
