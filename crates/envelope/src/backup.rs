//! A backup's seal: a passphrase becomes a key, and a stream of any length is sealed in chunks.
//!
//! `TAPSEALB ‖ 1 ‖ memory in KiB (4) ‖ passes (1) ‖ lanes (1) ‖ salt (16) ‖ nonce prefix (7) ‖ tag (32) ‖ chunks`, numbers
//! big-endian. Argon2id (RFC 9106) makes 64 bytes of passphrase and salt: an AES-256-GCM key and an HMAC-SHA-256 key. The
//! tag is the HMAC of everything before it. It tells a wrong passphrase from a damaged file, and it commits to the key,
//! which GCM does not: one file cannot be made that opens differently under two passphrases.
//!
//! Chunks are STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: *Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance*, 2015, section 7): the nonce is prefix ‖ counter (4) ‖ 1 for the last chunk and 0 for any other. A
//! chunk that is left out, doubled, moved, or the last of a file that was cut, does not open.
//!
//! The costs have bounds in both directions: a hostile header makes nobody derive for hours or fill the memory.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// How many bytes a header has.
pub const HEADER_LEN: usize = MAGIC.len() + 6 + SALT_LEN + PREFIX_LEN + TAG_LEN;
/// How many bytes are sealed at a time; only the last chunk is shorter, and it may be empty.
pub const CHUNK_LEN: usize = 64 * 1024;
/// How many bytes a sealed chunk is longer than its content.
pub const CHUNK_OVERHEAD: usize = 16;

const MAGIC: &[u8; 9] = b"TAPSEALB\x01";
const SALT_LEN: usize = 16;
const PREFIX_LEN: usize = 7;
const TAG_LEN: usize = 32;
const KEY_LEN: usize = 32;
/// Where the tag begins.
const TAG_AT: usize = HEADER_LEN - TAG_LEN;
/// The second recommendation of RFC 9106, section 4: 64 MiB, three passes, four lanes.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
/// The largest costs that are derived with.
const COST_MAX: Cost = Cost { memory_kib: 256 * 1024, passes: 8, lanes: 8 };

/// Why a backup does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BackupError {
    /// It does not begin as a backup does.
    #[error("this is no backup")]
    NotABackup,
    /// A later version made it, or it asks for costs out of bounds.
    #[error("this backup is of another version")]
    Version,
    /// The passphrase is not the one it was made with.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// A chunk was changed, moved or left out, or the file was cut.
    #[error("the backup is damaged")]
    Damaged,
    /// More chunks than a counter counts.
    #[error("the backup is too long")]
    TooLong,
}

/// Whether a chunk is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Others follow.
    Inner,
    /// None follows.
    Last,
}

#[derive(Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u8,
    lanes: u8,
}

impl Cost {
    const fn is_within(self, most: Self) -> bool {
        let is_some = self.memory_kib >= 8 * self.lanes as u32 && self.passes > 0 && self.lanes > 0;
        is_some && self.memory_kib <= most.memory_kib && self.passes <= most.passes && self.lanes <= most.lanes
    }
}

/// Seals or opens the chunks of one backup, in their order.
pub struct BackupStream {
    cipher: Aes256Gcm,
    prefix: [u8; PREFIX_LEN],
    next: Option<u32>,
}

impl BackupStream {
    /// A new backup's header, and what seals its chunks.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn create(passphrase: &[u8]) -> ([u8; HEADER_LEN], Self) {
        let mut header = [0; HEADER_LEN];
        let (magic, rest) = header.split_at_mut(MAGIC.len());
        magic.copy_from_slice(MAGIC);
        rest[..4].copy_from_slice(&COST.memory_kib.to_be_bytes());
        rest[4] = COST.passes;
        rest[5] = COST.lanes;
        getrandom::fill(&mut rest[6..6 + SALT_LEN + PREFIX_LEN]).expect("the operating system has randomness");
        let keys = derive(passphrase, &header, COST);
        let tag = header_mac(&keys, &header).finalize().into_bytes();
        header[TAG_AT..].copy_from_slice(&tag);
        let stream = Self::new(&keys, &header);
        (header, stream)
    }

    /// What opens the chunks after this header.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`], [`BackupError::Version`] or [`BackupError::Passphrase`].
    pub fn open(passphrase: &[u8], header: &[u8; HEADER_LEN]) -> Result<Self, BackupError> {
        let cost = cost_of(header)?;
        let keys = derive(passphrase, header, cost);
        header_mac(&keys, header).verify_slice(&header[TAG_AT..]).map_err(|_| BackupError::Passphrase)?;
        Ok(Self::new(&keys, header))
    }

    fn new(keys: &Keys, header: &[u8; HEADER_LEN]) -> Self {
        let (key, _) = keys.split_at(KEY_LEN);
        let cipher = Aes256Gcm::new_from_slice(key).expect("the key is 32 bytes long");
        let mut prefix = [0; PREFIX_LEN];
        prefix.copy_from_slice(&header[TAG_AT - PREFIX_LEN..TAG_AT]);
        Self { cipher, prefix, next: Some(0) }
    }

    /// Seals the next chunk.
    ///
    /// # Errors
    /// [`BackupError::TooLong`].
    ///
    /// # Panics
    /// When an inner chunk is not [`CHUNK_LEN`] long: the reader could not tell where it ends.
    pub fn seal(&mut self, content: &[u8], chunk: Chunk) -> Result<Vec<u8>, BackupError> {
        assert!(content.len() == CHUNK_LEN || (chunk == Chunk::Last && content.len() <= CHUNK_LEN), "a chunk's length");
        let nonce = self.nonce(chunk)?;
        self.cipher.encrypt(&nonce, content).map_err(|_| BackupError::TooLong)
    }

    /// Opens the next chunk.
    ///
    /// # Errors
    /// [`BackupError::Damaged`]; [`BackupError::TooLong`].
    pub fn open_chunk(&mut self, sealed: &[u8], chunk: Chunk) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let nonce = self.nonce(chunk)?;
        self.cipher.decrypt(&nonce, sealed).map(Zeroizing::new).map_err(|_| BackupError::Damaged)
    }

    fn nonce(&mut self, chunk: Chunk) -> Result<Nonce<aes_gcm::aead::consts::U12>, BackupError> {
        let counter = self.next.ok_or(BackupError::TooLong)?;
        self.next = if chunk == Chunk::Last { None } else { counter.checked_add(1) };
        let mut nonce = [0; 12];
        nonce[..PREFIX_LEN].copy_from_slice(&self.prefix);
        nonce[PREFIX_LEN..11].copy_from_slice(&counter.to_be_bytes());
        nonce[11] = u8::from(chunk == Chunk::Last);
        Ok(nonce.into())
    }
}

type Keys = Zeroizing<[u8; 2 * KEY_LEN]>;

/// The costs that a header asks for.
fn cost_of(header: &[u8; HEADER_LEN]) -> Result<Cost, BackupError> {
    let (magic, rest) = header.split_at(MAGIC.len());
    if magic[..MAGIC.len() - 1] != MAGIC[..MAGIC.len() - 1] {
        return Err(BackupError::NotABackup);
    }
    let memory_kib = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]);
    let cost = Cost { memory_kib, passes: rest[4], lanes: rest[5] };
    if magic == MAGIC && cost.is_within(COST_MAX) { Ok(cost) } else { Err(BackupError::Version) }
}

fn derive(passphrase: &[u8], header: &[u8; HEADER_LEN], cost: Cost) -> Keys {
    let salt = &header[MAGIC.len() + 6..MAGIC.len() + 6 + SALT_LEN];
    let params = Params::new(cost.memory_kib, cost.passes.into(), cost.lanes.into(), Some(2 * KEY_LEN));
    let params = params.expect("the costs are within their bounds");
    let mut keys = Zeroizing::new([0; 2 * KEY_LEN]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, salt, &mut *keys)
        .expect("salt and output have lengths that Argon2 takes");
    keys
}

fn header_mac(keys: &Keys, header: &[u8; HEADER_LEN]) -> Hmac<Sha256> {
    let (_, key) = keys.split_at(KEY_LEN);
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(&header[..TAG_AT]);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &[u8] = b"amber lantern orbit";

    fn sealed(contents: &[&[u8]]) -> ([u8; HEADER_LEN], Vec<Vec<u8>>) {
        let (header, mut stream) = BackupStream::create(PASSPHRASE);
        let last = contents.len() - 1;
        let kind = |place: usize| if place == last { Chunk::Last } else { Chunk::Inner };
        let chunks = contents.iter().enumerate().map(|(place, content)| stream.seal(content, kind(place)).unwrap());
        (header, chunks.collect())
    }

    #[test]
    fn chunks_open_in_their_order_and_only_so() {
        let (first, second) = (vec![1; CHUNK_LEN], vec![2; CHUNK_LEN]);
        let (header, chunks) = sealed(&[&first, &second, b"end"]);
        let open = || BackupStream::open(PASSPHRASE, &header).unwrap();
        let mut stream = open();
        assert_eq!(*stream.open_chunk(&chunks[0], Chunk::Inner).unwrap(), first);
        assert_eq!(*stream.open_chunk(&chunks[1], Chunk::Inner).unwrap(), second);
        assert_eq!(*stream.open_chunk(&chunks[2], Chunk::Last).unwrap(), b"end");
        assert_eq!(stream.open_chunk(&chunks[2], Chunk::Last), Err(BackupError::TooLong), "nothing follows the last");
        for (chunk, kind) in [(1, Chunk::Inner), (2, Chunk::Inner), (2, Chunk::Last), (0, Chunk::Last)] {
            assert_eq!(open().open_chunk(&chunks[chunk], kind), Err(BackupError::Damaged), "{chunk} {kind:?}");
        }
        let mut bent = chunks[0].clone();
        bent[CHUNK_LEN / 2] ^= 1;
        assert_eq!(open().open_chunk(&bent, Chunk::Inner), Err(BackupError::Damaged));
    }

    #[test]
    fn a_wrong_passphrase_is_no_damage() {
        let (header, _) = sealed(&[b""]);
        assert_eq!(BackupStream::open(b"amber lantern orbi", &header).err(), Some(BackupError::Passphrase));
        let mut bent = header;
        bent[HEADER_LEN - TAG_LEN - 1] ^= 1;
        assert_eq!(BackupStream::open(PASSPHRASE, &bent).err(), Some(BackupError::Passphrase), "the tag covers it all");
    }

    #[test]
    fn a_hostile_header_costs_nothing() {
        let (header, _) = sealed(&[b""]);
        let with = |place: usize, value: u8| {
            let mut header = header;
            header[place] = value;
            BackupStream::open(PASSPHRASE, &header).err()
        };
        assert_eq!(with(0, b'X'), Some(BackupError::NotABackup));
        assert_eq!(with(8, 2), Some(BackupError::Version));
        assert_eq!(with(MAGIC.len(), 0xff), Some(BackupError::Version), "terabytes of memory");
        assert_eq!(with(MAGIC.len() + 4, 200), Some(BackupError::Version), "hours of passes");
        assert_eq!(with(MAGIC.len() + 5, 0), Some(BackupError::Version), "no lanes");
    }
}
