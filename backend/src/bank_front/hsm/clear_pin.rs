//! The PIN of an ordinary client's message: DE 52 under a key shared with its acquirer, as DE 53 says.

use envelope::pin_block::{self as format_4, EncipheredPinBlock, PinKey};
use envelope::{Pan, Pin};

use super::Hsm;
use super::dukpt::Ksn;
use super::pin_block::{self, PinFormat};
use super::terminals::Turn;
use super::zone::Zone;

/// Digits of DE 53 when it names a working key (ISO 8583:1987).
const ZONE_CONTROL_LEN: usize = 16;

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
    /// The terminal's counter did not rise.
    Replayed,
    /// DE 53 cannot be read.
    Control,
}

/// What DE 53 says. Absent, it is the zone's key, and the block's length tells whether the format is 4.
///
/// Sixteen digits: `20` (zone encryption), the algorithm (`01` triple DES, `02` AES), the number of the format of
/// ISO 9564-1 (`00`, `03`, `04`), the index of the key (`01`), and eight zeros. Twenty or twenty-four hexadecimal digits:
/// a key serial number of triple DES or AES DUKPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    /// The acquirer's working key, and the format if it is told.
    Zone(Option<PinFormat>),
    /// A terminal's own key.
    Terminal(Ksn),
}

impl Control {
    fn parse(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(Self::Zone(None)) };
        if text.len() != ZONE_CONTROL_LEN {
            return Ksn::parse(text).map(Self::Terminal);
        }
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
        let control = Control::parse(pin.control).ok_or(PinFault::Control)?;
        let zone = self.zone(acquirer).ok_or(PinFault::Malformed)?;
        match control {
            Control::Zone(format) => under_zone_key(zone, pin.block, format, pan).ok_or(PinFault::Malformed),
            Control::Terminal(ksn) => {
                let found = under_terminal_key(zone, pin.block, ksn, pan).ok_or(PinFault::Malformed)?;
                match zone.terminals.take(ksn) {
                    Turn::Taken => Ok(found),
                    Turn::Replayed => Err(PinFault::Replayed),
                    Turn::TooMany => Err(PinFault::Malformed),
                }
            }
        }
    }
}

fn under_zone_key(zone: &Zone, block: &[u8], format: Option<PinFormat>, pan: &Pan) -> Option<Pin> {
    if let Ok(block) = block.try_into() {
        return zone.pin.try_each(|key| pin_block::decipher(key, block, pan, format).ok());
    }
    // Sixteen bytes are format 4, and nothing else.
    let block = EncipheredPinBlock::from_bytes(block.try_into().ok()?);
    if format.is_some_and(|format| format != PinFormat::Iso4) {
        return None;
    }
    zone.pin_aes.try_each(|key| format_4::decipher(&PinKey::from_bytes(key).ok()?, &block, pan).ok())
}

fn under_terminal_key(zone: &Zone, block: &[u8], ksn: Ksn, pan: &Pan) -> Option<Pin> {
    match ksn {
        Ksn::Tdes(ksn) => {
            let key = zone.base.as_ref()?.pin_key(&ksn);
            pin_block::decipher(&key, block.try_into().ok()?, pan, None).ok()
        }
        Ksn::Aes(ksn) => {
            let key = zone.base_aes.as_ref()?.pin_key(&ksn)?;
            format_4::decipher(&key, &EncipheredPinBlock::from_bytes(block.try_into().ok()?), pan).ok()
        }
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
        let ksn = "FFFF9876543210E00001";
        assert_eq!(Control::parse(Some(ksn)), Some(Control::Terminal(Ksn::parse(ksn).unwrap())));
        for wrong in ["", "2001010100000000", "2001040100000000", "2001000200000000", "1001000100000000", "20010001"] {
            assert_eq!(Control::parse(Some(wrong)), None, "{wrong}");
        }
    }
}
