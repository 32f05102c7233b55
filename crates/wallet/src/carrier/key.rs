//! The secret halves of the keys that sign payments on phone bills, as the key store has them.

use envelope::subscriber::SERIAL_LEN;
use envelope::{SigningKey, Subscriber};
use payment::DeviceId;
use zeroize::Zeroizing;

use crate::error::{Result, WalletError};
use crate::keystore::SecretName;

/// Length of a key's seed, in bytes.
const SEED_LEN: usize = 32;
/// Length of one key with the serial of its certificate.
const ENTRY_LEN: usize = SERIAL_LEN + SEED_LEN;

/// Under which name this device's are kept.
pub(super) fn name(device: DeviceId) -> SecretName {
    SecretName::Bills(device)
}

/// Keys by the serials of their certificates. Wiped when dropped.
pub(super) struct BillKeys(Vec<([u8; SERIAL_LEN], Zeroizing<[u8; SEED_LEN]>)>);

impl BillKeys {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn from_secret(secret: &[u8]) -> Result<Self> {
        let (entries, []) = secret.as_chunks::<ENTRY_LEN>() else {
            return Err(WalletError::KeyFile("the keys of phone bills are damaged".to_owned()));
        };
        let entry = |entry: &[u8; ENTRY_LEN]| {
            let (mut serial, mut seed) = ([0; SERIAL_LEN], Zeroizing::new([0; SEED_LEN]));
            serial.copy_from_slice(&entry[..SERIAL_LEN]);
            seed.copy_from_slice(&entry[SERIAL_LEN..]);
            (serial, seed)
        };
        Ok(Self(entries.iter().map(entry).collect()))
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let mut secret = Zeroizing::new(Vec::with_capacity(self.0.len() * ENTRY_LEN));
        for (serial, seed) in &self.0 {
            secret.extend_from_slice(serial);
            secret.extend_from_slice(seed.as_slice());
        }
        secret
    }

    pub(super) fn get(&self, serial: &[u8; SERIAL_LEN]) -> Option<SigningKey<Subscriber>> {
        let found = self.0.iter().find(|(known, _)| known == serial);
        found.map(|(_, seed)| SigningKey::from_bytes(seed))
    }

    pub(super) fn put(&mut self, serial: [u8; SERIAL_LEN], key: &SigningKey<Subscriber>) {
        self.0.retain(|(known, _)| *known != serial);
        self.0.push((serial, Zeroizing::new(*key.expose_bytes())));
    }

    /// Forgets the keys of all other certificates.
    pub(super) fn keep_only(&mut self, serials: &[[u8; SERIAL_LEN]]) {
        self.0.retain(|(known, _)| serials.contains(known));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_by_their_serials_and_damage_is_told() {
        let (one, other) = (SigningKey::<Subscriber>::generate(), SigningKey::<Subscriber>::generate());
        let mut keys = BillKeys::none();
        keys.put([1; SERIAL_LEN], &one);
        keys.put([2; SERIAL_LEN], &one);
        keys.put([2; SERIAL_LEN], &other);
        let secret = keys.to_secret();
        let mut again = BillKeys::from_secret(&secret).unwrap();
        assert_eq!(again.get(&[1; SERIAL_LEN]).unwrap().public(), one.public());
        assert_eq!(again.get(&[2; SERIAL_LEN]).unwrap().public(), other.public());
        again.keep_only(&[[2; SERIAL_LEN], [3; SERIAL_LEN]]);
        assert!(again.get(&[2; SERIAL_LEN]).is_some());
        assert!(again.get(&[1; SERIAL_LEN]).is_none() && again.get(&[3; SERIAL_LEN]).is_none());
        assert!(BillKeys::from_secret(&secret[1..]).is_err());
    }
}
