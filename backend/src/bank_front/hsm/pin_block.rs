//! PIN blocks of eight bytes: formats 0, 1 and 3 of ISO 9564-1, as they travel under triple DES. Format 4 is
//! `envelope::pin_block`.
//!
//! Every way in which a block can be wrong looks the same from outside: all digits are looked at before anything is
//! said, and there is one error.

use envelope::{Pan, Pin, PinBlockError};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

use super::tdes::{self, BLOCK_LEN};

/// Nibbles of a block.
const NIBBLES: usize = 2 * BLOCK_LEN;
/// Digits of the card number in its field: the rightmost, without the check digit (ISO 9564-1, 9.3.2.3).
const PAN_DIGITS: usize = 12;
/// Fewest digits of a PIN (ISO 9564-1, 8.1).
const PIN_LEN_MIN: u8 = 4;
/// Most digits of a PIN (ISO 9564-1, 8.1).
const PIN_LEN_MAX: u8 = 12;

/// A format of ISO 9564-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFormat {
    /// PIN and card number joined, filled with F.
    Iso0,
    /// The PIN alone: for a card number that is not known yet.
    Iso1,
    /// As format 0, filled with random letters.
    Iso3,
    /// Sixteen bytes under AES.
    Iso4,
}

impl PinFormat {
    /// The format of this number.
    pub fn of_number(number: u8) -> Option<Self> {
        [Self::Iso0, Self::Iso1, Self::Iso3, Self::Iso4].into_iter().find(|format| format.number() == number)
    }

    /// Its number, which is also its control field.
    pub const fn number(self) -> u8 {
        match self {
            Self::Iso0 => 0,
            Self::Iso1 => 1,
            Self::Iso3 => 3,
            Self::Iso4 => 4,
        }
    }
}

/// Enciphers `pin` for `pan` in format 0 or 3.
///
/// # Errors
/// [`PinBlockError::PinTooShort`]; [`PinBlockError::Format`] for another format.
pub(super) fn encipher(
    key: &tdes::Key,
    format: PinFormat,
    pin: &Pin,
    pan: &Pan,
) -> Result<[u8; BLOCK_LEN], PinBlockError> {
    let mut field = Zeroizing::new([0; BLOCK_LEN]);
    write_field(format, pin, pan, &mut field)?;
    let mut block = *field;
    tdes::encipher(key, &mut block);
    Ok(block)
}

/// Deciphers a block of format 0 or 3 made for `pan`; with `stated` it must be of that format.
///
/// # Errors
/// [`PinBlockError::Format`], whatever is wrong.
pub(super) fn decipher(
    key: &tdes::Key,
    block: [u8; BLOCK_LEN],
    pan: &Pan,
    stated: Option<PinFormat>,
) -> Result<Pin, PinBlockError> {
    let mut field = Zeroizing::new(block);
    tdes::decipher(key, &mut field);
    let (format, pin) = read_field(&*field, pan)?;
    if stated.is_some_and(|stated| stated != format) { Err(PinBlockError::Format) } else { Ok(pin) }
}

/// Writes the field that is enciphered.
fn write_field(format: PinFormat, pin: &Pin, pan: &Pan, field: &mut [u8; BLOCK_LEN]) -> Result<(), PinBlockError> {
    if !pin.is_complete() {
        return Err(PinBlockError::PinTooShort);
    }
    let mut nibbles = Zeroizing::new([0xF; NIBBLES]);
    match format {
        PinFormat::Iso0 => {}
        PinFormat::Iso3 => nibbles.iter_mut().for_each(|nibble| *nibble = random_letter()),
        PinFormat::Iso1 | PinFormat::Iso4 => return Err(PinBlockError::Format),
    }
    nibbles[0] = format.number();
    nibbles[1] = u8::try_from(pin.len()).map_err(|_| PinBlockError::Format)?;
    for (nibble, digit) in nibbles[2..].iter_mut().zip(pin.expose_ascii()) {
        *nibble = digit - b'0';
    }
    let pan_nibbles = pan_field(pan)?;
    for (at, byte) in field.iter_mut().enumerate() {
        let (high, low) = (2 * at, 2 * at + 1);
        *byte = (nibbles[high] ^ pan_nibbles[high]) << 4 | (nibbles[low] ^ pan_nibbles[low]);
    }
    Ok(())
}

/// The PIN of a deciphered field, and which format it had.
fn read_field(field: &[u8], pan: &Pan) -> Result<(PinFormat, Pin), PinBlockError> {
    let pan_nibbles = pan_field(pan)?;
    let mut nibbles = Zeroizing::new([0; NIBBLES]);
    for (at, byte) in field.iter().enumerate() {
        nibbles[2 * at] = (byte >> 4) ^ pan_nibbles[2 * at];
        nibbles[2 * at + 1] = (byte & 0x0F) ^ pan_nibbles[2 * at + 1];
    }
    let (control, len) = (nibbles[0], nibbles[1]);
    let is_iso_0 = control.ct_eq(&PinFormat::Iso0.number());
    let is_iso_3 = control.ct_eq(&PinFormat::Iso3.number());
    let mut right = (is_iso_0 | is_iso_3) & !len.ct_lt(&PIN_LEN_MIN) & !len.ct_gt(&PIN_LEN_MAX);
    for (at, nibble) in (0_u8..).zip(&nibbles[2..]) {
        let is_digit = nibble.ct_lt(&10);
        let is_fill = nibble.ct_eq(&0xF) | (is_iso_3 & !is_digit);
        right &= Choice::conditional_select(&is_fill, &is_digit, at.ct_lt(&len));
    }
    if !bool::from(right) {
        return Err(PinBlockError::Format);
    }
    let format = if control == PinFormat::Iso0.number() { PinFormat::Iso0 } else { PinFormat::Iso3 };
    let mut pin = Pin::new();
    for digit in &nibbles[2..2 + usize::from(len)] {
        pin.push(*digit).map_err(|_| PinBlockError::Format)?;
    }
    Ok((format, pin))
}

/// Four zeros and the rightmost twelve digits of the card number, its check digit left out (ISO 9564-1, 9.3.2.3). A
/// number without so many has no such field.
fn pan_field(pan: &Pan) -> Result<Zeroizing<[u8; NIBBLES]>, PinBlockError> {
    let (_check_digit, digits) = pan.expose_ascii().split_last().ok_or(PinBlockError::Format)?;
    let rightmost = digits.last_chunk::<PAN_DIGITS>().ok_or(PinBlockError::Format)?;
    let mut nibbles = Zeroizing::new([0; NIBBLES]);
    for (nibble, digit) in nibbles[NIBBLES - PAN_DIGITS..].iter_mut().zip(rightmost) {
        *nibble = digit - b'0';
    }
    Ok(nibbles)
}

/// A fill nibble of format 3: A to F, each as likely (ISO 9564-1, 9.3.5.2).
fn random_letter() -> u8 {
    loop {
        let mut byte = [0];
        getrandom::fill(&mut byte).expect("the operating system has randomness");
        if byte[0] & 0x07 < 6 {
            return 0xA + (byte[0] & 0x07);
        }
    }
}

#[cfg(test)]
mod tests;
