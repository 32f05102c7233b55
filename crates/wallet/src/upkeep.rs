//! Keeping in touch: registers the device, asks about unfinished payments, refreshes keys, follows the inbox.

use std::time::Duration;

use protocol::Problem;
use protocol::wallet_api::InboxEvent;

use crate::error::{Result, WalletError};
use crate::lock::Door;
use crate::wallet::Wallet;

/// The setting that says which device the server knows.
const SETTING_REGISTERED: &str = "registered_device";
/// The setting that keeps the last inbox entry taken in; the device's id follows, since each has its own inbox.
const SETTING_INBOX_SEQ: &str = "inbox_seq:";
/// The first wait before the server is tried again.
const RETRY_WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait before the server is tried again.
const RETRY_WAIT_MAX: Duration = Duration::from_mins(1);
/// How often keys are refreshed and unfinished payments asked about while the stream runs.
const REFRESH_EVERY: Duration = Duration::from_mins(10);
/// How often unfinished payments are asked about while there are any.
const RECOVER_EVERY: Duration = Duration::from_secs(15);
/// How many inbox pages one sync takes in.
const PAGES_MAX: u32 = 20;
/// How many open requests one sync asks about.
const STATES_MAX: usize = 50;

/// Runs until the wallet closes.
pub(crate) async fn run(wallet: Wallet) {
    let closing = wallet.core.closing.clone();
    closing.run_until_cancelled(keep_in_touch(&wallet)).await;
}

async fn keep_in_touch(wallet: &Wallet) {
    let mut wait = RETRY_WAIT_MIN;
    loop {
        wallet.core.lock.passable().await;
        let outcome = match wallet.catch_up().await {
            Ok(()) => {
                wait = RETRY_WAIT_MIN;
                match follow(wallet).await {
                    Ok(Followed::Unlocked) => continue,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        if let Err::<(), _>(error) = outcome {
            tracing::info!(%error, wait_ms = wait.as_millis(), "not in touch with the payment server");
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_WAIT_MAX);
    }
}

/// How following the inbox ended, apart from a stream that broke.
enum Followed {
    /// The wallet was unlocked: what came meanwhile is there to be fetched and opened.
    Unlocked,
}

/// Follows the inbox until the stream breaks, or the wallet was locked and is open again. While it is locked the stream
/// that is open stays so: a letter is not opened, only known to have come.
async fn follow(wallet: &Wallet) -> Result<Followed> {
    let lock = &wallet.core.lock;
    let mut door = lock.follow();
    let mut was_closed = false;
    let mut stream = wallet.core.server.inbox_stream(wallet.inbox_seq().await?).await?;
    let mut refresh = tokio::time::interval(REFRESH_EVERY);
    let mut recover = tokio::time::interval(RECOVER_EVERY);
    loop {
        tokio::select! {
            event = stream.next() => match event? {
                InboxEvent::Request(_) if lock.door() == Door::Closed => {
                    if lock.letter_came() {
                        wallet.core.changes.checkout_moved();
                    }
                }
                InboxEvent::Request(sealed) => {
                    wallet.accept_from_inbox(&sealed).await?;
                    wallet.save_inbox_seq(sealed.seq).await?;
                }
                InboxEvent::State(status) => wallet.keep_state(&status).await?,
                InboxEvent::Claims => wallet.sync_claims().await?,
            },
            _ = refresh.tick() => drop(wallet.core.keys.refresh(&wallet.core.server).await?),
            _ = recover.tick(), if lock.door() != Door::Closed => wallet.recover().await?,
            changed = door.changed() => match changed.map(|()| *door.borrow_and_update()) {
                // A lock that was opened, not one that was made.
                Ok(Door::Open) if std::mem::take(&mut was_closed) => return Ok(Followed::Unlocked),
                Ok(now) => was_closed = was_closed || now == Door::Closed,
                Err(_) => return Err(WalletError::Lost),
            },
        }
    }
}

impl Wallet {
    /// Registers if needed, asks about unfinished payments, refreshes keys and takes in the inbox, once.
    pub async fn sync(&self) -> std::result::Result<(), Problem> {
        Ok(self.catch_up().await?)
    }

    async fn catch_up(&self) -> Result<()> {
        let core = &self.core;
        let device_id = core.device.id().to_string();
        if core.store.setting(SETTING_REGISTERED).await?.as_deref() != Some(&device_id) {
            core.server.register().await?;
            core.store.save_setting(SETTING_REGISTERED, &device_id).await?;
        }
        core.keys.refresh(&core.server).await?;
        self.recover().await?;
        // What was decided elsewhere can wait; what this device decided counts here already.
        if let Err(error) = self.sync_senders().await {
            tracing::info!(%error, "accepted and blocked senders could not be compared with the server's");
        }
        // Nothing of the following is needed to be asked and to pay.
        if let Err(error) = self.describe_own().await {
            tracing::info!(%error, "the server does not know what this device runs on");
        }
        self.take_over_identifiers().await;
        self.take_in_inbox().await?;
        self.refresh_states().await
    }

    async fn take_in_inbox(&self) -> Result<()> {
        for _ in 0..PAGES_MAX {
            let page = self.core.server.inbox(self.inbox_seq().await?).await?;
            for sealed in &page.requests {
                self.accept_from_inbox(sealed).await?;
                self.save_inbox_seq(sealed.seq).await?;
            }
            // Also of requests that have ended: money may come back.
            for state in &page.states {
                self.keep_state(state).await?;
            }
            self.save_inbox_seq(page.last_seq).await?;
            if !page.has_more {
                break;
            }
        }
        Ok(())
    }

    /// Asks about requests that others may have ended meanwhile.
    async fn refresh_states(&self) -> Result<()> {
        let rows = self.core.store.requests().await?;
        let unended = rows.iter().filter(|row| row.state.standing() != payment::Standing::Final);
        for row in unended.take(STATES_MAX) {
            self.refresh_state(row.request_id).await;
        }
        Ok(())
    }

    fn inbox_setting(&self) -> String {
        format!("{SETTING_INBOX_SEQ}{}", self.core.device.id())
    }

    async fn inbox_seq(&self) -> Result<u64> {
        let kept = self.core.store.setting(&self.inbox_setting()).await?;
        Ok(kept.and_then(|seq| seq.parse().ok()).unwrap_or(0))
    }

    async fn save_inbox_seq(&self, seq: u64) -> Result<()> {
        if seq > self.inbox_seq().await? {
            self.core.store.save_setting(&self.inbox_setting(), &seq.to_string()).await?;
        }
        Ok(())
    }
}
