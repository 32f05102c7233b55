//! Values by which an issuer knows its stripes: the fixed one of a real stripe and of a chip's image of it (CVV, iCVV),
//! and the dynamic one of a stripe that a card only emulates over the air (CVC3; Book C-2, M/Chip).

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use crate::issuer::des3;
use crate::issuer::keys::CardMasterKey;
use crate::issuer::version::Padding;

/// Service code that stands in for a chip's own when iCVV is made, so that a chip's data makes no stripe.
pub const CHIP_IMAGE_SERVICE_CODE: &str = "999";

/// Digits of number, expiry and service code that are enciphered, with zeros behind them.
const COVERED_DIGITS: usize = 32;

/// An issuer's key for the values on its stripes (CVK, both halves).
pub struct VerificationKey(Zeroizing<[u8; 16]>);

impl VerificationKey {
    /// Takes a pair of DES keys.
    pub fn new(key: [u8; 16]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The three digits over a card number, its expiry as it is on the stripe, and its service code: CVV, CVC 1, or
    /// with [`CHIP_IMAGE_SERVICE_CODE`] iCVV (IBM z/OS ICSF Application Programmer's Guide, "Card verification value").
    /// `None` when these are no digits or too many.
    pub fn value(&self, pan_digits: &str, expiry_digits: &str, service_code: &str) -> Option<[u8; 3]> {
        let digits = Zeroizing::new([pan_digits, expiry_digits, service_code].concat());
        let usable = digits.len() <= COVERED_DIGITS
            && expiry_digits.len() == 4
            && service_code.len() == 3
            && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !usable {
            return None;
        }
        let mut packed = Zeroizing::new([0_u8; COVERED_DIGITS / 2]);
        for (at, digit) in digits.bytes().enumerate() {
            packed[at / 2] |= (digit - b'0') << if at % 2 == 0 { 4 } else { 0 };
        }
        let [first, second] = packed.as_chunks::<8>().0 else { return None };
        let mut block = (*first).into();
        Des::new_from_slice(&self.0[..8]).ok()?.encrypt_block(&mut block);
        let mut block: [u8; 8] = block.into();
        for (byte, other) in block.iter_mut().zip(second) {
            *byte ^= other;
        }
        let nibbles: Vec<u8> = des3::encrypt(&self.0, block).iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect();
        // Digits first, then letters less ten.
        let digits = nibbles.iter().filter(|nibble| **nibble < 10).copied();
        let letters = nibbles.iter().filter(|nibble| **nibble >= 10).map(|nibble| nibble - 10);
        let mut chosen = digits.chain(letters).map(|digit| b'0' + digit);
        Some([chosen.next()?, chosen.next()?, chosen.next()?])
    }
}

/// CVC3 over a track: the number of which a track carries the last digits. `track` is Track 2 data packed, or Track 1
/// data in ASCII, with the places for counter, number and code still empty.
pub fn dynamic_verification_code(card: &CardMasterKey, track: &[u8], atc: u16, unpredictable_number: [u8; 4]) -> u16 {
    let mac = Zeroizing::new(card.without_session().mac(track, Padding::Method2));
    let atc = atc.to_be_bytes();
    let mut block = [0; 8];
    block[..2].copy_from_slice(&mac[6..]);
    block[2..6].copy_from_slice(&unpredictable_number);
    block[6..].copy_from_slice(&atc);
    let [.., high, low] = des3::encrypt(card.expose(), block);
    u16::from_be_bytes([high, low])
}
