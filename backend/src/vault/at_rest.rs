//! What is stored under the keys: each row under a data key of its own, and that under a master key (envelope encryption).
//!
//! Content and data key are sealed by AES-256-GCM, each with the row's place as additional data: a row that is moved into
//! another's place does not open. Going over to another master key wraps the data key anew and leaves the content alone.

use envelope::RestKey;
use zeroize::Zeroizing;

use super::error::VaultError;
use super::key_ring::Ring;

/// What the additional data of a wrapped data key begins with.
const KEY_LABEL: &[u8] = b"tapseal/1 data key\n";

/// What a row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AtRest {
    /// The master key's version.
    pub(super) key_version: i64,
    /// The data key, in hexadecimal.
    pub(super) wrapped_key: String,
    /// The content, in hexadecimal.
    pub(super) sealed: String,
}

/// Which row: its table and its key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Alias(&'a str),
    Card(&'a str),
}

impl Place<'_> {
    fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Alias(id) => format!("alias/{id}"),
            Self::Card(id) => format!("card/{id}"),
        }
        .into_bytes()
    }

    /// The data key's additional data: place and version.
    fn of_key(self, version: i64) -> Vec<u8> {
        [KEY_LABEL, &version.to_be_bytes(), &self.to_bytes()].concat()
    }
}

impl AtRest {
    /// Seals content under a new data key.
    pub(super) fn seal(ring: &Ring, place: Place<'_>, content: &[u8]) -> Result<Self, VaultError> {
        let data_key = RestKey::generate();
        let sealed = hex::encode(data_key.seal(&place.to_bytes(), content)?);
        Self::wrap(ring, place, &data_key, sealed)
    }

    /// The content.
    pub(super) fn open(&self, ring: &Ring, place: Place<'_>) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let sealed = hex::decode(&self.sealed).map_err(|_| WRONG)?;
        self.data_key(ring, place)?.open(&place.to_bytes(), &sealed).map_err(|_| WRONG)
    }

    /// The same content with its data key under the newest master key.
    pub(super) fn rewrapped(self, ring: &Ring, place: Place<'_>) -> Result<Self, VaultError> {
        let data_key = self.data_key(ring, place)?;
        Self::wrap(ring, place, &data_key, self.sealed)
    }

    fn wrap(ring: &Ring, place: Place<'_>, data_key: &RestKey, sealed: String) -> Result<Self, VaultError> {
        let (key_version, master) = ring.newest();
        let wrapped = master.seal(&place.of_key(key_version), data_key.expose_bytes())?;
        Ok(Self { key_version, wrapped_key: hex::encode(wrapped), sealed })
    }

    fn data_key(&self, ring: &Ring, place: Place<'_>) -> Result<RestKey, VaultError> {
        let master = ring.master(self.key_version).ok_or(WRONG)?;
        let wrapped = hex::decode(&self.wrapped_key).map_err(|_| WRONG)?;
        let bytes = master.open(&place.of_key(self.key_version), &wrapped).map_err(|_| WRONG)?;
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| WRONG)?);
        Ok(RestKey::from_bytes(&bytes))
    }
}

const WRONG: VaultError = VaultError::Stored("row");
