//! How a wallet is set up before it opens: its folder, its trust, where its keys are kept, its readers.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use envelope::passphrase::Cost;
use protocol::ipc::shell::AbilitiesView;

use crate::clock::Clock;
use crate::readers::CardReader;
use crate::trust::TRUST_FILE;

/// How long a checkout waits for a card before it ends, unless set otherwise.
pub const CARD_WAIT_DEFAULT: Duration = Duration::from_mins(2);

/// ISO 3166 numeric code of the United States: EMV tag 9F1A unless set otherwise.
pub const TERMINAL_COUNTRY_DEFAULT: u16 = 840;

/// Where an administrator, or a package of the operator's, puts the trust file that new wallets of a Linux machine pin.
pub const SYSTEM_TRUST: &str = "/etc/tapseal/trust.json";

/// Where the device's secret keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStoreKind {
    /// The operating system's keyring.
    Keyring,
    /// A file only its owner can read, in the wallet's folder. Never chosen by itself.
    File,
}

impl fmt::Display for KeyStoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        })
    }
}

/// A text that names no key store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key store is `keyring` or `file`")]
pub struct UnknownKeyStore;

impl FromStr for KeyStoreKind {
    type Err = UnknownKeyStore;

    fn from_str(text: &str) -> Result<Self, UnknownKeyStore> {
        match text {
            "keyring" => Ok(Self::Keyring),
            "file" => Ok(Self::File),
            _ => Err(UnknownKeyStore),
        }
    }
}

/// How the wallet keeps in touch with the payment server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// A background task registers, recovers, follows the inbox and refreshes keys: for the app.
    Continuous,
    /// Only when [`crate::Wallet::sync`] is called: for one command at a time.
    OnDemand,
}

/// How a wallet is set up.
#[derive(Clone)]
pub struct WalletConfig {
    /// The wallet's folder; made if missing.
    pub home: PathBuf,
    /// A trust file to pin. Needed once; later it must be the same or absent.
    pub trust: Option<PathBuf>,
    /// Where the device's keys are kept.
    pub key_store: KeyStoreKind,
    /// Readers named explicitly, such as `nfc:pn532_uart:/dev/ttyUSB0`, `replay:FILE` or `simulated:127.0.0.1:35963`.
    pub readers: Vec<String>,
    /// Readers the surrounding program brings, such as the phone's own.
    pub own_readers: Vec<Arc<dyn CardReader>>,
    /// How the wallet keeps in touch.
    pub upkeep: Upkeep,
    /// A file of certification authorities' keys to know besides the schemes' own, one a line (EMV Book 2 section
    /// 11.2.2): a card they stand behind is believed.
    pub ca_keys: Option<PathBuf>,
    /// ISO 3166 numeric country of the terminal: EMV tag 9F1A.
    pub terminal_country: u16,
    /// How long a checkout waits for a card.
    pub card_wait: Duration,
    /// What the surrounding program can do for the wallet's screens.
    pub abilities: AbilitiesView,
    /// What tells the lock how long nobody was there.
    pub clock: Clock,
    /// What trying a passphrase of a new lock costs.
    pub lock_cost: Cost,
}

impl WalletConfig {
    /// The usual settings for a wallet in this folder.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            trust: None,
            key_store: KeyStoreKind::Keyring,
            readers: Vec::new(),
            own_readers: Vec::new(),
            upkeep: Upkeep::Continuous,
            ca_keys: None,
            terminal_country: TERMINAL_COUNTRY_DEFAULT,
            card_wait: CARD_WAIT_DEFAULT,
            abilities: AbilitiesView::default(),
            clock: Clock::system(),
            lock_cost: Cost::INTERACTIVE,
        }
    }

    /// Takes the machine's trust file, where there is one, for a wallet that was told of no other and pins none yet.
    #[must_use]
    pub fn or_trust_of(mut self, machine: &Path) -> Self {
        let is_told = self.trust.is_some() || self.home.join(TRUST_FILE).exists();
        if !is_told && machine.is_file() {
            self.trust = Some(machine.to_owned());
        }
        self
    }

    /// The platform's folder for this wallet's data.
    pub fn default_home() -> Option<PathBuf> {
        directories::ProjectDirs::from("org", "Tapseal", "wallet").map(|dirs| dirs.data_dir().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_trust_is_for_wallets_that_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let machine = folder.path().join("machine.json");
        let home = folder.path().join("wallet");
        let config = || WalletConfig::new(&home);
        assert_eq!(config().or_trust_of(&machine).trust, None);
        std::fs::write(&machine, "{}").unwrap();
        assert_eq!(config().or_trust_of(&machine).trust.as_ref(), Some(&machine));
        let told = WalletConfig { trust: Some("/told.json".into()), ..config() };
        assert_eq!(told.or_trust_of(&machine).trust, Some("/told.json".into()));
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join(TRUST_FILE), "{}").unwrap();
        assert_eq!(config().or_trust_of(&machine).trust, None);
    }
}
