//! A file sealed with a passphrase: Argon2id (RFC 9106) makes a key of it, AES-256-GCM seals the content.
//!
//! `TAPSEALK ‖ version 1 ‖ memory in KiB ‖ passes ‖ lanes ‖ salt ‖ nonce ‖ content and tag`, numbers as four bytes
//! big-endian. Everything in front of the nonce is additional data of the seal. The costs have bounds in both
//! directions: a changed header can make nobody derive for hours, and none is worth less than was written.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::FILE_NAME;
use crate::bank_front::error::BankError;

const MAGIC: &[u8; 9] = b"TAPSEALK\x01";
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 12;
const KEY_LEN: usize = 32;
/// Bytes in front of the nonce.
const HEADER_LEN: usize = MAGIC.len() + 3 * 4 + SALT_LEN;

/// What deriving a key costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106, section 4, for new files.
    const RECOMMENDED: Self = Self { memory_kib: 64 * 1_024, passes: 3, lanes: 4 };
    /// The least that is accepted, and enough for tests, which make hundreds of files.
    const LEAST: Self = Self { memory_kib: 8 * 1_024, passes: 1, lanes: 1 };
    /// The most that is accepted: a gibibyte, sixteen times over.
    const MOST: Self = Self { memory_kib: 1_024 * 1_024, passes: 16, lanes: 16 };

    /// What a new file costs.
    pub(super) const fn of_new_files() -> Self {
        if cfg!(test) { Self::LEAST } else { Self::RECOMMENDED }
    }

    fn is_within_bounds(self) -> bool {
        (Self::LEAST.memory_kib..=Self::MOST.memory_kib).contains(&self.memory_kib)
            && (Self::LEAST.passes..=Self::MOST.passes).contains(&self.passes)
            && (Self::LEAST.lanes..=Self::MOST.lanes).contains(&self.lanes)
    }
}

/// The key a file is sealed with, kept so that the file can be sealed again without the passphrase. Wiped when dropped.
pub(super) struct FileKey {
    header: [u8; HEADER_LEN],
    key: Zeroizing<[u8; KEY_LEN]>,
}

impl FileKey {
    /// A key of this passphrase with a new salt, for a new file or a changed passphrase.
    pub(super) fn new(passphrase: &[u8], cost: Cost) -> Result<Self, BankError> {
        let mut header = [0; HEADER_LEN];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        let numbers = [cost.memory_kib, cost.passes, cost.lanes];
        for (place, number) in header[MAGIC.len()..].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        getrandom::fill(&mut header[HEADER_LEN - SALT_LEN..]).expect("the operating system has randomness");
        Self::derive(passphrase, header)
    }

    fn derive(passphrase: &[u8], header: [u8; HEADER_LEN]) -> Result<Self, BankError> {
        let malformed = || BankError::Malformed(FILE_NAME);
        let (numbers, salt) = header[MAGIC.len()..].split_at(3 * 4);
        let [memory_kib, passes, lanes] =
            [0, 4, 8].map(|at| u32::from_be_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]]));
        let cost = Cost { memory_kib, passes, lanes };
        if !header.starts_with(MAGIC) || !cost.is_within_bounds() {
            return Err(malformed());
        }
        let params = Params::new(memory_kib, passes, lanes, Some(KEY_LEN)).map_err(|_| malformed())?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut key = Zeroizing::new([0; KEY_LEN]);
        argon2.hash_password_into(passphrase, salt, &mut *key).map_err(|_| BankError::Passphrase)?;
        Ok(Self { header, key })
    }

    /// The whole file with this content.
    pub(super) fn seal(&self, content: &[u8]) -> Result<Vec<u8>, BankError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).expect("the operating system has randomness");
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), Payload { msg: content, aad: &self.header })
            .map_err(|_| BankError::Malformed(FILE_NAME))?;
        Ok([&self.header[..], &nonce, &sealed].concat())
    }

    /// The content of a file that this key sealed.
    fn open(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, BankError> {
        let (nonce, sealed) =
            file[HEADER_LEN..].split_first_chunk::<NONCE_LEN>().ok_or(BankError::Malformed(FILE_NAME))?;
        let opened = self.cipher().decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &self.header });
        opened.map(Zeroizing::new).map_err(|_| BankError::Passphrase)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.key).into())
    }
}

/// The content of a file, and the key it is sealed with: `known` if it is that one, otherwise made of the passphrase.
///
/// # Errors
/// [`BankError::Malformed`] when it is no such file, [`BankError::Passphrase`] when it does not open.
pub(super) fn open(
    file: &[u8],
    known: Option<&FileKey>,
    passphrase: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, BankError>,
) -> Result<(Zeroizing<Vec<u8>>, Option<FileKey>), BankError> {
    let header = *file.first_chunk::<HEADER_LEN>().ok_or(BankError::Malformed(FILE_NAME))?;
    if let Some(known) = known.filter(|known| known.header == header) {
        return Ok((known.open(file)?, None));
    }
    let key = FileKey::derive(&passphrase()?, header)?;
    Ok((key.open(file)?, Some(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &[u8] = b"correct horse battery staple";

    #[expect(clippy::unnecessary_wraps, reason = "the passphrase of a real folder may not be there")]
    fn give(passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, BankError> {
        Ok(Zeroizing::new(passphrase.to_vec()))
    }

    fn sealed() -> (FileKey, Vec<u8>) {
        let key = FileKey::new(PASSPHRASE, Cost::LEAST).unwrap();
        let file = key.seal(b"content").unwrap();
        (key, file)
    }

    #[test]
    fn content_comes_back_with_the_passphrase_and_without_it_once_the_key_is_known() {
        let (key, file) = sealed();
        let (content, made) = open(&file, None, || give(PASSPHRASE)).unwrap();
        assert!(*content == *b"content" && made.is_some());
        let (content, made) = open(&file, Some(&key), || panic!("nobody is asked")).unwrap();
        assert!(*content == *b"content" && made.is_none());
        assert_ne!(key.seal(b"content").unwrap(), file, "a nonce serves once");
        // Sealed with another passphrase meanwhile: the known key is of no use.
        let other = FileKey::new(b"another passphrase", Cost::LEAST).unwrap();
        assert!(open(&file, Some(&other), || give(PASSPHRASE)).unwrap().1.is_some());
    }

    #[test]
    fn a_wrong_passphrase_is_one_error() {
        let (_, file) = sealed();
        for wrong in [&b"correct horse battery stapl"[..], b"Correct horse battery staple", b"", &[0; 1_024]] {
            assert!(matches!(open(&file, None, || give(wrong)), Err(BankError::Passphrase)));
        }
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let (key, file) = sealed();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 0x01;
            // Where the header is the same, the key that is known shows what the passphrase would.
            assert!(open(&changed, Some(&key), || give(PASSPHRASE)).is_err(), "byte {at}");
        }
        for len in 0..file.len() {
            assert!(open(&file[..len], Some(&key), || give(PASSPHRASE)).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn costs_out_of_bounds_are_refused_before_anything_is_derived() {
        let (_, file) = sealed();
        for (at, number) in [(0, 8_191), (0, u32::MAX), (4, 0), (4, 17), (8, 0), (8, 17)] {
            let mut changed = file.clone();
            changed[MAGIC.len() + at..MAGIC.len() + at + 4].copy_from_slice(&u32::to_be_bytes(number));
            assert!(matches!(open(&changed, None, || give(PASSPHRASE)), Err(BankError::Malformed(_))));
        }
        assert!(Cost::RECOMMENDED.is_within_bounds());
    }
}
