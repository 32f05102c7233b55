//! Triple DES DUKPT (ANSI X9.24-1:2009, annex A).

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use super::TdesPinKey;
use crate::bank_front::hsm::tdes::{self, BLOCK_LEN, Key};

/// The counter's bits within the last three bytes (A.1).
pub(super) const COUNTER_BITS: u32 = 0x001F_FFFF;
/// Most set bits of a counter: a terminal skips the others (A.1).
pub(super) const COUNTER_ONES_MAX: u32 = 10;
/// What tells the right half of a key's derivation from the left (A.6).
const HALF_MASK: Key = [0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0, 0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0];
/// The variant for PIN encryption (A.4.1, table A-1).
const PIN_MASK: Key = [0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0xFF];

/// A base derivation key.
pub(in super::super) struct TdesBase(Zeroizing<Key>);

impl TdesBase {
    pub(in super::super) fn new(key: Zeroizing<Key>) -> Self {
        Self(key)
    }

    /// The key of the PIN block that came with this serial number.
    pub(in super::super) fn pin_key(&self, ksn: &[u8; 10]) -> TdesPinKey {
        with_mask(&future_key(self.initial_key(ksn), ksn), &PIN_MASK)
    }

    /// The key that is loaded into the terminal (A.6).
    pub(super) fn initial_key(&self, ksn: &[u8; 10]) -> Zeroizing<Key> {
        let mut serial = [0; BLOCK_LEN];
        serial.copy_from_slice(&ksn[..BLOCK_LEN]);
        serial[7] &= 0xE0;
        let half = |key: &Key| {
            let mut block = serial;
            tdes::encipher(key, &mut block);
            block
        };
        joined(half(&self.0), half(&with_mask(&self.0, &HALF_MASK)))
    }
}

/// The key at a counter, from the initial key: one step for each set bit, the highest first (A.3).
pub(super) fn future_key(initial: Zeroizing<Key>, ksn: &[u8; 10]) -> Zeroizing<Key> {
    let [_, _, serial @ ..] = *ksn;
    let serial = u64::from_be_bytes(serial);
    let counter = serial & u64::from(COUNTER_BITS);
    let mut at = serial & !u64::from(COUNTER_BITS);
    let mut key = initial;
    for bit in (0..21).rev().map(|place| 1_u64 << place).filter(|bit| counter & bit != 0) {
        at |= bit;
        let right = half(&key, at);
        let left = half(&with_mask(&key, &HALF_MASK), at);
        key = joined(left, right);
    }
    key
}

/// The non-reversible step for one half (A.2): single DES with the left half, between two additions of the right.
fn half(key: &Key, at: u64) -> [u8; BLOCK_LEN] {
    let (left, right) = key.split_at(BLOCK_LEN);
    let mut block = at.to_be_bytes();
    let add_right = |block: &mut [u8; BLOCK_LEN]| block.iter_mut().zip(right).for_each(|(byte, key)| *byte ^= key);
    add_right(&mut block);
    let cipher = Des::new_from_slice(left).expect("half of a double key is a key");
    cipher.encrypt_block((&mut block).into());
    add_right(&mut block);
    block
}

fn with_mask(key: &Key, mask: &Key) -> Zeroizing<Key> {
    let mut masked = Zeroizing::new(*key);
    masked.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    masked
}

fn joined(left: [u8; BLOCK_LEN], right: [u8; BLOCK_LEN]) -> Zeroizing<Key> {
    let mut key = Zeroizing::new([0; 16]);
    key[..BLOCK_LEN].copy_from_slice(&left);
    key[BLOCK_LEN..].copy_from_slice(&right);
    key
}
