//! The secrets of one device at rest: wrapped by a random key that is itself sealed under the passphrase.
//!
//! ```text
//! passphrase ─Argon2id─► key ─opens─► SecretName::Lock: wrapping key, and the one before it
//!                                                          └─opens─► SecretName::Device, SecretName::Till, SecretName::Bills,
//!                                                                    SecretName::Vouchers
//! ```
//!
//! Whether there is a lock is one fact: whether there is a [`SecretName::Lock`]. It is written first when a lock is made
//! or changed, and removed last when it is taken away. Whoever opens it wraps whatever is not wrapped by its key yet. So
//! wherever the power fails, the passphrase that the lock was last given opens everything, and nothing else does:
//!
//! | interrupted | what is there | the next unlocking |
//! |---|---|---|
//! | turning on, before the lock is written | no lock, plain secrets | none is asked for |
//! | turning on, later | the lock, some secrets plain | wraps them |
//! | changing, later | the next lock, some secrets under the key before | wraps them anew |
//! | turning off, before the lock is removed | the lock, some secrets plain | wraps them: the lock is still on |

use envelope::RestKey;
use envelope::passphrase::{self, Cost};
use payment::DeviceId;
use protocol::ErrorCode;
use protocol::ipc::passphrase::Passphrase;
use zeroize::Zeroizing;

use crate::error::{Result, WalletError};
use crate::keystore::{KeyStore, SecretName};

/// What a wrapped secret begins with. A plain one begins with a random key.
const WRAPPED: &[u8] = b"TAPSEALW\x01";
/// Length of a wrapping key, in bytes.
const KEY_LEN: usize = 32;

/// The secrets of one device.
pub struct Safe<'a> {
    keys: &'a KeyStore,
    device: DeviceId,
    cost: Cost,
}

/// What the lock gives away: the wrapping key, and the one it replaced, which an interrupted change may have left in use.
pub struct Wrapping {
    present: RestKey,
    before: Option<RestKey>,
}

/// Everything, opened.
pub struct Opened {
    /// Wraps what is kept from now on.
    pub wrapping: Wrapping,
    /// The device's keys.
    pub device: Zeroizing<Vec<u8>>,
    /// The merchant's, on a till.
    pub till: Option<Zeroizing<Vec<u8>>>,
}

impl<'a> Safe<'a> {
    /// The secrets of this device in this key store. New locks cost as much as `cost`.
    pub fn new(keys: &'a KeyStore, device: DeviceId, cost: Cost) -> Self {
        Self { keys, device, cost }
    }

    /// Whether there is a lock.
    pub async fn is_locked(&self) -> Result<bool> {
        Ok(self.keys.load(SecretName::Lock(self.device)).await?.is_some())
    }

    /// Gives the device a lock.
    pub async fn turn_on(&self, passphrase: Passphrase) -> Result<Wrapping> {
        let wrapping = Wrapping { present: RestKey::generate(), before: None };
        self.write_lock(passphrase, &wrapping).await?;
        self.open_all(&wrapping).await?;
        Ok(wrapping)
    }

    /// Opens the lock and everything behind it.
    pub async fn open(&self, passphrase: Passphrase) -> Result<Opened> {
        let wrapping = self.read_lock(passphrase).await?;
        let (device, till) = self.open_all(&wrapping).await?;
        Ok(Opened { wrapping, device, till })
    }

    /// Changes what opens the lock. The wrapping key changes too: an old copy of the lock with its old passphrase opens
    /// nothing that is kept from now on.
    pub async fn change(&self, present: Passphrase, next: Passphrase) -> Result<Wrapping> {
        let before = self.open(present).await?.wrapping.present;
        let wrapping = Wrapping { present: RestKey::generate(), before: Some(before) };
        self.write_lock(next, &wrapping).await?;
        self.open_all(&wrapping).await?;
        Ok(wrapping)
    }

    /// Takes the lock away.
    pub async fn turn_off(&self, present: Passphrase) -> Result<()> {
        let Opened { wrapping, device, till } = self.open(present).await?;
        let mut others = Vec::new();
        for name in [SecretName::Bills(self.device), SecretName::Vouchers(self.device)] {
            others.extend(self.open_one(&wrapping, name).await?.map(|secret| (name, secret)));
        }
        self.keys.replace(SecretName::Device(self.device), device).await?;
        for (name, secret) in others {
            self.keys.replace(name, secret).await?;
        }
        if let Some(till) = till {
            self.keys.replace(SecretName::Till(self.device), till).await?;
        }
        self.keys.remove(SecretName::Lock(self.device)).await
    }

    /// Removes every secret of the device.
    pub async fn erase(&self) -> Result<()> {
        let Self { device, .. } = *self;
        let names = [SecretName::Device, SecretName::Till, SecretName::Bills, SecretName::Vouchers, SecretName::Lock];
        for name in names.map(|name| name(device)) {
            self.keys.remove(name).await?;
        }
        Ok(())
    }

    /// A secret as it was given to [`Self::keep`].
    pub async fn load(&self, wrapping: Option<&Wrapping>, name: SecretName) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(kept) = self.keys.load(name).await? else { return Ok(None) };
        match (kept.strip_prefix(WRAPPED), wrapping) {
            (None, _) => Ok(Some(kept)),
            (Some(_), None) => Err(WalletError::Code(ErrorCode::Locked)),
            (Some(note), Some(wrapping)) => wrapping.unwrap(name, note).map(|(secret, _)| Some(secret)),
        }
    }

    /// Keeps a secret, wrapped where there is a lock.
    pub async fn keep(&self, wrapping: Option<&Wrapping>, name: SecretName, secret: Zeroizing<Vec<u8>>) -> Result<()> {
        let kept = match wrapping {
            Some(wrapping) => wrapping.wrap(name, &secret)?,
            None => secret,
        };
        self.keys.replace(name, kept).await
    }

    async fn open_all(&self, wrapping: &Wrapping) -> Result<(Zeroizing<Vec<u8>>, Option<Zeroizing<Vec<u8>>>)> {
        let device = self.open_one(wrapping, SecretName::Device(self.device)).await?;
        let device = device.ok_or_else(|| WalletError::KeyFile("the device's keys are gone".to_owned()))?;
        self.open_one(wrapping, SecretName::Bills(self.device)).await?;
        self.open_one(wrapping, SecretName::Vouchers(self.device)).await?;
        Ok((device, self.open_one(wrapping, SecretName::Till(self.device)).await?))
    }

    /// Opens a secret, and wraps it if it is not wrapped by the present key.
    async fn open_one(&self, wrapping: &Wrapping, name: SecretName) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(kept) = self.keys.load(name).await? else { return Ok(None) };
        let (secret, is_present) = match kept.strip_prefix(WRAPPED) {
            Some(note) => wrapping.unwrap(name, note)?,
            None => (kept, false),
        };
        if !is_present {
            self.keys.replace(name, wrapping.wrap(name, &secret)?).await?;
        }
        Ok(Some(secret))
    }

    async fn write_lock(&self, passphrase: Passphrase, wrapping: &Wrapping) -> Result<()> {
        let mut content = Zeroizing::new(Vec::with_capacity(2 * KEY_LEN));
        content.extend_from_slice(wrapping.present.expose_bytes());
        if let Some(before) = &wrapping.before {
            content.extend_from_slice(before.expose_bytes());
        }
        let (cost, place) = (self.cost, self.place());
        let seal = move || passphrase::seal(passphrase.expose(), cost, &place, &content);
        let sealed = tokio::task::spawn_blocking(seal).await.map_err(|_| WalletError::Code(ErrorCode::Internal))??;
        self.keys.replace(SecretName::Lock(self.device), Zeroizing::new(sealed)).await
    }

    async fn read_lock(&self, passphrase: Passphrase) -> Result<Wrapping> {
        let sealed = self.keys.load(SecretName::Lock(self.device)).await?;
        let sealed = sealed.ok_or(WalletError::Code(ErrorCode::LockUnfit))?;
        if passphrase::cost_of(&sealed).is_none() {
            return Err(WalletError::KeyFile("the lock is damaged".to_owned()));
        }
        let place = self.place();
        let open = move || passphrase::open(passphrase.expose(), &place, &sealed);
        let opened = tokio::task::spawn_blocking(open).await.map_err(|_| WalletError::Code(ErrorCode::Internal))?;
        Wrapping::from_content(&opened.map_err(|_| WalletError::Code(ErrorCode::PassphraseWrong))?)
    }

    fn place(&self) -> Vec<u8> {
        format!("tapseal/1 lock {}", self.device).into_bytes()
    }
}

impl Wrapping {
    fn from_content(content: &[u8]) -> Result<Self> {
        let damaged = || WalletError::KeyFile("the lock is damaged".to_owned());
        let (present, before) = content.split_first_chunk::<KEY_LEN>().ok_or_else(damaged)?;
        let before = match before {
            [] => None,
            before => Some(RestKey::from_bytes(before.try_into().map_err(|_| damaged())?)),
        };
        Ok(Self { present: RestKey::from_bytes(present), before })
    }

    fn wrap(&self, name: SecretName, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let note = self.present.seal(&place_of(name), secret)?;
        Ok(Zeroizing::new([WRAPPED, &note].concat()))
    }

    /// A secret, and whether the present key opened it.
    fn unwrap(&self, name: SecretName, note: &[u8]) -> Result<(Zeroizing<Vec<u8>>, bool)> {
        if let Ok(secret) = self.present.open(&place_of(name), note) {
            return Ok((secret, true));
        }
        let opened = self.before.as_ref().and_then(|before| before.open(&place_of(name), note).ok());
        opened.map(|secret| (secret, false)).ok_or_else(|| WalletError::KeyFile("a wrapped key is damaged".to_owned()))
    }
}

fn place_of(name: SecretName) -> Vec<u8> {
    format!("tapseal/1 wrapped {name}").into_bytes()
}

#[cfg(test)]
mod tests;
