//! This device: its id, the key that signs its calls, and the key that opens requests sealed to it.
//!
//! **Invariant:** while the wallet is locked the keys are not in memory: whoever needs them asks [`Device::keys`] each
//! time and holds them no longer than one use.

use std::sync::{Arc, RwLock};

use envelope::{Device as DeviceRole, DeviceSealingKeySecret, SigningKey};
use payment::DeviceId;
use protocol::ErrorCode;
use protocol::wallet_api::RegisterDevice;
use zeroize::Zeroizing;

use crate::clock;
use crate::error::{Result, WalletError};
use crate::keystore::{KeyStore, SecretName};
use crate::store::Store;

/// The setting that names this device.
const SETTING_DEVICE_ID: &str = "device_id";
/// Length of one key, in bytes.
const KEY_LEN: usize = 32;

/// This device, and its secret keys unless the wallet is locked.
pub struct Device(RwLock<Slot>);

struct Slot {
    id: DeviceId,
    keys: Option<Arc<DeviceKeys>>,
}

/// A device's secret keys.
pub struct DeviceKeys {
    signing: SigningKey<DeviceRole>,
    sealing: DeviceSealingKeySecret,
}

impl DeviceKeys {
    fn generate() -> Self {
        Self { signing: SigningKey::generate(), sealing: DeviceSealingKeySecret::generate() }
    }

    /// The keys as the key store has them, once nothing is wrapped around them.
    pub fn from_secret(secret: &[u8]) -> Result<Self> {
        let damaged = || WalletError::KeyFile("the device's keys are damaged".to_owned());
        let (signing, sealing) = secret.split_first_chunk::<KEY_LEN>().ok_or_else(damaged)?;
        let sealing = sealing.first_chunk::<KEY_LEN>().filter(|_| secret.len() == 2 * KEY_LEN).ok_or_else(damaged)?;
        Ok(Self { signing: SigningKey::from_bytes(signing), sealing: DeviceSealingKeySecret::from_bytes(sealing) })
    }

    fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let mut secret = Zeroizing::new(Vec::with_capacity(2 * KEY_LEN));
        secret.extend_from_slice(self.signing.expose_bytes());
        secret.extend_from_slice(self.sealing.expose_bytes());
        secret
    }

    /// The key that signs calls and submissions.
    pub fn signing(&self) -> &SigningKey<DeviceRole> {
        &self.signing
    }

    /// The key that opens requests.
    pub fn sealing(&self) -> &DeviceSealingKeySecret {
        &self.sealing
    }
}

impl Device {
    /// The device this wallet was before; none the first time, or when its keys were removed from the key store.
    pub async fn known(store: &Store, keys: &KeyStore) -> Result<Option<DeviceId>> {
        let Some(id) = store.setting(SETTING_DEVICE_ID).await? else { return Ok(None) };
        let id: DeviceId = id.parse().map_err(|_| WalletError::Row("device id"))?;
        if keys.load(SecretName::Device(id)).await?.is_none() {
            tracing::warn!(device = %id, "the device's keys are gone from the key store; becoming a new device");
            return Ok(None);
        }
        Ok(Some(id))
    }

    /// A device that is known, and whose keys are not at hand.
    pub fn locked(id: DeviceId) -> Self {
        Self(RwLock::new(Slot { id, keys: None }))
    }

    /// A new device: its keys are in the key store before its id is in the database.
    pub async fn make(store: &Store, keys: &KeyStore) -> Result<(DeviceId, DeviceKeys)> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("the operating system's random generator answers");
        let id = DeviceId::from_parts(clock::now_ms(), &random);
        let made = DeviceKeys::generate();
        keys.save(SecretName::Device(id), made.to_secret()).await?;
        store.save_setting(SETTING_DEVICE_ID, &id.to_string()).await?;
        Ok((id, made))
    }

    /// Takes keys in; with another id it is another device from now on.
    pub fn put(&self, id: DeviceId, keys: DeviceKeys) {
        *self.0.write().expect("no panic while it is held") = Slot { id, keys: Some(Arc::new(keys)) };
    }

    /// Lets the keys go; they are wiped when the last use of them ends.
    pub fn forget_keys(&self) {
        self.0.write().expect("no panic while it is held").keys = None;
    }

    /// The device's id.
    pub fn id(&self) -> DeviceId {
        self.0.read().expect("no panic while it is held").id
    }

    /// The keys, unless the wallet is locked.
    pub fn keys(&self) -> Result<Arc<DeviceKeys>> {
        let slot = self.0.read().expect("no panic while it is held");
        slot.keys.clone().ok_or(WalletError::Code(ErrorCode::Locked))
    }

    /// What the payment server must know of this device.
    pub fn registration(&self, language: &str) -> Result<RegisterDevice> {
        let keys = self.keys()?;
        Ok(RegisterDevice {
            device_id: self.id(),
            signing_key: keys.signing.public().to_base64url(),
            sealing_key: keys.sealing.public().to_base64url(),
            language: language.to_owned(),
        })
    }
}
