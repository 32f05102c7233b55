//! The PIN of an ordinary client's message: DE 52 under a key shared with its acquirer, as DE 53 says.

use envelope::{Pan, Pin};

use super::Hsm;
use super::pin_block::{self, PinFormat};

/// A PIN block and what tells how to read it.
pub struct ClearPin<'a> {
    /// DE 52: eight bytes, or sixteen for format 4.
    pub block: &'a [u8],
    /// DE 53; see [`Control`].
    pub control: Option<&'a str>,
}

/// Why a PIN block gave no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PinFault {
    /// The block is not one for this card under the acquirer's key, or there is no such key: nothing more is told.
    Malformed,
    /// DE 53 cannot be read.
    Control,
}

/// What DE 53 says. Absent, it is the zone's key, and the block's length tells whether the format is 4.
///
/// Sixteen digits: `20` (zone encryption), the algorithm (`01` triple DES, `02` AES), the number of the format of
/// ISO 9564-1 (`00`, `03`, `04`), the index of the key (`01`), and eight zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    /// The acquirer's working key, and the format if it is told.
    Zone(Option<PinFormat>),
}

impl Control {
    fn parse(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(Self::Zone(None)) };
        let format = match text.strip_prefix("20")?.strip_suffix("0100000000")? {
            "0100" => PinFormat::Iso0,
            "0103" => PinFormat::Iso3,
            "0204" => PinFormat::Iso4,
            _ => return None,
        };
        Some(Self::Zone(Some(format)))
    }
}

impl Hsm {
    /// The PIN in a block that came beside this card number.
    pub(super) fn decipher_clear(&self, acquirer: &str, pin: &ClearPin<'_>, pan: &Pan) -> Result<Pin, PinFault> {
        let Control::Zone(format) = Control::parse(pin.control).ok_or(PinFault::Control)?;
        let zone = self.zone(acquirer).ok_or(PinFault::Malformed)?;
        let block = pin.block.try_into().map_err(|_| PinFault::Malformed)?;
        let open = |key: &[u8; 16]| pin_block::decipher(key, block, pan, format).ok();
        zone.pin.try_each(open).ok_or(PinFault::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_control_says_how_a_block_is_read() {
        assert_eq!(Control::parse(None), Some(Control::Zone(None)));
        assert_eq!(Control::parse(Some("2001000100000000")), Some(Control::Zone(Some(PinFormat::Iso0))));
        assert_eq!(Control::parse(Some("2001030100000000")), Some(Control::Zone(Some(PinFormat::Iso3))));
        assert_eq!(Control::parse(Some("2002040100000000")), Some(Control::Zone(Some(PinFormat::Iso4))));
        for wrong in ["", "2001010100000000", "2001040100000000", "2001000200000000", "1001000100000000", "20010001"] {
            assert_eq!(Control::parse(Some(wrong)), None, "{wrong}");
        }
    }
}
