//! The vault's keys: in one file, sealed with a passphrase, and in memory while it serves.
//!
//! Master keys are numbered. The newest wraps what is written from then on; an older one stays until nothing is wrapped
//! under it any more, and is then gone, and with it whatever an old copy of the database holds.

use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::passphrase::{self, Cost};
use envelope::{RestKey, SigningKey, VaultRelease, VaultSealingKeySecret};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::VaultError;
use super::home::VaultHome;
use super::name::AliasName;
use crate::keys::random;
use crate::password::Pepper;
use crate::private_file;

/// What the passphrase's seal says it is for.
const PLACE: &[u8] = b"vault keys";
/// The most master keys at a time.
const MASTER_KEYS_MAX: usize = 16;
const MALFORMED: VaultError = VaultError::Malformed("the key file");

/// A key as the file holds it: base64url, wiped when dropped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct StoredKey(Zeroizing<String>);

impl StoredKey {
    fn of(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn generate() -> Self {
        Self::of(&Zeroizing::new(random::<32>()))
    }

    fn expose(&self) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(&*self.0).map_err(|_| MALFORMED)?);
        Ok(Zeroizing::new(bytes.as_slice().try_into().map_err(|_| MALFORMED)?))
    }
}

/// Everything in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    /// Opens what wallets say.
    sealing: StoredKey,
    /// Signs what is released.
    release: StoredKey,
    /// Of passwords.
    pepper: StoredKey,
    /// Finds names.
    names: StoredKey,
    masters: BTreeMap<i64, StoredKey>,
}

impl KeyFile {
    fn generate() -> Self {
        Self {
            sealing: StoredKey::of(VaultSealingKeySecret::generate().expose_bytes()),
            release: StoredKey::of(SigningKey::<VaultRelease>::generate().expose_bytes()),
            pepper: StoredKey::generate(),
            names: StoredKey::generate(),
            masters: BTreeMap::from([(1, StoredKey::generate())]),
        }
    }

    fn load(home: &VaultHome) -> Result<Self, VaultError> {
        let path = home.key_file();
        let sealed = std::fs::read(&path).map_err(|error| VaultError::file(&path, error))?;
        let json = passphrase::open(&home.passphrase()?, PLACE, &sealed).map_err(|_| VaultError::Passphrase)?;
        serde_json::from_slice(&json).map_err(|_| MALFORMED)
    }

    fn save(&self, home: &VaultHome, passphrase: &str) -> Result<(), VaultError> {
        let json = Zeroizing::new(serde_json::to_vec(self).map_err(|_| MALFORMED)?);
        let cost = if cfg!(test) { Cost::LEAST } else { Cost::INTERACTIVE };
        let path = home.key_file();
        let sealed = passphrase::seal(passphrase, cost, PLACE, &json)?;
        private_file::replace(&path, &sealed).map_err(|error| VaultError::file(&path, error))
    }
}

/// The keys for use. They are replaced as a whole.
pub(super) struct Ring {
    pub(super) sealing: VaultSealingKeySecret,
    pub(super) release: SigningKey<VaultRelease>,
    pub(super) pepper: Pepper,
    names: Hmac<Sha256>,
    masters: BTreeMap<i64, RestKey>,
}

impl Ring {
    fn of(file: &KeyFile) -> Result<Self, VaultError> {
        let master = |(version, key): (&i64, &StoredKey)| Ok((*version, RestKey::from_bytes(&*key.expose()?)));
        let masters: BTreeMap<_, _> = file.masters.iter().map(master).collect::<Result<_, VaultError>>()?;
        if masters.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Self {
            sealing: VaultSealingKeySecret::from_bytes(&*file.sealing.expose()?),
            release: SigningKey::from_bytes(&*file.release.expose()?),
            pepper: Pepper::new(*file.pepper.expose()?),
            names: Hmac::new_from_slice(&*file.names.expose()?).map_err(|_| MALFORMED)?,
            masters,
        })
    }

    /// What finds an alias by its name, in hexadecimal.
    pub(super) fn name_mac(&self, name: &AliasName) -> String {
        hex::encode(self.names.clone().chain_update(name.folded()).finalize().into_bytes())
    }

    /// The master key of now, and its version.
    pub(super) fn newest(&self) -> (i64, &RestKey) {
        let (version, key) = self.masters.last_key_value().expect("a ring has a master key");
        (*version, key)
    }

    /// The master key of this version, if it was not destroyed.
    pub(super) fn master(&self, version: i64) -> Option<&RestKey> {
        self.masters.get(&version)
    }

    /// Every version there is, the newest last.
    pub(super) fn versions(&self) -> Vec<i64> {
        self.masters.keys().copied().collect()
    }
}

/// By which a key file that was replaced is known.
#[derive(PartialEq, Eq)]
struct Mark {
    inode: u64,
    modified_ns: i128,
}

impl Mark {
    fn of(home: &VaultHome) -> Result<Self, VaultError> {
        let path = home.key_file();
        let metadata = std::fs::metadata(&path).map_err(|error| VaultError::file(&path, error))?;
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Ok(Self { inode: metadata.ino(), modified_ns })
    }
}

/// The keys of a serving vault, which follow the file.
pub(super) struct KeyRing {
    home: VaultHome,
    current: RwLock<(Arc<Ring>, Mark)>,
}

impl KeyRing {
    /// Opens the key file.
    pub(super) fn open(home: &VaultHome) -> Result<Self, VaultError> {
        Ok(Self { current: RwLock::new(Self::load(home)?), home: home.clone() })
    }

    fn load(home: &VaultHome) -> Result<(Arc<Ring>, Mark), VaultError> {
        // The mark first: a file that is replaced meanwhile is then read once more.
        let mark = Mark::of(home)?;
        Ok((Arc::new(Ring::of(&KeyFile::load(home)?)?), mark))
    }

    /// The keys of this moment.
    pub(super) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Takes the file anew if it was replaced; whether it was. This blocks for a second: a key is derived.
    pub(super) fn follow(&self) -> Result<bool, VaultError> {
        let mark = Mark::of(&self.home)?;
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == mark {
            return Ok(false);
        }
        let loaded = Self::load(&self.home)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(true)
    }

    /// Destroys a master key that nothing is wrapped under, and takes the file anew. The newest stays.
    pub(super) fn destroy(&self, version: i64) -> Result<(), VaultError> {
        {
            let _turn = self.home.turn()?;
            let mut file = KeyFile::load(&self.home)?;
            if file.masters.keys().any(|other| *other > version) && file.masters.remove(&version).is_some() {
                file.save(&self.home, &self.home.passphrase()?)?;
            }
        }
        self.follow().map(drop)
    }
}

/// Makes the keys of a new vault.
pub(super) fn create(home: &VaultHome) -> Result<(VaultSealingKeySecret, SigningKey<VaultRelease>), VaultError> {
    if home.key_file().exists() {
        return Err(VaultError::Exists(home.folder().path().to_owned()));
    }
    let dir = home.folder().path();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| VaultError::file(dir, error))?;
    let file = KeyFile::generate();
    file.save(home, &home.passphrase_or_new()?)?;
    Ok((VaultSealingKeySecret::from_bytes(&*file.sealing.expose()?), SigningKey::from_bytes(&*file.release.expose()?)))
}

/// Adds a master key, which is used from then on; its version.
pub(super) fn rotate(home: &VaultHome) -> Result<i64, VaultError> {
    let _turn = home.turn()?;
    let mut file = KeyFile::load(home)?;
    if file.masters.len() >= MASTER_KEYS_MAX {
        return Err(VaultError::Malformed("the key file: it has as many master keys as it may, and"));
    }
    let version = file.masters.keys().next_back().copied().unwrap_or(0) + 1;
    file.masters.insert(version, StoredKey::generate());
    file.save(home, &home.passphrase()?)?;
    Ok(version)
}
