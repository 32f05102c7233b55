//! The dynamic code of a stripe that a card only emulates over the air: CVC3 (Book C-2; M/Chip).

use zeroize::Zeroizing;

use crate::issuer::des3;
use crate::issuer::keys::CardMasterKey;
use crate::issuer::version::Padding;

/// CVC3 over a track: the number of which a track carries the last digits. `track` is Track 2 data packed, or Track 1
/// data in ASCII, with the places for counter, number and code still empty.
pub fn dynamic_verification_code(card: &CardMasterKey, track: &[u8], atc: u16, unpredictable_number: [u8; 4]) -> u16 {
    let mac = Zeroizing::new(card.without_session().mac(track, Padding::Method2));
    let atc = atc.to_be_bytes();
    let mut block = [0; 8];
    block[..2].copy_from_slice(&mac[6..]);
    block[2..6].copy_from_slice(&unpredictable_number);
    block[6..].copy_from_slice(&atc);
    let [.., high, low] = des3::encrypt(card.expose(), block);
    u16::from_be_bytes([high, low])
}
