//! What time does to a request by itself: one that was put off comes back, one that is not paid expires.

use payment::RequestId;
use protocol::ipc::{RequestPhase, RequestView};
use protocol::{ErrorCode, Problem};
use tokio::time::{Duration, sleep};

use super::Wallet;

/// The longest sleep: a clock that was set meanwhile is noticed after it.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// How long after a moment a request is looked at, so that the moment has certainly passed.
const AFTER: Duration = Duration::from_millis(20);

impl Wallet {
    /// Puts a request off until a time; then it comes back by itself.
    pub async fn postpone_until(
        &self,
        request_id: RequestId,
        until_ms: u64,
    ) -> std::result::Result<RequestView, Problem> {
        let now_ms = self.core.server.now_ms();
        let expires_ms = self.verified(request_id).await?.order().expires_ms;
        if until_ms <= now_ms || until_ms >= expires_ms {
            return Err(Problem::new(ErrorCode::InvalidInput).with_detail("until_ms: between now and the expiry"));
        }
        self.put_off(request_id, Some(until_ms)).await
    }

    /// Brings a request back that was put off.
    pub async fn bring_back(&self, request_id: RequestId) -> std::result::Result<RequestView, Problem> {
        self.row(request_id).await?;
        self.core.store.bring_back(request_id).await?;
        self.core.changes.inbox_changed();
        self.show(request_id).await
    }

    /// Moves a request to the end of the inbox, until a time or for now.
    pub(super) async fn put_off(
        &self,
        request_id: RequestId,
        until_ms: Option<u64>,
    ) -> std::result::Result<RequestView, Problem> {
        self.row(request_id).await?;
        self.core.store.postpone(request_id, until_ms, self.core.server.now_ms()).await?;
        self.core.changes.inbox_changed();
        Ok(self.view_of(request_id).await?)
    }

    /// Tells of requests that come back or expire, at their time. Runs until the wallet closes.
    pub(crate) async fn follow_time(self) {
        let changes = &self.core.changes;
        let telling = async {
            let mut due_ms: Option<u64> = None;
            loop {
                let seen = changes.now().inbox_version;
                // Without keys nothing can be shown yet; whatever brings them is a change.
                let views = self.inbox().await.unwrap_or_default();
                let now_ms = self.core.server.now_ms();
                if due_ms.take().is_some_and(|due_ms| due_ms <= now_ms) {
                    changes.inbox_changed();
                    continue;
                }
                due_ms = next_moment_ms(&views);
                let left = due_ms.map(|due_ms| Duration::from_millis(due_ms.saturating_sub(now_ms)) + AFTER);
                tokio::select! {
                    () = sleep(left.unwrap_or(SLEEP_MAX).min(SLEEP_MAX)) => {}
                    () = changes.inbox_after(seen) => {}
                }
            }
        };
        self.core.closing.run_until_cancelled(telling).await;
    }
}

/// When the first of these requests changes by itself.
fn next_moment_ms(views: &[RequestView]) -> Option<u64> {
    let payable = views.iter().filter(|view| matches!(view.phase, RequestPhase::Open | RequestPhase::Postponed));
    payable.map(|view| view.postponed_until_ms.unwrap_or(u64::MAX).min(view.expires_ms)).min()
}
