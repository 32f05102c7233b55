//! What a device keeps for itself: sealed at rest under a key that only its key store has.
//!
//! AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits: a till seals far fewer than the 2^32 messages that
//! section 8.3 allows for one key.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::Zeroizing;

use crate::error::{OpenError, SealError};
use crate::secret::{SecretArray, fill_random, wipe_stack};

/// Length of the key, in bytes.
const KEY_LEN: usize = 32;
/// Length of the nonce that stands before the ciphertext, in bytes.
const NONCE_LEN: usize = 12;
/// Longest plaintext, in bytes.
const PLAINTEXT_LEN_MAX: usize = 16 * 1024;

/// The key of one device's own notes. Wiped when dropped.
pub struct RestKey(SecretArray<KEY_LEN>);

impl RestKey {
    /// A new key from the operating system's generator.
    pub fn generate() -> Self {
        Self(SecretArray::random())
    }

    /// The key with these bytes, as [`RestKey::expose_bytes`] gave them to the key store. The caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        Self(SecretArray::copy_of(bytes))
    }

    /// The secret bytes, for the key store only.
    pub fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        self.0.expose()
    }

    /// Seals a note. `place` says where it is kept: it opens at no other.
    pub fn seal(&self, place: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        const TOO_LONG: SealError = SealError::TooLong("the note");
        if plaintext.len() > PLAINTEXT_LEN_MAX {
            return Err(TOO_LONG);
        }
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce);
        let payload = Payload { msg: plaintext, aad: place };
        let ciphertext = self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| TOO_LONG);
        wipe_stack();
        let ciphertext = ciphertext?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens a note that was sealed for this place, or fails without saying why.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(OpenError::Refused)?;
        let payload = Payload { msg: ciphertext, aad: place };
        let plaintext = self.cipher().decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new);
        wipe_stack();
        plaintext.map_err(|_| OpenError::Refused)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.0.expose().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_opens_in_its_place_and_nowhere_else() {
        let key = RestKey::generate();
        let sealed = key.seal(b"sale 1", b"link").unwrap();
        assert_eq!(key.open(b"sale 1", &sealed).unwrap().as_slice(), b"link");
        assert_eq!(key.open(b"sale 2", &sealed), Err(OpenError::Refused));
        assert_eq!(RestKey::generate().open(b"sale 1", &sealed), Err(OpenError::Refused));
        let again = RestKey::from_bytes(key.expose_bytes());
        assert_eq!(again.open(b"sale 1", &sealed).unwrap().as_slice(), b"link");
    }

    #[test]
    fn a_changed_or_cut_note_does_not_open() {
        let key = RestKey::generate();
        let sealed = key.seal(b"here", b"link").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(b"here", &changed), Err(OpenError::Refused), "byte {at}");
            assert_eq!(key.open(b"here", &sealed[..at]), Err(OpenError::Refused), "cut to {at}");
        }
    }

    #[test]
    fn the_same_note_never_looks_the_same_and_a_long_one_is_refused() {
        let key = RestKey::generate();
        assert_ne!(key.seal(b"", b"link").unwrap(), key.seal(b"", b"link").unwrap());
        assert!(key.seal(b"", &vec![0; PLAINTEXT_LEN_MAX + 1]).is_err());
    }
}
