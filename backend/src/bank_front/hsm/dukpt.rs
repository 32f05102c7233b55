//! Derived unique key per transaction: every PIN block of a terminal under a key of its own, which the bank derives
//! from one base derivation key and the terminal's key serial number (KSN).
//!
//! No maintained library has both methods, and a PIN key is this module's own business, so they are written here and
//! held against the standards' own examples.

use zeroize::Zeroizing;

mod aes;
mod tdes;

pub(super) use self::aes::AesBase;
pub(super) use self::tdes::TdesBase;

/// A terminal's key serial number: whose key it is, and how often it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ksn {
    /// Ten bytes: 59 bits of device, 21 bits of counter (ANSI X9.24-1).
    Tdes([u8; 10]),
    /// Twelve bytes: 8 of initial key, 4 of counter (ANSI X9.24-3).
    Aes([u8; 12]),
}

impl Ksn {
    /// Reads 20 or 24 hexadecimal digits. A counter of zero, or with more bits set than the method uses, belongs to no
    /// payment.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        let ksn = match bytes.len() {
            10 => Self::Tdes(bytes.try_into().ok()?),
            12 => Self::Aes(bytes.try_into().ok()?),
            _ => return None,
        };
        let bits_max = match ksn {
            Self::Tdes(_) => tdes::COUNTER_ONES_MAX,
            Self::Aes(_) => aes::COUNTER_ONES_MAX,
        };
        (1..=bits_max).contains(&ksn.counter().count_ones()).then_some(ksn)
    }

    /// How often the terminal has used its key.
    pub(super) fn counter(&self) -> u32 {
        match self {
            Self::Tdes([.., high, middle, low]) => u32::from_be_bytes([0, *high, *middle, *low]) & tdes::COUNTER_BITS,
            Self::Aes([.., a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]),
        }
    }

    /// The serial number without its counter: the terminal.
    pub(super) fn terminal(&self) -> Terminal {
        match self {
            Self::Tdes(ksn) => {
                let mut terminal = *ksn;
                let [.., high, middle, low] = &mut terminal;
                (*high, *middle, *low) = (*high & 0xE0, 0, 0);
                Terminal::Tdes(terminal)
            }
            Self::Aes(ksn) => {
                let mut id = [0; 8];
                id.copy_from_slice(&ksn[..8]);
                Terminal::Aes(id)
            }
        }
    }
}

/// A terminal, by the serial number of its first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Terminal {
    /// Ten bytes, counter zero.
    Tdes([u8; 10]),
    /// Eight bytes.
    Aes([u8; 8]),
}

/// A working key of a terminal for one PIN.
pub(super) type TdesPinKey = Zeroizing<[u8; 16]>;

#[cfg(test)]
mod tests;
