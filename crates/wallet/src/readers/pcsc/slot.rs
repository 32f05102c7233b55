//! What a PC/SC reader takes: its name, its attributes and its card's answer to reset tell contact from contactless.
//!
//! Dual-interface readers show up under two names, such as `… [Dual Reader PICC]` and `… [Dual Reader ICC]`, and many
//! have a third slot inside for a SAM, where no person puts a card.

use emv::Interface;
use pcsc::{Attribute, Card};

use crate::readers::interface_of_atr;

/// What a reader's name says of its slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    /// Cards are inserted.
    Contact,
    /// Cards are held to it.
    Contactless,
    /// For a module inside the reader.
    Inside,
    /// The name does not say.
    Unknown,
}

impl Slot {
    pub(super) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let has =
            |words: &[&str]| name.split(|letter: char| !letter.is_alphanumeric()).any(|word| words.contains(&word));
        let ends_in_cl = name.split_whitespace().any(|word| word.ends_with("-cl") || is_model_with_cl(word));
        if has(&["sam"]) {
            Self::Inside
        } else if has(&["picc", "cl", "contactless", "nfc", "rfid", "paypass"]) || ends_in_cl {
            Self::Contactless
        } else if has(&["icc", "contact"]) {
            Self::Contact
        } else {
            Self::Unknown
        }
    }

    /// How a card in this slot is reached, when only its answer to reset is known.
    pub(super) fn interface(self, atr: &[u8]) -> Interface {
        match self {
            Self::Contactless => Interface::Contactless,
            Self::Contact | Self::Inside => Interface::Contact,
            Self::Unknown => interface_of_atr(atr),
        }
    }
}

/// Model names such as `5422CL`.
fn is_model_with_cl(word: &str) -> bool {
    word.strip_suffix("cl").is_some_and(|model| model.ends_with(|letter: char| letter.is_ascii_digit()))
}

/// How a powered card is reached: the driver knows best, where it says (PC/SC part 3, `SCARD_ATTR_ICC_TYPE_PER_ATR`:
/// 1 and 2 are ISO/IEC 7816-3 cards, 5 to 7 ISO/IEC 14443 and 15693 ones).
pub(super) fn interface_of(card: &Card, slot: Slot, atr: &[u8]) -> Interface {
    let mut value = [0; 8];
    match card.get_attribute(Attribute::IccTypePerAtr, &mut value) {
        Ok([1 | 2, ..]) => Interface::Contact,
        Ok([5..=7, ..]) => Interface::Contactless,
        Ok(_) | Err(_) => slot.interface(atr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_common_readers() {
        for (name, slot) in [
            ("ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00", Slot::Contactless),
            ("ACS ACR1252 Dual Reader [ACR1252 Dual Reader SAM] 00 01", Slot::Inside),
            ("ACS ACR1281 1S Dual Reader 00 00 [ICC]", Slot::Contact),
            ("ACS ACR122U PICC Interface 00 00", Slot::Contactless),
            ("HID Global OMNIKEY 5422CL Smartcard Reader [OMNIKEY 5422CL Smartcard Reader] 01 00", Slot::Contactless),
            ("OMNIKEY CardMan 5x21-CL 0", Slot::Contactless),
            ("Identiv uTrust 4701 F CL Reader [uTrust 4701 F CL Reader] 01 00", Slot::Contactless),
            ("SCM Microsystems Inc. SCR 3310 [CCID Interface] 00 00", Slot::Unknown),
            ("Gemalto PC Twin Reader 00 00", Slot::Unknown),
            ("Virtual PCD 00 00", Slot::Unknown),
        ] {
            assert_eq!(Slot::of(name), slot, "{name}");
        }
    }

    #[test]
    fn an_answer_to_reset_decides_where_the_name_does_not() {
        let contactless = [0x3B, 0x88, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0x09];
        let contact = [0x3B, 0x65, 0x00, 0x00, 0x20, 0x63, 0xCB, 0xA0, 0x00];
        assert_eq!(Slot::Unknown.interface(&contactless), Interface::Contactless);
        assert_eq!(Slot::Unknown.interface(&contact), Interface::Contact);
        assert_eq!(Slot::Contactless.interface(&contact), Interface::Contactless);
    }
}
