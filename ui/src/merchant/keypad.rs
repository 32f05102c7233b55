//! An amount typed as on a cash register: every digit is a minor unit more, and nothing is ever rounded.

use payment::{AMOUNT_MINOR_MAX, Amount, Currency};

/// A key of the pad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadKey {
    /// 0 to 9.
    Digit(u8),
    /// Two zeros at once.
    DoubleZero,
    /// Takes the last digit back.
    Erase,
    /// Takes all of them back.
    Clear,
}

impl PadKey {
    /// The key a keyboard's key stands for.
    pub fn typed(key: &str) -> Option<Self> {
        match key {
            "Backspace" => Some(Self::Erase),
            "Delete" => Some(Self::Clear),
            _ => match key.as_bytes() {
                [digit] if digit.is_ascii_digit() => Some(Self::Digit(digit - b'0')),
                _ => None,
            },
        }
    }
}

/// What was typed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountEntry(i64);

impl AmountEntry {
    /// Nothing yet.
    pub const EMPTY: Self = Self(0);

    /// After one more key. A digit that would exceed what an order may ask for is not taken.
    pub fn press(self, key: PadKey) -> Self {
        match key {
            PadKey::Digit(digit) => self.append(10, i64::from(digit)),
            PadKey::DoubleZero => self.append(100, 0),
            PadKey::Erase => Self(self.0 / 10),
            PadKey::Clear => Self::EMPTY,
        }
    }

    fn append(self, shift: i64, digit: i64) -> Self {
        let longer = self.0.checked_mul(shift).and_then(|minor| minor.checked_add(digit));
        longer.filter(|minor| *minor <= AMOUNT_MINOR_MAX).map_or(self, Self)
    }

    /// The amount it is in a currency.
    pub const fn amount(self, currency: Currency) -> Amount {
        Amount::new(self.0, currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> AmountEntry {
        keys.chars().fold(AmountEntry::EMPTY, |entry, key| {
            let key = if key == 'd' { PadKey::DoubleZero } else { PadKey::typed(&key.to_string()).unwrap() };
            entry.press(key)
        })
    }

    fn written(keys: &str, currency: &str) -> String {
        typed(keys).amount(currency.parse().unwrap()).to_decimal()
    }

    #[test]
    fn digits_are_minor_units_of_their_currency() {
        assert_eq!(written("1280", "USD"), "12.80");
        assert_eq!(written("5", "USD"), "0.05");
        assert_eq!(written("500", "JPY"), "500");
        assert_eq!(written("1234", "KWD"), "1.234");
        assert_eq!(written("12d", "USD"), "12.00");
        assert_eq!(written("", "KWD"), "0.000");
    }

    #[test]
    fn leading_zeros_are_nothing() {
        assert_eq!(typed("000d"), AmountEntry::EMPTY);
        assert_eq!(typed("0012"), typed("12"));
    }

    #[test]
    fn digits_are_taken_back_one_by_one_or_all_at_once() {
        assert_eq!(typed("1285").press(PadKey::Erase), typed("128"));
        assert_eq!(AmountEntry::EMPTY.press(PadKey::Erase), AmountEntry::EMPTY);
        assert_eq!(typed("1285").press(PadKey::Clear), AmountEntry::EMPTY);
    }

    #[test]
    fn what_no_order_may_ask_for_cannot_be_typed() {
        let most = typed("999999999999");
        assert_eq!(most.0, AMOUNT_MINOR_MAX);
        for key in [PadKey::Digit(0), PadKey::Digit(9), PadKey::DoubleZero] {
            assert_eq!(most.press(key), most, "{key:?}");
        }
        assert_eq!(typed("12345678901").press(PadKey::DoubleZero), typed("12345678901"), "half a key is no key");
    }

    #[test]
    fn only_digits_and_erasing_are_keys() {
        assert_eq!(PadKey::typed("7"), Some(PadKey::Digit(7)));
        assert_eq!(PadKey::typed("Backspace"), Some(PadKey::Erase));
        for other in ["", ".", "-", "Enter", "F1", "七", "12"] {
            assert_eq!(PadKey::typed(other), None, "{other}");
        }
    }
}
