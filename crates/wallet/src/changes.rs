//! What has changed: one counter that every watcher waits on.

use std::time::Duration;

use payment::RequestId;
use protocol::ErrorCode;
use protocol::ipc::shell::OpenedBy;
use tokio::sync::watch;

/// How long a watcher waits before it is answered with nothing new.
const WATCH_WAIT: Duration = Duration::from_secs(25);

/// What every watcher is told apart from the checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Grows with every change.
    pub seq: u64,
    /// Whether the payment server answered last.
    pub online: bool,
    /// Grows with every change of the inbox.
    pub inbox_version: u64,
    /// A request that a link or a notification asks to be shown.
    pub opened: Option<RequestId>,
    /// Which of the two.
    pub opened_by: OpenedBy,
    /// Grows each time something from outside asks for the window.
    pub opened_version: u64,
    /// Why the last link from outside brought nothing.
    pub link_problem: Option<ErrorCode>,
    /// Grows with every change of a merchant's sale.
    pub sales_version: u64,
    /// Grows with every receipt that is entered and every refund.
    pub history_version: u64,
}

/// The counter.
pub struct Changes(watch::Sender<Seen>);

impl Changes {
    /// Nothing has changed yet; the first watcher is answered at once.
    pub fn new() -> Self {
        Self(watch::Sender::new(Seen {
            seq: 1,
            online: false,
            inbox_version: 1,
            opened: None,
            opened_by: OpenedBy::Link,
            opened_version: 1,
            link_problem: None,
            sales_version: 1,
            history_version: 1,
        }))
    }

    /// What stands now.
    pub fn now(&self) -> Seen {
        *self.0.borrow()
    }

    /// The checkout moved.
    pub fn checkout_moved(&self) {
        self.0.send_modify(|seen| seen.seq += 1);
    }

    /// The inbox changed.
    pub fn inbox_changed(&self) {
        self.0.send_modify(|seen| {
            seen.seq += 1;
            seen.inbox_version += 1;
        });
    }

    /// A merchant's sale changed.
    pub fn sales_changed(&self) {
        self.0.send_modify(|seen| {
            seen.seq += 1;
            seen.sales_version += 1;
        });
    }

    /// A receipt was entered in the history, or something was given back.
    pub fn history_changed(&self) {
        self.0.send_modify(|seen| {
            seen.seq += 1;
            seen.history_version += 1;
        });
    }

    /// The payment server answered, or did not.
    pub fn reached(&self, reach: Reach) {
        let online = reach == Reach::Online;
        self.0.send_if_modified(|seen| {
            let changed = seen.online != online;
            if changed {
                seen.online = online;
                seen.seq += 1;
            }
            changed
        });
    }

    /// A link or a notification asks for this request. The same one may be asked for again.
    pub fn asked_for(&self, request_id: RequestId, by: OpenedBy) {
        self.0.send_modify(|seen| {
            seen.opened = Some(request_id);
            seen.opened_by = by;
            seen.link_problem = None;
            seen.opened_version += 1;
            seen.seq += 1;
        });
    }

    /// A link from outside brought nothing, and why.
    pub fn link_failed(&self, code: ErrorCode) {
        self.0.send_modify(|seen| {
            seen.opened = None;
            seen.link_problem = Some(code);
            seen.opened_version += 1;
            seen.seq += 1;
        });
    }

    /// The window has shown the request that was asked for.
    pub fn shown(&self, request_id: RequestId) {
        self.0.send_if_modified(|seen| {
            let is_it = seen.opened == Some(request_id);
            if is_it {
                seen.opened = None;
                seen.seq += 1;
            }
            is_it
        });
    }

    /// Waits until inbox or receipts changed after this version.
    pub async fn inbox_after(&self, version: u64) {
        let mut receiver = self.0.subscribe();
        // The counter lives as long as the wallet.
        let _ = receiver.wait_for(|seen| seen.inbox_version > version).await;
    }

    /// Waits until something changed after `after`, or the wait is over.
    pub async fn wait(&self, after: u64) -> Seen {
        let mut receiver = self.0.subscribe();
        // A time-out is no error: the watcher then learns that nothing changed.
        let _ = tokio::time::timeout(WATCH_WAIT, receiver.wait_for(|seen| seen.seq > after)).await;
        self.now()
    }
}

/// Whether the payment server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It answered.
    Online,
    /// It did not.
    Offline,
}
