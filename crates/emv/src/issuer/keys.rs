//! Issuer, card and session keys. None has Debug, Display, Clone or equality.

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::issuer::version::Padding;
use crate::issuer::{IssuerError, des3};

/// An issuer's master key for application cryptograms.
pub struct IssuerMasterKey(Zeroizing<[u8; 16]>);

/// A card's master key (UDK), derived from the issuer's.
pub struct CardMasterKey(Zeroizing<[u8; 16]>);

/// The key one cryptogram is made with.
pub struct SessionKey(Zeroizing<[u8; 16]>);

impl IssuerMasterKey {
    /// Takes a double-length DES key.
    pub fn new(key: [u8; 16]) -> Self {
        Self(Zeroizing::new(key))
    }
}

impl CardMasterKey {
    /// Takes a double-length DES key, as personalisation data gives it.
    pub fn new(key: [u8; 16]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key bytes. The name marks every place where they leave this type.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// The card key itself as session key, as Visa cryptogram versions 10 and 17 do.
    pub fn without_session(&self) -> SessionKey {
        SessionKey(self.0.clone())
    }
}

impl SessionKey {
    /// Takes a double-length DES key.
    pub fn new(key: [u8; 16]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key bytes. The name marks every place where they leave this type.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// The application cryptogram over `input` (Book 2 section 8.1.2).
    pub fn mac(&self, input: &[u8], padding: Padding) -> [u8; 8] {
        let mut padded = input.to_vec();
        if padding == Padding::Method2 {
            padded.push(0x80);
        }
        padded.resize(padded.len().next_multiple_of(8), 0x00);
        des3::retail_mac(&self.0, &padded)
    }

    /// ARPC method 1: the ARQC, changed by the response code, enciphered (Book 2 section 8.2.1).
    pub fn arpc_method_1(&self, arqc: [u8; 8], response_code: [u8; 2]) -> [u8; 8] {
        let mut block = arqc;
        block[0] ^= response_code[0];
        block[1] ^= response_code[1];
        des3::encrypt(&self.0, block)
    }

    /// ARPC method 2: four bytes of a MAC over ARQC, card status update and proprietary data
    /// (Book 2 section 8.2.2).
    pub fn arpc_method_2(&self, arqc: [u8; 8], csu: [u8; 4], proprietary: &[u8]) -> [u8; 4] {
        let mac = self.mac(&[&arqc[..], &csu, proprietary].concat(), Padding::Method2);
        [mac[0], mac[1], mac[2], mac[3]]
    }
}

/// Card key, option A: from the rightmost sixteen digits of PAN and sequence number (Book 2 annex A1.4.1).
///
/// # Errors
/// [`IssuerError::CardNumber`].
pub fn derive_card_key_a(issuer: &IssuerMasterKey, pan_digits: &str, psn: u8) -> Result<CardMasterKey, IssuerError> {
    let digits = pan_and_sequence(pan_digits, psn)?;
    Ok(card_key(issuer, rightmost_16(&digits)))
}

/// Card key, option B: as A up to sixteen digits, else from a decimalised SHA-1 (Book 2 annex A1.4.2).
///
/// # Errors
/// [`IssuerError::CardNumber`].
pub fn derive_card_key_b(issuer: &IssuerMasterKey, pan_digits: &str, psn: u8) -> Result<CardMasterKey, IssuerError> {
    if pan_digits.len() <= 16 {
        return derive_card_key_a(issuer, pan_digits, psn);
    }
    let digits = pan_and_sequence(pan_digits, psn)?;
    let even = if digits.len() % 2 == 0 { digits } else { Zeroizing::new([vec![0], digits.to_vec()].concat()) };
    let hash = Sha1::digest(Zeroizing::new(pack(&even)));
    let nibbles: Vec<u8> = hash.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect();
    let decimal = nibbles.iter().filter(|nibble| **nibble < 10);
    let letters = nibbles.iter().filter(|nibble| **nibble >= 10).map(|nibble| nibble - 10);
    let chosen: Vec<u8> = decimal.copied().chain(letters).take(16).collect();
    Ok(card_key(issuer, rightmost_16(&chosen)))
}

/// Session key by the EMV common derivation: `r` is the diversification value (Book 2 annex A1.3.1).
pub fn derive_common_session_key(card: &CardMasterKey, r: [u8; 8]) -> SessionKey {
    let half = |mark: u8| {
        let mut block = r;
        block[2] = mark;
        des3::encrypt(&card.0, block)
    };
    SessionKey(Zeroizing::new(joined(half(0xF0), half(0x0F))))
}

/// Session key of UnionPay and PBOC: ATC and its complement, right-aligned.
pub fn derive_unionpay_session_key(card: &CardMasterKey, atc: u16) -> SessionKey {
    let half = |counter: u16| {
        let mut block = [0; 8];
        block[6..].copy_from_slice(&counter.to_be_bytes());
        des3::encrypt(&card.0, block)
    };
    SessionKey(Zeroizing::new(joined(half(atc), half(!atc))))
}

/// Session key of Visa's scripts for cryptogram versions 10 and 18: the counter and its complement added to the halves.
pub fn derive_visa_script_session_key(card: &CardMasterKey, atc: u16) -> SessionKey {
    let mut key = *card.0;
    for (at, byte) in (6..8).zip(atc.to_be_bytes()).chain((14..16).zip((!atc).to_be_bytes())) {
        key[at] ^= byte;
    }
    SessionKey(Zeroizing::new(key))
}

/// How wide and how high the tree of session keys is (EMV 4.1 Book 2 annex A1.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyTree {
    /// Branch factor 2, height 16.
    TwoBySixteen,
    /// Branch factor 4, height 8.
    FourByEight,
}

/// Session key by the tree of EMV 2000, which the common derivation replaced in 2005 and cards of that time still use
/// (EMV 4.1 Book 2 annex A1.3).
pub fn derive_emv2000_session_key(card: &CardMasterKey, atc: u16, tree: KeyTree, initial: [u8; 16]) -> SessionKey {
    let (branch_bits, height) = match tree {
        KeyTree::TwoBySixteen => (1, 16),
        KeyTree::FourByEight => (2, 8),
    };
    let mut grandparent = Zeroizing::new(initial);
    let mut parent = card.0.clone();
    let mut child = parent.clone();
    for level in 1..=height {
        let digit = u8::try_from((atc >> (branch_bits * (height - level))) & ((1 << branch_bits) - 1));
        child = tree_child(&parent, &grandparent, digit.unwrap_or_default());
        if level < height {
            grandparent = std::mem::replace(&mut parent, child.clone());
        }
    }
    for (byte, other) in child.iter_mut().zip(grandparent.iter()) {
        *byte ^= other;
    }
    SessionKey(child)
}

/// One step down the tree: the function of the annex, of the parent, the grandparent and a digit of the counter.
fn tree_child(parent: &[u8; 16], grandparent: &[u8; 16], digit: u8) -> Zeroizing<[u8; 16]> {
    let half = |from: usize, mark: u8| {
        let mut block: [u8; 8] = grandparent[from..from + 8].try_into().expect("half of a double key is a block");
        block[7] ^= digit ^ mark;
        des3::encrypt(parent, block)
    };
    Zeroizing::new(joined(half(0, 0x00), half(8, 0xF0)))
}

/// PAN digits followed by two digits of sequence number, as numbers.
fn pan_and_sequence(pan_digits: &str, psn: u8) -> Result<Zeroizing<Vec<u8>>, IssuerError> {
    let plausible = (12..=19).contains(&pan_digits.len()) && pan_digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plausible || psn > 99 {
        return Err(IssuerError::CardNumber);
    }
    let mut digits = Zeroizing::new(Vec::with_capacity(21));
    digits.extend(pan_digits.bytes().map(|byte| byte - b'0'));
    digits.extend([psn / 10, psn % 10]);
    Ok(digits)
}

/// The last sixteen digits, packed, with zeros on the left of a shorter number.
fn rightmost_16(digits: &[u8]) -> [u8; 8] {
    let mut sixteen = [0_u8; 16];
    let count = digits.len().min(16);
    sixteen[16 - count..].copy_from_slice(&digits[digits.len() - count..]);
    pack(&sixteen).try_into().expect("sixteen digits are eight bytes")
}

fn pack(digits: &[u8]) -> Vec<u8> {
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// Enciphers Y and its complement, then sets odd parity.
fn card_key(issuer: &IssuerMasterKey, y: [u8; 8]) -> CardMasterKey {
    let left = des3::encrypt(&issuer.0, y);
    let right = des3::encrypt(&issuer.0, y.map(|byte| !byte));
    CardMasterKey(Zeroizing::new(joined(left, right).map(odd_parity)))
}

fn joined(left: [u8; 8], right: [u8; 8]) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&left);
    key[8..].copy_from_slice(&right);
    key
}

fn odd_parity(byte: u8) -> u8 {
    byte ^ u8::from(byte.count_ones().is_multiple_of(2))
}
