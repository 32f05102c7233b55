//! PIN blocks of ISO 9564-1 format 4: AES, bound to the PAN, with random fill.
//!
//! The block is `AES(K, AES(K, PIN field) XOR PAN field)`. A wrong key or a wrong PAN almost always shows as a
//! malformed PIN field; the caller answers a format error for it and does not count a PIN try.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

pub use crate::error::PinBlockError;
pub use crate::pan::Pan;
pub use crate::pin::Pin;
use crate::pin::{PIN_LEN_MAX, PIN_LEN_MIN};
use crate::secret::{SecretArray, fill_random};

/// Length of a block, in bytes: one AES block.
pub const PIN_BLOCK_LEN: usize = 16;
/// The control field of format 4 (ISO 9564-1, section 9.4.2).
const CONTROL: u8 = 4;
/// The fill digit behind the PIN (ISO 9564-1, section 9.4.2).
const FILL: u8 = 0xA;
/// Digits and fill of the PIN field end here; random bytes follow.
const PIN_FIELD_RANDOM_AT: usize = 8;
/// The bounds of a PIN's length, as the field holds it.
#[allow(clippy::cast_possible_truncation, reason = "both are below sixteen")]
const SHORTEST: u8 = PIN_LEN_MIN as u8;
#[allow(clippy::cast_possible_truncation, reason = "both are below sixteen")]
const LONGEST: u8 = PIN_LEN_MAX as u8;
/// PAN digits that the PAN field's length digit does not count (ISO 9564-1, section 9.4.3).
const PAN_DIGITS_UNCOUNTED: usize = 12;

/// An AES key for PIN blocks. Wiped when dropped.
pub enum PinKey {
    /// 128 bits, as AES DUKPT terminals derive them.
    Aes128(PinKey128),
    /// 256 bits, as the inner seal's exporter gives them.
    Aes256(PinKey256),
}

/// A 128-bit PIN key.
pub struct PinKey128(SecretArray<16>);
/// A 256-bit PIN key.
pub struct PinKey256(SecretArray<32>);

impl PinKey {
    /// A key of 16 or 32 bytes; the caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PinBlockError> {
        if let Ok(bytes) = <&[u8; 16]>::try_from(bytes) {
            return Ok(Self::Aes128(PinKey128(SecretArray::copy_of(bytes))));
        }
        <&[u8; 32]>::try_from(bytes)
            .map(|bytes| Self::from_secret(SecretArray::copy_of(bytes)))
            .map_err(|_| PinBlockError::KeyLength)
    }

    pub(crate) fn from_secret(secret: SecretArray<32>) -> Self {
        Self::Aes256(PinKey256(secret))
    }

    fn encrypt(&self, block: &mut [u8; PIN_BLOCK_LEN]) {
        match self {
            Self::Aes128(key) => Aes128::new(key.0.expose().into()).encrypt_block(block.into()),
            Self::Aes256(key) => Aes256::new(key.0.expose().into()).encrypt_block(block.into()),
        }
    }

    fn decrypt(&self, block: &mut [u8; PIN_BLOCK_LEN]) {
        match self {
            Self::Aes128(key) => Aes128::new(key.0.expose().into()).decrypt_block(block.into()),
            Self::Aes256(key) => Aes256::new(key.0.expose().into()).decrypt_block(block.into()),
        }
    }
}

/// A format 4 block under some key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncipheredPinBlock([u8; PIN_BLOCK_LEN]);

impl EncipheredPinBlock {
    /// The block with these bytes.
    pub fn from_bytes(bytes: [u8; PIN_BLOCK_LEN]) -> Self {
        Self(bytes)
    }

    /// The block's bytes.
    pub fn to_bytes(&self) -> [u8; PIN_BLOCK_LEN] {
        self.0
    }
}

/// Enciphers `pin` for `pan` with fresh random fill.
pub fn encipher(key: &PinKey, pin: &Pin, pan: &Pan) -> Result<EncipheredPinBlock, PinBlockError> {
    let mut fill = [0; PIN_BLOCK_LEN - PIN_FIELD_RANDOM_AT];
    fill_random(&mut fill);
    let mut block = Zeroizing::new([0; PIN_BLOCK_LEN]);
    write_pin_field(pin, fill, &mut block)?;
    encipher_field(key, &mut block, pan.expose_ascii());
    Ok(EncipheredPinBlock(*block))
}

/// Deciphers a block made for `pan`.
pub fn decipher(key: &PinKey, block: &EncipheredPinBlock, pan: &Pan) -> Result<Pin, PinBlockError> {
    let mut field = Zeroizing::new(block.0);
    decipher_field(key, &mut field, pan.expose_ascii());
    pin_of_field(&field)
}

// The functions below fill buffers of their caller instead of returning arrays: a returned array is moved, and
// a move can leave a copy of the digits on the stack that nothing wipes.

fn encipher_field(key: &PinKey, block: &mut [u8; PIN_BLOCK_LEN], pan_digits: &[u8]) {
    let mut pan_field = Zeroizing::new([0; PIN_BLOCK_LEN]);
    write_pan_field(pan_digits, &mut pan_field);
    key.encrypt(block);
    xor(block, &pan_field);
    key.encrypt(block);
}

fn decipher_field(key: &PinKey, block: &mut [u8; PIN_BLOCK_LEN], pan_digits: &[u8]) {
    let mut pan_field = Zeroizing::new([0; PIN_BLOCK_LEN]);
    write_pan_field(pan_digits, &mut pan_field);
    key.decrypt(block);
    xor(block, &pan_field);
    key.decrypt(block);
}

fn xor(block: &mut [u8; PIN_BLOCK_LEN], other: &[u8; PIN_BLOCK_LEN]) {
    for (byte, other) in block.iter_mut().zip(other) {
        *byte ^= other;
    }
}

/// `4 ‖ length ‖ digits ‖ A… ‖ 64 random bits` (ISO 9564-1, section 9.4.2).
fn write_pin_field(
    pin: &Pin,
    fill: [u8; PIN_BLOCK_LEN - PIN_FIELD_RANDOM_AT],
    field: &mut [u8; PIN_BLOCK_LEN],
) -> Result<(), PinBlockError> {
    if !pin.is_complete() {
        return Err(PinBlockError::PinTooShort);
    }
    let mut nibbles = Zeroizing::new([FILL; 2 * PIN_FIELD_RANDOM_AT]);
    nibbles[0] = CONTROL;
    nibbles[1] = u8::try_from(pin.len()).expect("a PIN has at most twelve digits");
    for (nibble, digit) in nibbles[2..].iter_mut().zip(pin.expose_ascii()) {
        *nibble = digit - b'0';
    }
    let (digits, random) = field.split_at_mut(PIN_FIELD_RANDOM_AT);
    pack(digits, nibbles.as_slice());
    random.copy_from_slice(&fill);
    Ok(())
}

/// The PIN of a deciphered field: control, length, digits and fill must all be as section 9.4.2 says. Every nibble is
/// looked at before anything is said, without a branch on one, so that the time tells nothing.
fn pin_of_field(field: &[u8; PIN_BLOCK_LEN]) -> Result<Pin, PinBlockError> {
    let mut nibbles = Zeroizing::new([0_u8; 2 * PIN_FIELD_RANDOM_AT]);
    for (pair, byte) in nibbles.chunks_exact_mut(2).zip(field.iter()) {
        pair[0] = byte >> 4;
        pair[1] = byte & 0x0F;
    }
    let len = nibbles[1];
    let mut right = nibbles[0].ct_eq(&CONTROL) & !len.ct_lt(&SHORTEST) & !len.ct_gt(&LONGEST);
    for (at, nibble) in (0_u8..).zip(&nibbles[2..]) {
        let is_digit = nibble.ct_lt(&10);
        let is_fill = nibble.ct_eq(&FILL);
        right &= Choice::conditional_select(&is_fill, &is_digit, at.ct_lt(&len));
    }
    if !bool::from(right) {
        return Err(PinBlockError::Format);
    }
    let mut pin = Pin::new();
    for digit in &nibbles[2..2 + usize::from(len)] {
        pin.push(*digit).map_err(|_| PinBlockError::Format)?;
    }
    Ok(pin)
}

/// `M ‖ digits ‖ 0…`, M being the PAN's length less twelve; a PAN shorter than twelve digits gets leading zeros
/// (ISO 9564-1, section 9.4.3).
fn write_pan_field(digits: &[u8], field: &mut [u8; PIN_BLOCK_LEN]) {
    let leading_zeros = PAN_DIGITS_UNCOUNTED.saturating_sub(digits.len());
    let counted = digits.len().saturating_sub(PAN_DIGITS_UNCOUNTED);
    let mut nibbles = Zeroizing::new([0; 2 * PIN_BLOCK_LEN]);
    nibbles[0] = u8::try_from(counted).expect("a PAN has at most nineteen digits");
    for (nibble, digit) in nibbles[1 + leading_zeros..].iter_mut().zip(digits) {
        *nibble = digit - b'0';
    }
    pack(field.as_mut_slice(), nibbles.as_slice());
}

fn pack(bytes: &mut [u8], nibbles: &[u8]) {
    for (byte, pair) in bytes.iter_mut().zip(nibbles.chunks_exact(2)) {
        *byte = (pair[0] << 4) | pair[1];
    }
}

#[cfg(test)]
mod tests;
