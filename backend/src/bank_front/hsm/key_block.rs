//! Key blocks of ANSI X9.143 (TR-31), version D: a key bound to its use, under an AES key that only protects key blocks.
//!
//! PCI PIN requirement 18-3 asks for key blocks wherever keys travel, and an AES key may not travel under triple DES.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use cmac::{Cmac, Mac};
use zeroize::Zeroizing;

/// Length of the protection key, in bytes.
pub(super) const PROTECTION_KEY_LEN: usize = 32;
/// Length of an AES block and of the block's MAC, in bytes.
const BLOCK_LEN: usize = 16;
/// Characters of the header when there are no optional blocks.
const HEADER_LEN: usize = 16;

/// What a key in a key block is, as its header says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Key usage, such as `P0` (table 6).
    pub(super) usage: &'static str,
    /// `T` for triple DES, `A` for AES (table 7).
    pub(super) algorithm: char,
    /// `B` to encipher and decipher, `C` to make and check MACs (table 8).
    pub(super) mode: char,
    /// Longest key of the algorithm, in bytes: a shorter one is padded to it, so that the length tells nothing.
    pub(super) key_len_max: usize,
}

/// Wraps a key.
pub(super) fn wrap(protection: &[u8; PROTECTION_KEY_LEN], attributes: Attributes, key: &[u8]) -> Vec<u8> {
    debug_assert!(key.len() <= attributes.key_len_max, "no key is longer than its algorithm's");
    let plain_len = (2 + attributes.key_len_max).next_multiple_of(BLOCK_LEN);
    let mut data = Zeroizing::new(vec![0; plain_len]);
    let bits = u16::try_from(8 * key.len()).expect("a key has at most 32 bytes");
    data[..2].copy_from_slice(&bits.to_be_bytes());
    data[2..2 + key.len()].copy_from_slice(key);
    getrandom::fill(&mut data[2 + key.len()..]).expect("the operating system has randomness");
    let total = HEADER_LEN + 2 * (plain_len + BLOCK_LEN);
    let Attributes { usage, algorithm, mode, .. } = attributes;
    // Version D, length, usage, algorithm, mode, key version 00, not exportable, no optional blocks, reserved.
    let header = format!("D{total:04}{usage}{algorithm}{mode}00N0000");
    let mac = mac(&derived_key(protection, Purpose::Authentication), &[header.as_bytes(), &data]);
    let cipher = Aes256::new((&*derived_key(protection, Purpose::Encryption)).into());
    let mut chain = mac;
    for block in data.as_chunks_mut::<BLOCK_LEN>().0 {
        block.iter_mut().zip(chain).for_each(|(byte, before)| *byte ^= before);
        cipher.encrypt_block((&mut *block).into());
        chain = *block;
    }
    [header.into_bytes(), hex::encode_upper(&*data).into_bytes(), hex::encode_upper(mac).into_bytes()].concat()
}

/// The key check value of an AES key of 16 or 32 bytes: the beginning of the CMAC of a block of zeros (ANSI X9.24-1:2017,
/// annex A). `None` for another length.
pub(super) fn kcv(key: &[u8]) -> Option<[u8; 3]> {
    let zeros = [0; BLOCK_LEN];
    let mac: [u8; BLOCK_LEN] = if let Ok(key) = <&[u8; PROTECTION_KEY_LEN]>::try_from(key) {
        mac(key, &[&zeros])
    } else {
        let mut cmac = Cmac::<Aes128>::new_from_slice(key).ok()?;
        cmac.update(&zeros);
        cmac.finalize().into_bytes().into()
    };
    Some([mac[0], mac[1], mac[2]])
}

#[derive(Clone, Copy)]
enum Purpose {
    Encryption = 0x0000,
    Authentication = 0x0001,
}

/// The key for one purpose, derived by CMAC in counter mode (section 7.3.2.2): counter, purpose, a zero, AES-256, and
/// the length in bits.
fn derived_key(protection: &[u8; PROTECTION_KEY_LEN], purpose: Purpose) -> Zeroizing<[u8; PROTECTION_KEY_LEN]> {
    let mut key = Zeroizing::new([0; PROTECTION_KEY_LEN]);
    for (counter, half) in (1..).zip(key.as_chunks_mut::<BLOCK_LEN>().0) {
        *half = mac(protection, &[&[counter, 0x00, purpose as u8, 0x00, 0x00, 0x04, 0x01, 0x00]]);
    }
    key
}

fn mac(key: &[u8; PROTECTION_KEY_LEN], parts: &[&[u8]]) -> [u8; BLOCK_LEN] {
    let mut cmac = Cmac::<Aes256>::new(key.into());
    for part in parts {
        cmac.update(part);
    }
    cmac.finalize().into_bytes().into()
}
