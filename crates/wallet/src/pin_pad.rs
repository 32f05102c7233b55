//! The PIN pad: the window presses positions, and only this side knows which digit is where.
//!
//! The digits are collected in one place that is wiped. They are in no log, no error and no answer.

mod digits;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::Pin;
use protocol::ErrorCode;
use protocol::ipc::{PinEntryView, PinKeyView, PinLayout, PinPadView};
use zeroize::Zeroize;

use crate::error::{Result, WalletError};

/// How many keys there are.
const KEYS: usize = 10;
/// Fewest digits of a PIN (ISO 9564-1 section 8.1).
const DIGITS_MIN: u8 = 4;
/// Most digits of a PIN (ISO 9564-1 section 8.1).
const DIGITS_MAX: u8 = 12;
/// The usual order: three rows of three, then the zero alone.
const STANDARD_ORDER: [u8; KEYS] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];

/// A pad and what was entered on it.
pub struct PinPad {
    layout: PinLayout,
    /// The digit at each position.
    digit_at: [u8; KEYS],
    pin: Pin,
    digits_max: u8,
}

impl PinPad {
    /// A fresh pad with nothing entered; the operating system's generator shuffles it.
    pub fn new(layout: PinLayout) -> Self {
        let digit_at = match layout {
            PinLayout::Standard => STANDARD_ORDER,
            PinLayout::Scrambled => shuffled(),
        };
        Self { layout, digit_at, pin: Pin::new(), digits_max: DIGITS_MAX }
    }

    /// The same for PINs of fewer digits.
    #[must_use]
    pub fn digits_max(mut self, digits_max: u8) -> Self {
        self.digits_max = digits_max.min(DIGITS_MAX);
        self
    }

    /// The pad as the window draws it.
    pub fn view(&self) -> PinPadView {
        let key = |position: u8| {
            let digit = self.digit_at[usize::from(position)];
            match self.layout {
                PinLayout::Scrambled => PinKeyView { position, image: Some(image(digit)), label: None },
                PinLayout::Standard => PinKeyView { position, image: None, label: Some(digit.to_string()) },
            }
        };
        let keys = (0..).take(KEYS).map(key).collect();
        PinPadView { layout: self.layout, keys, digits_min: DIGITS_MIN, digits_max: self.digits_max }
    }

    /// Presses a key. A digit too many is not taken.
    pub fn press(&mut self, position: u8) -> Result<PinEntryView> {
        let digit = self.digit_at.get(usize::from(position)).ok_or(WalletError::Code(ErrorCode::InvalidInput))?;
        if self.pin.len() >= usize::from(self.digits_max) {
            return Err(WalletError::Code(ErrorCode::PinLength));
        }
        self.pin.push(*digit).map_err(|_| WalletError::Code(ErrorCode::PinLength))?;
        Ok(self.entry())
    }

    /// Takes the last digit back, if there is one.
    pub fn erase(&mut self) -> PinEntryView {
        self.pin.pop();
        self.entry()
    }

    /// The whole PIN; the pad is empty afterwards.
    pub fn take(&mut self) -> Result<Pin> {
        if !self.pin.is_complete() {
            return Err(WalletError::Code(ErrorCode::PinLength));
        }
        Ok(std::mem::replace(&mut self.pin, Pin::new()))
    }

    fn entry(&self) -> PinEntryView {
        let filled = u8::try_from(self.pin.len()).unwrap_or(DIGITS_MAX);
        PinEntryView { filled, complete: self.pin.is_complete() }
    }
}

impl Drop for PinPad {
    fn drop(&mut self) {
        self.digit_at.zeroize();
    }
}

fn image(digit: u8) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(digits::png(digit, random_byte)))
}

/// A uniform permutation (Fisher and Yates), from the operating system's generator.
fn shuffled() -> [u8; KEYS] {
    let mut digits = STANDARD_ORDER;
    for last in (1..KEYS).rev() {
        digits.swap(last, below(last + 1));
    }
    digits
}

/// A uniform number below `bound`: bytes that would favour small numbers are drawn again.
fn below(bound: usize) -> usize {
    let fair = 256 - 256 % bound;
    loop {
        let drawn = usize::from(random_byte());
        if drawn < fair {
            return drawn % bound;
        }
    }
}

fn random_byte() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).expect("the operating system's random generator answers");
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffled_pad_holds_every_digit_once_and_says_none() {
        for _ in 0..50 {
            let pad = PinPad::new(PinLayout::Scrambled);
            let mut digits = pad.digit_at;
            digits.sort_unstable();
            assert_eq!(digits, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
        let view = PinPad::new(PinLayout::Scrambled).view();
        assert!(view.keys.iter().all(|key| key.label.is_none() && key.image.is_some()));
    }

    #[test]
    fn shuffling_is_fair_enough() {
        const ROUNDS: usize = 10_000;
        let mut zero_at = [0_usize; KEYS];
        for _ in 0..ROUNDS {
            let pad = shuffled();
            zero_at[pad.iter().position(|digit| *digit == 0).unwrap()] += 1;
        }
        // Expected 1,000 each, standard deviation 30: eight deviations do not happen by chance.
        assert!(zero_at.iter().all(|count| (760..1240).contains(count)), "{zero_at:?}");
    }

    #[test]
    fn the_same_digit_is_never_drawn_twice_alike() {
        let pads: Vec<PinPadView> = (0..2).map(|_| PinPad::new(PinLayout::Scrambled).view()).collect();
        let images: Vec<&String> = pads.iter().flat_map(|pad| &pad.keys).filter_map(|key| key.image.as_ref()).collect();
        let distinct: std::collections::HashSet<_> = images.iter().collect();
        assert_eq!(distinct.len(), images.len(), "equal images would tell equal digits");
    }

    #[test]
    fn positions_become_the_pin() {
        let mut pad = PinPad::new(PinLayout::Scrambled);
        let position_of = |pad: &PinPad, digit: u8| {
            u8::try_from(pad.digit_at.iter().position(|other| *other == digit).unwrap()).unwrap()
        };
        for digit in [4, 7, 1] {
            let position = position_of(&pad, digit);
            assert!(!pad.press(position).unwrap().complete);
        }
        assert!(pad.take().is_err(), "three digits are no PIN");
        let nine = position_of(&pad, 9);
        assert_eq!(pad.press(nine).unwrap(), PinEntryView { filled: 4, complete: true });
        assert_eq!(pad.erase(), PinEntryView { filled: 3, complete: false });
        pad.press(nine).unwrap();
        assert_eq!(pad.take().unwrap().expose_ascii(), b"4719");
        assert!(pad.take().is_err(), "taken once");
        assert!(pad.press(10).is_err());
    }

    #[test]
    fn a_digit_too_many_is_refused() {
        for (mut pad, digits_max) in
            [(PinPad::new(PinLayout::Standard), 12), (PinPad::new(PinLayout::Scrambled).digits_max(8), 8)]
        {
            assert_eq!(pad.view().digits_max, digits_max);
            for _ in 0..digits_max {
                pad.press(0).unwrap();
            }
            assert!(pad.press(0).is_err());
            assert_eq!(pad.take().unwrap().len(), usize::from(digits_max));
        }
    }

    #[test]
    fn the_standard_pad_is_labelled_in_reading_order() {
        let view = PinPad::new(PinLayout::Standard).view();
        let labels: String = view.keys.iter().filter_map(|key| key.label.clone()).collect();
        assert_eq!(labels, "1234567890");
        assert!(view.keys.iter().all(|key| key.image.is_none()));
    }
}
