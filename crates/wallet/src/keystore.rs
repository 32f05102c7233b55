//! Where the wallet's secrets rest: the operating system's keyring, or, only when asked for, a private file.
//!
//! There is no fallback from the one to the other: without a keyring the wallet says so and stops.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(target_os = "android")]
use android_native_keyring_store::Store as SystemKeyring;
#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store as SystemKeyring;
#[cfg(target_os = "ios")]
use apple_native_keyring_store::protected::Store as SystemKeyring;
use keyring_core::{CredentialStore, Error as KeyringError};
use payment::DeviceId;
#[cfg(windows)]
use windows_native_keyring_store::Store as SystemKeyring;
#[cfg(target_os = "linux")]
use zbus_secret_service_keyring_store::Store as SystemKeyring;
use zeroize::Zeroizing;

use crate::config::KeyStoreKind;
use crate::error::{Result, WalletError};

/// The service under which the keyring lists our entries; the user is the [`SecretName`].
const KEYRING_SERVICE: &str = "org.tapseal.wallet";
/// The largest secret that is read back, in bytes.
const SECRET_BYTES_MAX: u64 = 4096;

/// Which secret of which device: several wallets of one person share a keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretName {
    /// The device's own keys.
    Device(DeviceId),
    /// The merchant's keys on a device that is its till.
    Till(DeviceId),
    /// The keys that sign payments on phone bills.
    Bills(DeviceId),
    /// The key of a merchant's voucher verifiers.
    Vouchers(DeviceId),
    /// What opens a device's other secrets, itself sealed under a passphrase.
    Lock(DeviceId),
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device_id) => write!(f, "{device_id}"),
            Self::Till(device_id) => write!(f, "{device_id}.till"),
            Self::Bills(device_id) => write!(f, "{device_id}.bills"),
            Self::Vouchers(device_id) => write!(f, "{device_id}.vouchers"),
            Self::Lock(device_id) => write!(f, "{device_id}.lock"),
        }
    }
}

/// Where the wallet's secrets rest.
pub struct KeyStore {
    place: Place,
    /// How many more times it writes before the power fails.
    #[cfg(test)]
    pub(crate) writes_left: std::sync::atomic::AtomicUsize,
}

enum Place {
    Keyring,
    Folder(PathBuf),
}

impl KeyStore {
    /// The key store of a wallet in the folder `home`.
    pub fn new(kind: KeyStoreKind, home: &Path) -> Self {
        let place = match kind {
            KeyStoreKind::Keyring => Place::Keyring,
            KeyStoreKind::File => Place::Folder(home.to_owned()),
        };
        Self {
            place,
            #[cfg(test)]
            writes_left: usize::MAX.into(),
        }
    }

    /// The secret of this name, if one is kept.
    pub async fn load(&self, name: SecretName) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match &self.place {
            Place::Keyring => in_keyring(move |store| load_from_keyring(store, name)).await,
            Place::Folder(folder) => load_file(&key_file(folder, name)),
        }
    }

    /// Keeps the secret of this name. A file is never written over.
    pub async fn save(&self, name: SecretName, secret: Zeroizing<Vec<u8>>) -> Result<()> {
        self.before_writing()?;
        match &self.place {
            Place::Keyring => in_keyring(move |store| save_to_keyring(store, name, &secret)).await,
            Place::Folder(folder) => save_file(&key_file(folder, name), &secret),
        }
    }

    /// Puts a secret in the place of the one of this name, or of none. Whenever it is interrupted, the one or the other
    /// is there as a whole.
    pub async fn replace(&self, name: SecretName, secret: Zeroizing<Vec<u8>>) -> Result<()> {
        self.before_writing()?;
        match &self.place {
            Place::Keyring => in_keyring(move |store| save_to_keyring(store, name, &secret)).await,
            Place::Folder(folder) => replace_file(&key_file(folder, name), &secret),
        }
    }

    /// Forgets the secret of this name, if there is one.
    pub async fn remove(&self, name: SecretName) -> Result<()> {
        self.before_writing()?;
        match &self.place {
            Place::Keyring => in_keyring(move |store| remove_from_keyring(store, name)).await,
            Place::Folder(folder) => remove_file(&key_file(folder, name)),
        }
    }
}

impl KeyStore {
    /// In tests, where the power may fail.
    #[cfg(test)]
    fn before_writing(&self) -> Result<()> {
        use std::sync::atomic::Ordering::Relaxed;
        let left = self.writes_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| WalletError::KeyFile("the power failed".to_owned()))
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the power fails in tests only")]
    fn before_writing(&self) -> Result<()> {
        Ok(())
    }
}

/// Runs keyring work off the async threads: the keyring may ask the person to unlock it.
async fn in_keyring<T: Send + 'static>(work: impl FnOnce(&CredentialStore) -> Result<T> + Send + 'static) -> Result<T> {
    let work = move || work(&*open_keyring()?);
    tokio::task::spawn_blocking(work).await.map_err(|_| WalletError::NoKeyring("it stopped".to_owned()))?
}

/// This system's keyring: Secret Service, Android's Keystore, Apple's keychains, or Windows' Credential Manager.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "ios", windows))]
fn open_keyring() -> Result<Arc<CredentialStore>> {
    let store = SystemKeyring::new().map_err(|error| no_keyring(&error))?;
    Ok(store)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "ios", windows)))]
fn open_keyring() -> Result<Arc<CredentialStore>> {
    Err(WalletError::NoKeyring("this system's keyring is not supported; choose --key-store file".to_owned()))
}

/// The keyring's own words may quote what was read, so only its kind is repeated.
fn no_keyring(error: &KeyringError) -> WalletError {
    let why = match error {
        KeyringError::NoStorageAccess(_) => "it is locked",
        KeyringError::PlatformFailure(_) | KeyringError::NoDefaultStore => "the system's keyring does not answer",
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) | KeyringError::BadStoreFormat(_) => {
            "the entry is damaged"
        }
        _ => "it refused",
    };
    WalletError::NoKeyring(format!("{why}; unlock it, or choose --key-store file"))
}

fn load_from_keyring(store: &CredentialStore, name: SecretName) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let entry = store.build(KEYRING_SERVICE, &name.to_string(), None).map_err(|error| no_keyring(&error))?;
    match entry.get_secret() {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(KeyringError::NoEntry) => Ok(None),
        Err(error) => Err(no_keyring(&error)),
    }
}

fn save_to_keyring(store: &CredentialStore, name: SecretName, secret: &[u8]) -> Result<()> {
    let entry = store.build(KEYRING_SERVICE, &name.to_string(), None).map_err(|error| no_keyring(&error))?;
    entry.set_secret(secret).map_err(|error| no_keyring(&error))
}

fn remove_from_keyring(store: &CredentialStore, name: SecretName) -> Result<()> {
    let entry = store.build(KEYRING_SERVICE, &name.to_string(), None).map_err(|error| no_keyring(&error))?;
    match entry.delete_credential() {
        Ok(()) | Err(KeyringError::NoEntry) => Ok(()),
        Err(error) => Err(no_keyring(&error)),
    }
}

fn key_file(folder: &Path, name: SecretName) -> PathBuf {
    folder.join(format!("{name}.key"))
}

fn load_file(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let fault = |error: io::Error| WalletError::KeyFile(error.to_string());
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    if metadata.len() > SECRET_BYTES_MAX {
        return Err(WalletError::KeyFile("it is too large".to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(WalletError::KeyFile("other people can read it; make it private (mode 0600)".to_owned()));
        }
    }
    Ok(Some(Zeroizing::new(fs::read(path).map_err(fault)?)))
}

fn save_file(path: &Path, secret: &[u8]) -> Result<()> {
    let fault = |error: io::Error| WalletError::KeyFile(error.to_string());
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(fault)?;
    file.write_all(secret).and_then(|()| file.sync_all()).map_err(fault)
}

/// Written beside, then renamed over it (POSIX, rename: "the link named new shall remain visible").
fn replace_file(path: &Path, secret: &[u8]) -> Result<()> {
    let fault = |error: io::Error| WalletError::KeyFile(error.to_string());
    let beside = path.with_extension("new");
    // What an interrupted replacement left is no secret that anybody waits for.
    remove_file(&beside)?;
    save_file(&beside, secret)?;
    fs::rename(&beside, path).map_err(fault)?;
    #[cfg(unix)]
    fs::File::open(path.parent().unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(fault)?;
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(WalletError::KeyFile(error.to_string())),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: SecretName = SecretName::Device(DeviceId::from_bytes([7; 16]));
    const TILL: SecretName = SecretName::Till(DeviceId::from_bytes([7; 16]));

    #[cfg(unix)]
    #[tokio::test]
    async fn the_key_file_is_private_and_a_readable_one_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let store = KeyStore::new(KeyStoreKind::File, home.path());
        assert!(store.load(DEVICE).await.unwrap().is_none());
        store.save(DEVICE, Zeroizing::new(vec![1, 2, 3])).await.unwrap();
        let path = key_file(home.path(), DEVICE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(store.load(DEVICE).await.unwrap().unwrap().as_slice(), &[1, 2, 3]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(store.load(DEVICE).await, Err(WalletError::KeyFile(_))));
    }

    #[tokio::test]
    async fn a_key_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let store = KeyStore::new(KeyStoreKind::File, home.path());
        store.save(DEVICE, Zeroizing::new(vec![1])).await.unwrap();
        assert!(store.save(DEVICE, Zeroizing::new(vec![2])).await.is_err());
        assert_eq!(store.load(DEVICE).await.unwrap().unwrap().as_slice(), &[1]);
    }

    #[tokio::test]
    async fn a_key_is_replaced_as_a_whole_and_stays_private() {
        let home = tempfile::tempdir().unwrap();
        let store = KeyStore::new(KeyStoreKind::File, home.path());
        fs::write(home.path().join(format!("{DEVICE}.new")), b"left behind").unwrap();
        for secret in [vec![1], vec![2; 100]] {
            store.replace(DEVICE, Zeroizing::new(secret.clone())).await.unwrap();
            assert_eq!(store.load(DEVICE).await.unwrap().unwrap().as_slice(), &secret, "it is readable by us alone");
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[tokio::test]
    async fn a_removed_key_is_gone_and_its_neighbour_stays() {
        let home = tempfile::tempdir().unwrap();
        let store = KeyStore::new(KeyStoreKind::File, home.path());
        store.save(DEVICE, Zeroizing::new(vec![1])).await.unwrap();
        store.save(TILL, Zeroizing::new(vec![2])).await.unwrap();
        for _ in 0..2 {
            store.remove(TILL).await.unwrap();
            assert!(store.load(TILL).await.unwrap().is_none());
        }
        assert_eq!(store.load(DEVICE).await.unwrap().unwrap().as_slice(), &[1]);
    }
}
