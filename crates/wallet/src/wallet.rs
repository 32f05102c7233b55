//! The wallet itself: one method per command of the window.

pub(crate) mod alias;
mod bills;
mod devices;
mod keep;
mod later;
mod letters;
pub(crate) mod locking;
mod means;
mod numbers;
mod outside;
mod paying;
mod proofs;
mod senders;
mod testing;

use std::sync::{Arc, Mutex};

use emv::CaKeys;
use protocol::Problem;
use protocol::ipc::lock::LockState;
use protocol::ipc::shell::OnScreen;
use protocol::ipc::{ReaderView, Settings, WalletStatus, WatchView};
use protocol::merchant_api::PayerIdentifier;
use protocol::wallet_api::OtherDevices;
use tokio_util::sync::CancellationToken;

use crate::ca_keys;
use crate::carrier::BillClaim;
use crate::changes::Changes;
use crate::checkout::{self, Checkout};
use crate::clock;
use crate::config::{Upkeep, WalletConfig};
use crate::desk::Desk;
use crate::device::{Device, DeviceKeys};
use crate::error::{Result, WalletError};
use crate::history;
use crate::keyset::KeyCache;
use crate::keystore::{KeyStore, SecretName};
use crate::lock::safe::Safe;
use crate::lock::{Door, Lock};
use crate::merchant::{self, TillSlot};
use crate::reader_test::ReaderTest;
use crate::readers::Readers;
use crate::server::Server;
use crate::store::Store;
use crate::trust::Trust;
use crate::upkeep;
use crate::vault::AliasEntry;

/// The setting that keeps the person's choices.
pub(crate) const SETTING_CHOICES: &str = "settings";

/// A wallet. Clones are the same wallet.
#[derive(Clone)]
pub struct Wallet {
    pub(crate) core: Arc<Core>,
}

/// What every clone shares.
pub(crate) struct Core {
    pub(crate) config: WalletConfig,
    pub(crate) trust: Trust,
    pub(crate) store: Store,
    pub(crate) device: Arc<Device>,
    pub(crate) server: Server,
    pub(crate) keys: KeyCache,
    pub(crate) readers: Arc<Readers>,
    pub(crate) ca_keys: CaKeys,
    pub(crate) checkout: Checkout,
    pub(crate) reader_test: ReaderTest,
    pub(crate) changes: Arc<Changes>,
    pub(crate) closing: CancellationToken,
    pub(crate) key_store: KeyStore,
    pub(crate) lock: Lock,
    pub(crate) till: TillSlot,
    pub(crate) digits: numbers::Digits,
    pub(crate) desk: Desk<checkout::entry::Entry>,
    pub(crate) aliases: Desk<AliasEntry>,
    pub(crate) bill_desk: Desk<BillClaim>,
    pub(crate) on_screen: Mutex<OnScreen>,
}

impl Wallet {
    /// Opens the wallet in its folder, the first time as a new device. Nothing is sent yet; with
    /// [`Upkeep::Continuous`] a background task begins to.
    pub async fn open(config: WalletConfig) -> std::result::Result<Self, Problem> {
        Ok(Self::open_folder(config).await?)
    }

    async fn open_folder(config: WalletConfig) -> Result<Self> {
        make_private_folder(&config.home)?;
        let trust = Trust::pinned(&config.home, config.trust.as_deref())?;
        let readers = Arc::new(Readers::new(&config)?);
        let ca_keys = ca_keys::known(config.ca_keys.as_deref())?;
        let store = Store::open(&config.home).await?;
        let key_store = KeyStore::new(config.key_store, &config.home);
        locking::finish_erasing(&store, &key_store).await?;
        let changes = Arc::new(Changes::new());
        let settings = choices(&store).await?;
        let (device, till, door) = open_keys(&config, &store, &key_store, &changes).await?;
        let device = Arc::new(device);
        let lock = Lock::new(door, config.clock.clone(), config.lock_cost, settings.lock_after);
        let language = language_of(settings);
        let server = Server::new(&trust, Arc::clone(&device), Arc::clone(&changes), language)?;
        let keys = KeyCache::new(trust.roots(), store.clone());
        let checkout = Checkout::new(Arc::clone(&changes));
        let reader_test = ReaderTest::new(Arc::clone(&changes));
        let closing = CancellationToken::new();
        let core = Core {
            config,
            trust,
            store,
            device,
            server,
            keys,
            readers,
            ca_keys,
            checkout,
            reader_test,
            changes,
            closing,
            key_store,
            lock,
            till,
            digits: numbers::Digits::default(),
            desk: Desk::default(),
            aliases: Desk::default(),
            bill_desk: Desk::default(),
            on_screen: Mutex::default(),
        };
        let wallet = Self { core: Arc::new(core) };
        match wallet.core.config.upkeep {
            Upkeep::Continuous => {
                drop(tokio::spawn(upkeep::run(wallet.clone())));
                drop(tokio::spawn(wallet.clone().follow_time()));
                drop(tokio::spawn(merchant::follow::run(wallet.clone())));
                drop(tokio::spawn(history::run(wallet.clone())));
                drop(tokio::spawn(locking::watch_presence(wallet.clone())));
            }
            Upkeep::OnDemand => {}
        }
        Ok(wallet)
    }

    /// Ends the background task and closes the database. A payment under way is asked about at the next start.
    pub async fn close(&self) {
        self.core.closing.cancel();
        self.core.store.close().await;
    }

    /// What the wallet is connected to and how it is set.
    pub async fn status(&self) -> std::result::Result<WalletStatus, Problem> {
        let core = &self.core;
        let lock = core.lock.state();
        Ok(WalletStatus {
            online: core.changes.now().online,
            server: core.trust.server_host().to_owned(),
            key_store: core.config.key_store.to_string(),
            identifiers: match lock {
                LockState::Locked => Vec::new(),
                LockState::None | LockState::Unlocked => core.store.identifiers().await?,
            },
            former: match lock {
                LockState::Locked => Vec::new(),
                LockState::None | LockState::Unlocked => core.store.former_identifiers().await?,
            },
            backup_due: self.backup_state().await?.is_due,
            operator_fingerprint: core.trust.operator_fingerprint(),
            settings: choices(&core.store).await?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            lock,
            is_new: self.is_new().await?,
        })
    }

    /// Waits until something changed after `after`, at most about 25 s, and says what stands now.
    pub async fn watch(&self, after: u64) -> std::result::Result<WatchView, Problem> {
        let core = &self.core;
        let seen = core.changes.wait(after).await;
        let lock = core.lock.state();
        let is_shown = lock != LockState::Locked;
        Ok(WatchView {
            seq: seen.seq,
            online: seen.online,
            inbox_version: seen.inbox_version,
            checkout: core.checkout.view().filter(|_| is_shown),
            reader_test: core.reader_test.view().filter(|_| is_shown),
            opened: seen.opened.filter(|_| is_shown),
            opened_by: seen.opened_by,
            opened_version: seen.opened_version,
            link_problem: seen.link_problem,
            sales_version: seen.sales_version,
            history_version: seen.history_version,
            lock,
            came_while_locked: core.lock.came(),
        })
    }

    /// The readers that can be used now.
    pub async fn readers(&self) -> std::result::Result<Vec<ReaderView>, Problem> {
        let readers = Arc::clone(&self.core.readers);
        let listed = tokio::task::spawn_blocking(move || readers.list()).await;
        Ok(listed.map_err(|_| WalletError::Code(protocol::ErrorCode::ReaderFailed))?)
    }

    /// Asks for a code to be sent to a phone number or e-mail address.
    pub async fn claim_start(&self, identifier: String) -> std::result::Result<WalletStatus, Problem> {
        self.core.server.start_claim(payer_identifier(&identifier)?).await?;
        self.status().await
    }

    /// Confirms the identifier with the code.
    pub async fn claim_confirm(&self, identifier: String, code: String) -> std::result::Result<WalletStatus, Problem> {
        self.confirm(&identifier, code, OtherDevices::Keep).await
    }

    /// The same, and every other device that answered for the identifier answers no more.
    pub async fn claim_transfer(&self, identifier: String, code: String) -> std::result::Result<WalletStatus, Problem> {
        self.confirm(&identifier, code, OtherDevices::Release).await
    }

    async fn confirm(
        &self,
        identifier: &str,
        code: String,
        others: OtherDevices,
    ) -> std::result::Result<WalletStatus, Problem> {
        let (identifier, text) = identifier_and_text(identifier)?;
        self.core.server.confirm_claim(identifier, code.trim().to_owned(), others).await?;
        self.core.store.save_identifier(&text, clock::now_ms()).await?;
        self.take_over_identifiers().await;
        self.core.changes.inbox_changed();
        self.status().await
    }

    /// From now on this device answers for the identifier no more.
    pub async fn claim_release(&self, identifier: String) -> std::result::Result<WalletStatus, Problem> {
        let (identifier, text) = identifier_and_text(&identifier)?;
        self.core.server.release_claim(identifier).await?;
        self.core.store.forget_identifier(&text).await?;
        self.core.changes.inbox_changed();
        self.status().await
    }

    /// Keeps the person's choices.
    pub async fn save_settings(&self, settings: Settings) -> std::result::Result<WalletStatus, Problem> {
        let text = serde_json::to_string(&settings).expect("choices are always JSON");
        self.core.store.save_setting(SETTING_CHOICES, &text).await.map_err(Problem::from)?;
        self.core.lock.set_lock_after(settings.lock_after);
        self.core.changes.checkout_moved();
        self.status().await
    }
}

/// The keys in memory; none of them where there is a lock. Without keys in the key store there is a new device, whose
/// lock, if there was one, is no more.
async fn open_keys(
    config: &WalletConfig,
    store: &Store,
    keys: &KeyStore,
    changes: &Arc<Changes>,
) -> Result<(Device, TillSlot, Door)> {
    let till = TillSlot::empty();
    let Some(id) = Device::known(store, keys).await? else {
        let (id, made) = Device::make(store, keys).await?;
        let device = Device::locked(id);
        device.put(id, made);
        return Ok((device, till, Door::None));
    };
    let device = Device::locked(id);
    let safe = Safe::new(keys, id, config.lock_cost);
    if safe.is_locked().await? {
        return Ok((device, till, Door::Closed));
    }
    let secret = safe.load(None, SecretName::Device(id)).await?;
    let secret = secret.ok_or_else(|| WalletError::KeyFile("the device's keys are gone".to_owned()))?;
    device.put(id, DeviceKeys::from_secret(&secret)?);
    let merchant = safe.load(None, SecretName::Till(id)).await?;
    till.load(store, merchant.as_deref().map(Vec::as_slice), changes).await?;
    Ok((device, till, Door::None))
}

/// The person's choices, or the usual ones.
async fn choices(store: &Store) -> Result<Settings> {
    let kept = store.setting(SETTING_CHOICES).await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// BCP 47 language of mail to this device's identifiers.
fn language_of(settings: Settings) -> String {
    match settings.language {
        protocol::ipc::Language::System | protocol::ipc::Language::English => "en".to_owned(),
        protocol::ipc::Language::Chinese => "zh-Hans".to_owned(),
    }
}

/// An identifier, and the text it is remembered by.
fn identifier_and_text(text: &str) -> Result<(PayerIdentifier, String)> {
    let identifier = payer_identifier(text)?;
    let text = match &identifier {
        PayerIdentifier::Email(text)
        | PayerIdentifier::Phone(text)
        | PayerIdentifier::PaymentNumber(text)
        | PayerIdentifier::Counter(text) => text.clone(),
    };
    Ok((identifier, text))
}

/// An e-mail address, or a phone number in E.164 form once spaces and dashes are taken out.
pub(crate) fn payer_identifier(text: &str) -> Result<PayerIdentifier> {
    let text = text.trim();
    if let Some((local, domain)) = text.split_once('@') {
        let plausible = !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace);
        if plausible && text.len() <= 254 {
            return Ok(PayerIdentifier::Email(text.to_lowercase()));
        }
    }
    let number: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '(' | ')')).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    if (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(PayerIdentifier::Phone(number));
    }
    Err(WalletError::Detailed(
        protocol::ErrorCode::InvalidInput,
        "give an e-mail address, or a phone number that begins with + and the country".to_owned(),
    ))
}

/// Makes the wallet's folder, readable by its owner alone.
fn make_private_folder(home: &std::path::Path) -> Result<()> {
    let fault = |error: std::io::Error| WalletError::Detailed(protocol::ErrorCode::StoreFailed, error.to_string());
    std::fs::create_dir_all(home).map_err(fault)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o700)).map_err(fault)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_recognised() {
        assert_eq!(payer_identifier(" Ada@Example.org ").unwrap(), PayerIdentifier::Email("ada@example.org".into()));
        assert_eq!(payer_identifier("+44 (20) 7946-0958").unwrap(), PayerIdentifier::Phone("+442079460958".into()));
        for wrong in ["", "ada", "ada@", "@example.org", "020 7946 0958", "+12", "+44 20 seven", "a b@example.org"] {
            assert!(payer_identifier(wrong).is_err(), "{wrong}");
        }
    }
}
