//! A card as a vault keeps it: what is read is written back byte for byte, and is a chip's.

use envelope::KeptCard;
use envelope::inner::EntryMode;

/// A stored card, as a vault's database or a wallet might give it.
pub fn check(bytes: &[u8]) {
    let Some(kept) = KeptCard::from_bytes(bytes) else { return };
    assert_eq!(*kept.to_bytes(), bytes, "there are two ways to write one card");
    let card = kept.card();
    assert!(matches!(card.entry_mode, EntryMode::ContactChip | EntryMode::ContactlessChip), "a stripe was kept");
    assert!(!card.icc_data.is_empty() && card.track2.is_none(), "no cryptogram, or a stripe beside it");
}
