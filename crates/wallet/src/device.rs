//! This device: its id, the key that signs its calls, and the key that opens requests sealed to it.

use envelope::{Device as DeviceRole, DeviceSealingKeySecret, SigningKey};
use payment::DeviceId;
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

/// This device and its secret keys.
pub struct Device {
    id: DeviceId,
    signing: SigningKey<DeviceRole>,
    sealing: DeviceSealingKeySecret,
}

impl Device {
    /// The device this wallet was before; or, the first time, a new one whose keys are in the key store
    /// before its id is in the database. A wallet whose keys were removed becomes a new device.
    pub async fn open(store: &Store, keys: &KeyStore) -> Result<Self> {
        if let Some(id) = store.setting(SETTING_DEVICE_ID).await? {
            let id: DeviceId = id.parse().map_err(|_| WalletError::Row("device id"))?;
            if let Some(secret) = keys.load(SecretName::Device(id)).await? {
                return Self::from_secret(id, &secret);
            }
            tracing::warn!(device = %id, "the device's keys are gone from the key store; becoming a new device");
        }
        let device = Self::generate();
        keys.save(SecretName::Device(device.id), device.to_secret()).await?;
        store.save_setting(SETTING_DEVICE_ID, &device.id.to_string()).await?;
        Ok(device)
    }

    fn generate() -> Self {
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("the operating system's random generator answers");
        Self {
            id: DeviceId::from_parts(clock::now_ms(), &random),
            signing: SigningKey::generate(),
            sealing: DeviceSealingKeySecret::generate(),
        }
    }

    fn from_secret(id: DeviceId, secret: &[u8]) -> Result<Self> {
        let damaged = || WalletError::KeyFile("the device's keys are damaged".to_owned());
        let (signing, sealing) = secret.split_first_chunk::<KEY_LEN>().ok_or_else(damaged)?;
        let sealing = sealing.first_chunk::<KEY_LEN>().filter(|_| secret.len() == 2 * KEY_LEN).ok_or_else(damaged)?;
        Ok(Self { id, signing: SigningKey::from_bytes(signing), sealing: DeviceSealingKeySecret::from_bytes(sealing) })
    }

    fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let mut secret = Zeroizing::new(Vec::with_capacity(2 * KEY_LEN));
        secret.extend_from_slice(self.signing.expose_bytes());
        secret.extend_from_slice(self.sealing.expose_bytes());
        secret
    }

    /// The device's id.
    pub fn id(&self) -> DeviceId {
        self.id
    }

    /// The key that signs calls and submissions.
    pub fn signing(&self) -> &SigningKey<DeviceRole> {
        &self.signing
    }

    /// The key that opens requests.
    pub fn sealing(&self) -> &DeviceSealingKeySecret {
        &self.sealing
    }

    /// What the payment server must know of this device.
    pub fn registration(&self, language: &str) -> RegisterDevice {
        RegisterDevice {
            device_id: self.id,
            signing_key: self.signing.public().to_base64url(),
            sealing_key: self.sealing.public().to_base64url(),
            language: language.to_owned(),
        }
    }
}
