//! Track 2 equivalent data (tag 57; ISO/IEC 7813), a secret like the PAN inside it.

use zeroize::Zeroizing;

use crate::card_number::{CardNumber, DIGITS_MAX};
use crate::stripe::expiry_of;

/// Longest Track 2: 37 characters in 19 bytes (Book 3 annex A).
const BYTES_MAX: usize = 19;

/// The same as characters of a stripe, without sentinels and LRC.
const CHARACTERS_MAX: usize = 37;

/// PAN, expiry, service code and discretionary data, with D as separator and the padding taken off.
pub struct Track2 {
    text: Zeroizing<String>,
    pan_digits: usize,
}

impl Track2 {
    /// Reads the packed form of tag 57 or 9F6B.
    pub fn parse(value: &[u8]) -> Option<Self> {
        if value.is_empty() || value.len() > 2 * BYTES_MAX {
            return None;
        }
        let mut text = Zeroizing::new(String::with_capacity(4 * BYTES_MAX));
        for byte in value {
            for nibble in [byte >> 4, byte & 0x0F] {
                text.push(char::from_digit(u32::from(nibble), 16)?.to_ascii_uppercase());
            }
        }
        if text.ends_with('F') {
            text.pop();
        }
        Self::from_text(text)
    }

    /// Reads the characters between the sentinels of a stripe, with `=` as separator.
    pub(crate) fn from_stripe(characters: &str) -> Option<Self> {
        let is_track2 = characters.len() <= CHARACTERS_MAX
            && characters.bytes().all(|byte| byte.is_ascii_digit() || byte == b'=')
            && characters.bytes().filter(|byte| *byte == b'=').count() == 1;
        if !is_track2 {
            return None;
        }
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS_MAX));
        text.extend(characters.chars().map(|letter| if letter == '=' { 'D' } else { letter }));
        Self::from_text(text)
    }

    fn from_text(text: Zeroizing<String>) -> Option<Self> {
        let pan_digits = text.find('D').filter(|digits| (1..=DIGITS_MAX).contains(digits))?;
        // Published transcripts blank the expiry too, so it is checked where it is asked for.
        text.get(pan_digits + 1..pan_digits + 5)?;
        CardNumber::from_digits(&text[..pan_digits])?;
        Some(Self { text, pan_digits })
    }

    /// The PAN in front of the separator.
    pub fn card_number(&self) -> CardNumber {
        CardNumber::from_digits(&self.text[..self.pan_digits]).expect("parse checked the number")
    }

    /// Expiry, ASCII digits YYMM; `None` when it is no date.
    pub fn expiry_yymm(&self) -> Option<[u8; 4]> {
        expiry_of(self.text.get(self.pan_digits + 1..self.pan_digits + 5)?)
    }

    /// Service code, when there is one.
    pub fn service_code(&self) -> Option<&str> {
        let code = self.text.get(self.pan_digits + 5..self.pan_digits + 8)?;
        code.bytes().all(|byte| byte.is_ascii_digit()).then_some(code)
    }

    /// All of it with D as separator. The name marks every place where it leaves this type.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Masked number, separator, expiry; the discretionary data as `*`.
    pub fn masked(&self) -> String {
        let after = self.pan_digits + 5;
        let hidden = "*".repeat(self.text.len() - after);
        format!("{}{}{hidden}", self.card_number().masked(), &self.text[self.pan_digits..after])
    }
}
