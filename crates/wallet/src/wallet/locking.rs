//! The commands of the lock, and what closes it by itself.

use std::time::Duration;

use payment::DeviceId;
use protocol::ipc::lock::{DoubtView, ERASE_WORDS, LockState, LockView, PresenceSign};
use protocol::ipc::passphrase::{Passphrase, Strength};
use protocol::ipc::shell::OnScreen;
use protocol::ipc::{LockAfter, WalletStatus};
use protocol::{ErrorCode, Problem};
use zeroize::Zeroizing;

use super::Wallet;
use crate::device::{Device, DeviceKeys};
use crate::error::{Result, WalletError};
use crate::keystore::{KeyStore, SecretName};
use crate::lock::Door;
use crate::lock::safe::{Opened, Safe};
use crate::lock::tries::Tries;
use crate::store::Store;

/// The setting that says that the person was shown what the wallet is.
const SETTING_INTRODUCED: &str = "introduced";
/// The setting that names the device whose keys and records are being erased.
const SETTING_ERASING: &str = "erasing";
/// How often the wallet looks whether it is time to lock.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many characters of an attempt's id are shown as its reference.
const REFERENCE_CHARS: usize = 4;

impl Wallet {
    /// The wallet, unless it is locked: what every command but those of the lock begins with.
    pub fn unlocked(&self) -> std::result::Result<&Self, Problem> {
        if self.core.lock.is_passable() { Ok(self) } else { Err(Problem::new(ErrorCode::Locked)) }
    }

    /// Where the lock stands, without a name or an amount.
    pub async fn lock(&self) -> std::result::Result<LockView, Problem> {
        let core = &self.core;
        let tries = Tries::read(&core.store).await?;
        let in_doubt = core.store.unsettled_attempts().await?;
        let doubt = |id: String, sent_ms| DoubtView { reference: reference(&id), sent_ms };
        Ok(LockView {
            state: core.lock.state(),
            wrong_tries: tries.wrong,
            wait_ms: u64::try_from(tries.wait(core.lock.now().wall_ms).as_millis()).unwrap_or(u64::MAX),
            came: core.lock.came(),
            in_doubt: in_doubt.iter().map(|row| doubt(row.attempt_id.to_string(), row.created_ms)).collect(),
        })
    }

    /// Locks now: a payment that can still be stopped is stopped, a sealed one is waited for.
    pub async fn lock_now(&self) -> std::result::Result<LockView, Problem> {
        if self.core.lock.door() == Door::None {
            return Err(Problem::new(ErrorCode::LockUnfit));
        }
        self.close_door().await;
        self.lock().await
    }

    /// Opens the lock.
    pub async fn unlock(&self, passphrase: Passphrase) -> std::result::Result<LockView, Problem> {
        let core = &self.core;
        {
            let _turn = core.lock.turn.lock().await;
            match core.lock.door() {
                Door::Closed => {}
                Door::None => return Err(Problem::new(ErrorCode::LockUnfit)),
                Door::Open | Door::Closing => return self.lock().await,
            }
            let Opened { wrapping, device, till } = self.tried(self.safe().open(passphrase)).await?;
            core.device.put(core.device.id(), DeviceKeys::from_secret(&device)?);
            core.till.load(&core.store, till.as_deref().map(Vec::as_slice), &core.changes).await?;
            core.lock.open_with(wrapping);
        }
        if let Some(link) = core.lock.let_in() {
            drop(tokio::spawn(open_kept(self.clone(), link)));
        }
        core.changes.inbox_changed();
        core.changes.sales_changed();
        self.lock().await
    }

    /// Gives the wallet a lock.
    pub async fn lock_turn_on(&self, passphrase: Passphrase) -> std::result::Result<LockView, Problem> {
        let core = &self.core;
        let _turn = core.lock.turn.lock().await;
        if core.lock.door() != Door::None {
            return Err(Problem::new(ErrorCode::LockUnfit));
        }
        require_strength(&passphrase)?;
        let made = self.safe().turn_on(passphrase).await;
        // Once the lock is written it is there, even if something behind it could not be wrapped yet.
        if made.is_ok() || self.safe().is_locked().await? {
            Tries::forget(&core.store).await?;
        }
        core.lock.open_with(made?);
        core.changes.checkout_moved();
        self.lock().await
    }

    /// Changes what opens the lock.
    pub async fn lock_change(
        &self,
        present: Passphrase,
        passphrase: Passphrase,
    ) -> std::result::Result<LockView, Problem> {
        let core = &self.core;
        let _turn = core.lock.turn.lock().await;
        self.require_open()?;
        require_strength(&passphrase)?;
        let wrapping = self.tried(self.safe().change(present, passphrase)).await?;
        core.lock.open_with(wrapping);
        self.lock().await
    }

    /// Takes the lock away.
    pub async fn lock_turn_off(&self, present: Passphrase) -> std::result::Result<LockView, Problem> {
        let core = &self.core;
        let _turn = core.lock.turn.lock().await;
        self.require_open()?;
        self.tried(self.safe().turn_off(present)).await?;
        core.lock.set(Door::None);
        core.changes.checkout_moved();
        self.lock().await
    }

    /// Tells that the person is there, or has turned away.
    pub async fn presence(&self, sign: PresenceSign) -> std::result::Result<LockState, Problem> {
        let lock = &self.core.lock;
        match sign {
            PresenceSign::Used => lock.used(),
            // On a phone another program is in front, and nobody may see who is holding it.
            PresenceSign::Left if cfg!(any(target_os = "android", target_os = "ios")) => self.close_door().await,
            PresenceSign::Left if lock.lock_after() == LockAfter::Leaving => self.close_door().await,
            PresenceSign::Left => {}
        }
        Ok(lock.state())
    }

    /// Erases the keys and records of a locked wallet, which becomes a new one.
    pub async fn start_anew(&self, word: String) -> std::result::Result<WalletStatus, Problem> {
        let core = &self.core;
        if !ERASE_WORDS.contains(&word.trim()) {
            return Err(Problem::new(ErrorCode::InvalidInput));
        }
        {
            let _turn = core.lock.turn.lock().await;
            if core.lock.door() != Door::Closed {
                return Err(Problem::new(ErrorCode::LockUnfit));
            }
            let before = core.device.id();
            core.store.save_setting(SETTING_ERASING, &before.to_string()).await?;
            finish_erasing(&core.store, &core.key_store).await?;
            let (id, keys) = Device::make(&core.store, &core.key_store).await?;
            core.device.put(id, keys);
            // One that ended before the lock closed may still be shown.
            let _ = core.checkout.done();
            core.lock.let_in();
            core.lock.set_lock_after(LockAfter::default());
            core.lock.set(Door::None);
        }
        if let Some(asked_for) = core.changes.now().opened {
            core.changes.shown(asked_for);
        }
        core.changes.inbox_changed();
        core.changes.sales_changed();
        self.status().await
    }

    /// The person has been shown what the wallet is, or does not want to be.
    pub async fn introduced(&self) -> std::result::Result<WalletStatus, Problem> {
        self.core.store.save_setting(SETTING_INTRODUCED, "1").await?;
        self.core.changes.checkout_moved();
        self.status().await
    }

    pub(super) async fn is_new(&self) -> Result<bool> {
        Ok(self.core.store.setting(SETTING_INTRODUCED).await?.is_none())
    }

    /// A secret of the key store, opened where it is wrapped.
    pub(crate) async fn load_secret(&self, name: SecretName) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.safe().load(self.core.lock.wrapping().as_deref(), name).await
    }

    /// Keeps a secret in the key store, wrapped where there is a lock.
    pub(crate) async fn keep_secret(&self, name: SecretName, secret: Zeroizing<Vec<u8>>) -> Result<()> {
        let _turn = self.core.lock.turn.lock().await;
        if !self.core.lock.is_passable() {
            return Err(WalletError::Code(ErrorCode::Locked));
        }
        self.safe().keep(self.core.lock.wrapping().as_deref(), name, secret).await
    }

    fn safe(&self) -> Safe<'_> {
        Safe::new(&self.core.key_store, self.core.device.id(), self.core.lock.cost)
    }

    fn require_open(&self) -> Result<()> {
        let lock = &self.core.lock;
        if lock.door() == Door::Open { Ok(()) } else { Err(WalletError::Code(ErrorCode::LockUnfit)) }
    }

    /// Something that a passphrase opens: too soon after wrong ones it is not tried at all.
    async fn tried<T>(&self, trying: impl Future<Output = Result<T>>) -> std::result::Result<T, Problem> {
        let store = &self.core.store;
        let now_ms = self.core.lock.now().wall_ms;
        let tries = Tries::read(store).await?;
        let wait = tries.wait(now_ms);
        if !wait.is_zero() {
            let mut problem = Problem::new(ErrorCode::PassphraseWait);
            problem.retry_after_s = Some(wait.as_secs().max(1));
            return Err(problem);
        }
        tries.count(store, now_ms).await?;
        let opened = trying.await;
        match &opened {
            Ok(_) => Tries::forget(store).await?,
            // What failed was not the passphrase.
            Err(error) if error.code() != ErrorCode::PassphraseWrong => tries.save(store).await?,
            Err(_) => {}
        }
        Ok(opened?)
    }

    /// Closes the door, once what was sealed has an answer or an end.
    pub(crate) async fn close_door(&self) {
        let core = &self.core;
        let _turn = core.lock.turn.lock().await;
        if core.lock.door() != Door::Open {
            return;
        }
        core.lock.set(Door::Closing);
        core.desk.forget();
        core.aliases.forget();
        core.bill_desk.forget();
        core.set_on_screen(OnScreen::Plain);
        core.checkout.let_go().await;
        core.reader_test.stop().await;
        core.device.forget_keys();
        core.till.lock();
        core.lock.set(Door::Closed);
        core.changes.checkout_moved();
    }

    /// A link from outside that came while nothing may be opened: it is opened once the lock is.
    pub(crate) fn keep_link(&self, link: String) -> Problem {
        self.core.lock.link_came(link);
        self.core.changes.checkout_moved();
        Problem::new(ErrorCode::Locked)
    }
}

async fn open_kept(wallet: Wallet, link: Zeroizing<String>) {
    if let Err(problem) = wallet.open_link_from_outside(link.as_str().to_owned()).await {
        tracing::info!(code = %problem.code, "a link that waited for the lock was not opened");
    }
}

/// Looks every second whether it is time to lock, until the wallet closes.
pub(crate) async fn watch_presence(wallet: Wallet) {
    let closing = wallet.core.closing.clone();
    let looking = async {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut checkout = None;
        loop {
            look.tick().await;
            let now = wallet.core.checkout.view();
            // A payment that goes on is a sign of life; one that waits for the person is not.
            if now != checkout || wallet.core.checkout.waits_for_card() {
                wallet.core.lock.used();
                checkout = now;
            }
            if wallet.core.lock.is_over() {
                wallet.close_door().await;
            }
        }
    };
    closing.run_until_cancelled(looking).await;
}

/// Ends an erasing that was begun: keys first, then records. Doing it again changes nothing.
pub(super) async fn finish_erasing(store: &Store, keys: &KeyStore) -> Result<()> {
    let Some(device) = store.setting(SETTING_ERASING).await? else { return Ok(()) };
    let device: DeviceId = device.parse().map_err(|_| WalletError::Row("device id"))?;
    Safe::new(keys, device, envelope::passphrase::Cost::LEAST).erase().await?;
    store.erase().await
}

fn require_strength(passphrase: &Passphrase) -> Result<()> {
    if Strength::of(passphrase.expose()).is_enough() {
        Ok(())
    } else {
        Err(WalletError::Code(ErrorCode::PassphraseWeak))
    }
}

/// The last characters of an id, as results and receipts show them.
fn reference(id: &str) -> String {
    let from = id.char_indices().rev().nth(REFERENCE_CHARS - 1).map_or(0, |(at, _)| at);
    id[from..].to_uppercase()
}
