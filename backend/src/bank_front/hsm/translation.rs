//! PIN translation: from the key and format a PIN came under to those of the system that shall verify it, without the
//! PIN ever leaving the module.
//!
//! PCI PIN requirement 3-3 says which translations there may be: between formats 0, 3 and 4 for the same card number,
//! and never to format 1, which would part the PIN from its card. A block for another number is refused, since whoever
//! may change the number can search for the PIN.

use envelope::inner::{self, Verification};
use envelope::pin_block::{self as format_4, PinKey};
use envelope::{Capsule, Pan, Pin};
use subtle::ConstantTimeEq;

use super::clear_pin::{ClearPin, PinFault};
use super::pin_block::{self, PinFormat};
use super::zone::Zone;
use super::{Hsm, Presentation};

/// Where a PIN comes from.
pub enum PinSource<'a> {
    /// A capsule: format 4 under a key of the seal itself.
    Capsule(&'a Presentation<'a>),
    /// A message of an acquirer, for this card number.
    Clear {
        /// DE 32.
        acquirer: &'a str,
        /// DE 52 and 53.
        pin: ClearPin<'a>,
        /// DE 2.
        pan: &'a Pan,
    },
}

/// Where it goes.
pub struct PinDestination<'a> {
    /// Whose working key it goes under.
    pub acquirer: &'a str,
    /// In which format.
    pub format: PinFormat,
    /// For which card number: the one it came for.
    pub pan: &'a Pan,
}

/// Why a PIN is not translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TranslationRefused {
    /// There is no such translation (PCI PIN requirement 3-3).
    #[error("a PIN may not be translated like this")]
    Forbidden,
    /// The capsule does not open, or holds no PIN.
    #[error("the capsule gives no PIN")]
    Capsule,
    /// The block is not one for this card number.
    #[error("the PIN block is malformed")]
    Block,
    /// No key for this format is shared with the destination.
    #[error("no key for this format is shared with the destination")]
    NoKey,
}

impl Hsm {
    /// Translates a PIN block.
    ///
    /// # Errors
    /// [`TranslationRefused`].
    pub fn translate_pin(
        &self,
        source: &PinSource<'_>,
        to: &PinDestination<'_>,
    ) -> Result<Vec<u8>, TranslationRefused> {
        if to.format == PinFormat::Iso1 {
            return Err(TranslationRefused::Forbidden);
        }
        let pin = match source {
            PinSource::Capsule(presentation) => self.sealed_pin(presentation, to.pan)?,
            PinSource::Clear { acquirer, pin, pan } => {
                same_number(pan, to.pan)?;
                self.decipher_clear(acquirer, pin, pan).map_err(|fault| match fault {
                    PinFault::Malformed | PinFault::Replayed | PinFault::Control => TranslationRefused::Block,
                })?
            }
        };
        let zone = self.zone(to.acquirer).ok_or(TranslationRefused::NoKey)?;
        under_zone_key(zone, &pin, to)
    }

    /// The PIN of a capsule, whose card must be the one with this number.
    fn sealed_pin(&self, presentation: &Presentation<'_>, pan: &Pan) -> Result<Pin, TranslationRefused> {
        let refused = TranslationRefused::Capsule;
        let capsule = Capsule::from_bytes(presentation.capsule).map_err(|_| refused)?;
        let epoch = self.epoch(&capsule.kid, presentation.now_ms).ok_or(refused)?;
        let opened = inner::open(&epoch.secret, presentation.attempt_hash.as_bytes(), &capsule).map_err(|_| refused)?;
        same_number(&opened.card.pan, pan)?;
        match &opened.verification {
            Verification::Pin(pin) => pin.decipher(&opened.card.pan).map_err(|_| TranslationRefused::Block),
            Verification::Device => Err(refused),
        }
    }
}

fn under_zone_key(zone: &Zone, pin: &Pin, to: &PinDestination<'_>) -> Result<Vec<u8>, TranslationRefused> {
    let no_key = TranslationRefused::NoKey;
    let block = match to.format {
        PinFormat::Iso0 | PinFormat::Iso3 => {
            let key = zone.pin.current().ok_or(no_key)?;
            pin_block::encipher(&key, to.format, pin, to.pan).map(|block| block.to_vec())
        }
        PinFormat::Iso4 => {
            let key = PinKey::from_bytes(&*zone.pin_aes.current().ok_or(no_key)?).map_err(|_| no_key)?;
            format_4::encipher(&key, pin, to.pan).map(|block| block.to_bytes().to_vec())
        }
        PinFormat::Iso1 => return Err(TranslationRefused::Forbidden),
    };
    block.map_err(|_| TranslationRefused::Block)
}

fn same_number(came: &Pan, goes: &Pan) -> Result<(), TranslationRefused> {
    if came.ct_eq(goes).into() { Ok(()) } else { Err(TranslationRefused::Forbidden) }
}

#[cfg(test)]
mod tests;
