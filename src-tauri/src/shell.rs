//! The one wallet behind the window: opened once, and a failure to open it is every command's answer.

use std::time::Duration;

use protocol::Problem;
use tokio::sync::Mutex;
use wallet::{Wallet, WalletConfig};

/// How long the program waits for the wallet to close. Its storage survives being cut off; this only spares a recovery.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(3);

/// The wallet, or why there is none.
pub(crate) struct Shell {
    config: Result<WalletConfig, Problem>,
    /// Empty until the first command or the start-up task opens the wallet; the lock makes the others wait for it.
    opened: Mutex<Option<Result<Wallet, Problem>>>,
}

impl Shell {
    pub(crate) fn new(config: Result<WalletConfig, Problem>) -> Self {
        Self { config, opened: Mutex::new(None) }
    }

    /// Tries again after a failure, such as a keyring that has been unlocked meanwhile; an open wallet stays as it is.
    pub(crate) async fn reopened(&self) -> Result<Wallet, Problem> {
        let mut opened = self.opened.lock().await;
        if matches!(*opened, Some(Err(_))) {
            *opened = None;
        }
        self.opened_in(&mut opened).await
    }

    /// The wallet, opened by the first who asks; or why it did not open, or that it is locked.
    pub(crate) async fn wallet(&self) -> Result<Wallet, Problem> {
        let wallet = self.even_locked().await?;
        wallet.unlocked()?;
        Ok(wallet)
    }

    /// The same for the few commands that are answered while it is locked.
    pub(crate) async fn even_locked(&self) -> Result<Wallet, Problem> {
        self.opened_in(&mut *self.opened.lock().await).await
    }

    /// Lets an open wallet finish what it is writing, before the program ends.
    pub(crate) async fn close(&self) {
        // Whoever holds the lock is still opening the wallet: then nothing is being written.
        if let Ok(opened) = self.opened.try_lock()
            && let Some(Ok(wallet)) = &*opened
            && tokio::time::timeout(CLOSE_WAIT_MAX, wallet.close()).await.is_err()
        {
            tracing::warn!("the wallet did not close in time");
        }
    }

    async fn opened_in(&self, opened: &mut Option<Result<Wallet, Problem>>) -> Result<Wallet, Problem> {
        if let Some(known) = opened {
            return known.clone();
        }
        let result = match self.config.clone() {
            Ok(config) => Wallet::open(config).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = &result {
            tracing::warn!(code = %problem.code, detail = problem.detail.as_deref(), "the wallet did not open");
        }
        opened.insert(result).clone()
    }
}
