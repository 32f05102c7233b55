//! Where a vault keeps its files: a folder of its own, apart from the deployment's.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::keyset::BankTrust;
use zeroize::Zeroizing;

use super::error::VaultError;
use crate::keys::{self, DataFolder, VaultEntry};
use crate::private_file;
use crate::tls::Identity;

/// The name of its TLS identity.
pub(super) const TLS_NAME: &str = "card-keeper";
/// Fewest and most bytes of a passphrase.
const PASSPHRASE_LEN: std::ops::RangeInclusive<usize> = 12..=1_024;
/// Random bytes of a passphrase that is made.
const MADE_LEN: usize = 24;
/// Who may not touch a passphrase's file: others at all, and the group but for reading, as secrets are mounted.
const MODE_FORBIDDEN: u32 = 0o037;

/// A vault's folder.
#[derive(Debug, Clone)]
pub struct VaultHome {
    folder: DataFolder,
    passphrase_file: PathBuf,
}

impl VaultHome {
    /// The home in this folder, with its passphrase in another file if one is named.
    pub fn new(dir: &Path, passphrase_file: Option<&Path>) -> Self {
        let own = || dir.join("vault-passphrase");
        Self { folder: DataFolder::new(dir), passphrase_file: passphrase_file.map_or_else(own, Path::to_owned) }
    }

    /// The folder, as the certificates' maker knows one.
    pub(super) fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// What it shows to operator and banks.
    pub(super) fn entry_file(&self) -> PathBuf {
        self.folder.path().join("vault.json")
    }

    /// The banks' roots that it pins.
    pub(super) fn banks_file(&self) -> PathBuf {
        self.folder.path().join("banks.json")
    }

    /// The key file.
    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.path().join("vault.keys")
    }

    /// The database.
    pub(super) fn database(&self) -> PathBuf {
        self.folder.path().join("vault.db")
    }

    /// What it shows to wallets.
    pub(super) fn tls_identity(&self) -> Identity {
        self.folder.tls_identity(TLS_NAME)
    }

    /// What it shows to operator and banks.
    pub(super) fn entry(&self) -> Result<VaultEntry, VaultError> {
        Ok(keys::read_json(&self.entry_file())?)
    }

    /// The banks' roots that it pins.
    pub(super) fn banks(&self) -> Result<Vec<BankTrust>, VaultError> {
        Ok(keys::read_json(&self.banks_file())?)
    }

    /// The passphrase: what is in its file, without the end of the line.
    pub(super) fn passphrase(&self) -> Result<Zeroizing<String>, VaultError> {
        let fail = |error| VaultError::file(&self.passphrase_file, error);
        let file = File::open(&self.passphrase_file).map_err(fail)?;
        if file.metadata().map_err(fail)?.permissions().mode() & MODE_FORBIDDEN != 0 {
            return Err(VaultError::PassphraseExposed(self.passphrase_file.clone()));
        }
        let most = u64::try_from(PASSPHRASE_LEN.end() + 2).unwrap_or(u64::MAX);
        let mut text = Zeroizing::new(String::with_capacity(PASSPHRASE_LEN.end() + 2));
        file.take(most).read_to_string(&mut text).map_err(fail)?;
        let line = text.trim_end_matches(['\r', '\n']);
        if PASSPHRASE_LEN.contains(&line.len()) {
            Ok(Zeroizing::new(line.to_owned()))
        } else {
            Err(VaultError::Malformed("the passphrase, which has 12 to 1024 bytes,"))
        }
    }

    /// The passphrase, made and written down first when there is none: a test deployment has nobody to ask.
    pub(super) fn passphrase_or_new(&self) -> Result<Zeroizing<String>, VaultError> {
        if !self.passphrase_file.exists() {
            let bytes = Zeroizing::new(keys::random::<MADE_LEN>());
            let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))));
            let made = private_file::replace(&self.passphrase_file, text.as_bytes());
            made.map_err(|error| VaultError::file(&self.passphrase_file, error))?;
        }
        self.passphrase()
    }

    /// Waits for one's turn to read, change and replace the key file: a serving vault destroys old keys while its staff make
    /// new ones. The turn ends when the handle is dropped.
    pub(super) fn turn(&self) -> Result<File, VaultError> {
        let path = self.key_file().with_extension("lock");
        let fail = |error| VaultError::file(&path, error);
        let mode = private_file::OWNER_ONLY;
        let handle = File::options().write(true).create(true).truncate(false).mode(mode).open(&path).map_err(fail)?;
        handle.lock().map_err(fail)?;
        Ok(handle)
    }
}
