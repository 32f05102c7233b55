//! Triple DES with two keys, one block at a time, over buffers that are wiped.

use des::TdesEde2;
use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

/// Length of a block, in bytes.
pub(super) const BLOCK_LEN: usize = 8;
/// Length of a key check value, in bytes (ANSI X9.24-1, 7.5).
pub(super) const KCV_LEN: usize = 3;

/// A double-length key, with or without odd parity.
pub(super) type Key = [u8; 16];

/// Enciphers one block in its place.
pub(super) fn encipher(key: &Key, block: &mut [u8; BLOCK_LEN]) {
    TdesEde2::new(key.into()).encrypt_block(block.into());
}

/// Deciphers one block in its place.
pub(super) fn decipher(key: &Key, block: &mut [u8; BLOCK_LEN]) {
    TdesEde2::new(key.into()).decrypt_block(block.into());
}

/// Enciphers a key, each half by itself (ECB, as ANSI X9.17 has it).
pub(super) fn encipher_key(master: &Key, key: &Key) -> Key {
    let mut cryptogram = *key;
    for half in cryptogram.as_chunks_mut::<BLOCK_LEN>().0 {
        encipher(master, half);
    }
    cryptogram
}

/// The first bytes of a block of zeros enciphered: tells that two sides have the same key, and nothing else of it.
pub(super) fn kcv(key: &Key) -> [u8; KCV_LEN] {
    let mut block = [0; BLOCK_LEN];
    encipher(key, &mut block);
    [block[0], block[1], block[2]]
}

/// A new random key of odd parity, whose halves differ.
pub(super) fn generate() -> Zeroizing<Key> {
    let mut key = Zeroizing::new([0; 16]);
    loop {
        getrandom::fill(&mut *key).expect("the operating system has randomness");
        set_odd_parity(&mut key);
        if has_two_halves(&key) {
            return key;
        }
    }
}

/// Whether the halves differ, parity bits aside: with equal ones triple DES is single DES.
pub(super) fn has_two_halves(key: &Key) -> bool {
    let (left, right) = key.split_at(BLOCK_LEN);
    left.iter().zip(right).any(|(left, right)| (left ^ right) & 0xFE != 0)
}

/// Makes the number of set bits of every byte odd; the lowest bit is not part of a DES key.
pub(super) fn set_odd_parity(key: &mut Key) {
    for byte in key {
        *byte ^= u8::from(byte.count_ones().is_multiple_of(2));
    }
}
