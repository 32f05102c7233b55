//! Keeping the history whole: receipts that an older version or a backup brought are entered in small steps, and months
//! are counted anew where the device's zone is another one.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::calendar;
use super::entry::HistoryEntry;
use crate::error::Result;
use crate::receipt::VerifiedReceipt;
use crate::wallet::Wallet;

/// How many receipts one step enters.
const STEP: i64 = 200;
/// How many dates one step looks at.
const DATES_STEP: i64 = 2_000;
/// How often it is tried, and how long is waited in between: a database may be busy for a while.
const TRIES_MAX: u32 = 10;
const PAUSE: Duration = Duration::from_secs(3);
/// The setting that keeps the zone the months were counted in.
const SETTING_ZONE: &str = "history_zone";

/// Brings the history up to date once, in the background. The window is usable meanwhile, and is told of every step.
pub(crate) async fn run(wallet: Wallet) {
    let completed = async {
        for _ in 0..TRIES_MAX {
            match wallet.complete_history().await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the history could not be brought up to date"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // What is not entered by then is entered at the next start.
    let _ = wallet.core.closing.run_until_cancelled(completed).await;
}

impl Wallet {
    /// Enters every receipt that waits, and counts months where this device is now.
    pub(crate) async fn complete_history(&self) -> Result<()> {
        let zone = TimeZone::system();
        while self.enter_some(&zone).await? {
            self.core.changes.history_changed();
        }
        self.follow_zone(&zone).await
    }

    /// Enters some receipts; whether there were any.
    async fn enter_some(&self, zone: &TimeZone) -> Result<bool> {
        let waiting = self.core.store.unentered_receipts(STEP).await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let (core, zone) = (Arc::clone(&self.core), zone.clone());
        // Signatures are checked beside the threads that answer the window.
        let checked = tokio::task::spawn_blocking(move || {
            let (mut entries, mut unverified) = (Vec::new(), Vec::new());
            for (attempt_id, text) in waiting {
                match VerifiedReceipt::from_json(&text, core.keys.roots()) {
                    Ok(receipt) if receipt.outcome().attempt_id.to_string() == attempt_id => {
                        entries.push(HistoryEntry::of(&receipt, &zone));
                    }
                    Ok(_) => unverified.push(attempt_id),
                    Err(error) => {
                        tracing::warn!(attempt = attempt_id, %error, "a kept receipt does not verify");
                        unverified.push(attempt_id);
                    }
                }
            }
            (entries, unverified)
        });
        let (entries, unverified) = checked.await.expect("checking receipts does not panic");
        self.core.store.enter_receipts(&entries, &unverified).await?;
        Ok(true)
    }

    async fn follow_zone(&self, zone: &TimeZone) -> Result<()> {
        let store = &self.core.store;
        let name = calendar::zone_name(zone);
        if store.setting(SETTING_ZONE).await?.as_deref() == Some(&name) {
            return Ok(());
        }
        let mut after = i64::MIN;
        loop {
            let dates = store.history_dates(after, DATES_STEP).await?;
            let Some((last, ..)) = dates.last() else { break };
            after = *last;
            let months =
                dates.into_iter().map(|(id, time_ms, month)| (id, calendar::month_number(time_ms, zone), month));
            let moved: Vec<(i64, i64)> =
                months.filter(|(_, now, before)| now != before).map(|(id, now, _)| (id, now)).collect();
            if !moved.is_empty() {
                store.move_to_months(&moved).await?;
                self.core.changes.history_changed();
            }
        }
        store.save_setting(SETTING_ZONE, &name).await
    }
}
