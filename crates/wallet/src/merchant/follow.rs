//! Following the merchant's journal: what happened to the sales, as soon as it happened.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use payment::{MerchantId, RequestId};
use protocol::merchant_api::EventsPage;

use super::Till;
use super::api::not_there;
use crate::error::Result;
use crate::store::Store;
use crate::wallet::Wallet;

/// The setting that keeps the last journal entry taken in; the merchant's id follows.
const SETTING_PLACE: &str = "events_after:";
/// The first wait before the server is tried again, and the least between two empty answers.
const RETRY_WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait before the server is tried again.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Runs until the wallet closes.
pub(crate) async fn run(wallet: Wallet) {
    let closing = wallet.core.closing.clone();
    closing.run_until_cancelled(follow_each(&wallet)).await;
}

/// Follows the journal of whatever merchant this wallet is connected to.
async fn follow_each(wallet: &Wallet) {
    let mut connected = wallet.core.till.connected.subscribe();
    loop {
        connected.borrow_and_update();
        match wallet.core.till.get() {
            Some(till) => {
                tokio::select! {
                    () = follow(wallet, &till) => {}
                    changed = connected.changed() => if changed.is_err() { return },
                }
            }
            None if connected.changed().await.is_err() => return,
            None => {}
        }
    }
}

async fn follow(wallet: &Wallet, till: &Arc<Till>) {
    let mut wait = RETRY_WAIT_MIN;
    loop {
        match wallet.catch_up_with_sales(till).await {
            Ok(()) => wait = RETRY_WAIT_MIN,
            Err(error) => {
                tracing::info!(%error, wait_ms = wait.as_millis(), "the merchant's journal could not be read");
                wait = (wait * 2).min(RETRY_WAIT_MAX);
            }
        }
        tokio::time::sleep(wait).await;
    }
}

impl Wallet {
    /// Asks about what is unanswered, then takes in journal entries until one wait of the server's ends without any.
    async fn catch_up_with_sales(&self, till: &Till) -> Result<()> {
        self.look_up_unanswered_sales(till).await?;
        self.look_up_unanswered_refunds(till).await?;
        loop {
            let after = place(&self.core.store, &till.facts.merchant_id).await?;
            let page = till.api.next_events(after).await?;
            if page.events.is_empty() {
                return Ok(());
            }
            self.take_in_events(till, &page).await?;
        }
    }

    /// Refreshes the till's own notes on every request that something happened to.
    async fn take_in_events(&self, till: &Till, page: &EventsPage) -> Result<()> {
        let touched: BTreeSet<RequestId> = page.events.iter().map(|event| event.request_id).collect();
        for request_id in touched {
            if self.core.store.sale(request_id).await?.is_some() {
                match till.api.request(request_id).await {
                    Ok(view) => self.core.store.save_sale_view(&view, None).await?,
                    Err(error) if not_there(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(last) = page.events.last() {
            save_place(&self.core.store, &till.facts.merchant_id, last.seq).await?;
        }
        self.core.changes.sales_changed();
        Ok(())
    }
}

/// The last journal entry taken in.
async fn place(store: &Store, merchant_id: &MerchantId) -> Result<u64> {
    let kept = store.setting(&format!("{SETTING_PLACE}{merchant_id}")).await?;
    Ok(kept.and_then(|seq| seq.parse().ok()).unwrap_or(0))
}

/// Remembers the last journal entry taken in.
pub(super) async fn save_place(store: &Store, merchant_id: &MerchantId, seq: u64) -> Result<()> {
    store.save_setting(&format!("{SETTING_PLACE}{merchant_id}"), &seq.to_string()).await
}
