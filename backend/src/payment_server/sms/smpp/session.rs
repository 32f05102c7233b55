//! The standing session with a centre: bound again after every end, with growing pauses; receipts are stored as they come.

use std::collections::VecDeque;
use std::time::Duration;

use rusmpp::CommandStatus;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::super::super::outbox::{self, Report};
use super::super::super::{App, Error};
use super::super::receipt::{Receipt, Stage};
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

/// The session of one centre.
pub(in super::super::super) struct SmppSession {
    account: Account,
    submits: mpsc::Receiver<Submit>,
    again: VecDeque<Submit>,
}

impl SmppSession {
    pub(super) fn new(account: Account, submits: mpsc::Receiver<Submit>) -> Self {
        Self { account, submits, again: VecDeque::new() }
    }

    /// Keeps the session until the server stops.
    pub(in super::super::super) async fn run(mut self, app: App) {
        let (receipts, told) = mpsc::channel(RECEIPTS_MAX);
        let (acknowledge, mut stored) = mpsc::channel(RECEIPTS_MAX);
        let storing = tokio::spawn(store_receipts(app.clone(), self.account.name.clone(), told, acknowledge));
        let mut pause = PAUSE_MIN;
        while !app.shutdown.is_cancelled() {
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
                        shutdown: &app.shutdown,
                    };
                    link.serve(&mut with).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                tracing::warn!(centre = self.account.name, %error, "there is no session with a short message centre");
                self.rest(&app, pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
        drop(receipts);
        // It ends once the receipts that came are stored.
        let _ = storing.await;
    }

    /// While there is no session everything is told at once that it was not sent, so that another gateway can take it.
    async fn rest(&mut self, app: &App, pause: Duration) {
        for submit in self.again.drain(..) {
            let _ = submit.answer.send(Answer::NotSent);
        }
        let jitter = Duration::from_millis(u64::from(keys::random::<1>()[0]));
        let until = Instant::now() + pause + jitter;
        loop {
            tokio::select! {
                () = app.shutdown.cancelled() => return,
                () = tokio::time::sleep_until(until) => return,
                Some(submit) = self.submits.recv() => {
                    let _ = submit.answer.send(Answer::NotSent);
                }
            }
        }
    }
}

async fn store_receipts(app: App, centre: String, mut told: mpsc::Receiver<Told>, acknowledge: mpsc::Sender<Stored>) {
    let tasks = TaskTracker::new();
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(STORED_AT_ONCE_MAX));
    while let Some(Told { receipt, sequence }) = told.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let (app, centre, acknowledge) = (app.clone(), centre.clone(), acknowledge.clone());
        tasks.spawn(async move {
            let status = match store(&app, &centre, receipt).await {
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

async fn store(app: &App, centre: &str, receipt: Receipt) -> Result<(), Error> {
    let report = match receipt.stage {
        Stage::UnderWay => return Ok(()),
        Stage::Delivered => Report::Delivered,
        Stage::Expired => Report::FailedHere("expired"),
        Stage::Undeliverable => Report::FailedHere("unreachable"),
        Stage::Rejected => Report::FailedHere("rejected"),
    };
    outbox::report_part(app, centre, receipt.message_id, report).await
}
