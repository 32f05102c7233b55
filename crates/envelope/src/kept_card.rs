//! A card as a vault keeps it: what its chip gave once, bound to the place it is kept in, and no PIN.
//!
//! The cryptogram in it was made for nothing (an amount of zero) and for one place in one vault, by way of the
//! unpredictable number. So it shows the card's bank that the card itself was there when it was enrolled, and is good for
//! no payment. A stripe shows nothing of the kind, and is not kept.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::encoding::{Full, Reader, Writer};
use crate::error::SealError;
use crate::inner::{AID_LEN_MAX, CardData, EntryMode, ICC_DATA_LEN_MAX, NO_PSN, PSN_MAX, is_expiry};
use crate::pan::{PAN_LEN_MAX, Pan};
use crate::secret::wiped_buffer;

/// Longest id of a vault, in bytes.
pub const VAULT_ID_LEN_MAX: usize = 32;
/// The longest card, in bytes.
const KEPT_CARD_LEN_MAX: usize = 7 + 1 + PAN_LEN_MAX + 1 + AID_LEN_MAX + 2 + ICC_DATA_LEN_MAX;
/// First byte of the stored form.
const VERSION: u8 = 1;
/// What the hash of a place begins with.
const PLACE_LABEL: &[u8] = b"tapseal/1 kept card";

/// A card that a vault keeps. Secrets have no `Debug`; so neither has this.
pub struct KeptCard(CardData);

impl KeptCard {
    /// What is kept of a card that was read; its track 2 is dropped.
    ///
    /// # Errors
    /// [`SealError::Malformed`] when no chip gave it, or without a cryptogram.
    pub fn of(mut card: CardData) -> Result<Self, SealError> {
        card.track2 = None;
        let is_chip = matches!(card.entry_mode, EntryMode::ContactChip | EntryMode::ContactlessChip);
        if !is_chip || card.icc_data.is_empty() || card.icc_data.len() > ICC_DATA_LEN_MAX {
            return Err(SealError::Malformed("the chip's data"));
        }
        if !is_expiry(card.expiry_yymm) || card.psn.is_some_and(|psn| psn > PSN_MAX) || card.aid.len() > AID_LEN_MAX {
            return Err(SealError::Malformed("the card"));
        }
        Ok(Self(card))
    }

    /// What the chip gave.
    pub fn card(&self) -> &CardData {
        &self.0
    }

    /// The stored form, for the seal around it.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = wiped_buffer(KEPT_CARD_LEN_MAX);
        let space = bytes.len();
        let left = {
            let mut writer = Writer::new(&mut bytes);
            self.write(&mut writer).expect("every field is within its bound");
            writer.left()
        };
        bytes.truncate(space - left);
        bytes
    }

    /// The counterpart of [`KeptCard::to_bytes`]; none when it is no such card.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let card = Self::read(&mut reader)?;
        reader.finished()?;
        Some(card)
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let card = &self.0;
        writer.put(&[VERSION, card.entry_mode.code(), card.psn.unwrap_or(NO_PSN)])?;
        writer.put(&card.expiry_yymm)?;
        writer.put_short(card.pan.expose_ascii(), PAN_LEN_MAX)?;
        writer.put_short(&card.aid, AID_LEN_MAX)?;
        writer.put_long(&card.icc_data, ICC_DATA_LEN_MAX)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.byte()? != VERSION {
            return None;
        }
        let entry_mode = EntryMode::from_code(reader.byte()?)?;
        let psn = Some(reader.byte()?).filter(|psn| *psn != NO_PSN);
        let expiry_yymm = reader.array()?;
        let pan = Pan::from_ascii(reader.short(PAN_LEN_MAX)?).ok()?;
        let aid = reader.short(AID_LEN_MAX)?.to_vec();
        let icc_data = Zeroizing::new(reader.long(ICC_DATA_LEN_MAX)?.to_vec());
        Self::of(CardData { pan, track2: None, expiry_yymm, psn, aid, entry_mode, icc_data }).ok()
    }
}

/// What a card's cryptogram is made for when it is enrolled: SHA-256 over the vault's id and the place, which stands where
/// a payment has its attempt's hash.
pub fn place_hash(vault_id: &str, entry_id: &[u8; 16]) -> [u8; 32] {
    let length = u8::try_from(vault_id.len()).unwrap_or(u8::MAX);
    let digest = Sha256::new().chain_update(PLACE_LABEL).chain_update([length]).chain_update(vault_id);
    digest.chain_update(entry_id).finalize().into()
}

/// Whether a text may be a vault's id: what a bank's may be.
pub(crate) fn is_vault_id(text: &str) -> bool {
    (1..=VAULT_ID_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A card that fits the type.
    pub(crate) fn card() -> KeptCard {
        let card = CardData {
            pan: Pan::parse("4761340000000050").unwrap(),
            track2: Some(crate::secret::SecretBytes::copy_of(b"4761340000000050=3112")),
            expiry_yymm: *b"3112",
            psn: Some(1),
            aid: vec![0xA0, 0, 0, 0, 3, 0x10, 0x10],
            entry_mode: EntryMode::ContactlessChip,
            icc_data: Zeroizing::new(vec![0x9F, 0x26, 0x01, 0x00]),
        };
        KeptCard::of(card).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_comes_back_without_its_stripe() {
        let bytes = testing::card().to_bytes();
        let back = KeptCard::from_bytes(&bytes).unwrap();
        assert_eq!(back.card().pan.expose_ascii(), b"4761340000000050");
        assert_eq!((back.card().psn, back.card().expiry_yymm), (Some(1), *b"3112"));
        assert!(back.card().track2.is_none());
        assert_eq!(*back.to_bytes(), *bytes);
    }

    #[test]
    fn what_is_no_kept_card_is_refused() {
        let bytes = testing::card().to_bytes();
        for len in 0..bytes.len() {
            assert!(KeptCard::from_bytes(&bytes[..len]).is_none(), "cut to {len}");
        }
        for (at, byte) in [(0, 2), (1, 2), (1, 9), (1, 0), (2, 100), (5, b'x'), (7, 0)] {
            let mut changed = bytes.to_vec();
            changed[at] = byte;
            assert!(KeptCard::from_bytes(&changed).is_none(), "byte {at} = {byte}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(KeptCard::from_bytes(&longer).is_none());
    }

    #[test]
    fn a_place_has_a_hash_of_its_own() {
        let hash = place_hash("card-vault", &[1; 16]);
        assert_ne!(hash, place_hash("card-vault", &[2; 16]));
        assert_ne!(hash, place_hash("card-vaul", &[1; 16]));
        assert_eq!(hash, place_hash("card-vault", &[1; 16]));
    }
}
