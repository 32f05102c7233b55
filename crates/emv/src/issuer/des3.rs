//! Two-key triple DES and the retail MAC (ISO/IEC 9797-1 algorithm 3), as Book 2 annex A1 uses them.

use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};

/// Encrypts one block.
pub(super) fn encrypt(key: &[u8; 16], block: [u8; 8]) -> [u8; 8] {
    let mut block = block.into();
    TdesEde2::new(key.into()).encrypt_block(&mut block);
    block.into()
}

/// Enciphers whole blocks, each chained to the one before (CBC with a zero initial block).
pub(super) fn encrypt_chained(key: &[u8; 16], padded: &[u8]) -> Vec<u8> {
    let (blocks, rest) = padded.as_chunks::<8>();
    debug_assert!(rest.is_empty(), "the caller pads");
    let mut chain = [0_u8; 8];
    let mut out = Vec::with_capacity(padded.len());
    for block in blocks {
        for (byte, input) in chain.iter_mut().zip(block) {
            *byte ^= input;
        }
        chain = encrypt(key, chain);
        out.extend_from_slice(&chain);
    }
    out
}

/// MAC algorithm 3 over whole blocks: single DES chaining, then decrypt with the right key and encrypt with
/// the left.
pub(super) fn retail_mac(key: &[u8; 16], padded: &[u8]) -> [u8; 8] {
    let (left, right) = key.split_at(8);
    let left = Des::new_from_slice(left).expect("half of a double key is a key");
    let right = Des::new_from_slice(right).expect("half of a double key is a key");
    let (blocks, rest) = padded.as_chunks::<8>();
    debug_assert!(rest.is_empty(), "the caller pads");
    let mut chain = [0_u8; 8].into();
    for block in blocks {
        for (byte, input) in AsMut::<[u8; 8]>::as_mut(&mut chain).iter_mut().zip(block) {
            *byte ^= input;
        }
        left.encrypt_block(&mut chain);
    }
    right.decrypt_block(&mut chain);
    left.encrypt_block(&mut chain);
    chain.into()
}
