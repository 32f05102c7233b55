//! AES DUKPT (ANSI X9.24-3:2017, section 6).

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use envelope::pin_block::PinKey;
use zeroize::Zeroizing;

/// Most set bits of a counter: a terminal skips the others (section 6.1).
pub(super) const COUNTER_ONES_MAX: u32 = 16;
/// Length of an AES block, in bytes.
const BLOCK_LEN: usize = 16;

/// What a derived key is for: the key usage indicators of section 6.2.2, table 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    PinEncryption,
    KeyDerivation,
    InitialKey,
}

impl Usage {
    fn indicator(self) -> u16 {
        match self {
            Self::PinEncryption => 0x1000,
            Self::KeyDerivation => 0x8000,
            Self::InitialKey => 0x8001,
        }
    }
}

/// How long the derived keys are: those of a terminal are as long as its base derivation key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    Aes128,
    Aes256,
}

impl Strength {
    fn algorithm(self) -> u16 {
        match self {
            Self::Aes128 => 0x0002,
            Self::Aes256 => 0x0004,
        }
    }

    fn bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes256 => 256,
        }
    }

    fn len(self) -> usize {
        usize::from(self.bits() / 8)
    }
}

/// Key bytes of either length.
pub(super) type KeyBytes = Zeroizing<Vec<u8>>;

/// A base derivation key of 16 or 32 bytes.
pub(in super::super) struct AesBase {
    key: KeyBytes,
    strength: Strength,
}

impl AesBase {
    /// A key of 16 or 32 bytes; `None` for another length.
    pub(in super::super) fn new(key: &[u8]) -> Option<Self> {
        let strength = [Strength::Aes128, Strength::Aes256].into_iter().find(|strength| strength.len() == key.len())?;
        Some(Self { key: Zeroizing::new(key.to_vec()), strength })
    }

    /// The key of the PIN block that came with this serial number.
    pub(in super::super) fn pin_key(&self, ksn: &[u8; 12]) -> Option<PinKey> {
        PinKey::from_bytes(&self.working_key(ksn, Usage::PinEncryption, self.strength)).ok()
    }

    /// The key that is loaded into the terminal (section 6.3.1).
    pub(super) fn initial_key(&self, id: [u8; 8]) -> KeyBytes {
        derive(&self.key, Usage::InitialKey, self.strength, id)
    }

    /// The key that others are derived from at a counter (section 6.5.1).
    pub(super) fn derivation_key(&self, ksn: &[u8; 12]) -> KeyBytes {
        let (id, counter) = parts(ksn);
        let mut key = self.initial_key(id);
        let mut at = 0;
        for bit in (0..u32::BITS).rev().map(|place| 1_u32 << place).filter(|bit| counter & bit != 0) {
            at |= bit;
            key = derive(&key, Usage::KeyDerivation, self.strength, place(id, at));
        }
        key
    }

    /// A key for one use at a counter.
    pub(super) fn working_key(&self, ksn: &[u8; 12], usage: Usage, strength: Strength) -> KeyBytes {
        let (id, counter) = parts(ksn);
        derive(&self.derivation_key(ksn), usage, strength, place(id, counter))
    }
}

fn parts(ksn: &[u8; 12]) -> ([u8; 8], u32) {
    let [id @ .., a, b, c, d] = *ksn;
    (id, u32::from_be_bytes([a, b, c, d]))
}

/// The second half of the derivation data: the right half of the initial key's id, and the counter.
fn place(id: [u8; 8], counter: u32) -> [u8; 8] {
    let [_, _, _, _, id @ ..] = id;
    let mut place = [0; 8];
    place[..4].copy_from_slice(&id);
    place[4..].copy_from_slice(&counter.to_be_bytes());
    place
}

/// Derives a key: as many blocks of derivation data as it has, each enciphered (sections 6.2.1 and 6.2.2).
fn derive(key: &[u8], usage: Usage, strength: Strength, place: [u8; 8]) -> KeyBytes {
    let mut derived = Zeroizing::new(Vec::with_capacity(strength.len()));
    for number in (1..).take(strength.len() / BLOCK_LEN) {
        let mut block = [0; BLOCK_LEN];
        block[..2].copy_from_slice(&[0x01, number]);
        block[2..4].copy_from_slice(&usage.indicator().to_be_bytes());
        block[4..6].copy_from_slice(&strength.algorithm().to_be_bytes());
        block[6..8].copy_from_slice(&strength.bits().to_be_bytes());
        block[8..].copy_from_slice(&place);
        encipher(key, &mut block);
        derived.extend_from_slice(&block);
    }
    derived
}

fn encipher(key: &[u8], block: &mut [u8; BLOCK_LEN]) {
    if let Ok(cipher) = Aes128::new_from_slice(key) {
        cipher.encrypt_block(block.into());
    } else {
        let cipher = Aes256::new_from_slice(key).expect("a key is made with 16 or 32 bytes");
        cipher.encrypt_block(block.into());
    }
}
